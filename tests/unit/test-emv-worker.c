// SPDX-License-Identifier: LGPL-2.1-or-later
#include "test.h"

/* The life of a card-worker: the sale, its ends, and that it leaves nothing behind. */

#include <sys/ptrace.h>

#include "emv/tvr.h"
#include "worker-fixture.h"

static void whole_sale(void **state) {
        struct fixture *f = *state;

        assert_exit(run(f), EXIT_SUCCESS);
        assert_string_equal(f->seen, "insert-card inserted reading reading online approved");
        assert_int_equal(f->outcome.outcome, EMV_OUTCOME_APPROVED);
        assert_int_equal(f->power_offs, 1);
        assert_int_equal(f->aborts, 0);
}

/* RSA behind the system call filter, with each method and the longest keys. */
static void authenticated(void **state) {
        static const struct {
                const char *card;
                uint8_t capable, tvr;
        } cases[] = {
                { "unionpay", 0x80, TVR_SDA_SELECTED },  { "unionpay", 0x40, 0 },  { "unionpay", 0x08, 0 },
                { "long-keys", 0x80, TVR_SDA_SELECTED }, { "long-keys", 0x40, 0 }, { "long-keys", 0x08, 0 },
        };
        struct fixture *f = *state;

        for (size_t i = 0; i < ELEMENTSOF(cases); i++) {
                use_card(f, cases[i].card);
                anew(f);
                f->start.terminal.capabilities[2] = cases[i].capable;
                assert_exit(run(f), EXIT_SUCCESS);
                assert_string_equal(f->seen, "insert-card inserted reading reading online approved");
                assert_int_equal(f->outcome.result.tvr[0], cases[i].tvr);
                assert_true(f->outcome.result.tsi[0] & TSI_AUTHENTICATION);
        }
}

/* The card is in already, and on: the first reset is a cold one all the same. */
static void card_in_before(void **state) {
        struct fixture *f = *state;

        slot_change(f, true);
        f->powered = true;
        assert_exit(run(f), EXIT_SUCCESS);
        assert_string_equal(f->seen, "inserted reading reading online approved");
        assert_int_equal(f->power_offs, 2);
}

static void removed_in_exchange(void **state) {
        struct fixture *f = *state;

        for (int n = 0; n < 14; n++) {
                anew(f);
                f->remove_at = n;
                assert_exit(run(f), EXIT_SUCCESS);
                assert_int_equal(f->outcome.outcome, EMV_OUTCOME_FAILED);
                assert_int_equal(f->outcome.reason, EMV_REASON_REMOVED);
                assert_int_equal(f->exchanges, n + 1);
        }
}

static void unplugged(void **state) {
        struct fixture *f = *state;

        f->unplug_at = 5;
        assert_exit(run(f), EXIT_SUCCESS);
        assert_int_equal(f->outcome.reason, EMV_REASON_READER);
}

static void silent_card(void **state) {
        struct fixture *f = *state;

        f->silent_at = 5;
        f->start.step_ms = 50;
        assert_exit(run(f), EXIT_SUCCESS);
        assert_int_equal(f->outcome.reason, EMV_REASON_TIMEOUT);
        assert_int_equal(f->aborts, 1);
}

/* As most readers tell it, before the worker loses patience. */
static void unheard_card(void **state) {
        struct fixture *f = *state;

        f->unheard_at = 5;
        assert_exit(run(f), EXIT_SUCCESS);
        assert_int_equal(f->outcome.reason, EMV_REASON_TIMEOUT);
        assert_int_equal(f->aborts, 0);
}

/* It would have told of a card that is silent, at whatever step. */
static void silent_reader(void **state) {
        struct fixture *f = *state;

        for (int n = 0; n < 7; n += 3) {
                anew(f);
                f->dead_at = n;
                assert_exit(run(f), EXIT_SUCCESS);
                assert_int_equal(f->outcome.outcome, EMV_OUTCOME_FAILED);
                assert_int_equal(f->outcome.reason, EMV_REASON_READER);
                assert_int_equal(f->aborts, 0);
        }
}

static void no_card(void **state) {
        struct fixture *f = *state;

        f->insert_when_asked = false;
        f->start.card_ms = 50;
        assert_exit(run(f), EXIT_SUCCESS);
        assert_string_equal(f->seen, "insert-card failed");
        assert_int_equal(f->outcome.reason, EMV_REASON_TIMEOUT);
}

static void mute_card(void **state) {
        struct fixture *f = *state;

        /* Cold and warm reset without an answer, then turned over. */
        f->mute = 2;
        f->remove_when_asked = true;
        assert_exit(run(f), EXIT_SUCCESS);
        assert_string_equal(f->seen,
                            "insert-card inserted reading mute remove-card removed insert-card inserted reading "
                            "reading online approved");
}

static void mute_card_stays(void **state) {
        struct fixture *f = *state;

        f->mute = 2;
        leave_in(f);
        assert_exit(run(f), EXIT_SUCCESS);
        assert_int_equal(f->outcome.reason, EMV_REASON_MUTE);
}

/* It would have told of a mute card. */
static void dead_reader(void **state) {
        struct fixture *f = *state;

        f->dead = true;
        leave_in(f);
        assert_exit(run(f), EXIT_SUCCESS);
        assert_string_equal(f->seen, "inserted reading failed");
        assert_int_equal(f->outcome.reason, EMV_REASON_READER);
}

/* tilld goes away: before START, with the card awaited, in an exchange, before its answer. */
static void tilld_gone(void **state) {
        struct fixture *f = *state;

        spawn_worker(f);
        f->tilld = safe_close(f->tilld);
        serve(f, NULL);
        assert_exit(wait_worker(f), EXIT_FAILURE);

        f->hang_up_at = MESSAGE_PROMPT;
        f->insert_when_asked = false;
        assert_exit(run(f), EXIT_FAILURE);

        f->hang_up_at = MESSAGE_ONLINE_REQUEST;
        slot_change(f, true);
        assert_exit(run(f), EXIT_FAILURE);

        f->hang_up_at = 0;
        f->exchanges = 0;
        f->close_at = 3;
        assert_exit(run(f), EXIT_FAILURE);
        assert_false(f->has_outcome);
}

/* SIGTERM does not end it; the closed socket does. */
static void terminated(void **state) {
        struct fixture *f = *state;

        f->insert_when_asked = false;
        spawn_worker(f);
        assert_int_equal(send(f->tilld, &f->start, sizeof(f->start), 0), sizeof(f->start));
        serve(f, "insert-card");
        assert_int_equal(kill(f->pid, SIGTERM), 0);
        f->tilld = safe_close(f->tilld);
        serve(f, NULL);
        assert_exit(wait_worker(f), EXIT_FAILURE);
}

static void not_a_start(void **state) {
        struct fixture *f = *state;

        f->start.mode = 9;
        assert_exit(run(f), EXIT_FAILURE);
        f->start.mode = EMV_MODE_TEST;
        f->start.header.version++;
        assert_exit(run(f), EXIT_FAILURE);
        assert_string_equal(f->seen, "");
        assert_int_equal(f->exchanges, 0);
}

/* Lets the worker run until it is about to end, its memory still there. Its wait status as at an exit. */
static int run_to_exit(struct fixture *f) {
        int status = 0;

        spawn_worker(f);
        assert_int_equal(ptrace(PTRACE_SEIZE, f->pid, NULL, PTRACE_O_TRACEEXIT), 0);
        assert_int_equal(send(f->tilld, &f->start, sizeof(f->start), 0), sizeof(f->start));
        while (waitpid(f->pid, &status, WNOHANG | __WALL) == 0) {
                struct pollfd fds[] = { { .fd = f->node, .events = POLLIN }, { .fd = f->tilld, .events = POLLIN } };

                if (poll(fds, 2, 10) <= 0)
                        continue;
                if (fds[0].revents)
                        serve_node(f);
                if (fds[1].revents)
                        serve_tilld(f);
                /* The control: what is looked for is found where it has to be. */
                if (f->has_online && f->in_the_middle == 0) {
                        assert_int_equal(ptrace(PTRACE_INTERRUPT, f->pid, NULL, NULL), 0);
                        assert_int_equal(waitpid(f->pid, &status, __WALL), f->pid);
                        f->in_the_middle = canary_scan(f->pid, f->needles);
                        assert_int_equal(ptrace(PTRACE_CONT, f->pid, NULL, NULL), 0);
                }
        }
        assert_int_equal(status >> 8, SIGTRAP | PTRACE_EVENT_EXIT << 8);
        while (poll(&(struct pollfd){ .fd = f->tilld, .events = POLLIN }, 1, 0) > 0)
                serve_tilld(f);
        return status;
}

/* PAN and the rest of track 2 of the card's first application, whose discretionary data nothing else has. */
static void find_needles(struct fixture *f) {
        size_t size;
        const uint8_t *track = sim_card_find(icc_card(f->icc)->applications, 0x57, &size);

        assert_non_null(track);
        assert_int_equal(track[8] >> 4, 0xd);
        hex_encode(track, 8, f->pan);
        for (size_t i = 0; i < 15; i++)
                f->rest[i] = (char) ('0' + (i % 2 ? track[(i + 17) / 2] >> 4 : track[(i + 17) / 2] & 0x0f));
        f->needles[0] = f->pan;
        f->needles[1] = f->rest;
}

/* How often the card is in its memory when it is about to end. */
static unsigned count_left(struct fixture *f, const char *name) {
        unsigned left;
        int status;

        use_card(f, name);
        find_needles(f);
        anew(f);

        status = run_to_exit(f);
        left = canary_scan(f->pid, f->needles);
        assert_int_equal(ptrace(PTRACE_CONT, f->pid, NULL, NULL), 0);
        assert_int_equal(waitpid(f->pid, &status, __WALL), f->pid);
        f->pid = 0;
        f->node = safe_close(f->node);
        f->tilld = safe_close(f->tilld);
        return left;
}

static void leaves_nothing(struct fixture *f, const char *name, enum emv_outcome outcome) {
        unsigned left = count_left(f, name);

        assert_int_equal(f->outcome.outcome, outcome);
        if (f->has_online)
                assert_true(f->in_the_middle > 4);
        if (left > 0)
                fail_msg("%s: %u canaries after %d exchanges", name, left, f->exchanges);
}

/* At its end nothing of the card is in the worker's memory: stack, heap, libcrypto's. */
static void no_canary(void **state) {
        static const struct {
                const char *card;
                uint8_t capable; /* of SDA, DDA or CDA */
                enum emv_outcome outcome;
                const char *atr; /* with a reader that leaves T=0 and T=1 to us */
        } sales[] = {
                { "unionpay", 0x80, EMV_OUTCOME_APPROVED },
                { "unionpay", 0x08, EMV_OUTCOME_APPROVED },
                { "unionpay", 0x40, EMV_OUTCOME_APPROVED, "3BE000008131FE45EB" },
                { "visa", 0x40, EMV_OUTCOME_APPROVED, "" },
                { "offline-declined", 0x40, EMV_OUTCOME_DECLINED },
                /* Its outcome has the PAN. */
                { "unionpay", 0x40, EMV_OUTCOME_READ },
        };
        struct fixture *f = *state;

        if (geteuid() != 0) {
                print_message("skipped: who is not root cannot look into the worker\n");
                skip();
        }
        for (size_t i = 0; i < ELEMENTSOF(sales); i++) {
                f->start.terminal.capabilities[2] = sales[i].capable;
                f->start.steps = sales[i].outcome == EMV_OUTCOME_READ ? EMV_STEPS_READ : EMV_STEPS_FULL;
                f->level = sales[i].atr ? TILL_EMV_LEVEL_TPDU : TILL_EMV_LEVEL_SHORT_APDU;
                f->atr_size = fixture_hex(sales[i].atr ?: "", f->atr, sizeof(f->atr));
                leaves_nothing(f, sales[i].card, sales[i].outcome);
        }
        f->start.steps = EMV_STEPS_FULL;
        for (f->remove_at = 4; f->remove_at < 14; f->remove_at++)
                leaves_nothing(f, "unionpay", EMV_OUTCOME_FAILED);
}

/* tilld is stopped while the acquirer is asked: nothing of the card is left either. */
static void no_canary_when_stopped(void **state) {
        struct fixture *f = *state;

        if (geteuid() != 0) {
                print_message("skipped: who is not root cannot look into the worker\n");
                skip();
        }
        f->hang_up_at = MESSAGE_ONLINE_REQUEST;
        for (int i = 0; i < 2; i++) {
                f->terminate = i > 0;
                assert_int_equal(count_left(f, "unionpay"), 0);
                assert_false(f->has_outcome);
                assert_true(strstr(f->seen, "reading") != NULL);
        }
}

int main(int argc, char **argv) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test_setup_teardown(whole_sale, setup, teardown),
                cmocka_unit_test_setup_teardown(authenticated, setup, teardown),
                cmocka_unit_test_setup_teardown(card_in_before, setup, teardown),
                cmocka_unit_test_setup_teardown(removed_in_exchange, setup, teardown),
                cmocka_unit_test_setup_teardown(unplugged, setup, teardown),
                cmocka_unit_test_setup_teardown(silent_card, setup, teardown),
                cmocka_unit_test_setup_teardown(unheard_card, setup, teardown),
                cmocka_unit_test_setup_teardown(silent_reader, setup, teardown),
                cmocka_unit_test_setup_teardown(no_card, setup, teardown),
                cmocka_unit_test_setup_teardown(mute_card, setup, teardown),
                cmocka_unit_test_setup_teardown(mute_card_stays, setup, teardown),
                cmocka_unit_test_setup_teardown(dead_reader, setup, teardown),
                cmocka_unit_test_setup_teardown(no_canary, setup, teardown),
                cmocka_unit_test_setup_teardown(no_canary_when_stopped, setup, teardown),
                cmocka_unit_test_setup_teardown(tilld_gone, setup, teardown),
                cmocka_unit_test_setup_teardown(terminated, setup, teardown),
                cmocka_unit_test_setup_teardown(not_a_start, setup, teardown),
        };

        if (argc > 1 && streq(argv[1], "worker"))
                return card_worker_main();
        return cmocka_run_group_tests_name("card-worker", tests, NULL, NULL);
}
