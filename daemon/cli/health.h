/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Health checks, for tillctl health and tillctl doctor. */

#include "cli/cli.h"

/*
 * Runs one, telling on standard error how it goes, and waits for its end; device "" for the terminal. *ret is what
 * GetHealthCheck says. Prints what went wrong; returns the exit status.
 */
int health_run(struct cli *cli, const char *level, const char *device, cJSON **ret);
/* How many tests have failed. */
unsigned health_failed(const cJSON *check);
