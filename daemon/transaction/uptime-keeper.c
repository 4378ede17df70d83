// SPDX-License-Identifier: LGPL-2.1-or-later
#include "transaction/uptime-keeper.h"

#include "base/clock.h"
#include "base/log.h"
#include "journal/uptime.h"
#include "transaction/engine.h"
#include "transaction/timer.h"

/* So much a power cut takes at most; more often would wear out flash. */
#define SAVE_INTERVAL_USEC (5 * 60 * USEC_PER_SEC)

struct uptime_keeper {
        struct journal *journal;
        sd_event_source *timer;
};

static int save(struct journal *j) {
        int r;

        r = journal_begin(j, JOURNAL_LAZY);
        if (r < 0)
                return r;
        _cleanup_(journal_rollbackp) _unused_ struct journal *rollback = j;

        r = uptime_save(j);
        if (r < 0)
                return r;
        return journal_commit(j);
}

static int on_timer(sd_event_source *source, uint64_t usec, void *userdata) {
        struct uptime_keeper *k = userdata;
        int r;

        r = save(k->journal);
        if (r == -EIO)
                engine_panic(r, "the journal cannot be written");
        if (r < 0)
                log_warning_errno(r, "The terminal's uptime cannot be saved; waiting times may last longer");
        timer_again(source, SAVE_INTERVAL_USEC);
        return 0;
}

int uptime_keeper_new(sd_event *event, struct journal *j, struct uptime_keeper **ret) {
        _cleanup_(uptime_keeper_freep) struct uptime_keeper *k = NULL;
        int r;

        k = calloc(1, sizeof(*k));
        if (!k)
                return -ENOMEM;
        k->journal = j;
        r = sd_event_add_time_relative(event, &k->timer, CLOCK_BOOTTIME, SAVE_INTERVAL_USEC, USEC_PER_SEC, on_timer,
                                       k);
        if (r < 0)
                return r;
        *ret = TAKE_PTR(k);
        return 0;
}

struct uptime_keeper *uptime_keeper_free(struct uptime_keeper *k) {
        int r;

        if (!k)
                return NULL;
        if (k->timer) {
                r = save(k->journal);
                if (r < 0)
                        log_warning_errno(r, "The terminal's uptime cannot be saved; waiting times may last longer");
        }
        sd_event_source_disable_unref(k->timer);
        free(k);
        return NULL;
}
