// SPDX-License-Identifier: LGPL-2.1-or-later
#include "helpers/till-notify/reason.h"

#include <stdarg.h>

#include "base/unicode.h"

#define SECRET_DIGITS 6

int say(char reason[static REASON_SIZE], int error, const char *format, ...) {
        va_list ap;

        va_start(ap, format);
        (void) vsnprintf(reason, REASON_SIZE, format, ap);
        va_end(ap);
        return error;
}

static bool is_in_request(const char *digits, const struct request *request) {
        char word[SECRET_DIGITS + 1];

        COPY(word, digits);
        if (strspn(word, "0123456789") != SECRET_DIGITS)
                return false;
        for (size_t i = 0; i < _NOTICE_STRING_MAX; i++)
                if (request->strings[i] && strstr(request->strings[i], word))
                        return true;
        return false;
}

static void hide_digits(const char *from, char *to, const struct request *request) {
        size_t hidden = 0; /* how many from here on */

        for (; *from; from++, to++) {
                if (is_in_request(from, request))
                        hidden = SECRET_DIGITS;
                *to = hidden > 0 ? '*' : *from;
                hidden -= MIN(hidden, (size_t) 1);
        }
}

/* A space for each: what stood apart stays apart. */
static void blank_controls(char *text) {
        const char *from = text;
        char *end = text;

        while (*from) {
                const char *here = from;
                uint32_t c = unicode_next(&from);

                if (c == 0xfffd || unicode_is_control(c)) {
                        *text++ = ' ';
                        continue;
                }
                memmove(text, here, (size_t) (from - here));
                text += from - here;
                if (c != ' ')
                        end = text;
        }
        *end = '\0';
}

void reason_clean(char reason[static REASON_SIZE], const struct request *request) {
        char copy[REASON_SIZE];

        blank_controls(reason);
        COPY(copy, reason);
        hide_digits(copy, reason, request);
}
