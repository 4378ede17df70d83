/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * Files of [sections] with key=value lines, "#" and ";" comments, as systemd.syntax(7) without
 * continuation lines. A bad line is logged with file, line and reason; the rest is still read, so
 * that one run shows all that is wrong, and the whole then fails.
 */

#include "base/macro.h"

/*
 * Called for each assignment. Returns a negative errno when it does not take the value, having set
 * *ret_reason to a text that is not freed ("not a number from 1 to 8").
 */
typedef int (*config_assign_t)(const char *section, const char *key, const char *value, void *userdata,
                               const char **ret_reason);

/* Reads one file. -ENOENT quietly when it is not there; -EINVAL after a bad line; else as read(2). */
int config_parse_file(const char *path, config_assign_t assign, void *userdata);

/*
 * Reads the "*.conf" of the directories of a NULL-terminated list, highest priority first, in the
 * order of their names; a name found in an earlier directory hides the later ones, and an empty file
 * or a link to /dev/null hides without content: the order of systemd's drop-ins.
 */
int config_parse_dirs(const char *const *dirs, config_assign_t assign, void *userdata);

/*
 * Told of each line that assigns, or should: reason is NULL when the value was taken. section and key
 * are "" where the line has none.
 */
struct config_line {
        const char *path;
        unsigned number;
        const char *section, *key, *reason;
};
typedef void (*config_observe_t)(const struct config_line *line, void *userdata);

/* As config_parse_dirs(), but bad lines go to observe instead of the log. */
int config_observe_dirs(const char *const *dirs, config_assign_t assign, config_observe_t observe, void *userdata);
