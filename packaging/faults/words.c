// SPDX-License-Identifier: LGPL-2.1-or-later
#include "packaging/faults/faults.h"

static size_t count(const struct fault_text *texts, size_t max) {
        size_t n = 0;

        while (n < max && texts[n].english)
                n++;
        return n;
}

void parts_of(const struct fault_code *code, struct part ret[static PARTS]) {
        ret[0] = (struct part){
                { "Causes, the likeliest first:", "可能的原因（按可能性排列）：" },
                code->causes,
                count(code->causes, FAULT_CAUSES_MAX),
        };
        ret[1] = (struct part){ { "For the merchant:", "商户：" },
                                code->merchant,
                                count(code->merchant, FAULT_STEPS_MAX) };
        ret[2] = (struct part){
                { "For support, as root:", "技术支持（以 root 身份）：" },
                code->support,
                count(code->support, FAULT_STEPS_MAX),
        };
}

const char *word_in(const char *word, const char *language) {
        static const struct fault_text words[] = {
                { "hardware", "硬件" }, { "software", "软件" },      { "card", "卡片" },  { "network", "网络" },
                { "warning", "警告" },  { "configuration", "配置" }, { "error", "错误" }, { "critical", "严重" },
        };

        for (size_t i = 0; i < ELEMENTSOF(words); i++)
                if (streq(words[i].english, word))
                        return fault_text_in(words + i, language);
        return word;
}

const char *end_in(const struct fault_code *code, const char *language) {
        static const struct fault_text lasting = { "It ends by itself with its cause.", "原因消除后故障自动结束。" };
        static const struct fault_text shown = {
                "It ends when it is shown that it is mended, or by a supervisor: tillctl fault end",
                "确认恢复后自动结束，或由主管结束：tillctl fault end",
        };

        return fault_text_in(code->lasts ? &lasting : &shown, language);
}
