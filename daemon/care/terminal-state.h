/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* The terminal as a whole, in the words of nexo's DiagnosisResponse (POIStatus): made of the faults that are open. */

#include "transaction/engine.h"

struct terminal_state {
        const char *global;   /* "OK", "Busy", "Maintenance" (no payment is taken), "Unreachable" (the acquirer is) */
        bool card_reader;     /* each true: no fault of it is open, but for warnings */
        bool communication;   /* network and acquirer */
        bool security;        /* keys, and the journal's integrity */
        const char *printer;  /* "OK", "PaperLow", "NoPaper", "PaperJam", "OutOfOrder" */
        unsigned unconfirmed; /* transactions that the acquirer has yet to be told of or to take back, or of which
                                 nobody knows how they ended */
        unsigned open_faults;
};

/* Errors of the journal. */
int terminal_state_read(struct engine *e, struct terminal_state *ret);
