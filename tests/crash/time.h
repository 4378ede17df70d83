/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <stdint.h>

/* All at once, for the date and for CLOCK_BOOTTIME. */
void time_pass(uint64_t usec);
