// SPDX-License-Identifier: LGPL-2.1-or-later
/* Operators: whose code is right, what wrong ones lead to, and that no code stays anywhere. */
#include "test.h"

#include <fcntl.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <systemd/sd-id128.h>

#include "base/clock.h"
#include "base/log.h"
#include "canary.h"
#include "journal/event.h"
#include "shop-settings.h"
#include "transaction/announce.h"
#include "transaction/notices.h"
#include "transaction/operators.h"
#include "transaction/scrypt.h"

#define MINUTE (60 * USEC_PER_SEC)
#define DAY (24 * 60 * MINUTE)

/* Nothing but a code is made of these digits. */
#define CANARY "83619274"
#define CANARY_WRONG "74928163"

static const uint8_t key[JOURNAL_KEY_SIZE] = { 1 };
static char dir[32], path[64];
static struct journal *j;
static sd_event *event;
static struct operators *operators;
static struct settings settings;

static struct {
        uint64_t realtime, boottime;
        unsigned boot;
} machine;

/* What the last call has come to. */
static struct {
        unsigned called;
        enum refusal_code code;
        char text[256];
        char number[3];
} got;

int __wrap_clock_gettime(clockid_t id, struct timespec *ret);
int __wrap_sd_id128_get_boot(sd_id128_t *ret);

int __wrap_clock_gettime(clockid_t id, struct timespec *ret) {
        uint64_t usec = id == CLOCK_REALTIME ? machine.realtime : machine.boottime;

        *ret = (struct timespec){ .tv_sec = (time_t) (usec / USEC_PER_SEC),
                                  .tv_nsec = (long) (usec % USEC_PER_SEC * 1000) };
        return 0;
}

int __wrap_sd_id128_get_boot(sd_id128_t *ret) {
        *ret = (sd_id128_t){};
        ret->bytes[15] = (uint8_t) machine.boot;
        return 0;
}

/* Most of these tests are about counting. */
static bool real_cost;

int __wrap_scrypt_new(sd_event *e, const char *secret, const uint8_t salt[static SCRYPT_SALT_SIZE], uint32_t cost,
                      scrypt_done_t done, void *userdata, struct scrypt **ret);
int __real_scrypt_new(sd_event *e, const char *secret, const uint8_t salt[static SCRYPT_SALT_SIZE], uint32_t cost,
                      scrypt_done_t done, void *userdata, struct scrypt **ret);

int __wrap_scrypt_new(sd_event *e, const char *secret, const uint8_t salt[static SCRYPT_SALT_SIZE], uint32_t cost,
                      scrypt_done_t done, void *userdata, struct scrypt **ret) {
        assert_int_equal(cost, SCRYPT_COST);
        return __real_scrypt_new(e, secret, salt, real_cost ? cost : 2, done, userdata, ret);
}

/* Who is told: each lock once, in its commit, and sent behind that. */
static struct {
        unsigned locks, kicks;
        char number[3];
        int error;
} told;

int __wrap_announce_locked_operator(struct notices *n, const char *number);
int __wrap_announce_locked_operator(struct notices *n, const char *number) {
        assert_true(journal_is_open(j));
        told.locks++;
        COPY(told.number, number);
        return told.error;
}

void __wrap_notices_kick(struct notices *n);
void __wrap_notices_kick(struct notices *n) {
        assert_false(journal_is_open(j));
        assert_int_equal(++told.kicks, told.locks);
}

static void start_tilld(void) {
        assert_int_equal(journal_open(path, key, &j, NULL), 0);
        assert_int_equal(operators_new(event, j, &settings, NULL, &operators), 0);
}

static void stop_tilld(void) {
        operators = operators_free(operators);
        j = journal_close(j);
}

static void reboot_after(uint64_t off) {
        stop_tilld();
        machine.boot++;
        machine.realtime += off;
        machine.boottime = 0;
        start_tilld();
}

static int setup(void **state) {
        log_set_max_level(LOG_EMERG);
        strcpy(dir, "/tmp/test-operators-XXXXXX");
        if (!mkdtemp(dir))
                return -1;
        snprintf(path, sizeof(path), "%s/journal.db", dir);
        settings = shop_settings();
        machine.realtime = UINT64_C(1790000000) * USEC_PER_SEC;
        machine.boottime = 10 * MINUTE;
        machine.boot = 1;
        real_cost = false;
        assert_int_equal(sd_event_new(&event), 0);
        start_tilld();
        return 0;
}

static int teardown(void **state) {
        char command[64];

        stop_tilld();
        event = sd_event_unref(event);
        snprintf(command, sizeof(command), "rm -r %s", dir);
        return system(command);
}

static void on_done(const struct refusal *refusal, const char *number, void *userdata) {
        got.called++;
        got.code = refusal ? refusal->code : REFUSAL_NONE;
        COPY(got.text, refusal ? refusal->text : "");
        COPY(got.number, number);
}

static struct operators_call call_with(const char *line) {
        struct operators_call call = {
                .fd = memfd_create("code", MFD_CLOEXEC),
                .by = "uid 1000",
                .done = on_done,
        };

        assert_true(call.fd >= 0);
        assert_int_equal(write(call.fd, line, strlen(line)), strlen(line));
        memset(&got, 0, sizeof(got));
        return call;
}

/* Waits for what was begun, unless it was refused at once. */
static enum refusal_code end(struct operators_call *call, int r, const struct refusal *refusal) {
        safe_close(call->fd);
        if (r < 0) {
                COPY(got.text, refusal->text);
                return refusal->code;
        }
        for (int i = 0; i < 5000 && got.called == 0; i++)
                assert_true(sd_event_run(event, 20000) >= 0);
        assert_int_equal(got.called, 1);
        return got.code;
}

static enum refusal_code add(const char *number, const char *role, const char *code) {
        struct operators_call call = call_with(code);
        struct refusal refusal;

        return end(&call, operators_add(operators, &call, number, role, &refusal), &refusal);
}

static enum refusal_code set_code(const char *number, const char *code) {
        struct operators_call call = call_with(code);
        struct refusal refusal;

        return end(&call, operators_set_code(operators, &call, number, &refusal), &refusal);
}

static enum refusal_code log_on(const char *line) {
        struct operators_call call = call_with(line);
        struct refusal refusal;

        return end(&call, operators_log_on(operators, &call, &refusal), &refusal);
}

static enum refusal_code check(const char *line, enum operator_role least) {
        struct operators_call call = call_with(line);
        struct refusal refusal;

        return end(&call, operators_check(operators, &call, least, &refusal), &refusal);
}

/* "" when a transaction would be refused. */
static const char *number_of_transaction(void) {
        static char number[3];
        struct refusal refusal;

        number[0] = '\0';
        if (operators_get_number(operators, number, &refusal) < 0) {
                assert_int_equal(refusal.code, REFUSAL_NOT_LOGGED_ON);
                assert_non_null(strstr(refusal.text, "tillctl operator log-on"));
        }
        return number;
}

static void assert_says(const char *words) {
        if (!strstr(got.text, words))
                fail_msg("\"%s\" is not in \"%s\"", words, got.text);
}

/* Newest last, words with blanks between. */
static int note_event(const struct event_record *e, void *userdata) {
        strcat(userdata, e->kind);
        strcat(userdata, " ");
        /* It is JSON, and by somebody. */
        assert_non_null(strstr(e->text, "\"by\":\"uid 1000\"}"));
        return 0;
}

static void assert_events(const char *expected) {
        char words[1024] = "";

        assert_int_equal(event_each(j, 0, 0, 0, note_event, words), 0);
        assert_string_equal(words, expected);
}

static void without_operators(void **state) {
        struct refusal refusal;

        assert_string_equal(number_of_transaction(), "01");
        assert_int_equal(log_on("02 1234"), REFUSAL_NOT_FOUND);
        assert_int_equal(operators_log_off(operators, "uid 1000", &refusal), 0);
        assert_events("");
}

static void work(void **state) {
        struct operator_record record;
        struct refusal refusal;

        assert_int_equal(add("07", "supervisor", "70707070\n"), REFUSAL_NONE);
        /* Supervisors alone: they approve, and whoever is at the till sells as before. */
        assert_string_equal(number_of_transaction(), "01");
        assert_int_equal(add("02", "cashier", "2468"), REFUSAL_NONE);
        assert_string_equal(number_of_transaction(), "");

        assert_int_equal(log_on("02 2468\n"), REFUSAL_NONE);
        assert_string_equal(got.number, "02");
        assert_string_equal(number_of_transaction(), "02");
        /* It survives a restart, and a boot. */
        reboot_after(MINUTE);
        assert_string_equal(number_of_transaction(), "02");
        assert_int_equal(log_on("07 70707070"), REFUSAL_NONE);
        assert_int_equal(operators_get_logged_on(operators, &record), 0);
        assert_int_equal(record.role, OPERATOR_SUPERVISOR);
        assert_int_equal(operators_log_off(operators, "uid 1000", &refusal), 0);
        assert_string_equal(number_of_transaction(), "");
        /* Again is nothing new. */
        assert_int_equal(operators_log_off(operators, "uid 1000", &refusal), 0);

        assert_int_equal(log_on("02 2468"), REFUSAL_NONE);
        assert_int_equal(operators_remove(operators, "02", "uid 1000", &refusal), 0);
        assert_string_equal(number_of_transaction(), "01");
        assert_int_equal(log_on("02 2468"), REFUSAL_NOT_FOUND);
        assert_true(operators_remove(operators, "02", "uid 1000", &refusal) < 0);
        assert_int_equal(refusal.code, REFUSAL_NOT_FOUND);
        assert_events("operator-added operator-added logged-on logged-on logged-off logged-on operator-removed ");
}

static void malformed(void **state) {
        static const char *const lines[] = {
                "",         "\n",          "2468",     "02",          "02 ",    "02 246",  "02 123456789",
                "02  2468", "02 24 68",    "02 246a",  " 02 2468",    "2 2468", "0x 2468", "02 2468 ",
                "02\t2468", "02 2468\r\n", "02 -2468", "02 ２４６８",
        };
        static const char *const codes[] = { "", "123", "123456789", "12a4", " 1234", "1234 ", "02 1234" };

        assert_int_equal(add("02", "cashier", "2468"), REFUSAL_NONE);
        for (size_t i = 0; i < ELEMENTSOF(lines); i++)
                assert_int_equal(log_on(lines[i]), REFUSAL_INVALID_CODE);
        for (size_t i = 0; i < ELEMENTSOF(codes); i++) {
                assert_int_equal(add("03", "cashier", codes[i]), REFUSAL_INVALID_CODE);
                assert_int_equal(set_code("02", codes[i]), REFUSAL_INVALID_CODE);
        }
        assert_int_equal(add("3", "cashier", "1234"), REFUSAL_INVALID_OPERATOR);
        assert_int_equal(add("003", "cashier", "1234"), REFUSAL_INVALID_OPERATOR);
        assert_int_equal(add("03", "boss", "1234"), REFUSAL_INVALID_OPERATOR);
        assert_int_equal(add("02", "cashier", "1234"), REFUSAL_OPERATOR_EXISTS);
        assert_int_equal(set_code("03", "1234"), REFUSAL_NOT_FOUND);
        /* None of them counts as a wrong code. */
        assert_events("operator-added ");
        assert_int_equal(log_on("02 2468"), REFUSAL_NONE);
}

static void roles(void **state) {
        assert_int_equal(add("01", "administrator", "1111"), REFUSAL_NONE);
        assert_int_equal(add("02", "supervisor", "2222"), REFUSAL_NONE);
        assert_int_equal(add("03", "cashier", "3333"), REFUSAL_NONE);
        assert_int_equal(check("01 1111", OPERATOR_SUPERVISOR), REFUSAL_NONE);
        assert_string_equal(got.number, "01");
        assert_int_equal(check("02 2222", OPERATOR_SUPERVISOR), REFUSAL_NONE);
        assert_int_equal(check("02 2222", OPERATOR_ADMINISTRATOR), REFUSAL_WRONG_ROLE);
        assert_says("Operator 02 is a supervisor: this takes an administrator");
        /* It says nothing about the code, and does not count. */
        for (int i = 0; i < 6; i++)
                assert_int_equal(check("03 9999", OPERATOR_SUPERVISOR), REFUSAL_WRONG_ROLE);
        assert_int_equal(check("03 3333", OPERATOR_CASHIER), REFUSAL_NONE);
        /* Nobody is logged on by that. */
        assert_string_equal(number_of_transaction(), "");
        assert_events("operator-added operator-added operator-added ");
}

static void wrong_codes(unsigned n) {
        for (unsigned i = 1; i <= n; i++) {
                char left[32];

                assert_int_equal(log_on("02 0000"), i == 5 ? REFUSAL_LOCKED_OUT : REFUSAL_WRONG_CODE);
                snprintf(left, sizeof(left), "locked: %u. ", 5 - i);
                if (i < 5)
                        assert_says(left);
        }
}

static void locks(void **state) {
        /* Minutes. */
        static const unsigned lengths[] = { 5, 10, 20, 40, 80, 160, 320, 640, 1280, 1440, 1440 };

        assert_int_equal(add("02", "cashier", "2468"), REFUSAL_NONE);
        for (size_t i = 0; i < ELEMENTSOF(lengths); i++) {
                wrong_codes(5);
                machine.boottime += lengths[i] * MINUTE - USEC_PER_SEC;
                /* Also the right one: whoever tries learns nothing. */
                assert_int_equal(log_on("02 2468"), REFUSAL_LOCKED_OUT);
                assert_says("locked for 0 min 1 s");
                machine.boottime += USEC_PER_SEC;
        }
        assert_int_equal(log_on("02 2468"), REFUSAL_NONE);
        /* A right code forgets the wrong ones. */
        wrong_codes(4);
        assert_int_equal(log_on("02 2468"), REFUSAL_NONE);
        wrong_codes(5);
        assert_says("locked for 5 min 0 s");
        machine.boottime += 5 * MINUTE;
        assert_int_equal(log_on("02 2468"), REFUSAL_NONE);
}

static void locks_are_told(void **state) {
        memset(&told, 0, sizeof(told));
        assert_int_equal(add("02", "cashier", "2468"), REFUSAL_NONE);
        wrong_codes(4);
        assert_int_equal(log_on("02 2468"), REFUSAL_NONE);
        assert_int_equal(told.locks, 0);
        wrong_codes(5);
        assert_int_equal(told.locks, 1);
        assert_int_equal(told.kicks, 1);
        assert_string_equal(told.number, "02");
        /* Nobody is told again of a lock that stands. */
        assert_int_equal(log_on("02 2468"), REFUSAL_LOCKED_OUT);
        assert_int_equal(told.locks, 1);
        memset(&told, 0, sizeof(told));
}

/* Neither the clock nor the plug makes a lock shorter, or forgets a wrong code. */
static void locks_stand(void **state) {
        assert_int_equal(add("02", "cashier", "2468"), REFUSAL_NONE);
        wrong_codes(3);
        reboot_after(DAY);
        assert_int_equal(log_on("02 0000"), REFUSAL_WRONG_CODE);
        assert_says("locked: 1. ");
        assert_int_equal(log_on("02 0000"), REFUSAL_LOCKED_OUT);

        machine.realtime += 365 * DAY;
        assert_int_equal(log_on("02 2468"), REFUSAL_LOCKED_OUT);
        reboot_after(DAY);
        assert_int_equal(log_on("02 2468"), REFUSAL_LOCKED_OUT);
        assert_says("locked for 5 min 0 s");
        machine.boottime = 5 * MINUTE - 1;
        assert_int_equal(log_on("02 2468"), REFUSAL_LOCKED_OUT);
        machine.boottime = 5 * MINUTE;
        assert_int_equal(log_on("02 2468"), REFUSAL_NONE);

        /* Nor longer: the uptime is saved with the lock. */
        machine.boottime = 60 * MINUTE;
        wrong_codes(5);
        reboot_after(0);
        assert_int_equal(log_on("02 2468"), REFUSAL_LOCKED_OUT);
        assert_says("locked for 5 min 0 s");
}

static void unlocking(void **state) {
        struct refusal refusal;

        assert_int_equal(add("02", "cashier", "2468"), REFUSAL_NONE);
        wrong_codes(5);
        assert_int_equal(operators_unlock(operators, "02", "uid 1000", &refusal), 0);
        assert_int_equal(log_on("02 2468"), REFUSAL_NONE);
        wrong_codes(5);
        assert_int_equal(set_code("02", "13579"), REFUSAL_NONE);
        assert_int_equal(log_on("02 2468"), REFUSAL_WRONG_CODE);
        assert_int_equal(log_on("02 13579"), REFUSAL_NONE);
        assert_true(operators_unlock(operators, "09", "uid 1000", &refusal) < 0);
        assert_int_equal(refusal.code, REFUSAL_NOT_FOUND);
        assert_events("operator-added wrong-code wrong-code wrong-code wrong-code operator-locked operator-unlocked "
                      "logged-on wrong-code wrong-code wrong-code wrong-code operator-locked operator-code-set "
                      "wrong-code logged-on ");
}

/* Many at once are no way around the lock: each is counted before the next one's turn. */
static void at_once(void **state) {
        struct operators_call calls[9];
        struct refusal refusal;

        assert_int_equal(add("02", "cashier", "2468"), REFUSAL_NONE);
        for (size_t i = 0; i < 8; i++) {
                calls[i] = call_with(i < 5 ? "02 0000" : "02 2468");
                assert_int_equal(operators_log_on(operators, calls + i, &refusal), 0);
        }
        calls[8] = call_with("02 2468");
        assert_true(operators_log_on(operators, calls + 8, &refusal) < 0);
        assert_int_equal(refusal.code, REFUSAL_BUSY);
        for (int i = 0; i < 5000 && got.called < 8; i++)
                assert_true(sd_event_run(event, 20000) >= 0);
        assert_int_equal(got.called, 8);
        assert_int_equal(got.code, REFUSAL_LOCKED_OUT);
        assert_string_equal(number_of_transaction(), "");
        for (size_t i = 0; i < ELEMENTSOF(calls); i++)
                safe_close(calls[i].fd);
}

/* The event loop has its turns while a code is being hashed. */
static void loop_goes_on(void **state) {
        struct operators_call call;
        struct refusal refusal;
        unsigned turns = 0;

        real_cost = true;
        assert_int_equal(add("02", "cashier", "2468"), REFUSAL_NONE);
        call = call_with("02 2468");
        assert_int_equal(operators_log_on(operators, &call, &refusal), 0);
        while (got.called == 0 && turns < 100000) {
                assert_true(sd_event_run(event, 100) >= 0);
                turns++;
        }
        assert_int_equal(got.code, REFUSAL_NONE);
        assert_in_range(turns, 10, 99999);
        safe_close(call.fd);
}

/* Who is still waiting when tilld stops has an answer, and nothing is changed behind it. */
static void stopped(void **state) {
        struct operators_call call;
        struct refusal refusal;

        real_cost = true;
        assert_int_equal(add("02", "cashier", "2468"), REFUSAL_NONE);
        call = call_with("02 2468");
        assert_int_equal(operators_log_on(operators, &call, &refusal), 0);
        for (int i = 0; i < 3; i++)
                assert_true(sd_event_run(event, 0) >= 0);
        stop_tilld();
        assert_int_equal(got.called, 1);
        assert_int_equal(got.code, REFUSAL_NOT_READY);
        safe_close(call.fd);
        start_tilld();
        assert_string_equal(number_of_transaction(), "");
}

/* ---- Where codes are not ---- */

static bool file_has(const char *name, const char *digits) {
        char file[128];
        struct stat st;
        uint8_t *data;
        bool found;
        int fd;

        snprintf(file, sizeof(file), "%s/%s", dir, name);
        fd = open(file, O_RDONLY | O_CLOEXEC);
        if (fd < 0)
                return false;
        assert_int_equal(fstat(fd, &st), 0);
        data = malloc((size_t) st.st_size + 1);
        assert_non_null(data);
        assert_int_equal(read(fd, data, (size_t) st.st_size), st.st_size);
        found = memmem(data, (size_t) st.st_size, digits, strlen(digits)) != NULL;
        free(data);
        safe_close(fd);
        return found;
}

/* Enrols, logs on and is wrong, with lines from fds that this process has never read itself; then stops. */
static void work_with(const int fds[static 3], const char *log) {
        struct operators_call call = { .by = "uid 1000", .done = on_done };
        struct refusal refusal;

        log_set_max_level(LOG_DEBUG);
        real_cost = true;
        if (!freopen(log, "w", stderr))
                _exit(1);
        start_tilld();
        for (int i = 0; i < 3; i++) {
                int r;

                got.called = 0;
                call.fd = fds[i];
                r = i == 0 ? operators_add(operators, &call, "02", "cashier", &refusal)
                           : operators_log_on(operators, &call, &refusal);
                if (r < 0)
                        _exit(2);
                for (int k = 0; k < 500 && got.called == 0; k++)
                        if (sd_event_run(event, 20000) < 0)
                                _exit(3);
                if (got.code != (i < 2 ? REFUSAL_NONE : REFUSAL_WRONG_CODE))
                        _exit(4);
        }
        fflush(stderr);
        (void) raise(SIGSTOP);
        stop_tilld();
        _exit(0);
}

static void canary(void **state) {
        static const char *const lines[] = { CANARY "\n", "02 " CANARY "\n", "02 " CANARY_WRONG "\n" };
        static const char *const needles[] = { CANARY, CANARY_WRONG, NULL };
        int fds[3], status;
        char log[64];
        pid_t pid;

        stop_tilld();
        snprintf(log, sizeof(log), "%s/log", dir);
        for (int i = 0; i < 3; i++) {
                int ends[2];

                assert_int_equal(pipe2(ends, O_CLOEXEC), 0);
                assert_int_equal(write(ends[1], lines[i], strlen(lines[i])), strlen(lines[i]));
                fds[i] = ends[0];
                safe_close(ends[1]);
        }
        event = sd_event_unref(event);
        pid = fork();
        assert_true(pid >= 0);
        if (pid == 0) {
                if (sd_event_new(&event) < 0)
                        _exit(5);
                work_with(fds, log);
        }
        assert_int_equal(waitpid(pid, &status, WUNTRACED), pid);
        assert_true(WIFSTOPPED(status));
        /* In no memory that is written, … */
        assert_int_equal(canary_scan(pid, needles), 0);
        /* … no file, and no line of the log. */
        for (size_t i = 0; needles[i]; i++) {
                assert_false(file_has("journal.db", needles[i]));
                assert_false(file_has("journal.db-wal", needles[i]));
                assert_false(file_has("log", needles[i]));
        }
        /* The search finds what is there: the number of whom it was about. */
        assert_true(file_has("journal.db-wal", "\"operator\":\"02\""));
        assert_int_equal(kill(pid, SIGCONT), 0);
        assert_int_equal(waitpid(pid, &status, 0), pid);
        assert_int_equal(status, 0);
        for (int i = 0; i < 3; i++)
                safe_close(fds[i]);
        assert_int_equal(sd_event_new(&event), 0);
        start_tilld();
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test_setup_teardown(without_operators, setup, teardown),
                cmocka_unit_test_setup_teardown(work, setup, teardown),
                cmocka_unit_test_setup_teardown(malformed, setup, teardown),
                cmocka_unit_test_setup_teardown(roles, setup, teardown),
                cmocka_unit_test_setup_teardown(locks, setup, teardown),
                cmocka_unit_test_setup_teardown(locks_are_told, setup, teardown),
                cmocka_unit_test_setup_teardown(locks_stand, setup, teardown),
                cmocka_unit_test_setup_teardown(unlocking, setup, teardown),
                cmocka_unit_test_setup_teardown(at_once, setup, teardown),
                cmocka_unit_test_setup_teardown(loop_goes_on, setup, teardown),
                cmocka_unit_test_setup_teardown(stopped, setup, teardown),
                cmocka_unit_test_setup_teardown(canary, setup, teardown),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
