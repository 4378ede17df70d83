// SPDX-License-Identifier: LGPL-2.1-or-later
#include "journal/event.h"

#include <inttypes.h>
#include <openssl/evp.h>

#include "journal/counter.h"
#include "journal/internal.h"
#include "journal/uptime.h"

static void digest_freep(EVP_MD_CTX **context) {
        EVP_MD_CTX_free(*context);
}

static bool add_number(EVP_MD_CTX *context, uint64_t number) {
        uint8_t bytes[8];

        for (unsigned i = 0; i < 8; i++)
                bytes[i] = (uint8_t) (number >> (56 - 8 * i));
        return EVP_DigestUpdate(context, bytes, sizeof(bytes)) == 1;
}

static bool add_text(EVP_MD_CTX *context, const char *text) {
        size_t l = strlen(text);

        return add_number(context, l) && EVP_DigestUpdate(context, text, l) == 1;
}

int event_hash(const uint8_t previous[static EVENT_HASH_SIZE], const struct event_record *event,
               uint8_t ret[static EVENT_HASH_SIZE]) {
        _cleanup_(digest_freep) EVP_MD_CTX *context = EVP_MD_CTX_new();

        if (!context || EVP_DigestInit_ex(context, EVP_sha256(), NULL) != 1 ||
            EVP_DigestUpdate(context, previous, EVENT_HASH_SIZE) != 1 || !add_number(context, (uint64_t) event->seq) ||
            !add_number(context, event->time_usec) || !add_number(context, (uint64_t) event->transaction) ||
            !add_text(context, event->kind) || !add_text(context, event->text) ||
            EVP_DigestFinal_ex(context, ret, NULL) != 1)
                return -ENOMEM;
        return 0;
}

int event_head(struct journal *j, int64_t *ret_seq, uint8_t ret_hash[static EVENT_HASH_SIZE]) {
        _cleanup_statement_ sqlite3_stmt *s = NULL;
        int r;

        r = journal_statement(j, "SELECT seq, hash FROM events ORDER BY seq DESC LIMIT 1", &s);
        if (r < 0)
                return r;
        r = journal_step(j, s);
        if (r < 0)
                return r;
        if (r == 0) {
                *ret_seq = 0;
                memset(ret_hash, 0, EVENT_HASH_SIZE);
                return 0;
        }
        if (sqlite3_column_bytes(s, 1) != EVENT_HASH_SIZE)
                return -EBADMSG;
        *ret_seq = sqlite3_column_int64(s, 0);
        memcpy(ret_hash, sqlite3_column_blob(s, 1), EVENT_HASH_SIZE);
        return 0;
}

int event_append(struct journal *j, const char *kind, int64_t transaction, const char *text) {
        _cleanup_statement_ sqlite3_stmt *s = NULL;
        struct event_record event = { .transaction = transaction, .kind = kind, .text = text ?: "{}" };
        uint8_t previous[EVENT_HASH_SIZE], hash[EVENT_HASH_SIZE];
        int r;

        r = journal_require_open(j);
        if (r < 0)
                return r;
        if (isempty(kind) || strlen(kind) > EVENT_KIND_MAX || strlen(event.text) > EVENT_TEXT_MAX)
                return -ERANGE;
        r = event_head(j, &event.seq, previous);
        if (r < 0)
                return r;
        event.seq++;
        event.time_usec = journal_now();
        r = event_hash(previous, &event, hash);
        if (r < 0)
                return r;
        r = journal_statement(
                j, "INSERT INTO events (seq, time_usec, transaction_id, kind, text, hash) VALUES (?, ?, ?, ?, ?, ?)",
                &s);
        if (r < 0)
                return r;
        (void) sqlite3_bind_int64(s, 1, event.seq);
        (void) sqlite3_bind_int64(s, 2, (int64_t) event.time_usec);
        (void) sqlite3_bind_int64(s, 3, event.transaction);
        (void) sqlite3_bind_text(s, 4, event.kind, -1, SQLITE_STATIC);
        (void) sqlite3_bind_text(s, 5, event.text, -1, SQLITE_STATIC);
        (void) sqlite3_bind_blob(s, 6, hash, sizeof(hash), SQLITE_STATIC);
        r = journal_run(j, s);
        if (r < 0)
                return r;
        r = counter_raise_clock(j, event.time_usec);
        if (r < 0)
                return r;
        /* What the clock is held against is never behind the entry. */
        return uptime_save(j);
}

void event_read(sqlite3_stmt *s, struct event_record *ret) {
        *ret = (struct event_record){
                .seq = sqlite3_column_int64(s, 0),
                .time_usec = (uint64_t) sqlite3_column_int64(s, 1),
                .transaction = sqlite3_column_int64(s, 2),
                .kind = strempty((const char *) sqlite3_column_text(s, 3)),
                .text = strempty((const char *) sqlite3_column_text(s, 4)),
        };
}

int event_each(struct journal *j, int64_t transaction, int64_t after, unsigned limit, event_each_t each,
               void *userdata) {
        _cleanup_statement_ sqlite3_stmt *s = NULL;
        int r;

        /* Two statements, so that each has its index. */
        if (transaction == 0)
                r = journal_statement(j,
                                      "SELECT seq, time_usec, transaction_id, kind, text FROM events"
                                      " WHERE seq > ?1 ORDER BY seq LIMIT ?2",
                                      &s);
        else
                r = journal_statement(j,
                                      "SELECT seq, time_usec, transaction_id, kind, text FROM events"
                                      " WHERE transaction_id = ?3 AND transaction_id <> 0 AND seq > ?1"
                                      " ORDER BY seq LIMIT ?2",
                                      &s);
        if (r < 0)
                return r;
        (void) sqlite3_bind_int64(s, 1, after);
        (void) sqlite3_bind_int64(s, 2, limit > 0 ? (int64_t) limit : -1);
        if (transaction != 0)
                (void) sqlite3_bind_int64(s, 3, transaction);
        while ((r = journal_step(j, s)) > 0) {
                struct event_record event;

                event_read(s, &event);
                r = each(&event, userdata);
                if (r != 0)
                        return r;
        }
        return r;
}

/* ---- Removing ---- */

#define PURGE_KIND "events-purged"
#define PURGE_TEXT "{\"up-to\":%" PRIi64 "}"

int event_get_base(struct journal *j, int64_t *ret) {
        _cleanup_statement_ sqlite3_stmt *s = NULL;
        int r;

        r = journal_statement(j, "SELECT seq FROM event_base", &s);
        if (r < 0)
                return r;
        r = journal_step(j, s);
        if (r < 0)
                return r;
        *ret = r > 0 ? sqlite3_column_int64(s, 0) : 0;
        return 0;
}

int event_set_base(struct journal *j, int64_t seq) {
        _cleanup_statement_ sqlite3_stmt *s = NULL;
        char text[64];
        int r;

        (void) snprintf(text, sizeof(text), PURGE_TEXT, seq);
        r = event_append(j, PURGE_KIND, 0, text);
        if (r < 0)
                return r;
        r = journal_statement(j, "INSERT INTO event_base (one, seq) VALUES (1, ?1) ON CONFLICT DO UPDATE SET seq = ?1",
                              &s);
        if (r < 0)
                return r;
        (void) sqlite3_bind_int64(s, 1, seq);
        return journal_run(j, s);
}

bool event_is_purge(const struct event_record *event, int64_t *ret_seq) {
        return streq(event->kind, PURGE_KIND) && sscanf(event->text, "{\"up-to\":%" SCNi64 "}", ret_seq) == 1;
}
