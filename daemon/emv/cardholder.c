// SPDX-License-Identifier: LGPL-2.1-or-later
/* Cardholder verification: EMV Book 3, 10.5 and Annex C3; results by Book 4, 6.3.4. */

#include "emv/step.h"

/* First byte of a rule: go on when the method fails. */
#define CVM_CONTINUE 0x40

/* Conditions of a rule (table 44): from this one on of the amount. A condition that is not known is not met. */
#define CONDITION_AMOUNT 0x06
#define CONDITION_LAST 0x09

#define TYPE_CASH 0x01

/* 63Cx has no room for more, so a card that goes on is wrong. */
#define TRIES_MAX 15

static void set_result(struct emv *e, uint8_t method, uint8_t condition, uint8_t result) {
        e->cvm[0] = method;
        e->cvm[1] = condition;
        e->cvm[2] = result;
}

bool emv_supports_cvm(const struct emv_terminal *t, uint8_t method) {
        uint8_t c = t->capabilities[1];

        switch (method & CVM_METHOD) {
        case CVM_FAIL:
                return true;
        case CVM_PLAINTEXT_PIN:
                return c & EMV_CAPABILITY_PLAINTEXT_PIN;
        case CVM_ONLINE_PIN:
                return c & 0x40;
        case CVM_PLAINTEXT_PIN_SIGNATURE:
                return c & EMV_CAPABILITY_PLAINTEXT_PIN && c & 0x20;
        case CVM_ENCIPHERED_PIN:
                return c & 0x10;
        case CVM_ENCIPHERED_PIN_SIGNATURE:
                return c & 0x10 && c & 0x20;
        case CVM_SIGNATURE:
                return c & 0x20;
        case CVM_NONE:
                return c & 0x08;
        default:
                return false;
        }
}

static bool is_recognised(uint8_t method) {
        method &= CVM_METHOD;
        return method <= CVM_ENCIPHERED_PIN_SIGNATURE || method == CVM_SIGNATURE || method == CVM_NONE;
}

static bool is_unattended(const struct emv_terminal *t) {
        return (t->type & 0x0f) >= 4;
}

/* The two amounts of the list are in the application's currency. */
static bool amount_condition(const struct emv *e, uint8_t condition, uint32_t x, uint32_t y) {
        const uint8_t *currency = store_get(&e->store, TAG_APPLICATION_CURRENCY, NULL);
        uint64_t amount = e->start->amount;

        if (!currency || memcmp(currency, e->start->currency, 2) != 0)
                return false;
        switch (condition) {
        case 0x06:
                return amount < x;
        case 0x07:
                return amount > x;
        case 0x08:
                return amount < y;
        default:
                return amount > y;
        }
}

bool emv_cvm_may_apply(const struct message_start *s, uint8_t method, uint8_t condition) {
        bool cash = s->transaction_type == TYPE_CASH, cashback = s->amount_other > 0;

        switch (condition) {
        case 0x00:
                return true;
        case 0x01:
                return cash && is_unattended(&s->terminal);
        case 0x02:
                return !cash && !cashback;
        case 0x03:
                return emv_supports_cvm(&s->terminal, method);
        case 0x04:
                return cash && !is_unattended(&s->terminal);
        case 0x05:
                return cashback;
        default:
                return condition <= CONDITION_LAST;
        }
}

static bool condition_met(const struct emv *e, uint8_t method, uint8_t condition, uint32_t x, uint32_t y) {
        if (!emv_cvm_may_apply(e->start, method, condition))
                return false;
        return condition < CONDITION_AMOUNT || amount_condition(e, condition, x, y);
}

/* 10.5.1: not a PIN that is wrong, but one that could not be tried. */
static int pin_failed(struct emv *e, enum tvr_bit why) {
        tvr_set(e->tvr, why);
        return 0;
}

/* One try, VERIFY: 1 with the card's status word, 0 when there was none. */
static int try_pin(struct emv *e, enum emv_prompt prompt, uint16_t *ret_sw) {
        int r;

        r = emv_prompt(e, prompt);
        if (r < 0)
                return r;
        r = e->callbacks->verify_pin ? e->callbacks->verify_pin(e->userdata, ret_sw) : -EOPNOTSUPP;
        if (r == -EOPNOTSUPP)
                return pin_failed(e, TVR_PIN_PAD_ABSENT);
        if (r == -ENOKEY) {
                e->pin_bypassed = true;
                return pin_failed(e, TVR_PIN_NOT_ENTERED);
        }
        return r < 0 ? r : 1;
}

/* 10.5.1, 6.5.12: until it is right, or the card has had enough. 1 when it was right, 0 when not. */
static int try_pins(struct emv *e, unsigned tries) {
        enum emv_prompt prompt = EMV_PROMPT_ENTER_PIN;

        for (unsigned i = 0; i < TRIES_MAX && tries > 0; i++) {
                uint16_t sw = 0;
                int r;

                r = try_pin(e, tries == 1 ? EMV_PROMPT_LAST_PIN : prompt, &sw);
                if (r <= 0)
                        return r;
                if (sw == 0x9000)
                        return 1;
                if (sw == 0x6983 || sw == 0x6984)
                        break;
                if ((sw & 0xfff0) != 0x63c0)
                        return 0;
                tries = sw & 0x0f;
                prompt = EMV_PROMPT_WRONG_PIN;
        }
        return pin_failed(e, TVR_PIN_TRIES_EXCEEDED);
}

static int verify_plaintext_pin(struct emv *e) {
        uint8_t tries = TRIES_MAX;
        int r, k;

        /* Whoever does without one does without all (Book 4, 6.3.4.3). */
        if (e->pin_bypassed)
                return pin_failed(e, TVR_PIN_NOT_ENTERED);
        /* A card that does not tell how many are left says so at the first. */
        r = emv_get_data(e, TAG_PIN_TRY_COUNTER, &tries, sizeof(tries));
        if (r < 0)
                return r;
        if (tries == 0)
                return pin_failed(e, TVR_PIN_TRIES_EXCEEDED);
        r = try_pins(e, tries);
        if (r < 0)
                return r;
        k = emv_prompt(e, EMV_PROMPT_READING);
        return k < 0 ? k : r;
}

static int perform_pin(struct emv *e, uint8_t rule, uint8_t condition) {
        bool signature = (rule & CVM_METHOD) == CVM_PLAINTEXT_PIN_SIGNATURE;
        int r;

        set_result(e, rule, condition, CVM_RESULT_FAILED);
        r = verify_plaintext_pin(e);
        if (r <= 0)
                return r;
        e->signature = signature;
        set_result(e, rule, condition, signature ? CVM_RESULT_UNKNOWN : CVM_RESULT_SUCCESSFUL);
        return 1;
}

/*
 * Performs one method, and says in the result how it went; 1, 0 when it failed. What cannot be performed at
 * all leaves the result alone (Book 4, 6.3.4.5): 3F 00 01 is that of a list of which nothing could be.
 */
static int perform(struct emv *e, uint8_t rule, uint8_t condition) {
        uint8_t method = rule & CVM_METHOD;

        if (!is_recognised(rule)) {
                tvr_set(e->tvr, TVR_CVM_UNRECOGNISED);
                return 0;
        }
        if (!emv_supports_cvm(&e->start->terminal, rule)) {
                /* 10.5.1, 10.5.2: a PIN is asked for and there is nowhere to enter it. */
                if (method >= CVM_PLAINTEXT_PIN && method <= CVM_ENCIPHERED_PIN_SIGNATURE)
                        tvr_set(e->tvr, TVR_PIN_PAD_ABSENT);
                return 0;
        }
        switch (method) {
        case CVM_PLAINTEXT_PIN:
        case CVM_PLAINTEXT_PIN_SIGNATURE:
                return perform_pin(e, rule, condition);
        case CVM_SIGNATURE:
                e->signature = true;
                set_result(e, rule, condition, CVM_RESULT_UNKNOWN);
                return 1;
        case CVM_NONE:
                set_result(e, rule, condition, CVM_RESULT_SUCCESSFUL);
                return 1;
        default:
                set_result(e, rule, condition, CVM_RESULT_FAILED);
                return 0;
        }
}

int emv_verify_cardholder(struct emv *e) {
        const uint8_t *list;
        uint32_t x, y;
        size_t size;
        int done = 0;

        e->pin_bypassed = false;
        set_result(e, CVM_NOT_PERFORMED, 0, CVM_RESULT_UNKNOWN);
        if (!(emv_aip(e) & AIP_CARDHOLDER_VERIFICATION))
                return 0;
        list = store_get(&e->store, TAG_CVM_LIST, &size);
        if (!list || size == 8) {
                tvr_set(e->tvr, TVR_DATA_MISSING);
                return 0;
        }
        if (size % 2 != 0)
                return -EBADMSG;

        x = emv_binary_number(list);
        y = emv_binary_number(list + 4);
        set_result(e, CVM_NOT_PERFORMED, 0, CVM_RESULT_FAILED);
        for (size_t i = 8; i < size && !done; i += 2) {
                if (!condition_met(e, list[i], list[i + 1], x, y))
                        continue;
                done = perform(e, list[i], list[i + 1]);
                if (done < 0)
                        return done;
                if (!done && !(list[i] & CVM_CONTINUE))
                        break;
        }
        if (!done)
                tvr_set(e->tvr, TVR_CVM_FAILED);
        e->tsi[0] |= TSI_CARDHOLDER_VERIFICATION;
        return 0;
}
