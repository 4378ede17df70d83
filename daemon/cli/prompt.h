/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* A line that a person types, or that a script writes to standard input. */

#include <systemd/sd-bus.h>

#include "base/macro.h"

/* With its end. */
#define PROMPT_MAX 160

/* What goes on beside it: asked at the begin and after each message of the bus; other than 0 ends the prompt with it.
 */
struct prompt_watch {
        sd_bus *bus;
        int (*look)(void *userdata);
        void *userdata;
};

/*
 * Asks where there is a terminal, which shows nothing of a hidden one; "" for Enter alone. watch: NULL for nothing.
 * -EINTR for Ctrl-C, -ENODATA at the end of the input, -EMSGSIZE for too long a line, or what look() says.
 */
int prompt_line(const char *question, bool hidden, const struct prompt_watch *watch, char ret[static PROMPT_MAX]);

/* Waits for the bus, or for fd; serves the bus. 1 when fd can be read, 0 when there were messages. */
int prompt_wait(sd_bus *bus, int fd);

/* What was typed, without the characters of left_out; of full width, as a Chinese keyboard may have it, becomes ASCII.
 */
void prompt_squeeze(char *text, const char *left_out);
