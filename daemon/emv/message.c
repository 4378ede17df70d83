// SPDX-License-Identifier: LGPL-2.1-or-later
#include "base/tlv.h"
#include "emv/atr.h"
#include "emv/message.h"
#include "emv/step.h"

static const struct {
        uint16_t type;
        enum message_side from;
        uint32_t size;
} types[] = {
        { MESSAGE_START, MESSAGE_FROM_TILLD, sizeof(struct message_start) },
        { MESSAGE_ONLINE_ANSWER, MESSAGE_FROM_TILLD, sizeof(struct message_online_answer) },
        { MESSAGE_CHOICE, MESSAGE_FROM_TILLD, sizeof(struct message_choice) },
        { MESSAGE_MEMORY, MESSAGE_FROM_TILLD, sizeof(struct message_memory) },
        { MESSAGE_RECALL, MESSAGE_FROM_WORKER, sizeof(struct message_recall) },
        { MESSAGE_PROMPT, MESSAGE_FROM_WORKER, sizeof(struct message_prompt) },
        { MESSAGE_CARD, MESSAGE_FROM_WORKER, sizeof(struct message_card) },
        { MESSAGE_ONLINE_REQUEST, MESSAGE_FROM_WORKER, sizeof(struct message_online_request) },
        { MESSAGE_OUTCOME, MESSAGE_FROM_WORKER, sizeof(struct message_outcome) },
};

void message_init(void *message, enum message_type type) {
        for (size_t i = 0; i < ELEMENTSOF(types); i++)
                if (types[i].type == type) {
                        memset(message, 0, types[i].size);
                        *(struct message_header *) message = (struct message_header){
                                .magic = MESSAGE_MAGIC,
                                .version = MESSAGE_VERSION,
                                .type = types[i].type,
                                .size = types[i].size,
                        };
                }
}

void message_wipe(union message *m) {
        explicit_bzero(m, sizeof(*m));
}

static bool is_flag(uint8_t flag) {
        return flag <= 1;
}

static bool is_zero(const void *data, size_t size) {
        for (size_t i = 0; i < size; i++)
                if (((const uint8_t *) data)[i] != 0)
                        return false;
        return true;
}

/* size bytes used of max, the others zero. */
static bool is_filled(const void *data, size_t size, size_t max) {
        return size <= max && is_zero((const uint8_t *) data + size, max - size);
}

/* Terminated within max, zero behind, made of from to to. */
static bool is_text_of(const char *text, size_t max, char from, char to) {
        size_t n = strnlen(text, max);

        if (n == max || !is_zero(text + n, max - n))
                return false;
        for (size_t i = 0; i < n; i++)
                if (text[i] < from || text[i] > to)
                        return false;
        return true;
}

static bool is_text(const char *text, size_t max) {
        return is_text_of(text, max, 0x20, 0x7e);
}

/* Two letters for each language. */
static bool is_language(const char *text) {
        return is_text_of(text, EMV_LANGUAGE_MAX + 1, 'a', 'z') && strnlen(text, EMV_LANGUAGE_MAX) % 2 == 0;
}

static bool is_digits(const char *text, size_t max) {
        return is_text_of(text, max, '0', '9');
}

/* A name from a configuration may be in any language. */
static bool is_terminated(const char *text, size_t max) {
        size_t n = strnlen(text, max);

        return n < max && is_zero(text + n, max - n);
}

static bool is_aid(const struct emv_aid *a, bool may_be_empty) {
        if (a->size == 0 && !may_be_empty)
                return false;
        return (a->size == 0 || a->size >= EMV_AID_MIN) && is_filled(a->data, a->size, sizeof(a->data));
}

static bool is_bcd(const uint8_t *data, size_t size) {
        uint64_t number;

        return emv_bcd_number(data, size, &number) >= 0;
}

static bool check_application(const struct emv_application *a) {
        return is_aid(&a->aid, false) && is_flag(a->partial) && a->n_versions >= 1 &&
               a->n_versions <= EMV_VERSIONS_MAX && a->target <= 99 && a->target_max <= 99 &&
               a->target <= a->target_max && is_filled(a->ddol.data, a->ddol.size, sizeof(a->ddol.data)) &&
               is_filled(a->tdol.data, a->tdol.size, sizeof(a->tdol.data)) && is_terminated(a->name, sizeof(a->name));
}

static bool check_terminal(const struct emv_terminal *t) {
        if (!is_bcd(t->country, 2) || !is_bcd(t->category, 2) || !is_bcd(&t->type, 1) ||
            !is_text(t->serial, sizeof(t->serial)) || !is_text(t->id, sizeof(t->id)) ||
            !is_text(t->merchant_id, sizeof(t->merchant_id)) ||
            !is_terminated(t->merchant_name, sizeof(t->merchant_name)) || t->n_applications > EMV_APPLICATIONS_MAX ||
            t->n_ca_keys > EMV_CA_KEYS_MAX || t->n_revocations > EMV_REVOCATIONS_MAX)
                return false;
        for (uint32_t i = 0; i < t->n_applications; i++)
                if (!check_application(t->applications + i))
                        return false;
        for (uint32_t i = 0; i < t->n_ca_keys; i++)
                if (!is_flag(t->ca_keys[i].test) || t->ca_keys[i].modulus_size > EMV_MODULUS_MAX ||
                    !is_bcd(t->ca_keys[i].expires, sizeof(t->ca_keys[i].expires)))
                        return false;
        return true;
}

static bool check_start(const struct message_start *s) {
        return s->mode >= EMV_MODE_LIVE && s->mode <= EMV_MODE_TRAINING && s->steps >= EMV_STEPS_FULL &&
               s->steps <= EMV_STEPS_READ && is_bcd(&s->transaction_type, 1) && s->currency_exponent <= 4 &&
               is_bcd(s->currency, 2) && emv_is_date(s->date) && is_bcd(s->time, 3) && is_bcd(s->counter, 4) &&
               s->random_percent <= 99 && is_flag(s->offline_allowed) && is_flag(s->force_online) &&
               is_flag(s->can_choose) && s->amount <= UINT64_C(999999999999) && s->amount_other <= s->amount &&
               check_terminal(&s->terminal);
}

static bool check_online_answer(const struct message_online_answer *a) {
        if (a->online < EMV_ONLINE_ANSWERED || a->online > EMV_ONLINE_NO_ANSWER || !is_flag(a->approved) ||
            !is_filled(a->issuer_authentication, a->issuer_authentication_size, sizeof(a->issuer_authentication)) ||
            !is_filled(a->scripts, a->scripts_size, sizeof(a->scripts)))
                return false;
        if (a->online != EMV_ONLINE_ANSWERED)
                return !a->approved && is_zero(a->arc, 2) && a->issuer_authentication_size == 0 &&
                       a->scripts_size == 0;
        return a->arc[0] >= 0x21 && a->arc[0] < 0x7f && a->arc[1] >= 0x21 && a->arc[1] < 0x7f;
}

/* A card is asked for, or was mute, before it can have told its language. */
static bool knows_language(uint8_t prompt) {
        return prompt != EMV_PROMPT_INSERT_CARD && prompt != EMV_PROMPT_REMOVE_CARD;
}

static bool check_prompt(const struct message_prompt *p) {
        if (p->prompt < EMV_PROMPT_INSERT_CARD || p->prompt > EMV_PROMPT_LAST || p->n_candidates > EMV_CANDIDATES_MAX)
                return false;
        if ((p->prompt == EMV_PROMPT_CHOOSE_APPLICATION) != (p->n_candidates > 0))
                return false;
        if (!is_language(p->language) || (p->language[0] != '\0' && !knows_language(p->prompt)))
                return false;
        for (unsigned i = 0; i < p->n_candidates; i++)
                if (!is_aid(&p->candidates[i].aid, false) ||
                    !is_text(p->candidates[i].name, sizeof(p->candidates[i].name)))
                        return false;
        return is_zero(p->candidates + p->n_candidates,
                       (EMV_CANDIDATES_MAX - p->n_candidates) * sizeof(*p->candidates));
}

static bool check_track2(const char *t) {
        size_t n = strnlen(t, EMV_TRACK2_MAX + 1), separators = 0;

        if (!is_text_of(t, EMV_TRACK2_MAX + 1, '0', '='))
                return false;
        for (size_t i = 0; i < n; i++)
                if (t[i] == '=')
                        separators++;
                else if (t[i] > '9')
                        return false;
        return n == 0 || separators == 1;
}

static bool check_masked(const char *masked) {
        size_t n = strnlen(masked, EMV_PAN_MAX + 1), clear = 0;

        if (!is_text_of(masked, EMV_PAN_MAX + 1, '*', '9'))
                return false;
        for (size_t i = 0; i < n; i++)
                if (masked[i] != '*') {
                        if (masked[i] < '0')
                                return false;
                        clear++;
                }
        return clear <= 10 && (n == 0 || clear < n);
}

static bool check_card_data(const struct emv_card_data *c) {
        return is_digits(c->pan, sizeof(c->pan)) && check_masked(c->pan_masked) &&
               is_digits(c->expiry, sizeof(c->expiry)) && is_flag(c->has_sequence) && c->sequence <= 99 &&
               check_track2(c->track2) && is_digits(c->service_code, sizeof(c->service_code)) &&
               is_aid(&c->aid, true) && is_text(c->label, sizeof(c->label)) &&
               is_text(c->preferred_name, sizeof(c->preferred_name)) && is_language(c->language);
}

static bool check_result(const struct emv_result_data *r) {
        return is_flag(r->signature) && is_flag(r->has_cryptogram) && (r->cryptogram_type & ~AC_MASK) == 0 &&
               is_filled(r->iad, r->iad_size, sizeof(r->iad)) &&
               is_filled(r->script_results, r->script_results_size, sizeof(r->script_results)) &&
               r->script_results_size % SCRIPT_RESULT_SIZE == 0 && is_filled(r->de55, r->de55_size, sizeof(r->de55)) &&
               tlv_check(r->de55, r->de55_size) >= 0 && (r->de55_size > 0) == r->has_cryptogram &&
               (is_zero(r->arc, 2) ||
                (r->arc[0] >= 0x21 && r->arc[0] < 0x7f && r->arc[1] >= 0x21 && r->arc[1] < 0x7f));
}

static bool check_outcome(const struct message_outcome *o) {
        if (o->outcome < EMV_OUTCOME_APPROVED || o->outcome > EMV_OUTCOME_READ || o->reason > EMV_REASON_LAST ||
            !is_flag(o->online) || !check_card_data(&o->card) || !check_result(&o->result))
                return false;
        switch (o->outcome) {
        case EMV_OUTCOME_APPROVED:
        case EMV_OUTCOME_READ:
                return o->reason == EMV_REASON_NONE;
        case EMV_OUTCOME_DECLINED:
                return (o->reason >= EMV_REASON_TERMINAL && o->reason <= EMV_REASON_AUTHENTICATION) ||
                       o->reason == EMV_REASON_NOT_ACCEPTED;
        default:
                return o->reason >= EMV_REASON_REMOVED;
        }
}

static bool check_content(const union message *m) {
        switch (m->header.type) {
        case MESSAGE_START:
                return check_start(&m->start);
        case MESSAGE_ONLINE_ANSWER:
                return check_online_answer(&m->online_answer);
        case MESSAGE_CHOICE:
                return is_flag(m->choice.cancelled) && m->choice.index < EMV_CANDIDATES_MAX;
        case MESSAGE_MEMORY:
                return is_flag(m->memory.exception);
        case MESSAGE_RECALL:
                return is_digits(m->recall.pan, sizeof(m->recall.pan)) && strlen(m->recall.pan) >= 8;
        case MESSAGE_PROMPT:
                return check_prompt(&m->prompt);
        case MESSAGE_CARD:
                return m->card.card >= EMV_CARD_INSERTED && m->card.card <= EMV_CARD_REMOVED &&
                       m->card.fault <= (m->card.card == EMV_CARD_MUTE ? ATR_FAULT_LAST : ATR_FAULT_NONE);
        case MESSAGE_ONLINE_REQUEST:
                return check_card_data(&m->online_request.card) && check_result(&m->online_request.result);
        case MESSAGE_OUTCOME:
                return check_outcome(&m->outcome);
        default:
                return false;
        }
}

int message_check(const union message *m, size_t size, enum message_side from) {
        if (size < sizeof(m->header) || m->header.magic != MESSAGE_MAGIC)
                return -EBADMSG;
        if (m->header.version != MESSAGE_VERSION)
                return -EPROTO;
        for (size_t i = 0; i < ELEMENTSOF(types); i++) {
                if (types[i].type != m->header.type)
                        continue;
                if (types[i].from != from || types[i].size != size || m->header.size != size || m->header.__reserved)
                        return -EBADMSG;
                return check_content(m) ? 0 : -EBADMSG;
        }
        return -EBADMSG;
}

static const char *const prompts[] = {
        [EMV_PROMPT_INSERT_CARD] = "insert-card",
        [EMV_PROMPT_READING] = "reading",
        [EMV_PROMPT_CHOOSE_APPLICATION] = "choose-application",
        [EMV_PROMPT_TRY_AGAIN] = "try-again",
        [EMV_PROMPT_REMOVE_CARD] = "remove-card",
        [EMV_PROMPT_ENTER_PIN] = "enter-pin",
        [EMV_PROMPT_WRONG_PIN] = "wrong-pin",
        [EMV_PROMPT_LAST_PIN] = "last-pin",
};

static const char *const outcomes[] = {
        [EMV_OUTCOME_APPROVED] = "approved",
        [EMV_OUTCOME_DECLINED] = "declined",
        [EMV_OUTCOME_FAILED] = "failed",
        [EMV_OUTCOME_READ] = "read",
};

static const char *const reasons[] = {
        [EMV_REASON_NONE] = "none",
        [EMV_REASON_TERMINAL] = "terminal",
        [EMV_REASON_CARD] = "card",
        [EMV_REASON_ISSUER] = "issuer",
        [EMV_REASON_UNABLE_ONLINE] = "unable-online",
        [EMV_REASON_CARD_AFTER_ISSUER] = "card-after-issuer",
        [EMV_REASON_AUTHENTICATION] = "authentication",
        [EMV_REASON_REMOVED] = "removed",
        [EMV_REASON_MUTE] = "mute",
        [EMV_REASON_NOT_ACCEPTED] = "not-accepted",
        [EMV_REASON_BLOCKED] = "blocked",
        [EMV_REASON_MALFORMED] = "malformed",
        [EMV_REASON_LIVE_CARD] = "live-card",
        [EMV_REASON_READER] = "reader",
        [EMV_REASON_TIMEOUT] = "timeout",
        [EMV_REASON_CANCELLED] = "cancelled",
        [EMV_REASON_ABORTED] = "aborted",
};

const char *emv_prompt_to_string(enum emv_prompt prompt) {
        return (unsigned) prompt < ELEMENTSOF(prompts) ? prompts[prompt] : NULL;
}

const char *emv_outcome_to_string(enum emv_outcome outcome) {
        return (unsigned) outcome < ELEMENTSOF(outcomes) ? outcomes[outcome] : NULL;
}

const char *emv_reason_to_string(enum emv_reason reason) {
        return (unsigned) reason < ELEMENTSOF(reasons) ? reasons[reason] : NULL;
}
