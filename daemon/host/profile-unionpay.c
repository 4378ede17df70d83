// SPDX-License-Identifier: LGPL-2.1-or-later
#include "host/profile.h"

/*
 * The UnionPay style: field forms, codes and conditions as a field guide for terminals of 2002 and
 * published messages show them. The licensed specification was not at hand; what a real acquirer
 * demands beyond this is a change of these tables.
 */

static const iso8583_table_t fields = {
        [2] = { ISO8583_LL, ISO8583_N, 19 },          /* primary account number */
        [3] = { ISO8583_FIXED, ISO8583_N, 6 },        /* processing code */
        [4] = { ISO8583_FIXED, ISO8583_N, 12 },       /* amount, minor units */
        [11] = { ISO8583_FIXED, ISO8583_N, 6 },       /* STAN */
        [12] = { ISO8583_FIXED, ISO8583_N, 6 },       /* local time, HHMMSS */
        [13] = { ISO8583_FIXED, ISO8583_N, 4 },       /* local date, MMDD */
        [14] = { ISO8583_FIXED, ISO8583_N, 4 },       /* expiry, YYMM */
        [15] = { ISO8583_FIXED, ISO8583_N, 4 },       /* settlement date, MMDD */
        [22] = { ISO8583_FIXED, ISO8583_N, 3 },       /* entry mode */
        [23] = { ISO8583_FIXED, ISO8583_N_RIGHT, 3 }, /* card sequence number */
        [25] = { ISO8583_FIXED, ISO8583_N, 2 },       /* condition code */
        [26] = { ISO8583_FIXED, ISO8583_N, 2 },       /* longest PIN */
        [32] = { ISO8583_LL, ISO8583_N, 11 },         /* acquiring institution */
        [35] = { ISO8583_LL, ISO8583_Z, 37 },         /* track 2 */
        [36] = { ISO8583_LLL, ISO8583_Z, 104 },       /* track 3 */
        [37] = { ISO8583_FIXED, ISO8583_ANS, 12 },    /* RRN */
        [38] = { ISO8583_FIXED, ISO8583_ANS, 6 },     /* authorization code */
        [39] = { ISO8583_FIXED, ISO8583_ANS, 2 },     /* response code; reason of a reversal */
        [41] = { ISO8583_FIXED, ISO8583_ANS, 8 },     /* terminal */
        [42] = { ISO8583_FIXED, ISO8583_ANS, 15 },    /* merchant */
        [44] = { ISO8583_LL, ISO8583_ANS, 25 },       /* issuer and acquirer institution */
        [47] = { ISO8583_LLL, ISO8583_B, 512 },       /* terminal data, opaque */
        [48] = { ISO8583_LLL, ISO8583_N, 322 },       /* totals, details */
        [49] = { ISO8583_FIXED, ISO8583_ANS, 3 },     /* currency, ISO 4217 numeric */
        [52] = { ISO8583_FIXED, ISO8583_B, 8 },       /* PIN block */
        [53] = { ISO8583_FIXED, ISO8583_N, 16 },      /* security control */
        [54] = { ISO8583_LLL, ISO8583_ANS, 20 },      /* balance */
        [55] = { ISO8583_LLL, ISO8583_B, 255 },       /* chip data, TLV */
        [57] = { ISO8583_LLL, ISO8583_B, 150 },       /* encrypted stripe */
        [58] = { ISO8583_LLL, ISO8583_B, 100 },       /* private, opaque */
        [59] = { ISO8583_LLL, ISO8583_B, 600 },       /* private, opaque */
        [60] = { ISO8583_LLL, ISO8583_N, 17 },        /* type, batch, network code, capability, chip condition */
        [61] = { ISO8583_LLL, ISO8583_N, 29 },        /* original: batch, STAN, date */
        [62] = { ISO8583_LLL, ISO8583_B, 512 },       /* wrapped keys, parameters */
        [63] = { ISO8583_LLL, ISO8583_B, 163 },       /* operator; texts, which may be GBK */
        [64] = { ISO8583_FIXED, ISO8583_B, 8 },       /* MAC */
};

#define F(n) ISO8583_BIT(n)
/* Every request names itself by these; DE64 follows from .mac. */
#define NAMED (F(11) | F(41) | F(42) | F(60))
#define MONEY (F(3) | F(4) | F(25) | F(49))
#define TRACK (F(35) | F(57))
#define CARD (F(2) | F(14) | F(22) | F(23) | F(55) | TRACK)

static const struct host_kind_rule kinds[_HOST_KIND_MAX] = {
        [HOST_SALE] = {
                .mti = 200, .processing = "000000", .condition = "00", .type = "22", .network = "000",
                .reversal = true, .mac = true, .side = HOST_DEBIT,
                .mandatory = NAMED | MONEY | F(22), .optional = CARD,
                .answer_mandatory = F(4) | F(12) | F(13) | F(37),
        },
        [HOST_VOID] = {
                .mti = 200, .processing = "200000", .condition = "00", .type = "23", .network = "000",
                .reversal = true, .mac = true, .side = HOST_CREDIT,
                .mandatory = NAMED | MONEY | F(22) | F(37) | F(61), .optional = CARD | F(38),
                .answer_mandatory = F(4) | F(12) | F(13) | F(37),
        },
        [HOST_REFUND] = {
                .mti = 220, .processing = "200000", .condition = "00", .type = "25", .network = "000",
                .reversal = false, .mac = true, .side = HOST_CREDIT,
                .mandatory = NAMED | MONEY | F(22) | F(37) | F(61) | F(63), .optional = CARD | F(38),
                .answer_mandatory = F(4) | F(12) | F(13) | F(37),
        },
        [HOST_PREAUTH] = {
                .mti = 100, .processing = "030000", .condition = "06", .type = "10", .network = "000",
                .reversal = true, .mac = true,
                .mandatory = NAMED | MONEY | F(22), .optional = CARD,
                .answer_mandatory = F(4) | F(12) | F(13) | F(37) | F(38),
        },
        [HOST_PREAUTH_VOID] = {
                .mti = 100, .processing = "200000", .condition = "06", .type = "11", .network = "000",
                .reversal = true, .mac = true,
                .mandatory = NAMED | MONEY | F(22) | F(38) | F(61), .optional = CARD | F(37),
                .answer_mandatory = F(4) | F(12) | F(13) | F(37),
        },
        [HOST_COMPLETION] = {
                .mti = 200, .processing = "000000", .condition = "06", .type = "20", .network = "000",
                .reversal = true, .mac = true, .side = HOST_DEBIT,
                .mandatory = NAMED | MONEY | F(22) | F(38) | F(61), .optional = CARD,
                .answer_mandatory = F(4) | F(12) | F(13) | F(37),
        },
        [HOST_COMPLETION_VOID] = {
                .mti = 200, .processing = "200000", .condition = "06", .type = "21", .network = "000",
                .reversal = true, .mac = true, .side = HOST_CREDIT,
                .mandatory = NAMED | MONEY | F(22) | F(37) | F(38) | F(61), .optional = CARD,
                .answer_mandatory = F(4) | F(12) | F(13) | F(37),
        },
        [HOST_BALANCE] = {
                .mti = 200, .processing = "310000", .condition = "00", .type = "01", .network = "000",
                .reversal = false, .mac = true,
                .mandatory = NAMED | F(3) | F(22) | F(25) | F(49), .optional = CARD,
                .answer_mandatory = F(54),
        },
        [HOST_OFFLINE_SALE] = {
                .mti = 220, .processing = "000000", .condition = "00", .type = "30", .network = "000",
                .reversal = false, .mac = true, .side = HOST_DEBIT,
                .mandatory = NAMED | MONEY | F(22), .optional = (CARD & ~TRACK) | F(38),
                .answer_mandatory = F(4) | F(12) | F(13) | F(37),
        },
        /* DE4 is the tip alone. An acquirer may want the sum with the sale's, and 32 in 60.1. */
        [HOST_TIP] = {
                .mti = 220, .processing = "000000", .condition = "00", .type = "34", .network = "000",
                .reversal = false, .mac = true, .side = HOST_DEBIT,
                .mandatory = NAMED | MONEY | F(22) | F(61), .optional = (CARD & ~TRACK) | F(37) | F(38),
                .answer_mandatory = F(4) | F(12) | F(13) | F(37),
        },
        /* Codes of the original; no track data, which is not kept after the answer. */
        [HOST_REVERSAL] = {
                .mti = 400, .network = "000",
                .reversal = false, .mac = true,
                .mandatory = NAMED | MONEY | F(22) | F(39),
                .optional = (CARD & ~TRACK) | F(38) | F(61),
        },
        /* 003: keys of double length. */
        [HOST_SIGN_ON] = {
                .mti = 800, .type = "00", .network = "003",
                .mandatory = NAMED | F(63),
                .answer_mandatory = F(12) | F(13) | F(37) | F(60) | F(62),
        },
        [HOST_SIGN_OFF] = { .mti = 820, .type = "00", .network = "002", .mandatory = NAMED },
        [HOST_ECHO] = { .mti = 820, .type = "00", .network = "301", .mandatory = NAMED },
        [HOST_PARAMETERS] = {
                .mti = 820, .type = "00", .network = "362", .mandatory = NAMED | F(62), .answer_mandatory = F(62),
        },
        [HOST_CA_KEYS] = {
                .mti = 820, .type = "00", .network = "372", .mandatory = NAMED | F(62), .answer_mandatory = F(62),
        },
        [HOST_SETTLEMENT] = {
                .mti = 500, .type = "00", .network = "201",
                .mandatory = NAMED | F(48) | F(49) | F(63),
                .answer_mandatory = F(48),
        },
        [HOST_BATCH_UPLOAD] = {
                .mti = 320, .type = "00", .network = "201",
                .mandatory = NAMED | F(48),
        },
        /* The original is named by DE61, so that DE11 counts the messages. */
        [HOST_CHIP_UPLOAD] = {
                .mti = 320, .type = "00", .network = "205", .balanced = "203",
                .mandatory = NAMED | F(2) | F(4) | F(22) | F(49) | F(55) | F(61), .optional = F(23),
        },
        [HOST_BATCH_UPLOAD_END] = {
                .mti = 320, .type = "00", .network = "202", .balanced = "207",
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

const struct host_profile host_profile_unionpay = {
        .name = "unionpay",
        .fields = fields,
        .tpdu = { 0x60, 0x00, 0x03, 0x00, 0x00 },
        .header = { 0x60, 0x22, 0x00, 0x00, 0x00, 0x00 },
        .header_size = 6,
        .mac = MAC_UNIONPAY_ECB,
        .hierarchy = HOST_KEYS_TDES,
        .kinds = kinds,
        .domestic = "62",
        .encrypted = 57,
        .hidden_service = true,
        .scheme = "CUP",
        .limits = { .preauth_days = 30, .completion_percent = 115, .details = 8, .batch_transactions = 999 },
};
