// SPDX-License-Identifier: LGPL-2.1-or-later
/* The exception file. The hashes are openssl dgst's. */
#include "test.h"

#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <fcntl.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include "base/hex.h"
#include "base/log.h"
#include "canary.h"
#include "transaction/exceptions.h"

#define SALT "000102030405060708090A0B0C0D0E0F"
/* printf %s 6200000000000005 | openssl dgst -sha256 -mac HMAC -macopt hexkey:000102030405060708090A0B0C0D0E0F */
#define HASH "31F9F050F9BB24506A64747FE46C37C931325D497267BA43767F50C1146C8B1C"

static char path[] = "/tmp/test-exceptions-XXXXXX";

static int load_file(struct exceptions **ret) {
        return exceptions_load(path, geteuid(), getegid(), ret);
}

static int load(const char *text, struct exceptions **ret) {
        FILE *f = fopen(path, "we");

        assert_non_null(f);
        assert_true(fputs(text, f) >= 0);
        assert_int_equal(fclose(f), 0);
        return load_file(ret);
}

static int setup(void **state) {
        int fd = mkstemp(path);

        log_set_max_level(LOG_EMERG);
        return fd < 0 ? -1 : close(fd);
}

static int teardown(void **state) {
        return unlink(path);
}

static void listed(void **state) {
        _cleanup_(exceptions_freep) struct exceptions *x = NULL;

        assert_int_equal(load("# of the acquirer, 2026-11-21\nsalt=" SALT "\n\n" HASH "\n", &x), 0);
        assert_int_equal(exceptions_count(x), 1);
        assert_int_equal(exceptions_has_pan(x, "6200000000000005"), 1);
        assert_int_equal(exceptions_has_pan(x, "6200000000000013"), 0);
        assert_int_equal(exceptions_has_pan(x, "620000000000000"), 0);
        assert_int_equal(exceptions_has_pan(x, ""), 0);
}

static void number(unsigned i, char ret[static 20]) {
        snprintf(ret, 20, "62000000000%05u", i);
}

/* Many, in no order: each is found, and no other. */
static void long_list(void **state) {
        _cleanup_(exceptions_freep) struct exceptions *x = NULL;
        uint8_t salt[16], hash[32];
        char hex[65], pan[20];
        FILE *f = fopen(path, "we");

        assert_non_null(f);
        fputs("salt=" SALT "\n", f);
        assert_int_equal(hex_decode(SALT, salt, sizeof(salt)), sizeof(salt));
        for (unsigned i = 0; i < 1000; i++) {
                number(i, pan);
                assert_non_null(
                        HMAC(EVP_sha256(), salt, sizeof(salt), (const uint8_t *) pan, strlen(pan), hash, NULL));
                hex_encode(hash, sizeof(hash), hex);
                fprintf(f, "%s\n", hex);
        }
        assert_int_equal(fclose(f), 0);
        assert_int_equal(load_file(&x), 0);
        assert_int_equal(exceptions_count(x), 1000);
        for (unsigned i = 0; i < 2000; i++) {
                number(i, pan);
                assert_int_equal(exceptions_has_pan(x, pan), i < 1000);
        }
}

static void no_list(void **state) {
        _cleanup_(exceptions_freep) struct exceptions *x = NULL;

        assert_int_equal(exceptions_load("/nonexistent/exceptions", 0, 0, &x), 0);
        assert_null(x);
        assert_int_equal(exceptions_count(x), 0);
        assert_int_equal(exceptions_has_pan(x, "6200000000000005"), 0);
        assert_int_equal(load("salt=" SALT "\n", &x), 0);
        assert_int_equal(exceptions_count(x), 0);
        assert_int_equal(exceptions_has_pan(x, "6200000000000005"), 0);
}

/* Others may neither read nor change it; the group only where it is ours. */
static void access_by_others(void **state) {
        static const struct {
                mode_t mode;
                bool our_group, refused;
        } cases[] = {
                { 0600, true, false }, { 0640, true, false },  { 0400, true, false }, { 0604, true, true },
                { 0602, true, true },  { 0600, false, false }, { 0640, false, true }, { 0620, false, true },
        };
        struct exceptions *x = NULL;
        const gid_t other = getegid() + 1;

        assert_int_equal(load("salt=" SALT "\n" HASH "\n", &x), 0);
        x = exceptions_free(x);
        for (size_t i = 0; i < ELEMENTSOF(cases); i++) {
                if (!cases[i].our_group && geteuid() != 0)
                        continue;
                assert_int_equal(chown(path, (uid_t) -1, cases[i].our_group ? getegid() : other), 0);
                assert_int_equal(chmod(path, cases[i].mode), 0);
                if ((load_file(&x) == -EPERM) != cases[i].refused)
                        fail_msg("mode %04o, %s group", cases[i].mode, cases[i].our_group ? "our" : "another");
                assert_int_equal(exceptions_count(x), cases[i].refused ? 0 : 1);
                x = exceptions_free(x);
        }
        assert_int_equal(chown(path, (uid_t) -1, getegid()), 0);
        assert_int_equal(chmod(path, 0600), 0);
        assert_int_equal(exceptions_load("/tmp", 0, 0, &x), -EINVAL);
}

/* As packaged, root:tilld 0640, whoever asks; and no account's own but tilld's, which could empty it. */
static void owner(void **state) {
        static const struct {
                uid_t uid;
                gid_t gid;
                mode_t mode;
                bool refused;
        } cases[] = {
                { 0, 71, 0640, false }, { 70, 71, 0640, false }, { 70, 71, 0600, false }, { 72, 71, 0640, true },
                { 72, 71, 0600, true }, { 72, 72, 0400, true },  { 0, 72, 0640, true },   { 0, 72, 0600, false },
                { 0, 0, 0640, true },   { 70, 71, 0644, true },
        };
        struct exceptions *x = NULL;

        if (geteuid() != 0) {
                print_message("skipped: who is not root cannot give a file away\n");
                skip();
        }
        assert_int_equal(load("salt=" SALT "\n" HASH "\n", &x), 0);
        x = exceptions_free(x);
        for (size_t i = 0; i < ELEMENTSOF(cases); i++) {
                assert_int_equal(chown(path, cases[i].uid, cases[i].gid), 0);
                assert_int_equal(chmod(path, cases[i].mode), 0);
                if (exceptions_load(path, 70, 71, &x) != (cases[i].refused ? -EPERM : 0))
                        fail_msg("%u:%u %04o", cases[i].uid, cases[i].gid, cases[i].mode);
                x = exceptions_free(x);
        }
        assert_int_equal(chown(path, 0, getegid()), 0);
        assert_int_equal(chmod(path, 0600), 0);
}

static void write_list(unsigned n) {
        FILE *f = fopen(path, "we");

        assert_non_null(f);
        fputs("salt=" SALT "\n", f);
        for (unsigned i = 0; i < n; i++)
                fprintf(f, "%064X\n", i);
        assert_int_equal(fclose(f), 0);
}

static size_t locked_kib(void) {
        char line[128];
        size_t kib = 0;
        FILE *f = fopen("/proc/self/status", "re");

        while (f && fgets(line, sizeof(line), f))
                if (sscanf(line, "VmLck: %zu kB", &kib) == 1)
                        break;
        if (f)
                fclose(f);
        return kib;
}

/* tilld has no capability. Half of its unit's LimitMEMLOCK= is for keys and cards. */
static void load_as_tilld(void) {
        const struct rlimit limit = { 8 << 20, 8 << 20 };
        struct exceptions *x = NULL;

        if (setrlimit(RLIMIT_MEMLOCK, &limit) < 0 || setgid(65534) < 0 || setuid(65534) < 0)
                _exit(2);
        if (load_file(&x) < 0 || exceptions_count(x) != EXCEPTIONS_MAX)
                _exit(3);
        _exit(locked_kib() >= EXCEPTIONS_MAX / 32 ? 0 : 4);
}

/* The longest list that is taken is locked in memory, all of it. */
static void longest(void **state) {
        struct exceptions *x = NULL;
        int status;
        pid_t pid;

        write_list(EXCEPTIONS_MAX + 1);
        assert_int_equal(load_file(&x), -EINVAL);
        if (geteuid() != 0) {
                print_message("skipped: what is locked without the capability for it\n");
                skip();
        }
        write_list(EXCEPTIONS_MAX);
        assert_int_equal(chown(path, 65534, 65534), 0);
        pid = fork();
        assert_true(pid >= 0);
        if (pid == 0)
                load_as_tilld();
        assert_int_equal(waitpid(pid, &status, 0), pid);
        assert_int_equal(chown(path, 0, getegid()), 0);
        if (WIFEXITED(status) && WEXITSTATUS(status) == 2) {
                print_message("skipped: no more may be locked here\n");
                skip();
        }
        assert_int_equal(status, 0);
}

/* Digits alone, as canary.h looks for them: in the file as text, in memory as nibbles. */
#define SALT_DIGITS "48150062339571648820395746103928"
#define HASH_DIGITS "7351902846650391827465530918273645109283746509182736450192837465"

static unsigned count_when_stopped(pid_t pid) {
        static const char *const needles[] = { SALT_DIGITS, HASH_DIGITS, NULL };
        int status;

        assert_int_equal(waitpid(pid, &status, WUNTRACED), pid);
        assert_true(WIFSTOPPED(status));
        return canary_scan(pid, needles);
}

/* Salt and hash are in one place each while they are loaded, and in none afterwards. */
static void wiped(void **state) {
        static const char text[] = "salt=" SALT_DIGITS "\n" HASH "\n" HASH_DIGITS "\n";
        _cleanup_close_ int fd = open(path, O_WRONLY | O_TRUNC | O_CLOEXEC);
        unsigned loaded, freed;
        pid_t pid;

        /* Not by stdio, which would keep a copy. */
        assert_int_equal(write(fd, text, sizeof(text) - 1), sizeof(text) - 1);
        pid = fork();
        assert_true(pid >= 0);
        if (pid == 0) {
                struct exceptions *x = NULL;

                if (load_file(&x) < 0)
                        _exit(1);
                raise(SIGSTOP);
                exceptions_free(x);
                raise(SIGSTOP);
                _exit(0);
        }
        loaded = count_when_stopped(pid);
        (void) kill(pid, SIGCONT);
        freed = count_when_stopped(pid);
        (void) kill(pid, SIGKILL);
        assert_int_equal(waitpid(pid, NULL, 0), pid);
        assert_int_equal(loaded, 2);
        assert_int_equal(freed, 0);
}

static void bad_lists(void **state) {
        static const char *const texts[] = {
                HASH "\n",
                "salt=00\n",
                "salt=" SALT "00\n",
                "salt=" SALT "\nsalt=" SALT "\n",
                "salt=" SALT "\n" HASH "00\n",
                "salt=" SALT "\n6200000000000005\n",
                "salt=" SALT "\nG" HASH "\n",
                "salt=" SALT "\n " HASH "\n",
                "salt=G0102030405060708090A0B0C0D0E0F0\n",
        };
        struct exceptions *x = NULL;

        for (size_t i = 0; i < ELEMENTSOF(texts); i++)
                if (load(texts[i], &x) != -EINVAL)
                        fail_msg("taken: %s", texts[i]);
        assert_null(x);
}

/* A line has no longest: what is a comment is one to its end. */
static void long_lines(void **state) {
        _cleanup_(exceptions_freep) struct exceptions *x = NULL;

        for (int n = 1; n < 9000; n = n < 300 ? n + 1 : 2 * n) {
                FILE *f = fopen(path, "we");

                assert_non_null(f);
                fprintf(f, "salt=" SALT "\n#%*s\n" HASH "\n# at the end%*s", n, "", n, "x");
                assert_int_equal(fclose(f), 0);
                if (load_file(&x) < 0 || exceptions_count(x) != 1)
                        fail_msg("a comment of %d", n);
                x = exceptions_free(x);
        }
}

/* What the log says of the file. */
static void get_complaint(char *ret, size_t size) {
        struct exceptions *x = NULL;
        int fds[2], saved = dup(STDERR_FILENO);
        ssize_t n;

        assert_int_equal(pipe2(fds, O_CLOEXEC), 0);
        assert_true(dup2(fds[1], STDERR_FILENO) >= 0);
        log_set_max_level(LOG_ERR);
        assert_int_equal(load_file(&x), -EINVAL);
        log_set_max_level(LOG_EMERG);
        assert_true(dup2(saved, STDERR_FILENO) >= 0);
        close(saved);
        close(fds[1]);
        n = read(fds[0], ret, size - 1);
        close(fds[0]);
        assert_true(n > 0);
        ret[n] = '\0';
}

/* The number of the line that is wrong, behind one that is long; and never what is in it. */
static void line_number(void **state) {
#define WRONG(text)                                                                                                   \
        { text "\n", sizeof(text) }
        static const struct {
                const char *text;
                size_t size;
        } lines[] = { WRONG(HASH "0"), WRONG(HASH HASH HASH HASH), WRONG("\0" HASH), WRONG(HASH "\0") };
#undef WRONG
        char expected[64], text[512];

        for (size_t i = 0; i < ELEMENTSOF(lines); i++) {
                FILE *f = fopen(path, "we");

                assert_non_null(f);
                fprintf(f, "#%300s\nsalt=" SALT "\n\n", "");
                assert_int_equal(fwrite(lines[i].text, 1, lines[i].size, f), lines[i].size);
                assert_int_equal(fclose(f), 0);
                get_complaint(text, sizeof(text));
                snprintf(expected, sizeof(expected), "%s:4: ", path);
                if (!startswith(text, expected) || strstr(text, "31F9"))
                        fail_msg("line %zu: %s", i, text);
        }
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(listed),      cmocka_unit_test(long_list),        cmocka_unit_test(longest),
                cmocka_unit_test(no_list),     cmocka_unit_test(access_by_others), cmocka_unit_test(owner),
                cmocka_unit_test(wiped),       cmocka_unit_test(bad_lists),        cmocka_unit_test(long_lines),
                cmocka_unit_test(line_number),
        };

        return cmocka_run_group_tests_name("transaction-exceptions", tests, setup, teardown);
}
