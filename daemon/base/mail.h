/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Mail addresses. */

#include "base/macro.h"

/* "w***@example.com": as it is shown and logged. "" stays empty; cut to size. */
void mail_mask(const char *mail, char *ret, size_t size);
