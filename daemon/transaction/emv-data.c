// SPDX-License-Identifier: LGPL-2.1-or-later
#include <sys/random.h>
#include <time.h>

#include "base/amount.h"
#include "base/clock.h"
#include "base/hex.h"
#include "transaction/emv-data.h"
#include "transaction/transaction-internal.h"

/* One exchange with the card, as its reader may stretch it. */
#define STEP_TIMEOUT_MSEC 20000

/* 0 to 99, each as likely as the others. */
static int draw_percent(uint8_t *ret) {
        uint8_t byte;

        do
                if (getrandom(&byte, sizeof(byte), 0) != sizeof(byte))
                        return -EIO;
        while (byte >= 200);
        *ret = byte % 100;
        return 0;
}

static uint8_t steps_of(enum kind_card card) {
        switch (card) {
        case KIND_CARD_READ:
                return EMV_STEPS_READ;
        case KIND_CARD_AAC:
                return EMV_STEPS_AAC;
        case KIND_CARD_ONLINE:
                return EMV_STEPS_ONLINE;
        default:
                return EMV_STEPS_FULL;
        }
}

int emv_data_fill_start(const struct kind *kind, const struct transaction_record *record, const struct settings *s,
                        const struct emv_terminal *terminal, bool can_choose, struct message_start *ret) {
        const struct currency *currency = currency_find(record->currency);
        time_t now = time(NULL);
        struct tm tm;

        message_init(ret, MESSAGE_START);
        ret->mode = s->mode == MODE_LIVE ? EMV_MODE_LIVE : s->mode == MODE_TEST ? EMV_MODE_TEST : EMV_MODE_TRAINING;
        ret->steps = steps_of(kind->card);
        ret->transaction_type = kind->type;
        ret->currency_exponent = currency->digits;
        ret->currency[0] = bcd_byte(currency->numeric / 100);
        ret->currency[1] = bcd_byte(currency->numeric);
        ret->amount = (uint64_t) record->amount;

        if (!localtime_r(&now, &tm))
                return -EINVAL;
        ret->date[0] = bcd_byte((unsigned) tm.tm_year % 100);
        ret->date[1] = bcd_byte((unsigned) tm.tm_mon + 1);
        ret->date[2] = bcd_byte((unsigned) tm.tm_mday);
        ret->time[0] = bcd_byte((unsigned) tm.tm_hour);
        ret->time[1] = bcd_byte((unsigned) tm.tm_min);
        ret->time[2] = bcd_byte((unsigned) tm.tm_sec);
        for (size_t i = 0, n = (size_t) record->id; i < 4; i++, n /= 100)
                ret->counter[3 - i] = bcd_byte((unsigned) (n % 100));

        if (getrandom(ret->unpredictable, sizeof(ret->unpredictable), 0) != sizeof(ret->unpredictable) ||
            draw_percent(&ret->random_percent) < 0)
                return -EIO;

        ret->card_ms = WORKER_CARD_TIMEOUT_USEC / USEC_PER_MSEC;
        ret->step_ms = STEP_TIMEOUT_MSEC;
        ret->can_choose = can_choose;
        /*
         * A reversal, a sign-on and the request itself may each take the whole deadline. With more reversals than one
         * the worker gives up, and the request is not sent.
         */
        ret->answer_ms = MAX(s->answer_timeout * 4000, (unsigned) EMV_CHOICE_TIMEOUT_MSEC + 10000);
        ret->terminal = *terminal;
        return 0;
}

static const char *cryptogram_kind(uint8_t type) {
        switch (type & 0xC0) {
        case 0x40:
                return "TC";
        case 0x80:
                return "ARQC";
        default:
                return "AAC";
        }
}

void emv_data_note(struct transaction_record *record, const struct emv_terminal *terminal,
                   const struct emv_card_data *card, const struct emv_result_data *result) {
        if (*card->pan_masked)
                COPY(record->masked_pan, card->pan_masked);
        record->psn = card->has_sequence ? card->sequence : -1;
        hex_encode(card->aid.data, card->aid.size, record->aid);
        COPY(record->label, card->label);
        COPY(record->preferred_name, card->preferred_name);

        hex_encode(result->tvr, sizeof(result->tvr), record->tvr);
        hex_encode(result->tsi, sizeof(result->tsi), record->tsi);
        hex_encode(result->cvm, sizeof(result->cvm), record->cvm_result);
        hex_encode(terminal->capabilities, 3, record->terminal_capabilities);
        hex_encode(result->script_results, result->script_results_size, record->script_results);
        if (!result->has_cryptogram)
                return;
        COPY(record->cryptogram_kind, cryptogram_kind(result->cryptogram_type));
        hex_encode(result->cryptogram, sizeof(result->cryptogram), record->cryptogram);
        hex_encode(result->atc, sizeof(result->atc), record->atc);
        hex_encode(result->aip, sizeof(result->aip), record->aip);
        hex_encode(result->iad, result->iad_size, record->iad);
}
