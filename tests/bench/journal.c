// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * How long the journal takes with few rows and with many, in one run:
 *   journal-bench FOLDER ROWS...
 * fills FOLDER/ROWS.db where there is none yet, and measures each. Nothing is asserted: disks differ.
 */
#include <inttypes.h>
#include <sys/stat.h>

#include "base/clock.h"
#include "journal/binding.h"
#include "journal/contact.h"
#include "journal/counter.h"
#include "journal/verify.h"
#include "journal/print_job.h"
#include "journal/transaction.h"
#include "transaction/engine.h"

#define IN_ONE_COMMIT 5000
#define A_BATCH 2000 /* transactions */
#define REPEATS 200

static const uint8_t key[JOURNAL_KEY_SIZE] = { 1, 2, 3 };

static _Noreturn void fail(const char *what, int r) {
        fprintf(stderr, "journal-bench: %s: %s\n", what, strerror(-r));
        exit(EXIT_FAILURE);
}

static int check(const char *what, int r) {
        if (r < 0)
                fail(what, r);
        return r;
}

/* As a chip sale leaves it. */
static void fill_record(struct transaction_record *t, int64_t i) {
        transaction_record_init(t);
        (void) snprintf(t->reference, sizeof(t->reference), "checkout-1-%010" PRIi64, i);
        COPY(t->kind, "sale");
        t->amount = 100 + i % 100000;
        COPY(t->currency, "CNY");
        memset(t->options_digest, 'A', 64);
        memset(t->boot_id, 'b', 32);
        t->started_usec = (uint64_t) i * 30 * USEC_PER_SEC;
        t->state = TRANSACTION_DONE;
        t->result = RESULT_APPROVED;
        t->entry = ENTRY_CHIP;
        t->batch = (uint32_t) (i / A_BATCH % 900000) + 1;
        t->stan = t->voucher = (uint32_t) (i % A_BATCH) + 1;
        (void) snprintf(t->rrn, sizeof(t->rrn), "%012u", (unsigned) i % 1000000000);
        COPY(t->authorization_code, "123456");
        COPY(t->response_code, "00");
        COPY(t->host_time, "0101120000");
        COPY(t->aid, "A000000333010101");
        COPY(t->cryptogram, "0123456789ABCDEF");
        t->finished_usec = t->started_usec + 5 * USEC_PER_SEC;
}

static int add_sale(struct journal *j, int64_t i) {
        struct print_job job = { .what = "merchant-copy" };
        struct transaction_record t;
        char slip[400], pan[PAN_TEXT_MAX];
        int r;

        fill_record(&t, i);
        r = transaction_record_insert(j, &t);
        if (r < 0)
                return r;
        (void) snprintf(pan, sizeof(pan), "62000000%08u", (unsigned) (i % 5000));
        r = transaction_record_set_pan(j, &t, pan);
        if (r < 0)
                return r;
        memset(slip, 's', sizeof(slip));
        job.transaction = t.id;
        job.content = slip;
        job.content_size = sizeof(slip);
        r = print_job_insert(j, &job);
        if (r < 0)
                return r;
        r = print_job_set_state(j, job.id, PRINT_PRINTING);
        if (r < 0)
                return r;
        r = print_job_set_state(j, job.id, PRINT_PRINTED);
        if (r < 0)
                return r;
        r = event_append(j, "sent", t.id, "{\"stan\":1}");
        if (r < 0)
                return r;
        return event_append(j, "approved", t.id, "{\"code\":\"00\"}");
}

static void generate(const char *path, int64_t rows) {
        struct journal *j = NULL;
        char *message = NULL;

        if (journal_open(path, key, &j, &message) < 0) {
                fprintf(stderr, "journal-bench: %s\n", message);
                exit(EXIT_FAILURE);
        }
        for (int64_t i = 0; i < rows;) {
                check("begin", journal_begin(j, JOURNAL_LAZY));
                for (int64_t end = MIN(i + IN_ONE_COMMIT, rows); i < end; i++)
                        check("a sale", add_sale(j, i));
                check("commit", journal_commit(j));
        }
        check("begin", journal_begin(j, JOURNAL_DURABLE));
        check("batch", counter_set_batch(j, (uint32_t) (rows / A_BATCH % 900000) + 2));
        check("commit", journal_commit(j));
        journal_close(j);
}

/* ---- Measuring ---- */

static double since(uint64_t start) {
        return (double) (clock_now(CLOCK_MONOTONIC) - start) / 1000;
}

static double find(struct journal *j, int64_t rows) {
        uint64_t start = clock_now(CLOCK_MONOTONIC);

        for (int64_t i = 0; i < REPEATS; i++) {
                struct transaction_record t;
                char reference[65];

                (void) snprintf(reference, sizeof(reference), "checkout-1-%010" PRIi64,
                                (rows / REPEATS * i + 7) % rows);
                check("find", transaction_record_find(j, reference, &t));
        }
        return since(start) / REPEATS;
}

static int nothing(const struct transaction_record *record, void *userdata) {
        return 0;
}

static double last(struct journal *j) {
        uint64_t start = clock_now(CLOCK_MONOTONIC);

        check("the last", transaction_record_each_last(j, 50, nothing, NULL));
        return since(start);
}

static double reprint(struct journal *j, int64_t rows) {
        uint64_t start = clock_now(CLOCK_MONOTONIC);

        for (int64_t i = 0; i < REPEATS; i++) {
                _cleanup_(print_job_done) struct print_job job = {};

                check("its slip", print_job_find(j, rows / REPEATS * i + 1, "merchant-copy", &job));
        }
        return since(start) / REPEATS;
}

static const struct notice_order order = {
        .event = NOTICE_TRANSACTION,
        .what = NOTICE_TEXT_TRANSACTION,
        .fields = { .kind = "sale", .amount = "128.50 CNY", .last_four = "0005", .reference = "ORDER-1" },
};

/* One more each time that it is measured: the next ones of the file. With who is told of it; NULL: nobody. */
static double commit(struct journal *j, struct notices *n) {
        struct transaction_record t;
        uint64_t start;
        double spent;

        transaction_record_init(&t);
        (void) snprintf(t.reference, sizeof(t.reference), "bench-%" PRIu64, clock_now(CLOCK_REALTIME));
        COPY(t.kind, "sale");
        t.amount = 1;
        start = clock_now(CLOCK_MONOTONIC);
        check("begin", journal_begin(j, JOURNAL_DURABLE));
        check("insert", transaction_record_insert(j, &t));
        check("stan", counter_next_stan(j, &t.stan));
        check("batch", counter_get_batch(j, &t.batch));
        t.state = TRANSACTION_DONE;
        t.result = RESULT_FAILED;
        check("update", transaction_record_update(j, &t));
        check("event", event_append(j, "failed", t.id, NULL));
        if (n)
                check("notice", notices_add(n, &order, NOTICE_TO_ALL));
        check("commit", journal_commit(j));
        spent = since(start);
        return spent;
}

static int compare(const void *a, const void *b) {
        double x = *(const double *) a, y = *(const double *) b;

        return (x > y) - (x < y);
}

/* Of REPEATS: a disk has its moods. */
static double median(double *values) {
        qsort(values, REPEATS, sizeof(*values), compare);
        return values[REPEATS / 2];
}

/* As it is for a terminal with a phone and two contacts. */
static void enrol(struct journal *j) {
        struct contact_record contact = {
                .name = "bench", .phone = "+8613800138001", .channel = "sms", .language = "zh_CN", .added_usec = 1
        };
        struct binding_record phone = {
                .phone = "+8613800138000", .serial = "SN-1", .terminal = "T0000001", .by = "uid 0", .since_usec = 1
        };
        struct binding_record bound;

        if (binding_record_load_current(j, &bound) >= 0)
                return;
        check("begin", journal_begin(j, JOURNAL_LAZY));
        check("phone", binding_record_insert(j, &phone));
        for (int i = 0; i < 2; i++)
                check("contact", contact_record_insert(j, &contact));
        check("commit", journal_commit(j));
}

static void measure(const char *path, int64_t rows) {
        double opened, found, listed, printed, verified, written[REPEATS], told[REPEATS];
        struct settings settings = { .merchant_name = (char *) "bench", .terminal_number = "T0000001" };
        struct engine engine = { .config.settings = &settings };
        struct notices *n = NULL;
        struct journal *j = NULL;
        uint64_t start;
        struct stat st;
        int64_t seq;

        start = clock_now(CLOCK_MONOTONIC);
        check("open", journal_open(path, key, &j, NULL));
        opened = since(start);
        found = find(j, rows);
        listed = last(j);
        printed = reprint(j, rows);
        enrol(j);
        engine.config.journal = j;
        check("notices", notices_new(&engine, &n));
        for (int i = 0; i < REPEATS; i++) {
                written[i] = commit(j, NULL);
                told[i] = commit(j, n);
        }
        notices_free(n);
        start = clock_now(CLOCK_MONOTONIC);
        check("verify", event_verify(j, &seq));
        verified = since(start);
        journal_close(j);
        if (stat(path, &st) < 0)
                fail(path, -errno);
        printf("%10" PRIi64 " %8.1f %10.2f %10.4f %10.3f %10.4f %10.2f %10.2f %12.1f\n", rows,
               (double) st.st_size / (1 << 20), opened, found, listed, printed, median(written), median(told),
               verified);
}

int main(int argc, char **argv) {
        if (argc < 3) {
                fprintf(stderr, "usage: journal-bench FOLDER ROWS...\n");
                return 2;
        }
        printf("%10s %8s %10s %10s %10s %10s %10s %10s %12s\n", "rows", "MiB", "open ms", "find ms", "last 50 ms",
               "reprint ms", "commit ms", "+notice ms", "verify ms");
        for (int i = 2; i < argc; i++) {
                int64_t rows = strtoll(argv[i], NULL, 10);
                _cleanup_free_ char *path = NULL;

                if (rows < REPEATS || asprintf(&path, "%s/%" PRIi64 ".db", argv[1], rows) < 0)
                        return 2;
                if (access(path, F_OK) < 0)
                        generate(path, rows);
                measure(path, rows);
        }
        return 0;
}
