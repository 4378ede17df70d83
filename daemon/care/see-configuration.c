// SPDX-License-Identifier: LGPL-2.1-or-later
#include "care/see.h"

/* The path where it fits, else the name: what it is about is not cut in the middle. */
static const char *name_of(const char *path) {
        const char *name = strrchr(path, '/');

        return strlen(path) < sizeof(((struct fault_record *) NULL)->subject) || !name ? path : name + 1;
}

static int see_complaint(const struct complaint *c, struct fault_changes *sight) {
        if (c->line > 0)
                return sight_add(sight, "configuration-ignored", name_of(c->path), "line %u: %s", c->line, c->text);
        return sight_add(sight, "configuration-ignored", name_of(c->path), "%s", c->text);
}

int see_configuration(struct engine *e, struct fault_changes *sight) {
        const struct complaints *ignored = engine_ignored(e);
        int r = 0;

        for (size_t i = 0; r >= 0 && ignored && i < ignored->n; i++)
                r = see_complaint(ignored->list + i, sight);
        return r;
}
