// SPDX-License-Identifier: LGPL-2.1-or-later
/* Every notice in both languages, as Documentation/notices.md shows them. */
#include <time.h>

#include "base/unicode.h"
#include "care/fault-notices.h"
#include "journal/notice.h"
#include "unit/notice-sample.h"

static unsigned characters(const char *text) {
        unsigned n = 0;

        while (unicode_next(&text))
                n++;
        return n;
}

/* Of a text message: 160 characters of GSM 03.38, or 70 of UCS-2; fewer where there are several. */
static unsigned parts(const char *body) {
        unsigned n = characters(body), one = unicode_is_ascii(body) ? 160 : 70, each = one == 160 ? 153 : 67;

        return n <= one ? 1 : (n + each - 1) / each;
}

static int show(enum notice_template what, const char *language, const struct notice_fields *fields) {
        char text[NOTICE_TEXT_MAX + 1], *body;
        int r;

        r = notice_text_make(what, language, fields, text, sizeof(text));
        if (r < 0)
                return r;
        body = strchr(text, '\n');
        *body++ = '\0';
        printf("- **%s** (%u)  \n  %s\n", text, parts(body), body);
        return 0;
}

static int show_both(enum notice_template what, const struct fault_code *code) {
        static const char *const languages[] = { "zh_CN", "en" };
        struct fault_record record = { .ended_usec = what == NOTICE_TEXT_FAULT_ENDED };
        char english[FAULT_SENTENCE_SIZE], chinese[FAULT_SENTENCE_SIZE];
        int r = 0;

        for (size_t l = 0; r >= 0 && l < ELEMENTSOF(languages); l++) {
                struct notice_fields fields = notice_sample(what, languages[l]);

                if (code) {
                        record.transaction = streq(code->class, "network") ? 17 : 0;
                        fault_notice_say(code, &record, english, chinese);
                        fields.detail = english;
                        fields.detail_zh = chinese;
                }
                r = show(what, languages[l], &fields);
        }
        return r;
}

/* Of each that people are told of. */
static int show_faults(void) {
        const struct fault_code *code;
        int r = 0;

        for (size_t i = 0; r >= 0 && (code = fault_code_get(i)); i++) {
                if (streq(code->severity, "warning"))
                        continue;
                printf("%s`%s`:\n\n", i > 0 ? "\n" : "", code->code);
                r = show_both(NOTICE_TEXT_FAULT, code);
        }
        return r;
}

static int show_all(enum notice_template what) {
        if (what == NOTICE_TEXT_FAULT)
                return show_faults();
        return show_both(what, what == NOTICE_TEXT_FAULT_ENDED ? fault_code_get(0) : NULL);
}

int main(void) {
        setenv("TZ", "CST-8", 1);
        tzset();
        for (enum notice_template what = 0; what < _NOTICE_TEXT_MAX; what++) {
                printf("\n### %s\n\n", notice_names[what]);
                if (show_all(what) < 0)
                        return EXIT_FAILURE;
        }
        return EXIT_SUCCESS;
}
