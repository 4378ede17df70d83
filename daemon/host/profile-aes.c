// SPDX-License-Identifier: LGPL-2.1-or-later
#include "host/profile.h"

/*
 * A second profile: AES session keys and AES-CMAC, without a header behind the TPDU, digits filled on the left, and
 * the few kinds that a shop without pre-authorizations needs. No acquirer is behind it: it is what the tests hold the
 * first one's tables against, and a start for one that wants AES.
 */

static const iso8583_table_t fields = {
        [2] = { ISO8583_LL, ISO8583_N_RIGHT, 19 },    /* primary account number */
        [3] = { ISO8583_FIXED, ISO8583_N, 6 },        /* processing code */
        [4] = { ISO8583_FIXED, ISO8583_N, 12 },       /* amount, minor units */
        [11] = { ISO8583_FIXED, ISO8583_N, 6 },       /* STAN */
        [12] = { ISO8583_FIXED, ISO8583_N, 6 },       /* local time, HHMMSS */
        [13] = { ISO8583_FIXED, ISO8583_N, 4 },       /* local date, MMDD */
        [14] = { ISO8583_FIXED, ISO8583_N, 4 },       /* expiry, YYMM */
        [22] = { ISO8583_FIXED, ISO8583_N_RIGHT, 3 }, /* entry mode */
        [23] = { ISO8583_FIXED, ISO8583_N_RIGHT, 3 }, /* card sequence number */
        [25] = { ISO8583_FIXED, ISO8583_N, 2 },       /* condition code */
        [35] = { ISO8583_LL, ISO8583_Z, 37 },         /* track 2 */
        [37] = { ISO8583_FIXED, ISO8583_ANS, 12 },    /* RRN */
        [38] = { ISO8583_FIXED, ISO8583_ANS, 6 },     /* authorization code */
        [39] = { ISO8583_FIXED, ISO8583_ANS, 2 },     /* response code; reason of a reversal */
        [41] = { ISO8583_FIXED, ISO8583_ANS, 8 },     /* terminal */
        [42] = { ISO8583_FIXED, ISO8583_ANS, 15 },    /* merchant */
        [48] = { ISO8583_LLL, ISO8583_ANS, 322 },     /* totals, details */
        [49] = { ISO8583_FIXED, ISO8583_N_RIGHT, 3 }, /* currency, ISO 4217 numeric */
        [55] = { ISO8583_LLL, ISO8583_B, 512 },       /* chip data, TLV */
        [60] = { ISO8583_LLL, ISO8583_ANS, 17 },      /* type, batch, network code, capability, chip condition */
        [61] = { ISO8583_LLL, ISO8583_ANS, 16 },      /* original: batch, STAN, date */
        [62] = { ISO8583_LLL, ISO8583_B, 512 },       /* wrapped keys */
        [63] = { ISO8583_LLL, ISO8583_ANS, 3 },       /* operator */
        [64] = { ISO8583_FIXED, ISO8583_B, 8 },       /* MAC */
};

#define F(n) ISO8583_BIT(n)
#define NAMED (F(11) | F(41) | F(42) | F(60))
#define MONEY (F(3) | F(4) | F(22) | F(25) | F(49))
#define CARD (F(2) | F(14) | F(23) | F(35) | F(55))
#define ANSWER (F(4) | F(12) | F(13) | F(37))

static const struct host_kind_rule kinds[_HOST_KIND_MAX] = {
        [HOST_SALE] = {
                .mti = 200, .processing = "000000", .condition = "00", .type = "22", .network = "000",
                .side = HOST_DEBIT, .reversal = true, .mac = true,
                .mandatory = NAMED | MONEY, .optional = CARD, .answer_mandatory = ANSWER,
        },
        [HOST_VOID] = {
                .mti = 200, .processing = "020000", .condition = "00", .type = "23", .network = "000",
                .side = HOST_CREDIT, .reversal = true, .mac = true,
                .mandatory = NAMED | MONEY | F(37) | F(61), .optional = CARD | F(38), .answer_mandatory = ANSWER,
        },
        [HOST_REFUND] = {
                .mti = 220, .processing = "200000", .condition = "00", .type = "25", .network = "000",
                .side = HOST_CREDIT, .mac = true,
                .mandatory = NAMED | MONEY | F(37) | F(61), .optional = CARD | F(38), .answer_mandatory = ANSWER,
        },
        [HOST_REVERSAL] = {
                .mti = 400, .network = "000", .mac = true,
                .mandatory = NAMED | MONEY | F(39), .optional = (CARD & ~F(35)) | F(38) | F(61),
        },
        [HOST_SIGN_ON] = {
                .mti = 800, .type = "00", .network = "001",
                .mandatory = NAMED | F(63), .answer_mandatory = F(60) | F(62),
        },
        [HOST_SIGN_OFF] = { .mti = 820, .type = "00", .network = "002", .mandatory = NAMED },
        [HOST_ECHO] = { .mti = 820, .type = "00", .network = "301", .mandatory = NAMED },
        /* The totals decide whether a day is booked, so that they are authenticated here. */
        [HOST_SETTLEMENT] = {
                .mti = 500, .type = "00", .network = "201", .mac = true,
                .mandatory = NAMED | F(48) | F(49), .answer_mandatory = F(48),
        },
        [HOST_BATCH_UPLOAD] = {
                .mti = 320, .type = "00", .network = "201", .mac = true, .mandatory = NAMED | F(48),
        },
        [HOST_BATCH_UPLOAD_END] = {
                .mti = 320, .type = "00", .network = "202", .balanced = "207", .mac = true,
                .mandatory = NAMED | F(48),
        },
        /* What phone a terminal's merchant has decides who confirms its sensitive acts, so that it is authenticated. */
        [HOST_BINDING_CHECK] = {
                .mti = 820, .type = "00", .network = "391", .mac = true, .mandatory = NAMED | F(62),
        },
        [HOST_BINDING_CONFIRM] = {
                .mti = 820, .type = "00", .network = "392", .mac = true, .mandatory = NAMED | F(62),
        },
        [HOST_BINDING_WITHDRAW] = {
                .mti = 820, .type = "00", .network = "393", .mac = true, .mandatory = NAMED | F(62),
        },
};

const struct host_profile host_profile_aes = {
        .name = "aes",
        .fields = fields,
        .tpdu = { 0x68, 0x00, 0x01, 0x00, 0x00 },
        .mac = MAC_AES_CMAC,
        .hierarchy = HOST_KEYS_AES,
        .kinds = kinds,
        .domestic = "62",
        .detail_without_pan = true,
        .scheme = "CUP",
        .limits = { .preauth_days = 30, .completion_percent = 115, .details = 8, .batch_transactions = 999 },
};
