// SPDX-License-Identifier: LGPL-2.1-or-later
#include "care/health.h"

#include <inttypes.h>

#include "base/clock.h"
#include "base/log.h"
#include "care/health-internal.h"
#include "care/inspection.h"

/* For a page to be printed, or a person to come with a card; the acquirer has a time-out of its own. */
#define STEP_USEC (60 * USEC_PER_SEC)

static const char *const levels[_HEALTH_LEVEL_MAX] = {
        [HEALTH_INTERNAL] = "internal",
        [HEALTH_EXTERNAL] = "external",
        [HEALTH_INTERACTIVE] = "interactive",
        [HEALTH_INSPECTION] = "inspection",
};

const char *health_level_to_string(enum health_level level) {
        return levels[level];
}

enum health_level health_level_from_string(const char *text) {
        for (enum health_level level = 0; level < _HEALTH_LEVEL_MAX; level++)
                if (streq(levels[level], text))
                        return level;
        return _HEALTH_LEVEL_INVALID;
}

const char *health_state_to_string(enum health_state state) {
        static const char *const words[_HEALTH_STATE_MAX] = {
                [HEALTH_WAITING] = "waiting", [HEALTH_RUNNING] = "running", [HEALTH_PASSED] = "passed",
                [HEALTH_FAILED] = "failed",   [HEALTH_SKIPPED] = "skipped",
        };

        return words[state];
}

/* ---- One step after the other ---- */

static bool is_running(const struct health *h) {
        return h->check.id > 0 && h->check.ended_usec == 0;
}

static const struct health_test *find_test(const char *name) {
        for (size_t i = 0; i < health_tests_size; i++)
                if (streq(health_tests[i].name, name))
                        return health_tests + i;
        return NULL;
}

static void go_on(struct health *h) {
        int r = sd_event_source_set_enabled(h->next, SD_EVENT_ONESHOT);

        if (r < 0)
                log_warning_errno(r, "The health check does not go on");
}

static void set_deadline(struct health *h) {
        int r = sd_event_source_set_time_relative(h->deadline, STEP_USEC);

        if (r >= 0)
                r = sd_event_source_set_enabled(h->deadline, SD_EVENT_ONESHOT);
        if (r < 0)
                health_end(h, HEALTH_SKIPPED, N_("It cannot be waited for."), strerror(-r));
}

void health_ask(struct health *h, const char *sentence) {
        h->check.steps[h->at].sentence = sentence;
        h->changed(&h->check, h->userdata);
}

void health_end(struct health *h, enum health_state state, const char *sentence, const char *detail) {
        struct health_step *step = h->check.steps + h->at;

        health_stop_waiting(h);
        (void) sd_event_source_set_enabled(h->deadline, SD_EVENT_OFF);
        step->state = state;
        step->sentence = sentence;
        COPY(step->detail, detail);
        h->at++;
        go_on(h);
        h->changed(&h->check, h->userdata);
}

static void end_check(struct health *h) {
        h->check.ended_usec = clock_now(CLOCK_REALTIME);
        if (h->counts) {
                (void) inspection_record(h->engine, &h->check);
                faults_kick(h->faults);
        }
        log_info("Health check (%s) by %s: %u of %zu tests failed", health_level_to_string(h->check.level),
                 h->check.by, health_count_failed(&h->check), h->check.n);
        h->changed(&h->check, h->userdata);
}

/* An inspection takes nothing from a customer: its step begins, or begins anew, when the transaction has ended. */
static bool must_wait(const struct health *h) {
        return h->check.level == HEALTH_INSPECTION && engine_current(h->engine) > 0;
}

static void put_off(struct health *h) {
        struct health_step *step = h->check.steps + h->at;

        health_stop_waiting(h);
        (void) sd_event_source_set_enabled(h->deadline, SD_EVENT_OFF);
        step->state = HEALTH_WAITING;
        log_about(LOG_INFO, 0, LOG_ABOUT_TRANSACTION(engine_current(h->engine)),
                  "The inspection is put off: transaction %" PRIi64 " runs", engine_current(h->engine));
        health_ask(h, N_("A transaction runs: it goes on after that."));
}

void health_follow_current(struct health *h, enum transaction_event event) {
        if (!is_running(h) || h->check.level != HEALTH_INSPECTION || h->at == h->check.n)
                return;
        if (event == TRANSACTION_ADDED)
                put_off(h);
        else if (event == TRANSACTION_FINISHED && h->check.steps[h->at].state == HEALTH_WAITING)
                go_on(h);
}

static int on_next(sd_event_source *source, void *userdata) {
        struct health *h = userdata;
        struct health_step *step = h->check.steps + h->at;

        if (!is_running(h))
                return 0;
        if (h->at == h->check.n) {
                end_check(h);
                return 0;
        }
        if (must_wait(h)) {
                put_off(h);
                return 0;
        }
        step->state = HEALTH_RUNNING;
        step->sentence = "";
        set_deadline(h);
        if (step->state == HEALTH_RUNNING)
                find_test(step->test)->start(h, step);
        return 0;
}

static int on_deadline(sd_event_source *source, uint64_t usec, void *userdata) {
        struct health *h = userdata;

        if (is_running(h) && h->at < h->check.n)
                health_end(h, HEALTH_FAILED, N_("Nothing came in time."), "");
        return 0;
}

/* ---- What a check is made of ---- */

static void health_check_done(struct health_check *c) {
        free(c->steps);
        *c = (struct health_check){};
}

/* device NULL: of the terminal. */
static int add_step(struct health_check *c, const char *test, const struct device *device) {
        struct health_step *step, *steps = reallocarray(c->steps, c->n + 1, sizeof(*steps));

        if (!steps)
                return -ENOMEM;
        c->steps = steps;
        step = steps + c->n++;
        *step = (struct health_step){ .test = test, .sentence = "" };
        if (device) {
                COPY(step->device, device->id);
                (void) device_title(device, step->title);
        }
        return 0;
}

static int add_steps(struct health *h, struct health_check *c, const struct health_test *test, const char *device) {
        const struct device *d;
        int r = 0;

        if (!test->each_device)
                return isempty(device) ? add_step(c, test->name, NULL) : 0;
        for (size_t i = 0; r >= 0 && (d = monitor_get(engine_monitor(h->engine), i)); i++)
                if ((test->kind == _DEVICE_KIND_MAX || test->kind == d->kind) &&
                    (isempty(device) || streq(device, d->id)))
                        r = add_step(c, test->name, d);
        return r;
}

static int refuse_busy(struct health *h, enum health_level level, struct refusal *ret) {
        if (is_running(h))
                return refusal_set(ret, REFUSAL_BUSY,
                                   "A health check runs already: wait for its end, or cancel it with "
                                   "CancelHealthCheck(%" PRIi64 ")",
                                   h->check.id);
        if (level != HEALTH_INSPECTION && engine_current(h->engine) > 0)
                return refusal_set(ret, REFUSAL_BUSY, "Transaction %" PRIi64 " is running: wait for its result",
                                   engine_current(h->engine));
        return 0;
}

int health_start(struct health *h, enum health_level level, const char *device, const char *by, int64_t *ret_id,
                 struct refusal *ret) {
        _cleanup_(health_check_done) struct health_check check = {
                .id = (int64_t) clock_now(CLOCK_REALTIME),
                .level = level,
        };
        int r;

        r = refuse_busy(h, level, ret);
        if (r < 0)
                return r;
        if (!isempty(device) && !monitor_find(engine_monitor(h->engine), device))
                return refusal_set(ret, REFUSAL_NOT_FOUND, "There is no device %.60s: tillctl devices lists them",
                                   device);
        for (size_t i = 0; r >= 0 && i < health_tests_size; i++)
                if (health_tests[i].levels & HEALTH_AT(level))
                        r = add_steps(h, &check, health_tests + i, device);
        if (r < 0)
                return engine_refuse_journal(ret, r);
        if (check.n == 0)
                return refusal_set(ret, REFUSAL_UNAVAILABLE_DEVICE,
                                   "There is nothing to test at the level %s: tillctl devices shows what is connected",
                                   health_level_to_string(level));
        COPY(check.by, by);
        health_check_done(&h->check);
        h->check = check;
        check = (struct health_check){};
        h->at = 0;
        h->counts = level == HEALTH_INSPECTION && isempty(device);
        *ret_id = h->check.id;
        go_on(h);
        return 0;
}

int health_cancel(struct health *h, int64_t id, struct refusal *ret) {
        if (!is_running(h) || h->check.id != id)
                return refusal_set(ret, REFUSAL_NOT_FOUND, "No health check %" PRIi64 " is running", id);
        h->counts = false;
        while (h->at < h->check.n)
                health_end(h, HEALTH_SKIPPED, N_("It was cancelled."), "");
        return 0;
}

const struct health_check *health_get(const struct health *h) {
        return h->check.id > 0 ? &h->check : NULL;
}

unsigned health_count_failed(const struct health_check *check) {
        unsigned n = 0;

        for (size_t i = 0; i < check->n; i++)
                n += check->steps[i].state == HEALTH_FAILED;
        return n;
}

/* ---- Life ---- */

int health_new(struct engine *e, struct faults *f, health_changed_t changed, void *userdata, struct health **ret) {
        _cleanup_(health_freep) struct health *h = calloc(1, sizeof(*h));
        int r;

        if (!h)
                return -ENOMEM;
        h->engine = e;
        h->faults = f;
        h->changed = changed;
        h->userdata = userdata;
        r = sd_event_add_defer(engine_loop(e), &h->next, on_next, h);
        if (r >= 0)
                r = sd_event_source_set_enabled(h->next, SD_EVENT_OFF);
        if (r >= 0)
                r = sd_event_add_time_relative(engine_loop(e), &h->deadline, CLOCK_BOOTTIME, STEP_USEC, USEC_PER_SEC,
                                               on_deadline, h);
        if (r >= 0)
                r = sd_event_source_set_enabled(h->deadline, SD_EVENT_OFF);
        if (r < 0)
                return r;
        *ret = TAKE_PTR(h);
        return 0;
}

struct health *health_free(struct health *h) {
        if (!h)
                return NULL;
        health_stop_waiting(h);
        sd_event_source_disable_unref(h->next);
        sd_event_source_disable_unref(h->deadline);
        health_check_done(&h->check);
        free(h);
        return NULL;
}
