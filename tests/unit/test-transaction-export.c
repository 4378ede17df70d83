// SPDX-License-Identifier: LGPL-2.1-or-later
/* The journal as JSON lines: whole, signed, and without what nobody outside may have. */
#include "journal-fixture.h"

#include <cjson/cJSON.h>
#include <openssl/sha.h>
#include <signal.h>
#include <sys/mman.h>

#include "base/hex.h"
#include "journal/checkpoint.h"
#include "journal/fault.h"
#include "journal/internal.h"
#include "journal/summary.h"
#include "transaction/export.h"
#include "transaction/upkeep.h"

#define CANARY "6217009876543210128"
#define N_SALES 250
#define N_EVENTS (N_SALES + 1)

static struct journal *filled(void) {
        struct fault_record fault = { .code = "reversal-rejected", .class = "network", .severity = "error" };
        struct journal *j = open_good();

        for (int i = 0; i < N_SALES; i++) {
                struct transaction_record record;

                transaction_record_init(&record);
                snprintf(record.reference, sizeof(record.reference), "r%d", i);
                strcpy(record.kind, "sale");
                record.amount = 999999999999;
                strcpy(record.message, "\"quoted\" 晨光\n");
                assert_int_equal(journal_begin(j, JOURNAL_LAZY), 0);
                assert_int_equal(transaction_record_insert(j, &record), 0);
                assert_int_equal(transaction_record_set_pan(j, &record, CANARY), 0);
                assert_int_equal(event_append(j, "sent", record.id, "{\"stan\":1}"), 0);
                assert_int_equal(journal_commit(j), 0);
        }
        assert_int_equal(journal_begin(j, JOURNAL_LAZY), 0);
        assert_int_equal(event_checkpoint_add(j), 1);
        assert_int_equal(fault_record_open(j, &fault), 1);
        assert_int_equal(journal_commit(j), 0);
        return j;
}

/* What it is, when the reader reads only where it has to; *ret_waits: how often. */
static char *export_all(struct journal *j, int *ret_waits) {
        struct export *x = NULL;
        const char *done;
        uint64_t n, total;
        size_t size;
        char *text = NULL, buffer[4096];
        FILE *f = open_memstream(&text, &size);
        int fds[2], r;
        ssize_t l;

        assert_non_null(f);
        assert_int_equal(pipe2(fds, O_CLOEXEC), 0);
        assert_int_equal(export_to_pipe(j, fds[1], &x), 0);
        safe_close(fds[1]);
        for (*ret_waits = 0; (r = export_slice(j, x)) > 0;)
                if (r == UPKEEP_WAIT) {
                        ++*ret_waits;
                        l = read(fds[0], buffer, sizeof(buffer));
                        assert_true(l > 0);
                        assert_int_equal(fwrite(buffer, 1, (size_t) l, f), l);
                }
        assert_int_equal(r, 0);
        assert_int_equal(export_finish(x, &done), 0);
        assert_null(done);
        export_progress(x, &n, &total);
        assert_int_equal(n, N_SALES + N_EVENTS + 2);
        assert_int_equal(total, n);
        export_free(x);
        while ((l = read(fds[0], buffer, sizeof(buffer))) > 0)
                assert_int_equal(fwrite(buffer, 1, (size_t) l, f), l);
        safe_close(fds[0]);
        assert_int_equal(fclose(f), 0);
        return text;
}

static const char *text_of(const cJSON *o, const char *name) {
        return strempty(cJSON_GetStringValue(cJSON_GetObjectItem(o, name)));
}

static void is_whole(void **state) {
        struct journal *j = filled();
        int waits;
        char *text = export_all(j, &waits), hash[65], pan_hash[65], hex[65], *line, *save = NULL, *manifest;
        unsigned n[4] = {}, lines = 0;
        uint8_t digest[32], head[32];
        int64_t seq;
        cJSON *o = NULL;

        /* A pipe is full now and then. */
        assert_true(waits > 10);

        assert_int_equal(transaction_pan_hash(j, CANARY, pan_hash), 0);
        assert_null(strstr(text, CANARY));
        assert_null(strstr(text, pan_hash));
        assert_null(strstr(text, "sealed"));
        assert_non_null(strstr(text, "\"masked_pan\":\"621700*********0128\""));
        assert_non_null(strstr(text, "\"amount\":999999999999,"));

        manifest = strstr(text, "{\"table\":\"manifest\"");
        assert_non_null(manifest);
        SHA256((const uint8_t *) text, (size_t) (manifest - text), digest);
        hex_encode(digest, sizeof(digest), hash);
        for (line = strtok_r(text, "\n", &save); line; line = strtok_r(NULL, "\n", &save)) {
                o = cJSON_Parse(line);
                if (!o)
                        fail_msg("%s", line);
                if (line != manifest) {
                        n[0] += streq(text_of(o, "table"), "checkpoints");
                        n[1] += streq(text_of(o, "table"), "events");
                        n[2] += streq(text_of(o, "table"), "transactions");
                        n[3] += streq(text_of(o, "table"), "faults");
                        if (streq(text_of(o, "table"), "transactions"))
                                assert_string_equal(text_of(o, "message"), "\"quoted\" 晨光\n");
                        cJSON_Delete(o);
                }
                lines++;
        }
        assert_int_equal(n[0], 1);
        assert_int_equal(n[1], N_EVENTS);
        assert_int_equal(n[2], N_SALES);
        assert_int_equal(n[3], 1);
        assert_int_equal(lines, N_SALES + N_EVENTS + 3);
        /* o is the manifest. */
        assert_int_equal(cJSON_GetNumberValue(cJSON_GetObjectItem(o, "checkpoints")), 1);
        assert_int_equal(cJSON_GetNumberValue(cJSON_GetObjectItem(o, "events")), N_EVENTS);
        assert_int_equal(cJSON_GetNumberValue(cJSON_GetObjectItem(o, "transactions")), N_SALES);
        assert_int_equal(cJSON_GetNumberValue(cJSON_GetObjectItem(o, "faults")), 1);
        assert_string_equal(text_of(o, "sha256"), hash);
        assert_int_equal(event_head(j, &seq, head), 0);
        hex_encode(head, sizeof(head), hex);
        assert_string_equal(text_of(cJSON_GetObjectItem(o, "head"), "hash"), hex);
        assert_int_equal(strlen(text_of(o, "signature")), 64);
        cJSON_Delete(o);
        free(text);
        journal_close(j);
}

static void a_reader_that_leaves(void **state) {
        struct journal *j = filled();
        struct export *x = NULL;
        int fds[2], r;

        /* Nobody reads any more. */
        assert_int_equal(pipe2(fds, O_CLOEXEC), 0);
        assert_int_equal(export_to_pipe(j, fds[1], &x), 0);
        safe_close(fds[0]);
        safe_close(fds[1]);
        while ((r = export_slice(j, x)) > 0)
                ;
        assert_int_equal(r, -EPIPE);
        export_free(x);
        journal_close(j);
}

static void a_file_of_its_own(void **state) {
        struct journal *j = filled();
        struct export *x = NULL;
        const char *name = NULL;
        char folder[64];
        struct stat st;
        int r;

        snprintf(folder, sizeof(folder), "%s/export", dir);
        for (int finished = 0; finished < 2; finished++) {
                char command[96];

                assert_int_equal(export_to_folder(j, folder, "journal-test", &x), 0);
                while (finished && (r = export_slice(j, x)) > 0)
                        ;
                if (finished) {
                        assert_int_equal(r, 0);
                        assert_int_equal(export_finish(x, &name), 0);
                        assert_non_null(strstr(name, "/export/journal-test-2"));
                        assert_int_equal(stat(name, &st), 0);
                        assert_int_equal(st.st_mode & 0777, 0600);
                        assert_true(st.st_size > 1000);
                }
                export_free(x);
                /* What is not finished leaves nothing. */
                snprintf(command, sizeof(command), "test $(ls %s | wc -l) = %d", folder, finished);
                assert_int_equal(system(command), 0);
        }
        journal_close(j);
}

/* Only what cannot make tilld wait, whoever else holds it. */
static void not_into_anything(void **state) {
        struct journal *j = open_good();
        struct export *x = NULL;
        int fds[] = { open("/dev/null", O_WRONLY | O_CLOEXEC), open(path, O_RDWR | O_CLOEXEC),
                      memfd_create("export", MFD_CLOEXEC), open(path, O_RDONLY | O_CLOEXEC) };

        for (size_t i = 0; i < ELEMENTSOF(fds); i++) {
                assert_int_equal(export_to_pipe(j, fds[i], &x), i == 3 ? -EBADF : -EMEDIUMTYPE);
                assert_null(x);
                safe_close(fds[i]);
        }
        journal_close(j);
}

static void summary(void **state) {
        struct journal *j = open_good();
        struct journal_summary s;

        assert_int_equal(journal_summarize(j, &s), 0);
        assert_int_equal(s.transactions, 0);
        assert_int_equal(s.first_whole, 0);
        assert_int_equal(s.checkpoint.number, 0);
        journal_close(j);
        assert_int_equal(unlink(path), 0);
        j = filled();
        assert_int_equal(journal_summarize(j, &s), 0);
        assert_string_equal(s.path, path);
        assert_true(s.schema >= 9);
        assert_true(s.size > 4096 && s.log_size > 4096 && s.free_space > 0);
        assert_int_equal(s.transactions, N_SALES);
        assert_int_equal(s.first_whole, 1);
        assert_int_equal(s.events, N_EVENTS);
        assert_int_equal(s.first_event, 1);
        assert_int_equal(s.checkpoint.seq, N_SALES);
        assert_int_equal(s.checked_usec, 0);
        journal_close(j);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test_setup_teardown(is_whole, setup, teardown),
                cmocka_unit_test_setup_teardown(a_reader_that_leaves, setup, teardown),
                cmocka_unit_test_setup_teardown(a_file_of_its_own, setup, teardown),
                cmocka_unit_test_setup_teardown(not_into_anything, setup, teardown),
                cmocka_unit_test_setup_teardown(summary, setup, teardown),
        };

        (void) signal(SIGPIPE, SIG_IGN);
        return cmocka_run_group_tests_name("transaction-export", tests, NULL, NULL);
}
