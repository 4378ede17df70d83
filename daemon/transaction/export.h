/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* The journal's export on its way into a file or a pipe; work for upkeep_run(). */

#include "base/stream.h"
#include "journal/export.h"

struct export;

/* fd stays the caller's; errors as stream_open_writer(). */
int export_to_pipe(struct journal *j, int fd, struct export **ret);
/* Into a new file of a folder, which is made: NAME-TIME.jsonl. */
int export_to_folder(struct journal *j, const char *folder, const char *name, struct export **ret);
struct export *export_free(struct export *x);
DEFINE_CLEANUP(struct export *, export_free);

/* As upkeep_run() wants them; -ENOSPC before the disk has no room left for payments, -EPIPE of a reader that is gone.
 */
int export_slice(struct journal *j, void *userdata);
const struct stream *export_get_stream(const struct export *x);
/* After the last slice: the file is on the disk under its name. *ret_path is this struct's; NULL for a pipe. */
int export_finish(struct export *x, const char **ret_path);
void export_progress(const struct export *x, uint64_t *ret_done, uint64_t *ret_total);
