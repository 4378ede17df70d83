// SPDX-License-Identifier: LGPL-2.1-or-later
#include "transaction/operators.h"

#include <ctype.h>
#include <inttypes.h>
#include <openssl/rand.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/secret.h"
#include "journal/event.h"
#include "journal/uptime.h"
#include "transaction/announce.h"
#include "transaction/engine.h"
#include "transaction/scrypt.h"
#include "transaction/secret-line.h"

#define CODE_MIN 4
#define CODE_MAX 8

#define TRIES 5
#define LOCK_USEC (5 * 60 * USEC_PER_SEC)
#define LOCK_MAX_USEC (24 * 60 * 60 * USEC_PER_SEC)

#define EVENT_LOCKED "operator-locked"

/* Codes that are read or wait for their turn. */
#define JOBS_MAX 8

_Static_assert(OPERATOR_SALT_SIZE == SCRYPT_SALT_SIZE && OPERATOR_HASH_SIZE == SCRYPT_HASH_SIZE, "hash of a code");

enum act {
        ACT_LOG_ON,
        ACT_CHECK,
        ACT_ADD,
        ACT_SET_CODE,
};

/* In secret memory, all of it. */
struct job {
        struct operators *operators;
        enum act act;

        /* Whose code is checked, "" for nobody; and the role that it takes at least. */
        char who[3];
        char code[CODE_MAX + 1]; /* "" until it is read, and when it was right */
        enum operator_role least;
        bool administrators;

        /* Whom it is about. */
        char number[3];
        char new_code[CODE_MAX + 1]; /* "" until it is read */
        enum operator_role role;

        char by[32];
        operators_done_t done;
        void *userdata;

        struct secret_line *line;
        struct scrypt *scrypt;
        uint8_t salt[OPERATOR_SALT_SIZE]; /* that scrypt is working with */
};

struct operators {
        sd_event *event;
        struct journal *journal;
        const struct settings *settings;
        struct notices *notices;
        struct job *jobs[JOBS_MAX]; /* the oldest first */
        unsigned n_jobs;
        struct job *hashing;
};

static void start_next(struct operators *o);

static struct job *job_free(struct job *job) {
        if (!job)
                return NULL;
        secret_line_free(job->line);
        scrypt_free(job->scrypt);
        return secret_free(job);
}
DEFINE_CLEANUP(struct job *, job_free);

static void job_end(struct job *job, const struct refusal *refusal) {
        _cleanup_(job_freep) struct job *ended = job;
        struct operators *o = job->operators;

        for (unsigned i = 0; i < o->n_jobs; i++)
                if (o->jobs[i] == job) {
                        memmove(o->jobs + i, o->jobs + i + 1, (o->n_jobs - i - 1) * sizeof(*o->jobs));
                        o->n_jobs--;
                        break;
                }
        if (o->hashing == job)
                o->hashing = NULL;
        job->done(refusal, job->who, job->userdata);
}

/* ---- What people are told ---- */

static int refuse_unknown(struct refusal *ret, const char *number) {
        return refusal_set(ret, REFUSAL_NOT_FOUND,
                           "There is no operator %.8s: tillctl operator list shows who is enrolled", number);
}

static int refuse(struct refusal *ret, int error, const char *number) {
        return error == -ENOENT ? refuse_unknown(ret, number) : engine_refuse_journal(ret, error);
}

static const char *a_role(enum operator_role role) {
        static const char *const texts[_OPERATOR_ROLE_MAX] = {
                [OPERATOR_CASHIER] = N_("a cashier"),
                [OPERATOR_SUPERVISOR] = N_("a supervisor"),
                [OPERATOR_ADMINISTRATOR] = N_("an administrator"),
        };

        return texts[role];
}

static int refuse_unchecked(struct refusal *ret, int error) {
        return refusal_set(ret, REFUSAL_NOT_READY, "The code cannot be checked (%s): try again", strerror(-error));
}

static int refuse_locked(struct refusal *ret, const char *number, uint64_t seconds) {
        char left[64];

        if (seconds >= 60 * 60)
                (void) snprintf(left, sizeof(left), "%" PRIu64 " h %" PRIu64 " min", seconds / (60 * 60),
                                seconds / 60 % 60);
        else
                (void) snprintf(left, sizeof(left), "%" PRIu64 " min %" PRIu64 " s", seconds / 60, seconds % 60);
        return refusal_set(ret, REFUSAL_LOCKED_OUT,
                           "Operator %s is locked for %s after wrong codes: wait while the terminal runs, or have an "
                           "administrator unlock it: tillctl operator unlock %s",
                           number, left, number);
}

/* ---- Locks ---- */

int operators_get_lock(struct operators *o, const struct operator_record *record, uint64_t *ret_seconds) {
        uint64_t now;
        int r;

        r = uptime_get(o->journal, &now);
        if (r < 0)
                return r;
        *ret_seconds = record->locked_until > now ? (record->locked_until - now + USEC_PER_SEC - 1) / USEC_PER_SEC : 0;
        return 0;
}

unsigned operators_tries_left(const struct operator_record *record) {
        return TRIES - MIN(record->wrong_codes, (uint32_t) TRIES);
}

static void clear_lock(struct operator_record *record) {
        record->wrong_codes = record->locks = 0;
        record->locked_until = 0;
}

/* Returns the lock's length. */
static uint64_t lock(struct operator_record *record, uint64_t now) {
        uint64_t usec = LOCK_USEC;

        for (uint32_t i = 0; i < record->locks && usec < LOCK_MAX_USEC; i++)
                usec *= 2;
        usec = MIN(usec, LOCK_MAX_USEC);
        record->locked_until = now + usec;
        record->wrong_codes = 0;
        record->locks++;
        return usec;
}

/* ---- What is written ---- */

static int append_event(struct journal *j, const char *kind, const char *number, const char *by,
                        enum operator_role role) {
        char text[128];

        (void) snprintf(text, sizeof(text), "{\"operator\":\"%s\",\"role\":\"%s\",\"by\":\"%s\"}", number,
                        operator_role_to_string(role), by);
        return event_append(j, kind, 0, text);
}

typedef int (*change_t)(struct journal *j, const struct operator_record *record);

static int log_on_record(struct journal *j, const struct operator_record *record) {
        int r;

        r = operator_record_update(j, record);
        return r < 0 ? r : operator_set_logged_on(j, record->number);
}

static int log_off_record(struct journal *j, const struct operator_record *record) {
        return operator_set_logged_on(j, NULL);
}

static int remove_record(struct journal *j, const struct operator_record *record) {
        return operator_record_remove(j, record->number);
}

/* On the disk before anybody is told: pulling the plug takes back no wrong code. */
static int commit(struct operators *o, change_t change, const struct operator_record *record, const char *event,
                  const char *by) {
        struct journal *j = o->journal;
        int r;

        r = journal_begin(j, JOURNAL_DURABLE);
        if (r < 0)
                return r;
        _cleanup_(journal_rollbackp) _unused_ struct journal *rollback = j;

        r = change(j, record);
        if (r < 0)
                return r;
        r = append_event(j, event, record->number, by, record->role);
        if (r >= 0 && streq(event, EVENT_LOCKED))
                r = announce_locked_operator(o->notices, record->number);
        if (r < 0)
                return r;
        r = uptime_save(j);
        if (r < 0)
                return r;
        return journal_commit(j);
}

/* ---- A code that is checked ---- */

static int end_wrong(struct job *job, struct operator_record *record, struct refusal *ret) {
        struct operators *o = job->operators;
        uint64_t now, usec = 0;
        int r;

        r = uptime_get(o->journal, &now);
        if (r < 0)
                return r;
        if (++record->wrong_codes >= TRIES)
                usec = lock(record, now);
        r = commit(o, operator_record_update, record, usec > 0 ? EVENT_LOCKED : "wrong-code", job->by);
        if (r < 0)
                return r;
        if (usec > 0) {
                log_notice("Operator %s is locked after wrong codes", record->number);
                notices_kick(o->notices);
                return refuse_locked(ret, record->number, usec / USEC_PER_SEC);
        }
        return refusal_set(ret, REFUSAL_WRONG_CODE,
                           "The code of operator %s is wrong; tries left before it is locked: %u. An administrator "
                           "can set another: tillctl operator set-code %s",
                           record->number, operators_tries_left(record), record->number);
}

static int end_right(struct job *job, struct operator_record *record) {
        bool clean = record->wrong_codes == 0 && record->locks == 0;

        clear_lock(record);
        if (job->act == ACT_LOG_ON)
                return commit(job->operators, log_on_record, record, "logged-on", job->by);
        return clean ? 0 : commit(job->operators, operator_record_update, record, "right-code", job->by);
}

static int end_check(struct job *job, const uint8_t *hash, struct refusal *ret) {
        struct operator_record record;
        int r;

        r = operator_record_load(job->operators->journal, job->who, &record);
        if (r < 0)
                return r;
        if (memcmp(record.salt, job->salt, sizeof(record.salt)) != 0)
                return refusal_set(ret, REFUSAL_BUSY, "The code of operator %s was changed meanwhile: try again",
                                   job->who);
        if (!secret_equal(record.hash, hash, sizeof(record.hash)))
                return end_wrong(job, &record, ret);
        return end_right(job, &record);
}

static int end_new_code(struct job *job, const uint8_t *hash) {
        struct operator_record record = { .role = job->role };
        int r;

        COPY(record.number, job->number);
        if (job->act == ACT_SET_CODE) {
                r = operator_record_load(job->operators->journal, job->number, &record);
                if (r < 0)
                        return r;
        }
        clear_lock(&record);
        record.cost = SCRYPT_COST;
        memcpy(record.salt, job->salt, sizeof(record.salt));
        memcpy(record.hash, hash, sizeof(record.hash));
        if (job->act == ACT_SET_CODE)
                return commit(job->operators, operator_record_update, &record, "operator-code-set", job->by);
        return commit(job->operators, operator_record_insert, &record, "operator-added", job->by);
}

static int refuse_existing(struct refusal *ret, const char *number) {
        return refusal_set(ret, REFUSAL_OPERATOR_EXISTS,
                           "Operator %s is enrolled already: take another number, or remove that one first: tillctl "
                           "operator remove %s",
                           number, number);
}

static bool takes_new_code(const struct job *job) {
        return job->act == ACT_ADD || job->act == ACT_SET_CODE;
}

/* The one that is hashed now, or next. */
static bool checks_code(const struct job *job) {
        return !takes_new_code(job) || job->administrators;
}

/* The administrator's code was right: the other one's turn comes, in that name. */
static void go_on(struct job *job) {
        struct operators *o = job->operators;

        job->administrators = false;
        COPY(job->by, job->who);
        job->scrypt = scrypt_free(job->scrypt);
        o->hashing = NULL;
        start_next(o);
}

static void on_hash(int result, const uint8_t *hash, void *userdata) {
        struct job *job = userdata;
        struct operators *o = job->operators;
        struct refusal refusal = {};
        int r;

        if (result < 0)
                r = refuse_unchecked(&refusal, result);
        else if (checks_code(job))
                r = end_check(job, hash, &refusal);
        else
                r = end_new_code(job, hash);
        if (r >= 0 && job->administrators) {
                go_on(job);
                return;
        }
        if (r == -EEXIST)
                r = refuse_existing(&refusal, job->number);
        else if (r < 0 && refusal.code == REFUSAL_NONE)
                r = refuse(&refusal, r, checks_code(job) ? job->who : job->number);
        job_end(job, r < 0 ? &refusal : NULL);
        start_next(o);
}

/* ---- Its turn ---- */

static int prepare_check(struct job *job, uint32_t *ret_cost, struct refusal *ret) {
        struct operator_record record;
        uint64_t seconds;
        int r;

        r = operator_record_load(job->operators->journal, job->who, &record);
        if (r >= 0)
                r = operators_get_lock(job->operators, &record, &seconds);
        if (r < 0)
                return refuse(ret, r, job->who);
        /* Before the code is looked at, so that this tells nothing about it. */
        if (record.role < job->least)
                return refusal_set(ret, REFUSAL_WRONG_ROLE, "Operator %s is %s: this takes %s", record.number,
                                   a_role(record.role), a_role(job->least));
        if (seconds > 0)
                return refuse_locked(ret, record.number, seconds);
        memcpy(job->salt, record.salt, sizeof(job->salt));
        *ret_cost = record.cost;
        return 0;
}

static int start_hash(struct job *job, struct refusal *ret) {
        char *code = checks_code(job) ? job->code : job->new_code;
        uint32_t cost = SCRYPT_COST;
        int r;

        if (checks_code(job)) {
                r = prepare_check(job, &cost, ret);
                if (r < 0)
                        return r;
        } else if (RAND_bytes(job->salt, sizeof(job->salt)) != 1)
                return refusal_set(ret, REFUSAL_NOT_READY, "There are no random numbers: look at journalctl -u tilld");
        r = scrypt_new(job->operators->event, code, job->salt, cost, on_hash, job, &job->scrypt);
        if (r < 0)
                return refuse_unchecked(ret, r);
        explicit_bzero(code, sizeof(job->code));
        return 0;
}

static struct job *find_ready(struct operators *o) {
        for (unsigned i = 0; i < o->n_jobs; i++)
                if (*o->jobs[i]->code || *o->jobs[i]->new_code)
                        return o->jobs[i];
        return NULL;
}

/* One at a time: whoever asks often makes nobody's card wait, and no lock is run past. */
static void start_next(struct operators *o) {
        struct job *job;

        while (!o->hashing && (job = find_ready(o))) {
                struct refusal refusal = {};

                if (start_hash(job, &refusal) < 0)
                        job_end(job, &refusal);
                else
                        o->hashing = job;
        }
}

/* ---- Its line ---- */

static int parse_code(const char *code, char ret[static CODE_MAX + 1]) {
        size_t n = strspn(code, "0123456789");

        if (code[n] || n < CODE_MIN || n > CODE_MAX)
                return -EINVAL;
        copy_text(ret, CODE_MAX + 1, code);
        return 0;
}

static int parse_operator(struct job *job, const char *line) {
        if (strlen(line) < 4 || line[2] != ' ')
                return -EINVAL;
        COPY(job->who, line);
        if (!operator_number_is_valid(job->who))
                return -EINVAL;
        return parse_code(line + 3, job->code);
}

/* Nothing is ready before all of it is. */
static int parse_lines(struct job *job, const char *text) {
        const char *newline = strchr(text, '\n');
        char first[SECRET_LINE_MAX + 1];
        WIPE_AT_END(first);
        int r;

        if (!takes_new_code(job))
                return parse_operator(job, text);
        if (!job->administrators)
                return parse_code(text, job->new_code);
        if (!newline)
                return -EINVAL;
        copy_text(first, (size_t) (newline - text) + 1, text);
        r = parse_operator(job, first);
        return r < 0 ? r : parse_code(newline + 1, job->new_code);
}

static void on_line(int result, const char *line, void *userdata) {
        struct job *job = userdata;
        struct operators *o = job->operators;
        struct refusal refusal = {};

        if (result == -ETIMEDOUT)
                (void) refusal_set(&refusal, REFUSAL_INVALID_CODE,
                                   "No code came within five seconds: write the line before you call");
        else if (result < 0 || parse_lines(job, line) < 0)
                (void) refusal_set(&refusal, REFUSAL_INVALID_CODE, "%s",
                                   !checks_code(job) ? N_("A code is one line of 4 to 8 digits")
                                   : takes_new_code(job)
                                           ? N_("An administrator says who it is in one line: two digits "
                                                "of the number, a blank, 4 to 8 digits of the code; a "
                                                "second line has the new code of 4 to 8 digits")
                                           : N_("An operator says who it is in one line: two digits of the number, a "
                                                "blank, 4 to 8 digits of the code"));
        if (refusal.code != REFUSAL_NONE)
                job_end(job, &refusal);
        start_next(o);
}

static int job_start(struct operators *o, const struct operators_call *call, enum act act, const char *number,
                     enum operator_role role, struct refusal *ret) {
        _cleanup_(job_freep) struct job *job = NULL;
        int r;

        if (o->n_jobs == JOBS_MAX)
                return refusal_set(ret, REFUSAL_BUSY, "%d codes are being checked already: try again", JOBS_MAX);
        job = secret_new(sizeof(*job));
        if (!job)
                return refuse_unchecked(ret, -ENOMEM);
        job->operators = o;
        job->act = act;
        job->administrators = call->administrators;
        job->least = call->administrators ? OPERATOR_ADMINISTRATOR : role;
        job->role = role;
        COPY(job->number, number);
        COPY(job->by, call->by);
        job->done = call->done;
        job->userdata = call->userdata;
        r = secret_line_new(o->event, call->fd, job->administrators ? 2 : 1, on_line, job, &job->line);
        if (r < 0)
                return refusal_set(ret, REFUSAL_INVALID_CODE,
                                   "The code cannot be read (%s): pass the reading end of a pipe, or a memfd",
                                   strerror(-r));
        o->jobs[o->n_jobs++] = TAKE_PTR(job);
        return 0;
}

/* ---- Calls from above ---- */

int operators_log_on(struct operators *o, const struct operators_call *call, struct refusal *ret_refusal) {
        return job_start(o, call, ACT_LOG_ON, "", OPERATOR_CASHIER, ret_refusal);
}

int operators_check(struct operators *o, const struct operators_call *call, enum operator_role least,
                    struct refusal *ret_refusal) {
        return job_start(o, call, ACT_CHECK, "", least, ret_refusal);
}

int operators_add(struct operators *o, const struct operators_call *call, const char *number, const char *role,
                  struct refusal *ret_refusal) {
        enum operator_role role_number = operator_role_from_string(role);
        struct operator_record record;
        int r;

        if (!operator_number_is_valid(number))
                return refusal_set(ret_refusal, REFUSAL_INVALID_OPERATOR,
                                   "\"%.16s\" is not an operator's number: "
                                   "use two digits, 00 to 99",
                                   number);
        if (role_number < 0)
                return refusal_set(ret_refusal, REFUSAL_INVALID_OPERATOR,
                                   "\"%.16s\" is not an operator's role: use "
                                   "cashier, supervisor or administrator",
                                   role);
        r = operator_record_load(o->journal, number, &record);
        if (r >= 0)
                return refuse_existing(ret_refusal, number);
        if (r != -ENOENT)
                return engine_refuse_journal(ret_refusal, r);
        return job_start(o, call, ACT_ADD, number, role_number, ret_refusal);
}

int operators_set_code(struct operators *o, const struct operators_call *call, const char *number,
                       struct refusal *ret_refusal) {
        struct operator_record record;
        int r;

        r = operator_record_load(o->journal, number, &record);
        if (r < 0)
                return refuse(ret_refusal, r, number);
        return job_start(o, call, ACT_SET_CODE, number, record.role, ret_refusal);
}

static int change_one(struct operators *o, const char *number, change_t change, const char *event, const char *by,
                      struct refusal *ret_refusal) {
        struct operator_record record;
        int r;

        r = operator_record_load(o->journal, number, &record);
        if (r >= 0) {
                clear_lock(&record);
                r = commit(o, change, &record, event, by);
        }
        return r < 0 ? refuse(ret_refusal, r, number) : 0;
}

int operators_remove(struct operators *o, const char *number, const char *by, struct refusal *ret_refusal) {
        return change_one(o, number, remove_record, "operator-removed", by, ret_refusal);
}

int operators_unlock(struct operators *o, const char *number, const char *by, struct refusal *ret_refusal) {
        return change_one(o, number, operator_record_update, "operator-unlocked", by, ret_refusal);
}

int operators_log_off(struct operators *o, const char *by, struct refusal *ret_refusal) {
        struct operator_record record;
        int r;

        r = operator_get_logged_on(o->journal, &record);
        if (r == -ENOENT)
                return 0;
        if (r >= 0)
                r = commit(o, log_off_record, &record, "logged-off", by);
        return r < 0 ? engine_refuse_journal(ret_refusal, r) : 0;
}

int operators_get_logged_on(struct operators *o, struct operator_record *ret) {
        return operator_get_logged_on(o->journal, ret);
}

int operators_each(struct operators *o, operator_each_t each, void *userdata) {
        return operator_record_each(o->journal, each, userdata);
}

int operators_find_number(struct journal *j, const struct settings *settings, char ret[static 3]) {
        struct operator_record record;
        int r;

        r = operator_get_logged_on(j, &record);
        if (r < 0 && r != -ENOENT)
                return r;
        copy_text(ret, 3, r < 0 ? settings->operator_number : record.number);
        return 0;
}

int operators_get_number(struct operators *o, char ret[static 3], struct refusal *ret_refusal) {
        struct operator_record record;
        int r;

        r = operator_get_logged_on(o->journal, &record);
        if (r == -ENOENT)
                r = operator_record_count(o->journal, OPERATOR_CASHIER);
        if (r < 0)
                return engine_refuse_journal(ret_refusal, r);
        if (r > 0)
                return refusal_set(ret_refusal, REFUSAL_NOT_LOGGED_ON,
                                   "No operator is logged on, and cashiers are enrolled here: log on with tillctl "
                                   "operator log-on");
        r = operators_find_number(o->journal, o->settings, ret);
        return r < 0 ? engine_refuse_journal(ret_refusal, r) : 0;
}

int operators_new(sd_event *event, struct journal *j, const struct settings *settings, struct notices *notices,
                  struct operators **ret) {
        struct operators *o = calloc(1, sizeof(*o));

        if (!o)
                return -ENOMEM;
        o->event = event;
        o->journal = j;
        o->settings = settings;
        o->notices = notices;
        *ret = o;
        return 0;
}

struct operators *operators_free(struct operators *o) {
        struct refusal refusal;

        if (!o)
                return NULL;
        (void) refusal_set(&refusal, REFUSAL_NOT_READY, "tilld is stopping: call again when it runs");
        while (o->n_jobs > 0)
                job_end(o->jobs[0], &refusal);
        free(o);
        return NULL;
}
