/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * One case of the table, as a *.case file has it; README says how such a file is written. The words stay as they
 * are read: run.c gives them their meaning.
 */

#include "base/macro.h"

#define CASE_LINES_MAX 96

struct emv_case {
        char *name;
        size_t n;
        struct {
                char *key, *value;
        } lines[CASE_LINES_MAX];
};

struct emv_cases {
        struct emv_case *items;
        size_t n;
};

/* Adds the cases of one file. A negative errno after saying what is wrong with it. */
int emv_cases_read(struct emv_cases *cases, const char *path);
void emv_cases_done(struct emv_cases *cases);

/* The last value of a key, which is the one that counts where a key is there once; NULL when it is not there. */
const char *emv_case_get(const struct emv_case *c, const char *key);
