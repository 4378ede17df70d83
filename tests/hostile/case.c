// SPDX-License-Identifier: LGPL-2.1-or-later
#include "hostile.h"

#include <fcntl.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/wait.h>

#include "base/log.h"
#include "paper/paper.h"
#include "usb/emv.h"
#include "usb/stripe.h"

/* Milliseconds, times the patience. */
#define NODE_MS 20000  /* from the plug to the node */
#define QUIET_MS 1500  /* the host has lost interest */
#define GONE_MS 30000  /* from the unplug to nothing */
#define LOST_MS 7000   /* from the unplug until vhci_hcd is suspected */
#define LOOK_MS 30     /* sysfs is slow where every access is checked */
#define WALK_MS 120000 /* for the program that uses the node */

#define PLUGS 3 /* of a proper device, until the host sees it as it is */

struct devices {
        struct msr *msr;
        struct emv *emv;
        struct printer *printer;
        struct sim_card *card;
        struct icc *icc;
};

static struct devices devices;

int case_devices_new(sd_event *event, struct device *ret[static KINDS]) {
        struct sim_card *card;
        int r;

        r = msr_new(event, &devices.msr);
        if (r < 0)
                return r;
        r = emv_new(event, &devices.emv);
        if (r < 0)
                return r;
        r = printer_new(event, &devices.printer);
        if (r < 0)
                return r;
        r = sim_card_load("visa", &devices.card);
        if (r < 0)
                return log_error_errno(r, "Cannot load the card \"visa\"");
        r = sim_card_load("visa", &card);
        if (r < 0)
                return r;
        r = icc_new(card, &devices.icc);
        if (r < 0)
                return r;
        ret[KIND_MSR] = (struct device *) devices.msr;
        ret[KIND_EMV] = (struct device *) devices.emv;
        ret[KIND_PRINTER] = (struct device *) devices.printer;
        return 0;
}

/* A reader at any level, with or without a keypad and an interrupt endpoint. */
static void choose_reader(const struct plan *plan) {
        static const enum reader_level levels[] = { READER_TPDU, READER_SHORT, READER_EXTENDED };
        static const uint32_t sizes[] = { 64, 271, 512, READER_MESSAGE_MAX };
        struct chance c = chance_for(plan->seed, plan->number, STREAM_READER, 0);
        struct reader reader = reader_default;

        if (!plan->proper && chance_below(&c, 3)) {
                reader.features = (reader.features & ~READER_LEVELS) | chance_pick(&c, levels);
                if (chance_below(&c, 4) == 0)
                        reader.features &= ~0xfeU | chance_next(&c);
                reader.message_max = chance_pick(&c, sizes);
                reader.voltages = 1 + chance_below(&c, 7);
                reader.slots = 1 + chance_below(&c, 2);
                reader.keypad = chance_below(&c, 2);
                reader.interrupt = chance_below(&c, 4);
                reader.protocol = (int) chance_below(&c, 3) - 1;
        }
        emv_set_reader(devices.emv, &reader);
}

static void choose_stripe_reader(const struct plan *plan) {
        struct chance c = chance_for(plan->seed, plan->number, STREAM_READER, 1);
        unsigned int n = 0;

        while (stripe_readers[n].name)
                n++;
        (void) msr_set_reader(devices.msr, stripe_readers[plan->proper ? 0 : chance_below(&c, n)].name);
}

static void choose_printer(const struct plan *plan) {
        static const char *const words[] = {
                "",           "unidirectional", "alternates", "bridge",      "bridge-other", "no-answer",
                "id-stall",   "id-long",        "id-short",   "id-reversed", "id-empty",     "id-cut",
                "id-garbage", "id-huge",        "deaf",       "port-stall",  "reset-old",    "reset-none",
        };
        struct chance c = chance_for(plan->seed, plan->number, STREAM_READER, 2);
        unsigned int i;

        printer_behave(devices.printer);
        (void) printer_set_kind(devices.printer, "");
        /* Each is a word of one or the other. */
        for (i = 0; i < 2 && !plan->proper; i++) {
                const char *word = chance_pick(&c, words);

                if (printer_set_kind(devices.printer, word) < 0)
                        (void) printer_misbehave(devices.printer, word);
        }
}

/* Each case begins with the same devices, whatever the one before did to them. */
static void reset_devices(const struct plan *plan) {
        (void) emv_remove(devices.emv);
        emv_behave(devices.emv);
        choose_reader(plan);
        choose_stripe_reader(plan);
        (void) emv_insert(devices.emv, devices.icc);
        choose_printer(plan);
        paper_set_error(printer_paper(devices.printer), PAPER_ERROR_NONE);
        paper_set_paper(printer_paper(devices.printer), PAPER_OK);
        paper_set_cover(printer_paper(devices.printer), false);
        paper_power_cycle(printer_paper(devices.printer));
        paper_clear(printer_paper(devices.printer));
}

/* Its node has to be of what is plugged in, and to do what it is for. */
static bool has_to_work(const struct plan *plan) {
        return plan->proper && plan->unplug == UNPLUG_LATE;
}

/* A person at the device. */
static void turn_switch(const struct plan *plan, struct chance *c) {
        struct paper *paper = printer_paper(devices.printer);
        struct stripe stripe;
        bool still = has_to_work(plan); /* shown to be in order */

        switch (plan->kind) {
        case KIND_MSR:
                stripe_from_card(devices.card, &stripe);
                for (size_t i = 0; i < STRIPE_TRACKS && !still; i++)
                        stripe.damage[i] = chance_below(c, 3) ? STRIPE_GOOD : chance_below(c, STRIPE_LRC + 1);
                (void) msr_swipe(devices.msr, &stripe);
                break;
        case KIND_EMV:
                if (!still && emv_card(devices.emv) && chance_below(c, 4) == 0)
                        (void) emv_remove(devices.emv);
                else
                        (void) emv_insert(devices.emv, devices.icc);
                if (!plan->proper && chance_below(c, 6) == 0)
                        emv_misbehave(devices.emv, chance_below(c, 5), 1 + chance_below(c, 3), chance_below(c, 4));
                if (emv_wants_pin(devices.emv))
                        (void) emv_key(devices.emv, chance_below(c, 3), "1234");
                break;
        default:
                if (still)
                        return;
                if (chance_below(c, 2))
                        paper_set_paper(paper, chance_below(c, 3));
                else
                        paper_set_cover(paper, chance_below(c, 4) == 0);
                if (!plan->proper && chance_below(c, 8) == 0)
                        paper_set_error(paper, chance_below(c, 3));
                printer_changed(devices.printer);
        }
}

static void speak_unasked(struct device *device, const struct plan *plan, struct chance *c) {
        uint8_t data[512], endpoint;
        size_t n;

        n = unasked_make(data, plan, c, &endpoint);
        if (device->usb && usb_device_queued(device->usb, endpoint) < 8192)
                (void) usb_device_send(device->usb, endpoint, data, n);
}

/* The process that uses nodes; it lasts from case to case. */
static struct {
        pid_t pid; /* 0: none */
        int orders, done;
} program;

struct order {
        struct plan plan;
        char node[64];
};

static void be_program(struct hostile *h, int orders, int done) {
        struct order o;

        (void) prctl(PR_SET_PDEATHSIG, SIGKILL);
        while (read(orders, &o, sizeof(o)) == sizeof(o)) {
                if (has_to_work(&o.plan))
                        walk_proper(h, &o.plan, o.node);
                else
                        walk(h, &o.plan, o.node);
                if (write(done, "", 1) != 1)
                        break;
        }
        _exit(0);
}

int case_program_start(struct hostile *h) {
        int orders[2], done[2];

        if (pipe2(orders, O_CLOEXEC) < 0 || pipe2(done, O_CLOEXEC) < 0)
                return -errno;
        program.pid = fork();
        if (program.pid < 0)
                return -errno;
        if (program.pid == 0) {
                safe_close(orders[1]);
                safe_close(done[0]);
                be_program(h, orders[0], done[1]);
        }
        safe_close(orders[0]);
        safe_close(done[1]);
        program.orders = orders[1];
        program.done = done[0];
        return fcntl(program.done, F_SETFL, O_NONBLOCK) < 0 ? -errno : 0;
}

static void forget_program(void) {
        program.orders = safe_close(program.orders);
        program.done = safe_close(program.done);
        program.pid = 0;
}

static bool start_walk(const struct plan *plan, const char *node) {
        struct order o = { .plan = *plan };

        snprintf(o.node, sizeof(o.node), "%s", node);
        return write(program.orders, &o, sizeof(o)) == sizeof(o);
}

static void show_blocked_tasks(void) {
        int fd = open("/proc/sysrq-trigger", O_WRONLY | O_CLOEXEC);

        if (fd >= 0)
                (void) !write(fd, "w", 1);
        safe_close(fd);
}

/* Also when the program hangs for ever in the kernel. */
static void end_walk(struct hostile *h, const struct plan *plan) {
        int64_t deadline = now_ms() + 20000 * (int64_t) h->patience;

        failed(h, plan, "the program that uses the device hangs");
        show_blocked_tasks();
        (void) kill(program.pid, SIGKILL);
        while (waitpid(program.pid, NULL, WNOHANG) == 0) {
                if (now_ms() > deadline) {
                        failed(h, plan, "the program that uses the device cannot be killed");
                        break;
                }
                usleep(100000);
        }
        forget_program();
}

static bool walk_has_ended(struct hostile *h, const struct plan *plan) {
        int status;
        char byte;

        if (read(program.done, &byte, 1) == 1)
                return true;
        if (waitpid(program.pid, &status, WNOHANG) != program.pid)
                return false;
        failed(h, plan, "the program that uses the device ended with signal %d", WTERMSIG(status));
        forget_program();
        return true;
}

/* Something still waits for the device LOST_MS after it has gone: perhaps for an URB that the controller has lost. */
static void find_lost(struct hostile *h, const struct plan *plan, int64_t *since) {
        int64_t now = now_ms();

        if (*since == 0 || !port_is_free(h->controller))
                *since = now;
        if (now - *since < LOST_MS * (int64_t) h->patience)
                return;
        if (port_flush(h->controller)) {
                printf("# case %llu (%s): vhci_hcd had lost a request\n", (unsigned long long) plan->number,
                       kind_names[plan->kind]);
                atomic_fetch_add(&h->shared->lost, 1);
        }
        *since = 0;
}

static void wait_for_end(struct hostile *h, const struct plan *plan) {
        int64_t deadline = now_ms() + GONE_MS * (int64_t) h->patience, since = 0;
        char node[64];

        while (port_find_node(h->controller, node, sizeof(node)) || !port_is_clean(h->controller)) {
                find_lost(h, plan, &since);
                atomic_store(&h->worker->heartbeat, now_ms());
                if (now_ms() > deadline) {
                        failed(h, plan, "the device is still there after it was unplugged");
                        show_blocked_tasks();
                        return;
                }
                usleep(LOOK_MS * 1000);
        }
}

/* A hostile device that the host has lost interest in, or any that has had its time. */
static bool has_no_node(const struct hostile *h, const struct plan *plan, const struct wire *w, int64_t plugged_ms) {
        if (wire_is_unplugged(w) || plugged_ms > NODE_MS * (int64_t) h->patience)
                return true;
        return !plan->proper && wire_idle_ms(w) > QUIET_MS * (int64_t) h->patience;
}

/* From the plug to the unplug, with whatever comes between. Returns false if the host did not see what has to work. */
static bool run_plugged(struct hostile *h, sd_event *event, struct device *device, const struct plan *plan,
                        const struct usb_model *usb, struct wire *w) {
        struct chance c = chance_for(plan->seed, plan->number, STREAM_INJECT, 0);
        int64_t start = now_ms(), met = 0, inject = start, look = start, gone = 0;
        /* The n-th answer may never be. */
        unsigned int unplug_ms = plan->unplug == UNPLUG_TIME ? plan->unplug_at : 3000;
        unsigned int gap = plan->habit == HABIT_CHATTER || plan->habit == HABIT_CARD_FLUTTER ? 15 : 120;
        bool walking = false;
        char node[64];

        while (true) {
                int64_t now;

                (void) sd_event_run(event, 5000);
                wire_run(w);
                now = now_ms();
                atomic_store(&h->worker->heartbeat, now);
                if (!walking && now >= look && !wire_is_unplugged(w) &&
                    port_find_node(h->controller, node, sizeof(node))) {
                        if (has_to_work(plan) && !port_shows(h->controller, usb))
                                return false;
                        met = now;
                        atomic_fetch_add(&h->shared->nodes, 1);
                        walking = start_walk(plan, node);
                        if (!walking)
                                return true;
                }
                if (now >= look) {
                        look = now + LOOK_MS;
                        if (walking && wire_is_unplugged(w))
                                find_lost(h, plan, &gone);
                }
                if (!walking && has_no_node(h, plan, w, now - start))
                        break;
                if (walking && walk_has_ended(h, plan))
                        break;
                if (walking && now - met > WALK_MS * (int64_t) h->patience) {
                        end_walk(h, plan);
                        break;
                }
                if (walking && plan->unplug != UNPLUG_LATE && now - met > unplug_ms)
                        wire_unplug(w);
                if (walking && now >= inject && !wire_is_unplugged(w)) {
                        if (!plan->proper && plan->habit != HABIT_CARD_FLUTTER && chance_below(&c, 2))
                                speak_unasked(device, plan, &c);
                        else
                                turn_switch(plan, &c);
                        inject = now + 1 + chance_below(&c, gap);
                }
        }
        if (walking && wire_is_unplugged(w))
                atomic_fetch_add(&h->shared->unplugs_open, 1);
        if (walking || !has_to_work(plan))
                return true;
        if (!port_shows(h->controller, usb))
                return false;
        failed(h, plan, "a proper %s has no node", kind_names[plan->kind]);
        return true;
}

/* Returns what run_plugged() does. */
static bool run_once(struct hostile *h, sd_event *event, struct device *device, const struct plan *plan,
                     const struct usb_model *usb) {
        struct wire *w = NULL;
        bool seen = true;
        int r;

        reset_devices(plan);
        r = wire_new(h, event, device, plan, usb, &w);
        if (r < 0)
                failed(h, plan, "cannot plug in the device: %s", strerror(-r));
        else {
                seen = run_plugged(h, event, device, plan, usb, w);
                atomic_fetch_add(&h->shared->unplugs, 1);
        }
        wire_free(w);
        wait_for_end(h, plan);
        return seen;
}

void case_run(struct hostile *h, sd_event *event, struct device *const all[static KINDS], const struct plan *plan) {
        static struct model model;
        struct device *device = all[plan->kind];
        unsigned int plugs = 0;
        bool seen;

        atomic_store(&h->worker->number, plan->number);
        atomic_store(&h->worker->heartbeat, now_ms());
        atomic_store(&h->worker->running, true);
        atomic_store(&h->worker->in_bytes, 0);
        atomic_store(&h->worker->out_bytes, 0);
        atomic_store(&h->worker->read_bytes, 0);

        if (program.pid == 0)
                (void) case_program_start(h);
        reset_devices(plan);
        model_make(&model, plan, device->model);
        do {
                seen = run_once(h, event, device, plan, &model.usb);
                if (!seen)
                        printf("# case %llu (%s): the host sees something else\n", (unsigned long long) plan->number,
                               kind_names[plan->kind]);
        } while (!seen && ++plugs < PLUGS);
        if (!seen)
                failed(h, plan, "the host does not see a proper %s as it is", kind_names[plan->kind]);
        atomic_fetch_add(&h->shared->cases, 1);
        atomic_store(&h->worker->running, false);
}
