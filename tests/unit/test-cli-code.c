// SPDX-License-Identifier: LGPL-2.1-or-later
/* How tillctl takes a code: from a terminal that does not show it, or from standard input. */
#include "test.h"

#include <pty.h>
#include <sys/wait.h>

#include <termios.h>

#include "daemon/cli/code.c"
#include "daemon/cli/prompt.c"

/* What the terminal showed, and what tilld would read. */
static char shown[1024], line[128];
static int status;

/* In the child, with a terminal or a pipe as standard input: the line goes out behind what was shown. */
static void run(unsigned form, const char *number, int out) {
        int fd, r;

        r = code_ask(form, number, &fd);
        if (r == 0) {
                char text[128];
                ssize_t n = read(fd, text, sizeof(text));

                if (n < 0 || write(out, text, (size_t) n) != n)
                        _exit(100);
        }
        _exit(r);
}

static void wait_for(int master, const char *prompt) {
        while (!strstr(shown, prompt)) {
                size_t n = strlen(shown);
                ssize_t k = read(master, shown + n, sizeof(shown) - n - 1);

                assert_true(k > 0);
                shown[n + (size_t) k] = '\0';
        }
}

static void finish(pid_t pid, int result) {
        ssize_t n = read(result, line, sizeof(line) - 1);

        assert_true(n >= 0);
        line[n] = '\0';
        assert_int_equal(waitpid(pid, &status, 0), pid);
        assert_true(WIFEXITED(status));
        status = WEXITSTATUS(status);
        close(result);
}

/* Pairs of a prompt and what is typed then, up to NULL. */
static void type(unsigned form, const char *number, const char *const *dialogue) {
        struct termios before, after;
        int master, fds[2];
        pid_t pid;

        memset(shown, 0, sizeof(shown));
        (void) alarm(30);
        assert_int_equal(pipe(fds), 0);
        pid = forkpty(&master, NULL, NULL, NULL);
        assert_true(pid >= 0);
        if (pid == 0) {
                close(fds[0]);
                run(form, number, fds[1]);
        }
        close(fds[1]);
        assert_int_equal(tcgetattr(master, &before), 0);
        before.c_lflag |= ECHO | ISIG;
        for (; *dialogue; dialogue += 2) {
                wait_for(master, dialogue[0]);
                /* After the prompt the terminal is made quiet, and forgets what was typed ahead. */
                for (int i = 0; i < 200; i++) {
                        assert_int_equal(tcgetattr(master, &after), 0);
                        if (!(after.c_lflag & ISIG))
                                break;
                        usleep(5000);
                }
                usleep(20000);
                assert_int_equal(write(master, dialogue[1], strlen(dialogue[1])), strlen(dialogue[1]));
        }
        finish(pid, fds[0]);
        assert_int_equal(tcgetattr(master, &after), 0);
        /* The shell behind it shows again what is typed. */
        assert_int_equal(after.c_lflag & (ECHO | ISIG), ECHO | ISIG);
        close(master);
}

static void give(unsigned form, const char *number, const char *input) {
        int in[2], fds[2];
        pid_t pid;

        assert_int_equal(pipe(in), 0);
        assert_int_equal(pipe(fds), 0);
        assert_int_equal(write(in[1], input, strlen(input)), strlen(input));
        close(in[1]);
        pid = fork();
        assert_true(pid >= 0);
        if (pid == 0) {
                close(fds[0]);
                if (dup2(in[0], STDIN_FILENO) < 0 || !freopen("/dev/null", "w", stderr))
                        _exit(101);
                run(form, number, fds[1]);
        }
        close(in[0]);
        close(fds[1]);
        finish(pid, fds[0]);
}

static void at_a_terminal(void **state) {
        type(CODE_OF_OPERATOR, NULL, (const char *const[]){ "number:", "02\n", "Code:", "83619274\n", NULL });
        assert_int_equal(status, 0);
        assert_string_equal(line, "02 83619274\n");
        assert_null(strstr(shown, "8361"));

        type(CODE_OF_OPERATOR, "07", (const char *const[]){ "Code:", "83619274\n", NULL });
        assert_string_equal(line, "07 83619274\n");

        type(CODE_NEW, "07", (const char *const[]){ "digits:", "83619274\n", "more:", "83619274\n", NULL });
        assert_int_equal(status, 0);
        assert_string_equal(line, "83619274\n");
        assert_null(strstr(shown, "8361"));

        type(CODE_OF_OPERATOR | CODE_NEW, "01",
             (const char *const[]){ "Code:", "83619274\n", "digits:", "4711\n", "more:", "4711\n", NULL });
        assert_int_equal(status, 0);
        assert_string_equal(line, "01 83619274\n4711\n");
        assert_null(strstr(shown, "8361"));
        assert_null(strstr(shown, "4711"));
}

static void nothing_given(void **state) {
        type(CODE_NEW, "07", (const char *const[]){ "digits:", "83619274\n", "more:", "83619275\n", NULL });
        assert_int_equal(status, EXIT_NO);
        assert_string_equal(line, "");
        type(CODE_OF_OPERATOR, "07", (const char *const[]){ "Code:", "8361\003\n", NULL });
        assert_int_equal(status, EXIT_NO);
        /* At once, without Enter. */
        type(CODE_OF_OPERATOR, "07", (const char *const[]){ "Code:", "8361\003", NULL });
        assert_int_equal(status, EXIT_NO);
        type(CODE_OF_OPERATOR, "07", (const char *const[]){ "Code:", "\n", NULL });
        assert_int_equal(status, EXIT_NO);
}

static void from_a_pipe(void **state) {
        char longest[128];

        give(CODE_OF_OPERATOR, NULL, "02 1234\n");
        assert_int_equal(status, 0);
        assert_string_equal(line, "02 1234\n");
        give(CODE_OF_OPERATOR, "02", "1234\nand more");
        assert_string_equal(line, "02 1234\n");
        give(CODE_NEW, "02", "1234");
        assert_string_equal(line, "1234\n");
        give(CODE_OF_OPERATOR | CODE_NEW, "01", "1234\n5678\n");
        assert_int_equal(status, 0);
        assert_string_equal(line, "01 1234\n5678\n");
        give(CODE_OF_OPERATOR | CODE_NEW, "01", "1234\n");
        assert_int_equal(status, EXIT_NO);
        give(CODE_NEW, "02", "");
        assert_int_equal(status, EXIT_NO);
        assert_string_equal(line, "");
        memset(longest, '7', sizeof(longest) - 1);
        longest[sizeof(longest) - 1] = '\0';
        give(CODE_NEW, "02", longest);
        assert_int_equal(status, EXIT_NO);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(at_a_terminal),
                cmocka_unit_test(nothing_given),
                cmocka_unit_test(from_a_pipe),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
