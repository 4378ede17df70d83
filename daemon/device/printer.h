/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * The printer: holds its node open while connected, knows its status, and prints one job at a time.
 * A job ends when the printer says that it has printed, never when the bytes were taken.
 */

#include <systemd/sd-event.h>

#include "base/macro.h"

enum printer_confirm {
        PRINTER_CONFIRM_PROCESS_ID, /* GS ( H function 48: printing up to it is complete */
        PRINTER_CONFIRM_STATUS,     /* GS r 1: the data up to it was processed, no proof of paper */
        PRINTER_CONFIRM_NONE,       /* the printer has neither: ends PRINTER_UNCONFIRMED once it took all bytes */
};

enum printer_result {
        PRINTER_PRINTED,     /* the printer said so */
        PRINTER_UNCONFIRMED, /* sent, perhaps in part, and no answer in time: repeat it marked as a duplicate */
        PRINTER_INTERRUPTED, /* unplugged or reset in the middle: repeat it marked as a duplicate */
        PRINTER_FAILED,      /* not a byte was sent: repeat it as it is */
};

/* "printed", "unconfirmed", "interrupted", "failed" */
const char *printer_result_to_string(enum printer_result result);

/* What the printer said last; `words` tells what hinders printing, in order of what to do first. */
struct printer_status {
        bool open;         /* the node is held */
        bool able;         /* nothing is known that hinders printing */
        bool waiting;      /* a job is held until `able` */
        uint32_t online;   /* enum till_printer_online */
        uint32_t paper;    /* enum till_printer_paper */
        uint32_t flags;    /* TILL_PRINTER_COVER_OPEN and others */
        uint32_t errors;   /* TILL_PRINTER_ERROR_* */
        bool answers;      /* it has a back channel: a job is confirmed as was wished */
        bool automatic;    /* the printer tells by itself; else it has to be asked */
        bool cover_known;  /* it tells about its cover */
        const char *words; /* "ready", "cover open", "paper end", "cutter error", …; never NULL, not freed */
};

/* The most bytes of a job. */
#define PRINTER_JOB_SIZE_MAX (4U * 1024 * 1024)

struct printer;

struct printer_listener {
        /* Something in the status changed. */
        void (*status)(struct printer *printer, const struct printer_status *status, void *userdata);
        /* The job ended; never from within printer_submit(). reason is a text for a person, never NULL, not freed. A
         * new job may be submitted here. */
        void (*done)(struct printer *printer, uint64_t job, enum printer_result result, const char *reason,
                     void *userdata);
        /* Of the job in flight, now and then, as events come: bytes that the device has taken, of all. NULL: not told.
         */
        void (*progress)(struct printer *printer, uint64_t job, uint64_t done, uint64_t size, void *userdata);
        /* The node failed or the device went; closed already, a job was ended before. error is a negative errno. */
        void (*closed)(struct printer *printer, int error, void *userdata);
        void *userdata;
};

struct printer_job {
        uint64_t id; /* the caller's, given back by done() */
        /*
         * ESC/POS, copied. Begins from a known state: the client itself sends ESC @ and turns automatic
         * status on before it; a leading ESC @ is left out, and no other may be in it, as it would turn
         * automatic status off.
         */
        const void *data;
        size_t size;
        enum printer_confirm confirm;
        /* Seconds for the printing, counted only while the printer is able to print; 0: by the size. */
        unsigned deadline;
        /* It was begun before, perhaps through another opening of the node: the printer may wait for more of it. */
        bool again;
};

int printer_new(sd_event *event, const struct printer_listener *listener, struct printer **ret_printer);
/* Closes first; takes NULL, returns NULL. Not from within a callback of the same printer. */
struct printer *printer_free(struct printer *printer);
DEFINE_CLEANUP(struct printer *, printer_free);

/*
 * Opens the node, asks for the status and turns automatic status on. -EALREADY when open, -EBUSY when
 * another program holds it, else as open(2).
 */
int printer_open(struct printer *printer, const char *node);
/*
 * Closes; a job in flight ends PRINTER_INTERRUPTED, or PRINTER_FAILED when nothing of it was sent. Not an
 * error when closed. To be called at MONITOR_DISCONNECTED; closed() is not called.
 */
void printer_close(struct printer *printer);
const struct printer_status *printer_get_status(const struct printer *printer);

/*
 * Starts a job, or holds it until the printer is able to. -ENOTCONN when closed, -EBUSY while another
 * job is in flight, -EINVAL for an empty job, -E2BIG for one beyond 4 MiB. When the node fails in that
 * instant the job is taken all the same: done() and closed() tell.
 */
int printer_submit(struct printer *printer, const struct printer_job *job);
/*
 * Takes a job back: done() is not called. Returns 1 when not a byte was sent, 0 when it was in part (it is
 * dropped and the printer reset), -ENOENT when there is no such job.
 */
int printer_cancel(struct printer *printer, uint64_t job);
bool printer_is_busy(const struct printer *printer);
