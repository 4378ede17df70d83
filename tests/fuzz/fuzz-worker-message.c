// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * What tilld hears from a card-worker in the hands of a card, against the real engine and a journal. The first byte of
 * the input chooses the terminal; then come steps: what the worker says, true of this transaction but for some bytes,
 * or any bytes at all; what the acquirer answers; what people do; time that passes. Whatever comes, and when: the
 * transaction ends, no more is approved than the acquirer has approved, for the amount and the card that it was asked
 * about, and what it may have booked is taken back. The reader, the process, the link and the clock's pace are put in
 * by the linker (--wrap).
 */

#include <ftw.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <spawn.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <systemd/sd-event.h>

#include "base/hex.h"
#include "base/log.h"
#include "base/tlv.h"
#include "emv/step.h"
#include "emv/tvr.h"
#include "host/result.h"
#include "tests/unit/shop-settings.h"
#include "transaction/engine.h"
#include "tests/fuzz/input.h"

#define PAN "6200000000000005"
#define PAN_MASKED "620000******0005"
#define AMOUNT 1234
#define RUNS_OF_A_JOURNAL 500
#define TIMERS_MAX 64

static struct {
        char directory[40];
        sd_event *event;
        struct settings settings;
        struct emv_terminal terminal;
        struct exceptions *exceptions;
        struct device reader;
        struct journal *journal;
        struct engine *engine;
        unsigned runs;
} box;

/* Of one run. */
static struct {
        bool keypad;
        int worker; /* the worker's end of the socket */
        struct message_start start;
        sd_event_source *timers[TIMERS_MAX];
        size_t n_timers;

        /* The acquirer. */
        bool is_signed_on;
        host_exchange_done_t answer;
        acquirer_signed_on_t signed_on;
        void *userdata;
        bool is_reversal;
        bool approved, may_be_booked;

        int64_t id;
        int requests, finished;
        char masked_pan[24];                                   /* of the request */
        char said[EMV_PAN_MAX + 1], recalled[EMV_PAN_MAX + 1]; /* whom it asked about first, and had an answer */
        struct transaction_record result;
} run;

/* ---- In the place of what is below and beside the engine ---- */

struct device *__wrap_monitor_find_connected(struct monitor *m, enum device_kind kind);
int __wrap_emv_open(const struct device *device, bool *ret_keypad);
int __wrap_socketpair(int domain, int type, int protocol, int pair[2]);
int __real_socketpair(int domain, int type, int protocol, int pair[2]);
int __wrap_posix_spawn(pid_t *ret, const char *path, const posix_spawn_file_actions_t *actions,
                       const posix_spawnattr_t *attributes, char *const argv[], char *const envp[]);
int __wrap_sd_event_add_time_relative(sd_event *e, sd_event_source **ret, clockid_t clock, uint64_t usec,
                                      uint64_t accuracy, sd_event_time_handler_t callback, void *userdata);
int __real_sd_event_add_time_relative(sd_event *e, sd_event_source **ret, clockid_t clock, uint64_t usec,
                                      uint64_t accuracy, sd_event_time_handler_t callback, void *userdata);
int __wrap_acquirer_new(const struct acquirer_config *config, struct acquirer **ret);
struct acquirer *__wrap_acquirer_free(struct acquirer *a);
bool __wrap_acquirer_is_signed_on(const struct acquirer *a);
bool __wrap_acquirer_was_reached(const struct acquirer *a);
bool __wrap_acquirer_is_busy(const struct acquirer *a);
void __wrap_acquirer_forget_keys(struct acquirer *a);
int __wrap_acquirer_sign_on(struct acquirer *a, int64_t transaction, acquirer_signed_on_t done, void *userdata);
int __wrap_acquirer_exchange(struct acquirer *a, const struct host_request *q, host_exchange_done_t done,
                             void *userdata);
const struct host_profile *__wrap_acquirer_profile(const struct acquirer *a);
void __wrap_engine_panic(int error, const char *what) __attribute__((noreturn));

struct device *__wrap_monitor_find_connected(struct monitor *m, enum device_kind kind) {
        return kind == DEVICE_EMV && box.reader.connected ? &box.reader : NULL;
}

int __wrap_emv_open(const struct device *device, bool *ret_keypad) {
        *ret_keypad = run.keypad;
        return dup(STDERR_FILENO);
}

/* A worker for each START; what the last one could still say is not heard any more. */
int __wrap_socketpair(int domain, int type, int protocol, int pair[2]) {
        check(__real_socketpair(domain, type, protocol, pair) == 0);
        run.worker = safe_close(run.worker);
        run.worker = dup(pair[1]);
        check(run.worker >= 0);
        run.said[0] = '\0';
        return 0;
}

int __wrap_posix_spawn(pid_t *ret, const char *path, const posix_spawn_file_actions_t *actions,
                       const posix_spawnattr_t *attributes, char *const argv[], char *const envp[]) {
        *ret = 0;
        return 0;
}

int __wrap_sd_event_add_time_relative(sd_event *e, sd_event_source **ret, clockid_t clock, uint64_t usec,
                                      uint64_t accuracy, sd_event_time_handler_t callback, void *userdata) {
        int r = __real_sd_event_add_time_relative(e, ret, clock, usec, accuracy, callback, userdata);

        check(r >= 0);
        if (run.n_timers < TIMERS_MAX)
                run.timers[run.n_timers++] = sd_event_source_ref(*ret);
        return r;
}

int __wrap_acquirer_new(const struct acquirer_config *config, struct acquirer **ret) {
        *ret = NULL;
        return 0;
}

struct acquirer *__wrap_acquirer_free(struct acquirer *a) {
        return NULL;
}

bool __wrap_acquirer_is_signed_on(const struct acquirer *a) {
        return run.is_signed_on;
}

/* "It does not answer." */
bool __wrap_acquirer_was_reached(const struct acquirer *a) {
        return false;
}

bool __wrap_acquirer_is_busy(const struct acquirer *a) {
        return run.answer || run.signed_on;
}

const struct host_profile *__wrap_acquirer_profile(const struct acquirer *a) {
        return host_profile_find("unionpay");
}

void __wrap_acquirer_forget_keys(struct acquirer *a) {
        run.is_signed_on = false;
}

int __wrap_acquirer_sign_on(struct acquirer *a, int64_t transaction, acquirer_signed_on_t done, void *userdata) {
        check(!run.answer && !run.signed_on);
        run.signed_on = done;
        run.userdata = userdata;
        return 0;
}

/* No disk fails here: what the journal refuses, a worker has brought about. */
void __wrap_engine_panic(int error, const char *what) {
        abort();
}

static bool has(const struct host_request *q, uint32_t tag, const void *value, size_t size) {
        struct tlv t;

        return tlv_find(q->icc, q->icc_size, tag, &t) == 0 && t.size == size && memcmp(t.value, value, size) == 0;
}

static void hear_tilld(void) {
        static union message m;
        ssize_t n;

        while (run.worker >= 0 && (n = recv(run.worker, &m, sizeof(m), MSG_DONTWAIT | MSG_TRUNC)) > 0) {
                check(message_check(&m, (size_t) n, MESSAGE_FROM_TILLD) == 0);
                if (m.header.type == MESSAGE_START)
                        run.start = m.start;
                if (m.header.type == MESSAGE_MEMORY) {
                        memcpy(run.recalled, run.said, sizeof(run.recalled));
                        check(m.memory.exception == (box.engine->config.exceptions && streq(run.recalled, PAN)));
                }
                if (m.header.type == MESSAGE_ONLINE_ANSWER)
                        check(m.online_answer.approved == run.approved);
        }
}

static void check_request(const struct host_request *q) {
        const struct transaction_record *record = &transaction_get_view(box.engine->current)->record;
        struct tlv t;

        check(++run.requests == 1);
        check(record->state == TRANSACTION_AUTHORIZING && record->reversal == REVERSAL_PENDING);
        check(transaction_pan_mask(q->pan, run.masked_pan) == 0 && streq(run.masked_pan, record->masked_pan));
        if (q->entry == HOST_ENTRY_STRIPE)
                return check(q->icc_size == 0);
        /* Its answer may be there unread, where question and request were said in one breath. */
        hear_tilld();
        check(streq(q->pan, run.recalled));
        check(has(q, TAG_AMOUNT, "\0\0\0\0\x12\x34", 6) && has(q, TAG_AMOUNT_OTHER, "\0\0\0\0\0\0", 6));
        check(has(q, TAG_CURRENCY, "\x01\x56", 2) && has(q, TAG_DATE, run.start.date, 3));
        check(has(q, TAG_UNPREDICTABLE, run.start.unpredictable, 4) && has(q, TAG_COUNTER, run.start.counter, 4));
        check(tlv_find(q->icc, q->icc_size, TAG_CID, &t) == 0 && (t.value[0] & AC_MASK) == AC_ARQC);
        check(tlv_find(q->icc, q->icc_size, TAG_PAN, &t) < 0 && tlv_find(q->icc, q->icc_size, TAG_TRACK2, &t) < 0);
        if (box.engine->config.exceptions && streq(q->pan, PAN))
                check(tlv_find(q->icc, q->icc_size, TAG_TVR, &t) == 0 && tvr_test(t.value, TVR_EXCEPTION_FILE));
}

int __wrap_acquirer_exchange(struct acquirer *a, const struct host_request *q, host_exchange_done_t done,
                             void *userdata) {
        check(!run.answer && !run.signed_on && run.is_signed_on);
        check(q->amount == AMOUNT && q->currency == 156);
        run.is_reversal = q->kind == HOST_REVERSAL;
        if (run.is_reversal)
                check(run.finished == 1 && run.requests == 1 && run.may_be_booked &&
                      run.result.stan == q->original.stan);
        else
                check_request(q);
        run.answer = done;
        run.userdata = userdata;
        return 0;
}

/* ---- What the engine says ---- */

static void check_view(const struct transaction_view *view) {
        check(view->prompt && view->language && view->n_applications <= EMV_CANDIDATES_MAX);
        for (unsigned i = 0; i < view->n_applications; i++)
                check(strnlen(view->applications[i], EMV_LABEL_MAX + 1) <= EMV_LABEL_MAX);
        check(view->record.amount == AMOUNT && streq(view->record.currency, "CNY"));
        check((view->record.state == TRANSACTION_DONE) == (view->record.result != RESULT_NONE));
}

static void check_result(const struct transaction_record *record) {
        bool approved = record->result == RESULT_APPROVED;

        if (approved)
                check(run.requests == 1 ? run.approved : run.start.offline_allowed);
        if (approved && record->entry == ENTRY_CHIP)
                check(streq(record->cryptogram_kind, "TC"));
        if (run.requests == 0)
                return check(record->reversal == REVERSAL_NONE);
        check(streq(record->masked_pan, run.masked_pan));
        check((record->reversal == REVERSAL_PENDING) == (run.may_be_booked && !approved));
}

static void on_transaction(const struct transaction_view *view, enum transaction_event event, void *userdata) {
        check_view(view);
        if (event != TRANSACTION_FINISHED)
                return;
        check(++run.finished == 1);
        run.result = view->record;
        check_result(&run.result);
}

static void on_device(struct device *device, enum monitor_event event, void *userdata) {
}

static void on_job(int64_t job, enum print_state state, void *userdata) {
}

static void on_change(void *userdata) {
}

/* ---- The steps ---- */

static void add(struct emv_result_data *r, uint32_t tag, const void *value, size_t size) {
        size_t used = r->de55_size;

        check(tlv_append(r->de55, sizeof(r->de55), &used, tag, value, size) == 0);
        r->de55_size = (uint16_t) used;
}

/* As a card of the first application would have it, of which no more is true than what START says. */
static void fill_result(struct emv_result_data *r, uint8_t kind) {
        const struct message_start *s = &run.start;
        uint8_t cid = kind, amount[6], other[6];

        r->has_cryptogram = 1;
        r->cryptogram_type = kind;
        r->tsi[0] = TSI_CARDHOLDER_VERIFICATION | TSI_CARD_RISK_MANAGEMENT | TSI_TERMINAL_RISK_MANAGEMENT;
        memcpy(r->cvm, "\x1e\x03", 2);
        r->signature = 1;
        memcpy(r->cryptogram, "cryptogr", sizeof(r->cryptogram));
        r->atc[1] = 7;
        memcpy(r->aip, "\x3c", 1);
        r->iad_size = 7;
        memcpy(r->iad, "\x06\x01\x0a\x03\xa0\xb8\x01", 7);
        tvr_set(r->tvr, TVR_FLOOR_LIMIT);
        if (box.engine->config.exceptions)
                tvr_set(r->tvr, TVR_EXCEPTION_FILE);

        emv_number_bcd(s->amount, amount, sizeof(amount));
        emv_number_bcd(s->amount_other, other, sizeof(other));
        add(r, TAG_CRYPTOGRAM, r->cryptogram, sizeof(r->cryptogram));
        add(r, TAG_CID, &cid, 1);
        add(r, TAG_IAD, r->iad, r->iad_size);
        add(r, TAG_UNPREDICTABLE, s->unpredictable, sizeof(s->unpredictable));
        add(r, TAG_ATC, r->atc, sizeof(r->atc));
        add(r, TAG_TVR, r->tvr, sizeof(r->tvr));
        add(r, TAG_DATE, s->date, sizeof(s->date));
        add(r, TAG_TRANSACTION_TYPE, &s->transaction_type, 1);
        add(r, TAG_AMOUNT, amount, sizeof(amount));
        add(r, TAG_CURRENCY, s->currency, sizeof(s->currency));
        add(r, TAG_AIP, r->aip, sizeof(r->aip));
        add(r, TAG_TERMINAL_COUNTRY, s->terminal.country, sizeof(s->terminal.country));
        add(r, TAG_AMOUNT_OTHER, other, sizeof(other));
        add(r, TAG_CAPABILITIES, s->terminal.capabilities, sizeof(s->terminal.capabilities));
        add(r, TAG_CVM_RESULTS, r->cvm, sizeof(r->cvm));
        add(r, TAG_TERMINAL_TYPE, &s->terminal.type, 1);
        if (*s->terminal.serial)
                add(r, TAG_SERIAL, s->terminal.serial, strlen(s->terminal.serial));
        add(r, TAG_DF_NAME, s->terminal.applications[0].aid.data, s->terminal.applications[0].aid.size);
        add(r, TAG_VERSION_TERMINAL, s->terminal.applications[0].versions[0], 2);
        add(r, TAG_COUNTER, s->counter, sizeof(s->counter));
        add(r, TAG_PAN_SEQUENCE, "\x01", 1);
}

static void fill_card(struct emv_card_data *c, bool whole) {
        strcpy(c->pan_masked, PAN_MASKED);
        c->has_sequence = 1;
        c->sequence = 1;
        strcpy(c->service_code, "201");
        c->aid = run.start.terminal.applications[0].aid;
        strcpy(c->label, "UnionPay Credit");
        strcpy(c->language, "zhen");
        if (!whole)
                return;
        strcpy(c->pan, PAN);
        strcpy(c->expiry, "4912");
        strcpy(c->track2, PAN "=491220112345");
}

static void fill_outcome(union message *m, enum emv_outcome outcome, enum emv_reason reason, bool online,
                         uint8_t cryptogram) {
        message_init(m, MESSAGE_OUTCOME);
        m->outcome.outcome = (uint8_t) outcome;
        m->outcome.reason = (uint8_t) reason;
        m->outcome.online = online;
        if (outcome == EMV_OUTCOME_FAILED && !online)
                return;
        fill_card(&m->outcome.card, outcome == EMV_OUTCOME_APPROVED && !online);
        fill_result(&m->outcome.result, cryptogram);
}

static void fill_prompt(union message *m, uint8_t prompt) {
        message_init(m, MESSAGE_PROMPT);
        m->prompt.prompt = prompt;
        if (prompt != EMV_PROMPT_CHOOSE_APPLICATION)
                return;
        m->prompt.n_candidates = 2;
        for (unsigned i = 0; i < 2; i++) {
                m->prompt.candidates[i].aid = run.start.terminal.applications[i].aid;
                strcpy(m->prompt.candidates[i].name, "A");
        }
        strcpy(m->prompt.language, "zh");
}

/* What an honest worker may say at some time; enough of it for each way that a sale goes. */
static void fill_message(union message *m, uint8_t number) {
        switch (number) {
        case 1 ... EMV_PROMPT_LAST:
                return fill_prompt(m, number);
        case EMV_PROMPT_LAST + EMV_CARD_INSERTED... EMV_PROMPT_LAST + EMV_CARD_REMOVED:
                message_init(m, MESSAGE_CARD);
                m->card.card = number - EMV_PROMPT_LAST;
                return;
        case 12:
                message_init(m, MESSAGE_RECALL);
                strcpy(m->recall.pan, PAN);
                return;
        case 13:
                message_init(m, MESSAGE_ONLINE_REQUEST);
                fill_card(&m->online_request.card, true);
                return fill_result(&m->online_request.result, AC_ARQC);
        case 14:
                return fill_outcome(m, EMV_OUTCOME_APPROVED, EMV_REASON_NONE, true, AC_TC);
        case 15:
                return fill_outcome(m, EMV_OUTCOME_APPROVED, EMV_REASON_NONE, false, AC_TC);
        case 16:
                return fill_outcome(m, EMV_OUTCOME_DECLINED, EMV_REASON_ISSUER, true, AC_AAC);
        case 17:
                return fill_outcome(m, EMV_OUTCOME_DECLINED, EMV_REASON_CARD, false, AC_AAC);
        case 18:
                return fill_outcome(m, EMV_OUTCOME_FAILED, EMV_REASON_REMOVED, true, AC_AAC);
        default:
                return fill_outcome(m, EMV_OUTCOME_FAILED, EMV_REASON_READER, false, AC_AAC);
        }
}

static void say(const void *message, size_t size) {
        struct message_recall m;

        if (size == sizeof(m)) {
                memcpy(&m, message, sizeof(m));
                /* A second one is out of turn. */
                if (m.header.type == MESSAGE_RECALL && run.said[0] == '\0')
                        memcpy(run.said, m.pan, EMV_PAN_MAX);
        }
        if (run.worker >= 0)
                (void) send(run.worker, message, size, MSG_DONTWAIT | MSG_NOSIGNAL);
}

/* Which one, how many of its bytes are others, and where and how. */
static void say_almost(struct input *in) {
        static union message m;
        uint8_t number = take(in) % 20, n = take(in) % 16;
        size_t size;

        fill_message(&m, number);
        size = m.header.size;
        while (n-- > 0) {
                size_t at = (size_t) take(in) << 8;

                at |= take(in);
                ((uint8_t *) &m)[at % size] ^= take(in);
        }
        say(&m, size);
}

static void say_bytes(struct input *in) {
        size_t n = (size_t) take(in) << 8;

        n = MIN(n | take(in), in->size);
        say(in->data, n);
        in->data += n;
        in->size -= n;
}

static void answer(enum host_outcome outcome, const char *code) {
        host_exchange_done_t done = run.answer;
        acquirer_signed_on_t signed_on = run.signed_on;
        struct host_answer a = { .approval = "123456", .rrn = "000000000001", .issuer_auth_size = 10 };
        bool decides = host_result_decides(code);

        run.answer = NULL;
        run.signed_on = NULL;
        if (signed_on) {
                run.is_signed_on = outcome == HOST_ANSWERED;
                return signed_on(run.is_signed_on ? NULL : "It does not answer.", run.userdata);
        }
        if (!done)
                return;
        memcpy(a.code, code, 3);
        memcpy(a.arc, code, 2);
        if (!run.is_reversal) {
                run.approved =
                        outcome == HOST_ANSWERED && decides && host_result_find(code)->action == HOST_ACTION_APPROVE;
                run.may_be_booked = outcome != HOST_NOT_SENT && (outcome != HOST_ANSWERED || !decides || run.approved);
        }
        done(outcome, 0, outcome == HOST_ANSWERED ? &a : NULL, run.userdata);
}

static void let_answer(struct input *in) {
        static const char *const codes[] = { "00", "51", "A0", "09", "10", "77", "25", "!!" };
        uint8_t how = take(in);

        answer((enum host_outcome)(how % _HOST_OUTCOME_MAX), codes[how / 32]);
}

static void let_time_pass(void) {
        size_t n = run.n_timers;
        int enabled;

        /* Firing may add to them. */
        for (size_t i = 0; i < n; i++)
                if (sd_event_source_get_enabled(run.timers[i], &enabled) > 0)
                        check(sd_event_source_set_time(run.timers[i], 1) >= 0);
}

static void swipe(struct input *in) {
        static struct msr_swipe s;

        s.track2 = (struct track){ .status = take(in) % 6 };
        strcpy(s.track2.pan, "6200000000000013");
        strcpy(s.track2.expiry, "4912");
        strcpy(s.track2.service, s.track2.status == TRACK_OK ? "101" : "");
        strcpy(s.track2.text, "6200000000000013=49121010000");
        transaction_swiped(box.engine->current, &s);
}

/* It goes or comes back, and its slot is told to be empty or not. */
static void move_reader(uint8_t how) {
        box.reader.connected = how & 1;
        box.reader.card = how & 2 ? DEVICE_CARD_PRESENT : DEVICE_CARD_ABSENT;
        transaction_devices_changed(box.engine->current);
}

static void run_events(void) {
        int r;

        do
                r = sd_event_run(box.event, 0);
        while (r > 0);
        check(r == 0);
        hear_tilld();
}

static void step(struct input *in) {
        struct refusal refusal;
        uint8_t what = take(in);

        switch (what & 0x7f) {
        case 0:
                say_bytes(in);
                break;
        case 1:
                let_answer(in);
                break;
        case 2:
                let_time_pass();
                break;
        case 3:
                (void) engine_cancel(box.engine, run.id, &refusal);
                break;
        case 4:
                (void) engine_choose(box.engine, run.id, take(in), &refusal);
                break;
        case 5:
                run.worker = safe_close(run.worker);
                break;
        case 6:
                swipe(in);
                break;
        case 7:
                move_reader(take(in));
                break;
        default:
                say_almost(in);
        }
        /* Or more is there to be heard at once. */
        if (!(what & 0x80))
                run_events();
}

/* ---- Beginning and end ---- */

static int remove_entry(const char *path, const struct stat *st, int type, struct FTW *f) {
        return remove(path);
}

static void remove_box(void) {
        (void) nftw(box.directory, remove_entry, 4, FTW_DEPTH | FTW_PHYS);
}

/* The exception file names the card. */
static void make_exceptions(void) {
        static const uint8_t salt[16] = { 0x7f };
        uint8_t hash[32];
        char path[64], salt_text[2 * sizeof(salt) + 1], hash_text[2 * sizeof(hash) + 1];
        FILE *f;

        check(HMAC(EVP_sha256(), salt, sizeof(salt), (const uint8_t *) PAN, strlen(PAN), hash, NULL));
        hex_encode(salt, sizeof(salt), salt_text);
        hex_encode(hash, sizeof(hash), hash_text);
        snprintf(path, sizeof(path), "%s/exceptions", box.directory);
        f = fopen(path, "we");
        check(f && fchmod(fileno(f), 0600) == 0 && fprintf(f, "salt=%s\n%s\n", salt_text, hash_text) > 0 &&
              fclose(f) == 0);
        check(exceptions_load(path, geteuid(), getegid(), &box.exceptions) == 0);
}

static void make_box(void) {
        log_set_max_level(getenv("TILL_LOG_LEVEL") ? LOG_DEBUG : LOG_EMERG);
        strcpy(box.directory, access("/dev/shm", W_OK) == 0 ? "/dev/shm/fuzz-XXXXXX" : "/tmp/fuzz-XXXXXX");
        check(mkdtemp(box.directory));
        check(atexit(remove_box) == 0);
        check(sd_event_new(&box.event) == 0);
        box.settings = shop_settings();
        emv_terminal_init(&box.terminal);
        box.terminal.n_applications = 2;
        box.terminal.applications[0] =
                (struct emv_application){ .aid = { 8, { 0xa0, 0x00, 0x00, 0x03, 0x33, 0x01, 0x01, 0x01 } },
                                          .n_versions = 1 };
        box.terminal.applications[1] = (struct emv_application){ .aid = { 5, { 0xa0, 0x00, 0x00, 0x00, 0x03 } },
                                                                 .partial = 1,
                                                                 .n_versions = 1 };
        box.reader = (struct device){ .kind = DEVICE_EMV,
                                      .id = (char *) "1-1",
                                      .port = (char *) "1-1",
                                      .why = "",
                                      .node = (char *) "/dev/null" };
        run.worker = -EBADF;
        make_exceptions();
}

/* A new one now and then: a journal keeps all. */
static void make_engine(void) {
        static const uint8_t key[JOURNAL_KEY_SIZE] = { 7 };
        const struct engine_listener listener = {
                .transaction = on_transaction,
                .device = on_device,
                .job = on_job,
                .changed = on_change,
        };
        struct engine_config config = {
                .event = box.event,
                .settings = &box.settings,
                .terminal = &box.terminal,
                .card_worker = "card-worker",
        };
        char path[64];

        box.engine = engine_free(box.engine);
        box.journal = journal_close(box.journal);
        snprintf(path, sizeof(path), "%s/journal", box.directory);
        (void) unlink(path);
        check(journal_open(path, key, &box.journal, NULL) == 0);
        config.journal = box.journal;
        check(engine_new(&config, &listener, &box.engine) == 0);
}

static void start(uint8_t how) {
        struct engine_call call = {
                .kind = "sale", .amount = AMOUNT, .currency = "CNY", .order = "", .can_choose = how & 1
        };
        struct refusal refusal;
        char reference[16];

        memset(&run, 0, sizeof(run));
        run.worker = -EBADF;
        run.keypad = how & 2;
        run.is_signed_on = !(how & 8);
        box.engine->config.exceptions = how & 4 ? box.exceptions : NULL;
        box.reader.connected = true;
        box.reader.card = how & 16 ? DEVICE_CARD_PRESENT : DEVICE_CARD_ABSENT;
        snprintf(reference, sizeof(reference), "A-%u", box.runs);
        call.reference = reference;
        check(engine_start_transaction(box.engine, &call, &run.id, &refusal) == 0);
        run_events();
        check(run.start.header.type == MESSAGE_START && !run.start.offline_allowed && run.start.amount == AMOUNT);
}

/* Without a supervisor's word no more money would move in this journal. */
static void resolve_rejected(const struct transaction_record *record) {
        const struct resolution resolution = { .outcome = "settled", .note = "by telephone", .resolver = "02" };
        struct refusal refusal;

        if (record->reversal == REVERSAL_REJECTED)
                check(resolution_record(box.engine, record->id, &resolution, &refusal) == 0);
}

static void reversals_sent(bool ok, void *userdata) {
}

/* The worker is gone, the acquirer does not answer, then the time is up; what may be booked is taken back. */
static void finish(void) {
        struct transaction_record record;

        run.worker = safe_close(run.worker);
        run_events();
        if (!run.finished && !run.is_reversal)
                answer(HOST_NO_ANSWER, "00");
        for (unsigned i = 0; i < 4 && !run.finished; i++) {
                let_time_pass();
                run_events();
                answer(HOST_NO_ANSWER, "00");
        }
        check(run.finished == 1);
        for (unsigned i = 0; i < 4 && (i == 0 || __wrap_acquirer_is_busy(NULL)); i++) {
                answer(HOST_ANSWERED, "00");
                outbox_wait(box.engine->outbox, REQUEST_REVERSAL, reversals_sent, NULL);
                run_events();
        }
        check(!__wrap_acquirer_is_busy(NULL) && outbox_count(box.engine->outbox, REQUEST_REVERSAL) == 0);
        move_reader(1);

        check(transaction_record_load(box.journal, run.id, &record) == 0);
        check(record.result == run.result.result && streq(record.reason, run.result.reason));
        check(record.amount == AMOUNT && streq(record.masked_pan, run.result.masked_pan));
        check(record.reversal != REVERSAL_PENDING &&
              (record.reversal == REVERSAL_NONE) == (run.result.reversal == REVERSAL_NONE));
        resolve_rejected(&record);
        while (run.n_timers > 0)
                sd_event_source_unref(run.timers[--run.n_timers]);
}

static void play(struct input in) {
        if (box.runs++ % RUNS_OF_A_JOURNAL == 0)
                make_engine();
        start(take(&in));
        while (in.size > 0)
                step(&in);
        finish();
}

/* What is held to be true here is what the engine takes for true, or the rest would show little. */
static void show_honest_sale(void) {
        static const uint8_t steps[] = { 4, 8, 1, 0, 8, 9, 0, 8, 2, 0, 8, 12, 0, 8, 13, 0, 1, 0, 8, 14, 0 };

        play((struct input){ steps, sizeof(steps) });
        check(run.result.result == RESULT_APPROVED && run.result.reversal == REVERSAL_NONE);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
        if (!box.event) {
                make_box();
                show_honest_sale();
        }
        play((struct input){ data, size });
        return 0;
}
