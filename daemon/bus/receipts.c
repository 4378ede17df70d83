// SPDX-License-Identifier: LGPL-2.1-or-later
/* org.tilld1.Receipts: papers, printed and printed again. */
#include "base/log.h"
#include "bus/authority.h"
#include "bus/error.h"
#include "bus/options.h"
#include "bus/server.h"

#define INTERFACE "org.tilld1.Receipts"

#define LIST_MAX 1000

/* Which paper of which transaction is meant. */
struct choice {
        int64_t transaction;
        enum slip_paper paper;
};

static int choose_copy(const char *copy, enum slip_paper *ret, struct refusal *refusal) {
        if (!*copy)
                return 0;
        if (streq(copy, "cardholder"))
                *ret = SLIP_CARDHOLDER_COPY;
        else if (streq(copy, "merchant"))
                *ret = SLIP_MERCHANT_COPY;
        else
                return refusal_set(refusal, REFUSAL_UNKNOWN_OPTION,
                                   "The option \"copy\" is \"cardholder\" or \"merchant\", not \"%.32s\"", copy);
        return 0;
}

static int choose_transaction(struct server *s, const char *reference, int64_t *ret, struct refusal *refusal) {
        int r;

        if (!*reference) {
                r = printing_last(engine_printing(s->engine), ret);
                return r == -ENOENT ? refusal_set(refusal, REFUSAL_NOT_FOUND, "Nothing was printed here yet") : r;
        }
        r = engine_find(s->engine, reference, &s->looked);
        if (r == -ENOENT)
                return refusal_set(refusal, REFUSAL_NOT_FOUND, "No transaction has the reference \"%.64s\"",
                                   reference);
        if (r < 0)
                return r;
        *ret = s->looked.record.id;
        return 0;
}

/* The one paper that a transaction has in any case. */
static enum slip_paper usual_paper(const struct settings *settings, const struct transaction_record *record) {
        if (streq(record->kind, "settlement"))
                return SLIP_SETTLEMENT;
        if (record->result != RESULT_APPROVED)
                return SLIP_NOT_COMPLETED;
        return settings->cardholder_copy ? SLIP_CARDHOLDER_COPY : SLIP_MERCHANT_COPY;
}

static int choose_paper(struct server *s, struct choice *c, bool copy_given) {
        int r;

        if (copy_given)
                return 0;
        r = engine_view(s->engine, c->transaction, &s->looked);
        if (r < 0)
                return r;
        c->paper = usual_paper(s->settings, &s->looked.record);
        return 0;
}

static int read_choice(struct server *s, sd_bus_message *m, struct choice *ret, struct refusal *refusal) {
        const char *reference = "", *copy = "";
        const struct bus_option options[] = {
                { "reference", 's', &reference },
                { "copy", 's', &copy },
                {},
        };
        int r;

        r = options_read(m, options, refusal);
        if (r < 0)
                return r;
        r = choose_copy(copy, &ret->paper, refusal);
        if (r < 0)
                return r;
        r = choose_transaction(s, reference, &ret->transaction, refusal);
        if (r < 0)
                return r;
        return choose_paper(s, ret, *copy);
}

static int no_paper(const struct server *s, const struct choice *c, sd_bus_error *error) {
        return sd_bus_error_setf(error, BUS_ERROR_NOT_FOUND, "Transaction %" PRIi64 " has no %s", c->transaction,
                                 slip_paper_to_string(c->paper));
}

static int reprint(sd_bus_message *m, void *userdata, sd_bus_error *error) {
        struct server *s = userdata;
        struct refusal refusal;
        struct choice c = {};
        int64_t job;
        int r;

        r = read_choice(s, m, &c, &refusal);
        if (r < 0)
                return refusal.code ? bus_error_set_refusal(error, &refusal) : r;
        r = printing_reprint(engine_printing(s->engine), c.transaction, c.paper, &job);
        if (r == -ENOENT)
                return no_paper(s, &c, error);
        if (r < 0)
                return r;
        return sd_bus_reply_method_return(m, "t", (uint64_t) job);
}

static int method_reprint(sd_bus_message *m, void *userdata, sd_bus_error *error) {
        return authority_check(m, "org.tilld1.reprint", reprint, userdata, error);
}

static int method_get_text(sd_bus_message *m, void *userdata, sd_bus_error *error) {
        _cleanup_free_ char *text = NULL;
        struct server *s = userdata;
        struct refusal refusal;
        struct choice c = {};
        int r;

        r = read_choice(s, m, &c, &refusal);
        if (r < 0)
                return refusal.code ? bus_error_set_refusal(error, &refusal) : r;
        r = printing_text(engine_printing(s->engine), c.transaction, c.paper, &text);
        if (r == -ENOENT)
                return no_paper(s, &c, error);
        if (r < 0)
                return r;
        return sd_bus_reply_method_return(m, "s", text);
}

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

static int method_list_jobs(sd_bus_message *m, void *userdata, sd_bus_error *error) {
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

static const sd_bus_vtable vtable[] = {
        SD_BUS_VTABLE_START(0),
        SD_BUS_METHOD_WITH_ARGS("Reprint", SD_BUS_ARGS("a{sv}", options), SD_BUS_RESULT("t", job), method_reprint,
                                SD_BUS_VTABLE_UNPRIVILEGED),
        SD_BUS_METHOD_WITH_ARGS("GetText", SD_BUS_ARGS("a{sv}", options), SD_BUS_RESULT("s", text), method_get_text,
                                SD_BUS_VTABLE_UNPRIVILEGED),
        SD_BUS_METHOD_WITH_ARGS("ListJobs", SD_BUS_ARGS("u", limit), SD_BUS_RESULT("a(tossb)", jobs), method_list_jobs,
                                SD_BUS_VTABLE_UNPRIVILEGED),
        SD_BUS_SIGNAL_WITH_ARGS("JobChanged", SD_BUS_ARGS("t", job, "s", state), 0),
        SD_BUS_VTABLE_END,
};

int receipts_register(struct server *s) {
        return sd_bus_add_object_vtable(s->bus, NULL, SERVER_PATH, INTERFACE, vtable, s);
}

void receipts_job_changed(struct server *s, int64_t job, enum print_state state) {
        if (!s->engine)
                return;
        (void) sd_bus_emit_signal(s->bus, SERVER_PATH, INTERFACE, "JobChanged", "ts", (uint64_t) job,
                                  print_state_to_string(state));
}
