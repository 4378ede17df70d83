// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * iso8583-frames - a request and an answer of each kind and profile for tests/check/iso8583-tshark: a line
 * "NAME<tab>HEX" (length prefix and message, without TPDU and header), then "<tab>FIELD<tab>VALUE" for each field,
 * value as digits, as text, or as hex of opaque bytes. Each answer has also been read as tilld reads it.
 *
 * The dissector knows the forms of ISO 8583:1987, so the fields that a profile packs in its own way are restated in
 * the standard's: the codec is judged, and the profile's other fields. Field 35 is left out, for it does not read
 * packed track data; fields 55, 57 and 62, for which it has text, are given as hex digits.
 *
 * "iso8583-frames table" prints the kinds as the lines of a table in Documentation/acquirer-profile.md.
 * "iso8583-frames corpus DIRECTORY" writes the messages to the corpora that fuzzing starts from.
 */

#include "base/hex.h"
#include "host/answer.h"

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

static const struct host_binding binding = {
        .kind = HOST_BINDING_CHANGE,
        .number = 1,
        .serial = "TILL-0001",
        .phone = "+8613800138001",
        .old_phone = "+8613800138000",
};

static const struct host_detail details[] = {
        { .stan = 452, .pan = "6200000000000005", .amount = 123456 },
        { .foreign = true, .stan = 453, .pan = "4000000000000000002", .amount = 42 },
};

/* Card data only where the kind takes it, for the encoder refuses it elsewhere. */
static struct host_request request(const struct host_profile *p, enum host_kind kind) {
        const struct host_kind_rule *rule = p->kinds + kind;
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
        q.binding = &binding;
        q.details = details;
        q.n_details = ELEMENTSOF(details);
        q.uploaded = ELEMENTSOF(details);
        return q;
}

/* The standard's form where a profile has one of its own. */
static void restate_table(const struct host_profile *p, iso8583_table_t table) {
        static const unsigned texts[] = { 48, 49, 60, 61, 63 }, opaque[] = { 55, 57, 62 };

        memcpy(table, p->fields, sizeof(iso8583_table_t));
        table[2].content = ISO8583_N;
        table[22].content = ISO8583_N_RIGHT;
        for (size_t i = 0; i < ELEMENTSOF(texts); i++)
                table[texts[i]].content = ISO8583_ANS;
        for (size_t i = 0; i < ELEMENTSOF(opaque); i++)
                table[opaque[i]] = (struct iso8583_field){ ISO8583_LLL, ISO8583_ANS, 999 };
}

static int restate(const struct host_profile *p, const iso8583_table_t table, const struct iso8583 *m,
                   struct iso8583 **ret) {
        _cleanup_(iso8583_freep) struct iso8583 *n = NULL;
        const void *data;
        size_t size = 0;
        int r;

        r = iso8583_new(table, iso8583_mti(m), &n);
        for (unsigned field = 2; field <= ISO8583_FIELDS && r >= 0; field++) {
                bool opaque = p->fields[field].content == ISO8583_B && table[field].content == ISO8583_ANS;

                data = iso8583_bytes(m, field, &size);
                if (!data || field == 35)
                        continue;
                _cleanup_free_ char *hex = opaque && field != 63 ? hex_encode_alloc(data, size) : NULL;
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

static const char *corpus;

static int write_file(const char *fuzzer, const char *name, const uint8_t *head, size_t head_size,
                      const uint8_t *message, size_t size) {
        char path[256];
        FILE *f;

        snprintf(path, sizeof(path), "%s/%s/%s", corpus, fuzzer, name);
        f = fopen(path, "we");
        if (!f)
                return -errno;
        (void) fwrite(head, 1, head_size, f);
        (void) fwrite(message, 1, size, f);
        return fclose(f) == 0 ? 0 : -EIO;
}

/* As fuzz-iso8583 and fuzz-host-answer read them. */
static int write_corpus(const struct host_profile *p, enum host_kind kind, const char *name, bool answer,
                        const uint8_t *message, size_t size) {
        const uint8_t choice = (uint8_t) (kind | (p == &host_profile_aes ? 0x80 : 0));
        uint8_t head[16];
        int r;

        memcpy(head, p->tpdu, sizeof(p->tpdu));
        memcpy(head + sizeof(p->tpdu), p->header, p->header_size);
        r = write_file("iso8583", name, head, host_profile_head(p), message, size);
        return r < 0 || !answer ? r : write_file("host-answer", name, &choice, 1, message, size);
}

/* Under a name of its own: "sale", "sale-answer", "aes-sale" … */
static int print_frame(const struct host_profile *p, enum host_kind kind, const char *what, const uint8_t *message,
                       size_t size) {
        _cleanup_(iso8583_freep) struct iso8583 *m = NULL, *restated = NULL;
        iso8583_table_t table;
        char name[64];
        int r;

        snprintf(name, sizeof(name), "%s%s%s", p == &host_profile_aes ? "aes-" : "", host_kind_name(kind), what);
        if (corpus)
                return write_corpus(p, kind, name, streq(what, "-answer"), message, size);
        r = iso8583_decode(p->fields, message, size, &m, NULL);
        if (r < 0)
                return r;
        restate_table(p, table);
        r = restate(p, table, m, &restated);
        if (r < 0)
                return r;
        return print_message(table, name, restated);
}

/* What only some kinds are answered with. */
static int fill_kind(const struct host_profile *p, enum host_kind kind, struct iso8583 *m) {
        const uint64_t fields = p->kinds[kind].answer_mandatory | p->kinds[kind].optional;
        struct host_totals answered = totals;
        char text[HOST_TOTALS_DIGITS + 1];
        int r = 0;

        if (kind == HOST_SETTLEMENT) {
                answered.domestic.reconciliation = HOST_BALANCED;
                answered.foreign.reconciliation = HOST_UNEQUAL;
                r = host_totals_format(&answered, text);
                if (r >= 0)
                        r = iso8583_set_text(m, 48, text);
        }
        if (r >= 0 && kind == HOST_BALANCE)
                r = iso8583_set_text(m, 54, "0002156D000000000700");
        if (r >= 0 && kind == HOST_SALE && fields & ISO8583_BIT(55))
                r = iso8583_set_bytes(m, 55, "\x91\x0A\x01\x02\x03\x04\x05\x06\x07\x08\x30\x30", 12);
        if (r >= 0 && (kind == HOST_PARAMETERS || kind == HOST_CA_KEYS))
                r = iso8583_set_bytes(m, 62, "2\x9F\x22\x01\x02", 5);
        if (r >= 0 && kind == HOST_SIGN_ON)
                r = iso8583_set_bytes(m, 62, "wrapped keys of a sign-on, 40 bytes long", 40);
        return r;
}

/* Every field that the profile has and some acquirer sends. */
static int fill_answer(const struct host_profile *p, enum host_kind kind, const struct iso8583 *request_message,
                       struct iso8583 *m) {
        static const unsigned repeated[] = { 2, 3, 4, 11, 25, 41, 42, 49, 60 };
        static const struct {
                unsigned field;
                const char *text;
        } own[] = { { 12, "101112" }, { 13, "1122" },     { 14, "4912" },
                    { 15, "1123" },   { 32, "48021000" }, { 37, "000000000042" },
                    { 38, "A1B2C3" }, { 39, "00" },       { 44, "48021000   48020000   " } };
        static const uint8_t no_mac[MAC_SIZE];
        int r = 0;

        for (size_t i = 0; i < ELEMENTSOF(repeated) && r >= 0; i++)
                if (iso8583_has(request_message, repeated[i]))
                        r = iso8583_set_text(m, repeated[i], iso8583_text(request_message, repeated[i]));
        for (size_t i = 0; i < ELEMENTSOF(own) && r >= 0; i++)
                if (p->fields[own[i].field].length != ISO8583_ABSENT)
                        r = iso8583_set_text(m, own[i].field, own[i].text);
        if (r >= 0)
                r = fill_kind(p, kind, m);
        if (r >= 0 && p->kinds[kind].mac)
                r = iso8583_set_bytes(m, 64, no_mac, sizeof(no_mac));
        return r;
}

static int print_answer(const struct host_profile *p, const struct host_keys *keys, const struct host_request *q,
                        const struct iso8583 *request_message) {
        _cleanup_(iso8583_freep) struct iso8583 *m = NULL;
        const size_t head = host_profile_head(p);
        uint8_t frame[HOST_FRAME_MAX];
        struct host_answer answer;
        ssize_t n;
        int r;

        memcpy(frame, p->tpdu, sizeof(p->tpdu));
        r = iso8583_new(p->fields, p->kinds[q->kind].mti + 10u, &m);
        if (r >= 0)
                r = fill_answer(p, q->kind, request_message, m);
        if (r < 0)
                return r;
        n = iso8583_encode(m, frame + head, sizeof(frame) - head);
        if (n < 0)
                return (int) n;
        if (p->kinds[q->kind].mac) {
                r = host_keys_mac(keys, p->mac, frame + head, (size_t) n - MAC_SIZE, frame + head + n - MAC_SIZE);
                if (r < 0)
                        return r;
        }
        r = host_answer_decode(p, keys, q, frame, head + (size_t) n, &answer);
        if (r < 0 || !streq(answer.rrn, "000000000042"))
                return -EBADMSG;
        return print_frame(p, q->kind, "-answer", frame + head, (size_t) n);
}

static int print_kind(const struct host_profile *p, const struct host_keys *keys, enum host_kind kind) {
        _cleanup_(iso8583_freep) struct iso8583 *m = NULL;
        struct host_request q = request(p, kind);
        const size_t head = 2 + host_profile_head(p);
        uint8_t frame[HOST_FRAME_MAX];
        const char *reason = NULL;
        ssize_t n;
        int r;

        if (p->kinds[kind].mti == 0)
                return 0;
        n = host_request_encode(p, keys, &q, frame, &reason);
        if (n < 0) {
                fprintf(stderr, "%s: %s\n", host_kind_name(kind), strna(reason));
                return (int) n;
        }
        r = print_frame(p, kind, "", frame + head, (size_t) n - head);
        if (r >= 0)
                r = iso8583_decode(p->fields, frame + head, (size_t) n - head, &m, NULL);
        if (r >= 0)
                r = print_answer(p, keys, &q, m);
        if (r < 0)
                fprintf(stderr, "%s: no message, or no answer to it\n", host_kind_name(kind));
        return r;
}

/* A stripe that the reader encrypted, for which a sale has a form of its own. */
static int print_encrypted(const struct host_profile *p, const struct host_keys *keys) {
        static const struct host_encrypted e = { .ksn = "\xFF\xFF\x98\x76\x54\x32\x10\xE0\x00\x01",
                                                 .ksn_size = 10,
                                                 .cryptogram = "forty bytes that only the acquirer reads",
                                                 .cryptogram_size = 40 };
        struct host_request q = request(p, HOST_SALE);
        uint8_t frame[HOST_FRAME_MAX];
        ssize_t n;

        q.pan = q.expiry = q.track2 = NULL;
        q.encrypted = &e;
        n = host_request_encode(p, keys, &q, frame, NULL);
        if (n < 0)
                return (int) n;
        return print_frame(p, HOST_SALE, "-encrypted", frame + 13, (size_t) n - 13);
}

static int make_keys(const struct host_profile *p, struct host_keys **ret) {
        static const uint8_t tmk[TMK_SIZE] = "test master key";
        uint8_t wrapped[WRAPPED_KEYS_MAX];
        size_t size = 0;
        int r;

        for (unsigned i = 0; i < 2; i++) {
                r = host_key_wrap(p->hierarchy, tmk, "test session key", 16, wrapped + size);
                if (r < 0)
                        return r;
                size += (size_t) r;
        }
        r = host_keys_new(p->hierarchy, tmk, ret);
        return r < 0 ? r : host_keys_load(*ret, wrapped, size);
}

static int print_profile(const struct host_profile *p) {
        _cleanup_(host_keys_freep) struct host_keys *keys = NULL;
        int r;

        r = make_keys(p, &keys);
        for (enum host_kind k = 0; k < _HOST_KIND_MAX && r >= 0; k++)
                r = print_kind(p, keys, k);
        if (r >= 0 && p->encrypted > 0)
                r = print_encrypted(p, keys);
        return r;
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
        if (argc == 2 && streq(argv[1], "table")) {
                for (enum host_kind k = 0; k < _HOST_KIND_MAX; k++)
                        print_rule(k);
                return EXIT_SUCCESS;
        }
        if (argc == 3 && streq(argv[1], "corpus"))
                corpus = argv[2];
        if (print_profile(&host_profile_unionpay) < 0 || print_profile(&host_profile_aes) < 0)
                return EXIT_FAILURE;
        return EXIT_SUCCESS;
}
