/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * What is installed of the table of faults (care/fault-code.h) for people to read, printed to standard output in one
 * of the languages: by a program that runs when tilld is built.
 */

#include <stdio.h>

#include "care/fault-code.h"

/* For systemd's journal: an entry for each code, and one for the end of any. */
void print_catalog(const char *language);
/* tilld-faults(7). */
void print_manual(const char *language);
/* A page that needs no other file. */
void print_page(const char *language);

/* A title above a list of a fault. */
struct part {
        struct fault_text title;
        const struct fault_text *texts;
        size_t n;
};
#define PARTS 3
/* Causes, what who works there does, what support does. */
void parts_of(const struct fault_code *code, struct part ret[static PARTS]);

/* "error", and the like of class, for a person. */
const char *word_in(const char *word, const char *language);
/* How it ends. */
const char *end_in(const struct fault_code *code, const char *language);
