/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Mail addresses. */

#include "base/macro.h"

/*
 * Whether it can be one, as it may stand in a header and in an SMTP command: one @, no spaces, quotes or brackets.
 * That it is one, a test notice shows.
 */
bool mail_is_valid(const char *mail) _pure_;
/* "w***@example.com": as it is shown and logged. "" stays empty; cut to size. */
void mail_mask(const char *mail, char *ret, size_t size);
