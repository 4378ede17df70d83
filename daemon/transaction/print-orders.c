// SPDX-License-Identifier: LGPL-2.1-or-later
#include "transaction/print-orders.h"

#include <inttypes.h>

#include "receipt/escpos.h"
#include "receipt/note.h"
#include "transaction/engine.h"

int print_job_note(struct journal *j, const char *kind, const struct print_job *job) {
        char text[256];

        (void) snprintf(text, sizeof(text),
                        "{\"paper\":\"%s\",\"job\":%" PRIi64 ",\"original\":%" PRIi64
                        ",\"reprint\":%u,\"operator\":\"%s\",\"uid\":%" PRIi64 "}",
                        job->what, job->id, job->original, job->reprint, job->asker.operator_id, job->asker.uid);
        return event_append(j, kind, job->transaction, text);
}

int print_order_note_drawer(struct journal *j, const struct print_asker *asker) {
        char text[96];
        int r;

        (void) snprintf(text, sizeof(text), "{\"operator\":\"%s\",\"uid\":%" PRIi64 "}", asker->operator_id,
                        asker->uid);
        r = journal_begin(j, JOURNAL_DURABLE);
        if (r < 0)
                return r;
        _cleanup_(journal_rollbackp) _unused_ struct journal *rollback = j;
        r = event_append(j, "drawer-opened", 0, text);
        return r < 0 ? r : journal_commit(j);
}

/* Ends the journal transaction that has put the job in. */
static int commit_order(struct engine *e, const char *kind, const struct print_job *job, int64_t *ret_job) {
        struct journal *j = e->config.journal;
        int r;

        r = print_job_note(j, kind, job);
        if (r >= 0)
                r = journal_commit(j);
        if (r < 0)
                return r;
        *ret_job = job->id;
        printing_kick(e->printing);
        return 0;
}

int print_order_reprint(struct engine *e, const struct print_job *old, const struct print_asker *asker,
                        int64_t *ret_job) {
        struct journal *j = e->config.journal;
        struct print_job job;
        int r;

        r = journal_begin(j, JOURNAL_DURABLE);
        if (r < 0)
                return r;
        _cleanup_(journal_rollbackp) _unused_ struct journal *rollback = j;
        r = print_job_repeat(j, old, asker, &job);
        return r < 0 ? r : commit_order(e, "reprint", &job, ret_job);
}

/* In a transaction of its own; content is borrowed. */
static int queue_job(struct engine *e, const char *what, int64_t transaction, char *content, size_t size,
                     const struct print_asker *asker, int64_t *ret_job) {
        struct journal *j = e->config.journal;
        struct print_job job = {
                .transaction = transaction, .content = content, .content_size = size, .asker = *asker
        };
        int r;

        COPY(job.what, what);
        r = journal_begin(j, JOURNAL_DURABLE);
        if (r < 0)
                return r;
        _cleanup_(journal_rollbackp) _unused_ struct journal *rollback = j;
        r = print_job_insert(j, &job);
        return r < 0 ? r : commit_order(e, "print", &job, ret_job);
}

int print_order_slip(struct engine *e, int64_t transaction, const struct slip *slip, const struct print_asker *asker,
                     int64_t *ret_job) {
        _cleanup_free_ char *content = NULL;
        size_t size;
        int r;

        r = slip_to_blob(slip, &content, &size);
        return r < 0 ? r : queue_job(e, slip_paper_to_string(slip->paper), transaction, content, size, asker, ret_job);
}

int print_order_text(struct engine *e, const char *text, unsigned size, const struct print_asker *asker,
                     int64_t *ret_job, const char **ret_reason) {
        _cleanup_free_ char *content = NULL;
        const struct note note = { .mode = paper_mode(e->config.settings), .size = size, .text = (char *) text };
        size_t n;
        int r;

        r = note_check(text, ret_reason);
        if (r < 0)
                return r;
        if (!printable_is_all(text, printing_profile(e->printing), true)) {
                *ret_reason =
                        "the printer has neither characters nor pictures for some of it; with ASCII alone it can";
                return -EINVAL;
        }
        r = note_to_blob(&note, &content, &n);
        return r < 0 ? r : queue_job(e, "text", 0, content, n, asker, ret_job);
}
