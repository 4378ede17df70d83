/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * The engine: the journal, the acquirer, the devices and the printer put together into a terminal that
 * takes one payment at a time. Everything that the bus shows and asks goes through here.
 */

#include "base/complaint.h"
#include "device/monitor.h"
#include "device/msr.h"
#include "device/usb.h"
#include "emv/terminal.h"
#include "host/network.h"
#include "transaction/acquirer-check.h"
#include "transaction/acquirer.h"
#include "transaction/exceptions.h"
#include "transaction/forwards.h"
#include "transaction/last-run.h"
#include "transaction/notices.h"
#include "transaction/outbox.h"
#include "transaction/operators.h"
#include "transaction/paper.h"
#include "transaction/printing.h"
#include "transaction/refusal.h"
#include "transaction/resolution.h"
#include "transaction/reversals.h"
#include "transaction/settings.h"
#include "transaction/transaction.h"
#include "transaction/upkeep.h"
#include "transaction/uptime-keeper.h"
#include "transaction/withdrawals.h"

/* What somebody outside may want to know at once. */
struct engine_listener {
        /* The transaction is new, has changed, or has just got its result. */
        void (*transaction)(const struct transaction_view *view, enum transaction_event event, void *userdata);
        void (*device)(struct device *device, enum monitor_event event, void *userdata);
        void (*job)(int64_t job, enum print_state state, void *userdata);
        /* One of: current transaction, acquirer's state, what is on USB, number of reversals, forwards, withdrawals or
         * print jobs. */
        void (*changed)(void *userdata);
        void *userdata;
};

/* A swipe that no transaction waits for; wiped when this returns. */
typedef void (*engine_swipe_t)(const struct msr_swipe *swipe, void *userdata);

struct engine_config {
        sd_event *event;
        const struct settings *settings;
        struct journal *journal;
        struct emv_terminal *terminal;       /* a download from the acquirer replaces it */
        const char *const *emv_dirs;         /* emv_files_dirs_of() */
        const struct exceptions *exceptions; /* NULL: none */
        const struct complaints *ignored;    /* that was wrong with the files at the start; NULL: nothing */
        const uint8_t *tmk;                  /* TMK_SIZE bytes, copied */
        const char *ca_file;
        const char *certificate_file;
        const char *card_worker; /* path of the program */
};

/* Open to the files of this room; others use the functions. */
struct engine {
        struct engine_config config;
        struct engine_listener listener;
        struct acquirer *acquirer;
        struct acquirer_check *acquirer_check;
        struct host_network *network; /* NULL: nobody watches it */
        struct monitor *monitor;
        struct usb *usb;
        struct msr *msr;
        struct device *msr_device;  /* the one that msr holds, NULL for none */
        sd_event_source *msr_retry; /* of a reader that is there and cannot be opened */
        unsigned workers;           /* that have the EMV reader, those about to end too */
        struct printing *printing;
        struct outbox *outbox;
        struct notices *notices;
        struct operators *operators;
        struct uptime_keeper *uptime_keeper;
        struct upkeep *upkeep;

        struct transaction *current; /* the one that runs, or the last one */
        engine_swipe_t on_swipe;     /* NULL: nobody waits for one outside a transaction */
        void *swipe_userdata;
        const char *recovering; /* a device that is being recovered, NULL for none */
        bool running;           /* that is in the journal */
        enum last_run last_run; /* before this one */
        bool card_left_in;      /* one that is not the next customer's has not been taken out yet */
};

/* What the rooms above may have of it: each noun answers for itself. */
static inline struct journal *engine_journal(const struct engine *e) {
        return e->config.journal;
}

static inline sd_event *engine_loop(const struct engine *e) {
        return e->config.event;
}

static inline const struct settings *engine_settings(const struct engine *e) {
        return e->config.settings;
}

static inline const struct emv_terminal *engine_terminal(const struct engine *e) {
        return e->config.terminal;
}

static inline const char *const *engine_emv_dirs(const struct engine *e) {
        return e->config.emv_dirs;
}

static inline struct acquirer *engine_acquirer(const struct engine *e) {
        return e->acquirer;
}

static inline struct acquirer_check *engine_acquirer_check(const struct engine *e) {
        return e->acquirer_check;
}

static inline const struct complaints *engine_ignored(const struct engine *e) {
        return e->config.ignored;
}

static inline enum last_run engine_last_run(const struct engine *e) {
        return e->last_run;
}

static inline const struct host_network *engine_network(const struct engine *e) {
        return e->network;
}

static inline struct monitor *engine_monitor(const struct engine *e) {
        return e->monitor;
}

static inline struct operators *engine_operators(const struct engine *e) {
        return e->operators;
}

static inline struct notices *engine_notices(const struct engine *e) {
        return e->notices;
}

static inline struct outbox *engine_outbox(const struct engine *e) {
        return e->outbox;
}

static inline struct printing *engine_printing(const struct engine *e) {
        return e->printing;
}

static inline struct upkeep *engine_upkeep(const struct engine *e) {
        return e->upkeep;
}

static inline const struct usb *engine_usb(const struct engine *e) {
        return e->usb;
}

/* Whether it is the terminal itself that has the EMV reader's node open. */
static inline bool engine_holds_emv(const struct engine *e) {
        return e->workers > 0;
}

/* The magstripe reader that is held, NULL for none, and whether it takes swipes now. */
static inline const struct device *engine_msr(const struct engine *e) {
        return e->msr_device;
}

static inline bool engine_is_armed(const struct engine *e) {
        return msr_is_armed(e->msr);
}

/* The next swipe, to see whether the reader reads: called once. -EBUSY while a transaction runs, -ENODEV. */
int engine_await_swipe(struct engine *e, engine_swipe_t on_swipe, void *userdata);
/* It is not waited for any more; a transaction that runs goes on with the reader. */
void engine_end_swipe(struct engine *e);

/* A device is being recovered, by its id, which is borrowed until NULL ends it: no transaction with a card begins.
 */
void engine_set_recovering(struct engine *e, const char *device);

int engine_new(const struct engine_config *config, const struct engine_listener *listener, struct engine **ret);
struct engine *engine_free(struct engine *e);
DEFINE_CLEANUP(struct engine *, engine_free);

/* Ends what a crash or power cut left open, then takes up devices, reversals and print jobs. */
int engine_start(struct engine *e);

/* How the references of what the terminal starts by itself begin: nobody else may take one. */
#define ENGINE_OWN_REFERENCES "REBIND-"
#define ENGINE_CHECK_REFERENCES "HEALTH-"

/* What StartTransaction was called with, or the terminal wants by itself. Pointers are borrowed. */
struct engine_call {
        const char *kind;
        int64_t amount;
        const char *currency;
        const char *reference;
        const char *order;              /* "" for none */
        int64_t original;               /* id of what it is about, 0 for none */
        const char *authorization_code; /* of an authorization by voice, "" for none */
        const char *approver; /* who has allowed it already: "uid 1000"; "" for nobody. Not part of the same call */
        const struct host_binding *binding; /* of binding-check and binding-confirm, which nobody outside can start */
        bool internal; /* the terminal starts it: nobody has to be logged on or to say that it is training */
        bool training;
        bool electronic; /* an e-receipt only */
        bool can_choose; /* answers which of a card's applications is wanted; not part of what makes two calls the same
                          */
        uid_t starter;
};

/* A new transaction's id, or that of the same call made before. Negative with *ret_refusal set. */
int engine_start_transaction(struct engine *e, const struct engine_call *call, int64_t *ret_id,
                             struct refusal *ret_refusal);
/* Whether engine_approve() would do something now: a code is not asked for nothing. Negative with *ret_refusal set. */
int engine_awaits_approval(struct engine *e, int64_t id, struct refusal *ret_refusal);
/* A supervisor allows it; approver as in transaction_approve(). Negative with *ret_refusal set. */
int engine_approve(struct engine *e, int64_t id, const char *approver, struct refusal *ret_refusal);
/* Ends a transaction that is not yet past the point. Negative with *ret_refusal set. */
int engine_cancel(struct engine *e, int64_t id, struct refusal *ret_refusal);

/* Answers the prompt for an application, counted from 1. Negative with *ret_refusal set. */
int engine_choose(struct engine *e, int64_t id, unsigned number, struct refusal *ret_refusal);

/* -ENOENT for an unknown one, else errors of the journal. */
int engine_view(struct engine *e, int64_t id, struct transaction_view *ret);
int engine_find(struct engine *e, const char *reference, struct transaction_view *ret);
/* The id of the transaction that runs, 0 for none. */
int64_t engine_current(const struct engine *e);
/* When the last one ended, CLOCK_BOOTTIME; 0 while one runs, or where none was since the start. */
uint64_t engine_idle_since(const struct engine *e);

/* The refusal of a call that the journal could not take; ends the process as below when the disk is to blame. */
int engine_refuse_journal(struct refusal *ret, int error);

/*
 * Crash-only: for an error after which what is on disk and what was said outside could part. Ends the
 * process; the next start reads the journal and ends every open transaction rightly.
 */
void engine_panic(int error, const char *what) __attribute__((noreturn));
