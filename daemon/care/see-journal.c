// SPDX-License-Identifier: LGPL-2.1-or-later
#include "care/see.h"

static int note_seen(const struct fault_record *record, void *userdata) {
        return fault_changes_add_seen(userdata, record);
}

int see_journal(struct engine *e, struct fault_changes *sight) {
        return fault_evidence_each(engine_journal(e), note_seen, sight);
}
