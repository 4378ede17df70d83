/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Members of a record as columns of its table, and enumerations as the words that stand in the file. */

#include <sqlite3.h>
#include <stddef.h>

#include "base/macro.h"

enum column_type {
        COLUMN_TEXT, /* char[] */
        COLUMN_I64,  /* int64_t */
        COLUMN_U64,  /* uint64_t; as int64 in the file */
        COLUMN_U32,  /* uint32_t, uid_t */
        COLUMN_INT,  /* int */
        COLUMN_BOOL, /* bool */
        COLUMN_WORD, /* an enumeration that counts from 0; a word in the file */
};

struct column {
        size_t offset, size; /* in the record */
        enum column_type type;
        const char *const *words; /* of COLUMN_WORD */
        size_t n_words;
};

/* kind: one of the above, or COLUMN_WORDS(words). */
#define COLUMN_MEMBER(record, member, ...)                                                                            \
        { .offset = offsetof(record, member), .size = sizeof(((record *) 0)->member), .type = __VA_ARGS__ }
#define COLUMN_WORDS(list) COLUMN_WORD, .words = list, .n_words = ELEMENTSOF(list)

/* The first goes to index or column. -ERANGE for a value that has no place in the file. */
int columns_bind(sqlite3_stmt *s, int index, const struct column *columns, size_t n, const void *record);
/* -EBADMSG for one that has none in the record, which is left as it is; all others are read. */
int columns_read(sqlite3_stmt *s, int column, const struct column *columns, size_t n, void *record);

/* name_to_string() and name_from_string() of name_words[]. */
#define DEFINE_WORDS(name, type, MAX)                                                                                 \
        const char *name##_to_string(type value) {                                                                    \
                return (unsigned) value < MAX ? name##_words[value] : NULL;                                           \
        }                                                                                                             \
        type name##_from_string(const char *text) {                                                                   \
                for (unsigned i = 0; text && i < MAX; i++)                                                            \
                        if (streq(text, name##_words[i]))                                                             \
                                return (type) i;                                                                      \
                return (type) -EINVAL;                                                                                \
        }                                                                                                             \
        _Static_assert(ELEMENTSOF(name##_words) == MAX, "a word each")
