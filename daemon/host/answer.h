/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* What the acquirer says to a request, and whether a frame is that answer at all. */

#include "host/balance.h"
#include "host/request.h"

struct host_answer {
        char code[3];        /* DE39 */
        char approval[7];    /* DE38, without trailing blanks; "" for none, as every string here */
        char rrn[13];        /* DE37 */
        char time[7];        /* DE12, HHMMSS, local to the acquirer */
        char date[5];        /* DE13, MMDD */
        char settle_date[5]; /* DE15, MMDD */
        char acquirer[12];   /* DE32, acquiring institution */
        char issuer[26];     /* DE44, issuing institution and acquirer as the profile has it */
        bool has_amount;
        int64_t amount; /* DE4 */
        bool has_batch;
        uint32_t batch; /* DE60.2 */

        /* From DE55; sizes are 0 when absent. 8A is DE39 where DE55 has none. */
        uint8_t issuer_auth[16]; /* tag 91; less than 8 bytes are a wrong one */
        size_t issuer_auth_size;
        uint8_t arc[2];       /* tag 8A */
        uint8_t scripts[512]; /* tags 71 and 72 in their order, then what of DE55 is broken */
        size_t scripts_size;

        uint8_t keys[WRAPPED_KEYS_MAX]; /* DE62 of a sign-on, wrapped */
        size_t keys_size;

        bool has_totals;
        struct host_totals totals; /* DE48 of a settlement; host_totals_verdict() is the acquirer's word */
        bool has_balance;
        struct host_balance balance; /* DE54, in the request's currency */
        bool has_download;
        struct host_download download; /* DE62 of a download */
};

/*
 * Reads a frame as the answer to q; frame is what follows the length prefix. *ret is set on 0 only.
 *  -ENOMSG        not the answer to q (MTI, STAN, terminal or merchant differ): ignore it, wait on
 *  -EBADMSG       cannot be read, lacks what an approval must have, or its amount is not the request's
 *  -EKEYREJECTED  the MAC is wrong, or an approval has none
 * A declining answer may come without a MAC: an acquirer that lost our key cannot make one.
 */
int host_answer_decode(const struct host_profile *p, const struct host_keys *keys, const struct host_request *q,
                       const void *frame, size_t size, struct host_answer *ret);
