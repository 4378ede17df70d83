/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* org.tilld1 on the bus: the engine's objects, each interface in a file of its own. */

#include <systemd/sd-bus.h>

#include "binding/binding.h"
#include "care/acts.h"
#include "care/faults.h"
#include "care/metrics.h"
#include "care/statistics.h"
#include "care/health.h"
#include "care/terminal-state.h"
#include "care/recovery.h"
#include "transaction/engine.h"

#define SERVER_NAME "org.tilld1"
#define SERVER_PATH "/org/tilld1"

/* Transactions that the ObjectManager lists; with what they say at most it stays below 64 KiB. */
#define SERVER_LISTED 32

struct server {
        sd_bus *bus;
        struct engine *engine;
        struct faults *faults;         /* NULL before the start and at the end */
        struct binding *binding;       /* the same */
        struct statistics *statistics; /* the same */
        struct metrics *metrics;       /* the same */
        struct health *health;         /* the same; set by who starts it */
        struct recovery *recovery;     /* the same */
        struct acts *acts;             /* the same; likewise */
        const struct settings *settings;
        char *transaction_prefix; /* object path of transactions in this mode */

        sd_bus_track *subscribers;
        sd_bus_track *starter; /* who started the newest transaction, and repeated that call since */
        int64_t started;       /* that transaction's id */
        sd_bus_message *call;  /* the one that is being served, so that a new transaction has its starter */

        sd_bus_track *leader; /* who began or took up the newest change of the phone; NULL: nobody since the start */

        struct face_call *face_calls;   /* papers that are being drawn, receipt-faces.c */
        struct code_call *code_calls;   /* codes that are on their way, code-call.c */
        struct probe_call *probe_calls; /* till-recover looks at the USB devices, recovery.c */
        struct report_call *report;     /* that is being made, report.c */

        struct authenticity_call *authenticity; /* the check that runs, authenticity.c; NULL: none */

        struct binding_shown *shown; /* as the bus was told of the binding last; NULL: not yet */

        struct transaction_view told;     /* as the bus was told of it last */
        struct fault_record looked_fault; /* the one that a property or method is about, until the next look */
        struct terminal_state told_state; /* as the bus was told of it last */
        bool told_armed;                  /* the magstripe reader's Armed, likewise */
        struct transaction_view looked;   /* the one that a property or method is about, until the next look */
};

/* Connects nothing: the bus is the caller's. engine may be set later, before the name is asked for. */
int server_new(sd_bus *bus, const struct settings *settings, struct server **ret);
struct server *server_free(struct server *s);
DEFINE_CLEANUP(struct server *, server_free);

/* Puts the objects on the bus and asks for the name. */
int server_start(struct server *s, struct engine *engine, struct faults *faults, struct binding *binding,
                 struct statistics *statistics);

/* The engine's events, told to the bus and to the binding; userdata is the server. */
extern const struct engine_listener server_listener;
/* Those of the binding, likewise. */
extern const struct binding_listener server_binding_listener;

/* ---- Between the files of this room ---- */

/* From now on *track is who sent m, and nobody else; no one after an error. */
int server_follow_sender(struct server *s, sd_bus_message *m, sd_bus_track **track);

int manager_register(struct server *s);
void manager_changed(struct server *s);
/* search.c */
int manager_call_get_totals(sd_bus_message *m, void *userdata, sd_bus_error *error);
int manager_call_search(sd_bus_message *m, void *userdata, sd_bus_error *error);

int operators_register(struct server *s);
/* Who is logged on may be another one. */
void operators_changed(struct server *s);

int receipts_register(struct server *s);
/* Ends what is being drawn, without an answer. */
void receipts_end_calls(struct server *s);
void receipts_job_changed(struct server *s, int64_t job, enum print_state state);

int journal_register(struct server *s);
/* A folder beside the journal, in the state directory; allocated. */
int journal_state_folder(struct server *s, const char *name, char **ret);
/* reconcile.c */
int journal_call_reconcile(sd_bus_message *m, void *userdata, sd_bus_error *error);
int journal_call_reconcile_file(sd_bus_message *m, void *userdata, sd_bus_error *error);

int diagnostics_register(struct server *s);
/* Its methods on USB devices, recovery.c. */
int diagnostics_call_probe(sd_bus_message *m, void *userdata, sd_bus_error *error);
int diagnostics_call_recover(sd_bus_message *m, void *userdata, sd_bus_error *error);
int diagnostics_call_recover_with_code(sd_bus_message *m, void *userdata, sd_bus_error *error);
int diagnostics_call_list_recoveries(sd_bus_message *m, void *userdata, sd_bus_error *error);
/* What is being looked at is forgotten, without an answer. */
void recoveries_end_calls(struct server *s);
/* A fault has opened or ended; userdata is the server. */
void diagnostics_told(const struct fault_record *record, void *userdata);

int statistics_register(struct server *s);
/* What devices have counted is written; userdata is the server. */
void statistics_written(void *userdata);
/* Device.GetStatistics, for the handler to return. */
int statistics_call_of_device(struct server *s, sd_bus_message *m, const struct device *device);

int maintenance_register(struct server *s);
/* authenticity.c */
int authenticity_call_check(sd_bus_message *m, void *userdata, sd_bus_error *error);
/* Ends the one that runs, without an answer. */
void authenticity_end_call(struct server *s);

int log_control_register(struct server *s);

int bindings_register(struct server *s);
void bindings_changed(struct server *s);
/* The same where the engine alone has changed, which is often: cheap while no phone is being changed. */
void bindings_follow_engine(struct server *s);
void bindings_ended(struct server *s, const struct rebind_record *record);

int devices_register(struct server *s);
void devices_changed(struct server *s, struct device *device, enum monitor_event event);
/* Whether the magstripe reader takes swipes goes with the transaction. */
void devices_armed_changed(struct server *s);

int transactions_register(struct server *s);
void transactions_changed(struct server *s, const struct transaction_view *view, enum transaction_event event);
/* Its methods, transaction-calls.c. */
int transaction_call_approve(sd_bus_message *m, void *userdata, sd_bus_error *error);
int transaction_call_cancel(sd_bus_message *m, void *userdata, sd_bus_error *error);
int transaction_call_choose_application(sd_bus_message *m, void *userdata, sd_bus_error *error);
int transaction_call_resolve(sd_bus_message *m, void *userdata, sd_bus_error *error);
int transaction_call_resolve_with_code(sd_bus_message *m, void *userdata, sd_bus_error *error);
/* The object path of a transaction, allocated. */
int transaction_path(const struct server *s, int64_t id, char **ret);
/* The same, "/" for 0. */
int transaction_path_or_root(const struct server *s, int64_t id, char **ret);
/* -ENOENT for what is no transaction's path. */
int transaction_path_id(const struct server *s, const char *path, int64_t *ret);
