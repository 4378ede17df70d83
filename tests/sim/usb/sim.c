// SPDX-License-Identifier: LGPL-2.1-or-later
#include "usb/sim.h"

#include "base/log.h"
#include "usb/vhci.h"

#define PLUG_TIMEOUT_USEC (10 * 1000 * 1000ULL)
/* The uevent of a removal comes a moment before the folder goes, and nothing comes after it. */
#define CLEAN_RETRY_USEC (10 * 1000ULL)
/* Nothing tells when a port's power is switched on again. */
#define POWER_RETRY_USEC (200 * 1000ULL)

/* Somebody who wants to be told when devices are configured. */
struct waiter {
        struct waiter *next;
        struct sim *sim;
        unsigned int mask;
        sd_event_source *deadline;
        sim_answer_t answer;
        void *userdata;
};

/* A card that was in the slot once: its counters go on when it comes back. */
struct seen {
        struct seen *next;
        char *name;
        struct icc *icc;
};

static void sim_settle(struct sim *sim);

static void waiter_end(struct waiter *w, int error, const char *text) {
        struct waiter **p;

        for (p = &w->sim->waiters; *p != w; p = &(*p)->next)
                ;
        *p = w->next;
        sd_event_source_disable_unref(w->deadline);
        w->answer(w->userdata, error, text, strlen(text));
        free(w);
}

/* The kernel leaves one that needs more than a port gives as it is: bMaxPower, in units of 2 mA. */
static bool is_configured(const struct device *d) {
        return d->model->configuration[8] > 250 ? d->usb != NULL : usb_device_is_configured(d->usb);
}

static bool all_configured(struct sim *sim, unsigned int mask) {
        for (size_t i = 0; i < SIM_DEVICES; i++)
                if ((mask & 1U << i) && !is_configured(sim->devices[i]))
                        return false;
        return true;
}

static int sim_attach(struct sim *sim, struct device *d) {
        int fd, r;

        r = vhci_attach(d->port, d->model->speed, &fd);
        if (r < 0)
                return log_error_errno(r, "Cannot plug in %s at port %u", d->name, d->port);
        return usb_device_new(sim->event, fd, d->model, d->class, d, &d->usb);
}

/* The kernel tells of a port's power only when it does not wait for one of ours. */
static bool may_ask(const struct sim *sim) {
        for (size_t i = 0; i < SIM_DEVICES; i++)
                if (sim->devices[i]->usb && !usb_device_is_configured(sim->devices[i]->usb))
                        return false;
        return true;
}

/* The host has switched off the port's power: vhci_hcd forgets the device, and does not find it again by itself. */
static void look_for_power(const struct sim *sim, struct device *d) {
        if (d->usb && usb_device_is_configured(d->usb) && vhci_port_is_clean(d->port) && may_ask(sim) &&
            vhci_port_is_off(d->port)) {
                d->usb = usb_device_free(d->usb);
                d->dark = true;
        }
        if (d->dark && may_ask(sim) && !vhci_port_is_off(d->port))
                d->dark = false;
}

/* Brings what is plugged in into line with what is wanted, and tells those who wait for it. */
static void sim_settle(struct sim *sim) {
        bool again, dirty = false, off = false;

        for (size_t i = 0; i < SIM_DEVICES; i++) {
                struct device *d = sim->devices[i];

                if (d->usb && (d->pulled || usb_device_is_gone(d->usb))) {
                        if (!d->pulled)
                                log_notice("The kernel let go of %s", d->name);
                        d->pulled = false;
                        d->usb = usb_device_free(d->usb);
                        sim->wanted &= ~(1U << i);
                }
                look_for_power(sim, d);
                if (d->usb || !(sim->wanted & 1U << i))
                        continue;
                if (!vhci_port_is_clean(d->port))
                        dirty = true;
                else if (d->dark)
                        off = true;
                else if (sim_attach(sim, d) < 0)
                        sim->wanted &= ~(1U << i);
        }
        if (dirty || off)
                (void) sd_event_source_set_time_relative(sim->retry, dirty ? CLEAN_RETRY_USEC : POWER_RETRY_USEC);
        (void) sd_event_source_set_enabled(sim->retry, dirty || off ? SD_EVENT_ONESHOT : SD_EVENT_OFF);

        do {
                again = false;
                for (struct waiter *w = sim->waiters; w; w = w->next) {
                        if ((sim->wanted & w->mask) != w->mask)
                                waiter_end(w, -ECANCELED, "unplugged, or not taken by the kernel; see the journal");
                        else if (all_configured(sim, w->mask))
                                waiter_end(w, 0, "");
                        else
                                continue;
                        again = true;
                        break;
                }
        } while (again);
}

static int on_settle(sd_event_source *source, void *userdata) {
        sim_settle(userdata);
        return 0;
}

/* Settling frees devices: never from within one of their callbacks. */
static void sim_changed(void *userdata) {
        struct sim *sim = userdata;

        (void) sd_event_source_set_enabled(sim->settle, SD_EVENT_ONESHOT);
}

static int on_uevent(sd_event_source *source, int fd, uint32_t revents, void *userdata) {
        struct sim *sim = userdata;
        int enabled = SD_EVENT_OFF;

        vhci_uevents_drain(fd);
        sim_settle(sim);
        (void) sd_event_source_get_enabled(sim->retry, &enabled);
        if (enabled == SD_EVENT_OFF) {
                (void) sd_event_source_set_time_relative(sim->retry, POWER_RETRY_USEC);
                (void) sd_event_source_set_enabled(sim->retry, SD_EVENT_ONESHOT);
        }
        return 0;
}

static int on_retry(sd_event_source *source, uint64_t usec, void *userdata) {
        sim_settle(userdata);
        return 0;
}

static int on_deadline(sd_event_source *source, uint64_t usec, void *userdata) {
        waiter_end(userdata, -ETIMEDOUT, "the kernel did not configure the device within 10 s");
        return 0;
}

void sim_plug(struct sim *sim, unsigned int mask, sim_answer_t answer, void *userdata) {
        struct waiter *w = calloc(1, sizeof(*w));

        if (!w || sd_event_add_time_relative(sim->event, &w->deadline, CLOCK_MONOTONIC, PLUG_TIMEOUT_USEC, 0,
                                             on_deadline, w) < 0) {
                free(w);
                answer(userdata, -ENOMEM, "out of memory", strlen("out of memory"));
                return;
        }
        w->sim = sim;
        w->mask = mask;
        w->answer = answer;
        w->userdata = userdata;
        w->next = sim->waiters;
        sim->waiters = w;
        sim->wanted |= mask;
        sim_settle(sim);
}

void sim_unplug(struct sim *sim, unsigned int mask) {
        sim->wanted &= ~mask;
        for (size_t i = 0; i < SIM_DEVICES; i++)
                if (mask & 1U << i) {
                        sim->devices[i]->usb = usb_device_free(sim->devices[i]->usb);
                        sim->devices[i]->pulled = false;
                }
        sim_settle(sim);
}

void sim_cancel(struct sim *sim, void *userdata) {
        for (struct waiter **p = &sim->waiters; *p;) {
                struct waiter *w = *p;

                if (w->userdata != userdata) {
                        p = &w->next;
                        continue;
                }
                *p = w->next;
                sd_event_source_disable_unref(w->deadline);
                free(w);
        }
}

int sim_insert(struct sim *sim, const char *name) {
        _cleanup_(sim_card_freep) struct sim_card *card = NULL;
        _cleanup_(icc_freep) struct icc *icc = NULL;
        struct seen *s;
        int r;

        if (emv_card(sim->emv))
                return -EBUSY;
        r = sim_card_load(name, &card);
        if (r < 0)
                return r;
        if (card->atr_size == 0)
                return -ENXIO;
        r = icc_new(card, &icc);
        if (r < 0)
                return r;
        TAKE_PTR(card);

        for (s = sim->cards; s && !streq(s->name, name); s = s->next)
                ;
        if (!s) {
                s = calloc(1, sizeof(*s));
                if (!s || free_and_strdup(&s->name, name) < 0) {
                        free(s);
                        return -ENOMEM;
                }
                s->next = sim->cards;
                sim->cards = s;
        }
        if (s->icc)
                icc_continue(icc, s->icc);
        icc_free(s->icc);
        s->icc = TAKE_PTR(icc);
        return emv_insert(sim->emv, s->icc);
}

int sim_new(sd_event *event, struct sim **ret) {
        _cleanup_(sim_freep) struct sim *sim = NULL;
        _cleanup_close_ int fd = -EBADF;
        int r;

        sim = calloc(1, sizeof(*sim));
        if (!sim)
                return -ENOMEM;
        sim->event = event;
        r = msr_new(event, &sim->msr);
        if (r < 0)
                return r;
        r = emv_new(event, &sim->emv);
        if (r < 0)
                return r;
        r = printer_new(event, &sim->printer);
        if (r < 0)
                return r;
        sim->devices[SIM_MSR] = (struct device *) sim->msr;
        sim->devices[SIM_EMV] = (struct device *) sim->emv;
        sim->devices[SIM_PRINTER] = (struct device *) sim->printer;
        for (size_t i = 0; i < SIM_DEVICES; i++) {
                sim->devices[i]->changed = sim_changed;
                sim->devices[i]->owner = sim;
        }

        r = sd_event_add_defer(event, &sim->settle, on_settle, sim);
        if (r < 0)
                return r;
        r = sd_event_source_set_enabled(sim->settle, SD_EVENT_OFF);
        if (r < 0)
                return r;
        r = sd_event_add_time(event, &sim->retry, CLOCK_MONOTONIC, UINT64_MAX, 1000, on_retry, sim);
        if (r < 0)
                return r;
        fd = vhci_uevents_open();
        if (fd < 0)
                return fd;
        r = sd_event_add_io(event, &sim->uevents, fd, EPOLLIN, on_uevent, sim);
        if (r < 0)
                return r;
        r = sd_event_source_set_io_fd_own(sim->uevents, true);
        if (r < 0)
                return r;
        TAKE_FD(fd);
        *ret = TAKE_PTR(sim);
        return 0;
}

struct sim *sim_free(struct sim *sim) {
        if (!sim)
                return NULL;
        while (sim->waiters)
                waiter_end(sim->waiters, -ECANCELED, "till-sim ends");
        sd_event_source_disable_unref(sim->uevents);
        sd_event_source_disable_unref(sim->settle);
        sd_event_source_disable_unref(sim->retry);
        msr_free(sim->msr);
        emv_free(sim->emv);
        printer_free(sim->printer);
        while (sim->cards) {
                struct seen *s = sim->cards;

                sim->cards = s->next;
                icc_free(s->icc);
                free(s->name);
                free(s);
        }
        free(sim);
        return NULL;
}
