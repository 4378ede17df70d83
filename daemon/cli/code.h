/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* An operator's code, on its way from a person to tilld: never an argument, never shown. */

#include "cli/cli.h"

/* What is asked for; each is a line. */
enum code_form {
        CODE_NONE = 0,
        CODE_OF_OPERATOR = 1, /* "NUMBER CODE" */
        CODE_NEW = 2,         /* "CODE", asked for twice */
};

/*
 * Asks for them, in that order, and for the operator's number where that is NULL; without a terminal they are lines of
 * standard input in the same form, less the number that is known. *ret_fd has the lines. Returns the exit status.
 */
int code_ask(unsigned forms, const char *number, int *ret_fd);

/* Takes --supervisor=NUMBER out of the words, wherever it stands, and asks for the code. 0, or the exit status. */
int code_take_supervisor(int *argc, char **argv, int *ret_code);

/* A pipe that has the line, as tilld takes codes. Negative errno. */
int code_make_pipe(const char *line, int *ret_fd);
