/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "care/fault-code.h"

extern const struct fault_code fault_table[];
extern const size_t fault_table_size;
