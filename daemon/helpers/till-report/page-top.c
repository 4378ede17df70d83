// SPDX-License-Identifier: LGPL-2.1-or-later
/* What somebody sees first: what is wrong and what to do, and the figures as pictures. */
#include <math.h>
#include <time.h>

#include "helpers/till-report/chart.h"
#include "helpers/till-report/page.h"

#define DAYS_MAX 366

static const char *const severities[] = { "critical", "error", "warning" };

/* ---- What is wrong ---- */

static bool is_open(const cJSON *fault) {
        return cJSON_IsNumber(page_get(fault, "Ended"));
}

static unsigned count_open(const struct page *p, const char *severity) {
        const cJSON *fault;
        unsigned n = 0;

        cJSON_ArrayForEach(fault, page_get(p->report, "Faults")) n +=
                is_open(fault) && streq(page_text(fault, "Severity"), severity);
        return n;
}

static void put_head(const struct page *p) {
        static const char *const members[] = { "TerminalNumber", "MerchantName", "Serial" };
        const cJSON *terminal = page_get(p->report, "Terminal");

        fprintf(p->f, "<h1>%s</h1>\n<p>", SAY(p, "Terminal report", "终端报告"));
        for (size_t i = 0; i < ELEMENTSOF(members); i++) {
                if (!*page_text(terminal, members[i]))
                        continue;
                fputs(i > 0 ? " · " : "", p->f);
                html_put(page_text(terminal, members[i]), p->f);
        }
        fputs("</p>\n<p class=\"dim\">", p->f);
        page_put_value(p, page_get(p->report, "Made"));
        fputs(" · ", p->f);
        html_put(page_word(p, page_text(terminal, "Mode")), p->f);
        fputs(" · tilld ", p->f);
        html_put(page_text(terminal, "Version"), p->f);
        fprintf(p->f, SAY(p, " · the last %.0f days", " · 最近 %.0f 天"), page_number(p->report, "Days"));
        fputs("</p>\n", p->f);
}

static void put_verdict(const struct page *p) {
        static const struct column verdicts[] = {
                { "critical", "Payments are not taken, or are about to stop", "不能收款，或即将不能收款" },
                { "error", "Something is wrong that has to be mended", "有需要处理的错误" },
                { "warning", "It works; something wants to be looked after", "可以使用，有需要留意的地方" },
                {},
        };
        const struct column *v = verdicts;

        while (v->member && count_open(p, v->member) == 0)
                v++;
        fprintf(p->f, "<p class=\"verdict %s\">%s</p>\n", strempty(v->member),
                v->member ? SAY(p, v->english, v->chinese)
                          : SAY(p, "Nothing is wrong that the terminal knows of", "终端没有发现任何故障"));
}

static void put_steps(const struct page *p, const char *title, const cJSON *steps) {
        const cJSON *step;

        if (cJSON_GetArraySize(steps) == 0)
                return;
        fprintf(p->f, "<p class=\"dim\">%s</p><ol>", title);
        cJSON_ArrayForEach(step, steps) {
                fputs("<li>", p->f);
                html_put(strempty(cJSON_GetStringValue(step)), p->f);
                fputs("</li>", p->f);
        }
        fputs("</ol>\n", p->f);
}

static void put_fault(const struct page *p, const cJSON *fault, unsigned rank) {
        fprintf(p->f, "<section class=\"fault %s\"><h3>%u. ", page_text(fault, "Severity"), rank);
        html_put(*page_text(fault, "Symptom") ? page_text(fault, "Symptom") : page_text(fault, "Code"), p->f);
        fputs("</h3>\n<p class=\"dim\">", p->f);
        html_put(page_word(p, page_text(fault, "Severity")), p->f);
        fputs(" · ", p->f);
        html_put(page_word(p, page_text(fault, "Class")), p->f);
        fputs(" · ", p->f);
        html_put(page_text(fault, "Code"), p->f);
        fputs(" ", p->f);
        html_put(page_text(fault, "Subject"), p->f);
        fputs(SAY(p, " · since ", " · 始于 "), p->f);
        page_put_value(p, page_get(fault, "Opened"));
        if (page_number(fault, "Count") > 1)
                fprintf(p->f, SAY(p, " · seen %.0f times", " · 共 %.0f 次"), page_number(fault, "Count"));
        fputs("</p>\n", p->f);
        if (*page_text(fault, "Detail")) {
                fputs("<p>", p->f);
                html_put(page_text(fault, "Detail"), p->f);
                fputs("</p>\n", p->f);
        }
        put_steps(p, SAY(p, "What to do here", "现场处理"), page_get(fault, "MerchantSteps"));
        put_steps(p, SAY(p, "What support does", "支持人员处理"), page_get(fault, "SupportSteps"));
        if (*page_text(fault, "SparePart")) {
                fputs(SAY(p, "<p>To be brought along: ", "<p>需带备件："), p->f);
                html_put(page_text(fault, "SparePart"), p->f);
                fputs("</p>\n", p->f);
        }
        fputs("</section>\n", p->f);
}

/* The gravest first, of these the oldest: what came later may come of it. */
static void put_open_faults(const struct page *p) {
        const cJSON *faults = page_get(p->report, "Faults");
        unsigned rank = 0;

        for (size_t s = 0; s < ELEMENTSOF(severities); s++)
                for (int i = cJSON_GetArraySize(faults); i-- > 0;) {
                        const cJSON *fault = cJSON_GetArrayItem(faults, i);

                        if (is_open(fault) && streq(page_text(fault, "Severity"), severities[s]))
                                put_fault(p, fault, ++rank);
                }
}

/* ---- Figures ---- */

static void tile_begin(const struct page *p, const char *title) {
        fprintf(p->f, "<div><dt>%s</dt><dd>", title);
}

static void tile_end(const struct page *p) {
        fputs("</dd></div>\n", p->f);
}

static void put_tiles(const struct page *p) {
        static const struct column states[] = {
                { "GlobalStatus", "Terminal", "终端" },
                { "CardReaderOK", "Card readers work", "读卡器正常" },
                { "PrinterStatus", "Printer", "打印机" },
                { "CommunicationOK", "Acquirer is reached", "通讯正常" },
                { "SecurityOK", "Keys and journal are sound", "密钥与日志完好" },
                { "Unconfirmed", "Not yet confirmed", "待确认交易" },
                {},
        };
        const cJSON *history = page_get(p->report, "History");
        double approved = page_number(history, "Approved"), declined = page_number(history, "Declined");

        fputs("<dl class=\"tiles\">\n", p->f);
        for (const struct column *c = states; c->member; c++) {
                tile_begin(p, SAY(p, c->english, c->chinese));
                page_put_value(p, page_get(page_get(p->report, "State"), c->member));
                tile_end(p);
        }
        tile_begin(p, SAY(p, "Transactions", "交易笔数"));
        fprintf(p->f, "%.0f", page_number(history, "Transactions"));
        tile_end(p);
        tile_begin(p, SAY(p, "Approval rate", "成功率"));
        if (approved + declined > 0)
                fprintf(p->f, "%.1f %%", 100 * approved / (approved + declined));
        else
                fputs("–", p->f);
        tile_end(p);
        tile_begin(p, SAY(p, "Acquirer's answer, median", "收单机构应答时间（中位）"));
        if (page_number(history, "Exchanges") > 0)
                fprintf(p->f, "%.2f s", page_number(history, "LatencyMedian") / 1000);
        else
                fputs("–", p->f);
        tile_end(p);
        fputs("</dl>\n", p->f);
}

void page_put_summary(const struct page *p) {
        put_head(p);
        put_verdict(p);
        put_open_faults(p);
        put_tiles(p);
}

/* ---- Charts ---- */

struct days {
        size_t n;
        char text[DAYS_MAX][12];
        const char *texts[DAYS_MAX];
        double values[CHART_SERIES_MAX][DAYS_MAX];
};

/* By noon: a day may have 23 hours. */
static void days_init(struct days *d, time_t now, unsigned n) {
        struct tm tm;

        d->n = MIN(n, (unsigned) DAYS_MAX);
        for (size_t i = 0; i < d->n; i++) {
                *d->text[i] = '\0';
                if (localtime_r(&now, &tm)) {
                        tm.tm_mday -= (int) (d->n - 1 - i);
                        tm.tm_hour = 12;
                        tm.tm_isdst = -1;
                        if (mktime(&tm) != (time_t) -1)
                                (void) strftime(d->text[i], sizeof(d->text[i]), "%Y-%m-%d", &tm);
                }
                d->texts[i] = d->text[i];
        }
}

static void days_fill(struct days *d, double value) {
        for (size_t s = 0; s < CHART_SERIES_MAX; s++)
                for (size_t i = 0; i < d->n; i++)
                        d->values[s][i] = value;
}

/* Where a text begins with that day; negative for none. */
static int days_find(const struct days *d, const char *text) {
        for (size_t i = 0; i < d->n; i++)
                if (*d->text[i] && startswith(text, d->text[i]))
                        return (int) i;
        return -ENOENT;
}

static void put_figure(const struct page *p, struct chart *c, const struct days *d,
                       void (*draw)(const struct chart *c, FILE *f)) {
        c->n = d->n;
        c->days = d->texts;
        for (size_t i = 0; i < c->n_series; i++)
                c->values[i] = d->values[i];
        fprintf(p->f, "<figure><figcaption>%s</figcaption>", c->title);
        draw(c, p->f);
        fputs("</figure>\n", p->f);
}

static void put_fault_chart(const struct page *p, struct days *d) {
        static const char *const classes[CHART_SERIES_MAX] = { "hardware", "software", "network", "card",
                                                               "configuration" };
        struct chart c = { .title = SAY(p, "Faults opened, by class", "新出现的故障（按类别）"),
                           .unit = "",
                           .n_series = CHART_SERIES_MAX,
                           .colours = { 3, 4, 0, 1, 2 } };
        const cJSON *fault;

        days_fill(d, 0);
        for (size_t i = 0; i < CHART_SERIES_MAX; i++)
                c.names[i] = page_word(p, classes[i]);
        cJSON_ArrayForEach(fault, page_get(p->report, "Faults")) {
                int day = days_find(d, page_text(fault, "Opened")),
                    class = string_table_find(classes, ELEMENTSOF(classes), page_text(fault, "Class"));

                if (day >= 0 && class >= 0)
                        d->values[class][day]++;
        }
        put_figure(p, &c, d, chart_columns);
}

static void put_transaction_chart(const struct page *p, struct days *d) {
        struct chart c = { .title = SAY(p, "Transactions by result", "交易笔数（按结果）"),
                           .unit = "",
                           .n_series = 3,
                           .names = { SAY(p, "approved", "成功"), SAY(p, "others", "其他"),
                                      SAY(p, "declined", "拒绝") },
                           .colours = { 0, 1, 3 } };
        const cJSON *row;

        days_fill(d, 0);
        cJSON_ArrayForEach(row, page_get(page_get(p->report, "History"), "Days")) {
                int day = days_find(d, page_text(row, "Day"));

                if (day < 0)
                        continue;
                d->values[0][day] = page_number(row, "Approved");
                d->values[2][day] = page_number(row, "Declined");
                d->values[1][day] = page_number(row, "Transactions") - d->values[0][day] - d->values[2][day];
        }
        put_figure(p, &c, d, chart_columns);
}

static void put_approval_chart(const struct page *p, struct days *d) {
        struct chart c = { .title = SAY(p, "Approval rate", "成功率"),
                           .unit = "%",
                           .n_series = 1,
                           .names = { SAY(p, "approved, of those that were answered", "成功 ÷（成功 + 拒绝）") },
                           .top = 100 };
        const cJSON *row;

        days_fill(d, NAN);
        cJSON_ArrayForEach(row, page_get(page_get(p->report, "History"), "Days")) {
                double approved = page_number(row, "Approved"), answered = approved + page_number(row, "Declined");
                int day = days_find(d, page_text(row, "Day"));

                if (day >= 0 && answered > 0)
                        d->values[0][day] = round(1000 * approved / answered) / 10;
        }
        put_figure(p, &c, d, chart_lines);
}

static void put_latency_chart(const struct page *p, struct days *d) {
        struct chart c = { .title = SAY(p, "Until the acquirer answers, in seconds", "收单机构应答时间（秒）"),
                           .unit = "",
                           .n_series = 2,
                           .names = { SAY(p, "half of them (median)", "中位数"),
                                      SAY(p, "19 of 20 (95 %)", "95% 分位") },
                           .colours = { 0, 1 } };
        const cJSON *row;

        days_fill(d, NAN);
        cJSON_ArrayForEach(row, page_get(page_get(p->report, "History"), "Days")) {
                int day = days_find(d, page_text(row, "Day"));

                if (day < 0 || page_number(row, "Exchanges") < 1)
                        continue;
                d->values[0][day] = page_number(row, "LatencyMedian") / 1000;
                d->values[1][day] = page_number(row, "LatencyP95") / 1000;
        }
        put_figure(p, &c, d, chart_lines);
}

void page_put_charts(const struct page *p, time_t now, unsigned days) {
        struct days *d = calloc(1, sizeof(*d));

        if (!d)
                return;
        days_init(d, now, days);
        page_put_heading(p, SAY(p, "Figures", "图表"));
        fputs("<div class=\"charts\">\n", p->f);
        put_fault_chart(p, d);
        put_transaction_chart(p, d);
        put_approval_chart(p, d);
        put_latency_chart(p, d);
        fputs("</div>\n", p->f);
        free(d);
}

/* ---- Wear ---- */

/* What is to be done, as tilld says it, and in Chinese. */
static const struct {
        const char *item, *chinese;
} items[] = {
        { "msr-head", "用清洁卡清洁磁条读卡器磁头" },
        { "emv-contacts", "用清洁卡清洁 IC 卡读卡器触点" },
        { "printer-head", "关机冷却后用酒精清洁打印头" },
        { "cutter", "更换打印机切刀：寿命将尽" },
};

static const char *item_text(const struct page *p, const cJSON *item) {
        for (size_t i = 0; p->chinese && i < ELEMENTSOF(items); i++)
                if (streq(items[i].item, page_text(item, "Item")))
                        return items[i].chinese;
        return page_text(item, "Text");
}

static void put_wear(const struct page *p, const cJSON *item) {
        double limit = page_number(item, "Limit"), part = page_number(item, "Count") / limit;
        char percent[24];

        (void) snprintf(percent, sizeof(percent), "%.0f %%", 100 * part);
        fputs("<tr><td>", p->f);
        html_put(item_text(p, item), p->f);
        fprintf(p->f, "</td><td class=\"n\">%.0f / %.0f ", page_number(item, "Count"), limit);
        html_put(page_word(p, page_text(item, "Unit")), p->f);
        fputs("</td><td>", p->f);
        chart_wear(part, percent, p->f);
        fprintf(p->f, "</td><td class=\"n\">%s</td></tr>\n", percent);
}

void page_put_wear(const struct page *p) {
        const cJSON *item, *maintenance = page_get(p->report, "Maintenance");

        page_put_heading(p, SAY(p, "Wear", "磨损"));
        fprintf(p->f, "<p class=\"dim\">%s</p>\n<div class=\"scroll\"><table><tbody>\n",
                SAY(p, "Since it was done last, of what tilld.conf allows.",
                    "自上次保养以来，与 tilld.conf 中的限值相比。"));
        cJSON_ArrayForEach(item, maintenance) if (page_number(item, "Limit") > 0) put_wear(p, item);
        fputs("</tbody></table></div>\n", p->f);
}
