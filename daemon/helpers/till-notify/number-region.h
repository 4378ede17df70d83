/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* libphonenumber, which is C++, as C sees it. */

#ifdef __cplusplus
extern "C" {
#endif

enum number_kind {
        NUMBER_UNKNOWN, /* no country gives it */
        NUMBER_FIXED,   /* or anything else that is no mobile phone */
        NUMBER_MOBILE,  /* or may be one: some countries do not tell them apart */
};

/* phone: "+" and digits. region: two letters ("CN") and an end, "001" for what is of no country; "" for unknown. */
enum number_kind number_region(const char *phone, char region[4]);

#ifdef __cplusplus
}
#endif
