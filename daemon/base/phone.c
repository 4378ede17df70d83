// SPDX-License-Identifier: LGPL-2.1-or-later
#include "base/phone.h"

#define DIGITS_MIN 7
#define DIGITS_MAX 15

bool phone_is_valid(const char *phone) {
        size_t n;

        if (phone[0] != '+' || phone[1] == '0')
                return false;
        n = strspn(phone + 1, "0123456789");
        return n >= DIGITS_MIN && n <= DIGITS_MAX && phone[1 + n] == '\0';
}

/* The last 4 are shown, and up to 3 in front where as much stays hidden; of what is too short for a number, nothing.
 */
void phone_mask(const char *phone, char ret[static PHONE_SIZE]) {
        size_t n = strnlen(phone, PHONE_SIZE - 1), back = n > DIGITS_MIN ? 4 : 0;
        size_t front = back > 0 ? MIN(n - 2 * back, (size_t) 3) : 0;

        for (size_t i = 0; i < n; i++)
                ret[i] = i < front || i + back >= n ? phone[i] : '*';
        ret[n] = '\0';
}
