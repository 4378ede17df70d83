// SPDX-License-Identifier: LGPL-2.1-or-later
#include "care/fault-code.h"

#include "transaction/reconcile.h"

#define NETWORK "network"
#define CONFIGURATION "configuration"
#define SOFTWARE "software"

#define WARNING "warning"
#define ERROR "error"
#define CRITICAL "critical"

/* The acquirer's next statement shows whether it was mended. */
#define STATEMENT                                                                                                     \
        N_("tillctl show has its RRN and STAN. Hold a newer statement against the journal when it is mended: the "    \
           "fault ends where the difference is gone.")

static const struct fault_code codes[] = {
        { "reversal-rejected", NETWORK, ERROR, N_("The acquirer rejected a reversal"),
          N_("Call the acquirer and have the booking taken back; then a supervisor resolves the transaction as "
             "settled (tillctl resolve)."),
          N_("The acquirer needs its RRN or STAN (tillctl show). The cardholder may be charged for a payment that "
             "failed."),
          .lasts = true },
        { "forward-rejected", NETWORK, ERROR, N_("The acquirer rejected an offline payment"),
          N_("Claim the money from the cardholder, or call the acquirer; then a supervisor resolves the transaction "
             "as settled (tillctl resolve)."),
          N_("The code of the answer says why (tillctl show). Where it happens often, lower the offline limits in "
             "tilld.conf."),
          .lasts = true },
        { "withdrawal-rejected", NETWORK, ERROR, N_("The acquirer may have the wrong phone"),
          N_("Call the acquirer and have the phone that is bound here put back into its record; then a supervisor "
             "resolves the transaction as settled (tillctl resolve)."),
          N_("Until then no other change of the phone gets on, and the acquirer is told again. tillctl binding shows "
             "the phone that is bound; the acquirer finds the change by the number in the transaction's reference "
             "(tillctl show)."),
          .lasts = true },
        { "result-unconfirmed", NETWORK, ERROR, N_("The acquirer has not said how it ended"),
          N_("Do not repeat it. Ask the acquirer whether it is booked; then a supervisor resolves the transaction as "
             "approved or declined (tillctl resolve)."),
          N_("The request left the terminal and its answer never came. The acquirer finds it by card, amount and "
             "time."),
          .lasts = true },
        { "settlement-refused", NETWORK, ERROR, N_("The acquirer refused a settlement"),
          N_("Settle again (tillctl settle). Refused again, call the acquirer: until the batch is settled no payment "
             "is taken."),
          N_("The code of the answer says why. Compare the number of the batch and its totals (tillctl totals) with "
             "the acquirer's."),
          .lasts = true },
        { FAULT_CODE_CLOCK, CONFIGURATION, CRITICAL, N_("The clock cannot be right"),
          N_("Set the clock (timedatectl set-time, or NTP). If it is right and was wrong before, a supervisor says so "
             "by tillctl accept-clock."),
          N_("A clock that is wrong after each power-off has an empty battery. Compare timedatectl with the details "
             "of the fault."),
          .lasts = true },
        { FAULT_CODE_DISK, CONFIGURATION, CRITICAL, N_("The disk of the journal is almost full"),
          N_("Call support now: no payment is taken when the disk is full."),
          N_("Make room on the disk of /var/lib/tilld (df); never remove the journal itself."), .lasts = true },
        { FAULT_CODE_CHANGED, SOFTWARE, CRITICAL, N_("The journal was changed or is damaged"),
          N_("Call support now, and let nobody else work on the terminal."),
          N_("Copy /var/lib/tilld, see tillctl journal verify, and compare with the acquirer: tillctl journal "
             "reconcile.") },
        { "reconcile-only-there", NETWORK, ERROR, N_("The acquirer booked what is not here"), NULL, STATEMENT },
        { "reconcile-only-here", NETWORK, ERROR, N_("The acquirer has not booked a payment"), NULL, STATEMENT },
        { "reconcile-other-amount", NETWORK, ERROR, N_("The acquirer booked another amount"), NULL, STATEMENT },
        { "reconcile-other-kind", NETWORK, ERROR, N_("The acquirer booked another kind"), NULL, STATEMENT },
        { "reconcile-other-rrn", NETWORK, WARNING, N_("The acquirer has another reference"), NULL, STATEMENT },
        { "reconcile-reversed-here", NETWORK, ERROR, N_("The acquirer booked what was reversed"), NULL, STATEMENT },
        { "reconcile-not-approved-here", NETWORK, ERROR, N_("The acquirer booked what was not paid"), NULL,
          STATEMENT },
        { "reconcile-unconfirmed-here", NETWORK, ERROR, N_("The acquirer booked what is unconfirmed"), NULL,
          STATEMENT },
        { "reconcile-rejected-here", NETWORK, ERROR, N_("The acquirer booked what it had refused"), NULL, STATEMENT },
        { "reconcile-twice-there", NETWORK, ERROR, N_("The acquirer booked a payment twice"), NULL, STATEMENT },
};

const struct fault_code *fault_code_get(size_t i) {
        return i < ELEMENTSOF(codes) ? codes + i : NULL;
}

const struct fault_code *fault_code_find(const char *code) {
        for (size_t i = 0; i < ELEMENTSOF(codes); i++)
                if (streq(codes[i].code, code))
                        return codes + i;
        return NULL;
}

const char *fault_code_merchant(const struct fault_code *code) {
        const char *word = startswith(code->code, FAULT_CODE_RECONCILE);

        for (enum difference d = 0; word && d < _DIFFERENCE_MAX; d++)
                if (streq(difference_to_string(d), word))
                        return difference_next_step(d);
        return strempty(code->merchant);
}
