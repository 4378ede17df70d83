// SPDX-License-Identifier: LGPL-2.1-or-later
/* What Prometheus reads: its form, by promtool where there is one, what is in it, and how often it is written. */
#include "devices-fixture.h"

#include "care/metrics.h"
#include "journal/batch.h"
#include "journal/fault.h"

static struct metrics *metrics;
static char path[64], text[32768];

static int setup(void **state) {
        dev_set_up();
        assert_int_equal(metrics_new(shop.engine, dev.statistics, shop.dir, &metrics), 0);
        snprintf(path, sizeof(path), "%s/tilld.prom", shop.dir);
        return 0;
}

static int teardown(void **state) {
        metrics = metrics_free(metrics);
        dev_tear_down();
        return 0;
}

static void finish(const char *kind, enum transaction_result result) {
        struct transaction_view view = TRANSACTION_VIEW_INIT;

        transaction_record_init(&view.record);
        COPY(view.record.kind, kind);
        COPY(view.record.masked_pan, "621700******1234");
        COPY(view.record.reference, "order-77");
        view.record.amount = 123456;
        view.record.result = result;
        view.record.started_boot = 5 * USEC_PER_SEC;
        view.record.finished_boot = 12 * USEC_PER_SEC;
        metrics_transaction_changed(metrics, &view, TRANSACTION_CHANGED);
        metrics_transaction_changed(metrics, &view, TRANSACTION_FINISHED);
}

static void read_file(void) {
        FILE *f;
        size_t n;

        assert_int_equal(metrics_write(metrics), 0);
        f = fopen(path, "re");
        assert_non_null(f);
        n = fread(text, 1, sizeof(text) - 1, f);
        text[n] = '\0';
        assert_int_equal(fclose(f), 0);
}

static void assert_line(const char *line) {
        if (!strstr(text, line))
                fail_msg("\"%s\" is not in:\n%s", line, text);
}

static void fill(void) {
        struct fault_record fault = {
                .code = "paper-end", .subject = "1-2", .class = "hardware", .severity = "error"
        };

        (void) dev_plug(DEVICE_PRINTER, "1-2", "J\"3\\F", 0);
        dev_run();
        assert_int_equal(journal_begin(shop.journal, JOURNAL_DURABLE), 0);
        assert_true(fault_record_open(shop.journal, &fault) >= 0);
        COPY(fault.subject, "1-3");
        assert_true(fault_record_open(shop.journal, &fault) >= 0);
        assert_int_equal(statistic_add(shop.journal, "printer/04b8:0202/J\"3\\F", "PaperCutCount", 7), 0);
        assert_int_equal(journal_commit(shop.journal), 0);
        finish("sale", RESULT_APPROVED);
        finish("sale", RESULT_APPROVED);
        finish("sale", RESULT_DECLINED);
        read_file();
}

static void content(void **state) {
        struct stat st;

        fill();
        assert_line("tilld_info{version=\"" TILLD_VERSION "\",mode=\"test\"} 1\n");
        assert_line("tilld_transactions_total{kind=\"sale\",result=\"approved\"} 2\n");
        assert_line("tilld_transactions_total{kind=\"sale\",result=\"declined\"} 1\n");
        assert_line("tilld_faults_open{code=\"paper-end\",class=\"hardware\",severity=\"error\"} 2\n");
        assert_line("tilld_transaction_seconds_bucket{kind=\"sale\",result=\"approved\",le=\"5\"} 0\n");
        assert_line("tilld_transaction_seconds_bucket{kind=\"sale\",result=\"approved\",le=\"10\"} 2\n");
        assert_line("tilld_transaction_seconds_bucket{kind=\"sale\",result=\"approved\",le=\"+Inf\"} 2\n");
        assert_line("tilld_transaction_seconds_sum{kind=\"sale\",result=\"approved\"} 14.000000\n");
        assert_line("tilld_transaction_seconds_count{kind=\"sale\",result=\"approved\"} 2\n");
        assert_line("tilld_acquirer_exchanges_total{outcome=\"no-answer\"} 0\n");
        assert_line("tilld_acquirer_answer_seconds_bucket{le=\"0.1\"} 0\n");
        assert_line("tilld_acquirer_answer_seconds_sum 0.000000\n");
        assert_line("tilld_unconfirmed_transactions 0\n");
        assert_line("tilld_start_time_seconds 1");
        assert_null(strstr(text, "\ntilld_last_settlement_timestamp_seconds"));
        assert_line("tilld_pending{what=\"reversals\"} 0\n");
        assert_line("tilld_pending{what=\"print_jobs\"} 0\n");
        assert_line("tilld_acquirer_signed_on 0\n");
        assert_line("tilld_device_connected{kind=\"printer\",device=\"printer/04b8:0202/J\\\"3\\\\F\"} 1\n");
        assert_line(
                "tilld_device_statistic_total{device=\"printer/04b8:0202/J\\\"3\\\\F\",name=\"PaperCutCount\"} 7\n");
        /* Nothing of a payment but its kind and result. */
        assert_null(strstr(text, "621700"));
        assert_null(strstr(text, "order-77"));
        assert_null(strstr(text, "123456"));
        assert_int_equal(stat(path, &st), 0);
        assert_int_equal(st.st_mode & 0777, 0644);
        dev_unplug(dev.devices);
        dev_run();
        read_file();
        assert_line("device=\"printer/04b8:0202/J\\\"3\\\\F\"} 0\n");
}

static void promtool(void **state) {
        char command[160];

        if (system("command -v promtool >/dev/null") != 0) {
                print_message("promtool is not installed: Debian's package prometheus has it\n");
                skip();
        }
        fill();
        snprintf(command, sizeof(command), "promtool check metrics <%s >&2", path);
        assert_int_equal(system(command), 0);
}

/* What has been settled, and what waits to be. */
static void batches(void **state) {
        struct batch_record batch;
        uint32_t next;

        assert_int_equal(journal_begin(shop.journal, JOURNAL_DURABLE), 0);
        assert_int_equal(batch_load_current(shop.journal, &batch), 0);
        assert_int_equal(batch_freeze(shop.journal, &batch), 0);
        batch.state = BATCH_UPLOADING;
        batch.reconciliation = BATCH_BALANCED;
        assert_int_equal(batch_update(shop.journal, &batch), 0);
        batch.state = BATCH_SETTLED;
        assert_int_equal(batch_advance(shop.journal, &batch, &next), 0);
        assert_int_equal(journal_commit(shop.journal), 0);
        read_file();
        assert_line("\ntilld_last_settlement_timestamp_seconds 1");
        assert_null(strstr(text, "\ntilld_batch_opened_timestamp_seconds"));
}

/* A bound belongs to what it ends. */
static void histograms(void **state) {
        struct histogram h = {};

        histogram_add(&h, 0);
        histogram_add(&h, 100 * USEC_PER_MSEC);
        histogram_add(&h, 100 * USEC_PER_MSEC + 1);
        histogram_add(&h, 120 * USEC_PER_SEC + 1);
        assert_int_equal(h.n[0], 2);
        assert_int_equal(h.n[1], 1);
        assert_int_equal(h.n[HISTOGRAM_BOUNDS], 1);
        assert_int_equal(h.sum_usec, 120200002);
}

/* Without a folder nothing is written, and nothing is waited for. */
static void no_folder(void **state) {
        struct metrics *m;

        assert_int_equal(metrics_new(shop.engine, NULL, NULL, &m), 0);
        metrics_kick(m);
        metrics_free(m);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(histograms),
                cmocka_unit_test_setup_teardown(content, setup, teardown),
                cmocka_unit_test_setup_teardown(promtool, setup, teardown),
                cmocka_unit_test_setup_teardown(batches, setup, teardown),
                cmocka_unit_test_setup_teardown(no_folder, setup, teardown),
        };

        return cmocka_run_group_tests_name("care-metrics", tests, NULL, NULL);
}
