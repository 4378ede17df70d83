/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Tags of EMV Book 3, Annex A, with the names of the books. */

#include "base/macro.h"

enum {
        TAG_AID_CARD = 0x4f,
        TAG_LABEL = 0x50,
        TAG_TRACK2 = 0x57,
        TAG_PAN = 0x5a,
        TAG_DIRECTORY_ENTRY = 0x61,
        TAG_FCI = 0x6f,
        TAG_RECORD = 0x70,
        TAG_SCRIPT_BEFORE = 0x71,
        TAG_SCRIPT_AFTER = 0x72,
        TAG_RESPONSE_2 = 0x77,
        TAG_RESPONSE_1 = 0x80,
        TAG_AMOUNT_BINARY = 0x81,
        TAG_AIP = 0x82,
        TAG_COMMAND_TEMPLATE = 0x83,
        TAG_DF_NAME = 0x84,
        TAG_SCRIPT_COMMAND = 0x86,
        TAG_PRIORITY = 0x87,
        TAG_SFI = 0x88,
        TAG_AUTHORISATION_CODE = 0x89,
        TAG_ARC = 0x8a,
        TAG_CDOL1 = 0x8c,
        TAG_CDOL2 = 0x8d,
        TAG_CVM_LIST = 0x8e,
        TAG_CA_INDEX = 0x8f,
        TAG_ISSUER_CERTIFICATE = 0x90,
        TAG_ISSUER_AUTHENTICATION = 0x91,
        TAG_ISSUER_REMAINDER = 0x92,
        TAG_SIGNED_STATIC_DATA = 0x93,
        TAG_AFL = 0x94,
        TAG_TVR = 0x95,
        TAG_TDOL = 0x97,
        TAG_TC_HASH = 0x98,
        TAG_DATE = 0x9a,
        TAG_TSI = 0x9b,
        TAG_TRANSACTION_TYPE = 0x9c,
        TAG_FCI_PROPRIETARY = 0xa5,
        TAG_EXPIRATION_DATE = 0x5f24,
        TAG_EFFECTIVE_DATE = 0x5f25,
        TAG_ISSUER_COUNTRY = 0x5f28,
        TAG_CURRENCY = 0x5f2a,
        TAG_LANGUAGE = 0x5f2d,
        TAG_SERVICE_CODE = 0x5f30,
        TAG_PAN_SEQUENCE = 0x5f34,
        TAG_CURRENCY_EXPONENT = 0x5f36,
        TAG_ACQUIRER_ID = 0x9f01,
        TAG_AMOUNT = 0x9f02,
        TAG_AMOUNT_OTHER = 0x9f03,
        TAG_AMOUNT_OTHER_BINARY = 0x9f04,
        TAG_AID_TERMINAL = 0x9f06,
        TAG_USAGE_CONTROL = 0x9f07,
        TAG_VERSION_CARD = 0x9f08,
        TAG_VERSION_TERMINAL = 0x9f09,
        TAG_IAC_DEFAULT = 0x9f0d,
        TAG_IAC_DENIAL = 0x9f0e,
        TAG_IAC_ONLINE = 0x9f0f,
        TAG_IAD = 0x9f10,
        TAG_CODE_TABLE = 0x9f11,
        TAG_PREFERRED_NAME = 0x9f12,
        TAG_LAST_ONLINE_ATC = 0x9f13,
        TAG_LOWER_LIMIT = 0x9f14,
        TAG_CATEGORY = 0x9f15,
        TAG_MERCHANT_ID = 0x9f16,
        TAG_PIN_TRY_COUNTER = 0x9f17,
        TAG_SCRIPT_ID = 0x9f18,
        TAG_TERMINAL_COUNTRY = 0x9f1a,
        TAG_FLOOR_LIMIT = 0x9f1b,
        TAG_TERMINAL_ID = 0x9f1c,
        TAG_SERIAL = 0x9f1e,
        TAG_TIME = 0x9f21,
        TAG_CA_INDEX_TERMINAL = 0x9f22,
        TAG_UPPER_LIMIT = 0x9f23,
        TAG_CRYPTOGRAM = 0x9f26,
        TAG_CID = 0x9f27,
        TAG_ISSUER_EXPONENT = 0x9f32,
        TAG_CAPABILITIES = 0x9f33,
        TAG_CVM_RESULTS = 0x9f34,
        TAG_TERMINAL_TYPE = 0x9f35,
        TAG_ATC = 0x9f36,
        TAG_UNPREDICTABLE = 0x9f37,
        TAG_PDOL = 0x9f38,
        TAG_POS_ENTRY_MODE = 0x9f39,
        TAG_ADDITIONAL_CAPABILITIES = 0x9f40,
        TAG_COUNTER = 0x9f41,
        TAG_APPLICATION_CURRENCY = 0x9f42,
        TAG_DATA_AUTHENTICATION_CODE = 0x9f45,
        TAG_CARD_CERTIFICATE = 0x9f46,
        TAG_CARD_EXPONENT = 0x9f47,
        TAG_CARD_REMAINDER = 0x9f48,
        TAG_DDOL = 0x9f49,
        TAG_STATIC_TAG_LIST = 0x9f4a,
        TAG_SIGNED_DYNAMIC_DATA = 0x9f4b,
        TAG_DYNAMIC_NUMBER = 0x9f4c,
        TAG_MERCHANT_NAME = 0x9f4e,
        TAG_SCRIPT_RESULTS = 0x9f5b,
        TAG_PRODUCT = 0x9f63, /* of PBOC, not of the books: product identification */
};

/* How a value is written; it rules cutting and filling in a data object list (Book 3, 5.4). */
enum tag_format {
        TAG_BINARY,     /* b, an, ans and templates: cut and filled at the end */
        TAG_NUMERIC,    /* n: cut and filled (00) in front */
        TAG_COMPRESSED, /* cn: cut at the end, filled (FF) at the end */
};

struct tag_info {
        uint32_t tag;
        uint8_t format;   /* enum tag_format */
        uint8_t terminal; /* 1: comes from the terminal or the issuer; a card cannot set it */
        uint8_t min, max; /* bytes of the value */
};

/* NULL for a tag that this library does not interpret. */
const struct tag_info *tag_find(uint32_t tag);
