// SPDX-License-Identifier: LGPL-2.1-or-later
/* What tilld holds against the word of a worker that may be in the hands of a card. */

#include "base/tlv.h"
#include "emv/message.h"
#include "emv/step.h"

static int refuse(const char *reason, const char **ret_reason) {
        *ret_reason = reason;
        return -EBADMSG;
}

static bool has_value(const struct emv_result_data *r, uint32_t tag, const void *value, size_t size) {
        struct tlv t;

        return tlv_find(r->de55, r->de55_size, tag, &t) >= 0 && t.size == size && memcmp(t.value, value, size) == 0;
}

static bool is_of_de55(uint32_t tag) {
        for (size_t i = 0; i < emv_n_de55_tags; i++)
                if (emv_de55_tags[i] == tag)
                        return true;
        return false;
}

/* No tag twice, the acquirer might read the other one; and none that may name another card, as 5A or 57. */
static bool is_well_made(const struct emv_result_data *r) {
        const uint8_t *p = r->de55;
        size_t size = r->de55_size;
        struct tlv t, again;

        while (tlv_next(&p, &size, &t) > 0)
                if (!is_of_de55(t.tag) || tlv_find(p, size, t.tag, &again) >= 0)
                        return false;
        return true;
}

/* An object that is there only when the result has it. */
static bool agrees(const struct emv_result_data *r, uint32_t tag, const void *value, size_t size) {
        struct tlv t;

        return size > 0 ? has_value(r, tag, value, size) : tlv_find(r->de55, r->de55_size, tag, &t) < 0;
}

static bool has_kind(const struct emv_result_data *r) {
        struct tlv t;

        return tlv_find(r->de55, r->de55_size, TAG_CID, &t) >= 0 && t.size == 1 &&
               (t.value[0] & AC_MASK) == r->cryptogram_type;
}

/*
 * What may be in the results and not in what the card saw: what came of its own answer, and of the commands after
 * it, the last of which may have had no other cryptogram behind it.
 */
static bool has_results(const struct emv_result_data *r) {
        static const uint8_t later[EMV_TVR_SIZE] = {
                TVR_CDA_FAILED & 0xff,
                0,
                0,
                0,
                (TVR_DEFAULT_TDOL | TVR_ISSUER_AUTHENTICATION_FAILED | TVR_SCRIPT_FAILED_BEFORE |
                 TVR_SCRIPT_FAILED_AFTER) &
                        0xff,
        };
        struct tlv t;

        if (tlv_find(r->de55, r->de55_size, TAG_TVR, &t) < 0 || t.size != EMV_TVR_SIZE)
                return false;
        for (size_t i = 0; i < EMV_TVR_SIZE; i++)
                if ((r->tvr[i] & ~later[i]) != (t.value[i] & ~later[i]) || t.value[i] & ~r->tvr[i])
                        return false;
        return true;
}

static int check_de55(const struct message_start *s, const struct emv_card_data *c, const struct emv_result_data *r,
                      const char **ret_reason) {
        const uint8_t sequence = (uint8_t) (c->sequence / 10 << 4 | c->sequence % 10);
        const struct emv_application *a = emv_match_application(&s->terminal, c->aid.data, c->aid.size);
        uint8_t amount[6], other[6];

        emv_number_bcd(s->amount, amount, sizeof(amount));
        emv_number_bcd(s->amount_other, other, sizeof(other));
        if (tlv_check(r->de55, r->de55_size) < 0 || !is_well_made(r))
                return refuse("DE55 is malformed", ret_reason);
        if (!has_value(r, TAG_AMOUNT, amount, sizeof(amount)) || !has_value(r, TAG_AMOUNT_OTHER, other, sizeof(other)))
                return refuse("amount is not the one issued", ret_reason);
        if (!has_value(r, TAG_CURRENCY, s->currency, sizeof(s->currency)))
                return refuse("currency is not the one issued", ret_reason);
        if (!has_value(r, TAG_DATE, s->date, sizeof(s->date)))
                return refuse("date is not the one issued", ret_reason);
        if (!has_value(r, TAG_TRANSACTION_TYPE, &s->transaction_type, 1))
                return refuse("transaction type is not the one issued", ret_reason);
        if (!has_value(r, TAG_UNPREDICTABLE, s->unpredictable, sizeof(s->unpredictable)))
                return refuse("unpredictable number is not the one issued", ret_reason);
        if (!has_value(r, TAG_COUNTER, s->counter, sizeof(s->counter)))
                return refuse("sequence counter is not the one issued", ret_reason);
        if (!has_value(r, TAG_TERMINAL_COUNTRY, s->terminal.country, sizeof(s->terminal.country)) ||
            !has_value(r, TAG_CAPABILITIES, s->terminal.capabilities, sizeof(s->terminal.capabilities)) ||
            !has_value(r, TAG_TERMINAL_TYPE, &s->terminal.type, 1) ||
            !agrees(r, TAG_SERIAL, s->terminal.serial, strlen(s->terminal.serial)))
                return refuse("terminal is not the one issued", ret_reason);
        if (!a || !has_value(r, TAG_DF_NAME, c->aid.data, c->aid.size) ||
            !has_value(r, TAG_VERSION_TERMINAL, a->versions[0], sizeof(a->versions[0])))
                return refuse("DE55 is of another application", ret_reason);
        if (!agrees(r, TAG_PAN_SEQUENCE, &sequence, c->has_sequence))
                return refuse("DE55 is of another card", ret_reason);
        if (!has_results(r) || !has_value(r, TAG_CVM_RESULTS, r->cvm, sizeof(r->cvm)) ||
            !has_value(r, TAG_CRYPTOGRAM, r->cryptogram, sizeof(r->cryptogram)) || !has_kind(r) ||
            !agrees(r, TAG_IAD, r->iad, r->iad_size) || !has_value(r, TAG_ATC, r->atc, sizeof(r->atc)) ||
            !has_value(r, TAG_AIP, r->aip, sizeof(r->aip)))
                return refuse("DE55 differs from the results", ret_reason);
        return 0;
}

static bool same_card(const struct emv_card_data *c) {
        char masked[EMV_PAN_MAX + 1];
        size_t n = strlen(c->pan);

        if (c->track2[0] != '\0' && (strncmp(c->track2, c->pan, n) != 0 || c->track2[n] != '=' ||
                                     strncmp(c->track2 + n + 1, c->expiry, 4) != 0))
                return false;
        /* The masked form is what goes onto paper and into the journal. */
        emv_mask_pan(c->pan, masked);
        return streq(c->pan_masked, masked);
}

/* Book 4, 6.3.4.5: nobody was to be verified, or there is no list to do it by. */
static bool has_no_cvm(const struct message_start *s, const struct emv_result_data *r) {
        return memcmp(r->cvm, (const uint8_t[]){ CVM_NOT_PERFORMED, 0, CVM_RESULT_UNKNOWN }, sizeof(r->cvm)) == 0 &&
               r->tvr[TVR_CVM_FAILED >> 8] == 0 && !r->signature &&
               (s->steps == EMV_STEPS_AAC || !(r->aip[0] & AIP_CARDHOLDER_VERIFICATION) ||
                tvr_test(r->tvr, TVR_DATA_MISSING));
}

/* The results of a method that succeeds; negative for one that cannot. */
static int successful_cvm(uint8_t method) {
        switch (method) {
        case CVM_SIGNATURE:
        case CVM_PLAINTEXT_PIN_SIGNATURE:
                return CVM_RESULT_UNKNOWN;
        case CVM_PLAINTEXT_PIN:
        case CVM_NONE:
                return CVM_RESULT_SUCCESSFUL;
        default:
                return -EOPNOTSUPP;
        }
}

/* The last method that was performed, and how it went: what failed is told in the TVR, too (Book 3, 10.5). */
static bool has_last_cvm(const struct message_start *s, const struct emv_result_data *r) {
        uint8_t method = r->cvm[0] & CVM_METHOD, result = r->cvm[2];

        if (!emv_supports_cvm(&s->terminal, method) || !emv_cvm_may_apply(s, method, r->cvm[1]))
                return false;
        if (tvr_test(r->tvr, TVR_CVM_FAILED))
                return result == CVM_RESULT_FAILED && !r->signature && method != CVM_SIGNATURE && method != CVM_NONE;
        return result == successful_cvm(method) && r->signature == (result == CVM_RESULT_UNKNOWN);
}

/* Of the ways in which emv_verify_cardholder() ends at this terminal one. The card's list is not known here. */
static bool is_possible_cvm(const struct message_start *s, const struct emv_result_data *r) {
        static const uint8_t none[] = { CVM_NOT_PERFORMED, 0, CVM_RESULT_FAILED };

        if (!(r->tsi[0] & TSI_CARDHOLDER_VERIFICATION))
                return has_no_cvm(s, r);
        if (s->steps == EMV_STEPS_AAC || !(r->aip[0] & AIP_CARDHOLDER_VERIFICATION) ||
            tvr_test(r->tvr, TVR_ONLINE_PIN))
                return false;
        if (!emv_supports_cvm(&s->terminal, CVM_PLAINTEXT_PIN) &&
            (tvr_test(r->tvr, TVR_PIN_TRIES_EXCEEDED) || tvr_test(r->tvr, TVR_PIN_NOT_ENTERED)))
                return false;
        if (memcmp(r->cvm, none, sizeof(none)) == 0)
                return tvr_test(r->tvr, TVR_CVM_FAILED) && !r->signature;
        return has_last_cvm(s, r);
}

static bool is_pin(uint8_t method) {
        return method == CVM_PLAINTEXT_PIN || method == CVM_PLAINTEXT_PIN_SIGNATURE;
}

int message_check_pin(const struct emv_result_data *result, unsigned n_prompts, const char **ret_reason) {
        if (n_prompts > 0)
                return 0;
        if (is_pin(result->cvm[0] & CVM_METHOD) && result->cvm[2] != CVM_RESULT_FAILED)
                return refuse("a PIN was right that nobody was asked for", ret_reason);
        /* Then only a card that allows no more tries has it fail. */
        if (tvr_test(result->tvr, TVR_PIN_NOT_ENTERED) ||
            (result->has_cryptogram && is_pin(result->cvm[0] & CVM_METHOD) &&
             !tvr_test(result->tvr, TVR_PIN_TRIES_EXCEEDED)))
                return refuse("a PIN failed that nobody was asked for", ret_reason);
        return 0;
}

static int check_claim(const struct message_start *start, const struct emv_card_data *card,
                       const struct emv_result_data *result, const char **ret_reason) {
        if (card->pan[0] != '\0') {
                size_t n = strlen(card->pan);

                if (n < 8 || strlen(card->expiry) != 4)
                        return refuse("PAN or expiry is malformed", ret_reason);
                if (!same_card(card))
                        return refuse("PAN and track 2 are of different cards", ret_reason);
        }
        if (card->aid.size > 0 && !emv_match_application(&start->terminal, card->aid.data, card->aid.size))
                return refuse("application is not one of the terminal's", ret_reason);
        if (!result->has_cryptogram)
                return 0;
        if (card->aid.size == 0)
                return refuse("cryptogram of no application", ret_reason);
        if (!is_possible_cvm(start, result))
                return refuse("cardholder verification is not possible here", ret_reason);
        return check_de55(start, card, result, ret_reason);
}

/* Has what only an answer brings about. */
static bool is_of_answer(const struct emv_result_data *r) {
        return r->script_results_size > 0 || r->tsi[0] & (TSI_ISSUER_AUTHENTICATION | TSI_SCRIPT) ||
               tvr_test(r->tvr, TVR_ISSUER_AUTHENTICATION_FAILED | TVR_SCRIPT_FAILED_BEFORE | TVR_SCRIPT_FAILED_AFTER);
}

int message_check_request(const struct message_start *start, const struct message_online_request *request,
                          const char **ret_reason) {
        if (start->steps != EMV_STEPS_FULL && start->steps != EMV_STEPS_ONLINE)
                return refuse("no online decision belongs to this kind", ret_reason);
        if (request->card.pan[0] == '\0' || !request->result.has_cryptogram)
                return refuse("card data are missing", ret_reason);
        if (request->result.cryptogram_type != AC_ARQC)
                return refuse("cryptogram is no request", ret_reason);
        if (is_of_answer(&request->result))
                return refuse("results of an answer before it", ret_reason);
        return check_claim(start, &request->card, &request->result, ret_reason);
}

static int check_approved(const struct message_start *s, const struct message_online_answer *answer,
                          const struct message_outcome *o, const char **ret_reason) {
        bool offline = !answer || answer->online == EMV_ONLINE_NOT_SENT;

        if (s->steps != EMV_STEPS_FULL && s->steps != EMV_STEPS_ONLINE)
                return refuse("this kind has no approval by the card", ret_reason);
        if (!o->result.has_cryptogram || o->result.cryptogram_type != AC_TC)
                return refuse("approved without a transaction certificate", ret_reason);
        if (offline && (!s->offline_allowed || s->force_online || s->steps != EMV_STEPS_FULL))
                return refuse("approved offline where that is not allowed", ret_reason);
        if (!answer && o->card.pan[0] == '\0')
                return refuse("approved offline without card data", ret_reason);
        if (!offline && (answer->online != EMV_ONLINE_ANSWERED || !answer->approved))
                return refuse("approved without the acquirer's approval", ret_reason);
        return 0;
}

/* What was authorized is what is told now, without the full data a second time. */
static bool is_of_request(const struct message_online_request *request, const struct message_outcome *o) {
        const struct emv_card_data *a = &request->card, *b = &o->card;

        return streq(a->pan_masked, b->pan_masked) && a->has_sequence == b->has_sequence &&
               a->sequence == b->sequence && streq(a->service_code, b->service_code) && a->aid.size == b->aid.size &&
               memcmp(a->aid.data, b->aid.data, sizeof(a->aid.data)) == 0 && b->pan[0] == '\0' &&
               b->expiry[0] == '\0' && b->track2[0] == '\0';
}

/* How the cardholder was verified was settled before the request. */
static bool is_verified_alike(const struct emv_result_data *a, const struct emv_result_data *b) {
        return a->signature == b->signature && memcmp(a->cvm, b->cvm, sizeof(a->cvm)) == 0 &&
               memcmp(a->aip, b->aip, sizeof(a->aip)) == 0;
}

/* The same bits and perhaps some of the later ones. */
static bool has_grown(const uint8_t *before, const uint8_t *after, const uint8_t *later, size_t size) {
        for (size_t i = 0; i < size; i++)
                if ((before[i] & ~after[i]) || (after[i] & ~(before[i] | later[i])))
                        return false;
        return true;
}

/* Of the request's results none is taken back, and only the answer and the last cryptogram bring more. */
static bool follows(const struct emv_result_data *before, const struct message_online_answer *answer,
                    const struct emv_result_data *after) {
        uint8_t tvr[EMV_TVR_SIZE] = {}, tsi[sizeof(before->tsi)] = {};

        tvr_set(tvr, TVR_CDA_FAILED);
        tvr_set(tvr, TVR_DEFAULT_TDOL);
        if (answer && answer->issuer_authentication_size > 0) {
                tvr_set(tvr, TVR_ISSUER_AUTHENTICATION_FAILED);
                tsi[0] |= TSI_ISSUER_AUTHENTICATION;
        }
        if (answer && answer->scripts_size > 0) {
                tvr_set(tvr, TVR_SCRIPT_FAILED_BEFORE);
                tvr_set(tvr, TVR_SCRIPT_FAILED_AFTER);
                tsi[0] |= TSI_SCRIPT;
        }
        return has_grown(before->tvr, after->tvr, tvr, sizeof(tvr)) &&
               has_grown(before->tsi, after->tsi, tsi, sizeof(tsi));
}

/* A command that failed has a number; and what was not done shows in the TVR, too. */
static bool is_script_result(const struct emv_result_data *r, uint8_t result, uint32_t template) {
        if (result == SCRIPT_SUCCESSFUL)
                return true;
        if (result != SCRIPT_NOT_PERFORMED && (result <= SCRIPT_FAILED || result >= SCRIPT_SUCCESSFUL))
                return false;
        return tvr_test(r->tvr, template == TAG_SCRIPT_BEFORE ? TVR_SCRIPT_FAILED_BEFORE : TVR_SCRIPT_FAILED_AFTER);
}

/* 9F5B is of the scripts that the acquirer sent, in the order in which they are run, as far as the card came. */
static bool has_script_results(const struct message_online_answer *answer, const struct emv_result_data *r) {
        static const uint32_t templates[] = { TAG_SCRIPT_BEFORE, TAG_SCRIPT_AFTER };
        const uint8_t *result = r->script_results, *end = result + r->script_results_size;

        for (size_t i = 0; i < ELEMENTSOF(templates); i++) {
                const uint8_t *p = answer ? answer->scripts : NULL;
                size_t size = answer ? answer->scripts_size : 0;
                struct tlv t;

                while (result < end && tlv_next(&p, &size, &t) > 0) {
                        uint8_t id[4];

                        if (t.tag != templates[i])
                                continue;
                        emv_script_id(t.value, t.size, id);
                        if (!is_script_result(r, result[0], t.tag) || memcmp(result + 1, id, sizeof(id)) != 0)
                                return false;
                        result += SCRIPT_RESULT_SIZE;
                }
        }
        return result == end && (r->script_results_size == 0 || r->tsi[0] & TSI_SCRIPT);
}

/* Words that only the acquirer's side can have brought about. */
static bool is_online_reason(uint8_t reason) {
        return reason == EMV_REASON_ISSUER || reason == EMV_REASON_UNABLE_ONLINE ||
               reason == EMV_REASON_CARD_AFTER_ISSUER;
}

int message_check_outcome(const struct message_start *start, const struct message_online_request *request,
                          const struct message_online_answer *answer, const struct message_outcome *outcome,
                          const char **ret_reason) {
        int r;

        if (outcome->online != (request != NULL))
                return refuse("outcome and request disagree", ret_reason);
        if (request && !is_of_request(request, outcome))
                return refuse("outcome and request are of different cards", ret_reason);
        if (request && !is_verified_alike(&request->result, &outcome->result))
                return refuse("outcome and request verify the cardholder in different ways", ret_reason);
        if (!answer && is_online_reason(outcome->reason))
                return refuse("declined for the acquirer, who was not asked", ret_reason);
        if (!has_script_results(answer, &outcome->result))
                return refuse("script results are not of the acquirer's scripts", ret_reason);
        if (request && !follows(&request->result, answer, &outcome->result))
                return refuse("outcome does not follow from the request", ret_reason);
        if (outcome->outcome == EMV_OUTCOME_APPROVED) {
                r = check_approved(start, answer, outcome, ret_reason);
                if (r < 0)
                        return r;
        }
        if (outcome->outcome == EMV_OUTCOME_READ) {
                if (start->steps != EMV_STEPS_AAC && start->steps != EMV_STEPS_READ)
                        return refuse("this kind needs a decision of the card", ret_reason);
                if (outcome->card.pan[0] == '\0')
                        return refuse("read without card data", ret_reason);
        }
        if (outcome->card.pan[0] != '\0' &&
            (outcome->outcome == EMV_OUTCOME_DECLINED || outcome->outcome == EMV_OUTCOME_FAILED))
                return refuse("card data that nobody needs", ret_reason);
        return check_claim(start, &outcome->card, &outcome->result, ret_reason);
}
