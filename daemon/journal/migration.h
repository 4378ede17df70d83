/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Schema versions. Step n (from 0) brings user_version n to n + 1. */

#include <sqlite3.h>

#include "base/macro.h"

extern const char *const journal_migrations[];
extern const size_t journal_n_migrations;

/*
 * Runs the steps that are missing, all in one transaction: either the newest version or the old one.
 * -EPROTONOSUPPORT when the file is newer than the steps, with nothing written. Returns 1 when it did something.
 */
int migration_apply(sqlite3 *db, const char *const *steps, size_t n_steps);
