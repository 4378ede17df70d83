// SPDX-License-Identifier: LGPL-2.1-or-later
#include <sys/random.h>

#include "acquirer/kinds.h"
#include "base/hex.h"
#include "base/log.h"
#include "base/secret.h"

/* A PIN key and a MAC key, new each time. */
static int sign_on(struct sim_acquirer *a, struct request *q, struct verdict *v) {
        uint8_t keys[2][16];
        WIPE_AT_END(keys);
        int r;

        if (getrandom(keys, sizeof(keys), 0) != sizeof(keys))
                return -EIO;
        for (size_t i = 0; i < ELEMENTSOF(keys); i++) {
                r = host_key_wrap(a->profile->hierarchy, a->tmk, keys[i], sizeof(keys[i]),
                                  v->private + v->private_size);
                if (r < 0)
                        return r;
                v->private_size += (size_t) r;
        }
        r = ledger_set_keys(a->ledger, q->terminal, v->private, v->private_size);
        if (r < 0)
                return r;
        v->code = "00";
        return ledger_next_batch(a->ledger, q->terminal, q->batch, &v->batch);
}

static int sign_off(struct sim_acquirer *a, struct request *q, struct verdict *v) {
        v->code = "00";
        return ledger_forget_keys(a->ledger, q->terminal);
}

/* One object of TLV from a line of hexadecimal; blank lines and those with # in front are passed over. */
static int next_object(FILE *f, struct host_download *d) {
        char line[2 * HOST_DOWNLOAD_MAX + 80];
        ssize_t n;

        while (fgets(line, sizeof(line), f)) {
                line[strcspn(line, "\n")] = '\0';
                if (line[0] == '#' || line[0] == '\0')
                        continue;
                n = hex_decode(line, d->data, sizeof(d->data));
                if (n <= 0)
                        return -EBADMSG;
                d->size = (size_t) n;
                return 1;
        }
        return 0;
}

static int read_object(FILE *f, unsigned position, struct host_download *ret) {
        struct host_download next = {};
        int r = 1;

        for (unsigned i = 0; i <= position && r > 0; i++)
                r = next_object(f, ret);
        if (r <= 0) {
                ret->size = 0;
                return r;
        }
        r = next_object(f, &next);
        ret->more = r > 0;
        return MIN(r, 0);
}

/* The file of the state directory that has the kind's name; without one there is nothing to download. */
static int download(struct sim_acquirer *a, struct request *q, struct verdict *v) {
        _cleanup_free_ char *path = NULL;
        struct host_download d = {};
        const void *data;
        unsigned position;
        size_t size = 0;
        FILE *f;
        int r = 0;

        data = iso8583_bytes(q->m, 62, &size);
        if (!data || host_position_parse(data, size, &position) < 0) {
                v->code = "30";
                return 0;
        }
        if (asprintf(&path, "%s/%s", a->settings->state, host_kind_name(q->kind)) < 0)
                return -ENOMEM;
        f = fopen(path, "re");
        if (f) {
                r = read_object(f, position, &d);
                fclose(f);
        }
        if (r < 0)
                return log_error_errno(r, "%s: a line is TLV in hexadecimal, up to %d bytes", path, HOST_DOWNLOAD_MAX);
        v->private_size = host_download_format(&d, v->private);
        v->code = "00";
        return 0;
}

int service_handle(struct sim_acquirer *a, struct request *q, struct verdict *v) {
        switch (q->kind) {
        case HOST_SIGN_ON:
                return sign_on(a, q, v);
        case HOST_SIGN_OFF:
                return sign_off(a, q, v);
        case HOST_PARAMETERS:
        case HOST_CA_KEYS:
                return download(a, q, v);
        default:
                v->code = "00";
                return 0;
        }
}
