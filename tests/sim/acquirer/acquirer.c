// SPDX-License-Identifier: LGPL-2.1-or-later
#include <fcntl.h>
#include <time.h>

#include "acquirer/acquirer.h"
#include "acquirer/kinds.h"
#include "base/log.h"
#include "base/secret.h"
#include "host/digits.h"

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
        if (rule->mti != 800 && strncmp(private + 8, rule->network, 3) != 0 &&
            (!rule->balanced || strncmp(private + 8, rule->balanced, 3) != 0))
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

void copy_trimmed(const struct iso8583 *m, unsigned field, char *ret, size_t size) {
        int l = snprintf(ret, size, "%s", strempty(iso8583_text(m, field)));

        l = MIN(l, (int) size - 1);
        while (l > 0 && ret[l - 1] == ' ')
                ret[--l] = '\0';
}

static void load_keys(struct sim_acquirer *a, struct request *q) {
        uint8_t wrapped[WRAPPED_KEYS_MAX];
        size_t size;

        if (ledger_get_keys(a->ledger, q->terminal, wrapped, &size) < 0 ||
            host_keys_new(a->profile->hierarchy, a->tmk, &q->keys) < 0)
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
        if (strspn(private, "0123456789") < 8)
                return -EBADMSG;
        q->batch = (uint32_t) digits_read(private + 2, 6);
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

/* DE60, with another batch where a new one begins. */
static int set_private(struct iso8583 *m, const struct request *q, const struct verdict *v) {
        char text[18];

        snprintf(text, sizeof(text), "%s", strempty(iso8583_text(q->m, 60)));
        if (v->batch > 0)
                digits_write(text + 2, 6, v->batch);
        return iso8583_set_text(m, 60, text);
}

static int set_optional(struct iso8583 *m, unsigned field, const char *text) {
        return *text ? iso8583_set_text(m, field, text) : 0;
}

static int fill_answer(const struct request *q, const struct verdict *v, struct iso8583 *m) {
        static const unsigned repeated[] = { 3, 25, 41, 42, 49 };
        static const uint8_t no_mac[MAC_SIZE];
        bool mac = q->rule->mac && q->keys && !v->unsigned_ && q->step.action != ACTION_NO_MAC;
        int r = 0;

        for (size_t i = 0; i < ELEMENTSOF(repeated) && r >= 0; i++)
                r = repeat(m, q->m, repeated[i]);
        if (r >= 0)
                r = set_private(m, q, v);
        if (r >= 0 && iso8583_has(q->m, 4))
                r = iso8583_set_number(m, 4, q->amount + (q->step.action == ACTION_WRONG_AMOUNT));
        if (r >= 0)
                r = iso8583_set_number(m, 11, (q->stan + (q->step.action == ACTION_WRONG_STAN)) % 1000000);
        if (r >= 0)
                r = set_time(m);
        if (r >= 0)
                r = iso8583_set_text(m, 37, v->rrn[0] ? v->rrn : "000000000000");
        if (r >= 0)
                r = set_optional(m, 38, v->approval);
        if (r >= 0)
                r = iso8583_set_text(m, 39, v->code);
        if (r >= 0)
                r = set_optional(m, 48, v->totals);
        if (r >= 0)
                r = set_optional(m, 54, v->balance);
        if (r >= 0 && v->icc_size > 0)
                r = iso8583_set_bytes(m, 55, v->icc, v->icc_size);
        if (r >= 0 && v->private_size > 0)
                r = iso8583_set_bytes(m, 62, v->private, v->private_size);
        if (r >= 0 && mac)
                r = iso8583_set_bytes(m, 64, no_mac, sizeof(no_mac));
        return r;
}

/* The request's TPDU with its two addresses exchanged. */
static void write_head(uint8_t *to, const uint8_t *request, const struct host_profile *p) {
        to[0] = request[0];
        memcpy(to + 1, request + 3, 2);
        memcpy(to + 3, request + 1, 2);
        memcpy(to + 5, p->header, p->header_size);
}

static int write_answer(const struct sim_acquirer *a, const struct request *q, const struct verdict *v,
                        const uint8_t *request, struct reply *ret) {
        _cleanup_(iso8583_freep) struct iso8583 *m = NULL;
        const size_t head = 2 + host_profile_head(a->profile);
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

static int handle_kind(struct sim_acquirer *a, struct request *q, struct verdict *v) {
        if (q->kind <= HOST_TIP)
                return money_handle(a, q, v);
        if (q->step.action == ACTION_DECLINE) {
                snprintf(v->code_text, sizeof(v->code_text), "%s", q->step.code);
                v->code = v->code_text;
                return 0;
        }
        switch (q->kind) {
        case HOST_REVERSAL:
                return reversal_handle(a, q, v);
        case HOST_SETTLEMENT:
        case HOST_BATCH_UPLOAD:
        case HOST_CHIP_UPLOAD:
        case HOST_BATCH_UPLOAD_END:
                return batch_handle(a, q, v);
        case HOST_BINDING_CHECK:
        case HOST_BINDING_CONFIRM:
        case HOST_BINDING_WITHDRAW:
                return binding_handle(a, q, v);
        default:
                return service_handle(a, q, v);
        }
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
        const size_t head = host_profile_head(a->profile);
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
