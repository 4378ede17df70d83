/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <cjson/cJSON.h>

#include "helpers/till-report/filter.h"

/* From so many on a number is no count but a time, in microseconds of CLOCK_REALTIME. */
#define TIDY_TIME_MIN 1e14

/*
 * Each text clean, and blackened where it has to be; a time becomes a text ("2026-05-20T14:03:11+08:00"), another
 * large number its digits, so that what looks like a card number is seen. -ENOMEM.
 */
int tidy(cJSON *o, struct filter *f);
