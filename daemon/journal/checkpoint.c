// SPDX-License-Identifier: LGPL-2.1-or-later
#include "journal/checkpoint.h"

#include <openssl/evp.h>
#include <openssl/hmac.h>

#include "base/secret.h"
#include "journal/internal.h"

#define EVENTS_MAX 500                                  /* without one */
#define AGE_MAX_USEC (24 * 60 * 60 * UINT64_C(1000000)) /* of the first event that none covers, by about a day */

static uint8_t *put_number(uint8_t *p, uint64_t number) {
        for (int shift = 56; shift >= 0; shift -= 8)
                *p++ = (uint8_t) (number >> shift);
        return p;
}

static int sign(const uint8_t key[static 32], const struct event_checkpoint *c,
                const uint8_t previous[static EVENT_HASH_SIZE], uint8_t ret[static EVENT_HASH_SIZE]) {
        uint8_t text[2 * EVENT_HASH_SIZE + 24], *p = text;
        unsigned size = EVENT_HASH_SIZE;

        p = mempcpy(p, previous, EVENT_HASH_SIZE);
        p = put_number(p, (uint64_t) c->number);
        p = put_number(p, (uint64_t) c->seq);
        p = put_number(p, c->time_usec);
        memcpy(p, c->hash, EVENT_HASH_SIZE);
        return HMAC(EVP_sha256(), key, 32, text, sizeof(text), ret, &size) ? 0 : -ENOMEM;
}

static int step_checkpoint(struct journal *j, sqlite3_stmt *s, struct event_checkpoint *ret) {
        struct event_checkpoint c;
        int r;

        r = journal_step(j, s);
        if (r <= 0)
                return r < 0 ? r : -ENOENT;
        if (sqlite3_column_bytes(s, 3) != sizeof(c.hash) || sqlite3_column_bytes(s, 4) != sizeof(c.signature))
                return -EBADMSG;
        c.number = sqlite3_column_int64(s, 0);
        c.seq = sqlite3_column_int64(s, 1);
        c.time_usec = (uint64_t) sqlite3_column_int64(s, 2);
        memcpy(c.hash, sqlite3_column_blob(s, 3), sizeof(c.hash));
        memcpy(c.signature, sqlite3_column_blob(s, 4), sizeof(c.signature));
        *ret = c;
        return 0;
}

int event_checkpoint_last(struct journal *j, struct event_checkpoint *ret) {
        _cleanup_statement_ sqlite3_stmt *s = NULL;
        int r;

        r = journal_statement(
                j, "SELECT number, seq, time_usec, hash, signature FROM checkpoints ORDER BY number DESC LIMIT 1", &s);
        if (r < 0)
                return r;
        return step_checkpoint(j, s, ret);
}

int event_checkpoint_next(struct journal *j, int64_t number, struct event_checkpoint *ret) {
        _cleanup_statement_ sqlite3_stmt *s = NULL;
        int r;

        r = journal_statement(j,
                              "SELECT number, seq, time_usec, hash, signature FROM checkpoints WHERE number > ?"
                              " ORDER BY number LIMIT 1",
                              &s);
        if (r < 0)
                return r;
        (void) sqlite3_bind_int64(s, 1, number);
        return step_checkpoint(j, s, ret);
}

/* The last one, or what stands before the first. */
static int load_last(struct journal *j, struct event_checkpoint *ret) {
        int r = event_checkpoint_last(j, ret);

        if (r != -ENOENT)
                return r;
        *ret = (struct event_checkpoint){};
        return 0;
}

int event_checkpoint_is_due(struct journal *j) {
        struct event_checkpoint last;
        uint8_t hash[EVENT_HASH_SIZE];
        uint64_t now = journal_now();
        int64_t seq;
        int r;

        r = load_last(j, &last);
        if (r < 0)
                return r;
        r = event_head(j, &seq, hash);
        if (r < 0)
                return r;
        if (seq == last.seq)
                return 0;
        return seq - last.seq >= EVENTS_MAX || now < last.time_usec || now - last.time_usec >= AGE_MAX_USEC;
}

int event_checkpoint_add(struct journal *j) {
        _cleanup_statement_ sqlite3_stmt *s = NULL;
        struct event_checkpoint last, new;
        int r;

        r = journal_require_open(j);
        if (r < 0)
                return r;
        r = load_last(j, &last);
        if (r < 0)
                return r;
        r = event_head(j, &new.seq, new.hash);
        if (r < 0)
                return r;
        if (new.seq == last.seq)
                return 0;
        new.number = last.number + 1;
        new.time_usec = journal_now();
        r = sign(j->keys->sign, &new, last.signature, new.signature);
        if (r < 0)
                return r;
        r = journal_statement(
                j, "INSERT INTO checkpoints (number, seq, time_usec, hash, signature) VALUES (?, ?, ?, ?, ?)", &s);
        if (r < 0)
                return r;
        (void) sqlite3_bind_int64(s, 1, new.number);
        (void) sqlite3_bind_int64(s, 2, new.seq);
        (void) sqlite3_bind_int64(s, 3, (int64_t) new.time_usec);
        (void) sqlite3_bind_blob(s, 4, new.hash, sizeof(new.hash), SQLITE_STATIC);
        (void) sqlite3_bind_blob(s, 5, new.signature, sizeof(new.signature), SQLITE_STATIC);
        r = journal_run(j, s);
        return r < 0 ? r : 1;
}

int event_checkpoint_check(struct journal *j, const struct event_checkpoint *checkpoint,
                           const uint8_t previous[static EVENT_HASH_SIZE]) {
        uint8_t signature[EVENT_HASH_SIZE];
        int r;

        r = sign(j->keys->sign, checkpoint, previous, signature);
        if (r < 0)
                return r;
        return secret_equal(signature, checkpoint->signature, sizeof(signature)) ? 0 : -EBADMSG;
}

static int store_signature(struct journal *j, int64_t number, const uint8_t signature[static EVENT_HASH_SIZE]) {
        _cleanup_statement_ sqlite3_stmt *s = NULL;
        int r;

        r = journal_statement(j, "UPDATE checkpoints SET signature = ? WHERE number = ?", &s);
        if (r < 0)
                return r;
        (void) sqlite3_bind_blob(s, 1, signature, EVENT_HASH_SIZE, SQLITE_STATIC);
        (void) sqlite3_bind_int64(s, 2, number);
        return journal_run(j, s);
}

int event_checkpoint_sign_again(struct journal *j, const uint8_t key[static 32]) {
        uint8_t old[EVENT_HASH_SIZE] = {}, new[EVENT_HASH_SIZE] = {};
        struct event_checkpoint c = {};
        int bad, r;

        r = journal_require_open(j);
        if (r < 0)
                return r;
        while ((r = event_checkpoint_next(j, c.number, &c)) == 0) {
                bad = event_checkpoint_check(j, &c, old);
                memcpy(old, c.signature, sizeof(old));
                r = sign(key, &c, new, new);
                if (r < 0)
                        return r;
                /* One that was bad is so under the new key, too. */
                if (bad < 0)
                        memset(new, 0, sizeof(new));
                r = store_signature(j, c.number, new);
                if (r < 0)
                        return r;
        }
        return r == -ENOENT ? 0 : r;
}
