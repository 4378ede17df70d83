// SPDX-License-Identifier: LGPL-2.1-or-later
#include "helpers/till-notify/channel.h"
#include "helpers/till-notify/number-region.h"

int number_check(const struct request *request, const char *folder, char ret_reason[static REASON_SIZE]) {
        char region[4];

        switch (number_region(request->strings[NOTICE_STRING_ADDRESS], region)) {
        case NUMBER_MOBILE:
                return say(ret_reason, 0, "%s", region);
        case NUMBER_FIXED:
                return say(ret_reason, -EADDRNOTAVAIL, "the number is of %s, and not of a mobile phone", region);
        default:
                return say(ret_reason, -EINVAL, "no country has such a number");
        }
}
