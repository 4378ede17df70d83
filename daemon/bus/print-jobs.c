// SPDX-License-Identifier: LGPL-2.1-or-later
/* org.tilld1.Receipts: jobs, from the queue to paper. */
#include <inttypes.h>

#include "base/log.h"
#include "bus/authority.h"
#include "bus/error.h"
#include "bus/receipts.h"
#include "bus/value.h"

#define LIST_MAX 1000

struct listing {
        struct server *server;
        sd_bus_message *reply;
};

static int append_job(const struct print_job *job, void *userdata) {
        _cleanup_free_ char *path = NULL;
        struct listing *l = userdata;
        int r;

        if (job->transaction > 0) {
                r = transaction_path(l->server, job->transaction, &path);
                if (r < 0)
                        return r;
        }
        r = sd_bus_message_append(l->reply, "(tossb)", (uint64_t) job->id, path ?: "/", job->what,
                                  print_state_to_string(job->state), (int) job->duplicate);
        return r < 0 ? r : 0;
}

int receipts_call_list_jobs(sd_bus_message *m, void *userdata, sd_bus_error *error) {
        _cleanup_(sd_bus_message_unrefp) sd_bus_message *reply = NULL;
        struct server *s = userdata;
        struct listing l = { .server = s };
        uint32_t limit;
        int r;

        r = sd_bus_message_read(m, "u", &limit);
        if (r < 0)
                return r;
        r = sd_bus_message_new_method_return(m, &reply);
        if (r < 0)
                return r;
        r = sd_bus_message_open_container(reply, 'a', "(tossb)");
        if (r < 0)
                return r;
        l.reply = reply;
        r = print_job_each_last(engine_journal(s->engine), MIN(limit, (uint32_t) LIST_MAX), append_job, &l);
        if (r < 0)
                return r;
        r = sd_bus_message_close_container(reply);
        if (r < 0)
                return r;
        return sd_bus_send(s->bus, reply, NULL);
}

#define ENTRIES 11

/* state: as it is told, which may be newer than the row. path is the transaction's. */
static void fill_entries(struct server *s, const struct print_job *job, enum print_state state, const char *path,
                         struct print_progress *progress, struct value_entry ret[static ENTRIES]) {
        printing_progress(engine_printing(s->engine), job, progress);
        memcpy(ret,
               (const struct value_entry[ENTRIES]){
                       { "Transaction", { .type = 'o', .s = path } },
                       { "What", VALUE_TEXT(job->what) },
                       { "State", VALUE_TEXT(print_state_to_string(state)) },
                       { "Duplicate", VALUE_NUMBER('b', job->duplicate) },
                       { "Original", VALUE_NUMBER('t', job->original) },
                       { "Reprint", VALUE_NUMBER('u', job->reprint) },
                       { "Operator", VALUE_TEXT(job->asker.operator_id) },
                       { "Created", VALUE_NUMBER('t', job->created_usec) },
                       { "Held", VALUE_TEXT(progress->held) },
                       { "Done", VALUE_NUMBER('t', progress->done) },
                       { "Size", VALUE_NUMBER('t', progress->size) },
               },
               ENTRIES * sizeof(*ret));
}

static int append_properties(struct server *s, sd_bus_message *m, const struct print_job *job,
                             enum print_state state) {
        struct value_entry entries[ENTRIES];
        _cleanup_free_ char *path = NULL;
        struct print_progress progress;
        int r;

        r = transaction_path_or_root(s, job->transaction, &path);
        if (r < 0)
                return r;
        fill_entries(s, job, state, path, &progress, entries);
        return value_append_dictionary(m, entries, ENTRIES);
}

int receipts_call_get_job(sd_bus_message *m, void *userdata, sd_bus_error *error) {
        _cleanup_(sd_bus_message_unrefp) sd_bus_message *reply = NULL;
        _cleanup_(print_job_done) struct print_job job = {};
        struct server *s = userdata;
        uint64_t id;
        int r;

        r = sd_bus_message_read(m, "t", &id);
        if (r < 0)
                return r;
        r = print_job_load(engine_journal(s->engine), (int64_t) MIN(id, (uint64_t) INT64_MAX), &job);
        if (r == -ENOENT)
                return sd_bus_error_setf(error, BUS_ERROR_NOT_FOUND,
                                         "There is no print job %" PRIu64 ": ListJobs has the newest", id);
        if (r >= 0)
                r = sd_bus_message_new_method_return(m, &reply);
        if (r >= 0)
                r = append_properties(s, reply, &job, job.state);
        return r < 0 ? r : sd_bus_send(s->bus, reply, NULL);
}

/* ---- All of it ---- */

#define DESCRIBED_MAX 20

struct description {
        struct server *server;
        cJSON *jobs;
};

static int describe_job(const struct print_job *job, void *userdata) {
        struct value_entry entries[ENTRIES];
        _cleanup_free_ char *path = NULL;
        struct description *d = userdata;
        struct print_progress progress;
        cJSON *o = cJSON_CreateObject();
        int r;

        if (!cJSON_AddItemToArray(d->jobs, o))
                return -ENOMEM;
        r = transaction_path_or_root(d->server, job->transaction, &path);
        if (r < 0)
                return r;
        fill_entries(d->server, job, job->state, path, &progress, entries);
        value_add_json(o, "Id", VALUE_NUMBER('t', job->id));
        for (size_t i = 0; i < ENTRIES; i++)
                value_add_json(o, entries[i].name, entries[i].value);
        return 0;
}

int receipts_call_describe(sd_bus_message *m, void *userdata, sd_bus_error *error) {
        _cleanup_(cJSON_Deletep) cJSON *json = cJSON_CreateObject();
        struct server *s = userdata;
        struct description d = { s };
        int pending, r;

        pending = printing_count(engine_printing(s->engine));
        if (pending < 0)
                return pending;
        if (!json_add_number(json, "Pending", pending))
                return -ENOMEM;
        d.jobs = cJSON_AddArrayToObject(json, "Jobs");
        r = print_job_each_last(engine_journal(s->engine), DESCRIBED_MAX, describe_job, &d);
        return r < 0 ? r : json_reply(m, json);
}

static int cancel(sd_bus_message *m, void *userdata, sd_bus_error *error) {
        struct server *s = userdata;
        struct print_asker asker;
        uint64_t id;
        int r;

        r = sd_bus_message_read(m, "t", &id);
        if (r >= 0)
                r = receipts_read_asker(s, m, &asker);
        if (r >= 0)
                r = printing_cancel(engine_printing(s->engine), (int64_t) MIN(id, (uint64_t) INT64_MAX), &asker);
        if (r == -ENOENT)
                return sd_bus_error_setf(error, BUS_ERROR_NOT_FOUND,
                                         "There is no print job %" PRIu64 ": ListJobs has the newest", id);
        if (r == -EALREADY)
                return sd_bus_error_setf(error, BUS_ERROR_TOO_LATE, "Print job %" PRIu64 " has ended: GetJob says how",
                                         id);
        return r < 0 ? r : sd_bus_reply_method_return(m, "");
}

int receipts_call_cancel(sd_bus_message *m, void *userdata, sd_bus_error *error) {
        return authority_check(m, "org.tilld1.print", cancel, userdata, error);
}

static int tell(struct server *s, int64_t id, enum print_state state) {
        _cleanup_(sd_bus_message_unrefp) sd_bus_message *m = NULL;
        _cleanup_(print_job_done) struct print_job job = {};
        int r;

        r = print_job_load(engine_journal(s->engine), id, &job);
        if (r >= 0)
                r = sd_bus_message_new_signal(s->bus, &m, SERVER_PATH, "org.tilld1.Receipts", "JobChanged");
        if (r >= 0)
                r = sd_bus_message_append(m, "t", (uint64_t) id);
        if (r >= 0)
                r = append_properties(s, m, &job, state);
        return r < 0 ? r : sd_bus_send(s->bus, m, NULL);
}

void receipts_job_changed(struct server *s, int64_t job, enum print_state state) {
        int r = 0;

        if (s->engine)
                r = tell(s, job, state);
        if (r < 0)
                log_warning_errno(r, "Nobody was told that print job %" PRIi64 " has changed", job);
}
