/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * Hostile devices: the simulated ones of tests/sim, with somebody on the cable who changes what they say.
 *
 * Everything that a case does is drawn from its seed, its number, a stream (a kind of request, an endpoint, a
 * thread) and the position in that stream, so that it does not depend on how the streams interleave.
 */

#include <stdatomic.h>

#include "usb/device.h"

enum kind {
        KIND_MSR,
        KIND_EMV,
        KIND_PRINTER,
        KINDS,
};

extern const char *const kind_names[KINDS];

/* The streams of a case. Those below are the wire's: an endpoint each, then hashed control requests. */
enum {
        STREAM_CONTROL = 32,
        STREAM_WIRE_MAX = 96,
        STREAM_PLAN = 100,
        STREAM_DESCRIPTORS,
        STREAM_INJECT,
        STREAM_READER,
        STREAM_SESSION,
        STREAM_THREAD,
};

struct chance {
        uint64_t state;
};
struct chance chance_for(uint64_t seed, uint64_t number, unsigned int stream, unsigned int position);
uint64_t chance_next(struct chance *c);
/* 0 to n - 1 */
uint32_t chance_below(struct chance *c, uint32_t n);
/* True in so many of 1024 cases. */
bool chance_of(struct chance *c, unsigned int of_1024);
void chance_fill(struct chance *c, void *data, size_t size);
#define chance_pick(c, values) ((values)[chance_below((c), ELEMENTSOF(values))])

enum unplug {
        UNPLUG_LATE,   /* when the walk has ended */
        UNPLUG_TIME,   /* so many ms after the node came */
        UNPLUG_BEFORE, /* instead of the n-th answer */
        UNPLUG_AFTER,  /* right after it */
        UNPLUG_KINDS,
};

/* A device that has one bad habit, besides what is drawn for each answer. */
enum habit {
        HABIT_NONE,
        HABIT_ENDLESS_TIME,  /* EMV: each answer asks for more time */
        HABIT_ENDLESS_CHAIN, /* EMV: each answer says that more comes */
        HABIT_WRONG_SEQUENCE,
        HABIT_FAILS,        /* EMV: each answer reports an error */
        HABIT_CARD_FLUTTER, /* EMV: the card's contact bounces */
        HABIT_CHATTER,      /* more on the IN endpoints than anybody asked for */
        HABIT_STALLS,       /* often */
        HABIT_SLOW,         /* each answer late */
        HABITS,
};

struct plan {
        uint64_t seed, number;
        enum kind kind;
        bool proper;          /* nothing hostile but the unplug */
        bool descriptors;     /* hostile ones */
        unsigned int answers; /* how many of 1024 are changed */
        unsigned int slow;    /* how many of 1024 are late or never come */
        enum habit habit;
        enum unplug unplug;
        unsigned int unplug_at;   /* ms or answers */
        uint16_t vendor, product; /* another listed device; 0: the simulated one */
};

/* What the processes of a run share. */
#define WORKERS_MAX 8
#define FAILURES_MAX 64
struct shared {
        atomic_ulong cases, nodes, unplugs, unplugs_open, answers, changed, calls, proper, lost;
        atomic_bool scarce; /* allocations fail */
        atomic_uint failures;
        struct {
                uint64_t number;
                char text[240];
        } failure[FAILURES_MAX];
        struct worker {
                atomic_ulong number; /* of the case that runs */
                atomic_bool running;
                atomic_long heartbeat;   /* CLOCK_MONOTONIC, ms */
                atomic_ulong in_bytes;   /* that the device has sent on IN endpoints in this case */
                atomic_ulong out_bytes;  /* that it has taken on OUT ones */
                atomic_ulong read_bytes; /* that read() has returned */
        } worker[WORKERS_MAX];
};

struct hostile {
        struct shared *shared;
        struct worker *worker;
        unsigned int controller; /* of vhci_hcd; one device at its first port */
        unsigned int patience;   /* how many times slower than a machine the machine is */
};

int64_t now_ms(void);
/* Notes that the case has failed. */
void failed(struct hostile *h, const struct plan *plan, const char *format, ...) _printf_(3, 4);

/* plan.c */
void plan_make(struct plan *plan, uint64_t seed, uint64_t number, bool unplugs);

/* mutate.c */
struct model {
        uint8_t device[18];
        uint8_t configuration[65536 + 256]; /* whatever wTotalLength says */
        struct usb_model usb;
};
/* A copy of the device's descriptors, made hostile as far as the plan says. */
void model_make(struct model *m, const struct plan *plan, const struct usb_model *from);

/* An answer on its way to the host. */
struct answer {
        uint8_t endpoint;       /* with USB_DIR_IN */
        struct usb_setup setup; /* for endpoint 0 */
        size_t room;            /* of the host's buffer */
        int status;             /* 0 or a negative errno, as a host controller gives it */
        size_t size;            /* bytes transferred */
        uint8_t *data;          /* IN: those, in a buffer of ANSWER_MAX */
        unsigned int late_ms;
        bool never;  /* until the host gives up */
        bool halt;   /* the endpoint stays halted */
        size_t rest; /* IN: what was cut off and comes in the next transfer, after data + size */
        bool twice;  /* IN: the same again in the next transfer */
};
#define ANSWER_MAX (USB_TRANSFER_MAX + 65536)
/* Returns whether anything is different. */
bool answer_mutate(struct answer *a, const struct plan *plan, struct chance *c);
/* Something that the device says unasked: its size, 0 for nothing; in ret_endpoint where. */
size_t unasked_make(uint8_t data[static 512], const struct plan *plan, struct chance *c, uint8_t *ret_endpoint);

/* port.c: the first port of a controller */
/* In the numbers of the attach file. */
int port_number(unsigned int controller);
/* The node of the device that is plugged in there. */
bool port_find_node(unsigned int controller, char *ret, size_t size);
/* vhci_hcd has no connection there. */
bool port_is_free(unsigned int controller);
/* And nothing is left of what was plugged in there before, nor is the hub still looking at it. */
bool port_is_clean(unsigned int controller);
/* What the host has made of what is plugged in is this. */
bool port_shows(unsigned int controller, const struct usb_model *model);
/*
 * vhci_hcd of Linux 6.1 gives an URB back after an unplug if it had sent it before. One that was taken back before it
 * was sent is forgotten until somebody plugs in there again: whoever killed it waits till then. This does that, and
 * refuses all that comes. Returns whether there was any.
 */
bool port_flush(unsigned int controller);

/* wire.c: between the simulated device and the kernel. */
struct wire;
int wire_new(struct hostile *h, sd_event *event, struct device *device, const struct plan *plan,
             const struct usb_model *model, struct wire **ret);
/* Unplugs it, if it is not yet. */
struct wire *wire_free(struct wire *w);
void wire_unplug(struct wire *w);
bool wire_is_unplugged(const struct wire *w);
/* Sends what is due. To be called now and then. */
void wire_run(struct wire *w);
/* Nothing has come from the host for so long, and it waits for nothing at endpoint 0. */
int64_t wire_idle_ms(const struct wire *w);

/* walk.c: the program that uses the node, in a process of its own. */
void walk(struct hostile *h, const struct plan *plan, const char *node);
/* Uses a device as it is meant to be; fails the case if it does not work. */
void walk_proper(struct hostile *h, const struct plan *plan, const char *node);

/* case.c */
/* Before the devices, to be small. */
int case_program_start(struct hostile *h);
int case_devices_new(sd_event *event, struct device *ret[static KINDS]);
void case_run(struct hostile *h, sd_event *event, struct device *const devices[static KINDS], const struct plan *plan);
