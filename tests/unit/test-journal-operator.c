// SPDX-License-Identifier: LGPL-2.1-or-later
/* The rows of operators and of who is logged on. */
#include "open-journal.h"

#include <sqlite3.h>

#include "journal/operator.h"

static struct operator_record example(const char *number, enum operator_role role) {
        struct operator_record record = { .role = role, .cost = 14, .salt = { 1, 2 }, .hash = { 3, 4 } };

        COPY(record.number, number);
        return record;
}

static void add(const char *number, enum operator_role role) {
        struct operator_record record = example(number, role);

        begin();
        assert_int_equal(operator_record_insert(j, &record), 0);
        commit();
}

static int remember(const struct operator_record *record, void *userdata) {
        strcat(userdata, record->number);
        strcat(userdata, operator_role_to_string(record->role));
        return 0;
}

static void rows(void **state) {
        struct operator_record record = example("07", OPERATOR_SUPERVISOR), loaded;
        char all[64] = "";

        assert_int_equal(operator_record_insert(j, &record), -EPROTO);
        add("07", OPERATOR_SUPERVISOR);
        add("02", OPERATOR_CASHIER);
        begin();
        assert_int_equal(operator_record_insert(j, &record), -EEXIST);
        journal_rollback(j);

        assert_int_equal(operator_record_load(j, "07", &loaded), 0);
        assert_memory_equal(&loaded, &record, sizeof(record));
        assert_int_equal(operator_record_load(j, "08", &loaded), -ENOENT);
        assert_int_equal(operator_record_each(j, remember, all), 0);
        assert_string_equal(all, "02cashier07supervisor");
        assert_int_equal(operator_record_count(j, OPERATOR_CASHIER), 1);
        assert_int_equal(operator_record_count(j, OPERATOR_ADMINISTRATOR), 0);

        record.wrong_codes = 4;
        record.locks = 2;
        record.locked_until = UINT64_C(1) << 50;
        record.hash[31] = record.salt[15] = 9;
        record.cost = 15;
        begin();
        assert_int_equal(operator_record_update(j, &record), 0);
        commit();
        assert_int_equal(operator_record_load(j, "07", &loaded), 0);
        assert_memory_equal(&loaded, &record, sizeof(record));

        begin();
        COPY(record.number, "08");
        assert_int_equal(operator_record_update(j, &record), -ENOENT);
        assert_int_equal(operator_record_remove(j, "08"), -ENOENT);
        assert_int_equal(operator_record_remove(j, "07"), 0);
        commit();
        assert_int_equal(operator_record_load(j, "07", &loaded), -ENOENT);
}

static void numbers(void **state) {
        static const char *const wrong[] = { "", "1", "123", "1a", " 1", "-1" };
        struct operator_record record;

        assert_true(operator_number_is_valid("00"));
        for (size_t i = 0; i < ELEMENTSOF(wrong); i++)
                assert_false(operator_number_is_valid(wrong[i]));
        record = example("1a", OPERATOR_CASHIER);
        begin();
        assert_int_equal(operator_record_insert(j, &record), -ERANGE);
        journal_rollback(j);
        assert_int_equal(operator_role_from_string("boss"), _OPERATOR_ROLE_INVALID);
}

static void log_on(void **state) {
        struct operator_record record;

        assert_int_equal(operator_get_logged_on(j, &record), -ENOENT);
        assert_int_equal(operator_set_logged_on(j, NULL), -EPROTO);
        begin();
        assert_int_equal(operator_set_logged_on(j, "02"), -ENOENT);
        journal_rollback(j);

        add("02", OPERATOR_CASHIER);
        add("03", OPERATOR_ADMINISTRATOR);
        begin();
        assert_int_equal(operator_set_logged_on(j, "02"), 0);
        assert_int_equal(operator_set_logged_on(j, "03"), 0);
        commit();
        j = journal_close(j);
        assert_int_equal(journal_open(path, key, &j, NULL), 0);
        assert_int_equal(operator_get_logged_on(j, &record), 0);
        assert_string_equal(record.number, "03");
        assert_int_equal(record.role, OPERATOR_ADMINISTRATOR);

        /* Who is removed is logged off. */
        begin();
        assert_int_equal(operator_record_remove(j, "03"), 0);
        commit();
        assert_int_equal(operator_get_logged_on(j, &record), -ENOENT);
        begin();
        assert_int_equal(operator_set_logged_on(j, "02"), 0);
        assert_int_equal(operator_set_logged_on(j, NULL), 0);
        commit();
        assert_int_equal(operator_get_logged_on(j, &record), -ENOENT);
}

static void change(const char *sql) {
        sqlite3 *db;

        j = journal_close(j);
        assert_int_equal(sqlite3_open(path, &db), SQLITE_OK);
        assert_int_equal(sqlite3_exec(db, sql, NULL, NULL, NULL), SQLITE_OK);
        assert_int_equal(sqlite3_close(db), SQLITE_OK);
        assert_int_equal(journal_open(path, key, &j, NULL), 0);
}

/* Who can write the file but has no key cannot give one operator's code to another. */
static void sealed(void **state) {
        struct operator_record record;

        add("02", OPERATOR_CASHIER);
        add("03", OPERATOR_ADMINISTRATOR);
        change("UPDATE operators SET hash_sealed = (SELECT hash_sealed FROM operators WHERE number = '02')"
               " WHERE number = '03'");
        assert_int_equal(operator_record_load(j, "02", &record), 0);
        assert_int_equal(operator_record_load(j, "03", &record), -EBADMSG);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test_setup_teardown(rows, open_one, close_one),
                cmocka_unit_test_setup_teardown(numbers, open_one, close_one),
                cmocka_unit_test_setup_teardown(log_on, open_one, close_one),
                cmocka_unit_test_setup_teardown(sealed, open_one, close_one),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
