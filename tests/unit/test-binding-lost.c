// SPDX-License-Identifier: LGPL-2.1-or-later
/* The lost phone: who is told, who can cancel, and how long it waits. And the contacts themselves. */
#include "test.h"

#include "binding-fixture.h"

#define HOUR (60 * MINUTE)

/* ---- Codes that cancel: they go out sealed, so that they are taken where they are made ---- */

static struct {
        int64_t contact;
        char code[CODE_SIZE];
} cancels[32];
static unsigned n_cancels;

int __real_rebind_code_store(struct journal *j, const struct rebind_code *code);
int __wrap_rebind_code_store(struct journal *j, const struct rebind_code *code);
int __real_rebind_code_hash(struct journal *j, const uint8_t salt[static REBIND_SALT_SIZE], const char *code,
                            uint8_t ret[static REBIND_HASH_SIZE]);
int __wrap_rebind_code_hash(struct journal *j, const uint8_t salt[static REBIND_SALT_SIZE], const char *code,
                            uint8_t ret[static REBIND_HASH_SIZE]);

static char last_hashed[CODE_SIZE];

int __wrap_rebind_code_hash(struct journal *j, const uint8_t salt[static REBIND_SALT_SIZE], const char *code,
                            uint8_t ret[static REBIND_HASH_SIZE]) {
        COPY(last_hashed, code);
        return __real_rebind_code_hash(j, salt, code, ret);
}

int __wrap_rebind_code_store(struct journal *j, const struct rebind_code *code) {
        if (code->holder == REBIND_CONTACT && code->wrong == 0) {
                assert_true(n_cancels < ELEMENTSOF(cancels));
                cancels[n_cancels].contact = code->contact;
                COPY(cancels[n_cancels].code, last_hashed);
                n_cancels++;
        }
        return __real_rebind_code_store(j, code);
}

static const char *cancel_code_of(int64_t contact) {
        for (unsigned i = n_cancels; i > 0; i--)
                if (cancels[i - 1].contact == contact)
                        return cancels[i - 1].code;
        return NULL;
}

static int cancel_with(const char *code) {
        struct refusal refusal;

        return binding_cancel_by_contact(room, code, "uid 1000", &refusal) < 0 ? -(int) refusal.code : 0;
}

/* ---- Contacts ---- */

static int try_add(struct contact_record record) {
        struct refusal refusal;

        return binding_add_contact(room, &record, "uid 1000", &refusal) < 0 ? -(int) refusal.code : 0;
}

static void remove_contact(int64_t id) {
        struct refusal refusal;

        assert_int_equal(binding_remove_contact(room, id, "uid 1000", &refusal), 0);
}

static int lost_setup(void **state) {
        n_cancels = 0;
        if (room_setup(state) < 0)
                return -1;
        shop.settings.waiting_hours = 24;
        bind_first(OLD);
        pass(31 * MINUTE);
        return 0;
}

/* Up to the waiting time. */
static void go_to_wait(void) {
        go_to_codes(REBIND_LOST, NEW);
        assert_int_equal(room->rebind.kind, REBIND_LOST);
        assert_int_equal(give(REBIND_OLD_PHONE, "123456"), -REFUSAL_NOT_ASKED);
        assert_int_equal(give_right(REBIND_NEW_PHONE), 0);
        assert_int_equal(run_until(REBIND_WAIT), REBIND_WAIT);
        for (int i = 0; i < 1000 && room->rebind.told_uptime == 0; i++)
                assert_true(sd_event_run(shop.event, 1000) >= 0);
        assert_true(room->rebind.told_uptime > 0);
}

/* ---- The waiting time ---- */

static void waits_a_day(void **state) {
        add_contact("Li", "+8613800138002");
        go_to_wait();
        assert_int_equal(n_cancels, 2);
        assert_string_equal(ledger.phone, OLD);
        run_a_while();
        pass(23 * HOUR);
        run_a_while();
        assert_int_equal(room->rebind.step, REBIND_WAIT);
        /* A clock that is set forth shortens nothing. */
        machine.realtime += 48 * HOUR;
        run_a_while();
        assert_int_equal(room->rebind.step, REBIND_WAIT);
        /* Nor does a restart, or a night with the terminal switched off. */
        room_restart();
        run_a_while();
        assert_int_equal(room->rebind.step, REBIND_WAIT);
        assert_int_equal(journal_begin(shop.journal, JOURNAL_DURABLE), 0);
        assert_int_equal(uptime_save(shop.journal), 0);
        assert_int_equal(journal_commit(shop.journal), 0);
        room_reboot(12 * HOUR);
        run_a_while();
        assert_int_equal(room->rebind.step, REBIND_WAIT);
        assert_true(view_of().until_usec > clock_now(CLOCK_REALTIME));
        pass(61 * MINUTE);
        assert_int_equal(run_until(REBIND_COMMITTED), REBIND_COMMITTED);
        assert_bound(NEW);
}

static void hours_are_those_of_its_begin(void **state) {
        shop.settings.waiting_hours = 2;
        go_to_wait();
        shop.settings.waiting_hours = 1;
        pass(90 * MINUTE);
        run_a_while();
        assert_int_equal(room->rebind.step, REBIND_WAIT);
        pass(31 * MINUTE);
        assert_int_equal(run_until(REBIND_COMMITTED), REBIND_COMMITTED);
}

/* Each of them, at any time of it, also over a restart; and all are told that nothing came of it. */
static void any_of_them_cancels(void **state) {
        int64_t li = add_contact("Li", "+8613800138002"), wang = add_contact("Wang", "+8613800138003");
        const int64_t people[] = { 0, li, wang };

        for (size_t i = 0; i < ELEMENTSOF(people); i++) {
                n_cancels = 0;
                go_to_wait();
                assert_int_equal(n_cancels, 3);
                pass((uint64_t) i * 10 * HOUR);
                if (i == 1)
                        room_restart();
                if (i == 2)
                        room_reboot(HOUR);
                assert_int_equal(cancel_with("1234567"), -REFUSAL_INVALID_CODE);
                assert_int_equal(cancel_with(cancel_code_of(people[i])), 0);
                assert_rolled_back(REBIND_WAIT, "cancelled-by-contact");
                assert_bound(OLD);
                /* It is spent. */
                assert_int_equal(cancel_with(cancel_code_of(people[i])), -REFUSAL_NOT_ASKED);
                pass(31 * MINUTE);
        }
}

static void only_in_the_waiting_time(void **state) {
        assert_int_equal(cancel_with("12345678"), -REFUSAL_NOT_ASKED);
        go_to_codes(REBIND_LOST, NEW);
        assert_int_equal(cancel_with("12345678"), -REFUSAL_NOT_ASKED);
        assert_int_equal(binding_cancel(room, "uid 1", &(struct refusal){}), 0);
        go_to_codes(REBIND_CHANGE, NEW);
        assert_int_equal(cancel_with("12345678"), -REFUSAL_NOT_ASKED);
}

/* Nobody guesses one, and nobody keeps a contact from cancelling by wrong ones. */
static void wrong_ones(void **state) {
        add_contact("Li", "+8613800138002");
        go_to_wait();
        for (int i = 0; i < 100; i++)
                assert_int_equal(cancel_with("00000000"), -REFUSAL_WRONG_CODE);
        assert_int_equal(cancel_with(cancel_code_of(0)), 0);
        assert_rolled_back(REBIND_WAIT, "cancelled-by-contact");
}

static void too_many_wrong_ones(void **state) {
        unsigned n = 0;

        go_to_wait();
        /* A restart forgets no wrong one. */
        for (; room->rebind.step == REBIND_WAIT && n < 2000; n++) {
                assert_int_equal(cancel_with("00000000"), -REFUSAL_WRONG_CODE);
                if (n % 300 == 2 && room->rebind.step == REBIND_WAIT)
                        room_restart();
        }
        assert_int_equal(n, 1000);
        assert_rolled_back(REBIND_WAIT, "wrong-codes");
        assert_bound(OLD);
}

/* The codes of the phones have limits of their own. */
static void pauses_are_apart(void **state) {
        go_to_codes(REBIND_LOST, NEW);
        for (int i = 0; i < 2; i++)
                assert_int_equal(give_wrong(REBIND_NEW_PHONE), -REFUSAL_WRONG_CODE);
        assert_int_equal(give_right(REBIND_NEW_PHONE), 0);
        assert_int_equal(run_until(REBIND_WAIT), REBIND_WAIT);
        assert_int_equal(cancel_with("00000000"), -REFUSAL_WRONG_CODE);
        assert_int_equal(cancel_with("00000000"), -REFUSAL_WRONG_CODE);
        assert_int_equal(cancel_with(cancel_code_of(0)), 0);
}

/* ---- Who is told ---- */

/* Whoever takes people off the list, or changes their number, before he says that the phone is lost. */
static void who_was_a_contact(void **state) {
        int64_t stays = add_contact("Li", "+8613800138002"), early = add_contact("Zhao", "+8613800138004"),
                removed = add_contact("Wang", "+8613800138003"), changed = add_contact("Sun", "+8613800138005");
        struct contact_record other = contact_of("Sun", "+8613800138006");
        struct refusal refusal;

        remove_contact(early);
        pass(25 * HOUR);
        remove_contact(removed);
        other.id = changed;
        assert_int_equal(binding_change_contact(room, &other, "uid 1000", &refusal), 0);
        pass(HOUR);
        go_to_wait();
        assert_non_null(cancel_code_of(0));
        assert_non_null(cancel_code_of(stays));
        assert_non_null(cancel_code_of(removed));
        assert_non_null(cancel_code_of(changed));
        assert_null(cancel_code_of(early));
        /* The fifth is the number that was there before. */
        assert_int_equal(n_cancels, 5);
        assert_int_equal(cancel_with(cancels[4].code), 0);
        assert_bound(OLD);
}

static void disapproved(void **state) {
        trouble.kind = HOST_BINDING_CHECK;
        trouble.code = "58";
        trouble.times = 1;
        assert_int_equal(begin_as(REBIND_LOST, NEW), 0);
        assert_int_equal(run_until(REBIND_ROLLED_BACK), REBIND_ROLLED_BACK);
        assert_rolled_back(REBIND_CHECK, "acquirer-refused");
        assert_int_equal(n_cancels, 0);
}

static void refused_contacts(void **state) {
        struct contact_record good = contact_of("Li", "+8613800138002"), bad;
        struct refusal refusal;

        bad = good;
        *bad.name = '\0';
        assert_int_equal(try_add(bad), -REFUSAL_INVALID_CONTACT);
        COPY(bad.name, "Li\nMa");
        assert_int_equal(try_add(bad), -REFUSAL_INVALID_CONTACT);
        COPY(bad.name, "\xff");
        assert_int_equal(try_add(bad), -REFUSAL_INVALID_CONTACT);
        COPY(bad.name, "   ");
        assert_int_equal(try_add(bad), -REFUSAL_INVALID_CONTACT);
        bad = good;
        COPY(bad.phone, "13800138002");
        assert_int_equal(try_add(bad), -REFUSAL_INVALID_PHONE);
        *bad.phone = '\0';
        assert_int_equal(try_add(bad), -REFUSAL_INVALID_CONTACT);
        COPY(bad.mail, "li@example.org");
        assert_int_equal(try_add(bad), -REFUSAL_INVALID_CONTACT);
        COPY(bad.channel, "mail");
        assert_int_equal(try_add(bad), 0);
        COPY(bad.mail, "li.example.org");
        assert_int_equal(try_add(bad), -REFUSAL_INVALID_CONTACT);
        COPY(bad.mail, "li@@example.org");
        assert_int_equal(try_add(bad), -REFUSAL_INVALID_CONTACT);
        COPY(bad.mail, "wang,li@example.org");
        assert_int_equal(try_add(bad), -REFUSAL_INVALID_CONTACT);
        COPY(bad.mail, "<li@example.org>");
        assert_int_equal(try_add(bad), -REFUSAL_INVALID_CONTACT);
        COPY(bad.mail, "-li@example.org");
        assert_int_equal(try_add(bad), -REFUSAL_INVALID_CONTACT);
        bad = good;
        COPY(bad.language, "fr");
        assert_int_equal(try_add(bad), -REFUSAL_INVALID_CONTACT);
        bad = good;
        COPY(bad.channel, "pigeon");
        assert_int_equal(try_add(bad), -REFUSAL_INVALID_CONTACT);
        good.id = 99;
        assert_true(binding_change_contact(room, &good, "uid 1", &refusal) < 0);
        assert_int_equal(refusal.code, REFUSAL_NOT_FOUND);
        assert_true(binding_remove_contact(room, 99, "uid 1", &refusal) < 0);
        assert_int_equal(refusal.code, REFUSAL_NOT_FOUND);
        for (int i = 1; i < CONTACTS_MAX; i++)
                assert_int_equal(try_add(good), 0);
        assert_int_equal(try_add(good), -REFUSAL_INVALID_CONTACT);
}

static int prefer(int64_t contact, const char *event, const char *channels) {
        struct refusal refusal;

        return binding_set_preference(room, contact, event, channels, "uid 1", &refusal) < 0 ? -(int) refusal.code : 0;
}

static void preferences(void **state) {
        char channels[CONTACT_CHANNELS_SIZE];
        int64_t li = add_contact("Li", "+8613800138002");

        assert_int_equal(prefer(li, "settlement", "mail sms"), 0);
        assert_int_equal(contact_preference_load(shop.journal, li, "settlement", channels), 0);
        assert_string_equal(channels, "mail sms");
        assert_int_equal(prefer(0, "transaction", ""), 0);
        assert_int_equal(prefer(0, "security", ""), -REFUSAL_INVALID_CONTACT);
        assert_int_equal(prefer(0, "binding", ""), -REFUSAL_INVALID_CONTACT);
        assert_int_equal(prefer(0, "weather", "sms"), -REFUSAL_INVALID_CONTACT);
        assert_int_equal(prefer(0, "fault", "sms sms"), -REFUSAL_INVALID_CONTACT);
        assert_int_equal(prefer(99, "fault", "sms"), -REFUSAL_NOT_FOUND);
        remove_contact(li);
        assert_int_equal(prefer(li, "fault", "sms"), -REFUSAL_NOT_FOUND);
}

/* What nobody would be reached by is refused; who is told of what in another way, all hear. */
static void unreachable_preferences(void **state) {
        int64_t li = add_contact("Li", "+8613800138002"), mei;
        struct contact_record record = contact_of("Mei", "");
        char channels[CONTACT_CHANNELS_SIZE];
        struct refusal refusal;

        COPY(record.mail, "mei@example.org");
        COPY(record.channel, "mail");
        assert_int_equal(binding_add_contact(room, &record, "uid 1", &refusal), 0);
        mei = record.id;
        assert_int_equal(prefer(li, "fault", "mail"), -REFUSAL_INVALID_CONTACT);
        assert_int_equal(prefer(li, "binding", "mail"), -REFUSAL_INVALID_CONTACT);
        assert_int_equal(prefer(mei, "fault", "sms hook"), -REFUSAL_INVALID_CONTACT);
        assert_int_equal(prefer(0, "transaction", "mail"), -REFUSAL_INVALID_CONTACT);
        assert_int_equal(prefer(0, "security", "mail"), -REFUSAL_INVALID_CONTACT);
        assert_int_equal(contact_preference_load(shop.journal, li, "fault", channels), -ENOENT);

        post.hold = true;
        assert_int_equal(prefer(mei, "fault", "mail"), 0);
        assert_int_equal(count_notices(0, "Mei was changed"), 0);
        assert_int_equal(prefer(mei, "security", "mail sms"), 0);
        assert_int_equal(count_notices(0, "Mei"), 2); /* added, and this */
        assert_int_equal(count_notices(li, "Mei was changed"), 1);
        assert_int_equal(prefer(0, "binding", "hook"), 0);
        assert_int_equal(count_notices(li, "+86*******8000 was changed"), 1);
}

static void told_of_a_change(void **state) {
        int64_t li = add_contact("Li", "+8613800138002"), mei = add_contact("Mei", "+8613800138003");
        struct contact_record record = contact_of("Mei", "+8613800138003");
        struct refusal refusal;

        post.hold = true;
        record.id = mei;
        for (uint32_t position = 0; position <= 3; position += position == 0 ? 2 : 1) {
                record.position = position;
                assert_int_equal(binding_change_contact(room, &record, "uid 1", &refusal), 0);
        }
        assert_int_equal(count_notices(li, "Mei was changed"), 0);
        record.position = 1;
        assert_int_equal(binding_change_contact(room, &record, "uid 1", &refusal), 0);
        assert_int_equal(count_notices(li, "Mei was changed"), 1);
        COPY(record.language, "zh_CN");
        assert_int_equal(binding_change_contact(room, &record, "uid 1", &refusal), 0);
        assert_int_equal(count_notices(li, "Mei was changed"), 2);
}

static void announced(void **state) {
        uint64_t later = clock_now(CLOCK_REALTIME) + 24 * HOUR;
        struct refusal refusal;

        assert_true(binding_announce_replacement(room, later, "", "uid 1", &refusal) < 0);
        assert_int_equal(refusal.code, REFUSAL_INVALID_NOTE);
        assert_true(binding_announce_replacement(room, 1, "The new one comes.", "uid 1", &refusal) < 0);
        assert_int_equal(refusal.code, REFUSAL_INVALID_NOTE);
        /* The notice has no year. */
        assert_true(binding_announce_replacement(room, later + 365 * 24 * HOUR, "x", "uid 1", &refusal) < 0);
        assert_int_equal(refusal.code, REFUSAL_INVALID_NOTE);
        assert_true(binding_announce_replacement(room, UINT64_MAX, "x", "uid 1", &refusal) < 0);
        assert_int_equal(refusal.code, REFUSAL_INVALID_NOTE);
        post.hold = true;
        assert_int_equal(binding_announce_replacement(room, later, "The new one comes.", "uid 1", &refusal), 0);
        assert_int_equal(count_notices(0, "The new one comes."), 1);
        assert_int_equal(binding_send_test(room, 0, "uid 1", &refusal), 0);
        assert_true(binding_send_test(room, 99, "uid 1", &refusal) < 0);
        assert_int_equal(refusal.code, REFUSAL_NOT_FOUND);
}

static void nobody_to_tell(void **state) {
        struct refusal refusal;

        assert_true(binding_send_test(room, 0, "uid 1", &refusal) < 0);
        assert_int_equal(refusal.code, REFUSAL_NOT_FOUND);
        assert_true(binding_announce_replacement(room, clock_now(CLOCK_REALTIME) + HOUR, "x", "uid 1", &refusal) < 0);
        assert_int_equal(refusal.code, REFUSAL_NOT_FOUND);
}

static void checklists(void **state) {
        size_t n[2] = {};

        for (const char *const *line = binding_checklist("en"); *line; line++)
                n[0]++;
        for (const char *const *line = binding_checklist("zh_CN"); *line; line++)
                n[1]++;
        assert_true(n[0] > 5 && n[0] == n[1]);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test_setup_teardown(waits_a_day, lost_setup, room_teardown),
                cmocka_unit_test_setup_teardown(hours_are_those_of_its_begin, lost_setup, room_teardown),
                cmocka_unit_test_setup_teardown(any_of_them_cancels, lost_setup, room_teardown),
                cmocka_unit_test_setup_teardown(only_in_the_waiting_time, lost_setup, room_teardown),
                cmocka_unit_test_setup_teardown(wrong_ones, lost_setup, room_teardown),
                cmocka_unit_test_setup_teardown(too_many_wrong_ones, lost_setup, room_teardown),
                cmocka_unit_test_setup_teardown(pauses_are_apart, lost_setup, room_teardown),
                cmocka_unit_test_setup_teardown(who_was_a_contact, lost_setup, room_teardown),
                cmocka_unit_test_setup_teardown(disapproved, lost_setup, room_teardown),
                cmocka_unit_test_setup_teardown(refused_contacts, lost_setup, room_teardown),
                cmocka_unit_test_setup_teardown(preferences, lost_setup, room_teardown),
                cmocka_unit_test_setup_teardown(unreachable_preferences, lost_setup, room_teardown),
                cmocka_unit_test_setup_teardown(told_of_a_change, room_setup, room_teardown),
                cmocka_unit_test_setup_teardown(announced, lost_setup, room_teardown),
                cmocka_unit_test_setup_teardown(nobody_to_tell, room_setup, room_teardown),
                cmocka_unit_test(checklists),
        };

        return cmocka_run_group_tests_name("binding-lost", tests, NULL, NULL);
}
