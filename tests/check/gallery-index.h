/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* The gallery's page: all papers below each other, and what narrows them down; nothing from elsewhere. */

#include "base/macro.h"

/* With the names to choose from, parted by blanks. */
void index_begin(FILE *f, const char *papers, const char *languages, const char *widths);
void index_begin_paper(FILE *f, const char *paper);
void index_begin_language(FILE *f, const char *language);
/* The faces of NAME; terminal is what draw_terminal() writes. */
void index_add(FILE *f, const char *name, unsigned columns, const char *text, const char *terminal);
void index_end_language(FILE *f);
void index_end_paper(FILE *f);
void index_end(FILE *f);
