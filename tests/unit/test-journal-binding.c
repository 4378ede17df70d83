// SPDX-License-Identifier: LGPL-2.1-or-later
/* The rows of bindings, rebinds and their codes, contacts and notices. */
#include "open-journal.h"

#include <inttypes.h>

#include "base/clock.h"
#include "journal/binding.h"
#include "journal/contact.h"
#include "journal/notice.h"
#include "journal/rebind.h"

#define HOUR (3600 * USEC_PER_SEC)
#define PHONE "+8613800138000"
#define OTHER_PHONE "+8613800138001"

/* ---- Phones ---- */

static void phones(void **state) {
        static const char *const wrong[] = {
                "",        "+",         "13800138000",        "+0138001380", "+861380",
                "+86 138", "+86138a01", "+12345678901234567", "++8613800",   "+8613800138000 "
        };
        char masked[PHONE_SIZE];

        assert_true(phone_is_valid(PHONE));
        assert_true(phone_is_valid("+1234567"));
        assert_true(phone_is_valid("+123456789012345"));
        for (size_t i = 0; i < ELEMENTSOF(wrong); i++)
                if (phone_is_valid(wrong[i]))
                        fail_msg("\"%s\" is none", wrong[i]);
        phone_mask(PHONE, masked);
        assert_string_equal(masked, "+86*******8000");
        phone_mask("", masked);
        assert_string_equal(masked, "");
        phone_mask("+123456789012345", masked);
        assert_string_equal(masked, "+12*********2345");
}

/* ---- Bindings ---- */

static struct binding_record binding_of(const char *phone, uint64_t since) {
        struct binding_record record = { .serial = "TS-1", .terminal = "T0000001", .by = "02", .since_usec = since };

        COPY(record.phone, phone);
        return record;
}

static int remember_binding(const struct binding_record *record, void *userdata) {
        char *all = userdata;

        snprintf(all + strlen(all), 128 - strlen(all), "%" PRIi64 " %s %" PRIu64 ", ", record->id, record->phone,
                 record->ended_usec);
        return 0;
}

static void bindings(void **state) {
        struct binding_record first = binding_of(PHONE, 10), second = binding_of(OTHER_PHONE, 20), loaded;
        char all[128] = "";

        assert_int_equal(binding_record_load_current(j, &loaded), -ENOENT);
        assert_int_equal(binding_record_insert(j, &first), -EPROTO);
        begin();
        assert_int_equal(binding_record_insert(j, &first), 0);
        commit();
        assert_int_equal(first.id, 1);
        assert_int_equal(binding_record_load_current(j, &loaded), 0);
        assert_memory_equal(&loaded, &first, sizeof(loaded));

        /* What is not committed leaves the old one in force. */
        begin();
        assert_int_equal(binding_record_insert(j, &second), 0);
        journal_rollback(j);
        assert_int_equal(binding_record_load_current(j, &loaded), 0);
        assert_string_equal(loaded.phone, PHONE);

        begin();
        assert_int_equal(binding_record_insert(j, &second), 0);
        commit();
        reopen();
        assert_int_equal(binding_record_load_current(j, &loaded), 0);
        assert_string_equal(loaded.phone, OTHER_PHONE);
        assert_int_equal(binding_record_each(j, remember_binding, all), 0);
        assert_string_equal(all, "2 " OTHER_PHONE " 0, 1 " PHONE " 20, ");
        assert_int_equal(binding_record_load(j, 1, &loaded), 0);
        assert_int_equal(loaded.ended_usec, 20);
        assert_int_equal(binding_record_load(j, 3, &loaded), -ENOENT);
}

/* ---- Rebinds ---- */

static struct rebind_record rebind_of(enum rebind_kind kind) {
        return (struct rebind_record){
                .kind = kind,
                .phone = OTHER_PHONE,
                .serial = "TS-1",
                .terminal = "T0000001",
                .by = "uid 1000",
                .started_usec = 7,
                .step_uptime = 8,
                .wait_usec = kind == REBIND_LOST ? 9 : 0,
        };
}

static int count_rebind(const struct rebind_record *record, void *userdata) {
        *(int64_t *) userdata = *(int64_t *) userdata * 10 + record->id;
        return 0;
}

static void rebinds(void **state) {
        struct rebind_record record = rebind_of(REBIND_CHANGE), second = rebind_of(REBIND_LOST), loaded;
        int64_t ids = 0;

        assert_int_equal(rebind_record_load_open(j, &loaded), -ENOENT);
        assert_int_equal(rebind_record_load_last(j, &loaded), -ENOENT);
        begin();
        assert_int_equal(rebind_record_insert(j, &record), 0);
        commit();
        begin();
        assert_int_equal(rebind_record_insert(j, &second), -EEXIST);
        journal_rollback(j);

        record.step = REBIND_CONFIRM;
        record.new_given = true;
        record.confirm = 12;
        COPY(record.backup, "rebind-1.json");
        COPY(record.backup_digest, "ab");
        begin();
        assert_int_equal(rebind_record_update(j, &record), 0);
        commit();
        reopen();
        assert_int_equal(rebind_record_load_open(j, &loaded), 0);
        assert_memory_equal(&loaded, &record, sizeof(loaded));

        /* An end needs its time, a rollback its reason. */
        record.step = REBIND_ROLLED_BACK;
        record.failed = REBIND_CONFIRM;
        begin();
        assert_true(rebind_record_update(j, &record) < 0);
        record.ended_usec = 30;
        assert_true(rebind_record_update(j, &record) < 0);
        COPY(record.reason, "cancelled");
        assert_int_equal(rebind_record_update(j, &record), 0);
        commit();
        assert_int_equal(rebind_record_load_open(j, &loaded), -ENOENT);
        begin();
        record.step = REBIND_COMMITTED;
        assert_int_equal(rebind_record_update(j, &record), -EALREADY);
        second.id = 5;
        assert_int_equal(rebind_record_update(j, &second), -ENOENT);
        journal_rollback(j);

        begin();
        assert_int_equal(rebind_record_insert(j, &second), 0);
        commit();
        assert_int_equal(second.id, 2);
        assert_int_equal(rebind_record_load_last(j, &loaded), 0);
        assert_memory_equal(&loaded, &second, sizeof(loaded));
        assert_int_equal(rebind_record_load(j, 1, &loaded), 0);
        assert_string_equal(loaded.reason, "cancelled");
        assert_int_equal(rebind_record_each(j, count_rebind, &ids), 0);
        assert_int_equal(ids, 21);
}

static int count_code(const struct rebind_code *code, void *userdata) {
        *(int64_t *) userdata = *(int64_t *) userdata * 10 + code->contact;
        return 0;
}

static void codes(void **state) {
        struct rebind_record rebind = rebind_of(REBIND_LOST);
        struct rebind_code code = { .rebind = 1, .holder = REBIND_NEW_PHONE, .salt = { 1 }, .made_uptime = 5 }, loaded;
        uint8_t hash[REBIND_HASH_SIZE], other[REBIND_HASH_SIZE], salt[REBIND_SALT_SIZE] = { 1 };
        int64_t contacts = 0;

        assert_int_equal(rebind_code_hash(j, salt, "123456", hash), 0);
        assert_int_equal(rebind_code_hash(j, salt, "123457", other), 0);
        assert_memory_not_equal(hash, other, sizeof(hash));
        salt[15] = 1;
        assert_int_equal(rebind_code_hash(j, salt, "123456", other), 0);
        assert_memory_not_equal(hash, other, sizeof(hash));

        memcpy(code.hash, hash, sizeof(hash));
        begin();
        assert_int_equal(rebind_record_insert(j, &rebind), 0);
        assert_int_equal(rebind_code_store(j, &code), 0);
        code.wrong = 2;
        assert_int_equal(rebind_code_store(j, &code), 0);
        assert_int_equal(rebind_code_load(j, 1, REBIND_NEW_PHONE, 0, &loaded), 0);
        assert_memory_equal(&loaded, &code, sizeof(loaded));
        assert_int_equal(rebind_code_load(j, 1, REBIND_OLD_PHONE, 0, &loaded), -ENOENT);
        code.holder = REBIND_CONTACT;
        for (code.contact = 1; code.contact <= 3; code.contact++)
                assert_int_equal(rebind_code_store(j, &code), 0);
        commit();
        assert_int_equal(rebind_code_each_contact(j, 1, count_code, &contacts), 0);
        assert_int_equal(contacts, 123);

        /* A new storage key does not make them others. */
        begin();
        assert_int_equal(rebind_code_forget(j, 1), 0);
        commit();
        assert_int_equal(rebind_code_load(j, 1, REBIND_NEW_PHONE, 0, &loaded), -ENOENT);
}

static void limits(void **state) {
        struct rebind_limit limit, stored = { .wrong_codes = 2, .locked_until = 3, .sends = 4, .sends_since = 5 };

        assert_int_equal(rebind_limit_load(j, &limit), 0);
        assert_int_equal(limit.wrong_codes + limit.sends + limit.locked_until, 0);
        assert_int_equal(rebind_limit_store(j, &stored), -EPROTO);
        for (unsigned i = 0; i < 2; i++) {
                stored.wrong_codes++;
                begin();
                assert_int_equal(rebind_limit_store(j, &stored), 0);
                commit();
        }
        reopen();
        assert_int_equal(rebind_limit_load(j, &limit), 0);
        assert_int_equal(limit.wrong_codes, 4);
        assert_int_equal(limit.locked_until, 3);
        assert_int_equal(limit.sends, 4);
        assert_int_equal(limit.sends_since, 5);
}

/* ---- Contacts ---- */

static void add_contact(const char *name, uint32_t position, int expected) {
        struct contact_record record = {
                .position = position, .phone = PHONE, .channel = "sms", .language = "zh_CN", .added_usec = 3
        };

        COPY(record.name, name);
        begin();
        assert_int_equal(contact_record_insert(j, &record), expected);
        if (expected == 0)
                commit();
        else
                journal_rollback(j);
}

static int append_contact(const struct contact_record *record, void *userdata) {
        char *all = userdata;

        snprintf(all + strlen(all), 256 - strlen(all), "%" PRIu32 " %s, ", record->position, record->name);
        return 0;
}

static void assert_contacts(uint64_t since, const char *expected) {
        char all[256] = "";

        assert_int_equal(contact_record_each(j, since, append_contact, all), 0);
        assert_string_equal(all, expected);
}

static void contacts(void **state) {
        struct contact_record record;

        add_contact("王芳", 1, 0);
        add_contact("Li Lei", 0, 0);
        add_contact("Zoe", 1, 0);
        add_contact("Max", 99, 0);
        assert_contacts(UINT64_MAX, "1 Zoe, 2 王芳, 3 Li Lei, 4 Max, ");

        /* Down, up, and nowhere. */
        assert_int_equal(contact_record_load(j, 3, &record), 0);
        COPY(record.mail, "zoe@shop.example");
        record.position = 3;
        begin();
        assert_int_equal(contact_record_update(j, &record), 0);
        assert_contacts(UINT64_MAX, "1 王芳, 2 Li Lei, 3 Zoe, 4 Max, ");
        record.position = 2;
        assert_int_equal(contact_record_update(j, &record), 0);
        assert_int_equal(contact_record_update(j, &record), 0);
        assert_contacts(UINT64_MAX, "1 王芳, 2 Zoe, 3 Li Lei, 4 Max, ");
        record.id = 9;
        assert_int_equal(contact_record_update(j, &record), -ENOENT);
        commit();
        reopen();
        assert_int_equal(contact_record_load(j, 3, &record), 0);
        assert_string_equal(record.mail, "zoe@shop.example");
        assert_string_equal(record.phone, PHONE);

        begin();
        assert_int_equal(contact_preference_store(j, 3, "fault", "mail"), 0);
        assert_int_equal(contact_record_remove(j, 3, 50), 0);
        assert_int_equal(contact_record_remove(j, 3, 50), -ENOENT);
        record.id = 3;
        assert_int_equal(contact_record_update(j, &record), -ENOENT);
        commit();
        assert_contacts(UINT64_MAX, "1 王芳, 2 Li Lei, 3 Max, ");
        assert_contacts(51, "1 王芳, 2 Li Lei, 3 Max, ");
        assert_contacts(50, "1 王芳, 2 Li Lei, 3 Max, 0 Zoe, ");
        assert_int_equal(contact_record_count(j), 3);
        assert_int_equal(contact_record_load(j, 3, &record), 0);
        begin();
        assert_int_equal(contact_record_forget(j, 50), 0);
        assert_contacts(0, "1 王芳, 2 Li Lei, 3 Max, 0 Zoe, ");
        assert_int_equal(contact_record_forget(j, 51), 0);
        commit();
        assert_contacts(0, "1 王芳, 2 Li Lei, 3 Max, ");

        for (int i = 3; i < CONTACTS_MAX; i++)
                add_contact("more", 0, 0);
        add_contact("too many", 0, -ENOSPC);
}

static void preferences(void **state) {
        char channels[CONTACT_CHANNELS_SIZE];

        assert_int_equal(contact_preference_load(j, 0, "fault", channels), -ENOENT);
        begin();
        assert_int_equal(contact_preference_store(j, 0, "fault", "sms mail hook"), 0);
        assert_int_equal(contact_preference_store(j, 0, "fault", ""), 0);
        assert_int_equal(contact_preference_store(j, 1, "fault", "sms mail hook hook"), -ERANGE);
        assert_int_equal(contact_preference_store(j, 1, "fault", "sms mail hook"), 0);
        commit();
        assert_int_equal(contact_preference_load(j, 0, "fault", channels), 0);
        assert_string_equal(channels, "");
        assert_int_equal(contact_preference_load(j, 1, "fault", channels), 0);
        assert_string_equal(channels, "sms mail hook");
}

/* ---- Notices ---- */

static int append_notice(const struct notice_record *record, void *userdata) {
        char *all = userdata;

        snprintf(all + strlen(all), 128 - strlen(all), "%" PRIi64 " %s, ", record->id,
                 notice_state_to_string(record->state));
        return 0;
}

static int64_t add_notice_to(int64_t contact, const char *event, uint64_t next_usec, uint64_t next_boot) {
        struct notice_record record = { .contact = contact,
                                        .text = "Subject\nText",
                                        .until_uptime = 99,
                                        .created_usec = 1,
                                        .next_usec = next_usec,
                                        .next_boot = next_boot };

        COPY(record.event, event);
        begin();
        assert_int_equal(notice_record_insert(j, &record), 0);
        commit();
        return record.id;
}

static int64_t add_notice(const char *event, uint64_t next_usec, uint64_t next_boot) {
        return add_notice_to(0, event, next_usec, next_boot);
}

static int take_first(const struct notice_turn *turn, void *userdata) {
        struct notice_turn *first = userdata;

        *first = *turn;
        return 1;
}

static struct notice_turn find_first_turn(void) {
        struct notice_turn turn = {};

        assert_int_equal(notice_record_each_turn(j, HOUR, take_first, &turn), 1);
        return turn;
}

static void deliver(int64_t id) {
        struct notice_record record;

        assert_int_equal(notice_record_load(j, id, &record), 0);
        record.state = NOTICE_DELIVERED;
        record.ended_usec = 70;
        begin();
        assert_int_equal(notice_record_update(j, &record), 0);
        commit();
}

static void assert_next(int64_t id) {
        assert_int_equal(find_first_turn().id, id);
        deliver(id);
}

/* By the time since the start of the machine, as long as that is of this one; of what is due, what is urgent. */
static void order_of_notices(void **state) {
        uint64_t now = clock_now(CLOCK_BOOTTIME), future = UINT64_MAX >> 1;
        int64_t later = add_notice("security", future - 2, now + HOUR),
                sooner = add_notice("fault", future, now + HOUR / 2),
                old = add_notice("transaction", future, now + 3 * HOUR), due = add_notice("transaction", 0, 0),
                urgent = add_notice("security", future, now), binding = add_notice("binding", 1, now + HOUR / 4);

        assert_next(urgent);
        assert_next(binding);
        assert_next(old);
        assert_next(due);
        assert_next(sooner);
        assert_next(later);
}

/* That its number is bound no more is told to the old phone before anything else, whatever has piled up. */
static void the_old_phone_first(void **state) {
        uint64_t far = UINT64_MAX >> 1;
        int64_t rebound, again;

        for (int i = 0; i < 200; i++) {
                (void) add_notice("fault", 0, 0);
                (void) add_notice_to(i % 3, i % 2 ? "security" : "binding", 0, 0);
        }
        rebound = add_notice_to(-1, "binding", 0, 0);
        again = add_notice_to(-1, "binding", far, clock_now(CLOCK_BOOTTIME) + HOUR / 2);
        assert_next(rebound);
        /* Not while it waits for another attempt. */
        assert_int_not_equal(find_first_turn().id, again);
}

static int append_turn(const struct notice_turn *turn, void *userdata) {
        char *all = userdata;

        snprintf(all + strlen(all), 256 - strlen(all), "%" PRIi64 " to %" PRIi64 " of %s%s, ", turn->id, turn->contact,
                 turn->event, turn->wait_usec > 0 ? " later" : "");
        return 0;
}

/* Who cannot be reached has one turn, however many wait for them. */
static void turns(void **state) {
        uint64_t far = UINT64_MAX >> 1, soon = clock_now(CLOCK_BOOTTIME) + HOUR / 2;
        char all[256] = "";

        for (int i = 0; i < 3; i++) {
                (void) add_notice_to(0, "transaction", i == 0 ? far : 0, i == 0 ? soon : 0);
                (void) add_notice_to(2, "security", far, soon + (uint64_t) i);
                (void) add_notice_to(-4, "binding", 0, 0);
                (void) add_notice_to(0, "security", 0, 0);
        }
        assert_int_equal(notice_record_each_turn(j, HOUR, append_turn, all), 0);
        assert_string_equal(
                all, "3 to -4 of binding, 4 to 0 of security, 5 to 0 of transaction, 2 to 2 of security later, ");
}

static void the_first_end(void **state) {
        int64_t id = add_notice("fault", 0, 0);
        uint64_t until;

        assert_int_equal(notice_record_first_end(j, &id, &until), 0);
        assert_int_equal(until, 99);
        deliver(id);
        assert_int_equal(notice_record_first_end(j, &id, &until), -ENOENT);
}

static void notices(void **state) {
        struct notice_record record = { .event = "security",
                                        .text = "Subject\nCode 123456",
                                        .until_uptime = 99,
                                        .created_usec = 1,
                                        .next_usec = UINT64_MAX >> 1,
                                        .next_boot = clock_now(CLOCK_BOOTTIME) + HOUR / 2 },
                             loaded;
        char all[128] = "";

        begin();
        assert_int_equal(notice_record_insert(j, &record), 0);
        assert_int_equal(record.id, 1);
        record.next_usec = record.next_boot = 0;
        assert_int_equal(notice_record_insert(j, &record), 0);
        commit();
        assert_int_equal(notice_record_count_queued(j), 2);
        assert_int_equal(find_first_turn().id, 2);
        assert_int_equal(notice_record_load(j, 2, &loaded), 0);
        assert_memory_equal(&loaded, &record, sizeof(loaded));
        /* The clock was set back since the other has failed. */
        record.next_usec = UINT64_MAX >> 2;
        record.next_boot = clock_now(CLOCK_BOOTTIME) + HOUR;
        record.attempts = 2;
        record.maybe_sent = 1;
        COPY(record.error, "no modem");
        begin();
        assert_int_equal(notice_record_update(j, &record), 0);
        commit();
        assert_int_equal(notice_record_load(j, 2, &loaded), 0);
        assert_memory_equal(&loaded, &record, sizeof(loaded));
        assert_int_equal(find_first_turn().id, 1);
        assert_int_equal(notice_record_load(j, 1, &loaded), 0);

        /* One that has ended says no more what it was. */
        loaded.state = NOTICE_DELIVERED;
        loaded.ended_usec = 70;
        begin();
        assert_int_equal(notice_record_update(j, &loaded), 0);
        assert_int_equal(notice_record_update(j, &loaded), -EALREADY);
        journal_rollback(j);
        begin();
        assert_int_equal(notice_record_update(j, &loaded), 0);
        commit();
        reopen();
        assert_int_equal(notice_record_load(j, 1, &loaded), 0);
        assert_string_equal(loaded.text, "");
        assert_int_equal(loaded.state, NOTICE_DELIVERED);
        assert_int_equal(notice_record_load(j, 9, &loaded), -ENOENT);

        begin();
        assert_int_equal(notice_record_hurry(j), 0);
        commit();
        assert_int_equal(find_first_turn().id, 2);
        assert_int_equal(notice_record_load(j, 2, &loaded), 0);
        assert_int_equal(loaded.next_usec, 0);
        assert_string_equal(loaded.text, record.text);
        assert_int_equal(notice_record_each(j, 10, append_notice, all), 0);
        assert_string_equal(all, "2 queued, 1 delivered, ");
        *all = '\0';
        assert_int_equal(notice_record_each(j, 1, append_notice, all), 0);
        assert_string_equal(all, "2 queued, ");

        begin();
        assert_int_equal(notice_record_purge(j, 70, 10), 0);
        assert_int_equal(notice_record_purge(j, 71, 10), 1);
        commit();
        assert_int_equal(notice_record_load(j, 1, &loaded), -ENOENT);
        assert_int_equal(notice_record_count_queued(j), 1);
}

/* ---- The file ---- */

static int is_in(const char *word) {
        char command[160];

        snprintf(command, sizeof(command), "grep -qa '%s' %s*", word, path);
        return system(command) == 0;
}

/* What is read by somebody who has the file and no key. */
static void sealed(void **state) {
        struct binding_record binding = binding_of(PHONE, 10);
        struct rebind_record rebind = rebind_of(REBIND_CHANGE);
        struct notice_record notice = { .event = "security", .text = "Subject\nCode 123456" };

        begin();
        assert_int_equal(binding_record_insert(j, &binding), 0);
        assert_int_equal(rebind_record_insert(j, &rebind), 0);
        assert_int_equal(notice_record_insert(j, &notice), 0);
        commit();
        add_contact("Wang Fang", 0, 0);
        assert_true(is_in("T0000001"));
        assert_false(is_in("13800138"));
        assert_false(is_in("123456"));
        assert_false(is_in("Wang Fang"));
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(phones),
                cmocka_unit_test_setup_teardown(bindings, open_one, close_one),
                cmocka_unit_test_setup_teardown(rebinds, open_one, close_one),
                cmocka_unit_test_setup_teardown(codes, open_one, close_one),
                cmocka_unit_test_setup_teardown(limits, open_one, close_one),
                cmocka_unit_test_setup_teardown(contacts, open_one, close_one),
                cmocka_unit_test_setup_teardown(preferences, open_one, close_one),
                cmocka_unit_test_setup_teardown(notices, open_one, close_one),
                cmocka_unit_test_setup_teardown(order_of_notices, open_one, close_one),
                cmocka_unit_test_setup_teardown(the_old_phone_first, open_one, close_one),
                cmocka_unit_test_setup_teardown(turns, open_one, close_one),
                cmocka_unit_test_setup_teardown(the_first_end, open_one, close_one),
                cmocka_unit_test_setup_teardown(sealed, open_one, close_one),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
