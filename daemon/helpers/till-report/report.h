/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "base/macro.h"

/*
 * Makes the report of what tilld says of itself (JSON, terminated) and what is gathered here, and writes it to fd.
 * *ret_masked: how much was blackened. -EBADMSG for what is no JSON object, an error of the file, -ENOMEM.
 */
int report_make(const char *json, const char *language, unsigned days, int fd, unsigned *ret_masked);
