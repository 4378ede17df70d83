// SPDX-License-Identifier: LGPL-2.1-or-later
#include "base/amount.h"
#include "base/secret.h"
#include "host/digits.h"
#include "host/request.h"

static const char *entry_mode(enum host_entry entry) {
        switch (entry) {
        case HOST_ENTRY_NONE:
                return NULL;
        case HOST_ENTRY_MANUAL:
                return "012";
        case HOST_ENTRY_STRIPE:
                return "022";
        case HOST_ENTRY_CHIP:
                return "052";
        case HOST_ENTRY_FALLBACK:
                return "802";
        }
        return NULL;
}

/* What goes into each field, before the profile says which of them are sent. */
struct fields {
        const char *text[ISO8583_FIELDS + 1];
        char amount[13], stan[7], currency[4], psn[4], private[18], original[30], owner[4];
        char details[HOST_DETAILS_DIGITS + 1]; /* or totals, or how many were uploaded */
        char position[HOST_POSITION_DIGITS + 1];
        uint8_t encrypted[HOST_ENCRYPTED_MAX];
        size_t encrypted_size;
        uint8_t binding[HOST_BINDING_MAX];
        size_t binding_size;
};

/* Nothing that the reader hides stands beside it in the clear. */
static int fields_fill_encrypted(struct fields *f, const struct host_profile *p, const struct host_request *q,
                                 const char **ret_reason) {
        ssize_t n;

        if (!q->encrypted)
                return 0;
        if (q->pan || q->expiry || q->track2) {
                *ret_reason = "card data in the clear beside the reader's cryptogram";
                return -EINVAL;
        }
        n = p->encrypted > 0 ? host_encrypted_format(q->encrypted, f->encrypted) : -EOPNOTSUPP;
        if (n < 0) {
                *ret_reason = "the profile does not take what the reader encrypted";
                return (int) n;
        }
        f->encrypted_size = (size_t) n;
        return 0;
}

/* DE48 and DE62 of the kinds that are about a whole batch, or a download. */
static bool may_upload(const struct host_profile *p, const struct host_request *q) {
        if (q->n_details > p->limits.details)
                return false;
        for (size_t i = 0; i < q->n_details; i++)
                if (isempty(q->details[i].pan) && !p->detail_without_pan)
                        return false;
        return true;
}

static bool is_about_binding(enum host_kind kind) {
        return kind == HOST_BINDING_CHECK || kind == HOST_BINDING_CONFIRM || kind == HOST_BINDING_WITHDRAW;
}

static int fields_fill_binding(struct fields *f, const struct host_binding *b) {
        if (!host_binding_is_valid(b))
                return -EINVAL;
        f->binding_size = host_binding_format(b, f->binding);
        return 0;
}

static int fields_fill_service(struct fields *f, const struct host_profile *p, const struct host_request *q) {
        int r = 0;

        if (q->kind == HOST_SETTLEMENT && q->totals)
                r = host_totals_format(q->totals, f->details);
        else if (q->kind == HOST_BATCH_UPLOAD)
                r = may_upload(p, q) ? host_details_format(q->details, q->n_details, f->details) : -ERANGE;
        else if (q->kind == HOST_BATCH_UPLOAD_END && q->uploaded <= HOST_UPLOADED_MAX)
                digits_write(f->details, HOST_UPLOADED_DIGITS, q->uploaded);
        else if (q->kind == HOST_PARAMETERS || q->kind == HOST_CA_KEYS)
                r = host_position_format(q->position, f->position);
        else if (is_about_binding(q->kind) && q->binding)
                r = fields_fill_binding(f, q->binding);
        f->text[48] = f->details;
        f->text[62] = f->position;
        return r;
}

static int fields_fill(struct fields *f, const struct host_profile *p, const struct host_kind_rule *codes,
                       const struct host_kind_rule *rule, const struct host_request *q, const char **ret_reason) {
        if (q->stan < 1 || q->stan > 999999 || q->batch < 1 || q->batch > 999999) {
                *ret_reason = "STAN and batch are from 1 to 999999";
                return -EINVAL;
        }
        if (q->amount < 0 || q->amount > AMOUNT_MAX || q->currency > 999 || q->psn < -1 || q->psn > 99) {
                *ret_reason = "amount, currency or card sequence number out of range";
                return -EINVAL;
        }
        if (q->original.batch > 999999 || q->original.stan > 999999) {
                *ret_reason = "STAN and batch of the original are up to 999999";
                return -EINVAL;
        }

        f->text[2] = q->pan;
        f->text[3] = codes->processing;
        if (q->amount > 0) {
                snprintf(f->amount, sizeof(f->amount), "%012lld", (long long) q->amount);
                f->text[4] = f->amount;
        }
        snprintf(f->stan, sizeof(f->stan), "%06u", q->stan % 1000000);
        f->text[11] = f->stan;
        f->text[14] = q->expiry;
        f->text[22] = entry_mode(q->entry);
        if (q->psn >= 0) {
                snprintf(f->psn, sizeof(f->psn), "%03u", (unsigned) q->psn % 1000);
                f->text[23] = f->psn;
        }
        f->text[25] = codes->condition;
        f->text[35] = q->track2;
        f->text[37] = q->original.rrn;
        f->text[38] = q->authorization_code ?: q->original.approval;
        f->text[39] = q->reason;
        f->text[41] = q->terminal;
        f->text[42] = q->merchant;
        if (q->currency > 0) {
                snprintf(f->currency, sizeof(f->currency), "%03u", q->currency % 1000u);
                f->text[49] = f->currency;
        }

        /* 60.4: reads contact chips and stripes; 60.5: 2 when the chip could not be read. */
        snprintf(f->private, sizeof(f->private), "%s%06u%s%s", codes->type, q->batch % 1000000,
                 q->balanced && rule->balanced ? rule->balanced : rule->network,
                 rule->mac ? (q->entry == HOST_ENTRY_FALLBACK ? "52" : "50") : "");
        f->text[60] = f->private;

        if (q->original.stan > 0) {
                snprintf(f->original, sizeof(f->original), "%06u%06u%s", q->original.batch % 1000000,
                         q->original.stan % 1000000, q->original.date);
                f->text[61] = f->original;
        }
        /* 63.1 has room for 3 characters: a card scheme where a refund may go abroad, else the operator. */
        snprintf(f->owner, sizeof(f->owner), "%-3.3s",
                 q->kind == HOST_REFUND ? (q->scheme ?: p->scheme) : (q->operator_id ?: "01"));
        f->text[63] = f->owner;

        if (fields_fill_service(f, p, q) < 0) {
                *ret_reason = "totals, details, position or binding out of range";
                return -EINVAL;
        }
        return fields_fill_encrypted(f, p, q, ret_reason);
}

/* Card data where the kind has no place for it is a mistake that must not pass; other fields are left out. */
#define CARD_FIELDS (ISO8583_BIT(2) | ISO8583_BIT(14) | ISO8583_BIT(23) | ISO8583_BIT(35) | ISO8583_BIT(55))

/* Those that are bytes. Returns NULL when there are none. */
static const void *field_bytes(const struct host_profile *p, unsigned field, const struct host_request *q,
                               const struct fields *f, size_t *ret_size) {
        if (field == 55 && q->icc_size > 0) {
                *ret_size = q->icc_size;
                return q->icc;
        }
        if (field == p->encrypted && f->encrypted_size > 0) {
                *ret_size = f->encrypted_size;
                return f->encrypted;
        }
        if (field == 62 && f->binding_size > 0) {
                *ret_size = f->binding_size;
                return f->binding;
        }
        return NULL;
}

static int message_set(struct iso8583 *m, const struct host_profile *p, unsigned field, const char *text) {
        char track[38];
        WIPE_AT_END(track);

        if (p->fields[field].content == ISO8583_B)
                return iso8583_set_bytes(m, field, text, strlen(text));
        if (field == 35) {
                size_t l = strlen(text);

                if (l >= sizeof(track))
                        return -EINVAL;
                for (size_t i = 0; i <= l; i++)
                        track[i] = text[i] == 'D' ? '=' : text[i];
                text = track;
        }
        return iso8583_set_text(m, field, text);
}

static int message_fill(struct iso8583 *m, const struct host_profile *p, const struct host_kind_rule *rule,
                        const struct host_request *q, const struct fields *f, const char **ret_reason) {
        uint64_t allowed = rule->mandatory | rule->optional;
        uint64_t card = CARD_FIELDS | (p->encrypted > 0 ? ISO8583_BIT(p->encrypted) : 0);
        int r;

        for (unsigned field = 2; field < ISO8583_FIELDS; field++) {
                size_t size = 0;
                const void *data = field_bytes(p, field, q, f, &size);
                bool has = data || !isempty(f->text[field]);

                if (!has && rule->mandatory & ISO8583_BIT(field)) {
                        *ret_reason = "a field that the kind needs is missing";
                        return -EINVAL;
                }
                if (has && !(allowed & ISO8583_BIT(field)) && card & ISO8583_BIT(field)) {
                        *ret_reason = "card data that the kind does not carry";
                        return -EINVAL;
                }
                if (!has || !(allowed & ISO8583_BIT(field)))
                        continue;

                r = data ? iso8583_set_bytes(m, field, data, size) : message_set(m, p, field, f->text[field]);
                if (r < 0) {
                        *ret_reason = "a field has a form that the profile does not take";
                        return r;
                }
        }
        return 0;
}

static int check_reversal(const struct host_profile *p, const struct host_request *q, const char **ret_reason) {
        if (q->original.kind < 0 || q->original.kind >= _HOST_KIND_MAX || !p->kinds[q->original.kind].reversal) {
                *ret_reason = "the original is of a kind that has no reversal";
                return -EINVAL;
        }
        return 0;
}

/* Somebody has approved it: the issuer by voice, or the chip. */
static int check_offline(const struct host_request *q, const char **ret_reason) {
        if (q->kind == HOST_OFFLINE_SALE && isempty(q->authorization_code) && q->icc_size == 0) {
                *ret_reason = "an offline sale has neither an authorization code nor a chip's certificate";
                return -EINVAL;
        }
        return 0;
}

/* Length prefix, TPDU, header and message; the MAC is made over the message in its place. */
static ssize_t frame_write(const struct host_profile *p, const struct host_keys *keys, bool mac,
                           const struct iso8583 *m, uint8_t frame[static HOST_FRAME_MAX]) {
        size_t head = 2 + host_profile_head(p), total;
        ssize_t n;
        int r;

        memcpy(frame + 2, p->tpdu, sizeof(p->tpdu));
        memcpy(frame + 2 + sizeof(p->tpdu), p->header, p->header_size);
        n = iso8583_encode(m, frame + head, HOST_FRAME_MAX - head);
        if (n < 0)
                return n;

        total = head + (size_t) n;
        if (mac) {
                r = host_keys_mac(keys, p->mac, frame + head, (size_t) n - MAC_SIZE, frame + total - MAC_SIZE);
                if (r < 0)
                        return r;
        }
        frame[0] = (uint8_t) ((total - 2) >> 8);
        frame[1] = (uint8_t) (total - 2);
        return (ssize_t) total;
}

ssize_t host_request_encode(const struct host_profile *p, const struct host_keys *keys, const struct host_request *q,
                            uint8_t frame[static HOST_FRAME_MAX], const char **ret_reason) {
        _cleanup_(iso8583_freep) struct iso8583 *m = NULL;
        static const uint8_t no_mac[MAC_SIZE];
        const struct host_kind_rule *rule, *codes;
        const char *reason = NULL;
        struct fields f = {};
        _cleanup_(wipe_done) _unused_ struct wipe wipe_f = { &f, sizeof(f) };
        int r;

        if (!ret_reason)
                ret_reason = &reason;
        if (!host_profile_offers(p, q->kind))
                return -EOPNOTSUPP;

        codes = rule = p->kinds + q->kind;
        if (q->kind == HOST_REVERSAL) {
                r = check_reversal(p, q, ret_reason);
                if (r < 0)
                        return r;
                codes = p->kinds + q->original.kind;
        }
        r = check_offline(q, ret_reason);
        if (r < 0)
                return r;
        if (rule->mac && !host_keys_ready(keys))
                return -ENOKEY;

        r = fields_fill(&f, p, codes, rule, q, ret_reason);
        if (r < 0)
                return r;
        r = iso8583_new(p->fields, rule->mti, &m);
        if (r < 0)
                return r;
        r = message_fill(m, p, rule, q, &f, ret_reason);
        if (r < 0)
                return r;
        if (rule->mac) {
                r = iso8583_set_bytes(m, 64, no_mac, sizeof(no_mac));
                if (r < 0)
                        return r;
        }
        return frame_write(p, keys, rule->mac, m, frame);
}
