// SPDX-License-Identifier: LGPL-2.1-or-later
#include "base/complaint.h"

#include "base/unicode.h"

void complaints_add(struct complaints *c, const char *path, unsigned line, const char *text) {
        struct complaint *next;

        if (!c || c->n == COMPLAINTS_MAX)
                return;
        next = c->list + c->n++;
        *next = (struct complaint){ .line = line };
        COPY_CHARACTERS(next->path, path);
        COPY_CHARACTERS(next->text, text);
}
