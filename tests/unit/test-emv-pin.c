// SPDX-License-Identifier: LGPL-2.1-or-later
#include "test.h"

/* A PIN that is entered at the reader: EMV Book 3, 10.5.1 and 6.5.12; Book 4, 6.3.4. */

#include "emv-dialogue.h"

struct keypad {
        const char *tries; /* what GET DATA is answered with */
        const char *words; /* what VERIFY is answered with, or what the reader says, by turns */
        char prompts[128];
        unsigned asked; /* GET DATA */
};

static int give_tries(void *userdata, const uint8_t *command, size_t size, uint8_t response[static APDU_RESPONSE_MAX],
                      size_t *ret_size) {
        struct keypad *k = userdata;

        assert_int_equal(size, 5);
        assert_memory_equal(command, "\x80\xca\x9f\x17\x00", 5);
        k->asked++;
        if (streq(k->tries, "removed"))
                return -ENOMEDIUM;
        *ret_size = fixture_hex(k->tries, response, APDU_RESPONSE_MAX);
        return 0;
}

static int note_prompt(void *userdata, enum emv_prompt p, const char *language) {
        struct keypad *k = userdata;
        size_t n = strlen(k->prompts);

        snprintf(k->prompts + n, sizeof(k->prompts) - n, "%s%s", n ? " " : "", emv_prompt_to_string(p));
        return 0;
}

static int verify_pin(void *userdata, uint16_t *ret_sw) {
        struct keypad *k = userdata;
        size_t n = strcspn(k->words, " ");
        const char *word = k->words;

        if (n == 0)
                fail_msg("asked once more, after %s", k->prompts);
        k->words += n + strspn(k->words + n, " ");
        if (startswith(word, "cancel"))
                return -ENOKEY;
        if (startswith(word, "broken"))
                return -EOPNOTSUPP;
        if (startswith(word, "removed"))
                return -ENOMEDIUM;
        *ret_sw = (uint16_t) strtoul(word, NULL, 16);
        return 0;
}

static const struct emv_callbacks callbacks = { .transmit = give_tries,
                                                .prompt = note_prompt,
                                                .verify_pin = verify_pin };

#define READ_ON " reading"
#define THREE "9F1701039000"
#define UNTOLD "6A88"

static void verification(void **state) {
        static const struct {
                const char *what, *list, *tries, *words, *prompts, *cvm, *tvr;
                bool signature;
                int error;
        } cases[] = {
                { "right", "0100", THREE, "9000", "enter-pin" READ_ON, "010002", "0000000000" },
                { "right, with what to do else", "41031E03", THREE, "9000", "enter-pin" READ_ON, "410302",
                  "0000000000" },
                { "the card does not tell its tries", "0100", UNTOLD, "9000", "enter-pin" READ_ON, "010002",
                  "0000000000" },
                { "it tells something else", "0100", "9F360200039000", "9000", "enter-pin" READ_ON, "010002",
                  "0000000000" },
                { "right the second time", "0100", THREE, "63C2 9000", "enter-pin wrong-pin" READ_ON, "010002",
                  "0000000000" },
                { "right the last time", "0100", THREE, "63C2 63C1 9000", "enter-pin wrong-pin last-pin" READ_ON,
                  "010002", "0000000000" },
                { "one try left", "0100", "9F1701019000", "9000", "last-pin" READ_ON, "010002", "0000000000" },
                { "wrong each time", "0100", THREE, "63C2 63C1 63C0", "enter-pin wrong-pin last-pin" READ_ON, "010001",
                  "0000A00000" },
                { "… and then a signature", "41001E03", THREE, "63C2 63C1 63C0",
                  "enter-pin wrong-pin last-pin" READ_ON, "1E0300", "0000200000", true },
                { "no try left", "0100", "9F1701009000", "", "", "010001", "0000A00000" },
                { "blocked", "0100", UNTOLD, "6983", "enter-pin" READ_ON, "010001", "0000A00000" },
                { "blocked, the other word", "0100", THREE, "6984", "enter-pin" READ_ON, "010001", "0000A00000" },
                { "another word", "0100", THREE, "6985", "enter-pin" READ_ON, "010001", "0000800000" },
                { "a card that counts up", "0100", THREE,
                  "63CF 63CF 63CF 63CF 63CF 63CF 63CF 63CF 63CF 63CF 63CF "
                  "63CF 63CF 63CF 63CF",
                  NULL, "010001", "0000A00000" },
                { "cancelled", "0100", THREE, "cancel", "enter-pin" READ_ON, "010001", "0000880000" },
                { "cancelled, then a signature", "41001E00", THREE, "cancel", "enter-pin" READ_ON, "1E0000",
                  "0000080000", true },
                { "cancelled, and not asked again", "410043001F00", THREE, "cancel", "enter-pin" READ_ON, "1F0002",
                  "0000080000" },
                { "cancelled after a wrong one", "0100", THREE, "63C2 cancel", "enter-pin wrong-pin" READ_ON, "010001",
                  "0000880000" },
                { "it does not work", "0100", THREE, "broken", "enter-pin" READ_ON, "010001", "0000900000" },
                { "with a signature", "0300", THREE, "9000", "enter-pin" READ_ON, "030000", "0000000000", true },
                { "wrong, with a signature", "0300", THREE, "63C0", "enter-pin" READ_ON, "030001", "0000A00000" },
                { "condition: if it can be done", "01031F00", THREE, "9000", "enter-pin" READ_ON, "010302",
                  "0000000000" },
                { "at the acquirer, which is not", "0200", THREE, "", "", "3F0001", "0000900000" },
                { "enciphered, which is not", "44000100", THREE, "9000", "enter-pin" READ_ON, "010002", "0000100000" },
                { "taken before", "0100", "removed", "", "", NULL, NULL, .error = -ENOMEDIUM },
                { "taken at the keypad", "0100", THREE, "removed", "enter-pin", NULL, NULL, .error = -ENOMEDIUM },
        };

        for (size_t i = 0; i < ELEMENTSOF(cases); i++) {
                struct emv *e = fresh(*state);
                struct fixture *f = *state;
                struct keypad k = { .tries = cases[i].tries, .words = cases[i].words };
                char list[64];

                e->callbacks = &callbacks;
                e->userdata = &k;
                f->start.terminal.capabilities[1] |= EMV_CAPABILITY_PLAINTEXT_PIN;
                put(e, TAG_AIP, "1000");
                snprintf(list, sizeof(list), "0000000000000000%s", cases[i].list);
                put(e, TAG_CVM_LIST, list);
                if (emv_verify_cardholder(e) != cases[i].error)
                        fail_msg("%s: not %d", cases[i].what, cases[i].error);
                if (*k.words)
                        fail_msg("%s: not asked for %s", cases[i].what, k.words);
                if (cases[i].prompts && !streq(k.prompts, cases[i].prompts))
                        fail_msg("%s: prompts %s", cases[i].what, k.prompts);
                assert_true(k.asked <= 1);
                if (cases[i].error)
                        continue;
                assert_cvm(e, cases[i].cvm, cases[i].what);
                assert_tvr(e, cases[i].tvr, cases[i].what);
                assert_int_equal(e->signature, cases[i].signature);
        }
}

/* Where the terminal has no keypad, and where it says so and nobody can be asked. */
static void without_keypad(void **state) {
        static const struct emv_callbacks nobody = { .transmit = give_tries, .prompt = note_prompt };
        struct keypad k = { .tries = THREE, .words = "" };
        struct emv *e = fresh(*state);
        struct fixture *f = *state;

        e->callbacks = &callbacks;
        e->userdata = &k;
        put(e, TAG_AIP, "1000");
        put(e, TAG_CVM_LIST, "00000000000000000100");
        assert_int_equal(emv_verify_cardholder(e), 0);
        assert_tvr(e, "0000900000", "no keypad");
        assert_string_equal(k.prompts, "");

        e = fresh(f);
        e->callbacks = &nobody;
        e->userdata = &k;
        f->start.terminal.capabilities[1] |= EMV_CAPABILITY_PLAINTEXT_PIN;
        put(e, TAG_AIP, "1000");
        put(e, TAG_CVM_LIST, "00000000000000000100");
        assert_int_equal(emv_verify_cardholder(e), 0);
        assert_tvr(e, "0000900000", "no callback");
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test_setup_teardown(verification, setup, teardown),
                cmocka_unit_test_setup_teardown(without_keypad, setup, teardown),
        };

        return cmocka_run_group_tests_name("emv: PIN", tests, NULL, NULL);
}
