// SPDX-License-Identifier: LGPL-2.1-or-later
#include "transaction/last-run.h"

#include <systemd/sd-id128.h>

#include "journal/counter.h"

static int store(struct journal *j, int64_t boot) {
        int r;

        r = journal_begin(j, JOURNAL_DURABLE);
        if (r < 0)
                return r;
        _cleanup_(journal_rollbackp) _unused_ struct journal *rollback = j;
        r = counter_set_running(j, boot);
        return r < 0 ? r : journal_commit(j);
}

/* A number that only this boot has; never 0. */
static int boot_number(int64_t *ret) {
        sd_id128_t id;
        int r;

        r = sd_id128_get_boot(&id);
        if (r < 0)
                return r;
        *ret = (int64_t) (id.qwords[0] >> 1 | 1);
        return 0;
}

int last_run_begin(struct journal *j, enum last_run *ret) {
        int64_t before, boot;
        int r;

        r = boot_number(&boot);
        if (r < 0)
                return r;
        r = counter_get_running(j, &before);
        if (r < 0)
                return r;
        r = store(j, boot);
        if (r < 0)
                return r;
        *ret = before == 0 ? LAST_RUN_STOPPED : before == boot ? LAST_RUN_KILLED : LAST_RUN_CUT;
        return 0;
}

int last_run_end(struct journal *j) {
        return store(j, 0);
}
