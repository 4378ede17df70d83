// SPDX-License-Identifier: LGPL-2.1-or-later
#include "transaction/key-list.h"

#include <inttypes.h>

#include "base/hex.h"
#include "host/fingerprint.h"

#define CERTIFICATES_MAX 8

static cJSON *add(cJSON *list, const char *name) {
        cJSON *o = cJSON_CreateObject();

        return cJSON_AddItemToArray(list, o) && cJSON_AddStringToObject(o, "Name", name) ? o : NULL;
}

static int add_value(cJSON *list, const char *name, const char *member, const uint8_t *value, size_t size,
                     cJSON **ret) {
        char text[2 * HOST_FINGERPRINT_SIZE + 1];
        cJSON *o = add(list, name);

        hex_encode(value, size, text);
        if (!o || !cJSON_AddStringToObject(o, member, text))
                return -ENOMEM;
        *ret = o;
        return 0;
}

static int add_acquirer_keys(const struct engine *e, cJSON *list) {
        struct host_key_check keys[ACQUIRER_KEYS_MAX];
        cJSON *o;
        int n, r = 0;

        n = acquirer_check_keys(e->acquirer, keys);
        for (int i = 0; r >= 0 && i < n; i++)
                r = add_value(list, keys[i].name, "CheckValue", keys[i].value, sizeof(keys[i].value), &o);
        return n < 0 ? n : r;
}

static int add_storage_key(const struct engine *e, cJSON *list) {
        uint8_t id[JOURNAL_KEY_ID_SIZE];
        cJSON *o;

        journal_key_id(e->config.journal, id);
        return add_value(list, "storage key", "CheckValue", id, sizeof(id), &o);
}

static int add_certificates(cJSON *list, const char *name, const char *path) {
        struct host_fingerprint prints[CERTIFICATES_MAX];
        char end[24];
        cJSON *o;
        int n, r = 0;

        if (!path)
                return 0;
        n = host_fingerprints_read(path, prints, ELEMENTSOF(prints));
        if (n < 0) {
                o = add(list, name);
                return o && cJSON_AddStringToObject(o, "Error", strerror(-n)) ? 0 : -ENOMEM;
        }
        for (int i = 0; r >= 0 && i < n; i++) {
                r = add_value(list, name, "Fingerprint", prints[i].sha256, sizeof(prints[i].sha256), &o);
                /* A number of so many digits is not cJSON's. */
                (void) snprintf(end, sizeof(end), "%" PRIu64, prints[i].end_usec);
                if (r >= 0 && !cJSON_AddRawToObject(o, "Expires", end))
                        r = -ENOMEM;
        }
        return r;
}

static int add_ca_keys(const struct emv_terminal *t, cJSON *list) {
        char name[EMV_SECTION_MAX];
        cJSON *o;
        int r = 0;

        for (uint32_t i = 0; r >= 0 && i < t->n_ca_keys; i++) {
                emv_ca_key_section(t->ca_keys + i, name);
                r = add_value(list, name, "Checksum", t->ca_keys[i].sha1, sizeof(t->ca_keys[i].sha1), &o);
                if (r >= 0 && !cJSON_AddBoolToObject(o, "Good", emv_ca_key_hash_fits(t->ca_keys + i)))
                        r = -ENOMEM;
        }
        return r;
}

int key_list_describe(const struct engine *e, cJSON **ret) {
        cJSON *list = cJSON_CreateArray();
        int r = list ? 0 : -ENOMEM;

        if (r >= 0)
                r = add_acquirer_keys(e, list);
        if (r >= 0)
                r = add_storage_key(e, list);
        if (r >= 0)
                r = add_certificates(list, "acquirer-ca.pem", e->config.ca_file);
        if (r >= 0)
                r = add_certificates(list, "terminal.pem", e->config.certificate_file);
        if (r >= 0)
                r = add_ca_keys(e->config.terminal, list);
        if (r < 0) {
                cJSON_Delete(list);
                return r;
        }
        *ret = list;
        return 0;
}
