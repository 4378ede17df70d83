/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* An operator's code, on its way from a person to tilld: never an argument, never shown. */

#include "cli/cli.h"

enum code_form {
        CODE_OF_OPERATOR, /* "NUMBER CODE" */
        CODE_NEW,         /* "CODE", asked for twice */
};

/*
 * Asks for it, and for the number where that is NULL; without a terminal it is a line of standard input in the same
 * form, less the number that is known. *ret_fd has the line. Returns the exit status.
 */
int code_ask(enum code_form form, const char *number, int *ret_fd);
