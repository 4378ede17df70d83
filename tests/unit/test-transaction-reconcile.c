// SPDX-License-Identifier: LGPL-2.1-or-later
/* An acquirer's statement held against the journal. */
#include "journal-fixture.h"

#include <sys/mman.h>

#include "journal/counter.h"
#include "statement-fixture.h"
#include "transaction/reconcile.h"
#include "transaction/upkeep.h"

#define HEAD "till-statement,1\nrrn,stan,batch,kind,amount,currency,card,terminal,merchant,time,authorization\n"
#define TAIL ",620000******0005,T0000001,000000000000001,2026-11-22T10:11:12.123Z,007919\n"
#define OTHER_TAIL ",620000******0005,T0000002,000000000000001,2026-11-22T10:11:12.123Z,007919\n"

static int parse(const char *text, struct statement **ret, unsigned *ret_line, const char **ret_reason) {
        return parse_statement(text, strlen(text), strlen(text), ret, ret_line, ret_reason);
}

static void good_statement(void **state) {
        static const char text[] = HEAD "000000000002,000003,000001,refund,850,156" TAIL
                                        "000000000001,000002,000001,sale,12850,156" TAIL "end,2,12000\n";
        struct statement *s = NULL;
        const char *reason;
        unsigned line;

        assert_int_equal(parse(text, &s, &line, &reason), 0);
        assert_int_equal(s->n_lines, 2);
        /* By batch and STAN. */
        assert_string_equal(s->lines[0].rrn, "000000000001");
        assert_int_equal(s->lines[0].number, 4);
        assert_int_equal(s->lines[0].amount, 12850);
        assert_string_equal(s->lines[0].currency, "CNY");
        assert_ptr_equal(statement_find(s, 1, 3), s->lines + 1);
        assert_null(statement_find(s, 1, 4));
        assert_null(statement_find(s, 2, 2));
        assert_null(statement_find(s, 1, 1));
        s = statement_free(s);
        /* In whatever pieces it comes. */
        for (size_t piece = 1; piece < 20; piece++) {
                assert_int_equal(parse_statement(text, strlen(text), piece, &s, &line, &reason), 0);
                assert_int_equal(s->n_lines, 2);
                assert_int_equal(s->lines[1].amount, 850);
                s = statement_free(s);
        }
        /* Columns in another order, lines that end as on Windows, and none at all. */
        assert_int_equal(parse("till-statement,1\r\nterminal,currency,amount,kind,batch,stan,rrn\r\n"
                               "T0000001,156,1,tip,1,2,\r\nend,1,1\r\n\r\n",
                               &s, &line, &reason),
                         0);
        assert_string_equal(s->lines[0].kind, "tip");
        s = statement_free(s);
        assert_int_equal(parse(HEAD "end,0,0", &s, &line, &reason), 0);
        assert_null(statement_find(s, 1, 1));
        statement_free(s);
}

/* Against the slow way, and what is another terminal's. */
static void in_order(void **state) {
        struct statement *s = NULL;
        const char *reason;
        unsigned line, n = 0, seed = 7;
        char *text = NULL;
        size_t size;
        FILE *f = open_memstream(&text, &size);

        assert_non_null(f);
        fputs(HEAD, f);
        for (int i = 0; i < 3000; i++) {
                unsigned batch = 1 + (unsigned) rand_r(&seed) % 7, stan = 1 + (unsigned) rand_r(&seed) % 500;

                fprintf(f, "%012d,%u,%u,sale,1,156%s", i, stan, batch, i % 3 == 0 ? OTHER_TAIL : TAIL);
                n += i % 3 != 0;
        }
        fputs("end,3000,3000\n", f);
        assert_int_equal(fclose(f), 0);
        assert_int_equal(parse(text, &s, &line, &reason), 0);
        assert_int_equal(s->n_lines, n);
        assert_int_equal(s->n_others, 3000 - n);
        for (size_t i = 1; i < s->n_lines; i++) {
                const struct statement_line *a = s->lines + i - 1, *b = s->lines + i;

                assert_true(a->batch < b->batch || (a->batch == b->batch && a->stan < b->stan) ||
                            (a->batch == b->batch && a->stan == b->stan && a->number < b->number));
                if (a->batch != b->batch || a->stan != b->stan)
                        assert_ptr_equal(statement_find(s, b->batch, b->stan), b);
        }
        statement_free(s);
        free(text);
}

static void bad_statements(void **state) {
        static const struct {
                const char *text;
                unsigned line;
                const char *reason;
        } bad[] = {
                { "", 0, "begins with" },
                { "till-statement,2\n", 1, "begins with" },
                { "till-statement,1\n", 1, "column is missing" },
                { "till-statement,1\nrrn,stan,batch,kind,amount,currency\n", 2, "column is missing" },
                { HEAD, 2, "cut off" },
                { HEAD "1,000002,000001,sale,12850,156" TAIL, 3, "cut off" },
                { HEAD "1,000002,000001,sale,12850,156" TAIL "end,2,12850\n", 4, "come to" },
                { HEAD "1,000002,000001,sale,12850,156" TAIL "end,1,12851\n", 4, "come to" },
                { HEAD "1,000002,000001,sale,12850,156" TAIL "end,1\n", 4, "the last line is" },
                { HEAD "1,000002,000001,sale,12850,156" TAIL "end,1,12850\nmore\n", 4, "follows" },
                { HEAD "1,0,1,sale,1,156" TAIL "end,1,1\n", 3, "stan and batch" },
                { HEAD "1,1,1000000,sale,1,156" TAIL "end,1,1\n", 3, "stan and batch" },
                { HEAD "1,1,1,sale,-1,156" TAIL "end,1,1\n", 3, "amount" },
                { HEAD "1,1,1,sale,1.00,156" TAIL "end,1,1\n", 3, "amount" },
                { HEAD "1,1,1,sale,9999999999999999999,156" TAIL "end,1,1\n", 3, "amount" },
                { HEAD "1,1,1,echo,1,156" TAIL "end,1,1\n", 3, "kind" },
                { HEAD "1,1,1,sale,1,CNY" TAIL "end,1,1\n", 3, "ISO 4217" },
                { HEAD "1,1,1,sale,1,998" TAIL "end,1,1\n", 3, "currency" },
                { HEAD "1,1,1,sale\nend,1,1\n", 3, "too few" },
                { HEAD "1234567890123,1,1,sale,1,156" TAIL "end,1,1\n", 3, "too long" },
                { HEAD ",,,,,,,,,,,,,,,,,,,,,,,,,,,,\n", 3, "too many" },
        };

        for (size_t i = 0; i < ELEMENTSOF(bad); i++) {
                struct statement *s = NULL;
                const char *reason = "";
                unsigned line = 99;

                if (parse(bad[i].text, &s, &line, &reason) != -EINVAL || line != bad[i].line ||
                    !strstr(reason, bad[i].reason))
                        fail_msg("%zu: line %u: %s", i, line, reason);
                assert_null(s);
        }
}

static void judged(void **state) {
        struct statement_line line = {
                .rrn = "1", .kind = "sale", .stan = 2, .batch = 1, .amount = 100, .currency = "CNY"
        };
        struct statement_line told = line;
        struct transaction_record record, good;

        COPY(told.kind, "offline-sale");
        transaction_record_init(&record);
        COPY(record.rrn, "1");
        COPY(record.kind, "sale");
        COPY(record.currency, "CNY");
        record.amount = 100;
        record.result = RESULT_APPROVED;
        good = record;
        assert_int_equal(reconcile_line(&line, &record), DIFFERENCE_NONE);
        assert_int_equal(reconcile_line(&line, NULL), DIFFERENCE_ONLY_THERE);
        record.amount = 101;
        assert_int_equal(reconcile_line(&line, &record), DIFFERENCE_AMOUNT);
        record = good;
        COPY(record.currency, "USD");
        assert_int_equal(reconcile_line(&line, &record), DIFFERENCE_AMOUNT);
        record = good;
        COPY(record.kind, "refund");
        assert_int_equal(reconcile_line(&line, &record), DIFFERENCE_KIND);
        /* Told afterwards, it is an offline sale there; the word of a tip is one and the same. */
        record = good;
        record.forwarding = FORWARDING_DONE;
        assert_int_equal(reconcile_line(&line, &record), DIFFERENCE_KIND);
        COPY(line.kind, "offline-sale");
        assert_int_equal(reconcile_line(&line, &record), DIFFERENCE_NONE);
        assert_int_equal(reconcile_line(&line, &good), DIFFERENCE_KIND);
        COPY(record.kind, "offline-sale");
        assert_int_equal(reconcile_line(&line, &record), DIFFERENCE_NONE);
        COPY(line.kind, "tip");
        COPY(record.kind, "tip");
        assert_int_equal(reconcile_line(&line, &record), DIFFERENCE_NONE);
        COPY(line.kind, "sale");
        record = good;
        COPY(record.rrn, "2");
        assert_int_equal(reconcile_line(&line, &record), DIFFERENCE_RRN);
        /* Without an answer there is none. */
        COPY(record.rrn, "");
        assert_int_equal(reconcile_line(&line, &record), DIFFERENCE_NONE);
        record.result = RESULT_UNCONFIRMED;
        assert_int_equal(reconcile_line(&line, &record), DIFFERENCE_UNCONFIRMED);
        record.result = RESULT_DECLINED;
        assert_int_equal(reconcile_line(&line, &record), DIFFERENCE_NOT_APPROVED);
        record.reversal = REVERSAL_PENDING;
        assert_int_equal(reconcile_line(&line, &record), DIFFERENCE_NOT_TOLD);
        record.reversal = REVERSAL_DONE;
        assert_int_equal(reconcile_line(&line, &record), DIFFERENCE_REVERSED_HERE);
        record.reversal = REVERSAL_REJECTED;
        assert_int_equal(reconcile_line(&line, &record), DIFFERENCE_REVERSED_HERE);
        /* A supervisor has agreed on it. */
        record.reversal = REVERSAL_RESOLVED;
        assert_int_equal(reconcile_line(&line, &record), DIFFERENCE_NONE);

        record = good;
        assert_int_equal(reconcile_row(&record, &line), DIFFERENCE_NONE);
        assert_int_equal(reconcile_row(&record, NULL), DIFFERENCE_ONLY_HERE);
        record.forwarding = FORWARDING_PENDING;
        assert_int_equal(reconcile_row(&record, NULL), DIFFERENCE_NOT_TOLD);
        record.forwarding = FORWARDING_REJECTED;
        assert_int_equal(reconcile_row(&record, NULL), DIFFERENCE_NONE);
        assert_int_equal(reconcile_line(&told, &record), DIFFERENCE_REJECTED);
        record.forwarding = FORWARDING_RESOLVED;
        assert_int_equal(reconcile_line(&told, &record), DIFFERENCE_NONE);
        record.forwarding = FORWARDING_DONE;
        assert_int_equal(reconcile_row(&record, NULL), DIFFERENCE_ONLY_HERE);
        record.reversal = REVERSAL_DONE;
        assert_int_equal(reconcile_row(&record, NULL), DIFFERENCE_NONE);
        record = good;
        record.result = RESULT_DECLINED;
        assert_int_equal(reconcile_row(&record, NULL), DIFFERENCE_NONE);
        record = good;
        COPY(record.kind, "pre-authorization");
        assert_int_equal(reconcile_row(&record, NULL), DIFFERENCE_NONE);
}

/* ---- Against a journal ---- */

static void add(struct journal *j, uint32_t batch, uint32_t stan, int64_t amount, enum reversal_state reversal) {
        struct transaction_record record;

        transaction_record_init(&record);
        snprintf(record.reference, sizeof(record.reference), "r-%u-%u", batch, stan);
        COPY(record.kind, "sale");
        COPY(record.currency, "CNY");
        record.amount = amount;
        record.batch = batch;
        record.stan = stan;
        snprintf(record.rrn, sizeof(record.rrn), "%012u", stan);
        record.state = TRANSACTION_DONE;
        record.result = reversal == REVERSAL_NONE ? RESULT_APPROVED : RESULT_FAILED;
        record.reversal = reversal;
        assert_int_equal(journal_begin(j, JOURNAL_LAZY), 0);
        assert_int_equal(transaction_record_insert(j, &record), 0);
        assert_int_equal(journal_commit(j), 0);
}

static struct reconcile *from_fd(int fd) {
        struct reconcile *x = NULL;
        struct stream stream;

        assert_int_equal(stream_open_reader(&stream, fd), 0);
        assert_int_equal(reconcile_new(&stream, "T0000001", &x), 0);
        return x;
}

static cJSON *reconcile(struct journal *j, const char *text) {
        _cleanup_(reconcile_freep) struct reconcile *x = NULL;
        _cleanup_close_ int fd = memfd_create("statement", MFD_CLOEXEC);
        uint64_t done, total;
        unsigned line;
        cJSON *o;
        int r;

        assert_int_equal(write(fd, text, strlen(text)), strlen(text));
        x = from_fd(fd);
        while ((r = reconcile_slice(j, x)) == 1)
                ;
        assert_int_equal(r, 0);
        assert_null(reconcile_fault(x, &line));
        reconcile_progress(x, &done, &total);
        assert_int_equal(done, total);
        o = reconcile_result(x);
        assert_non_null(o);
        return o;
}

static int number(const cJSON *o, const char *name) {
        return (int) cJSON_GetNumberValue(cJSON_GetObjectItem(o, name));
}

static void expect(const cJSON *o, int i, const char *what, int batch, int stan) {
        const cJSON *d = cJSON_GetArrayItem(cJSON_GetObjectItem(o, "Differences"), i);

        assert_non_null(d);
        assert_string_equal(cJSON_GetStringValue(cJSON_GetObjectItem(d, "What")), what);
        assert_int_equal(number(d, "Batch"), batch);
        assert_int_equal(number(d, "Stan"), stan);
        assert_true(strlen(cJSON_GetStringValue(cJSON_GetObjectItem(d, "Next"))) > 10);
}

static void whole(void **state) {
        static const char text[] = HEAD
                "000000000001,000001,000001,sale,100,156" TAIL "000000000002,000002,000001,sale,150,156" TAIL
                "000000000003,000003,000001,sale,100,156" TAIL "000000000009,000009,000001,sale,100,156" TAIL
                "000000000001,000001,000001,sale,100,156" TAIL "000000000004,000004,000001,sale,100,156" OTHER_TAIL
                "000000000001,000001,000003,sale,100,156" TAIL "000000000001,000001,000004,sale,100,156" OTHER_TAIL
                "end,8,850\n";
        struct journal *j = open_good();
        const cJSON *d;
        cJSON *o;

        add(j, 1, 1, 100, REVERSAL_NONE);
        add(j, 1, 2, 100, REVERSAL_NONE);
        add(j, 1, 3, 100, REVERSAL_DONE);
        add(j, 1, 4, 100, REVERSAL_NONE); /* the other terminal's is not ours */
        add(j, 2, 1, 100, REVERSAL_NONE); /* the statement is not about its batch */
        add(j, 3, 1, 100, REVERSAL_NONE);
        o = reconcile(j, text);
        assert_int_equal(number(o, "Lines"), 8);
        assert_int_equal(number(o, "OtherTerminals"), 2);
        assert_int_equal(number(o, "Same"), 2);
        assert_int_equal(number(o, "More"), 0);
        d = cJSON_GetObjectItem(o, "Batches");
        assert_int_equal(cJSON_GetArraySize(d), 2);
        assert_int_equal(cJSON_GetNumberValue(cJSON_GetArrayItem(d, 1)), 3);
        assert_int_equal(cJSON_GetArraySize(cJSON_GetObjectItem(o, "Differences")), 5);
        expect(o, 0, "twice-there", 1, 1);
        expect(o, 1, "other-amount", 1, 2);
        expect(o, 2, "reversed-here", 1, 3);
        expect(o, 3, "only-there", 1, 9);
        expect(o, 4, "only-here", 1, 4);
        d = cJSON_GetArrayItem(cJSON_GetObjectItem(o, "Differences"), 1);
        assert_int_equal(number(d, "Line"), 4);
        assert_int_equal(number(cJSON_GetObjectItem(d, "There"), "Amount"), 150);
        assert_int_equal(number(cJSON_GetObjectItem(d, "Here"), "Amount"), 100);
        assert_null(cJSON_GetObjectItem(cJSON_GetArrayItem(cJSON_GetObjectItem(o, "Differences"), 3), "Here"));
        assert_null(cJSON_GetObjectItem(cJSON_GetArrayItem(cJSON_GetObjectItem(o, "Differences"), 4), "There"));
        cJSON_Delete(o);
        journal_close(j);
}

/* More than a slice of lines and of rows, and more differences than are listed. */
static void many(void **state) {
        struct journal *j = open_good();
        char *text = NULL;
        size_t size;
        FILE *f = open_memstream(&text, &size);
        cJSON *o;

        assert_non_null(f);
        fputs(HEAD, f);
        for (int i = 1; i <= 1500; i++) {
                fprintf(f, "%012d,%d,1,sale,%d,156" TAIL, i, i, i <= 1200 ? 101 : 100);
                if (i <= 350 || i > 1200)
                        add(j, 1, (uint32_t) i, 100, REVERSAL_NONE);
        }
        fprintf(f, "end,1500,%d\n", 1200 * 101 + 300 * 100);
        assert_int_equal(fclose(f), 0);
        o = reconcile(j, text);
        assert_int_equal(number(o, "Same"), 300);
        assert_int_equal(cJSON_GetArraySize(cJSON_GetObjectItem(o, "Differences")), 1000);
        assert_int_equal(number(o, "More"), 200);
        cJSON_Delete(o);
        free(text);
        journal_close(j);
}

/* One after the other, and no slice takes more than a small piece of it. */
static void slice_by_slice(void **state) {
        static const char line[] = "000000000001,1,1,sale,1,156" OTHER_TAIL;
        _cleanup_(reconcile_freep) struct reconcile *x = NULL;
        _cleanup_close_ int fd = memfd_create("statement", MFD_CLOEXEC);
        size_t n = (STATEMENT_MAX - 1000) / strlen(line);
        struct journal *j = open_good();
        uint64_t done, total, before = 0;
        char *text = malloc(STATEMENT_MAX + 1), *at;
        unsigned slices = 0;
        int r;

        assert_non_null(text);
        at = stpcpy(text, HEAD);
        for (size_t i = 0; i < n; i++)
                at = stpcpy(at, line);
        at += sprintf(at, "end,%zu,%zu\n", n, n);
        assert_int_equal(write(fd, text, (size_t) (at - text)), at - text);
        x = from_fd(fd);
        while ((r = reconcile_slice(j, x)) == 1) {
                reconcile_progress(x, &done, &total);
                assert_true(total > 0 || done <= before + 65536);
                before = done;
                slices++;
        }
        assert_int_equal(r, 0);
        assert_true(slices >= STATEMENT_MAX / 65536);

        /* One byte too many. */
        assert_int_equal(ftruncate(fd, STATEMENT_MAX + 1), 0);
        memset(at, '\n', (size_t) (text + STATEMENT_MAX + 1 - at));
        assert_int_equal(pwrite(fd, text, STATEMENT_MAX + 1, 0), STATEMENT_MAX + 1);
        reconcile_free(x);
        x = from_fd(fd);
        while ((r = reconcile_slice(j, x)) == 1)
                ;
        assert_int_equal(r, -EFBIG);
        free(text);
        journal_close(j);
}

static void through_a_pipe(void **state) {
        static const char start[] = HEAD "000000000001,000001,0000", end[] = "01,sale,100,156" TAIL "end,1,100\n";
        _cleanup_(reconcile_freep) struct reconcile *x = NULL;
        struct journal *j = open_good();
        unsigned line;
        int fds[2], r;
        cJSON *o;

        assert_int_equal(pipe2(fds, O_CLOEXEC), 0);
        x = from_fd(fds[0]);
        safe_close(fds[0]);
        assert_int_equal(reconcile_slice(j, x), UPKEEP_WAIT);
        assert_int_equal(write(fds[1], start, strlen(start)), strlen(start));
        assert_int_equal(reconcile_slice(j, x), 1);
        assert_int_equal(reconcile_slice(j, x), UPKEEP_WAIT);
        assert_int_equal(write(fds[1], end, strlen(end)), strlen(end));
        safe_close(fds[1]);
        while ((r = reconcile_slice(j, x)) == 1)
                ;
        assert_int_equal(r, 0);
        assert_null(reconcile_fault(x, &line));
        o = reconcile_result(x);
        expect(o, 0, "only-there", 1, 1);
        cJSON_Delete(o);
        journal_close(j);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(good_statement),
                cmocka_unit_test(in_order),
                cmocka_unit_test_setup_teardown(slice_by_slice, setup, teardown),
                cmocka_unit_test_setup_teardown(through_a_pipe, setup, teardown),
                cmocka_unit_test(bad_statements),
                cmocka_unit_test(judged),
                cmocka_unit_test_setup_teardown(whole, setup, teardown),
                cmocka_unit_test_setup_teardown(many, setup, teardown),
        };

        return cmocka_run_group_tests_name("transaction-reconcile", tests, NULL, NULL);
}
