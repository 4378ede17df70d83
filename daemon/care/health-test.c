// SPDX-License-Identifier: LGPL-2.1-or-later
/* What each test of a health check does. */
#include <inttypes.h>

#include "care/fault-code.h"
#include "care/health-internal.h"
#include "journal/fault.h"
#include "receipt/slip.h"
#include "transaction/acquirer-check.h"
#include "transaction/paper.h"
#include "transaction/print-orders.h"

/* ---- What is open says it ---- */

struct worst {
        const char *device; /* "": what is about no device */
        const char *but;    /* not this code, "" for none */
        struct engine *engine;
        struct fault_record record;
};

static int rank(const struct fault_record *record) {
        return streq(record->severity, "critical") ? 3 : streq(record->severity, "error") ? 2 : *record->code ? 1 : 0;
}

static int note_worst(const struct fault_record *record, void *userdata) {
        struct worst *w = userdata;
        bool mine = isempty(w->device) ? !monitor_find(engine_monitor(w->engine), record->subject)
                                       : streq(record->subject, w->device);

        if (mine && !streq(record->code, w->but) && rank(record) > rank(&w->record))
                w->record = *record;
        return 0;
}

/* 1 when the step has ended by a fault that is open. */
static int end_by_fault(struct health *h, const char *device) {
        struct worst w = {
                .device = device,
                /* This is the one that was overdue. */
                .but = h->check.level == HEALTH_INSPECTION ? "inspection-overdue" : "",
                .engine = h->engine,
        };
        const struct fault_code *code;
        int r;

        r = fault_record_each(engine_journal(h->engine), &(struct fault_filter){ .open = true }, note_worst, &w);
        if (r < 0) {
                health_end(h, HEALTH_FAILED, N_("The journal cannot be read."), strerror(-r));
                return 1;
        }
        code = fault_code_find(w.record.code);
        if (!code)
                return 0;
        health_end(h, HEALTH_FAILED, N_("A fault is open: see its steps."), code->code);
        return 1;
}

static void test_terminal(struct health *h, struct health_step *step) {
        if (!end_by_fault(h, ""))
                health_end(h, HEALTH_PASSED, N_("No fault of the terminal is open."), "");
}

static void test_device(struct health *h, struct health_step *step) {
        const struct device *d = monitor_find(engine_monitor(h->engine), step->device);

        if (!d || !d->connected)
                return health_end(h, HEALTH_FAILED, N_("It is not connected."), d ? d->why : "");
        if (!end_by_fault(h, step->device))
                health_end(h, HEALTH_PASSED, N_("It is connected, and no fault of it is open."), "");
}

/* ---- The acquirer ---- */

static void start_transaction(struct health *h, const char *kind) {
        char reference[48];
        struct engine_call call = {
                .kind = kind,
                .currency = "",
                .reference = reference,
                .order = "",
                .authorization_code = "",
                .approver = "",
                .internal = true,
        };
        struct refusal refusal;
        int64_t id;

        (void) snprintf(reference, sizeof(reference), ENGINE_CHECK_REFERENCES "%" PRIi64 "-%s", h->check.id, kind);
        health_ask(h, N_("The acquirer is asked."));
        if (engine_start_transaction(h->engine, &call, &id, &refusal) < 0)
                return health_end(h, HEALTH_SKIPPED, N_("It could not be begun."), refusal.text);
        h->transaction = id;
}

static void on_asked(bool well, void *userdata) {
        struct health *h = userdata;

        if (well)
                return health_end(h, HEALTH_PASSED, N_("The acquirer has answered."), "");
        health_end(h, HEALTH_FAILED, N_("The acquirer has not answered."), acquirer_state(engine_acquirer(h->engine)));
}

/* Not by a transaction: that would have the next customer wait for its end. */
static void ask_acquirer(struct health *h) {
        int r;

        health_ask(h, N_("The acquirer is asked."));
        r = acquirer_check_ask(engine_acquirer_check(h->engine), on_asked, h);
        if (r == -EBUSY)
                return health_end(h, HEALTH_SKIPPED, N_("Something waits to be told to the acquirer: that shows it."),
                                  acquirer_state(engine_acquirer(h->engine)));
        if (r < 0)
                health_end(h, HEALTH_FAILED, N_("The acquirer could not be asked."), "");
}

static void test_acquirer(struct health *h, struct health_step *step) {
        if (h->check.level == HEALTH_INSPECTION)
                return ask_acquirer(h);
        start_transaction(h, step->test);
}

static bool needs_reader(const struct health_step *step) {
        return streq(step->test, "swipe") || streq(step->test, "insert");
}

static struct health_step *running(struct health *h) {
        struct health_step *step = h->check.steps + h->at;

        return h->at < h->check.n && step->state == HEALTH_RUNNING ? step : NULL;
}

void health_follow_transaction(struct health *h, const struct transaction_view *view, enum transaction_event event) {
        const struct transaction_record *record = &view->record;
        struct health_step *step = running(h);

        health_follow_current(h, event);
        if (!step)
                return;
        if (needs_reader(step) && event == TRANSACTION_ADDED)
                return health_end(h, HEALTH_SKIPPED, N_("A transaction began: test it again later."), "");
        if (h->transaction == 0 || record->id != h->transaction || event != TRANSACTION_FINISHED)
                return;
        if (record->result == RESULT_APPROVED)
                return health_end(h, HEALTH_PASSED, N_("The acquirer has answered."), "");
        health_end(h, HEALTH_FAILED, N_("The acquirer has not agreed."),
                   isempty(record->message) ? record->reason : record->message);
}

/* ---- What is installed ---- */

static void on_authenticity(int error, cJSON *json, void *userdata) {
        struct health *h = userdata;
        char result[24] = "";

        COPY(result, strempty(cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(json, "Result"))));
        cJSON_Delete(json);
        if (error < 0)
                return health_end(h, HEALTH_FAILED, N_("The journal cannot be read."), strerror(-error));
        if (streq(result, "differs"))
                return health_end(h, HEALTH_FAILED, N_("Something differs: tillctl authenticity shows it."), "");
        if (streq(result, "incomplete"))
                return health_end(h, HEALTH_SKIPPED, N_("Not all could be looked at: tillctl authenticity says why."),
                                  "");
        health_end(h, HEALTH_PASSED, N_("Files, driver, serial number and keys are as they should be."), "");
}

static void test_authenticity(struct health *h, struct health_step *step) {
        int r;

        health_ask(h, N_("The installed files are compared with their packages."));
        r = authenticity_start(h->engine, h->faults, on_authenticity, h, &h->authenticity);
        if (r < 0)
                health_end(h, HEALTH_FAILED, N_("It could not be begun."), strerror(-r));
}

/* ---- The printer ---- */

static void test_print(struct health *h, struct health_step *step) {
        const struct print_asker asker = { .uid = PRINT_JOB_NOBODY };
        _cleanup_(slip_done) struct slip slip;
        int r;

        paper_fill_terminal(h->engine, SLIP_TEST_PAGE, &slip);
        health_ask(h, N_("A test page is printed."));
        r = print_order_slip(h->engine, 0, &slip, &asker, &h->job);
        if (r < 0)
                health_end(h, HEALTH_FAILED, N_("The test page could not be queued."), strerror(-r));
}

void health_follow_job(struct health *h, int64_t job, enum print_state state) {
        if (!running(h) || h->job == 0 || job != h->job)
                return;
        switch (state) {
        case PRINT_PRINTED:
                return health_end(h, HEALTH_PASSED, N_("The printer says that the test page is printed."), "");
        case PRINT_UNCONFIRMED:
                return health_end(h, HEALTH_FAILED, N_("The printer has not said that the test page is printed."), "");
        case PRINT_CANCELLED:
                return health_end(h, HEALTH_SKIPPED, N_("The test page was cancelled."), "");
        default:
                break;
        }
}

/* ---- The readers, with a person ---- */

static void on_swipe(const struct msr_swipe *swipe, void *userdata) {
        struct health *h = userdata;

        h->swipe = false;
        if (swipe->track2.status == TRACK_OK || swipe->track2.status == TRACK_ENCRYPTED)
                return health_end(h, HEALTH_PASSED, N_("The stripe was read."), "");
        health_end(h, HEALTH_FAILED, N_("The stripe could not be read: try another card, then clean the head."), "");
}

static void test_swipe(struct health *h, struct health_step *step) {
        int r;

        health_ask(h, N_("Swipe a card."));
        r = engine_await_swipe(h->engine, on_swipe, h);
        if (r < 0)
                return health_end(h, HEALTH_FAILED, N_("The reader does not take swipes."), strerror(-r));
        h->swipe = true;
}

static void test_insert(struct health *h, struct health_step *step) {
        const struct device *d = monitor_find(engine_monitor(h->engine), step->device);

        if (!d || !d->connected)
                return health_end(h, HEALTH_FAILED, N_("It is not connected."), "");
        if (d->card == DEVICE_CARD_PRESENT)
                return health_end(h, HEALTH_PASSED, N_("The reader sees the card."), "");
        health_ask(h, N_("Insert a card."));
}

void health_follow_device(struct health *h, const struct device *device, enum monitor_event event) {
        struct health_step *step = running(h);

        if (!step || !needs_reader(step) || !streq(step->device, device->id))
                return;
        if (!device->connected)
                return health_end(h, HEALTH_FAILED, N_("It is not connected."), "");
        if (streq(step->test, "insert") && device->card == DEVICE_CARD_PRESENT)
                health_end(h, HEALTH_PASSED, N_("The reader sees the card."), "");
}

void health_stop_waiting(struct health *h) {
        if (h->swipe)
                engine_end_swipe(h->engine);
        acquirer_check_forget(engine_acquirer_check(h->engine));
        h->authenticity = authenticity_free(h->authenticity);
        h->swipe = false;
        h->transaction = 0;
        h->job = 0;
}

const struct health_test health_tests[] = {
        { "terminal", HEALTH_AT(HEALTH_INTERNAL) | HEALTH_AT(HEALTH_INSPECTION), false, _DEVICE_KIND_MAX,
          test_terminal },
        { "device", HEALTH_AT(HEALTH_INTERNAL) | HEALTH_AT(HEALTH_INSPECTION), true, _DEVICE_KIND_MAX, test_device },
        { "echo", HEALTH_AT(HEALTH_EXTERNAL) | HEALTH_AT(HEALTH_INSPECTION), false, _DEVICE_KIND_MAX, test_acquirer },
        { "sign-on", HEALTH_AT(HEALTH_EXTERNAL), false, _DEVICE_KIND_MAX, test_acquirer },
        { "authenticity", HEALTH_AT(HEALTH_INSPECTION), false, _DEVICE_KIND_MAX, test_authenticity },
        { "print", HEALTH_AT(HEALTH_EXTERNAL), true, DEVICE_PRINTER, test_print },
        { "swipe", HEALTH_AT(HEALTH_INTERACTIVE), true, DEVICE_MSR, test_swipe },
        { "insert", HEALTH_AT(HEALTH_INTERACTIVE), true, DEVICE_EMV, test_insert },
};

const size_t health_tests_size = ELEMENTSOF(health_tests);
