/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Why a transaction ended as it did: the words of org.tilld1(5), and what a person reads. */

#include "emv/message.h"
#include "host/result.h"
#include "transaction/kind.h"

/*
 * What happened and what to do, in English and translated by whoever shows it; "" for a word without one. kind is that
 * of the transaction, NULL for one that this version does not know.
 */
const char *reason_to_sentence(const char *word, const struct kind *kind);
/* For the cardholder, short: the Chinese and the English, parted by "\n"; NULL for one that no paper says. */
const char *reason_to_cause(const char *word);
/*
 * The same of a refusal whose text tells the cashier what to do, as to keep the card or to sign on; NULL for an action
 * whose texts may be read by the cardholder.
 */
const char *action_to_cause(enum host_action action);
/* The word for the card's own. */
const char *reason_of_card(enum emv_reason reason);
