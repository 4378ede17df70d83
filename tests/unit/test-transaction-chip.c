// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * Sales by chip through the whole engine: what each ends in, on the receipt, in the journal and at the acquirer; and
 * the cardholder's choice.
 */
#include "test.h"

#include "chip-fixture.h"
#include "journal/counter.h"
#include "transaction/prompt.h"

/* ---- How a sale ends ---- */

#define REQUEST 1
#define REVERSAL 2

static const struct sale {
        const char *name;
        const char *card;
        const char *script, *results;
        enum host_outcome host;
        const char *code;
        const char *denial; /* TAC of the terminal, or NULL */
        bool bad_arpc, script_mac;
        size_t arpc_size;

        enum transaction_result result;
        const char *reason;
        unsigned sent;
        const char *kind; /* of the last cryptogram */
        const char *tvr, *tsi;
        const char *reversal_reason;
} sales[] = {
        {
                .name = "online, approved, with DDA, ARPC and a script without MAC",
                .tvr = "0000008010",
                .tsi = "FC00",
                .card = "mastercard",
                .script = "720F9F1804112233448606841E00000100",
                .results = "1111223344",
                .code = "00",
                .result = RESULT_APPROVED,
                .sent = REQUEST,
                .kind = "TC",
        },
        {
                .name = "online, approved, with a script that the card does",
                .tvr = "0000008000",
                .tsi = "FC00",
                .card = "mastercard",
                .script = "72129F1804112233448609842400000400000000",
                .script_mac = true,
                .results = "2011223344",
                .code = "00",
                .result = RESULT_APPROVED,
                .sent = REQUEST,
                .kind = "TC",
        },
        {
                .name = "online, approved, and the application is blocked by a script: the card declines",
                .tvr = "0000008000",
                .tsi = "FC00",
                .card = "mastercard",
                .script = "71129F1804112233448609841E00000400000000",
                .script_mac = true,
                .results = "2011223344",
                .code = "00",
                .result = RESULT_FAILED,
                .reason = "not-completed",
                .sent = REQUEST | REVERSAL,
                .kind = "AAC",
                .reversal_reason = "06",
        },
        {
                .name = "online, approved, with CDA and ARPC",
                .tvr = "0000008000",
                .tsi = "F800",
                .card = "unionpay",
                .code = "00",
                .result = RESULT_APPROVED,
                .sent = REQUEST,
                .kind = "TC",
        },
        {
                .name = "online, approved, the ARPC is wrong",
                .tvr = "0000008040",
                .tsi = "F800",
                .card = "mastercard",
                .code = "00",
                .bad_arpc = true,
                .result = RESULT_FAILED,
                .reason = "not-completed",
                .sent = REQUEST | REVERSAL,
                .kind = "AAC",
                .reversal_reason = "06",
        },
        {
                .name = "online, approved, the ARPC is too short to be one",
                .tvr = "0000008040",
                .tsi = "E800",
                .card = "mastercard",
                .code = "00",
                .arpc_size = 2,
                .result = RESULT_FAILED,
                .reason = "not-completed",
                .sent = REQUEST | REVERSAL,
                .kind = "AAC",
                .reversal_reason = "06",
        },
        {
                .name = "online, approved, DE55 breaks off in a script",
                .tvr = "0000008020",
                .tsi = "F800",
                .card = "mastercard",
                .script = "720F9F1804",
                .code = "00",
                .result = RESULT_APPROVED,
                .sent = REQUEST,
                .kind = "TC",
        },
        {
                .name = "online, declined",
                .tvr = "0000008000",
                .tsi = "F800",
                .card = "unionpay",
                .code = "51",
                .result = RESULT_DECLINED,
                .reason = "refused",
                .sent = REQUEST,
                .kind = "AAC",
        },
        {
                .name = "unable to go online",
                .tvr = "0000008000",
                .tsi = "E800",
                .card = "unionpay",
                .host = HOST_NOT_SENT,
                .code = "00",
                .result = RESULT_FAILED,
                .reason = "unreachable-host",
                .sent = REQUEST,
                .kind = "AAC",
        },
        {
                .name = "no answer",
                .tvr = "0000008000",
                .tsi = "E800",
                .card = "unionpay",
                .host = HOST_NO_ANSWER,
                .code = "00",
                .result = RESULT_FAILED,
                .reason = "no-answer",
                .sent = REQUEST | REVERSAL,
                .kind = "AAC",
                .reversal_reason = "98",
        },
        {
                .name = "offline, declined by the card",
                .tvr = "0000008000",
                .tsi = "6800",
                .card = "offline-declined",
                .code = "00",
                .result = RESULT_DECLINED,
                .reason = "card-declined",
                .kind = "AAC",
        },
        {
                .name = "offline, declined by TAC",
                .tvr = "0040008000",
                .tsi = "6800",
                .card = "expired",
                .code = "00",
                .denial = "0040000000",
                .result = RESULT_DECLINED,
                .reason = "terminal-declined",
                .kind = "AAC",
        },
        {
                .name = "an approval offline is not allowed: it goes online",
                .tvr = "0000008000",
                .tsi = "F800",
                .card = "offline-approved",
                .code = "00",
                .result = RESULT_APPROVED,
                .sent = REQUEST,
                .kind = "TC",
        },
};

static void assert_text(const char *sale, const char *text, const char *what) {
        if (!strstr(text, what))
                fail_msg("%s: the receipt does not have %s:\n%s", sale, what, text);
}

/* No copy for anybody; a paper says NOT COMPLETED where something is taken back, and else there is none. */
static void assert_not_sold(const char *sale) {
        const struct transaction_record *r = &chip.view.record;
        _cleanup_(print_job_done) struct print_job job = {};
        _cleanup_free_ char *copy = NULL, *slip = NULL;

        assert_int_equal(shop_paper(r->id, SLIP_MERCHANT_COPY, &copy), -ENOENT);
        assert_int_equal(shop_paper(r->id, SLIP_CARDHOLDER_COPY, &copy), -ENOENT);
        if (r->reversal == REVERSAL_NONE) {
                assert_int_equal(print_job_find(shop.journal, r->id, NULL, &job), -ENOENT);
                assert_int_equal(r->print, PRINT_NONE);
                return;
        }
        assert_int_equal(print_job_find(shop.journal, r->id, NULL, &job), 0);
        assert_string_equal(job.what, "not-completed");
        assert_int_equal(job.state, PRINT_QUEUED);
        assert_false(job.duplicate);
        assert_int_equal(r->print, PRINT_QUEUED);
        assert_int_equal(shop_paper(r->id, SLIP_NOT_COMPLETED, &slip), 0);
        assert_text(sale, slip, "NOT COMPLETED");
        assert_text(sale, slip, "12.34");
        assert_text(sale, slip, r->masked_pan);
        assert_null(strstr(slip, chip.pan));
}

/* The lines of EMV on the papers, from the journal. */
static void assert_receipt(const struct sale *s) {
        const struct transaction_record *r = &chip.view.record;
        _cleanup_free_ char *merchant = NULL, *cardholder = NULL;

        if (r->result != RESULT_APPROVED)
                return assert_not_sold(s->name);
        assert_int_equal(shop_paper(r->id, SLIP_MERCHANT_COPY, &merchant), 0);
        assert_text(s->name, merchant, r->aid);
        assert_text(s->name, merchant, r->cryptogram);
        assert_text(s->name, merchant, r->tvr);
        assert_text(s->name, merchant, *r->preferred_name ? r->preferred_name : r->label);
        assert_text(s->name, merchant, r->masked_pan);
        assert_null(strstr(merchant, chip.pan));
        assert_int_equal(shop_paper(r->id, SLIP_CARDHOLDER_COPY, &cardholder), 0);
        assert_text(s->name, cardholder, r->aid);
        assert_null(strstr(cardholder, chip.pan));
}

/* DE55 of the request, against the row that came of it. */
static void assert_de55(void) {
        const struct transaction_record *r = &chip.view.record;
        static const struct {
                uint32_t tag;
                size_t column, digits; /* what the second GENERATE AC may change is not compared */
        } columns[] = {
                { TAG_AIP, offsetof(struct transaction_record, aip), 4 },
                { TAG_ATC, offsetof(struct transaction_record, atc), 4 },
                { TAG_TVR, offsetof(struct transaction_record, tvr), 8 },
                { TAG_CVM_RESULTS, offsetof(struct transaction_record, cvm_result), 6 },
                { TAG_CAPABILITIES, offsetof(struct transaction_record, terminal_capabilities), 6 },
                { TAG_DF_NAME, offsetof(struct transaction_record, aid), 14 },
        };
        struct tlv t;

        assert_int_equal(tlv_check(chip.de55, chip.de55_size), 0);
        for (size_t i = 0; i < emv_n_de55_tags; i++)
                if (tlv_find(chip.de55, chip.de55_size, emv_de55_tags[i], &t) < 0)
                        assert_int_equal(emv_de55_tags[i], TAG_PRODUCT);
        assert_int_equal(tlv_find(chip.de55, chip.de55_size, TAG_CID, &t), 0);
        assert_int_equal(t.value[0] & AC_MASK, AC_ARQC);
        assert_int_equal(tlv_find(chip.de55, chip.de55_size, TAG_AMOUNT, &t), 0);
        assert_memory_equal(t.value, "\x00\x00\x00\x00\x12\x34", 6);
        for (size_t i = 0; i < ELEMENTSOF(columns); i++) {
                char text[2 * 16 + 1];

                assert_int_equal(tlv_find(chip.de55, chip.de55_size, columns[i].tag, &t), 0);
                assert_true(t.size <= 16);
                hex_encode(t.value, t.size, text);
                assert_memory_equal((const char *) r + columns[i].column, text, columns[i].digits);
        }
}

static void run_sale(const struct sale *s) {
        const struct transaction_record *r = &chip.view.record;

        chip.outcome = s->host;
        chip.code = s->code;
        chip.script = s->script;
        chip.script_mac = s->script_mac;
        chip.bad_arpc = s->bad_arpc;
        chip.arpc_size = s->arpc_size;
        if (s->denial)
                for (uint32_t i = 0; i < shop.terminal.n_applications; i++)
                        (void) fixture_hex(s->denial, shop.terminal.applications[i].tac_denial, EMV_TVR_SIZE);
        chip_sale(s->card);

        if (r->result != s->result || !streq(r->reason, s->reason ?: ""))
                fail_msg("%s: %s, %s", s->name, transaction_result_to_string(r->result), r->reason);
        if (chip.requests != !!(s->sent & REQUEST) || chip.reversals != !!(s->sent & REVERSAL))
                fail_msg("%s: %d requests, %d reversals", s->name, chip.requests, chip.reversals);
        if (!streq(r->cryptogram_kind, s->kind ?: ""))
                fail_msg("%s: %s", s->name, r->cryptogram_kind);
        assert_int_equal(r->reversal, s->sent & REVERSAL ? REVERSAL_DONE : REVERSAL_NONE);
        if (s->reversal_reason)
                assert_string_equal(chip.reversal_reason, s->reversal_reason);
        assert_int_equal(r->entry, ENTRY_CHIP);
        assert_int_equal(strlen(r->tvr), 10);
        assert_int_equal(strlen(r->aid) >= 10, true);
        if (s->sent & REQUEST)
                assert_de55();
        if (!streq(r->tvr, s->tvr) || !streq(r->tsi, s->tsi))
                fail_msg("%s: TVR %s, TSI %s", s->name, r->tvr, r->tsi);
        assert_string_equal(r->script_results, s->results ?: "");
        assert_receipt(s);
}

static void ends(void **state) {
        for (size_t i = 0; i < ELEMENTSOF(sales); i++) {
                run_sale(sales + i);
                chip_teardown(NULL);
                chip_setup(NULL);
        }
}

/* A listed card goes online with its bit set, or is declined where the terminal's action codes say so. */
static void on_exception_file(void **state) {
        const struct transaction_record *r = &chip.view.record;
        struct tlv t;

        chip_list(CHIP_LISTED);
        chip_sale("unionpay");
        assert_int_equal(r->result, RESULT_APPROVED);
        assert_string_equal(r->tvr, "1000008000");
        assert_int_equal(tlv_find(chip.de55, chip.de55_size, TAG_TVR, &t), 0);
        assert_memory_equal(t.value, "\x10\x00\x00\x80\x00", 5);

        chip_sale("offline-approved");
        assert_int_equal(r->result, RESULT_APPROVED);
        assert_string_equal(r->tvr, "0000008000");

        for (uint32_t i = 0; i < shop.terminal.n_applications; i++)
                shop.terminal.applications[i].tac_denial[0] |= TVR_EXCEPTION_FILE;
        chip_sale("unionpay");
        assert_int_equal(r->result, RESULT_DECLINED);
        assert_string_equal(r->reason, "terminal-declined");
        assert_int_equal(chip.requests, 0);
}

/* The card of a stripe is swiped instead. */
static void swipe_sale(const char *pan) {
        struct msr_swipe swipe = { .track2 = { .status = TRACK_OK, .expiry = "4912", .service = "120" } };
        int64_t id;

        snprintf(swipe.track2.pan, sizeof(swipe.track2.pan), "%s", pan);
        snprintf(swipe.track2.text, sizeof(swipe.track2.text), "%s=4912120", pan);
        chip_start_sale();
        id = engine_current(shop.engine);
        transaction_swiped(shop.engine->current, &swipe);
        if (chip.finished == 0)
                chip_finish_sale();
        assert_int_equal(transaction_record_load(shop.journal, id, &chip.view.record), 0);
}

/* The acquirer, who has given out the list, is asked: nothing is approved without its word. */
static void stripe_on_exception_file(void **state) {
        const struct transaction_record *r = &chip.view.record;

        chip_list(CHIP_LISTED);
        swipe_sale("6200000000000005");
        assert_int_equal(r->result, RESULT_APPROVED);
        assert_int_equal(chip.requests, 1);
        assert_int_equal(r->entry, ENTRY_SWIPE);
        assert_string_equal(r->masked_pan, "620000******0005");
        assert_int_equal(r->reversal, REVERSAL_NONE);
        assert_int_equal(r->print, PRINT_QUEUED);

        chip.code = "14";
        swipe_sale("6200000000000005");
        assert_int_equal(r->result, RESULT_DECLINED);
        assert_string_equal(r->reason, "refused");
        assert_int_equal(chip.requests, 1);
}

static bool no_memory;

void *__wrap_secret_new(size_t size);
void *__real_secret_new(size_t size);

void *__wrap_secret_new(size_t size) {
        return no_memory ? NULL : __real_secret_new(size);
}

/* Before anything is sent; and no card reader is blamed for it. */
static void stripe_without_memory(void **state) {
        const struct transaction_record *r = &chip.view.record;

        no_memory = true;
        swipe_sale("6200000000000005");
        no_memory = false;
        assert_int_equal(r->result, RESULT_FAILED);
        assert_string_equal(r->reason, "no-memory");
        assert_true(*r->message);
        assert_int_equal(chip.requests, 0);
}

/* Below the floor limit each, above it together: what the card paid in this batch counts (Book 3, 10.6.1). */
static void split_sale(void **state) {
        static const struct {
                const char *card, *tvr;
        } parts[] = {
                { "unionpay", "0000000000" },
                { "unionpay", "0000008000" },
                { "mastercard", "0000000000" },
        };

        for (uint32_t i = 0; i < shop.terminal.n_applications; i++) {
                shop.terminal.applications[i].floor_limit = 2000;
                shop.terminal.applications[i].target = shop.terminal.applications[i].target_max = 0;
        }
        for (size_t i = 0; i < ELEMENTSOF(parts); i++) {
                chip_sale(parts[i].card);
                assert_int_equal(chip.view.record.result, RESULT_APPROVED);
                assert_string_equal(chip.view.record.tvr, parts[i].tvr);
        }
        /* What is settled counts no more. */
        assert_int_equal(journal_begin(shop.journal, JOURNAL_LAZY), 0);
        assert_int_equal(counter_set_batch(shop.journal, 2), 0);
        assert_int_equal(journal_commit(shop.journal), 0);
        chip_sale("unionpay");
        assert_string_equal(chip.view.record.tvr, "0000000000");
}

/* The card is drawn before each exchange in turn: paid only when none was left to disturb. */
static void removed_at_each_step(void **state) {
        const struct transaction_record *r = &chip.view.record;
        int n = 0, before = 0, after = 0;

        for (;; n++) {
                assert_true(n < 60);
                chip.behaviour.remove_at = n;
                chip_sale("mastercard");
                if (r->result == RESULT_APPROVED)
                        break;
                assert_int_equal(r->result, RESULT_FAILED);
                assert_not_sold("removed");
                if (chip.requests == 0) {
                        before++;
                        assert_string_equal(r->reason, "card-removed");
                        assert_int_equal(chip.reversals, 0);
                        assert_string_equal(r->cryptogram_kind, "");
                        assert_memory_equal(r->tvr, "00000", 5);
                        continue;
                }
                after++;
                assert_de55();
                assert_string_equal(r->tvr, "0000008000");
                assert_string_equal(r->cryptogram_kind, "ARQC");
                assert_string_equal(r->reason, "not-completed");
                assert_int_equal(chip.reversals, 1);
                assert_string_equal(chip.reversal_reason, "06");
                assert_int_equal(r->reversal, REVERSAL_DONE);
        }
        /* SELECT, GET PROCESSING OPTIONS, the records, GENERATE AC; EXTERNAL AUTHENTICATE and GENERATE AC again. */
        assert_true(before >= 6);
        assert_true(after >= 1);
        print_message("%d exchanges before the acquirer, %d after\n", before, after);
}

/* ---- The cardholder's choice ---- */

#define NOBODY 99
static unsigned choose; /* 0: Cancel; NOBODY: no answer */
static int offers;

static void on_offer(const struct transaction_view *view) {
        struct refusal refusal;
        int64_t id = view->record.id;

        if (view->n_applications == 0)
                return;
        offers++;
        assert_string_equal(view->prompt, "choose-application");
        assert_string_equal(view->language, "zh");
        assert_string_equal(prompt_text(view->prompt, view->language), "请选择应用");
        assert_int_equal(view->n_applications, 2);
        assert_string_equal(view->applications[0], "UnionPay Debit");
        assert_string_equal(view->applications[1], "UnionPay Credit");
        if (choose == NOBODY) {
                chip_pass(60);
                return;
        }
        if (choose == 0) {
                assert_int_equal(engine_cancel(shop.engine, id, &refusal), 0);
                return;
        }
        assert_true(engine_choose(shop.engine, id, 0, &refusal) < 0);
        assert_int_equal(refusal.code, REFUSAL_NOT_FOUND);
        assert_true(engine_choose(shop.engine, id, 3, &refusal) < 0);
        assert_int_equal(refusal.code, REFUSAL_NOT_FOUND);
        assert_true(engine_choose(shop.engine, id + 1, 1, &refusal) < 0);
        assert_int_equal(refusal.code, REFUSAL_NOT_ASKED);
        assert_int_equal(engine_choose(shop.engine, id, choose, &refusal), 0);
        /* Once. */
        assert_true(engine_choose(shop.engine, id, choose, &refusal) < 0);
        assert_int_equal(refusal.code, REFUSAL_NOT_ASKED);
}

static void choice_sale(unsigned answer) {
        choose = answer;
        offers = 0;
        chip.can_choose = true;
        chip.on_change = on_offer;
        chip_sale("two-applications");
        assert_int_equal(chip.view.n_applications, 0);
}

static void chosen(void **state) {
        choice_sale(2);
        assert_int_equal(chip.view.record.result, RESULT_APPROVED);
        assert_string_equal(chip.view.record.aid, "A000000333010102");
        assert_string_equal(chip.pan, "6200000000000096");
        assert_int_equal(offers, 1);

        choice_sale(1);
        assert_string_equal(chip.view.record.aid, "A000000333010101");
        assert_string_equal(chip.pan, "6200000000000088");
}

static void choice_cancelled(void **state) {
        choice_sale(0);
        assert_int_equal(chip.view.record.result, RESULT_CANCELLED);
        assert_string_equal(chip.view.record.reason, "cancelled");
        assert_int_equal(chip.requests, 0);
}

static void choice_not_made(void **state) {
        choice_sale(NOBODY);
        assert_int_equal(chip.view.record.result, RESULT_CANCELLED);
        assert_string_equal(chip.view.record.reason, "choice-timeout");
        assert_int_equal(chip.requests, 0);
}

/* Nobody promised an answer: the first one, without a question. */
static void not_asked(void **state) {
        chip.on_change = on_offer;
        offers = 0;
        chip_sale("two-applications");
        assert_int_equal(chip.view.record.result, RESULT_APPROVED);
        assert_string_equal(chip.view.record.aid, "A000000333010101");
        assert_int_equal(offers, 0);
}

/* The reader tells of a card beside the worker: the result does not wait for it, and the next sale does. */
static void card_left_in(void **state) {
        const struct transaction_view *view;

        chip.reader.card = DEVICE_CARD_PRESENT;
        chip_sale("unionpay");
        assert_int_equal(chip.view.record.result, RESULT_APPROVED);
        view = transaction_get_view(shop.engine->current);
        assert_string_equal(view->prompt, "remove-card");
        assert_string_equal(prompt_text(view->prompt, view->language), "请取回银行卡");

        chip_start_sale();
        for (int i = 0; i < 20; i++)
                assert_true(sd_event_run(shop.event, 10000) >= 0);
        view = transaction_get_view(shop.engine->current);
        assert_int_equal(view->record.state, TRANSACTION_WAITING_CARD);
        assert_string_equal(view->prompt, "remove-card");
        transaction_devices_changed(shop.engine->current);
        assert_string_equal(view->prompt, "remove-card");

        chip.reader.card = DEVICE_CARD_ABSENT;
        transaction_devices_changed(shop.engine->current);
        assert_string_equal(view->prompt, "insert-card");
        for (int i = 0; chip.finished == 0; i++) {
                assert_true(i < 3000);
                assert_true(sd_event_run(shop.event, 20000) >= 0);
        }
        assert_int_equal(view->record.result, RESULT_APPROVED);
        assert_string_equal(view->prompt, "");

        /* Taken when nobody waits for it. */
        chip.reader.card = DEVICE_CARD_PRESENT;
        chip_sale("unionpay");
        view = transaction_get_view(shop.engine->current);
        assert_string_equal(view->prompt, "remove-card");
        chip.reader.card = DEVICE_CARD_ABSENT;
        transaction_devices_changed(shop.engine->current);
        assert_string_equal(view->prompt, "");
}

/* The card of a sale that tilld did not live to end is not the next customer's. */
static void card_in_at_start(void **state) {
        const struct transaction_view *view;

        chip.reader.card = DEVICE_CARD_PRESENT;
        COPY(chip.behaviour.card, "unionpay");
        assert_int_equal(engine_start(shop.engine), 0);
        chip_start_sale();
        view = transaction_get_view(shop.engine->current);
        assert_string_equal(view->prompt, "remove-card");

        chip.reader.card = DEVICE_CARD_ABSENT;
        transaction_devices_changed(shop.engine->current);
        assert_string_equal(view->prompt, "insert-card");

        /* Taken out before anybody paid. */
        assert_int_equal(transaction_cancel(shop.engine->current), 0);
        chip.reader.card = DEVICE_CARD_PRESENT;
        transaction_mind_card(shop.engine);
        chip.reader.card = DEVICE_CARD_ABSENT;
        chip_sale("unionpay");
        assert_int_equal(chip.view.record.result, RESULT_APPROVED);
}

static char pin_prompts[128];

static void on_pin_prompt(const struct transaction_view *view) {
        size_t n = strlen(pin_prompts);

        if (strstr(view->prompt, "pin"))
                snprintf(pin_prompts + n, sizeof(pin_prompts) - n, "%s ", view->prompt);
}

/* The card is asked for its PIN only where the reader has a keypad; the paper says which it was. */
static void pin_at_keypad(void **state) {
        static const struct {
                bool keypad;
                const char *cvm, *capabilities, *prompts, *paper;
        } cases[] = {
                { true, "410302", "60A8C8", "enter-pin ", "密码已验证，无需签名" },
                { false, "5E0300", "6028C8", "", "持卡人签名" },
        };
        const struct transaction_record *r = &chip.view.record;

        for (size_t i = 0; i < ELEMENTSOF(cases); i++) {
                _cleanup_free_ char *merchant = NULL;

                chip.keypad = cases[i].keypad;
                chip.on_change = on_pin_prompt;
                pin_prompts[0] = '\0';
                chip_sale("pin");
                assert_int_equal(r->result, RESULT_APPROVED);
                assert_string_equal(r->cvm_result, cases[i].cvm);
                assert_string_equal(r->terminal_capabilities, cases[i].capabilities);
                assert_string_equal(pin_prompts, cases[i].prompts);
                assert_int_equal(shop_paper(r->id, SLIP_MERCHANT_COPY, &merchant), 0);
                assert_text("pin", merchant, cases[i].paper);
        }
}

/* What was shown while the card was in. */
static char words[512];

static void on_words(const struct transaction_view *view) {
        size_t n = strlen(words);

        if (*view->prompt && view->record.state == TRANSACTION_CARD)
                snprintf(words + n, sizeof(words) - n, "%s; ", prompt_text(view->prompt, view->language));
}

/* What is asked of the cardholder once the card has told its language is asked in it (Book 4, 11.1). */
static void card_language(void **state) {
        static const struct {
                const char *card, *country, *words[3]; /* one behind the other, among others */
        } cases[] = {
                { "pin",
                  "\x01\x56",
                  { "请稍候，请勿拔卡", "Please wait and leave your card in", "Please enter your PIN" } },
                { "unionpay", "\x02\x76", { "Please wait and leave your card in", "请稍候，请勿拔卡", "" } },
        };

        for (size_t i = 0; i < ELEMENTSOF(cases); i++) {
                const char *at = words;

                memcpy(shop.terminal.country, cases[i].country, 2);
                chip.keypad = true;
                chip.on_change = on_words;
                words[0] = '\0';
                chip_sale(cases[i].card);
                assert_int_equal(chip.view.record.result, RESULT_APPROVED);
                for (size_t k = 0; k < ELEMENTSOF(cases[i].words); k++) {
                        at = strstr(at, cases[i].words[k]);
                        if (!at)
                                fail_msg("%s: no %s in %s", cases[i].card, cases[i].words[k], words);
                }
        }
}

static void languages(void **state) {
        static const uint8_t china[] = { 0x01, 0x56 }, germany[] = { 0x02, 0x76 };

        assert_string_equal(prompt_language("", china), "zh");
        assert_string_equal(prompt_language("", germany), "en");
        assert_string_equal(prompt_language("en", china), "en");
        assert_string_equal(prompt_language("frzhen", germany), "zh");
        assert_string_equal(prompt_language("frde", germany), "en");
        assert_string_equal(prompt_language("f", germany), "en");
        assert_string_equal(prompt_text("remove-card", "en"), "Please take your card");
        assert_string_equal(prompt_text("remove-card", "zh"), "请取回银行卡");
        assert_string_equal(prompt_text("remove-card", ""), "");
        assert_string_equal(prompt_text("", "en"), "");
}

int main(int argc, char **argv) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test_setup_teardown(ends, chip_setup, chip_teardown),
                cmocka_unit_test_setup_teardown(on_exception_file, chip_setup, chip_teardown),
                cmocka_unit_test_setup_teardown(stripe_on_exception_file, chip_setup, chip_teardown),
                cmocka_unit_test_setup_teardown(stripe_without_memory, chip_setup, chip_teardown),
                cmocka_unit_test_setup_teardown(split_sale, chip_setup, chip_teardown),
                cmocka_unit_test_setup_teardown(removed_at_each_step, chip_setup, chip_teardown),
                cmocka_unit_test_setup_teardown(chosen, chip_setup, chip_teardown),
                cmocka_unit_test_setup_teardown(choice_cancelled, chip_setup, chip_teardown),
                cmocka_unit_test_setup_teardown(choice_not_made, chip_setup, chip_teardown),
                cmocka_unit_test_setup_teardown(not_asked, chip_setup, chip_teardown),
                cmocka_unit_test_setup_teardown(card_left_in, chip_setup, chip_teardown),
                cmocka_unit_test_setup_teardown(card_in_at_start, chip_setup, chip_teardown),
                cmocka_unit_test_setup_teardown(pin_at_keypad, chip_setup, chip_teardown),
                cmocka_unit_test_setup_teardown(card_language, chip_setup, chip_teardown),
                cmocka_unit_test(languages),
        };

        log_set_max_level(getenv("TILL_LOG_LEVEL") ? LOG_DEBUG : LOG_EMERG);
        if (streq(argv[0], "card-worker"))
                return be_worker(NULL);
        return cmocka_run_group_tests_name("transaction-chip", tests, NULL, NULL);
}
