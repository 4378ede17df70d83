// SPDX-License-Identifier: LGPL-2.1-or-later
#include "care/see.h"

int see_reader(struct engine *e, struct fault_changes *sight) {
        const struct device *reader = monitor_find_connected(engine_monitor(e), DEVICE_EMV);
        uint64_t since;

        if (!reader || reader->card != DEVICE_CARD_PRESENT || engine_current(e) > 0)
                return 0;
        since = MAX(reader->card_usec, engine_idle_since(e));
        if (clock_now(CLOCK_BOOTTIME) < since + SEE_CARD_LEFT_USEC)
                return sight_keep(e, sight, "card-left-in", reader->id);
        return sight_add(sight, "card-left-in", reader->id, "a card is in, and no transaction runs");
}
