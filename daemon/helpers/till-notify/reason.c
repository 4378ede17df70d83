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
        for (size_t i = 0; i < _NOTICE_STRING_MAX; i++)
                if (request->strings[i] && strstr(request->strings[i], digits))
                        return true;
        return false;
}

/* How far the first digits here reach if they are a secret's, 0 if not. Between two of them one mark may stand. */
static size_t find_secret(const char *text, const struct request *request) {
        char digits[SECRET_DIGITS + 1] = "";
        const char *at = text;

        for (size_t n = 0; n < SECRET_DIGITS; n++, at++) {
                if (n > 0 && *at && strchr(" -./()", *at))
                        at++;
                if (*at < '0' || *at > '9')
                        return 0;
                digits[n] = *at;
        }
        return is_in_request(digits, request) ? (size_t) (at - text) : 0;
}

static void hide_digits(const char *from, char *to, const struct request *request) {
        size_t hidden = 0; /* how many from here on */

        for (; *from; from++, to++) {
                hidden = MAX(hidden, find_secret(from, request));
                *to = hidden > 0 && *from >= '0' && *from <= '9' ? '*' : *from;
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
