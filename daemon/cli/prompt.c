// SPDX-License-Identifier: LGPL-2.1-or-later
#include "cli/prompt.h"

#include <poll.h>
#include <termios.h>

#include "base/unicode.h"

/* Ctrl-C, as it comes while it makes no signal. */
#define INTERRUPT '\003'

/* Returns how many messages there were. */
static int serve(sd_bus *bus) {
        int n = 0, r;

        while ((r = sd_bus_process(bus, NULL)) > 0)
                n++;
        return r < 0 ? r : n;
}

int prompt_wait(sd_bus *bus, int fd) {
        struct pollfd fds[] = { { .fd = fd, .events = POLLIN }, { .fd = -1 } };
        int r;

        if (bus) {
                r = serve(bus);
                if (r != 0)
                        return MIN(r, 0);
                fds[1].fd = sd_bus_get_fd(bus);
                fds[1].events = (short) sd_bus_get_events(bus);
        }
        if (poll(fds, ELEMENTSOF(fds), -1) < 0 && errno != EINTR)
                return -errno;
        return fds[0].revents ? 1 : 0;
}

/* Until there is something to read. */
static int wait_for_input(const struct prompt_watch *watch) {
        int r;

        if (!watch)
                return 0;
        do {
                r = watch->look(watch->userdata);
                if (r == 0)
                        r = prompt_wait(watch->bus, STDIN_FILENO);
        } while (r == 0);
        return MIN(r, 0);
}

/* Without its end. Byte by byte: what comes behind it is not ours. */
static int read_line(const struct prompt_watch *watch, char line[static PROMPT_MAX]) {
        size_t n = 0;
        char c;

        for (;;) {
                ssize_t k;
                int r;

                r = n == 0 ? wait_for_input(watch) : 0;
                if (r < 0)
                        return r;
                k = read(STDIN_FILENO, &c, 1);
                if (k < 0)
                        return -errno;
                if (k == 0 && n == 0)
                        return -ENODATA;
                if (k == 0 || c == '\n')
                        break;
                if (c == INTERRUPT)
                        return -EINTR;
                if (n == PROMPT_MAX - 1)
                        return -EMSGSIZE;
                line[n++] = c;
        }
        line[n] = '\0';
        return 0;
}

/* No signal in between: it would leave a terminal that shows nothing. Ctrl-C ends the line instead, at once. */
int prompt_line(const char *question, bool hidden, const struct prompt_watch *watch, char ret[static PROMPT_MAX]) {
        struct termios before, quiet;
        int r;

        if (!isatty(STDIN_FILENO))
                return read_line(watch, ret);
        fprintf(stderr, "%s ", question);
        if (tcgetattr(STDIN_FILENO, &before) < 0)
                return -errno;
        quiet = before;
        quiet.c_lflag &= ~(tcflag_t) ISIG;
        quiet.c_cc[VEOL] = INTERRUPT;
        if (hidden)
                quiet.c_lflag &= ~(tcflag_t) ECHO;
        if (tcsetattr(STDIN_FILENO, hidden ? TCSAFLUSH : TCSADRAIN, &quiet) < 0)
                return -errno;
        r = read_line(watch, ret);
        (void) tcsetattr(STDIN_FILENO, TCSADRAIN, &before);
        if (hidden || r < 0)
                fputc('\n', stderr);
        return r;
}

/* "Ａ" as "A", and the blank of that width. */
static uint32_t to_half_width(uint32_t c) {
        return c == 0x3000 ? ' ' : c >= 0xff01 && c <= 0xff5e ? c - 0xff01 + '!' : c;
}

void prompt_squeeze(char *text, const char *left_out) {
        const char *from = text, *next = text;
        uint32_t c;

        for (; (c = to_half_width(unicode_next(&next))) != 0; from = next) {
                size_t n = (size_t) (next - from);

                if (c < 0x80 && strchr(left_out, (int) c))
                        continue;
                if (c < 0x80)
                        *text++ = (char) c;
                else {
                        memmove(text, from, n);
                        text += n;
                }
        }
        *text = '\0';
}
