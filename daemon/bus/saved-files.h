/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Files that a method has saved below the state directory, for who asks by busctl: kept for a while, not for ever. */

#include "base/macro.h"

/* Removes the oldest that begin with the prefix, as far as there are more than max; never stays, a name. */
void saved_files_prune(const char *folder, const char *prefix, const char *stays, unsigned max);
