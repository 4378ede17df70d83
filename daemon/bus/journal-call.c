// SPDX-License-Identifier: LGPL-2.1-or-later
#include "bus/journal-call.h"

#include "base/clock.h"
#include "bus/error.h"

#define PROGRESS_INTERVAL_USEC (500 * USEC_PER_MSEC)

struct journal_call *journal_call_free(struct journal_call *c) {
        if (!c)
                return NULL;
        export_free(c->export);
        reconcile_free(c->reconcile);
        sd_bus_track_unref(c->caller);
        sd_bus_message_unref(c->message);
        free(c);
        return NULL;
}

int journal_call_new(struct server *s, sd_bus_message *m, const struct journal_act *act, struct journal_call **ret) {
        struct journal_call *c = calloc(1, sizeof(*c));

        if (!c)
                return -ENOMEM;
        c->server = s;
        c->message = sd_bus_message_ref(m);
        c->act = act;
        c->told_usec = clock_now(CLOCK_BOOTTIME);
        *ret = c;
        return 0;
}

/* To the caller alone, for whoever looks at it. */
static void tell_progress(struct journal_call *c) {
        _cleanup_(sd_bus_message_unrefp) sd_bus_message *m = NULL;
        uint64_t done, total, now = clock_now(CLOCK_BOOTTIME);

        if (now - c->told_usec < PROGRESS_INTERVAL_USEC)
                return;
        c->told_usec = now;
        c->act->progress(c, &done, &total);
        if (sd_bus_message_new_signal(c->server->bus, &m, SERVER_PATH, SERVER_JOURNAL, "Progress") < 0 ||
            sd_bus_message_append(m, "stt", sd_bus_message_get_member(c->message), done, total) < 0)
                return;
        (void) sd_bus_send_to(c->server->bus, m, sd_bus_message_get_sender(c->message), NULL);
}

static int slice(struct journal *j, void *userdata) {
        struct journal_call *c = userdata;

        tell_progress(c);
        return c->act->slice(j, c);
}

int journal_call_refuse(sd_bus_error *error, enum refusal_code code, const char *text) {
        struct refusal refusal;

        (void) refusal_set(&refusal, code, "%s", text);
        return bus_error_set_refusal(error, &refusal);
}

static void end(int r, void *userdata) {
        _cleanup_(journal_call_freep) struct journal_call *c = userdata;
        _cleanup_(sd_bus_error_free) sd_bus_error error = SD_BUS_ERROR_NULL;

        switch (r) {
        case -ECANCELED:
                r = journal_call_refuse(&error, REFUSAL_NOT_READY,
                                        "tilld is stopping: call again when it has started");
                break;
        case -ETIMEDOUT:
                r = journal_call_refuse(&error, REFUSAL_STALLED,
                                        "Nothing moved in the pipe for a minute, and the call was given up: read or "
                                        "write at the other end while it runs, and call again");
                break;
        case -EPIPE:
                r = journal_call_refuse(&error, REFUSAL_STALLED,
                                        "Nobody reads at the other end of the pipe any more: keep it open until the "
                                        "answer, and call again");
                break;
        default:
                r = c->act->answer(c, r, &error);
        }
        if (r < 0)
                (void) sd_bus_reply_method_errno(c->message, r, &error);
}

static int on_gone(sd_bus_track *track, void *userdata) {
        struct journal_call *c = userdata;

        upkeep_cancel(engine_upkeep(c->server->engine), -ECANCELED, c);
        return 0;
}

static int follow_caller(struct journal_call *c) {
        int r;

        if (!c->act->callers)
                return 0;
        r = sd_bus_track_new(c->server->bus, &c->caller, on_gone, c);
        return r < 0 ? r : sd_bus_track_add_sender(c->caller, c->message);
}

int journal_call_start(struct journal_call **c, const struct stream *stream, sd_bus_error *error) {
        const struct upkeep_work work = { .slice = slice, .end = end, .userdata = *c, .stream = stream };
        int r;

        r = follow_caller(*c);
        if (r >= 0)
                r = upkeep_run(engine_upkeep((*c)->server->engine), &work);
        if (r == -EBUSY)
                return journal_call_refuse(error, REFUSAL_BUSY,
                                           "The journal is being verified, exported or purged for somebody else: try "
                                           "again when that is done");
        if (r < 0)
                return r;
        TAKE_PTR(*c);
        return 1;
}
