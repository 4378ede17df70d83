// SPDX-License-Identifier: LGPL-2.1-or-later
#include "journal/uptime.h"

#include <systemd/sd-id128.h>

#include "base/clock.h"
#include "journal/internal.h"

struct uptime {
        char boot_id[SD_ID128_STRING_MAX];
        int64_t base;  /* of all boots before that one */
        int64_t total; /* when it was saved */
};

/* All 0 in a new journal. */
static int load(struct journal *j, struct uptime *ret) {
        _cleanup_statement_ sqlite3_stmt *s = NULL;
        struct uptime u = {};
        int r;

        r = journal_statement(j, "SELECT boot_id, base_usec, total_usec FROM uptime", &s);
        if (r < 0)
                return r;
        r = journal_step(j, s);
        if (r < 0)
                return r;
        if (r > 0) {
                r = journal_column_text(s, 0, u.boot_id, sizeof(u.boot_id));
                if (r < 0)
                        return r;
                u.base = sqlite3_column_int64(s, 1);
                u.total = sqlite3_column_int64(s, 2);
        }
        *ret = u;
        return 0;
}

/* What was saved, brought up to this moment. */
static int look(struct journal *j, struct uptime *ret) {
        char boot_id[SD_ID128_STRING_MAX];
        struct uptime u;
        sd_id128_t boot;
        int r;

        r = sd_id128_get_boot(&boot);
        if (r < 0)
                return r;
        r = load(j, &u);
        if (r < 0)
                return r;
        if (!streq(u.boot_id, sd_id128_to_string(boot, boot_id))) {
                COPY(u.boot_id, boot_id);
                u.base = u.total;
        }
        u.total = MAX(u.total, u.base + (int64_t) clock_now(CLOCK_BOOTTIME));
        *ret = u;
        return 0;
}

int uptime_get(struct journal *j, uint64_t *ret_usec) {
        struct uptime u;
        int r;

        r = look(j, &u);
        if (r < 0)
                return r;
        *ret_usec = (uint64_t) u.total;
        return 0;
}

int uptime_since(struct journal *j, uint64_t then, uint64_t *ret_usec) {
        struct uptime u;
        int r;

        r = look(j, &u);
        if (r < 0)
                return r;
        *ret_usec = (uint64_t) u.total > then ? (uint64_t) u.total - then : 0;
        return then > (uint64_t) u.base;
}

int uptime_save(struct journal *j) {
        _cleanup_statement_ sqlite3_stmt *s = NULL;
        struct uptime u;
        int r;

        r = journal_require_open(j);
        if (r < 0)
                return r;
        r = look(j, &u);
        if (r < 0)
                return r;
        r = journal_statement(j,
                              "INSERT INTO uptime (one, boot_id, base_usec, total_usec) VALUES (1, ?1, ?2, ?3)"
                              " ON CONFLICT DO UPDATE SET boot_id = ?1, base_usec = ?2, total_usec = ?3",
                              &s);
        if (r < 0)
                return r;
        (void) sqlite3_bind_text(s, 1, u.boot_id, -1, SQLITE_STATIC);
        (void) sqlite3_bind_int64(s, 2, u.base);
        (void) sqlite3_bind_int64(s, 3, u.total);
        return journal_run(j, s);
}
