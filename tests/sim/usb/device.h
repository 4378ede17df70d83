/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * What the simulated devices have in common. A device lives as long as the daemon: unplugging takes
 * only its USB side away, and a card stays in the slot and paper in the printer meanwhile.
 */

#include <systemd/sd-event.h>

#include "card/icc.h"
#include "usb/usb.h"

/* The first member of each device. */
struct device {
        const char *name; /* msr, emv, printer */
        const struct usb_model *model;
        const struct usb_class *class; /* called with the device itself */
        sd_event *event;
        unsigned int port;      /* of vhci_hcd's high-speed hub, 0-14 */
        struct usb_device *usb; /* NULL while unplugged */
        bool dark;              /* unplugged until its port has power again */
        bool pulled;            /* by itself: the owner unplugs it when changed() was called */
        /* The host configured the device, or its side is gone. Called from within the USB engine. */
        void (*changed)(void *owner);
        void *owner;
};

/* Calls changed(): for the classes' own callbacks. */
void device_changed(void *device);

/* What "fail" of till-sim(1) calls an endpoint. */
struct device_pipe {
        const char *word; /* the last one has none */
        uint8_t endpoint;
};

/* "control|out|in|interrupt ERRNO", by the endpoints that there are: see usb_device_fail(). -EINVAL, -ENODEV. */
int device_fail(struct device *device, const struct device_pipe *pipes, char *words);
/* What device_fail() has set and no URB has met. */
void device_fail_no_more(struct device *device, const struct device_pipe *pipes);

/* Writes a line to the traffic log, if there is one: test cards' data only ever passes here. */
void device_trace(void *device, const char *what, const uint8_t *data, size_t size);
/* Appends the traffic to a file. NULL stops it. */
int device_trace_open(const char *path);

/* Magstripe reader, MagTek 0801:0002 unless told. */
struct msr;
struct stripe;
int msr_new(sd_event *event, struct msr **ret);
struct msr *msr_free(struct msr *msr);
DEFINE_CLEANUP(struct msr *, msr_free);
/* It becomes another one, by its name in stripe.c. -EBUSY while plugged in, -EINVAL for a name that there is not. */
int msr_set_reader(struct msr *msr, const char *name);
/* The host gets the reports of it; a swipe that the host has not taken before is replaced. -ENODEV while unplugged. */
int msr_swipe(struct msr *msr, const struct stripe *stripe);

enum msr_misbehaviour { /* of the next swipe */
                        MSR_BEHAVE,
                        MSR_BAD_READ,     /* no track can be decoded */
                        MSR_SHORT_REPORT, /* reports lack their last byte */
                        MSR_FIRST_REPORT, /* only the first report of the swipe comes */
};
void msr_misbehave(struct msr *msr, enum msr_misbehaviour how);

/* Receipt printer, Epson 04b8:0e15, over the simulated paper. */
struct paper;
struct printer;
int printer_new(sd_event *event, struct printer **ret);
struct printer *printer_free(struct printer *printer);
DEFINE_CLEANUP(struct printer *, printer_free);
/* The paper's switches may be turned by paper.h; printer_changed() is called after it. */
struct paper *printer_paper(struct printer *printer);
void printer_changed(struct printer *printer);
/* Both bulk endpoints halt until the host clears them. */
void printer_stall(struct printer *printer);
/* Which printer is plugged in next, by a word of till-sim(1); "" is the usual one. -EBUSY while plugged, -EINVAL. */
int printer_set_kind(struct printer *printer, const char *word);

enum printer_misbehaviour {
        PRINTER_BEHAVE,
        PRINTER_SILENT,      /* replies are thrown away */
        PRINTER_ID_STALL,    /* no device id */
        PRINTER_ID_LONG,     /* its length says 65535 */
        PRINTER_ID_SHORT,    /* its length says four bytes of text */
        PRINTER_ID_REVERSED, /* its length is little-endian */
        PRINTER_ID_EMPTY,    /* a length and no text */
        PRINTER_ID_CUT,      /* half a length */
        PRINTER_ID_GARBAGE,  /* each byte but NUL, in order */
        PRINTER_ID_HUGE,     /* more than a host asks for */
        PRINTER_PORT_STALL,  /* no port status */
        PRINTER_RESET_OLD,   /* SOFT_RESET as class 1.0 had it only */
        PRINTER_RESET_NONE,  /* no SOFT_RESET */
        PRINTER_DEAF,        /* no answer to any class request */
        PRINTER_EMPTY,       /* sends empty packets for ever */
        PRINTER_CHATTER,     /* the same with one byte */
        PRINTER_STORM,       /* the same with a status that is never the same */
        PRINTER_HOLD,        /* takes nothing of the transfer under way, and all that is behind it */
};
/* By a word of till-sim(1), until printer_behave(). -EINVAL. */
int printer_misbehave(struct printer *printer, const char *word);
/*
 * The words of "cut" in till-sim(1), taken apart: when the printer loses its cable or its power. It counts anew from
 * here on. -EINVAL.
 */
int printer_cut(struct printer *printer, char *words);
struct printer_counts {
        unsigned packets; /* of data that it took */
        unsigned answers; /* that it gave */
        uint64_t rows;    /* that it printed */
        bool cutting;     /* the cut is still to come */
};
void printer_get_counts(const struct printer *printer, struct printer_counts *ret);
/* Its power comes back, where it lost it. */
void printer_power(struct printer *printer);
/* The words behind "misbehave printer fail", taken apart, as device_fail(). */
int printer_fail(struct printer *printer, char *words);
void printer_behave(struct printer *printer);
