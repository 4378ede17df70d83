/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* A transaction from inside, for the files that make up its way: transaction.c, chip.c, stripe.c, authorization.c … */

#include <systemd/sd-event.h>

#include "base/clock.h"
#include "emv/message.h"
#include "host/answer.h"
#include "transaction/download.h"
#include "transaction/engine.h"
#include "transaction/kind.h"
#include "transaction/settlement.h"
#include "transaction/transaction.h"

/* For a supervisor to come. */
#define APPROVAL_TIMEOUT_USEC (5 * 60 * USEC_PER_SEC)
/* From the start until a card is in. */
#define CARD_TIMEOUT_USEC (60 * USEC_PER_SEC)
/* card-worker's own, from its start: clearly later, so that it is tilld that ends the wait for a first card … */
#define WORKER_CARD_TIMEOUT_USEC (CARD_TIMEOUT_USEC + 5 * USEC_PER_SEC)
/* … and clearly earlier than tilld's for a card that has to come again: why it gave up is what the worker says. */
#define CARD_AGAIN_TIMEOUT_USEC (WORKER_CARD_TIMEOUT_USEC + 5 * USEC_PER_SEC)

enum host_state {
        HOST_STATE_NONE,     /* not asked */
        HOST_STATE_PENDING,  /* being asked, or about to be */
        HOST_STATE_NOT_SENT, /* no byte of the request left */
        HOST_STATE_APPROVED,
        HOST_STATE_DECLINED,
        HOST_STATE_LOST, /* sent, without an answer that counts: to be reversed */
};

struct transaction {
        struct engine *engine;
        struct transaction_view view;
        const struct kind *kind;
        struct transaction_record *original; /* what it is about, NULL for none */

        /* The card. */
        struct card *card; /* the chip's worker, NULL for a swipe and once it has ended */
        bool card_is_done; /* swiped, or read: there is no card to decide */
        bool can_choose;   /* somebody answers ChooseApplication() */
        unsigned pin_prompts;
        unsigned moves;   /* of the card, after it was put in first */
        bool card_is_out; /* it was in before */
        unsigned reader_failures;
        char recalled[65]; /* pan_hash of the card that the worker asked about, "" before */
        bool reader_busy;  /* the last worker still has the reader: ours starts when it is gone */
        /* What the worker was given and said, to hold its next claim against. */
        struct message_start *start;
        struct message_online_request *request; /* secret memory; filled in for a swipe too */
        struct host_encrypted *encrypted;       /* a stripe in the place of request's card; secret memory */
        struct message_online_answer *told;
        sd_event_source *timeout;       /* of the step */
        sd_event_source *whole_timeout; /* of the card, until the acquirer is asked */

        /* The acquirer. */
        enum host_state host;
        struct host_answer answer;    /* of HOST_STATE_APPROVED and _DECLINED; shown with the result, not before */
        const char *not_sent;         /* why, of HOST_STATE_NOT_SENT */
        const char *card_word;        /* why the card ended while HOST_STATE_PENDING */
        const char *reversal_reason;  /* of HOST_STATE_LOST */
        struct download *download;    /* as far as it has come */
        bool offline;                 /* the card approved without the acquirer, who will be told */
        bool reversible;              /* the first durable commit made a reversal ready */
        struct host_binding *binding; /* of the binding kinds; secret memory */

        struct settlement *settlement; /* how far it is; NULL for other kinds */
};

/* transaction.c */
void transaction_tell(struct transaction *t, enum transaction_event event);
/* A step on the way that a power cut may take back: nothing has happened outside. */
int transaction_save_lazily(struct transaction *t, const char *event);
/* What is asked of people while a card is waited for. */
void transaction_prompt_for_card(struct transaction *t);
/* A card was not taken: the word of view.hindrance. */
void transaction_hinder(struct transaction *t, const char *hindrance);
/* What checkout asks for is what the paper has a line for: not below the amount that needs none. */
void transaction_ask_signature(struct transaction *t, bool wanted);
/* In the caller's journal transaction. */
int transaction_save(struct transaction *t, const char *event);
/* As soon as the request is encoded nothing but the masked PAN is needed. */
void transaction_drop_secrets(struct transaction *t);
void transaction_end_timeouts(struct transaction *t);
/* The end of every transaction: written, then said, then printed. */
void transaction_conclude(struct transaction *t, enum transaction_result result, const char *reason);
/* What the card's and the acquirer's words come to; card_word is NULL when the card agreed. */
void transaction_conclude_both(struct transaction *t, const char *card_word);

/* authorization.c */
/* The card was read, or wants the acquirer's word. From here on Cancel is too late. */
void transaction_authorize(struct transaction *t);
/* In the caller's journal transaction: STAN, voucher and batch. */
int authorization_take_numbers(struct transaction *t);
/* What a request says of the transaction that it is about. */
void authorization_fill_original(const struct transaction_record *original, struct host_original *ret);

/* service.c */
void service_start(struct transaction *t);

/* chip.c */
/* Hands the reader to a new worker. -ENODEV when there is none, -EBUSY while the last worker has it. */
int chip_start(struct transaction *t);
/* How long the card, or the person with the card, has from now on. */
int chip_set_timeout(struct transaction *t, uint64_t usec);
/* The acquirer's word for the card, which decides last; NULL for none. */
void chip_answer(struct transaction *t, const struct host_answer *answer);
void chip_forget_choice(struct transaction *t);
