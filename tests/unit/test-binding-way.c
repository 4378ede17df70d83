// SPDX-License-Identifier: LGPL-2.1-or-later
/* The way of a change of the bound phone: forth, and back from each step. */
#include "test.h"

#include "binding-fixture.h"

static void first_phone(void **state) {
        struct binding_view view = view_of();

        assert_int_equal(view.current.id, 0);
        assert_true(*view.message && *view.next_step);
        bind_first(OLD);
        assert_int_equal(heard.n_ended, 1);
        assert_string_equal(post.test_phone, OLD);
        assert_int_equal(post.n_codes, 1);
        assert_string_equal(view_of().current.serial, "SN-0001");
        assert_string_equal(view_of().current.by, "uid 1000");
        assert_bound(OLD);
}

static void change(void **state) {
        bind_first(OLD);
        go_to_codes(REBIND_CHANGE, NEW);
        assert_int_equal(room->rebind.kind, REBIND_CHANGE);
        assert_string_equal(post.phones[REBIND_OLD_PHONE], OLD);
        assert_string_equal(post.phones[REBIND_NEW_PHONE], NEW);
        assert_string_not_equal(post.codes[0], post.codes[1]);
        assert_int_equal(view_of().old_tries, 3);
        assert_int_equal(view_of().new_tries, 3);
        assert_true(view_of().until_usec > 0);
        /* In either order; each once. */
        assert_int_equal(give_right(REBIND_NEW_PHONE), 0);
        assert_int_equal(give_right(REBIND_NEW_PHONE), -REFUSAL_NOT_ASKED);
        run_a_while();
        assert_int_equal(room->rebind.step, REBIND_CODES);
        assert_string_equal(view_of().current.phone, OLD);
        assert_int_equal(give_right(REBIND_OLD_PHONE), 0);
        assert_int_equal(run_until(REBIND_COMMITTED), REBIND_COMMITTED);
        assert_string_equal(post.test_phone, NEW);
        assert_bound(NEW);
        assert_int_equal(heard.n_ended, 2);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test_setup_teardown(first_phone, room_setup, room_teardown),
                cmocka_unit_test_setup_teardown(change, room_setup, room_teardown),
        };

        return cmocka_run_group_tests_name("binding-way", tests, NULL, NULL);
}
