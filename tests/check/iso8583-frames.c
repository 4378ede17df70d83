// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * iso8583-frames - one message of each kind for tests/check/iso8583-tshark: a line "KIND<tab>HEX" (length
 * prefix and message, without TPDU and header), then "<tab>FIELD<tab>VALUE" for each field, value as
 * digits, as text, or as hex of opaque bytes.
 *
 * The dissector knows the forms of ISO 8583:1987, so the fields that the profile packs in its own way are
 * restated in the standard's: the codec is judged, and the profile's other fields. Field 35 is left out, for it
 * does not read packed track data; field 55, for which it has text, is given as hex digits.
 *
 * "iso8583-frames table" prints the kinds as the lines of a table in Documentation/acquirer-profile.md.
 */

#include "base/hex.h"
#include "host/request.h"

static const struct host_request common = {
        .stan = 452,
        .batch = 17,
        .terminal = "T0000001",
        .merchant = "000000000000001",
        .amount = 123456,
        .currency = 156,
        .entry = HOST_ENTRY_CHIP,
        .pan = "6200000000000005",
        .expiry = "4912",
        .psn = 1,
        .icc = "\x9F\x26\x08\x01\x02\x03\x04\x05\x06\x07\x08\x9F\x27\x01\x80",
        .icc_size = 15,
        .original = { .kind = HOST_SALE,
                      .batch = 16,
                      .stan = 3,
                      .date = "1121",
                      .rrn = "000000000042",
                      .approval = "A1B2C3" },
};

static const struct host_totals totals = {
        .domestic = { .debit = { 3, 123456 }, .credit = { 1, 700 } },
        .foreign = { .debit = { 1, 42 } },
};

static const struct host_detail details[] = {
        { .stan = 452, .pan = "6200000000000005", .amount = 123456 },
        { .foreign = true, .stan = 453, .pan = "4000000000000000002", .amount = 42 },
};

/* Card data only where the kind takes it, for the encoder refuses it elsewhere. */
static struct host_request request(enum host_kind kind) {
        const struct host_kind_rule *rule = host_profile_unionpay.kinds + kind;
        uint64_t fields = rule->mandatory | rule->optional;
        struct host_request q = common;

        q.kind = kind;
        if (!(fields & ISO8583_BIT(2))) {
                q.pan = NULL;
                q.psn = -1;
                q.icc_size = 0;
        }
        if (!(fields & ISO8583_BIT(14)))
                q.expiry = NULL;
        if (fields & ISO8583_BIT(35))
                q.track2 = "6200000000000005D49121010000000000";
        if (kind == HOST_REVERSAL)
                q.reason = HOST_REASON_NO_ANSWER;
        if (kind == HOST_OFFLINE_SALE)
                q.authorization_code = "A1B2C3";
        q.totals = &totals;
        q.details = details;
        q.n_details = ELEMENTSOF(details);
        q.uploaded = ELEMENTSOF(details);
        return q;
}

/* The standard's form where the profile has one of its own. */
static void restate_table(iso8583_table_t table) {
        memcpy(table, host_profile_unionpay.fields, sizeof(iso8583_table_t));
        table[22].content = ISO8583_N_RIGHT;
        table[48].content = ISO8583_ANS;
        table[55] = (struct iso8583_field){ ISO8583_LLL, ISO8583_ANS, 510 };
        table[60].content = ISO8583_ANS;
        table[61].content = ISO8583_ANS;
        table[62].content = ISO8583_ANS;
        table[63].content = ISO8583_ANS;
}

static int restate(const iso8583_table_t table, const struct iso8583 *m, struct iso8583 **ret) {
        _cleanup_(iso8583_freep) struct iso8583 *n = NULL;
        const void *data;
        size_t size = 0;
        int r;

        r = iso8583_new(table, iso8583_mti(m), &n);
        for (unsigned field = 2; field <= ISO8583_FIELDS && r >= 0; field++) {
                data = iso8583_bytes(m, field, &size);
                if (!data || field == 35)
                        continue;
                _cleanup_free_ char *hex = field == 55 ? hex_encode_alloc(data, size) : NULL;
                r = hex ? iso8583_set_text(n, field, hex) : iso8583_set_bytes(n, field, data, size);
        }
        if (r < 0)
                return r;
        *ret = TAKE_PTR(n);
        return 0;
}

static int print_message(const iso8583_table_t table, const char *name, const struct iso8583 *m) {
        _cleanup_free_ char *hex = NULL;
        uint8_t data[ISO8583_SIZE_MAX];
        size_t size;
        ssize_t n;

        n = iso8583_encode(m, data, sizeof(data));
        if (n < 0)
                return (int) n;
        hex = hex_encode_alloc(data, (size_t) n);
        printf("%s\t%04X%s\n", name, (unsigned) n, strempty(hex));
        for (unsigned field = 2; field <= ISO8583_FIELDS; field++) {
                const void *value = iso8583_bytes(m, field, &size);
                _cleanup_free_ char *bytes = value ? hex_encode_alloc(value, size) : NULL;

                if (value)
                        printf("\t%u\t%s\n", field,
                               table[field].content == ISO8583_B ? strempty(bytes) : iso8583_text(m, field));
        }
        return 0;
}

static int print_kind(const struct host_keys *keys, enum host_kind kind) {
        _cleanup_(iso8583_freep) struct iso8583 *m = NULL, *restated = NULL;
        struct host_request q = request(kind);
        uint8_t frame[HOST_FRAME_MAX];
        iso8583_table_t table;
        const char *reason = NULL;
        ssize_t n;
        int r;

        n = host_request_encode(&host_profile_unionpay, keys, &q, frame, &reason);
        if (n < 0) {
                fprintf(stderr, "%s: %s\n", host_kind_name(kind), strna(reason));
                return (int) n;
        }
        r = iso8583_decode(host_profile_unionpay.fields, frame + 13, (size_t) n - 13, &m, NULL);
        if (r < 0)
                return r;
        restate_table(table);
        r = restate(table, m, &restated);
        if (r < 0)
                return r;
        return print_message(table, host_kind_name(kind), restated);
}

static void print_rule(enum host_kind kind) {
        const struct host_kind_rule *rule = host_profile_unionpay.kinds + kind;
        const char *original = kind == HOST_REVERSAL ? "the original's" : NULL;
        const char *cells[] = { rule->processing ?: original, rule->condition ?: original, rule->type ?: original };

        printf("| %s | %04u |", host_kind_name(kind), rule->mti);
        for (size_t i = 0; i < ELEMENTSOF(cells); i++)
                printf(" %s%s|", strempty(cells[i]), cells[i] ? " " : "");
        printf(" %s%s%s | %s | %s |\n", rule->network, rule->balanced ? ", " : "", strempty(rule->balanced),
               rule->reversal ? "yes" : "no", rule->mac ? "yes" : "no");
}

int main(int argc, char **argv) {
        static const uint8_t tmk[TMK_SIZE] = "test master key";
        _cleanup_(host_keys_freep) struct host_keys *keys = NULL;
        uint8_t wrapped[40];

        if (argc == 2 && streq(argv[1], "table")) {
                for (enum host_kind k = 0; k < _HOST_KIND_MAX; k++)
                        print_rule(k);
                return EXIT_SUCCESS;
        }
        if (host_keys_new(HOST_KEYS_TDES, tmk, &keys) < 0 ||
            host_key_wrap(HOST_KEYS_TDES, tmk, "test session key", 16, wrapped) < 0 ||
            host_key_wrap(HOST_KEYS_TDES, tmk, "test session key", 16, wrapped + 20) < 0 ||
            host_keys_load(keys, wrapped, 40) < 0)
                return EXIT_FAILURE;
        for (enum host_kind k = 0; k < _HOST_KIND_MAX; k++)
                if (print_kind(keys, k) < 0)
                        return EXIT_FAILURE;
        return EXIT_SUCCESS;
}
