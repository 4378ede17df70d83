/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Faults that are about to open, to be counted or to end, written all of them or none. */

#include "journal/fault.h"

struct fault_change {
        struct fault_record record;
        bool end;
        bool tell;             /* set by fault_changes_write(): it has opened or ended, and was not only counted */
        const char *by, *note; /* of an end; "" where its cause is gone. Borrowed */
};

struct fault_changes {
        struct fault_change *list;
        size_t n;
};

void fault_changes_done(struct fault_changes *c);

/* Seen now, with code, subject, detail and transaction set; class and severity are those of its code. -EINVAL for a
 * code that there is not. */
int fault_changes_add_seen(struct fault_changes *c, const struct fault_record *seen);
/* Its cause is gone. */
int fault_changes_add_end(struct fault_changes *c, const struct fault_record *record);
int fault_changes_add(struct fault_changes *c, const struct fault_change *change);

/* subject NULL: any. NULL for none. */
const struct fault_record *fault_changes_find(const struct fault_changes *c, const char *code, const char *subject);

/* In the caller's journal transaction. An end of one that has ended meanwhile is none. */
int fault_changes_write(struct journal *j, struct fault_changes *c);
