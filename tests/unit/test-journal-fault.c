// SPDX-License-Identifier: LGPL-2.1-or-later
/* Faults: one open of each code and subject, counted, acknowledged, ended; and what other rows say is wrong. */
#include "open-journal.h"

#include <sqlite3.h>

#include "journal/batch.h"
#include "journal/counter.h"
#include "journal/fault.h"
#include "journal/internal.h"
#include "journal/purge.h"
#include "journal/request.h"
#include "journal/verify.h"

static struct fault_record see(const char *code, const char *subject, int expected) {
        struct fault_record record = { .class = "network", .severity = "error", .transaction = 7 };

        COPY(record.code, code);
        COPY(record.subject, subject);
        COPY(record.detail, "answer 57");
        COPY(record.device, expected > 0 ? "Epson TM-T88V (1-2)" : "another one");
        COPY(record.firmware, "1.10");
        COPY(record.versions, "tilld 1, till 1, Linux 6.1");
        COPY(record.environment, "test mode");
        begin();
        assert_int_equal(fault_record_open(j, &record), expected);
        commit();
        return record;
}

static void end(struct fault_record *record, const char *by, const char *note, int expected) {
        int r;

        begin();
        r = fault_record_end(j, record, by, note);
        assert_int_equal(r, expected);
        if (r < 0)
                journal_rollback(j);
        else
                commit();
}

static int is_event(const struct event_record *event, void *userdata) {
        const char *const *expected = userdata;

        return streq(event->kind, expected[0]) && strstr(event->text, expected[1]) != NULL;
}

static void assert_event(const char *kind, const char *text) {
        const char *expected[] = { kind, text };

        assert_int_equal(event_each(j, 0, 0, 0, is_event, expected), 1);
}

static void life(void **state) {
        struct fault_record record = see("reversal-rejected", "7", 1), again, loaded;
        int64_t seq;

        assert_event("fault-opened", "{\"fault\":1,\"code\":\"reversal-rejected\",\"subject\":\"7\"}");
        assert_int_equal(record.count, 1);
        again = see("reversal-rejected", "7", 0);
        assert_int_equal(again.id, record.id);
        assert_int_equal(again.count, 2);
        assert_int_equal(again.opened_usec, record.opened_usec);
        assert_true(again.seen_usec >= record.seen_usec);
        /* Another subject, another code: others. */
        assert_true(see("reversal-rejected", "8", 1).id > record.id);
        assert_true(see("forward-rejected", "7", 1).id > record.id);
        assert_int_equal(fault_record_count_open(j), 3);

        begin();
        assert_int_equal(fault_record_acknowledge(j, record.id, "uid 1000"), 0);
        assert_int_equal(fault_record_acknowledge(j, record.id, "02"), -EALREADY);
        assert_int_equal(fault_record_acknowledge(j, 99, "02"), -ENOENT);
        commit();
        assert_event("fault-acknowledged", "\"by\":\"uid 1000\"");
        end(&record, "02", "acquirer, \"Ms Li\"", 0);
        assert_event("fault-ended", "\"by\":\"02\",\"note\":\"acquirer, \\\"Ms Li\\\"\"");
        assert_int_equal(fault_record_load(j, record.id, &loaded), 0);
        assert_string_equal(loaded.code, "reversal-rejected");
        assert_string_equal(loaded.subject, "7");
        assert_string_equal(loaded.class, "network");
        assert_string_equal(loaded.severity, "error");
        assert_string_equal(loaded.detail, "answer 57");
        /* As it was when it opened. */
        assert_string_equal(loaded.device, "Epson TM-T88V (1-2)");
        assert_string_equal(loaded.firmware, "1.10");
        assert_string_equal(loaded.versions, "tilld 1, till 1, Linux 6.1");
        assert_string_equal(loaded.environment, "test mode");
        assert_int_equal(loaded.transaction, 7);
        assert_int_equal(loaded.count, 2);
        assert_string_equal(loaded.acknowledged_by, "uid 1000");
        assert_true(loaded.acknowledged_usec > 0 && loaded.ended_usec > 0);
        assert_string_equal(loaded.ended_by, "02");
        assert_string_equal(loaded.note, "acquirer, \"Ms Li\"");
        /* Ended once; the next time it is another. */
        end(&loaded, "", "", -EALREADY);
        begin();
        assert_int_equal(fault_record_acknowledge(j, record.id, "02"), -EALREADY);
        commit();
        again = see("reversal-rejected", "7", 1);
        assert_int_equal(again.count, 1);
        assert_true(again.id > record.id);
        end(&again, "", "", 0);
        assert_int_equal(fault_record_find(j, "reversal-rejected", "7", &loaded), -ENOENT);
        assert_int_equal(event_verify(j, &seq), 0);
}

static void refused(void **state) {
        struct fault_record record = { .code = "x", .class = "weather", .severity = "error" };
        struct fault_record good = see("clock-wrong", "", 1);
        char long_note[FAULT_NOTE_MAX + 2];

        assert_int_equal(fault_record_open(j, &record), -EPROTO);
        assert_int_equal(fault_record_acknowledge(j, 1, ""), -EPROTO);
        assert_int_equal(fault_record_end(j, &good, "", ""), -EPROTO);
        begin();
        assert_int_equal(fault_record_open(j, &record), -ERANGE);
        journal_rollback(j);
        memset(long_note, 'n', sizeof(long_note) - 1);
        long_note[sizeof(long_note) - 1] = '\0';
        end(&good, "02", long_note, -ERANGE);
        record = good;
        record.id = 99;
        end(&record, "02", "", -ENOENT);
        /* An open one is not forgotten, whoever asks. */
        assert_int_not_equal(sqlite3_exec(j->db, "DELETE FROM faults", NULL, NULL, NULL), SQLITE_OK);
        assert_int_not_equal(sqlite3_exec(j->db, "UPDATE faults SET code = 'y'", NULL, NULL, NULL), SQLITE_OK);
}

struct listed {
        int64_t ids[8];
        unsigned n;
};

static int list(const struct fault_record *record, void *userdata) {
        struct listed *l = userdata;

        l->ids[l->n++] = record->id;
        return 0;
}

static struct listed list_all(bool open, int64_t before, unsigned limit, uint64_t since) {
        const struct fault_filter filter = { open, since, before, limit };
        struct listed l = {};

        assert_int_equal(fault_record_each(j, &filter, list, &l), 0);
        return l;
}

static void lists(void **state) {
        struct fault_record one = see("a", "", 1);
        struct listed l;

        see("b", "", 1);
        see("c", "", 1);
        end(&one, "", "", 0);
        l = list_all(false, 0, 0, 0);
        assert_int_equal(l.n, 3);
        assert_true(l.ids[0] == 3 && l.ids[1] == 2 && l.ids[2] == 1);
        l = list_all(true, 0, 0, 0);
        assert_int_equal(l.n, 2);
        l = list_all(false, 3, 1, 0);
        assert_int_equal(l.n, 1);
        assert_int_equal(l.ids[0], 2);
        assert_int_equal(list_all(false, 0, 0, one.opened_usec).n, 3);
        assert_int_equal(list_all(false, 0, 0, UINT64_MAX).n, 0);
        /* Open then or later, whenever it began. */
        l = (struct listed){};
        assert_int_equal(fault_record_each(j, &(struct fault_filter){ .lasted_usec = one.ended_usec + 1 }, list, &l),
                         0);
        assert_int_equal(l.n, 2);
}

/* Ended ones go with the rest, open ones never. */
static void purged(void **state) {
        struct fault_record old = see("a", "", 1), open = see("b", "", 1);
        struct journal_purge p = { .old.time_usec = UINT64_MAX >> 1 };
        int64_t seq;
        int r;

        end(&old, "", "", 0);
        begin();
        assert_int_equal(fault_record_purge(j, old.ended_usec, 10), 0);
        commit();
        while ((r = purge_slice(j, &p)) > 0)
                ;
        assert_int_equal(r, 0);
        assert_int_equal(fault_record_load(j, old.id, &old), -ENOENT);
        assert_int_equal(fault_record_load(j, open.id, &open), 0);
        assert_int_equal(event_verify(j, &seq), 0);
}

/* ---- What the other rows say ---- */

static struct transaction_record add(const char *kind, uint32_t batch,
                                     void (*change)(struct transaction_record *record)) {
        struct transaction_record record;
        static int n;

        transaction_record_init(&record);
        snprintf(record.reference, sizeof(record.reference), "f-%d", ++n);
        COPY(record.kind, kind);
        COPY(record.currency, "CNY");
        record.state = TRANSACTION_DONE;
        record.result = RESULT_APPROVED;
        record.batch = batch;
        change(&record);
        begin();
        assert_int_equal(counter_next_stan(j, &record.stan), 0);
        assert_int_equal(transaction_record_insert(j, &record), 0);
        commit();
        return record;
}

static void good(struct transaction_record *record) {
}

static void reversal_rejected(struct transaction_record *record) {
        record->result = RESULT_FAILED;
        record->reversal = REVERSAL_REJECTED;
}

static void forward_rejected(struct transaction_record *record) {
        record->forwarding = FORWARDING_REJECTED;
        COPY(record->response_code, "51");
}

static void unconfirmed(struct transaction_record *record) {
        record->result = RESULT_UNCONFIRMED;
}

static void declined(struct transaction_record *record) {
        record->result = RESULT_DECLINED;
        COPY(record->response_code, "77");
}

static void not_reconciled(struct transaction_record *record) {
        record->result = RESULT_FAILED;
        COPY(record->reason, "not-reconciled");
}

static void not_answered(struct transaction_record *record) {
        record->result = RESULT_FAILED;
        COPY(record->reason, "settle-again");
}

struct found {
        struct fault_record list[8];
        unsigned n;
};

static int note(const struct fault_record *record, void *userdata) {
        struct found *f = userdata;

        f->list[f->n++] = *record;
        return 0;
}

static struct found look(void) {
        struct found f = {};

        assert_int_equal(fault_evidence_each(j, note, &f), 0);
        return f;
}

static void assert_found(const struct found *f, unsigned i, const char *code, int64_t transaction,
                         const char *detail) {
        assert_true(i < f->n);
        assert_string_equal(f->list[i].code, code);
        assert_int_equal(f->list[i].transaction, transaction);
        if (!strstr(f->list[i].detail, detail))
                fail_msg("\"%s\" is not in \"%s\"", detail, f->list[i].detail);
}

static void evidence(void **state) {
        struct request_record reversal = {
                .reason = "98", .last_answer = "57", .request = (void *) "r", .request_size = 1
        };
        struct transaction_record a, b, c;
        char text[24];
        struct found f;

        add("sale", 1, good);
        assert_int_equal(look().n, 0);
        a = add("sale", 1, reversal_rejected);
        reversal.transaction = a.id;
        begin();
        assert_int_equal(request_record_insert(j, &reversal), 0);
        commit();
        b = add("sale", 1, forward_rejected);
        c = add("refund", 1, unconfirmed);
        f = look();
        assert_int_equal(f.n, 3);
        assert_found(&f, 0, "reversal-rejected", a.id, ", answer 57");
        assert_found(&f, 0, "reversal-rejected", a.id, a.reference);
        assert_found(&f, 1, "forward-rejected", b.id, ", answer 51");
        assert_found(&f, 2, "result-unconfirmed", c.id, c.reference);
        snprintf(text, sizeof(text), "%d", (int) c.id);
        assert_string_equal(f.list[2].subject, text);

        begin();
        a.reversal = REVERSAL_RESOLVED;
        assert_int_equal(transaction_record_update(j, &a), 0);
        b.forwarding = FORWARDING_RESOLVED;
        assert_int_equal(transaction_record_update(j, &b), 0);
        c.result = RESULT_APPROVED;
        assert_int_equal(transaction_record_update(j, &c), 0);
        commit();
        assert_int_equal(look().n, 0);
}

static void settlements(void **state) {
        struct batch_record batch = { .number = 1 };
        struct transaction_record first, again;
        struct found f;
        uint32_t next;

        add("sale", 1, good);
        /* Of a batch before this one. */
        add("settlement", 9, declined);
        first = add("settlement", 1, not_answered);
        assert_int_equal(batch_load_current(j, &batch), 0);
        batch.settlement = first.id;
        COPY(batch.totals, "00000000000000000000000000000000000000000000000000000000000000");
        begin();
        assert_int_equal(batch_freeze(j, &batch), 0);
        commit();
        assert_int_equal(look().n, 0);
        again = add("settlement", 1, declined);
        f = look();
        assert_int_equal(f.n, 1);
        assert_found(&f, 0, "settlement-refused", again.id, "answer 77");
        assert_string_equal(f.list[0].subject, "000001");
        again = add("settlement", 1, not_reconciled);
        f = look();
        assert_int_equal(f.n, 1);
        assert_found(&f, 0, "settlement-refused", again.id, "");

        batch.state = BATCH_UPLOADING;
        batch.reconciliation = BATCH_BALANCED;
        begin();
        assert_int_equal(batch_update(j, &batch), 0);
        assert_int_equal(batch_advance(j, &batch, &next), 0);
        commit();
        assert_int_equal(look().n, 0);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test_setup_teardown(life, open_one, close_one),
                cmocka_unit_test_setup_teardown(refused, open_one, close_one),
                cmocka_unit_test_setup_teardown(lists, open_one, close_one),
                cmocka_unit_test_setup_teardown(purged, open_one, close_one),
                cmocka_unit_test_setup_teardown(evidence, open_one, close_one),
                cmocka_unit_test_setup_teardown(settlements, open_one, close_one),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
