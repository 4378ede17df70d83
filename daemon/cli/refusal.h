/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "cli/cli.h"

/*
 * What tilld refuses it says in English, with names and numbers in it; this says it in the user's language, with the
 * same ones. Itself where it is none of tilld's texts. The caller frees it; NULL without memory.
 */
char *refusal_translate(const char *text);
