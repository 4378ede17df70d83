// SPDX-License-Identifier: LGPL-2.1-or-later
#include "care/fault-changes.h"

#include "care/fault-code.h"

void fault_changes_done(struct fault_changes *c) {
        free(c->list);
        *c = (struct fault_changes){};
}

int fault_changes_add(struct fault_changes *c, const struct fault_change *change) {
        struct fault_change *list = reallocarray(c->list, c->n + 1, sizeof(*list));

        if (!list)
                return -ENOMEM;
        c->list = list;
        list[c->n++] = *change;
        return 0;
}

int fault_changes_add_seen(struct fault_changes *c, const struct fault_record *seen) {
        const struct fault_code *code = fault_code_find(seen->code);
        struct fault_change change = { .record = *seen };

        if (!code)
                return -EINVAL;
        COPY(change.record.class, code->class);
        COPY(change.record.severity, code->severity);
        return fault_changes_add(c, &change);
}

int fault_changes_add_end(struct fault_changes *c, const struct fault_record *record) {
        return fault_changes_add(c, &(struct fault_change){ .record = *record, .end = true, .by = "", .note = "" });
}

const struct fault_record *fault_changes_find(const struct fault_changes *c, const char *code, const char *subject) {
        for (size_t i = 0; i < c->n; i++)
                if (streq(c->list[i].record.code, code) && (!subject || streq(c->list[i].record.subject, subject)))
                        return &c->list[i].record;
        return NULL;
}

static int write_one(struct journal *j, struct fault_change *c) {
        int r = c->end ? fault_record_end(j, &c->record, c->by, c->note) : fault_record_open(j, &c->record);

        c->tell = c->end ? r >= 0 : r > 0;
        return r == -EALREADY ? 0 : r;
}

int fault_changes_write(struct journal *j, struct fault_changes *c) {
        int r = 0;

        for (size_t i = 0; r >= 0 && i < c->n; i++)
                r = write_one(j, c->list + i);
        return r;
}
