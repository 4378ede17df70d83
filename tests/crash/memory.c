// SPDX-License-Identifier: LGPL-2.1-or-later
#include "crash/memory.h"

#include <errno.h>
#include <stddef.h>

void *malloc(size_t size);
void *calloc(size_t n, size_t size);
void *realloc(void *p, size_t size);
void *__libc_malloc(size_t size);
void *__libc_calloc(size_t n, size_t size);
void *__libc_realloc(void *p, size_t size);

/* Of the linker: where this program's code lies. */
extern const char __executable_start[], etext[];

static struct {
        bool counting, sticky, gone;
        enum memory_whose whose;
        unsigned fails, counted[_MEMORY_WHOSE_MAX];
} memory;

void memory_fail(enum memory_whose whose, unsigned n, bool sticky) {
        memory.whose = whose;
        memory.fails = n;
        memory.sticky = sticky;
        memory.counting = true;
}

unsigned memory_counted(enum memory_whose whose) {
        return memory.counted[whose];
}

static bool is_there(const char *caller) {
        enum memory_whose whose = caller >= __executable_start && caller < etext ? MEMORY_OWN : MEMORY_OTHERS;
        unsigned n;

        if (!memory.counting)
                return true;
        n = __atomic_add_fetch(memory.counted + whose, 1, __ATOMIC_RELAXED);
        if (memory.fails > 0 && whose == memory.whose && n == memory.fails)
                memory.gone = true;
        else if (!memory.sticky || !memory.gone)
                return true;
        errno = ENOMEM;
        return false;
}

void *malloc(size_t size) {
        return is_there(__builtin_return_address(0)) ? __libc_malloc(size) : NULL;
}

void *calloc(size_t n, size_t size) {
        return is_there(__builtin_return_address(0)) ? __libc_calloc(n, size) : NULL;
}

void *realloc(void *p, size_t size) {
        return is_there(__builtin_return_address(0)) ? __libc_realloc(p, size) : NULL;
}
