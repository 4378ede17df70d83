// SPDX-License-Identifier: LGPL-2.1-or-later
#include <ctype.h>
#include <inttypes.h>

#include "base/amount.h"

/* ISO 4217, the currencies that UnionPay terminals settle in. */
static const struct currency currencies[] = {
        { "AUD", 36, 2, "A$" },    { "CAD", 124, 2, "C$" }, { "CHF", 756, 2, "CHF" }, { "CNY", 156, 2, "¥" },
        { "EUR", 978, 2, "€" },    { "GBP", 826, 2, "£" },  { "HKD", 344, 2, "HK$" }, { "IDR", 360, 2, "Rp" },
        { "INR", 356, 2, "₹" },    { "JPY", 392, 0, "¥" },  { "KRW", 410, 0, "₩" },   { "KWD", 414, 3, "KD" },
        { "MOP", 446, 2, "MOP$" }, { "MYR", 458, 2, "RM" }, { "NZD", 554, 2, "NZ$" }, { "PHP", 608, 2, "₱" },
        { "RUB", 643, 2, "₽" },  { "SGD", 702, 2, "S$" }, { "THB", 764, 2, "฿" },   { "TWD", 901, 2, "NT$" },
        { "USD", 840, 2, "$" },    { "VND", 704, 0, "₫" },
};

const struct currency *currency_find(const char *code) {
        for (size_t i = 0; i < ELEMENTSOF(currencies); i++)
                if (streq(currencies[i].code, code))
                        return currencies + i;
        return NULL;
}

const struct currency *currency_find_numeric(unsigned numeric) {
        for (size_t i = 0; i < ELEMENTSOF(currencies); i++)
                if (currencies[i].numeric == numeric)
                        return currencies + i;
        return NULL;
}

static int64_t power_of_ten(unsigned n) {
        int64_t p = 1;

        while (n-- > 0)
                p *= 10;
        return p;
}

const char *amount_format(int64_t amount, const struct currency *currency, char text[static AMOUNT_TEXT_MAX]) {
        uint64_t magnitude = amount < 0 ? 0 - (uint64_t) amount : (uint64_t) amount;
        uint64_t unit = (uint64_t) power_of_ten(currency->digits);
        const char *sign = amount < 0 ? "-" : "";

        if (currency->digits == 0)
                snprintf(text, AMOUNT_TEXT_MAX, "%s%" PRIu64, sign, magnitude);
        else
                snprintf(text, AMOUNT_TEXT_MAX, "%s%" PRIu64 ".%0*" PRIu64, sign, magnitude / unit, currency->digits,
                         magnitude % unit);
        return text;
}

int amount_parse(const char *text, const struct currency *currency, int64_t *ret_amount) {
        int64_t amount = 0;
        int after = -1; /* digits after the point, -1 before it */

        if (!isdigit((unsigned char) *text))
                return -EINVAL;

        for (; *text; text++) {
                if (*text == '.' && after < 0 && currency->digits > 0) {
                        after = 0;
                        continue;
                }
                if (!isdigit((unsigned char) *text))
                        return -EINVAL;
                if (after >= 0 && ++after > currency->digits)
                        return -EINVAL;
                amount = amount * 10 + (*text - '0');
                if (amount > AMOUNT_MAX)
                        return -ERANGE;
        }
        if (after == 0)
                return -EINVAL;

        amount *= power_of_ten(currency->digits - MAX(after, 0));
        if (amount > AMOUNT_MAX)
                return -ERANGE;
        *ret_amount = amount;
        return 0;
}
