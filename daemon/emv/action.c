// SPDX-License-Identifier: LGPL-2.1-or-later
/* Terminal action analysis and card action analysis: EMV Book 3, 10.7 and 10.8; GENERATE AC: 6.5.5. */

#include <openssl/sha.h>

#include "base/tlv.h"
#include "emv/step.h"

#define INS_GENERATE_AC 0xae

/* Lower bits of the cryptogram information data. */
#define CID_REASON 0x07
#define CID_SERVICE_NOT_ALLOWED 0x01

/* Terminal types by their second digit (Book 4, Annex A1). */
static bool is_online_only(const struct emv_terminal *t) {
        return (t->type & 0x0f) == 1 || (t->type & 0x0f) == 4;
}

static bool is_offline_only(const struct emv_terminal *t) {
        return (t->type & 0x0f) == 3 || (t->type & 0x0f) == 6;
}

/* Whether the issuer's or the acquirer's action code has a bit that the results have. */
static bool action_hit(const struct emv *e, uint32_t iac_tag, uint8_t iac_missing,
                       const uint8_t tac[static EMV_TVR_SIZE]) {
        const uint8_t *iac = store_get(&e->store, iac_tag, NULL);

        for (unsigned i = 0; i < EMV_TVR_SIZE; i++)
                if (e->tvr[i] & (tac[i] | (iac ? iac[i] : iac_missing)))
                        return true;
        return false;
}

static uint8_t with_arc(struct emv *e, uint8_t ac, const char *arc) {
        memcpy(e->arc, arc, 2);
        return ac;
}

uint8_t emv_analyse_action(struct emv *e) {
        const struct emv_application *a = e->application;
        const struct message_start *s = e->start;

        if (action_hit(e, TAG_IAC_DENIAL, 0x00, a->tac_denial))
                return with_arc(e, AC_AAC, "Z1");
        /* By the default codes, but it is the terminal's own decision (Book 4, 6.3.6). */
        if (is_offline_only(&s->terminal)) {
                uint8_t asked = emv_analyse_unable_online(e);

                return with_arc(e, asked, asked == AC_TC ? "Y1" : "Z1");
        }
        if (is_online_only(&s->terminal) || action_hit(e, TAG_IAC_ONLINE, 0xff, a->tac_online) ||
            s->steps == EMV_STEPS_ONLINE || s->force_online || !s->offline_allowed)
                return AC_ARQC;
        return with_arc(e, AC_TC, "Y1");
}

uint8_t emv_analyse_unable_online(struct emv *e) {
        const struct message_start *s = e->start;

        if (is_online_only(&s->terminal) || s->steps == EMV_STEPS_ONLINE || s->force_online || !s->offline_allowed ||
            action_hit(e, TAG_IAC_DEFAULT, 0xff, e->application->tac_default))
                return with_arc(e, AC_AAC, "Z3");
        return with_arc(e, AC_TC, "Y3");
}

/* The hash that a data object list may ask for as 98 (Book 3, 9.2.2). */
static int store_tc_hash(struct emv *e, const uint8_t *cdol, size_t cdol_size) {
        const uint8_t *tdol;
        uint8_t data[512], hash[SHA_DIGEST_LENGTH], wanted;
        size_t tdol_size, size;
        uint32_t tag;
        bool asked = false;
        int r;

        while (dol_next(&cdol, &cdol_size, &tag, &wanted) > 0)
                if (tag == TAG_TC_HASH)
                        asked = true;
        if (!asked)
                return 0;

        tdol = store_get(&e->store, TAG_TDOL, &tdol_size);
        if (!tdol) {
                tdol = e->application->tdol.data;
                tdol_size = e->application->tdol.size;
                tvr_set(e->tvr, TVR_DEFAULT_TDOL);
                r = emv_store_results(e);
                if (r < 0)
                        return r;
        }
        r = store_build_dol(&e->store, tdol, tdol_size, data, sizeof(data), &size);
        if (r >= 0) {
                SHA1(data, size, hash);
                r = store_set(&e->store, TAG_TC_HASH, hash, sizeof(hash));
        }
        return r;
}

/* Format 1 (6.5.5.4): information, counter, cryptogram, and what the issuer adds. */
static int parse_format_1(struct emv *e, const struct tlv *t) {
        int r;

        if (t->size < 11 || t->size > 11 + EMV_IAD_MAX)
                return -EBADMSG;
        r = store_put_card(&e->store, TAG_CID, t->value, 1);
        if (r < 0)
                return r;
        r = store_put_card(&e->store, TAG_ATC, t->value + 1, 2);
        if (r < 0)
                return r;
        r = store_put_card(&e->store, TAG_CRYPTOGRAM, t->value + 3, 8);
        if (r < 0)
                return r;
        if (t->size == 11)
                return 0;
        return store_put_card(&e->store, TAG_IAD, t->value + 11, t->size - 11);
}

/*
 * Format 2: of what else the template may hold the books make no use (6.5.5.4), and nothing in it may take the
 * place of what the records say.
 */
static int parse_format_2(struct emv *e, const struct tlv *template, const uint32_t *wanted, size_t n_wanted) {
        const uint8_t *p = template->value;
        size_t size = template->size;
        struct tlv t;
        int r;

        while ((r = tlv_next(&p, &size, &t)) > 0)
                for (size_t i = 0; i < n_wanted; i++) {
                        if (t.tag != wanted[i])
                                continue;
                        r = store_put_card(&e->store, t.tag, t.value, t.size);
                        if (r < 0)
                                return r;
                }
        return r;
}

/* What the card has to tell with a signature is less: the cryptogram is inside (Book 2, table 18). */
static int parse_cryptogram(struct emv *e, bool combined, bool second) {
        static const uint32_t of_the_answer[] = { TAG_CID, TAG_ATC, TAG_CRYPTOGRAM, TAG_IAD, TAG_SIGNED_DYNAMIC_DATA };
        const uint8_t *cid;
        struct tlv t;
        int r;

        e->has_cryptogram = false;
        for (size_t i = 0; i < ELEMENTSOF(of_the_answer); i++)
                store_forget(&e->store, of_the_answer[i]);
        if (tlv_only(e->response.data, e->response.size, TAG_RESPONSE_1, &t) >= 0)
                r = parse_format_1(e, &t);
        else {
                r = tlv_only(e->response.data, e->response.size, TAG_RESPONSE_2, &t);
                if (r >= 0)
                        r = parse_format_2(e, &t, of_the_answer, ELEMENTSOF(of_the_answer));
        }
        if (r < 0)
                return r;
        cid = store_get(&e->store, TAG_CID, NULL);
        if (!cid || !store_get(&e->store, TAG_ATC, NULL))
                return -EBADMSG;
        if (!combined || (*cid & AC_MASK) == AC_AAC)
                return store_get(&e->store, TAG_CRYPTOGRAM, NULL) ? 0 : -EBADMSG;
        if (!store_get(&e->store, TAG_SIGNED_DYNAMIC_DATA, NULL))
                return -EBADMSG;
        store_forget(&e->store, TAG_CRYPTOGRAM);
        return emv_check_combined(e, &(struct bytes){ t.value, t.size }, second);
}

/* A card may give less than was asked for, never more (10.8), and no second ARQC. */
static bool may_give(uint8_t asked, uint8_t given, bool second) {
        switch (given) {
        case AC_AAC:
                return true;
        case AC_ARQC:
                return asked != AC_AAC && !second;
        case AC_TC:
                return asked == AC_TC;
        default:
                return false;
        }
}

/* Of the other codes, PIN tries and a failed issuer authentication are in the card's data for the issuer. */
enum emv_reason emv_reason_of_card(const struct emv *e) {
        const uint8_t *cid = store_get(&e->store, TAG_CID, NULL);

        return (*cid & CID_REASON) == CID_SERVICE_NOT_ALLOWED ? EMV_REASON_NOT_ACCEPTED : EMV_REASON_CARD;
}

int emv_generate_ac(struct emv *e, uint8_t asked, bool second, uint8_t *ret) {
        struct sent *sent = second ? &e->cdol2 : &e->cdol1;
        bool combined = emv_wants_combined(e, asked);
        const uint8_t *cdol;
        size_t cdol_size;
        uint8_t given;
        int r;

        r = emv_store_results(e);
        if (r < 0)
                return r;
        cdol = store_get(&e->store, second ? TAG_CDOL2 : TAG_CDOL1, &cdol_size);
        if (!cdol)
                return -EBADMSG;
        r = store_tc_hash(e, cdol, cdol_size);
        if (r < 0)
                return r;
        /* The store may have moved. */
        cdol = store_get(&e->store, second ? TAG_CDOL2 : TAG_CDOL1, &cdol_size);
        r = store_build_dol(&e->store, cdol, cdol_size, sent->data, sizeof(sent->data), &sent->size);
        if (r < 0)
                return r;

        memcpy(e->card_tvr, e->tvr, sizeof(e->card_tvr));
        r = emv_exchange(e, 0x80, INS_GENERATE_AC, combined ? asked | AC_COMBINED : asked, 0, sent->data, sent->size,
                         true);
        if (r < 0)
                return r;
        if (e->response.sw != 0x9000)
                return -EBADMSG;
        r = parse_cryptogram(e, combined, second);
        if (r < 0)
                return r;
        given = *store_get(&e->store, TAG_CID, NULL) & AC_MASK;
        if (!may_give(asked, given, second))
                return -EBADMSG;
        /* A wrong signature gives none. */
        e->has_cryptogram = store_get(&e->store, TAG_CRYPTOGRAM, NULL) != NULL;
        e->tsi[0] |= TSI_CARD_RISK_MANAGEMENT;
        *ret = given;
        return 0;
}
