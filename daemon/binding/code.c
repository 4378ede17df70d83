// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * The codes of a change: made, hashed, compared, and how often.
 *
 * Who does not have the old phone can only guess its code, one of a million. Every wrong one counts, whatever code it
 * was tried on, over changes, restarts and boots, until the old phone's right one comes: each third makes a pause of
 * 1, 5, 30, 60, 120 … minutes, up to a day. That is 24 guesses on the first day (a chance of 0.0024 %) and 3 on each
 * day after some. tests/unit/test-binding-code.c counts them.
 */
#include <ctype.h>
#include <inttypes.h>
#include <sys/random.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/secret.h"
#include "binding/rebind.h"
#include "journal/event.h"
#include "journal/uptime.h"

#define MINUTE (60 * USEC_PER_SEC)

#define LIFE_USEC (5 * MINUTE)
#define PAUSE_MAX_USEC (24 * 60 * MINUTE)
#define SENDS_MAX 5
#define SENDS_USEC (30 * MINUTE)
/* So many pauses, and the change is rolled back. */
#define PAUSES_MAX 3

/* ---- One code ---- */

int code_make(unsigned digits, char ret[static CODE_SIZE]) {
        uint32_t range = 1, number, limit;

        for (unsigned i = 0; i < digits; i++)
                range *= 10;
        /* The last part of the numbers is left out, so that the remainder prefers none. */
        limit = UINT32_MAX - UINT32_MAX % range;
        do
                if (getrandom(&number, sizeof(number), 0) != sizeof(number))
                        return errno > 0 ? -errno : -EIO;
        while (number >= limit);
        (void) snprintf(ret, CODE_SIZE, "%0*" PRIu32, (int) digits, number % range);
        explicit_bzero(&number, sizeof(number));
        return 0;
}

bool code_is_well_formed(const char *text, unsigned digits) {
        return strlen(text) == digits && strspn(text, "0123456789") == digits;
}

int code_issue(struct journal *j, int64_t rebind, enum rebind_holder holder, int64_t contact, unsigned digits,
               char ret[static CODE_SIZE]) {
        struct rebind_code code = { .rebind = rebind, .holder = holder, .contact = contact };
        int r;

        r = code_make(digits, ret);
        if (r < 0)
                return r;
        if (getrandom(code.salt, sizeof(code.salt), 0) != sizeof(code.salt))
                return -EIO;
        r = rebind_code_hash(j, code.salt, ret, code.hash);
        if (r < 0)
                return r;
        r = uptime_get(j, &code.made_uptime);
        return r < 0 ? r : rebind_code_store(j, &code);
}

int code_compare(struct journal *j, const struct rebind_code *code, const char *text) {
        uint8_t hash[REBIND_HASH_SIZE];
        int r;

        r = rebind_code_hash(j, code->salt, text, hash);
        return r < 0 ? r : secret_equal(hash, code->hash, sizeof(hash));
}

/* A boot ends it, too: nobody knows how long the terminal was off. */
static int is_young(struct journal *j, const struct rebind_code *code) {
        uint64_t age;
        int r;

        r = uptime_since(j, code->made_uptime, &age);
        return r <= 0 ? r : age < LIFE_USEC;
}

int code_load_alive(struct journal *j, int64_t rebind, enum rebind_holder holder, struct rebind_code *ret) {
        struct rebind_code code;
        int r;

        r = rebind_code_load(j, rebind, holder, 0, &code);
        if (r == -ENOENT)
                return 0;
        if (r >= 0)
                r = is_young(j, &code);
        if (r < 0)
                return r;
        if (r == 0 || code.wrong >= CODE_TRIES)
                return 0;
        *ret = code;
        return 1;
}

/* ---- How often ---- */

static uint64_t pause_of(uint32_t n) {
        static const uint64_t first[] = { 1 * MINUTE, 5 * MINUTE, 30 * MINUTE, 60 * MINUTE };
        uint64_t usec;

        if (n <= ELEMENTSOF(first))
                return first[n - 1];
        usec = first[ELEMENTSOF(first) - 1];
        for (uint32_t i = ELEMENTSOF(first); i < n && usec < PAUSE_MAX_USEC; i++)
                usec *= 2;
        return MIN(usec, PAUSE_MAX_USEC);
}

int limit_count_wrong(struct rebind_limit *limit, uint64_t uptime) {
        uint32_t pauses;

        limit->wrong_codes++;
        if (limit->wrong_codes % CODE_TRIES != 0)
                return 0;
        pauses = limit->wrong_codes / CODE_TRIES;
        limit->locked_until = uptime + pause_of(pauses);
        return pauses % PAUSES_MAX == 0 ? 2 : 1;
}

void limit_count_send(struct rebind_limit *limit, uint64_t uptime) {
        if (limit->sends == 0 || uptime - limit->sends_since >= SENDS_USEC) {
                limit->sends = 0;
                limit->sends_since = uptime;
        }
        limit->sends++;
}

int limit_get_pause(struct journal *j, const struct rebind_limit *limit, uint64_t *ret_give, uint64_t *ret_send) {
        uint64_t now, give, window = 0;
        int r;

        r = uptime_get(j, &now);
        if (r < 0)
                return r;
        give = limit->locked_until > now ? limit->locked_until - now : 0;
        if (limit->sends >= SENDS_MAX && now - limit->sends_since < SENDS_USEC)
                window = SENDS_USEC - (now - limit->sends_since);
        *ret_give = give;
        *ret_send = MAX(give, window);
        return 0;
}

/* ---- Of a change ---- */

bool codes_wants(const struct rebind_record *record, enum rebind_holder holder) {
        if (holder == REBIND_NEW_PHONE)
                return !record->new_given;
        return holder == REBIND_OLD_PHONE && record->kind == REBIND_CHANGE && !record->old_given;
}

bool codes_are_given(const struct rebind_record *record) {
        return !codes_wants(record, REBIND_OLD_PHONE) && !codes_wants(record, REBIND_NEW_PHONE);
}

static int refuse_pause(struct refusal *ret, uint64_t usec, const char *what) {
        uint64_t seconds = (usec + USEC_PER_SEC - 1) / USEC_PER_SEC;

        return refusal_set(ret, REFUSAL_LOCKED_OUT,
                           "%s: wait %" PRIu64 " min %" PRIu64 " s while the terminal runs, then have codes sent "
                           "again",
                           what, seconds / 60, seconds % 60);
}

int codes_check(struct binding *b, struct refusal *ret_refusal) {
        struct rebind_limit limit;
        uint64_t give, until;
        int r;

        r = rebind_limit_load(binding_journal(b), &limit);
        if (r >= 0)
                r = limit_get_pause(binding_journal(b), &limit, &give, &until);
        if (r < 0)
                return engine_refuse_journal(ret_refusal, r);
        if (give > 0)
                return refuse_pause(ret_refusal, give, N_("There were too many wrong codes"));
        if (until > 0)
                return refuse_pause(ret_refusal, until, N_("Codes were sent too often"));
        return 0;
}

/* New codes, on the disk before they are sent. */
static int issue(struct binding *b, const char *by, char codes[static 2][CODE_SIZE]) {
        struct journal *j = binding_journal(b);
        struct rebind_limit limit;
        uint64_t now;
        int r;

        r = journal_begin(j, JOURNAL_DURABLE);
        if (r < 0)
                return r;
        _cleanup_(journal_rollbackp) _unused_ struct journal *rollback = j;

        r = rebind_limit_load(j, &limit);
        if (r >= 0)
                r = uptime_get(j, &now);
        if (r < 0)
                return r;
        limit_count_send(&limit, now);
        r = rebind_limit_store(j, &limit);
        for (enum rebind_holder h = REBIND_OLD_PHONE; h <= REBIND_NEW_PHONE && r >= 0; h++)
                if (codes_wants(&b->rebind, h))
                        r = code_issue(j, b->rebind.id, h, 0, CODE_DIGITS, codes[h]);
        if (r >= 0)
                r = rebind_append_event(j, "rebind-codes-sent", &b->rebind, by);
        return r < 0 ? r : journal_commit(j);
}

static void on_sent(int error, const char *channel, const char *text, void *userdata) {
        struct sending *s = userdata;
        struct binding *b = s->binding;

        s->now = notices_now_free(s->now);
        if (error < 0) {
                log_warning("Change %" PRIi64 " of the bound phone: no channel took a code (%s)", b->rebind.id, text);
                return rebind_roll_back(b, "not-sent");
        }
        b->listener.changed(b->listener.userdata);
}

static int send_one(struct binding *b, enum rebind_holder holder, const char *code) {
        struct notice_order order;
        struct rebind_masks masks;
        struct binding_record current;
        int r;

        r = rebind_fill_order(b, &b->rebind, holder == REBIND_OLD_PHONE ? NOTICE_TEXT_OLD_CODE : NOTICE_TEXT_NEW_CODE,
                              &masks, &order);
        if (r < 0)
                return r;
        order.fields.code = code;
        order.fields.minutes = LIFE_USEC / MINUTE;
        if (holder == REBIND_OLD_PHONE) {
                r = binding_record_load_current(binding_journal(b), &current);
                if (r < 0)
                        return r;
        }
        b->codes[holder].now = notices_now_free(b->codes[holder].now);
        r = notices_send_now(engine_notices(b->engine), &order,
                             holder == REBIND_OLD_PHONE ? current.phone : b->rebind.phone, on_sent, b->codes + holder,
                             &b->codes[holder].now);
        explicit_bzero(&current, sizeof(current));
        return r;
}

int codes_send(struct binding *b, const char *by, struct refusal *ret_refusal) {
        char codes[2][CODE_SIZE] = {};
        WIPE_AT_END(codes);
        int r;

        r = codes_check(b, ret_refusal);
        if (r < 0)
                return r;
        r = issue(b, by, codes);
        if (r < 0)
                return engine_refuse_journal(ret_refusal, r);
        for (enum rebind_holder h = REBIND_OLD_PHONE; h <= REBIND_NEW_PHONE; h++) {
                r = *codes[h] ? send_one(b, h, codes[h]) : 0;
                if (r < 0) {
                        log_error_errno(r, "A code cannot be sent");
                        rebind_roll_back(b, "not-sent");
                        return refusal_set(
                                ret_refusal, REFUSAL_NOT_READY,
                                "The codes cannot be sent (%s): the change is rolled back; take it up again "
                                "later",
                                strerror(-r));
                }
        }
        b->listener.changed(b->listener.userdata);
        return 0;
}

/* ---- A code that is given ---- */

/* What goes into the commit of an answer. */
struct answer {
        const char *by; /* whose */
        struct rebind_code code;
        struct rebind_limit limit;
};

static int write_answer(struct binding *b, const struct rebind_record *next, const char *event,
                        const struct answer *a) {
        struct journal *j = binding_journal(b);
        int r;

        r = journal_begin(j, JOURNAL_DURABLE);
        if (r < 0)
                return r;
        _cleanup_(journal_rollbackp) _unused_ struct journal *rollback = j;
        r = rebind_record_update(j, next);
        if (r >= 0)
                r = rebind_code_store(j, &a->code);
        if (r >= 0)
                r = rebind_limit_store(j, &a->limit);
        if (r >= 0)
                r = rebind_append_event(j, event, next, a->by);
        if (r >= 0)
                r = journal_commit(j);
        if (r < 0)
                return r;
        b->rebind = *next;
        return 0;
}

/* On the disk before anybody is told: pulling the plug takes back no wrong code. */
static int give_wrong(struct binding *b, struct answer *a, struct refusal *ret_refusal) {
        uint64_t now;
        int r, pause;

        r = uptime_get(binding_journal(b), &now);
        if (r < 0)
                return engine_refuse_journal(ret_refusal, r);
        a->code.wrong++;
        pause = limit_count_wrong(&a->limit, now);
        r = write_answer(b, &b->rebind, "rebind-wrong-code", a);
        if (r < 0)
                return engine_refuse_journal(ret_refusal, r);
        if (pause == 2) {
                rebind_roll_back(b, "wrong-codes");
                return refusal_set(ret_refusal, REFUSAL_WRONG_CODE,
                                   "The code is wrong, and there were too many: the change is rolled back, the old "
                                   "phone stays bound. Take it up again when the pause is over");
        }
        b->listener.changed(b->listener.userdata);
        if (pause == 1)
                return refuse_pause(ret_refusal, a->limit.locked_until - now,
                                    N_("The code is wrong, and there were too many"));
        if (a->code.wrong >= CODE_TRIES)
                return refusal_set(ret_refusal, REFUSAL_WRONG_CODE,
                                   "The code is wrong, and was tried too often: have new codes sent");
        return refusal_set(ret_refusal, REFUSAL_WRONG_CODE,
                           "The code is wrong; tries left for it: %" PRIu32 ". Type the one of the newest message",
                           CODE_TRIES - a->code.wrong);
}

/* The new phone is whoever's: its code does not make up for wrong ones of the old phone. */
static bool makes_up(const struct rebind_record *record, enum rebind_holder holder) {
        return holder == REBIND_OLD_PHONE || record->kind == REBIND_FIRST;
}

static int give_right(struct binding *b, enum rebind_holder holder, struct answer *a, struct refusal *ret_refusal) {
        struct rebind_record next = b->rebind;
        int r;

        if (holder == REBIND_OLD_PHONE)
                next.old_given = true;
        else
                next.new_given = true;
        if (makes_up(&next, holder)) {
                a->limit.wrong_codes = 0;
                a->limit.locked_until = 0;
        }
        r = write_answer(b, &next, "rebind-code-given", a);
        if (r < 0)
                return engine_refuse_journal(ret_refusal, r);
        b->listener.changed(b->listener.userdata);
        rebind_kick(b);
        return 0;
}

int codes_give(struct binding *b, enum rebind_holder holder, const char *text, const char *by,
               struct refusal *ret_refusal) {
        struct journal *j = binding_journal(b);
        uint64_t give, send;
        struct answer a = { .by = by };
        int r;

        r = rebind_limit_load(j, &a.limit);
        if (r >= 0)
                r = limit_get_pause(j, &a.limit, &give, &send);
        if (r < 0)
                return engine_refuse_journal(ret_refusal, r);
        if (give > 0)
                return refuse_pause(ret_refusal, give, N_("There were too many wrong codes"));
        r = code_load_alive(j, b->rebind.id, holder, &a.code);
        if (r < 0)
                return engine_refuse_journal(ret_refusal, r);
        if (r == 0)
                return refusal_set(ret_refusal, REFUSAL_NOT_ASKED,
                                   "No code of that phone is good any more: have new codes sent");
        r = code_compare(j, &a.code, text);
        if (r < 0)
                return engine_refuse_journal(ret_refusal, r);
        return r > 0 ? give_right(b, holder, &a, ret_refusal) : give_wrong(b, &a, ret_refusal);
}
