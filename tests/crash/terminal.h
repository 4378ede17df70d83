/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* The terminal that is killed, as its program (terminal.c) and its steps (steps.c) share it. */

#include "crash/memory.h"
#include "transaction/engine.h"

struct terminal {
        const char *dir, *keys;
        bool record_power;
        enum memory_whose whose_memory;
        unsigned fail_memory; /* the allocation that fails, 0 for none */
        bool fail_memory_on;  /* and each one after it */
        bool change_key;      /* the journal goes over to another storage key first */
        struct settings settings;
        struct emv_terminal emv;
        struct journal *journal;
        sd_event *event;
        struct engine *engine;
        struct transaction_view view; /* as it was told last */
};
extern struct terminal terminal;

/* Ends the program. */
void fail(const char *what, int error) __attribute__((noreturn));

/* Writes a line of told.log. */
void tell(const char *format, ...) _printf_(1, 2);
void tell_view(const struct transaction_view *view);

/* What card-worker meets in the reader, and before which exchange it is drawn; -1: never. */
void put_card(const char *name, int remove_at);

/* One step of tests/crash/README. */
void do_step(char *step);
