/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * One short line, or two of them, from somebody else's pipe or memfd, as codes come over D-Bus: bounded, read once,
 * wiped. Whoever holds the other end cannot make tilld wait: not by silence, nor by taking back what epoll has
 * announced.
 */

#include <systemd/sd-event.h>

#include "base/macro.h"

/* What is longer, or all of two that are, is refused. */
#define SECRET_LINE_MAX 31

struct secret_line;

/*
 * Called once, from the event loop. line is without its end, and wiped when this returns; between two lines is one.
 * Otherwise NULL and
 *  -ETIMEDOUT  not all of it within five seconds
 *  -EMSGSIZE   too long
 *  -ENODATA    nothing in it
 *  or what reading says.
 */
typedef void (*secret_line_done_t)(int result, const char *line, void *userdata);

/* fd stays the caller's. Errors as stream_open_reader(). */
int secret_line_new(sd_event *event, int fd, unsigned lines, secret_line_done_t done, void *userdata,
                    struct secret_line **ret);
struct secret_line *secret_line_free(struct secret_line *l);
DEFINE_CLEANUP(struct secret_line *, secret_line_free);
