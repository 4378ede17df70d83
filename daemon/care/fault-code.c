// SPDX-License-Identifier: LGPL-2.1-or-later
#include "care/fault-code.h"

#include "care/fault-table.h"

static const struct fault_area areas[] = {
        { "reader", { "Readers", "读卡器" } },
        { "card", { "Cards", "卡片" } },
        { "printer", { "Printer", "打印机" } },
        { "driver", { "Driver and cables", "驱动和连接" } },
        { "power", { "Power", "电源" } },
        { "network", { "Network", "网络" } },
        { "acquirer", { "Acquirer", "收单机构" } },
        { "keys", { "Keys and certificates", "密钥和证书" } },
        { "storage", { "Storage", "存储" } },
        { "clock", { "Clock", "时钟" } },
        { "configuration", { "Configuration and upkeep", "配置和保养" } },
        { "binding", { "Bound phone and notices", "绑定手机和通知" } },
};

const struct fault_area *fault_area_get(size_t i) {
        return i < ELEMENTSOF(areas) ? areas + i : NULL;
}

const struct fault_code *fault_code_get(size_t i) {
        for (const struct fault_code *const *part = fault_table; *part; part++)
                for (const struct fault_code *code = *part; code->code; code++)
                        if (i-- == 0)
                                return code;
        return NULL;
}

const struct fault_code *fault_code_find(const char *code) {
        const struct fault_code *found;

        for (size_t i = 0; (found = fault_code_get(i)) && !streq(found->code, code); i++)
                ;
        return found;
}

const char *fault_text_in(const struct fault_text *text, const char *language) {
        return strempty(streq(language, "zh_CN") ? text->chinese : text->english);
}
