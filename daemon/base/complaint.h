/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* What was wrong with the files of the configuration and is left out, as the log says it: kept, to be shown. */

#include "base/macro.h"

#define COMPLAINTS_MAX 16

struct complaint {
        char path[128];
        unsigned line; /* 0: no line is to blame */
        char text[160];
};

struct complaints {
        struct complaint list[COMPLAINTS_MAX]; /* more are in the log alone */
        size_t n;
};

/* c may be NULL: nobody wants to know. Texts are copied, cut to their room. */
void complaints_add(struct complaints *c, const char *path, unsigned line, const char *text);
