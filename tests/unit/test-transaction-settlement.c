// SPDX-License-Identifier: LGPL-2.1-or-later
/* The end of a batch, step by step: each one cut off, and taken up again by the next settlement. */
#include "test.h"

#include "journal/batch.h"
#include "told-fixture.h"
#include "bound-phone.h"
#include "transaction/resolution.h"

static int n_settlements;

static int try_start(const char *kind, int64_t amount, const char *currency, int64_t *ret_id,
                     struct refusal *ret_refusal) {
        char reference[32];
        struct engine_call call = {
                .kind = kind, .amount = amount, .currency = currency, .reference = reference, .order = ""
        };

        snprintf(reference, sizeof(reference), "S-%d", ++n_settlements);
        return engine_start_transaction(shop.engine, &call, ret_id, ret_refusal);
}

static int64_t start(void) {
        struct refusal refusal;
        int64_t id;

        acq.finished = 0;
        if (try_start("settlement", 0, "", &id, &refusal) < 0)
                fail_msg("%s", refusal.text);
        return id;
}

static struct transaction_record settle(void) {
        int64_t id = start();

        for (int i = 0; i < 100 && acq.finished == 0; i++)
                acq_run();
        assert_int_equal(acq.finished, 1);
        return acq_load(id);
}

static void assert_refused(const char *kind, int64_t amount, const char *currency, const char *word) {
        struct refusal refusal = {};
        int64_t id;

        assert_true(try_start(kind, amount, currency, &id, &refusal) < 0);
        assert_int_equal(refusal.code, REFUSAL_NOT_READY);
        if (!strstr(refusal.text, word))
                fail_msg("%s", refusal.text);
}

static struct batch_record load_batch(uint32_t number) {
        struct batch_record batch;

        assert_int_equal(batch_load(shop.journal, number, &batch), 0);
        return batch;
}

static uint32_t current(void) {
        uint32_t batch;

        assert_int_equal(counter_get_batch(shop.journal, &batch), 0);
        return batch;
}

static int is_event(const struct event_record *event, void *userdata) {
        return streq(event->kind, userdata);
}

/* What the acquirer says to the totals; it takes whatever is uploaded. */
static enum host_reconciliation verdict;

static void answer_totals(const struct told *q, enum host_outcome *outcome, struct host_answer *answer) {
        if (q->kind != HOST_SETTLEMENT)
                return;
        answer->has_totals = true;
        answer->totals = q->totals;
        answer->totals.domestic.reconciliation = answer->totals.foreign.reconciliation = verdict;
}

static int setup(void **state) {
        int r = acq_setup(state);

        acq.answer = answer_totals;
        verdict = HOST_BALANCED;
        return r;
}

static void balanced(void **state) {
        struct transaction_record settlement, sale = acq_add("sale", 1000);
        _cleanup_(print_job_done) struct print_job job = {};
        struct batch_record batch;

        (void) acq_add("sale", 250);
        (void) acq_add("void", 250);
        (void) acq_add("refund", 30);
        (void) acq_add("pre-authorization", 77);
        (void) acq_add("balance", 0);
        settlement = settle();
        assert_int_equal(settlement.result, RESULT_APPROVED);
        assert_string_equal(settlement.reason, "balanced");
        assert_int_equal(settlement.batch, sale.batch);

        assert_int_equal(acq.n_told, 1);
        acq_assert_told(0, HOST_SETTLEMENT, NULL);
        assert_int_equal(acq.told[0].stan, settlement.stan);
        assert_int_equal(acq.told[0].batch, 1);
        assert_int_equal(acq.told[0].currency, 156);
        assert_int_equal(acq.told[0].totals.domestic.debit.count, 2);
        assert_int_equal(acq.told[0].totals.domestic.debit.amount, 1250);
        assert_int_equal(acq.told[0].totals.domestic.credit.count, 2);
        assert_int_equal(acq.told[0].totals.domestic.credit.amount, 280);
        assert_int_equal(acq.told[0].totals.foreign.debit.count, 0);

        batch = load_batch(1);
        assert_int_equal(batch.state, BATCH_SETTLED);
        assert_int_equal(batch.reconciliation, BATCH_BALANCED);
        assert_int_equal(batch.settlement, settlement.id);
        assert_int_equal(batch.uploaded, 0);
        assert_int_equal(current(), 2);
        assert_int_equal(event_each(shop.journal, settlement.id, 0, 0, is_event, (void *) "batch-settled"), 1);
        assert_int_equal(print_job_find(shop.journal, settlement.id, "settlement", &job), 0);
        assert_non_null(memmem(job.content, job.content_size, "reconciliation=balanced", 23));
        assert_non_null(memmem(job.content, job.content_size, "sale 2 1250\\n", 13));
        assert_non_null(memmem(job.content, job.content_size, "debit 2 1250\\ncredit 2 280\\n", 28));
        /* The next one has nothing yet. */
        assert_refused("settlement", 0, "", "nothing to settle");
}

/* Its paper says them apart, as the acquirer compares them. */
static void foreign_cards(void **state) {
        static const char lines[] = "domestic-debit 1 1000\\ndomestic-credit 0 0\\nforeign-debit 1 250\\n"
                                    "foreign-credit 0 0\\ndebit 2 1250\\ncredit 0 0\\n";
        struct transaction_record settlement;
        _cleanup_(print_job_done) struct print_job job = {};

        (void) acq_add("sale", 1000);
        (void) acq_add_of("4761739001010010", "sale", 250);
        settlement = settle();
        assert_string_equal(settlement.reason, "balanced");
        assert_int_equal(acq.told[0].totals.foreign.debit.count, 1);
        assert_int_equal(print_job_find(shop.journal, settlement.id, "settlement", &job), 0);
        assert_non_null(memmem(job.content, job.content_size, lines, sizeof(lines) - 1));
}

/* All its messages bear whom its paper names. */
static void named_operator(void **state) {
        (void) acq_add("sale", 100);
        shop_log_on("07");
        verdict = HOST_UNEQUAL;
        assert_string_equal(settle().operator_id, "07");
        assert_int_equal(acq.n_told, 3);
        for (unsigned i = 0; i < acq.n_told; i++)
                assert_string_equal(acq.told[i].operator_id, "07");
}

static void uploaded(void **state) {
        struct transaction_record sales[11], chip, settlement;
        struct batch_record batch;

        for (int i = 0; i < 11; i++)
                sales[i] = acq_add(i == 3 ? "pre-authorization" : "sale", 100 + i);
        chip = acq_add_forward("sale", 7, true);
        verdict = HOST_UNEQUAL;
        settlement = settle();
        assert_int_equal(settlement.result, RESULT_APPROVED);
        assert_string_equal(settlement.reason, "uploaded");

        assert_int_equal(acq.n_told, 6);
        acq_assert_told(0, HOST_SALE, &chip);
        acq_assert_told(1, HOST_SETTLEMENT, NULL);
        acq_assert_told(2, HOST_BATCH_UPLOAD, NULL);
        acq_assert_told(3, HOST_BATCH_UPLOAD, NULL);
        acq_assert_told(4, HOST_CHIP_UPLOAD, NULL);
        acq_assert_told(5, HOST_BATCH_UPLOAD_END, NULL);
        assert_int_equal(acq.told[2].n_details, 8);
        assert_int_equal(acq.told[3].n_details, 2);
        assert_int_equal(acq.told[2].details[2].stan, sales[2].stan);
        /* A pre-authorization is on neither side. */
        assert_int_equal(acq.told[2].details[3].stan, sales[4].stan);
        assert_int_equal(acq.told[2].details[3].amount, 104);
        assert_string_equal(acq.told[2].details[3].pan, TOLD_PAN);
        assert_int_equal(acq.told[3].details[1].stan, sales[10].stan);
        assert_int_equal(acq.told[4].amount, 7);
        assert_int_equal(acq.told[4].original.stan, chip.stan);
        assert_int_equal(acq.told[4].original.batch, 1);
        assert_memory_equal(acq.told[4].icc, "chip", 4);
        assert_false(acq.told[4].balanced);
        assert_int_equal(acq.told[5].uploaded, 10);
        /* No two messages have one number. */
        for (unsigned i = 0; i < acq.n_told; i++)
                for (unsigned k = 0; k < i; k++)
                        assert_int_not_equal(acq.told[i].stan, acq.told[k].stan);

        batch = load_batch(1);
        assert_int_equal(batch.state, BATCH_SETTLED);
        assert_int_equal(batch.reconciliation, BATCH_UNEQUAL);
        assert_int_equal(batch.uploaded, 10);
        assert_int_equal(current(), 2);
}

/* Records of offline chip approvals go out in any case. */
static void balanced_with_chips(void **state) {
        (void) acq_add("sale", 100);
        (void) acq_add_forward("sale", 7, true);
        (void) acq_add_forward("sale", 8, true);
        assert_string_equal(settle().reason, "balanced");
        assert_int_equal(acq.n_told, 6);
        acq_assert_told(2, HOST_SETTLEMENT, NULL);
        assert_int_equal(acq.told[2].totals.domestic.debit.amount, 115);
        acq_assert_told(3, HOST_CHIP_UPLOAD, NULL);
        acq_assert_told(4, HOST_CHIP_UPLOAD, NULL);
        assert_true(acq.told[4].balanced);
        acq_assert_told(5, HOST_BATCH_UPLOAD_END, NULL);
        assert_int_equal(acq.told[5].uploaded, 0);
        assert_int_equal(current(), 2);
}

/* A stripe that its reader encrypted: a mask is all that is left of its number. */
static struct transaction_record add_masked(int64_t amount, bool chip) {
        struct transaction_record record = chip ? acq_add_forward("sale", amount, true) : acq_add("sale", amount);

        assert_int_equal(journal_begin(shop.journal, JOURNAL_DURABLE), 0);
        assert_int_equal(transaction_record_drop_pan(shop.journal, record.id), 0);
        assert_int_equal(journal_commit(shop.journal), 0);
        return record;
}

static int last_text(const struct event_record *event, void *userdata) {
        char *text = userdata;

        (void) snprintf(text, 128, "%s %s", event->kind, event->text);
        return 0;
}

static void assert_left_out(int64_t settlement, unsigned n) {
        _cleanup_(print_job_done) struct print_job job = {};
        char wanted[32], text[128] = "";

        assert_int_equal(event_each(shop.journal, settlement, 0, 0, last_text, text), 0);
        assert_true(startswith(text, "batch-settled "));
        snprintf(wanted, sizeof(wanted), "\"left-out\":%u}", n);
        assert_non_null(strstr(text, wanted));
        assert_int_equal(print_job_find(shop.journal, settlement, "settlement", &job), 0);
        snprintf(wanted, sizeof(wanted), "\nleft_out=%u\n", n);
        assert_true(!memmem(job.content, job.content_size, wanted, strlen(wanted)) == (n == 0));
}

static void number_that_is_not_known(void **state) {
        struct transaction_record settlement, masked;
        struct host_profile lenient = *shop.settings.profile;
        unsigned known = 0;

        for (unsigned without = 0; without < 2; without++) {
                acq_teardown(state);
                setup(state);
                lenient.detail_without_pan = without > 0;
                shop_close();
                shop.settings.profile = &lenient;
                acq_start();
                for (int i = 0; i < 3; i++)
                        (void) acq_add("sale", 100 + i);
                masked = add_masked(1000, false);
                (void) acq_add("sale", 103);
                (void) add_masked(2000, false);
                (void) add_masked(7, true);
                verdict = HOST_UNEQUAL;
                settlement = settle();
                assert_string_equal(settlement.reason, "uploaded");
                assert_int_equal(acq.n_told, 4);
                acq_assert_told(1, HOST_SETTLEMENT, NULL);
                assert_int_equal(acq.told[1].totals.domestic.debit.count, 7);
                acq_assert_told(2, HOST_BATCH_UPLOAD, NULL);
                acq_assert_told(3, HOST_BATCH_UPLOAD_END, NULL);
                /* Zeros are no digits of anybody's card. */
                known = 0;
                for (size_t i = 0; i < acq.told[2].n_details; i++)
                        if (streq(acq.told[2].details[i].pan, TOLD_PAN))
                                known++;
                        else
                                assert_string_equal(acq.told[2].details[i].pan, "");
                assert_int_equal(known, 4);
                assert_int_equal(acq.told[2].n_details, without ? 6 : 4);
                assert_int_equal(acq.told[2].details[3].stan == masked.stan, without);
                assert_int_equal(acq.told[3].uploaded, acq.told[2].n_details);
                assert_int_equal(load_batch(1).uploaded, acq.told[2].n_details);
                assert_left_out(settlement.id, without ? 1 : 3);
        }
}

/* None of it can be uploaded: the batch ends all the same. */
static void no_number_is_known(void **state) {
        struct transaction_record settlement;

        (void) add_masked(1000, false);
        verdict = HOST_UNEQUAL;
        settlement = settle();
        assert_string_equal(settlement.reason, "uploaded");
        assert_int_equal(acq.n_told, 2);
        acq_assert_told(1, HOST_BATCH_UPLOAD_END, NULL);
        assert_int_equal(acq.told[1].uploaded, 0);
        assert_left_out(settlement.id, 1);
        /* Where totals agree nothing is uploaded, and nothing left out. */
        (void) add_masked(1000, false);
        verdict = HOST_BALANCED;
        settlement = settle();
        assert_string_equal(settlement.reason, "balanced");
        assert_left_out(settlement.id, 0);
}

/* The request that is not to be answered, counted from 1, and how. */
static struct {
        unsigned at;
        enum host_outcome outcome;
        const char *code;
} cut;

static void answer_but_one(const struct told *q, enum host_outcome *outcome, struct host_answer *answer) {
        answer_totals(q, outcome, answer);
        if (acq.n_told != cut.at)
                return;
        *outcome = cut.outcome;
        if (cut.code)
                COPY(answer->code, cut.code);
}

static void add_all(void) {
        for (int i = 0; i < 9; i++)
                (void) acq_add("sale", 100 + i);
        (void) acq_add_forward("sale", 7, true);
        outbox_kick(shop.engine->outbox);
        acq_run();
        acq.n_told = 0;
        verdict = HOST_UNEQUAL;
}

/* What the acquirer has been told in the end, in whatever pieces. */
static void assert_all_told(const char *name, unsigned n_cut) {
        unsigned details = 0, chips = 0, ends = 0;
        int64_t amount = 0;

        for (unsigned i = 0; i < acq.n_told; i++) {
                if (i + 1 == n_cut)
                        continue;
                assert_int_equal(acq.told[i].batch, 1);
                details += (unsigned) acq.told[i].n_details;
                for (size_t k = 0; k < acq.told[i].n_details; k++)
                        amount += acq.told[i].details[k].amount;
                chips += acq.told[i].kind == HOST_CHIP_UPLOAD;
                ends += acq.told[i].kind == HOST_BATCH_UPLOAD_END;
                if (acq.told[i].kind == HOST_SETTLEMENT)
                        assert_int_equal(acq.told[i].totals.domestic.debit.amount, 943);
        }
        if (details != 9 || amount != 936 || chips != 1 || ends != 1)
                fail_msg("%s: %u details, %u chips, %u ends", name, details, chips, ends);
        assert_int_equal(load_batch(1).state, BATCH_SETTLED);
        assert_int_equal(load_batch(1).uploaded, 9);
        assert_int_equal(current(), 2);
}

/* 0500, 0320 of eight, of one, of the chip, the end: 5 messages. */
#define N_MESSAGES 5

static void each_message_unanswered(void **state) {
        for (unsigned at = 1; at <= N_MESSAGES; at++) {
                char name[32];

                if (at > 1) {
                        acq_teardown(state);
                        setup(state);
                }
                snprintf(name, sizeof(name), "message %u", at);
                add_all();
                acq.answer = answer_but_one;
                cut = (typeof(cut)){ at, HOST_NO_ANSWER, NULL };
                assert_string_equal(settle().reason, "settle-again");
                assert_int_not_equal(load_batch(1).state, BATCH_SETTLED);
                assert_int_equal(current(), 1);
                /* Nothing is sold into it meanwhile; what is about the terminal goes on. */
                assert_refused("sale", 100, "CNY", "being settled");
                assert_string_equal(settle().reason, "uploaded");
                assert_all_told(name, at);
        }
}

static void killed_at_each_message(void **state) {
        for (unsigned at = 1; at <= N_MESSAGES; at++) {
                char name[32];
                int64_t id;

                if (at > 1) {
                        acq_teardown(state);
                        setup(state);
                }
                snprintf(name, sizeof(name), "killed at message %u", at);
                add_all();
                id = start();
                for (int i = 0; i < 1000 && acq.n_told < at; i++)
                        assert_true(sd_event_run(shop.event, 1000) >= 0);
                assert_int_equal(acq.n_told, at);
                acq_kill();
                acq_start();
                assert_int_equal(acq_load(id).result, RESULT_FAILED);
                assert_string_equal(acq_load(id).reason, "interrupted");
                assert_int_equal(current(), 1);
                assert_refused("sale", 100, "CNY", "being settled");
                assert_string_equal(settle().reason, "uploaded");
                assert_all_told(name, at);
        }
}

static void each_message_refused(void **state) {
        for (unsigned at = 1; at <= N_MESSAGES; at++) {
                struct transaction_record settlement;

                if (at > 1) {
                        acq_teardown(state);
                        setup(state);
                }
                add_all();
                acq.answer = answer_but_one;
                cut = (typeof(cut)){ at, HOST_ANSWERED, "96" };
                settlement = settle();
                assert_int_equal(settlement.result, RESULT_DECLINED);
                assert_string_equal(settlement.reason, "settlement-refused");
                assert_string_equal(settlement.response_code, "96");
                assert_int_equal(current(), 1);
                assert_string_equal(settle().reason, "uploaded");
                assert_int_equal(current(), 2);
        }
}

/* The acquirer misses something: all of it comes again. */
static void refused_end(void **state) {
        add_all();
        acq.answer = answer_but_one;
        cut = (typeof(cut)){ N_MESSAGES, HOST_ANSWERED, "95" };
        assert_int_equal(settle().result, RESULT_DECLINED);
        assert_int_equal(load_batch(1).uploaded, 0);
        acq.n_told = 0;
        assert_string_equal(settle().reason, "uploaded");
        assert_int_equal(acq.n_told, 4);
        acq_assert_told(0, HOST_BATCH_UPLOAD, NULL);
        assert_int_equal(acq.told[3].uploaded, 9);
}

static void words_for_the_totals(void **state) {
        (void) acq_add("sale", 100);
        verdict = HOST_RECONCILIATION_FAILED;
        assert_string_equal(settle().reason, "not-reconciled");
        assert_int_equal(load_batch(1).state, BATCH_FROZEN);
        /* Without totals of its own. */
        acq.answer = answer_but_one;
        verdict = HOST_BALANCED;
        cut = (typeof(cut)){ 2, HOST_ANSWERED, "95" };
        assert_string_equal(settle().reason, "uploaded");
}

static void chip_that_came_before(void **state) {
        add_all();
        acq.answer = answer_but_one;
        cut = (typeof(cut)){ 4, HOST_ANSWERED, "79" };
        assert_string_equal(settle().reason, "uploaded");
        assert_int_equal(current(), 2);
}

/* What waits is told first. */
static void not_all_told(void **state) {
        struct transaction_record reversal = acq_add_reversal(50), forward;

        (void) acq_add("sale", 100);
        acq.down = 1;
        assert_string_equal(settle().reason, "not-all-told");
        assert_int_equal(load_batch(1).state, BATCH_OPEN);
        assert_int_equal(acq_load(reversal.id).reversal, REVERSAL_PENDING);
        forward = acq_add_forward("tip", 3, false);
        acq.n_told = 0;
        assert_string_equal(settle().reason, "balanced");
        assert_int_equal(acq.n_told, 3);
        acq_assert_told(0, HOST_REVERSAL, &reversal);
        acq_assert_told(1, HOST_TIP, &forward);
        acq_assert_told(2, HOST_SETTLEMENT, NULL);
}

static void answer_reversals_with_05(const struct told *q, enum host_outcome *outcome, struct host_answer *answer) {
        answer_totals(q, outcome, answer);
        if (q->kind == HOST_REVERSAL)
                strcpy(answer->code, "05");
}

/* Nobody knows what the acquirer has booked: that is cleared up first. */
static void unknown(void **state) {
        struct transaction_record record = acq_add_reversal(50);

        (void) acq_add("sale", 100);
        acq.answer = answer_reversals_with_05;
        assert_string_equal(settle().reason, "unresolved");
        assert_int_equal(load_batch(1).state, BATCH_OPEN);
        assert_int_equal(acq_load(record.id).reversal, REVERSAL_REJECTED);
        assert_refused("settlement", 0, "", "resolve");
        record = acq_load(record.id);
        record.reversal = REVERSAL_RESOLVED;
        assert_int_equal(journal_begin(shop.journal, JOURNAL_DURABLE), 0);
        assert_int_equal(transaction_record_update(shop.journal, &record), 0);
        assert_int_equal(journal_commit(shop.journal), 0);
        assert_string_equal(settle().reason, "balanced");
}

static void answer_forwards_with_51(const struct told *q, enum host_outcome *outcome, struct host_answer *answer) {
        answer_totals(q, outcome, answer);
        if (q->kind == HOST_SALE)
                strcpy(answer->code, "51");
}

/* It is not in the totals, and the merchant reads of it. */
static void rejected_forward(void **state) {
        struct transaction_record settlement, forward = acq_add_forward("sale", 700, true);
        _cleanup_(print_job_done) struct print_job job = {};
        char line[64];

        (void) acq_add("sale", 100);
        acq.answer = answer_forwards_with_51;
        settlement = settle();
        assert_string_equal(settlement.reason, "balanced");
        assert_int_equal(acq.n_told, 2);
        assert_int_equal(acq.told[1].totals.domestic.debit.amount, 100);
        assert_int_equal(print_job_find(shop.journal, settlement.id, "settlement", &job), 0);
        snprintf(line, sizeof(line), "rejected=sale %06u 700\\n", forward.voucher);
        assert_non_null(memmem(job.content, job.content_size, line, strlen(line)));
}

/* ---- Where the acquirer keeps refusing ---- */

static enum refusal_code agree(int64_t id, const char *outcome) {
        const struct resolution resolution = { .outcome = outcome,
                                               .note = "acquirer, Ms Li: 9.43 booked",
                                               .resolver = "02" };
        struct refusal refusal = {};

        (void) resolution_record(shop.engine, id, &resolution, &refusal);
        assert_true((refusal.code == REFUSAL_NONE) == !*refusal.text);
        return refusal.code;
}

static void assert_agreed(int64_t id, const char *text) {
        _cleanup_(print_job_done) struct print_job job = {};
        struct batch_record batch = load_batch(1);
        struct refusal refusal;

        assert_int_equal(batch.state, BATCH_SETTLED);
        assert_int_equal(batch.reconciliation, BATCH_BY_AGREEMENT);
        assert_int_equal(batch.settlement, id);
        assert_true(batch.settled_usec > 0);
        assert_int_equal(current(), 2);
        assert_int_equal(event_each(shop.journal, id, 0, 0, is_event, (void *) "resolved"), 1);
        assert_int_equal(event_each(shop.journal, id, 0, 0, is_event, (void *) "batch-settled"), 1);
        assert_string_equal(acq_load(id).reason, "by-agreement");
        assert_string_not_equal(acq_load(id).message, "");
        assert_int_equal(print_job_find(shop.journal, id, "settlement", &job), 0);
        assert_non_null(memmem(job.content, job.content_size, "reconciliation=by-agreement\n", 28));
        assert_non_null(memmem(job.content, job.content_size, "note=acquirer, Ms Li: 9.43 booked\n", 34));
        assert_non_null(memmem(job.content, job.content_size, "approver=02\n", 12));
        assert_non_null(memmem(job.content, job.content_size, text, strlen(text)));
        /* It is sold again, and what was agreed is not agreed twice. */
        assert_true(try_start("sale", 100, "CNY", &id, &refusal) < 0);
        assert_int_equal(refusal.code, REFUSAL_UNAVAILABLE_DEVICE);
        assert_int_equal(agree(batch.settlement, "settled"), REFUSAL_NOT_ASKED);
        assert_refused("settlement", 0, "", "nothing to settle");
}

static const char *refusing;

static void refuse_it(const struct told *q, enum host_outcome *outcome, struct host_answer *answer) {
        answer_totals(q, outcome, answer);
        if (acq.n_told >= cut.at)
                COPY(answer->code, refusing);
}

/* At each message; a restart between answer and agreement changes nothing. */
static void ended_by_agreement(void **state) {
        for (unsigned at = 1; at <= N_MESSAGES; at++)
                for (unsigned restart = 0; restart < 2; restart++) {
                        struct transaction_record first, settlement;

                        acq_teardown(state);
                        setup(state);
                        add_all();
                        acq.answer = refuse_it;
                        cut.at = at;
                        refusing = "97";
                        first = settle();
                        assert_string_equal(first.reason, "settlement-refused");
                        acq.signed_on = true;
                        settlement = settle();
                        assert_int_equal(settlement.result, RESULT_DECLINED);
                        if (restart) {
                                acq_kill();
                                acq_start();
                        }
                        assert_int_equal(agree(first.id, "settled"), REFUSAL_NOT_ASKED);
                        assert_int_equal(agree(settlement.id, "approved"), REFUSAL_NOT_ASKED);
                        assert_int_equal(agree(settlement.id, "declined"), REFUSAL_NOT_ASKED);
                        assert_int_equal(current(), 1);
                        assert_int_equal(agree(settlement.id, "settled"), REFUSAL_NONE);
                        assert_agreed(settlement.id, "debit 10 943");
                        assert_int_equal(acq_load(settlement.id).result, RESULT_DECLINED);
                        assert_string_equal(acq_load(settlement.id).response_code, "97");
                }
}

/* What came in, what went back, and that the sums agree; once, whatever it took. */
static void people_are_told(void **state) {
        struct notice_record notice;
        struct batch_record batch;
        char text[128];

        bound_phone_bind(shop.journal);
        (void) acq_add("sale", 10000);
        (void) acq_add("sale", 2500);
        (void) acq_add("refund", 300);
        (void) acq_add("pre-authorization", 700000);
        assert_int_equal(batch_load_current(shop.journal, &batch), 0);
        verdict = HOST_RECONCILIATION_FAILED;
        assert_string_equal(settle().reason, "not-reconciled");
        assert_int_equal(bound_phone_notices(shop.journal, &notice), 0);
        verdict = HOST_UNEQUAL;
        (void) settle();
        assert_int_equal(bound_phone_notices(shop.journal, &notice), 1);
        assert_string_equal(notice.event, "settlement");
        snprintf(text, sizeof(text), "批次%06u已结算：共4笔，净额122.00元，对账不平，请核对。", batch.number);
        if (!strstr(notice.text, text))
                fail_msg("\"%s\" is not in \"%s\"", text, notice.text);
}

static void agreed_without_a_comparison(void **state) {
        struct transaction_record settlement, chip;
        uint8_t icc[BATCH_CHIP_MAX];
        size_t size;

        (void) acq_add("sale", 100);
        chip = acq_add_forward("sale", 7, true);
        verdict = HOST_RECONCILIATION_FAILED;
        settlement = settle();
        assert_string_equal(settlement.reason, "not-reconciled");
        assert_int_equal(agree(settlement.id, "settled"), REFUSAL_NONE);
        assert_agreed(settlement.id, "sale 2 107");
        /* The acquirer never had it. */
        assert_int_equal(batch_load_chip(shop.journal, chip.id, icc, &size), 0);
}

/* Nobody knows what the acquirer has settled: the next settlement asks it. */
static void no_agreement_without_an_answer(void **state) {
        struct transaction_record first, second;
        int64_t id;

        (void) acq_add("sale", 943);
        acq.answer = answer_but_one;
        cut = (typeof(cut)){ 1, HOST_NO_ANSWER, NULL };
        assert_int_equal(agree(settle().id, "settled"), REFUSAL_NOT_ASKED);
        /* "Not now", "out of order" and keys that do not fit say nothing of that one. */
        for (unsigned i = 0; i < 3; i++) {
                cut = (typeof(cut)){ i + 2, HOST_ANSWERED, (const char *[]){ "91", "96", "A0" }[i] };
                acq.signed_on = true;
                first = settle();
                assert_string_equal(first.reason, "settlement-refused");
                assert_int_equal(agree(first.id, "settled"), REFUSAL_NOT_ASKED);
        }
        acq.signed_on = true;
        cut = (typeof(cut)){ 5, HOST_ANSWERED, "12" };
        first = settle();
        assert_string_equal(first.reason, "settlement-refused");
        /* It was refused, and then nobody knows. */
        acq.down = 1;
        second = settle();
        assert_string_equal(second.reason, "settle-again");
        assert_int_equal(agree(first.id, "settled"), REFUSAL_NOT_ASKED);
        assert_int_equal(agree(second.id, "settled"), REFUSAL_NOT_ASKED);
        /* Not while one asks, nor when it was cut off. */
        acq.hold = true;
        id = start();
        acq_run();
        assert_int_equal(agree(first.id, "settled"), REFUSAL_NOT_ASKED);
        assert_int_equal(agree(id, "settled"), REFUSAL_BUSY);
        acq_kill();
        acq_start();
        acq.hold = false;
        assert_int_equal(agree(first.id, "settled"), REFUSAL_NOT_ASKED);
        assert_int_equal(agree(id, "settled"), REFUSAL_NOT_ASKED);
        assert_int_equal(load_batch(1).state, BATCH_FROZEN);
        assert_int_equal(current(), 1);
        assert_string_equal(settle().reason, "balanced");
}

static void only_a_frozen_batch_is_agreed_on(void **state) {
        struct transaction_record settlement;

        (void) acq_add("sale", 100);
        settlement = settle();
        assert_string_equal(settlement.reason, "balanced");
        assert_int_equal(agree(settlement.id, "settled"), REFUSAL_NOT_ASKED);
        assert_int_equal(load_batch(1).reconciliation, BATCH_BALANCED);
        assert_int_equal(current(), 2);
}

/* A sign-on does not change the number of a batch that is not empty: nothing goes round. */
static void other_batch_number(void **state) {
        struct transaction_record settlement;

        (void) acq_add("sale", 943);
        acq.answer = refuse_it;
        cut.at = 1;
        refusing = "77";
        settlement = settle();
        assert_int_equal(settlement.result, RESULT_DECLINED);
        assert_string_equal(settlement.reason, "batch-differs");
        assert_non_null(strstr(settlement.message, "keeps its own"));
        assert_int_equal(acq.n_told, 1);
        assert_int_equal(acq.n_sign_ons, 0);
        settlement = settle();
        assert_string_equal(settlement.reason, "batch-differs");
        assert_int_equal(acq.n_told, 2);
        assert_int_equal(acq.n_sign_ons, 1);
        assert_int_equal(agree(settlement.id, "settled"), REFUSAL_NONE);
        assert_agreed(settlement.id, "debit 1 943");
}

static void what_may_start(void **state) {
        struct refusal refusal;
        int64_t id;

        assert_refused("settlement", 0, "", "nothing to settle");
        (void) acq_add("sale", 100);
        assert_refused("sale", 100, "USD", "is in CNY");
        /* A row is missing a reader only. */
        assert_true(try_start("sale", 100, "CNY", &id, &refusal) < 0);
        assert_int_equal(refusal.code, REFUSAL_UNAVAILABLE_DEVICE);

        acq.down = 1;
        assert_string_equal(settle().reason, "settle-again");
        assert_int_equal(load_batch(1).state, BATCH_FROZEN);
        assert_int_equal(try_start("echo", 0, "", &id, &refusal), 0);
        acq_run();
        assert_int_equal(acq_load(id).result, RESULT_APPROVED);
        acq.no_sign_on = "no";
        acq.signed_on = false;
        assert_string_equal(settle().reason, "settle-again");
        acq.no_sign_on = NULL;
        assert_string_equal(settle().reason, "balanced");
}

static void full_batch(void **state) {
        for (int i = 0; i < 999; i++)
                (void) acq_add("sale", 1);
        assert_refused("sale", 100, "CNY", "full");
        assert_string_equal(settle().reason, "balanced");
        assert_int_equal(acq.told[0].totals.domestic.debit.count, 999);
}

static void largest_sum(void **state) {
        (void) acq_add("sale", INT64_C(999999999999) - 50);
        assert_refused("sale", 100, "CNY", "full");
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test_setup_teardown(balanced, setup, acq_teardown),
                cmocka_unit_test_setup_teardown(foreign_cards, setup, acq_teardown),
                cmocka_unit_test_setup_teardown(named_operator, setup, acq_teardown),
                cmocka_unit_test_setup_teardown(uploaded, setup, acq_teardown),
                cmocka_unit_test_setup_teardown(number_that_is_not_known, setup, acq_teardown),
                cmocka_unit_test_setup_teardown(no_number_is_known, setup, acq_teardown),
                cmocka_unit_test_setup_teardown(balanced_with_chips, setup, acq_teardown),
                cmocka_unit_test_setup_teardown(each_message_unanswered, setup, acq_teardown),
                cmocka_unit_test_setup_teardown(killed_at_each_message, setup, acq_teardown),
                cmocka_unit_test_setup_teardown(each_message_refused, setup, acq_teardown),
                cmocka_unit_test_setup_teardown(refused_end, setup, acq_teardown),
                cmocka_unit_test_setup_teardown(words_for_the_totals, setup, acq_teardown),
                cmocka_unit_test_setup_teardown(chip_that_came_before, setup, acq_teardown),
                cmocka_unit_test_setup_teardown(not_all_told, setup, acq_teardown),
                cmocka_unit_test_setup_teardown(unknown, setup, acq_teardown),
                cmocka_unit_test_setup_teardown(rejected_forward, setup, acq_teardown),
                cmocka_unit_test_setup_teardown(ended_by_agreement, setup, acq_teardown),
                cmocka_unit_test_setup_teardown(agreed_without_a_comparison, setup, acq_teardown),
                cmocka_unit_test_setup_teardown(people_are_told, setup, acq_teardown),
                cmocka_unit_test_setup_teardown(no_agreement_without_an_answer, setup, acq_teardown),
                cmocka_unit_test_setup_teardown(only_a_frozen_batch_is_agreed_on, setup, acq_teardown),
                cmocka_unit_test_setup_teardown(other_batch_number, setup, acq_teardown),
                cmocka_unit_test_setup_teardown(what_may_start, setup, acq_teardown),
                cmocka_unit_test_setup_teardown(full_batch, setup, acq_teardown),
                cmocka_unit_test_setup_teardown(largest_sum, setup, acq_teardown),
        };

        return cmocka_run_group_tests_name("transaction-settlement", tests, NULL, NULL);
}
