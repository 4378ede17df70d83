// SPDX-License-Identifier: LGPL-2.1-or-later
/* The steps in their order: EMV Book 3, 8 and figure 7. */

#include "base/secret.h"
#include "base/tlv.h"
#include "emv/step.h"

#define EMV_PRODUCT_MAX 16

enum emv_reason emv_reason_from_errno(int error) {
        switch (error) {
        case -ENOMEDIUM:
                return EMV_REASON_REMOVED;
        case -ETIMEDOUT:
                return EMV_REASON_TIMEOUT;
        case -ECANCELED:
                return EMV_REASON_ABORTED;
        case -EBADMSG:
        case -EEXIST:
        case -ENOBUFS:
                return EMV_REASON_MALFORMED;
        default:
                return EMV_REASON_READER;
        }
}

int emv_bcd_number(const uint8_t *bcd, size_t size, uint64_t *ret) {
        uint64_t number = 0;

        for (size_t i = 0; i < size; i++) {
                if (bcd[i] >> 4 > 9 || (bcd[i] & 0x0f) > 9)
                        return -EBADMSG;
                number = number * 100 + (bcd[i] >> 4) * 10U + (bcd[i] & 0x0f);
        }
        *ret = number;
        return 0;
}

void emv_number_bcd(uint64_t number, uint8_t *ret, size_t size) {
        for (size_t i = size; i-- > 0; number /= 100)
                ret[i] = (uint8_t) (number / 10 % 10 << 4 | number % 10);
}

void emv_number_binary(uint64_t number, uint8_t ret[static 4]) {
        number = MIN(number, (uint64_t) UINT32_MAX);
        for (size_t i = 4; i-- > 0; number >>= 8)
                ret[i] = (uint8_t) number;
}

uint32_t emv_binary_number(const uint8_t binary[static 4]) {
        return (uint32_t) binary[0] << 24 | (uint32_t) binary[1] << 16 | (uint32_t) binary[2] << 8 | binary[3];
}

uint8_t emv_nibble(const uint8_t *data, size_t i) {
        return i % 2 ? data[i / 2] & 0x0f : data[i / 2] >> 4;
}

bool emv_is_date(const uint8_t date[static 3]) {
        uint64_t number;

        return emv_bcd_number(date, 3, &number) >= 0 && date[1] >= 0x01 && date[1] <= 0x12 && date[2] >= 0x01 &&
               date[2] <= 0x31;
}

uint32_t emv_full_date(const uint8_t date[static 3]) {
        const uint8_t full[4] = { date[0] >= 0x50 ? 0x19 : 0x20, date[0], date[1], date[2] };

        return emv_binary_number(full);
}

static bool only_filling(const uint8_t *data, size_t size, size_t from) {
        for (size_t i = from; i < 2 * size; i++)
                if (emv_nibble(data, i) != 0x0f)
                        return false;
        return true;
}

int emv_pan_digits(const uint8_t *pan, size_t size, char ret[static EMV_PAN_MAX + 1]) {
        size_t n = 0;

        while (n < 2 * size && n < EMV_PAN_MAX && emv_nibble(pan, n) <= 9) {
                ret[n] = (char) ('0' + emv_nibble(pan, n));
                n++;
        }
        ret[n] = '\0';
        if (n < 8 || !only_filling(pan, size, n))
                return -EBADMSG;
        return (int) n;
}

int emv_track2_text(const uint8_t *track, size_t size, char ret[static EMV_TRACK2_MAX + 1]) {
        size_t n = 0, separator = 0;

        while (n < 2 * size && n < EMV_TRACK2_MAX) {
                uint8_t c = emv_nibble(track, n);

                if (c == 0x0d && separator == 0 && n > 0)
                        separator = n;
                else if (c > 9)
                        break;
                ret[n] = c == 0x0d ? '=' : (char) ('0' + c);
                n++;
        }
        ret[n] = '\0';
        /* PAN, separator, expiry, service code (Book 3, Annex A). */
        if (separator < 8 || separator > EMV_PAN_MAX || n < separator + 8 || !only_filling(track, size, n))
                return -EBADMSG;
        return 0;
}

void emv_copy_text(char *ret, size_t max, const uint8_t *text, size_t size) {
        size_t n = MIN(size, max - 1);

        for (size_t i = 0; i < n; i++)
                ret[i] = text[i] >= 0x20 && text[i] < 0x7f ? (char) text[i] : '?';
        while (n > 0 && ret[n - 1] == ' ')
                n--;
        memset(ret + n, 0, max - n);
}

void emv_copy_language(char ret[static EMV_LANGUAGE_MAX + 1], const uint8_t *text, size_t size) {
        memset(ret, 0, EMV_LANGUAGE_MAX + 1);
        if (size > EMV_LANGUAGE_MAX || size % 2 != 0)
                return;
        for (size_t i = 0; i < size; i++) {
                uint8_t c = text[i] | 0x20;

                if (c < 'a' || c > 'z') {
                        memset(ret, 0, EMV_LANGUAGE_MAX + 1);
                        return;
                }
                ret[i] = (char) c;
        }
}

/* Of the ten parts of ISO 8859 only the first has all that emv_copy_text() leaves of a name. */
bool emv_has_code_table(const struct emv *e, uint8_t index) {
        return index == 1 && e->start->terminal.additional_capabilities[4] & 0x01;
}

uint8_t emv_aip(const struct emv *e) {
        const uint8_t *aip = store_get(&e->store, TAG_AIP, NULL);

        return aip ? aip[0] : 0;
}

int emv_store_results(struct emv *e) {
        int r;

        r = store_set(&e->store, TAG_TVR, e->tvr, sizeof(e->tvr));
        if (r < 0)
                return r;
        r = store_set(&e->store, TAG_TSI, e->tsi, sizeof(e->tsi));
        if (r < 0)
                return r;
        r = store_set(&e->store, TAG_CVM_RESULTS, e->cvm, sizeof(e->cvm));
        if (r < 0)
                return r;
        if (e->script_results_size > 0) {
                r = store_set(&e->store, TAG_SCRIPT_RESULTS, e->script_results, e->script_results_size);
                if (r < 0)
                        return r;
        }
        if (e->arc[0] == 0)
                return 0;
        return store_set(&e->store, TAG_ARC, e->arc, sizeof(e->arc));
}

/* What START says, as objects for the data object lists. */
static int store_start(struct emv *e) {
        const struct message_start *s = e->start;
        const struct emv_terminal *t = &s->terminal;
        uint8_t amount[6], other[6], binary[4], other_binary[4];
        const struct {
                uint32_t tag;
                const void *value;
                size_t size;
        } objects[] = {
                { TAG_AMOUNT, amount, sizeof(amount) },
                { TAG_AMOUNT_OTHER, other, sizeof(other) },
                { TAG_AMOUNT_BINARY, binary, sizeof(binary) },
                { TAG_AMOUNT_OTHER_BINARY, other_binary, sizeof(other_binary) },
                { TAG_CURRENCY, s->currency, sizeof(s->currency) },
                { TAG_CURRENCY_EXPONENT, &s->currency_exponent, 1 },
                { TAG_DATE, s->date, sizeof(s->date) },
                { TAG_TIME, s->time, sizeof(s->time) },
                { TAG_TRANSACTION_TYPE, &s->transaction_type, 1 },
                { TAG_UNPREDICTABLE, s->unpredictable, sizeof(s->unpredictable) },
                { TAG_COUNTER, s->counter, sizeof(s->counter) },
                { TAG_TERMINAL_COUNTRY, t->country, sizeof(t->country) },
                { TAG_CAPABILITIES, t->capabilities, sizeof(t->capabilities) },
                { TAG_ADDITIONAL_CAPABILITIES, t->additional_capabilities, sizeof(t->additional_capabilities) },
                { TAG_TERMINAL_TYPE, &t->type, 1 },
                { TAG_SERIAL, t->serial, strlen(t->serial) },
                { TAG_TERMINAL_ID, t->id, strlen(t->id) },
                { TAG_MERCHANT_ID, t->merchant_id, strlen(t->merchant_id) },
                { TAG_MERCHANT_NAME, t->merchant_name, strlen(t->merchant_name) },
                { TAG_CATEGORY, t->category, sizeof(t->category) },
                /* Integrated circuit card read: ISO 8583 point of service entry mode 05. */
                { TAG_POS_ENTRY_MODE, (const uint8_t[]){ 0x05 }, 1 },
        };
        int r;

        emv_number_bcd(s->amount, amount, sizeof(amount));
        emv_number_bcd(s->amount_other, other, sizeof(other));
        emv_number_binary(s->amount, binary);
        emv_number_binary(s->amount_other, other_binary);
        for (size_t i = 0; i < ELEMENTSOF(objects); i++) {
                r = store_set(&e->store, objects[i].tag, objects[i].value, objects[i].size);
                if (r < 0)
                        return r;
        }
        return 0;
}

/* An application starts with nothing that another one has left. */
static int reset_application(struct emv *e) {
        memset(&e->store, 0, sizeof(e->store));
        memset(e->static_data, 0, e->static_data_size);
        memset(&e->pdol, 0, sizeof(e->pdol));
        e->static_data_size = 0;
        e->static_data_broken = false;
        memset(e->tvr, 0, sizeof(e->tvr));
        memset(e->tsi, 0, sizeof(e->tsi));
        memset(e->cvm, 0, sizeof(e->cvm));
        e->application = NULL;
        return store_start(e);
}

void emv_mask_pan(const char *pan, char ret[static EMV_PAN_MAX + 1]) {
        size_t n = strlen(pan);

        for (size_t i = 0; i < n; i++)
                ret[i] = (i < 6 && n > 10) || i + 4 >= n ? pan[i] : '*';
        ret[n] = '\0';
}

static void fill_service_code(const struct emv *e, const char *track2, struct emv_card_data *c) {
        const char *separator = strchr(track2, '=');
        const uint8_t *code = store_get(&e->store, TAG_SERVICE_CODE, NULL);
        uint64_t number;

        if (separator && strlen(separator) >= 8)
                memcpy(c->service_code, separator + 5, 3);
        else if (code && emv_bcd_number(code, 2, &number) >= 0 && number <= 999)
                snprintf(c->service_code, sizeof(c->service_code), "%03u", (unsigned) number);
}

static void fill_text(const struct emv *e, uint32_t tag, char ret[static EMV_LABEL_MAX + 1]) {
        size_t size;
        const uint8_t *value = store_get(&e->store, tag, &size);

        if (value)
                emv_copy_text(ret, EMV_LABEL_MAX + 1, value, size);
}

static void fill_language(const struct emv *e, char ret[static EMV_LANGUAGE_MAX + 1]) {
        size_t size;
        const uint8_t *value = store_get(&e->store, TAG_LANGUAGE, &size);

        if (value)
                emv_copy_language(ret, value, size);
        else
                memcpy(ret, e->language, sizeof(e->language));
}

int emv_prompt(struct emv *e, enum emv_prompt prompt) {
        char language[EMV_LANGUAGE_MAX + 1];

        fill_language(e, language);
        return e->callbacks->prompt(e->userdata, prompt, language);
}

/* Who was asked to wait is asked in the language that is known by now (Book 4, 11.1). */
static int speak_language(struct emv *e) {
        char language[EMV_LANGUAGE_MAX + 1];

        fill_language(e, language);
        return *language ? emv_prompt(e, EMV_PROMPT_READING) : 0;
}

void emv_fill_card(const struct emv *e, bool whole, struct emv_card_data *ret) {
        char pan[EMV_PAN_MAX + 1] = "", track2[EMV_TRACK2_MAX + 1] = "";
        const uint8_t *value;
        size_t size;

        memset(ret, 0, sizeof(*ret));
        value = store_get(&e->store, TAG_DF_NAME, &size);
        if (value) {
                ret->aid.size = (uint8_t) size;
                memcpy(ret->aid.data, value, size);
        }
        fill_text(e, TAG_LABEL, ret->label);
        value = store_get(&e->store, TAG_CODE_TABLE, NULL);
        if (value && emv_has_code_table(e, *value))
                fill_text(e, TAG_PREFERRED_NAME, ret->preferred_name);
        fill_language(e, ret->language);

        value = store_get(&e->store, TAG_PAN, &size);
        if (!e->read || !value || emv_pan_digits(value, size, pan) < 0)
                return;
        emv_mask_pan(pan, ret->pan_masked);
        value = store_get(&e->store, TAG_PAN_SEQUENCE, NULL);
        if (value && value[0] >> 4 <= 9 && (value[0] & 0x0f) <= 9) {
                ret->has_sequence = 1;
                ret->sequence = (uint8_t) ((value[0] >> 4) * 10 + (value[0] & 0x0f));
        }
        value = store_get(&e->store, TAG_TRACK2, &size);
        if (value && emv_track2_text(value, size, track2) < 0)
                track2[0] = '\0';
        fill_service_code(e, track2, ret);
        if (!whole)
                return;

        memcpy(ret->pan, pan, sizeof(ret->pan));
        memcpy(ret->track2, track2, sizeof(ret->track2));
        value = store_get(&e->store, TAG_EXPIRATION_DATE, NULL);
        if (value)
                snprintf(ret->expiry, sizeof(ret->expiry), "%02X%02X", value[0], value[1]);
}

const uint32_t emv_de55_tags[] = {
        TAG_CRYPTOGRAM,
        TAG_CID,
        TAG_IAD,
        TAG_UNPREDICTABLE,
        TAG_ATC,
        TAG_TVR,
        TAG_DATE,
        TAG_TRANSACTION_TYPE,
        TAG_AMOUNT,
        TAG_CURRENCY,
        TAG_AIP,
        TAG_TERMINAL_COUNTRY,
        TAG_AMOUNT_OTHER,
        TAG_CAPABILITIES,
        TAG_CVM_RESULTS,
        TAG_TERMINAL_TYPE,
        TAG_SERIAL,
        TAG_DF_NAME,
        TAG_VERSION_TERMINAL,
        TAG_COUNTER,
        TAG_PAN_SEQUENCE,
        TAG_PRODUCT,
};
const size_t emv_n_de55_tags = ELEMENTSOF(emv_de55_tags);

static int fill_de55(const struct emv *e, struct emv_result_data *ret) {
        size_t used = 0;
        int r;

        for (size_t i = 0; i < emv_n_de55_tags; i++) {
                size_t size;
                const uint8_t *value = store_get(&e->store, emv_de55_tags[i], &size);

                /* The issuer recomputes the cryptogram from the results that the card saw. */
                if (emv_de55_tags[i] == TAG_TVR)
                        value = e->card_tvr;
                if (!value || size == 0 || (emv_de55_tags[i] == TAG_PRODUCT && size > EMV_PRODUCT_MAX))
                        continue;
                r = tlv_append(ret->de55, sizeof(ret->de55), &used, emv_de55_tags[i], value, size);
                if (r < 0)
                        return r;
        }
        ret->de55_size = (uint16_t) used;
        return 0;
}

int emv_fill_result(const struct emv *e, struct emv_result_data *ret) {
        const uint8_t *value;
        size_t size;

        memset(ret, 0, sizeof(*ret));
        memcpy(ret->tvr, e->tvr, sizeof(ret->tvr));
        memcpy(ret->tsi, e->tsi, sizeof(ret->tsi));
        memcpy(ret->cvm, e->cvm, sizeof(ret->cvm));
        memcpy(ret->arc, e->arc, sizeof(ret->arc));
        ret->signature = e->signature;
        ret->script_results_size = (uint8_t) e->script_results_size;
        memcpy(ret->script_results, e->script_results, e->script_results_size);
        value = store_get(&e->store, TAG_AIP, NULL);
        if (value)
                memcpy(ret->aip, value, sizeof(ret->aip));

        if (!e->has_cryptogram)
                return 0;
        ret->has_cryptogram = 1;
        memcpy(ret->cryptogram, store_get(&e->store, TAG_CRYPTOGRAM, NULL), sizeof(ret->cryptogram));
        ret->cryptogram_type = *store_get(&e->store, TAG_CID, NULL) & AC_MASK;
        memcpy(ret->atc, store_get(&e->store, TAG_ATC, NULL), sizeof(ret->atc));
        value = store_get(&e->store, TAG_IAD, &size);
        if (value) {
                ret->iad_size = (uint8_t) size;
                memcpy(ret->iad, value, size);
        }
        return fill_de55(e, ret);
}

/* Until an application is selected and has taken the transaction on. */
static int find_application(struct emv *e) {
        bool again = false;
        int r;

        r = emv_build_candidate_list(e);
        if (r < 0)
                return r;
        for (;;) {
                if (again && e->n_candidates > 0) {
                        r = emv_prompt(e, EMV_PROMPT_TRY_AGAIN);
                        if (r < 0)
                                return r;
                }
                r = reset_application(e);
                if (r < 0)
                        return r;
                r = emv_select_application(e);
                if (r < 0)
                        return r;
                if (r > 0) {
                        r = emv_initiate_application(e);
                        if (r != 0)
                                return r;
                }
                again = true;
        }
}

/* A refund asks the card for nothing but an AAC, to end the session that GET PROCESSING OPTIONS began. */
static int end_with_aac(struct emv *e) {
        uint8_t given;
        int r;

        /* Nobody is to be verified (Book 4, 6.3.4.5). */
        memcpy(e->cvm, "\x3f\0\0", sizeof(e->cvm));
        r = emv_generate_ac(e, AC_AAC, false, &given);
        if (r < 0)
                return r;
        e->outcome = EMV_OUTCOME_READ;
        return 0;
}

/* A signature that is wrong: the terminal declines, and ends an ARQC with an AAC at once (Book 2, 6.6.2). */
static int decline_unsigned(struct emv *e, uint8_t given) {
        int r;

        memcpy(e->arc, "Z1", 2);
        if (given == AC_ARQC) {
                r = emv_generate_ac(e, AC_AAC, true, &given);
                if (r < 0)
                        return r;
        }
        e->outcome = EMV_OUTCOME_DECLINED;
        e->reason = EMV_REASON_AUTHENTICATION;
        return 0;
}

/* From the first cryptogram on. */
static int decide(struct emv *e) {
        uint8_t asked, given;
        int r;

        asked = emv_analyse_action(e);
        r = emv_generate_ac(e, asked, false, &given);
        if (r < 0)
                return r;
        if (!e->has_cryptogram)
                return decline_unsigned(e, given);
        switch (given) {
        case AC_TC:
                e->outcome = EMV_OUTCOME_APPROVED;
                return 0;
        case AC_AAC:
                e->outcome = EMV_OUTCOME_DECLINED;
                e->reason = asked == AC_AAC ? EMV_REASON_TERMINAL : emv_reason_of_card(e);
                return 0;
        default:
                r = emv_go_online(e);
                if (r < 0)
                        return r;
                return emv_complete(e);
        }
}

static int run_steps(struct emv *e) {
        int r;

        r = find_application(e);
        if (r < 0)
                return r;
        r = speak_language(e);
        if (r < 0)
                return r;
        r = emv_read_application_data(e);
        if (r < 0)
                return r;
        r = emv_authenticate_offline(e);
        if (r < 0)
                return r;
        e->read = true;
        if (e->start->steps == EMV_STEPS_READ) {
                e->outcome = EMV_OUTCOME_READ;
                return 0;
        }
        r = emv_check_restrictions(e);
        if (r < 0)
                return r;
        if (e->start->steps == EMV_STEPS_AAC)
                return end_with_aac(e);
        r = emv_verify_cardholder(e);
        if (r < 0)
                return r;
        r = emv_manage_risk(e);
        if (r < 0)
                return r;
        return decide(e);
}

static void fill_outcome(struct emv *e, int r, struct message_outcome *ret) {
        bool whole;

        message_init(ret, MESSAGE_OUTCOME);
        if (r >= 0)
                r = emv_store_results(e);
        if (r < 0) {
                e->outcome = EMV_OUTCOME_FAILED;
                /* EIO is what an exchange with a mute card ends in (block.h), where the reader gives it less time. */
                if (e->reason == EMV_REASON_NONE)
                        e->reason = r == -EIO ? EMV_REASON_TIMEOUT : emv_reason_from_errno(r);
        }
        /* What tilld has to keep or send later; an online sale has told it all already. */
        whole = e->outcome == EMV_OUTCOME_READ || (e->outcome == EMV_OUTCOME_APPROVED && !e->online);
        ret->online = e->online;
        emv_fill_card(e, whole, &ret->card);
        if (emv_fill_result(e, &ret->result) < 0) {
                memset(&ret->result, 0, sizeof(ret->result));
                e->outcome = EMV_OUTCOME_FAILED;
                e->reason = EMV_REASON_MALFORMED;
        }
        ret->outcome = (uint8_t) e->outcome;
        ret->reason = (uint8_t) e->reason;
}

void emv_run(const struct message_start *start, const struct emv_callbacks *callbacks, void *userdata,
             struct message_outcome *ret) {
        _cleanup_secret_ struct emv *e = NULL;
        int r;

        e = secret_new(sizeof(*e));
        if (!e) {
                message_init(ret, MESSAGE_OUTCOME);
                ret->outcome = EMV_OUTCOME_FAILED;
                ret->reason = EMV_REASON_READER;
                return;
        }
        e->start = start;
        e->callbacks = callbacks;
        e->userdata = userdata;
        r = run_steps(e);
        fill_outcome(e, r, ret);
}
