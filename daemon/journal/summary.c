// SPDX-License-Identifier: LGPL-2.1-or-later
#include "journal/summary.h"

#include <sys/stat.h>
#include <sys/statvfs.h>

#include "journal/counter.h"
#include "journal/internal.h"

static int look_at_files(struct journal_summary *s) {
        _cleanup_free_ char *log = NULL;
        struct statvfs disk;
        struct stat st;

        if (stat(s->path, &st) < 0)
                return -errno;
        s->size = (uint64_t) st.st_size;
        if (asprintf(&log, "%s-wal", s->path) < 0)
                return -ENOMEM;
        s->log_size = stat(log, &st) == 0 ? (uint64_t) st.st_size : 0;
        if (statvfs(s->path, &disk) < 0)
                return -errno;
        s->free_space = (uint64_t) disk.f_bavail * disk.f_frsize;
        return 0;
}

static int look_at_rows(struct journal *j, struct journal_summary *s) {
        _cleanup_statement_ sqlite3_stmt *q = NULL;
        int r;

        r = journal_statement(j,
                              "SELECT (SELECT user_version FROM pragma_user_version),"
                              " (SELECT coalesce(min(seq), 0) FROM events), t.id, t.started_usec"
                              " FROM (SELECT 1) LEFT JOIN (SELECT id, started_usec FROM transactions WHERE purged = 0"
                              " ORDER BY id LIMIT 1) t",
                              &q);
        if (r < 0)
                return r;
        r = journal_step(j, q);
        if (r <= 0)
                return r < 0 ? r : -EBADMSG;
        s->schema = sqlite3_column_int64(q, 0);
        s->first_event = sqlite3_column_int64(q, 1);
        s->first_whole = sqlite3_column_int64(q, 2);
        s->first_whole_usec = (uint64_t) sqlite3_column_int64(q, 3);
        return 0;
}

int journal_summarize(struct journal *j, struct journal_summary *ret) {
        struct journal_summary s = {};
        int r;

        COPY(s.path, sqlite3_db_filename(j->db, "main"));
        r = look_at_files(&s);
        if (r >= 0)
                r = look_at_rows(j, &s);
        if (r >= 0)
                r = journal_last_number(j, "transactions", &s.transactions);
        if (r >= 0)
                r = journal_last_number(j, "events", &s.events);
        if (r >= 0)
                r = counter_get_checked(j, &s.checked_usec);
        if (r >= 0)
                r = event_checkpoint_last(j, &s.checkpoint);
        if (r < 0 && r != -ENOENT)
                return r;
        *ret = s;
        return 0;
}
