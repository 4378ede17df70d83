/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * The journal: one SQLite file that tilld alone opens and writes, WAL, locked exclusively while open.
 *
 * Every write happens between journal_begin() and journal_commit(); a writing function called outside
 * returns -EPROTO. Functions of this room return 0 (or what they say) and negative errnos:
 *   -ENOENT    no such row
 *   -EEXIST    the reference, STAN or name is taken
 *   -EALREADY  the row says something final already (a result is set once)
 *   -ERANGE    a value does not fit its column
 *   -ENOSPC -EIO -EROFS -ENOMEM -EBADMSG (damaged) -EKEYREJECTED (sealed under another key)
 * After any error inside a transaction the caller rolls back; nothing of it is then kept.
 */

#include "base/macro.h"

struct journal;

enum journal_durability {
        JOURNAL_LAZY,    /* ordered and consistent, but a power cut may take it back; a kill does not */
        JOURNAL_DURABLE, /* on stable storage, with every earlier lazy one, before commit returns */
};

#define JOURNAL_KEY_SIZE 32

/*
 * Opens or creates the file (mode 0600), checks it and brings its schema forward. Never deletes or
 * recreates one. On failure *ret_message (may be NULL) is an allocated sentence for a person that names the file
 * and the next step:
 *   -EBUSY         another process has it open
 *   -EBADMSG       damaged, or not a journal
 *   -EPROTONOSUPPORT  written by a newer tilld
 *   -EKEYREJECTED  the storage key is not the one that it was made with
 *   -EKEYEXPIRED   a change of its storage key was cut off (journal/rotation.h)
 * key is the 32-byte storage key; only keys derived from it are kept.
 */
int journal_open(const char *path, const uint8_t key[static JOURNAL_KEY_SIZE], struct journal **ret,
                 char **ret_message);
/*
 * Whether the last one that had it open ended without closing it. What lies behind a page of its log that does not
 * fit was not taken over: 0 frames, or more after a power cut that mixed up what was not synced, or after damage.
 * The log is then kept beside the journal as -wal.cut.
 */
bool journal_was_cut_off(const struct journal *j);
uint64_t journal_lost_frames(const struct journal *j);
/* Somebody saw damage: the next opening checks everything, however long that takes, and refuses a damaged file. */
int journal_suspect(struct journal *j);
/* Rolls back what is open, checkpoints and closes; takes NULL. Returns NULL. */
struct journal *journal_close(struct journal *j);
static inline void journal_closep(struct journal **j) {
        (void) journal_close(*j);
}

/*
 * Starts a transaction; its durability is fixed here. -EBUSY when one is open. -EIO for good after a failed
 * sync: what the disk holds is then unknown, and only opening anew reads it back.
 */
int journal_begin(struct journal *j, enum journal_durability durability);
/* Ends it. On an error nothing of it is kept and it is closed; the error is never swallowed. */
int journal_commit(struct journal *j);
/* Drops it; does nothing when none is open, so it may stand in a cleanup. */
void journal_rollback(struct journal *j);
static inline void journal_rollbackp(struct journal **j) {
        if (*j)
                journal_rollback(*j);
}
bool journal_is_open(struct journal *j); /* between begin and commit */

/* Rows that were written since it was opened: whether there is something new. */
uint64_t journal_changes(struct journal *j);
/* Moves the write-ahead log into the main file. For idle times: it syncs. */
int journal_checkpoint(struct journal *j);

/* By which its storage key is known, without being one: bytes that are derived from it. */
#define JOURNAL_KEY_ID_SIZE 3
void journal_key_id(const struct journal *j, uint8_t ret[static JOURNAL_KEY_ID_SIZE]);

/* What SQLite said last, for a log line after an error. Holds no value of any row. */
const char *journal_error_text(struct journal *j);
