/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Telephone numbers in the form of E.164: "+" and up to 15 digits, the first of which is not 0. */

#include "base/macro.h"

/* With its end. */
#define PHONE_SIZE 17

/* By its form alone: "+" and 7 to 15 digits. Whether a country gives such a number is till-notify's to say. */
bool phone_is_valid(const char *phone) _pure_;

/* "+86*******5678": as it is shown and logged. "" stays empty. */
void phone_mask(const char *phone, char ret[static PHONE_SIZE]);
