// SPDX-License-Identifier: LGPL-2.1-or-later
#include <stdarg.h>

#include "care/see.h"

int sight_add(struct fault_changes *sight, const char *code, const char *subject, const char *detail, ...) {
        struct fault_record record = {};
        va_list arguments;

        if (sight_has(sight, code, subject))
                return 0;
        COPY(record.code, code);
        COPY(record.subject, subject);
        va_start(arguments, detail);
        (void) vsnprintf(record.detail, sizeof(record.detail), detail, arguments);
        va_end(arguments);
        return fault_changes_add_seen(sight, &record);
}

bool sight_has(const struct fault_changes *sight, const char *code, const char *subject) {
        return fault_changes_find(sight, code, subject);
}

struct keep {
        struct fault_changes *sight;
        const char *code, *subject;
};

static int keep_one(const struct fault_record *open, void *userdata) {
        const struct keep *k = userdata;

        if (!streq(open->code, k->code) || (k->subject && !streq(open->subject, k->subject)))
                return 0;
        return sight_add(k->sight, open->code, open->subject, "%s", open->detail);
}

int sight_keep(struct engine *e, struct fault_changes *sight, const char *code, const char *subject) {
        return fault_record_each(engine_journal(e), &(struct fault_filter){ .open = true }, keep_one,
                                 &(struct keep){ sight, code, subject });
}
