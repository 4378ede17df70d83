// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * tilld's end of a card-worker. The worker is this program itself, started anew: it behaves as the amount of START
 * asks.
 */
#include "log-entry.h"
#include "test.h"

#include <fcntl.h>
#include <signal.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <systemd/sd-event.h>

#include "transaction/card.h"

enum {
        SPEAK = 1,   /* two good messages, then the end */
        BABBLE,      /* what is no message */
        CLAIM_TILLD, /* a message that only tilld may send */
        DIE,
        SLOW, /* takes its time to end */
        HANG, /* does not end when the socket closes */
        STOP, /* as stopped by SIGSTOP */
        FLOOD,
        COMPLAIN, /* of a sandbox that is not to be had, and ends */
        LOOK,     /* tells by its exit what descriptors it has */
};

/* ---- The worker ---- */

static void say(void *message) {
        const struct message_header *h = message;

        if (send(WORKER_FD_TILLD, message, h->size, 0) < 0)
                _exit(9);
}

/* Only 0 to 4 may be open, the reader being the pipe that the test gave, and the environment is empty. */
static void look(void) {
        char byte;

        for (int fd = WORKER_FD_TILLD + 1; fd < 256; fd++)
                if (fcntl(fd, F_GETFD) >= 0)
                        _exit(2);
        if (read(WORKER_FD_READER, &byte, 1) != 1 || byte != 'r')
                _exit(3);
        if (environ[0])
                _exit(4);
}

/* As the real one: ends when tilld closes the socket. */
static int wait_for_end(void) {
        char byte;

        while (recv(WORKER_FD_TILLD, &byte, 1, 0) > 0)
                ;
        return 0;
}

static int be_worker(void) {
        static union message start;
        struct message_outcome outcome;
        struct message_card card;

        if (recv(WORKER_FD_TILLD, &start, sizeof(start), 0) != (ssize_t) sizeof(start.start))
                return 1;
        message_init(&card, MESSAGE_CARD);
        card.card = EMV_CARD_INSERTED;
        message_init(&outcome, MESSAGE_OUTCOME);
        outcome.outcome = EMV_OUTCOME_FAILED;
        outcome.reason = EMV_REASON_REMOVED;

        switch (start.start.amount) {
        case SPEAK:
                say(&card);
                say(&outcome);
                return 0;
        case BABBLE:
                (void) send(WORKER_FD_TILLD, "hello", 5, 0);
                return wait_for_end();
        case CLAIM_TILLD:
                say(&start);
                return wait_for_end();
        case SLOW:
                say(&card);
                (void) wait_for_end();
                (void) usleep(200000);
                return 0;
        case HANG:
                say(&card);
                pause();
                return 0;
        case STOP:
                say(&card);
                (void) raise(SIGSTOP);
                return 0;
        case FLOOD:
                for (;;)
                        say(&card);
        case COMPLAIN:
                fputs("Cannot enter the sandbox\nOperation not permitted\n", stderr);
                return 1;
        case LOOK:
                look();
                say(&card);
                return 0;
        default:
                return 5;
        }
}

/* ---- The test ---- */

struct seen {
        sd_event *event;
        struct card *card;
        int messages, at_turn;
        bool ended, gone, free_at_message, hold_loop, stays;
        uint16_t last;
};

static void on_message(struct card *card, const union message *m, void *userdata) {
        struct seen *s = userdata;

        s->messages++;
        s->last = m->header.type;
        if (s->free_at_message || s->hold_loop)
                s->card = card_free(s->card);
        if (s->free_at_message)
                (void) sd_event_exit(s->event, 0);
}

static void on_ended(struct card *card, void *userdata) {
        struct seen *s = userdata;

        s->ended = true;
        s->card = card_free(s->card);
        if (!s->stays)
                (void) sd_event_exit(s->event, 0);
}

static void on_gone(void *userdata) {
        struct seen *s = userdata;

        s->gone = true;
}

static int on_deadline(sd_event_source *source, uint64_t usec, void *userdata) {
        return sd_event_exit(userdata, -ETIMEDOUT);
}

static void begin(struct seen *s, uint64_t behaviour) {
        static struct message_start start;
        const struct card_listener listener = { on_message, on_ended, s, on_gone, s };
        sigset_t set;
        int reader[2];

        (void) sigemptyset(&set);
        (void) sigaddset(&set, SIGCHLD);
        (void) sigprocmask(SIG_BLOCK, &set, NULL);
        assert_int_equal(sd_event_new(&s->event), 0);
        assert_true(sd_event_add_time_relative(s->event, NULL, CLOCK_MONOTONIC, 20000000, 0, on_deadline, s->event) >=
                    0);
        assert_int_equal(pipe2(reader, O_CLOEXEC), 0);
        assert_int_equal(write(reader[1], "r", 1), 1);
        close(reader[1]);

        assert_int_equal(card_new(s->event, "/proc/self/exe", 7, reader[0], &listener, &s->card), 0);
        /* Its only copy went to the worker. */
        assert_int_equal(fcntl(reader[0], F_GETFD), -1);
        message_init(&start, MESSAGE_START);
        start.amount = behaviour;
        assert_int_equal(card_send(s->card, &start), 0);
}

static void finish(struct seen *s) {
        s->card = card_free(s->card);
        s->event = sd_event_unref(s->event);
}

static void speaks(void **state) {
        struct seen s = {};

        begin(&s, SPEAK);
        assert_int_equal(sd_event_loop(s.event), 0);
        assert_true(s.ended);
        assert_int_equal(s.messages, 2);
        assert_int_equal(s.last, MESSAGE_OUTCOME);
        finish(&s);
}

static void not_a_message(void **state) {
        for (uint64_t behaviour = BABBLE; behaviour <= CLAIM_TILLD; behaviour++) {
                struct seen s = {};

                begin(&s, behaviour);
                assert_int_equal(sd_event_loop(s.event), 0);
                assert_true(s.ended);
                assert_int_equal(s.messages, 0);
                finish(&s);
        }
}

static void dies(void **state) {
        struct seen s = {};

        begin(&s, DIE);
        assert_int_equal(sd_event_loop(s.event), 0);
        assert_true(s.ended);
        finish(&s);
}

static void freed_in_its_callback(void **state) {
        struct seen s = { .free_at_message = true };

        begin(&s, SPEAK);
        assert_int_equal(sd_event_loop(s.event), 0);
        assert_int_equal(s.messages, 1);
        assert_false(s.ended);
        finish(&s);
}

static void sees_nothing_else(void **state) {
        struct seen s = {};

        /* What says how tilld logs is not for it either. */
        assert_int_equal(setenv("JOURNAL_STREAM", "8:1", 1), 0);
        assert_int_equal(setenv("TILL_LOG_LEVEL", "debug", 1), 0);
        begin(&s, LOOK);
        assert_int_equal(sd_event_loop(s.event), 0);
        assert_int_equal(s.messages, 1);
        finish(&s);
}

/* The newest line of the log. */
static void expect_entry(const char *message) {
        char expected[256];

        (void) snprintf(expected, sizeof(expected),
                        "PRIORITY=4\nSYSLOG_IDENTIFIER=test-transaction-card\n"
                        "MESSAGE=Transaction 7: %s\nTILLD_TRANSACTION=7\n",
                        message);
        assert_string_equal(log_entry, expected);
}

/* One that does not end is killed and waited for: the reader must not stay taken. */
static void hangs(void **state) {
        for (uint64_t behaviour = HANG; behaviour <= STOP; behaviour++) {
                struct seen s = { .hold_loop = true };

                log_begin_journal(LOG_INFO, false);
                begin(&s, behaviour);
                for (int i = 0; i < 200 && !s.gone; i++)
                        assert_true(sd_event_run(s.event, 100000) >= 0);
                log_end_journal(LOG_EMERG);
                assert_true(s.gone);
                assert_int_equal(s.messages, 1);
                expect_entry("card-worker ended by signal 9");
                finish(&s);
        }
}

/* The event loop ends under a worker: it is waited for all the same, before tilld's end would end it. */
static void waited_for_at_exit(void **state) {
        static const struct {
                uint64_t behaviour;
                bool freed_before;
        } cases[] = { { SLOW, true }, { SLOW, false }, { HANG, false } };

        while (waitpid(-1, NULL, 0) > 0)
                ;
        for (size_t i = 0; i < ELEMENTSOF(cases); i++) {
                struct seen s = { .free_at_message = cases[i].freed_before };

                begin(&s, cases[i].behaviour);
                while (s.messages == 0)
                        assert_true(sd_event_run(s.event, 1000000) >= 0);
                assert_int_equal(sd_event_exit(s.event, 0), 0);
                assert_int_equal(sd_event_loop(s.event), 0);
                finish(&s);
                errno = 0;
                assert_int_equal(waitpid(-1, NULL, WNOHANG), -1);
                assert_int_equal(errno, ECHILD);
        }
}

static int note_turn(sd_event_source *source, uint64_t usec, void *userdata) {
        struct seen *s = userdata;

        s->at_turn = s->messages;
        return 0;
}

/* Others have their turn in between, and there is an end to it. */
static void floods(void **state) {
        struct seen s = { .at_turn = -1 };

        begin(&s, FLOOD);
        while (s.messages == 0)
                assert_true(sd_event_run(s.event, 1000000) >= 0);
        assert_true(sd_event_add_time_relative(s.event, NULL, CLOCK_MONOTONIC, 0, 1, note_turn, &s) >= 0);
        assert_int_equal(sd_event_loop(s.event), 0);
        assert_true(s.ended);
        assert_int_equal(s.messages, 256);
        assert_in_range(s.at_turn, 1, 32);
        finish(&s);
}

/* Why it could not begin is found by the transaction's number, also when tilld ends with it. */
static void complains(void **state) {
        for (int at_exit = 0; at_exit < 2; at_exit++) {
                struct seen s = { .stays = !at_exit };

                log_begin_journal(LOG_INFO, false);
                begin(&s, COMPLAIN);
                while (at_exit ? !s.ended : !s.gone)
                        assert_true(sd_event_run(s.event, UINT64_MAX) >= 0);
                if (at_exit)
                        assert_int_equal(sd_event_loop(s.event), 0);
                log_end_journal(LOG_EMERG);
                expect_entry("card-worker: Operation not permitted");
                finish(&s);
        }
}

static void no_program(void **state) {
        const struct card_listener listener = {};
        _cleanup_(sd_event_unrefp) sd_event *event = NULL;
        struct card *card = NULL;
        int fd = open("/dev/null", O_RDONLY | O_CLOEXEC);

        assert_int_equal(sd_event_new(&event), 0);
        assert_int_equal(card_new(event, "/nonexistent/card-worker", 7, fd, &listener, &card), -ENOENT);
        assert_null(card);
        assert_int_equal(fcntl(fd, F_GETFD), -1);
}

int main(int argc, char **argv) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(speaks),
                cmocka_unit_test(not_a_message),
                cmocka_unit_test(dies),
                cmocka_unit_test(freed_in_its_callback),
                cmocka_unit_test(sees_nothing_else),
                cmocka_unit_test(hangs),
                cmocka_unit_test(waited_for_at_exit),
                cmocka_unit_test(floods),
                cmocka_unit_test(complains),
                cmocka_unit_test(no_program),
        };

        if (streq(argv[0], "card-worker"))
                return be_worker();
        log_set_max_level(LOG_EMERG);
        return cmocka_run_group_tests_name("transaction-card", tests, NULL, NULL);
}
