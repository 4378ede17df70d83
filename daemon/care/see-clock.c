// SPDX-License-Identifier: LGPL-2.1-or-later
#include "care/see.h"
#include "transaction/terminal-clock.h"

int see_clock(struct engine *e, struct fault_changes *sight) {
        struct refusal refusal;

        if (terminal_clock_check(engine_journal(e), &refusal) >= 0)
                return 0;
        return sight_add(sight, "clock-wrong", "", "%s", refusal.text);
}
