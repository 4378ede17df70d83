// SPDX-License-Identifier: LGPL-2.1-or-later
#include "base/log.h"
#include "base/secret.h"
#include "base/tlv.h"
#include "host/answer.h"
#include "host/digits.h"
#include "host/result.h"

/* As text, and as the card gets it. */
static bool is_response_code(const struct tlv *t) {
        return t->size == 2 && t->value[0] > ' ' && t->value[0] < 0x7F && t->value[1] > ' ' && t->value[1] < 0x7F;
}

/*
 * What the acquirer has decided stands whatever its DE55 is like: the card gets what can be read of it and decides,
 * and an approval that does not end in its TC is reversed. What is broken goes to the scripts as it is, and the card
 * is told of a script that was lost (TVR byte 5 bit 6).
 */
static void read_icc(int64_t transaction, struct host_answer *a, const uint8_t *p, size_t left) {
        struct tlv t;
        int r;

        while ((r = tlv_next(&p, &left, &t)) > 0)
                switch (t.tag) {
                case 0x91:
                        /* Too long is as wrong as too short, which emv/ knows: the first byte stands for it. */
                        a->issuer_auth_size = t.size <= sizeof(a->issuer_auth) ? t.size : 1;
                        memcpy(a->issuer_auth, t.value, a->issuer_auth_size);
                        break;
                case 0x8A:
                        if (is_response_code(&t))
                                memcpy(a->arc, t.value, t.size);
                        break;
                case 0x71:
                case 0x72:
                        /* As short as it can be written: all of DE55 has room. */
                        (void) tlv_append(a->scripts, sizeof(a->scripts), &a->scripts_size, t.tag, t.value, t.size);
                        break;
                default:
                        break;
                }
        if (r >= 0)
                return;
        log_about(LOG_WARNING, 0, LOG_ABOUT_TRANSACTION(transaction),
                  "DE55 of the acquirer's answer is broken; the card decides without its last %zu bytes", left);
        left = MIN(left, sizeof(a->scripts) - a->scripts_size);
        memcpy(a->scripts + a->scripts_size, p, left);
        a->scripts_size += left;
}

/* A field's text without trailing blanks; empty when absent. The profile's sizes fit those of the struct. */
static void copy_field(const struct iso8583 *m, unsigned field, char *ret, size_t size) {
        const char *text = iso8583_text(m, field);
        size_t l = text ? strnlen(text, size - 1) : 0;

        if (text)
                memcpy(ret, text, l);
        while (l > 0 && ret[l - 1] == ' ')
                l--;
        ret[l] = '\0';
}

static bool same_text(const struct iso8583 *m, unsigned field, const char *text) {
        char value[32];

        copy_field(m, field, value, sizeof(value));
        return streq(value, text);
}

static bool is_answer_to(const struct host_profile *p, const struct host_request *q, const struct iso8583 *m) {
        uint64_t stan;

        return iso8583_mti(m) == p->kinds[q->kind].mti + 10u && iso8583_number(m, 11, &stan) == 0 && stan == q->stan &&
               same_text(m, 41, q->terminal) && same_text(m, 42, q->merchant);
}

static bool is_approval(const char *code) {
        return host_result_find(code)->action == HOST_ACTION_APPROVE;
}

/*
 * What nobody but the acquirer may say: yes, the last word on a reversal or a withdrawal, and that an advice was there
 * before, which closes a repeat.
 */
static bool needs_mac(const struct host_kind_rule *rule, enum host_kind kind, const char *code) {
        return is_approval(code) || (kind == HOST_REVERSAL && host_result_ends_reversal(code)) ||
               (kind == HOST_BINDING_WITHDRAW && host_result_is_final(code)) ||
               (rule->mti == 220 && streq(code, "94"));
}

static int check_mac(const struct host_profile *p, const struct host_keys *keys, const struct host_kind_rule *rule,
                     const struct iso8583 *m, bool needed, const uint8_t *message, size_t size) {
        int r;

        if (!rule->mac)
                return 0;
        if (!iso8583_has(m, 64))
                return needed ? -EKEYREJECTED : 0;
        r = host_keys_verify(keys, p->mac, message, size - MAC_SIZE, message + size - MAC_SIZE);
        return r == -ENOKEY ? -EKEYREJECTED : r;
}

static int check_content(const struct host_kind_rule *rule, const struct host_request *q, const struct iso8583 *m,
                         bool approval) {
        uint64_t amount;

        if (!iso8583_has(m, 39))
                return -EBADMSG;
        if (approval && rule->answer_mandatory & ~iso8583_fields(m))
                return -EBADMSG;
        if (q->amount > 0 && iso8583_number(m, 4, &amount) == 0 && amount != (uint64_t) q->amount)
                return -EBADMSG;
        return 0;
}

static bool is_download(enum host_kind kind) {
        return kind == HOST_PARAMETERS || kind == HOST_CA_KEYS;
}

/* What only some kinds bring; an approval without it has been refused before. */
static int read_kind(const struct iso8583 *m, const struct host_request *q, struct host_answer *a) {
        const char *text = iso8583_text(m, q->kind == HOST_SETTLEMENT ? 48 : 54);
        const void *data;
        size_t size;

        if (q->kind == HOST_SETTLEMENT && text) {
                a->has_totals = true;
                return host_totals_parse(text, &a->totals);
        }
        if (q->kind == HOST_BALANCE && text) {
                a->has_balance = true;
                if (host_balance_parse(text, &a->balance) < 0 || a->balance.currency != q->currency)
                        return -EBADMSG;
        }
        data = iso8583_bytes(m, 62, &size);
        if (data && is_download(q->kind)) {
                a->has_download = true;
                return host_download_parse(data, size, &a->download);
        }
        if (data && q->kind == HOST_SIGN_ON && size <= sizeof(a->keys)) {
                memcpy(a->keys, data, size);
                a->keys_size = size;
        }
        return 0;
}

static void read_fields(const struct host_request *q, const struct iso8583 *m, struct host_answer *a) {
        const char *text;
        const void *data;
        uint64_t number;
        size_t size;

        copy_field(m, 39, a->code, sizeof(a->code));
        copy_field(m, 38, a->approval, sizeof(a->approval));
        copy_field(m, 37, a->rrn, sizeof(a->rrn));
        copy_field(m, 12, a->time, sizeof(a->time));
        copy_field(m, 13, a->date, sizeof(a->date));
        copy_field(m, 15, a->settle_date, sizeof(a->settle_date));
        copy_field(m, 32, a->acquirer, sizeof(a->acquirer));
        copy_field(m, 44, a->issuer, sizeof(a->issuer));

        if (iso8583_number(m, 4, &number) == 0) {
                a->has_amount = true;
                a->amount = (int64_t) number;
        }
        text = iso8583_text(m, 60);
        if (text && strspn(text, "0123456789") >= 8) {
                a->has_batch = true;
                a->batch = (uint32_t) digits_read(text + 2, 6);
        }

        memcpy(a->arc, a->code, sizeof(a->arc));
        data = iso8583_bytes(m, 55, &size);
        if (data)
                read_icc(q->transaction, a, data, size);
}

int host_answer_decode(const struct host_profile *p, const struct host_keys *keys, const struct host_request *q,
                       const void *frame, size_t size, struct host_answer *ret) {
        _cleanup_(iso8583_freep) struct iso8583 *m = NULL;
        const struct host_kind_rule *rule = p->kinds + q->kind;
        const size_t head = host_profile_head(p);
        const uint8_t *message = (const uint8_t *) frame + head;
        struct host_answer a = {};
        const char *code;
        int r;

        if (size < head || *(const uint8_t *) frame != p->tpdu[0])
                return -EBADMSG;
        r = iso8583_decode(p->fields, message, size - head, &m, NULL);
        if (r < 0)
                return r;
        if (!is_answer_to(p, q, m))
                return -ENOMSG;

        code = iso8583_text(m, 39);
        r = check_mac(p, keys, rule, m, code && needs_mac(rule, q->kind, code), message, size - head);
        if (r < 0)
                return r;
        r = check_content(rule, q, m, code && is_approval(code));
        if (r < 0)
                return r;
        r = read_kind(m, q, &a);
        if (r < 0)
                return r;
        read_fields(q, m, &a);
        *ret = a;
        return 0;
}
