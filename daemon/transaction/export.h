/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* The journal's export on its way into a file or a pipe; work for upkeep_run(). */

#include "journal/export.h"

struct export;

/* Into a regular file, a memfd or a pipe; takes the descriptor. -EINVAL for anything else, -EBADF for one to read. */
int export_to_fd(struct journal *j, int fd, struct export **ret);
/* Into a new file of a folder, which is made; the name says mode and time. */
int export_to_folder(struct journal *j, const char *folder, const char *mode, struct export **ret);
struct export *export_free(struct export *x);
DEFINE_CLEANUP(struct export *, export_free);

/* A slice, as upkeep_run() wants it. -ENOSPC before the disk has no room left for payments, -EPIPE and -ETIMEDOUT of a
 * reader that is gone or stands still. */
int export_slice(struct journal *j, void *userdata);
/* After the last slice: the file is on the disk under its name. *ret_path is this struct's; NULL for a descriptor. */
int export_finish(struct export *x, const char **ret_path);
void export_progress(const struct export *x, uint64_t *ret_done, uint64_t *ret_total);
