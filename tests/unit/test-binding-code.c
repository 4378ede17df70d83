// SPDX-License-Identifier: LGPL-2.1-or-later
/* The codes of a change: what they are, how long they live, and how often somebody can guess. */
#include "test.h"

#include "binding-fixture.h"

/* ---- One code ---- */

static void digits(void **state) {
        unsigned count[10] = {};
        char code[CODE_SIZE];

        for (int i = 0; i < 20000; i++) {
                assert_int_equal(code_make(CODE_DIGITS, code), 0);
                assert_true(code_is_well_formed(code, CODE_DIGITS));
                for (int d = 0; d < CODE_DIGITS; d++)
                        count[code[d] - '0']++;
        }
        /* 12000 of each are to be expected, and 105 more or less; this is beyond nine times that. */
        for (int d = 0; d < 10; d++)
                assert_in_range(count[d], 11000, 13000);
        assert_int_equal(code_make(CANCEL_DIGITS, code), 0);
        assert_true(code_is_well_formed(code, CANCEL_DIGITS));
        assert_false(code_is_well_formed("12345", CODE_DIGITS));
        assert_false(code_is_well_formed("1234567", CODE_DIGITS));
        assert_false(code_is_well_formed("12345a", CODE_DIGITS));
        assert_false(code_is_well_formed("12345 ", CODE_DIGITS));
        assert_false(code_is_well_formed("", CODE_DIGITS));
}

static void kept_as_a_hash(void **state) {
        struct rebind_code a, b;
        char code[CODE_SIZE], command[160];

        go_to_codes(REBIND_CHANGE, NEW);
        /* As a word: a long number or a hash may have any six digits in it. */
        snprintf(command, sizeof(command), "! grep -rqaE -e '(^|[^0-9a-fA-F])%s([^0-9a-fA-F]|$)' -e 13800138001 %s",
                 post.codes[1], shop.dir);
        assert_int_equal(system(command), 0);

        assert_int_equal(journal_begin(shop.journal, JOURNAL_DURABLE), 0);
        assert_int_equal(code_issue(shop.journal, 1, REBIND_NEW_PHONE, 0, CODE_DIGITS, code), 0);
        assert_int_equal(code_issue(shop.journal, 1, REBIND_OLD_PHONE, 0, CODE_DIGITS, code), 0);
        assert_int_equal(journal_commit(shop.journal), 0);
        assert_int_equal(rebind_code_load(shop.journal, 1, REBIND_NEW_PHONE, 0, &a), 0);
        assert_int_equal(rebind_code_load(shop.journal, 1, REBIND_OLD_PHONE, 0, &b), 0);
        assert_memory_not_equal(a.salt, b.salt, sizeof(a.salt));
        assert_int_equal(code_compare(shop.journal, &b, code), 1);
        code[0] = code[0] == '9' ? '0' : (char) (code[0] + 1);
        assert_int_equal(code_compare(shop.journal, &b, code), 0);
}

/* ---- How long ---- */

static void five_minutes(void **state) {
        go_to_codes(REBIND_CHANGE, NEW);
        pass(4 * MINUTE + 30 * USEC_PER_SEC);
        assert_int_equal(view_of().new_tries, 3);
        assert_int_equal(give_wrong(REBIND_NEW_PHONE), -REFUSAL_WRONG_CODE);
        pass(31 * USEC_PER_SEC);
        assert_int_equal(view_of().new_tries, 0);
        assert_int_equal(give_right(REBIND_NEW_PHONE), -REFUSAL_NOT_ASKED);
        assert_true(*view_of().next_step);
        assert_int_equal(send_codes(), 0);
        wait_for_codes();
        assert_int_equal(give_right(REBIND_NEW_PHONE), 0);
}

/* Setting the clock back or forth changes nothing of it. */
static void clock_is_set(void **state) {
        go_to_codes(REBIND_CHANGE, NEW);
        machine.realtime += 365 * 24 * 60 * MINUTE;
        assert_int_equal(view_of().new_tries, 3);
        machine.realtime -= 2 * 365 * 24 * 60 * MINUTE;
        assert_int_equal(view_of().new_tries, 3);
        machine.boottime += 6 * MINUTE;
        assert_int_equal(view_of().new_tries, 0);
        assert_int_equal(give_right(REBIND_NEW_PHONE), -REFUSAL_NOT_ASKED);
}

static void over_a_restart(void **state) {
        char code[16];

        go_to_codes(REBIND_CHANGE, NEW);
        COPY(code, post.codes[REBIND_NEW_PHONE]);
        assert_int_equal(give_wrong(REBIND_NEW_PHONE), -REFUSAL_WRONG_CODE);
        room_restart();
        assert_int_equal(room->rebind.step, REBIND_CODES);
        assert_int_equal(view_of().new_tries, 2);
        assert_int_equal(give(REBIND_NEW_PHONE, code), 0);
        assert_int_equal(run_until(REBIND_COMMITTED), REBIND_COMMITTED);
}

static void over_a_boot(void **state) {
        char code[16];

        go_to_codes(REBIND_CHANGE, NEW);
        COPY(code, post.codes[REBIND_NEW_PHONE]);
        room_reboot(0);
        assert_int_equal(room->rebind.step, REBIND_CODES);
        assert_int_equal(view_of().new_tries, 0);
        assert_int_equal(give(REBIND_NEW_PHONE, code), -REFUSAL_NOT_ASKED);
        assert_int_equal(send_codes(), 0);
        wait_for_codes();
        assert_int_equal(give(REBIND_NEW_PHONE, code), -REFUSAL_WRONG_CODE);
        assert_int_equal(give_right(REBIND_NEW_PHONE), 0);
}

/* ---- How often ---- */

static void sends_are_limited(void **state) {
        struct refusal refusal;

        go_to_codes(REBIND_CHANGE, NEW);
        for (int i = 0; i < 4; i++) {
                assert_int_equal(send_codes(), 0);
                wait_for_codes();
        }
        assert_int_equal(send_codes(), -REFUSAL_LOCKED_OUT);
        assert_true(view_of().resend_usec > 0);
        /* The ones that are out are good, though. */
        assert_int_equal(view_of().new_tries, 3);
        /* Neither another change nor a restart nor a boot makes more of them. */
        assert_int_equal(binding_cancel(room, "uid 1", &refusal), 0);
        assert_int_equal(begin_as(REBIND_CHANGE, NEW), -REFUSAL_LOCKED_OUT);
        room_restart();
        assert_int_equal(begin_as(REBIND_CHANGE, NEW), -REFUSAL_LOCKED_OUT);
        room_reboot(24 * 60 * MINUTE);
        assert_int_equal(take_up(), -REFUSAL_LOCKED_OUT);
        pass(31 * MINUTE);
        assert_int_equal(take_up(), 0);
}

static void while_they_are_sent(void **state) {
        assert_int_equal(begin_as(REBIND_CHANGE, NEW), 0);
        post.hold = false;
        assert_int_equal(run_until(REBIND_BACKUP), REBIND_BACKUP);
        post.hold = true;
        assert_int_equal(run_until(REBIND_CODES), REBIND_CODES);
        assert_true(view_of().sending);
        assert_int_equal(send_codes(), -REFUSAL_BUSY);
        post.hold = false;
        wait_for_codes();
        assert_int_equal(send_codes(), 0);
}

static void three_tries(void **state) {
        bind_first(OLD);
        go_to_codes(REBIND_CHANGE, NEW);
        assert_int_equal(give(REBIND_OLD_PHONE, "12345"), -REFUSAL_INVALID_CODE);
        assert_int_equal(view_of().old_tries, 3);
        assert_int_equal(give_wrong(REBIND_OLD_PHONE), -REFUSAL_WRONG_CODE);
        assert_int_equal(give_wrong(REBIND_OLD_PHONE), -REFUSAL_WRONG_CODE);
        assert_int_equal(view_of().old_tries, 1);
        assert_int_equal(give_wrong(REBIND_OLD_PHONE), -REFUSAL_LOCKED_OUT);
        /* Nothing is taken in the pause, not even what is right, and nothing is sent. */
        assert_int_equal(give_right(REBIND_NEW_PHONE), -REFUSAL_LOCKED_OUT);
        assert_int_equal(send_codes(), -REFUSAL_LOCKED_OUT);
        assert_true(view_of().resend_usec > 0);
        room_restart();
        assert_int_equal(send_codes(), -REFUSAL_LOCKED_OUT);
        pass(61 * USEC_PER_SEC);
        assert_int_equal(send_codes(), 0);
        wait_for_codes();
        /* The new phone's code, which anybody could have, makes up for nothing. */
        assert_int_equal(give_right(REBIND_NEW_PHONE), 0);
        for (int i = 0; i < 2; i++)
                assert_int_equal(give_wrong(REBIND_OLD_PHONE), -REFUSAL_WRONG_CODE);
        assert_int_equal(give_wrong(REBIND_OLD_PHONE), -REFUSAL_LOCKED_OUT);
        pass(4 * MINUTE);
        assert_int_equal(send_codes(), -REFUSAL_LOCKED_OUT);
        pass(2 * MINUTE);
        assert_int_equal(send_codes(), 0);
        wait_for_codes();
        /* The old one's does. */
        assert_int_equal(give_right(REBIND_OLD_PHONE), 0);
        assert_int_equal(run_until(REBIND_COMMITTED), REBIND_COMMITTED);
}

static void nine_roll_back(void **state) {
        bind_first(OLD);
        go_to_codes(REBIND_CHANGE, NEW);
        for (int i = 0; i < 9; i++) {
                assert_true(give_wrong(REBIND_OLD_PHONE) < 0);
                if (i % 3 == 2 && i < 8) {
                        pass(6 * MINUTE);
                        assert_int_equal(send_codes(), 0);
                        wait_for_codes();
                }
        }
        assert_rolled_back(REBIND_CODES, "wrong-codes");
        assert_bound(OLD);
        assert_int_equal(take_up(), -REFUSAL_LOCKED_OUT);
        pass(31 * MINUTE);
        assert_int_equal(take_up(), 0);
}

/*
 * Whoever leads changes all day long, has the new phone, cancels, begins again, restarts and reboots the terminal, and
 * never gives a third wrong code where a fresh one can be had: how many guesses at the old phone's code are there?
 */
static unsigned guess_for(uint64_t usec, unsigned a_code) {
        uint64_t end, now;
        unsigned guesses = 0, turns = 0;
        struct refusal refusal;

        assert_int_equal(uptime_get(shop.journal, &now), 0);
        end = now + usec;
        while (assert_int_equal(uptime_get(shop.journal, &now), 0), now < end) {
                if (begin_as(REBIND_CHANGE, NEW) < 0) {
                        pass(MINUTE);
                        continue;
                }
                (void) run_until(REBIND_CODES);
                wait_for_codes();
                if (turns % 2 == 0)
                        assert_int_equal(give_right(REBIND_NEW_PHONE), 0);
                for (unsigned i = 0; i < a_code && room->rebind.step == REBIND_CODES; i++) {
                        int r = give_wrong(REBIND_OLD_PHONE);

                        /* The last one of three is an attempt as well. */
                        guesses += r == -REFUSAL_WRONG_CODE || i % 3 == 2;
                        if (r == -REFUSAL_LOCKED_OUT)
                                break;
                }
                if (rebind_is_open(room))
                        assert_int_equal(binding_cancel(room, "uid 1", &refusal), 0);
                if (++turns % 7 == 0)
                        room_reboot(0);
                pass(USEC_PER_SEC);
        }
        return guesses;
}

static void guessing(void **state) {
        unsigned first, later;

        bind_first(OLD);
        first = guess_for(24 * 60 * MINUTE, 3);
        later = guess_for(24 * 60 * MINUTE, 2);
        print_message("%u guesses on the first day, %u on the next, at one in a million\n", first, later);
        assert_in_range(first, 18, 24);
        assert_true(later <= 6);
        assert_string_equal(view_of().current.phone, OLD);
}

static void guessing_two_each(void **state) {
        unsigned first;

        bind_first(OLD);
        first = guess_for(24 * 60 * MINUTE, 2);
        print_message("%u guesses on the first day, two at each code\n", first);
        assert_true(first <= 24);
}

/* The pauses themselves. */
static void pauses(void **state) {
        static const unsigned minutes[] = { 1, 5, 30, 60, 120, 240, 480, 960, 1440, 1440, 1440 };
        struct rebind_limit limit = {};

        for (size_t i = 0; i < ELEMENTSOF(minutes); i++) {
                assert_int_equal(limit_count_wrong(&limit, 1000), 0);
                assert_int_equal(limit_count_wrong(&limit, 1000), 0);
                assert_int_equal(limit_count_wrong(&limit, 1000), i % 3 == 2 ? 2 : 1);
                assert_int_equal(limit.locked_until, 1000 + minutes[i] * MINUTE);
        }
        limit.wrong_codes = UINT32_MAX - 3;
        (void) limit_count_wrong(&limit, 0);
        assert_true(limit.locked_until <= 1440 * MINUTE + 1000);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(digits),
                cmocka_unit_test(pauses),
                cmocka_unit_test_setup_teardown(kept_as_a_hash, room_setup, room_teardown),
                cmocka_unit_test_setup_teardown(five_minutes, room_setup, room_teardown),
                cmocka_unit_test_setup_teardown(clock_is_set, room_setup, room_teardown),
                cmocka_unit_test_setup_teardown(over_a_restart, room_setup, room_teardown),
                cmocka_unit_test_setup_teardown(over_a_boot, room_setup, room_teardown),
                cmocka_unit_test_setup_teardown(sends_are_limited, room_setup, room_teardown),
                cmocka_unit_test_setup_teardown(while_they_are_sent, room_setup, room_teardown),
                cmocka_unit_test_setup_teardown(three_tries, room_setup, room_teardown),
                cmocka_unit_test_setup_teardown(nine_roll_back, room_setup, room_teardown),
                cmocka_unit_test_setup_teardown(guessing, room_setup, room_teardown),
                cmocka_unit_test_setup_teardown(guessing_two_each, room_setup, room_teardown),
        };

        return cmocka_run_group_tests_name("binding-code", tests, NULL, NULL);
}
