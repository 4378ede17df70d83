// SPDX-License-Identifier: LGPL-2.1-or-later
#include <inttypes.h>

#include "care/see.h"
#include "journal/summary.h"

/* Less than what an export leaves free, so that it is nobody's export who opens it. */
#define DISK_MIN (UINT64_C(32) << 20)

int see_disk(struct engine *e, struct fault_changes *sight) {
        struct journal_summary summary;
        int r;

        r = journal_summarize(engine_journal(e), &summary);
        if (r < 0)
                return r;
        if (summary.free_space >= DISK_MIN)
                return 0;
        return sight_add(sight, "journal-full", "", "%" PRIu64 " MiB are free", summary.free_space >> 20);
}
