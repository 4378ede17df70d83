// SPDX-License-Identifier: LGPL-2.1-or-later
#include "cli/code.h"

#include <fcntl.h>

#include "base/secret.h"
#include "cli/prompt.h"
#include "cli/words.h"

/* No code is as long. */
#define CODE_LINE_MAX 63
/* A number, a blank and a code; twice. */
#define LINES_MAX_SIZE (2 * PROMPT_MAX + 2)

static int ask(const char *question, bool hidden, char line[static PROMPT_MAX]) {
        int r = prompt_line(question, hidden, NULL, line);

        if (r < 0)
                return r;
        return !*line ? -ENODATA : strlen(line) > CODE_LINE_MAX ? -EMSGSIZE : 0;
}

static int ask_new(char code[static PROMPT_MAX]) {
        char again[PROMPT_MAX] = "";
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
        char given[PROMPT_MAX] = "", code[PROMPT_MAX] = "";
        WIPE_AT_END(given);
        WIPE_AT_END(code);
        int r = 0;

        /* From elsewhere the line has the number, where it has to be said. */
        if (!number && isatty(STDIN_FILENO))
                r = ask(_("Operator's number:"), false, given);
        if (r >= 0)
                r = ask(_("Code:"), true, code);
        if (r >= 0)
                add_line(lines, number ?: given, code);
        return r;
}

static int add_new(char lines[static LINES_MAX_SIZE]) {
        char code[PROMPT_MAX] = "";
        WIPE_AT_END(code);
        int r;

        r = isatty(STDIN_FILENO) ? ask_new(code) : ask("", true, code);
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

int code_make_pipe(const char *line, int *ret_fd) {
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
                r = code_make_pipe(lines, ret_fd);
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

int code_take_supervisor(int *argc, char **argv, int *ret_code) {
        const char *number = words_take_option(argc, argv, "--supervisor=");

        return number ? code_ask(CODE_OF_OPERATOR, number, ret_code) : 0;
}
