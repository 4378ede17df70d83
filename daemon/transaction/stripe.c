// SPDX-License-Identifier: LGPL-2.1-or-later
#include "base/log.h"
#include "base/secret.h"
#include "transaction/card.h"
#include "transaction/transaction-internal.h"

static void ask_again(struct transaction *t, const char *hindrance, const char *message) {
        transaction_hinder(t, hindrance);
        COPY(t->view.record.message, message);
        transaction_tell(t, TRANSACTION_CHANGED);
}

/* UnionPay's market closed fallback: a chip card is never taken by its stripe. */
static bool refuse_chip_card(struct transaction *t, const char *service) {
        if (!track_service_has_chip(service))
                return false;
        if (t->card)
                t->view.prompt = "insert-card";
        ask_again(t, "chip-required", N_("This card has a chip: insert it."));
        return true;
}

/* The stripe is what the transaction goes on with. */
static void take_stripe(struct transaction *t, const char *masked_pan) {
        struct transaction_record *record = &t->view.record;

        log_transaction_info(record->id, "card swiped");
        t->card = card_free(t->card);
        (void) msr_disarm(t->engine->msr);
        t->card_is_done = true;
        t->view.prompt = "";
        COPY(record->masked_pan, masked_pan);
        record->entry = ENTRY_SWIPE;
        transaction_ask_signature(t, true);
        /* No look into the exception file: the acquirer is asked in any case. */
        transaction_authorize(t);
}

/* What the reader has encrypted is passed on as it is, with the number of its key; nothing here can read it. */
static void swiped_encrypted(struct transaction *t, const struct msr_encrypted *e) {
        if (acquirer_profile(t->engine->acquirer)->encrypted == 0 || e->cryptogram_size == 0) {
                log_transaction_warning(t->view.record.id,
                                        "the magstripe reader encrypts in a way that the acquirer does "
                                        "not take");
                return ask_again(t, "encrypted",
                                 N_("This reader encrypts cards in a way that the acquirer does not take. Insert "
                                    "the chip."));
        }
        if (refuse_chip_card(t, e->service))
                return;
        if (isempty(e->service) && !acquirer_profile(t->engine->acquirer)->hidden_service)
                return ask_again(t, "encrypted",
                                 N_("This reader hides whether the card has a chip. Insert the chip."));
        if (t->original && !isempty(t->original->pan_hash))
                return ask_again(t, "not-comparable",
                                 N_("This reader encrypts cards, so that this one cannot be compared with that of the "
                                    "original. Insert the chip."));

        t->request = secret_new(sizeof(*t->request));
        t->encrypted = secret_new(sizeof(*t->encrypted));
        if (!t->request || !t->encrypted)
                return transaction_conclude(t, RESULT_FAILED, "no-memory");
        memcpy(t->encrypted->ksn, e->ksn, e->ksn_size);
        t->encrypted->ksn_size = e->ksn_size;
        memcpy(t->encrypted->cryptogram, e->cryptogram, e->cryptogram_size);
        t->encrypted->cryptogram_size = e->cryptogram_size;
        take_stripe(t, e->masked_pan);
}

void transaction_swiped(struct transaction *t, const struct msr_swipe *swipe) {
        const struct track *track = &swipe->track2;
        char masked_pan[24];

        if (t->view.record.state != TRANSACTION_WAITING_CARD || t->engine->card_left_in)
                return;
        if (track->status == TRACK_ENCRYPTED)
                return swiped_encrypted(t, &swipe->encrypted);
        if (track->status == TRACK_MALFORMED)
                return ask_again(t, "not-payment", N_("This is not a payment card. Swipe another one."));
        if (track->status != TRACK_OK)
                return ask_again(t, swipe->no_start ? "wrong-way" : "unreadable",
                                 N_("The stripe could not be read. Swipe the card again, steadily."));
        if (refuse_chip_card(t, track->service))
                return;
        if (transaction_pan_mask(track->pan, masked_pan) < 0)
                return transaction_conclude(t, RESULT_FAILED, "card-malformed");

        t->request = secret_new(sizeof(*t->request));
        if (!t->request)
                return transaction_conclude(t, RESULT_FAILED, "no-memory");
        COPY(t->request->card.pan, track->pan);
        COPY(t->request->card.expiry, track->expiry);
        COPY(t->request->card.track2, track->text);
        take_stripe(t, masked_pan);
}
