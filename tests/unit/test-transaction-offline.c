// SPDX-License-Identifier: LGPL-2.1-or-later
/* What the card approves without the acquirer: under which caps, and that the acquirer is told. */
#include "test.h"

#include <sqlite3.h>

#include "chip-fixture.h"
#include "bound-phone.h"
#include "journal/batch.h"
#include "transaction/offline.h"

/* The worker does not ask whether the card is on the exception file. */
#define ATTACK_NO_RECALL 1

static void tamper(union message *m) {
        if (worker.is.attack == ATTACK_NO_RECALL && m->header.type == MESSAGE_RECALL)
                m->header.size = 0;
}

static const struct transaction_record *const row = &chip.view.record;

/* Sales of 12.34 are below the floor limit, and none is chosen at random. */
static int setup(void **state) {
        int r = chip_setup(state);

        for (uint32_t i = 0; i < shop.terminal.n_applications; i++) {
                shop.terminal.applications[i].floor_limit = 1000000;
                shop.terminal.applications[i].target = shop.terminal.applications[i].target_max = 0;
        }
        shop.settings.offline = (struct offline_caps){ .amount = 1234, .count = 5, .total = 100000, .age = 24 };
        return r;
}

/* Until the acquirer knows, or cannot be told now. */
static void let_forward(void) {
        for (int i = 0; i < 20 || chip.busy; i++) {
                assert_true(i < 3000);
                assert_true(sd_event_run(shop.event, 5000) >= 0);
        }
        assert_int_equal(transaction_record_load(shop.journal, row->id, &chip.view.record), 0);
}

static void assert_offline(const char *arc) {
        assert_int_equal(row->result, RESULT_APPROVED);
        assert_string_equal(row->reason, "offline");
        assert_string_equal(row->response_code, arc);
        assert_string_equal(row->cryptogram_kind, "TC");
        assert_int_equal(row->reversal, REVERSAL_NONE);
        assert_int_equal(row->print, PRINT_QUEUED);
        assert_true(row->stan > 0 && row->voucher > 0 && row->batch == 1);
        assert_int_equal(strlen(row->pan_hash), 64);
        assert_int_equal(chip.reversals, 0);
}

/* The last request is the forward of this one, with the card's TC. */
static void assert_told(const char *pan) {
        struct tlv t;

        assert_int_equal(row->forwarding, FORWARDING_DONE);
        assert_int_equal(chip.kind, HOST_OFFLINE_SALE);
        assert_int_equal(chip.amount, 1234);
        assert_string_equal(chip.pan, pan);
        assert_int_equal(tlv_find(chip.de55, chip.de55_size, TAG_CID, &t), 0);
        assert_memory_equal(t.value, "\x40", 1);
        assert_int_equal(batch_has_chip(shop.journal, row->id), 1);
}

static void at_once(void **state) {
        chip_sale("offline-approved");
        let_forward();
        /* Of the two words the acquirer's is the later one. */
        assert_offline("00");
        assert_int_equal(chip.requests, 1);
        assert_told("6200000000000062");
}

/* What the card approved by itself is not said to be booked. */
static void people_are_told_what_it_is(void **state) {
        struct notice_record notice;

        bound_phone_bind(shop.journal);
        chip_sale("offline-approved");
        let_forward();
        assert_offline("00");
        assert_int_equal(bound_phone_notices(shop.journal, &notice), 1);
        assert_non_null(strstr(notice.text, "消费12.34元成功（待上送收单机构），卡尾号0062，订单A-1。"));
}

static void acquirer_not_reached(void **state) {
        struct request_record reversal;
        struct refusal refusal;

        /* 99 of 100 are chosen to go online, which by default is no reason to decline. */
        for (uint32_t i = 0; i < shop.terminal.n_applications; i++)
                shop.terminal.applications[i].target = shop.terminal.applications[i].target_max = 99;
        chip.outcome = HOST_NOT_SENT;
        do
                chip_sale("offline-approved");
        while (streq(row->response_code, "Y1"));
        assert_offline("Y3");
        assert_int_equal(row->forwarding, FORWARDING_PENDING);
        assert_int_equal(request_record_load(shop.journal, REQUEST_REVERSAL, row->id, &reversal), -ENOENT);
        let_forward();
        assert_int_equal(row->forwarding, FORWARDING_PENDING);

        chip.outcome = HOST_ANSWERED;
        assert_int_equal(forwards_flush(shop.engine, &refusal), 0);
        let_forward();
        assert_told("6200000000000062");
}

/* A byte of the request may have left: that is the acquirer's to decide. */
static void no_answer(void **state) {
        chip.outcome = HOST_NO_ANSWER;
        chip_sale("unionpay");
        assert_int_equal(row->result, RESULT_FAILED);
        assert_string_equal(row->reason, "no-answer");
        assert_int_equal(row->forwarding, FORWARDING_NONE);
        assert_int_equal(chip.reversals, 1);
        assert_int_equal(request_record_count(shop.journal, REQUEST_FORWARD), 0);
}

/* It is our own request that is wrong; the acquirer is not missing, and could not be told afterwards either. */
static void request_not_made(void **state) {
        for (uint32_t i = 0; i < shop.terminal.n_applications; i++)
                shop.terminal.applications[i].target = shop.terminal.applications[i].target_max = 99;
        chip.cannot_be_made = true;
        chip_sale("offline-approved");
        /* One of 100 is not chosen to go online. */
        if (streq(row->response_code, "Y1"))
                return;
        assert_int_equal(row->result, RESULT_FAILED);
        assert_string_equal(row->reason, "not-made");
        assert_int_equal(row->forwarding, FORWARDING_NONE);
        assert_int_equal(row->reversal, REVERSAL_NONE);
        assert_int_equal(request_record_count(shop.journal, REQUEST_FORWARD), 0);
}

/* The same sale, with the acquirer away, is not approved. */
static void assert_not_allowed(const char *name) {
        chip.outcome = HOST_NOT_SENT;
        chip_sale("offline-approved");
        if (row->result != RESULT_FAILED || !streq(row->reason, "unreachable-host"))
                fail_msg("%s: %s, %s", name, transaction_result_to_string(row->result), row->reason);
        assert_int_equal(row->forwarding, FORWARDING_NONE);
}

static void caps(void **state) {
        static const struct {
                const char *name;
                struct offline_caps caps;
        } all[] = {
                { "none", {} },
                { "amount", { 1233, 5, 100000, 24 } },
                { "no count", { 1234, 0, 100000, 24 } },
                { "total", { 1234, 5, 1233, 24 } },
                { "no age", { 1234, 5, 100000, 0 } },
        };

        for (size_t i = 0; i < ELEMENTSOF(all); i++) {
                shop.settings.offline = all[i].caps;
                assert_not_allowed(all[i].name);
        }
        assert_int_equal(request_record_count(shop.journal, REQUEST_FORWARD), 0);
}

/* An acquirer that could never be told. */
static void not_offered(void **state) {
        struct host_kind_rule kinds[_HOST_KIND_MAX];
        struct host_profile poor = *shop.settings.profile;
        const struct engine_call call = { .kind = "offline-sale",
                                          .amount = 100,
                                          .currency = "CNY",
                                          .reference = "A-0",
                                          .order = "",
                                          .authorization_code = "123456" };
        struct refusal refusal;
        int64_t id;

        memcpy(kinds, poor.kinds, sizeof(kinds));
        kinds[HOST_OFFLINE_SALE] = (struct host_kind_rule){};
        poor.kinds = kinds;
        chip_close();
        shop.settings.profile = &poor;
        chip_open();
        assert_not_allowed("no message for it");

        assert_true(engine_start_transaction(shop.engine, &call, &id, &refusal) < 0);
        assert_int_equal(refusal.code, REFUSAL_UNKNOWN_KIND);
        assert_int_equal(transaction_record_find(shop.journal, "A-0", &chip.view.record), -ENOENT);
        assert_int_equal(request_record_count(shop.journal, REQUEST_FORWARD), 0);
        chip_close();
        shop.settings.profile = &host_profile_unionpay;
        chip_open();
}

/* What waits already counts. */
static void queue(void **state) {
        chip.outcome = HOST_NOT_SENT;
        chip_sale("offline-approved");
        assert_offline("Y1");
        shop.settings.offline.count = 1;
        assert_not_allowed("count");
        shop.settings.offline.count = 2;
        shop.settings.offline.total = 2 * 1234 - 1;
        assert_not_allowed("total");
        shop.settings.offline.total = 2 * 1234;
        chip_sale("offline-approved");
        assert_offline("Y1");
        assert_int_equal(request_record_count(shop.journal, REQUEST_FORWARD), 2);
}

/* As if so much time had gone by. */
static void change(const char *sql) {
        char path[64];
        sqlite3 *db;

        chip_close();
        snprintf(path, sizeof(path), "%s/test.db", shop.dir);
        assert_int_equal(sqlite3_open(path, &db), SQLITE_OK);
        assert_int_equal(sqlite3_exec(db, sql, NULL, NULL, NULL), SQLITE_OK);
        assert_int_equal(sqlite3_close(db), SQLITE_OK);
        chip_open();
}
#define HOURS "* 3600000000"

static void age(void **state) {
        chip.outcome = HOST_NOT_SENT;
        chip_sale("offline-approved");
        assert_offline("Y1");
        change("UPDATE forwards SET created_usec = created_usec - 23 " HOURS);
        chip_sale("offline-approved");
        assert_offline("Y1");
        change("UPDATE forwards SET created_usec = created_usec - 2 " HOURS);
        assert_not_allowed("age");
        /* A clock that was set back makes nothing younger. */
        change("UPDATE forwards SET created_usec = created_usec + 100 " HOURS);
        change("UPDATE uptime SET base_usec = base_usec + 25 " HOURS ", total_usec = total_usec + 25 " HOURS);
        assert_not_allowed("age by uptime");
}

static void other_ways(void **state) {
        struct msr_swipe swipe = { .track2 = { .status = TRACK_OK, .expiry = "4912", .service = "120" } };
        struct transaction_record record = { .kind = "refund", .amount = 1 };

        COPY(swipe.track2.pan, "6200000000000005");
        COPY(swipe.track2.text, "6200000000000005=4912120");
        chip.outcome = HOST_NOT_SENT;
        chip_start_sale();
        transaction_swiped(shop.engine->current, &swipe);
        chip_finish_sale();
        assert_int_equal(row->result, RESULT_FAILED);
        assert_string_equal(row->reason, "unreachable-host");
        assert_int_equal(offline_allowed(shop.engine, &record), 0);
        COPY(record.kind, "sale");
        assert_int_equal(offline_allowed(shop.engine, &record), 1);
}

/* The terminal's word on the card is what its list says, not what a worker leaves out. */
static void listed_card(void **state) {
        chip.behaviour.attack = ATTACK_NO_RECALL;
        chip_sale("offline-approved");
        assert_int_equal(row->result, RESULT_FAILED);
        assert_string_equal(row->reason, "worker-failed");
        assert_int_equal(request_record_count(shop.journal, REQUEST_FORWARD), 0);
}

/* The issuer has said yes on the telephone: the card is only read, and the caps do not count. */
static void by_voice(void **state) {
        struct engine_call call = {
                .kind = "offline-sale",
                .amount = 5000,
                .currency = "CNY",
                .reference = "V-1",
                .order = "",
                .approver = "02",
        };
        static const char *const wrong[] = { "", "1234567", "12 456", "12\n" };
        struct refusal refusal;
        int64_t id;

        for (size_t i = 0; i < ELEMENTSOF(wrong); i++) {
                call.authorization_code = wrong[i];
                assert_true(engine_start_transaction(shop.engine, &call, &id, &refusal) < 0);
        }
        shop.settings.offline = (struct offline_caps){};
        COPY(chip.behaviour.card, "unionpay");
        call.authorization_code = "V12345";
        assert_int_equal(engine_start_transaction(shop.engine, &call, &id, &refusal), 0);
        chip_finish_sale();
        let_forward();
        assert_int_equal(row->result, RESULT_APPROVED);
        assert_string_equal(row->reason, "offline");
        assert_string_equal(row->authorization_code, "V12345");
        assert_string_equal(row->approver, "02");
        assert_true(row->signature);
        assert_int_equal(row->forwarding, FORWARDING_DONE);
        assert_int_equal(chip.requests, 1);
        assert_int_equal(chip.kind, HOST_OFFLINE_SALE);
        assert_int_equal(chip.amount, 5000);
        assert_string_equal(chip.pan, "6200000000000005");
        assert_int_equal(batch_has_chip(shop.journal, row->id), 0);
}

static void killed_before_it_is_told(void **state) {
        chip.outcome = HOST_NOT_SENT;
        chip_sale("offline-approved");
        assert_offline("Y1");
        chip_close();
        chip.outcome = HOST_ANSWERED;
        chip_open();
        assert_int_equal(engine_start(shop.engine), 0);
        outbox_hurry(shop.engine->outbox);
        let_forward();
        assert_offline("00");
        assert_told("6200000000000062");
}

int main(int argc, char **argv) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test_setup_teardown(at_once, setup, chip_teardown),
                cmocka_unit_test_setup_teardown(people_are_told_what_it_is, setup, chip_teardown),
                cmocka_unit_test_setup_teardown(acquirer_not_reached, setup, chip_teardown),
                cmocka_unit_test_setup_teardown(no_answer, setup, chip_teardown),
                cmocka_unit_test_setup_teardown(request_not_made, setup, chip_teardown),
                cmocka_unit_test_setup_teardown(caps, setup, chip_teardown),
                cmocka_unit_test_setup_teardown(not_offered, setup, chip_teardown),
                cmocka_unit_test_setup_teardown(queue, setup, chip_teardown),
                cmocka_unit_test_setup_teardown(age, setup, chip_teardown),
                cmocka_unit_test_setup_teardown(other_ways, setup, chip_teardown),
                cmocka_unit_test_setup_teardown(listed_card, setup, chip_teardown),
                cmocka_unit_test_setup_teardown(by_voice, setup, chip_teardown),
                cmocka_unit_test_setup_teardown(killed_before_it_is_told, setup, chip_teardown),
        };

        log_set_max_level(getenv("TILL_LOG_LEVEL") ? LOG_DEBUG : LOG_EMERG);
        if (streq(argv[0], "card-worker"))
                return be_worker(tamper);
        return cmocka_run_group_tests_name("transaction-offline", tests, NULL, NULL);
}
