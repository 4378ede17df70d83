// SPDX-License-Identifier: LGPL-2.1-or-later
#include "helpers/till-report/page.h"

#include <math.h>

#include "helpers/till-report/chart.h"

/* Readable on a phone, in the dark and on paper. */
static const char style[] =
        ":root{color-scheme:light dark;--bg:#fff;--fg:#1b1f24;--dim:#5b6470;--line:#d5dae0;--box:#f4f6f8;"
        "--c0:#2166ac;--c1:#e08214;--c2:#5aae61;--c3:#c0272d;--c4:#8073ac}"
        "@media(prefers-color-scheme:dark){:root{--bg:#15181c;--fg:#e6e9ed;--dim:#9aa4b0;--line:#363c44;--box:#1f242a;"
        "--c0:#6aaee8;--c1:#f0a850;--c2:#7fcb86;--c3:#f0686c;--c4:#b3a6d9}}"
        "@media print{:root{color-scheme:light;--bg:#fff;--fg:#000;--dim:#444;--line:#bbb;--box:#fff;--c0:#2166ac;"
        "--c1:#e08214;--c2:#5aae61;--c3:#c0272d;--c4:#8073ac}body{font-size:10pt}figure,.fault,tr{break-inside:avoid}"
        "svg{print-color-adjust:exact;-webkit-print-color-adjust:exact}}"
        "*{box-sizing:border-box}body{margin:0 auto;padding:1rem;max-width:64rem;background:var(--bg);color:var(--fg);"
        "font:1rem/1.5 system-ui,-apple-system,'Noto Sans CJK SC','WenQuanYi Zen Hei',sans-serif;"
        "overflow-wrap:anywhere}"
        "h1{font-size:1.5rem;margin:0}h2{font-size:1.15rem;margin:2rem 0 .5rem;border-bottom:1px solid var(--line)}"
        "h3{font-size:1rem;margin:0}p{margin:.3rem 0}.dim{color:var(--dim)}"
        ".verdict{margin:1rem 0;padding:.7rem 1rem;border-left:.4rem solid var(--c2);background:var(--box);"
        "font-size:1.15rem;font-weight:600}"
        ".verdict.warning{border-color:var(--c1)}.verdict.error,.verdict.critical{border-color:var(--c3)}"
        ".fault{margin:.7rem 0;padding:.7rem 1rem;border:1px solid var(--line);border-left:.4rem solid var(--c1)}"
        ".fault.error,.fault.critical{border-left-color:var(--c3)}.fault ol{margin:.2rem 0 .6rem;padding-left:1.4rem}"
        ".tiles{display:grid;grid-template-columns:repeat(auto-fill,minmax(9.5rem,1fr));gap:.5rem;margin:1rem "
        "0;padding:0}"
        ".tiles div{background:var(--box);border:1px solid var(--line);padding:.5rem .7rem}"
        ".tiles dt{color:var(--dim);font-size:.85rem}.tiles dd{margin:0;font-size:1.1rem;font-weight:600}"
        ".charts{display:grid;grid-template-columns:repeat(auto-fit,minmax(min(20rem,100%),1fr));gap:1rem}"
        "figure{margin:0;padding:.7rem;border:1px solid var(--line)}figcaption{font-weight:600;margin-bottom:.3rem}"
        "figure>svg{display:block;width:100%;height:auto}svg text{font-size:11px;fill:var(--dim)}"
        ".grid{stroke:var(--line);stroke-width:1}.rest{fill:var(--line)}"
        ".c0{fill:var(--c0)}.c1{fill:var(--c1)}.c2{fill:var(--c2)}.c3{fill:var(--c3)}.c4{fill:var(--c4)}"
        "path{fill:none;stroke-width:2}.l0{stroke:var(--c0)}.l1{stroke:var(--c1)}.l2{stroke:var(--c2)}"
        ".legend{display:flex;flex-wrap:wrap;gap:.2rem 1rem;font-size:.85rem;color:var(--dim)}"
        ".key{width:.7rem;height:.7rem;margin-right:.3rem}.wear{width:12rem;max-width:40vw;height:.8rem;"
        "vertical-align:middle}"
        ".scroll{overflow-x:auto}table{border-collapse:collapse;font-size:.88rem;width:100%;overflow-wrap:normal}"
        "th,td{text-align:left;vertical-align:top;padding:.25rem .6rem .25rem 0;border-bottom:1px solid var(--line)}"
        "th{color:var(--dim);font-weight:600;white-space:nowrap}td.n{text-align:right;font-variant-numeric:tabular-"
        "nums}"
        "td.t{white-space:nowrap}summary{cursor:pointer;color:var(--dim)}";

const cJSON *page_get(const cJSON *o, const char *name) {
        return cJSON_GetObjectItemCaseSensitive(o, name);
}

const char *page_text(const cJSON *o, const char *name) {
        return strempty(cJSON_GetStringValue(page_get(o, name)));
}

double page_number(const cJSON *o, const char *name) {
        const cJSON *n = page_get(o, name);

        return cJSON_IsNumber(n) ? n->valuedouble : 0;
}

const char *page_word(const struct page *p, const char *word) {
        static const struct {
                const char *word, *chinese;
        } words[] = {
                { "hardware", "硬件" },
                { "software", "软件" },
                { "card", "卡片" },
                { "network", "网络" },
                { "configuration", "配置" },
                { "warning", "提醒" },
                { "error", "错误" },
                { "critical", "严重" },
                { "approved", "成功" },
                { "declined", "拒绝" },
                { "cancelled", "取消" },
                { "failed", "失败" },
                { "unconfirmed", "未确认" },
                { "none", "无" },
                { "pending", "待处理" },
                { "done", "完成" },
                { "rejected", "被拒绝" },
                { "resolved", "已处理" },
                { "passed", "通过" },
                { "skipped", "跳过" },
                { "running", "进行中" },
                { "waiting", "等待" },
                { "sale", "消费" },
                { "void", "撤销" },
                { "refund", "退货" },
                { "balance", "余额查询" },
                { "settlement", "结算" },
                { "printed", "已打印" },
                { "queued", "排队" },
                { "chip", "芯片" },
                { "swipe", "磁条" },
                { "fallback", "降级磁条" },
                { "good", "正常" },
                { "differs", "不一致" },
                { "incomplete", "未全部核验" },
                { "changed", "已改动" },
                { "unreadable", "无法读取" },
                { "missing", "缺失" },
                { "signed", "已签名" },
                { "unsigned", "未签名" },
                { "damaged", "已损坏" },
                { "not-checked", "未核验" },
                { "equal", "一致" },
                { "never-confirmed", "未经收单机构确认" },
                { "unknown", "未知" },
                { "reader", "读卡器" },
                { "driver", "驱动" },
                { "power", "供电" },
                { "acquirer", "收单机构" },
                { "keys", "密钥" },
                { "storage", "存储" },
                { "clock", "时钟" },
                { "binding", "绑定" },
                { "live", "正式" },
                { "test", "测试" },
                { "training", "训练" },
                { "msr", "磁条读卡器" },
                { "emv", "芯片读卡器" },
                { "printer", "打印机" },
                { "OK", "正常" },
                { "Busy", "交易中" },
                { "Maintenance", "不能收款" },
                { "Unreachable", "连不上收单机构" },
                { "PaperLow", "纸将用完" },
                { "NoPaper", "缺纸" },
                { "PaperJam", "切刀卡住" },
                { "OutOfOrder", "不能打印" },
                { "evidence", "原因已消失" },
                { "swipes", "次刷卡" },
                { "insertions", "次插卡" },
                { "metres", "米" },
                { "cuts", "次切纸" },
        };

        for (size_t i = 0; p->chinese && i < ELEMENTSOF(words); i++)
                if (streq(words[i].word, word))
                        return words[i].chinese;
        return word;
}

/* ---- Values ---- */

/* "2026-05-20T14:03:11…". */
static bool is_time(const char *text) {
        static const char form[] = "0000-00-00T00:00:00";

        for (size_t i = 0; i < sizeof(form) - 1; i++)
                if (form[i] == '0' ? text[i] < '0' || text[i] > '9' : text[i] != form[i])
                        return false;
        return true;
}

void page_put_value(const struct page *p, const cJSON *value) {
        const char *text = cJSON_GetStringValue(value);

        if (text && is_time(text))
                fprintf(p->f, "%.10s %.8s", text, text + 11);
        else if (text)
                html_put(page_word(p, text), p->f);
        else if (cJSON_IsNumber(value))
                fprintf(p->f, value->valuedouble == floor(value->valuedouble) ? "%.15g" : "%.4g", value->valuedouble);
        else if (cJSON_IsBool(value))
                fputs(cJSON_IsTrue(value) ? SAY(p, "yes", "是") : SAY(p, "no", "否"), p->f);
}

static void put_heading(const struct page *p, const char *tag, const char *text) {
        fprintf(p->f, "<%s>", tag);
        html_put(text, p->f);
        fprintf(p->f, "</%s>\n", tag);
}

void page_put_heading(const struct page *p, const char *text) {
        put_heading(p, "h2", text);
}

void page_put_subheading(const struct page *p, const char *text) {
        put_heading(p, "h3", text);
}

static void put_cell(const struct page *p, const char *member, const cJSON *value) {
        const char *text = cJSON_GetStringValue(value);

        /* A time that has not come. */
        if (streq(member, "Ended") && cJSON_IsNumber(value)) {
                fprintf(p->f, "<td>%s</td>", SAY(p, "open", "未结束"));
                return;
        }

        fputs(cJSON_IsNumber(value) ? "<td class=\"n\">" : text && is_time(text) ? "<td class=\"t\">" : "<td>", p->f);
        page_put_value(p, value);
        fputs("</td>", p->f);
}

void page_put_table(const struct page *p, const cJSON *list, const struct column *columns) {
        const cJSON *row;

        if (cJSON_GetArraySize(list) == 0) {
                fprintf(p->f, "<p class=\"dim\">%s</p>\n", SAY(p, "None.", "无。"));
                return;
        }
        fputs("<div class=\"scroll\"><table><thead><tr>", p->f);
        for (const struct column *c = columns; c->member; c++)
                fprintf(p->f, "<th>%s</th>", SAY(p, c->english, c->chinese));
        fputs("</tr></thead><tbody>\n", p->f);
        cJSON_ArrayForEach(row, list) {
                fputs("<tr>", p->f);
                for (const struct column *c = columns; c->member; c++)
                        put_cell(p, c->member, page_get(row, c->member));
                fputs("</tr>\n", p->f);
        }
        fputs("</tbody></table></div>\n", p->f);
}

static const char *find_head(const struct page *p, const struct column *heads, const char *member) {
        for (const struct column *h = heads; h->member; h++)
                if (streq(h->member, member))
                        return SAY(p, h->english, h->chinese);
        return member;
}

void page_put_members(const struct page *p, const cJSON *o, const struct column *heads) {
        const cJSON *value;

        fputs("<div class=\"scroll\"><table><tbody>\n", p->f);
        cJSON_ArrayForEach(value, o) {
                if (cJSON_IsArray(value) || cJSON_IsObject(value) || cJSON_IsNull(value))
                        continue;
                fputs("<tr><th>", p->f);
                html_put(find_head(p, heads, strempty(value->string)), p->f);
                fputs("</th><td>", p->f);
                page_put_value(p, value);
                fputs("</td></tr>\n", p->f);
        }
        fputs("</tbody></table></div>\n", p->f);
}

/* ---- The sections below the summary ---- */

static void put_faults(const struct page *p) {
        static const struct column columns[] = {
                { "Opened", "Opened", "出现" },      { "Ended", "Ended", "结束" },
                { "Code", "Code", "代码" },          { "Subject", "About", "对象" },
                { "Class", "Class", "类别" },        { "Severity", "Severity", "程度" },
                { "Count", "Seen", "次数" },         { "Symptom", "Symptom", "现象" },
                { "Detail", "Detail", "细节" },      { "Device", "Device", "设备" },
                { "EndedBy", "Ended by", "结束者" }, {},
        };

        page_put_heading(p, SAY(p, "Faults, the newest first", "故障（新的在前）"));
        page_put_table(p, page_get(p->report, "Faults"), columns);
}

static void put_recoveries(const struct page *p) {
        static const struct column columns[] = {
                { "Began", "Began", "开始" },
                { "Device", "Device", "设备" },
                { "Why", "Why", "原因" },
                { "By", "By", "操作者" },
                { "Steps", "Steps", "步骤" },
                { "Outcome", "Outcome", "结果" },
                {},
        };

        page_put_heading(p, SAY(p, "Recoveries of devices", "设备恢复"));
        page_put_table(p, page_get(p->report, "Recoveries"), columns);
}

static void put_health(const struct page *p) {
        static const struct column columns[] = {
                { "Test", "Test", "检查" },        { "Device", "Device", "设备" }, { "State", "Result", "结果" },
                { "Sentence", "Finding", "结论" }, { "Detail", "Detail", "细节" }, {},
        };
        const cJSON *check = page_get(p->report, "HealthCheck");

        page_put_heading(p, SAY(p, "Last health check", "最近一次健康检查"));
        page_put_table(p, page_get(check, "Steps"), columns);
}

#define TRACKS(member, english, chinese)                                                                              \
        { member "1Count", english " 1", chinese " 1" }, { member "2Count", english " 2", chinese " 2" },             \
                { member "3Count", english " 3", chinese " 3" }, {                                                    \
                member "4Count", english " 4", chinese " 4"                                                           \
        }

static const struct column statistics[] = {
        { "HoursPoweredCount", "Hours powered", "通电小时" },
        { "CommunicationErrorCount", "Communication errors", "通信错误" },
        { "GoodReadCount", "Good reads", "成功读取" },
        { "FailedReadCount", "Failed reads", "失败读取" },
        { "UnreadableCardCount", "Unreadable cards", "无法读取的卡片" },
        { "DroppedReadCount", "Dropped reads", "丢弃的读取" },
        TRACKS("MissingStartSentinelTrack", "Missing start sentinel, track", "缺起始符，磁道"),
        TRACKS("ParityLRCErrorTrack", "Parity or LRC errors, track", "校验错误，磁道"),
        { "InsertionCount", "Insertions", "插卡" },
        { "GoodExchangeCount", "Good exchanges", "成功交换" },
        { "FailedExchangeCount", "Failed exchanges", "失败交换" },
        { "GoodChipReadCount", "Good chip reads", "成功读芯片" },
        { "FailedChipReadCount", "Failed chip reads", "失败读芯片" },
        { "ReceiptLinePrintedCount", "Lines printed", "打印行数" },
        { "ReceiptCharacterPrintedCount", "Characters printed", "打印字数" },
        { "ReceiptLineFeedCount", "Line feeds", "走纸行数" },
        { "ReceiptPaperMillimetreCount", "Paper, in millimetres", "用纸（毫米）" },
        { "BarcodePrintedCount", "Barcodes printed", "打印条码" },
        { "PaperCutCount", "Paper cuts", "切纸" },
        { "ByteWrittenCount", "Bytes written", "写入字节" },
        { "ReceiptCoverOpenCount", "Cover opened", "开盖" },
        { "PaperEndCount", "Paper ends", "缺纸" },
        { "FailedPaperCutCount", "Failed paper cuts", "切纸失败" },
        { "PrinterFaultCount", "Printer faults", "打印机故障" },
        { "DrawerGoodOpenCount", "Drawer opened", "开钱箱" },
        { "DrawerFailedOpenCount", "Drawer did not open", "开钱箱失败" },
        {},
};

static void put_devices(const struct page *p) {
        static const struct column columns[] = {
                { "Kind", "Kind", "种类" },
                { "Vendor", "Vendor", "厂商" },
                { "Product", "Model", "型号" },
                { "Serial", "Serial number", "序列号" },
                { "Firmware", "Firmware", "固件" },
                { "UsbId", "USB id", "USB 标识" },
                { "Port", "Port", "端口" },
                { "FirstSeen", "First seen", "首次出现" },
                { "LastSeen", "Last seen", "最近出现" },
                { "Missing", "Missing since", "缺失起" },
                {},
        };
        const cJSON *device, *devices = page_get(p->report, "Devices");

        page_put_heading(p, SAY(p, "Devices", "设备"));
        page_put_table(p, devices, columns);
        cJSON_ArrayForEach(device, devices) {
                if (!page_get(device, "Statistics") || !page_get(device, "Statistics")->child)
                        continue;
                fputs("<details><summary>", p->f);
                html_put(page_word(p, page_text(device, "Kind")), p->f);
                fputs(" ", p->f);
                html_put(page_text(device, "Serial"), p->f);
                fprintf(p->f, ": %s</summary>\n", SAY(p, "statistics of its life", "全寿命统计"));
                page_put_members(p, page_get(device, "Statistics"), statistics);
                fputs("</details>\n", p->f);
        }
}

static void put_transactions(const struct page *p) {
        static const struct column outcomes[] = {
                { "Day", "Day", "日期" },       { "Kind", "Kind", "种类" },   { "Result", "Result", "结果" },
                { "Reason", "Reason", "原因" }, { "Count", "Count", "笔数" }, {},
        };
        static const struct column columns[] = {
                { "Id", "Number", "编号" },         { "Started", "Started", "开始" },
                { "Kind", "Kind", "种类" },         { "Amount", "Amount", "金额" },
                { "Currency", "Currency", "币种" }, { "Result", "Result", "结果" },
                { "Reason", "Reason", "原因" },     { "ResponseCode", "Answer", "应答" },
                { "Reversal", "Reversal", "冲正" }, { "Entry", "Entry", "读卡" },
                { "Card", "Card", "卡号" },         { "Batch", "Batch", "批次" },
                { "Stan", "STAN", "流水号" },       { "Rrn", "RRN", "参考号" },
                { "Print", "Paper", "打印" },       {},
        };
        const cJSON *history = page_get(p->report, "History");

        page_put_heading(p, SAY(p, "Last transactions", "最近的交易"));
        page_put_table(p, page_get(p->report, "Transactions"), columns);
        page_put_heading(p, SAY(p, "Transactions by day and outcome", "按日期和结果统计"));
        fprintf(p->f, "<details><summary>%s</summary>\n", SAY(p, "Show", "展开"));
        page_put_table(p, page_get(history, "Outcomes"), outcomes);
        fputs("</details>\n", p->f);
}

static void put_machine(const struct page *p) {
        static const struct column heads[] = {
                { "Kernel", "Kernel", "内核" },
                { "KernelVersion", "Its version", "内核版本" },
                { "Machine", "Machine", "机型" },
                { "Distribution", "Distribution", "发行版" },
                {},
        };
        static const struct column units[] = {
                { "Unit", "Unit", "单元" },
                { "Load", "Loaded", "加载" },
                { "Active", "Active", "活动" },
                { "Sub", "State", "状态" },
                {},
        };
        const cJSON *system = page_get(p->report, "System"), *missing;

        page_put_heading(p, SAY(p, "Machine and software", "机器与软件"));
        page_put_members(p, system, heads);
        page_put_members(p, page_get(system, "Packages"), &(const struct column){});
        page_put_table(p, page_get(system, "Units"), units);
        cJSON_ArrayForEach(missing, page_get(system, "LeftOut")) {
                fprintf(p->f, "<p class=\"dim\">%s", SAY(p, "Left out: ", "未收集："));
                html_put(strempty(cJSON_GetStringValue(missing)), p->f);
                fputs("</p>\n", p->f);
        }
}

static const struct column queues[] = {
        { "PendingReversals", "Reversals", "待冲正" },
        { "PendingForwards", "Forwards of offline payments", "待上送" },
        { "PendingWithdrawals", "Withdrawals of a phone", "待撤回的绑定" },
        { "PendingPrintJobs", "Print jobs", "待打印" },
        { "ClockFault", "Clock", "时钟" },
        {},
};

static const struct column batch[] = {
        { "Batch", "Number", "编号" },
        { "State", "State", "状态" },
        { "Currency", "Currency", "币种" },
        { "Reconciliation", "Reconciliation", "对账" },
        { "Settlement", "Settlement", "结算交易" },
        { "Uploaded", "Uploaded", "已上送笔数" },
        { "Opened", "Opened", "开始" },
        { "Frozen", "Frozen", "冻结" },
        { "Settled", "Settled", "结算时间" },
        {},
};

static const struct column journal[] = {
        { "Path", "File", "文件" },
        { "Schema", "Schema", "结构版本" },
        { "Size", "Size, in bytes", "大小（字节）" },
        { "LogSize", "Size of its log, in bytes", "日志大小（字节）" },
        { "FreeSpace", "Free space, in bytes", "可用空间（字节）" },
        { "Transactions", "Transactions", "交易笔数" },
        { "FirstWhole", "First whole transaction", "首笔完整交易" },
        { "FirstWholeTime", "Its time", "其时间" },
        { "RetentionDays", "Days kept", "保留天数" },
        { "FirstEvent", "First event", "首个事件" },
        { "LastEvent", "Last event", "末个事件" },
        { "CheckedTime", "Checked", "校验时间" },
        { "Fault", "Fault", "故障" },
        { "LostFrames", "Pages lost", "丢失页数" },
        {},
};

static const struct column settings[] = {
        { "MerchantCategory", "Merchant category", "商户类别码" },
        { "AcquirerHost", "Acquirer's host", "收单机构地址" },
        { "AcquirerName", "Acquirer", "收单机构" },
        { "AcquirerServerName", "Name in its certificate", "证书名称" },
        { "AnswerTimeout", "Answer time-out, in seconds", "应答超时（秒）" },
        { "TipPercent", "Tip at most, in percent", "小费上限（%）" },
        { "RetentionDays", "Days kept", "保留天数" },
        { "OfflineAmount", "Offline: amount", "脱机单笔限额" },
        { "OfflineCount", "Offline: count", "脱机笔数" },
        { "OfflineTotal", "Offline: total", "脱机累计" },
        { "OfflineAge", "Offline: age, in hours", "脱机时限（小时）" },
        { "WaitingHours", "Hours before another phone is bound", "换绑等待小时" },
        { "NoticeLanguage", "Language of messages", "通知语言" },
        {},
};

static void put_objects(const struct page *p) {
        static const struct column objects[] = {
                { "Queues", "What waits", "待办" },
                { "Batch", "Current batch", "当前批次" },
                { "Journal", "Journal", "日志数据库" },
                { "Settings", "Settings", "配置" },
                {},
        };

        static const struct column *const heads[] = { queues, batch, journal, settings };

        for (const struct column *c = objects; c->member; c++) {
                page_put_heading(p, SAY(p, c->english, c->chinese));
                page_put_members(p, page_get(p->report, c->member), heads[c - objects]);
        }
}

static void put_end(const struct page *p) {
        const cJSON *masked = page_get(p->report, "Masked");
        double n = page_number(masked, "Cards") + page_number(masked, "Tracks") + page_number(masked, "Phones") +
                   page_number(masked, "Codes");

        page_put_heading(p, SAY(p, "About this report", "关于本报告"));
        fprintf(p->f, "<p>%s</p>\n",
                SAY(p,
                    "It has no card number but its first six and last four digits, no track, PIN, key, code or whole "
                    "phone number. The logs are in the folder logs, all figures in report.json.",
                    "卡号只有前六位和后四位；没有磁道、密码、密钥、验证码和完整手机号。日志在 logs 目录，全部数据在 "
                    "report.json。"));
        fprintf(p->f, "<p>%s %.0f</p>\n",
                SAY(p, "Blackened in what others have written, since it looked like such data:",
                    "其他程序所写内容中，因形似上述数据而遮盖的处数："),
                n);
}

int page_write(const cJSON *report, const char *language, time_t now, unsigned days, char **ret, size_t *ret_size) {
        struct page p = { .report = report, .chinese = streq(language, "zh_CN") };

        p.f = open_memstream(ret, ret_size);
        if (!p.f)
                return -ENOMEM;
        fprintf(p.f,
                "<!DOCTYPE html>\n<html lang=\"%s\">\n<head>\n<meta charset=\"utf-8\"/>\n"
                "<meta name=\"viewport\" content=\"width=device-width,initial-scale=1\"/>\n"
                "<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; style-src "
                "'unsafe-inline'\"/>\n<title>",
                p.chinese ? "zh-CN" : "en");
        html_put(SAY(&p, "Terminal report ", "终端报告 "), p.f);
        html_put(page_text(page_get(report, "Terminal"), "TerminalNumber"), p.f);
        fprintf(p.f, "</title>\n<style>%s</style>\n</head>\n<body>\n", style);
        page_put_summary(&p);
        page_put_charts(&p, now, days);
        page_put_wear(&p);
        put_faults(&p);
        page_put_figures(&p);
        put_health(&p);
        page_put_inspection(&p);
        page_put_authenticity(&p);
        put_devices(&p);
        put_recoveries(&p);
        put_transactions(&p);
        put_objects(&p);
        put_machine(&p);
        put_end(&p);
        fputs("</body>\n</html>\n", p.f);
        return ferror(p.f) | fclose(p.f) ? -ENOMEM : 0;
}
