// SPDX-License-Identifier: LGPL-2.1-or-later
/* What the queue of notices leaves behind, on the disk and in memory: no number and no code. */
#include "test.h"

#include <fcntl.h>
#include <signal.h>
#include <sys/wait.h>

#include "base/secret.h"
#include "canary.h"
#include "notices-fixture.h"

#define CANARY_CODE "48291375"

static bool file_has(const char *name, const char *needle) {
        _cleanup_free_ char *data = malloc(4 << 20);
        _cleanup_close_ int fd = -EBADF;
        char path[64];
        ssize_t n;

        assert_non_null(data);
        snprintf(path, sizeof(path), "%s/%s", shop.dir, name);
        fd = open(path, O_RDONLY | O_CLOEXEC);
        assert_true(fd >= 0);
        n = read(fd, data, 4 << 20);
        assert_true(n > 0);
        return memmem(data, (size_t) n, needle, strlen(needle));
}

/* Sent, failed, waiting, and one that is stored nowhere; what the test itself has is wiped. */
static void work(bool forgetful) {
        const struct notice_order begun = {
                .event = NOTICE_BINDING,
                .what = NOTICE_TEXT_LOST_BEGUN,
                .fields = { .phone = OTHER_PHONE, .code = CANARY_CODE },
        };
        struct notice_order now_order = code;
        struct notices_now *n = NULL;

        now_order.fields.code = CANARY_CODE;
        start_tilld();
        bind_phone(PHONE);
        enrol(CONTACT_PHONE, "13912345678@example.com", "mail", "en");
        secret_wipe_stack();
        (void) add(&begun, NOTICE_TO_ALL);
        channels.error[NOTICE_SMS] = channels.error[NOTICE_HOOK] = channels.error[NOTICE_MAIL] = -EIO;
        channels.text = "not to " PHONE;
        (void) add(&begun, NOTICE_TO_ALL);
        assert_int_equal(notices_send_now(shop.engine->notices, &now_order, OTHER_PHONE, now_done, NULL, &n), 0);
        run();
        notices_now_free(n);
        if (!forgetful)
                explicit_bzero(channels.sent, sizeof(channels.sent));
}

static unsigned scan(bool forgetful) {
        static const char *const needles[] = { "13800138000", "13800138001", "13800138002",
                                               "13912345678", CANARY_CODE,   NULL };
        unsigned found;
        int status;
        pid_t pid;

        stop_tilld();
        pid = fork();
        assert_true(pid >= 0);
        if (pid == 0) {
                /* That of the parent is the parent's. */
                assert_int_equal(sd_event_new(&shop.event), 0);
                work(forgetful);
                (void) raise(SIGSTOP);
                _exit(0);
        }
        assert_int_equal(waitpid(pid, &status, WUNTRACED), pid);
        assert_true(WIFSTOPPED(status));
        found = canary_scan(pid, needles);
        for (size_t i = 0; needles[i]; i++) {
                assert_false(file_has("test.db", needles[i]));
                assert_false(file_has("test.db-wal", needles[i]));
        }
        /* The search finds what is there. */
        assert_true(file_has("test.db-wal", "+86*******8000"));
        assert_int_equal(kill(pid, SIGKILL), 0);
        assert_int_equal(waitpid(pid, &status, 0), pid);
        start_tilld();
        return found;
}

static void canary(void **state) {
        assert_int_equal(scan(false), 0);
}

/* What is there is found: here the channels of the test keep what they were given. */
static void canary_that_is_there(void **state) {
        assert_true(scan(true) > 0);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                NOTICES_TEST(canary),
                NOTICES_TEST(canary_that_is_there),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
