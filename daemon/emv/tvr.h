/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * Bits of the terminal verification results (Book 3, Annex C5) and of the transaction status
 * information (C6), as byte number << 8 | mask, bytes counted from 0.
 */

#include "base/macro.h"

enum tvr_bit {
        TVR_AUTHENTICATION_NOT_PERFORMED = 0x080,
        TVR_SDA_FAILED = 0x040,
        TVR_DATA_MISSING = 0x020,
        TVR_EXCEPTION_FILE = 0x010,
        TVR_DDA_FAILED = 0x008,
        TVR_CDA_FAILED = 0x004,
        TVR_SDA_SELECTED = 0x002,
        TVR_VERSIONS_DIFFER = 0x180,
        TVR_EXPIRED = 0x140,
        TVR_NOT_YET_EFFECTIVE = 0x120,
        TVR_SERVICE_NOT_ALLOWED = 0x110,
        TVR_NEW_CARD = 0x108,
        TVR_CVM_FAILED = 0x280,
        TVR_CVM_UNRECOGNISED = 0x240,
        TVR_PIN_TRIES_EXCEEDED = 0x220,
        TVR_PIN_PAD_ABSENT = 0x210,
        TVR_PIN_NOT_ENTERED = 0x208,
        TVR_ONLINE_PIN = 0x204,
        TVR_FLOOR_LIMIT = 0x380,
        TVR_LOWER_LIMIT = 0x340,
        TVR_UPPER_LIMIT = 0x320,
        TVR_RANDOMLY_SELECTED = 0x310,
        TVR_FORCED_ONLINE = 0x308,
        TVR_DEFAULT_TDOL = 0x480,
        TVR_ISSUER_AUTHENTICATION_FAILED = 0x440,
        TVR_SCRIPT_FAILED_BEFORE = 0x420,
        TVR_SCRIPT_FAILED_AFTER = 0x410,
};

enum tsi_bit {
        TSI_AUTHENTICATION = 0x80,
        TSI_CARDHOLDER_VERIFICATION = 0x40,
        TSI_CARD_RISK_MANAGEMENT = 0x20,
        TSI_ISSUER_AUTHENTICATION = 0x10,
        TSI_TERMINAL_RISK_MANAGEMENT = 0x08,
        TSI_SCRIPT = 0x04,
};

static inline void tvr_set(uint8_t tvr[static 5], enum tvr_bit bit) {
        tvr[bit >> 8] |= bit & 0xff;
}

static inline bool tvr_test(const uint8_t tvr[static 5], enum tvr_bit bit) {
        return tvr[bit >> 8] & (bit & 0xff);
}
