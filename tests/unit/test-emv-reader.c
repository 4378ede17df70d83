// SPDX-License-Identifier: LGPL-2.1-or-later
#include "test.h"

/* What card-worker makes of a reader: TPDUs, speeds, voltages, resets, and the keypad. */

#include "worker-fixture.h"

static void tpdu(struct fixture *f, const char *atr) {
        f->level = TILL_EMV_LEVEL_TPDU;
        f->atr_size = fixture_hex(atr, f->atr, sizeof(f->atr));
        anew(f);
}

static void assert_sale(struct fixture *f, const char *resets, unsigned protocol, const char *parameters) {
        char text[15];

        assert_exit(run(f), EXIT_SUCCESS);
        assert_string_equal(f->seen, "insert-card inserted reading reading online approved");
        assert_string_equal(f->resets, resets);
        assert_int_equal(f->parameters.protocol, protocol);
        hex_encode(f->parameters.data, protocol == 0 ? 5 : 7, text);
        assert_string_equal(text, parameters);
}

static void tpdu_t0(void **state) {
        struct fixture *f = *state;

        tpdu(f, "");
        assert_sale(f, "a", 0, "1100000A00");
        /* Extra guard time, waiting time, inverse convention; NULL bytes, and data one by one. */
        tpdu(f, "3FE000054020");
        contact_set(f->contact, CONTACT_NULL, 200);
        contact_set(f->contact, CONTACT_SINGLE, 1);
        assert_sale(f, "a", 0, "1102052000");
}

static void tpdu_t1(void **state) {
        struct fixture *f = *state;

        tpdu(f, "3BE000008131FE45EB");
        assert_sale(f, "a", 1, "1110004500FE00");
        /* Small fields of both, more time, garbled blocks. */
        tpdu(f, "3BE000008131204535");
        f->max_ifsd = 16;
        contact_set(f->contact, CONTACT_WTX, 7);
        contact_set(f->contact, CONTACT_IFS, 0x18);
        contact_set(f->contact, CONTACT_BAD_EDC, 2);
        contact_set(f->contact, CONTACT_LOSE, 0);
        assert_sale(f, "a", 1, "11100045002000");
}

static void tpdu_speed(void **state) {
        struct fixture *f = *state;

        tpdu(f, "3BF09600008131FE456D");
        assert_sale(f, "a", 1, "9610004500FE00");
        /* Mute at that: reset, and as it was. */
        tpdu(f, "3BF09600008131FE456D");
        f->pps_refused = true;
        assert_sale(f, "aaw", 1, "1110004500FE00");
        /* The card agrees, the reader does not. */
        tpdu(f, "3BF09600008131FE456D");
        f->pps_refused = false;
        f->parameters_refused = 1;
        assert_sale(f, "aaw", 1, "1110004500FE00");
        /* Specific mode: at once. */
        tpdu(f, "3BF01300001000");
        assert_sale(f, "a", 0, "1300000A00");
}

/* The PIN goes from the keypad to the card, at each level; what tilld is told is how it went. */
static void pin(void **state) {
        static const struct {
                uint32_t level;
                const char *atr;
        } readers[] = {
                { TILL_EMV_LEVEL_SHORT_APDU, "" },
                { TILL_EMV_LEVEL_EXTENDED_APDU, "" },
                { TILL_EMV_LEVEL_TPDU, "" },
                { TILL_EMV_LEVEL_TPDU, "3BE000008131204535" },
        };
        static const struct {
                const char *keys[4], *prompts, *cvm, *tvr;
        } persons[] = {
                { { "1234" }, "enter-pin", "410302", "0000008000" },
                { { "4321", "1234" }, "enter-pin wrong-pin", "410302", "0000008000" },
                { { "4321", "000000000000", "1111" }, "enter-pin wrong-pin last-pin", "5E0300", "0000208000" },
                { { "cancel" }, "enter-pin", "5E0300", "0000088000" },
                { { "4321", "timeout" }, "enter-pin wrong-pin", "5E0300", "0000088000" },
                { { "refused" }, "enter-pin", "5E0300", "0000108000" },
        };
        struct fixture *f = *state;

        f->start.terminal.capabilities[1] |= EMV_CAPABILITY_PLAINTEXT_PIN;
        for (size_t i = 0; i < ELEMENTSOF(readers); i++)
                for (size_t j = 0; j < ELEMENTSOF(persons); j++) {
                        char wanted[128], text[11];

                        use_card(f, "pin");
                        tpdu(f, readers[i].atr);
                        f->level = readers[i].level;
                        memcpy(f->keys, persons[j].keys, sizeof(f->keys));
                        f->n_keys = 0;
                        assert_exit(run(f), EXIT_SUCCESS);
                        snprintf(wanted, sizeof(wanted),
                                 "insert-card inserted reading reading %s reading online approved",
                                 persons[j].prompts);
                        assert_string_equal(f->seen, wanted);
                        hex_encode(f->outcome.result.cvm, 3, text);
                        assert_string_equal(text, persons[j].cvm);
                        hex_encode(f->outcome.result.tvr, 5, text);
                        assert_string_equal(text, persons[j].tvr);
                        assert_int_equal(f->aborts, 0);
                }
}

/* Book 1, 8.1: an answer that is not accepted gets a warm reset, which is less strict. */
static void warm_reset(void **state) {
        struct fixture *f = *state;

        tpdu(f, "3B4000");
        assert_sale(f, "aaw", 0, "1100000A00");

        tpdu(f, "3BE000004000");
        leave_in(f);
        assert_exit(run(f), EXIT_SUCCESS);
        assert_string_equal(f->resets, "aaw");
        assert_string_equal(f->seen, "inserted reading mute remove-card failed");
        assert_int_equal(f->outcome.reason, EMV_REASON_MUTE);
        assert_int_equal(f->fault, ATR_FAULT_WAITING_INTEGER);
}

/* Why a card is as good as mute, for the log of tilld: the worker has none. */
static void faults(void **state) {
        static const struct {
                const char *atr;
                uint32_t protocols, mute_at;
                enum atr_fault fault;
        } table[] = {
                { "3BE0", 3, 0, ATR_FAULT_MALFORMED },
                { "3BE000008131204535", 1, 0, ATR_FAULT_READER },
                { "", 3, 7, ATR_FAULT_NONE },
        };
        struct fixture *f = *state;

        for (size_t i = 0; i < ELEMENTSOF(table); i++) {
                tpdu(f, table[i].atr);
                f->protocols = table[i].protocols;
                f->mute_at = table[i].mute_at;
                f->fault = ATR_FAULT_LAST;
                leave_in(f);
                assert_exit(run(f), EXIT_SUCCESS);
                assert_int_equal(f->outcome.reason, EMV_REASON_MUTE);
                assert_int_equal(f->fault, table[i].fault);
        }
}

/* Class A, B, C, as far as the reader has them; a card that says what is not of EMV is not tried at another. */
static void voltages(void **state) {
        struct fixture *f = *state;

        f->features = 0;
        tpdu(f, "");
        assert_sale(f, "5", 0, "1100000A00");
        f->mute_at = 1;
        tpdu(f, "");
        assert_sale(f, "53", 0, "1100000A00");
        f->mute_at = 3;
        tpdu(f, "");
        assert_sale(f, "531", 0, "1100000A00");
        f->voltages = 5;
        tpdu(f, "");
        assert_sale(f, "51", 0, "1100000A00");
        f->voltages = 7;
        f->mute_at = 0;
        tpdu(f, "3B4000");
        assert_sale(f, "55w", 0, "1100000A00");
        f->mute_at = 7;
        tpdu(f, "");
        leave_in(f);
        assert_exit(run(f), EXIT_SUCCESS);
        assert_string_equal(f->resets, "531");
        assert_int_equal(f->outcome.reason, EMV_REASON_MUTE);
}

/* The card is drawn, the reader unplugged, the card silent, at each exchange of T=1. */
static void tpdu_ends(void **state) {
        struct fixture *f = *state;

        for (int n = 1; n < 17; n += 3) {
                tpdu(f, "3BE000008131204535");
                f->remove_at = n;
                assert_exit(run(f), EXIT_SUCCESS);
                assert_int_equal(f->outcome.reason, EMV_REASON_REMOVED);
        }
        f->remove_at = -1;
        tpdu(f, "3BE000008131204535");
        f->silent_at = 5;
        f->start.step_ms = 50;
        assert_exit(run(f), EXIT_SUCCESS);
        assert_int_equal(f->outcome.reason, EMV_REASON_TIMEOUT);
        f->silent_at = -1;
        f->start.step_ms = 20000;

        tpdu(f, "3BE000008131204535");
        f->unplug_at = 5;
        assert_exit(run(f), EXIT_SUCCESS);
        assert_int_equal(f->outcome.reason, EMV_REASON_READER);
}

int main(int argc, char **argv) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test_setup_teardown(tpdu_t0, setup, teardown),
                cmocka_unit_test_setup_teardown(tpdu_t1, setup, teardown),
                cmocka_unit_test_setup_teardown(tpdu_speed, setup, teardown),
                cmocka_unit_test_setup_teardown(tpdu_ends, setup, teardown),
                cmocka_unit_test_setup_teardown(pin, setup, teardown),
                cmocka_unit_test_setup_teardown(warm_reset, setup, teardown),
                cmocka_unit_test_setup_teardown(faults, setup, teardown),
                cmocka_unit_test_setup_teardown(voltages, setup, teardown),
        };

        if (argc > 1 && streq(argv[1], "worker"))
                return card_worker_main();
        return cmocka_run_group_tests_name("card-worker: the reader", tests, NULL, NULL);
}
