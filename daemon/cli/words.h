/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* The words of a call: options among them, wherever they stand, and those that go on to tilld. */

#include <systemd/sd-bus.h>

/* Takes "--option=" out of the words: what stands behind it, NULL where it is not there. */
const char *words_take_option(int *argc, char **argv, const char *option);
/* Appends them as an array of strings. A negative errno of sd-bus. */
int words_append(sd_bus_message *m, int argc, char **argv);
