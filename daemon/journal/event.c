// SPDX-License-Identifier: LGPL-2.1-or-later
#include "journal/event.h"

#include <openssl/evp.h>

#include "journal/counter.h"
#include "journal/internal.h"

#define HASH_SIZE 32

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

static int hash_event(const uint8_t previous[static HASH_SIZE], const struct event_record *event,
                      uint8_t ret[static HASH_SIZE]) {
        _cleanup_(digest_freep) EVP_MD_CTX *context = EVP_MD_CTX_new();

        if (!context || EVP_DigestInit_ex(context, EVP_sha256(), NULL) != 1 ||
            EVP_DigestUpdate(context, previous, HASH_SIZE) != 1 || !add_number(context, (uint64_t) event->seq) ||
            !add_number(context, event->time_usec) || !add_number(context, (uint64_t) event->transaction) ||
            !add_text(context, event->kind) || !add_text(context, event->text) ||
            EVP_DigestFinal_ex(context, ret, NULL) != 1)
                return -ENOMEM;
        return 0;
}

/* The head of the chain: 0 and zeros for an empty log. */
static int load_head(struct journal *j, int64_t *ret_seq, uint8_t ret_hash[static HASH_SIZE]) {
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
                memset(ret_hash, 0, HASH_SIZE);
                return 0;
        }
        if (sqlite3_column_bytes(s, 1) != HASH_SIZE)
                return -EBADMSG;
        *ret_seq = sqlite3_column_int64(s, 0);
        memcpy(ret_hash, sqlite3_column_blob(s, 1), HASH_SIZE);
        return 0;
}

int event_append(struct journal *j, const char *kind, int64_t transaction, const char *text) {
        _cleanup_statement_ sqlite3_stmt *s = NULL;
        struct event_record event = { .transaction = transaction, .kind = kind, .text = text ?: "{}" };
        uint8_t previous[HASH_SIZE], hash[HASH_SIZE];
        int r;

        r = journal_require_open(j);
        if (r < 0)
                return r;
        if (isempty(kind) || strlen(kind) > EVENT_KIND_MAX || strlen(event.text) > EVENT_TEXT_MAX)
                return -ERANGE;
        r = load_head(j, &event.seq, previous);
        if (r < 0)
                return r;
        event.seq++;
        event.time_usec = journal_now();
        r = hash_event(previous, &event, hash);
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
        return r < 0 ? r : 0;
}

static struct event_record read_event(sqlite3_stmt *s) {
        return (struct event_record){
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
                struct event_record event = read_event(s);

                r = each(&event, userdata);
                if (r != 0)
                        return r;
        }
        return r;
}

/* What AUTOINCREMENT remembers: the highest seq that there ever was. */
static int load_last_seq(struct journal *j, int64_t *ret) {
        _cleanup_statement_ sqlite3_stmt *s = NULL;
        int r;

        r = journal_statement(j, "SELECT seq FROM sqlite_sequence WHERE name = 'events'", &s);
        if (r < 0)
                return r;
        r = journal_step(j, s);
        if (r < 0)
                return r;
        *ret = r > 0 ? sqlite3_column_int64(s, 0) : 0;
        return 0;
}

int event_verify(struct journal *j, int64_t *ret_seq) {
        _cleanup_statement_ sqlite3_stmt *s = NULL;
        uint8_t previous[HASH_SIZE] = {}, hash[HASH_SIZE];
        int64_t seq = 0, last;
        int r;

        r = load_last_seq(j, &last);
        if (r < 0)
                return r;
        r = journal_statement(j, "SELECT seq, time_usec, transaction_id, kind, text, hash FROM events ORDER BY seq",
                              &s);
        if (r < 0)
                return r;
        while ((r = journal_step(j, s)) > 0) {
                struct event_record event = read_event(s);

                *ret_seq = ++seq;
                if (event.seq != seq || sqlite3_column_bytes(s, 5) != HASH_SIZE)
                        return -EBADMSG;
                r = hash_event(previous, &event, hash);
                if (r < 0)
                        return r;
                if (memcmp(hash, sqlite3_column_blob(s, 5), HASH_SIZE) != 0)
                        return -EBADMSG;
                memcpy(previous, hash, HASH_SIZE);
        }
        if (r < 0)
                return r;
        *ret_seq = seq == last ? seq : seq + 1;
        return seq == last ? 0 : -EBADMSG;
}
