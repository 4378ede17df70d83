// SPDX-License-Identifier: LGPL-2.1-or-later
/* What tillctl receipt takes for a number. There is no bus: what is wrong is said before anything is asked. */
#include "test.h"

#include <sys/mman.h>

#include "daemon/cli/cli.c"
#include "daemon/cli/receipts.c"

static void numbers(void **state) {
        static const char *const wrong[][3] = {
                { "reprint", "--job=abc" },
                { "reprint", "--job=0" },
                { "reprint", "--job=" },
                { "show", "--job=-1" },
                { "show", "--job=7 " },
                { "save", "--settlement=4294967296" },
                { "reprint", "--settlement=x" },
                { "print", "--batch=12x" },
                { "cancel", "abc" },
                { "cancel", "0" },
                { "cancel", "99999999999999999999" },
        };

        for (size_t i = 0; i < ELEMENTSOF(wrong); i++) {
                char *arguments[] = { (char *) "receipt", (char *) wrong[i][0], (char *) wrong[i][1], NULL };
                struct cli cli = {};

                optind = 0;
                if (verb_receipts(&cli, 3, arguments) != EXIT_USAGE)
                        fail_msg("%s %s is taken", wrong[i][0], wrong[i][1]);
        }
}

static int run(const char *act, const char *more, const char *and_more) {
        char *arguments[] = { (char *) "receipt", (char *) act, (char *) more, (char *) and_more, NULL };
        struct cli cli = {};

        optind = 0;
        return verb_receipts(&cli, 2 + !!more + !!and_more, arguments);
}

/* Nothing is printed that somebody may have meant otherwise. */
static void too_much_or_too_little(void **state) {
        assert_int_equal(run("print", NULL, NULL), EXIT_USAGE);
        assert_int_equal(run("print", "test-page", "diagnostics"), EXIT_USAGE);
        assert_int_equal(run("cancel", "1", "2"), EXIT_USAGE);
        assert_int_equal(run("reprint", "ORDER-1", NULL), EXIT_USAGE);
        assert_int_equal(run("drawer", "2", NULL), EXIT_USAGE);
        assert_int_equal(run("list", "--reference=ORDER-1", NULL), EXIT_USAGE);
        assert_int_equal(run("cancel", "1", "--job=2"), EXIT_USAGE);
        assert_int_equal(run("reprint", "--face=pdf", NULL), EXIT_USAGE);
        assert_int_equal(run("print", "test-page", "--size=large"), EXIT_USAGE);
        assert_int_equal(run("frobnicate", NULL, NULL), EXIT_USAGE);
}

/* A folder is no empty text, and what is no text is no failure of the terminal. */
static void no_text(void **state) {
        char path[] = "/tmp/test-cli-receipts.XXXXXX";
        int fd = mkstemp(path);

        assert_true(fd >= 0);
        assert_int_equal(run("text", "/tmp", NULL), EXIT_USAGE);
        assert_int_equal(run("text", path, "twice"), EXIT_USAGE);
        assert_int_equal(write(fd, "a\0b", 3), 3);
        assert_int_equal(run("text", path, NULL), EXIT_USAGE);
        assert_int_equal(pwrite(fd,
                                "a\xff"
                                "b",
                                3, 0),
                         3);
        assert_int_equal(run("text", path, NULL), EXIT_USAGE);
        assert_int_equal(close(fd), 0);
        assert_int_equal(unlink(path), 0);
}

/* What is too long is said to be so, and not that it is no text because it was cut inside a character. */
static void long_text(void **state) {
        char path[] = "/tmp/test-cli-receipts.XXXXXX", said[512] = "";
        int fd = mkstemp(path), log = memfd_create("log", MFD_CLOEXEC), before = dup(STDERR_FILENO);

        assert_true(fd >= 0 && log >= 0 && before >= 0);
        for (int i = 0; i < 15000; i++)
                assert_int_equal(write(fd, "汉", 3), 3);
        assert_true(dup2(log, STDERR_FILENO) >= 0);
        assert_int_equal(run("text", path, NULL), EXIT_USAGE);
        assert_true(dup2(before, STDERR_FILENO) >= 0);
        assert_true(pread(log, said, sizeof(said) - 1, 0) > 0);
        assert_non_null(strstr(said, "more than 16384 bytes"));
        assert_null(strstr(said, "UTF-8"));
        assert_int_equal(close(before) | close(log) | close(fd), 0);
        assert_int_equal(unlink(path), 0);
}

static void a_number(void **state) {
        uint64_t number;

        assert_int_equal(read_number("7", INT64_MAX, &number), 0);
        assert_int_equal(number, 7);
        assert_int_equal(read_number("9223372036854775807", INT64_MAX, &number), 0);
        assert_int_equal(read_number("9223372036854775808", INT64_MAX, &number), EXIT_USAGE);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(numbers), cmocka_unit_test(a_number),  cmocka_unit_test(too_much_or_too_little),
                cmocka_unit_test(no_text), cmocka_unit_test(long_text),
        };

        return cmocka_run_group_tests_name("cli: receipts", tests, NULL, NULL);
}
