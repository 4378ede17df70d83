// SPDX-License-Identifier: LGPL-2.1-or-later
#include <time.h>

#include "acquirer/card.h"
#include "base/secret.h"
#include "host/encrypted.h"

/* What track 2 says beyond what the fields have said; separator is "=". */
static void take_track(const char *track, struct card *c) {
        const char *separator = strchr(track, '=');

        if (!separator)
                return;
        if (!c->pan[0] && separator - track < (ptrdiff_t) sizeof(c->pan))
                memcpy(c->pan, track, (size_t) (separator - track));
        if (!c->expiry[0])
                snprintf(c->expiry, sizeof(c->expiry), "%.4s", separator + 1);
        if (strlen(separator) > 5)
                c->service = separator[5];
}

/* Between the sentinels; behind them are the reader's LRC and the filling. */
static bool take_plain(uint8_t *plain, size_t size, struct card *c) {
        char *end;

        if (plain[0] != ';' || !memchr(plain, '?', size))
                return false;
        end = memchr(plain, '?', size);
        *end = '\0';
        take_track((const char *) plain + 1, c);
        return c->pan[0] && strspn(c->pan, "0123456789") == strlen(c->pan);
}

static const char *decrypt(const struct sim_acquirer *a, const struct request *q, struct card *c) {
        uint8_t key[DUKPT_KEY_SIZE], plain[HOST_CRYPTOGRAM_MAX];
        WIPE_AT_END(key);
        WIPE_AT_END(plain);
        struct host_encrypted e;
        const void *data;
        size_t size = 0;

        data = iso8583_bytes(q->m, a->profile->encrypted, &size);
        if (c->pan[0] || c->expiry[0] || host_encrypted_parse(data, size, &e) < 0)
                return "encrypted stripe broken, or beside one in the clear";
        if (e.ksn_size != DUKPT_KSN_SIZE)
                return "only TDES is decrypted here";
        if (dukpt_key(a->settings->bdk, e.ksn, a->settings->variant, key) < 0 ||
            dukpt_crypt(false, key, e.cryptogram, e.cryptogram_size, plain) < 0 ||
            !take_plain(plain, e.cryptogram_size, c)) {
                memset(c, 0, sizeof(*c));
                return "encrypted stripe is none under our key";
        }
        return NULL;
}

void card_read(const struct sim_acquirer *a, const struct request *q, struct card *c) {
        copy_trimmed(q->m, 2, c->pan, sizeof(c->pan));
        copy_trimmed(q->m, 14, c->expiry, sizeof(c->expiry));
        take_track(strempty(iso8583_text(q->m, 35)), c);
        if (a->profile->encrypted > 0 && iso8583_has(q->m, a->profile->encrypted))
                c->note = decrypt(a, q, c);
}

static bool is_expired(const char *expiry) {
        time_t now = time(NULL);
        struct tm tm;
        char today[16];

        if (strlen(expiry) != 4 || !localtime_r(&now, &tm))
                return true;
        snprintf(today, sizeof(today), "%02d%02d", tm.tm_year % 100, tm.tm_mon + 1);
        return strcmp(expiry, today) < 0;
}

const char *card_check(const struct sim_acquirer *a, const struct request *q, const struct card *c,
                       const char **ret_note) {
        const char *entry = strempty(iso8583_text(q->m, 22));

        if (!issuer_has(a->issuer, c->pan)) {
                *ret_note = "no issuer for this card number";
                return "15";
        }
        if (is_expired(c->expiry)) {
                *ret_note = "card expired";
                return "54";
        }
        if (startswith(entry, "02") && (c->service == '2' || c->service == '6')) {
                *ret_note = "stripe of a chip card";
                return "45";
        }
        for (size_t i = 0; i < a->settings->n_declines; i++)
                if (streq(a->settings->declines[i].pan, c->pan)) {
                        *ret_note = "card is on the list of declined ones";
                        return a->settings->declines[i].code;
                }
        return NULL;
}

/* Finds a primitive TLV in DE55. Returns its value when it has this size, else NULL. */
static const uint8_t *find_tlv(const uint8_t *p, size_t left, unsigned wanted, size_t wanted_size, bool at_least) {
        while (left >= 2) {
                unsigned tag = *p++;
                size_t size;

                left--;
                if ((tag & 0x1F) == 0x1F) {
                        tag = tag << 8 | *p++;
                        left--;
                }
                if (left < 1 || *p > 0x7F)
                        return NULL;
                size = *p++;
                left--;
                if (size > left)
                        return NULL;
                if (tag == wanted)
                        return size == wanted_size || (at_least && size > wanted_size) ? p : NULL;
                p += size;
                left -= size;
        }
        return NULL;
}

static bool read_icc(const uint8_t *icc, size_t size, struct issuer_data *data) {
        const struct {
                unsigned tag;
                uint8_t *to;
                size_t size;
        } parts[] = {
                { 0x9F02, data->amount, 6 }, { 0x9F03, data->amount_other, 6 },  { 0x9F1A, data->country, 2 },
                { 0x95, data->tvr, 5 },      { 0x5F2A, data->currency, 2 },      { 0x9A, data->date, 3 },
                { 0x9C, &data->type, 1 },    { 0x9F37, data->unpredictable, 4 }, { 0x82, data->aip, 2 },
                { 0x9F36, data->atc, 2 },
        };
        const uint8_t *value;

        for (size_t i = 0; i < ELEMENTSOF(parts); i++) {
                value = find_tlv(icc, size, parts[i].tag, parts[i].size, false);
                if (!value)
                        return false;
                memcpy(parts[i].to, value, parts[i].size);
        }
        value = find_tlv(icc, size, 0x9F10, 7, true);
        if (!value)
                return false;
        memcpy(data->cvr, value + 3, sizeof(data->cvr));
        return true;
}

static bool same_amount(const uint8_t bcd[static 6], uint64_t amount) {
        uint64_t value = 0;

        for (size_t i = 0; i < 6; i++)
                value = value * 100 + (uint64_t) (bcd[i] >> 4) * 10 + (bcd[i] & 0x0F);
        return value == amount;
}

static int card_sequence(const struct request *q) {
        uint64_t psn;

        return iso8583_number(q->m, 23, &psn) == 0 ? (int) psn : -1;
}

static int session_key(const struct sim_acquirer *a, const struct request *q, const char *pan,
                       const struct issuer_data *data, uint8_t key[static ISSUER_KEY_SIZE]) {
        int r;

        r = issuer_card_key(a->issuer, pan, card_sequence(q), key);
        if (r < 0)
                return r;
        return issuer_session_key(key, (uint16_t) (data->atc[0] << 8 | data->atc[1]), key);
}

const char *chip_check(const struct sim_acquirer *a, const struct request *q, const char *pan, uint8_t wanted,
                       uint8_t ret_key[static ISSUER_KEY_SIZE], const uint8_t **ret_cryptogram,
                       const char **ret_note) {
        struct issuer_data data;
        uint8_t right[ISSUER_AC_SIZE];
        const uint8_t *icc, *cryptogram, *type;
        size_t size = 0;

        icc = iso8583_bytes(q->m, 55, &size);
        cryptogram = icc ? find_tlv(icc, size, 0x9F26, ISSUER_AC_SIZE, false) : NULL;
        type = icc ? find_tlv(icc, size, 0x9F27, 1, false) : NULL;
        if (!cryptogram || !type || !read_icc(icc, size, &data)) {
                *ret_note = "chip data missing";
                return "30";
        }
        if (!same_amount(data.amount, q->amount)) {
                *ret_note = "amount of the chip data differs";
                return "13";
        }
        if ((*type & 0xC0) != wanted) {
                *ret_note = "cryptogram is of another kind";
                return "12";
        }
        if (session_key(a, q, pan, &data, ret_key) < 0 || issuer_cryptogram(ret_key, &data, sizeof(data), right) < 0 ||
            !secret_equal(right, cryptogram, ISSUER_AC_SIZE)) {
                *ret_note = "cryptogram wrong";
                return "05";
        }
        *ret_cryptogram = cryptogram;
        return NULL;
}

/* A command of four bytes gets Lc and the issuer's MAC behind it; any other goes out as it is. */
static int make_command(const struct sim_acquirer *a, const struct request *q, const char *pan, const uint8_t *arqc,
                        uint8_t ret[static STEP_COMMAND_MAX], size_t *ret_size) {
        const struct step *step = &q->step;
        uint8_t key[ISSUER_KEY_SIZE];
        WIPE_AT_END(key);
        const uint8_t *icc;
        size_t size = 0;
        int r;

        memcpy(ret, step->command, step->command_size);
        *ret_size = step->command_size;
        if (step->command_size != 4)
                return 0;
        r = issuer_card_mac_key(a->issuer, pan, card_sequence(q), key);
        if (r >= 0)
                r = issuer_mac_session_key(key, arqc, key);
        if (r < 0)
                return r;
        icc = iso8583_bytes(q->m, 55, &size);
        ret[4] = ISSUER_MAC_SIZE;
        *ret_size = 5 + ISSUER_MAC_SIZE;
        return issuer_script_mac(key, ret, find_tlv(icc, size, 0x9F36, 2, false), arqc, 0, NULL, 0, ret + 5);
}

/* An issuer script of one command. */
static void append_script(const struct step *step, const uint8_t *command, size_t size, struct verdict *v) {
        uint8_t *p = v->icc + v->icc_size;

        *p++ = step->template;
        *p++ = (uint8_t) (7 + 2 + size);
        memcpy(p, "\x9F\x18\x04\0\0\0\x01", 7);
        p[7] = 0x86;
        p[8] = (uint8_t) size;
        memcpy(p + 9, command, size);
        v->icc_size += 2 + 7 + 2 + size;
}

int chip_answer(const struct sim_acquirer *a, const struct request *q, const char *pan, const uint8_t *key,
                const uint8_t *arqc, struct verdict *v) {
        uint8_t *arpc = v->icc + 2, command[STEP_COMMAND_MAX];
        size_t size;
        int r;

        v->icc[0] = 0x91;
        v->icc[1] = 10;
        memcpy(arpc + 8, v->code, 2);
        r = issuer_arpc(key, arqc, arpc + 8, arpc);
        if (r < 0)
                return r;
        if (q->step.action == ACTION_WRONG_ARPC)
                arpc[0] ^= 0xFF;
        v->icc_size = 12;
        if (q->step.action != ACTION_ISSUER_SCRIPT)
                return 0;
        r = make_command(a, q, pan, arqc, command, &size);
        if (r < 0)
                return r;
        append_script(&q->step, command, size, v);
        return 0;
}
