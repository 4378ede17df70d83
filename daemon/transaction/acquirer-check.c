// SPDX-License-Identifier: LGPL-2.1-or-later
#include "transaction/acquirer-check.h"

#include "base/clock.h"
#include "base/log.h"
#include "transaction/engine.h"
#include "transaction/timer.h"

#define PAUSE_FIRST_USEC (30 * USEC_PER_SEC)
#define PAUSE_LAST_USEC (15 * 60 * USEC_PER_SEC)

struct acquirer_check {
        struct engine *engine;
        sd_event_source *timer;
        bool waiting; /* for the timer */
        bool asking;  /* its exchange is on the link */
        unsigned tries;
        acquirer_asked_t told; /* of who wants to know, NULL: nobody */
        void *userdata;
};

static void wait_for(struct acquirer_check *c, uint64_t usec) {
        c->waiting = true;
        timer_again(c->timer, usec);
}

static void stop(struct acquirer_check *c) {
        c->waiting = false;
        c->tries = 0;
        (void) sd_event_source_set_enabled(c->timer, SD_EVENT_OFF);
}

void acquirer_check_kick(struct acquirer_check *c) {
        struct acquirer_standing standing;

        acquirer_get_standing(c->engine->acquirer, &standing);
        if (!standing.asked || acquirer_stands_well(&standing))
                stop(c);
        else if (!c->waiting && !c->asking)
                wait_for(c, PAUSE_FIRST_USEC);
}

void acquirer_check_forget(struct acquirer_check *c) {
        c->told = NULL;
}

static void tell(struct acquirer_check *c, bool well) {
        acquirer_asked_t told = c->told;

        c->told = NULL;
        if (told)
                told(well, c->userdata);
}

static void asked(struct acquirer_check *c, bool well) {
        struct acquirer_standing standing;

        c->asking = false;
        acquirer_get_standing(c->engine->acquirer, &standing);
        if (acquirer_stands_well(&standing))
                stop(c);
        else
                wait_for(c, timer_back_off(++c->tries, PAUSE_FIRST_USEC, PAUSE_LAST_USEC));
        /* Who wanted the link meanwhile has waited for it. */
        outbox_kick(c->engine->outbox);
        tell(c, well);
}

static void echoed(enum host_outcome outcome, enum host_link_reason reason, const struct host_answer *answer,
                   void *userdata) {
        asked(userdata, outcome == HOST_ANSWERED);
}

static void signed_on(const char *failure, void *userdata) {
        asked(userdata, !failure);
}

static int echo(struct acquirer_check *c) {
        struct host_request q = { .kind = HOST_ECHO, .psn = -1 };
        int r;

        r = acquirer_next_stan(c->engine->acquirer, &q.stan, &q.batch);
        return r < 0 ? r : acquirer_exchange(c->engine->acquirer, &q, echoed, c);
}

static bool has_something_to_say(const struct acquirer_check *c) {
        for (enum request_queue q = 0; q < _REQUEST_QUEUE_MAX; q++)
                if (outbox_count(c->engine->outbox, q) > 0)
                        return true;
        return engine_current(c->engine) != 0 || acquirer_is_busy(c->engine->acquirer);
}

static void ask(struct acquirer_check *c) {
        struct acquirer_standing standing;
        int r;

        acquirer_get_standing(c->engine->acquirer, &standing);
        if (*standing.refused || standing.other_keys)
                r = acquirer_sign_on(c->engine->acquirer, 0, signed_on, c);
        else
                r = echo(c);
        if (r < 0) {
                log_warning_errno(r, "Whether the acquirer is there again is asked later");
                return wait_for(c, PAUSE_LAST_USEC);
        }
        c->waiting = false;
        c->asking = true;
}

static int on_timer(sd_event_source *source, uint64_t usec, void *userdata) {
        struct acquirer_check *c = userdata;

        if (has_something_to_say(c))
                wait_for(c, PAUSE_FIRST_USEC);
        else
                ask(c);
        return 0;
}

void acquirer_check_hurry(struct acquirer_check *c) {
        struct acquirer_standing standing;

        acquirer_get_standing(c->engine->acquirer, &standing);
        if (!standing.asked || acquirer_is_here(c->engine->config.settings))
                return;
        acquirer_check_yield(c);
        outbox_hurry(c->engine->outbox);
        if (!has_something_to_say(c))
                ask(c);
}

int acquirer_check_ask(struct acquirer_check *c, acquirer_asked_t told, void *userdata) {
        if (has_something_to_say(c))
                return -EBUSY;
        ask(c);
        if (!c->asking)
                return -EIO;
        c->told = told;
        c->userdata = userdata;
        return 0;
}

void acquirer_check_yield(struct acquirer_check *c) {
        if (!c->asking)
                return;
        acquirer_cancel(c->engine->acquirer);
        c->asking = false;
        wait_for(c, PAUSE_FIRST_USEC);
}

int acquirer_check_new(struct engine *e, struct acquirer_check **ret) {
        _cleanup_(acquirer_check_freep) struct acquirer_check *c = calloc(1, sizeof(*c));
        int r;

        if (!c)
                return -ENOMEM;
        c->engine = e;
        r = sd_event_add_time_relative(e->config.event, &c->timer, CLOCK_BOOTTIME, PAUSE_FIRST_USEC, USEC_PER_SEC,
                                       on_timer, c);
        if (r >= 0)
                r = sd_event_source_set_enabled(c->timer, SD_EVENT_OFF);
        if (r < 0)
                return r;
        *ret = TAKE_PTR(c);
        return 0;
}

struct acquirer_check *acquirer_check_free(struct acquirer_check *c) {
        if (!c)
                return NULL;
        sd_event_source_disable_unref(c->timer);
        free(c);
        return NULL;
}
