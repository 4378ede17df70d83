// SPDX-License-Identifier: LGPL-2.1-or-later
#include "helpers/till-report/chart.h"

#include <math.h>

/* Of the picture; letters of 11 are read on a phone, too. */
#define WIDTH 360.0
#define HEIGHT 170.0
#define LEFT 40.0
#define RIGHT 8.0
#define TOP 10.0
#define BOTTOM 22.0
#define PLOT_WIDTH (WIDTH - LEFT - RIGHT)
#define PLOT_HEIGHT (HEIGHT - TOP - BOTTOM)

void html_put(const char *text, FILE *f) {
        for (const char *c = text; *c; c++)
                switch (*c) {
                case '&':
                        fputs("&amp;", f);
                        break;
                case '<':
                        fputs("&lt;", f);
                        break;
                case '>':
                        fputs("&gt;", f);
                        break;
                case '"':
                        fputs("&quot;", f);
                        break;
                case '\'':
                        fputs("&#39;", f);
                        break;
                default:
                        fputc(*c, f);
                }
}

double chart_round_up(double value) {
        double unit;

        if (!(value > 1))
                return 1;
        unit = pow(10, floor(log10(value)));
        if (value <= unit)
                return unit;
        return value <= 2 * unit ? 2 * unit : value <= 5 * unit ? 5 * unit : 10 * unit;
}

static double value_at(const struct chart *c, size_t series, size_t day) {
        double v = c->values[series][day];

        return isfinite(v) && v > 0 ? v : 0;
}

static double sum_at(const struct chart *c, size_t day) {
        double sum = 0;

        for (size_t i = 0; i < c->n_series; i++)
                sum += value_at(c, i, day);
        return sum;
}

static double axis_top(const struct chart *c, bool stacked) {
        double most = 0;

        if (c->top > 0)
                return c->top;
        for (size_t day = 0; day < c->n; day++)
                for (size_t i = 0; i < c->n_series; i++)
                        most = fmax(most, stacked ? sum_at(c, day) : value_at(c, i, day));
        return chart_round_up(most);
}

static double x_of(const struct chart *c, double day) {
        return LEFT + PLOT_WIDTH * day / (double) MAX(c->n, (size_t) 1);
}

static double y_of(double value, double top) {
        return TOP + PLOT_HEIGHT * (1 - fmin(value / top, 1));
}

/* Without trailing zeros: "0.5", "1200". */
static void put_number(double value, FILE *f) {
        fprintf(f, "%.10g", value);
}

static void put_axis(const struct chart *c, double top, FILE *f) {
        static const char *const anchors[] = { "start", "middle", "end" };

        for (unsigned i = 0; i <= 2; i++) {
                double value = top * i / 2, y = y_of(value, top);

                fprintf(f, "<line class=\"grid\" x1=\"%.1f\" y1=\"%.1f\" x2=\"%.1f\" y2=\"%.1f\"/>", LEFT, y,
                        WIDTH - RIGHT, y);
                fprintf(f, "<text x=\"%.1f\" y=\"%.1f\" text-anchor=\"end\">", LEFT - 4, y + 4);
                put_number(value, f);
                fprintf(f, "%s</text>", c->unit);
        }
        for (size_t i = 0; i <= 2 && c->n > 0; i++) {
                size_t day = (c->n - 1) * i / 2;

                if (i > 0 && c->n < 3 && day == (c->n - 1) * (i - 1) / 2)
                        continue;
                fprintf(f, "<text x=\"%.1f\" y=\"%.1f\" text-anchor=\"%s\">", LEFT + PLOT_WIDTH * (double) i / 2,
                        HEIGHT - 6, anchors[i]);
                /* The year is above. */
                html_put(strlen(c->days[day]) > 5 ? c->days[day] + 5 : c->days[day], f);
                fputs("</text>", f);
        }
}

static void put_begin(const struct chart *c, FILE *f) {
        fprintf(f, "<svg viewBox=\"0 0 %.0f %.0f\" role=\"img\"><title>", WIDTH, HEIGHT);
        html_put(c->title, f);
        fputs("</title>", f);
}

static void put_legend(const struct chart *c, FILE *f) {
        fputs("</svg><p class=\"legend\">", f);
        for (size_t i = 0; i < c->n_series; i++) {
                fprintf(f,
                        "<span><svg class=\"key\" viewBox=\"0 0 10 10\"><rect class=\"c%u\" width=\"10\" "
                        "height=\"10\"/></svg>",
                        c->colours[i]);
                html_put(c->names[i], f);
                fputs("</span>", f);
        }
        fputs("</p>", f);
}

static void put_column(const struct chart *c, size_t day, double top, FILE *f) {
        double x = x_of(c, (double) day), wide = PLOT_WIDTH / (double) c->n, below = 0;

        for (size_t i = 0; i < c->n_series; i++) {
                double v = value_at(c, i, day), y = y_of(below + v, top);

                if (v <= 0)
                        continue;
                fprintf(f, "<rect class=\"c%u\" x=\"%.2f\" y=\"%.2f\" width=\"%.2f\" height=\"%.2f\"><title>",
                        c->colours[i], x + wide * 0.1, y, wide * 0.8, y_of(below, top) - y);
                html_put(c->days[day], f);
                fputs(" ", f);
                html_put(c->names[i], f);
                fputs(": ", f);
                put_number(v, f);
                fprintf(f, "%s</title></rect>", c->unit);
                below += v;
        }
}

void chart_columns(const struct chart *c, FILE *f) {
        double top = axis_top(c, true);

        put_begin(c, f);
        put_axis(c, top, f);
        for (size_t day = 0; day < c->n; day++)
                put_column(c, day, top, f);
        put_legend(c, f);
}

static bool has_value(const struct chart *c, size_t series, size_t day) {
        return day < c->n && isfinite(c->values[series][day]);
}

static void put_line(const struct chart *c, size_t series, double top, FILE *f) {
        bool drawing = false;

        fprintf(f, "<path class=\"l%u\" d=\"", c->colours[series]);
        for (size_t day = 0; day < c->n; day++) {
                bool has = has_value(c, series, day);

                if (has)
                        fprintf(f, "%c%.1f %.1f", drawing ? 'L' : 'M', x_of(c, (double) day + 0.5),
                                y_of(c->values[series][day], top));
                drawing = has;
        }
        fputs("\"/>", f);
        for (size_t day = 0; day < c->n; day++) {
                if (!has_value(c, series, day))
                        continue;
                fprintf(f, "<circle class=\"c%u\" cx=\"%.1f\" cy=\"%.1f\" r=\"2\"><title>", c->colours[series],
                        x_of(c, (double) day + 0.5), y_of(c->values[series][day], top));
                html_put(c->days[day], f);
                fputs(" ", f);
                html_put(c->names[series], f);
                fputs(": ", f);
                put_number(c->values[series][day], f);
                fprintf(f, "%s</title></circle>", c->unit);
        }
}

void chart_lines(const struct chart *c, FILE *f) {
        double top = axis_top(c, false);

        put_begin(c, f);
        put_axis(c, top, f);
        for (size_t i = 0; i < c->n_series; i++)
                put_line(c, i, top, f);
        put_legend(c, f);
}

void chart_wear(double part, const char *title, FILE *f) {
        double wide = fmax(0, fmin(part, 1)) * 200;

        fputs("<svg class=\"wear\" viewBox=\"0 0 200 12\" role=\"img\"><title>", f);
        html_put(title, f);
        fprintf(f,
                "</title><rect class=\"rest\" width=\"200\" height=\"12\"/><rect class=\"%s\" width=\"%.1f\" "
                "height=\"12\"/></svg>",
                part >= 1     ? "c3"
                : part >= 0.8 ? "c4"
                              : "c0",
                wide);
}
