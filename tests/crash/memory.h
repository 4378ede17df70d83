/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* The program's own malloc(), in front of libc's, for all of its libraries: memory that is not there. */

#include <stdbool.h>

enum memory_whose {
        MEMORY_OWN,    /* asked for by what is compiled here */
        MEMORY_OTHERS, /* by libraries */
        _MEMORY_WHOSE_MAX,
};

/* From now on the n-th of these allocations fails, and with `sticky` all after it; 0: none, they are only counted. */
void memory_fail(enum memory_whose whose, unsigned n, bool sticky);
/* Since then. */
unsigned memory_counted(enum memory_whose whose);
