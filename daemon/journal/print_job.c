// SPDX-License-Identifier: LGPL-2.1-or-later
#include "journal/print_job.h"

#include "journal/internal.h"

void print_job_done(struct print_job *job) {
        free(job->content);
        job->content = NULL;
        job->content_size = 0;
}

int print_job_insert(struct journal *j, struct print_job *job) {
        _cleanup_statement_ sqlite3_stmt *s = NULL;
        int r;

        r = journal_require_open(j);
        if (r < 0)
                return r;
        if (job->content_size == 0 || job->content_size > PRINT_JOB_CONTENT_MAX)
                return -ERANGE;
        r = journal_statement(
                j,
                "INSERT INTO print_jobs (transaction_id, what, duplicate, state, created_usec, content, original,"
                "  reprint, operator_id, uid) VALUES (nullif(?, 0), ?, ?, ?, ?, ?, ?, ?, ?, ?)",
                &s);
        if (r < 0)
                return r;
        job->created_usec = job->created_usec ?: journal_now();
        if (job->state != PRINT_ELECTRONIC)
                job->state = PRINT_QUEUED;
        (void) sqlite3_bind_int64(s, 1, job->transaction);
        (void) sqlite3_bind_text(s, 2, job->what, -1, SQLITE_STATIC);
        (void) sqlite3_bind_int64(s, 3, job->duplicate);
        (void) sqlite3_bind_text(s, 4, print_state_to_string(job->state), -1, SQLITE_STATIC);
        (void) sqlite3_bind_int64(s, 5, (int64_t) job->created_usec);
        (void) sqlite3_bind_blob(s, 6, job->content, (int) job->content_size, SQLITE_STATIC);
        (void) sqlite3_bind_int64(s, 7, job->original);
        (void) sqlite3_bind_int64(s, 8, job->reprint);
        (void) sqlite3_bind_text(s, 9, job->asker.operator_id, -1, SQLITE_STATIC);
        (void) sqlite3_bind_int64(s, 10, job->asker.uid);
        r = journal_run(j, s);
        if (r < 0)
                return r;
        job->id = sqlite3_last_insert_rowid(j->db);
        return 0;
}

static int count_repeats(struct journal *j, int64_t original, unsigned *ret) {
        _cleanup_statement_ sqlite3_stmt *s = NULL;
        int r;

        r = journal_statement(j, "SELECT coalesce(max(reprint), 0) FROM print_jobs WHERE original = ?1 AND ?1 <> 0",
                              &s);
        if (r < 0)
                return r;
        (void) sqlite3_bind_int64(s, 1, original);
        r = journal_step(j, s);
        if (r <= 0)
                return r < 0 ? r : -EBADMSG;
        *ret = (unsigned) sqlite3_column_int64(s, 0);
        return 0;
}

int print_job_repeat(struct journal *j, const struct print_job *old, const struct print_asker *asker,
                     struct print_job *ret_job) {
        struct print_job job = *old;
        unsigned repeats;
        int r;

        job.original = old->original ?: old->id;
        r = count_repeats(j, job.original, &repeats);
        if (r < 0)
                return r;
        job.reprint = repeats + 1;
        job.duplicate = true;
        job.state = PRINT_QUEUED;
        job.created_usec = 0;
        job.asker = *asker;
        r = print_job_insert(j, &job);
        if (r < 0)
                return r;
        job.content = NULL;
        job.content_size = 0;
        *ret_job = job;
        return 0;
}

static int read_job(sqlite3_stmt *s, struct print_job *ret) {
        struct print_job job = {
                .id = sqlite3_column_int64(s, 0),
                .transaction = sqlite3_column_int64(s, 1),
                .duplicate = sqlite3_column_int64(s, 3) != 0,
                .created_usec = (uint64_t) sqlite3_column_int64(s, 5),
                .original = sqlite3_column_int64(s, 7),
                .reprint = (unsigned) sqlite3_column_int64(s, 8),
                .asker.uid = sqlite3_column_int64(s, 10),
        };
        const void *content = sqlite3_column_blob(s, 6);
        int size = sqlite3_column_bytes(s, 6), r;

        r = journal_column_text(s, 2, job.what, sizeof(job.what));
        if (r >= 0)
                r = journal_column_text(s, 9, job.asker.operator_id, sizeof(job.asker.operator_id));
        if (r < 0)
                return r;
        job.state = print_state_from_string((const char *) sqlite3_column_text(s, 4));
        if ((int) job.state < 0 || size <= 0 || size > PRINT_JOB_CONTENT_MAX)
                return -EBADMSG;
        job.content = malloc((size_t) size);
        if (!job.content)
                return -ENOMEM;
        memcpy(job.content, content, (size_t) size);
        job.content_size = (size_t) size;
        *ret = job;
        return 0;
}

static int step_job(struct journal *j, sqlite3_stmt *s, struct print_job *ret) {
        int r = journal_step(j, s);

        if (r < 0)
                return r;
        return r == 0 ? -ENOENT : read_job(s, ret);
}

#define SELECT_JOB                                                                                                    \
        "SELECT id, coalesce(transaction_id, 0), what, duplicate, state, created_usec, content, original, reprint,"   \
        " operator_id, uid FROM print_jobs"

int print_job_load(struct journal *j, int64_t id, struct print_job *ret) {
        _cleanup_statement_ sqlite3_stmt *s = NULL;
        int r;

        r = journal_statement(j, SELECT_JOB " WHERE id = ?", &s);
        if (r < 0)
                return r;
        (void) sqlite3_bind_int64(s, 1, id);
        return step_job(j, s, ret);
}

int print_job_first(struct journal *j, int64_t behind, struct print_job *ret) {
        _cleanup_statement_ sqlite3_stmt *s = NULL;
        int r;

        r = journal_statement(j, SELECT_JOB " WHERE state IN ('queued','printing') AND id > ? ORDER BY id LIMIT 1",
                              &s);
        if (r < 0)
                return r;
        (void) sqlite3_bind_int64(s, 1, behind);
        return step_job(j, s, ret);
}

int print_job_find(struct journal *j, int64_t transaction, const char *what, struct print_job *ret) {
        _cleanup_statement_ sqlite3_stmt *s = NULL;
        int r;

        r = journal_statement(j,
                              SELECT_JOB " WHERE transaction_id = ?1 AND (?2 IS NULL OR what = ?2)"
                                         " ORDER BY id DESC LIMIT 1",
                              &s);
        if (r < 0)
                return r;
        (void) sqlite3_bind_int64(s, 1, transaction);
        (void) sqlite3_bind_text(s, 2, what, -1, SQLITE_STATIC);
        return step_job(j, s, ret);
}

int print_job_last_transaction(struct journal *j, int64_t *ret) {
        return journal_query_number(j,
                                    "SELECT transaction_id FROM print_jobs WHERE transaction_id > 0"
                                    " ORDER BY transaction_id DESC LIMIT 1",
                                    ret);
}

static bool state_may_become(enum print_state from, enum print_state to) {
        switch (from) {
        case PRINT_QUEUED:
                return to == PRINT_PRINTING || to == PRINT_CANCELLED;
        case PRINT_PRINTING:
                return to == PRINT_PRINTED || to == PRINT_UNCONFIRMED || to == PRINT_QUEUED || to == PRINT_CANCELLED;
        default:
                return false;
        }
}

static int load_state(struct journal *j, int64_t id, enum print_state *ret) {
        _cleanup_statement_ sqlite3_stmt *s = NULL;
        enum print_state state;
        int r;

        r = journal_statement(j, "SELECT state FROM print_jobs WHERE id = ?", &s);
        if (r < 0)
                return r;
        (void) sqlite3_bind_int64(s, 1, id);
        r = journal_step(j, s);
        if (r <= 0)
                return r < 0 ? r : -ENOENT;
        state = print_state_from_string((const char *) sqlite3_column_text(s, 0));
        if ((int) state < 0)
                return -EBADMSG;
        *ret = state;
        return 0;
}

int print_job_set_state(struct journal *j, int64_t id, enum print_state state) {
        _cleanup_statement_ sqlite3_stmt *s = NULL;
        enum print_state old;
        int r;

        r = load_state(j, id, &old);
        if (r < 0)
                return r;
        if (!state_may_become(old, state))
                return -EALREADY;
        r = journal_statement(j, "UPDATE print_jobs SET state = ? WHERE id = ?", &s);
        if (r < 0)
                return r;
        (void) sqlite3_bind_text(s, 1, print_state_to_string(state), -1, SQLITE_STATIC);
        (void) sqlite3_bind_int64(s, 2, id);
        return journal_run(j, s);
}

int print_job_requeue(struct journal *j, int64_t id) {
        _cleanup_statement_ sqlite3_stmt *s = NULL;
        enum print_state old;
        int r;

        r = load_state(j, id, &old);
        if (r < 0)
                return r;
        if (old != PRINT_PRINTING)
                return -EALREADY;
        r = journal_statement(j, "UPDATE print_jobs SET state = 'queued', duplicate = 1 WHERE id = ?", &s);
        if (r < 0)
                return r;
        (void) sqlite3_bind_int64(s, 1, id);
        return journal_run(j, s);
}

int print_job_requeue_interrupted(struct journal *j) {
        _cleanup_statement_ sqlite3_stmt *s = NULL;
        int r;

        r = journal_statement(j, "UPDATE print_jobs SET state = 'queued', duplicate = 1 WHERE state = 'printing'", &s);
        if (r < 0)
                return r;
        r = journal_run(j, s);
        return r < 0 ? r : sqlite3_changes(j->db);
}

int print_job_each_last(struct journal *j, unsigned limit, print_job_each_t each, void *userdata) {
        _cleanup_free_ int64_t *ids = NULL;
        sqlite3_stmt *s;
        size_t n = 0;
        int r;

        r = journal_statement(j, "SELECT id FROM print_jobs ORDER BY id DESC LIMIT ?", &s);
        if (r < 0)
                return r;
        (void) sqlite3_bind_int64(s, 1, limit);
        r = journal_column_ids(j, s, &ids, &n);
        for (size_t i = 0; r == 0 && i < n; i++) {
                _cleanup_(print_job_done) struct print_job job = {};

                r = print_job_load(j, ids[i], &job);
                if (r == 0)
                        r = each(&job, userdata);
        }
        return r;
}

int print_job_count_open(struct journal *j) {
        return journal_query_count(j, "SELECT count(*) FROM print_jobs WHERE state IN ('queued','printing')");
}
