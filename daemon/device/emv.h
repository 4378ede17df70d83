/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * The EMV reader from the daemon's side: it opens the node for a card-worker and reads nothing of it.
 * Whether a card is in is told by struct device, without opening.
 */

#include "device/device.h"

/*
 * Opens the node for one worker. Returns the descriptor (O_CLOEXEC, blocking), the caller's only one:
 * the reader is free again when its last copy is closed. -ENOTCONN when unplugged, -EBUSY while
 * another worker holds it, -EPROTO when the node is not an EMV reader's, else as open(2). Tells whether it has
 * a keypad for PINs.
 */
int emv_open(const struct device *device, bool *ret_keypad);
