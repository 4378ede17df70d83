/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Bytes for another process. */

#include "base/macro.h"

/* A memfd that nobody can change any more, its owner included, to be read from its beginning; a negative errno. */
int sealed_file_new(const char *name, const void *data, size_t size);
/* The bytes of one that another process made. -EBADMSG for what is none, or not of that size. */
int sealed_file_read(int fd, size_t size, uint8_t **ret);
/* The same of up to so many bytes, with a NUL behind them. */
int sealed_file_read_most(int fd, size_t most, uint8_t **ret, size_t *ret_size);
