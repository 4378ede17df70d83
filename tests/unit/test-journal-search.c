// SPDX-License-Identifier: LGPL-2.1-or-later
/* Finding transactions by what is known of them, a window at a time. */
#include "test.h"

#include "journal/search.h"

static char dir[32], path[64];
static struct journal *journal;

static int setup(void **state) {
        static const uint8_t key[JOURNAL_KEY_SIZE] = { 5 };
        char *message = NULL;

        strcpy(dir, "/tmp/test-search-XXXXXX");
        if (!mkdtemp(dir))
                return -1;
        snprintf(path, sizeof(path), "%s/journal.db", dir);
        return journal_open(path, key, &journal, &message);
}

static int teardown(void **state) {
        char command[64];

        journal_close(journal);
        snprintf(command, sizeof(command), "rm -r %s", dir);
        return system(command);
}

static void add(unsigned n, const struct transaction_record *like) {
        assert_int_equal(journal_begin(journal, JOURNAL_LAZY), 0);
        for (unsigned i = 0; i < n; i++) {
                struct transaction_record record = *like;

                snprintf(record.reference, sizeof(record.reference), "%s-%u", like->kind, i);
                assert_int_equal(transaction_record_insert(journal, &record), 0);
        }
        assert_int_equal(journal_commit(journal), 0);
}

struct seen {
        unsigned n;
        int64_t first, last;
};

static int see(const struct transaction_record *record, void *userdata) {
        struct seen *s = userdata;

        if (s->n++ == 0)
                s->first = record->id;
        else
                assert_true(record->id < s->last);
        s->last = record->id;
        return 0;
}

static struct seen search(const struct search_filter *f, int64_t before, unsigned limit, int64_t *ret_next) {
        struct seen s = {};

        assert_int_equal(search_each(journal, f, before, limit, see, &s, ret_next), 0);
        return s;
}

static struct transaction_record some(const char *kind) {
        struct transaction_record record;

        transaction_record_init(&record);
        snprintf(record.kind, sizeof(record.kind), "%s", kind);
        strcpy(record.currency, "CNY");
        record.amount = 100;
        return record;
}

/* Each thing that is asked for finds the one that has it, and no other. */
static void each_filter(void **state) {
        struct transaction_record wanted = some("refund");
        struct search_filter f;
        int64_t next, id;
        struct seen s;

        add(3, &(struct transaction_record){ .kind = "sale",
                                             .psn = -1,
                                             .amount = 100,
                                             .state = TRANSACTION_DONE,
                                             .result = RESULT_DECLINED,
                                             .masked_pan = "620000******0005",
                                             .started_usec = 500 });
        wanted.state = TRANSACTION_DONE;
        wanted.result = RESULT_UNCONFIRMED;
        wanted.reversal = REVERSAL_REJECTED;
        wanted.forwarding = FORWARDING_DONE;
        wanted.amount = 7;
        wanted.original = 2;
        wanted.batch = 3;
        wanted.stan = 4;
        wanted.voucher = 5;
        wanted.started_usec = 1000;
        strcpy(wanted.order, "O-1");
        strcpy(wanted.masked_pan, "620000******0017");
        strcpy(wanted.rrn, "000000000009");
        strcpy(wanted.authorization_code, "ABC123");
        add(1, &wanted);
        id = 4;
        add(2, &(struct transaction_record){ .kind = "echo", .psn = -1, .started_usec = 500 });

#define ASSERT_FINDS(member, value)                                                                                   \
        search_filter_init(&f);                                                                                       \
        f.member = (value);                                                                                           \
        s = search(&f, 0, 10, &next);                                                                                 \
        assert_int_equal(s.n, 1);                                                                                     \
        assert_true(s.first == id);                                                                                   \
        assert_true(next == 0)

        ASSERT_FINDS(kind, "refund");
        ASSERT_FINDS(result, "unconfirmed");
        ASSERT_FINDS(reversal, "rejected");
        ASSERT_FINDS(forwarding, "done");
        ASSERT_FINDS(order, "O-1");
        ASSERT_FINDS(last4, "0017");
        ASSERT_FINDS(rrn, "000000000009");
        ASSERT_FINDS(authorization_code, "ABC123");
        ASSERT_FINDS(original, 2);
        ASSERT_FINDS(amount, 7);
        ASSERT_FINDS(batch, 3);
        ASSERT_FINDS(stan, 4);
        ASSERT_FINDS(voucher, 5);
        ASSERT_FINDS(since_usec, 1000);

        search_filter_init(&f);
        f.until_usec = 999;
        assert_int_equal(search(&f, 0, 10, &next).n, 5);
        f.kind = "sale";
        assert_int_equal(search(&f, 0, 10, &next).n, 3);
        f.amount = 0;
        assert_int_equal(search(&f, 0, 10, &next).n, 0);
}

/* Page by page, each one once. */
static void pages(void **state) {
        struct transaction_record record = some("sale");
        struct search_filter f;
        int64_t next = 0;
        unsigned n = 0;

        add(25, &record);
        search_filter_init(&f);
        do
                n += search(&f, next, 10, &next).n;
        while (next > 0);
        assert_int_equal(n, 25);
        assert_int_equal(search(&f, 1, 10, &next).n, 0);
        assert_true(next == 0);
}

/* What lies behind a window is found by going on, not by waiting. */
static void windows(void **state) {
        struct transaction_record old = some("refund"), record = some("sale");
        struct search_filter f;
        struct seen s;
        int64_t next;

        add(1, &old);
        add(SEARCH_WINDOW + 10, &record);
        search_filter_init(&f);
        f.kind = "refund";
        s = search(&f, 0, 10, &next);
        assert_int_equal(s.n, 0);
        assert_true(next > 0);
        s = search(&f, next, 10, &next);
        assert_int_equal(s.n, 1);
        assert_true(s.first == 1);
        assert_true(next == 0);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test_setup_teardown(each_filter, setup, teardown),
                cmocka_unit_test_setup_teardown(pages, setup, teardown),
                cmocka_unit_test_setup_teardown(windows, setup, teardown),
        };

        return cmocka_run_group_tests_name("journal-search", tests, NULL, NULL);
}
