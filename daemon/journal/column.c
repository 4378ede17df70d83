// SPDX-License-Identifier: LGPL-2.1-or-later
#include "journal/column.h"

#include "journal/internal.h"

static int bind_one(sqlite3_stmt *s, int index, const struct column *column, const void *record) {
        const void *p = (const char *) record + column->offset;
        unsigned value;

        switch (column->type) {
        case COLUMN_TEXT:
                if (!memchr(p, '\0', column->size))
                        return -ERANGE;
                (void) sqlite3_bind_text(s, index, p, -1, SQLITE_STATIC);
                return 0;
        case COLUMN_I64:
                (void) sqlite3_bind_int64(s, index, *(const int64_t *) p);
                return 0;
        case COLUMN_U64:
                if (*(const uint64_t *) p > INT64_MAX)
                        return -ERANGE;
                (void) sqlite3_bind_int64(s, index, (int64_t) * (const uint64_t *) p);
                return 0;
        case COLUMN_U32:
                (void) sqlite3_bind_int64(s, index, *(const uint32_t *) p);
                return 0;
        case COLUMN_INT:
                (void) sqlite3_bind_int64(s, index, *(const int *) p);
                return 0;
        case COLUMN_BOOL:
                (void) sqlite3_bind_int64(s, index, *(const bool *) p);
                return 0;
        default:
                value = *(const unsigned *) p;
                if (value >= column->n_words)
                        return -ERANGE;
                (void) sqlite3_bind_text(s, index, column->words[value], -1, SQLITE_STATIC);
                return 0;
        }
}

static int read_word(sqlite3_stmt *s, int at, const struct column *column, unsigned *ret) {
        const char *word = (const char *) sqlite3_column_text(s, at);

        for (unsigned i = 0; word && i < column->n_words; i++)
                if (streq(word, column->words[i])) {
                        *ret = i;
                        return 0;
                }
        return -EBADMSG;
}

static int read_one(sqlite3_stmt *s, int at, const struct column *column, void *record) {
        void *p = (char *) record + column->offset;
        int64_t number = sqlite3_column_int64(s, at);

        switch (column->type) {
        case COLUMN_TEXT:
                return journal_column_text(s, at, p, column->size);
        case COLUMN_I64:
                *(int64_t *) p = number;
                return 0;
        case COLUMN_U64:
                *(uint64_t *) p = (uint64_t) number;
                return 0;
        case COLUMN_U32:
                if (number < 0 || number > UINT32_MAX)
                        return -EBADMSG;
                *(uint32_t *) p = (uint32_t) number;
                return 0;
        case COLUMN_INT:
                if (number < INT32_MIN || number > INT32_MAX)
                        return -EBADMSG;
                *(int *) p = (int) number;
                return 0;
        case COLUMN_BOOL:
                *(bool *) p = number != 0;
                return 0;
        default:
                return read_word(s, at, column, p);
        }
}

int columns_bind(sqlite3_stmt *s, int index, const struct column *columns, size_t n, const void *record) {
        int r = 0;

        for (size_t i = 0; i < n && r >= 0; i++)
                r = bind_one(s, index + (int) i, &columns[i], record);
        return r;
}

int columns_read(sqlite3_stmt *s, int column, const struct column *columns, size_t n, void *record) {
        int r = 0, q;

        for (size_t i = 0; i < n; i++) {
                q = read_one(s, column + (int) i, &columns[i], record);
                if (r >= 0)
                        r = q;
        }
        return r;
}
