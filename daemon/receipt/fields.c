// SPDX-License-Identifier: LGPL-2.1-or-later
#include "receipt/fields.h"

#include <time.h>

#include "base/amount.h"

static const struct {
        const char *name;
        struct phrase label;
        size_t offset; /* of a text or, with `number`, of a number of 6 digits; 0: field_text() makes it */
        bool number;
} fields[_FIELD_NAME_MAX] = {
#define TEXT(m) offsetof(struct slip, m), false
#define NUMBER(m) offsetof(struct slip, m), true
        [FIELD_MERCHANT_NAME] = { "merchant-name", { "商户名称", "MERCHANT NAME" }, TEXT(merchant_name) },
        [FIELD_MERCHANT_NUMBER] = { "merchant-number", { "商户编号", "MERCHANT NO." }, TEXT(merchant) },
        [FIELD_TERMINAL] = { "terminal", { "终端编号", "TERMINAL NO." }, TEXT(terminal) },
        [FIELD_OPERATOR] = { "operator", { "操作员号", "OPERATOR NO." }, TEXT(operator_id) },
        [FIELD_APPROVER] = { "approver", { "授权人", "APPROVED BY" }, TEXT(approver) },
        [FIELD_ISSUER] = { "issuer", { "发卡行", "ISSUER" }, TEXT(issuer) },
        [FIELD_ACQUIRER] = { "acquirer", { "收单行", "ACQUIRER" }, TEXT(acquirer) },
        [FIELD_CARD] = { "card", { "卡号", "CARD NO." } },
        [FIELD_KIND] = { "kind", { "交易类型", "TYPE" } },
        [FIELD_BATCH] = { "batch", { "批次号", "BATCH NO." }, NUMBER(batch) },
        [FIELD_VOUCHER] = { "voucher", { "凭证号", "VOUCHER NO." }, NUMBER(voucher) },
        [FIELD_ORIGINAL_VOUCHER] = { "original-voucher",
                                     { "原凭证号", "ORIGINAL VOUCHER" },
                                     NUMBER(original_voucher) },
        [FIELD_TRACE] = { "trace", { "流水号", "TRACE NO." }, NUMBER(stan) },
        [FIELD_AUTHORIZATION_CODE] = { "authorization-code", { "授权码", "AUTH NO." }, TEXT(authorization_code) },
        [FIELD_RRN] = { "rrn", { "参考号", "REFER NO." }, TEXT(rrn) },
        [FIELD_TIME] = { "time", { "日期时间", "DATE/TIME" } },
        [FIELD_REFERENCE] = { "reference", { "商户参考号", "MERCHANT REF." }, TEXT(reference) },
        [FIELD_AMOUNT] = { "amount", { "金额", "AMOUNT" } },
        [FIELD_CURRENCY] = { "currency", { "币种", "CURRENCY" } },
        [FIELD_RESPONSE] = { "response", { "应答码", "RESPONSE" }, TEXT(response_code) },
        [FIELD_MESSAGE] = { "message", { "原因", "REASON" } },
        [FIELD_CRYPTOGRAM] = { "cryptogram", { "应用密文", "CRYPTOGRAM" } },
        [FIELD_TVR] = { "tvr", { "TVR", "TVR" }, TEXT(tvr) },
        [FIELD_AID] = { "aid", { "AID", "AID" }, TEXT(aid) },
        [FIELD_TSI] = { "tsi", { "TSI", "TSI" }, TEXT(tsi) },
        [FIELD_CSN] = { "csn", { "CSN", "CSN" } },
        [FIELD_ATC] = { "atc", { "ATC", "ATC" }, TEXT(atc) },
        [FIELD_AIP] = { "aip", { "AIP", "AIP" }, TEXT(aip) },
        [FIELD_TERMINAL_CAPABILITIES] = { "terminal-capabilities",
                                          { "TERM CAP", "TERM CAP" },
                                          TEXT(terminal_capabilities) },
        [FIELD_LABEL] = { "label", { "APP LABEL", "APP LABEL" }, TEXT(label) },
        [FIELD_PREFERRED_NAME] = { "preferred-name", { "APP NAME", "APP NAME" }, TEXT(preferred_name) },
        [FIELD_IAD] = { "iad", { "IAD", "IAD" }, TEXT(iad) },
#undef TEXT
#undef NUMBER
};

const char *field_name_to_string(enum field_name name) {
        return (unsigned) name < _FIELD_NAME_MAX ? fields[name].name : NULL;
}

enum field_name field_name_from_string(const char *text) {
        for (unsigned i = 0; i < _FIELD_NAME_MAX; i++)
                if (streq(fields[i].name, text))
                        return (enum field_name) i;
        return _FIELD_NAME_INVALID;
}

const struct phrase *field_label(enum field_name name) {
        return &fields[name].label;
}

static void kind_text(const struct slip *slip, struct languages languages, char text[FIELD_TEXT_MAX]) {
        const struct slip_kind *kind = slip_kind_find(slip->kind);

        if (!kind)
                (void) snprintf(text, FIELD_TEXT_MAX, "%s", slip->kind);
        else if (languages.zh && languages.en)
                (void) snprintf(text, FIELD_TEXT_MAX, "%s/%s", kind->phrase.zh, kind->phrase.en);
        else
                (void) snprintf(text, FIELD_TEXT_MAX, "%s", languages.zh ? kind->phrase.zh : kind->phrase.en);
}

static void time_text(const struct slip *slip, char text[FIELD_TEXT_MAX]) {
        time_t seconds = (time_t) (slip->time_usec / 1000000) + slip->time_offset;
        struct tm tm;

        if (slip->time_usec == 0 || !gmtime_r(&seconds, &tm) ||
            strftime(text, FIELD_TEXT_MAX, "%Y/%m/%d %H:%M:%S", &tm) == 0)
                *text = '\0';
}

static int amount_text(const struct slip *slip, char text[FIELD_TEXT_MAX]) {
        const struct currency *currency = currency_find(slip->currency);
        char number[AMOUNT_TEXT_MAX];

        if (!currency)
                return -EINVAL;
        (void) snprintf(text, FIELD_TEXT_MAX, "%s %s", slip_currency_name(slip),
                        amount_format(slip_goes_back(slip) ? -slip->amount : slip->amount, currency, number));
        return 0;
}

struct phrase field_message(const struct slip *slip, char text[static FIELD_TEXT_MAX]) {
        char *en;

        (void) snprintf(text, FIELD_TEXT_MAX, "%s", slip->message);
        en = strchr(text, '\n');
        if (!en)
                return (struct phrase){ text, text };
        *en = '\0';
        return (struct phrase){ text, en + 1 };
}

static void message_text(const struct slip *slip, struct languages languages, char text[FIELD_TEXT_MAX]) {
        char message[FIELD_TEXT_MAX];
        const struct phrase phrase = field_message(slip, message);

        if (languages.zh && languages.en && phrase.zh != phrase.en)
                (void) snprintf(text, FIELD_TEXT_MAX, "%s %s", phrase.zh, phrase.en);
        else
                (void) snprintf(text, FIELD_TEXT_MAX, "%s", languages.zh ? phrase.zh : phrase.en);
}

static int made_text(const struct slip *slip, enum field_name name, struct languages languages,
                     char text[FIELD_TEXT_MAX]) {
        switch (name) {
        case FIELD_CARD:
                if (!isempty(slip->masked_pan))
                        (void) snprintf(text, FIELD_TEXT_MAX, slip->entry ? "%s %c" : "%s", slip->masked_pan,
                                        slip->entry);
                return 0;
        case FIELD_KIND:
                kind_text(slip, languages, text);
                return 0;
        case FIELD_TIME:
                time_text(slip, text);
                return 0;
        case FIELD_AMOUNT:
                return amount_text(slip, text);
        case FIELD_CURRENCY:
                (void) snprintf(text, FIELD_TEXT_MAX, "%s", slip_currency_name(slip));
                return 0;
        case FIELD_MESSAGE:
                message_text(slip, languages, text);
                return 0;
        case FIELD_CRYPTOGRAM:
                if (!isempty(slip->cryptogram))
                        (void) snprintf(text, FIELD_TEXT_MAX, "%s:%s", slip->cryptogram_kind, slip->cryptogram);
                return 0;
        case FIELD_CSN:
                if (slip->psn >= 0)
                        (void) snprintf(text, FIELD_TEXT_MAX, "%03d", slip->psn % 1000);
                return 0;
        default:
                return -EINVAL;
        }
}

int field_text(const struct slip *slip, enum field_name name, struct languages languages, char text[FIELD_TEXT_MAX]) {
        const void *p = (const char *) slip + fields[name].offset;

        *text = '\0';
        /* Who approved it is the merchant's business. */
        if (name == FIELD_APPROVER && slip->paper == SLIP_CARDHOLDER_COPY)
                return 0;
        if (fields[name].offset == 0)
                return made_text(slip, name, languages, text);
        if (!fields[name].number)
                (void) snprintf(text, FIELD_TEXT_MAX, "%s", (const char *) p);
        else if (*(const uint32_t *) p != 0)
                (void) snprintf(text, FIELD_TEXT_MAX, "%06u", *(const uint32_t *) p);
        return 0;
}
