/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* The daemon: its devices, what is plugged in, which cards it has seen, and who waits for what. */

#include "usb/device.h"
#include "usb/emv.h"

#define SIM_CONTROL "/run/till-sim/control"
#define SIM_REQUEST_MAX 4096 /* bytes of a command's line */

enum {
        SIM_MSR,
        SIM_EMV,
        SIM_PRINTER,
        SIM_DEVICES,
};
#define SIM_ALL ((1U << SIM_DEVICES) - 1)

struct sim {
        sd_event *event;
        struct msr *msr;
        struct emv *emv;
        struct printer *printer;
        struct device *devices[SIM_DEVICES];
        unsigned int wanted; /* 1 << SIM_MSR …: plugged in as far as a person is concerned */
        struct waiter *waiters;
        struct seen *cards;
        sd_event_source *uevents, *settle, *retry;
};

/*
 * The answer to a command, given once, now or later. error: 0 or a negative errno; data: what was asked
 * for, or what went wrong in words.
 */
typedef void (*sim_answer_t)(void *userdata, int error, const void *data, size_t size);

int sim_new(sd_event *event, struct sim **ret);
struct sim *sim_free(struct sim *sim);
DEFINE_CLEANUP(struct sim *, sim_free);

/*
 * Plugs in what mask (1 << SIM_MSR …) names, each when its port is clean, and answers when the kernel has
 * configured all of them, or with an error after 10 s.
 */
void sim_plug(struct sim *sim, unsigned int mask, sim_answer_t answer, void *userdata);
void sim_unplug(struct sim *sim, unsigned int mask);
/* userdata is gone: no answer goes there any more. */
void sim_cancel(struct sim *sim, void *userdata);

/* -EBUSY with a card in the slot, -ENXIO for a card without a chip, else as sim_card_load(). */
int sim_insert(struct sim *sim, const char *card);

/* command.c: does one line as till-sim(1) has it. The line is taken apart. */
void sim_command(struct sim *sim, char *line, sim_answer_t answer, void *userdata);

/* control.c: takes lines from clients, root only: the answer is "ok\n" and data, or "error TEXT\n", and the end. */
struct control;
int control_new(sd_event *event, const char *path, struct sim *sim, struct control **ret);
struct control *control_free(struct control *control);
DEFINE_CLEANUP(struct control *, control_free);

/* client.c: sends one command and shows the answer. Returns an exit status as till-sim(1) has it. */
int client_run(const char *path, int argc, char **argv);
