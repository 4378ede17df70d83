// SPDX-License-Identifier: LGPL-2.1-or-later
#include "care/inspection.h"

#include "base/clock.h"
#include "base/log.h"
#include "journal/uptime.h"

/* Its count is how long the terminal had been on by then, microseconds. */
static int store(struct engine *e, const char *by, const char *result) {
        struct maintenance_record record = { .item = INSPECTION_ITEM };
        struct journal *j = engine_journal(e);
        int r;

        COPY(record.done_by, by);
        COPY(record.note, result);
        r = journal_begin(j, JOURNAL_DURABLE);
        if (r < 0)
                return r;
        _cleanup_(journal_rollbackp) _unused_ struct journal *rollback = j;
        r = uptime_get(j, &record.count);
        if (r >= 0)
                r = maintenance_record_store(j, &record);
        if (r >= 0 && *by)
                r = maintenance_note_done(j, INSPECTION_ITEM, by, result);
        return r < 0 ? r : journal_commit(j);
}

int inspection_start(struct engine *e) {
        struct maintenance_record record;
        int r = maintenance_record_load(engine_journal(e), INSPECTION_ITEM, "", &record);

        return r == -ENOENT ? store(e, "", "") : r;
}

/* "failed: echo, device 1-3" */
static void list_steps(const struct health_check *check, enum health_state state, char *text, size_t size) {
        bool first = true;

        for (size_t i = 0; i < check->n; i++) {
                const struct health_step *step = check->steps + i;
                size_t l = strlen(text);

                if (step->state != state)
                        continue;
                if (first)
                        (void) snprintf(text + l, size - l, "%s%s:", l > 0 ? "; " : "", health_state_to_string(state));
                l = strlen(text);
                (void) snprintf(text + l, size - l, "%s %s%s%s", first ? "" : ",", step->test,
                                *step->device ? " " : "", step->device);
                first = false;
        }
}

int inspection_record(struct engine *e, const struct health_check *check) {
        char result[MAINTENANCE_NOTE_MAX + 1] = "";
        int r;

        list_steps(check, HEALTH_FAILED, result, sizeof(result));
        list_steps(check, HEALTH_SKIPPED, result, sizeof(result));
        if (!*result)
                COPY(result, "good");
        r = store(e, check->by, result);
        if (r == -EIO)
                engine_panic(r, "an inspection cannot be written");
        if (r < 0)
                return log_warning_errno(r, "The inspection cannot be written: it counts as not made");
        log_info("Inspection by %s: %s", check->by, result);
        return 0;
}

int inspection_load(struct engine *e, struct maintenance_record *ret) {
        int r = maintenance_record_load(engine_journal(e), INSPECTION_ITEM, "", ret);

        if (r == -ENOENT)
                *ret = (struct maintenance_record){};
        else if (r < 0)
                return r;
        if (isempty(ret->done_by))
                ret->done_usec = 0;
        return 0;
}

int inspection_is_overdue(struct engine *e) {
        struct maintenance_record record;
        uint64_t up_usec;
        int r;

        r = maintenance_record_load(engine_journal(e), INSPECTION_ITEM, "", &record);
        if (r < 0)
                return r == -ENOENT ? 0 : r;
        r = uptime_get(engine_journal(e), &up_usec);
        return r < 0 ? r : up_usec > record.count + INSPECTION_HOURS_MAX * 3600 * USEC_PER_SEC;
}
