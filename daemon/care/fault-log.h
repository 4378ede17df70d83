/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "journal/fault.h"

/*
 * A line of the log on what has opened or ended. Under systemd an entry of its journal with fields for programs:
 * MESSAGE_ID (that of its code, and one for all that end), TILLD_FAULT (the code), TILLD_DEVICE (the id of the device
 * that it is about) and TILLD_TRANSACTION (its number, where there is one).
 */
void fault_log(const struct fault_record *record);
