/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * The exception file: cards that are not to be approved without the acquirer (EMV Book 4, 6.3.5). It names them by
 * a keyed hash, one a line, after the key that the terminal was given with it:
 *
 *     salt=32 hex digits
 *     64 hex digits: HMAC-SHA256 of the PAN's digits under the salt
 *
 * Hashes of PANs can be guessed by who has the salt; the file is as secret as the PANs.
 */

#include "base/macro.h"

/* Cards: 3.2 MB, which tilld.service's LimitMEMLOCK= has room for. */
#define EXCEPTIONS_MAX 100000

struct exceptions;

/*
 * A file that is not there is an empty list (*ret is NULL). Logged, -EINVAL with file and line for a bad one, -EPERM
 * for one that is not root's or uid's, or that others than these and gid have access to: tilld's user and group,
 * who is not always who asks.
 */
int exceptions_load(const char *path, uid_t uid, gid_t gid, struct exceptions **ret);
struct exceptions *exceptions_free(struct exceptions *x);
DEFINE_CLEANUP(struct exceptions *, exceptions_free);

size_t exceptions_count(const struct exceptions *x);
/* 1 or 0; a negative errno when it cannot be computed. */
int exceptions_has_pan(const struct exceptions *x, const char *pan);
