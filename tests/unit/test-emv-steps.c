// SPDX-License-Identifier: LGPL-2.1-or-later
#include "test.h"

/* The steps that decide without the card, in tables: restrictions, cardholder, risk, action. */

#include "emv-dialogue.h"

static void restrictions(void **state) {
        static const struct {
                const char *what, *version, *usage, *country, *effective, *expiry, *tvr;
                uint8_t type;
                uint64_t other;
        } cases[] = {
                { "all well", "0020", "FF00", "0156", "200101", "491231", "0000000000" },
                { "no optional data", NULL, NULL, NULL, NULL, "491231", "0000000000" },
                { "another version", "0001", NULL, NULL, NULL, "491231", "0080000000" },
                { "second version", "0030", NULL, NULL, NULL, "491231", "0000000000" },
                { "expires today", NULL, NULL, NULL, NULL, "261121", "0000000000" },
                { "expired yesterday", NULL, NULL, NULL, NULL, "261120", "0040000000" },
                { "of the last century", NULL, NULL, NULL, NULL, "991231", "0040000000" },
                { "effective today", NULL, NULL, NULL, "261121", "491231", "0000000000" },
                { "effective tomorrow", NULL, NULL, NULL, "261122", "491231", "0020000000" },
                { "of the last century, good", NULL, NULL, NULL, "500101", "491231", "0000000000" },
                { "only at ATMs", NULL, "FE00", "0156", NULL, "491231", "0010000000" },
                { "only at ATMs, no country", NULL, "FE00", NULL, NULL, "491231", "0010000000" },
                { "no domestic goods or services", NULL, "D501", "0156", NULL, "491231", "0010000000" },
                { "domestic services only", NULL, "0900", "0156", NULL, "491231", "0000000000" },
                { "domestic only, card from abroad", NULL, "A900", "0840", NULL, "491231", "0010000000" },
                { "foreign goods, card from abroad", NULL, "1100", "0840", NULL, "491231", "0000000000" },
                { "cash at home", NULL, "8100", "0156", NULL, "491231", "0000000000", 0x01 },
                { "no cash at home", NULL, "7D00", "0156", NULL, "491231", "0010000000", 0x01 },
                { "cash back at home", NULL, "FF80", "0156", NULL, "491231", "0000000000", 0x09, 100 },
                { "no cash back at home", NULL, "FF40", "0156", NULL, "491231", "0010000000", 0x09, 100 },
                { "cash back abroad", NULL, "FF40", "0840", NULL, "491231", "0000000000", 0x09, 100 },
        };

        for (size_t i = 0; i < ELEMENTSOF(cases); i++) {
                struct emv *e = fresh(*state);
                struct fixture *f = *state;

                memcpy(f->application.versions, "\x00\x20\x00\x30", 4);
                f->application.n_versions = 2;
                f->start.transaction_type = cases[i].type;
                f->start.amount_other = cases[i].other;
                if (cases[i].version)
                        put(e, TAG_VERSION_CARD, cases[i].version);
                if (cases[i].usage)
                        put(e, TAG_USAGE_CONTROL, cases[i].usage);
                if (cases[i].country)
                        put(e, TAG_ISSUER_COUNTRY, cases[i].country);
                if (cases[i].effective)
                        put(e, TAG_EFFECTIVE_DATE, cases[i].effective);
                put(e, TAG_EXPIRATION_DATE, cases[i].expiry);
                assert_int_equal(emv_check_restrictions(e), 0);
                assert_tvr(e, cases[i].tvr, cases[i].what);
        }
}

static void cardholder(void **state) {
        static const struct {
                const char *what, *list, *cvm, *tvr;
                bool signature, performed;
                uint64_t amount, other;
                uint8_t type;
                const char *aip;
                int error;
        } cases[] = {
                { "not of this card", "00000000 00000000 1E00", "3F0000", "0000000000", .aip = "6C00" },
                { "no list", NULL, "3F0000", "2000000000" },
                { "list without rules", "00000000 00000000", "3F0000", "2000000000" },
                { "half a rule", "00000000 00000000 1E00 1F", "", "", .error = -EBADMSG },
                { "signature", "00000000 00000000 1E00", "1E0000", "0000000000", true, true },
                { "signature, go on", "00000000 00000000 5E03 1F00", "5E0300", "0000000000", true, true },
                { "no CVM", "00000000 00000000 1F00", "1F0002", "0000000000", false, true },
                { "fail", "00000000 00000000 0000", "000001", "0000800000", false, true },
                { "fail, but go on", "00000000 00000000 4000 1F00", "1F0002", "0000000000", false, true },
                { "fail, go on to nothing", "00000000 00000000 4003", "400301", "0000800000", false, true },
                { "fail, then what is not supported", "00000000 00000000 4000 4200", "400001", "0000900000", false,
                  true },
                { "online PIN if supported, then signature", "00000000 00000000 4203 1E00", "1E0000", "0000000000",
                  true, true },
                { "online PIN always, then signature", "00000000 00000000 4200 1E00", "1E0000", "0000100000", true,
                  true },
                { "online PIN always, no more", "00000000 00000000 0200 1E00", "3F0001", "0000900000", false, true },
                { "plain PIN always, then nothing", "00000000 00000000 4100", "3F0001", "0000900000", false, true },
                { "enciphered PIN with signature", "00000000 00000000 4500 1F00", "1F0002", "0000100000", false,
                  true },
                { "unknown method, go on", "00000000 00000000 6000 1F00", "1F0002", "0000400000", false, true },
                { "unknown method, stop", "00000000 00000000 2000 1F00", "3F0001", "0000C00000", false, true },
                { "unknown condition", "00000000 00000000 1E0A 1F00", "1F0002", "0000000000", false, true },
                { "no condition met", "00000000 00000000 1E01 1E04 1E05", "3F0001", "0000800000", false, true },
                { "unknown method if supported", "00000000 00000000 2003 1F00", "1F0002", "0000000000", false, true },
                { "signature after what is not supported", "00000000 00000000 4500 6000 1E00", "1E0000", "0000500000",
                  true, true },
                { "not cash", "00000000 00000000 1E02", "1E0200", "0000000000", true, true },
                { "cash", "00000000 00000000 1E02 1F04", "1F0402", "0000000000", false, true, .type = 0x01 },
                { "cash back", "00000000 00000000 1F02 1E05", "1E0500", "0000000000", true, true, .other = 1 },
                { "under X", "000003E8 00000000 1F06 1E07", "1F0602", "0000000000", false, true, .amount = 999 },
                { "at X", "000003E8 00000000 1F06 1E07", "3F0001", "0000800000", false, true, .amount = 1000 },
                { "over X", "000003E8 00000000 1F06 1E07", "1E0700", "0000000000", true, true, .amount = 1001 },
                { "under Y", "00000000 000003E8 1F08 1E09", "1F0802", "0000000000", false, true, .amount = 999 },
                { "over Y", "00000000 000003E8 1F08 1E09", "1E0900", "0000000000", true, true, .amount = 1001 },
                { "over X, other currency", "000003E8 00000000 1F07 1E00", "1E0000", "0000000000", true, true,
                  .amount = 5000, .aip = "7D01" },
        };

        for (size_t i = 0; i < ELEMENTSOF(cases); i++) {
                struct emv *e = fresh(*state);
                struct fixture *f = *state;

                put(e, TAG_AIP, cases[i].aip ?: "7D00");
                put(e, TAG_APPLICATION_CURRENCY, cases[i].aip && streq(cases[i].aip, "7D01") ? "0840" : "0156");
                if (cases[i].list)
                        put(e, TAG_CVM_LIST, cases[i].list);
                f->start.transaction_type = cases[i].type;
                f->start.amount_other = cases[i].other;
                if (cases[i].amount)
                        f->start.amount = cases[i].amount;
                assert_int_equal(emv_verify_cardholder(e), cases[i].error);
                if (cases[i].error)
                        continue;
                assert_cvm(e, cases[i].cvm, cases[i].what);
                assert_tvr(e, cases[i].tvr, cases[i].what);
                assert_int_equal(e->signature, cases[i].signature);
                assert_int_equal(!!(e->tsi[0] & TSI_CARDHOLDER_VERIFICATION), cases[i].performed);
        }
}

/* GET DATA from a card that knows its two counters, or says 6A88. */
struct counters {
        int counter, last;
        struct emv_memory memory;
        int forgotten;
};

static int give_counter(void *userdata, const uint8_t *command, size_t size,
                        uint8_t response[static APDU_RESPONSE_MAX], size_t *ret_size) {
        const struct counters *c = userdata;
        int value = command[3] == 0x36 ? c->counter : c->last;

        assert_memory_equal(command, "\x80\xca\x9f", 3);
        if (value < 0) {
                memcpy(response, "\x6a\x88", 2);
                *ret_size = 2;
                return 0;
        }
        memcpy(response, (const uint8_t[]){ 0x9f, command[3], 2, (uint8_t) (value >> 8), (uint8_t) value, 0x90, 0x00 },
               7);
        *ret_size = 7;
        return 0;
}

static int remember(void *userdata, const struct emv_card_data *card, struct emv_memory *ret) {
        const struct counters *c = userdata;

        assert_string_equal(card->pan, "6200000000000005");
        *ret = c->memory;
        return c->forgotten;
}

static void risk(void **state) {
        static const struct emv_callbacks callbacks = { .transmit = give_counter, .recall = remember };
        static const struct {
                const char *what, *tvr;
                uint64_t amount, floor_limit, threshold;
                uint8_t target, target_max, random;
                const char *lower, *upper;
                struct counters counters;
                bool forced;
        } cases[] = {
                { "below the floor", "0000000000", 999, 1000, 500, 0, 0, 1 },
                { "at the floor", "0000008000", 1000, 1000, 500, 99, 99, 1 },
                { "floor 0", "0000008000", 0, 0, 0, 99, 99, 1 },
                { "drawn", "0000001000", 499, 1000, 500, 20, 60, 19 },
                { "not drawn", "0000000000", 499, 1000, 500, 20, 60, 20 },
                { "biased, drawn", "0000001000", 750, 1000, 500, 20, 60, 39 },
                { "biased, not drawn", "0000000000", 750, 1000, 500, 20, 60, 40 },
                { "velocity well", "0000000000", 1, 1000, 1000, 0, 0, 99, "03", "05", { 13, 10 } },
                { "lower exceeded", "0000004000", 1, 1000, 1000, 0, 0, 99, "03", "05", { 14, 10 } },
                { "both exceeded", "0000006000", 1, 1000, 1000, 0, 0, 99, "03", "05", { 16, 10 } },
                { "upper reached", "0000004000", 1, 1000, 1000, 0, 0, 99, "03", "05", { 15, 10 } },
                { "new card", "0008000000", 1, 1000, 1000, 0, 0, 99, "03", "05", { 1, 0 } },
                { "no counter", "2000006000", 1, 1000, 1000, 0, 0, 99, "03", "05", { -1, 10 } },
                { "no last", "2000006000", 1, 1000, 1000, 0, 0, 99, "03", "05", { 11, -1 } },
                { "neither", "2000006000", 1, 1000, 1000, 0, 0, 99, "03", "05", { -1, -1 } },
                { "new card, no counter", "2008006000", 1, 1000, 1000, 0, 0, 99, "03", "05", { -1, 0 } },
                { "counter behind", "0000006000", 1, 1000, 1000, 0, 0, 99, "03", "05", { 10, 10 } },
                { "one limit only", "0000000000", 1, 1000, 1000, 0, 0, 99, "03", NULL, { -1, -1 } },
                { "the other limit only", "0000000000", 1, 1000, 1000, 0, 0, 99, NULL, "05", { -1, -1 } },
                { "on the exception file",
                  "1000000000",
                  1,
                  1000,
                  1000,
                  0,
                  0,
                  99,
                  NULL,
                  NULL,
                  { 0, 0, { true, 0 }, 0 } },
                { "split, below the floor",
                  "0000000000",
                  400,
                  1000,
                  500,
                  0,
                  0,
                  0,
                  NULL,
                  NULL,
                  { 0, 0, { false, 599 }, 0 } },
                { "split, at the floor",
                  "0000008000",
                  400,
                  1000,
                  500,
                  0,
                  0,
                  0,
                  NULL,
                  NULL,
                  { 0, 0, { false, 600 }, 0 } },
                { "split, drawn by its own amount",
                  "0000000000",
                  250,
                  1000,
                  500,
                  20,
                  60,
                  39,
                  NULL,
                  NULL,
                  { 0, 0, { false, 500 }, 0 } },
                { "more than can be counted",
                  "0000008000",
                  400,
                  1000,
                  500,
                  0,
                  0,
                  0,
                  NULL,
                  NULL,
                  { 0, 0, { false, UINT64_MAX }, 0 } },
                { "forced", "0000000800", 1, 1000, 1000, 0, 0, 99, .forced = true },
        };

        for (size_t i = 0; i < ELEMENTSOF(cases); i++) {
                struct emv *e = fresh(*state);
                struct fixture *f = *state;
                struct counters c = cases[i].counters;

                e->callbacks = &callbacks;
                e->userdata = &c;
                f->start.amount = cases[i].amount;
                f->start.random_percent = cases[i].random;
                f->start.force_online = cases[i].forced;
                f->application.floor_limit = cases[i].floor_limit;
                f->application.threshold = cases[i].threshold;
                f->application.target = cases[i].target;
                f->application.target_max = cases[i].target_max;
                put(e, TAG_AIP, "0800");
                put(e, TAG_PAN, "6200000000000005");
                e->read = true;
                if (cases[i].lower)
                        put(e, TAG_LOWER_LIMIT, cases[i].lower);
                if (cases[i].upper)
                        put(e, TAG_UPPER_LIMIT, cases[i].upper);
                assert_int_equal(emv_manage_risk(e), 0);
                assert_tvr(e, cases[i].tvr, cases[i].what);
                assert_int_equal(e->tsi[0], TSI_TERMINAL_RISK_MANAGEMENT);
        }
}

/* What ends the step, and what it is not done for. */
static void risk_ends(void **state) {
        static const struct emv_callbacks callbacks = { .transmit = give_counter, .recall = remember },
                                          no_memory = { .transmit = give_counter };
        struct emv *e = fresh(*state);
        struct fixture *f = *state;
        struct counters c = { .forgotten = -ECANCELED };

        e->callbacks = &callbacks;
        e->userdata = &c;
        e->read = true;
        f->application.floor_limit = 0;
        put(e, TAG_PAN, "6200000000000005");
        /* 10.6: only the merchant's wish and list are told of a card that wants no risk management. */
        put(e, TAG_AIP, "7400");
        f->start.force_online = 1;
        assert_int_equal(emv_manage_risk(e), -ECANCELED);
        c = (struct counters){ .memory.exception = true };
        assert_int_equal(emv_manage_risk(e), 0);
        assert_tvr(e, "1000000800", "not of this card");
        assert_int_equal(e->tsi[0], 0);
        c = (struct counters){ .forgotten = -ECANCELED };
        memset(e->tvr, 0, sizeof(e->tvr));

        store_forget(&e->store, TAG_AIP);
        put(e, TAG_AIP, "0800");
        assert_int_equal(emv_manage_risk(e), -ECANCELED);
        assert_int_equal(e->tsi[0], 0);
        e->callbacks = &no_memory;
        assert_int_equal(emv_manage_risk(e), 0);
        assert_tvr(e, "0000008800", "no memory");
        assert_int_equal(e->tsi[0], TSI_TERMINAL_RISK_MANAGEMENT);
}

static void action(void **state) {
        static const struct {
                const char *what, *tvr, *tac_denial, *tac_online, *tac_default, *iac_denial, *iac_online, *iac_default;
                bool offline, forced;
                uint8_t steps, type, asked, unable;
                const char *arc;
        } cases[] = {
                { "nothing set", "0000000000", "FFFFFFFFFF", "FFFFFFFFFF", "FFFFFFFFFF", "FFFFFFFFFF", "FFFFFFFFFF",
                  "FFFFFFFFFF", true, false, EMV_STEPS_FULL, 0x22, AC_TC, AC_TC, "Y1" },
                { "nothing set, offline not allowed", "0000000000", "0000000000", "0000000000", "0000000000", NULL,
                  NULL, NULL, false, false, EMV_STEPS_FULL, 0x22, AC_ARQC, AC_AAC, NULL },
                { "terminal denies", "0010000000", "0010000000", "0000000000", "0000000000", NULL, NULL, NULL, true,
                  false, EMV_STEPS_FULL, 0x22, AC_AAC, AC_AAC, "Z1" },
                { "issuer denies", "0010000000", "0000000000", "0000000000", "0000000000", "0010000000", NULL, NULL,
                  true, false, EMV_STEPS_FULL, 0x22, AC_AAC, AC_AAC, "Z1" },
                { "issuer's denial is zero when missing", "0010000000", "0000000000", "0000000000", "0000000000", NULL,
                  "0000000000", "0000000000", true, false, EMV_STEPS_FULL, 0x22, AC_TC, AC_TC, "Y1" },
                { "terminal sends online", "0000008000", "0000000000", "0000008000", "0000000000", NULL, "0000000000",
                  "0000000000", true, false, EMV_STEPS_FULL, 0x22, AC_ARQC, AC_TC, NULL },
                { "issuer sends online, default denies", "0000008000", "0000000000", "0000000000", "0000000000", NULL,
                  "0000008000", "0000008000", true, false, EMV_STEPS_FULL, 0x22, AC_ARQC, AC_AAC, NULL },
                { "issuer's online and default are ones when missing", "0000008000", "0000000000", "0000000000",
                  "0000000000", NULL, NULL, NULL, true, false, EMV_STEPS_FULL, 0x22, AC_ARQC, AC_AAC, NULL },
                { "forced online", "0000000000", "0000000000", "0000000000", "0000000000", NULL, "0000000000",
                  "0000000000", true, true, EMV_STEPS_FULL, 0x22, AC_ARQC, AC_AAC, NULL },
                { "pre-authorization", "0000000000", "0000000000", "0000000000", "0000000000", NULL, "0000000000",
                  "0000000000", true, false, EMV_STEPS_ONLINE, 0x22, AC_ARQC, AC_AAC, NULL },
                { "online only", "0000000000", "0000000000", "0000000000", "0000000000", NULL, "0000000000",
                  "0000000000", true, false, EMV_STEPS_FULL, 0x21, AC_ARQC, AC_AAC, NULL },
                { "offline only", "0000008000", "0000000000", "0000008000", "0000000000", NULL, "0000000000",
                  "0000000000", true, false, EMV_STEPS_FULL, 0x23, AC_TC, AC_TC, "Y1" },
                { "offline only, default denies", "0000008000", "0000000000", "0000000000", "0000008000", NULL,
                  "0000000000", "0000000000", true, false, EMV_STEPS_FULL, 0x23, AC_AAC, AC_AAC, "Z1" },
        };

        for (size_t i = 0; i < ELEMENTSOF(cases); i++) {
                struct emv *e = fresh(*state);
                struct fixture *f = *state;

                fixture_hex(cases[i].tvr, e->tvr, 5);
                fixture_hex(cases[i].tac_denial, f->application.tac_denial, 5);
                fixture_hex(cases[i].tac_online, f->application.tac_online, 5);
                fixture_hex(cases[i].tac_default, f->application.tac_default, 5);
                if (cases[i].iac_denial)
                        put(e, TAG_IAC_DENIAL, cases[i].iac_denial);
                if (cases[i].iac_online)
                        put(e, TAG_IAC_ONLINE, cases[i].iac_online);
                if (cases[i].iac_default)
                        put(e, TAG_IAC_DEFAULT, cases[i].iac_default);
                f->start.offline_allowed = cases[i].offline;
                f->start.force_online = cases[i].forced;
                f->start.steps = cases[i].steps;
                f->start.terminal.type = cases[i].type;
                if (emv_analyse_action(e) != cases[i].asked)
                        fail_msg("%s", cases[i].what);
                if (cases[i].arc)
                        assert_memory_equal(e->arc, cases[i].arc, 2);
                else
                        assert_int_equal(e->arc[0], 0);
                /* Denial ends it: the default codes are never asked then. */
                if (cases[i].asked != AC_AAC && emv_analyse_unable_online(e) != cases[i].unable)
                        fail_msg("%s, unable to go online", cases[i].what);
        }
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test_setup_teardown(restrictions, setup, teardown),
                cmocka_unit_test_setup_teardown(cardholder, setup, teardown),
                cmocka_unit_test_setup_teardown(risk, setup, teardown),
                cmocka_unit_test_setup_teardown(risk_ends, setup, teardown),
                cmocka_unit_test_setup_teardown(action, setup, teardown),
        };

        return cmocka_run_group_tests_name("emv: steps", tests, NULL, NULL);
}
