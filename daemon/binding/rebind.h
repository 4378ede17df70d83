/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Between the files of this room: a change of the bound phone as it goes, and who takes which part in it. */

#include "base/clock.h"
#include "binding/binding.h"
#include "journal/notice.h"
#include "notice/send.h"
#include "transaction/notices.h"

struct backup;

/* A code on its way to a phone. */
struct sending {
        struct binding *binding;
        struct notices_now *now; /* NULL: none */
};

struct binding {
        struct engine *engine;
        struct binding_listener listener;
        struct rebind_record rebind; /* the newest, as the journal has it; id 0: none */
        const char *failing;         /* why it is to be rolled back, while that cannot be written or said yet */

        sd_event_source *go_on;    /* something that a step waits for has come */
        sd_event_source *deadline; /* of the step */

        struct notice_call *number; /* the question about the new number */
        bool number_is_good;
        struct backup *backup;
        struct sending codes[2]; /* by holder: the old phone's, the new one's */
        struct sending test;
        bool test_is_sent;
        bool awaits_withdrawal; /* of the change before, which the acquirer has not taken back yet */

        unsigned failed_tries;   /* of the step's transaction, where another one follows */
        unsigned failed_notices; /* of the test notice */
        uint64_t again_usec;     /* CLOCK_BOOTTIME before which nothing is tried again */
        bool told_payments_fail; /* once for each binding, and start of tilld */
};

static inline struct journal *binding_journal(const struct binding *b) {
        return engine_journal(b->engine);
}

static inline bool rebind_is_open(const struct binding *b) {
        return b->rebind.id > 0 && b->rebind.ended_usec == 0;
}

/* The disk may have room again. */
#define RETRY_USEC (30 * USEC_PER_SEC)

/* Of the test transaction and of the test notice, each. */
#define TEST_TRIES 3

/* Before the next one, after so many. */
static inline uint64_t test_pause(unsigned failed) {
        return (failed > 1 ? 30 : 10) * USEC_PER_SEC;
}

/* ---- rebind.c: the way ---- */

/* What came may be what the step waits for: looked at from the event loop. */
void rebind_kick(struct binding *b);
/* The same, where a notice was delivered. */
void rebind_notice_delivered(void *userdata);
int rebind_add_timers(struct binding *b);
/* Takes up the one that the last run of tilld has left. */
int rebind_recover(struct binding *b);
/* Nothing is tried again for so long. */
void rebind_pause(struct binding *b, uint64_t usec);
/* Whether that is not over; then it is looked at again by itself. */
bool rebind_pauses(struct binding *b);
/* Of the change that has just been written. */
void rebind_started(struct binding *b);
/*
 * Writes what is new of it, with what else belongs into the same commit; then b->rebind is that. by: who did it; NULL:
 * it went on by itself, for whoever leads it.
 */
typedef int (*rebind_also_t)(struct binding *b, const struct rebind_record *next);
int rebind_write(struct binding *b, const struct rebind_record *next, const char *event, const char *by,
                 rebind_also_t also);
/* {"rebind":7,…} for the event log; by as above. */
int rebind_append_event(struct journal *j, const char *event, const struct rebind_record *record, const char *by);
/* Microseconds until the step ends by itself; UINT64_MAX: never. */
int rebind_get_remaining(struct binding *b, uint64_t *ret);
/* After the end the number is in the journal alone. */
void rebind_forget_phone(struct binding *b);
/* The new one of the newest change, "" where there was none. */
int rebind_load_phone(struct binding *b, char ret[static PHONE_SIZE]);
/* Forgets what is under way outside, without a word. */
void rebind_drop_calls(struct binding *b);
/* After the commit that ends it. */
void rebind_say_end(struct binding *b);
/* For a notice about it; the texts are in *masks. */
struct rebind_masks {
        char phone[PHONE_SIZE], old_phone[PHONE_SIZE];
};
int rebind_fill_order(struct binding *b, const struct rebind_record *record, enum notice_template what,
                      struct rebind_masks *masks, struct notice_order *ret);

/* ---- rollback.c ---- */

/*
 * The old binding stays: at once, or, where the acquirer is just being told, when that has ended, or when the journal
 * can be written again. reason: a word of reason.c, a literal.
 */
void rebind_roll_back(struct binding *b, const char *reason);
/*
 * The same on somebody's word, by: that it will be is on the disk when this returns 0; negative: nothing has changed.
 */
int rebind_call_off(struct binding *b, const char *reason, const char *by);
/*
 * The transaction by which the acquirer was told, 0 for none. 1: it is just being told, and what takes that back is
 * not ready yet, or may be overtaken.
 */
int rebind_find_confirm(struct binding *b, int64_t *ret_id);

/* ---- commit.c ---- */

/* Or rolls it back, where that cannot be written. */
void rebind_put_in_force(struct binding *b);

/* ---- reason.c: words for people, in English ---- */

/* Why one was rolled back: NULL for a word that is none. */
const char *reason_message(const char *word);
const char *reason_next_step(const char *word);
void reason_fill_view(const struct binding *b, bool code_is_out, bool paused, struct binding_view *view);

/* ---- code.c ---- */

#define CODE_DIGITS 6   /* of a phone that agrees */
#define CANCEL_DIGITS 8 /* of a contact that cancels */
#define CODE_SIZE (CANCEL_DIGITS + 1)
#define CODE_TRIES 3

/* Decimal digits of the system's random source, each number as likely as any other. The caller wipes it. */
int code_make(unsigned digits, char ret[static CODE_SIZE]);
bool code_is_well_formed(const char *text, unsigned digits) _pure_;
/* In the caller's journal transaction: makes one and stores its hash. */
int code_issue(struct journal *j, int64_t rebind, enum rebind_holder holder, int64_t contact, unsigned digits,
               char ret[static CODE_SIZE]);
/* 1: it is the right one, 0: it is not; in time that does not depend on it. */
int code_compare(struct journal *j, const struct rebind_code *code, const char *text);
/* 1: one is out that is young enough and has tries left, in *ret; 0: none. */
int code_load_alive(struct journal *j, int64_t rebind, enum rebind_holder holder, struct rebind_code *ret);

/* Microseconds until codes are taken, or sent, again; 0 for now. */
int limit_get_pause(struct journal *j, const struct rebind_limit *limit, uint64_t *ret_give, uint64_t *ret_send);
/* One more wrong code. 0, or 1 with every third, that makes a pause; 2 where that pause also ends the change. */
int limit_count_wrong(struct rebind_limit *limit, uint64_t uptime);
void limit_count_send(struct rebind_limit *limit, uint64_t uptime);

/* Codes to all phones that have not given theirs. Negative with *ret_refusal set. */
int codes_send(struct binding *b, const char *by, struct refusal *ret_refusal);
/* Whether codes could be sent now; negative with *ret_refusal set. */
int codes_check(struct binding *b, struct refusal *ret_refusal);
int codes_give(struct binding *b, enum rebind_holder holder, const char *text, const char *by,
               struct refusal *ret_refusal);
bool codes_are_given(const struct rebind_record *record) _pure_;
bool codes_wants(const struct rebind_record *record, enum rebind_holder holder) _pure_;

/* ---- acquirer-word.c ---- */

/*
 * What the acquirer says to a step of the change: its transaction is started unless it has been. 1: approved; 0: not
 * yet, a transaction runs, or one that failed is tried again; -ECONNREFUSED with *ret_reason set.
 */
int acquirer_word(struct binding *b, enum rebind_step step, const char **ret_reason);
/* The transaction of a step; -ENOENT where it has not been started. */
int acquirer_word_find(struct binding *b, enum rebind_step step, struct transaction_record *ret);
/* Why the last try of this step failed, where another one is due or under way; NULL: none has. */
const char *acquirer_word_failed(struct binding *b);

/* ---- backup.c ---- */

/* Work for the upkeep, which says the end by rebind_backed_up(). -EBUSY while it does something else. */
int backup_start(struct binding *b);
struct backup *backup_free(struct backup *bk);
void rebind_backed_up(struct binding *b, int r, const char *name, const char *digest);

/* ---- waiting.c ---- */

/* In the commit that begins the waiting time: all contacts and the old phone are told, each with a code of its own. */
int waiting_tell(struct binding *b, const struct rebind_record *next);
/* How many of these have had their notice. */
int waiting_is_told(struct binding *b);
/* In the commit that ends it: those who were told of its begin are told of its end. */
int waiting_tell_end(struct binding *b, const struct rebind_record *next);
int waiting_cancel(struct binding *b, const char *text, const char *by, struct refusal *ret_refusal);

/* ---- playbook.c: what journalctl -x explains ---- */

/* It was rolled back. */
void playbook_binding_failed(const struct rebind_record *record);
/* A transaction has ended: does it fail because another phone has been bound? */
void playbook_look(struct binding *b, const struct transaction_record *record);
