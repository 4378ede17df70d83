// SPDX-License-Identifier: LGPL-2.1-or-later
/* The way of a change of the bound phone: forth, and back from each step. */
#include "test.h"

#include "binding-fixture.h"
#include "rebind-reasons.h"

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
        assert_non_null(strstr(view_of().next_step, "tillctl binding contacts add"));
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
        /* Until the step ends nobody is asked for new ones. */
        assert_string_equal(view_of().next_step, "");
        assert_int_equal(run_until(REBIND_COMMITTED), REBIND_COMMITTED);
        assert_string_equal(view_of().next_step, "Clean the old phone: tillctl binding checklist");
        assert_string_equal(post.test_phone, NEW);
        assert_bound(NEW);
        /* Its number is in the journal alone. */
        assert_string_equal(room->rebind.phone, "");
        assert_string_equal(view_of().rebind.phone, NEW);
        assert_int_equal(heard.n_ended, 2);
}

/* ---- Told ---- */

static int list_notice(const struct notice_record *record, void *userdata) {
        unsigned *n = userdata;

        if (streq(record->event, "binding"))
                n[record->contact < 0 ? 2 : record->contact > 0]++;
        return 0;
}

/* All contacts and the old phone are told in the commit, and the new one has the checklist. */
static void all_are_told(void **state) {
        unsigned before[3] = {}, after[3] = {};

        bind_first(OLD);
        (void) add_contact("Li", "+8613800138002");
        (void) add_contact("Wang", "+8613800138003");
        assert_int_equal(notice_record_each(shop.journal, 100, list_notice, before), 0);
        /* There was no old one to clean. */
        assert_int_equal(before[0], 0);
        go_to_codes(REBIND_CHANGE, NEW);
        assert_int_equal(give_right(REBIND_OLD_PHONE), 0);
        assert_int_equal(give_right(REBIND_NEW_PHONE), 0);
        assert_int_equal(run_until(REBIND_COMMITTED), REBIND_COMMITTED);
        assert_int_equal(notice_record_each(shop.journal, 100, list_notice, after), 0);
        assert_int_equal(after[0] - before[0], 1);
        assert_int_equal(after[1] - before[1], 2);
        assert_int_equal(after[2] - before[2], 1);
        for (int i = 0; i < 100 && !*post.checklist; i++)
                run_a_while();
        assert_non_null(strstr(post.checklist, "+86*******8000"));
        assert_null(strstr(post.checklist, "+86*******8001"));
}

static void backup_is_kept(void **state) {
        char command[512];

        bind_first(OLD);
        assert_true(startswith(room->rebind.backup, "rebind-1-test-") != NULL);
        assert_int_equal(strlen(room->rebind.backup_digest), 64);
        snprintf(command, sizeof(command),
                 "cd %s/backups && [ $(stat -c %%a %s) = 600 ] && sha256sum %s | grep -qi %s", shop.dir,
                 room->rebind.backup, room->rebind.backup, room->rebind.backup_digest);
        assert_int_equal(system(command), 0);

        /* A handful stays, and what was left unfinished does not; another mode's is not touched. */
        snprintf(command, sizeof(command), "cd %s/backups && touch rebind-1-live-x.jsonl rebind-2-test-x.jsonl.new",
                 shop.dir);
        assert_int_equal(system(command), 0);
        for (int i = 0; i < 8; i++) {
                pass(31 * MINUTE);
                go_to_codes(REBIND_CHANGE, NEW);
                assert_int_equal(binding_cancel(room, "uid 1", &(struct refusal){}), 0);
        }
        /* What ends before its backup costs none. */
        trouble.kind = HOST_BINDING_CHECK;
        trouble.outcome = HOST_NOT_SENT;
        trouble.times = 5;
        for (int i = 0; i < 5; i++) {
                pass(31 * MINUTE);
                assert_int_equal(begin_as(REBIND_CHANGE, NEW), 0);
                assert_int_equal(run_until(REBIND_ROLLED_BACK), REBIND_ROLLED_BACK);
        }
        pass(31 * MINUTE);
        go_to_codes(REBIND_CHANGE, NEW);
        snprintf(command, sizeof(command),
                 "cd %s/backups && [ $(ls | grep -c test) = 5 ] && ls rebind-1-live-x.jsonl "
                 ">/dev/null && ! ls *.new 2>/dev/null",
                 shop.dir);
        assert_int_equal(system(command), 0);
}

/* ---- What is refused at once ---- */

static int begin_with(const char *serial, const char *terminal, const char *phone) {
        const struct binding_call call = { .serial = serial, .terminal = terminal, .phone = phone, .by = "01" };
        struct refusal refusal;
        int64_t id;

        return binding_begin(room, &call, &id, &refusal) < 0 ? -(int) refusal.code : 0;
}

static void refused_begins(void **state) {
        static const struct {
                const char *serial, *terminal, *phone;
                enum refusal_code code;
        } cases[] = {
                { "SN-0002", "T0000001", NEW, REFUSAL_INVALID_TERMINAL },
                { "", "T0000001", NEW, REFUSAL_INVALID_TERMINAL },
                { "SN-0001SN-0001SN-0001SN-0001SN-0001", "T0000001", NEW, REFUSAL_INVALID_TERMINAL },
                { "SN-0001", "T0000002", NEW, REFUSAL_INVALID_TERMINAL },
                { "SN-0001", "T00000012", NEW, REFUSAL_INVALID_TERMINAL },
                { "SN-0001", "T0000001", "", REFUSAL_INVALID_PHONE },
                { "SN-0001", "T0000001", "13800138001", REFUSAL_INVALID_PHONE },
                { "SN-0001", "T0000001", "+86138001380011380013", REFUSAL_INVALID_PHONE },
                { "SN-0001", "T0000001", OLD, REFUSAL_INVALID_PHONE },
        };

        bind_first(OLD);
        for (size_t i = 0; i < ELEMENTSOF(cases); i++)
                if (begin_with(cases[i].serial, cases[i].terminal, cases[i].phone) != -(int) cases[i].code)
                        fail_msg("%zu", i);
        *shop.settings.serial = '\0';
        assert_int_equal(begin_with("", "T0000001", NEW), -REFUSAL_NOT_READY);
        assert_int_equal(room->rebind.id, 1);
}

static void one_at_a_time(void **state) {
        assert_int_equal(begin_as(REBIND_CHANGE, OLD), 0);
        assert_int_equal(begin_as(REBIND_CHANGE, NEW), -REFUSAL_BUSY);
        assert_int_equal(give(REBIND_NEW_PHONE, "123456"), -REFUSAL_NOT_ASKED);
        assert_int_equal(send_codes(), -REFUSAL_NOT_ASKED);
        /* Somebody else leads it now. */
        assert_int_equal(take_up(), 0);
        assert_int_equal(room->rebind.id, 1);
        assert_string_equal(room->rebind.by, "uid 1001");
        assert_int_equal(run_until(REBIND_CODES), REBIND_CODES);
        assert_int_equal(begin_as(REBIND_CHANGE, NEW), -REFUSAL_BUSY);
        assert_int_equal(binding_cancel(room, "uid 1", &(struct refusal){}), 0);
        assert_rolled_back(REBIND_CODES, "cancelled");
        assert_true(binding_cancel(room, "uid 1", &(struct refusal){}) < 0);
        assert_int_equal(begin_as(REBIND_CHANGE, NEW), 0);
}

/* ---- Each step fails ---- */

/* What goes wrong, from the check on. */
static const struct failure {
        const char *name;
        enum host_kind kind;
        enum host_outcome outcome;
        const char *code;
        int number, sent, test;
        enum rebind_step step;
        const char *reason;
        unsigned times; /* that it goes wrong, 0: once */
} failures[] = {
        { "no number", .number = -EINVAL, .step = REBIND_CHECK, .reason = "number-refused" },
        { "no mobile", .number = -EADDRNOTAVAIL, .step = REBIND_CHECK, .reason = "number-refused" },
        { "no helper", .number = -ECONNREFUSED, .step = REBIND_CHECK, .reason = "number-unchecked" },
        { "late helper", .number = -ETIME, .step = REBIND_CHECK, .reason = "number-unchecked" },
        { "check not sent", HOST_BINDING_CHECK, HOST_NOT_SENT, .step = REBIND_CHECK, .reason = "unreachable-host" },
        { "check lost", HOST_BINDING_CHECK, HOST_NO_ANSWER, .step = REBIND_CHECK, .reason = "unreachable-host" },
        { "check's MAC", HOST_BINDING_CHECK, HOST_BAD_MAC, .step = REBIND_CHECK, .reason = "unreachable-host" },
        { "serial", HOST_BINDING_CHECK, .code = "97", .step = REBIND_CHECK, .reason = "serial-refused" },
        { "phone", HOST_BINDING_CHECK, .code = "12", .step = REBIND_CHECK, .reason = "phone-differs" },
        { "not approved", HOST_BINDING_CHECK, .code = "58", .step = REBIND_CHECK, .reason = "acquirer-refused" },
        { "malfunction", HOST_BINDING_CHECK, .code = "96", .step = REBIND_CHECK, .reason = "acquirer-refused" },
        { "code not sent", .sent = -ENETDOWN, .step = REBIND_CODES, .reason = "not-sent" },
        { "confirm not sent", HOST_BINDING_CONFIRM, HOST_NOT_SENT, .step = REBIND_CONFIRM,
          .reason = "unreachable-host" },
        { "confirm lost", HOST_BINDING_CONFIRM, HOST_NO_ANSWER, .step = REBIND_CONFIRM, .reason = "unreachable-host" },
        { "confirm's MAC", HOST_BINDING_CONFIRM, HOST_BAD_MAC, .step = REBIND_CONFIRM, .reason = "unreachable-host" },
        { "confirm garbled", HOST_BINDING_CONFIRM, HOST_MALFORMED, .step = REBIND_CONFIRM,
          .reason = "unreachable-host" },
        { "confirm refused", HOST_BINDING_CONFIRM, .code = "12", .step = REBIND_CONFIRM, .reason = "phone-differs" },
        { "test notice", .test = -ETIME, .step = REBIND_TEST, .reason = "test-notice-failed" },
        { "test refused", HOST_ECHO, .code = "96", .step = REBIND_TEST, .reason = "test-transaction-failed" },
        { "test lost", HOST_ECHO, HOST_NO_ANSWER, .step = REBIND_TEST, .reason = "test-transaction-failed",
          .times = 3 },
        { "test not sent", HOST_ECHO, HOST_NOT_SENT, .step = REBIND_TEST, .reason = "test-transaction-failed",
          .times = 3 },
};

static void each_failure(void **state) {
        bind_first(OLD);
        for (size_t i = 0; i < ELEMENTSOF(failures); i++) {
                const struct failure *f = failures + i;

                print_message("%s\n", f->name);
                /* Sends are counted over half an hour. */
                pass(31 * MINUTE);
                memset(&post, 0, sizeof(post));
                post.number = f->number;
                post.code = f->sent;
                post.test = f->test;
                trouble.kind = f->kind;
                trouble.outcome = f->outcome;
                trouble.code = f->code;
                trouble.times = f->kind || f->code || f->outcome ? MAX(f->times, 1u) : 0;
                assert_int_equal(begin_as(REBIND_CHANGE, NEW), 0);
                go_on_to_the_end();
                assert_rolled_back(f->step, f->reason);
                assert_int_equal(trouble.times, 0);
                assert_bound(OLD);
        }
        /* None of these stands in the way of taking it up again. */
        pass(31 * MINUTE);
        memset(&post, 0, sizeof(post));
        assert_int_equal(take_up(), 0);
        assert_int_equal(room->rebind.resumes, ELEMENTSOF(failures) + 1);
        go_on_to_the_end();
        assert_int_equal(room->rebind.step, REBIND_COMMITTED);
        assert_bound(NEW);
}

/* ---- Each step takes too long ---- */

static void each_time_out(void **state) {
        static const struct {
                enum rebind_step step;
                uint64_t usec;
                const char *reason;
        } cases[] = {
                { REBIND_CHECK, 5 * MINUTE, "timed-out" },
                { REBIND_CODES, 30 * MINUTE, "timed-out" },
                { REBIND_CONFIRM, 5 * MINUTE, "timed-out" },
                /* What is left of it is the notice. */
                { REBIND_TEST, 5 * MINUTE, "test-notice-failed" },
        };

        bind_first(OLD);
        for (size_t i = 0; i < ELEMENTSOF(cases); i++) {
                pass(31 * MINUTE);
                memset(&post, 0, sizeof(post));
                assert_int_equal(begin_as(REBIND_CHANGE, NEW), 0);
                if (cases[i].step == REBIND_CHECK)
                        acq.hold = true;
                else
                        wait_for_codes();
                if (cases[i].step > REBIND_CODES) {
                        acq.hold = cases[i].step == REBIND_CONFIRM;
                        post.hold = cases[i].step == REBIND_TEST;
                        assert_int_equal(give_right(REBIND_OLD_PHONE), 0);
                        assert_int_equal(give_right(REBIND_NEW_PHONE), 0);
                        assert_int_equal(run_until(cases[i].step), cases[i].step);
                }
                run_a_while();
                pass(cases[i].usec - MINUTE);
                run_a_while();
                assert_int_equal(room->rebind.step, cases[i].step);
                pass(2 * MINUTE);
                for (int n = 0; n < 20000 && rebind_is_open(room) && !room->failing; n++)
                        assert_true(sd_event_run(shop.event, 1000) >= 0);
                /* What is being said to the acquirer is not taken back before it has ended. */
                acq.hold = post.hold = false;
                assert_int_equal(run_until(REBIND_ROLLED_BACK), REBIND_ROLLED_BACK);
                assert_rolled_back(cases[i].step, cases[i].reason);
                run_a_while();
                assert_bound(OLD);
        }
}

/* ---- What is tried again ---- */

static void go_to_test(void) {
        bind_first(OLD);
        go_to_codes(REBIND_CHANGE, NEW);
        assert_int_equal(give_right(REBIND_OLD_PHONE), 0);
        assert_int_equal(give_right(REBIND_NEW_PHONE), 0);
}

static void run_to_message(const char *part) {
        for (int i = 0; i < 3000 && !strstr(view_of().message, part); i++)
                assert_true(sd_event_run(shop.event, 1000) >= 0);
        assert_non_null(strstr(view_of().message, part));
}

/* Of each the first two fail; nobody is sent a notice for a binding that the acquirer cannot be talked to over. */
static void test_is_tried_again(void **state) {
        trouble.kind = HOST_ECHO;
        trouble.outcome = HOST_NOT_SENT;
        go_to_test();
        memset(&post, 0, sizeof(post));
        post.test = -ENETDOWN;
        post.tests_failing = 2;
        trouble.times = 2;
        run_to_message("test transaction failed; it is tried again");
        assert_true(*view_of().next_step);
        assert_string_equal(view_of().rebind.reason, "");
        run_a_while();
        assert_int_equal(trouble.times, 1);
        pass(9 * USEC_PER_SEC);
        run_a_while();
        assert_int_equal(trouble.times, 1);
        pass(USEC_PER_SEC);
        run_a_while();
        assert_int_equal(trouble.times, 0);
        pass(29 * USEC_PER_SEC);
        run_a_while();
        assert_int_equal(post.n_tests, 0);
        pass(USEC_PER_SEC);
        run_to_message("test notice did not get through to the new phone; it is tried again");
        run_a_while();
        assert_int_equal(post.n_tests, 1);
        pass(10 * USEC_PER_SEC);
        run_a_while();
        assert_int_equal(post.n_tests, 2);
        assert_int_equal(room->rebind.step, REBIND_TEST);
        pass(30 * USEC_PER_SEC);
        assert_int_equal(run_until(REBIND_COMMITTED), REBIND_COMMITTED);
        assert_int_equal(post.n_tests, 3);
        assert_bound(NEW);
}

/* The third failure ends it; what takes the confirm back is armed in the same commit. */
static void test_fails_three_times(void **state) {
        go_to_test();
        memset(&post, 0, sizeof(post));
        trouble.kind = HOST_ECHO;
        trouble.outcome = HOST_NOT_SENT;
        trouble.times = 4;
        for (int i = 0; i < 2000 && room->rebind.step != REBIND_ROLLED_BACK; i++) {
                pass_pause();
                assert_true(sd_event_run(shop.event, 1000) >= 0);
        }
        assert_rolled_back(REBIND_TEST, "test-transaction-failed");
        assert_int_equal(trouble.times, 1);
        assert_int_equal(post.n_tests, 0);
        assert_int_equal(request_record_count(shop.journal, REQUEST_WITHDRAWAL), 1);
        trouble.times = 0;
        assert_bound(OLD);
}

/* Nor does a restart give more tries, or have a failure called a time-out. */
static void tries_outlive_a_restart(void **state) {
        go_to_test();
        trouble.kind = HOST_ECHO;
        trouble.outcome = HOST_NOT_SENT;
        trouble.times = 10;
        for (int i = 0; i < 2; i++) {
                run_to_message("it is tried again");
                room_restart();
                run_to_message("it is tried again");
                pass_pause();
                run_a_while();
        }
        assert_int_equal(run_until(REBIND_ROLLED_BACK), REBIND_ROLLED_BACK);
        assert_rolled_back(REBIND_TEST, "test-transaction-failed");
        assert_int_equal(trouble.times, 7);
        trouble.times = 0;
        assert_bound(OLD);
}

static void deadline_after_a_failed_try(void **state) {
        static const char *const reasons[] = { "test-transaction-failed", "test-notice-failed" };

        for (size_t i = 0; i < ELEMENTSOF(reasons); i++) {
                if (i == 0)
                        go_to_test();
                else {
                        pass(31 * MINUTE);
                        go_to_codes(REBIND_CHANGE, NEW);
                        assert_int_equal(give_right(REBIND_OLD_PHONE), 0);
                        assert_int_equal(give_right(REBIND_NEW_PHONE), 0);
                }
                trouble.kind = HOST_ECHO;
                trouble.outcome = HOST_NOT_SENT;
                trouble.times = i == 0;
                post.test = i == 1 ? -ENETDOWN : 0;
                run_to_message("it is tried again");
                machine.boottime += 6 * MINUTE;
                room->again_usec += 6 * MINUTE;
                assert_int_equal(run_until(REBIND_ROLLED_BACK), REBIND_ROLLED_BACK);
                assert_rolled_back(REBIND_TEST, reasons[i]);
                post.test = 0;
                assert_bound(OLD);
        }
}

/* Nobody has its number: the same is not asked again. */
static void test_number_is_refused(void **state) {
        static const int errors[] = { -EINVAL, -EADDRNOTAVAIL };

        bind_first(OLD);
        for (size_t i = 0; i < ELEMENTSOF(errors); i++) {
                pass(31 * MINUTE);
                go_to_codes(REBIND_CHANGE, NEW);
                post.test = errors[i];
                post.n_tests = 0;
                assert_int_equal(give_right(REBIND_OLD_PHONE), 0);
                assert_int_equal(give_right(REBIND_NEW_PHONE), 0);
                assert_int_equal(run_until(REBIND_ROLLED_BACK), REBIND_ROLLED_BACK);
                assert_rolled_back(REBIND_TEST, "test-notice-failed");
                assert_int_equal(post.n_tests, 1);
                assert_bound(OLD);
        }
}

/* The tries of a notice are forgotten with a restart, and what is missing is not. */
static void deadline_after_a_restart(void **state) {
        go_to_test();
        post.test = -ENETDOWN;
        run_to_message("test notice did not get through");
        room_restart();
        post.hold = true;
        run_a_while();
        assert_int_equal(post.n_tests, 1);
        pass(6 * MINUTE);
        assert_int_equal(run_until(REBIND_ROLLED_BACK), REBIND_ROLLED_BACK);
        assert_rolled_back(REBIND_TEST, "test-notice-failed");
        post.hold = false;
        assert_bound(OLD);
}

/* Its transaction has not been answered: nobody knows of a failure. */
static void deadline_of_the_test_transaction(void **state) {
        go_to_test();
        assert_int_equal(run_until(REBIND_TEST), REBIND_TEST);
        acq.hold = true;
        run_a_while();
        pass(6 * MINUTE);
        assert_int_equal(run_until(REBIND_ROLLED_BACK), REBIND_ROLLED_BACK);
        assert_rolled_back(REBIND_TEST, "timed-out");
        acq.hold = false;
        assert_bound(OLD);
}

/* Who has the notice does not get it again: it is the last thing before the commit. */
static void notice_is_sent_once(void **state) {
        go_to_test();
        memset(&post, 0, sizeof(post));
        assert_int_equal(run_until(REBIND_TEST), REBIND_TEST);
        acq.hold = true;
        run_a_while();
        assert_int_equal(post.n_tests, 0);
        room_restart();
        acq.hold = false;
        run_to_message("it is tried again");
        assert_int_equal(post.n_tests, 0);
        pass_pause();
        assert_int_equal(run_until(REBIND_COMMITTED), REBIND_COMMITTED);
        assert_int_equal(post.n_tests, 1);
        assert_bound(NEW);
}

/* The confirm is with the acquirer when somebody cancels: its answer is waited for, then it is taken back. */
static void cancelled_while_confirmed(void **state) {
        struct refusal refusal;

        bind_first(OLD);
        go_to_codes(REBIND_CHANGE, NEW);
        assert_int_equal(give_right(REBIND_OLD_PHONE), 0);
        acq.hold = true;
        assert_int_equal(give_right(REBIND_NEW_PHONE), 0);
        assert_int_equal(run_until(REBIND_CONFIRM), REBIND_CONFIRM);
        run_a_while();
        assert_int_equal(binding_cancel(room, "uid 1", &refusal), 0);
        assert_int_equal(room->rebind.step, REBIND_CONFIRM);
        assert_true(*view_of().message);
        assert_true(binding_cancel(room, "uid 1", &refusal) < 0);
        acq.hold = false;
        assert_int_equal(run_until(REBIND_ROLLED_BACK), REBIND_ROLLED_BACK);
        assert_rolled_back(REBIND_CONFIRM, "cancelled");
        assert_bound(OLD);
}

/* Nothing begins before the acquirer's record is right again. */
static void withdrawn_before_the_next(void **state) {
        bind_first(OLD);
        go_to_codes(REBIND_CHANGE, NEW);
        trouble.kind = HOST_BINDING_CONFIRM;
        trouble.outcome = HOST_NO_ANSWER;
        trouble.times = 1;
        busy_after_confirm = true;
        assert_int_equal(give_right(REBIND_OLD_PHONE), 0);
        assert_int_equal(give_right(REBIND_NEW_PHONE), 0);
        assert_int_equal(run_until(REBIND_ROLLED_BACK), REBIND_ROLLED_BACK);
        ledger_load();
        assert_string_equal(ledger.phone, NEW);
        pass(31 * MINUTE);
        assert_int_equal(take_up(), 0);
        run_a_while();
        assert_int_equal(room->rebind.step, REBIND_CHECK);
        assert_non_null(strstr(view_of().message, "take back the last change"));
        /* It goes on after a restart: the acquirer has not been asked. */
        trouble.kind = HOST_BINDING_WITHDRAW;
        trouble.outcome = HOST_NOT_SENT;
        trouble.times = 1000;
        room_restart();
        run_a_while();
        assert_non_null(strstr(view_of().message, "take back the last change"));
        trouble.times = 0;
        busy_after_confirm = acq.busy = false;
        pass(2 * MINUTE);
        wait_for_codes();
        assert_null(strstr(view_of().message, "take back"));
        assert_bound(OLD);
}

/* A customer is served first. */
static void payment_comes_first(void **state) {
        struct engine_call call = { .kind = "echo", .currency = "", .reference = "E-1", .order = "" };
        struct refusal refusal;
        int64_t id;

        acq.hold = true;
        assert_int_equal(engine_start_transaction(shop.engine, &call, &id, &refusal), 0);
        assert_int_equal(begin_as(REBIND_CHANGE, OLD), 0);
        run_a_while();
        assert_int_equal(room->rebind.step, REBIND_CHECK);
        acq.hold = false;
        assert_int_equal(run_until(REBIND_CODES), REBIND_CODES);
}

/* ---- A restart ---- */

/* At each step, with nothing of it done yet, or with the acquirer's word on its way. */
static void restarted(void **state) {
        static const struct {
                enum rebind_step step;
                bool goes_on;
        } cases[] = {
                { REBIND_CHECK, true },    { REBIND_BACKUP, false }, { REBIND_CODES, true },
                { REBIND_CONFIRM, false }, { REBIND_TEST, true },
        };
        char codes[2][16];

        bind_first(OLD);
        for (size_t i = 0; i < ELEMENTSOF(cases); i++) {
                pass(31 * MINUTE);
                memset(&post, 0, sizeof(post));
                assert_int_equal(begin_as(REBIND_CHANGE, NEW), 0);
                if (cases[i].step > REBIND_BACKUP)
                        wait_for_codes();
                memcpy(codes, post.codes, sizeof(codes));
                if (cases[i].step > REBIND_CODES) {
                        acq.hold = post.hold = true;
                        assert_int_equal(give_right(REBIND_OLD_PHONE), 0);
                        assert_int_equal(give_right(REBIND_NEW_PHONE), 0);
                        acq.hold = cases[i].step == REBIND_CONFIRM;
                }
                assert_int_equal(run_until(cases[i].step), cases[i].step);
                if (cases[i].step == REBIND_CONFIRM)
                        run_a_while();
                room_restart();
                acq.hold = false;
                if (!cases[i].goes_on) {
                        assert_int_equal(run_until(REBIND_ROLLED_BACK), REBIND_ROLLED_BACK);
                        assert_rolled_back(cases[i].step, "interrupted");
                        assert_bound(OLD);
                        continue;
                }
                assert_int_equal(room->rebind.step, cases[i].step);
                if (cases[i].step == REBIND_CHECK) {
                        wait_for_codes();
                        /* Looked at again. */
                        assert_int_equal(post.n_numbers, 1);
                        assert_int_equal(binding_cancel(room, "uid 1", &(struct refusal){}), 0);
                }
                if (cases[i].step == REBIND_CODES) {
                        assert_int_equal(give(REBIND_OLD_PHONE, codes[REBIND_OLD_PHONE]), 0);
                        assert_int_equal(binding_cancel(room, "uid 1", &(struct refusal){}), 0);
                        assert_bound(OLD);
                }
        }
        /* The test is done again. */
        assert_int_equal(run_until(REBIND_COMMITTED), REBIND_COMMITTED);
        assert_int_equal(post.n_tests, 1);
        assert_bound(NEW);
}

/* The acquirer has agreed, and that is written, but not yet that the next step begins. */
static void word_is_found_again(void **state) {
        struct transaction_record record;

        bind_first(OLD);
        go_to_codes(REBIND_CHANGE, NEW);
        acq.hold = true;
        assert_int_equal(give_right(REBIND_OLD_PHONE), 0);
        assert_int_equal(give_right(REBIND_NEW_PHONE), 0);
        assert_int_equal(run_until(REBIND_CONFIRM), REBIND_CONFIRM);
        run_a_while();
        acq.hold = false;
        for (int i = 0; i < 2000; i++) {
                assert_int_equal(acquirer_word_find(room, REBIND_CONFIRM, &record), 0);
                if (record.state == TRANSACTION_DONE)
                        break;
                assert_true(sd_event_run(shop.event, 1000) >= 0);
        }
        assert_int_equal(record.result, RESULT_APPROVED);
        if (room->rebind.step == REBIND_CONFIRM)
                room_restart();
        assert_int_equal(run_until(REBIND_COMMITTED), REBIND_COMMITTED);
        assert_bound(NEW);
}

/* ---- What journalctl -x explains ---- */

static char said[8][33]; /* ids */
static unsigned n_said;

int __wrap_log_about(int level, int error, const struct log_about *about, const char *format, ...) _printf_(4, 5);

int __wrap_log_about(int level, int error, const struct log_about *about, const char *format, ...) {
        const char *const *fields = about->other;
        char text[512];
        va_list ap;

        va_start(ap, format);
        (void) vsnprintf(text, sizeof(text), format, ap);
        va_end(ap);
        assert_null(strstr(text, "138001380"));
        if (!about->message_id)
                return error;
        for (; *fields; fields++) {
                assert_non_null(startswith(*fields, "TILLD_"));
                assert_null(strstr(*fields, "138001380"));
        }
        COPY(said[n_said % ELEMENTSOF(said)], about->message_id);
        n_said++;
        return error;
}

#define ID_FAILED "8646e79ded0a4ea5aadd4dbb17ea78dc"
#define ID_PAYMENT "3e3b2f74078d49c987361d61b14a92dd"
#define ID_DIFFERS "c0afd517938b4a26ab389d9c4e19658d"

static void playbooks(void **state) {
        struct transaction_view view = TRANSACTION_VIEW_INIT;

        n_said = 0;
        bind_first(OLD);
        assert_int_equal(n_said, 0);
        pass(25 * 60 * MINUTE);
        go_to_codes(REBIND_CHANGE, NEW);
        assert_int_equal(binding_cancel(room, "uid 1", &(struct refusal){}), 0);
        assert_int_equal(n_said, 1);
        assert_string_equal(said[0], ID_FAILED);

        trouble.kind = HOST_BINDING_CHECK;
        trouble.code = "12";
        trouble.times = 1;
        assert_int_equal(begin_as(REBIND_CHANGE, NEW), 0);
        assert_int_equal(run_until(REBIND_ROLLED_BACK), REBIND_ROLLED_BACK);
        assert_int_equal(n_said, 3);
        assert_string_equal(said[1], ID_FAILED);
        assert_string_equal(said[2], ID_DIFFERS);

        /* A payment that fails has nothing to do with a change that was rolled back. */
        COPY(view.record.kind, "sale");
        view.record.state = TRANSACTION_DONE;
        view.record.result = RESULT_FAILED;
        COPY(view.record.reason, "unreachable-host");
        binding_transaction_changed(room, &view, TRANSACTION_FINISHED);
        assert_int_equal(n_said, 3);

        pass(31 * MINUTE);
        assert_int_equal(take_up(), 0);
        wait_for_codes();
        assert_int_equal(give_right(REBIND_OLD_PHONE), 0);
        assert_int_equal(give_right(REBIND_NEW_PHONE), 0);
        assert_int_equal(run_until(REBIND_COMMITTED), REBIND_COMMITTED);
        assert_int_equal(n_said, 3);
        /* The one in force counts, whatever was tried and rolled back since. */
        go_to_codes(REBIND_CHANGE, OLD);
        assert_int_equal(binding_cancel(room, "uid 1", &(struct refusal){}), 0);
        assert_int_equal(n_said, 4);
        n_said = 3;
        /* Neither one that the cardholder's bank declines, nor what is no payment. */
        view.record.result = RESULT_DECLINED;
        *view.record.reason = '\0';
        COPY(view.record.response_code, "51");
        binding_transaction_changed(room, &view, TRANSACTION_FINISHED);
        COPY(view.record.kind, "echo");
        COPY(view.record.response_code, "97");
        binding_transaction_changed(room, &view, TRANSACTION_FINISHED);
        assert_int_equal(n_said, 3);
        COPY(view.record.kind, "sale");
        binding_transaction_changed(room, &view, TRANSACTION_CHANGED);
        assert_int_equal(n_said, 3);
        binding_transaction_changed(room, &view, TRANSACTION_FINISHED);
        assert_int_equal(n_said, 4);
        assert_string_equal(said[3], ID_PAYMENT);
        /* Once; and after a day it has other causes. */
        binding_transaction_changed(room, &view, TRANSACTION_FINISHED);
        assert_int_equal(n_said, 4);
        room->told_payments_fail = false;
        pass(25 * 60 * MINUTE);
        binding_transaction_changed(room, &view, TRANSACTION_FINISHED);
        assert_int_equal(n_said, 4);
}

/* Each word has what happened and what to do, short enough to be shown. */
static void words(void **state) {
        for (size_t i = 0; i < ELEMENTSOF(rebind_reasons); i++) {
                assert_non_null(reason_message(rebind_reasons[i]));
                assert_in_range(strlen(reason_message(rebind_reasons[i])), 10, 199);
                assert_in_range(strlen(reason_next_step(rebind_reasons[i])), 10, 199);
                assert_true(strlen(rebind_reasons[i]) < sizeof(((struct rebind_record *) NULL)->reason));
        }
        assert_null(reason_message("weather"));
}

/* ---- The journal's disk ---- */

static int full_at; /* so many commits on it is full, for a while; 0: never */
static int full_for;
static bool is_ours; /* what is being written is a step of the change: the engine's own commits have their tests */

int __real_event_append(struct journal *j, const char *kind, int64_t transaction, const char *text);
int __wrap_event_append(struct journal *j, const char *kind, int64_t transaction, const char *text);

int __wrap_event_append(struct journal *j, const char *kind, int64_t transaction, const char *text) {
        is_ours = startswith(kind, "rebind-") != NULL;
        return __real_event_append(j, kind, transaction, text);
}

int __real_journal_commit(struct journal *j);
int __wrap_journal_commit(struct journal *j);

int __wrap_journal_commit(struct journal *j) {
        bool ours = is_ours;

        is_ours = false;
        if (ours && full_at > 0 && --full_at == 0) {
                if (--full_for > 0)
                        full_at = 1;
                journal_rollback(j);
                return -ENOSPC;
        }
        return __real_journal_commit(j);
}

/* At each commit of the way, once or for a while: one binding, and the acquirer has the same. */
static void disk_is_full(void **state) {
        const char *bound = OLD;
        int ended = 0;

        bind_first(OLD);
        for (int at = 1; at < 24; at++) {
                const char *other = streq(bound, OLD) ? NEW : OLD;

                pass(25 * 60 * MINUTE);
                memset(&post, 0, sizeof(post));
                full_for = at % 3 + 1;
                full_at = at;
                if (begin_as(REBIND_CHANGE, other) < 0) {
                        full_at = 0;
                        continue;
                }
                for (int i = 0; i < 4000 && rebind_is_open(room); i++) {
                        for (enum rebind_holder h = REBIND_OLD_PHONE; h <= REBIND_NEW_PHONE; h++)
                                if (room->rebind.step == REBIND_CODES && !room->failing && !view_of().sending &&
                                    codes_wants(&room->rebind, h)) {
                                        if (view_of().new_tries + view_of().old_tries == 0)
                                                (void) send_codes();
                                        else
                                                (void) give_right(h);
                                }
                        assert_true(sd_event_run(shop.event, 1000) >= 0);
                }
                assert_false(rebind_is_open(room));
                ended += full_at == 0;
                full_at = 0;
                if (room->rebind.step == REBIND_COMMITTED)
                        bound = other;
                assert_bound(bound);
        }
        assert_true(ended > 5);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test_setup_teardown(first_phone, room_setup, room_teardown),
                cmocka_unit_test_setup_teardown(change, room_setup, room_teardown),
                cmocka_unit_test_setup_teardown(all_are_told, room_setup, room_teardown),
                cmocka_unit_test_setup_teardown(backup_is_kept, room_setup, room_teardown),
                cmocka_unit_test_setup_teardown(refused_begins, room_setup, room_teardown),
                cmocka_unit_test_setup_teardown(one_at_a_time, room_setup, room_teardown),
                cmocka_unit_test_setup_teardown(each_failure, room_setup, room_teardown),
                cmocka_unit_test_setup_teardown(each_time_out, room_setup, room_teardown),
                cmocka_unit_test_setup_teardown(test_is_tried_again, room_setup, room_teardown),
                cmocka_unit_test_setup_teardown(test_fails_three_times, room_setup, room_teardown),
                cmocka_unit_test_setup_teardown(tries_outlive_a_restart, room_setup, room_teardown),
                cmocka_unit_test_setup_teardown(deadline_after_a_failed_try, room_setup, room_teardown),
                cmocka_unit_test_setup_teardown(test_number_is_refused, room_setup, room_teardown),
                cmocka_unit_test_setup_teardown(deadline_after_a_restart, room_setup, room_teardown),
                cmocka_unit_test_setup_teardown(deadline_of_the_test_transaction, room_setup, room_teardown),
                cmocka_unit_test_setup_teardown(notice_is_sent_once, room_setup, room_teardown),
                cmocka_unit_test_setup_teardown(cancelled_while_confirmed, room_setup, room_teardown),
                cmocka_unit_test_setup_teardown(withdrawn_before_the_next, room_setup, room_teardown),
                cmocka_unit_test_setup_teardown(payment_comes_first, room_setup, room_teardown),
                cmocka_unit_test_setup_teardown(restarted, room_setup, room_teardown),
                cmocka_unit_test_setup_teardown(word_is_found_again, room_setup, room_teardown),
                cmocka_unit_test_setup_teardown(playbooks, room_setup, room_teardown),
                cmocka_unit_test(words),
                cmocka_unit_test_setup_teardown(disk_is_full, room_setup, room_teardown),
        };

        return cmocka_run_group_tests_name("binding-way", tests, NULL, NULL);
}
