// SPDX-License-Identifier: LGPL-2.1-or-later
#include <fcntl.h>
#include <sys/random.h>
#include <time.h>

#include "acquirer/acquirer.h"
#include "base/log.h"
#include "base/secret.h"

struct sim_acquirer {
        const struct sim_settings *settings;
        const struct host_profile *profile;
        struct ledger *ledger;
        struct issuer *issuer;
        struct script script;
        uint8_t *tmk; /* secret */
};

/* One request while it is handled. */
struct request {
        const struct iso8583 *m;
        enum host_kind kind;
        const struct host_kind_rule *rule;
        struct step step;
        char terminal[9], merchant[16];
        uint32_t stan, batch;
        uint64_t amount;
        struct host_keys *keys; /* of the terminal; NULL before its sign-on */
};

/* 91 with ARPC and its code; 71 or 72 with an identifier and one command. */
#define ANSWER_ICC_MAX (2 + 10 + 2 + 7 + 2 + STEP_COMMAND_MAX)

/* What the answer says beside what it repeats. */
struct verdict {
        const char *code;
        const char *note;
        char code_text[3];
        char rrn[13], approval[7];
        uint8_t icc[ANSWER_ICC_MAX]; /* DE55 */
        size_t icc_size;
        uint8_t wrapped[40];
        bool has_keys;
        bool unsigned_; /* no key to make a MAC with */
};

static int read_tmk(const char *state, uint8_t *tmk) {
        _cleanup_free_ char *path = NULL;
        _cleanup_close_ int fd = -EBADF;

        if (asprintf(&path, "%s/tmk", state) < 0)
                return -ENOMEM;
        fd = open(path, O_RDONLY | O_CLOEXEC);
        if (fd < 0)
                return log_error_errno(-errno, "%s cannot be read; till-acquirer-setup makes it", path);
        if (read(fd, tmk, TMK_SIZE) != TMK_SIZE)
                return log_error_errno(-EINVAL, "%s is not %d bytes", path, TMK_SIZE);
        return 0;
}

int sim_acquirer_new(const struct sim_settings *settings, struct sim_acquirer **ret) {
        _cleanup_(sim_acquirer_freep) struct sim_acquirer *a = NULL;
        int r;

        a = calloc(1, sizeof(*a));
        if (!a)
                return -ENOMEM;
        a->settings = settings;
        a->profile = settings->profile;
        a->tmk = secret_new(TMK_SIZE);
        if (!a->tmk)
                return -ENOMEM;
        r = read_tmk(settings->state, a->tmk);
        if (r < 0)
                return r;
        r = issuer_load(settings->issuer, &a->issuer);
        if (r < 0)
                return log_error_errno(r, "Issuer keys %s cannot be used", settings->issuer);
        r = ledger_open(settings->state, &a->ledger);
        if (r < 0)
                return log_error_errno(r, "Ledger in %s cannot be opened", settings->state);
        *ret = TAKE_PTR(a);
        return 0;
}

struct sim_acquirer *sim_acquirer_free(struct sim_acquirer *a) {
        if (!a)
                return NULL;
        ledger_free(a->ledger);
        issuer_free(a->issuer);
        secret_free(a->tmk);
        free(a);
        return NULL;
}

struct script *sim_acquirer_script(struct sim_acquirer *a) {
        return &a->script;
}

/* ---- what is asked ---- */

static bool rule_matches(const struct host_kind_rule *rule, const struct iso8583 *m) {
        const char *processing = iso8583_text(m, 3), *condition = iso8583_text(m, 25), *private = iso8583_text(m, 60);

        if (rule->mti != iso8583_mti(m) || !private || strlen(private) < 11)
                return false;
        if (rule->type && strncmp(private, rule->type, 2) != 0)
                return false;
        /* Sign-on comes with a network code for each key length. */
        if (rule->mti == 820 && strncmp(private + 8, rule->network, 3) != 0)
                return false;
        return (!rule->processing || streq_ptr(processing, rule->processing)) &&
               (!rule->condition || streq_ptr(condition, rule->condition));
}

static enum host_kind find_kind(const struct host_profile *p, const struct iso8583 *m) {
        for (enum host_kind k = 0; k < _HOST_KIND_MAX; k++)
                if (rule_matches(p->kinds + k, m))
                        return k;
        return _HOST_KIND_INVALID;
}

static void copy_trimmed(const struct iso8583 *m, unsigned field, char *ret, size_t size) {
        int l = snprintf(ret, size, "%s", strempty(iso8583_text(m, field)));

        l = MIN(l, (int) size - 1);
        while (l > 0 && ret[l - 1] == ' ')
                ret[--l] = '\0';
}

static void load_keys(struct sim_acquirer *a, struct request *q) {
        uint8_t wrapped[WRAPPED_KEYS_MAX];
        size_t size;

        if (ledger_get_keys(a->ledger, q->terminal, wrapped, &size) < 0 || host_keys_new(a->tmk, &q->keys) < 0)
                return;
        if (host_keys_load(q->keys, wrapped, size) < 0)
                q->keys = host_keys_free(q->keys);
}

static int read_request(struct sim_acquirer *a, const struct iso8583 *m, struct request *q) {
        const char *private = iso8583_text(m, 60);
        uint64_t stan;

        q->m = m;
        q->kind = find_kind(a->profile, m);
        if (q->kind < 0 || iso8583_number(m, 11, &stan) < 0 || !iso8583_has(m, 41) || !iso8583_has(m, 42))
                return -EBADMSG;
        q->rule = a->profile->kinds + q->kind;
        q->stan = (uint32_t) stan;
        for (const char *c = private + 2; c < private + 8; c++)
                q->batch = q->batch * 10 + (uint32_t) (*c - '0');
        if (iso8583_has(m, 4) && iso8583_number(m, 4, &q->amount) < 0)
                return -EBADMSG;
        copy_trimmed(m, 41, q->terminal, sizeof(q->terminal));
        copy_trimmed(m, 42, q->merchant, sizeof(q->merchant));
        load_keys(a, q);
        return 0;
}

/* ---- checks; each returns a response code, NULL when there is nothing to object ---- */

static const char *check_terminal(const struct sim_acquirer *a, const struct request *q) {
        const struct sim_settings *s = a->settings;

        if (s->n_terminals == 0)
                return NULL;
        for (size_t i = 0; i < s->n_terminals; i++)
                if (streq(s->terminals[i].terminal, q->terminal))
                        return streq(s->terminals[i].merchant, q->merchant) ? NULL : "03";
        return "97";
}

static const char *check_mac(const struct sim_acquirer *a, const struct request *q, const uint8_t *message,
                             size_t size) {
        if (!q->rule->mac)
                return NULL;
        if (!q->keys || !iso8583_has(q->m, 64))
                return "A0";
        if (host_keys_verify(q->keys, a->profile->mac, message, size - MAC_SIZE, message + size - MAC_SIZE) < 0)
                return "A0";
        return NULL;
}

/* Card number and expiry from their fields, else from track 2. */
struct card {
        char pan[20];
        char expiry[5];
        char service;
};

static void read_card(const struct request *q, struct card *c) {
        const char *track = iso8583_text(q->m, 35), *separator = track ? strchr(track, '=') : NULL;

        copy_trimmed(q->m, 2, c->pan, sizeof(c->pan));
        copy_trimmed(q->m, 14, c->expiry, sizeof(c->expiry));
        if (!separator)
                return;
        if (!c->pan[0] && separator - track < (ptrdiff_t) sizeof(c->pan))
                memcpy(c->pan, track, (size_t) (separator - track));
        if (!c->expiry[0])
                snprintf(c->expiry, sizeof(c->expiry), "%.4s", separator + 1);
        if (strlen(separator) > 5)
                c->service = separator[5];
}

static bool is_expired(const char *expiry) {
        time_t now = time(NULL);
        struct tm tm;
        char today[16];

        if (strlen(expiry) != 4 || !localtime_r(&now, &tm))
                return true;
        snprintf(today, sizeof(today), "%02d%02d", tm.tm_year % 100, tm.tm_mon + 1);
        return strcmp(expiry, today) < 0;
}

static const char *check_card(const struct sim_acquirer *a, const struct request *q, const struct card *c,
                              const char **ret_note) {
        const char *entry = strempty(iso8583_text(q->m, 22));

        if (!issuer_has(a->issuer, c->pan)) {
                *ret_note = "no issuer for this card number";
                return "15";
        }
        if (is_expired(c->expiry)) {
                *ret_note = "card expired";
                return "54";
        }
        if (startswith(entry, "02") && (c->service == '2' || c->service == '6')) {
                *ret_note = "stripe of a chip card";
                return "45";
        }
        for (size_t i = 0; i < a->settings->n_declines; i++)
                if (streq(a->settings->declines[i].pan, c->pan)) {
                        *ret_note = "card is on the list of declined ones";
                        return a->settings->declines[i].code;
                }
        return NULL;
}

/* Finds a primitive TLV in DE55. Returns its value when it has this size, else NULL. */
static const uint8_t *find_tlv(const uint8_t *p, size_t left, unsigned wanted, size_t wanted_size, bool at_least) {
        while (left >= 2) {
                unsigned tag = *p++;
                size_t size;

                left--;
                if ((tag & 0x1F) == 0x1F) {
                        tag = tag << 8 | *p++;
                        left--;
                }
                if (left < 1 || *p > 0x7F)
                        return NULL;
                size = *p++;
                left--;
                if (size > left)
                        return NULL;
                if (tag == wanted)
                        return size == wanted_size || (at_least && size > wanted_size) ? p : NULL;
                p += size;
                left -= size;
        }
        return NULL;
}

static bool read_icc(const uint8_t *icc, size_t size, struct issuer_data *data) {
        const struct {
                unsigned tag;
                uint8_t *to;
                size_t size;
        } parts[] = {
                { 0x9F02, data->amount, 6 }, { 0x9F03, data->amount_other, 6 },  { 0x9F1A, data->country, 2 },
                { 0x95, data->tvr, 5 },      { 0x5F2A, data->currency, 2 },      { 0x9A, data->date, 3 },
                { 0x9C, &data->type, 1 },    { 0x9F37, data->unpredictable, 4 }, { 0x82, data->aip, 2 },
                { 0x9F36, data->atc, 2 },
        };
        const uint8_t *value;

        for (size_t i = 0; i < ELEMENTSOF(parts); i++) {
                value = find_tlv(icc, size, parts[i].tag, parts[i].size, false);
                if (!value)
                        return false;
                memcpy(parts[i].to, value, parts[i].size);
        }
        value = find_tlv(icc, size, 0x9F10, 7, true);
        if (!value)
                return false;
        memcpy(data->cvr, value + 3, sizeof(data->cvr));
        return true;
}

static bool same_amount(const uint8_t bcd[static 6], uint64_t amount) {
        uint64_t value = 0;

        for (size_t i = 0; i < 6; i++)
                value = value * 100 + (uint64_t) (bcd[i] >> 4) * 10 + (bcd[i] & 0x0F);
        return value == amount;
}

static int card_sequence(const struct request *q) {
        uint64_t psn;

        return iso8583_number(q->m, 23, &psn) == 0 ? (int) psn : -1;
}

static int session_key(const struct sim_acquirer *a, const struct request *q, const char *pan,
                       const struct issuer_data *data, uint8_t key[static ISSUER_KEY_SIZE]) {
        int r;

        r = issuer_card_key(a->issuer, pan, card_sequence(q), key);
        if (r < 0)
                return r;
        return issuer_session_key(key, (uint16_t) (data->atc[0] << 8 | data->atc[1]), key);
}

/* The cryptogram of a chip card; leaves the key for the answer's. */
static const char *check_chip(const struct sim_acquirer *a, const struct request *q, const char *pan,
                              uint8_t key[static ISSUER_KEY_SIZE], const uint8_t **ret_arqc, const char **ret_note) {
        struct issuer_data data;
        uint8_t right[ISSUER_AC_SIZE];
        const uint8_t *icc, *arqc, *type;
        size_t size = 0;

        icc = iso8583_bytes(q->m, 55, &size);
        arqc = icc ? find_tlv(icc, size, 0x9F26, ISSUER_AC_SIZE, false) : NULL;
        type = icc ? find_tlv(icc, size, 0x9F27, 1, false) : NULL;
        if (!arqc || !type || !read_icc(icc, size, &data)) {
                *ret_note = "chip data missing";
                return "30";
        }
        if (!same_amount(data.amount, q->amount)) {
                *ret_note = "amount of the chip data differs";
                return "13";
        }
        if ((*type & 0xC0) != 0x80) {
                *ret_note = "cryptogram is not a request for authorization";
                return "12";
        }
        if (session_key(a, q, pan, &data, key) < 0 || issuer_cryptogram(key, &data, sizeof(data), right) < 0 ||
            !secret_equal(right, arqc, ISSUER_AC_SIZE)) {
                *ret_note = "cryptogram wrong";
                return "05";
        }
        *ret_arqc = arqc;
        return NULL;
}

/* ---- the kinds ---- */

static bool is_chip(const struct request *q) {
        return startswith(strempty(iso8583_text(q->m, 22)), "05");
}

/* A command of four bytes gets Lc and the issuer's MAC behind it; any other goes out as it is. */
static int make_command(const struct sim_acquirer *a, const struct request *q, const char *pan, const uint8_t *arqc,
                        uint8_t ret[static STEP_COMMAND_MAX], size_t *ret_size) {
        const struct step *step = &q->step;
        uint8_t key[ISSUER_KEY_SIZE];
        WIPE_AT_END(key);
        const uint8_t *icc;
        size_t size = 0;
        int r;

        memcpy(ret, step->command, step->command_size);
        *ret_size = step->command_size;
        if (step->command_size != 4)
                return 0;
        r = issuer_card_mac_key(a->issuer, pan, card_sequence(q), key);
        if (r >= 0)
                r = issuer_mac_session_key(key, arqc, key);
        if (r < 0)
                return r;
        icc = iso8583_bytes(q->m, 55, &size);
        ret[4] = ISSUER_MAC_SIZE;
        *ret_size = 5 + ISSUER_MAC_SIZE;
        return issuer_script_mac(key, ret, find_tlv(icc, size, 0x9F36, 2, false), arqc, 0, NULL, 0, ret + 5);
}

/* An issuer script of one command. */
static void append_script(const struct step *step, const uint8_t *command, size_t size, struct verdict *v) {
        uint8_t *p = v->icc + v->icc_size;

        *p++ = step->template;
        *p++ = (uint8_t) (7 + 2 + size);
        memcpy(p, "\x9F\x18\x04\0\0\0\x01", 7);
        p[7] = 0x86;
        p[8] = (uint8_t) size;
        memcpy(p + 9, command, size);
        v->icc_size += 2 + 7 + 2 + size;
}

static int answer_chip(const struct sim_acquirer *a, const struct request *q, const char *pan, const uint8_t *key,
                       const uint8_t *arqc, struct verdict *v) {
        uint8_t *arpc = v->icc + 2, command[STEP_COMMAND_MAX];
        size_t size;
        int r;

        v->icc[0] = 0x91;
        v->icc[1] = 10;
        memcpy(arpc + 8, v->code, 2);
        r = issuer_arpc(key, arqc, arpc + 8, arpc);
        if (r < 0)
                return r;
        if (q->step.action == ACTION_WRONG_ARPC)
                arpc[0] ^= 0xFF;
        v->icc_size = 12;
        if (q->step.action != ACTION_ISSUER_SCRIPT)
                return 0;
        r = make_command(a, q, pan, arqc, command, &size);
        if (r < 0)
                return r;
        append_script(&q->step, command, size, v);
        return 0;
}

static const char *judge_sale(const struct sim_acquirer *a, const struct request *q, const struct card *c,
                              uint8_t *key, const uint8_t **ret_arqc, const char **ret_note) {
        const char *code;

        code = is_chip(q) ? check_chip(a, q, c->pan, key, ret_arqc, ret_note) : NULL;
        if (q->step.action == ACTION_DECLINE) {
                *ret_note = "script";
                return q->step.code;
        }
        if (q->step.action == ACTION_APPROVE) {
                *ret_note = "script";
                return NULL;
        }
        return code ?: check_card(a, q, c, ret_note);
}

static int handle_sale(struct sim_acquirer *a, struct request *q, struct verdict *v) {
        struct card card = {};
        uint8_t key[ISSUER_KEY_SIZE] = {};
        const uint8_t *arqc = NULL;
        const char *code;
        WIPE_AT_END(key);
        _cleanup_(wipe_done) _unused_ struct wipe wipe_card = { &card, sizeof(card) };
        enum ledger_state state;
        int64_t amount;
        int r;

        /* A number that was seen, in whatever state, is not looked at again: this is what stops a second charge. */
        r = ledger_find(a->ledger, q->terminal, q->batch, q->stan, &state, &amount);
        if (r != -ENOENT) {
                v->code = "94";
                return r;
        }
        read_card(q, &card);
        code = judge_sale(a, q, &card, key, &arqc, &v->note);
        snprintf(v->code_text, sizeof(v->code_text), "%s", code ?: "00");
        v->code = v->code_text;

        struct ledger_entry e = {
                .terminal = q->terminal,
                .merchant = q->merchant,
                .batch = q->batch,
                .stan = q->stan,
                .kind = host_kind_name(q->kind),
                .entry = iso8583_text(q->m, 22),
                .amount = (int64_t) q->amount,
                .currency = iso8583_text(q->m, 49),
                .pan = card.pan[0] ? card.pan : NULL,
                .code = v->code,
                .effect = code ? "declined" : "approved",
                .note = v->note,
        };
        r = ledger_add(a->ledger, &e);
        if (r < 0)
                return r;
        memcpy(v->rrn, e.rrn, sizeof(v->rrn));
        memcpy(v->approval, e.approval, sizeof(v->approval));
        return arqc ? answer_chip(a, q, card.pan, key, arqc, v) : 0;
}

/* Keeps a number whose sale never came, so that it cannot come after its reversal. */
static int block_unknown(struct sim_acquirer *a, const struct request *q) {
        struct ledger_entry e = {
                .terminal = q->terminal,
                .merchant = q->merchant,
                .batch = q->batch,
                .stan = q->stan,
                .kind = host_kind_name(HOST_REVERSAL),
                .amount = (int64_t) q->amount,
                .currency = iso8583_text(q->m, 49),
                .code = "25",
                .effect = "unknown",
        };
        int r;

        r = ledger_add(a->ledger, &e);
        if (r < 0)
                return r;
        return ledger_reverse(a->ledger, q->terminal, q->batch, q->stan, iso8583_text(q->m, 39));
}

static int handle_reversal(struct sim_acquirer *a, struct request *q, struct verdict *v) {
        enum ledger_state state;
        int64_t amount;
        int r;

        if (q->step.action == ACTION_DECLINE) {
                snprintf(v->code_text, sizeof(v->code_text), "%s", q->step.code);
                v->code = v->code_text;
                return 0;
        }
        r = ledger_find(a->ledger, q->terminal, q->batch, q->stan, &state, &amount);
        if (r == -ENOENT) {
                v->code = "25";
                return block_unknown(a, q);
        }
        if (r < 0)
                return r;
        if (amount != (int64_t) q->amount) {
                v->code = "64";
                return 0;
        }
        v->code = state == LEDGER_UNKNOWN ? "25" : "00";
        return ledger_reverse(a->ledger, q->terminal, q->batch, q->stan, iso8583_text(q->m, 39));
}

/* A PIN key and a MAC key of double length, new each time. */
static int handle_sign_on(struct sim_acquirer *a, struct request *q, struct verdict *v) {
        uint8_t keys[2][16];
        WIPE_AT_END(keys);
        int r;

        if (q->step.action == ACTION_DECLINE) {
                snprintf(v->code_text, sizeof(v->code_text), "%s", q->step.code);
                v->code = v->code_text;
                return 0;
        }
        if (getrandom(keys, sizeof(keys), 0) != sizeof(keys))
                return -EIO;
        for (size_t i = 0; i < ELEMENTSOF(keys); i++) {
                r = host_key_wrap(a->tmk, keys[i], sizeof(keys[i]), v->wrapped + i * 20);
                if (r < 0)
                        return r;
        }
        r = ledger_set_keys(a->ledger, q->terminal, v->wrapped, sizeof(v->wrapped));
        if (r < 0)
                return r;
        v->code = "00";
        v->has_keys = true;
        return 0;
}

static int handle_kind(struct sim_acquirer *a, struct request *q, struct verdict *v) {
        switch (q->kind) {
        case HOST_SALE:
                return handle_sale(a, q, v);
        case HOST_REVERSAL:
                return handle_reversal(a, q, v);
        case HOST_SIGN_ON:
                return handle_sign_on(a, q, v);
        case HOST_ECHO:
                v->code = "00";
                return 0;
        default:
                v->code = "40";
                return 0;
        }
}

/* ---- the answer ---- */

static int set_time(struct iso8583 *m) {
        time_t now = time(NULL);
        char text[16];
        struct tm tm;
        int r;

        if (!localtime_r(&now, &tm))
                return -EIO;
        snprintf(text, sizeof(text), "%02d%02d%02d", tm.tm_hour % 100, tm.tm_min % 100, tm.tm_sec % 100);
        r = iso8583_set_text(m, 12, text);
        if (r < 0)
                return r;
        snprintf(text, sizeof(text), "%02d%02d", (tm.tm_mon + 1) % 100, tm.tm_mday % 100);
        return iso8583_set_text(m, 13, text);
}

static int repeat(struct iso8583 *m, const struct iso8583 *from, unsigned field) {
        const char *text = iso8583_text(from, field);

        return text ? iso8583_set_text(m, field, text) : 0;
}

static int fill_answer(const struct request *q, const struct verdict *v, struct iso8583 *m) {
        static const unsigned repeated[] = { 3, 25, 41, 42, 49, 60 };
        static const uint8_t no_mac[MAC_SIZE];
        bool mac = q->rule->mac && q->keys && !v->unsigned_ && q->step.action != ACTION_NO_MAC;
        int r = 0;

        for (size_t i = 0; i < ELEMENTSOF(repeated) && r >= 0; i++)
                r = repeat(m, q->m, repeated[i]);
        if (r >= 0 && iso8583_has(q->m, 4))
                r = iso8583_set_number(m, 4, q->amount + (q->step.action == ACTION_WRONG_AMOUNT));
        if (r >= 0)
                r = iso8583_set_number(m, 11, (q->stan + (q->step.action == ACTION_WRONG_STAN)) % 1000000);
        if (r >= 0)
                r = set_time(m);
        if (r >= 0)
                r = iso8583_set_text(m, 37, v->rrn[0] ? v->rrn : "000000000000");
        if (r >= 0 && v->approval[0])
                r = iso8583_set_text(m, 38, v->approval);
        if (r >= 0)
                r = iso8583_set_text(m, 39, v->code);
        if (r >= 0 && v->icc_size > 0)
                r = iso8583_set_bytes(m, 55, v->icc, v->icc_size);
        if (r >= 0 && v->has_keys)
                r = iso8583_set_bytes(m, 62, v->wrapped, sizeof(v->wrapped));
        if (r >= 0 && mac)
                r = iso8583_set_bytes(m, 64, no_mac, sizeof(no_mac));
        return r;
}

/* The request's TPDU with its two addresses exchanged. */
static void write_head(uint8_t *to, const uint8_t *request, const struct host_profile *p) {
        to[0] = request[0];
        memcpy(to + 1, request + 3, 2);
        memcpy(to + 3, request + 1, 2);
        memcpy(to + 5, p->header, sizeof(p->header));
}

static int write_answer(const struct sim_acquirer *a, const struct request *q, const struct verdict *v,
                        const uint8_t *request, struct reply *ret) {
        _cleanup_(iso8583_freep) struct iso8583 *m = NULL;
        const size_t head = 2 + sizeof(a->profile->tpdu) + sizeof(a->profile->header);
        uint8_t *body = ret->frame + head;
        ssize_t n;
        int r;

        r = iso8583_new(a->profile->fields, q->rule->mti + 10u, &m);
        if (r < 0)
                return r;
        r = fill_answer(q, v, m);
        if (r < 0)
                return r;
        n = iso8583_encode(m, body, sizeof(ret->frame) - head);
        if (n < 0)
                return (int) n;
        if (iso8583_has(m, 64)) {
                r = host_keys_mac(q->keys, a->profile->mac, body, (size_t) n - MAC_SIZE, body + n - MAC_SIZE);
                if (r < 0)
                        return r;
                if (q->step.action == ACTION_BAD_MAC)
                        body[n - 1] ^= 0x01;
        }
        if (q->step.action == ACTION_GARBLE)
                for (ssize_t i = 0; i < n; i++)
                        body[i] ^= 0xFF;

        write_head(ret->frame + 2, request, a->profile);
        ret->size = head + (size_t) n;
        ret->frame[0] = (uint8_t) ((ret->size - 2) >> 8);
        ret->frame[1] = (uint8_t) (ret->size - 2);
        return 0;
}

static int log_message(const struct sim_acquirer *a, const struct request *q, const char *code) {
        struct ledger_message m = {
                .terminal = q->terminal,
                .kind = host_kind_name(q->kind),
                .batch = q->batch,
                .stan = q->stan,
                .code = code,
                .action = q->step.action == ACTION_NONE ? NULL : action_name(q->step.action),
        };

        m.icc = iso8583_bytes(q->m, 55, &m.icc_size);
        return ledger_log(a->ledger, &m);
}

static int handle(struct sim_acquirer *a, struct request *q, const uint8_t *request, const uint8_t *message,
                  size_t size, struct reply *ret) {
        struct verdict v = {};
        enum action action;
        int r;

        q->step = script_take(&a->script, q->kind);
        action = q->step.action;
        *ret = (struct reply){ .times = action == ACTION_TWICE ? 2 : 1, .delay_usec = 0 };
        if (action == ACTION_DROP || action == ACTION_CLOSE) {
                ret->close = action == ACTION_CLOSE;
                return log_message(a, q, NULL);
        }

        v.code = check_terminal(a, q);
        if (!v.code)
                v.code = check_mac(a, q, message, size);
        v.unsigned_ = v.code != NULL;
        r = v.code ? 0 : handle_kind(a, q, &v);
        if (r < 0)
                return r;
        r = log_message(a, q, v.code);
        if (r < 0)
                return r;
        log_info("Terminal %s: %s %06u/%06u: %s%s%s", q->terminal, host_kind_name(q->kind), q->batch, q->stan, v.code,
                 v.note ? ", " : "", strempty(v.note));

        ret->close = action == ACTION_CLOSE_ANSWER;
        if (ret->close || action == ACTION_DROP_ANSWER)
                return 0;
        if (action == ACTION_DELAY)
                ret->delay_usec = q->step.delay_usec;
        return write_answer(a, q, &v, request, ret);
}

int sim_acquirer_handle(struct sim_acquirer *a, const void *frame, size_t size, struct reply *ret,
                        unsigned *ret_field) {
        _cleanup_(iso8583_freep) struct iso8583 *m = NULL;
        const size_t head = sizeof(a->profile->tpdu) + sizeof(a->profile->header);
        const uint8_t *message = (const uint8_t *) frame + head;
        struct request q = {};
        int r;

        *ret_field = 0;
        if (size < head || *(const uint8_t *) frame != a->profile->tpdu[0])
                return -EBADMSG;
        r = iso8583_decode(a->profile->fields, message, size - head, &m, ret_field);
        if (r < 0)
                return r;
        r = read_request(a, m, &q);
        if (r >= 0)
                r = handle(a, &q, frame, message, size - head, ret);
        host_keys_free(q.keys);
        return r;
}
