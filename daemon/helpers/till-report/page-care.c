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
        static const struct column heads[] = {
                { "Since", "Since", "起" },
                { "Until", "Until", "止" },
                { "Available", "Availability", "可用率" },
                { "Critical", "Critical faults", "严重故障" },
                { "Name", "Name", "名称" },
                { "Opened", "Opened", "出现" },
                { "Open", "Open", "未结束" },
                { "Ended", "Ended", "已结束" },
                { "MeanRepairHours", "Hours to repair", "平均修复小时" },
                { "LongestRepairHours", "Hours to repair, at most", "最长修复小时" },
                { "MeanRepairDays", "Working days to repair", "平均修复工作日" },
                { "LongestRepairDays", "Working days to repair, at most", "最长修复工作日" },
                { "WithinOneDay", "Share within one", "一日内比例" },
                { "WithinThreeDays", "Share within three", "三日内比例" },
                { "HoursBetween", "Hours between", "平均间隔小时" },
                {},
        };
        const cJSON *figures = page_get(p->report, "Figures");

        page_put_heading(p, SAY(p, "Repair and availability", "修复与可用率"));
        page_put_members(p, figures, heads);
        page_put_members(p, page_get(figures, "All"), heads);
        for (const struct column *c = groups; c->member; c++) {
                page_put_subheading(p, SAY(p, c->english, c->chinese));
                page_put_table(p, page_get(figures, c->member), columns);
        }
}

void page_put_inspection(const struct page *p) {
        static const struct column heads[] = {
                { "Made", "Made", "时间" }, { "By", "By", "操作者" }, { "Result", "Result", "结果" }, {}
        };

        page_put_heading(p, SAY(p, "Last daily inspection", "最近一次每日巡检"));
        page_put_members(p, page_get(p->report, "Inspection"), heads);
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
        static const struct column heads[] = {
                { "Time", "Time", "时间" },
                { "Problem", "Problem", "问题" },
                { "Manager", "Package manager", "软件包管理器" },
                { "Result", "Result", "结果" },
                {},
        };
        static const struct column serial[] = {
                { "State", "Serial number", "序列号" },
                { "Terminal", "Of this terminal", "本机序列号" },
                { "Confirmed", "Confirmed by the acquirer", "收单机构确认的序列号" },
                {},
        };
        static const struct column module[] = {
                { "State", "Driver", "驱动" },
                { "File", "Its file", "驱动文件" },
                { "FileVersion", "Version of the file", "文件版本" },
                { "FileSrcVersion", "Source version of the file", "文件源码版本" },
                { "Signer", "Signed by", "签名者" },
                { "Current", "The file is what is loaded", "已加载的即此文件" },
                { "Loaded", "Loaded", "已加载" },
                { "Version", "Version that is loaded", "已加载版本" },
                { "SrcVersion", "Source version that is loaded", "已加载源码版本" },
                { "Taint", "Taint", "污染标记" },
                { "Lockdown", "Kernel lockdown", "内核锁定" },
                { "Enforced", "Signatures are enforced", "强制签名" },
                {},
        };
        const cJSON *look = page_get(p->report, "Authenticity");

        page_put_heading(p, SAY(p, "Authenticity", "真伪核验"));
        page_put_members(p, look, heads);
        page_put_members(p, page_get(look, "Serial"), serial);
        page_put_members(p, page_get(look, "Module"), module);
        page_put_table(p, page_get(look, "Packages"), packages);
        page_put_subheading(p, SAY(p, "Keys, by their check values", "密钥（校验值）"));
        page_put_table(p, page_get(look, "Keys"), keys);
}
