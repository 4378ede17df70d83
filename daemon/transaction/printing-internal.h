/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Between the queue, the pages of its papers and the drawer, which share a printer. */

#include "base/clock.h"
#include "receipt/escpos.h"
#include "receipt/render.h"
#include "transaction/engine.h"

/* Not a paper: the pulse for the drawer. */
#define PULSE_JOB UINT64_MAX

/* What failed without a word may be well again without one. */
#define PRINTING_RETRY_USEC (5 * USEC_PER_SEC)
/* A paper that has failed so often in a row lets the others go first. */
#define PRINTING_FAILURES_MAX 3

struct printing_failure {
        struct printing_failure *next;
        struct printing *printing;
        int64_t job;
        unsigned count;         /* in a row */
        sd_event_source *pause; /* before it is tried again; NULL: its time has come */
};

struct printing {
        struct engine *engine;
        struct printer *printer;
        struct device *device;          /* the one that printer holds, NULL for none */
        struct printer_profile profile; /* its, or the last one's */
        uint64_t profile_since;         /* when it was plugged in, as it is said once */
        int64_t job;                    /* the one that the printer has, 0 for none */
        int64_t job_transaction;
        uint64_t done, size, told_usec; /* how far it is, and when that was said */
        const char *words;              /* the status as it was logged last */
        uint64_t words_usec;            /* since when it is so */
        int unopened;                   /* why it could not be opened, as it was logged last; 0: it could */
        bool hindered;                  /* it said last that it cannot print */
        sd_event_source *retry;         /* of a printer that failed without being unplugged, and of the journal */

        struct printing_failure *failures; /* of the open papers that have failed, in no order */

        /* A paper whose pictures are being drawn, 0 for none. */
        int64_t drawn;
        struct page *page;
        struct render_call *drawing;
        int logo;
        int render_error; /* of the last one that was to be drawn, 0 where it was */

        /* The drawer, NULL for nobody who waits for it. */
        printing_pulse_t pulse;
        void *pulse_userdata;
        struct print_asker pulse_asker;
        bool pulse_sent;
        sd_event_source *pulse_timeout;

        /* What the journal said when it took nothing: nothing more is printed before it does. 0: it does. */
        int stuck;
        int64_t ended; /* a job whose end it has not taken yet, 0 for none */
        int64_t ended_transaction;
        enum printer_result end;
};

enum printer_confirm printing_confirm(const struct printer_profile *profile);

/* printing-failures.c: NULL where the paper has not failed. */
struct printing_failure *printing_failure_find(const struct printing *p, int64_t job);
/* One more in a row, and its pause; negative where there is none, and it must not be tried at once. */
int printing_failure_count(struct printing *p, int64_t job);
/* It is out, or nobody wants it any more. */
void printing_failure_forget(struct printing *p, int64_t job);
/* The time of all that have failed `max` times or less has come. */
void printing_failures_end_pauses(struct printing *p, unsigned max);

/* printing-page.c: negative where it is tried again later, else the paper is on its way, or dropped. */
int printing_page_start(struct printing *p, const struct print_job *job);
void printing_page_stop(struct printing *p);

/* The page is made: the journal says "printing", and the printer has it. Negative where it is tried again later. */
int printing_submit(struct printing *p, const struct print_job *job, const uint8_t *data, size_t size,
                    unsigned seconds);
/* The page cannot be made now, for which the printer cannot help; returns the error. */
int printing_put_off(struct printing *p, const struct print_job *job, int error);
/* It never can: more bytes than a printer is given at once must not hold up the others. */
void printing_drop(struct printing *p, const struct print_job *job, int error);
/* The journal takes nothing: all waits until it does. */
void printing_get_stuck(struct printing *p, int64_t job, int error);

/* printing-drawer.c: sends the pulse that somebody waits for, where nothing is printed just now. */
void printing_pulse_send(struct printing *p);
void printing_pulse_done(struct printing *p, enum printer_result result, const char *reason);
/* The printer is not able any more: a pulse that it does not have yet is taken back. */
void printing_pulse_hold(struct printing *p);
/* Nobody waits for it any more. */
void printing_pulse_end(struct printing *p, int error, const char *reason);
