/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <cjson/cJSON.h>
#include <time.h>

#include "base/macro.h"

/*
 * The report as a page for a person, in "zh_CN" or English: all in one file, nothing is loaded. Times are texts by
 * then ("2026-05-20T14:03:11+08:00"). now: for the days of the charts; in seconds.
 */
int page_write(const cJSON *report, const char *language, time_t now, unsigned days, char **ret, size_t *ret_size);

/* ---- Between the files of the page ---- */

struct page {
        const cJSON *report;
        bool chinese;
        FILE *f;
};

#define SAY(p, english, chinese_text) ((p)->chinese ? (chinese_text) : (english))

struct column {
        const char *member, *english, *chinese;
};

const cJSON *page_get(const cJSON *o, const char *name);
/* A text member; "" for none. */
const char *page_text(const cJSON *o, const char *name);
double page_number(const cJSON *o, const char *name);
/* A word of tilld's in the language of the page; itself where it has no other. */
const char *page_word(const struct page *p, const char *word);
/* A value as a person reads it. */
void page_put_value(const struct page *p, const cJSON *value);
void page_put_heading(const struct page *p, const char *text);
/* Within what a heading is about. */
void page_put_subheading(const struct page *p, const char *text);
/* The rows of a list; nothing but a word for an empty one. columns ends with an empty one. */
void page_put_table(const struct page *p, const cJSON *list, const struct column *columns);
/*
 * The members of an object, a row each; what is no value in it is left out. heads ends with an empty one; a member
 * that it does not have is called by its name.
 */
void page_put_members(const struct page *p, const cJSON *o, const struct column *heads);

void page_put_summary(const struct page *p);
void page_put_charts(const struct page *p, time_t now, unsigned days);
void page_put_wear(const struct page *p);
void page_put_figures(const struct page *p);
void page_put_inspection(const struct page *p);
void page_put_authenticity(const struct page *p);
