/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* A call about all of the journal: done in slices while no transaction runs, and answered at the end. */

#include "bus/server.h"
#include "transaction/export.h"
#include "transaction/reconcile.h"

#define SERVER_JOURNAL "org.tilld1.Journal"

struct journal_call;

struct journal_act {
        /* As upkeep_work; c is the userdata. */
        int (*slice)(struct journal *j, struct journal_call *c);
        void (*progress)(const struct journal_call *c, uint64_t *ret_done, uint64_t *ret_total);
        int (*answer)(struct journal_call *c, int r, sd_bus_error *error);
        bool callers; /* nobody else has anything of it: it ends when its caller has gone */
};

struct journal_call {
        struct server *server;
        sd_bus_message *message;
        const struct journal_act *act;

        struct journal_verify verify;
        struct journal_purge purge;
        struct export *export;
        struct reconcile *reconcile;

        sd_bus_track *caller;
        uint64_t told_usec; /* CLOCK_BOOTTIME of the last Progress */
};

int journal_call_new(struct server *s, sd_bus_message *m, const struct journal_act *act, struct journal_call **ret);
struct journal_call *journal_call_free(struct journal_call *c);
DEFINE_CLEANUP(struct journal_call *, journal_call_free);

/* For the method's handler to return; takes *c when the answer comes later. stream: what it goes through, or NULL. */
int journal_call_start(struct journal_call **c, const struct stream *stream, sd_bus_error *error);

/* Sets the error of a refusal; returns its negative errno. */
int journal_call_refuse(sd_bus_error *error, enum refusal_code code, const char *text);
