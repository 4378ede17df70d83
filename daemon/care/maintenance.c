// SPDX-License-Identifier: LGPL-2.1-or-later
#include "care/maintenance.h"

#include "base/card-number.h"
#include "base/clock.h"
#include "base/log.h"
#include "care/inspection.h"
#include "care/statistic-name.h"
#include "journal/operator.h"
#include "journal/statistic.h"

#define DAY_USEC (24 * 3600 * USEC_PER_SEC)

/* What wears it, in which unit, and where tilld.conf has the limits. */
#define LIMIT(member) offsetof(struct maintenance_limits, member)

static const struct item {
        const char *name, *text;
        const char *kind; /* of devices; NULL: the terminal */
        const char *counters[2];
        const char *unit;
        unsigned unit_size; /* of the counters */
        size_t limit, days; /* in struct maintenance_limits */
} items[] = {
        {
                .name = "msr-head",
                .text = N_("Clean the magstripe reader's head with a cleaning card"),
                .kind = "msr",
                .counters = { STATISTIC_GOOD_READS, STATISTIC_FAILED_READS },
                .unit = N_("swipes"),
                .unit_size = 1,
                .limit = LIMIT(msr_swipes),
                .days = LIMIT(msr_days),
        },
        {
                .name = "emv-contacts",
                .text = N_("Clean the EMV reader's contacts with a cleaning card"),
                .kind = "emv",
                .counters = { STATISTIC_INSERTIONS },
                .unit = N_("insertions"),
                .unit_size = 1,
                .limit = LIMIT(emv_insertions),
                .days = LIMIT(emv_days),
        },
        {
                .name = "printer-head",
                .text = N_("Clean the printer's head: switched off and cold, with alcohol"),
                .kind = "printer",
                .counters = { STATISTIC_PAPER },
                .unit = N_("metres"),
                .unit_size = 1000,
                .limit = LIMIT(printer_metres),
                .days = LIMIT(printer_days),
        },
        {
                .name = "cutter",
                .text = N_("Have the printer's cutter replaced: it is at the end of its life"),
                .kind = "printer",
                .counters = { STATISTIC_CUTS },
                .unit = N_("cuts"),
                .unit_size = 1,
                .limit = LIMIT(cutter_cuts),
                .days = LIMIT(never),
        },
        {
                .name = "plugs",
                .text = N_("Inspect plugs, screws and cables, and tighten them"),
                .unit = "",
                .unit_size = 1,
                .limit = LIMIT(never),
                .days = LIMIT(plugs_days),
        },
};

static const struct drill {
        const char *name, *text;
        unsigned days;
} drills[] = {
        { "training", N_("Monthly training: swiping, inserting, voids, refunds and settlement"), 31 },
        { "outage", N_("Monthly drill: the acquirer or the network is down"), 31 },
        { "lost-phone", N_("Quarterly drill: the bound phone is lost"), 92 },
        { "replacement", N_("Quarterly drill: the terminal is replaced"), 92 },
};

static uint64_t limit_of(struct engine *e, size_t offset) {
        const struct maintenance_limits *limits = &engine_settings(e)->maintenance;

        return *(const unsigned *) ((const char *) limits + offset);
}

static uint64_t due_after(uint64_t usec, uint64_t days) {
        return usec > 0 && days > 0 ? usec + days * DAY_USEC : 0;
}

/* ---- Of devices ---- */

struct look {
        struct engine *engine;
        const struct item *item;
        struct maintenance_item *ret;
};

static int count_wear(struct journal *j, const struct item *item, const char *device, uint64_t *ret) {
        uint64_t sum = 0, n;
        int r;

        for (size_t i = 0; i < ELEMENTSOF(item->counters) && item->counters[i]; i++) {
                r = statistic_get(j, device, item->counters[i], &n);
                if (r < 0)
                        return r;
                sum += n;
        }
        *ret = sum;
        return 0;
}

/* What it was when it was done last; from its first day on where it never was. */
static int load_done(struct journal *j, const char *item, const char *device, uint64_t first,
                     struct maintenance_record *ret) {
        int r = maintenance_record_load(j, item, device, ret);

        if (r != -ENOENT)
                return r;
        *ret = (struct maintenance_record){ .done_usec = first };
        return 1;
}

static void note_done(struct maintenance_item *ret, const struct maintenance_record *done) {
        ret->done_usec = done->done_usec;
        COPY(ret->done_by, done->done_by);
        COPY(ret->note, done->note);
}

/* The one that is due first says when. */
static void note_due(struct maintenance_item *ret, uint64_t due_usec) {
        if (due_usec > 0 && (ret->due_usec == 0 || due_usec < ret->due_usec))
                ret->due_usec = due_usec;
}

/* One that is not there wears nothing, and cannot be cleaned. */
static int look_at_device(const struct device_record *device, void *userdata) {
        struct look *l = userdata;
        struct journal *j = engine_journal(l->engine);
        const struct item *item = l->item;
        struct maintenance_record done;
        uint64_t count;
        int r;

        if (device->missing_usec > 0 || !streq(device->kind, item->kind))
                return 0;
        r = load_done(j, item->name, device->key, device->first_seen_usec, &done);
        if (r < 0)
                return r;
        if (r == 0 && done.done_usec > l->ret->done_usec)
                note_done(l->ret, &done);
        r = count_wear(j, item, device->key, &count);
        if (r < 0)
                return r;
        /* Less than then: the counters were reset since. */
        count = (count >= done.count ? count - done.count : count) / item->unit_size;
        l->ret->count = MAX(l->ret->count, count);
        note_due(l->ret, due_after(done.done_usec, limit_of(l->engine, item->days)));
        return 0;
}

/* ---- Of the terminal ---- */

static int find_first(const struct device_record *device, void *userdata) {
        uint64_t *first = userdata;

        if (*first == 0 || device->first_seen_usec < *first)
                *first = device->first_seen_usec;
        return 0;
}

/* Since when it is a terminal: its first device. 0 before. */
static int load_first(struct engine *e, uint64_t *ret) {
        *ret = 0;
        return device_record_each(engine_journal(e), find_first, ret);
}

static int look_at_terminal(struct engine *e, const struct item *item, struct maintenance_item *ret) {
        struct maintenance_record done;
        uint64_t first;
        int r;

        r = load_first(e, &first);
        if (r >= 0)
                r = load_done(engine_journal(e), item->name, "", first, &done);
        if (r < 0)
                return r;
        if (r == 0)
                note_done(ret, &done);
        note_due(ret, due_after(done.done_usec, limit_of(e, item->days)));
        return 0;
}

static int look_at_item(struct engine *e, const struct item *item, struct maintenance_item *ret) {
        struct look l = { .engine = e, .item = item, .ret = ret };
        int r;

        *ret = (struct maintenance_item){
                .name = item->name,
                .text = item->text,
                .unit = item->unit,
                .limit = limit_of(e, item->limit),
        };
        r = item->kind ? device_record_each(engine_journal(e), look_at_device, &l) : look_at_terminal(e, item, ret);
        ret->due = (ret->limit > 0 && ret->count >= ret->limit) ||
                   (ret->due_usec > 0 && ret->due_usec <= clock_now(CLOCK_REALTIME));
        return r;
}

static int look_at_drill(struct engine *e, const struct drill *drill, struct maintenance_item *ret) {
        struct drill_record held;
        uint64_t first;
        int r;

        *ret = (struct maintenance_item){ .name = drill->name, .text = drill->text, .unit = "", .drill = true };
        r = load_first(e, &first);
        if (r < 0)
                return r;
        r = drill_record_load_last(engine_journal(e), drill->name, &held);
        if (r < 0 && r != -ENOENT)
                return r;
        if (r >= 0) {
                first = ret->done_usec = held.held_usec;
                COPY(ret->done_by, held.recorded_by);
                COPY(ret->people, held.people);
                COPY(ret->note, held.note);
        }
        if (engine_settings(e)->maintenance.drills)
                ret->due_usec = due_after(first, drill->days);
        ret->due = ret->due_usec > 0 && ret->due_usec <= clock_now(CLOCK_REALTIME);
        return 0;
}

/* The terminal's own: its result is the note. */
static int look_at_inspection(struct engine *e, struct maintenance_item *ret) {
        struct maintenance_record made;
        int r;

        *ret = (struct maintenance_item){
                .name = INSPECTION_ITEM,
                .text = N_("Daily inspection, which the terminal makes by itself"),
                .unit = "",
        };
        r = inspection_load(e, &made);
        if (r < 0)
                return r;
        note_done(ret, &made);
        r = inspection_is_overdue(e);
        ret->due = r > 0;
        return MIN(r, 0);
}

int maintenance_each(struct engine *e, maintenance_each_t each, void *userdata) {
        struct maintenance_item item;
        int r;

        for (size_t i = 0; i < ELEMENTSOF(items); i++) {
                r = look_at_item(e, items + i, &item);
                if (r >= 0)
                        r = each(&item, userdata);
                if (r != 0)
                        return r;
        }
        r = look_at_inspection(e, &item);
        if (r >= 0)
                r = each(&item, userdata);
        if (r != 0)
                return r;
        for (size_t i = 0; i < ELEMENTSOF(drills); i++) {
                r = look_at_drill(e, drills + i, &item);
                if (r >= 0)
                        r = each(&item, userdata);
                if (r != 0)
                        return r;
        }
        return 0;
}

struct due {
        maintenance_each_t each;
        void *userdata;
};

static int pass_due(const struct maintenance_item *item, void *userdata) {
        const struct due *due = userdata;

        return item->due ? due->each(item, due->userdata) : 0;
}

int maintenance_each_due(struct engine *e, maintenance_each_t each, void *userdata) {
        struct due due = { each, userdata };

        return maintenance_each(e, pass_due, &due);
}

/* ---- Done ---- */

struct act {
        struct journal *journal;
        const struct item *item;
        const char *by, *note;
};

static int store_done(const struct act *act, const char *device) {
        struct maintenance_record record = {};
        int r;

        COPY(record.item, act->item->name);
        COPY(record.device, device);
        COPY(record.done_by, act->by);
        COPY(record.note, act->note);
        r = count_wear(act->journal, act->item, device, &record.count);
        return r < 0 ? r : maintenance_record_store(act->journal, &record);
}

static int store_device(const struct device_record *device, void *userdata) {
        const struct act *act = userdata;

        return streq(device->kind, act->item->kind) && device->missing_usec == 0 ? store_done(act, device->key) : 0;
}

static int write_done(const struct act *act) {
        struct journal *j = act->journal;
        int r;

        r = journal_begin(j, JOURNAL_DURABLE);
        if (r < 0)
                return r;
        _cleanup_(journal_rollbackp) _unused_ struct journal *rollback = j;
        r = act->item->kind ? device_record_each(j, store_device, (void *) act) : store_done(act, "");
        if (r >= 0)
                r = maintenance_note_done(j, act->item->name, act->by, act->note);
        return r < 0 ? r : journal_commit(j);
}

/* A copy, without what could be a card number. */
static int take_note(const char *note, char **ret, struct refusal *ret_refusal) {
        if (*note && !resolution_is_note(note))
                return refusal_set(ret_refusal, REFUSAL_INVALID_NOTE,
                                   "The note is at most %d bytes, without control characters", MAINTENANCE_NOTE_MAX);
        *ret = strdup(note);
        if (!*ret)
                return -ENOMEM;
        (void) text_mask_card_numbers(*ret);
        return 0;
}

static const struct item *find_item(const char *name) {
        for (size_t i = 0; i < ELEMENTSOF(items); i++)
                if (streq(items[i].name, name))
                        return items + i;
        return NULL;
}

int maintenance_done(struct engine *e, const char *item, const char *note, const char *by,
                     struct refusal *ret_refusal) {
        struct act act = { .journal = engine_journal(e), .item = find_item(item), .by = by };
        _cleanup_free_ char *clean = NULL;
        int r;

        if (streq(item, INSPECTION_ITEM))
                return refusal_set(ret_refusal, REFUSAL_NOT_ASKED,
                                   "The terminal makes its daily inspection by itself, and records it: tillctl health "
                                   "inspection makes one now");
        if (!act.item)
                return refusal_set(ret_refusal, REFUSAL_NOT_FOUND,
                                   "There is no such item of maintenance: tillctl maintenance lists them");
        r = take_note(note, &clean, ret_refusal);
        if (r < 0)
                return r;
        act.note = clean;
        r = write_done(&act);
        if (r < 0)
                return engine_refuse_journal(ret_refusal, r);
        log_info("Maintenance %s: done by %s", item, by);
        return 0;
}

/* ---- Drills that were held ---- */

static bool is_drill(const char *name) {
        for (size_t i = 0; i < ELEMENTSOF(drills); i++)
                if (streq(drills[i].name, name))
                        return true;
        return false;
}

/* "01 02 07" */
static int take_people(struct engine *e, char *const *people, char *text, size_t size, struct refusal *ret_refusal) {
        struct operator_record operator;
        size_t l = 0;
        int r;

        for (; people && *people; people++) {
                r = operator_record_load(engine_journal(e), *people, &operator);
                if (r == -ENOENT)
                        return refusal_set(ret_refusal, REFUSAL_INVALID_OPERATOR,
                                           "Who took part is an operator's number: tillctl operator list shows them");
                if (r < 0)
                        return engine_refuse_journal(ret_refusal, r);
                if (l + 4 > size)
                        return refusal_set(ret_refusal, REFUSAL_INVALID_OPERATOR,
                                           "So many cannot be recorded at once: record the drill twice");
                l += (size_t) snprintf(text + l, size - l, "%s%.2s", l > 0 ? " " : "", *people);
        }
        if (l == 0)
                return refusal_set(ret_refusal, REFUSAL_INVALID_OPERATOR,
                                   "Say who took part, by operator number: tillctl operator list shows them");
        return 0;
}

static int write_drill(struct journal *j, struct drill_record *record) {
        int r;

        r = journal_begin(j, JOURNAL_DURABLE);
        if (r < 0)
                return r;
        _cleanup_(journal_rollbackp) _unused_ struct journal *rollback = j;
        r = drill_record_insert(j, record);
        return r < 0 ? r : journal_commit(j);
}

int maintenance_drill(struct engine *e, const char *kind, char *const *people, const char *note, const char *by,
                      struct refusal *ret_refusal) {
        _cleanup_free_ char *clean = NULL;
        struct drill_record record = {};
        int r;

        if (!is_drill(kind))
                return refusal_set(ret_refusal, REFUSAL_NOT_FOUND,
                                   "There is no such drill: tillctl maintenance lists them");
        r = take_note(note, &clean, ret_refusal);
        if (r >= 0)
                r = take_people(e, people, record.people, sizeof(record.people), ret_refusal);
        if (r < 0)
                return r;
        COPY(record.kind, kind);
        COPY(record.recorded_by, by);
        COPY(record.note, clean);
        r = write_drill(engine_journal(e), &record);
        if (r < 0)
                return engine_refuse_journal(ret_refusal, r);
        log_info("Drill %s: recorded by %s", kind, by);
        return 0;
}
