// SPDX-License-Identifier: LGPL-2.1-or-later
#include "base/amount.h"
#include "host/balance.h"
#include "host/digits.h"

#define AMOUNT_DIGITS 12

int host_balance_format(const struct host_balance *b, char text[static HOST_BALANCE_TEXT + 1]) {
        int64_t amount = b->amount < 0 ? -b->amount : b->amount;

        if (b->currency > 999 || amount > AMOUNT_MAX)
                return -ERANGE;
        (void) snprintf(text, HOST_BALANCE_TEXT + 1, "0002%03u%c%012lld", b->currency, b->amount < 0 ? 'D' : 'C',
                        (long long) amount);
        return 0;
}

int host_balance_parse(const char *text, struct host_balance *ret) {
        int64_t amount;

        if (strspn(text, "0123456789") != 7 || (text[7] != 'C' && text[7] != 'D') ||
            !digits_only(text + 8, AMOUNT_DIGITS))
                return -EBADMSG;
        amount = (int64_t) digits_read(text + 8, AMOUNT_DIGITS);
        *ret = (struct host_balance){
                .currency = (uint16_t) digits_read(text + 4, 3),
                .amount = text[7] == 'D' ? -amount : amount,
        };
        return 0;
}
