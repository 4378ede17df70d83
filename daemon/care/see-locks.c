// SPDX-License-Identifier: LGPL-2.1-or-later
#include <inttypes.h>

#include "base/clock.h"
#include "care/see.h"
#include "journal/rebind.h"
#include "journal/uptime.h"

struct walk {
        struct engine *engine;
        struct fault_changes *sight;
};

static int see_operator(const struct operator_record *record, void *userdata) {
        struct walk *w = userdata;
        uint64_t seconds;
        int r;

        r = operators_get_lock(engine_operators(w->engine), record, &seconds);
        if (r < 0 || seconds == 0)
                return r;
        return sight_add(w->sight, "operator-locked", record->number, "after wrong codes, for %" PRIu64 " min",
                         (seconds + 59) / 60);
}

/* After wrong codes for the bound phone. */
static int see_codes(struct engine *e, struct fault_changes *sight) {
        struct rebind_limit limit;
        uint64_t uptime;
        int r;

        r = rebind_limit_load(engine_journal(e), &limit);
        if (r >= 0)
                r = uptime_get(engine_journal(e), &uptime);
        if (r < 0 || limit.locked_until <= uptime)
                return r;
        return sight_add(sight, "codes-locked", "", "after %" PRIu32 " wrong codes, for %" PRIu64 " min",
                         limit.wrong_codes, (limit.locked_until - uptime) / (60 * USEC_PER_SEC) + 1);
}

int see_locks(struct engine *e, struct fault_changes *sight) {
        struct walk w = { e, sight };
        int r = operators_each(engine_operators(e), see_operator, &w);

        return r < 0 ? r : see_codes(e, sight);
}
