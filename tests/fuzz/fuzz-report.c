// SPDX-License-Identifier: LGPL-2.1-or-later
/* Whatever others have written into a log or a record: no card number is left of it, and nothing of it is markup. */

#include <string.h>
#include <time.h>

#include "base/card-number.h"
#include "base/unicode.h"
#include "helpers/till-report/page.h"
#include "helpers/till-report/tidy.h"
#include "tests/fuzz/fuzz.h"

#define DAYS 7

static void try_text(char *text) {
        size_t size = strlen(text);
        struct filter f = {};

        filter_clean(text);
        check(strlen(text) == size && unicode_is_valid(text));
        filter_mask(&f, text);
        check(strlen(text) == size && unicode_is_valid(text) && !text_has_card_number(text));
}

/* The page's own markup has neither. */
static void try_page(cJSON *o, const char *language) {
        _cleanup_free_ char *page = NULL;
        size_t size;

        check(page_write(o, language, 1780000000, DAYS, &page, &size) == 0);
        check(!strstr(page, "<script") && !strstr(page, "<img") && unicode_is_valid(page));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
        _cleanup_free_ char *text = malloc(size + 1);
        struct filter f = {};
        cJSON *o;

        check(text);
        memcpy(text, data, size);
        text[size] = '\0';
        o = cJSON_Parse(text);
        if (cJSON_IsObject(o) && tidy(o, &f) == 0) {
                try_page(o, "en");
                try_page(o, "zh_CN");
        }
        cJSON_Delete(o);
        try_text(text);
        return 0;
}
