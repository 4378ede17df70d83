// SPDX-License-Identifier: LGPL-2.1-or-later
/* Each fault from its cause to its end: opened once, counted, and made up for after a kill. */
#include "test.h"

#include <sys/mman.h>
#include <sys/statvfs.h>

#include "told-fixture.h"
#include "bound-phone.h"
#include "care/fault-code.h"
#include "care/faults.h"
#include "journal/internal.h"
#include "notice/send.h"
#include "transaction/reconcile.h"

static struct {
        struct faults *faults;
        unsigned opened, ended;
        struct fault_record last;
        int64_t clock_offset; /* seconds */
        int64_t up;           /* seconds that the machine has been up longer */
        bool disk_full;
} care;

int __real_clock_gettime(clockid_t id, struct timespec *ret);
int __wrap_clock_gettime(clockid_t id, struct timespec *ret);
int __real_statvfs(const char *path, struct statvfs *ret);
int __wrap_statvfs(const char *path, struct statvfs *ret);

int __wrap_clock_gettime(clockid_t id, struct timespec *ret) {
        int r = __real_clock_gettime(id, ret);

        if (id == CLOCK_REALTIME)
                ret->tv_sec += care.clock_offset;
        if (id == CLOCK_BOOTTIME)
                ret->tv_sec += care.up;
        return r;
}

int __wrap_statvfs(const char *path, struct statvfs *ret) {
        int r = __real_statvfs(path, ret);

        if (care.disk_full)
                ret->f_bavail = 1;
        return r;
}

/* What is on this machine's USB, and whether it has the driver, is not the test's. */
bool __wrap_usb_is_known(const struct usb *u);
bool __wrap_usb_is_known(const struct usb *u) {
        return false;
}

/* What is queued stays on its way: nothing is known of its channels. */
int __wrap_notice_send(sd_event *event, const struct notice_letter *letter, uint64_t deadline_usec,
                       notice_call_done_t done, void *userdata, struct notice_call **ret);
struct notice_call *__wrap_notice_call_free(struct notice_call *call);

int __wrap_notice_send(sd_event *event, const struct notice_letter *letter, uint64_t deadline_usec,
                       notice_call_done_t done, void *userdata, struct notice_call **ret) {
        *ret = NULL;
        return 0;
}

struct notice_call *__wrap_notice_call_free(struct notice_call *call) {
        return NULL;
}

static void told(const struct fault_record *record, void *userdata) {
        struct fault_record stored;

        /* It is in the journal before anybody is told. */
        assert_int_equal(fault_record_load(shop.journal, record->id, &stored), 0);
        assert_int_equal(stored.ended_usec, record->ended_usec);
        assert_false(journal_is_open(shop.journal));
        care.opened += record->ended_usec == 0;
        care.ended += record->ended_usec > 0;
        care.last = *record;
}

static void begin_care(void) {
        assert_int_equal(faults_new(shop.engine, told, NULL, &care.faults), 0);
        assert_int_equal(faults_start(care.faults), 0);
}

static int setup(void **state) {
        memset(&care, 0, sizeof(care));
        acq_setup(state);
        begin_care();
        return 0;
}

static int teardown(void **state) {
        care.faults = faults_free(care.faults);
        return acq_teardown(state);
}

/* As if tilld were killed between what has just been written and the look at it. */
static void kill_and_start(void) {
        acq_kill();
        acq_start();
        begin_care();
}

static void look(void) {
        faults_kick(care.faults);
        acq_run();
}

static struct fault_record assert_open(const char *code, const char *subject, unsigned count) {
        struct fault_record record;

        if (fault_record_find(shop.journal, code, subject, &record) < 0)
                fail_msg("no %s (%s) is open", code, subject);
        assert_int_equal(record.count, count);
        assert_string_equal(record.class, fault_code_find(code)->class);
        assert_string_equal(record.severity, fault_code_find(code)->severity);
        return record;
}

static void assert_none(void) {
        assert_int_equal(fault_record_count_open(shop.journal), 0);
        assert_int_equal(faults_count_open(care.faults), 0);
}

/* One has opened, and it is the only one. */
static struct fault_record assert_one(const char *code, const char *subject, unsigned count) {
        assert_int_equal(faults_count_open(care.faults), 1);
        assert_int_equal(fault_record_count_open(shop.journal), 1);
        return assert_open(code, subject, count);
}

static const char *id_text(int64_t id) {
        static char text[24];

        snprintf(text, sizeof(text), "%d", (int) id);
        return text;
}

static const char *refusing; /* the code */

static void answer_no(const struct told *q, enum host_outcome *outcome, struct host_answer *answer) {
        COPY(answer->code, refusing);
}

static void reject(const char *code) {
        refusing = code;
        acq.answer = answer_no;
        outbox_kick(shop.engine->outbox);
        acq_run();
        acq.answer = NULL;
}

static void resolve(int64_t id, const char *outcome) {
        const struct resolution resolution = { outcome, "acquirer, Ms Li", "02" };
        struct refusal refusal;

        if (resolution_record(shop.engine, id, &resolution, &refusal) < 0)
                fail_msg("%s", refusal.text);
}

static void reversal(void **state) {
        struct transaction_record r = acq_add_reversal(100);
        struct fault_record fault;

        look();
        assert_none();
        reject("57");
        look();
        fault = assert_one("reversal-rejected", id_text(r.id), 1);
        assert_int_equal(fault.transaction, r.id);
        assert_non_null(strstr(fault.detail, "answer 57"));
        assert_non_null(strstr(fault.detail, r.reference));
        /* It is about no device; what ran is there. */
        assert_string_equal(fault.device, "");
        assert_string_equal(fault.firmware, "");
        assert_non_null(startswith(fault.versions, "tilld " TILLD_VERSION ", till "));
        assert_non_null(strstr(fault.versions, ", Linux "));
        assert_non_null(startswith(fault.environment, "test mode, up "));
        assert_non_null(strstr(fault.environment, "acquirer: "));
        assert_int_equal(care.opened, 1);
        /* Looked at again it is the same, and not seen again. */
        look();
        look();
        assert_one("reversal-rejected", id_text(r.id), 1);
        assert_int_equal(care.opened, 1);
        resolve(r.id, "settled");
        look();
        assert_none();
        assert_int_equal(care.ended, 1);
        assert_string_equal(care.last.ended_by, "");
}

static void forward(void **state) {
        struct transaction_record r = acq_add_forward("sale", 100, false), other = acq_add_forward("tip", 10, false);

        reject("51");
        look();
        assert_int_equal(faults_count_open(care.faults), 2);
        assert_non_null(strstr(assert_open("forward-rejected", id_text(r.id), 1).detail, "answer 51"));
        resolve(r.id, "settled");
        look();
        assert_one("forward-rejected", id_text(other.id), 1);
}

/* A day of the terminal's, on or off. */
#define DAY (24 * 3600)

static void pass(int64_t seconds) {
        care.clock_offset += seconds;
        care.up += seconds;
}

static void no_more_offline(void **state) {
        struct transaction_record first;

        shop.settings.offline = (struct offline_caps){ .amount = 100, .count = 2, .total = 1000, .age = 24 };
        /* Nobody takes them: what the link says of it is another fault. */
        acq.down = 60;
        first = acq_add_forward("sale", 100, true);
        look();
        assert_none();
        pass(25 * 3600);
        look();
        assert_non_null(strstr(assert_one("offline-full", "", 1).detail, "1 approved"));
        shop.settings.offline.age = 48;
        look();
        assert_none();
        (void) acq_add_forward("sale", 100, true);
        look();
        assert_one("offline-full", "", 1);
        shop.settings.offline.count = 5;
        look();
        assert_none();
        shop.settings.offline.total = 200;
        look();
        assert_one("offline-full", "", 1);
        acq.down = 0;
        outbox_hurry(shop.engine->outbox);
        acq_run();
        look();
        assert_none();
        assert_int_equal(acq_load(first.id).forwarding, FORWARDING_DONE);
        /* Where nothing is approved offline there is nothing to be full. */
        shop.settings.offline = (struct offline_caps){};
}

static void old_batch(void **state) {
        (void) acq_add("sale", 100);
        pass(3 * DAY - 60);
        look();
        assert_none();
        pass(2 * 60);
        look();
        assert_non_null(strstr(assert_one("batch-old", "", 1).detail, "3 days"));
        assert_int_equal(journal_begin(shop.journal, JOURNAL_DURABLE), 0);
        assert_int_equal(counter_set_batch(shop.journal, 2), 0);
        assert_int_equal(journal_commit(shop.journal), 0);
        look();
        assert_none();
}

static struct transaction_record add_with(const char *kind, int64_t amount, enum transaction_result result,
                                          enum reversal_state reversal) {
        struct transaction_record record = acq_add(kind, amount);

        /* A result is set once: it is another row with the same numbers. */
        assert_int_equal(journal_begin(shop.journal, JOURNAL_DURABLE), 0);
        snprintf(record.reference, sizeof(record.reference), "with-%u", record.stan);
        assert_int_equal(counter_next_stan(shop.journal, &record.stan), 0);
        assert_int_equal(counter_next_voucher(shop.journal, &record.voucher), 0);
        record.result = result;
        record.reversal = reversal;
        assert_int_equal(transaction_record_insert(shop.journal, &record), 0);
        assert_int_equal(journal_commit(shop.journal), 0);
        return record;
}

static void unconfirmed(void **state) {
        struct transaction_record r = add_with("refund", 100, RESULT_UNCONFIRMED, REVERSAL_NONE);

        look();
        assert_one("result-unconfirmed", id_text(r.id), 1);
        resolve(r.id, "declined");
        look();
        assert_none();
}

static void settle(void) {
        static int n;
        char reference[16];
        struct engine_call call = { .kind = "settlement", .currency = "", .reference = reference, .order = "" };
        struct refusal refusal;
        int64_t id;

        snprintf(reference, sizeof(reference), "B-%d", ++n);
        acq.finished = 0;
        if (engine_start_transaction(shop.engine, &call, &id, &refusal) < 0)
                fail_msg("%s", refusal.text);
        for (int i = 0; i < 1000 && acq.finished == 0; i++)
                assert_true(sd_event_run(shop.event, 1000) >= 0);
        acq_run();
}

static void answer_totals(const struct told *q, enum host_outcome *outcome, struct host_answer *answer) {
        answer->has_totals = q->kind == HOST_SETTLEMENT;
        answer->totals = q->totals;
        answer->totals.domestic.reconciliation = answer->totals.foreign.reconciliation = HOST_BALANCED;
}

static void settlement(void **state) {
        (void) acq_add("sale", 100);
        refusing = "58";
        acq.answer = answer_no;
        settle();
        look();
        assert_non_null(strstr(assert_one("settlement-refused", "000001", 1).detail, "58"));
        settle();
        look();
        assert_one("settlement-refused", "000001", 2);
        assert_int_equal(care.opened, 1);
        /* No answer says nothing new. */
        acq.down = 9;
        settle();
        acq.down = 0;
        look();
        assert_one("settlement-refused", "000001", 2);
        acq.answer = answer_totals;
        settle();
        look();
        assert_none();
}

/* Nobody has refused it: it was not answered. */
static void unfinished_settlement(void **state) {
        (void) acq_add("sale", 100);
        acq.down = 9;
        settle();
        look();
        assert_one("batch-frozen", "", 1);
        settle();
        look();
        assert_one("batch-frozen", "", 1);
        assert_int_equal(care.opened, 1);
        assert_int_equal(care.ended, 0);
        /* One refusal is what there is to say. */
        acq.down = 0;
        refusing = "58";
        acq.answer = answer_no;
        settle();
        look();
        assert_one("settlement-refused", "000001", 1);
        acq.answer = answer_totals;
        settle();
        look();
        assert_none();
}

/* Whatever a kill came between, the next start has it; and what ended while tilld was down ends. */
static void killed(void **state) {
        struct transaction_record reversal, forward;

        care.faults = faults_free(care.faults);
        reversal = acq_add_reversal(100);
        reject("57");
        forward = acq_add_forward("sale", 100, false);
        reject("51");
        assert_int_equal(fault_record_count_open(shop.journal), 0);
        kill_and_start();
        assert_open("reversal-rejected", id_text(reversal.id), 1);
        assert_open("forward-rejected", id_text(forward.id), 1);
        assert_int_equal(faults_count_open(care.faults), 2);

        care.faults = faults_free(care.faults);
        resolve(reversal.id, "settled");
        assert_open("reversal-rejected", id_text(reversal.id), 1);
        kill_and_start();
        assert_one("forward-rejected", id_text(forward.id), 1);
}

static void clocks(void **state) {
        struct refusal refusal;

        assert_int_equal(journal_begin(shop.journal, JOURNAL_DURABLE), 0);
        assert_int_equal(event_append(shop.journal, "sent", 0, NULL), 0);
        assert_int_equal(journal_commit(shop.journal), 0);
        care.clock_offset = -3600;
        look();
        /* tilld may be newer than an hour: either sentence tells the time. */
        assert_non_null(strstr(assert_one("clock-wrong", "", 1).detail, "The clock says"));
        assert_true(faults_end(care.faults, care.last.id, "02", "it is right", &refusal) < 0);
        assert_int_equal(refusal.code, REFUSAL_NOT_ASKED);
        assert_non_null(strstr(refusal.text, "accept-clock"));
        care.clock_offset = 0;
        look();
        assert_none();
}

static void disk(void **state) {
        care.disk_full = true;
        look();
        assert_non_null(strstr(assert_one("journal-full", "", 1).detail, "0 MiB"));
        care.disk_full = false;
        look();
        assert_none();
}

static void found(bool good) {
        const struct journal_verify v = { .text = "Event 3 was changed" };

        upkeep_found(shop.engine->upkeep, good ? 0 : -EBADMSG, &v);
}

static void changed(void **state) {
        struct refusal refusal;
        int64_t id;

        found(false);
        look();
        look();
        id = assert_one("journal-changed", "", 1).id;
        assert_string_equal(care.last.detail, "Event 3 was changed");
        found(false);
        look();
        assert_one("journal-changed", "", 2);
        found(true);
        look();
        assert_none();
        /* By hand, too: such a journal never is what it was. The next check shows it again. */
        found(false);
        look();
        assert_int_not_equal(care.last.id, id);
        assert_int_equal(faults_end(care.faults, care.last.id, "02", "restored by support", &refusal), 0);
        assert_none();
        assert_string_equal(care.last.note, "restored by support");
        found(false);
        look();
        assert_one("journal-changed", "", 1);
        /* What a check found right before tilld is stopped is not lost. */
        found(true);
        care.faults = faults_free(care.faults);
        assert_int_equal(fault_record_count_open(shop.journal), 0);
        begin_care();
}

/* ---- Statements ---- */

struct booked {
        uint32_t batch, stan;
        const char *kind;
        int64_t amount;
        const char *rrn;
};

/* kind NULL ends the list. */
static cJSON *compare(const struct booked *lines) {
        int fd = memfd_create("statement", MFD_CLOEXEC), r;
        struct reconcile *x = NULL;
        FILE *f = fdopen(fd, "w");
        struct stream stream;
        int64_t sum = 0;
        cJSON *result;
        size_t n = 0;

        assert_non_null(f);
        fputs("till-statement,1\nrrn,stan,batch,kind,amount,currency,terminal\n", f);
        for (; lines[n].kind; n++) {
                fprintf(f, "%s,%u,%u,%s,%d,156,%s\n", strempty(lines[n].rrn), lines[n].stan, lines[n].batch,
                        lines[n].kind, (int) lines[n].amount, shop.settings.terminal_number);
                sum += statement_sign(lines[n].kind) * lines[n].amount;
        }
        fprintf(f, "end,%zu,%d\n", n, (int) sum);
        assert_int_equal(fflush(f), 0);
        assert_int_equal(lseek(fd, 0, SEEK_SET), 0);
        assert_int_equal(stream_open_reader(&stream, fd), 0);
        assert_int_equal(fclose(f), 0);
        assert_int_equal(reconcile_new(&stream, shop.settings.terminal_number, &x), 0);
        while ((r = reconcile_slice(shop.journal, x)) > 0)
                ;
        assert_int_equal(r, 0);
        result = reconcile_result(x);
        assert_non_null(result);
        reconcile_free(x);
        return result;
}

static void reconcile(const struct booked *lines) {
        cJSON *result = compare(lines);

        assert_int_equal(faults_reconciled(care.faults, result), 0);
        cJSON_Delete(result);
}

static const char *subject(uint32_t batch, uint32_t stan) {
        static char text[24];

        snprintf(text, sizeof(text), "%06u/%06u", batch, stan);
        return text;
}

/* Each difference, in statements of a batch that has nothing else. */
static void differences(void **state) {
        struct transaction_record good = acq_add("sale", 100), bad;
        struct booked lines[] = { { 1, good.stan, "sale", 100, NULL }, {}, {}, {} };
        struct fault_record fault;

        reconcile(lines);
        assert_none();

        lines[1] = (struct booked){ 1, 999, "sale", 5, "77" };
        reconcile(lines);
        fault = assert_one("reconcile-only-there", subject(1, 999), 1);
        assert_string_equal(fault.detail, "RRN 77");
        assert_int_equal(fault.transaction, 0);
        reconcile(lines);
        assert_one("reconcile-only-there", subject(1, 999), 2);
        assert_int_equal(care.opened, 1);
        /* A statement of another batch says nothing about this one. */
        reconcile((struct booked[]){ { 9, 1, "sale", 5, NULL }, {} });
        assert_open("reconcile-only-there", subject(9, 1), 1);
        assert_open("reconcile-only-there", subject(1, 999), 2);
        lines[1] = (struct booked){};
        reconcile(lines);
        assert_one("reconcile-only-there", subject(9, 1), 1);
        assert_int_equal(fault_record_find(shop.journal, "reconcile-only-there", subject(9, 1), &fault), 0);
        assert_int_equal(faults_end(care.faults, fault.id, "02", "another shop's", &(struct refusal){}), 0);
        assert_none();

        lines[0].amount = 101;
        reconcile(lines);
        fault = assert_one("reconcile-other-amount", subject(1, good.stan), 1);
        assert_int_equal(fault.transaction, good.id);
        /* What is wrong may change: the one ends, the other opens. */
        lines[0].kind = "completion";
        reconcile(lines);
        assert_one("reconcile-other-kind", subject(1, good.stan), 1);
        lines[0].kind = "sale";
        lines[0].amount = 100;
        lines[1] = lines[2] = lines[0];
        reconcile(lines);
        assert_one("reconcile-twice-there", subject(1, good.stan), 1);
        lines[1] = (struct booked){ 1, 999, "sale", 1, NULL };
        lines[0] = (struct booked){ 1, 998, "sale", 1, NULL };
        lines[2] = (struct booked){};
        reconcile(lines);
        assert_open("reconcile-only-here", subject(1, good.stan), 1);
        assert_int_equal(faults_count_open(care.faults), 3);
        lines[0] = (struct booked){ 1, good.stan, "sale", 100, NULL };
        lines[1] = (struct booked){};
        reconcile(lines);
        assert_none();

        bad = add_with("refund", 10, RESULT_UNCONFIRMED, REVERSAL_NONE);
        lines[1] = (struct booked){ 1, bad.stan, "refund", 10, NULL };
        lines[2] = (struct booked){ 1, bad.stan - 1, "refund", 10, NULL };
        reconcile(lines);
        assert_one("reconcile-unconfirmed-here", subject(1, bad.stan), 1);
        look();
        assert_open("result-unconfirmed", id_text(bad.id), 1);
        resolve(bad.id, "approved");
        look();
        reconcile(lines);
        assert_none();
}

static void more_differences(void **state) {
        struct transaction_record r = add_with("sale", 10, RESULT_FAILED, REVERSAL_DONE);
        struct booked lines[] = { { 1, r.stan - 1, "sale", 10, NULL }, { 1, r.stan, "sale", 10, NULL }, {}, {} };
        cJSON *result;

        reconcile(lines);
        assert_one("reconcile-reversed-here", subject(1, r.stan), 1);
        lines[1].kind = NULL;
        reconcile(lines);
        assert_none();

        r = add_with("sale", 10, RESULT_DECLINED, REVERSAL_NONE);
        lines[1] = (struct booked){ 1, r.stan, "sale", 10, NULL };
        lines[2] = (struct booked){ 1, r.stan - 1, "sale", 10, NULL };
        reconcile(lines);
        assert_one("reconcile-not-approved-here", subject(1, r.stan), 1);
        lines[1] = lines[2];
        lines[2].kind = NULL;
        reconcile(lines);
        assert_none();

        r = acq_add_forward("sale", 10, false);
        acq_run();
        /* Its turn comes: that is no fault. */
        result = compare(lines);
        assert_string_equal(cJSON_GetStringValue(cJSON_GetObjectItem(
                                    cJSON_GetArrayItem(cJSON_GetObjectItem(result, "Differences"), 0), "What")),
                            "not-told-yet");
        assert_int_equal(faults_reconciled(care.faults, result), 0);
        assert_none();

        /* What is beyond the list may still be there. */
        lines[2] = (struct booked){ 1, 999, "sale", 5, NULL };
        reconcile(lines);
        assert_one("reconcile-only-there", subject(1, 999), 1);
        cJSON_SetNumberValue(cJSON_GetObjectItem(result, "More"), 1);
        assert_int_equal(faults_reconciled(care.faults, result), 0);
        assert_one("reconcile-only-there", subject(1, 999), 1);
        cJSON_SetNumberValue(cJSON_GetObjectItem(result, "More"), 0);
        assert_int_equal(faults_reconciled(care.faults, result), 0);
        assert_none();
        cJSON_Delete(result);
}

static void other_rrn(void **state) {
        struct transaction_record r = acq_add("sale", 100);
        struct booked lines[] = { { 1, r.stan, "sale", 100, "2" }, {} };

        assert_int_equal(journal_begin(shop.journal, JOURNAL_DURABLE), 0);
        COPY(r.rrn, "1");
        assert_int_equal(transaction_record_update(shop.journal, &r), 0);
        assert_int_equal(journal_commit(shop.journal), 0);
        reconcile(lines);
        assert_one("reconcile-other-rrn", subject(1, r.stan), 1);
}

/* ---- By hand, and the table ---- */

static void by_hand(void **state) {
        const struct booked lines[] = { { 1, 999, "sale", 5, NULL }, {} };
        struct fault_record fault;
        struct refusal refusal;

        reconcile(lines);
        fault = care.last;
        assert_true(faults_acknowledge(care.faults, 99, "02", &refusal) < 0);
        assert_int_equal(refusal.code, REFUSAL_NOT_FOUND);
        assert_int_equal(faults_acknowledge(care.faults, fault.id, "uid 1000", &refusal), 0);
        assert_true(faults_acknowledge(care.faults, fault.id, "02", &refusal) < 0);
        assert_int_equal(refusal.code, REFUSAL_NOT_ASKED);
        assert_non_null(strstr(refusal.text, "uid 1000"));
        assert_true(faults_end(care.faults, fault.id, "02", "", &refusal) < 0);
        assert_int_equal(refusal.code, REFUSAL_INVALID_NOTE);
        assert_int_equal(faults_end(care.faults, fault.id, "02", "acquirer: taken back", &refusal), 0);
        assert_int_equal(care.ended, 1);
        assert_string_equal(care.last.ended_by, "02");
        assert_true(faults_end(care.faults, fault.id, "02", "again", &refusal) < 0);
        assert_int_equal(refusal.code, REFUSAL_NOT_ASKED);
        assert_true(faults_acknowledge(care.faults, fault.id, "02", &refusal) < 0);
        assert_int_equal(refusal.code, REFUSAL_NOT_ASKED);
        /* It is there again: another one. */
        reconcile(lines);
        assert_int_equal(assert_one("reconcile-only-there", subject(1, 999), 1).acknowledged_usec, 0);
}

/* Nothing is written in the middle of somebody's commit, nor lost by it. */
static void in_a_commit(void **state) {
        care.disk_full = true;
        assert_int_equal(journal_begin(shop.journal, JOURNAL_LAZY), 0);
        look();
        assert_int_equal(faults_count_open(care.faults), 0);
        assert_int_equal(journal_commit(shop.journal), 0);
        look();
        assert_one("journal-full", "", 1);
}

static void execute(const char *sql) {
        assert_int_equal(sqlite3_exec(shop.journal->db, sql, NULL, NULL, NULL), SQLITE_OK);
}

/* Nobody is told of what cannot be written; it is written when that works again. */
static void not_written(void **state) {
        care.disk_full = true;
        execute("CREATE TEMP TRIGGER full BEFORE INSERT ON main.faults BEGIN SELECT RAISE(ABORT, 'full'); END");
        look();
        assert_int_equal(care.opened, 0);
        assert_none();
        execute("DROP TRIGGER full");
        look();
        assert_int_equal(care.opened, 1);
        execute("CREATE TEMP TRIGGER full BEFORE UPDATE ON main.faults BEGIN SELECT RAISE(ABORT, 'full'); END");
        care.disk_full = false;
        look();
        assert_int_equal(care.ended, 0);
        assert_one("journal-full", "", 1);
        execute("DROP TRIGGER full");
        look();
        assert_none();
}

static void assert_known_area(const struct fault_code *c) {
        const struct fault_area *area;

        for (size_t i = 0; (area = fault_area_get(i)); i++)
                if (streq(area->word, c->area))
                        return;
        fail_msg("%s: area %s", c->code, c->area);
}

static bool is_chinese(const char *text) {
        for (; *text; text++)
                if ((unsigned char) *text >= 0x80)
                        return true;
        return false;
}

/* Without a gap, and neither without the other. */
static void assert_in_both_languages(const struct fault_code *c, const struct fault_text *texts, size_t n) {
        bool ended = false;

        for (size_t i = 0; i < n; i++) {
                if (texts[i].english && (ended || isempty(texts[i].chinese) || !is_chinese(texts[i].chinese) ||
                                         is_chinese(texts[i].english)))
                        fail_msg("%s: %s", c->code, texts[i].english);
                if (!texts[i].english && texts[i].chinese)
                        fail_msg("%s: %s", c->code, texts[i].chinese);
                ended |= !texts[i].english;
        }
}

static void assert_own_id(const struct fault_code *c, size_t i) {
        if (strlen(c->id) != 32 || strspn(c->id, "0123456789abcdef") != 32)
                fail_msg("%s: %s", c->code, c->id);
        while (i-- > 0)
                assert_string_not_equal(fault_code_get(i)->id, c->id);
}

static void table(void **state) {
        static const char *const classes[] = { "hardware", "software", "card", "network", "configuration" };
        const struct fault_code *c;
        char code[48];

        for (size_t i = 0; (c = fault_code_get(i)); i++) {
                bool known = false;

                assert_ptr_equal(fault_code_find(c->code), c);
                for (size_t k = 0; k < ELEMENTSOF(classes); k++)
                        known |= streq(classes[k], c->class);
                if (!known || !c->merchant[0].english || !c->support[0].english || strlen(c->code) >= 40)
                        fail_msg("%s", c->code);
                assert_known_area(c);
                assert_in_both_languages(c, &c->symptom, 1);
                assert_in_both_languages(c, c->causes, ELEMENTSOF(c->causes));
                assert_in_both_languages(c, c->merchant, ELEMENTSOF(c->merchant));
                assert_in_both_languages(c, c->support, ELEMENTSOF(c->support));
                assert_in_both_languages(c, &c->part, 1);
                assert_own_id(c, i);
                /* A row of tillctl fault list has so much room. */
                if (strlen(c->symptom.english) > 40)
                        fail_msg("%s: %s", c->code, c->symptom.english);
        }
        for (enum difference d = DIFFERENCE_NONE + 1; d < _DIFFERENCE_MAX; d++) {
                snprintf(code, sizeof(code), "reconcile-%s", difference_to_string(d));
                c = fault_code_find(code);
                if ((d == DIFFERENCE_NOT_TOLD) != !c)
                        fail_msg("%s", code);
                if (c)
                        assert_string_equal(c->merchant[0].english, difference_next_step(d));
        }
        assert_null(fault_code_find("no-such-code"));
}

/* ---- Who is told ---- */

/* What is queued, by the end of a text; the newest first. */
static void assert_queued(unsigned n, const char *newest) {
        struct notice_record record;

        assert_int_equal(bound_phone_notices(shop.journal, &record), n);
        if (n == 0)
                return;
        assert_string_equal(record.event, "fault");
        if (!strstr(record.text, newest))
                fail_msg("\"%s\" is not in \"%s\"", newest, record.text);
}

static struct transaction_record rejected(void) {
        struct transaction_record record = acq_add_reversal(1000);

        reject("05");
        look();
        return record;
}

/* Each that opens and the end of all, but no more than one of a code in half an hour. */
static void people_are_told(void **state) {
        struct transaction_record first, second, third;
        char text[128];

        bound_phone_bind(shop.journal);
        first = rejected();
        snprintf(text, sizeof(text), "故障：收单机构拒绝了冲正（交易%d）。请致电收单机构撤回入账", (int) first.id);
        assert_queued(1, text);
        look();
        assert_queued(1, text);

        /* In the pause two more: one word of it when it is over, about the newest. */
        second = rejected();
        third = rejected();
        assert_queued(1, text);
        care.up = 31 * 60;
        look();
        snprintf(text, sizeof(text), "（交易%d）", (int) third.id);
        assert_queued(2, text);
        assert_queued(2, "未处理故障共3项。");
        look();
        assert_queued(2, text);

        resolve(first.id, "settled");
        resolve(third.id, "settled");
        look();
        assert_queued(2, text);
        resolve(second.id, "settled");
        look();
        snprintf(text, sizeof(text), "故障已解除：收单机构拒绝了冲正（交易%d）。", (int) third.id);
        assert_queued(3, text);
        assert_none();
        look();
        assert_queued(3, text);
}

/* What opens and ends within a pause is none of anybody's concern. */
static void nobody_is_flooded(void **state) {
        bound_phone_bind(shop.journal);
        for (int i = 0; i < 5; i++) {
                resolve(rejected().id, "settled");
                look();
        }
        assert_queued(2, "故障已解除");
        care.up = 31 * 60;
        look();
        assert_queued(2, "故障已解除");
}

/* With the fault or not at all; and never of the same one again. */
static void told_once(void **state) {
        struct transaction_record record;

        bound_phone_bind(shop.journal);
        record = acq_add_reversal(1000);
        reject("05");
        kill_and_start();
        assert_one("reversal-rejected", id_text(record.id), 1);
        assert_queued(1, "收单机构拒绝了冲正");
        kill_and_start();
        care.up = 31 * 60;
        look();
        assert_queued(1, "收单机构拒绝了冲正");
        /* That it is over is told by who has been started since. */
        resolve(record.id, "settled");
        look();
        assert_queued(2, "故障已解除");
}

/* The pause is over with a restart, and what opened in it is told; of the end nobody hears twice. */
static void opened_in_the_pause(void **state) {
        struct transaction_record first, second;
        char text[64];

        bound_phone_bind(shop.journal);
        first = rejected();
        second = rejected();
        assert_queued(1, "收单机构拒绝了冲正");
        kill_and_start();
        snprintf(text, sizeof(text), "（交易%d）", (int) second.id);
        assert_queued(2, text);
        care.faults = faults_free(care.faults);
        resolve(first.id, "settled");
        resolve(second.id, "settled");
        kill_and_start();
        assert_queued(3, "故障已解除");
        kill_and_start();
        assert_queued(3, "故障已解除");
}

/* Nobody was there when it began: of its end nobody is told. */
static void no_end_without_a_beginning(void **state) {
        struct transaction_record record = rejected();

        bound_phone_bind(shop.journal);
        resolve(record.id, "settled");
        look();
        assert_none();
        assert_queued(0, "");
}

/* What a statement differs in is an error, but for one that is a warning. */
static void warnings_are_not_told(void **state) {
        cJSON *result = cJSON_Parse("{\"Batches\":[1],\"Differences\":[{\"What\":\"other-rrn\",\"Batch\":1,\"Stan\":"
                                    "7}],\"More\":0}");

        bound_phone_bind(shop.journal);
        assert_int_equal(faults_reconciled(care.faults, result), 0);
        cJSON_Delete(result);
        assert_int_equal(faults_count_open(care.faults), 1);
        assert_queued(0, "");
}

static void observe(const char *code, const char *subject) {
        struct fault_record seen = { .transaction = 0 };

        COPY(seen.code, code);
        COPY(seen.subject, subject);
        faults_observe(care.faults, &seen);
}

/* What an act has shown stays until an act shows the contrary, whatever is looked at between. */
static void shown_by_acts(void **state) {
        observe("journal-changed", "a");
        observe("journal-changed", "a");
        acq_run();
        assert_one("journal-changed", "a", 2);
        look();
        assert_one("journal-changed", "a", 2);
        faults_disprove(care.faults, "journal-changed", "b");
        acq_run();
        assert_one("journal-changed", "a", 2);
        faults_disprove(care.faults, "journal-changed", "");
        acq_run();
        assert_none();
        /* Disproved before anybody has looked: it was nothing. */
        observe("journal-changed", "a");
        faults_disprove(care.faults, "journal-changed", "a");
        acq_run();
        assert_none();
        assert_int_equal(care.opened, 1);
        /* An open one that ends and is shown anew is another one. */
        observe("journal-changed", "a");
        acq_run();
        faults_disprove(care.faults, "journal-changed", "a");
        observe("journal-changed", "a");
        acq_run();
        assert_one("journal-changed", "a", 1);
        assert_int_equal(care.opened, 3);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test_setup_teardown(reversal, setup, teardown),
                cmocka_unit_test_setup_teardown(forward, setup, teardown),
                cmocka_unit_test_setup_teardown(no_more_offline, setup, teardown),
                cmocka_unit_test_setup_teardown(old_batch, setup, teardown),
                cmocka_unit_test_setup_teardown(unconfirmed, setup, teardown),
                cmocka_unit_test_setup_teardown(settlement, setup, teardown),
                cmocka_unit_test_setup_teardown(unfinished_settlement, setup, teardown),
                cmocka_unit_test_setup_teardown(killed, setup, teardown),
                cmocka_unit_test_setup_teardown(clocks, setup, teardown),
                cmocka_unit_test_setup_teardown(disk, setup, teardown),
                cmocka_unit_test_setup_teardown(changed, setup, teardown),
                cmocka_unit_test_setup_teardown(differences, setup, teardown),
                cmocka_unit_test_setup_teardown(more_differences, setup, teardown),
                cmocka_unit_test_setup_teardown(other_rrn, setup, teardown),
                cmocka_unit_test_setup_teardown(by_hand, setup, teardown),
                cmocka_unit_test_setup_teardown(in_a_commit, setup, teardown),
                cmocka_unit_test_setup_teardown(not_written, setup, teardown),
                cmocka_unit_test_setup_teardown(people_are_told, setup, teardown),
                cmocka_unit_test_setup_teardown(nobody_is_flooded, setup, teardown),
                cmocka_unit_test_setup_teardown(told_once, setup, teardown),
                cmocka_unit_test_setup_teardown(opened_in_the_pause, setup, teardown),
                cmocka_unit_test_setup_teardown(no_end_without_a_beginning, setup, teardown),
                cmocka_unit_test_setup_teardown(warnings_are_not_told, setup, teardown),
                cmocka_unit_test_setup_teardown(shown_by_acts, setup, teardown),
                cmocka_unit_test(table),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
