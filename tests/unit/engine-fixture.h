/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* The engine of a shop in test mode on a journal of its own, with certificates and an acquirer that nobody serves. */

#include <systemd/sd-event.h>

#include "journal/operator.h"
#include "shop-settings.h"
#include "transaction/engine.h"

static struct {
        char dir[32];
        struct settings settings;
        struct emv_terminal terminal;
        struct journal *journal;
        sd_event *event;
        struct engine *engine;
        sd_event_source *answer; /* of the acquirer that a fixture plays: it is on its way */
} shop;

static void shop_on_device(struct device *device, enum monitor_event e, void *userdata) {
}
static void shop_on_job(int64_t job, enum print_state state, void *userdata) {
}
static void shop_on_change(void *userdata) {
}

typedef void shop_on_transaction_t(const struct transaction_view *view, enum transaction_event e, void *userdata);

/* As tilld starts; what is in the journal stays. */
static void shop_open(shop_on_transaction_t *on_transaction, const char *card_worker) {
        static const uint8_t key[JOURNAL_KEY_SIZE] = { 7 }, tmk[TMK_SIZE] = { 9 };
        const struct engine_listener listener = {
                .transaction = on_transaction,
                .device = shop_on_device,
                .job = shop_on_job,
                .changed = shop_on_change,
        };
        char path[64], ca[64], certificate[64], *message = NULL;
        struct engine_config config = {
                .event = shop.event,
                .settings = &shop.settings,
                .terminal = &shop.terminal,
                .tmk = tmk,
                .ca_file = ca,
                .certificate_file = certificate,
                .card_worker = card_worker,
        };

        snprintf(path, sizeof(path), "%s/test.db", shop.dir);
        snprintf(ca, sizeof(ca), "%s/ca.pem", shop.dir);
        snprintf(certificate, sizeof(certificate), "%s/terminal.pem", shop.dir);
        if (journal_open(path, key, &shop.journal, &message) < 0)
                fail_msg("%s", message);
        config.journal = shop.journal;
        assert_int_equal(engine_new(&config, &listener, &shop.engine), 0);
}

/* No answer comes to an engine that is gone. */
static void shop_close(void) {
        shop.answer = sd_event_source_disable_unref(shop.answer);
        shop.engine = engine_free(shop.engine);
        shop.journal = journal_close(shop.journal);
}

/* All but the engine, which the test opens. */
static void shop_set_up(void) {
        char command[512];

        memset(&shop, 0, sizeof(shop));
        strcpy(shop.dir, "/tmp/test-engine-XXXXXX");
        assert_non_null(mkdtemp(shop.dir));
        snprintf(command, sizeof(command),
                 "cd %s && openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -subj /CN=test "
                 "-days 400 -keyout key -out ca.pem 2>/dev/null && cat ca.pem key >terminal.pem",
                 shop.dir);
        assert_int_equal(system(command), 0);
        shop.settings = shop_settings();
        emv_terminal_init(&shop.terminal);
        assert_int_equal(sd_event_new(&shop.event), 0);
}

/* A new operator, or NULL for nobody. */
static inline void shop_log_on(const char *number) {
        struct operator_record record = { .role = OPERATOR_SUPERVISOR };

        assert_int_equal(journal_begin(shop.journal, JOURNAL_DURABLE), 0);
        if (number) {
                COPY(record.number, number);
                assert_int_equal(operator_record_insert(shop.journal, &record), 0);
        }
        assert_int_equal(operator_set_logged_on(shop.journal, number), 0);
        assert_int_equal(journal_commit(shop.journal), 0);
}

/* The newest paper of that kind as text. */
static inline int shop_paper(int64_t transaction, enum slip_paper paper, char **ret) {
        _cleanup_(print_job_done) struct print_job job = {};
        _cleanup_(page_freep) struct page *page = NULL;
        int r;

        r = print_job_find(shop.journal, transaction, slip_paper_to_string(paper), &job);
        if (r < 0)
                return r;
        assert_int_equal(printing_lay_out(shop.engine->printing, &job, false, &page), 0);
        return page_to_text(page, ret);
}

static void shop_tear_down(void) {
        char command[64];

        shop_close();
        shop.event = sd_event_unref(shop.event);
        snprintf(command, sizeof(command), "rm -r %s", shop.dir);
        assert_int_equal(system(command), 0);
}
