// SPDX-License-Identifier: LGPL-2.1-or-later
#include "emv/tag.h"

#define CARD 0
#define TERMINAL 1

/*
 * Book 3, Annex A1: format, source, length. Of the card's objects those that this library reads, held to their
 * length, and those whose format is not the usual one, in any length: what nobody here reads does not end a
 * transaction (10.2). What is not here is binary and the card's.
 */
static const struct tag_info tags[] = {
        { 0x42, TAG_NUMERIC, CARD, 0, 255 }, /* issuer identification number */
        { TAG_AID_CARD, TAG_BINARY, CARD, 5, 16 },
        { TAG_LABEL, TAG_BINARY, CARD, 1, 16 },
        { TAG_TRACK2, TAG_BINARY, CARD, 1, 19 },
        { TAG_PAN, TAG_COMPRESSED, CARD, 1, 10 },
        { TAG_AMOUNT_BINARY, TAG_BINARY, TERMINAL, 4, 4 },
        { TAG_AIP, TAG_BINARY, CARD, 2, 2 },
        { TAG_DF_NAME, TAG_BINARY, CARD, 5, 16 },
        { TAG_PRIORITY, TAG_BINARY, CARD, 1, 1 },
        { TAG_SFI, TAG_BINARY, CARD, 1, 1 },
        { TAG_AUTHORISATION_CODE, TAG_BINARY, TERMINAL, 6, 6 },
        { TAG_ARC, TAG_BINARY, TERMINAL, 2, 2 },
        { TAG_CDOL1, TAG_BINARY, CARD, 1, 252 },
        { TAG_CDOL2, TAG_BINARY, CARD, 1, 252 },
        { TAG_CVM_LIST, TAG_BINARY, CARD, 8, 252 },
        { TAG_CA_INDEX, TAG_BINARY, CARD, 1, 1 },
        { TAG_ISSUER_AUTHENTICATION, TAG_BINARY, TERMINAL, 8, 16 },
        { TAG_AFL, TAG_BINARY, CARD, 4, 252 },
        { TAG_TVR, TAG_BINARY, TERMINAL, 5, 5 },
        { TAG_TDOL, TAG_BINARY, CARD, 0, 252 },
        { TAG_TC_HASH, TAG_BINARY, TERMINAL, 20, 20 },
        { 0x99, TAG_BINARY, TERMINAL, 0, 255 }, /* PIN data */
        { TAG_DATE, TAG_NUMERIC, TERMINAL, 3, 3 },
        { TAG_TSI, TAG_BINARY, TERMINAL, 2, 2 },
        { TAG_TRANSACTION_TYPE, TAG_NUMERIC, TERMINAL, 1, 1 },
        { TAG_EXPIRATION_DATE, TAG_NUMERIC, CARD, 3, 3 },
        { TAG_EFFECTIVE_DATE, TAG_NUMERIC, CARD, 3, 3 },
        { TAG_ISSUER_COUNTRY, TAG_NUMERIC, CARD, 2, 2 },
        { TAG_CURRENCY, TAG_NUMERIC, TERMINAL, 2, 2 },
        { TAG_LANGUAGE, TAG_BINARY, CARD, 2, 8 },
        { TAG_SERVICE_CODE, TAG_NUMERIC, CARD, 2, 2 },
        { TAG_PAN_SEQUENCE, TAG_NUMERIC, CARD, 1, 1 },
        { TAG_CURRENCY_EXPONENT, TAG_NUMERIC, TERMINAL, 1, 1 },
        { 0x5f57, TAG_NUMERIC, TERMINAL, 1, 1 }, /* account type */
        { TAG_ACQUIRER_ID, TAG_NUMERIC, TERMINAL, 6, 6 },
        { TAG_AMOUNT, TAG_NUMERIC, TERMINAL, 6, 6 },
        { TAG_AMOUNT_OTHER, TAG_NUMERIC, TERMINAL, 6, 6 },
        { TAG_AMOUNT_OTHER_BINARY, TAG_BINARY, TERMINAL, 4, 4 },
        { TAG_AID_TERMINAL, TAG_BINARY, TERMINAL, 5, 16 },
        { TAG_USAGE_CONTROL, TAG_BINARY, CARD, 2, 2 },
        { TAG_VERSION_CARD, TAG_BINARY, CARD, 2, 2 },
        { TAG_VERSION_TERMINAL, TAG_BINARY, TERMINAL, 2, 2 },
        { TAG_IAC_DEFAULT, TAG_BINARY, CARD, 5, 5 },
        { TAG_IAC_DENIAL, TAG_BINARY, CARD, 5, 5 },
        { TAG_IAC_ONLINE, TAG_BINARY, CARD, 5, 5 },
        { TAG_IAD, TAG_BINARY, CARD, 0, 32 },
        { TAG_CODE_TABLE, TAG_NUMERIC, CARD, 1, 1 },
        { TAG_PREFERRED_NAME, TAG_BINARY, CARD, 1, 16 },
        { TAG_LAST_ONLINE_ATC, TAG_BINARY, CARD, 2, 2 },
        { TAG_LOWER_LIMIT, TAG_BINARY, CARD, 1, 1 },
        { TAG_CATEGORY, TAG_NUMERIC, TERMINAL, 2, 2 },
        { TAG_MERCHANT_ID, TAG_BINARY, TERMINAL, 15, 15 },
        { TAG_PIN_TRY_COUNTER, TAG_BINARY, CARD, 1, 1 },
        { TAG_SCRIPT_ID, TAG_BINARY, TERMINAL, 4, 4 },
        { TAG_TERMINAL_COUNTRY, TAG_NUMERIC, TERMINAL, 2, 2 },
        { TAG_FLOOR_LIMIT, TAG_BINARY, TERMINAL, 4, 4 },
        { TAG_TERMINAL_ID, TAG_BINARY, TERMINAL, 8, 8 },
        { 0x9f1d, TAG_BINARY, TERMINAL, 1, 8 }, /* terminal risk management data */
        { TAG_SERIAL, TAG_BINARY, TERMINAL, 8, 8 },
        { 0x9f20, TAG_COMPRESSED, CARD, 0, 255 }, /* track 2 discretionary data */
        { TAG_TIME, TAG_NUMERIC, TERMINAL, 3, 3 },
        { TAG_CA_INDEX_TERMINAL, TAG_BINARY, TERMINAL, 1, 1 },
        { TAG_UPPER_LIMIT, TAG_BINARY, CARD, 1, 1 },
        { TAG_CRYPTOGRAM, TAG_BINARY, CARD, 8, 8 },
        { TAG_CID, TAG_BINARY, CARD, 1, 1 },
        { TAG_CAPABILITIES, TAG_BINARY, TERMINAL, 3, 3 },
        { TAG_CVM_RESULTS, TAG_BINARY, TERMINAL, 3, 3 },
        { TAG_TERMINAL_TYPE, TAG_NUMERIC, TERMINAL, 1, 1 },
        { TAG_ATC, TAG_BINARY, CARD, 2, 2 },
        { TAG_UNPREDICTABLE, TAG_BINARY, TERMINAL, 4, 4 },
        { TAG_PDOL, TAG_BINARY, CARD, 0, 252 },
        { TAG_POS_ENTRY_MODE, TAG_NUMERIC, TERMINAL, 1, 1 },
        { 0x9f3a, TAG_BINARY, TERMINAL, 4, 4 },  /* amount, reference currency */
        { 0x9f3b, TAG_NUMERIC, CARD, 0, 255 },   /* application reference currency */
        { 0x9f3c, TAG_NUMERIC, TERMINAL, 2, 2 }, /* transaction reference currency code */
        { 0x9f3d, TAG_NUMERIC, TERMINAL, 1, 1 }, /* transaction reference currency exponent */
        { TAG_ADDITIONAL_CAPABILITIES, TAG_BINARY, TERMINAL, 5, 5 },
        { TAG_COUNTER, TAG_NUMERIC, TERMINAL, 2, 4 },
        { TAG_APPLICATION_CURRENCY, TAG_NUMERIC, CARD, 2, 2 },
        { 0x9f43, TAG_NUMERIC, CARD, 0, 255 }, /* application reference currency exponent */
        { 0x9f44, TAG_NUMERIC, CARD, 0, 255 }, /* application currency exponent */
        { TAG_DATA_AUTHENTICATION_CODE, TAG_BINARY, CARD, 2, 2 },
        { TAG_DDOL, TAG_BINARY, CARD, 0, 252 },
        { TAG_DYNAMIC_NUMBER, TAG_BINARY, CARD, 2, 8 },
        { TAG_MERCHANT_NAME, TAG_BINARY, TERMINAL, 0, 40 },
        { TAG_SCRIPT_RESULTS, TAG_BINARY, TERMINAL, 0, 20 },
};

const struct tag_info *tag_find(uint32_t tag) {
        for (size_t i = 0; i < ELEMENTSOF(tags); i++)
                if (tags[i].tag == tag)
                        return tags + i;
        return NULL;
}
