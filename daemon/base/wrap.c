// SPDX-License-Identifier: LGPL-2.1-or-later
#include "base/wrap.h"

#include <wchar.h>

int wrap_width(const char *text) {
        mbstate_t state = {};
        int width = 0;

        while (*text) {
                wchar_t c;
                size_t n = mbrtowc(&c, text, strlen(text), &state);

                if (n == (size_t) -1 || n == (size_t) -2) {
                        /* Not in this locale's encoding: a byte is a column. */
                        memset(&state, 0, sizeof(state));
                        n = 1;
                        width++;
                } else
                        width += MAX(wcwidth(c), 0);
                text += n;
        }
        return width;
}

/* After a blank; and between two of which one is wide, but for what closes behind the one or opens before the other.
 */
static bool may_break(wchar_t before, wchar_t after) {
        if (before == L' ')
                return true;
        if (wcwidth(before) < 2 && wcwidth(after) < 2)
                return false;
        return after != L' ' && !wcschr(L"，。、；：！？）”》,.;:!?)", after) && !wcschr(L"（“《(", before);
}

/* Whether one of the two words before this place is the name of a command, which is to be copied in one piece. */
static bool is_in_command(const char *text, size_t at) {
        static const char *const names[] = { "tillctl", "systemctl", "journalctl" };

        for (unsigned word = 0; word < 2 && at > 0; word++) {
                size_t end = --at;

                while (at > 0 && text[at - 1] != ' ')
                        at--;
                for (size_t i = 0; i < ELEMENTSOF(names); i++) {
                        size_t n = strlen(names[i]);

                        if (end - at >= n && memcmp(text + end - n, names[i], n) == 0)
                                return true;
                }
        }
        return false;
}

/* How many bytes of it are its first line of at most so many columns; a word that is longer stays whole. */
static size_t measure_line(const char *text, int most) {
        size_t at = 0, good = 0, n;
        mbstate_t state = {};
        wchar_t c, before = 0;
        int columns = 0;

        for (; text[at] && text[at] != '\n'; at += n, before = c) {
                n = mbrtowc(&c, text + at, strlen(text + at), &state);
                if (n == (size_t) -1 || n == (size_t) -2)
                        return strcspn(text, "\n");
                if (before && may_break(before, c) && !(before == L' ' && is_in_command(text, at)))
                        good = at;
                if (c != L' ')
                        columns += MAX(wcwidth(c), 0);
                if (columns > most && good > 0)
                        return good;
                columns += c == L' ';
        }
        return at;
}

void wrap_print(FILE *f, const char *mark, const char *text, int columns) {
        int indent = wrap_width(mark);
        const char *before = mark;

        do {
                size_t n = measure_line(text, columns - indent), end = n;

                while (end > 0 && text[end - 1] == ' ')
                        end--;
                fprintf(f, "%*s%.*s\n", before == mark ? 0 : indent, before, (int) end, text);
                text += n + (text[n] == '\n');
                before = "";
        } while (*text);
}
