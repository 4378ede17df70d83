// SPDX-License-Identifier: LGPL-2.1-or-later
/* The queue of notices where the disk is full, and where what is stored cannot be read. */
#include "test.h"

#include "notices-fixture.h"

static void damage(const char *sql) {
        assert_int_equal(sqlite3_exec(shop.journal->db, sql, NULL, NULL, NULL), SQLITE_OK);
        assert_true(sqlite3_changes(shop.journal->db) > 0);
}

/* A contact that cannot be read keeps nothing from anybody else. */
static void a_damaged_contact(void **state) {
        int64_t id = enrol(CONTACT_PHONE, "", "sms", "en");
        struct contact_record contact;

        bind_phone(PHONE);
        (void) enrol(OTHER_PHONE, "", "sms", "en");
        damage("UPDATE contacts SET person_sealed = zeroblob(80) WHERE id = 1");
        assert_int_equal(add(&sale, NOTICE_TO_ALL), 1);
        assert_int_equal(add(&locked, NOTICE_TO_ALL), 2);
        assert_sent(2, NOTICE_SMS, OTHER_PHONE, "operator 01");
        assert_int_equal(contact_record_load(shop.journal, id, &contact), 0);
        assert_true(contact.unreadable);
        begin();
        assert_int_equal(contact_record_remove(shop.journal, id, 1), 0);
        commit();
}

/* Without the phone nobody can be told; what is done goes on. */
static void a_damaged_binding(void **state) {
        bind_phone(PHONE);
        assert_int_equal(queue(&sale, NOTICE_TO_ALL), 1);
        damage("UPDATE bindings SET phone_sealed = zeroblob(60)");
        assert_int_equal(add(&sale, NOTICE_TO_ALL), 0);
        assert_int_equal(channels.n, 0);
        assert_int_equal(load(1).state, NOTICE_QUEUED);
}

/* One text that cannot be read is given up, after a start as well, and the next one goes out. */
static void a_damaged_text(void **state) {
        bind_phone(PHONE);
        assert_int_equal(queue(&sale, NOTICE_TO_ALL), 1);
        assert_int_equal(queue(&locked, NOTICE_TO_ALL), 1);
        damage("UPDATE notices SET text_sealed = zeroblob(60) WHERE id = 1");
        stop_tilld();
        start_tilld();
        run();
        assert_int_equal(load(1).state, NOTICE_FAILED);
        assert_string_equal(load(1).error, "it cannot be read");
        assert_int_equal(load(2).state, NOTICE_DELIVERED);
        assert_int_equal(channels.n, 1);
}

/* Nor does one that says no more what it is about. */
static void a_damaged_event(void **state) {
        bind_phone(PHONE);
        assert_int_equal(queue(&sale, NOTICE_TO_ALL), 1);
        assert_int_equal(queue(&locked, NOTICE_TO_ALL), 1);
        damage("UPDATE notices SET event = printf('%.*c', 40, 'x') WHERE id = 1");
        notices_kick(shop.engine->notices);
        run();
        assert_int_equal(load(2).state, NOTICE_DELIVERED);
        assert_int_equal(notices_count(shop.engine->notices), 0);
        assert_int_equal(channels.n, 1);
}

/* It went out, and the disk is full: once it is enough. */
static void disk_full(void **state) {
        bind_phone(PHONE);
        add_order("FIRST");
        add_order("SECOND");
        commit_error = -ENOSPC;
        notices_kick(shop.engine->notices);
        run();
        assert_int_equal(channels.n, 1);
        pass(10 * MINUTE);
        notices_kick(shop.engine->notices);
        run();
        assert_int_equal(channels.n, 1);
        commit_error = 0;
        pass(MINUTE);
        assert_int_equal(channels.n, 2);
        assert_sent(1, NOTICE_SMS, PHONE, "SECOND");
        assert_int_equal(load(1).state, NOTICE_DELIVERED);
        assert_int_equal(load(2).state, NOTICE_DELIVERED);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                NOTICES_TEST(a_damaged_contact), NOTICES_TEST(a_damaged_binding), NOTICES_TEST(a_damaged_text),
                NOTICES_TEST(a_damaged_event),   NOTICES_TEST(disk_full),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
