// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * Any bytes are a message of a profile or are refused, and a message that is taken is written again as it came; so are
 * its fields with an inner form. As an answer to any kind they never pass for what only the acquirer may say: the
 * MAC's key is not in the input.
 */

#include "base/log.h"
#include "host/answer.h"
#include "host/result.h"
#include "tests/fuzz/host-keys.h"

static void totals(const char *text) {
        char again[HOST_TOTALS_DIGITS + 1];
        struct host_totals t;

        if (host_totals_parse(text, &t) < 0)
                return;
        check(host_totals_verdict(&t) != HOST_NOT_RECONCILED);
        check(host_totals_format(&t, again) == 0 && streq(text, again));
}

static void details(const char *text) {
        struct host_detail d[HOST_DETAILS_MAX];
        char again[HOST_DETAILS_DIGITS + 1];
        int n;

        n = host_details_parse(text, d);
        if (n < 0)
                return;
        check(host_details_format(d, (size_t) n, again) == 0 && streq(text, again));
}

static void balance(const char *text) {
        struct host_balance b, again;
        char form[HOST_BALANCE_TEXT + 1];

        if (host_balance_parse(text, &b) < 0)
                return;
        check(host_balance_format(&b, form) == 0 && host_balance_parse(form, &again) == 0);
        check(b.amount == again.amount && b.currency == again.currency);
}

static void download(const uint8_t *data, size_t size) {
        uint8_t again[HOST_DOWNLOAD_MAX + 1];
        struct host_download d;
        struct host_application a;
        struct host_ca_key k;
        unsigned position;

        if (host_position_parse(data, size, &position) == 0)
                check(position <= HOST_POSITION_MAX);
        if (host_download_parse(data, size, &d) < 0)
                return;
        check(host_download_format(&d, again) == size && memcmp(data, again, size) == 0);
        if (host_application_parse(d.data, d.size, &a) == 0)
                check(a.aid_size >= 5 && a.target <= 99 && a.ddol_size <= sizeof(a.ddol));
        if (host_ca_key_parse(d.data, d.size, &k) == 0)
                check(k.modulus_size > 0 && k.modulus_size <= sizeof(k.modulus));
}

static void encrypted(const uint8_t *data, size_t size) {
        struct host_encrypted e, again;
        uint8_t form[HOST_ENCRYPTED_MAX];
        ssize_t n;

        if (host_encrypted_parse(data, size, &e) < 0)
                return;
        n = host_encrypted_format(&e, form);
        check(n > 0 && host_encrypted_parse(form, (size_t) n, &again) == 0 && memcmp(&e, &again, sizeof(e)) == 0);
}

static void binding(const uint8_t *data, size_t size) {
        struct host_binding b, again;
        uint8_t form[HOST_BINDING_MAX];

        if (host_binding_parse(data, size, &b) < 0)
                return;
        check(host_binding_is_valid(&b));
        check(host_binding_parse(form, host_binding_format(&b, form), &again) == 0 && again.kind == b.kind &&
              again.number == b.number && streq(again.serial, b.serial) && streq(again.phone, b.phone) &&
              streq(again.old_phone, b.old_phone));
}

static void inner_forms(const struct iso8583 *m) {
        const char *text;
        const void *data;
        size_t size;

        text = iso8583_text(m, 48);
        if (text) {
                totals(text);
                details(text);
        }
        text = iso8583_text(m, 54);
        if (text)
                balance(text);
        data = iso8583_bytes(m, 62, &size);
        if (data) {
                download(data, size);
                binding(data, size);
        }
        data = iso8583_bytes(m, 57, &size);
        if (data)
                encrypted(data, size);
}

static void round_trip(const struct host_profile *p, const uint8_t *data, size_t size) {
        _cleanup_(iso8583_freep) struct iso8583 *m = NULL;
        uint8_t again[ISO8583_SIZE_MAX];
        unsigned field = 0;

        if (iso8583_decode(p->fields, data, size, &m, &field) < 0) {
                check(field <= ISO8583_FIELDS + 1);
                return;
        }
        check(iso8583_encode(m, again, sizeof(again)) == (ssize_t) size && memcmp(again, data, size) == 0);
        inner_forms(m);
}

static void as_answer(const struct host_profile *p, const struct host_keys *keys, enum host_kind kind,
                      const uint8_t *data, size_t size) {
        const struct host_request q = asked(kind);
        struct host_answer a;

        if (host_answer_decode(p, keys, &q, data, size, &a) < 0 || !p->kinds[kind].mac)
                return;
        check(host_result_find(a.code)->action != HOST_ACTION_APPROVE);
        check(kind != HOST_REVERSAL || !host_result_ends_reversal(a.code));
        check(p->kinds[kind].mti != 220 || !streq(a.code, "94"));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
        make_all_keys();
        log_set_max_level(LOG_EMERG);
        for (size_t i = 0; i < ELEMENTSOF(fuzz_profiles); i++) {
                const struct host_profile *p = fuzz_profiles[i];
                const size_t head = host_profile_head(p);

                round_trip(p, data, size);
                if (size > head)
                        round_trip(p, data + head, size - head);
                for (enum host_kind k = 0; k < _HOST_KIND_MAX; k++)
                        if (p->kinds[k].mti > 0)
                                as_answer(p, fuzz_keys[i], k, data, size);
        }
        return 0;
}
