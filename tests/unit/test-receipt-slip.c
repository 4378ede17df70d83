// SPDX-License-Identifier: LGPL-2.1-or-later
/* The stored form of a slip, and what its papers say and never say. */
#include "test.h"

#include "receipt-sample.h"

static void blob_round_trip(void **state) {
        _cleanup_free_ char *blob = NULL, *again = NULL;
        struct slip slip = sample_paper(SLIP_TRANSACTION_LIST), back;
        size_t size, again_size;

        slip.duplicate = true;
        slip.advice = SLIP_ADVICE_UNCONFIRMED;
        slip.amount = -1;
        slip.time_offset = -3600;
        assert_int_equal(slip_to_blob(&slip, &blob, &size), 0);
        assert_int_equal(slip_from_blob(blob, size, &back), 0);
        assert_string_equal(slip.rows, back.rows);
        assert_memory_equal(&slip, &back, offsetof(struct slip, rows));
        assert_int_equal(slip_to_blob(&back, &again, &again_size), 0);
        assert_int_equal(size, again_size);
        assert_memory_equal(blob, again, size);
        assert_non_null(strstr(blob, "message=line one\\nback\\\\slash\n"));

        slip_done(&slip);
        slip_done(&back);
        free(blob);
        assert_int_equal(slip_to_blob(&slip, &blob, &size), 0);
        assert_int_equal(slip_from_blob(blob, size, &back), 0);
        assert_memory_equal(&slip, &back, sizeof(slip));
}

static void blob_is_strict(void **state) {
        static const struct {
                const char *text;
                int expected;
        } cases[] = {
                { "tilld-slip 1\n", 0 },
                { "tilld-slip 1\npaper=declined\nbatch=17\n", 0 },
                { "", -EBADMSG },
                { "tilld-slip 1", -EPROTONOSUPPORT },
                { "tilld-slip 2\n", -EPROTONOSUPPORT },
                { "tilld-slip 1\npaper=declined", -EBADMSG },
                { "tilld-slip 1\n\n", -EBADMSG },
                { "tilld-slip 1\npaper\n", -EBADMSG },
                { "tilld-slip 1\npaper=poster\n", -EBADMSG },
                { "tilld-slip 1\nexpiry=3012\n", -EBADMSG },
                { "tilld-slip 1\nbatch=1\nbatch=1\n", -EBADMSG },
                { "tilld-slip 1\nbatch=017\n", -EBADMSG },
                { "tilld-slip 1\nbatch= 17\n", -EBADMSG },
                { "tilld-slip 1\nbatch=+17\n", -EBADMSG },
                { "tilld-slip 1\nbatch=-1\n", -EBADMSG },
                { "tilld-slip 1\nbatch=4294967296\n", -EBADMSG },
                { "tilld-slip 1\namount=9223372036854775808\n", -EBADMSG },
                { "tilld-slip 1\namount=-0\n", -EBADMSG },
                { "tilld-slip 1\npsn=100\n", -EBADMSG },
                { "tilld-slip 1\nduplicate=true\n", -EBADMSG },
                { "tilld-slip 1\nentry=II\n", -EBADMSG },
                { "tilld-slip 1\nterminal=123456789\n", -EBADMSG },
                { "tilld-slip 1\nmessage=a\\x\n", -EBADMSG },
                { "tilld-slip 1\nmessage=a\\\n", -EBADMSG },
                { "tilld-slip 1\nmessage=\xff\n", -EBADMSG },
                { "tilld-slip 1\nmasked_pan=6217009876543210128\n", -EBADMSG },
                { "tilld-slip 1\nmasked_pan=621700*98765430128\n", -EBADMSG },
                { "tilld-slip 1\nmasked_pan=621700******0128\n", 0 },
        };
        struct slip slip;

        for (size_t i = 0; i < ELEMENTSOF(cases); i++) {
                int r = slip_from_blob(cases[i].text, strlen(cases[i].text), &slip);

                if (r != cases[i].expected)
                        fail_msg("\"%s\" gives %d, not %d", cases[i].text, r, cases[i].expected);
        }
        assert_int_equal(slip_from_blob("tilld-slip 1\n\0", 14, &slip), -EBADMSG);
}

/* Whatever a damaged blob becomes, it is refused or it is a slip that can be stored again. */
static void blob_mutations(void **state) {
        _cleanup_free_ char *blob = NULL, *copy = NULL;
        struct slip slip = sample_paper(SLIP_DIAGNOSTICS), back;
        unsigned seed = 1, n_taken = 0;
        size_t size;

        assert_int_equal(slip_to_blob(&slip, &blob, &size), 0);
        copy = malloc(size);
        assert_non_null(copy);
        for (int i = 0; i < 20000; i++) {
                size_t l = size;

                memcpy(copy, blob, size);
                for (int k = rand_r(&seed) % 4; k >= 0; k--)
                        copy[(size_t) rand_r(&seed) % size] = (char) rand_r(&seed);
                if (rand_r(&seed) % 8 == 0)
                        l = (size_t) rand_r(&seed) % size;
                if (slip_from_blob(copy, l, &back) == 0) {
                        _cleanup_free_ char *again = NULL;
                        size_t again_size;

                        assert_int_equal(slip_to_blob(&back, &again, &again_size), 0);
                        slip_done(&back);
                        n_taken++;
                }
        }
        assert_true(n_taken > 100);
        slip_done(&slip);
}

static char *text_of(const struct slip *slip, const char *profile) {
        _cleanup_(page_freep) struct page *page = NULL;
        char *text;

        assert_int_equal(slip_layout(slip, receipt_style_default(), printer_profile_find(profile), &page), 0);
        assert_int_equal(page_to_text(page, &text), 0);
        return text;
}

static void assert_says(const char *text, const char *what) {
        if (!strstr(text, what))
                fail_msg("\"%s\" is missing in:\n%s", what, text);
}

static void assert_silent(const char *text, const char *what) {
        if (strstr(text, what))
                fail_msg("\"%s\" is in:\n%s", what, text);
}

static void merchant_copy(void **state) {
        static const char *const profiles[] = { "epson-80", "generic-58" };
        static const char *const says[] = {
                "银联POS签购单",
                "商户存根",
                "MERCHANT COPY",
                "好邻居便利店",
                "104310054110001",
                "12345678",
                "建设银行",
                "银联商务",
                "621700*********0128 I",
                "消费/SALE",
                "000017",
                "000042",
                "原凭证号",
                "A1B2C3",
                "123456789012",
                "2026/09/21 22:13:20",
                "RMB 128.50",
                "TC:0123456789ABCDEF",
                "TVR:0000008000",
                "AID:A000000333010101",
                "CSN:001",
                "借记卡",
                "持卡人签名",
                "本人确认以上交易",
                "测试 TEST",
                "[QR ORDER-2026-000123]",
        };
        struct slip slip = sample_slip();

        for (size_t p = 0; p < ELEMENTSOF(profiles); p++) {
                _cleanup_free_ char *text = text_of(&slip, profiles[p]);

                for (size_t i = 0; i < ELEMENTSOF(says); i++)
                        assert_says(text, says[i]);
                assert_silent(text, "重打印");
                assert_silent(text, "TRAINING");
        }
}

static void cardholder_copy(void **state) {
        _cleanup_free_ char *text = NULL, *no_cvm = NULL, *pin = NULL;
        struct slip slip = sample_slip();

        slip.paper = SLIP_CARDHOLDER_COPY;
        slip.mode = SLIP_LIVE;
        slip.duplicate = true;
        text = text_of(&slip, "epson-80");
        assert_says(text, "持卡人存根 CARDHOLDER COPY");
        assert_says(text, "重打印凭证/DUPLICATED");
        assert_silent(text, "持卡人签名");
        assert_silent(text, "TEST");

        slip.verification = SLIP_VERIFICATION_NONE;
        no_cvm = text_of(&slip, "epson-80");
        assert_says(no_cvm, "免密免签");
        slip.verification = SLIP_VERIFICATION_PIN;
        pin = text_of(&slip, "epson-80");
        assert_silent(pin, "免密免签");
}

static void refusals(void **state) {
        _cleanup_free_ char *declined = NULL, *reversed = NULL, *unconfirmed = NULL;
        struct slip slip = sample_slip();

        slip.paper = SLIP_DECLINED;
        slip.mode = SLIP_TRAINING;
        strcpy(slip.response_code, "51");
        strcpy(slip.message, "Insufficient funds");
        slip.advice = SLIP_ADVICE_PAY_AGAIN;
        declined = text_of(&slip, "epson-80");
        assert_says(declined, "DECLINED");
        assert_says(declined, "51");
        assert_says(declined, "Insufficient funds");
        assert_says(declined, "训练 TRAINING");
        assert_says(declined, "NOTHING WAS CHARGED");
        assert_silent(declined, "签购单");

        slip.paper = SLIP_NOT_COMPLETED;
        slip.advice = SLIP_ADVICE_REVERSAL_PENDING;
        reversed = text_of(&slip, "epson-80");
        assert_says(reversed, "NOT COMPLETED");
        assert_says(reversed, "THIS PAYMENT IS BEING REVERSED");
        assert_says(reversed, "pay again");
        slip.advice = SLIP_ADVICE_UNCONFIRMED;
        unconfirmed = text_of(&slip, "epson-80");
        assert_says(unconfirmed, "请勿重复支付");
        assert_says(unconfirmed, "Do not pay again");
        assert_silent(unconfirmed, "You may pay again");
}

/* What gives money back has a minus, and nobody is told to pay again. */
static void money_back(void **state) {
        static const char *const kinds[] = { "void", "refund", "pre-authorization-void", "completion-void" };

        for (size_t i = 0; i < ELEMENTSOF(kinds); i++) {
                struct slip slip = sample_slip();

                strcpy(slip.kind, kinds[i]);
                for (int advice = SLIP_ADVICE_NONE; advice < _SLIP_ADVICE_MAX; advice++) {
                        _cleanup_free_ char *text = NULL, *refusal = NULL;

                        slip.paper = SLIP_MERCHANT_COPY;
                        slip.advice = (enum slip_advice) advice;
                        text = text_of(&slip, "epson-80");
                        assert_says(text, "RMB -128.50");
                        assert_says(text, "CREDITED");
                        assert_says(text, "授权人 APPROVED BY");
                        slip.paper = SLIP_NOT_COMPLETED;
                        refusal = text_of(&slip, "generic-58");
                        assert_silent(refusal, "pay again");
                        assert_silent(refusal, "重新支付");
                }
        }
}

static void settlement(void **state) {
        static const char *const profiles[] = { "epson-80", "generic-58" };
        static const char *const says[] = { "结算总计单",     "SETTLEMENT",        "未接受", "DIFFERED", "测试 TEST",
                                            "2 笔明细未上送", "2 DETAILS NOT SENT" };
        /* Whole rows, of each width. */
        static const char *const rows[][4] = {
                { "批次号 BATCH NO.                          000017\n",
                  "流水号 TRACE NO.                          004711\n",
                  "交易类型 TYPE                  笔数     金额 RMB\n"
                  "消费 SALE                         3      1285.00\n"
                  "退货 REFUND                       1         0.50\n"
                  "------------------------------------------------\n"
                  "借记合计 DEBITS                   3      1285.00\n"
                  "贷记合计 CREDITS                  1         0.50\n"
                  "------------------------------------------------\n",
                  "交易类型 TYPE                凭证号     金额 RMB\n"
                  "离线消费 OFFLINE SALE        000012         7.00\n" },
                { "批次号 BATCH NO.          000017\n", "流水号 TRACE NO.          004711\n",
                  "交易类型 TYPE    笔数   金额 RMB\n"
                  "消费 SALE           3    1285.00\n"
                  "退货 REFUND         1       0.50\n"
                  "--------------------------------\n"
                  "借记合计 DEBITS     3    1285.00\n"
                  "贷记合计 CREDITS    1       0.50\n"
                  "--------------------------------\n",
                  "交易类型 TYPE  凭证号   金额 RMB\n"
                  "离线消费       000012       7.00\n" },
        };
        static const char *const wrong[] = { "sale", "sale 1", "sale 1 2 3", "sale x 2", "SALE 1 2" };
        struct slip slip = sample_slip();

        slip.paper = SLIP_SETTLEMENT;
        for (size_t p = 0; p < ELEMENTSOF(profiles); p++) {
                _cleanup_free_ char *text = text_of(&slip, profiles[p]);

                for (size_t i = 0; i < ELEMENTSOF(says); i++)
                        assert_says(text, says[i]);
                for (size_t i = 0; i < ELEMENTSOF(rows[p]); i++)
                        assert_says(text, rows[p][i]);
                /* It is no cardholder's. */
                assert_silent(text, "621700");
                assert_silent(text, "签名");
        }
        slip.reconciliation = SLIP_BY_AGREEMENT;
        for (size_t p = 0; p < ELEMENTSOF(profiles); p++) {
                _cleanup_free_ char *text = text_of(&slip, profiles[p]);

                assert_says(text, "协商结束");
                assert_says(text, "ENDED BY AGREEMENT");
                assert_says(text, "收单行李女士");
                assert_says(text, "授权人");
                assert_silent(text, "DIFFERED");
        }
        slip.reconciliation = SLIP_BALANCED;
        slip.left_out = 0;
        slip.rejected[0] = '\0';
        {
                _cleanup_free_ char *text = text_of(&slip, "epson-80");

                assert_says(text, "对账平");
                assert_silent(text, "未接受");
                assert_silent(text, "协商");
                assert_silent(text, "明细未上送");
                assert_silent(text, "收单行李女士");
        }
        for (size_t i = 0; i < ELEMENTSOF(wrong); i++) {
                struct page *page;

                strcpy(slip.totals, wrong[i]);
                assert_int_equal(slip_layout(&slip, receipt_style_default(), printer_profile_find("epson-80"), &page),
                                 -EBADMSG);
        }
}

/* What adds up stands in columns, kinds apart from cards apart from sums. */
static void settlement_columns(void **state) {
        struct slip slip = sample_slip();
        _cleanup_free_ char *text = NULL, *wide = NULL;

        slip.paper = SLIP_SETTLEMENT;
        strcpy(slip.totals, "sale 112 15430550\nrefund 2 25990\ndomestic-debit 110 15285000\nforeign-debit 2 145550\n"
                            "debit 112 15430550\ncredit 2 25990\n");
        text = text_of(&slip, "generic-58");
        assert_says(text, "交易类型 TYPE    笔数   金额 RMB\n"
                          "消费 SALE         112  154305.50\n"
                          "退货 REFUND         2     259.90\n"
                          "--------------------------------\n"
                          "内卡借记          110  152850.00\n"
                          "外卡借记            2    1455.50\n"
                          "--------------------------------\n"
                          "借记合计 DEBITS   112  154305.50\n"
                          "贷记合计 CREDITS    2     259.90\n");
        assert_says(text, "交易类型 TYPE  凭证号   金额 RMB\n"
                          "离线消费       000012       7.00\n");
        wide = text_of(&slip, "epson-80");
        assert_says(wide, "内卡借记 DOMESTIC DEBIT         110    152850.00\n"
                          "外卡借记 FOREIGN DEBIT            2      1455.50\n");
}

/* A card without a chip leaves out what would stand between two rules: there is one then. */
static void no_rule_twice(void **state) {
        struct slip slip = sample_slip();
        _cleanup_free_ char *text = NULL;

        slip.psn = -1;
        *slip.cryptogram = *slip.tvr = *slip.aid = *slip.tsi = *slip.atc = '\0';
        *slip.label = *slip.preferred_name = *slip.aip = *slip.iad = *slip.terminal_capabilities = '\0';
        text = text_of(&slip, "generic-58");
        assert_says(text, "RMB 128.50\n--------------------------------\n持卡人签名");
        assert_silent(text, "-\n-");
}

/* Of a field both languages are on paper, however narrow it is. */
static void whole_labels(void **state) {
        struct slip slip = sample_slip();
        _cleanup_free_ char *text = text_of(&slip, "generic-58");

        assert_says(text, "商户编号 MERCHANT NO.\n                 104310054110001\n");
        assert_says(text, "卡号 CARD NO.\n           621700*********0128 I\n");
        assert_says(text, "日期时间 DATE/TIME\n             2026/09/21 22:13:20\n");
        assert_says(text, "批次号 BATCH NO.          000017\n");
}

/* Why is said in the paper's languages; a text that is not in two is for all of them. */
static void reasons(void **state) {
        static const char *const messages[] = { "可用余额不足\nNot enough money in the account", "Declined" };
        static const char *const says[][_STYLE_LANGUAGES_MAX] = {
                {
                        [STYLE_BOTH] = "\n可用余额不足\nNot enough money in the account\n",
                        [STYLE_CHINESE] = "51\n可用余额不足\n\n",
                        [STYLE_ENGLISH] = "51\nNot enough money in the account\n\n",
                },
                { "\nDeclined\n", "\nDeclined\n", "\nDeclined\n" },
        };
        struct receipt_style style = *receipt_style_default();
        struct slip slip = sample_slip();

        slip.paper = SLIP_DECLINED;
        slip.advice = SLIP_ADVICE_PAY_AGAIN;
        strcpy(slip.response_code, "51");
        for (size_t i = 0; i < ELEMENTSOF(messages); i++)
                for (enum style_languages l = 0; l < _STYLE_LANGUAGES_MAX; l++) {
                        _cleanup_(page_freep) struct page *page = NULL;
                        _cleanup_free_ char *text = NULL;

                        strcpy(slip.message, messages[i]);
                        style.languages = l;
                        assert_int_equal(slip_layout(&slip, &style, printer_profile_find("generic-58"), &page), 0);
                        assert_int_equal(page_to_text(page, &text), 0);
                        assert_says(text, says[i][l]);
                }
}

/* Rows of a diagnostics slip are said in English and are on paper in its languages. */
static void diagnostics(void **state) {
        _cleanup_(slip_done) struct slip slip = sample_paper(SLIP_DIAGNOSTICS);
        struct receipt_style style = *receipt_style_default();
        static const char *const says[_STYLE_LANGUAGES_MAX][3] = {
                [STYLE_BOTH] = { "设备 DEVICES\n", "待打印 PAPERS WAITING", "已连接\n" },
                [STYLE_CHINESE] = { "\n设备\n", "\n待打印 ", "未连接\n" },
                [STYLE_ENGLISH] = { "\nDEVICES\n", "\nPAPERS WAITING ", " NOT CONNECTED\n" },
        };

        for (enum style_languages l = 0; l < _STYLE_LANGUAGES_MAX; l++) {
                _cleanup_(page_freep) struct page *page = NULL;
                _cleanup_free_ char *text = NULL;

                style.languages = l;
                assert_int_equal(slip_layout(&slip, &style, printer_profile_find("epson-80"), &page), 0);
                assert_int_equal(page_to_text(page, &text), 0);
                for (size_t i = 0; i < ELEMENTSOF(says[l]); i++)
                        assert_says(text, says[l][i]);
                assert_says(text, "ACS ACR39U ICC Reader (1-1.2)");
                assert_says(text, "printer-paper");
        }
}

/* Of double size, so that nobody takes it for a sale. */
static void back_is_large(void **state) {
        static const char *const kinds[][2] = {
                { "void", "消费撤销/VOID" },
                { "refund", "退货/REFUND" },
                { "completion-void", "预授权完成撤销" },
        };

        for (size_t i = 0; i < ELEMENTSOF(kinds); i++) {
                _cleanup_(page_freep) struct page *page = NULL;
                struct slip slip = sample_slip();
                unsigned large = 0;

                strcpy(slip.kind, kinds[i][0]);
                assert_int_equal(
                        slip_layout(&slip, receipt_style_default(), printer_profile_find("generic-58"), &page), 0);
                for (size_t k = 0; k < page->n_lines; k++)
                        large += page->lines[k].text && streq(page->lines[k].text, kinds[i][1]) &&
                                 page->lines[k].width == 2 && page->lines[k].height == 2;
                assert_int_equal(large, 1);
        }
}

/* What a printer without a Chinese font has in itself. */
static void plain(void **state) {
        _cleanup_(page_freep) struct page *page = NULL;
        _cleanup_free_ char *text = NULL;
        struct slip slip = sample_slip();

        strcpy(slip.issuer, "建设银行 CCB");
        assert_int_equal(
                slip_layout_plain(&slip, receipt_style_default(), printer_profile_find("epson-80-latin"), &page), 0);
        assert_int_equal(page_to_text(page, &text), 0);
        for (const char *p = text; *p; p++)
                assert_true((unsigned char) *p < 0x80);
        assert_says(text, "MERCHANT COPY");
        assert_says(text, "RMB 128.50");
        assert_says(text, "CCB");
        assert_silent(text, "MERCHANT NAME");
        assert_silent(text, "APP NAME");
}

static void texts_are_cut_between_characters(void **state) {
        static const struct {
                const char *text, *kept;
        } cases[] = {
                { "", "" },           { "abcdefg", "abcdefg" }, { "abcdefgh", "abcdefg" }, { "汉字三", "汉字" },
                { "ab汉字", "ab汉" }, { "a\xff\xc3z", "a??z" }, { "abcd😀", "abcd" },
        };

        for (size_t i = 0; i < ELEMENTSOF(cases); i++) {
                char field[8];

                SLIP_SET(field, cases[i].text);
                assert_string_equal(field, cases[i].kept);
        }
}

/* Whatever somebody else's text is, the paper comes. */
static void rows_are_clean(void **state) {
        _cleanup_(slip_done) struct slip slip;
        _cleanup_free_ char *blob = NULL;
        size_t size;

        slip_init(&slip);
        slip.paper = SLIP_DIAGNOSTICS;
        assert_int_equal(slip_add_title(&slip, "\xff"), 0);
        assert_int_equal(slip_add_pair(&slip, "打印机\xe6\x89", "a\tb\x7f\nc"), 0);
        assert_string_equal(slip.rows, "?\n打印机?\ta b  c\n");
        assert_int_equal(slip_to_blob(&slip, &blob, &size), 0);
}

static void amounts(void **state) {
        struct slip slip = sample_slip();
        struct page *page = NULL;
        char *text;

        slip.amount = 999999999999;
        text = text_of(&slip, "generic-58");
        assert_says(text, "RMB 9999999999.99");
        free(text);
        strcpy(slip.currency, "JPY");
        slip.amount = 500;
        text = text_of(&slip, "generic-58");
        assert_says(text, "JPY 500\n");
        free(text);
        strcpy(slip.currency, "???");
        assert_int_equal(slip_layout(&slip, receipt_style_default(), printer_profile_default(), &page), -EINVAL);
        assert_null(page);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(blob_round_trip), cmocka_unit_test(blob_is_strict),
                cmocka_unit_test(blob_mutations),  cmocka_unit_test(merchant_copy),
                cmocka_unit_test(cardholder_copy), cmocka_unit_test(refusals),
                cmocka_unit_test(money_back),      cmocka_unit_test(settlement),
                cmocka_unit_test(plain),           cmocka_unit_test(settlement_columns),
                cmocka_unit_test(whole_labels),    cmocka_unit_test(diagnostics),
                cmocka_unit_test(reasons),         cmocka_unit_test(back_is_large),
                cmocka_unit_test(no_rule_twice),   cmocka_unit_test(amounts),
                cmocka_unit_test(rows_are_clean),  cmocka_unit_test(texts_are_cut_between_characters),
        };

        return cmocka_run_group_tests_name("receipt-slip", tests, NULL, NULL);
}
