// SPDX-License-Identifier: LGPL-2.1-or-later
/* The drawer hangs on the printer: its pulse goes between two papers. */
#include "base/clock.h"
#include "transaction/print-orders.h"
#include "transaction/printing-internal.h"

#define PULSE_SECONDS 5
#define PULSE_WAIT_USEC (30 * USEC_PER_SEC)

void printing_pulse_end(struct printing *p, int error, const char *reason) {
        printing_pulse_t done = p->pulse;

        p->pulse = NULL;
        p->pulse_sent = false;
        p->pulse_timeout = sd_event_source_disable_unref(p->pulse_timeout);
        if (done)
                done(error, reason, p->pulse_userdata);
}

/* Never again by itself, whatever became of it. */
void printing_pulse_done(struct printing *p, enum printer_result result, const char *reason) {
        const struct printer_status *status = printer_get_status(p->printer);
        bool taken = result == PRINTER_PRINTED || (result == PRINTER_UNCONFIRMED && printing_is_mute(p));

        printing_pulse_end(p, taken ? 0 : -EIO, reason);
        /* Of a printer that is being closed, whoever closes it goes on. */
        if (status->open)
                printing_kick(p);
}

/* It would open the drawer as somebody puts in paper, long after the one who asked has gone. */
void printing_pulse_hold(struct printing *p) {
        int r;

        if (!p->pulse_sent)
                return;
        r = printer_cancel(p->printer, PULSE_JOB);
        if (r == -ENOENT)
                return;
        printing_pulse_end(p, r > 0 ? -EAGAIN : -EIO, printer_get_status(p->printer)->words);
}

static int on_pulse_timeout(sd_event_source *s, uint64_t usec, void *userdata) {
        struct printing *p = userdata;

        if (!p->pulse_sent)
                printing_pulse_end(p, -ETIMEDOUT, "the paper before it is not printed yet");
        return 0;
}

static int submit_pulse(struct printing *p) {
        uint8_t data[DRAWER_PULSE_SIZE];
        const struct printer_job out = {
                .id = PULSE_JOB,
                .confirm = printing_confirm(&p->profile),
                .data = data,
                .size = drawer_to_escpos(&p->profile, data),
                .deadline = PULSE_SECONDS,
        };
        int r;

        r = print_order_note_drawer(p->engine->config.journal, &p->pulse_asker);
        if (r < 0)
                return r;
        p->pulse_sent = true;
        return printer_submit(p->printer, &out);
}

/* Between two papers. */
void printing_pulse_send(struct printing *p) {
        int r;

        if (!p->pulse || p->pulse_sent || p->job > 0 || p->drawn > 0)
                return;
        if (!p->device || !printer_get_status(p->printer)->able)
                return printing_pulse_end(p, -EAGAIN,
                                          p->device ? printer_get_status(p->printer)->words : "not connected");
        r = submit_pulse(p);
        if (r < 0)
                printing_pulse_end(p, r, strerror(-r));
}

int printing_open_drawer(struct printing *p, const struct print_asker *asker, printing_pulse_t done, void *userdata,
                         struct refusal *ret_refusal) {
        int r;

        if (!p->device)
                return refusal_set(ret_refusal, REFUSAL_UNAVAILABLE_DEVICE,
                                   "No printer is connected, and the drawer hangs on it: see tillctl devices");
        if (p->profile.drawer_pin == 0)
                return refusal_set(ret_refusal, REFUSAL_UNAVAILABLE_DEVICE,
                                   "This model of printer has no connector for a drawer: see TILL_PRINTER_DRAWER in "
                                   "supported-devices.md");
        if (!printer_get_status(p->printer)->able)
                return refusal_set(ret_refusal, REFUSAL_NOT_READY,
                                   "The drawer hangs on the printer, which is not ready: %s. Mend that and call again",
                                   printer_get_status(p->printer)->words);
        if (p->pulse)
                return refusal_set(ret_refusal, REFUSAL_BUSY,
                                   "The drawer is being opened for somebody else: call again if it is not open then");
        r = sd_event_add_time_relative(p->engine->config.event, &p->pulse_timeout, CLOCK_BOOTTIME, PULSE_WAIT_USEC, 0,
                                       on_pulse_timeout, p);
        if (r < 0)
                return r;
        p->pulse = done;
        p->pulse_userdata = userdata;
        p->pulse_asker = *asker;
        printing_kick(p);
        return 0;
}
