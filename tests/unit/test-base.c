// SPDX-License-Identifier: LGPL-2.1-or-later
#include "log-entry.h"
#include "test.h"

#include <fcntl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include "base/amount.h"
#include "base/config.h"
#include "base/hex.h"
#include "base/phone.h"
#include "base/secret.h"

static void amount_texts(void **state) {
        const struct currency *cny = currency_find("CNY"), *jpy = currency_find("JPY"), *kwd = currency_find("KWD");
        char text[AMOUNT_TEXT_MAX];
        int64_t amount;

        assert_string_equal(amount_format(123450, cny, text), "1234.50");
        assert_string_equal(amount_format(-5, cny, text), "-0.05");
        assert_string_equal(amount_format(100, jpy, text), "100");
        assert_string_equal(amount_format(1001, kwd, text), "1.001");
        assert_string_equal(amount_format(INT64_MIN, cny, text), "-92233720368547758.08");

        assert_int_equal(amount_parse("12.3", cny, &amount), 0);
        assert_int_equal(amount, 1230);
        assert_int_equal(amount_parse("9999999999.99", cny, &amount), 0);
        assert_int_equal(amount, AMOUNT_MAX);
        assert_int_equal(amount_parse("10000000000", cny, &amount), -ERANGE);
        assert_int_equal(amount_parse("99999999999999999999999", cny, &amount), -ERANGE);
        assert_int_equal(amount_parse("1.234", cny, &amount), -EINVAL);
        assert_int_equal(amount_parse("1.", cny, &amount), -EINVAL);
        assert_int_equal(amount_parse(".5", cny, &amount), -EINVAL);
        assert_int_equal(amount_parse("-1", cny, &amount), -EINVAL);
        assert_int_equal(amount_parse("1.0", jpy, &amount), -EINVAL);
        assert_int_equal(amount_parse("", cny, &amount), -EINVAL);
}

static void currencies(void **state) {
        assert_null(currency_find("XYZ"));
        assert_null(currency_find("cny"));
        assert_null(currency_find(""));
        assert_ptr_equal(currency_find_numeric(156), currency_find("CNY"));
        assert_null(currency_find_numeric(999));
}

static void hex_texts(void **state) {
        uint8_t data[4];
        char text[9];

        assert_int_equal(hex_decode("de AD\nbeEF ", data, sizeof(data)), 4);
        hex_encode(data, 4, text);
        assert_string_equal(text, "DEADBEEF");
        assert_int_equal(hex_decode("ABC", data, sizeof(data)), -EINVAL);
        assert_int_equal(hex_decode("0G", data, sizeof(data)), -EINVAL);
        assert_int_equal(hex_decode("0102030405", data, sizeof(data)), -ENOBUFS);
        assert_int_equal(hex_decode("", data, sizeof(data)), 0);
}

/* What goes back to the kernel is looked at first. */
static unsigned given_back, not_wiped;

int __wrap_munmap(void *p, size_t size);
int __real_munmap(void *p, size_t size);

int __wrap_munmap(void *p, size_t size) {
        given_back++;
        for (size_t i = 0; i < size; i++)
                not_wiped += ((const uint8_t *) p)[i] != 0;
        return __real_munmap(p, size);
}

static void secrets_are_wiped(void **state) {
        char *p = secret_new(100000);

        assert_non_null(p);
        memset(p, 'x', 100000);
        given_back = not_wiped = 0;
        assert_null(secret_free(p));
        assert_int_equal(given_back, 1);
        assert_int_equal(not_wiped, 0);
}

static void secrets(void **state) {
        _cleanup_secret_ char *p = secret_new(100000);

        assert_non_null(p);
        assert_int_equal(p[0], 0);
        memset(p, 'x', 100000);
        assert_true(secret_equal(p, p + 1, 99999));
        p[99999] = 'y';
        assert_false(secret_equal(p, p + 1, 99999));
}

/* Where memory cannot be locked it is given all the same, and the log says so: once. */
static void secrets_unlocked(void **state) {
        char text[1024] = "";
        int fds[2], status;
        ssize_t n;
        pid_t pid;

        assert_int_equal(pipe2(fds, O_CLOEXEC), 0);
        pid = fork();
        assert_true(pid >= 0);
        if (pid == 0) {
                const struct rlimit none = {};

                if (setrlimit(RLIMIT_MEMLOCK, &none) < 0 || (geteuid() == 0 && setuid(65534) < 0))
                        _exit(1);
                (void) dup2(fds[1], STDERR_FILENO);
                log_set_max_level(LOG_NOTICE);
                _exit(secret_new(1) && secret_new(100000) ? 0 : 2);
        }
        close(fds[1]);
        assert_int_equal(waitpid(pid, &status, 0), pid);
        assert_int_equal(status, 0);
        n = read(fds[0], text, sizeof(text) - 1);
        close(fds[0]);
        assert_true(n > 0);
        assert_non_null(strstr(text, "cannot be locked"));
        assert_ptr_equal(strchr(text, '\n'), text + n - 1);
}

struct seen {
        char text[256];
};

static int collect(const char *section, const char *key, const char *value, void *userdata, const char **ret_reason) {
        struct seen *seen = userdata;
        size_t l = strlen(seen->text);

        if (streq(key, "refuse")) {
                *ret_reason = "refused by the test";
                return -EINVAL;
        }
        snprintf(seen->text + l, sizeof(seen->text) - l, "%s.%s=%s;", section, key, value);
        return 0;
}

static void write_file(const char *dir, const char *name, const char *text) {
        char path[128];
        FILE *f;

        snprintf(path, sizeof(path), "%s/%s", dir, name);
        f = fopen(path, "we");
        assert_non_null(f);
        assert_true(fputs(text, f) >= 0);
        assert_int_equal(fclose(f), 0);
}

static void config_files(void **state) {
        char high[] = "/tmp/test-base-XXXXXX", low[] = "/tmp/test-base-XXXXXX", path[128];
        struct seen seen = {};

        assert_non_null(mkdtemp(high));
        assert_non_null(mkdtemp(low));
        write_file(high, "20-b.conf", "[s]\nk = high \n");
        write_file(low, "20-b.conf", "[s]\nk=hidden\n");
        write_file(low, "10-a.conf", "# comment\n\n[t]\n x=a=b\n; end\n");
        write_file(low, "README", "[s]\nk=no\n");
        assert_int_equal(config_parse_dirs((const char *const[]){ high, low, "/nonexistent", NULL }, collect, &seen),
                         0);
        assert_string_equal(seen.text, "t.x=a=b;s.k=high;");

        log_set_max_level(LOG_EMERG);
        seen.text[0] = '\0';
        write_file(low, "30-c.conf", "k=1\n[]\n[u]\nbroken\nrefuse=1\nlast=1\n");
        assert_int_equal(config_parse_dirs((const char *const[]){ low, NULL }, collect, &seen), -EINVAL);
        assert_string_equal(seen.text, "t.x=a=b;s.k=hidden;u.last=1;");
        snprintf(path, sizeof(path), "%s/absent.conf", low);
        assert_int_equal(config_parse_file(path, collect, &seen), -ENOENT);

        snprintf(path, sizeof(path), "rm -r %s %s", high, low);
        assert_int_equal(system(path), 0);
}

/* What an editor, a slip of the hand or somebody who means harm leaves instead of such a file. */
static void odd_config_files(void **state) {
        char dir[] = "/tmp/test-base-XXXXXX", path[128];
        struct seen seen = {};
        FILE *f;

        (void) alarm(60);
        assert_non_null(mkdtemp(dir));
        snprintf(path, sizeof(path), "%s/a.conf", dir);
        write_file(dir, "a.conf", "\xef\xbb\xbf[s]\r\nk=1\r\n");
        assert_int_equal(config_parse_file(path, collect, &seen), 0);
        assert_string_equal(seen.text, "s.k=1;");

        log_set_max_level(LOG_EMERG);
        f = fopen(path, "we");
        assert_non_null(f);
        assert_int_equal(fwrite("[s]\nk=a\0b\nl=2\n", 1, 14, f), 14);
        assert_int_equal(fclose(f), 0);
        seen.text[0] = '\0';
        assert_int_equal(config_parse_file(path, collect, &seen), -EINVAL);
        assert_string_equal(seen.text, "s.l=2;");

        seen.text[0] = '\0';
        assert_int_equal(truncate(path, (1 << 20) + 1), 0);
        assert_int_equal(config_parse_file(path, collect, &seen), -EINVAL);
        assert_int_equal(unlink(path), 0);
        assert_int_equal(symlink("/dev/null", path), 0);
        assert_int_equal(config_parse_dirs((const char *const[]){ dir, NULL }, collect, &seen), 0);
        assert_int_equal(unlink(path), 0);
        assert_int_equal(mkfifo(path, 0600), 0);
        assert_int_equal(config_parse_file(path, collect, &seen), -EINVAL);
        assert_int_equal(unlink(path), 0);
        assert_int_equal(symlink(path, path), 0);
        assert_int_equal(config_parse_file(path, collect, &seen), -ELOOP);
        assert_int_equal(unlink(path), 0);
        assert_int_equal(mkdir(path, 0700), 0);
        assert_int_equal(config_parse_file(path, collect, &seen), -EISDIR);
        assert_int_equal(rmdir(path), 0);
        assert_string_equal(seen.text, "");
        assert_int_equal(rmdir(dir), 0);
}

/* What a line looks like, with standard error on a pipe and JOURNAL_STREAM naming it, or another one. */
static void expect_line(bool named, void (*say)(void), const char *expected) {
        int ends[2], saved = dup(STDERR_FILENO);
        char line[64];
        ssize_t n;

        assert_int_equal(pipe(ends), 0);
        assert_true(saved >= 0 && dup2(ends[1], STDERR_FILENO) >= 0);
        log_begin_journal(LOG_INFO, !named);
        say();
        assert_true(dup2(saved, STDERR_FILENO) >= 0);
        n = read(ends[0], line, sizeof(line) - 1);
        assert_true(n > 0);
        line[n] = '\0';
        assert_string_equal(line, expected);
        log_end_journal(LOG_INFO);
        close(ends[0]);
        close(ends[1]);
        close(saved);
}

static void say_line(void) {
        log_warning("text");
}

/* A program that a service started may have its standard error elsewhere. */
static void log_levels(void **state) {
        expect_line(true, say_line, "<4>text\n");
        expect_line(false, say_line, "text\n");
}

static void say_explained(void) {
        const char *const fields[] = { "TILLD_STEP=codes", "TILLD_REASON=two\nPRIORITY=0", NULL };
        const struct log_about about = {
                .message_id = "00112233445566778899aabbccddeeff",
                .transaction = 7,
                .device = "1-2:1",
                .fault = "paper-end",
                .other = fields,
        };

        assert_int_equal(log_about(LOG_WARNING, EIO, &about, "one\n%s", "PRIORITY=0"), -EIO);
        /* expect_line() wants one in any case. */
        log_warning("text");
}

/* A line with fields: to the journal by its own protocol, or else as any other. */
static void log_entries(void **state) {
        journal_error = 0;
        expect_line(true, say_explained, "<4>text\n");
        assert_string_equal(log_entry, "PRIORITY=4\nSYSLOG_IDENTIFIER=test-base\n"
                                       "MESSAGE=one PRIORITY=0: Input/output error\n"
                                       "MESSAGE_ID=00112233445566778899aabbccddeeff\nTILLD_TRANSACTION=7\n"
                                       "TILLD_DEVICE=1-2:1\nTILLD_FAULT=paper-end\nTILLD_STEP=codes\n"
                                       "TILLD_REASON=two PRIORITY=0\n");
        journal_error = ECONNREFUSED;
        expect_line(true, say_explained, "<4>one PRIORITY=0: Input/output error\n<4>text\n");
        expect_line(false, say_explained, "one PRIORITY=0: Input/output error\ntext\n");
        assert_string_equal(log_entry, "");
}

static void say_transaction(void) {
        log_transaction_info(INT64_C(7), "reversed (%s)", "00");
        log_transaction_debug(INT64_C(8), "not at this level");
        log_warning("text");
}

static void say_long(void) {
        char text[3000];

        memset(text, 'x', sizeof(text) - 1);
        text[sizeof(text) - 1] = '\0';
        log_about(LOG_INFO, 0, &(struct log_about){ .transaction = 9 }, "%s", text);
        log_warning("text");
}

static void log_about_transactions(void **state) {
        journal_error = 0;
        expect_line(true, say_transaction, "<4>text\n");
        assert_string_equal(log_entry,
                            "PRIORITY=6\nSYSLOG_IDENTIFIER=test-base\nMESSAGE=Transaction 7: reversed (00)\n"
                            "TILLD_TRANSACTION=7\n");
        expect_line(false, say_transaction, "Transaction 7: reversed (00)\ntext\n");
        /* The end of a long line is left out, not its fields. */
        expect_line(true, say_long, "<4>text\n");
        assert_non_null(strstr(log_entry, "xxx\nTILLD_TRANSACTION=9\n"));
}

static void phones(void **state) {
        static const char *const good[] = { "+8613800138000", "+447400123456", "+1234567", "+123456789012345" };
        static const char *const bad[] = { "",
                                           "+",
                                           "13800138000",
                                           "+0613800138000",
                                           "+123456",
                                           "+1234567890123456",
                                           "+86 13800138000",
                                           "+86138001380x0",
                                           "008613800138000" };
        static const struct {
                const char *phone, *masked;
        } masks[] = {
                { "+8613800138000", "+86*******8000" },
                { "+447400123456", "+44******3456" },
                { "+123456789012345", "+12*********2345" },
                { "+1234567", "****4567" },
                { "1234", "****" },
                { "", "" },
                { "+1234567890123456789", "+12*********2345" },
        };
        char masked[PHONE_SIZE];

        for (size_t i = 0; i < ELEMENTSOF(good); i++)
                assert_true(phone_is_valid(good[i]));
        for (size_t i = 0; i < ELEMENTSOF(bad); i++)
                assert_false(phone_is_valid(bad[i]));
        for (size_t i = 0; i < ELEMENTSOF(masks); i++) {
                phone_mask(masks[i].phone, masked);
                assert_string_equal(masked, masks[i].masked);
        }
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(amount_texts),      cmocka_unit_test(currencies),
                cmocka_unit_test(hex_texts),         cmocka_unit_test(secrets),
                cmocka_unit_test(secrets_are_wiped), cmocka_unit_test(config_files),
                cmocka_unit_test(odd_config_files),  cmocka_unit_test(log_levels),
                cmocka_unit_test(log_entries),       cmocka_unit_test(log_about_transactions),
                cmocka_unit_test(secrets_unlocked),  cmocka_unit_test(phones),
        };

        return cmocka_run_group_tests_name("base", tests, NULL, NULL);
}
