/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "cli/cli.h"

/* Causes, steps and spare part of a fault or of a code, each in lines that fit. */
void fault_print_steps(const cJSON *fault);

/* Acts of tillctl fault; argv[0] is the act. */
int fault_codes(struct cli *cli, int argc, char **argv);
int fault_explain(struct cli *cli, int argc, char **argv);
int fault_figures(struct cli *cli, int argc, char **argv);
