/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* One attempt at a transaction, from the call to the result. transaction.c reads as its way; chip.c and stripe.c have
 * the card's part, authorization.c the acquirer's. */

#include "device/device.h"
#include "device/msr.h"
#include "emv/message.h"
#include "journal/transaction.h"
#include "transaction/kind.h"

struct engine;
struct engine_call;
struct transaction;

/* What the outside sees of a transaction. */
struct transaction_view {
        struct transaction_record record;
        const char *prompt;   /* "", "insert-or-swipe-card", … see org.tilld1.Transaction.xml */
        const char *language; /* of the cardholder, as prompt_language() says; "" for one that is only looked up */
        /*
         * Why a card was not taken last, never NULL: "unreadable", "wrong-way" (no start sentinel), "not-payment",
         * "chip-required", "encrypted" (in a way that is of no use here) or "not-comparable" (with the original's, as
         * it is encrypted) of a swipe, "chip-mute" of a chip, "reader-failed" of the EMV reader before a card was in;
         * "" for nothing.
         */
        const char *hindrance;
        unsigned hindrances; /* how often that was */
        /* Names of what the cardholder chooses from, in order; 0 but while it is asked. */
        unsigned n_applications;
        char applications[EMV_CANDIDATES_MAX][EMV_LABEL_MAX + 1];
};

enum transaction_event {
        TRANSACTION_ADDED,
        TRANSACTION_CHANGED,
        TRANSACTION_FINISHED, /* once: the result is set and durable */
};

/* A row alone, as it is looked up. */
#define TRANSACTION_VIEW_INIT ((struct transaction_view){ .prompt = "", .language = "", .hindrance = "" })

/*
 * Writes the intent and asks for an approval or a card. The record's fixed fields and its approver are the caller's;
 * original is what it is about (copied), or NULL. Of the call, what no row has: whether somebody will answer which of
 * a card's applications is wanted, and the binding (copied).
 */
int transaction_new(struct engine *e, const struct kind *kind, const struct transaction_record *record,
                    const struct transaction_record *original, const struct engine_call *call,
                    struct transaction **ret);
/* Once the engine knows it: what needs neither approval nor card goes on from here. */
void transaction_run(struct transaction *t);
struct transaction *transaction_free(struct transaction *t);
DEFINE_CLEANUP(struct transaction *, transaction_free);

const struct transaction_view *transaction_get_view(const struct transaction *t);
bool transaction_is_done(const struct transaction *t);

/* By whom: "02", "uid 1000". -EALREADY when no approval is waited for. */
int transaction_approve(struct transaction *t, const char *approver);

/* Until the acquirer is asked; -EALREADY later. */
int transaction_cancel(struct transaction *t);

/* Which application, counted from 1. -EALREADY when it is not asked, -ERANGE for one that is not there. */
int transaction_choose(struct transaction *t, unsigned number);

/* A swipe of the armed reader. */
void transaction_swiped(struct transaction *t, const struct msr_swipe *swipe);
/* A reader came or went, or a card was taken out of it: use what is there now. */
void transaction_devices_changed(struct transaction *t);
/* Something of its row changed beside it (reversal, printing): read it again and tell. */
void transaction_refresh(struct transaction *t);

/* In the caller's journal transaction: the papers that the result asks for. */
int transaction_queue_papers(struct engine *e, const struct transaction_record *record);

/* At start: a card that is in already may be that of a customer who was served before. It is taken out first. */
void transaction_mind_card(struct engine *e);
/* At start: gives a result to a transaction that a crash left open. */
int transaction_recover(struct engine *e, const struct transaction_record *record);
