/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* What a transaction's row gives to card-worker, and what it takes from it. */

#include "emv/message.h"
#include "journal/transaction.h"
#include "transaction/kind.h"
#include "transaction/settings.h"

/* How long the cardholder may think about which application to take. */
#define EMV_CHOICE_TIMEOUT_MSEC 60000

/* START for that kind, with a fresh unpredictable number and the present time. A negative errno without either. */
int emv_data_fill_start(const struct kind *kind, const struct transaction_record *record,
                        const struct settings *settings, const struct emv_terminal *terminal, bool can_choose,
                        struct message_start *ret);

/* Copies what was claimed into the row; the claim has passed message_check_request() or _outcome(). */
void emv_data_note(struct transaction_record *record, const struct emv_terminal *terminal,
                   const struct emv_card_data *card, const struct emv_result_data *result);
