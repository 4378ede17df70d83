// SPDX-License-Identifier: LGPL-2.1-or-later
/* Every notice in both languages, as Documentation/notices.md shows them. */
#include <time.h>

#include "base/unicode.h"
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

static int show(enum notice_template what, const char *language) {
        struct notice_fields fields = notice_sample(what, language);
        char text[NOTICE_TEXT_MAX + 1], *body;
        int r;

        r = notice_text_make(what, language, &fields, text, sizeof(text));
        if (r < 0)
                return r;
        body = strchr(text, '\n');
        *body++ = '\0';
        printf("- **%s** (%u)  \n  %s\n", text, parts(body), body);
        return 0;
}

int main(void) {
        setenv("TZ", "CST-8", 1);
        tzset();
        for (enum notice_template what = 0; what < _NOTICE_TEXT_MAX; what++) {
                printf("\n### %s\n\n", notice_names[what]);
                if (show(what, "zh_CN") < 0 || show(what, "en") < 0)
                        return EXIT_FAILURE;
        }
        return EXIT_SUCCESS;
}
