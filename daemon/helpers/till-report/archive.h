/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* A tar, compressed by zstd, into a file, a pipe or a socket. */

#include "base/macro.h"

struct pack;

/* All lies in one folder. fd stays the caller's, and may be one that does not wait. */
int pack_new(int fd, const char *folder, struct pack **ret);
int pack_add(struct pack *p, const char *name, const char *data, size_t size);
/* The rest of it is written; an error is that of the file. */
int pack_finish(struct pack *p);
struct pack *pack_free(struct pack *p);
DEFINE_CLEANUP(struct pack *, pack_free);
