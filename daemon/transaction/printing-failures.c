// SPDX-License-Identifier: LGPL-2.1-or-later
/* What each open paper has failed, and when it is tried again: its own count and its own time. */

#include "base/clock.h"
#include "base/log.h"
#include "transaction/printing-internal.h"

/* A paper that keeps failing is tried less and less. */
#define PAUSE_USEC_MAX (300 * USEC_PER_SEC)

struct printing_failure *printing_failure_find(const struct printing *p, int64_t job) {
        for (struct printing_failure *f = p->failures; f; f = f->next)
                if (f->job == job)
                        return f;
        return NULL;
}

void printing_failure_forget(struct printing *p, int64_t job) {
        for (struct printing_failure **at = &p->failures; *at; at = &(*at)->next) {
                struct printing_failure *f = *at;

                if (f->job != job)
                        continue;
                *at = f->next;
                sd_event_source_disable_unref(f->pause);
                free(f);
                return;
        }
}

static int on_pause(sd_event_source *s, uint64_t usec, void *userdata) {
        struct printing_failure *f = userdata;

        f->pause = sd_event_source_disable_unref(f->pause);
        printing_kick(f->printing);
        return 0;
}

static int start_pause(struct printing_failure *f) {
        unsigned shift = f->count > PRINTING_FAILURES_MAX ? MIN(f->count - PRINTING_FAILURES_MAX, 6U) : 0;

        f->pause = sd_event_source_disable_unref(f->pause);
        return sd_event_add_time_relative(f->printing->engine->config.event, &f->pause, CLOCK_BOOTTIME,
                                          MIN(PRINTING_RETRY_USEC << shift, PAUSE_USEC_MAX), 0, on_pause, f);
}

static struct printing_failure *get(struct printing *p, int64_t job) {
        struct printing_failure *f = printing_failure_find(p, job);

        if (f)
                return f;
        f = calloc(1, sizeof(*f));
        if (!f)
                return NULL;
        *f = (struct printing_failure){ .printing = p, .job = job, .next = p->failures };
        return p->failures = f;
}

int printing_failure_count(struct printing *p, int64_t job) {
        struct printing_failure *f = get(p, job);

        if (!f)
                return -ENOMEM;
        if (++f->count == PRINTING_FAILURES_MAX)
                log_print_job(LOG_WARNING, 0, 0, job,
                              "has failed %u times in a row: the others go first from now on; Receipts.Cancel ends it",
                              f->count);
        return start_pause(f);
}

void printing_failures_end_pauses(struct printing *p, unsigned max) {
        for (struct printing_failure *f = p->failures; f; f = f->next)
                if (f->count <= max)
                        f->pause = sd_event_source_disable_unref(f->pause);
}
