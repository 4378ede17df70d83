// SPDX-License-Identifier: LGPL-2.1-or-later
/* The rows of long papers: lines of fields with a tab between. */

#include <inttypes.h>

#include "receipt/rows.h"
#include "base/unicode.h"

/* With the other fields a slip stays below SLIP_BLOB_MAX. */
#define ROWS_MAX 60000U

/* In the stored form a newline and a backslash take two bytes. */
static size_t stored_size(const char *text) {
        size_t n = 0;

        for (; *text; text++)
                n += *text == '\n' || *text == '\\' ? 2 : 1;
        return n;
}

/* A control character would part fields, or rows; "?" for what is no UTF-8, as COPY_CHARACTERS() has it. */
static void put_field(FILE *f, const char *text) {
        uint32_t c;

        while ((c = unicode_next(&text)) != 0) {
                char utf8[4];

                if (c < ' ' || c == 0x7f)
                        c = ' ';
                (void) fwrite(utf8, 1, unicode_put(c == 0xfffd ? '?' : c, utf8), f);
        }
}

static int add_row(struct slip *slip, const char *const *fields, size_t n_fields) {
        _cleanup_free_ char *text = NULL;
        size_t size;
        FILE *f;

        f = open_memstream(&text, &size);
        if (!f)
                return -ENOMEM;
        fputs(strempty(slip->rows), f);
        for (size_t i = 0; i < n_fields; i++) {
                if (i > 0)
                        fputc('\t', f);
                put_field(f, fields[i]);
        }
        fputc('\n', f);
        if (ferror(f) | fclose(f))
                return -ENOMEM;
        if (stored_size(text) > ROWS_MAX)
                return -ENOBUFS;
        free(slip->rows);
        slip->rows = TAKE_PTR(text);
        return 0;
}

int slip_add_transaction(struct slip *slip, const struct slip_row *row) {
        char entry[2] = { row->entry }, voucher[16], amount[24], seconds[24];
        const char *const fields[] = { row->kind, voucher, row->masked_pan,        entry,
                                       amount,    seconds, row->authorization_code };

        if (!slip_pan_is_masked(row->masked_pan))
                return -EINVAL;
        (void) snprintf(voucher, sizeof(voucher), "%06" PRIu32, row->voucher);
        (void) snprintf(amount, sizeof(amount), "%" PRIi64, row->amount);
        (void) snprintf(seconds, sizeof(seconds), "%" PRIu64, row->time_usec / 1000000);
        return add_row(slip, fields, ELEMENTSOF(fields));
}

int slip_add_title(struct slip *slip, const char *title) {
        return add_row(slip, &title, 1);
}

int slip_add_pair(struct slip *slip, const char *name, const char *value) {
        const char *const fields[] = { name, value };

        return add_row(slip, fields, ELEMENTSOF(fields));
}

/* --- reading --- */

int row_split(char *line, const char **fields, size_t size, size_t *ret_n) {
        char *field, *rest = line;
        size_t n = 0;

        while ((field = strsep(&rest, "\t"))) {
                if (n == size)
                        return -EBADMSG;
                fields[n++] = field;
        }
        *ret_n = n;
        return 0;
}

static int row_number(const char *text, long long most, long long *ret) {
        size_t l = strlen(text);
        long long number;
        char *end;

        if (l == 0 || l > 18)
                return -EBADMSG;
        number = strtoll(text, &end, 10);
        if (*end || number > most || number < -most)
                return -EBADMSG;
        *ret = number;
        return 0;
}

int row_transaction(char *line, struct slip_row *ret) {
        const char *fields[7];
        long long voucher, amount, seconds;
        size_t n;
        int r;

        r = row_split(line, fields, ELEMENTSOF(fields), &n);
        if (r < 0)
                return r;
        if (n != ELEMENTSOF(fields) || strlen(fields[3]) > 1 || !slip_pan_is_masked(fields[2]))
                return -EBADMSG;
        r = row_number(fields[1], 999999, &voucher);
        if (r < 0)
                return r;
        r = row_number(fields[4], 999999999999, &amount);
        if (r < 0)
                return r;
        r = row_number(fields[5], 99999999999, &seconds);
        if (r < 0)
                return r;
        if (voucher < 0 || seconds < 0)
                return -EBADMSG;
        *ret = (struct slip_row){
                .kind = fields[0],
                .voucher = (uint32_t) voucher,
                .masked_pan = fields[2],
                .entry = *fields[3],
                .amount = amount,
                .time_usec = (uint64_t) seconds * 1000000,
                .authorization_code = fields[6],
        };
        return 0;
}
