// SPDX-License-Identifier: LGPL-2.1-or-later
#include "card/icc.h"

#include <sys/random.h>

#include <openssl/sha.h>

#include "base/log.h"
#include "card/sign.h"
#include "issuer/issuer.h"

/* Status words (ISO 7816-4, 5.1.3; EMV book 3, 6.3.5). */
enum {
        SW_OK = 0x9000,
        SW_MORE = 0x6100,
        SW_BLOCKED = 0x6283,
        SW_FAILED = 0x6300,
        SW_TRIES = 0x63c0,
        SW_LENGTH = 0x6700,
        SW_PIN_BLOCKED = 0x6983,
        SW_CONDITIONS = 0x6985,
        SW_NO_MAC = 0x6987,
        SW_WRONG_MAC = 0x6988,
        SW_DATA = 0x6a80,
        SW_NOT_FOUND = 0x6a82,
        SW_NO_RECORD = 0x6a83,
        SW_PARAMETERS = 0x6a86,
        SW_NO_DATA = 0x6a88,
        SW_WRONG_LE = 0x6c00,
        SW_INSTRUCTION = 0x6d00,
        SW_CLASS = 0x6e00,
};

enum cryptogram {
        AAC = 0x00,
        TC = 0x40,
        ARQC = 0x80,
};

/* Card verification results: its length 3, then three bytes as the VSDC and PBOC cards have them. */
enum {
        CVR1_SECOND_AAC = 0x00,
        CVR1_SECOND_TC = 0x40,
        CVR1_SECOND_NOT_ASKED = 0x80,
        CVR1_FIRST_AAC = 0x00,
        CVR1_FIRST_TC = 0x10,
        CVR1_FIRST_ARQC = 0x20,
        CVR1_AUTHENTICATION_FAILED = 0x08,
        CVR1_PIN_DONE = 0x04,
        CVR1_PIN_FAILED = 0x02,
        CVR1_UNABLE_ONLINE = 0x01,
        CVR2_PIN_BLOCKED = 0x40,
        CVR3_SCRIPT_FAILED = 0x08, /* and above it the number of script commands that were done */
};

#define DOL_MAX 252

/* Of issuer scripts: PIN CHANGE/UNBLOCK that changes nothing, and APPLICATION BLOCK. */
#define INS_PIN_UNBLOCK 0x24
#define INS_APPLICATION_BLOCK 0x1e

struct apdu {
        uint8_t cla, ins, p1, p2;
        const uint8_t *data;
        size_t lc;
        size_t le; /* 0: none asked for */
};

struct icc {
        struct sim_card *card;
        struct sign_key *key;
        uint16_t atc, last_online_atc;
        unsigned int pin_tries;
        bool blocked[SIM_CARD_APPLICATIONS_MAX];
        unsigned int script_commands; /* done since the last ARQC, which told of those before */
        bool script_failed;

        bool powered;
        bool directory; /* the PSE is selected */
        const struct sim_card_application *app;
        bool processing;          /* GET PROCESSING OPTIONS was done */
        unsigned int cryptograms; /* given in this transaction */
        enum cryptogram first;
        bool authenticated, authentication_failed, authentication_done;
        bool pin_done, pin_failed;
        uint8_t arqc[ISSUER_AC_SIZE], session_key[ISSUER_KEY_SIZE];
        struct issuer_data terminal; /* what the terminal told so far */
        uint8_t pdol[DOL_MAX], cdol1[DOL_MAX];
        size_t pdol_size, cdol1_size;
        uint8_t arc[2], issuer_data_91[16], unpredictable[4];
        size_t issuer_data_91_size;

        uint8_t pending[256]; /* for GET RESPONSE */
        size_t pending_size;
};

/* Response data while it is built. */
struct answer {
        uint8_t *data;
        size_t size;
};

static void answer_raw(struct answer *a, const void *data, size_t size) {
        if (size > 0)
                memcpy(a->data + a->size, data, size);
        a->size += size;
}

static int answer_object(struct answer *a, unsigned int tag, const void *value, size_t size) {
        struct sim_card_data d = {};
        int r = sim_card_data_append(&d, tag, value, size);

        if (r < 0)
                return r;
        answer_raw(a, d.data, d.size);
        sim_card_data_done(&d);
        return 0;
}

static void forget_transaction(struct icc *icc) {
        icc->processing = icc->authenticated = icc->authentication_failed = icc->authentication_done = false;
        icc->pin_done = icc->pin_failed = false;
        icc->cryptograms = 0;
        icc->pdol_size = icc->cdol1_size = icc->issuer_data_91_size = 0;
        explicit_bzero(&icc->terminal, sizeof(icc->terminal));
        explicit_bzero(icc->session_key, sizeof(icc->session_key));
        memset(icc->arc, 0, sizeof(icc->arc));
}

static void forget_session(struct icc *icc) {
        forget_transaction(icc);
        icc->directory = false;
        icc->app = NULL;
        icc->pending_size = 0;
}

int icc_new(struct sim_card *card, struct icc **ret) {
        _cleanup_(icc_freep) struct icc *icc = NULL;
        int r;

        icc = calloc(1, sizeof(*icc));
        if (!icc)
                return -ENOMEM;
        if (card->key_path) {
                r = sign_key_load(card->key_path, &icc->key);
                if (r < 0)
                        return log_error_errno(r, "Cannot read the card's key %s", card->key_path);
        }
        icc->atc = card->atc;
        icc->last_online_atc = card->last_online_atc;
        icc->pin_tries = card->tries_left;
        for (size_t i = 0; i < card->n_applications; i++)
                icc->blocked[i] = card->applications[i].blocked;
        icc->card = card;
        *ret = TAKE_PTR(icc);
        return 0;
}

struct icc *icc_free(struct icc *icc) {
        if (!icc)
                return NULL;
        sign_key_free(icc->key);
        sim_card_free(icc->card);
        explicit_bzero(icc, sizeof(*icc));
        free(icc);
        return NULL;
}

void icc_continue(struct icc *icc, const struct icc *before) {
        icc->atc = MAX(icc->atc, before->atc);
        icc->last_online_atc = before->last_online_atc;
        icc->pin_tries = MIN(icc->pin_tries, before->pin_tries);
        for (size_t i = 0; i < ELEMENTSOF(icc->blocked); i++)
                icc->blocked[i] |= before->blocked[i];
        icc->script_commands = before->script_commands;
        icc->script_failed = before->script_failed;
}

const struct sim_card *icc_card(const struct icc *icc) {
        return icc->card;
}

int icc_power_on(struct icc *icc, uint8_t ret_atr[static ICC_ATR_MAX]) {
        if (icc->card->atr_size == 0)
                return -EIO;
        forget_session(icc);
        icc->powered = true;
        memcpy(ret_atr, icc->card->atr, icc->card->atr_size);
        return icc->card->atr_size;
}

void icc_power_off(struct icc *icc) {
        forget_session(icc);
        icc->powered = false;
}

/* Takes a command apart by its length (ISO 7816-3, 12.1.3). */
static int apdu_parse(const uint8_t *c, size_t size, struct apdu *ret) {
        size_t body = size - 4, lc;
        const uint8_t *p = c + 4;

        if (size < 4)
                return -EBADMSG;
        *ret = (struct apdu){ .cla = c[0], .ins = c[1], .p1 = c[2], .p2 = c[3] };
        if (body == 0)
                return 0;
        if (body == 1) {
                ret->le = p[0] ?: 256;
                return 0;
        }
        if (p[0] != 0) {
                lc = p[0];
                if (body != 1 + lc && body != 2 + lc)
                        return -EBADMSG;
                ret->data = p + 1;
                ret->lc = lc;
                if (body == 2 + lc)
                        ret->le = p[1 + lc] ?: 256;
                return 0;
        }
        if (body < 3)
                return -EBADMSG;
        lc = p[1] << 8 | p[2];
        if (body == 3) {
                ret->le = lc ?: 65536;
                return 0;
        }
        if (lc == 0 || (body != 3 + lc && body != 5 + lc))
                return -EBADMSG;
        ret->data = p + 3;
        ret->lc = lc;
        if (body == 5 + lc)
                ret->le = (p[3 + lc] << 8 | p[4 + lc]) ?: 65536;
        return 0;
}

/*
 * Walks a data object list over what the terminal sent by it: calls back for each entry (data NULL while
 * only the length is wanted). Returns the length that the list asks for, -EBADMSG for a broken list.
 */
static ssize_t dol_walk(const uint8_t *dol, size_t dol_size, const uint8_t *data,
                        void (*each)(struct icc *icc, unsigned int tag, const uint8_t *value, size_t size),
                        struct icc *icc) {
        size_t i = 0, total = 0;

        while (i < dol_size) {
                unsigned int tag = dol[i++];
                size_t l;

                if ((tag & 0x1f) == 0x1f)
                        while (i < dol_size) {
                                tag = tag << 8 | dol[i++];
                                if (!(tag & 0x80))
                                        break;
                        }
                if (i >= dol_size)
                        return -EBADMSG;
                l = dol[i++];
                if (data && each)
                        each(icc, tag, data + total, l);
                total += l;
        }
        return total;
}

static void terminal_take(struct icc *icc, unsigned int tag, const uint8_t *value, size_t size) {
        struct issuer_data *t = &icc->terminal;
        const struct {
                unsigned int tag;
                void *field;
                size_t size;
        } fields[] = {
                { 0x9f02, t->amount, sizeof(t->amount) },     { 0x9f03, t->amount_other, sizeof(t->amount_other) },
                { 0x9f1a, t->country, sizeof(t->country) },   { 0x95, t->tvr, sizeof(t->tvr) },
                { 0x5f2a, t->currency, sizeof(t->currency) }, { 0x9a, t->date, sizeof(t->date) },
                { 0x9c, &t->type, sizeof(t->type) },          { 0x9f37, t->unpredictable, sizeof(t->unpredictable) },
                { 0x8a, icc->arc, sizeof(icc->arc) },
        };

        for (size_t i = 0; i < ELEMENTSOF(fields); i++)
                if (fields[i].tag == tag && fields[i].size == size)
                        memcpy(fields[i].field, value, size);
        if (tag == 0x91 && size <= sizeof(icc->issuer_data_91)) {
                memcpy(icc->issuer_data_91, value, size);
                icc->issuer_data_91_size = size;
        }
}

/* Checks the length of what came by a list and takes it. Returns a status word. */
static int dol_take(struct icc *icc, const uint8_t *dol, size_t dol_size, const uint8_t *data, size_t size) {
        ssize_t want = dol_walk(dol, dol_size, NULL, NULL, icc);

        if (want < 0)
                return SW_DATA;
        if ((size_t) want != size)
                return SW_LENGTH;
        (void) dol_walk(dol, dol_size, data, terminal_take, icc);
        return SW_OK;
}

/* Whether the selected application is, from personalisation or by a script. */
static bool *blocked(struct icc *icc) {
        return icc->blocked + (icc->app - icc->card->applications);
}

static int fci(struct icc *icc, const void *name, size_t name_size, const struct sim_card_data *a5, struct answer *a) {
        struct sim_card_data inner = {};
        int r;

        r = sim_card_data_append(&inner, 0x84, name, name_size);
        if (r >= 0)
                r = sim_card_data_append(&inner, 0xa5, a5->data, a5->size);
        if (r >= 0)
                r = answer_object(a, 0x6f, inner.data, inner.size);
        sim_card_data_done(&inner);
        return r;
}

static const char pse_name[] = "1PAY.SYS.DDF01";

static int select_directory(struct icc *icc, struct answer *a) {
        static const uint8_t sfi = 1;
        struct sim_card_data a5 = {};
        int r;

        forget_session(icc);
        icc->directory = true;
        r = sim_card_data_append(&a5, 0x88, &sfi, 1);
        if (r >= 0)
                r = sim_card_data_append(&a5, 0x5f2d, "zhen", 4);
        if (r >= 0)
                r = fci(icc, pse_name, strlen(pse_name), &a5, a);
        sim_card_data_done(&a5);
        return r < 0 ? r : SW_OK;
}

/* 87: bit 8 asks for confirmation (EMV book 1, table 48). */
static uint8_t priority_of(const struct sim_card_application *app) {
        return (uint8_t) (app->priority | (app->confirm ? 0x80 : 0));
}

static int select_application(struct icc *icc, const struct sim_card_application *app, struct answer *a) {
        struct sim_card_data a5 = {};
        uint8_t priority = priority_of(app);
        int r;

        forget_session(icc);
        icc->app = app;
        r = sim_card_data_append(&a5, 0x50, strempty(app->label), strlen(strempty(app->label)));
        if (r >= 0 && priority > 0)
                r = sim_card_data_append(&a5, 0x87, &priority, 1);
        if (r >= 0 && app->fci.size > 0) {
                uint8_t *p = realloc(a5.data, a5.size + app->fci.size);

                if (p) {
                        memcpy(p + a5.size, app->fci.data, app->fci.size);
                        a5.data = p;
                        a5.size += app->fci.size;
                } else
                        r = -ENOMEM;
        }
        if (r >= 0)
                r = fci(icc, app->aid, app->aid_size, &a5, a);
        sim_card_data_done(&a5);
        if (r < 0)
                return r;
        return *blocked(icc) ? SW_BLOCKED : SW_OK;
}

static int do_select(struct icc *icc, const struct apdu *c, struct answer *a) {
        size_t from = 0;

        if (c->p1 != 0x04 || (c->p2 != 0x00 && c->p2 != 0x02))
                return SW_PARAMETERS;
        if (c->lc == 0 || c->lc > 16)
                return SW_LENGTH;
        if (icc->card->pse && c->p2 == 0 && c->lc == strlen(pse_name) && memcmp(c->data, pse_name, c->lc) == 0)
                return select_directory(icc, a);

        if (c->p2 == 0x02 && icc->app)
                from = icc->app - icc->card->applications + 1;
        for (size_t i = from; i < icc->card->n_applications; i++) {
                const struct sim_card_application *app = icc->card->applications + i;

                if (c->lc <= app->aid_size && memcmp(app->aid, c->data, c->lc) == 0)
                        return select_application(icc, app, a);
        }
        return SW_NOT_FOUND;
}

static int read_directory(struct icc *icc, unsigned int number, struct answer *a) {
        struct sim_card_data entry = {}, record = {};
        const struct sim_card_application *app;
        uint8_t priority;
        int r;

        if (number == 0 || number > icc->card->n_applications)
                return SW_NO_RECORD;
        app = icc->card->applications + number - 1;
        priority = priority_of(app);
        r = sim_card_data_append(&entry, 0x4f, app->aid, app->aid_size);
        if (r >= 0)
                r = sim_card_data_append(&entry, 0x50, strempty(app->label), strlen(strempty(app->label)));
        if (r >= 0 && priority > 0)
                r = sim_card_data_append(&entry, 0x87, &priority, 1);
        if (r >= 0)
                r = sim_card_data_append(&record, 0x61, entry.data, entry.size);
        if (r >= 0)
                r = answer_object(a, 0x70, record.data, record.size);
        sim_card_data_done(&entry);
        sim_card_data_done(&record);
        return r < 0 ? r : SW_OK;
}

static int do_read_record(struct icc *icc, const struct apdu *c, struct answer *a) {
        unsigned int sfi = c->p2 >> 3;
        bool file = false;

        if ((c->p2 & 7) != 4 || sfi == 0 || sfi > 30)
                return SW_PARAMETERS;
        if (c->lc > 0)
                return SW_LENGTH;
        if (icc->directory)
                return sfi == 1 ? read_directory(icc, c->p1, a) : SW_NOT_FOUND;
        if (!icc->app)
                return SW_CONDITIONS;
        for (size_t i = 0; i < icc->app->n_records; i++) {
                const struct sim_card_record *record = icc->app->records + i;

                file |= record->sfi == sfi;
                if (record->sfi == sfi && record->number == c->p1) {
                        int r = answer_object(a, 0x70, record->content.data, record->content.size);

                        return r < 0 ? r : SW_OK;
                }
        }
        return file ? SW_NO_RECORD : SW_NOT_FOUND;
}

static int do_processing_options(struct icc *icc, const struct apdu *c, struct answer *a) {
        const struct sim_card_application *app = icc->app;
        struct sim_card_data inner = {};
        const uint8_t *pdol;
        size_t pdol_size = 0;
        int r;

        if (c->p1 != 0 || c->p2 != 0)
                return SW_PARAMETERS;
        if (!app || icc->processing || *blocked(icc) || !app->conditions || icc->atc == UINT16_MAX)
                return SW_CONDITIONS;
        if (c->lc < 2 || c->data[0] != 0x83)
                return SW_DATA;
        if (c->data[1] != c->lc - 2 || c->lc - 2 > DOL_MAX || c->data[1] > 0x7f)
                return SW_LENGTH;
        pdol = sim_card_data_find(&app->fci, 0x9f38, &pdol_size);
        r = dol_take(icc, pdol, pdol ? pdol_size : 0, c->data + 2, c->lc - 2);
        if (r != SW_OK)
                return r;
        icc->pdol_size = c->lc - 2;
        memcpy(icc->pdol, c->data + 2, icc->pdol_size);
        icc->processing = true;
        icc->atc++;
        memcpy(icc->terminal.aip, app->aip, 2);
        icc->terminal.atc[0] = icc->atc >> 8;
        icc->terminal.atc[1] = icc->atc;

        if (app->response_format == 1) {
                uint8_t data[2 + 252];

                memcpy(data, app->aip, 2);
                memcpy(data + 2, app->afl.data, MIN(app->afl.size, sizeof(data) - 2));
                r = answer_object(a, 0x80, data, 2 + app->afl.size);
                return r < 0 ? r : SW_OK;
        }
        r = sim_card_data_append(&inner, 0x82, app->aip, 2);
        if (r >= 0)
                r = sim_card_data_append(&inner, 0x94, app->afl.data, app->afl.size);
        if (r >= 0)
                r = answer_object(a, 0x77, inner.data, inner.size);
        sim_card_data_done(&inner);
        return r < 0 ? r : SW_OK;
}

static int do_get_data(struct icc *icc, const struct apdu *c, struct answer *a) {
        unsigned int tag = c->p1 << 8 | c->p2;
        uint8_t value[2];
        const uint8_t *p;
        size_t size;
        int r;

        if (c->lc > 0)
                return SW_LENGTH;
        if (!icc->app)
                return SW_CONDITIONS;
        switch (tag) {
        case 0x9f36:
        case 0x9f13:
                value[0] = (tag == 0x9f36 ? icc->atc : icc->last_online_atc) >> 8;
                value[1] = tag == 0x9f36 ? icc->atc : icc->last_online_atc;
                r = answer_object(a, tag, value, 2);
                break;
        case 0x9f17:
                if (!icc->card->pin[0])
                        return SW_NO_DATA;
                value[0] = icc->pin_tries;
                r = answer_object(a, tag, value, 1);
                break;
        default:
                p = sim_card_data_find(&icc->app->data, tag, &size);
                if (!p)
                        return SW_NO_DATA;
                r = answer_object(a, tag, p, size);
        }
        return r < 0 ? r : SW_OK;
}

/* A plain PIN block: control 2 and length, digits, filled with F (EMV book 3, 6.5.12). */
static bool pin_matches(const char *pin, const uint8_t block[static 8]) {
        uint8_t want[8];
        size_t n = strlen(pin);
        bool same;

        memset(want, 0xff, sizeof(want));
        want[0] = 0x20 | n;
        for (size_t i = 0; i < n; i++) {
                uint8_t *b = want + 1 + i / 2;

                *b = i % 2 == 0 ? (uint8_t) ((pin[i] - '0') << 4 | 0x0f) : (uint8_t) ((*b & 0xf0) | (pin[i] - '0'));
        }
        same = memcmp(want, block, 8) == 0;
        explicit_bzero(want, sizeof(want));
        return same;
}

static int do_verify(struct icc *icc, const struct apdu *c) {
        if (c->p1 != 0 || c->p2 != 0x80)
                return SW_PARAMETERS;
        if (c->lc != 8)
                return SW_LENGTH;
        if ((!icc->app && !icc->card->echo) || !icc->card->pin[0])
                return SW_CONDITIONS;
        if (icc->pin_tries == 0)
                return SW_PIN_BLOCKED;
        icc->pin_done = true;
        icc->pin_failed = !pin_matches(icc->card->pin, c->data);
        if (!icc->pin_failed) {
                icc->pin_tries = icc->card->pin_tries;
                return SW_OK;
        }
        icc->pin_tries--;
        return SW_TRIES | icc->pin_tries;
}

static int do_challenge(struct icc *icc, const struct apdu *c, struct answer *a) {
        uint8_t challenge[8];

        if (c->p1 != 0 || c->p2 != 0)
                return SW_PARAMETERS;
        if (getrandom(challenge, sizeof(challenge), 0) != sizeof(challenge))
                return -EIO;
        answer_raw(a, challenge, sizeof(challenge));
        return SW_OK;
}

/* ICC dynamic number first: its length and eight bytes. */
static int dynamic_number(uint8_t dynamic[static 9]) {
        dynamic[0] = 8;
        return getrandom(dynamic + 1, 8, 0) == 8 ? 0 : -EIO;
}

static int do_internal_authenticate(struct icc *icc, const struct apdu *c, struct answer *a) {
        uint8_t dynamic[9], signature[SIGN_MAX];
        struct sim_card_data inner = {};
        const uint8_t *ddol;
        size_t ddol_size;
        ssize_t n, want = 4;
        int r;

        if (c->p1 != 0 || c->p2 != 0)
                return SW_PARAMETERS;
        if (!icc->key || !icc->processing || icc->cryptograms > 0)
                return SW_CONDITIONS;
        ddol = sim_card_find(icc->app, 0x9f49, &ddol_size);
        if (ddol)
                want = dol_walk(ddol, ddol_size, NULL, NULL, icc);
        if (want < 0 || c->lc != (size_t) want)
                return SW_LENGTH;
        r = dynamic_number(dynamic);
        if (r < 0)
                return r;
        n = sign_dynamic(icc->key, dynamic, sizeof(dynamic), c->data, c->lc, signature);
        if (n < 0)
                return n;
        if (icc->app->response_format == 1)
                r = answer_object(a, 0x80, signature, n);
        else {
                r = sim_card_data_append(&inner, 0x9f4b, signature, n);
                if (r >= 0)
                        r = answer_object(a, 0x77, inner.data, inner.size);
                sim_card_data_done(&inner);
        }
        return r < 0 ? r : SW_OK;
}

/* Checks an ARPC: with its response code, or with the card status update and what the issuer adds to it. */
static int check_arpc(struct icc *icc, const uint8_t *data, size_t size) {
        size_t n = icc->app->arpc == 1 ? 8 : 4;
        uint8_t want[8];
        int r;

        if (icc->app->arpc == 1)
                r = issuer_arpc(icc->session_key, icc->arqc, data + 8, want);
        else
                r = issuer_arpc_2(icc->session_key, icc->arqc, data + 4, size - 4, want);
        if (r < 0)
                return r;
        icc->authentication_done = true;
        icc->authenticated = memcmp(want, data, n) == 0;
        icc->authentication_failed = !icc->authenticated;
        return 0;
}

/* ARPC and response code, or ARPC and card status update (EMV book 2, 8.2). */
static size_t arpc_min(const struct icc *icc) {
        return icc->app->arpc == 1 ? 10 : 8;
}

static int do_external_authenticate(struct icc *icc, const struct apdu *c) {
        int r;

        if (c->p1 != 0 || c->p2 != 0)
                return SW_PARAMETERS;
        if (icc->cryptograms != 1 || icc->first != ARQC || icc->authentication_done)
                return SW_CONDITIONS;
        if (c->lc < arpc_min(icc) || c->lc > 16)
                return SW_LENGTH;
        r = check_arpc(icc, c->data, c->lc);
        if (r < 0)
                return r;
        return icc->authenticated ? SW_OK : SW_FAILED;
}

static enum cryptogram decide_first(const struct icc *icc, enum cryptogram asked) {
        if (asked == AAC || icc->app->decide == CARD_DECLINE)
                return AAC;
        if (asked == TC && icc->app->decide == CARD_ONLINE)
                return ARQC;
        if (asked == TC && icc->app->offline_limit > 0 &&
            icc->atc - icc->last_online_atc > (int) icc->app->offline_limit)
                return ARQC;
        return asked;
}

static bool unable_online(const struct icc *icc) {
        return memcmp(icc->arc, "Y3", 2) == 0 || memcmp(icc->arc, "Z3", 2) == 0;
}

static enum cryptogram decide_second(struct icc *icc, enum cryptogram asked) {
        const struct sim_card_application *app = icc->app;

        if (asked != TC || app->second == CARD_DECLINE || *blocked(icc))
                return AAC;
        if (unable_online(icc))
                return app->decide == CARD_APPROVE ? TC : AAC;
        if (icc->authentication_failed || (app->issuer_authentication && !icc->authenticated))
                return AAC;
        return TC;
}

static void fill_cvr(struct icc *icc, enum cryptogram now, uint8_t cvr[static 4]) {
        enum cryptogram first = icc->cryptograms == 0 ? now : icc->first;

        cvr[0] = 3;
        cvr[1] = first == TC ? CVR1_FIRST_TC : first == ARQC ? CVR1_FIRST_ARQC : CVR1_FIRST_AAC;
        if (icc->cryptograms == 0)
                cvr[1] |= CVR1_SECOND_NOT_ASKED;
        else
                cvr[1] |= now == TC ? CVR1_SECOND_TC : CVR1_SECOND_AAC;
        cvr[1] |= icc->authentication_failed ? CVR1_AUTHENTICATION_FAILED : 0;
        cvr[1] |= icc->pin_done ? CVR1_PIN_DONE : 0;
        cvr[1] |= icc->pin_failed ? CVR1_PIN_FAILED : 0;
        cvr[1] |= icc->cryptograms == 1 && unable_online(icc) ? CVR1_UNABLE_ONLINE : 0;
        cvr[2] = icc->card->pin[0] && icc->pin_tries == 0 ? CVR2_PIN_BLOCKED : 0;
        cvr[3] = (uint8_t) (MIN(icc->script_commands, 15U) << 4 | (icc->script_failed ? CVR3_SCRIPT_FAILED : 0));
}

/*
 * The signature of a combined data authentication (EMV book 2, 6.6.1): the dynamic number, what the
 * cryptogram is, the cryptogram, and a hash of all that both sides said.
 */
static ssize_t sign_combined(struct icc *icc, const struct apdu *c, uint8_t cid, const uint8_t *ac,
                             const struct sim_card_data *rest, uint8_t signature[static SIGN_MAX]) {
        uint8_t dynamic[9 + 1 + 8 + SHA_DIGEST_LENGTH], text[3 * DOL_MAX + 256];
        size_t n = 0;
        int r;

        r = dynamic_number(dynamic);
        if (r < 0)
                return r;
        dynamic[9] = cid;
        memcpy(dynamic + 10, ac, 8);
        memcpy(text + n, icc->pdol, icc->pdol_size);
        n += icc->pdol_size;
        memcpy(text + n, icc->cdol1, icc->cdol1_size);
        n += icc->cdol1_size;
        if (icc->cryptograms == 1) {
                memcpy(text + n, c->data, c->lc);
                n += c->lc;
        }
        memcpy(text + n, rest->data, rest->size);
        n += rest->size;
        SHA1(text, n, dynamic + 18);
        return sign_dynamic(icc->key, dynamic, sizeof(dynamic), icc->terminal.unpredictable, 4, signature);
}

static int answer_cryptogram(struct icc *icc, const struct apdu *c, enum cryptogram now, const uint8_t *ac,
                             const uint8_t iad[static 8], struct answer *a) {
        uint8_t cid = now, signature[SIGN_MAX];
        struct sim_card_data inner = {};
        bool combined = (c->p1 & 0x10) && now != AAC;
        ssize_t n;
        int r;

        if (!combined && icc->app->response_format == 1) {
                uint8_t data[11 + 8] = { cid, icc->atc >> 8, icc->atc & 0xff };

                memcpy(data + 3, ac, 8);
                memcpy(data + 11, iad, 8);
                return answer_object(a, 0x80, data, sizeof(data));
        }

        r = sim_card_data_append(&inner, 0x9f27, &cid, 1);
        if (r >= 0)
                r = sim_card_data_append(&inner, 0x9f36, icc->terminal.atc, 2);
        if (r >= 0 && !combined)
                r = sim_card_data_append(&inner, 0x9f26, ac, 8);
        if (r >= 0)
                r = sim_card_data_append(&inner, 0x9f10, iad, 8);
        if (r >= 0 && combined) {
                n = sign_combined(icc, c, cid, ac, &inner, signature);
                r = n < 0 ? (int) n : sim_card_data_append(&inner, 0x9f4b, signature, n);
        }
        if (r >= 0)
                r = answer_object(a, 0x77, inner.data, inner.size);
        sim_card_data_done(&inner);
        return r;
}

static int take_cdol(struct icc *icc, const struct apdu *c) {
        bool first = icc->cryptograms == 0;
        const uint8_t *cdol;
        size_t size;
        int sw;

        cdol = sim_card_find(icc->app, first ? 0x8c : 0x8d, &size);
        if (!cdol || c->lc > DOL_MAX)
                return SW_CONDITIONS;
        sw = dol_take(icc, cdol, size, c->data, c->lc);
        if (sw == SW_OK && first) {
                memcpy(icc->cdol1, c->data, c->lc);
                icc->cdol1_size = c->lc;
        }
        return sw;
}

static int do_generate_ac(struct icc *icc, const struct apdu *c, struct answer *a) {
        enum cryptogram asked = c->p1 & 0xc0, now;
        /* Length, key index 1, cryptogram version 1, results, algorithm 1 (3DES): the PBOC form. */
        uint8_t ac[ISSUER_AC_SIZE], iad[8] = { 7, 1, 1, 0, 0, 0, 0, 1 };
        int r;

        if (c->p2 != 0 || asked == 0xc0 || (c->p1 & 0x2f))
                return SW_PARAMETERS;
        if (!icc->processing || icc->cryptograms >= 2 || (icc->cryptograms == 1 && icc->first != ARQC))
                return SW_CONDITIONS;
        if ((c->p1 & 0x10) && !icc->key)
                return SW_CONDITIONS;
        r = take_cdol(icc, c);
        if (r != SW_OK)
                return r;
        r = issuer_session_key(icc->app->ac_key, icc->atc, icc->session_key);
        if (r < 0)
                return r;
        if (icc->cryptograms == 1 && icc->issuer_data_91_size >= arpc_min(icc) && !icc->authentication_done) {
                r = check_arpc(icc, icc->issuer_data_91, icc->issuer_data_91_size);
                if (r < 0)
                        return r;
        }

        now = icc->cryptograms == 0 ? decide_first(icc, asked) : decide_second(icc, asked);
        fill_cvr(icc, now, iad + 3);
        memcpy(icc->terminal.cvr, iad + 3, 4);
        r = issuer_cryptogram(icc->session_key, &icc->terminal, sizeof(icc->terminal), ac);
        if (r < 0)
                return r;
        r = answer_cryptogram(icc, c, now, ac, iad, a);
        if (r < 0)
                return r;

        if (icc->cryptograms == 0) {
                icc->first = now;
                memcpy(icc->arqc, ac, sizeof(ac));
                if (now == ARQC) {
                        icc->script_commands = 0;
                        icc->script_failed = false;
                }
        } else if (!unable_online(icc))
                icc->last_online_atc = icc->atc;
        icc->cryptograms++;
        return SW_OK;
}

/* Whether a script's command is the issuer's, and for this place in this transaction. */
static int check_script_mac(const struct icc *icc, const struct apdu *c) {
        const uint8_t header[] = { c->cla, c->ins, c->p1, c->p2 };
        uint8_t key[ISSUER_KEY_SIZE], mac[ISSUER_MAC_SIZE];
        size_t size = c->lc - sizeof(mac);
        int r;

        if (c->lc < sizeof(mac) || c->lc > 255)
                return SW_NO_MAC;
        r = issuer_mac_session_key(icc->app->mac_key, icc->arqc, key);
        if (r < 0)
                return r;
        r = issuer_script_mac(key, header, icc->terminal.atc, icc->arqc, icc->script_commands, c->data, size, mac);
        explicit_bzero(key, sizeof(key));
        if (r < 0)
                return r;
        return memcmp(mac, c->data + size, sizeof(mac)) == 0 ? SW_OK : SW_WRONG_MAC;
}

static int run_script(struct icc *icc, const struct apdu *c) {
        int sw;

        sw = check_script_mac(icc, c);
        if (sw != SW_OK)
                return sw;
        if (c->p1 != 0 || c->p2 != 0)
                return SW_PARAMETERS;
        if (c->lc != ISSUER_MAC_SIZE)
                return SW_LENGTH;
        if (c->ins == INS_APPLICATION_BLOCK)
                *blocked(icc) = true;
        else
                icc->pin_tries = icc->card->pin_tries;
        return SW_OK;
}

/* From the acquirer's answer on, until one command fails (EMV book 3, 6.5.1 and 6.5.10). */
static int do_script(struct icc *icc, const struct apdu *c) {
        int sw;

        if (!icc->app || !icc->app->has_mac_key || icc->cryptograms == 0 || icc->first != ARQC || icc->script_failed)
                return SW_CONDITIONS;
        sw = run_script(icc, c);
        if (sw == SW_OK)
                icc->script_commands++;
        icc->script_failed = sw != SW_OK;
        return sw;
}

static int do_get_response(struct icc *icc, const struct apdu *c, struct answer *a) {
        if (c->p1 != 0 || c->p2 != 0)
                return SW_PARAMETERS;
        if (icc->pending_size == 0)
                return SW_CONDITIONS;
        if (c->le > 0 && c->le < icc->pending_size)
                return SW_WRONG_LE | (icc->pending_size & 0xff);
        answer_raw(a, icc->pending, icc->pending_size);
        icc->pending_size = 0;
        return SW_OK;
}

/* For tests of readers: commands whose data and response have any length. */
static int do_echo(struct icc *icc, const struct apdu *c, struct answer *a) {
        answer_raw(a, c->data, c->lc);
        return SW_OK;
}

static int do_read_binary(struct icc *icc, const struct apdu *c, struct answer *a) {
        unsigned int offset = c->p1 << 8 | c->p2;

        for (size_t i = 0; i < c->le; i++)
                a->data[a->size++] = offset + i;
        return SW_OK;
}

/* Returns a status word, or a negative errno for a card that breaks down. */
static int dispatch(struct icc *icc, const struct apdu *c, struct answer *a) {
        if (c->cla != 0x00 && c->cla != 0x80 && c->cla != 0x84 && c->cla != 0x8c)
                return SW_CLASS;
        if (icc->card->echo && c->cla == 0x80 && c->ins == 0x0e)
                return do_echo(icc, c, a);
        if (icc->card->echo && c->cla == 0x00 && c->ins == 0xb0)
                return do_read_binary(icc, c, a);
        switch (c->cla << 8 | c->ins) {
        case 0x00a4:
                return do_select(icc, c, a);
        case 0x00b2:
                return do_read_record(icc, c, a);
        case 0x00c0:
                return do_get_response(icc, c, a);
        case 0x0020:
                return do_verify(icc, c);
        case 0x0082:
                return do_external_authenticate(icc, c);
        case 0x0084:
                return do_challenge(icc, c, a);
        case 0x0088:
                return do_internal_authenticate(icc, c, a);
        case 0x80a8:
                return do_processing_options(icc, c, a);
        case 0x80ca:
                return do_get_data(icc, c, a);
        case 0x80ae:
                return do_generate_ac(icc, c, a);
        case 0x8400 | INS_APPLICATION_BLOCK:
        case 0x8400 | INS_PIN_UNBLOCK:
                return do_script(icc, c);
        default:
                return SW_INSTRUCTION;
        }
}

/*
 * Fits the response to what was asked for. Without command data a card says the right Le and does it again; with
 * data, or where none was asked for, it has done its work and keeps the response for GET RESPONSE.
 */
static int fit_response(struct icc *icc, const struct apdu *c, struct answer *a) {
        size_t size = a->size;

        if (size == 0 || c->le >= size || size > sizeof(icc->pending) || (c->lc == 0 && c->le == 0))
                return 0;
        a->size = 0;
        if (c->lc == 0)
                return SW_WRONG_LE | (size & 0xff);
        memcpy(icc->pending, a->data, size);
        icc->pending_size = size;
        return SW_MORE | (size & 0xff);
}

static ssize_t answer_command(struct icc *icc, const uint8_t *command, size_t size, uint8_t *response) {
        struct answer a = { .data = response };
        struct apdu c;
        int sw, fitted;

        if (apdu_parse(command, size, &c) < 0)
                sw = SW_LENGTH;
        else {
                if (c.ins != 0xc0)
                        icc->pending_size = 0;
                sw = dispatch(icc, &c, &a);
                if (sw < 0)
                        return sw;
                if (sw == SW_OK || sw == SW_BLOCKED) {
                        fitted = fit_response(icc, &c, &a);
                        if (fitted != 0)
                                sw = fitted;
                }
        }
        response[a.size++] = sw >> 8;
        response[a.size++] = sw & 0xff;
        return a.size;
}

ssize_t icc_transmit(struct icc *icc, const uint8_t *command, size_t size, uint8_t *response) {
        const struct sim_fault *fault;
        ssize_t n = 0;

        if (!icc->powered)
                return -EIO;
        fault = sim_fault_find(icc->card->faults, icc->card->n_faults, command, size);
        if (!fault || !sim_fault_is_instead(fault)) {
                n = answer_command(icc, command, size, response);
                if (n < 0)
                        return n;
        }
        return fault ? sim_fault_apply(fault, response, (size_t) n, ICC_RESPONSE_MAX) : n;
}
