// SPDX-License-Identifier: LGPL-2.1-or-later
#include "base/log.h"
#include "base/secret.h"
#include "transaction/card.h"
#include "transaction/transaction-internal.h"

static void ask_again(struct transaction *t, const char *message) {
        COPY(t->view.record.message, message);
        transaction_tell(t, TRANSACTION_CHANGED);
}

void transaction_swiped(struct transaction *t, const struct msr_swipe *swipe) {
        struct transaction_record *record = &t->view.record;
        const struct track *track = &swipe->track2;

        if (record->state != TRANSACTION_WAITING_CARD || t->engine->card_left_in)
                return;
        if (track->status == TRACK_ENCRYPTED) {
                log_warning("Transaction %" PRIi64
                            ": the magstripe reader encrypts, and its swipes cannot be used yet",
                            record->id);
                return ask_again(t, N_("This reader encrypts cards, which cannot be used yet. Insert the chip."));
        }
        if (track->status != TRACK_OK)
                return ask_again(t, track->status == TRACK_MALFORMED
                                            ? N_("This is not a payment card. Swipe another one.")
                                            : N_("The stripe could not be read. Swipe the card again, steadily."));
        /* UnionPay's market closed fallback: a chip card is never taken by its stripe. */
        if (track_service_has_chip(track->service)) {
                if (t->card)
                        t->view.prompt = "insert-card";
                return ask_again(t, N_("This card has a chip: insert it."));
        }

        t->card = card_free(t->card);
        (void) msr_disarm(t->engine->msr);
        t->request = secret_new(sizeof(*t->request));
        if (!t->request)
                return transaction_conclude(t, RESULT_FAILED, "no-memory");
        COPY(t->request->card.pan, track->pan);
        COPY(t->request->card.expiry, track->expiry);
        COPY(t->request->card.track2, track->text);

        t->card_is_done = true;
        t->view.prompt = "";
        record->entry = ENTRY_SWIPE;
        record->signature = true;
        if (transaction_pan_mask(track->pan, record->masked_pan) < 0)
                return transaction_conclude(t, RESULT_FAILED, "card-malformed");
        /* No look into the exception file: the acquirer is asked in any case. */
        transaction_authorize(t);
}
