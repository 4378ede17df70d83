// SPDX-License-Identifier: LGPL-2.1-or-later
#include "transaction/reconcile.h"

#include "journal/batch.h"
#include "transaction/kind.h"
#include "transaction/upkeep.h"

#define A_SLICE 100
#define READ_SIZE (16 << 10)
#define LISTED_MAX 1000

static const struct {
        const char *word, *next_step;
} differences[_DIFFERENCE_MAX] = {
        [DIFFERENCE_NONE] = { "none", "" },
        [DIFFERENCE_ONLY_THERE] = { "only-there",
                                    N_("Ask the acquirer to take it back: the terminal never approved it.") },
        [DIFFERENCE_ONLY_HERE] = { "only-here", N_("Ask the acquirer to book it: the customer has its receipt.") },
        [DIFFERENCE_AMOUNT] = { "other-amount", N_("Ask the acquirer to correct it: the receipt says what is here.") },
        [DIFFERENCE_KIND] = { "other-kind", N_("Ask the acquirer to correct it: the receipt says what is here.") },
        [DIFFERENCE_RRN] = { "other-rrn", N_("Compare the card and the time: it may be another transaction.") },
        [DIFFERENCE_REVERSED_HERE] = { "reversed-here",
                                       N_("Ask the acquirer to take it back: the terminal has reversed it.") },
        [DIFFERENCE_NOT_APPROVED] = { "not-approved-here", N_("Ask the acquirer to take it back: the customer was "
                                                              "told that nothing was paid.") },
        [DIFFERENCE_UNCONFIRMED] = { "unconfirmed-here",
                                     N_("Resolve the transaction as approved: the acquirer has booked it.") },
        [DIFFERENCE_TWICE_THERE] = { "twice-there", N_("Ask the acquirer to take one of them back.") },
        [DIFFERENCE_REJECTED] = { "rejected-here", N_("Resolve the transaction as settled: the acquirer has booked it "
                                                      "after all. Claim nothing from the cardholder.") },
        [DIFFERENCE_NOT_TOLD] = { "not-told-yet", N_("Forward it with Flush, then compare again.") },
};

const char *difference_to_string(enum difference difference) {
        return differences[difference].word;
}

const char *difference_next_step(enum difference difference) {
        return differences[difference].next_step;
}

/* ---- One ---- */

enum difference reconcile_line(const struct statement_line *line, const struct transaction_record *record) {
        if (!record)
                return DIFFERENCE_ONLY_THERE;
        if (!isempty(line->rrn) && !isempty(record->rrn) && !streq(line->rrn, record->rrn))
                return DIFFERENCE_RRN;
        if (host_kind_from_name(line->kind) != kind_as_told(record))
                return DIFFERENCE_KIND;
        if (line->amount != record->amount || !streq(line->currency, record->currency))
                return DIFFERENCE_AMOUNT;
        /* Whoever resolved it has agreed on what is booked. */
        if (record->reversal == REVERSAL_RESOLVED || record->forwarding == FORWARDING_RESOLVED)
                return DIFFERENCE_NONE;
        if (record->reversal == REVERSAL_PENDING)
                return DIFFERENCE_NOT_TOLD;
        if (record->reversal != REVERSAL_NONE)
                return DIFFERENCE_REVERSED_HERE;
        if (record->forwarding == FORWARDING_REJECTED)
                return DIFFERENCE_REJECTED;
        if (record->result == RESULT_UNCONFIRMED)
                return DIFFERENCE_UNCONFIRMED;
        return record->result == RESULT_APPROVED ? DIFFERENCE_NONE : DIFFERENCE_NOT_APPROVED;
}

/* What is there as well was looked at with its line. */
enum difference reconcile_row(const struct transaction_record *record, const struct statement_line *line) {
        if (line || record->result != RESULT_APPROVED || record->reversal != REVERSAL_NONE ||
            statement_sign(record->kind) == 0)
                return DIFFERENCE_NONE;
        if (record->forwarding == FORWARDING_PENDING)
                return DIFFERENCE_NOT_TOLD;
        /* A supervisor or the acquirer has said already that it is not booked. */
        return record->forwarding == FORWARDING_REJECTED || record->forwarding == FORWARDING_RESOLVED
                       ? DIFFERENCE_NONE
                       : DIFFERENCE_ONLY_HERE;
}

/* ---- All ---- */

struct reconcile {
        struct stream stream;
        size_t size; /* that was read of it */
        bool at_end;
        struct statement_parser *parser;
        struct statement *statement; /* NULL until it is read */
        size_t line;                 /* the next one */
        size_t batch;                /* then: the line whose batch's rows are walked */
        int64_t row;                 /* of that batch, up to this one */
        unsigned same, more;
        cJSON *found, *batches;
};

struct reconcile *reconcile_free(struct reconcile *x) {
        if (!x)
                return NULL;
        stream_close(&x->stream);
        statement_parser_free(x->parser);
        statement_free(x->statement);
        cJSON_Delete(x->found);
        cJSON_Delete(x->batches);
        free(x);
        return NULL;
}

int reconcile_new(struct stream *stream, const char *terminal, struct reconcile **ret) {
        _cleanup_(reconcile_freep) struct reconcile *x = calloc(1, sizeof(*x));
        int r;

        if (!x) {
                stream_close(stream);
                return -ENOMEM;
        }
        x->stream = *stream;
        *stream = STREAM_NONE;
        x->found = cJSON_CreateArray();
        x->batches = cJSON_CreateArray();
        if (!x->found || !x->batches)
                return -ENOMEM;
        r = statement_parser_new(terminal, &x->parser);
        if (r < 0)
                return r;
        *ret = TAKE_PTR(x);
        return 0;
}

static int read_on(struct reconcile *x) {
        char text[READ_SIZE];
        ssize_t n;
        int r;

        if (x->at_end) {
                r = statement_parser_finish(x->parser, &x->statement);
                return r < 0 ? r : 1;
        }
        n = stream_read(&x->stream, text, sizeof(text));
        if (n < 0)
                return n == -EAGAIN ? UPKEEP_WAIT : (int) n;
        x->at_end = n == 0;
        x->size += (size_t) n;
        if (x->size > STATEMENT_MAX)
                return -EFBIG;
        r = statement_parser_feed(x->parser, text, (size_t) n);
        return r < 0 ? r : 1;
}

static bool add_there(cJSON *o, const struct statement_line *line) {
        cJSON *there = cJSON_AddObjectToObject(o, "There");

        return there && cJSON_AddStringToObject(there, "Kind", line->kind) &&
               cJSON_AddNumberToObject(there, "Amount", (double) line->amount) &&
               cJSON_AddStringToObject(there, "Currency", line->currency);
}

static bool add_here(cJSON *o, const struct transaction_record *record) {
        cJSON *here = cJSON_AddObjectToObject(o, "Here");

        return here && cJSON_AddNumberToObject(here, "Id", (double) record->id) &&
               cJSON_AddStringToObject(here, "Reference", record->reference) &&
               cJSON_AddStringToObject(here, "Kind", record->kind) &&
               cJSON_AddNumberToObject(here, "Amount", (double) record->amount) &&
               cJSON_AddStringToObject(here, "Currency", record->currency) &&
               cJSON_AddStringToObject(here, "Result", transaction_result_to_string(record->result)) &&
               cJSON_AddStringToObject(here, "Reversal", reversal_state_to_string(record->reversal));
}

static int list(struct reconcile *x, enum difference what, const struct statement_line *line,
                const struct transaction_record *record) {
        cJSON *o;

        if (cJSON_GetArraySize(x->found) >= LISTED_MAX) {
                x->more++;
                return 0;
        }
        o = cJSON_CreateObject();
        if (!o || !cJSON_AddItemToArray(x->found, o)) {
                cJSON_Delete(o);
                return -ENOMEM;
        }
        if (!cJSON_AddStringToObject(o, "What", difference_to_string(what)) ||
            (line && !cJSON_AddNumberToObject(o, "Line", line->number)) ||
            !cJSON_AddNumberToObject(o, "Batch", line ? line->batch : record->batch) ||
            !cJSON_AddNumberToObject(o, "Stan", line ? line->stan : record->stan) ||
            !cJSON_AddStringToObject(o, "Rrn", line ? line->rrn : record->rrn) || (line && !add_there(o, line)) ||
            (record && !add_here(o, record)) || !cJSON_AddStringToObject(o, "Next", difference_next_step(what)))
                return -ENOMEM;
        return 0;
}

/* Whether a line before it has the same batch and STAN. */
static bool is_repeated(const struct reconcile *x, const struct statement_line *line) {
        return line > x->statement->lines && line[-1].batch == line->batch && line[-1].stan == line->stan;
}

static int look_at_line(struct reconcile *x, struct journal *j, const struct statement_line *line) {
        struct transaction_record record;
        enum difference what;
        int r;

        r = transaction_record_find_stan(j, line->batch, line->stan, &record);
        if (r < 0 && r != -ENOENT)
                return r;
        what = is_repeated(x, line) ? DIFFERENCE_TWICE_THERE : reconcile_line(line, r == 0 ? &record : NULL);
        if (what == DIFFERENCE_NONE) {
                x->same++;
                return 0;
        }
        return list(x, what, line, r == 0 ? &record : NULL);
}

static int look_at_row(const struct transaction_record *record, void *userdata) {
        struct reconcile *x = userdata;
        enum difference what = reconcile_row(record, statement_find(x->statement, record->batch, record->stan));

        x->row = record->id;
        return what == DIFFERENCE_NONE ? 0 : list(x, what, NULL, record);
}

static int look_at_batch(struct reconcile *x, struct journal *j) {
        const struct statement *s = x->statement;
        uint32_t number = s->lines[x->batch].batch;
        int64_t before = x->row;
        int r;

        r = batch_each_row(j, number, BATCH_ALL, x->row, A_SLICE, look_at_row, x);
        if (r < 0)
                return r;
        if (x->row > before)
                return 1;
        if (cJSON_GetArraySize(x->batches) < LISTED_MAX &&
            !cJSON_AddItemToArray(x->batches, cJSON_CreateNumber(number)))
                return -ENOMEM;
        x->row = 0;
        while (x->batch < s->n_lines && s->lines[x->batch].batch == number)
                x->batch++;
        return 1;
}

int reconcile_slice(struct journal *j, void *userdata) {
        struct reconcile *x = userdata;
        const struct statement *s = x->statement;
        int r;

        if (!s)
                return read_on(x);
        for (unsigned i = 0; i < A_SLICE && x->line < s->n_lines; i++) {
                r = look_at_line(x, j, s->lines + x->line++);
                if (r < 0)
                        return r;
        }
        if (x->line < s->n_lines)
                return 1;
        return x->batch < s->n_lines ? look_at_batch(x, j) : 0;
}

const struct stream *reconcile_get_stream(const struct reconcile *x) {
        return &x->stream;
}

const char *reconcile_fault(const struct reconcile *x, unsigned *ret_line) {
        return statement_parser_fault(x->parser, ret_line);
}

void reconcile_progress(const struct reconcile *x, uint64_t *ret_done, uint64_t *ret_total) {
        *ret_done = x->statement ? x->line + x->batch : x->size;
        *ret_total = x->statement ? 2 * x->statement->n_lines : 0;
}

cJSON *reconcile_result(const struct reconcile *x) {
        cJSON *o = cJSON_CreateObject();

        if (o && cJSON_AddNumberToObject(o, "Lines", (double) (x->statement->n_lines + x->statement->n_others)) &&
            cJSON_AddNumberToObject(o, "OtherTerminals", (double) x->statement->n_others) &&
            cJSON_AddNumberToObject(o, "Same", x->same) &&
            cJSON_AddItemToObject(o, "Batches", cJSON_Duplicate(x->batches, true)) &&
            cJSON_AddItemToObject(o, "Differences", cJSON_Duplicate(x->found, true)) &&
            cJSON_AddNumberToObject(o, "More", x->more))
                return o;
        cJSON_Delete(o);
        return NULL;
}
