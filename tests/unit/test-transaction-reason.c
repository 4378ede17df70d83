// SPDX-License-Identifier: LGPL-2.1-or-later
/* What a person reads of each reason is true of each kind that can end like that, and says what to do. */
#include "test.h"

#include "shop-settings.h"
#include "transaction/engine.h"
#include "transaction/paper.h"
#include "transaction/reason.h"

enum who {
        ALL,
        CARD,     /* kinds with one */
        CHIP,     /* that goes all of its way */
        REQUEST,  /* of the acquirer, about money or a balance */
        REVERSED, /* what is taken back */
        UNSURE,   /* money without a reversal */
        NO_MONEY, /* a balance, and what is about the terminal */
        ADVICE,   /* approved here */
        SALE,
        ORIGINAL,
        APPROVAL,
        SETTLEMENT,
        DOWNLOAD,
};

static const struct {
        const char *word;
        enum who who;
} words[] = {
        { "cancelled", CARD },
        { "card-timeout", CARD },
        { "choice-timeout", CARD },
        { "card-removed", CARD },
        { "card-mute", CARD },
        { "card-silent", CARD },
        { "card-not-accepted", CARD },
        { "card-blocked", CARD },
        { "card-malformed", CARD },
        { "card-declined", CHIP },
        { "card-not-genuine", CHIP },
        { "terminal-declined", CHIP },
        { "live-card", CARD },
        { "reader-failed", CARD },
        { "worker-failed", CARD },
        { "no-memory", ALL },
        { "unreachable-host", ALL },
        { "reversal-pending", REQUEST },
        { "reversal-rejected", REQUEST },
        { "no-answer", REVERSED },
        { "bad-answer", REVERSED },
        { "not-completed", CHIP },
        { "cut-off", REVERSED },
        { "interrupted", ALL },
        { "unconfirmed", UNSURE },
        { "unanswered", NO_MONEY },
        { "bad-download", DOWNLOAD },
        { "not-made", ALL },
        { "no-sign-on", ALL },
        { "other-card", ORIGINAL },
        { "approval-timeout", APPROVAL },
        { "offline", ADVICE },
        { "offline-not-allowed", SALE },
        { "resolved", ALL },
        { "balanced", SETTLEMENT },
        { "uploaded", SETTLEMENT },
        { "settle-again", SETTLEMENT },
        { "not-all-told", SETTLEMENT },
        { "unresolved", SETTLEMENT },
        { "not-reconciled", SETTLEMENT },
        { "settlement-refused", SETTLEMENT },
        { "batch-differs", SETTLEMENT },
        { "by-agreement", SETTLEMENT },
        { "storage", ALL },
};

static bool is_reversed(const struct kind *kind) {
        return host_profile_unionpay.kinds[kind_to_host(kind)].reversal;
}

static bool can_end(const struct kind *kind, enum who who) {
        enum host_kind host = kind_to_host(kind);

        switch (who) {
        case ALL:
                return true;
        case CARD:
                return kind->card != KIND_CARD_NONE;
        case CHIP:
                return kind->card == KIND_CARD_FULL || kind->card == KIND_CARD_ONLINE;
        case REQUEST:
                return kind->way == KIND_WAY_REQUEST;
        case REVERSED:
                return is_reversed(kind);
        case UNSURE:
                return kind->way == KIND_WAY_REQUEST && kind->amount && !is_reversed(kind);
        case NO_MONEY:
                return !kind->amount;
        case ADVICE:
                return kind->way == KIND_WAY_ADVICE || host == HOST_SALE;
        case SALE:
                return host == HOST_SALE;
        case ORIGINAL:
                return kind_has_original(kind) && kind->card != KIND_CARD_NONE;
        case APPROVAL:
                return kind->supervisor;
        case SETTLEMENT:
                return host == HOST_SETTLEMENT;
        case DOWNLOAD:
                return host == HOST_PARAMETERS || host == HOST_CA_KEYS;
        }
        return false;
}

static void refute(const struct kind *kind, const char *word, const char *sentence, const char *part) {
        if (strstr(sentence, part))
                fail_msg("%s, %s: \"%s\" in \"%s\"", kind->name, word, part, sentence);
}

static void check(const struct kind *kind, const char *word) {
        const char *sentence = reason_to_sentence(word, kind);
        /* It is about another one, and says so. */
        bool other = strstr(sentence, "An earlier transaction") || strstr(sentence, "of an earlier transaction");

        if (isempty(sentence) || sentence[strlen(sentence) - 1] != '.')
                fail_msg("%s, %s: \"%s\"", kind->name, word, sentence);
        /* What is voided or asked for was not to be paid. */
        refute(kind, word, sentence, "paid");
        refute(kind, word, sentence, "payment");
        if (!is_reversed(kind) && !other)
                refute(kind, word, sentence, "taken back");
        if (kind_has_original(kind))
                refute(kind, word, sentence, "another");
        if (kind->card == KIND_CARD_NONE)
                refute(kind, word, sentence, "card");
        if (kind_to_host(kind) != HOST_SETTLEMENT && kind->amount)
                refute(kind, word, sentence, "settle");
        if (kind->amount && streq(word, "interrupted"))
                assert_non_null(strstr(sentence, "nothing was booked"));
}

static void true_of_each_kind(void **state) {
        for (enum host_kind k = 0; k < _HOST_KIND_MAX; k++) {
                const struct kind *kind = kind_find(host_kind_name(k));

                for (size_t i = 0; kind && i < ELEMENTSOF(words); i++)
                        if (can_end(kind, words[i].who))
                                check(kind, words[i].word);
        }
}

/* Those that a card gives are among them, and of a kind of another version there is something to be said, too. */
static void each_has_one(void **state) {
        for (size_t i = 0; i < ELEMENTSOF(words); i++)
                assert_true(*reason_to_sentence(words[i].word, NULL));
        for (enum emv_reason r = EMV_REASON_NONE; r <= EMV_REASON_ABORTED; r++)
                if (!streq(reason_of_card(r), "refused"))
                        assert_true(*reason_to_sentence(reason_of_card(r), NULL));
        assert_string_equal(reason_to_sentence("no-such-word", NULL), "");
}

/* What the cardholder's paper says of an end. */
static void message_of(const char *reason, const char *code, char message[256]) {
        struct settings settings = shop_settings();
        struct engine e = { .config.settings = &settings };
        struct transaction_record record;
        struct slip slip;

        transaction_record_init(&record);
        COPY(record.kind, "sale");
        COPY(record.reason, reason);
        COPY(record.response_code, code);
        COPY(record.message, reason_to_sentence(reason, kind_find("sale")));
        assert_int_equal(paper_fill_transaction(&e, &record, SLIP_DECLINED, &slip), 0);
        (void) snprintf(message, 256, "%s", slip.message);
        slip_done(&slip);
}

static bool is_ascii(const char *text) {
        for (; *text; text++)
                if (*text & 0x80)
                        return false;
        return true;
}

/* Chinese, then English. */
static void assert_both(const char *of, const char *message) {
        const char *en = strchr(message, '\n');

        if (!en || en == message || is_ascii(message) || !en[1] || !is_ascii(en) || strchr(en + 1, '\n'))
                fail_msg("%s: \"%s\"", of, message);
}

/* Nobody but the cashier is told to keep a card or to sign on; the code stands beside it. */
static void refusals_on_paper(void **state) {
        static const char *const cashiers[] = { "keep", "sign on",      "stolen", "Lost",         "authentication",
                                                "没收", "签到",         "挂失",   "被窃",         "校验",
                                                "Keys", "Batch totals", "登记",   "this merchant" };
        unsigned n = 0;

        for (char a = '0'; a <= 'Z'; a++)
                for (char b = '0'; b <= 'Z'; b++) {
                        const char code[3] = { a, b };
                        const struct host_result *result = host_result_find(code);
                        char message[256];

                        if (result->action == HOST_ACTION_APPROVE)
                                continue;
                        n += *result->code != '\0';
                        message_of("refused", code, message);
                        assert_both(code, message);
                        for (size_t i = 0; i < ELEMENTSOF(cashiers); i++)
                                if (strcasestr(message, cashiers[i]))
                                        fail_msg("%s: \"%s\" in \"%s\"", code, cashiers[i], message);
                }
        assert_true(n > 40);
}

/* In both languages, or the line is left out: a sentence for the cashier is on no paper. */
static void reasons_on_paper(void **state) {
        for (size_t i = 0; i < ELEMENTSOF(words); i++) {
                enum who who = words[i].who;
                char message[256];

                message_of(words[i].word, "", message);
                /* The usual ends of those that have a paper say why. */
                if (*message || who == CHIP || who == REVERSED || who == UNSURE)
                        assert_both(words[i].word, message);
        }
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(true_of_each_kind),
                cmocka_unit_test(each_has_one),
                cmocka_unit_test(refusals_on_paper),
                cmocka_unit_test(reasons_on_paper),
        };

        return cmocka_run_group_tests_name("transaction-reason", tests, NULL, NULL);
}
