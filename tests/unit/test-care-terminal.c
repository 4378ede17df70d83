// SPDX-License-Identifier: LGPL-2.1-or-later
/* The terminal's own faults: each is caused by itself, seen alone, and ends. */
#include "test.h"

#include "base/clock.h"
#include "bound-phone.h"
#include "care-fixture.h"
#include "journal/counter.h"
#include "journal/operator.h"
#include "journal/rebind.h"
#include "journal/uptime.h"
#include "notice/send.h"
#include "receipt/style-file.h"
#include "transaction/printing-internal.h"

#define DAY ((int64_t) 24 * 3600)

static struct {
        uint64_t lost; /* pages of the journal */

        /* The channels. */
        int error; /* that each answers with */
        notice_call_done_t done;
        void *userdata;
        sd_event_source *due;
        struct notice_call *call;
} machine;

struct notice_call {
        int unused;
};

uint64_t __wrap_journal_lost_frames(const struct journal *j);
int __wrap_notice_send(sd_event *event, const struct notice_letter *letter, uint64_t deadline_usec,
                       notice_call_done_t done, void *userdata, struct notice_call **ret);
struct notice_call *__wrap_notice_call_free(struct notice_call *call);

uint64_t __wrap_journal_lost_frames(const struct journal *j) {
        return machine.lost;
}

static int on_sent(sd_event_source *s, void *userdata) {
        (void) sd_event_source_set_enabled(s, SD_EVENT_OFF);
        machine.done(machine.error, machine.error < 0 ? "no modem" : "1", machine.userdata);
        return 0;
}

int __wrap_notice_send(sd_event *event, const struct notice_letter *letter, uint64_t deadline_usec,
                       notice_call_done_t done, void *userdata, struct notice_call **ret) {
        static struct notice_call call;

        machine.done = done;
        machine.userdata = userdata;
        machine.due = sd_event_source_disable_unref(machine.due);
        *ret = &call;
        return sd_event_add_defer(event, &machine.due, on_sent, NULL);
}

struct notice_call *__wrap_notice_call_free(struct notice_call *call) {
        return NULL;
}

static int setup(void **state) {
        memset(&machine, 0, sizeof(machine));
        return care_setup(state);
}

static int teardown(void **state) {
        machine.due = sd_event_source_disable_unref(machine.due);
        return care_teardown(state);
}

/* The terminal has been on for so long. */
static void pass(int64_t seconds) {
        care.clock_offset += seconds;
        care.up += seconds;
}

/* ---- The run before ---- */

static void set_running(int64_t boot) {
        assert_int_equal(journal_begin(shop.journal, JOURNAL_DURABLE), 0);
        assert_int_equal(counter_set_running(shop.journal, boot), 0);
        assert_int_equal(journal_commit(shop.journal), 0);
}

/* As if tilld had ended otherwise. */
static void end_in_boot(int64_t boot) {
        set_running(boot);
        shop.engine->running = false;
        care_stop();
        care_start();
}

static int64_t this_boot(void) {
        int64_t boot;

        assert_int_equal(counter_get_running(shop.journal, &boot), 0);
        assert_true(boot != 0);
        return boot;
}

static void stop_and_start(void) {
        care_stop();
        care_start();
}

static void crash(void **state) {
        care_assert_none();
        end_in_boot(this_boot());
        assert_int_equal(care_assert_one("service-crashed", "").count, 1);
        /* Each is counted, however often it is looked at. */
        end_in_boot(this_boot());
        assert_int_equal(care_assert_one("service-crashed", "").count, 2);
        stop_and_start();
        care_assert_none();
        stop_and_start();
        care_assert_none();
}

static void power_cut(void **state) {
        end_in_boot(this_boot() + 2);
        assert_int_equal(care_assert_one("power-cut", "").count, 1);
        stop_and_start();
        care_assert_none();
}

/* One that somebody has ended stays so. */
static void power_cut_is_ended_by_hand(void **state) {
        struct fault_record record;
        struct refusal refusal;

        end_in_boot(this_boot() + 2);
        record = care_assert_one("power-cut", "");
        assert_int_equal(faults_end(care.faults, record.id, "02", "the cleaner", &refusal), 0);
        care_assert_none();
        stop_and_start();
        care_assert_none();
}

static void journal_is_cut(void **state) {
        machine.lost = 3;
        stop_and_start();
        assert_non_null(strstr(care_assert_one("journal-cut", "").detail, "3 pages"));
        /* After a power cut that is usual. */
        end_in_boot(this_boot() + 2);
        care_assert_one("power-cut", "");
        machine.lost = 0;
        stop_and_start();
        care_assert_none();
}

/* ---- Keys ---- */

/* Its own CA, and both files, which hold for so many days from now. */
static void certify(const char *from, const char *to) {
        char command[512];

        snprintf(command, sizeof(command),
                 "cd %s && openssl req -new -key key -subj /CN=test -out csr 2>/dev/null && : >index && echo 01 "
                 ">serial &&"
                 " printf '[ca]\\ndefault_ca=c\\n[c]\\ndatabase=index\\nserial=serial\\nnew_certs_dir=.\\n"
                 "default_md=sha256\\npolicy=p\\n[p]\\ncommonName=supplied\\n' >conf &&"
                 " openssl ca -batch -config conf -selfsign -keyfile key -in csr -startdate %s -enddate %s -out pem"
                 " -notext 2>/dev/null",
                 shop.dir, from, to);
        assert_int_equal(system(command), 0);
}

static void install(const char *command_of_shop) {
        char command[256];

        snprintf(command, sizeof(command), "cd %s && %s", shop.dir, command_of_shop);
        assert_int_equal(system(command), 0);
        stop_and_start();
}

static const char *date(int64_t days) {
        static char text[2][32];
        static unsigned n;
        time_t t = (time_t) (clock_now(CLOCK_REALTIME) / USEC_PER_SEC) + days * DAY + 3600;
        struct tm tm;

        n = !n;
        assert_true(strftime(text[n], sizeof(text[n]), "%Y%m%d%H%M%SZ", gmtime_r(&t, &tm)) > 0);
        return text[n];
}

static void certificate(void **state) {
        certify(date(-300), date(31));
        install("cat pem key >terminal.pem");
        care_assert_none();
        certify(date(-300), date(29));
        install("cat pem key >terminal.pem");
        assert_string_equal(care_assert_one("certificate-expiring", "terminal.pem").detail, "in 29 days");
        certify(date(-300), date(-2));
        install("cat pem key >terminal.pem");
        assert_string_equal(care_assert_one("certificate-expired", "terminal.pem").detail, "since 1 days");
        install("cat ca.pem key >terminal.pem");
        care_assert_none();
        install("cp ca.pem good && cp pem ca.pem");
        care_assert_one("certificate-expired", "acquirer-ca.pem");
        /* Of several the one that holds longest counts. */
        install("cat pem good >ca.pem");
        care_assert_none();
        /* It is looked at as time goes by. */
        pass(380 * DAY);
        care_look();
        assert_int_equal(faults_count_open(care.faults), 2);
}

static struct emv_application *add_application(const char *name, const uint8_t *rid) {
        struct emv_application *a = shop.terminal.applications + shop.terminal.n_applications++;

        COPY(a->name, name);
        a->aid.size = 7;
        memcpy(a->aid.data, rid, EMV_RID_SIZE);
        return a;
}

static void ca_keys(void **state) {
        static const uint8_t rid[EMV_RID_SIZE] = { 0xa0, 0, 0, 3, 0x33 }, other[EMV_RID_SIZE] = { 0xa0, 0, 0, 0, 3 };
        struct emv_ca_key *key = shop.terminal.ca_keys;

        add_application("UnionPay debit", rid);
        add_application("UnionPay credit", rid);
        assert_non_null(strstr(care_assert_one("ca-keys-missing", "A000000333").detail, "UnionPay debit"));
        memcpy(key->rid, other, sizeof(other));
        shop.terminal.n_ca_keys = 1;
        care_assert_one("ca-keys-missing", "A000000333");
        memcpy(key->rid, rid, sizeof(rid));
        key->index = 0x0b;
        care_assert_none();
        memcpy(key->expires, (const uint8_t[]){ 0x20, 0x25, 0x12, 0x31 }, 4);
        assert_string_equal(care_assert_one("ca-key-expired", "ca-key A000000333 0B").detail,
                            "its last day was 2025-12-31");
        memcpy(key->expires, (const uint8_t[]){ 0x20, 0x99, 0x12, 0x31 }, 4);
        care_assert_none();
        shop.terminal.n_ca_keys = shop.terminal.n_applications = 0;
}

/* By a wrong clock nothing is known of days. */
static void clock_explains_days(void **state) {
        struct emv_ca_key *key = shop.terminal.ca_keys;

        shop.terminal.n_ca_keys = 1;
        memcpy(key->expires, (const uint8_t[]){ 0x20, 0x99, 0x12, 0x31 }, 4);
        care.clock_offset = 100 * 365 * DAY;
        care_assert_one("clock-wrong", "");
        care.clock_offset = 0;
        care_assert_none();
        shop.terminal.n_ca_keys = 0;
}

/* ---- Files ---- */

static void configuration(void **state) {
        static struct complaints complaints;
        struct receipt_style *style = NULL;
        char merchant[64], command[256];
        struct fault_record fault;

        snprintf(merchant, sizeof(merchant), "%s/receipt.d", shop.dir);
        snprintf(command, sizeof(command), "mkdir %s && printf '[Receipt]\\nno such key\\n' >%s/a.conf", merchant,
                 merchant);
        assert_int_equal(system(command), 0);
        assert_int_equal(receipt_style_load(merchant, "packaging/receipt.d", &complaints, &style), 0);
        receipt_style_free(style);
        shop.engine->config.ignored = &complaints;
        /* What has too long a path is known by the last part of it. */
        fault = care_assert_one("configuration-ignored", "a.conf");
        assert_non_null(strstr(fault.detail, "line 2: "));
        complaints.n = 0;
        complaints_add(&complaints, "/etc/tilld/emv.d/70-mine.conf", 0, "not so");
        assert_string_equal(care_assert_one("configuration-ignored", "/etc/tilld/emv.d/70-mine.conf").detail,
                            "not so");
        shop.engine->config.ignored = NULL;
        care_assert_none();
}

/* ---- Locks ---- */

static void operator_is_locked(void **state) {
        struct operator_record record = { .role = OPERATOR_CASHIER, .number = "07" };
        uint64_t uptime;

        assert_int_equal(uptime_get(shop.journal, &uptime), 0);
        record.locked_until = uptime + 300 * USEC_PER_SEC;
        assert_int_equal(journal_begin(shop.journal, JOURNAL_DURABLE), 0);
        assert_int_equal(operator_record_insert(shop.journal, &record), 0);
        assert_int_equal(operator_record_update(shop.journal, &record), 0);
        assert_int_equal(journal_commit(shop.journal), 0);
        assert_non_null(strstr(care_assert_one("operator-locked", "07").detail, "5 min"));
        pass(301);
        care_assert_none();
}

static void codes_are_locked(void **state) {
        struct rebind_limit limit = { .wrong_codes = 9 };
        uint64_t uptime;

        assert_int_equal(uptime_get(shop.journal, &uptime), 0);
        limit.locked_until = uptime + 600 * USEC_PER_SEC;
        assert_int_equal(journal_begin(shop.journal, JOURNAL_DURABLE), 0);
        assert_int_equal(rebind_limit_store(shop.journal, &limit), 0);
        assert_int_equal(journal_commit(shop.journal), 0);
        care_assert_one("codes-locked", "");
        pass(601);
        care_assert_none();
}

/* ---- Notices and papers ---- */

static void notices_do_not_get_out(void **state) {
        const struct notice_order order = {
                .event = NOTICE_SECURITY,
                .what = NOTICE_TEXT_TEST,
                .obliged = true,
        };

        bound_phone_bind(shop.journal);
        machine.error = -ENODEV;
        assert_int_equal(journal_begin(shop.journal, JOURNAL_DURABLE), 0);
        assert_int_equal(notices_add(shop.engine->notices, &order, NOTICE_TO_PHONE), 1);
        assert_int_equal(journal_commit(shop.journal), 0);
        notices_kick(shop.engine->notices);
        care_run();
        assert_non_null(strstr(care_assert_one("notices-stuck", "hook").detail, "no modem"));
        machine.error = 0;
        pass(3600);
        notices_kick(shop.engine->notices);
        care_run();
        care_assert_none();
}

static void nothing_is_drawn(void **state) {
        shop.engine->printing->render_error = -ETIME;
        care_assert_one("render-failed", "");
        shop.engine->printing->render_error = 0;
        care_assert_none();
}

static const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(crash, setup, teardown),
        cmocka_unit_test_setup_teardown(power_cut, setup, teardown),
        cmocka_unit_test_setup_teardown(power_cut_is_ended_by_hand, setup, teardown),
        cmocka_unit_test_setup_teardown(journal_is_cut, setup, teardown),
        cmocka_unit_test_setup_teardown(certificate, setup, teardown),
        cmocka_unit_test_setup_teardown(ca_keys, setup, teardown),
        cmocka_unit_test_setup_teardown(clock_explains_days, setup, teardown),
        cmocka_unit_test_setup_teardown(configuration, setup, teardown),
        cmocka_unit_test_setup_teardown(operator_is_locked, setup, teardown),
        cmocka_unit_test_setup_teardown(codes_are_locked, setup, teardown),
        cmocka_unit_test_setup_teardown(notices_do_not_get_out, setup, teardown),
        cmocka_unit_test_setup_teardown(nothing_is_drawn, setup, teardown),
};

int main(void) {
        return cmocka_run_group_tests(tests, NULL, NULL);
}
