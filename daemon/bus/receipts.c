// SPDX-License-Identifier: LGPL-2.1-or-later
/* org.tilld1.Receipts: papers, printed and printed again. */
#include "bus/receipts.h"

#include <inttypes.h>

#include "base/log.h"
#include "bus/authority.h"
#include "bus/error.h"
#include "bus/options.h"

#define INTERFACE "org.tilld1.Receipts"

/* ---- Which paper ---- */

/* What a caller names it by. An empty reference or a 0 is not the last paper, which may be another customer's. */
struct choice {
        const char *reference, *copy; /* NULL unless given */
        uint64_t job;
        uint32_t settlement;
        bool by_job, by_settlement;
};

static int check_choice(const struct choice *c, struct refusal *refusal) {
        if (c->by_job + c->by_settlement + !!c->reference > 1)
                return refusal_set(refusal, REFUSAL_UNKNOWN_OPTION,
                                   "\"job\", \"reference\" and \"settlement\" each say which paper: give one of them");
        if (c->copy && (c->by_job || c->by_settlement))
                return refusal_set(refusal, REFUSAL_UNKNOWN_OPTION,
                                   "The option \"copy\" goes with a reference: a job and a settlement have one paper");
        if (c->copy && !streq(c->copy, "cardholder") && !streq(c->copy, "merchant"))
                return refusal_set(refusal, REFUSAL_UNKNOWN_OPTION,
                                   "The option \"copy\" is \"cardholder\" or \"merchant\", not \"%.32s\"", c->copy);
        return 0;
}

int receipts_find(struct server *s, const char *reference, struct refusal *refusal) {
        int r;

        r = engine_find(s->engine, reference, &s->looked);
        if (r == -ENOENT)
                return refusal_set(refusal, REFUSAL_NOT_FOUND, "No transaction has the reference \"%.64s\"",
                                   reference);
        return r;
}

static int choose_transaction(struct server *s, const char *reference, int64_t *ret, struct refusal *refusal) {
        int r;

        if (!reference) {
                r = print_job_last_transaction(engine_journal(s->engine), ret);
                return r == -ENOENT ? refusal_set(refusal, REFUSAL_NOT_FOUND, "Nothing was printed here yet") : r;
        }
        r = receipts_find(s, reference, refusal);
        if (r < 0)
                return r;
        *ret = s->looked.record.id;
        return 0;
}

static int choose_settlement(struct server *s, uint32_t number, int64_t *ret, struct refusal *refusal) {
        struct batch_record batch;
        int r;

        r = batch_load(engine_journal(s->engine), number, &batch);
        if (r < 0 && r != -ENOENT)
                return r;
        if (r == -ENOENT || batch.settlement == 0)
                return refusal_set(refusal, REFUSAL_NOT_FOUND, "Batch %06" PRIu32 " has no settlement", number);
        *ret = batch.settlement;
        return 0;
}

static int find_paper(struct server *s, int64_t transaction, enum slip_paper paper, struct print_job *ret,
                      struct refusal *refusal) {
        int r;

        r = print_job_find(engine_journal(s->engine), transaction, slip_paper_to_string(paper), ret);
        if (r == -ENOENT)
                return refusal_set(refusal, REFUSAL_NOT_FOUND,
                                   "Transaction %" PRIi64 " has no %s: see ListJobs; Print prints one that is missing",
                                   transaction, slip_paper_to_string(paper));
        return r;
}

/* The cardholder's copy where there is one, else the newest paper. */
static int find_usual_paper(struct server *s, int64_t transaction, struct print_job *ret, struct refusal *refusal) {
        struct journal *j = engine_journal(s->engine);
        int r;

        r = print_job_find(j, transaction, slip_paper_to_string(SLIP_CARDHOLDER_COPY), ret);
        if (r == -ENOENT)
                r = print_job_find(j, transaction, NULL, ret);
        if (r == -ENOENT)
                return refusal_set(refusal, REFUSAL_NOT_FOUND,
                                   "Transaction %" PRIi64 " has no paper: there is none before its end, and none of "
                                   "what moves no money",
                                   transaction);
        return r;
}

static int find_job(struct server *s, uint64_t id, struct print_job *ret, struct refusal *refusal) {
        int r;

        r = print_job_load(engine_journal(s->engine), (int64_t) MIN(id, (uint64_t) INT64_MAX), ret);
        if (r == -ENOENT)
                return refusal_set(refusal, REFUSAL_NOT_FOUND,
                                   "There is no print job %" PRIu64 ": ListJobs has the newest", id);
        return r;
}

static int find_chosen(struct server *s, const struct choice *c, struct print_job *ret, struct refusal *refusal) {
        int64_t transaction;
        int r;

        if (c->by_job)
                return find_job(s, c->job, ret, refusal);
        r = c->by_settlement ? choose_settlement(s, c->settlement, &transaction, refusal)
                             : choose_transaction(s, c->reference, &transaction, refusal);
        if (r < 0)
                return r;
        if (c->by_settlement)
                return find_paper(s, transaction, SLIP_SETTLEMENT, ret, refusal);
        if (!c->copy)
                return find_usual_paper(s, transaction, ret, refusal);
        return find_paper(s, transaction, streq(c->copy, "merchant") ? SLIP_MERCHANT_COPY : SLIP_CARDHOLDER_COPY, ret,
                          refusal);
}

int receipts_choose(struct server *s, sd_bus_message *m, const char **ret_face, struct print_job *ret,
                    struct refusal *refusal) {
        const char *face = "text";
        struct choice c = {};
        const struct bus_option options[] = {
                { "reference", 's', &c.reference, NULL },
                { "copy", 's', &c.copy, NULL },
                { "job", 't', &c.job, &c.by_job },
                { "settlement", 'u', &c.settlement, &c.by_settlement },
                { ret_face ? "face" : NULL, 's', &face, NULL },
                {},
        };
        int r;

        r = options_read(m, options, refusal);
        if (r >= 0)
                r = check_choice(&c, refusal);
        if (r < 0)
                return r;
        if (ret_face)
                *ret_face = face;
        return find_chosen(s, &c, ret, refusal);
}

int receipts_refuse(int error, const struct refusal *refusal, sd_bus_error *ret) {
        return refusal->code ? bus_error_set_refusal(ret, refusal) : error;
}

int receipts_read_asker(struct server *s, sd_bus_message *m, struct print_asker *ret) {
        struct operator_record who = {};
        uid_t uid;
        int r;

        r = authority_sender_uid(m, &uid);
        if (r < 0)
                return r;
        r = operators_get_logged_on(engine_operators(s->engine), &who);
        if (r < 0 && r != -ENOENT)
                return r;
        *ret = (struct print_asker){ .uid = uid };
        COPY(ret->operator_id, r < 0 ? "" : who.number);
        return 0;
}

int receipts_read_order(struct server *s, sd_bus_message *m, struct print_asker *ret, struct refusal *refusal) {
        int n = printing_count(engine_printing(s->engine));

        if (n < 0)
                return n;
        if (n >= RECEIPTS_OPEN_MAX)
                return refusal_set(refusal, REFUSAL_BUSY,
                                   "%d papers wait for the printer: see what holds it, or cancel some, and call again",
                                   n);
        return receipts_read_asker(s, m, ret);
}

/* ---- Again, and as text ---- */

static int reprint(sd_bus_message *m, void *userdata, sd_bus_error *error) {
        _cleanup_(print_job_done) struct print_job old = {};
        struct server *s = userdata;
        struct print_asker asker;
        struct refusal refusal = {};
        int64_t job;
        int r;

        r = receipts_choose(s, m, NULL, &old, &refusal);
        if (r >= 0)
                r = receipts_read_order(s, m, &asker, &refusal);
        if (r >= 0)
                r = print_order_reprint(s->engine, &old, &asker, &job);
        if (r < 0)
                return receipts_refuse(r, &refusal, error);
        return sd_bus_reply_method_return(m, "t", (uint64_t) job);
}

static int method_reprint(sd_bus_message *m, void *userdata, sd_bus_error *error) {
        return authority_check(m, "org.tilld1.reprint", reprint, userdata, error);
}

static int method_get_text(sd_bus_message *m, void *userdata, sd_bus_error *error) {
        _cleanup_(print_job_done) struct print_job job = {};
        _cleanup_(page_freep) struct page *page = NULL;
        _cleanup_free_ char *text = NULL;
        struct server *s = userdata;
        struct refusal refusal = {};
        int r;

        r = receipts_choose(s, m, NULL, &job, &refusal);
        if (r >= 0)
                r = printing_lay_out(engine_printing(s->engine), &job, false, &page);
        if (r >= 0)
                r = page_to_text(page, &text);
        if (r < 0)
                return receipts_refuse(r, &refusal, error);
        return sd_bus_reply_method_return(m, "s", text);
}

static const sd_bus_vtable vtable[] = {
        SD_BUS_VTABLE_START(0),
        SD_BUS_METHOD_WITH_ARGS("Print", SD_BUS_ARGS("a{sv}", options), SD_BUS_RESULT("t", job), receipts_call_print,
                                SD_BUS_VTABLE_UNPRIVILEGED),
        SD_BUS_METHOD_WITH_ARGS("Reprint", SD_BUS_ARGS("a{sv}", options), SD_BUS_RESULT("t", job), method_reprint,
                                SD_BUS_VTABLE_UNPRIVILEGED),
        SD_BUS_METHOD_WITH_ARGS("PrintText", SD_BUS_ARGS("s", text, "a{sv}", options), SD_BUS_RESULT("t", job),
                                receipts_call_print_text, SD_BUS_VTABLE_UNPRIVILEGED),
        SD_BUS_METHOD_WITH_ARGS("OpenDrawer", SD_BUS_ARGS("a{sv}", options), SD_BUS_NO_RESULT,
                                receipts_call_open_drawer, SD_BUS_VTABLE_UNPRIVILEGED),
        SD_BUS_METHOD_WITH_ARGS("Get", SD_BUS_ARGS("a{sv}", options), SD_BUS_RESULT("h", paper), receipts_call_get,
                                SD_BUS_VTABLE_UNPRIVILEGED),
        SD_BUS_METHOD_WITH_ARGS("Save", SD_BUS_ARGS("a{sv}", options), SD_BUS_RESULT("s", path), receipts_call_save,
                                SD_BUS_VTABLE_UNPRIVILEGED),
        SD_BUS_METHOD_WITH_ARGS("GetText", SD_BUS_ARGS("a{sv}", options), SD_BUS_RESULT("s", text), method_get_text,
                                SD_BUS_VTABLE_UNPRIVILEGED),
        SD_BUS_METHOD_WITH_ARGS("ListJobs", SD_BUS_ARGS("u", limit), SD_BUS_RESULT("a(tossb)", jobs),
                                receipts_call_list_jobs, SD_BUS_VTABLE_UNPRIVILEGED),
        SD_BUS_METHOD_WITH_ARGS("GetJob", SD_BUS_ARGS("t", job), SD_BUS_RESULT("a{sv}", properties),
                                receipts_call_get_job, SD_BUS_VTABLE_UNPRIVILEGED),
        SD_BUS_METHOD_WITH_ARGS("Cancel", SD_BUS_ARGS("t", job), SD_BUS_NO_RESULT, receipts_call_cancel,
                                SD_BUS_VTABLE_UNPRIVILEGED),
        SD_BUS_METHOD_WITH_ARGS("Describe", SD_BUS_NO_ARGS, SD_BUS_RESULT("s", json), receipts_call_describe,
                                SD_BUS_VTABLE_UNPRIVILEGED),
        SD_BUS_SIGNAL_WITH_ARGS("JobChanged", SD_BUS_ARGS("t", job, "a{sv}", properties), 0),
        SD_BUS_VTABLE_END,
};

int receipts_register(struct server *s) {
        return sd_bus_add_object_vtable(s->bus, NULL, SERVER_PATH, INTERFACE, vtable, s);
}
