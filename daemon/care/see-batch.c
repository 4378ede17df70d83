// SPDX-License-Identifier: LGPL-2.1-or-later
#include <inttypes.h>

#include "base/clock.h"
#include "care/see.h"
#include "journal/batch.h"
#include "transaction/acquirer.h"
#include "transaction/offline.h"

#define DAY_USEC (24 * 3600 * USEC_PER_SEC)
/* A weekend is no fault. */
#define OLD_USEC (3 * DAY_USEC)

/* A settlement has not ended, and nobody says why: what the acquirer refuses or does not answer is another fault. */
static int see_frozen(struct engine *e, const struct batch_record *batch, struct fault_changes *sight) {
        struct acquirer_standing standing;

        if (batch->state == BATCH_OPEN || sight_has(sight, "settlement-refused", NULL))
                return 0;
        if (batch->settlement == engine_current(e))
                return sight_keep(e, sight, "batch-frozen", "");
        acquirer_get_standing(engine_acquirer(e), &standing);
        if (standing.asked && !acquirer_stands_well(&standing))
                return 0;
        return sight_add(sight, "batch-frozen", "", "batch %06u is %s since settlement %" PRIi64, batch->number,
                         batch_state_to_string(batch->state), batch->settlement);
}

static int see_age(const struct batch_record *batch, struct fault_changes *sight) {
        uint64_t now = clock_now(CLOCK_REALTIME);

        if (batch->opened_usec == 0 || now < batch->opened_usec + OLD_USEC)
                return 0;
        return sight_add(sight, "batch-old", "", "batch %06u has been open for %" PRIu64 " days", batch->number,
                         (now - batch->opened_usec) / DAY_USEC);
}

int see_batch(struct engine *e, struct fault_changes *sight) {
        struct batch_record batch;
        unsigned waiting;
        int r;

        r = batch_load_current(engine_journal(e), &batch);
        if (r < 0)
                return r;
        r = see_frozen(e, &batch, sight);
        if (r < 0)
                return r;
        r = offline_is_full(e, &waiting);
        if (r > 0)
                r = sight_add(sight, "offline-full", "", "%u approved payments wait to be told to the acquirer",
                              waiting);
        if (r < 0 || sight_has(sight, "clock-wrong", NULL))
                return r;
        return see_age(&batch, sight);
}
