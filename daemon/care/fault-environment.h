/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "journal/fault.h"
#include "transaction/engine.h"

/*
 * Sets what surrounds a fault that opens now: the device that it is about, with its firmware, where there is one; the
 * versions of tilld, of the driver that is loaded, and of the kernel; mode, uptime and how the acquirer is. Nothing of
 * it is needed: what cannot be learned is left out.
 */
void fault_environment_set(const struct engine *e, struct fault_record *record);
