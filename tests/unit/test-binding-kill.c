// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * Kills a change of the bound phone at system call after system call (strace's injection), and looks at what the next
 * start makes of it: one binding is in force, the acquirer has the same, and it is said what to do.
 *
 *   test-binding-kill                        the test; TILL_KILL_POINTS points of each call (default 5)
 *   test-binding-kill --change|--lost DIR    binds a first phone, then another one; says each on standard output
 */
#include "kill-fixture.h"

#include "binding-fixture.h"

static void say(const char *word) {
        if (write(STDOUT_FILENO, word, strlen(word)) != (ssize_t) strlen(word))
                _exit(3);
}

/* The shop is there; this program is what is killed. */
static void open_in(const char *dir) {
        COPY(shop.dir, dir);
        shop.settings = shop_settings();
        emv_terminal_init(&shop.terminal);
        assert_int_equal(sd_event_new(&shop.event), 0);
        log_set_max_level(LOG_EMERG);
        room_open();
}

static int walk(enum rebind_kind kind, const char *dir) {
        open_in(dir);
        assert_int_equal(begin_as(REBIND_CHANGE, OLD), 0);
        go_on_to_the_end();
        say("first ");
        assert_int_equal(begin_as(kind, NEW), 0);
        go_on_to_the_end();
        assert_int_equal(room->rebind.step, REBIND_COMMITTED);
        say("second ");
        room = binding_free(room);
        shop_close();
        shop.event = sd_event_unref(shop.event);
        return 0;
}

/* As it is found. */
static void look(const char *said) {
        struct binding_view view = view_of();
        int n = 0;

        assert_int_equal(binding_record_each(shop.journal, count_in_force, &n), 0);
        assert_int_equal(n, view.current.id > 0);
        assert_true(*view.message);
        if (view.rebind.step == REBIND_ROLLED_BACK || view.rebind.step == REBIND_CODES)
                assert_true(*view.next_step);
        if (strstr(said, "second"))
                assert_string_equal(view.current.phone, NEW);
        else if (strstr(said, "first"))
                assert_true(view.current.id > 0);
}

/* Goes on with what is left, or cancels it: either way all agree in the end. */
static void settle(bool cancel) {
        struct refusal refusal;

        for (int i = 0; i < 100 && room->rebind.step != REBIND_CODES; i++)
                assert_true(sd_event_run(shop.event, 1000) >= 0);
        if (rebind_is_open(room) && cancel)
                assert_int_equal(binding_cancel(room, "uid 1", &refusal), 0);
        else if (rebind_is_open(room) && room->rebind.step == REBIND_CODES && !codes_are_given(&room->rebind))
                assert_int_equal(send_codes(), 0);
        go_on_to_the_end();
        assert_bound(view_of().current.phone);
        if (room->rebind.step == REBIND_COMMITTED)
                return;
        /* What was rolled back goes through when it is taken up again. */
        pass(DAY);
        memset(&post, 0, sizeof(post));
        if (room->rebind.id == 0)
                assert_int_equal(begin_as(REBIND_CHANGE, OLD), 0);
        else
                assert_int_equal(take_up(), 0);
        go_on_to_the_end();
        assert_int_equal(room->rebind.step, REBIND_COMMITTED);
        assert_bound(view_of().rebind.phone);
}

static void check(const char *said, bool cancel) {
        memset(&acq, 0, sizeof(acq));
        memset(&machine, 0, sizeof(machine));
        memset(&post, 0, sizeof(post));
        /* Uptime goes on from what was saved; so does the time that the last run let go by. */
        machine.boottime = 40 * DAY;
        machine.realtime = 40 * DAY;
        room_open();
        look(said);
        settle(cancel);
        room = binding_free(room);
}

static unsigned kill_at(const char *verb, const char *call, int when, bool cancel) {
        char said[64];
        bool killed;

        shop_set_up();
        killed = run_killed(verb, shop.dir, call, when, said, sizeof(said));
        if (!killed)
                assert_non_null(strstr(said, "second"));
        check(said, cancel);
        shop_tear_down();
        return killed;
}

static void killed(const char *verb) {
        static const char *const calls[] = { "fdatasync", "pwrite64", "fsync", "rename", "unlink" };
        const char *points = getenv("TILL_KILL_POINTS");
        int limit = points ? atoi(points) : 5;
        unsigned n = 0;

        if (system("strace -V >/dev/null 2>&1") != 0)
                skip();
        log_set_max_level(LOG_EMERG);
        for (size_t c = 0; c < ELEMENTSOF(calls); c++)
                /* Steps that are no multiples of what a commit writes: a short run hits different places. */
                for (int i = 1; i <= limit; i++) {
                        int when = points || c >= 2 ? i : c == 0 ? i * 13 - 4 : i * 37 - 11;

                        if (kill_at(verb, calls[c], when, i % 2 == 0) == 0)
                                break;
                        n++;
                }
        print_message("killed at %u points\n", n);
        assert_true(n > 3);
}

static void change_is_killed(void **state) {
        killed("--change");
}

static void lost_is_killed(void **state) {
        killed("--lost");
}

int main(int argc, char *argv[]) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(change_is_killed),
                cmocka_unit_test(lost_is_killed),
        };

        self = argv[0];
        if (argc == 3)
                return walk(streq(argv[1], "--lost") ? REBIND_LOST : REBIND_CHANGE, argv[2]);
        return cmocka_run_group_tests_name("binding-kill", tests, NULL, NULL);
}
