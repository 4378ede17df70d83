/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Until when a certificate holds. */

#include "base/macro.h"

/*
 * The last moment (CLOCK_REALTIME usec) of the certificates of a PEM file: of the first one, which is the terminal's
 * own, or of the one that holds longest, where each is a CA. -EBADMSG for a file without one; else as open(2).
 */
int host_certificate_first_end(const char *path, uint64_t *ret_usec);
int host_certificate_last_end(const char *path, uint64_t *ret_usec);
