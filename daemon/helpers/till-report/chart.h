/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Charts as SVG in a page: nothing is loaded, colours are the page's classes c0 to c4. */

#include "base/macro.h"

#define CHART_SERIES_MAX 5

struct chart {
        const char *title, *unit;               /* for who does not see it; "" or "%" */
        size_t n;                               /* days */
        const char *const *days;                /* "2026-05-20" each */
        size_t n_series;                        /* CHART_SERIES_MAX at most */
        const char *names[CHART_SERIES_MAX];    /* of the series */
        const double *values[CHART_SERIES_MAX]; /* n each; not a number: none that day */
        double top;                             /* of the axis; 0: by the values */
        unsigned colours[CHART_SERIES_MAX];     /* of the series: 0 for c0 … */
};

/* The series above each other, a column a day. */
void chart_columns(const struct chart *c, FILE *f);
/* A line each, broken where there is no value. */
void chart_lines(const struct chart *c, FILE *f);
/* How much of its life is gone: part of 1, more is shown as 1. */
void chart_wear(double part, const char *title, FILE *f);

/* The next round number from there on, for an axis. */
double chart_round_up(double value) _const_;
/* Text of a page, whoever wrote it. */
void html_put(const char *text, FILE *f);
