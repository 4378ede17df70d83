/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * The write-ahead log that a crash leaves, read before SQLite does. SQLite ends a log at its first frame that does
 * not fit and takes what is behind for a torn tail; a damaged log would lose commits without a word that way.
 */

#include "base/macro.h"

struct wal_report {
        uint64_t frames; /* that fit, from the first on: what SQLite takes */
        uint64_t behind; /* of the same log behind the first that does not fit, up to the last commit there */
};

/* What there is beside the journal of that path; no log and an empty one are 0. -EBADMSG when its header is damaged.
 */
int wal_inspect(const char *path, struct wal_report *ret);
