// SPDX-License-Identifier: LGPL-2.1-or-later
/* org.tilld1.Receipts: papers that are none of a transaction's end, texts of the checkout's own, the drawer. */
#include <inttypes.h>

#include "bus/authority.h"
#include "bus/error.h"
#include "bus/options.h"
#include "bus/receipts.h"
#include "care/diagnostics-slip.h"
#include "receipt/note.h"
#include "transaction/kind.h"

/* ---- Print ---- */

/* What the transaction says itself: its own paper where it has none, as a declined one. */
static int fill_of_transaction(struct server *s, const char *reference, enum slip_paper paper, struct slip *slip,
                               int64_t *ret_transaction, struct refusal *refusal) {
        const struct transaction_record *record = &s->looked.record;
        _cleanup_(print_job_done) struct print_job old = {};
        bool copy = paper == SLIP_MERCHANT_COPY || paper == SLIP_CARDHOLDER_COPY;
        int r;

        if (!*reference)
                return refusal_set(refusal, REFUSAL_INVALID_REFERENCE,
                                   "The option \"reference\" says of which transaction the %s is wanted: give it",
                                   slip_paper_to_string(paper));
        r = receipts_find(s, reference, refusal);
        if (r < 0)
                return r;
        if (!kind_is_payment(kind_find(record->kind)))
                return refusal_set(refusal, REFUSAL_NOT_READY,
                                   "That transaction has no paper \"%s\": it is a %s, which is no payment",
                                   slip_paper_to_string(paper), record->kind);
        if (record->state != TRANSACTION_DONE || (copy && record->result != RESULT_APPROVED) ||
            (paper == SLIP_DECLINED && record->result != RESULT_DECLINED))
                return refusal_set(refusal, REFUSAL_NOT_READY,
                                   "That transaction has no paper \"%s\": it is %s, with result \"%s\"",
                                   slip_paper_to_string(paper), transaction_state_to_string(record->state),
                                   transaction_result_to_string(record->result));
        r = print_job_find(engine_journal(s->engine), record->id, slip_paper_to_string(paper), &old);
        if (r >= 0)
                return refusal_set(refusal, REFUSAL_TOO_LATE,
                                   "That paper exists, as job %" PRIi64 ": Reprint prints it again, with its mark",
                                   old.id);
        if (r != -ENOENT)
                return r;
        *ret_transaction = record->id;
        return paper_fill_transaction(s->engine, record, paper, slip);
}

/* Nobody thinks that a paper is about a transaction, or of a batch, that it does not look at. */
static int check_print_options(const char *paper, bool by_reference, bool by_batch, struct refusal *refusal) {
        enum slip_paper which = slip_paper_from_string(paper);
        bool of_terminal = which == SLIP_TEST_PAGE || which == SLIP_DIAGNOSTICS || which == SLIP_TRANSACTION_LIST;

        if (by_reference && of_terminal)
                return refusal_set(refusal, REFUSAL_UNKNOWN_OPTION,
                                   "The option \"reference\" is none of a %s: leave it out", paper);
        if (by_batch && which != SLIP_TRANSACTION_LIST)
                return refusal_set(refusal, REFUSAL_UNKNOWN_OPTION,
                                   "The option \"batch\" is that of a transaction-list: leave it out");
        return 0;
}

static int fill(struct server *s, const char *paper, const char *reference, uint32_t batch, struct slip *slip,
                int64_t *ret_transaction, struct refusal *refusal) {
        int r;

        switch (slip_paper_from_string(paper)) {
        case SLIP_TEST_PAGE:
                paper_fill_terminal(s->engine, SLIP_TEST_PAGE, slip);
                return 0;
        case SLIP_DIAGNOSTICS:
                return diagnostics_slip_fill(s->engine, slip);
        case SLIP_TRANSACTION_LIST:
                r = paper_fill_list(s->engine, batch, slip);
                return r == -ENOENT
                               ? refusal_set(refusal, REFUSAL_NOT_FOUND, "Nothing is known of batch %06" PRIu32, batch)
                               : r;
        case SLIP_MERCHANT_COPY:
        case SLIP_CARDHOLDER_COPY:
        case SLIP_DECLINED:
                return fill_of_transaction(s, reference, slip_paper_from_string(paper), slip, ret_transaction,
                                           refusal);
        default:
                return refusal_set(refusal, REFUSAL_UNKNOWN_OPTION,
                                   "The option \"paper\" is test-page, diagnostics, transaction-list, merchant-copy, "
                                   "cardholder-copy or declined, not \"%.32s\"",
                                   paper);
        }
}

static int print(sd_bus_message *m, void *userdata, sd_bus_error *error) {
        _cleanup_(slip_done) struct slip slip;
        const char *paper = "", *reference = "";
        struct server *s = userdata;
        struct refusal refusal = {};
        bool by_reference = false, by_batch = false;
        struct print_asker asker;
        int64_t transaction = 0, job;
        uint32_t batch = 0;
        const struct bus_option options[] = {
                { "paper", 's', &paper },
                { "reference", 's', &reference, &by_reference },
                { "batch", 'u', &batch, &by_batch },
                {},
        };
        int r;

        slip_init(&slip);
        r = options_read(m, options, &refusal);
        if (r >= 0)
                r = check_print_options(paper, by_reference, by_batch, &refusal);
        if (r >= 0)
                r = fill(s, paper, reference, batch, &slip, &transaction, &refusal);
        if (r >= 0)
                r = receipts_read_order(s, m, &asker, &refusal);
        if (r >= 0)
                r = print_order_slip(s->engine, transaction, &slip, &asker, &job);
        if (r < 0)
                return receipts_refuse(r, &refusal, error);
        return sd_bus_reply_method_return(m, "t", (uint64_t) job);
}

int receipts_call_print(sd_bus_message *m, void *userdata, sd_bus_error *error) {
        return authority_check(m, "org.tilld1.print", print, userdata, error);
}

/* ---- PrintText ---- */

static int text_size(const char *word, unsigned *ret, struct refusal *refusal) {
        if (note_size_from_string(word, ret) >= 0)
                return 0;
        return refusal_set(refusal, REFUSAL_UNKNOWN_OPTION,
                           "The option \"size\" is \"small\", \"normal\" or \"large\", not \"%.32s\"", word);
}

static int print_text(sd_bus_message *m, void *userdata, sd_bus_error *error) {
        const char *text, *word = "normal", *reason = NULL;
        struct server *s = userdata;
        struct refusal refusal = {};
        const struct bus_option options[] = { { "size", 's', &word }, {} };
        struct print_asker asker;
        unsigned size = 0;
        int64_t job;
        int r;

        r = sd_bus_message_read(m, "s", &text);
        if (r >= 0)
                r = options_read(m, options, &refusal);
        if (r >= 0)
                r = text_size(word, &size, &refusal);
        if (r >= 0)
                r = receipts_read_order(s, m, &asker, &refusal);
        if (r >= 0)
                r = print_order_text(s->engine, text, size, &asker, &job, &reason);
        if (reason)
                r = refusal_set(&refusal, REFUSAL_INVALID_NOTE, "The text cannot be printed: %s", reason);
        if (r < 0)
                return receipts_refuse(r, &refusal, error);
        return sd_bus_reply_method_return(m, "t", (uint64_t) job);
}

int receipts_call_print_text(sd_bus_message *m, void *userdata, sd_bus_error *error) {
        return authority_check(m, "org.tilld1.print", print_text, userdata, error);
}

/* ---- OpenDrawer ---- */

struct drawer_call {
        struct server *server;
        sd_bus_message *message;
};

static struct drawer_call *drawer_call_free(struct drawer_call *c) {
        if (c)
                sd_bus_message_unref(c->message);
        free(c);
        return NULL;
}
DEFINE_CLEANUP(struct drawer_call *, drawer_call_free);

static void drawer_opened(int error, const char *reason, void *userdata) {
        _cleanup_(drawer_call_freep) struct drawer_call *c = userdata;

        if (c->server->statistics)
                statistics_drawer_pulsed(c->server->statistics, error);
        if (error < 0)
                (void) sd_bus_reply_method_errorf(
                        c->message, BUS_ERROR_NOT_READY,
                        "The drawer was not opened, or nobody knows: %s. Look at it, and call "
                        "again if it is closed",
                        reason);
        else
                (void) sd_bus_reply_method_return(c->message, "");
}

static int open_drawer(sd_bus_message *m, void *userdata, sd_bus_error *error) {
        _cleanup_(drawer_call_freep) struct drawer_call *call = calloc(1, sizeof(*call));
        const struct bus_option options[] = { {} };
        struct server *s = userdata;
        struct refusal refusal = {};
        struct print_asker asker;
        int r;

        if (!call)
                return -ENOMEM;
        *call = (struct drawer_call){ .server = s, .message = sd_bus_message_ref(m) };
        r = options_read(m, options, &refusal);
        if (r >= 0)
                r = receipts_read_asker(s, m, &asker);
        if (r < 0)
                return receipts_refuse(r, &refusal, error);
        r = printing_open_drawer(engine_printing(s->engine), &asker, drawer_opened, call, &refusal);
        if (r < 0)
                return receipts_refuse(r, &refusal, error);
        call = NULL;
        return 1;
}

int receipts_call_open_drawer(sd_bus_message *m, void *userdata, sd_bus_error *error) {
        return authority_check(m, "org.tilld1.drawer", open_drawer, userdata, error);
}
