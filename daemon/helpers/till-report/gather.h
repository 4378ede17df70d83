/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * What tilld may not read, or need not: the machine's logs and what it is made of. What cannot be had is said in the
 * place of it, and is no error: a report is wanted most where things are not as they should be.
 */

#include <cjson/cJSON.h>

#include "base/macro.h"

/* Of each log, the newest: bytes of text. */
#define GATHER_LOG_MAX (4u << 20)

/* systemd's journal of our units, and what it says itself of them. Allocated; -ENOMEM alone is an error. */
int gather_units_log(unsigned days, char **ret);
/* The kernel's, of till.ko and USB. */
int gather_kernel_log(unsigned days, char **ret);

/* Kernel, distribution, packages, units. */
int gather_system(cJSON *o);
/* The properties of the devices that udev tagged "till", and of the USB devices that they are on. */
int gather_devices(cJSON *list);
