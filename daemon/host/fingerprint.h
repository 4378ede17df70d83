/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* By what a certificate is told from others. */

#include "base/macro.h"

#define HOST_FINGERPRINT_SIZE 32

struct host_fingerprint {
        uint8_t sha256[HOST_FINGERPRINT_SIZE]; /* of its DER form */
        uint64_t end_usec;                     /* CLOCK_REALTIME: until when it holds; 0 where that cannot be read */
};

/*
 * Those of a PEM file's certificates, in its order, n of them at most; returns how many. -EBADMSG for a file without
 * one; else as open(2).
 */
int host_fingerprints_read(const char *path, struct host_fingerprint *ret, size_t n);
