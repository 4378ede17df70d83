// SPDX-License-Identifier: LGPL-2.1-or-later
/* What faults come to, and whether the terminal is what it was made to be. */
#include "helpers/till-report/page.h"

void page_put_figures(const struct page *p) {
        static const struct column columns[] = {
                { "Name", "Faults", "故障" },
                { "Opened", "Opened", "出现" },
                { "Open", "Open", "未结束" },
                { "MeanRepairHours", "Hours to repair", "平均修复小时" },
                { "MeanRepairDays", "Working days to repair", "平均修复工作日" },
                { "WithinThreeDays", "Share within three", "三日内比例" },
                { "HoursBetween", "Hours between", "平均间隔小时" },
                {},
        };
        static const struct column groups[] = { { "Classes", "By class", "按类别" },
                                                { "Areas", "By area", "按部位" },
                                                { "Codes", "By code", "按代码" },
                                                {} };
        const cJSON *figures = page_get(p->report, "Figures");

        page_put_heading(p, SAY(p, "Repair and availability", "修复与可用率"));
        page_put_members(p, figures);
        page_put_members(p, page_get(figures, "All"));
        for (const struct column *c = groups; c->member; c++) {
                page_put_subheading(p, SAY(p, c->english, c->chinese));
                page_put_table(p, page_get(figures, c->member), columns);
        }
}

void page_put_inspection(const struct page *p) {
        page_put_heading(p, SAY(p, "Last daily inspection", "最近一次每日巡检"));
        page_put_members(p, page_get(p->report, "Inspection"));
}

void page_put_authenticity(const struct page *p) {
        static const struct column packages[] = {
                { "Package", "Package", "软件包" },
                { "Version", "Version", "版本" },
                { "State", "Files", "文件" },
                { "Files", "Number", "数量" },
                {},
        };
        static const struct column keys[] = {
                { "Name", "Key", "密钥" },
                { "CheckValue", "Check value", "校验值" },
                { "Fingerprint", "Fingerprint", "指纹" },
                { "Checksum", "Checksum", "校验和" },
                { "Good", "Good", "正常" },
                { "Expires", "Expires", "有效期" },
                { "Error", "Error", "错误" },
                {},
        };
        const cJSON *look = page_get(p->report, "Authenticity");

        page_put_heading(p, SAY(p, "Authenticity", "真伪核验"));
        page_put_members(p, look);
        page_put_members(p, page_get(look, "Serial"));
        page_put_members(p, page_get(look, "Module"));
        page_put_table(p, page_get(look, "Packages"), packages);
        page_put_subheading(p, SAY(p, "Keys, by their check values", "密钥（校验值）"));
        page_put_table(p, page_get(look, "Keys"), keys);
}
