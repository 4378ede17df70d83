// SPDX-License-Identifier: LGPL-2.1-or-later
/* Application selection: EMV Book 1, 12. */

#include "base/tlv.h"
#include "emv/step.h"

#define INS_SELECT 0xa4
#define INS_READ_RECORD 0xb2
#define P2_FIRST 0x00
#define P2_NEXT 0x02

/* More applications that begin with one AID than a card has. */
#define OCCURRENCES_MAX 16

static const char pse[] = "1PAY.SYS.DDF01";

static int exchange_select(struct emv *e, const void *name, size_t size, uint8_t p2) {
        return emv_exchange(e, 0x00, INS_SELECT, 0x04, p2, name, size, true);
}

/* 12.3.1: the same, or the card's is longer and the terminal takes that. */
const struct emv_application *emv_match_application(const struct emv_terminal *t, const uint8_t *aid, size_t size) {
        const struct emv_application *best = NULL;

        for (uint32_t i = 0; i < t->n_applications; i++) {
                const struct emv_application *a = t->applications + i;

                if (size < a->aid.size || memcmp(a->aid.data, aid, a->aid.size) != 0)
                        continue;
                if (size > a->aid.size && !a->partial)
                        continue;
                if (!best || a->aid.size > best->aid.size)
                        best = a;
        }
        return best;
}

static bool begins_with(const struct tlv *name, const struct emv_aid *aid) {
        return name->size >= aid->size && memcmp(name->value, aid->data, aid->size) == 0;
}

static bool listed(const struct emv *e, const uint8_t *aid, size_t size) {
        for (size_t i = 0; i < e->n_candidates; i++)
                if (e->candidates[i].aid.size == size && memcmp(e->candidates[i].aid.data, aid, size) == 0)
                        return true;
        return false;
}

/* The name to show: preferred where its alphabet is ours (12.4), else the label, else the AID's digits. */
static void name_candidate(struct candidate *c, const struct tlv *fields, bool readable) {
        struct tlv t;

        if (readable && tlv_find(fields->value, fields->size, TAG_PREFERRED_NAME, &t) >= 0 && t.size > 0)
                emv_copy_text(c->name, sizeof(c->name), t.value, t.size);
        else if (tlv_find(fields->value, fields->size, TAG_LABEL, &t) >= 0 && t.size > 0)
                emv_copy_text(c->name, sizeof(c->name), t.value, t.size);
        else
                for (size_t i = 0; i < c->aid.size && i < EMV_LABEL_MAX / 2; i++)
                        snprintf(c->name + 2 * i, 3, "%02X", c->aid.data[i]);
}

/* fields: the directory entry, or the proprietary template of an FCI; both have 50, 9F12 and 87. */
static void add_candidate(struct emv *e, const struct tlv *aid, const struct tlv *fields, bool readable) {
        const struct emv_application *a;
        struct candidate *c;
        struct tlv t;

        if (aid->size < EMV_AID_MIN || aid->size > EMV_AID_MAX || e->n_candidates >= EMV_CANDIDATES_MAX)
                return;
        a = emv_match_application(&e->start->terminal, aid->value, aid->size);
        if (!a || listed(e, aid->value, aid->size))
                return;

        c = e->candidates + e->n_candidates++;
        *c = (struct candidate){ .application = a, .aid.size = (uint8_t) aid->size };
        memcpy(c->aid.data, aid->value, aid->size);
        if (tlv_find(fields->value, fields->size, TAG_PRIORITY, &t) >= 0 && t.size == 1)
                c->priority = t.value[0];
        name_candidate(c, fields, readable);
}

static bool is_readable(const struct emv *e, const struct tlv *fields) {
        struct tlv t;

        return tlv_find(fields->value, fields->size, TAG_CODE_TABLE, &t) >= 0 && t.size == 1 &&
               emv_has_code_table(e, t.value[0]);
}

/* File control information (11.3.4): its name and proprietary template. */
static int parse_fci(const struct apdu_response *r, struct tlv *ret_name, struct tlv *ret_fields) {
        struct tlv fci;
        int k;

        k = tlv_only(r->data, r->size, TAG_FCI, &fci);
        if (k < 0)
                return k;
        k = tlv_find(fci.value, fci.size, TAG_DF_NAME, ret_name);
        if (k < 0)
                return -EBADMSG;
        if (ret_name->size < EMV_AID_MIN || ret_name->size > EMV_AID_MAX)
                return -EBADMSG;
        k = tlv_find(fci.value, fci.size, TAG_FCI_PROPRIETARY, ret_fields);
        return k == -ENOENT ? -EBADMSG : k;
}

/* 12.2.3: entries without the name of an application, such as those of directories, are none for us. */
static int add_directory_record(struct emv *e, bool readable) {
        struct tlv record, entry, aid;
        const uint8_t *p;
        size_t size;
        int r;

        r = tlv_only(e->response.data, e->response.size, TAG_RECORD, &record);
        if (r < 0)
                return r;
        p = record.value;
        size = record.size;
        while ((r = tlv_next(&p, &size, &entry)) > 0) {
                int k;

                if (entry.tag != TAG_DIRECTORY_ENTRY)
                        continue;
                k = tlv_find(entry.value, entry.size, TAG_AID_CARD, &aid);
                if (k >= 0)
                        add_candidate(e, &aid, &entry, readable);
                else if (k != -ENOENT)
                        return k;
        }
        return r;
}

/* 12.3.2: through the payment system environment. What it does not give, the list of AIDs does. */
static int build_from_pse(struct emv *e) {
        struct tlv name, fields, sfi, language;
        bool readable;
        int r;

        r = exchange_select(e, pse, sizeof(pse) - 1, P2_FIRST);
        if (r < 0)
                return r;
        if (e->response.sw == 0x6a81)
                return emv_end(e, EMV_REASON_BLOCKED);
        if (e->response.sw != 0x9000)
                return 0;
        if (parse_fci(&e->response, &name, &fields) < 0 || tlv_find(fields.value, fields.size, TAG_SFI, &sfi) < 0 ||
            sfi.size != 1 || sfi.value[0] < 1 || sfi.value[0] > 10)
                return 0;
        readable = is_readable(e, &fields);
        if (tlv_find(fields.value, fields.size, TAG_LANGUAGE, &language) >= 0)
                emv_copy_language(e->language, language.value, language.size);

        for (uint8_t file = sfi.value[0], record = 1; record < 255; record++) {
                r = emv_exchange(e, 0x00, INS_READ_RECORD, record, (uint8_t) (file << 3 | 4), NULL, 0, true);
                if (r < 0)
                        return r;
                if (e->response.sw == 0x6a83)
                        return 0;
                if (e->response.sw != 0x9000 || add_directory_record(e, readable) < 0)
                        break;
        }
        /* A directory that cannot be read to its end does not count. */
        e->n_candidates = 0;
        return 0;
}

/* 12.3.3: asks the card for each AID of the terminal, and for the next one as long as names go on. */
static int build_from_list(struct emv *e) {
        const struct emv_terminal *t = &e->start->terminal;
        int r;

        for (uint32_t i = 0; i < t->n_applications; i++) {
                const struct emv_application *a = t->applications + i;

                for (unsigned n = 0; n < OCCURRENCES_MAX; n++) {
                        struct tlv name, fields;
                        uint16_t sw;

                        r = exchange_select(e, a->aid.data, a->aid.size, n == 0 ? P2_FIRST : P2_NEXT);
                        if (r < 0)
                                return r;
                        sw = e->response.sw;
                        if (i == 0 && n == 0 && sw == 0x6a81)
                                return emv_end(e, EMV_REASON_BLOCKED);
                        /* Of the first only these two are answers; a next one may come with any warning. */
                        if (sw != 0x9000 && sw != 0x6283 && (n == 0 || (sw >> 8 != 0x62 && sw >> 8 != 0x63)))
                                break;
                        if (sw == 0x6283)
                                e->saw_blocked = true;
                        if (parse_fci(&e->response, &name, &fields) < 0 || !begins_with(&name, &a->aid))
                                break;
                        if (sw == 0x9000)
                                add_candidate(e, &name, &fields, is_readable(e, &fields));
                        /* An exact name ends this AID: only a longer one can have a next. */
                        if (name.size == a->aid.size)
                                break;
                }
        }
        return 0;
}

/* 12.4: by priority, 1 first, those without one last, otherwise as they came. */
static void sort_candidates(struct emv *e) {
        for (size_t i = 1; i < e->n_candidates; i++) {
                struct candidate c = e->candidates[i];
                unsigned rank = c.priority & 0x0f ?: 16;
                size_t j = i;

                while (j > 0 && (e->candidates[j - 1].priority & 0x0f ?: 16U) > rank) {
                        e->candidates[j] = e->candidates[j - 1];
                        j--;
                }
                e->candidates[j] = c;
        }
}

int emv_build_candidate_list(struct emv *e) {
        int r;

        e->n_candidates = 0;
        r = build_from_pse(e);
        if (r < 0)
                return r;
        if (e->n_candidates == 0) {
                r = build_from_list(e);
                if (r < 0)
                        return r;
        }
        sort_candidates(e);
        return 0;
}

static void drop_candidate(struct emv *e, size_t i) {
        e->n_candidates--;
        memmove(e->candidates + i, e->candidates + i + 1, (e->n_candidates - i) * sizeof(*e->candidates));
}

/* Without somebody to ask, what needs confirmation is out, and the first is taken (12.4). */
static int choose_first(struct emv *e, size_t *ret) {
        for (size_t i = 0; i < e->n_candidates;)
                if (e->candidates[i].priority & 0x80)
                        drop_candidate(e, i);
                else
                        i++;
        if (e->n_candidates == 0)
                return emv_end(e, EMV_REASON_NOT_ACCEPTED);
        *ret = 0;
        return 0;
}

static int choose(struct emv *e, size_t *ret) {
        struct message_prompt prompt;
        struct message_choice choice;
        int r;

        if (e->n_candidates == 0)
                return emv_end(e, e->saw_blocked ? EMV_REASON_BLOCKED : EMV_REASON_NOT_ACCEPTED);
        if (!e->start->can_choose)
                return choose_first(e, ret);
        if (e->n_candidates == 1 && !(e->candidates[0].priority & 0x80)) {
                *ret = 0;
                return 0;
        }

        message_init(&prompt, MESSAGE_PROMPT);
        prompt.prompt = EMV_PROMPT_CHOOSE_APPLICATION;
        prompt.n_candidates = (uint8_t) e->n_candidates;
        memcpy(prompt.language, e->language, sizeof(prompt.language));
        for (size_t i = 0; i < e->n_candidates; i++) {
                prompt.candidates[i].aid = e->candidates[i].aid;
                memcpy(prompt.candidates[i].name, e->candidates[i].name, sizeof(prompt.candidates[i].name));
        }
        r = e->callbacks->choose(e->userdata, &prompt, &choice);
        if (r < 0)
                return r;
        if (choice.cancelled || choice.index >= e->n_candidates)
                return emv_end(e, EMV_REASON_CANCELLED);
        *ret = choice.index;
        return 0;
}

/* What the terminal says of this application; the card's objects come on top. */
static int store_application(struct emv *e, const struct emv_application *a, const struct tlv *name) {
        uint8_t limit[4];
        int r;

        emv_number_binary(a->floor_limit, limit);
        r = store_set(&e->store, TAG_AID_TERMINAL, name->value, name->size);
        if (r < 0)
                return r;
        r = store_set(&e->store, TAG_VERSION_TERMINAL, a->versions[0], 2);
        if (r < 0)
                return r;
        return store_set(&e->store, TAG_FLOOR_LIMIT, limit, sizeof(limit));
}

/* Of an FCI what Annex A of Book 3 has there; the rest is the issuer's own, or has to come from records (7.1). */
static int store_fields(struct emv *e, const struct tlv *fields) {
        static const uint32_t tags[] = {
                TAG_LABEL, TAG_PRIORITY, TAG_PDOL, TAG_LANGUAGE, TAG_CODE_TABLE, TAG_PREFERRED_NAME,
        };
        const uint8_t *p = fields->value;
        size_t size = fields->size;
        struct tlv t;
        int r;

        while ((r = tlv_next(&p, &size, &t)) > 0)
                for (size_t i = 0; i < ELEMENTSOF(tags); i++) {
                        if (t.tag != tags[i])
                                continue;
                        r = store_put_card(&e->store, t.tag, t.value, t.size);
                        if (r < 0)
                                return r;
                }
        if (r >= 0)
                store_may_come_again(&e->store, tags, ELEMENTSOF(tags));
        return r;
}

static int store_fci(struct emv *e, const struct candidate *c) {
        struct tlv name, fields;
        int r;

        r = parse_fci(&e->response, &name, &fields);
        if (r < 0)
                return r;
        /* The card may answer with another application than the one that was asked for (12.4). */
        if (name.size != c->aid.size || memcmp(name.value, c->aid.data, name.size) != 0)
                return -EBADMSG;
        r = store_put_card(&e->store, TAG_DF_NAME, name.value, name.size);
        if (r < 0)
                return r;
        r = store_fields(e, &fields);
        if (r < 0)
                return r;
        return store_application(e, c->application, &name);
}

int emv_select_application(struct emv *e) {
        struct candidate c;
        size_t i;
        int r;

        r = choose(e, &i);
        if (r < 0)
                return r;
        c = e->candidates[i];
        /* It leaves the list now: whatever happens to it, it is not offered twice. */
        drop_candidate(e, i);

        r = exchange_select(e, c.aid.data, c.aid.size, P2_FIRST);
        if (r < 0)
                return r;
        if (e->response.sw == 0x6283)
                e->saw_blocked = true;
        if (e->response.sw != 0x9000)
                return 0;
        if (store_fci(e, &c) < 0)
                return 0;
        e->application = c.application;
        return 1;
}
