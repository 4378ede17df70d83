// SPDX-License-Identifier: LGPL-2.1-or-later
/* org.tilld1.Journal: whether it is what was written, what is in it, and what may be forgotten. */
#include <inttypes.h>

#include "bus/authority.h"
#include "bus/journal-call.h"
#include "bus/json.h"
#include "bus/report.h"
#include "journal/summary.h"

/* ---- Verify ---- */

static int verify_call_slice(struct journal *j, struct journal_call *c) {
        return verify_slice(j, &c->verify);
}

static void verify_progress(const struct journal_call *c, uint64_t *ret_done, uint64_t *ret_total) {
        *ret_done = c->verify.done;
        *ret_total = c->verify.total;
}

static int verify_answer(struct journal_call *c, int r, sd_bus_error *error) {
        const struct journal_verify *v = &c->verify;
        int q;

        if (r < 0 && r != -EBADMSG) {
                upkeep_found(engine_upkeep(c->server->engine), r, v);
                return r;
        }
        q = sd_bus_reply_method_return(c->message, "bts", r == 0, (uint64_t) v->events, v->text);
        upkeep_found(engine_upkeep(c->server->engine), r, v);
        faults_kick(c->server->faults);
        return q;
}

static int verify(sd_bus_message *m, void *userdata, sd_bus_error *error) {
        static const struct journal_act act = { verify_call_slice, verify_progress, verify_answer };
        _cleanup_(journal_call_freep) struct journal_call *c = NULL;
        struct server *s = userdata;
        int r;

        r = journal_call_new(s, m, &act, &c);
        if (r >= 0)
                r = verify_begin(engine_journal(s->engine), &c->verify);
        return r < 0 ? r : journal_call_start(&c, NULL, error);
}

static int method_verify(sd_bus_message *m, void *userdata, sd_bus_error *error) {
        return authority_check(m, "org.tilld1.audit", verify, userdata, error);
}

/* ---- Export ---- */

static int export_call_slice(struct journal *j, struct journal_call *c) {
        return export_slice(j, c->export);
}

static void export_call_progress(const struct journal_call *c, uint64_t *ret_done, uint64_t *ret_total) {
        export_progress(c->export, ret_done, ret_total);
}

static int export_answer(struct journal_call *c, int r, sd_bus_error *error) {
        const char *path;

        if (r >= 0)
                r = export_finish(c->export, &path);
        if (r == -ENOSPC)
                return journal_call_refuse(error, REFUSAL_NOT_READY,
                                           "The disk has to keep room for payments, and nothing was kept: make room, "
                                           "or export to another disk with tillctl journal export FILE");
        if (r < 0)
                return r;
        return path ? sd_bus_reply_method_return(c->message, "s", path) : sd_bus_reply_method_return(c->message, NULL);
}

static int export(sd_bus_message *m, void *userdata, sd_bus_error *error) {
        static const struct journal_act act = { export_call_slice, export_call_progress, export_answer,
                                                .callers = true };
        _cleanup_(journal_call_freep) struct journal_call *c = NULL;
        struct server *s = userdata;
        int fd, r;

        r = sd_bus_message_read(m, "h", &fd);
        if (r >= 0)
                r = journal_call_new(s, m, &act, &c);
        if (r < 0)
                return r;
        r = export_to_pipe(engine_journal(s->engine), fd, &c->export);
        if (r == -EMEDIUMTYPE || r == -EBADF)
                return journal_call_refuse(error, REFUSAL_INVALID_DESCRIPTOR,
                                           "An export goes into the writing end of a pipe: read it at the other end, "
                                           "or call SaveExport for a file of tilld's own");
        return r < 0 ? r : journal_call_start(&c, export_get_stream(c->export), error);
}

static int method_export(sd_bus_message *m, void *userdata, sd_bus_error *error) {
        return authority_check(m, "org.tilld1.audit", export, userdata, error);
}

/* The folder beside the journal, which is the state directory. */
int journal_state_folder(struct server *s, const char *name, char **ret) {
        struct journal_summary summary;
        char *slash;
        int r;

        r = journal_summarize(engine_journal(s->engine), &summary);
        if (r < 0)
                return r;
        slash = strrchr(summary.path, '/');
        if (!slash)
                return -ENOENT;
        return asprintf(ret, "%.*s/%s", (int) (slash - summary.path), summary.path, name) < 0 ? -ENOMEM : 0;
}

static int save_export(sd_bus_message *m, void *userdata, sd_bus_error *error) {
        static const struct journal_act act = { export_call_slice, export_call_progress, export_answer };
        _cleanup_(journal_call_freep) struct journal_call *c = NULL;
        _cleanup_free_ char *folder = NULL;
        struct server *s = userdata;
        char name[32];
        int r;

        (void) snprintf(name, sizeof(name), "journal-%s", mode_to_string(s->settings->mode));
        r = journal_call_new(s, m, &act, &c);
        if (r >= 0)
                r = journal_state_folder(s, "export", &folder);
        if (r >= 0)
                r = export_to_folder(engine_journal(s->engine), folder, name, &c->export);
        return r < 0 ? r : journal_call_start(&c, NULL, error);
}

static int method_save_export(sd_bus_message *m, void *userdata, sd_bus_error *error) {
        return authority_check(m, "org.tilld1.audit", save_export, userdata, error);
}

/* ---- Purge ---- */

static int purge_call_slice(struct journal *j, struct journal_call *c) {
        return purge_slice(j, &c->purge);
}

static void purge_progress(const struct journal_call *c, uint64_t *ret_done, uint64_t *ret_total) {
        *ret_done = c->purge.transactions;
        *ret_total = 0;
}

static int purge_answer(struct journal_call *c, int r, sd_bus_error *error) {
        if (r == -EIO)
                engine_panic(r, "the journal cannot be written");
        if (r < 0)
                return r;
        return sd_bus_reply_method_return(c->message, "u", c->purge.transactions);
}

static int purge(sd_bus_message *m, void *userdata, sd_bus_error *error) {
        static const struct journal_act act = { purge_call_slice, purge_progress, purge_answer };
        _cleanup_(journal_call_freep) struct journal_call *c = NULL;
        struct server *s = userdata;
        int r;

        r = journal_call_new(s, m, &act, &c);
        if (r >= 0)
                r = purge_begin(engine_journal(s->engine), s->settings->retention_days, &c->purge);
        return r < 0 ? r : journal_call_start(&c, NULL, error);
}

static int method_purge(sd_bus_message *m, void *userdata, sd_bus_error *error) {
        return authority_check(m, "org.tilld1.purge", purge, userdata, error);
}

/* ---- Describe ---- */

static bool add_checkpoint(cJSON *o, const struct event_checkpoint *checkpoint) {
        cJSON *c = cJSON_AddObjectToObject(o, "LastCheckpoint");

        return c && json_add_number(c, "Number", checkpoint->number) && json_add_number(c, "Event", checkpoint->seq) &&
               json_add_number(c, "Time", checkpoint->time_usec);
}

static int describe(struct server *s, const struct journal_summary *j, cJSON *o) {
        const struct upkeep_verdict *verdict = upkeep_get_verdict(engine_upkeep(s->engine));
        bool added;

        added = cJSON_AddStringToObject(o, "Path", j->path) && json_add_number(o, "Schema", j->schema) &&
                json_add_number(o, "Size", j->size) && json_add_number(o, "LogSize", j->log_size) &&
                json_add_number(o, "FreeSpace", j->free_space) &&
                json_add_number(o, "Transactions", j->transactions) &&
                json_add_number(o, "FirstWhole", j->first_whole) &&
                json_add_number(o, "FirstWholeTime", j->first_whole_usec) &&
                json_add_number(o, "RetentionDays", s->settings->retention_days) &&
                json_add_number(o, "FirstEvent", j->first_event) && json_add_number(o, "LastEvent", j->events) &&
                add_checkpoint(o, &j->checkpoint) && json_add_number(o, "CheckedTime", j->checked_usec) &&
                cJSON_AddStringToObject(o, "Fault", verdict->text) &&
                json_add_number(o, "LostFrames", journal_lost_frames(engine_journal(s->engine)));
        return added ? 0 : -ENOMEM;
}

int report_add_journal(struct server *s, cJSON *o) {
        struct journal_summary summary;
        int r;

        r = journal_summarize(engine_journal(s->engine), &summary);
        return r < 0 ? r : describe(s, &summary, o);
}

static int method_describe(sd_bus_message *m, void *userdata, sd_bus_error *error) {
        _cleanup_(cJSON_Deletep) cJSON *o = cJSON_CreateObject();
        int r = o ? report_add_journal(userdata, o) : -ENOMEM;

        return r < 0 ? r : json_reply(m, o);
}

static const sd_bus_vtable vtable[] = {
        SD_BUS_VTABLE_START(0),
        SD_BUS_METHOD_WITH_ARGS("Verify", SD_BUS_NO_ARGS, SD_BUS_RESULT("b", good, "t", events, "s", text),
                                method_verify, SD_BUS_VTABLE_UNPRIVILEGED),
        SD_BUS_METHOD_WITH_ARGS("Export", SD_BUS_ARGS("h", output), SD_BUS_NO_RESULT, method_export,
                                SD_BUS_VTABLE_UNPRIVILEGED),
        SD_BUS_METHOD_WITH_ARGS("SaveExport", SD_BUS_NO_ARGS, SD_BUS_RESULT("s", path), method_save_export,
                                SD_BUS_VTABLE_UNPRIVILEGED),
        SD_BUS_METHOD_WITH_ARGS("Purge", SD_BUS_NO_ARGS, SD_BUS_RESULT("u", removed), method_purge,
                                SD_BUS_VTABLE_UNPRIVILEGED),
        SD_BUS_METHOD_WITH_ARGS("Reconcile", SD_BUS_ARGS("h", statement), SD_BUS_RESULT("s", json),
                                journal_call_reconcile, SD_BUS_VTABLE_UNPRIVILEGED),
        SD_BUS_METHOD_WITH_ARGS("ReconcileFile", SD_BUS_ARGS("s", path), SD_BUS_RESULT("s", json),
                                journal_call_reconcile_file, SD_BUS_VTABLE_UNPRIVILEGED),
        SD_BUS_METHOD_WITH_ARGS("Describe", SD_BUS_NO_ARGS, SD_BUS_RESULT("s", json), method_describe,
                                SD_BUS_VTABLE_UNPRIVILEGED),
        SD_BUS_SIGNAL_WITH_ARGS("Progress", SD_BUS_ARGS("s", act, "t", done, "t", total), 0),
        SD_BUS_VTABLE_END,
};

int journal_register(struct server *s) {
        return sd_bus_add_object_vtable(s->bus, NULL, SERVER_PATH, SERVER_JOURNAL, vtable, s);
}
