// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * Answers whose MAC is right, whatever else they are: the first byte chooses kind and profile, the rest is a message,
 * whose DE64 is made anew. What is taken is whole, and is what was asked for.
 */

#include "base/log.h"
#include "base/tlv.h"
#include "host/answer.h"
#include "host/result.h"
#include "tests/fuzz/host-keys.h"

static bool is_text(const char *text, size_t size) {
        return memchr(text, '\0', size);
}

static void check_answer(const struct host_profile *p, enum host_kind kind, const struct iso8583 *m,
                         const struct host_answer *a) {
        bool approved = host_result_find(a->code)->action == HOST_ACTION_APPROVE;

        check(is_text(a->code, sizeof(a->code)) && is_text(a->approval, sizeof(a->approval)));
        check(is_text(a->rrn, sizeof(a->rrn)) && is_text(a->issuer, sizeof(a->issuer)));
        check(a->issuer_auth_size <= sizeof(a->issuer_auth) && a->scripts_size <= sizeof(a->scripts));
        check(a->keys_size <= sizeof(a->keys) && (a->keys_size == 0 || kind == HOST_SIGN_ON));
        check(!a->has_batch || a->batch <= 999999);
        check(!approved || (p->kinds[kind].answer_mandatory & ~iso8583_fields(m)) == 0);
        check(!a->has_amount || a->amount == asked(kind).amount);

        check(!a->has_totals || kind == HOST_SETTLEMENT);
        check(!approved || a->has_totals == (kind == HOST_SETTLEMENT));
        check(!approved || a->has_balance == (kind == HOST_BALANCE));
        check(!a->has_balance || a->balance.currency == asked(kind).currency);
        check(!a->has_download ||
              (a->download.size <= sizeof(a->download.data) && tlv_check(a->download.data, a->download.size) == 0));
        check(!a->has_download || !a->download.more || a->download.size > 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
        _cleanup_(iso8583_freep) struct iso8583 *m = NULL;
        uint8_t frame[HOST_FRAME_MAX];
        struct host_answer a = {}, again = {};
        const struct host_profile *p;
        const struct host_keys *keys;
        enum host_kind kind;
        size_t head;

        make_all_keys();
        log_set_max_level(LOG_EMERG);
        if (size < 2 || size > ISO8583_SIZE_MAX)
                return 0;
        p = fuzz_profiles[data[0] >> 7];
        keys = fuzz_keys[data[0] >> 7];
        kind = (data[0] & 0x7F) % _HOST_KIND_MAX;
        if (p->kinds[kind].mti == 0)
                return 0;

        head = host_profile_head(p);
        memcpy(frame, p->tpdu, sizeof(p->tpdu));
        memcpy(frame + sizeof(p->tpdu), p->header, p->header_size);
        memcpy(frame + head, data + 1, size - 1);
        if (iso8583_decode(p->fields, frame + head, size - 1, &m, NULL) < 0)
                return 0;
        if (iso8583_has(m, 64))
                check(host_keys_mac(keys, p->mac, frame + head, size - 1 - MAC_SIZE,
                                    frame + head + size - 1 - MAC_SIZE) == 0);

        const struct host_request q = asked(kind);
        if (host_answer_decode(p, keys, &q, frame, head + size - 1, &a) < 0)
                return 0;
        check_answer(p, kind, m, &a);
        check(host_answer_decode(p, keys, &q, frame, head + size - 1, &again) == 0 &&
              memcmp(&a, &again, sizeof(a)) == 0);
        return 0;
}
