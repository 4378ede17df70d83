/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * The faults that there are: a row each in fault-table-*.c, from which the bus, the messages to people, the catalog of
 * systemd's journal, tilld-faults(7) and the table of common faults are made.
 */

#include "base/macro.h"

#define FAULT_CAUSES_MAX 5
#define FAULT_STEPS_MAX 5

/* "en" and "zh_CN". */
struct fault_text {
        const char *english, *chinese;
};

/* What a fault's subject, or its transaction, is always there for. */
enum fault_about {
        FAULT_ABOUT_TERMINAL, /* or whatever the fault's own words say */
        FAULT_ABOUT_DEVICE,   /* subject: a device's id, or the USB port or interface of one that has none */
        FAULT_ABOUT_TRANSACTION,
};

struct fault_code {
        const char *code;     /* stable: programs know it */
        const char *id;       /* MESSAGE_ID of systemd's journal when one opens: 32 hexadecimal digits, stable */
        const char *area;     /* reader, card, printer, network, acquirer, keys, storage, clock, driver, configuration,
                                 power, binding */
        const char *class;    /* hardware, software, card, network (up to the acquirer's books), configuration */
        const char *severity; /* warning, error; critical: no payment is taken, or is about to */
        struct fault_text symptom;                   /* a short sentence without a full stop */
        struct fault_text causes[FAULT_CAUSES_MAX];  /* the likeliest first; these three as far as there are some */
        struct fault_text merchant[FAULT_STEPS_MAX]; /* what who works here does, in order; one at least */
        struct fault_text support[FAULT_STEPS_MAX];  /* what who is called does, in order; one at least */
        struct fault_text part;                      /* to be brought along; empty for none */
        enum fault_about about;
        bool lasts;    /* as long as its cause, that is looked at: nobody ends it by hand */
        bool recovers; /* the device in question is brought back, care/recovery.h */
};

/* Of systemd's journal, for the end of any. */
#define FAULT_CODE_ENDED_ID "5b1e93c7d24a4f0f8e6ab7c90d3f1e62"

/* The areas in the order in which somebody looks for the cause; NULL behind the last one. */
struct fault_area {
        const char *word;
        struct fault_text title;
};
const struct fault_area *fault_area_get(size_t i);

/* NULL for one that this version does not know. */
const struct fault_code *fault_code_find(const char *code);
/* From 0; NULL behind the last one. */
const struct fault_code *fault_code_get(size_t i);

/* In "zh_CN", or English for every other language. Never NULL. */
const char *fault_text_in(const struct fault_text *text, const char *language);

/* Behind it the word of a difference (transaction/reconcile.h). */
#define FAULT_CODE_RECONCILE "reconcile-"
