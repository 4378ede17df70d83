/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* What the terminal asks, and the frame that says it under a profile. */

#include "host/binding.h"
#include "host/keys.h"
#include "host/download.h"
#include "host/encrypted.h"
#include "host/profile.h"
#include "host/totals.h"
#include "host/upload.h"

/* DE22, first two digits; the third tells whether a PIN can be entered and is 2 (it cannot) here. */
enum host_entry {
        HOST_ENTRY_NONE,
        HOST_ENTRY_MANUAL,   /* 012: voice authorization */
        HOST_ENTRY_STRIPE,   /* 022 */
        HOST_ENTRY_CHIP,     /* 052 */
        HOST_ENTRY_FALLBACK, /* 802: stripe of a chip card */
};

/* DE39 of a reversal. */
#define HOST_REASON_NO_ANSWER "98"
#define HOST_REASON_BAD_MAC "A0"
#define HOST_REASON_NOT_COMPLETED "06"

/*
 * What a void, refund, completion, tip or chip upload refers to; a reversal of one of these repeats it and adds the
 * kind. Empty strings and zeros are left out.
 */
struct host_original {
        enum host_kind kind; /* reversal: of what */
        uint32_t batch;      /* DE61.1 */
        uint32_t stan;       /* DE61.2 */
        char date[5];        /* DE61.3, MMDD, the day of a refund's original */
        char rrn[13];        /* DE37 */
        char approval[7];    /* DE38 */
};

/* Strings are borrowed until the call that takes the request returns. */
struct host_request {
        enum host_kind kind;
        int64_t transaction;  /* that it is for, in the log alone; 0 for none */
        uint32_t stan;        /* DE11, 1 to 999999; a reversal repeats the original's */
        uint32_t batch;       /* DE60.2, 1 to 999999; likewise */
        const char *terminal; /* DE41, up to 8 characters */
        const char *merchant; /* DE42, up to 15 */

        int64_t amount;    /* DE4, minor units */
        uint16_t currency; /* DE49, ISO 4217 numeric; 0 for none */

        enum host_entry entry;
        const char *pan;    /* DE2, digits */
        const char *expiry; /* DE14, YYMM */
        const char *track2; /* DE35, digits and one '=' or 'D', without sentinels; never in a reversal */
        /* Instead of these three: what an encrypting reader gives, in the profile's field; never in a reversal. */
        const struct host_encrypted *encrypted;
        int psn;         /* DE23, card sequence number; -1 for none */
        const void *icc; /* DE55, TLV */
        size_t icc_size;

        const char *reason;             /* DE39 of a reversal */
        const char *operator_id;        /* DE63.1 of a sign-on or settlement, 2 digits; NULL is "01" */
        const char *authorization_code; /* DE38 of an offline sale: the voice's word, up to 6 characters */
        const char *scheme;             /* DE63.1 of a refund, 3 characters; NULL: the profile's */
        struct host_original original;

        const struct host_totals *totals;  /* DE48 of a settlement */
        const struct host_detail *details; /* DE48 of a batch upload */
        size_t n_details;
        unsigned uploaded;                  /* DE48 of its end: records in all, chip records not counted */
        bool balanced;                      /* uploads: the batch's totals agreed */
        unsigned position;                  /* DE62 of a download: messages received so far */
        const struct host_binding *binding; /* DE62 of the binding kinds */
};

/*
 * Writes the whole frame, length prefix included, with the MAC under the present key. Returns its size.
 * -EINVAL with a word for the log in *ret_reason (may be NULL) when the request lacks what the profile
 * demands or has what it does not allow, -EOPNOTSUPP for a kind or an encrypted stripe that the profile does not have,
 * -ENOKEY when a MAC is due before sign-on. The frame holds card data: keep it in secret memory and wipe it.
 */
ssize_t host_request_encode(const struct host_profile *p, const struct host_keys *keys, const struct host_request *q,
                            uint8_t frame[static HOST_FRAME_MAX], const char **ret_reason);
