// SPDX-License-Identifier: LGPL-2.1-or-later
#include <inttypes.h>

#include "base/clock.h"
#include "care/see.h"
#include "transaction/terminal-clock.h"

/* More than what messages and drifting clocks take. */
#define DIFFERENCE_MAX 600

static int see_difference(struct engine *e, struct fault_changes *sight) {
        int64_t seconds;

        if (acquirer_get_ahead(engine_acquirer(e), &seconds) < 0 || llabs(seconds) <= DIFFERENCE_MAX)
                return 0;
        return sight_add(sight, "clock-differs", "", "the acquirer's clock is %" PRId64 " min %s",
                         (int64_t) llabs(seconds) / 60, seconds > 0 ? "ahead" : "behind");
}

int see_clock(struct engine *e, struct fault_changes *sight) {
        struct refusal refusal;

        if (terminal_clock_check(engine_journal(e), &refusal) >= 0)
                return see_difference(e, sight);
        return sight_add(sight, "clock-wrong", "", "%s", refusal.text);
}
