/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* The idioms of the house: cleanup attributes, ownership passing, small arithmetic. */

#include <errno.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define _cleanup_(f) __attribute__((cleanup(f)))
#define _printf_(a, b) __attribute__((format(printf, a, b)))
#define _unused_ __attribute__((unused))
#define _pure_ __attribute__((pure))
#define _const_ __attribute__((const))

/* For xgettext: a text of a table, translated by whoever shows it to a person. */
#define N_(text) text

#define ELEMENTSOF(x) (sizeof(x) / sizeof((x)[0]))

#define MIN(a, b)                                                                                                     \
        ({                                                                                                            \
                __typeof__(a) _a = (a);                                                                               \
                __typeof__(b) _b = (b);                                                                               \
                _a < _b ? _a : _b;                                                                                    \
        })
#define MAX(a, b)                                                                                                     \
        ({                                                                                                            \
                __typeof__(a) _a = (a);                                                                               \
                __typeof__(b) _b = (b);                                                                               \
                _a > _b ? _a : _b;                                                                                    \
        })

/* Hands a pointer on and forgets it, so that its cleanup does nothing. */
#define TAKE_PTR(ptr)                                                                                                 \
        ({                                                                                                            \
                __typeof__(ptr) *_pptr = &(ptr);                                                                      \
                __typeof__(ptr) _ptr = *_pptr;                                                                        \
                *_pptr = NULL;                                                                                        \
                _ptr;                                                                                                 \
        })

#define TAKE_FD(fd)                                                                                                   \
        ({                                                                                                            \
                int *_pfd = &(fd);                                                                                    \
                int _fd = *_pfd;                                                                                      \
                *_pfd = -EBADF;                                                                                       \
                _fd;                                                                                                  \
        })

/* Defines `name##p`, the cleanup of a pointer variable, from `name`, which takes NULL. */
#define DEFINE_CLEANUP(type, name)                                                                                    \
        static inline void name##p(type *p) {                                                                         \
                if (*p)                                                                                               \
                        (void) name(*p);                                                                              \
        }                                                                                                             \
        struct __useless_struct_to_allow_trailing_semicolon__

static inline void freep(void *p) {
        free(*(void **) p);
}
#define _cleanup_free_ _cleanup_(freep)

/* Closes and keeps errno; returns what an unset descriptor holds. */
static inline int safe_close(int fd) {
        if (fd >= 0) {
                int saved = errno;
                (void) close(fd);
                errno = saved;
        }
        return -EBADF;
}

static inline void closep(int *fd) {
        (void) safe_close(*fd);
}
#define _cleanup_close_ _cleanup_(closep)

static inline void fclosep(FILE **f) {
        if (*f)
                (void) fclose(*f);
}
#define _cleanup_fclose_ _cleanup_(fclosep)

static inline bool streq(const char *a, const char *b) {
        return strcmp(a, b) == 0;
}

/* As streq, but NULL equals NULL only. */
static inline bool streq_ptr(const char *a, const char *b) {
        if (!a || !b)
                return a == b;
        return streq(a, b);
}

/* A text into an array, cut to what fits. */
static inline void copy_text(char *to, size_t size, const char *from) {
        size_t n = MIN(strlen(from), size - 1);

        memcpy(to, from, n);
        to[n] = '\0';
}
#define COPY(array, text) copy_text(array, sizeof(array), text)

/* Where the text is in a table of words, NULL in no place; -EINVAL for nowhere. */
static inline int string_table_find(const char *const *words, size_t n, const char *text) {
        for (size_t i = 0; text && i < n; i++)
                if (streq_ptr(words[i], text))
                        return (int) i;
        return -EINVAL;
}

static inline bool isempty(const char *s) {
        return !s || !*s;
}

static inline const char *strna(const char *s) {
        return s ?: "n/a";
}

static inline const char *strempty(const char *s) {
        return s ?: "";
}

/* Returns what follows the prefix, or NULL. */
static inline const char *startswith(const char *s, const char *prefix) {
        size_t l = strlen(prefix);

        return strncmp(s, prefix, l) == 0 ? s + l : NULL;
}

/* Replaces *s by a copy of t (NULL for none). 0, or -ENOMEM with *s unchanged. */
static inline int free_and_strdup(char **s, const char *t) {
        char *c = NULL;

        if (t) {
                c = strdup(t);
                if (!c)
                        return -ENOMEM;
        }
        free(*s);
        *s = c;
        return 0;
}
