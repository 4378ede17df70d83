/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * What of a slip can be named in a layout file. There is no expiry and no full card number to name. Inside of
 * this room.
 */

#include "receipt/phrases.h"

enum field_name {
        FIELD_MERCHANT_NAME,
        FIELD_MERCHANT_NUMBER,
        FIELD_TERMINAL,
        FIELD_OPERATOR,
        FIELD_APPROVER,
        FIELD_ISSUER,
        FIELD_ACQUIRER,
        FIELD_CARD,
        FIELD_KIND,
        FIELD_BATCH,
        FIELD_VOUCHER,
        FIELD_ORIGINAL_VOUCHER,
        FIELD_TRACE,
        FIELD_AUTHORIZATION_CODE,
        FIELD_RRN,
        FIELD_TIME,
        FIELD_REFERENCE,
        FIELD_AMOUNT,
        FIELD_CURRENCY,
        FIELD_RESPONSE,
        FIELD_MESSAGE,
        FIELD_CRYPTOGRAM,
        FIELD_TVR,
        FIELD_AID,
        FIELD_TSI,
        FIELD_CSN,
        FIELD_ATC,
        FIELD_AIP,
        FIELD_TERMINAL_CAPABILITIES,
        FIELD_LABEL,
        FIELD_PREFERRED_NAME,
        FIELD_IAD,
        _FIELD_NAME_MAX,
        _FIELD_NAME_INVALID = -EINVAL,
};

#define FIELD_TEXT_MAX 512

/* Which languages a paper is in. */
struct languages {
        bool zh, en;
};

const char *field_name_to_string(enum field_name name);
enum field_name field_name_from_string(const char *text);
const struct phrase *field_label(enum field_name name);

/* Why it was refused, "中文\nEnglish" in parts of text; the same twice where it is a text for all languages. */
struct phrase field_message(const struct slip *slip, char text[static FIELD_TEXT_MAX]);
/* What the slip says for it; "" where it says nothing, or nothing on this paper. -EINVAL for an unknown currency. */
int field_text(const struct slip *slip, enum field_name name, struct languages languages, char text[FIELD_TEXT_MAX]);
