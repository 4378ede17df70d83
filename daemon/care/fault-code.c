// SPDX-License-Identifier: LGPL-2.1-or-later
#include "care/fault-code.h"

#include "care/fault-table.h"

const struct fault_code *fault_code_get(size_t i) {
        return i < fault_table_size ? fault_table + i : NULL;
}

const struct fault_code *fault_code_find(const char *code) {
        for (size_t i = 0; i < fault_table_size; i++)
                if (streq(fault_table[i].code, code))
                        return fault_table + i;
        return NULL;
}

const char *fault_text_in(const struct fault_text *text, const char *language) {
        return strempty(streq(language, "zh_CN") ? text->chinese : text->english);
}
