// SPDX-License-Identifier: LGPL-2.1-or-later
#include "care/fault-code.h"

#include "care/fault-table.h"

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
