// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * What the acquirer is asked and told about the merchant's phone; and what it was told reaches it again when that does
 * not stand: however often it takes, and through the death of the terminal anywhere in between.
 */
#include "test.h"

#include "journal/fault.h"
#include "journal/internal.h"
#include "told-fixture.h"

#define OLD "+8613800138000"
#define NEW "+8613800138001"

static const struct host_binding change = {
        .kind = HOST_BINDING_CHANGE, .number = 7, .serial = "TILL-0001", .phone = NEW, .old_phone = OLD
};

/* ---- The acquirer, with a phone on record ---- */

static struct {
        char phone[PHONE_SIZE];
        bool withdrawn; /* number 7 */
        enum host_outcome outcomes[8];
        const char *codes[8]; /* "": its own */
        unsigned n, at;
        bool lost_request; /* an outcome other than an answer is that of a request that never arrived */
} record;

static const char *judge(const struct told *q) {
        if (q->kind == HOST_BINDING_WITHDRAW) {
                record.withdrawn = true;
                COPY(record.phone, OLD);
                return "00";
        }
        if (q->kind != HOST_BINDING_CONFIRM)
                return "00";
        if (record.withdrawn)
                return "12";
        COPY(record.phone, q->binding.phone);
        return "00";
}

static void answer_in_turn(const struct told *q, enum host_outcome *outcome, struct host_answer *answer) {
        unsigned i = record.at++;
        bool scripted = i < record.n;

        if (scripted)
                *outcome = record.outcomes[i];
        if (*outcome == HOST_NOT_SENT || (*outcome != HOST_ANSWERED && record.lost_request))
                return;
        COPY(answer->code, scripted && *record.codes[i] ? record.codes[i] : judge(q));
}

#define SCRIPT(...)                                                                                                   \
        do {                                                                                                          \
                record.n = record.at = 0;                                                                             \
                record = (typeof(record)){ .phone = OLD, __VA_ARGS__ };                                               \
        } while (0)

static int set_up(void **state) {
        int r = acq_setup(state);

        SCRIPT(.n = 0);
        acq.answer = answer_in_turn;
        return r;
}

/* ---- The change of a phone, which the room above leads ---- */

static int start(const char *kind, const struct host_binding *b, int64_t *ret_id, struct refusal *ret) {
        static unsigned n;
        char reference[32];
        struct engine_call call = {
                .kind = kind, .currency = "", .reference = reference, .order = "", .binding = b, .internal = true
        };

        snprintf(reference, sizeof(reference), "REBIND-%u", ++n);
        return engine_start_transaction(shop.engine, &call, ret_id, ret);
}

static int64_t begin(const char *kind) {
        struct refusal refusal = {};
        int64_t id = 0;

        if (start(kind, &change, &id, &refusal) < 0)
                fail_msg("%s", refusal.text);
        return id;
}

static struct transaction_record run(const char *kind) {
        int64_t id = begin(kind);

        for (int i = 0; i < 100 && engine_current(shop.engine) > 0; i++)
                assert_true(sd_event_run(shop.event, 10000) >= 0);
        return acq_load(id);
}

static void assert_result(const struct transaction_record *t, enum transaction_result result, const char *reason,
                          const char *code) {
        assert_int_equal(t->state, TRANSACTION_DONE);
        assert_int_equal(t->result, result);
        assert_string_equal(t->reason, reason);
        assert_string_equal(t->response_code, code);
        assert_int_equal(t->print, PRINT_NONE);
        assert_int_equal(t->reversal, REVERSAL_NONE);
}

static int arm(int64_t id) {
        int armed;

        assert_int_equal(journal_begin(shop.journal, JOURNAL_DURABLE), 0);
        armed = withdrawals_arm(shop.journal, id);
        assert_true(armed >= 0);
        assert_int_equal(journal_commit(shop.journal), 0);
        outbox_kick(shop.engine->outbox);
        return armed;
}

static int forget(int64_t id) {
        int r;

        assert_int_equal(journal_begin(shop.journal, JOURNAL_DURABLE), 0);
        r = withdrawals_forget(shop.journal, id);
        assert_int_equal(journal_commit(shop.journal), 0);
        return r;
}

static bool is_kept(int64_t id) {
        _cleanup_(request_record_done) struct request_record withdrawal = {};
        int r = request_record_load(shop.journal, REQUEST_WITHDRAWAL, id, &withdrawal);

        assert_true(r == 0 || r == -ENOENT);
        return r == 0;
}

static unsigned waiting(void) {
        outbox_kick(shop.engine->outbox);
        return outbox_count(shop.engine->outbox, REQUEST_WITHDRAWAL);
}

/* As often as an attempt may fail, without the back-off in between. */
static void run_hurried(void) {
        for (int i = 0; i < 6; i++) {
                outbox_hurry(shop.engine->outbox);
                acq_run();
        }
}

static void restart(void) {
        acq_kill();
        acq.hold = false;
        acq_start();
}

static int count_events(const struct event_record *event, void *userdata) {
        return streq(event->kind, userdata);
}

static void assert_event(int64_t id, const char *event) {
        assert_int_equal(event_each(shop.journal, id, 0, 0, count_events, (void *) event), 1);
}

/* ---- Asking and telling ---- */

static void steps_of_a_change(void **state) {
        struct transaction_record check, confirm;

        acq.signed_on = false;
        check = run("binding-check");
        assert_result(&check, RESULT_APPROVED, "", "00");
        /* What bears a MAC needs keys first. */
        assert_int_equal(acq.n_sign_ons, 1);
        assert_int_equal(acq.told[0].kind, HOST_BINDING_CHECK);
        assert_memory_equal(&acq.told[0].binding, &change, sizeof(change));
        assert_false(is_kept(check.id));
        assert_int_equal(arm(check.id), 0);

        confirm = run("binding-confirm");
        assert_result(&confirm, RESULT_APPROVED, "", "00");
        assert_int_equal(acq.told[1].kind, HOST_BINDING_CONFIRM);
        assert_int_equal(acq.told[1].stan, confirm.stan);
        assert_string_equal(record.phone, NEW);
        /* Nothing takes it back by itself. */
        run_hurried();
        assert_int_equal(acq.n_told, 2);
        assert_int_equal(waiting(), 0);
        assert_true(is_kept(confirm.id));
        assert_int_equal(forget(confirm.id), 0);
        assert_false(is_kept(confirm.id));
        assert_int_equal(forget(confirm.id), -ENOENT);
        restart();
        acq_run();
        assert_int_equal(acq.n_told, 2);
        assert_string_equal(record.phone, NEW);
}

static void answers_to_a_check(void **state) {
        struct transaction_record t;

        SCRIPT(.outcomes = { HOST_ANSWERED, HOST_NOT_SENT, HOST_NO_ANSWER, HOST_BAD_MAC, HOST_ANSWERED },
               .codes = { "97", "", "", "", "A0" }, .n = 5);
        t = run("binding-check");
        assert_result(&t, RESULT_DECLINED, "refused", "97");
        assert_non_null(strstr(t.message, "97"));
        t = run("binding-check");
        assert_result(&t, RESULT_FAILED, "unreachable-host", "");
        t = run("binding-check");
        assert_result(&t, RESULT_FAILED, "unanswered", "");
        t = run("binding-check");
        assert_result(&t, RESULT_FAILED, "unanswered", "");
        t = run("binding-check");
        assert_result(&t, RESULT_DECLINED, "refused", "A0");
        /* The keys do not fit: the next one has others. */
        assert_int_equal(acq.n_sign_ons, 0);
        t = run("binding-check");
        assert_result(&t, RESULT_APPROVED, "", "00");
        assert_int_equal(acq.n_sign_ons, 1);
        acq.signed_on = false;
        acq.no_sign_on = "no";
        t = run("binding-check");
        assert_int_equal(t.result, RESULT_FAILED);
        assert_int_equal(t.stan, 0);
}

static void assert_refused(const char *kind, const struct host_binding *b, bool internal, enum refusal_code code,
                           const char *words) {
        struct engine_call call = {
                .kind = kind, .currency = "", .reference = "R-1", .order = "", .binding = b, .internal = internal
        };
        struct refusal refusal = {};
        int64_t id;

        assert_true(engine_start_transaction(shop.engine, &call, &id, &refusal) < 0);
        assert_int_equal(refusal.code, code);
        if (!strstr(refusal.text, words))
                fail_msg("%s: no \"%s\"", refusal.text, words);
}

static void nobody_starts_them(void **state) {
        assert_refused("binding-check", NULL, false, REFUSAL_UNKNOWN_KIND, "tillctl binding change");
        assert_refused("binding-confirm", NULL, true, REFUSAL_UNKNOWN_KIND, "tillctl binding change");
        assert_refused("binding-withdraw", &change, true, REFUSAL_UNKNOWN_KIND, "not a kind of transaction");
}

/* Who is told of the change is not written beside it, and the same reference is the same change. */
static void the_same_change(void **state) {
        struct engine_call call = {
                .kind = "binding-check", .currency = "", .reference = "REBIND-7-CHECK", .order = "", .binding = &change
        };
        struct host_binding other = change;
        struct refusal refusal;
        int64_t id, again;

        call.internal = true;
        assert_int_equal(engine_start_transaction(shop.engine, &call, &id, &refusal), 0);
        assert_int_equal(engine_start_transaction(shop.engine, &call, &again, &refusal), 0);
        assert_int_equal(id, again);
        acq_run();
        other.number = 8;
        call.binding = &other;
        assert_true(engine_start_transaction(shop.engine, &call, &again, &refusal) < 0);
        assert_int_equal(refusal.code, REFUSAL_REFERENCE_REUSED);
}

/* The shop is closed and everybody has gone home. */
static void with_nobody_there(void **state) {
        struct operator_record cashier = { .number = "02", .role = OPERATOR_CASHIER };
        struct transaction_record t;

        assert_int_equal(journal_begin(shop.journal, JOURNAL_DURABLE), 0);
        assert_int_equal(operator_record_insert(shop.journal, &cashier), 0);
        assert_int_equal(journal_commit(shop.journal), 0);
        assert_refused("binding-check", &change, false, REFUSAL_NOT_LOGGED_ON, "log on");
        t = run("binding-check");
        assert_result(&t, RESULT_APPROVED, "", "00");
        assert_string_equal(t.operator_id, shop.settings.operator_number);
        shop_log_on("05");
        t = run("binding-check");
        assert_string_equal(t.operator_id, "05");

        shop.settings.mode = MODE_TRAINING;
        t = run("binding-check");
        assert_result(&t, RESULT_APPROVED, "", "00");
        assert_refused("echo", NULL, false, REFUSAL_TRAINING_MODE, "training");
}

/* What cannot be sent is refused before there is anything to take back. */
static void what_cannot_be_sent(void **state) {
        struct host_binding wrong = change;
        struct refusal refusal;
        int64_t id;

        wrong.phone[0] = '0';
        assert_int_equal(start("binding-confirm", &wrong, &id, &refusal), 0);
        acq_run();
        struct transaction_record t = acq_load(id);
        assert_result(&t, RESULT_FAILED, "not-made", "");
        assert_int_equal(acq.n_told, 0);
        /* Nor is there a number that the next one would have again. */
        assert_int_equal(t.stan, 0);
        assert_int_equal(t.batch, 0);
        assert_int_equal(arm(id), 0);
}

/* ---- Taking back ---- */

static void taken_back(void **state) {
        struct transaction_record confirm = run("binding-confirm");

        assert_string_equal(record.phone, NEW);
        assert_int_equal(arm(confirm.id), 1);
        assert_int_equal(waiting(), 1);
        assert_int_equal(forget(confirm.id), -EALREADY);
        acq_run();
        assert_int_equal(acq.n_told, 2);
        assert_int_equal(acq.told[1].kind, HOST_BINDING_WITHDRAW);
        assert_memory_equal(&acq.told[1].binding, &change, sizeof(change));
        assert_string_equal(record.phone, OLD);
        assert_false(is_kept(confirm.id));
        assert_int_equal(waiting(), 0);
        assert_event(confirm.id, "withdrawn");
        /* The transaction was what it was. */
        confirm = acq_load(confirm.id);
        assert_result(&confirm, RESULT_APPROVED, "", "00");
}

/* An answer that comes late is not one to the withdrawal: numbers tell them apart. */
static void numbers(void **state) {
        int64_t confirm = run("binding-confirm").id;

        SCRIPT(.outcomes = { HOST_NO_ANSWER, HOST_NO_ANSWER }, .codes = { "", "" }, .n = 2);
        assert_int_equal(arm(confirm), 1);
        run_hurried();
        assert_int_equal(acq.n_told, 4);
        for (unsigned i = 0; i < acq.n_told; i++)
                for (unsigned k = 0; k < i; k++)
                        assert_int_not_equal(acq.told[i].stan, acq.told[k].stan);
        assert_false(is_kept(confirm));
}

static int count_refusals(const struct event_record *event, void *userdata) {
        *(unsigned *) userdata += streq(event->kind, "withdrawal-rejected");
        return 0;
}

/* The acquirer's words in their order, and how often it is then told. */
static void assert_ends(const char *name, unsigned n_refused, unsigned n_sent) {
        unsigned n = record.n, refused = 0;
        int64_t confirm;

        record.n = 0;
        confirm = run("binding-confirm").id;
        record.n = n;
        record.at = 0;
        acq.n_told = 0;
        assert_int_equal(arm(confirm), 1);
        run_hurried();
        if (acq.n_told != n_sent || is_kept(confirm))
                fail_msg("%s: %u sent", name, acq.n_told);
        assert_event(confirm, "withdrawn");
        assert_int_equal(event_each(shop.journal, confirm, 0, 0, count_refusals, &refused), 0);
        assert_int_equal(refused, n_refused);
}

static void answers(void **state) {
#define ASSERT_ENDS(n_refused, n_sent, ...)                                                                           \
        SCRIPT(__VA_ARGS__);                                                                                          \
        assert_ends(#__VA_ARGS__, n_refused, n_sent)

        ASSERT_ENDS(0, 1, .n = 0);
        ASSERT_ENDS(0, 2, .outcomes = { HOST_NO_ANSWER }, .codes = { "" }, .n = 1);
        ASSERT_ENDS(0, 2, .outcomes = { HOST_NO_ANSWER }, .codes = { "" }, .n = 1, .lost_request = true);
        ASSERT_ENDS(0, 2, .outcomes = { HOST_NOT_SENT }, .codes = { "" }, .n = 1);
        ASSERT_ENDS(0, 2, .outcomes = { HOST_BAD_MAC }, .codes = { "" }, .n = 1);
        ASSERT_ENDS(0, 2, .outcomes = { HOST_MALFORMED }, .codes = { "" }, .n = 1);
        ASSERT_ENDS(0, 2, .outcomes = { HOST_ANSWERED }, .codes = { "96" }, .n = 1);
        ASSERT_ENDS(0, 2, .outcomes = { HOST_ANSWERED }, .codes = { "A0" }, .n = 1);
        ASSERT_ENDS(0, 2, .outcomes = { HOST_ANSWERED }, .codes = { "ZZ" }, .n = 1);
        ASSERT_ENDS(0, 4, .outcomes = { HOST_NO_ANSWER, HOST_ANSWERED, HOST_NOT_SENT }, .codes = { "", "68", "" },
                    .n = 3);
        /* No refusal is its end: whatever the acquirer says, what it has on record is wrong until it says 00. */
        ASSERT_ENDS(1, 2, .outcomes = { HOST_ANSWERED }, .codes = { "97" }, .n = 1);
        ASSERT_ENDS(1, 2, .outcomes = { HOST_ANSWERED }, .codes = { "11" }, .n = 1);
        ASSERT_ENDS(1, 3, .outcomes = { HOST_NO_ANSWER, HOST_ANSWERED }, .codes = { "", "12" }, .n = 2);
        ASSERT_ENDS(1, 4, .outcomes = { HOST_ANSWERED, HOST_ANSWERED, HOST_ANSWERED }, .codes = { "12", "12", "96" },
                    .n = 3);
        ASSERT_ENDS(2, 3, .outcomes = { HOST_ANSWERED, HOST_ANSWERED }, .codes = { "12", "97" }, .n = 2);
}

static int note_fault(const struct fault_record *fault, void *userdata) {
        assert_string_equal(fault->code, "withdrawal-rejected");
        assert_string_equal(fault->detail, "answer 97");
        ++*(unsigned *) userdata;
        return 0;
}

static unsigned count_faults(void) {
        unsigned n = 0;

        assert_int_equal(fault_evidence_each(shop.journal, note_fault, &n), 0);
        return n;
}

/* It is a fault from then to its end, and a restart changes nothing. */
static void refused_until_taken(void **state) {
        int64_t confirm = run("binding-confirm").id;

        SCRIPT(.outcomes = { HOST_ANSWERED, HOST_ANSWERED }, .codes = { "96", "97" }, .n = 2);
        assert_int_equal(arm(confirm), 1);
        acq_run();
        assert_int_equal(record.at, 1);
        assert_int_equal(count_faults(), 0);
        outbox_hurry(shop.engine->outbox);
        acq_run();
        assert_int_equal(record.at, 2);
        assert_int_equal(waiting(), 1);
        assert_int_equal(count_faults(), 1);
        restart();
        assert_int_equal(waiting(), 1);
        assert_int_equal(count_faults(), 1);
        assert_int_equal(forget(confirm), -EALREADY);
        run_hurried();
        assert_true(record.withdrawn);
        assert_false(is_kept(confirm));
        assert_int_equal(count_faults(), 0);
}

/* ---- What the acquirer never takes ---- */

static enum refusal_code resolve(int64_t id, const char *outcome) {
        const struct resolution resolution = { .outcome = outcome,
                                               .note = "acquirer, Ms Li: the old phone is on record",
                                               .resolver = "02" };
        struct refusal refusal = {};
        int r;

        r = resolution_record(shop.engine, id, &resolution, &refusal);
        assert_int_equal(r < 0, refusal.code != REFUSAL_NONE);
        if (refusal.code == REFUSAL_NOT_ASKED)
                assert_non_null(strstr(refusal.text, "withdrawal, or a refused settlement"));
        return refusal.code;
}

static enum refusal_code settle(int64_t id) {
        return resolve(id, "settled");
}

static int note_resolved(const struct event_record *event, void *userdata) {
        if (streq(event->kind, "resolved"))
                (void) snprintf(userdata, 256, "%s", event->text);
        return 0;
}

/* A supervisor has had it put right: it is no fault any more, nothing is sent, and the next change gets on. */
static void refused_and_resolved(void **state) {
        int64_t confirm = run("binding-confirm").id;
        char event[256] = "";
        struct transaction_record t;

        /* What may be committed yet is nobody's to give up. */
        assert_int_equal(settle(confirm), REFUSAL_NOT_ASKED);
        assert_true(is_kept(confirm));
        SCRIPT(.outcomes = { HOST_ANSWERED, HOST_ANSWERED }, .codes = { "97", "97" }, .n = 2);
        assert_int_equal(arm(confirm), 1);
        assert_int_equal(settle(confirm), REFUSAL_BUSY);
        acq_run();
        assert_int_equal(count_faults(), 1);

        assert_int_equal(settle(confirm), REFUSAL_NONE);
        assert_int_equal(count_faults(), 0);
        assert_false(is_kept(confirm));
        assert_int_equal(waiting(), 0);
        assert_int_equal(event_each(shop.journal, confirm, 0, 0, note_resolved, event), 0);
        assert_string_equal(event, "{\"outcome\":\"settled\",\"note\":\"acquirer, Ms Li: the old phone is on record\","
                                   "\"by\":\"02\"}");
        assert_int_equal(settle(confirm), REFUSAL_NOT_ASKED);
        t = acq_load(confirm);
        assert_result(&t, RESULT_APPROVED, "", "00");
        restart();
        run_hurried();
        assert_int_equal(record.at, 1);
}

/* Nobody answers there: what was said on the telephone counts as well. */
static void unanswered_and_resolved(void **state) {
        int64_t confirm = run("binding-confirm").id;

        SCRIPT(.outcomes = { HOST_NO_ANSWER }, .codes = { "" }, .n = 1, .lost_request = true);
        assert_int_equal(arm(confirm), 1);
        acq_run();
        assert_int_equal(waiting(), 1);
        assert_int_equal(settle(confirm), REFUSAL_NONE);
        assert_int_equal(waiting(), 0);
}

/* One that nobody knows the end of, with what takes it back on its way. */
static int64_t add_unconfirmed(void) {
        struct transaction_record t;
        static unsigned n;

        transaction_record_init(&t);
        (void) snprintf(t.reference, sizeof(t.reference), "UNCONFIRMED-%u", ++n);
        COPY(t.kind, "binding-confirm");
        t.started_usec = 1;
        assert_int_equal(journal_begin(shop.journal, JOURNAL_DURABLE), 0);
        assert_int_equal(transaction_record_insert(shop.journal, &t), 0);
        t.state = TRANSACTION_DONE;
        t.result = RESULT_UNCONFIRMED;
        assert_int_equal(transaction_record_update(shop.journal, &t), 0);
        assert_int_equal(withdrawals_prepare(shop.journal, t.id, &change), 0);
        assert_int_equal(journal_commit(shop.journal), 0);
        assert_int_equal(arm(t.id), 1);
        return t.id;
}

/* What became of the transaction is one question, what the acquirer has on record another. */
static void resolved_otherwise(void **state) {
        static const char *const outcomes[] = { "approved", "declined" };

        for (size_t i = 0; i < ELEMENTSOF(outcomes); i++) {
                int64_t id;

                SCRIPT(.outcomes = { HOST_NO_ANSWER }, .codes = { "" }, .n = 1, .lost_request = true);
                id = add_unconfirmed();
                acq_run();
                assert_int_equal(resolve(id, outcomes[i]), REFUSAL_NONE);
                assert_true(is_kept(id));
                assert_int_equal(waiting(), 1);
                run_hurried();
                assert_false(is_kept(id));
        }
}

/* What cannot be read is not what is not there. */
static void unreadable(void **state) {
        int64_t confirm = run("binding-confirm").id;

        SCRIPT(.outcomes = { HOST_NO_ANSWER }, .codes = { "" }, .n = 1, .lost_request = true);
        assert_int_equal(arm(confirm), 1);
        acq_run();
        assert_int_equal(sqlite3_exec(shop.journal->db, "UPDATE withdrawals SET request_sealed = zeroblob(60)", NULL,
                                      NULL, NULL),
                         SQLITE_OK);
        assert_int_equal(settle(confirm), REFUSAL_NOT_READY);
        assert_int_equal(request_record_count(shop.journal, REQUEST_WITHDRAWAL), 1);
}

/* ---- What a confirm without an answer comes to ---- */

static void without_an_answer(void **state) {
        static const struct {
                enum host_outcome outcome;
                bool lost_request;
                const char *reason;
                const char *phone; /* on record then */
        } cases[] = {
                { HOST_NO_ANSWER, false, "unanswered", NEW },
                { HOST_NO_ANSWER, true, "unanswered", OLD },
                { HOST_BAD_MAC, false, "unanswered", NEW },
                { HOST_MALFORMED, false, "unanswered", NEW },
        };

        for (size_t i = 0; i < ELEMENTSOF(cases); i++) {
                struct transaction_record t;

                SCRIPT(.outcomes = { cases[i].outcome }, .codes = { "" }, .n = 1,
                       .lost_request = cases[i].lost_request);
                t = run("binding-confirm");
                assert_result(&t, RESULT_FAILED, cases[i].reason, "");
                assert_string_equal(record.phone, cases[i].phone);
                assert_int_equal(arm(t.id), 1);
                acq_run();
                assert_string_equal(record.phone, OLD);
                assert_true(record.withdrawn);
                assert_false(is_kept(t.id));
        }
}

/* No byte of it has left: there is nothing to take back. */
static void not_sent(void **state) {
        struct transaction_record t;

        SCRIPT(.outcomes = { HOST_NOT_SENT }, .codes = { "" }, .n = 1);
        t = run("binding-confirm");
        assert_result(&t, RESULT_FAILED, "unreachable-host", "");
        assert_int_equal(arm(t.id), 0);
        run_hurried();
        assert_int_equal(acq.n_told, 1);
}

static void refused(void **state) {
        struct transaction_record t;

        SCRIPT(.outcomes = { HOST_ANSWERED }, .codes = { "12" }, .n = 1);
        t = run("binding-confirm");
        assert_result(&t, RESULT_DECLINED, "refused", "12");
        /* To be sure. */
        assert_int_equal(arm(t.id), 1);
        acq_run();
        assert_false(is_kept(t.id));
}

/* The change is rolled back while the confirm is on its way: what takes it back waits for the end of that. */
static void armed_while_it_is_on_its_way(void **state) {
        int64_t confirm;

        acq.hold = true;
        confirm = begin("binding-confirm");
        acq_run();
        assert_int_equal(acq.n_told, 1);
        assert_int_equal(arm(confirm), 1);
        acq_run();
        assert_int_equal(acq.n_told, 1);
        acq.hold = false;
        acq_run();
        assert_int_equal(acq.n_told, 2);
        assert_string_equal(record.phone, OLD);
        assert_false(is_kept(confirm));
}

/* And it did not leave: whoever rolls back does not know that yet. */
static void armed_and_not_sent(void **state) {
        int64_t confirm;

        acq.hold = true;
        acq.down = 1;
        confirm = begin("binding-confirm");
        assert_int_equal(arm(confirm), 1);
        acq.hold = false;
        run_hurried();
        assert_string_equal(acq_load(confirm).reason, "unreachable-host");
        assert_int_equal(acq.n_told, 1);
        assert_false(is_kept(confirm));
}

/* A message that was overtaken by the one that takes it back. */
static void late_confirm(void **state) {
        struct told late;
        int64_t confirm;

        SCRIPT(.outcomes = { HOST_NO_ANSWER }, .codes = { "" }, .n = 1, .lost_request = true);
        confirm = run("binding-confirm").id;
        late = acq.told[0];
        assert_int_equal(arm(confirm), 1);
        acq_run();
        assert_false(is_kept(confirm));
        assert_string_equal(judge(&late), "12");
        assert_string_equal(record.phone, OLD);
}

/* ---- Beside other things ---- */

static void after_reversals_and_forwards(void **state) {
        struct transaction_record forward, reversal;
        int64_t confirm = run("binding-confirm").id;

        acq.hold = true;
        forward = acq_add_forward("sale", 100, true);
        reversal = acq_add_reversal(7);
        assert_int_equal(arm(confirm), 1);
        acq.hold = false;
        run_hurried();
        assert_int_equal(acq.n_told, 4);
        acq_assert_told(1, HOST_REVERSAL, &reversal);
        acq_assert_told(2, HOST_SALE, &forward);
        acq_assert_told(3, HOST_BINDING_WITHDRAW, NULL);
}

static void answer_but_forwards(const struct told *q, enum host_outcome *outcome, struct host_answer *answer) {
        if (q->kind == HOST_SALE)
                *outcome = HOST_NO_ANSWER;
        else
                COPY(answer->code, judge(q));
}

/* What sits out a back-off keeps nothing waiting but its own queue. */
static void beside_a_forward_that_fails(void **state) {
        int64_t confirm = run("binding-confirm").id;
        struct transaction_record forward;

        acq.answer = answer_but_forwards;
        forward = acq_add_forward("sale", 100, true);
        outbox_kick(shop.engine->outbox);
        acq_run();
        assert_int_equal(acq.n_told, 2);
        acq_assert_told(1, HOST_SALE, &forward);
        assert_int_equal(arm(confirm), 1);
        acq_run();
        assert_int_equal(acq.n_told, 3);
        acq_assert_told(2, HOST_BINDING_WITHDRAW, NULL);
        assert_false(is_kept(confirm));
        assert_int_equal(outbox_count(shop.engine->outbox, REQUEST_FORWARD), 1);
}

/* A customer is there, and the link is free. */
static void not_while_a_transaction_runs(void **state) {
        struct device reader = { .kind = DEVICE_MSR };
        struct transaction_record sale = acq_add("sale", 100);
        struct engine_call call = {
                .kind = "void", .amount = 100, .currency = "CNY", .reference = "V-1", .order = ""
        };
        struct refusal refusal;
        int64_t confirm = run("binding-confirm").id, id;

        call.original = sale.id;
        shop.engine->msr_device = &reader;
        if (engine_start_transaction(shop.engine, &call, &id, &refusal) < 0)
                fail_msg("%s", refusal.text);
        assert_int_equal(acq_load(id).state, TRANSACTION_WAITING_APPROVAL);
        assert_int_equal(arm(confirm), 1);
        run_hurried();
        assert_int_equal(acq.n_told, 1);
        assert_int_equal(waiting(), 1);
        assert_int_equal(engine_cancel(shop.engine, id, &refusal), 0);
        shop.engine->msr_device = NULL;
        acq_run();
        acq_assert_told(1, HOST_BINDING_WITHDRAW, NULL);
        assert_false(is_kept(confirm));
}

/* A settlement does not wait for it. */
static void nobody_waits_for_it(void **state) {
        struct engine_call call = { .kind = "settlement", .currency = "", .reference = "S-1", .order = "" };
        struct refusal refusal;
        int64_t confirm = run("binding-confirm").id, id;

        SCRIPT(.outcomes = { HOST_NO_ANSWER }, .codes = { "" }, .n = 1);
        (void) acq_add("sale", 100);
        assert_int_equal(arm(confirm), 1);
        acq_run();
        assert_int_equal(acq.n_told, 2);
        acq.hold = true;
        assert_int_equal(engine_start_transaction(shop.engine, &call, &id, &refusal), 0);
        run_hurried();
        assert_int_equal(acq.n_told, 3);
        acq_assert_told(2, HOST_SETTLEMENT, NULL);
        assert_true(is_kept(confirm));
        acq.hold = false;
        run_hurried();
        assert_false(is_kept(confirm));
}

static void another_terminal_number(void **state) {
        int64_t confirm = run("binding-confirm").id;

        acq.hold = true;
        assert_int_equal(arm(confirm), 1);
        acq_kill();
        acq.busy = false;
        strcpy(shop.settings.terminal_number, "T0000002");
        shop_open(acq_on_transaction, "/nonexistent/card-worker");
        assert_int_equal(engine_start(shop.engine), -EINVAL);
        acq_kill();
        acq.hold = false;
        strcpy(shop.settings.terminal_number, "T0000001");
        acq_start();
        acq_run();
        assert_false(is_kept(confirm));
}

/* ---- The terminal dies ---- */

/* The room above finds the transaction by its reference, and rolls the change back. */
static void roll_back(int64_t confirm) {
        struct transaction_record t = acq_load(confirm);

        assert_int_equal(t.state, TRANSACTION_DONE);
        (void) arm(confirm);
        run_hurried();
        assert_string_equal(record.phone, OLD);
        assert_false(is_kept(confirm));
}

static void killed_at_each_step(void **state) {
        int64_t confirm;

        /* While older things are waited for: nothing is ready, and nothing left. */
        (void) acq_add_reversal(7);
        acq.hold = true;
        confirm = begin("binding-confirm");
        assert_int_equal(acq.n_told, 1);
        restart();
        assert_string_equal(acq_load(confirm).reason, "interrupted");
        assert_int_equal(arm(confirm), 0);
        run_hurried();
        for (unsigned i = 0; i < acq.n_told; i++)
                acq_assert_told(i, HOST_REVERSAL, NULL);

        /* After the commit before it is sent; whether it arrives is up to the network. */
        for (int arrives = 0; arrives < 2; arrives++) {
                SCRIPT(.n = 0);
                acq.hold = true;
                confirm = begin("binding-confirm");
                assert_int_equal(acq.told[acq.n_told - 1].kind, HOST_BINDING_CONFIRM);
                if (arrives)
                        (void) judge(acq.told + acq.n_told - 1);
                restart();
                assert_true(is_kept(confirm));
                acq_run();
                assert_int_equal(acq.told[acq.n_told - 1].kind, HOST_BINDING_CONFIRM);
                assert_string_equal(acq_load(confirm).reason, "interrupted");
                roll_back(confirm);
        }

        /* After its answer. */
        SCRIPT(.n = 0);
        confirm = run("binding-confirm").id;
        restart();
        assert_true(is_kept(confirm));
        assert_int_equal(acq_load(confirm).result, RESULT_APPROVED);
        roll_back(confirm);

        /* Armed, before it is sent; and on its way, arrived or not. */
        for (int arrives = 0; arrives < 2; arrives++) {
                SCRIPT(.n = 0);
                confirm = run("binding-confirm").id;
                acq.hold = true;
                assert_int_equal(arm(confirm), 1);
                assert_int_equal(acq.told[acq.n_told - 1].kind, HOST_BINDING_WITHDRAW);
                if (arrives)
                        (void) judge(acq.told + acq.n_told - 1);
                restart();
                assert_true(is_kept(confirm));
                run_hurried();
                assert_string_equal(record.phone, OLD);
                assert_false(is_kept(confirm));
        }

        /* After its answer it does not go out again. */
        acq.n_told = 0;
        restart();
        run_hurried();
        assert_int_equal(acq.n_told, 0);
}

/* No file of the terminal has a phone in the clear while it waits. */
static void sealed(void **state) {
        char command[96];

        assert_true(is_kept(run("binding-confirm").id));
        snprintf(command, sizeof(command), "! grep -rqa -e 138001380 %s", shop.dir);
        assert_int_equal(system(command), 0);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, set_up, acq_teardown)

int main(void) {
        const struct CMUnitTest tests[] = {
                TEST(steps_of_a_change),
                TEST(answers_to_a_check),
                TEST(nobody_starts_them),
                TEST(the_same_change),
                TEST(with_nobody_there),
                TEST(what_cannot_be_sent),
                TEST(taken_back),
                TEST(numbers),
                TEST(answers),
                TEST(refused_until_taken),
                TEST(refused_and_resolved),
                TEST(unanswered_and_resolved),
                TEST(resolved_otherwise),
                TEST(unreadable),
                TEST(without_an_answer),
                TEST(not_sent),
                TEST(refused),
                TEST(armed_while_it_is_on_its_way),
                TEST(armed_and_not_sent),
                TEST(late_confirm),
                TEST(after_reversals_and_forwards),
                TEST(beside_a_forward_that_fails),
                TEST(not_while_a_transaction_runs),
                TEST(nobody_waits_for_it),
                TEST(another_terminal_number),
                TEST(killed_at_each_step),
                TEST(sealed),
        };

        return cmocka_run_group_tests_name("transaction-withdrawals", tests, NULL, NULL);
}
