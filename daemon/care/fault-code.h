/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* The faults that there are: a row each. */

#include "base/macro.h"

struct fault_code {
        const char *code;     /* stable: programs know it */
        const char *class;    /* hardware, software, card, network (up to the acquirer's books), configuration */
        const char *severity; /* warning, error; critical: no payment is taken, or is about to */
        const char *symptom;  /* a short sentence; this one and the next two in English, translated by tillctl */
        const char *merchant; /* the next step of who works here: fault_code_merchant() has it for all … */
        const char *support;  /* … and of who is called */
        bool lasts;           /* as long as its cause, that is looked at: nobody ends it by hand */
};

/* NULL for one that this version does not know. */
const struct fault_code *fault_code_find(const char *code);
/* From 0; NULL behind the last one. */
const struct fault_code *fault_code_get(size_t i);

/* That of a difference is the one which is listed with it. */
const char *fault_code_merchant(const struct fault_code *code);

/* Of a symptom or a next step of merchants; itself where there is none. */
const char *fault_code_in_chinese(const char *sentence);

#define FAULT_CODE_CLOCK "clock-wrong"
#define FAULT_CODE_DISK "journal-full"
#define FAULT_CODE_CHANGED "journal-changed"
/* Behind it the word of a difference (transaction/reconcile.h). */
#define FAULT_CODE_RECONCILE "reconcile-"
