// SPDX-License-Identifier: LGPL-2.1-or-later
#include <openssl/sha.h>

#include "base/hex.h"
#include "base/tlv.h"
#include "emv/tag.h"
#include "emv/terminal.h"

/* What 9F33 may claim: stripe, keyed entry and contact chip; signature and no CVM; SDA, DDA and CDA. */
static const uint8_t capable[3] = { 0xe0, 0x28, 0xc8 };

void emv_terminal_init(struct emv_terminal *t) {
        *t = (struct emv_terminal){
                .capabilities = { 0x60, 0x28, 0xc8 },
                .type = 0x22,
        };
}

static int refuse(const char *reason, const char **ret_reason) {
        *ret_reason = reason;
        return -EINVAL;
}

/* Exactly size bytes. */
static int take_bytes(const char *value, uint8_t *ret, size_t size, const char *reason, const char **ret_reason) {
        uint8_t bytes[32];

        if (size > sizeof(bytes) || hex_decode(value, bytes, sizeof(bytes)) != (ssize_t) size)
                return refuse(reason, ret_reason);
        memcpy(ret, bytes, size);
        return 0;
}

static int take_number(const char *value, uint64_t max, uint64_t *ret, const char **ret_reason) {
        uint64_t number = 0;

        if (isempty(value))
                return refuse("a number is missing", ret_reason);
        for (const char *p = value; *p; p++) {
                if (*p < '0' || *p > '9')
                        return refuse("not a number", ret_reason);
                number = number * 10 + (uint64_t) (*p - '0');
                if (number > max)
                        return refuse("number too large", ret_reason);
        }
        *ret = number;
        return 0;
}

/* 2031-12-31 */
static int take_date(const char *value, uint8_t ret[static 4], const char **ret_reason) {
        static const char reason[] = "not a date as 2031-12-31";
        char digits[9];
        uint8_t date[4];

        if (strlen(value) != 10 || value[4] != '-' || value[7] != '-')
                return refuse(reason, ret_reason);
        (void) snprintf(digits, sizeof(digits), "%.4s%.2s%.2s", value, value + 5, value + 8);
        if (strspn(digits, "0123456789") != 8 || hex_decode(digits, date, sizeof(date)) != sizeof(date) ||
            (date[0] != 0x19 && date[0] != 0x20) || date[2] < 0x01 || date[2] > 0x12 || date[3] < 0x01 ||
            date[3] > 0x31)
                return refuse(reason, ret_reason);
        memcpy(ret, date, sizeof(date));
        return 0;
}

/* An n-format code as people write it: 156 is 01 56. */
static int take_code(const char *value, uint8_t ret[static 2], const char **ret_reason) {
        uint64_t number;
        int r;

        r = take_number(value, 9999, &number, ret_reason);
        if (r < 0)
                return r;
        ret[0] = (uint8_t) (number / 1000 << 4 | number / 100 % 10);
        ret[1] = (uint8_t) (number / 10 % 10 << 4 | number % 10);
        return 0;
}

static int take_flag(const char *value, uint8_t *ret, const char **ret_reason) {
        if (!streq(value, "yes") && !streq(value, "no"))
                return refuse("neither yes nor no", ret_reason);
        *ret = streq(value, "yes");
        return 0;
}

static int take_percent(const char *value, uint8_t *ret, const char **ret_reason) {
        uint64_t number;
        int r;

        r = take_number(value, 99, &number, ret_reason);
        if (r >= 0)
                *ret = (uint8_t) number;
        return r;
}

static int take_text(const char *value, char *ret, size_t max, const char **ret_reason) {
        if (strlen(value) >= max)
                return refuse("text too long", ret_reason);
        memset(ret, 0, max);
        memcpy(ret, value, strlen(value));
        return 0;
}

static int take_dol(const char *value, struct emv_dol *ret, const char **ret_reason) {
        struct emv_dol dol = {};
        ssize_t n;

        n = hex_decode(value, dol.data, sizeof(dol.data));
        if (n < 0)
                return refuse("not a data object list of at most 64 bytes", ret_reason);
        dol.size = (uint8_t) n;
        *ret = dol;
        return 0;
}

/* "0020 0030" */
static int take_versions(const char *value, struct emv_application *a, const char **ret_reason) {
        ssize_t n;

        n = hex_decode(value, a->versions, sizeof(a->versions));
        if (n < 2 || n % 2 != 0)
                return refuse("not one to four version numbers of two bytes", ret_reason);
        a->n_versions = (uint8_t) (n / 2);
        return 0;
}

static int assign_terminal(struct emv_terminal *t, const char *key, const char *value, const char **ret_reason) {
        if (streq(key, "country"))
                return take_code(value, t->country, ret_reason);
        if (streq(key, "type"))
                return take_bytes(value, &t->type, 1, "not a terminal type of two digits", ret_reason);
        if (streq(key, "capabilities"))
                return take_bytes(value, t->capabilities, 3, "not three bytes", ret_reason);
        if (streq(key, "additional-capabilities"))
                return take_bytes(value, t->additional_capabilities, 5, "not five bytes", ret_reason);
        if (streq(key, "serial"))
                return take_text(value, t->serial, sizeof(t->serial), ret_reason);
        return refuse("unknown key", ret_reason);
}

static int assign_application(struct emv_application *a, const char *key, const char *value, const char **ret_reason) {
        static const char tac[] = "not an action code of five bytes";

        if (streq(key, "name"))
                return take_text(value, a->name, sizeof(a->name), ret_reason);
        if (streq(key, "partial"))
                return take_flag(value, &a->partial, ret_reason);
        if (streq(key, "versions"))
                return take_versions(value, a, ret_reason);
        if (streq(key, "tac-denial"))
                return take_bytes(value, a->tac_denial, EMV_TVR_SIZE, tac, ret_reason);
        if (streq(key, "tac-online"))
                return take_bytes(value, a->tac_online, EMV_TVR_SIZE, tac, ret_reason);
        if (streq(key, "tac-default"))
                return take_bytes(value, a->tac_default, EMV_TVR_SIZE, tac, ret_reason);
        if (streq(key, "floor-limit"))
                return take_number(value, UINT64_C(999999999999), &a->floor_limit, ret_reason);
        if (streq(key, "threshold"))
                return take_number(value, UINT64_C(999999999999), &a->threshold, ret_reason);
        if (streq(key, "target"))
                return take_percent(value, &a->target, ret_reason);
        if (streq(key, "target-max"))
                return take_percent(value, &a->target_max, ret_reason);
        if (streq(key, "ddol"))
                return take_dol(value, &a->ddol, ret_reason);
        if (streq(key, "tdol"))
                return take_dol(value, &a->tdol, ret_reason);
        return refuse("unknown key", ret_reason);
}

static int assign_ca_key(struct emv_ca_key *k, const char *key, const char *value, const char **ret_reason) {
        if (streq(key, "modulus")) {
                ssize_t n = hex_decode(value, k->modulus, sizeof(k->modulus));

                if (n < 64)
                        return refuse("not a modulus of 64 to 248 bytes", ret_reason);
                k->modulus_size = (uint8_t) n;
                return 0;
        }
        if (streq(key, "exponent")) {
                if (!streq(value, "3") && !streq(value, "65537"))
                        return refuse("neither 3 nor 65537", ret_reason);
                k->exponent = streq(value, "3") ? 3 : 65537;
                return 0;
        }
        if (streq(key, "sha1"))
                return take_bytes(value, k->sha1, sizeof(k->sha1), "not a hash of twenty bytes", ret_reason);
        if (streq(key, "expires"))
                return take_date(value, k->expires, ret_reason);
        if (streq(key, "test"))
                return take_flag(value, &k->test, ret_reason);
        return refuse("unknown key", ret_reason);
}

/* A section that comes again, in a later file, goes on with the same application. */
static int find_or_add_application(struct emv_terminal *t, const char *text, struct emv_application **ret,
                                   const char **ret_reason) {
        struct emv_aid aid = {};
        ssize_t n;

        n = hex_decode(text, aid.data, sizeof(aid.data));
        if (n < EMV_AID_MIN)
                return refuse("not an application identifier of 5 to 16 bytes", ret_reason);
        aid.size = (uint8_t) n;
        for (uint32_t i = 0; i < t->n_applications; i++)
                if (memcmp(&t->applications[i].aid, &aid, sizeof(aid)) == 0) {
                        *ret = t->applications + i;
                        return 0;
                }
        if (t->n_applications >= EMV_APPLICATIONS_MAX)
                return refuse("too many applications", ret_reason);
        *ret = t->applications + t->n_applications++;
        **ret = (struct emv_application){ .aid = aid, .partial = 1 };
        return 0;
}

static int find_or_add_ca_key(struct emv_terminal *t, const char *text, struct emv_ca_key **ret,
                              const char **ret_reason) {
        uint8_t id[EMV_RID_SIZE + 1];

        if (hex_decode(text, id, sizeof(id)) != sizeof(id))
                return refuse("not a RID of five bytes and an index", ret_reason);
        for (uint32_t i = 0; i < t->n_ca_keys; i++)
                if (memcmp(t->ca_keys[i].rid, id, EMV_RID_SIZE) == 0 && t->ca_keys[i].index == id[EMV_RID_SIZE]) {
                        *ret = t->ca_keys + i;
                        return 0;
                }
        if (t->n_ca_keys >= EMV_CA_KEYS_MAX)
                return refuse("too many keys", ret_reason);
        *ret = t->ca_keys + t->n_ca_keys++;
        **ret = (struct emv_ca_key){ .index = id[EMV_RID_SIZE] };
        memcpy((*ret)->rid, id, EMV_RID_SIZE);
        return 0;
}

static int add_revocation(struct emv_terminal *t, const uint8_t id[static EMV_RID_SIZE + 1],
                          const uint8_t serial[static 3], const char **ret_reason) {
        struct emv_revocation r = { .index = id[EMV_RID_SIZE] };

        memcpy(r.rid, id, sizeof(r.rid));
        memcpy(r.serial, serial, sizeof(r.serial));
        for (uint32_t i = 0; i < t->n_revocations; i++)
                if (memcmp(t->revocations + i, &r, sizeof(r)) == 0)
                        return 0;
        if (t->n_revocations >= EMV_REVOCATIONS_MAX)
                return refuse("too many revoked certificates", ret_reason);
        t->revocations[t->n_revocations++] = r;
        return 0;
}

/* "0123AB 0456CD"; the key may come again. */
static int assign_revocation(struct emv_terminal *t, const char *name, const char *key, const char *value,
                             const char **ret_reason) {
        uint8_t id[EMV_RID_SIZE + 1], serials[3 * EMV_REVOCATIONS_MAX];
        ssize_t n;
        int r;

        if (hex_decode(name, id, sizeof(id)) != sizeof(id))
                return refuse("not a RID of five bytes and an index", ret_reason);
        if (!streq(key, "serial"))
                return refuse("unknown key", ret_reason);
        n = hex_decode(value, serials, sizeof(serials));
        if (n < 3 || n % 3 != 0)
                return refuse("not serial numbers of three bytes", ret_reason);
        for (ssize_t i = 0; i < n; i += 3) {
                r = add_revocation(t, id, serials + i, ret_reason);
                if (r < 0)
                        return r;
        }
        return 0;
}

int emv_terminal_assign(const char *section, const char *key, const char *value, void *userdata,
                        const char **ret_reason) {
        struct emv_terminal *t = userdata;
        struct emv_application *a;
        struct emv_ca_key *k;
        const char *name;
        int r;

        if (streq(section, "terminal"))
                return assign_terminal(t, key, value, ret_reason);
        name = startswith(section, "application ");
        if (name) {
                r = find_or_add_application(t, name, &a, ret_reason);
                if (r < 0)
                        return r;
                return assign_application(a, key, value, ret_reason);
        }
        name = startswith(section, "ca-key ");
        if (name) {
                r = find_or_add_ca_key(t, name, &k, ret_reason);
                if (r < 0)
                        return r;
                return assign_ca_key(k, key, value, ret_reason);
        }
        name = startswith(section, "revoked ");
        if (name)
                return assign_revocation(t, name, key, value, ret_reason);
        return refuse("unknown section", ret_reason);
}

/* Book 2, 11.2.2: over RID, index, modulus, exponent. */
bool emv_ca_key_hash_fits(const struct emv_ca_key *k) {
        uint8_t data[EMV_RID_SIZE + 1 + EMV_MODULUS_MAX + 3], hash[SHA_DIGEST_LENGTH];
        size_t n = 0;

        memcpy(data, k->rid, EMV_RID_SIZE);
        n += EMV_RID_SIZE;
        data[n++] = k->index;
        memcpy(data + n, k->modulus, k->modulus_size);
        n += k->modulus_size;
        if (k->exponent == 3)
                data[n++] = 3;
        else {
                memcpy(data + n, (const uint8_t[]){ 1, 0, 1 }, 3);
                n += 3;
        }
        SHA1(data, n, hash);
        return memcmp(hash, k->sha1, sizeof(hash)) == 0;
}

static bool fault(struct emv_fault *f, const char *key, const char *reason) {
        f->key = key;
        f->reason = reason;
        return true;
}

/* Book 2, 6.5.1: without the unpredictable number a signature says nothing. */
static bool lacks_unpredictable(const struct emv_dol *d) {
        const uint8_t *p = d->data;
        size_t size = d->size;
        uint8_t wanted;
        uint32_t tag;

        while (dol_next(&p, &size, &tag, &wanted) > 0)
                if (tag == TAG_UNPREDICTABLE)
                        return false;
        return true;
}

static bool application_fault(const struct emv_application *a, struct emv_fault *ret) {
        char hex[2 * EMV_AID_MAX + 1];

        hex_encode(a->aid.data, a->aid.size, hex);
        snprintf(ret->section, sizeof(ret->section), "application %s", hex);
        if (a->n_versions == 0)
                return fault(ret, "versions", "no version");
        if (a->target_max < a->target)
                return fault(ret, "target-max", "target-max is below target");
        if (a->threshold > a->floor_limit)
                return fault(ret, "threshold", "threshold is above floor-limit");
        if (a->ddol.size > 0 && lacks_unpredictable(&a->ddol))
                return fault(ret, "ddol", "ddol does not ask for the unpredictable number, 9F37");
        return false;
}

void emv_ca_key_section(const struct emv_ca_key *k, char ret[static EMV_SECTION_MAX]) {
        char hex[2 * EMV_RID_SIZE + 1];

        hex_encode(k->rid, EMV_RID_SIZE, hex);
        (void) snprintf(ret, EMV_SECTION_MAX, "ca-key %s %02X", hex, k->index);
}

static bool ca_key_fault(const struct emv_ca_key *k, struct emv_fault *ret) {
        emv_ca_key_section(k, ret->section);
        if (k->modulus_size == 0)
                return fault(ret, "modulus", "no modulus");
        if (k->exponent == 0)
                return fault(ret, "exponent", "no exponent");
        if (!emv_ca_key_hash_fits(k))
                return fault(ret, "sha1", "sha1 does not fit the key");
        if (!(k->modulus[0] & 0x80) || !(k->modulus[k->modulus_size - 1] & 0x01))
                return fault(ret, "modulus", "not a modulus of RSA");
        return false;
}

static bool terminal_fault(const struct emv_terminal *t, struct emv_fault *ret) {
        snprintf(ret->section, sizeof(ret->section), "terminal");
        for (unsigned i = 0; i < sizeof(capable); i++)
                if (t->capabilities[i] & ~capable[i])
                        return fault(ret, "capabilities", "capabilities claim what is not there");
        if (!(t->capabilities[0] & 0x20))
                return fault(ret, "capabilities", "capabilities do not name the contact chip");
        if (t->country[0] == 0 && t->country[1] == 0)
                return fault(ret, "country", "no country");
        if (t->n_applications == 0)
                return fault(ret, "", "no application");
        return false;
}

int emv_terminal_next_fault(const struct emv_terminal *t, uint32_t *i, struct emv_fault *ret) {
        while (*i <= t->n_applications + t->n_ca_keys) {
                uint32_t n = (*i)++;

                if (n == 0                   ? terminal_fault(t, ret)
                    : n <= t->n_applications ? application_fault(t->applications + n - 1, ret)
                                             : ca_key_fault(t->ca_keys + n - 1 - t->n_applications, ret))
                        return 1;
        }
        return 0;
}

void emv_terminal_drop_test_keys(struct emv_terminal *t) {
        for (uint32_t i = 0; i < t->n_ca_keys;)
                if (t->ca_keys[i].test) {
                        t->ca_keys[i] = t->ca_keys[--t->n_ca_keys];
                        memset(t->ca_keys + t->n_ca_keys, 0, sizeof(*t->ca_keys));
                } else
                        i++;
}

const struct emv_ca_key *emv_terminal_find_ca_key(const struct emv_terminal *t, const uint8_t rid[static EMV_RID_SIZE],
                                                  uint8_t index) {
        for (uint32_t i = 0; i < t->n_ca_keys; i++)
                if (t->ca_keys[i].index == index && memcmp(t->ca_keys[i].rid, rid, EMV_RID_SIZE) == 0)
                        return t->ca_keys + i;
        return NULL;
}
