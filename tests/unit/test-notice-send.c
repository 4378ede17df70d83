// SPDX-License-Identifier: LGPL-2.1-or-later
/* One message is handed to till-notify: what it is given, and helpers that lie, die or are slow. */
#include "test.h"

#include "base/clock.h"
#include "base/sealed-file.h"
#include "fake-helper.h"
#include "notice/send.h"

#define DEADLINE (20 * USEC_PER_SEC)
#define PHONE "+8613800138000"

static sd_event *event;
static char directory[64];
static int listening;
static const char *name;

static struct notice_question question;
static char *strings; /* of the last question */

static struct outcome {
        bool come;
        int error;
        char text[200];
} outcome;

static void on_done(int error, const char *text, void *userdata) {
        assert_false(outcome.come);
        assert_ptr_equal(userdata, &outcome);
        outcome.come = true;
        outcome.error = error;
        COPY(outcome.text, text);
}

static void (*helper)(int fd);

static int on_connection(sd_event_source *s, int fd, uint32_t revents, void *userdata) {
        _cleanup_close_ int connection = accept4(fd, NULL, NULL, SOCK_CLOEXEC);
        int files[FAKE_FILES_MAX];

        assert_int_equal(fake_helper_take(connection, &question, sizeof(question), files), 1);
        free(strings);
        assert_int_equal(sealed_file_read(files[0], question.size, (uint8_t **) &strings), 0);
        safe_close(files[0]);
        if (helper)
                helper(connection);
        else /* silent, as long as the test lasts */
                (void) TAKE_FD(connection);
        return 0;
}

static void listen_as(const char *channel) {
        name = channel;
        listening = fake_helper_listen(directory, name);
}

static void stop_listening(void) {
        safe_close(listening);
        fake_helper_remove(directory, name);
}

static int setup(void **state) {
        (void) alarm(60);
        assert_int_equal(sd_event_new(&event), 0);
        outcome = (struct outcome){};
        helper = NULL;
        return 0;
}

static int teardown(void **state) {
        free(strings);
        strings = NULL;
        event = sd_event_unref(event);
        return 0;
}

static struct notice_call *start(enum notice_channel channel, const char *body, uint64_t deadline) {
        const struct notice_letter letter = {
                .channel = channel,
                .address = PHONE,
                .subject = "晨光便利店",
                .body = body,
                .event = "transaction",
                .language = "zh_CN",
                .directory = directory,
        };
        struct notice_call *call = NULL;

        assert_int_equal(notice_send(event, &letter, deadline, on_done, &outcome, &call), 0);
        assert_false(outcome.come);
        return call;
}

static void wait_for_answer(void) {
        sd_event_source *source = NULL;

        assert_true(sd_event_add_io(event, &source, listening, EPOLLIN, on_connection, NULL) >= 0);
        while (!outcome.come)
                assert_true(sd_event_run(event, UINT64_MAX) >= 0);
        sd_event_source_disable_unref(source);
        /* Nothing comes after it. */
        assert_int_equal(sd_event_run(event, 0), 0);
}

static void answer(int fd, uint32_t version, int32_t error, const char *text) {
        struct notice_answer packet = { .version = version, .error = error };

        memcpy(packet.text, text, MIN(strlen(text) + 1, sizeof(packet.text)));
        fake_helper_send(fd, &packet, sizeof(packet), NULL, 0);
}

static void takes(int fd) {
        answer(fd, NOTICE_VERSION, 0, "号码 17");
}

static void given_whole(void **state) {
        static const char expected[] = PHONE "\0晨光便利店\0收款 128.50 元\0transaction\0zh_CN";

        helper = takes;
        for (enum notice_channel channel = 0; channel < _NOTICE_CHANNEL_MAX; channel++) {
                _cleanup_(notice_call_freep) struct notice_call *call = NULL;

                outcome = (struct outcome){};
                listen_as(notice_channel_to_string(channel));
                call = start(channel, "收款 128.50 元", DEADLINE);
                wait_for_answer();
                stop_listening();
                assert_int_equal(outcome.error, 0);
                assert_string_equal(outcome.text, "号码 17");
                assert_int_equal(question.version, NOTICE_VERSION);
                assert_int_equal(question.size, sizeof(expected));
                assert_memory_equal(strings, expected, sizeof(expected));
        }
}

static void number_alone(void **state) {
        _cleanup_(notice_call_freep) struct notice_call *call = NULL;

        helper = takes;
        listen_as("number");
        assert_int_equal(notice_check_number(event, directory, PHONE, DEADLINE, on_done, &outcome, &call), 0);
        wait_for_answer();
        stop_listening();
        assert_int_equal(outcome.error, 0);
        assert_int_equal(question.size, sizeof(PHONE));
        assert_string_equal(strings, PHONE);
}

static void too_long(void **state) {
        char body[NOTICE_FILE_MAX];
        struct notice_call *call = NULL;

        memset(body, 'a', sizeof(body) - 1);
        body[sizeof(body) - 1] = '\0';
        assert_int_equal(
                notice_send(event,
                            &(struct notice_letter){
                                    .address = PHONE, .subject = "", .body = body, .event = "", .language = "" },
                            DEADLINE, on_done, &outcome, &call),
                -EMSGSIZE);
        assert_null(call);
}

static void dies(int fd) {
}
static void refuses(int fd) {
        answer(fd, NOTICE_VERSION, -ENODEV, "there is no modem");
}
static void is_of_another_version(int fd) {
        answer(fd, NOTICE_VERSION + 1, 0, "");
}
static void counts(int fd) {
        answer(fd, NOTICE_VERSION, 5, "");
}
static void has_no_such_error(int fd) {
        answer(fd, NOTICE_VERSION, INT32_MIN, "");
}
static void does_not_end(int fd) {
        char text[sizeof(((struct notice_answer *) NULL)->text) + 1];

        memset(text, 'a', sizeof(text) - 1);
        text[sizeof(text) - 1] = '\0';
        answer(fd, NOTICE_VERSION, 0, text);
}
static void controls_the_terminal(int fd) {
        answer(fd, NOTICE_VERSION, 0, "id \033[2J");
}
static void breaks_the_line(int fd) {
        answer(fd, NOTICE_VERSION, -EIO, "no\nPriority=0");
}
static void turns_the_text_around(int fd) {
        answer(fd, NOTICE_VERSION, -EIO, "no \u202e51");
}
static void is_no_utf8(int fd) {
        answer(fd, NOTICE_VERSION, 0, "\xff\xfe");
}
static void answers_in_part(int fd) {
        fake_helper_send(fd, &(struct notice_answer){ .version = NOTICE_VERSION }, 12, NULL, 0);
}
static void gives_a_file(int fd) {
        int file = sealed_file_new("fake", "abc", 3);

        fake_helper_send(fd, &(struct notice_answer){ .version = NOTICE_VERSION }, sizeof(struct notice_answer), &file,
                         1);
        safe_close(file);
}
static void gives_two_files(int fd) {
        int files[] = { sealed_file_new("fake", "abc", 3), sealed_file_new("fake", "abc", 3) };

        fake_helper_send(fd, &(struct notice_answer){ .version = NOTICE_VERSION }, sizeof(struct notice_answer), files,
                         2);
        safe_close(files[0]);
        safe_close(files[1]);
}

static void lies(void **state) {
        static const struct {
                void (*helper)(int fd);
                int error;
                const char *text;
        } cases[] = {
                { refuses, -ENODEV, "there is no modem" },
                { dies, -ECONNRESET, "till-notify has ended without an answer" },
                { is_of_another_version, -EBADMSG, "till-notify has answered what cannot be" },
                { counts, -EBADMSG, "till-notify has answered what cannot be" },
                { has_no_such_error, -EBADMSG, "till-notify has answered what cannot be" },
                { does_not_end, -EBADMSG, "till-notify has answered what cannot be" },
                { controls_the_terminal, -EBADMSG, "till-notify has answered what cannot be" },
                { breaks_the_line, -EBADMSG, "till-notify has answered what cannot be" },
                { turns_the_text_around, -EBADMSG, "till-notify has answered what cannot be" },
                { is_no_utf8, -EBADMSG, "till-notify has answered what cannot be" },
                { answers_in_part, -EBADMSG, "till-notify has answered what cannot be" },
                { gives_a_file, -EBADMSG, "till-notify has answered what cannot be" },
                { gives_two_files, -EBADMSG, "till-notify has answered what cannot be" },
        };
        size_t descriptors = 0;

        listen_as("sms");
        for (size_t i = 0; i < ELEMENTSOF(cases); i++) {
                outcome = (struct outcome){};
                helper = cases[i].helper;
                for (struct notice_call *call = start(NOTICE_SMS, "x", DEADLINE); call; call = notice_call_free(call))
                        wait_for_answer();
                if (outcome.error != cases[i].error)
                        fail_msg("case %zu ended with %d", i, outcome.error);
                assert_string_equal(outcome.text, cases[i].text);
                /* The first has opened the loop's timer. */
                if (i == 0)
                        descriptors = count_descriptors();
                assert_int_equal(count_descriptors(), descriptors);
        }
        stop_listening();
}

static void silent(void **state) {
        _cleanup_(notice_call_freep) struct notice_call *call = NULL;
        uint64_t before = clock_now(CLOCK_MONOTONIC);

        listen_as("sms");
        call = start(NOTICE_SMS, "x", 50 * USEC_PER_MSEC);
        wait_for_answer();
        stop_listening();
        assert_int_equal(outcome.error, NOTICE_MAYBE_SENT);
        assert_string_equal(outcome.text, "till-notify does not answer in time");
        assert_true(clock_now(CLOCK_MONOTONIC) - before >= 50 * USEC_PER_MSEC);
}

static void absent(void **state) {
        struct notice_call *call = NULL;

        listen_as("sms");
        call = start(NOTICE_MAIL, "x", DEADLINE);
        wait_for_answer();
        assert_int_equal(outcome.error, -ENOENT);
        assert_string_equal(outcome.text, "till-notify cannot be reached");
        notice_call_free(call);

        outcome = (struct outcome){};
        call = start(NOTICE_MAIL, "x", USEC_PER_MSEC);
        assert_null(notice_call_free(call));
        assert_int_equal(sd_event_run(event, 20 * USEC_PER_MSEC), 0);
        assert_false(outcome.come);
        stop_listening();
}

int main(void) {
#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
        const struct CMUnitTest tests[] = {
                TEST(given_whole), TEST(number_alone), TEST(too_long), TEST(lies), TEST(silent), TEST(absent),
        };

        return cmocka_run_group_tests_name("notice-send", tests, NULL, NULL);
}
