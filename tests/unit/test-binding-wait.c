// SPDX-License-Identifier: LGPL-2.1-or-later
/* The waiting time of a lost phone holds what it promises: whoever calls it off has done so, and is the one named. */
#include "test.h"

#include "binding-fixture.h"
#include "journal/internal.h"

#define HOUR (60 * MINUTE)

/* ---- The journal's disk ---- */

static bool full;

int __real_journal_commit(struct journal *j);
int __wrap_journal_commit(struct journal *j);

int __wrap_journal_commit(struct journal *j) {
        if (!full)
                return __real_journal_commit(j);
        journal_rollback(j);
        return -ENOSPC;
}

/* ---- On the way ---- */

static int wait_setup(void **state) {
        full = false;
        if (room_setup(state) < 0)
                return -1;
        shop.settings.waiting_hours = 24;
        bind_first(OLD);
        pass(31 * MINUTE);
        return 0;
}

static void go_to_wait(void) {
        go_to_codes(REBIND_LOST, NEW);
        assert_int_equal(give_right(REBIND_NEW_PHONE), 0);
        assert_int_equal(run_until(REBIND_WAIT), REBIND_WAIT);
}

/* ---- Called off ---- */

static void cancelled_on_a_full_disk(void **state) {
        struct refusal refusal;

        go_to_wait();
        full = true;
        assert_true(binding_cancel(room, "uid 1", &refusal) < 0);
        assert_int_equal(refusal.code, REFUSAL_NOT_READY);
        full = false;
        assert_int_equal(room->rebind.step, REBIND_WAIT);
        assert_int_equal(binding_cancel(room, "uid 1", &refusal), 0);
        room_restart();
        assert_rolled_back(REBIND_WAIT, "cancelled");
        assert_bound(OLD);
}

/* The acquirer is just being told: it is on the disk that it will be taken back. */
static void cancelled_while_confirmed(void **state) {
        struct refusal refusal;

        go_to_codes(REBIND_CHANGE, NEW);
        assert_int_equal(give_right(REBIND_OLD_PHONE), 0);
        acq.hold = true;
        assert_int_equal(give_right(REBIND_NEW_PHONE), 0);
        assert_int_equal(run_until(REBIND_CONFIRM), REBIND_CONFIRM);
        run_a_while();
        full = true;
        assert_true(binding_cancel(room, "uid 1", &refusal) < 0);
        assert_int_equal(refusal.code, REFUSAL_NOT_READY);
        full = false;
        assert_int_equal(binding_cancel(room, "uid 1", &refusal), 0);
        assert_int_equal(room->rebind.step, REBIND_CONFIRM);
        room_restart();
        acq.hold = false;
        assert_int_equal(run_until(REBIND_ROLLED_BACK), REBIND_ROLLED_BACK);
        assert_rolled_back(REBIND_CONFIRM, "cancelled");
        assert_bound(OLD);
}

/* ---- Whether anybody knows ---- */

static void run_to_the_end(void) {
        for (int i = 0; i < 3000 && rebind_is_open(room); i++) {
                if (room->rebind.step == REBIND_TEST)
                        pass_pause();
                assert_true(sd_event_run(shop.event, 1000) >= 0);
        }
        assert_false(rebind_is_open(room));
}

/* Whoever keeps the messages from leaving gains nothing by it. */
static void nobody_is_told(void **state) {
        (void) add_contact("Li", "+8613800138002");
        run_a_while();
        post.letter = -EHOSTUNREACH;
        go_to_wait();
        assert_non_null(strstr(view_of().message, "nobody has been told"));
        pass(25 * HOUR);
        run_to_the_end();
        assert_rolled_back(REBIND_WAIT, "nobody-told");
        assert_bound(OLD);
}

static void counts_from_the_first_that_is_told(void **state) {
        post.letter = -EHOSTUNREACH;
        go_to_wait();
        pass(23 * HOUR);
        run_a_while();
        post.letter = 0;
        assert_int_equal(journal_begin(shop.journal, JOURNAL_DURABLE), 0);
        assert_int_equal(notice_record_hurry(shop.journal), 0);
        assert_int_equal(journal_commit(shop.journal), 0);
        notices_kick(engine_notices(shop.engine));
        run_a_while();
        assert_true(room->rebind.told_uptime > 0);
        assert_non_null(strstr(view_of().message, "no backup contact"));
        pass(23 * HOUR);
        room_restart();
        run_a_while();
        assert_int_equal(room->rebind.step, REBIND_WAIT);
        pass(61 * MINUTE);
        run_to_the_end();
        assert_int_equal(room->rebind.step, REBIND_COMMITTED);
}

static void contacts_stay(void **state) {
        struct contact_record other = contact_of("Li", "+8613800138009");
        int64_t li = add_contact("Li", "+8613800138002");
        struct refusal refusal;

        go_to_wait();
        other.id = li;
        assert_true(binding_change_contact(room, &other, "uid 1", &refusal) < 0);
        assert_int_equal(refusal.code, REFUSAL_BUSY);
        assert_true(binding_remove_contact(room, li, "uid 1", &refusal) < 0);
        assert_int_equal(refusal.code, REFUSAL_BUSY);
        assert_int_equal(binding_cancel(room, "uid 1", &refusal), 0);
        assert_int_equal(binding_change_contact(room, &other, "uid 1", &refusal), 0);
}

static void phones_of_a_full_list(void **state) {
        struct contact_record record;
        struct refusal refusal;

        for (int i = 0; i < CONTACTS_MAX; i++) {
                record = contact_of("Li", "+8613800138002");
                assert_int_equal(binding_add_contact(room, &record, "uid 1", &refusal), 0);
        }
        for (int i = 0; i < 64; i++) {
                COPY(record.phone, i % 2 ? "+8613800138002" : "+8613800138009");
                assert_int_equal(binding_change_contact(room, &record, "uid 1", &refusal), 0);
        }
        COPY(record.phone, "+8613800138009");
        assert_true(binding_change_contact(room, &record, "uid 1", &refusal) < 0);
        assert_int_equal(refusal.code, REFUSAL_INVALID_CONTACT);
        pass(8 * DAY);
        assert_int_equal(binding_change_contact(room, &record, "uid 1", &refusal), 0);
}

/* ---- A hiccup at its end ---- */

static void go_to_confirm(void) {
        go_to_wait();
        run_a_while();
        assert_true(room->rebind.told_uptime > 0);
        pass(25 * HOUR);
}

static void restarted_before_the_confirm(void **state) {
        go_to_confirm();
        assert_int_equal(run_until(REBIND_CONFIRM), REBIND_CONFIRM);
        room_restart();
        run_to_the_end();
        assert_int_equal(room->rebind.step, REBIND_COMMITTED);
        assert_bound(NEW);
}

static void confirm_is_not_sent(void **state) {
        trouble.kind = HOST_BINDING_CONFIRM;
        trouble.outcome = HOST_NOT_SENT;
        trouble.times = 1;
        go_to_confirm();
        assert_int_equal(run_until(REBIND_CONFIRM), REBIND_CONFIRM);
        run_a_while();
        assert_int_equal(room->rebind.step, REBIND_CONFIRM);
        pass(6 * MINUTE);
        run_to_the_end();
        assert_int_equal(room->rebind.step, REBIND_COMMITTED);
        assert_bound(NEW);
}

/* It is called what it was, not a time-out. */
static void acquirer_is_never_reached(void **state) {
        trouble.kind = HOST_BINDING_CONFIRM;
        trouble.outcome = HOST_NOT_SENT;
        trouble.times = 1000;
        go_to_confirm();
        assert_int_equal(run_until(REBIND_CONFIRM), REBIND_CONFIRM);
        run_a_while();
        assert_non_null(strstr(view_of().message, "could not be told of the new phone; it is tried again"));
        for (int i = 0; i < 10; i++) {
                pass(6 * MINUTE);
                run_a_while();
        }
        assert_int_equal(trouble.times, 1000 - 11);
        pass(6 * HOUR);
        run_to_the_end();
        assert_rolled_back(REBIND_CONFIRM, "unreachable-host");
        trouble.times = 0;
        assert_bound(OLD);
}

/* ---- What is said ---- */

static void last_one_is_not_withdrawn(void **state) {
        go_to_codes(REBIND_CHANGE, NEW);
        post.test = -EHOSTUNREACH;
        trouble.kind = HOST_BINDING_WITHDRAW;
        trouble.outcome = HOST_NOT_SENT;
        trouble.times = 100000;
        assert_int_equal(give_right(REBIND_NEW_PHONE), 0);
        assert_string_equal(view_of().message, "A code was sent to the old phone.");
        assert_int_equal(give_right(REBIND_OLD_PHONE), 0);
        run_to_the_end();
        assert_rolled_back(REBIND_TEST, "test-notice-failed");
        post.test = 0;
        assert_int_equal(take_up(), 0);
        run_a_while();
        pass(6 * MINUTE);
        run_to_the_end();
        assert_rolled_back(REBIND_CHECK, "not-withdrawn");
        /* Its time was over when tilld came back. */
        assert_int_equal(take_up(), 0);
        run_a_while();
        pass(6 * MINUTE);
        room_restart();
        run_to_the_end();
        assert_rolled_back(REBIND_CHECK, "not-withdrawn");
        trouble.times = 0;
        assert_bound(OLD);
}

/* ---- Who it was ---- */

/* By whom the last event of a kind was. */
static bool last_is_by(const char *kind, const char *by) {
        _cleanup_statement_ sqlite3_stmt *s = NULL;
        char part[64];

        snprintf(part, sizeof(part), "\"by\":\"%s\"", by);
        assert_int_equal(journal_statement(shop.journal,
                                           "SELECT text FROM events WHERE kind = ? ORDER BY seq DESC LIMIT 1", &s),
                         0);
        (void) sqlite3_bind_text(s, 1, kind, -1, SQLITE_STATIC);
        assert_int_equal(journal_step(shop.journal, s), 1);
        return strstr((const char *) sqlite3_column_text(s, 0), part) != NULL;
}

static void who_did_it(void **state) {
        struct refusal refusal;

        go_to_codes(REBIND_LOST, NEW);
        assert_true(last_is_by("rebind-begun", "uid 1000"));
        assert_int_equal(binding_send_codes(room, "uid 2", &refusal), 0);
        assert_true(last_is_by("rebind-codes-sent", "uid 2"));
        wait_for_codes();
        assert_true(binding_give_code(room, REBIND_NEW_PHONE, "00000x", "uid 3", &refusal) < 0);
        assert_int_equal(binding_give_code(room, REBIND_NEW_PHONE, post.codes[REBIND_NEW_PHONE], "uid 3", &refusal),
                         0);
        assert_true(last_is_by("rebind-code-given", "uid 3"));
        assert_int_equal(run_until(REBIND_WAIT), REBIND_WAIT);
        assert_true(binding_cancel_by_contact(room, "00000000", "uid 4", &refusal) < 0);
        assert_true(last_is_by("rebind-wrong-code", "uid 4"));
        assert_int_equal(binding_cancel(room, "uid 5", &refusal), 0);
        assert_true(last_is_by("rebind-rolled-back", "uid 5"));
        assert_string_equal(room->rebind.by, "uid 1000");
        assert_int_equal(binding_send_test(room, 0, "uid 6", &refusal), 0);
        assert_true(last_is_by("notice-test", "uid 6"));
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test_setup_teardown(cancelled_on_a_full_disk, wait_setup, room_teardown),
                cmocka_unit_test_setup_teardown(cancelled_while_confirmed, wait_setup, room_teardown),
                cmocka_unit_test_setup_teardown(nobody_is_told, wait_setup, room_teardown),
                cmocka_unit_test_setup_teardown(counts_from_the_first_that_is_told, wait_setup, room_teardown),
                cmocka_unit_test_setup_teardown(contacts_stay, wait_setup, room_teardown),
                cmocka_unit_test_setup_teardown(phones_of_a_full_list, wait_setup, room_teardown),
                cmocka_unit_test_setup_teardown(restarted_before_the_confirm, wait_setup, room_teardown),
                cmocka_unit_test_setup_teardown(confirm_is_not_sent, wait_setup, room_teardown),
                cmocka_unit_test_setup_teardown(acquirer_is_never_reached, wait_setup, room_teardown),
                cmocka_unit_test_setup_teardown(last_one_is_not_withdrawn, wait_setup, room_teardown),
                cmocka_unit_test_setup_teardown(who_did_it, wait_setup, room_teardown),
        };

        return cmocka_run_group_tests_name("binding-wait", tests, NULL, NULL);
}
