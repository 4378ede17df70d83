// SPDX-License-Identifier: LGPL-2.1-or-later
#include <inttypes.h>

#include "base/clock.h"
#include "care/see.h"
#include "journal/batch.h"
#include "transaction/offline.h"

#define DAY_USEC (24 * 3600 * USEC_PER_SEC)
/* A weekend is no fault. */
#define OLD_USEC (3 * DAY_USEC)

static int see_age(struct engine *e, struct fault_changes *sight) {
        uint64_t now = clock_now(CLOCK_REALTIME);
        struct batch_record batch;
        int r;

        r = batch_load_current(engine_journal(e), &batch);
        if (r < 0)
                return r;
        if (batch.opened_usec == 0 || now < batch.opened_usec + OLD_USEC)
                return 0;
        return sight_add(sight, "batch-old", "", "batch %06u has been open for %" PRIu64 " days", batch.number,
                         (now - batch.opened_usec) / DAY_USEC);
}

int see_batch(struct engine *e, struct fault_changes *sight) {
        unsigned waiting;
        int r;

        r = offline_is_full(e, &waiting);
        if (r > 0)
                r = sight_add(sight, "offline-full", "", "%u approved payments wait to be told to the acquirer",
                              waiting);
        if (r < 0 || sight_has(sight, "clock-wrong", NULL))
                return r;
        return see_age(e, sight);
}
