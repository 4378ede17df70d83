// SPDX-License-Identifier: LGPL-2.1-or-later
#include "base/amount.h"
#include "host/digits.h"
#include "host/upload.h"

#define COUNT_DIGITS 2
#define ORIGIN_DIGITS 2
#define STAN_DIGITS 6
#define PAN_DIGITS 20
#define AMOUNT_DIGITS 12
#define RECORD_DIGITS (ORIGIN_DIGITS + STAN_DIGITS + PAN_DIGITS + AMOUNT_DIGITS)

static int detail_format(const struct host_detail *d, char *text) {
        size_t l = strlen(d->pan);

        if (d->stan < 1 || d->stan > 999999 || d->amount < 0 || d->amount > AMOUNT_MAX ||
            (l > 0 && !digits_only(d->pan, l)))
                return -ERANGE;
        digits_write(text, ORIGIN_DIGITS, d->foreign);
        digits_write(text + ORIGIN_DIGITS, STAN_DIGITS, d->stan);
        text += ORIGIN_DIGITS + STAN_DIGITS;
        memset(text, '0', PAN_DIGITS - l);
        memcpy(text + PAN_DIGITS - l, d->pan, l);
        digits_write(text + PAN_DIGITS, AMOUNT_DIGITS, (uint64_t) d->amount);
        return 0;
}

int host_details_format(const struct host_detail *details, size_t n, char text[static HOST_DETAILS_DIGITS + 1]) {
        int r;

        if (n < 1 || n > HOST_DETAILS_MAX)
                return -ERANGE;
        digits_write(text, COUNT_DIGITS, n);
        for (size_t i = 0; i < n; i++) {
                r = detail_format(details + i, text + COUNT_DIGITS + i * RECORD_DIGITS);
                if (r < 0)
                        return r;
        }
        text[COUNT_DIGITS + n * RECORD_DIGITS] = '\0';
        return 0;
}

/* No card number begins with the zeros that it is filled with. */
static int detail_parse(const char *text, struct host_detail *ret) {
        uint64_t origin = digits_read(text, ORIGIN_DIGITS);
        size_t zeros;

        *ret = (struct host_detail){ .foreign = origin == 1 };
        ret->stan = (uint32_t) digits_read(text + ORIGIN_DIGITS, STAN_DIGITS);
        text += ORIGIN_DIGITS + STAN_DIGITS;
        zeros = strspn(text, "0");
        if (origin > 1 || ret->stan == 0 || zeros == 0)
                return -EBADMSG;
        if (zeros < PAN_DIGITS)
                memcpy(ret->pan, text + zeros, PAN_DIGITS - zeros);
        ret->amount = (int64_t) digits_read(text + PAN_DIGITS, AMOUNT_DIGITS);
        return 0;
}

int host_details_parse(const char *text, struct host_detail ret[static HOST_DETAILS_MAX]) {
        size_t l = strlen(text), n;

        if (l < COUNT_DIGITS || !digits_only(text, l))
                return -EBADMSG;
        n = (size_t) digits_read(text, COUNT_DIGITS);
        if (n < 1 || n > HOST_DETAILS_MAX || l != COUNT_DIGITS + n * RECORD_DIGITS)
                return -EBADMSG;
        for (size_t i = 0; i < n; i++)
                if (detail_parse(text + COUNT_DIGITS + i * RECORD_DIGITS, ret + i) < 0)
                        return -EBADMSG;
        return (int) n;
}
