// SPDX-License-Identifier: LGPL-2.1-or-later
#include "base/log.h"
#include "bus/code-call.h"
#include "bus/fault.h"
#include "bus/report.h"
#include "bus/server.h"
#include "bus/state.h"

static void look_for_faults(struct server *s) {
        if (s->faults)
                faults_kick(s->faults);
}

/* A transaction or a paper may have ended. */
static void look_for_recoveries(struct server *s) {
        if (s->recovery)
                recovery_kick(s->recovery);
}

static void look_for_metrics(struct server *s) {
        if (s->metrics)
                metrics_kick(s->metrics);
}

static void transaction_event(const struct transaction_view *view, enum transaction_event event, void *userdata) {
        struct server *s = userdata;

        look_for_faults(s);
        look_for_recoveries(s);
        if (s->acts)
                acts_transaction(s->acts, view, event);
        transactions_changed(s, view, event);
        if (s->statistics)
                statistics_transaction_changed(s->statistics, view, event);
        if (s->metrics)
                metrics_transaction_changed(s->metrics, view, event);
        if (s->health)
                health_follow_transaction(s->health, view, event);
        /* Last: it may start the next one. */
        if (s->binding)
                binding_transaction_changed(s->binding, view, event);
}

static void device_event(struct device *device, enum monitor_event event, void *userdata) {
        struct server *s = userdata;

        look_for_recoveries(s);
        look_for_faults(s);
        if (s->acts)
                acts_device(s->acts, device, event);
        devices_changed(s, device, event);
        if (s->statistics)
                statistics_device_changed(s->statistics, device, event);
        look_for_metrics(s);
        if (s->health)
                health_follow_device(s->health, device, event);
}

static void job_event(int64_t job, enum print_state state, void *userdata) {
        struct server *s = userdata;

        look_for_recoveries(s);
        look_for_faults(s);
        if (s->acts)
                acts_job(s->acts, job, state);
        receipts_job_changed(s, job, state);
        if (s->statistics)
                statistics_job_changed(s->statistics, job, state);
        look_for_metrics(s);
        if (s->health)
                health_follow_job(s->health, job, state);
}

static void engine_event(void *userdata) {
        look_for_faults(userdata);
        look_for_recoveries(userdata);
        look_for_metrics(userdata);
        manager_changed(userdata);
        state_changed(userdata);
        bindings_follow_engine(userdata);
}

static void binding_event(void *userdata) {
        look_for_faults(userdata);
        bindings_changed(userdata);
}

static void binding_end_event(const struct rebind_record *record, void *userdata) {
        look_for_faults(userdata);
        bindings_ended(userdata, record);
}

const struct engine_listener server_listener = {
        .transaction = transaction_event,
        .device = device_event,
        .job = job_event,
        .changed = engine_event,
};

const struct binding_listener server_binding_listener = {
        .changed = binding_event,
        .ended = binding_end_event,
};

int server_follow_sender(struct server *s, sd_bus_message *m, sd_bus_track **track) {
        sd_bus_track *now = NULL;
        int r;

        r = sd_bus_track_new(s->bus, &now, NULL, NULL);
        if (r >= 0)
                r = sd_bus_track_add_sender(now, m);
        sd_bus_track_unref(*track);
        *track = now;
        return r;
}

int server_new(sd_bus *bus, const struct settings *settings, struct server **ret) {
        _cleanup_(server_freep) struct server *s = NULL;
        int r;

        s = calloc(1, sizeof(*s));
        if (!s)
                return -ENOMEM;
        s->bus = sd_bus_ref(bus);
        s->settings = settings;
        s->transaction_prefix = strdup(settings->mode == MODE_TRAINING ? SERVER_PATH "/training/transaction"
                                                                       : SERVER_PATH "/transaction");
        if (!s->transaction_prefix)
                return -ENOMEM;
        r = sd_bus_track_new(bus, &s->subscribers, NULL, NULL);
        if (r < 0)
                return r;
        r = sd_bus_track_new(bus, &s->starter, NULL, NULL);
        if (r < 0)
                return r;
        *ret = TAKE_PTR(s);
        return 0;
}

struct server *server_free(struct server *s) {
        if (!s)
                return NULL;
        receipts_end_calls(s);
        code_call_end_all(s);
        recoveries_end_calls(s);
        report_end(s);
        authenticity_end_call(s);
        sd_bus_track_unref(s->subscribers);
        sd_bus_track_unref(s->starter);
        sd_bus_track_unref(s->leader);
        sd_bus_flush_close_unref(s->bus);
        free(s->transaction_prefix);
        free(s->shown);
        free(s);
        return NULL;
}

int server_start(struct server *s, struct engine *engine, struct faults *faults, struct binding *binding,
                 struct statistics *statistics) {
        int r;

        s->engine = engine;
        s->faults = faults;
        s->binding = binding;
        s->statistics = statistics;
        r = sd_bus_add_object_manager(s->bus, NULL, SERVER_PATH);
        if (r < 0)
                return r;
        r = manager_register(s);
        if (r < 0)
                return r;
        r = operators_register(s);
        if (r < 0)
                return r;
        r = receipts_register(s);
        if (r < 0)
                return r;
        r = journal_register(s);
        if (r < 0)
                return r;
        r = diagnostics_register(s);
        if (r < 0)
                return r;
        r = statistics_register(s);
        if (r < 0)
                return r;
        r = faults_register(s);
        if (r < 0)
                return r;
        r = maintenance_register(s);
        if (r < 0)
                return r;
        r = log_control_register(s);
        if (r < 0)
                return r;
        r = bindings_register(s);
        if (r < 0)
                return r;
        r = devices_register(s);
        if (r < 0)
                return r;
        r = transactions_register(s);
        if (r < 0)
                return r;
        r = sd_bus_request_name(s->bus, SERVER_NAME, 0);
        if (r < 0)
                return log_error_errno(r, "The name " SERVER_NAME " cannot be had; does another tilld run?");
        return 0;
}
