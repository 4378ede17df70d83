/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Options among the words of a call, wherever they stand. */

/* Takes "--option=" out of the words: what stands behind it, NULL where it is not there. */
const char *words_take_option(int *argc, char **argv, const char *option);
