// SPDX-License-Identifier: LGPL-2.1-or-later
/* The slip's words and its stored form. */

#include "receipt/slip.h"

#include "base/unicode.h"

#define HEADER "tilld-slip 1\n"
#define HEADER_PREFIX "tilld-slip "

static const char *const papers[] = { "merchant-copy", "cardholder-copy",  "declined",  "not-completed",
                                      "settlement",    "transaction-list", "test-page", "diagnostics" };
static const char *const modes[] = { "live", "test", "training" };
static const char *const advices[] = { "none", "pay-again", "reversal-pending", "reversal-done", "unconfirmed" };
static const char *const verifications[] = { "none", "signature", "pin" };
static const char *const reconciliations[] = { "none", "balanced", "uploaded", "by-agreement" };
static const char *const noyes[] = { "no", "yes" };
_Static_assert(ELEMENTSOF(papers) == _SLIP_PAPER_MAX && ELEMENTSOF(modes) == _SLIP_MODE_MAX &&
                       ELEMENTSOF(advices) == _SLIP_ADVICE_MAX &&
                       ELEMENTSOF(verifications) == _SLIP_VERIFICATION_MAX &&
                       ELEMENTSOF(reconciliations) == _SLIP_RECONCILIATION_MAX,
               "a word each");

enum field_type {
        FIELD_TEXT, /* char[]; "\\" and newline are escaped */
        FIELD_HEAP, /* char *, the same */
        FIELD_CHAR,
        FIELD_BOOL,
        FIELD_WORD, /* an enumeration */
        FIELD_U32,
        FIELD_U64,
        FIELD_I64,
        FIELD_I32,
        FIELD_PSN, /* int, -1 for none */
};

struct field {
        const char *name;
        enum field_type type;
        size_t offset, size;
        const char *const *words;
        unsigned n_words;
};

#define FIELD(t, m)                                                                                                   \
        { #m, FIELD_##t, offsetof(struct slip, m), sizeof(((struct slip *) 0)->m) }
#define FIELD_WORDS(m, w)                                                                                             \
        { #m, FIELD_WORD, offsetof(struct slip, m), sizeof(((struct slip *) 0)->m), w, ELEMENTSOF(w) }

static const struct field fields[] = {
        FIELD_WORDS(paper, papers),
        FIELD_WORDS(mode, modes),
        FIELD(BOOL, duplicate),
        FIELD(TEXT, merchant_name),
        FIELD(TEXT, merchant),
        FIELD(TEXT, terminal),
        FIELD(TEXT, operator_id),
        FIELD(TEXT, approver),
        FIELD(TEXT, issuer),
        FIELD(TEXT, acquirer),
        FIELD(TEXT, masked_pan),
        FIELD(CHAR, entry),
        FIELD(TEXT, kind),
        FIELD(U32, batch),
        FIELD(U32, voucher),
        FIELD(U32, original_voucher),
        FIELD(U32, stan),
        FIELD(TEXT, authorization_code),
        FIELD(TEXT, rrn),
        FIELD(U64, time_usec),
        FIELD(I32, time_offset),
        FIELD(I64, amount),
        FIELD(TEXT, currency),
        FIELD(TEXT, reference),
        FIELD(PSN, psn),
        FIELD(TEXT, cryptogram),
        FIELD(TEXT, cryptogram_kind),
        FIELD(TEXT, tvr),
        FIELD(TEXT, aid),
        FIELD(TEXT, tsi),
        FIELD(TEXT, atc),
        FIELD(TEXT, label),
        FIELD(TEXT, preferred_name),
        FIELD(TEXT, aip),
        FIELD(TEXT, iad),
        FIELD(TEXT, terminal_capabilities),
        FIELD_WORDS(verification, verifications),
        FIELD(TEXT, response_code),
        FIELD(TEXT, message),
        FIELD_WORDS(advice, advices),
        FIELD_WORDS(reconciliation, reconciliations),
        FIELD(TEXT, totals),
        FIELD(TEXT, rejected),
        FIELD(U32, left_out),
        FIELD(TEXT, note),
        FIELD(HEAP, rows),
};

const char *slip_paper_to_string(enum slip_paper paper) {
        return (unsigned) paper < _SLIP_PAPER_MAX ? papers[paper] : NULL;
}

enum slip_paper slip_paper_from_string(const char *text) {
        return (enum slip_paper) string_table_find(papers, ELEMENTSOF(papers), text);
}

const char *slip_mode_to_string(enum slip_mode mode) {
        return (unsigned) mode < _SLIP_MODE_MAX ? modes[mode] : NULL;
}

enum slip_mode slip_mode_from_string(const char *text) {
        return (enum slip_mode) string_table_find(modes, ELEMENTSOF(modes), text);
}

void slip_init(struct slip *slip) {
        *slip = (struct slip){ .psn = -1 };
}

void slip_done(struct slip *slip) {
        free(slip->rows);
        slip_init(slip);
}

/* More than the first 6 and the last 4 digits in a row, or in sum, are more than may be shown. */
bool slip_pan_is_masked(const char *pan) {
        size_t digits = 0;

        for (const char *p = pan; *p; p++)
                digits += *p >= '0' && *p <= '9';
        return digits <= 10;
}

/* --- writing --- */

static void put_text(FILE *f, const char *name, const char *text) {
        if (!*text)
                return;
        fprintf(f, "%s=", name);
        for (; *text; text++) {
                if (*text == '\n')
                        fputs("\\n", f);
                else if (*text == '\\')
                        fputs("\\\\", f);
                else
                        fputc(*text, f);
        }
        fputc('\n', f);
}

static int put_field(FILE *f, const struct field *field, const struct slip *slip) {
        const void *p = (const char *) slip + field->offset;

        switch (field->type) {
        case FIELD_TEXT:
                if (!memchr(p, '\0', field->size) || !unicode_is_valid(p))
                        return -EINVAL;
                put_text(f, field->name, p);
                return 0;
        case FIELD_HEAP:
                if (!unicode_is_valid(strempty(*(char *const *) p)))
                        return -EINVAL;
                put_text(f, field->name, strempty(*(char *const *) p));
                return 0;
        case FIELD_CHAR:
                if (*(const char *) p)
                        fprintf(f, "%s=%c\n", field->name, *(const char *) p);
                return 0;
        case FIELD_BOOL:
                fprintf(f, "%s=%s\n", field->name, noyes[*(const bool *) p]);
                return 0;
        case FIELD_WORD:
                if (*(const unsigned *) p >= field->n_words)
                        return -EINVAL;
                fprintf(f, "%s=%s\n", field->name, field->words[*(const unsigned *) p]);
                return 0;
        case FIELD_U32:
                if (*(const uint32_t *) p)
                        fprintf(f, "%s=%u\n", field->name, *(const uint32_t *) p);
                return 0;
        case FIELD_U64:
                if (*(const uint64_t *) p > INT64_MAX)
                        return -EINVAL;
                if (*(const uint64_t *) p)
                        fprintf(f, "%s=%llu\n", field->name, (unsigned long long) *(const uint64_t *) p);
                return 0;
        case FIELD_I64:
                if (*(const int64_t *) p)
                        fprintf(f, "%s=%lld\n", field->name, (long long) *(const int64_t *) p);
                return 0;
        case FIELD_I32:
                if (*(const int32_t *) p)
                        fprintf(f, "%s=%d\n", field->name, *(const int32_t *) p);
                return 0;
        case FIELD_PSN:
                if (*(const int *) p >= 0)
                        fprintf(f, "%s=%d\n", field->name, *(const int *) p);
                return 0;
        }
        return -EINVAL;
}

int slip_to_blob(const struct slip *slip, char **ret, size_t *ret_size) {
        _cleanup_free_ char *blob = NULL;
        size_t size = 0;
        int r = 0;
        FILE *f;

        if (!memchr(slip->masked_pan, '\0', sizeof(slip->masked_pan)) || !slip_pan_is_masked(slip->masked_pan))
                return -EINVAL;
        f = open_memstream(&blob, &size);
        if (!f)
                return -ENOMEM;
        fputs(HEADER, f);
        for (size_t i = 0; i < ELEMENTSOF(fields) && r >= 0; i++)
                r = put_field(f, &fields[i], slip);
        if (ferror(f) | fclose(f))
                r = -ENOMEM;
        if (r < 0)
                return r;
        if (size > SLIP_BLOB_MAX)
                return -E2BIG;
        *ret = TAKE_PTR(blob);
        *ret_size = size;
        return 0;
}

/* --- reading --- */

static int get_text(char *value, char *text, size_t size) {
        size_t n = 0;

        for (char *p = value; *p; p++) {
                char c = *p;

                if (c == '\\') {
                        c = *++p;
                        if (c == 'n')
                                c = '\n';
                        else if (c != '\\')
                                return -EBADMSG;
                }
                if (n + 1 >= size)
                        return -EBADMSG;
                text[n++] = c;
        }
        text[n] = '\0';
        return unicode_is_valid(text) ? 0 : -EBADMSG;
}

/* Decimal, in its only form: no blanks, no plus, no leading zero. */
static int get_number(const char *value, int64_t least, int64_t most, int64_t *ret) {
        const char *digits = value + (*value == '-');
        size_t l = strlen(digits);
        long long number;

        if (l == 0 || l > 19 || strspn(digits, "0123456789") != l || (*digits == '0' && (l > 1 || *value == '-')))
                return -EBADMSG;
        errno = 0;
        number = strtoll(value, NULL, 10);
        if (errno != 0 || number < least || number > most)
                return -EBADMSG;
        *ret = number;
        return 0;
}

static int get_field(const struct field *field, char *value, struct slip *slip) {
        void *p = (char *) slip + field->offset;
        int64_t number;
        int r;

        switch (field->type) {
        case FIELD_TEXT:
                return get_text(value, p, field->size);
        case FIELD_HEAP:
                *(char **) p = malloc(strlen(value) + 1);
                return *(char **) p ? get_text(value, *(char **) p, strlen(value) + 1) : -ENOMEM;
        case FIELD_CHAR:
                if (value[0] <= ' ' || value[0] > '~' || value[1] != '\0')
                        return -EBADMSG;
                *(char *) p = value[0];
                return 0;
        case FIELD_BOOL:
                r = string_table_find(noyes, ELEMENTSOF(noyes), value);
                if (r < 0)
                        return -EBADMSG;
                *(bool *) p = r;
                return 0;
        case FIELD_WORD:
                r = string_table_find(field->words, field->n_words, value);
                if (r < 0)
                        return -EBADMSG;
                *(unsigned *) p = (unsigned) r;
                return 0;
        case FIELD_U32:
                r = get_number(value, 0, UINT32_MAX, &number);
                if (r >= 0)
                        *(uint32_t *) p = (uint32_t) number;
                return r;
        case FIELD_U64:
                r = get_number(value, 0, INT64_MAX, &number);
                if (r >= 0)
                        *(uint64_t *) p = (uint64_t) number;
                return r;
        case FIELD_I64:
                r = get_number(value, INT64_MIN, INT64_MAX, &number);
                if (r >= 0)
                        *(int64_t *) p = number;
                return r;
        case FIELD_I32:
                r = get_number(value, INT32_MIN, INT32_MAX, &number);
                if (r >= 0)
                        *(int32_t *) p = (int32_t) number;
                return r;
        case FIELD_PSN:
                r = get_number(value, 0, 99, &number);
                if (r >= 0)
                        *(int *) p = (int) number;
                return r;
        }
        return -EBADMSG;
}

static const struct field *find_field(const char *name, size_t *ret_index) {
        for (size_t i = 0; i < ELEMENTSOF(fields); i++)
                if (streq(fields[i].name, name)) {
                        *ret_index = i;
                        return &fields[i];
                }
        return NULL;
}

static int get_line(char *line, struct slip *slip, uint64_t *seen) {
        const struct field *field;
        char *value = strchr(line, '=');
        size_t i = 0;

        _Static_assert(ELEMENTSOF(fields) <= 64, "a bit each");
        if (!value)
                return -EBADMSG;
        *value++ = '\0';
        field = find_field(line, &i);
        if (!field || *seen & UINT64_C(1) << i)
                return -EBADMSG;
        *seen |= UINT64_C(1) << i;
        return get_field(field, value, slip);
}

int slip_from_blob(const void *data, size_t size, struct slip *ret) {
        _cleanup_free_ char *copy = NULL;
        _cleanup_(slip_done) struct slip slip;
        uint64_t seen = 0;
        char *line, *end;
        int r;

        slip_init(&slip);
        if (size > SLIP_BLOB_MAX || (size > 0 && memchr(data, '\0', size)))
                return -EBADMSG;
        copy = calloc(1, size + 1);
        if (!copy)
                return -ENOMEM;
        if (size > 0)
                memcpy(copy, data, size);
        line = (char *) startswith(copy, HEADER);
        if (!line)
                return startswith(copy, HEADER_PREFIX) ? -EPROTONOSUPPORT : -EBADMSG;
        for (; *line; line = end + 1) {
                end = strchr(line, '\n');
                if (!end)
                        return -EBADMSG;
                *end = '\0';
                r = get_line(line, &slip, &seen);
                if (r < 0)
                        return r;
        }
        if (!slip_pan_is_masked(slip.masked_pan))
                return -EBADMSG;
        *ret = slip;
        slip.rows = NULL; /* the caller's now */
        return 0;
}
