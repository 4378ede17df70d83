// SPDX-License-Identifier: LGPL-2.1-or-later
/* The exception file. The hashes are openssl dgst's. */
#include "test.h"

#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <signal.h>
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

static int load(const char *text, struct exceptions **ret) {
        FILE *f = fopen(path, "we");

        assert_non_null(f);
        assert_true(fputs(text, f) >= 0);
        assert_int_equal(fclose(f), 0);
        return exceptions_load(path, ret);
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
        assert_int_equal(exceptions_load(path, &x), 0);
        assert_int_equal(exceptions_count(x), 1000);
        for (unsigned i = 0; i < 2000; i++) {
                number(i, pan);
                assert_int_equal(exceptions_has_pan(x, pan), i < 1000);
        }
}

static void no_list(void **state) {
        _cleanup_(exceptions_freep) struct exceptions *x = NULL;

        assert_int_equal(exceptions_load("/nonexistent/exceptions", &x), 0);
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
                if ((exceptions_load(path, &x) == -EPERM) != cases[i].refused)
                        fail_msg("mode %04o, %s group", cases[i].mode, cases[i].our_group ? "our" : "another");
                assert_int_equal(exceptions_count(x), cases[i].refused ? 0 : 1);
                x = exceptions_free(x);
        }
        assert_int_equal(chown(path, (uid_t) -1, getegid()), 0);
        assert_int_equal(chmod(path, 0600), 0);
        assert_int_equal(exceptions_load("/tmp", &x), -EINVAL);
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

                if (exceptions_load(path, &x) < 0)
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

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(listed),           cmocka_unit_test(long_list), cmocka_unit_test(no_list),
                cmocka_unit_test(access_by_others), cmocka_unit_test(wiped),     cmocka_unit_test(bad_lists),
        };

        return cmocka_run_group_tests_name("transaction-exceptions", tests, setup, teardown);
}
