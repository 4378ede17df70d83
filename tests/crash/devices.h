/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * The terminal's devices, played: they stand in for daemon/device/{monitor,msr,emv,printer}.c. A paper that comes out
 * is a line of the paper log.
 */

#include "device/device.h"

/* Written to by one write() a paper: the job and its bytes in hexadecimal. */
void devices_set_paper_log(int fd);

/* What card-worker finds in the place of the reader: all that a chip is to do. */
void devices_set_card(const void *behaviour, size_t size);

/* As when somebody pulls or plugs it. Before monitor_start() it is what is there at the start. */
void devices_connect(enum device_kind kind, bool connected);

/* Returns whether the reader was armed. */
bool devices_swipe(const char *track2);
/* By a reader that encrypts; where it cannot, nobody has swiped. */
bool devices_swipe_encrypted(const char *track2);
