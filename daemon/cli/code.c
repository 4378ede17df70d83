// SPDX-License-Identifier: LGPL-2.1-or-later
#include "cli/code.h"

#include <fcntl.h>
#include <termios.h>

#include "base/secret.h"

#define LINE_MAX_SIZE 64
#define LINES_MAX_SIZE (4 * LINE_MAX_SIZE)

/* Ctrl-C, as it comes while it makes no signal. */
#define INTERRUPT '\003'

/* A line of standard input, without its end. Byte by byte: what comes behind it is not ours. */
static int read_line(char line[static LINE_MAX_SIZE]) {
        size_t n = 0;
        char c;

        for (;;) {
                ssize_t k = read(STDIN_FILENO, &c, 1);

                if (k < 0)
                        return -errno;
                if (k == 0 || c == '\n')
                        break;
                if (c == INTERRUPT)
                        return -EINTR;
                if (n == LINE_MAX_SIZE - 1)
                        return -EMSGSIZE;
                line[n++] = c;
        }
        line[n] = '\0';
        return n > 0 ? 0 : -ENODATA;
}

/* No signal in between: it would leave a terminal that shows nothing. */
static int ask(const char *question, bool hidden, char line[static LINE_MAX_SIZE]) {
        struct termios before, quiet;
        int r;

        fprintf(stderr, "%s ", question);
        if (tcgetattr(STDIN_FILENO, &before) < 0)
                return -errno;
        quiet = before;
        quiet.c_lflag &= ~(tcflag_t) ISIG;
        if (hidden)
                quiet.c_lflag &= ~(tcflag_t) ECHO;
        if (tcsetattr(STDIN_FILENO, hidden ? TCSAFLUSH : TCSADRAIN, &quiet) < 0)
                return -errno;
        r = read_line(line);
        (void) tcsetattr(STDIN_FILENO, TCSADRAIN, &before);
        if (hidden || r < 0)
                fputc('\n', stderr);
        return r;
}

static int ask_new(char code[static LINE_MAX_SIZE]) {
        char again[LINE_MAX_SIZE] = "";
        WIPE_AT_END(again);
        int r;

        r = ask(_("New code, 4 to 8 digits:"), true, code);
        if (r < 0)
                return r;
        r = ask(_("Once more:"), true, again);
        if (r < 0)
                return r;
        return streq(code, again) ? 0 : -EBADMSG;
}

static void add_line(char lines[static LINES_MAX_SIZE], const char *number, const char *code) {
        size_t n = strlen(lines);

        (void) snprintf(lines + n, LINES_MAX_SIZE - n, "%s%s%s\n", number, *number ? " " : "", code);
}

static int add_operator(const char *number, char lines[static LINES_MAX_SIZE]) {
        char given[LINE_MAX_SIZE] = "", code[LINE_MAX_SIZE] = "";
        WIPE_AT_END(given);
        WIPE_AT_END(code);
        int r = 0;

        /* From elsewhere the line has the number, where it has to be said. */
        if (!isatty(STDIN_FILENO))
                r = read_line(code);
        else {
                if (!number)
                        r = ask(_("Operator's number:"), false, given);
                if (r >= 0)
                        r = ask(_("Code:"), true, code);
        }
        if (r >= 0)
                add_line(lines, number ?: given, code);
        return r;
}

static int add_new(char lines[static LINES_MAX_SIZE]) {
        char code[LINE_MAX_SIZE] = "";
        WIPE_AT_END(code);
        int r;

        r = isatty(STDIN_FILENO) ? ask_new(code) : read_line(code);
        if (r >= 0)
                add_line(lines, "", code);
        return r;
}

/* What tilld reads, of what was asked or came by itself. */
static int make_lines(unsigned forms, const char *number, char lines[static LINES_MAX_SIZE]) {
        int r = 0;

        if (forms & CODE_OF_OPERATOR)
                r = add_operator(number, lines);
        if (r >= 0 && forms & CODE_NEW)
                r = add_new(lines);
        return r;
}

static int make_pipe(const char *line, int *ret_fd) {
        _cleanup_close_ int in = -EBADF, out = -EBADF;
        int fds[2];

        if (pipe2(fds, O_CLOEXEC) < 0)
                return -errno;
        out = fds[0];
        in = fds[1];
        /* A pipe has room for it. */
        if (write(in, line, strlen(line)) < 0)
                return -errno;
        *ret_fd = TAKE_FD(out);
        return 0;
}

int code_ask(unsigned forms, const char *number, int *ret_fd) {
        char lines[LINES_MAX_SIZE] = "";
        WIPE_AT_END(lines);
        int r;

        r = make_lines(forms, number, lines);
        if (r >= 0)
                r = make_pipe(lines, ret_fd);
        if (r >= 0)
                return 0;
        if (r == -EBADMSG)
                fprintf(stderr, "%s\n", _("These are two different codes; nothing was changed."));
        else if (r == -ENODATA || r == -EINTR)
                fprintf(stderr, "%s\n", _("No code was given; nothing was changed."));
        else
                fprintf(stderr, _("The code cannot be read: %s\n"), strerror(-r));
        return EXIT_NO;
}
