// SPDX-License-Identifier: LGPL-2.1-or-later
#include "care/last-run.h"

#include <inttypes.h>

static void tell(struct faults *f, bool so, const char *code, const char *detail) {
        struct fault_record record = {};

        if (!so)
                return faults_disprove(f, code, "");
        COPY(record.code, code);
        COPY(record.detail, detail);
        faults_observe(f, &record);
}

void last_run_observe(struct engine *e, struct faults *f) {
        const uint64_t lost = journal_lost_frames(engine_journal(e));
        const enum last_run last = engine_last_run(e);
        char pages[80];

        tell(f, last == LAST_RUN_CUT, "power-cut", "tilld was not stopped before the machine was switched off");
        tell(f, last == LAST_RUN_KILLED, "service-crashed", "tilld ended without having been stopped");
        /* After a power cut that is usual. */
        (void) snprintf(pages, sizeof(pages), "%" PRIu64 " pages behind its end did not fit together", lost);
        tell(f, lost > 0 && last != LAST_RUN_CUT, "journal-cut", pages);
}
