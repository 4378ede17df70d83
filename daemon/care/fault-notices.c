// SPDX-License-Identifier: LGPL-2.1-or-later
#include "care/fault-notices.h"

#include <inttypes.h>

#include "base/clock.h"

/* Between notices of the same code. */
#define PAUSE_USEC (30 * 60 * USEC_PER_SEC)

/* Of one code. */
struct topic {
        int64_t newest;     /* open fault, 0 for none */
        int64_t told;       /* the newest that people were told of, or would have been */
        int64_t open;       /* that they think is open, 0 for none; in the journal */
        uint64_t told_boot; /* CLOCK_BOOTTIME of then; 0 before */
};

struct fault_notices {
        struct engine *engine;
        struct topic *topics, *next; /* by fault_code_get(); next: as it will be when all is committed */
        size_t n;
        unsigned open;
};

static size_t count_codes(void) {
        size_t n = 0;

        while (fault_code_get(n))
                n++;
        return n;
}

static bool is_told(const struct fault_code *code) {
        return !streq(code->severity, "warning");
}

/* ---- What is open ---- */

static int note_open(const struct fault_record *record, void *userdata) {
        struct fault_notices *n = userdata;

        n->open++;
        for (size_t i = 0; i < n->n; i++)
                if (streq(fault_code_get(i)->code, record->code))
                        n->next[i].newest = MAX(n->next[i].newest, record->id);
        return 0;
}

static int look(struct fault_notices *n) {
        memcpy(n->next, n->topics, n->n * sizeof(*n->next));
        for (size_t i = 0; i < n->n; i++)
                n->next[i].newest = 0;
        n->open = 0;
        return fault_record_each(engine_journal(n->engine), &(struct fault_filter){ .open = true }, note_open, n);
}

static bool has_opened(const struct topic *t) {
        return t->newest > t->told && (t->told_boot == 0 || clock_now(CLOCK_BOOTTIME) - t->told_boot >= PAUSE_USEC);
}

static bool has_ended(const struct topic *t) {
        return t->open > 0 && t->newest == 0;
}

int fault_notices_are_due(struct fault_notices *n) {
        int r;

        r = look(n);
        for (size_t i = 0; r >= 0 && i < n->n; i++)
                if (is_told(fault_code_get(i)) && (has_opened(n->next + i) || has_ended(n->next + i)))
                        return 1;
        return r;
}

/* ---- What is said ---- */

void fault_notice_say(const struct fault_code *code, const struct fault_record *record,
                      char ret_english[static FAULT_SENTENCE_SIZE], char ret_chinese[static FAULT_SENTENCE_SIZE]) {
        bool ended = record->ended_usec > 0;
        char about[64] = "", about_chinese[64] = "";

        if (record->transaction > 0) {
                (void) snprintf(about, sizeof(about), " (transaction %" PRIi64 ")", record->transaction);
                (void) snprintf(about_chinese, sizeof(about_chinese), "（交易%" PRIi64 "）", record->transaction);
        }
        (void) snprintf(ret_english, FAULT_SENTENCE_SIZE, "%s%s.%s%s", code->symptom.english, about, ended ? "" : " ",
                        ended ? "" : code->merchant[0].english);
        (void) snprintf(ret_chinese, FAULT_SENTENCE_SIZE, "%s%s。%s", code->symptom.chinese, about_chinese,
                        ended ? "" : code->merchant[0].chinese);
}

static int tell(struct fault_notices *n, const struct fault_code *code, int64_t id) {
        char english[FAULT_SENTENCE_SIZE], chinese[FAULT_SENTENCE_SIZE];
        struct notice_order order = {
                .event = NOTICE_FAULT,
                .fields.detail = english,
                .fields.detail_zh = chinese,
        };
        struct fault_record record;
        bool ended;
        int r;

        r = fault_record_load(engine_journal(n->engine), id, &record);
        if (r < 0)
                return r == -ENOENT ? 0 : r; /* purged since */
        fault_notice_say(code, &record, english, chinese);
        ended = record.ended_usec > 0;
        order.what = ended ? NOTICE_TEXT_FAULT_ENDED : NOTICE_TEXT_FAULT;
        order.transaction = record.transaction;
        order.fields.time_usec = ended ? record.ended_usec : record.opened_usec;
        order.fields.count = !ended && n->open > 1 ? n->open : 0;
        return notices_add(engine_notices(n->engine), &order, NOTICE_TO_ALL);
}

static int keep_open(struct fault_notices *n, const struct fault_code *code, struct topic *t, int64_t id) {
        t->open = id;
        return fault_told_store(engine_journal(n->engine), code->code, id);
}

static int add(struct fault_notices *n, const struct fault_code *code, struct topic *t) {
        int r;

        if (has_ended(t)) {
                r = tell(n, code, t->open);
                return r < 0 ? r : keep_open(n, code, t, 0);
        }
        if (!has_opened(t))
                return 0;
        r = tell(n, code, t->newest);
        if (r < 0)
                return r;
        t->told = t->newest;
        t->told_boot = clock_now(CLOCK_BOOTTIME);
        /* Whom nobody has told that it began needs no end. */
        return r > 0 ? keep_open(n, code, t, t->newest) : 0;
}

int fault_notices_add(struct fault_notices *n) {
        int r;

        r = look(n);
        for (size_t i = 0; r >= 0 && i < n->n; i++)
                if (is_told(fault_code_get(i)))
                        r = add(n, fault_code_get(i), n->next + i);
        return r;
}

void fault_notices_keep(struct fault_notices *n) {
        memcpy(n->topics, n->next, n->n * sizeof(*n->next));
        notices_kick(engine_notices(n->engine));
}

/* ---- Life ---- */

int fault_notices_new(struct engine *e, struct fault_notices **ret) {
        _cleanup_(fault_notices_freep) struct fault_notices *n = calloc(1, sizeof(*n));
        int r;

        if (!n)
                return -ENOMEM;
        n->engine = e;
        n->n = count_codes();
        n->topics = calloc(n->n, sizeof(*n->topics));
        n->next = calloc(n->n, sizeof(*n->next));
        if (!n->topics || !n->next)
                return -ENOMEM;
        for (size_t i = 0; i < n->n; i++) {
                r = fault_told_load(engine_journal(e), fault_code_get(i)->code, &n->topics[i].open);
                if (r < 0)
                        return r;
                n->topics[i].told = n->topics[i].open;
        }
        *ret = TAKE_PTR(n);
        return 0;
}

struct fault_notices *fault_notices_free(struct fault_notices *n) {
        if (!n)
                return NULL;
        free(n->topics);
        free(n->next);
        free(n);
        return NULL;
}
