// SPDX-License-Identifier: LGPL-2.1-or-later
#include "test.h"

#include "base/hex.h"
#include "base/log.h"
#include "issuer/issuer.h"

static char directory[] = "/tmp/test-issuer-XXXXXX";

static struct issuer *load(const char *text, int expected) {
        struct issuer *i = NULL;
        char path[64];
        FILE *f;

        snprintf(path, sizeof(path), "%s/issuer.conf", directory);
        f = fopen(path, "we");
        assert_non_null(f);
        assert_true(fputs(text, f) >= 0);
        assert_int_equal(fclose(f), 0);
        assert_int_equal(issuer_load(path, &i), expected);
        return i;
}

static void assert_hex(const uint8_t *data, size_t size, const char *hex) {
        char text[65];

        hex_encode(data, size, text);
        assert_string_equal(text, hex);
}

/* Figures that the Python package pyemv documents. */
static void published_figures(void **state) {
        static const uint8_t master[16] = { 0x01, 0x23, 0x45, 0x67, 0x89, 0xAB, 0xCD, 0xEF,
                                            0xFE, 0xDC, 0xBA, 0x98, 0x76, 0x54, 0x32, 0x10 };
        _cleanup_(issuer_freep) struct issuer *i =
                load("[issuer one]\nrange=1234\nac-key=0123456789ABCDEF FEDCBA9876543210\n", 0);
        uint8_t key[16], ac[8], arpc[8], data[16];

        assert_int_equal(issuer_card_key(i, "12345678901234567", 1, key), 0);
        assert_hex(key, 16, "73AD54688CEF2934B0979857E3C719F1");
        assert_int_equal(issuer_session_key(master, 0x001C, key), 0);
        assert_hex(key, 16, "E9FB384AF807B940FEDCEA613461B0C4");

        assert_int_equal(hex_decode("29B33180E567CE38EA4CBC9D753B0E61", key, sizeof(key)), 16);
        assert_int_equal(hex_decode("0123456789ABCDEF0123456789ABCDEF", data, sizeof(data)), 16);
        assert_int_equal(issuer_cryptogram(key, data, sizeof(data), ac), 0);
        assert_hex(ac, 8, "FA624250B008B59A");
        assert_int_equal(issuer_arpc(key, ac, (const uint8_t[]){ 0, 0 }, arpc), 0);
        assert_hex(arpc, 8, "45D4255EEF10C920");
        assert_int_equal(issuer_arpc_2(key, ac, (const uint8_t[4]){}, 4, arpc), 0);
        assert_hex(arpc, 4, "CB56FA40");
        assert_int_equal(issuer_arpc_2(key, ac, data, 3, arpc), -EMSGSIZE);
        assert_int_equal(issuer_arpc_2(key, ac, data, 13, arpc), -EMSGSIZE);
}

/* The MAC of a script's command, as tests/check/emv-recompute computes it: the ARQC counts on, over its bytes. */
static void script_macs(void **state) {
        static const uint8_t header[] = { 0x84, 0x24, 0, 0 }, atc[] = { 1, 2 }, data[255] = { 0xAA, 0xBB };
        static const struct {
                unsigned number;
                const char *mac;
        } macs[] = { { 0, "EBE779D7" }, { 1, "A7D61827" }, { 258, "EC495166" } };
        _cleanup_(issuer_freep) struct issuer *i =
                load("[issuer one]\nrange=62\nac-key=0123456789ABCDEFFEDCBA9876543210\n"
                     "mac-key=112233445566778899AABBCCDDEEFF00\n[issuer two]\nrange=63\n"
                     "ac-key=0123456789ABCDEFFEDCBA9876543210\n",
                     0);
        uint8_t key[16], arqc[8], mac[4];

        assert_int_equal(issuer_card_mac_key(i, "6200000000000005", 1, key), 0);
        assert_hex(key, 16, "D0B6ADAEB31676587FB9195D6E859292");
        assert_int_equal(issuer_card_mac_key(i, "6300000000000005", 1, key), -ENOKEY);

        assert_int_equal(hex_decode("29B33180E567CE38EA4CBC9D753B0E61", key, sizeof(key)), 16);
        assert_int_equal(hex_decode("00112233FFFFFFFF", arqc, sizeof(arqc)), 8);
        for (size_t n = 0; n < ELEMENTSOF(macs); n++) {
                assert_int_equal(issuer_script_mac(key, header, atc, arqc, macs[n].number, data, 2, mac), 0);
                assert_hex(mac, 4, macs[n].mac);
        }
        assert_int_equal(issuer_script_mac(key, header, atc, arqc, 0, data, 252, mac), -EMSGSIZE);
        assert_int_equal(issuer_mac_session_key(key, arqc, key), 0);
        assert_hex(key, 16, "0EABE67026793161026BE070F246C1FD");
}

static void cards(void **state) {
        _cleanup_(issuer_freep) struct issuer *i =
                load("[issuer one]\nrange=620000\nac-key=0123456789ABCDEFFEDCBA9876543210\n"
                     "[issuer two]\nrange=63\nrange=64\nac-key=00112233445566778899AABBCCDDEEFF\n",
                     0);
        uint8_t a[16], b[16];

        assert_true(issuer_has(i, "6200000000000005"));
        assert_true(issuer_has(i, "6400000000000000"));
        assert_false(issuer_has(i, "6500000000000000"));
        assert_int_equal(issuer_card_key(i, "6500000000000000", 0, a), -ENOKEY);
        assert_int_equal(issuer_card_key(i, "62000000000000051234", 0, a), -EINVAL);
        assert_int_equal(issuer_card_key(i, "620000000000000x", 0, a), -EINVAL);

        /* No sequence number counts as 00. */
        assert_int_equal(issuer_card_key(i, "6200000000000005", -1, a), 0);
        assert_int_equal(issuer_card_key(i, "6200000000000005", 0, b), 0);
        assert_memory_equal(a, b, 16);
        assert_int_equal(issuer_card_key(i, "6200000000000005", 1, b), 0);
        assert_memory_not_equal(a, b, 16);
}

static void files_that_are_refused(void **state) {
        log_set_max_level(LOG_EMERG);
        assert_null(load("[bank]\nrange=62\n", -EINVAL));
        assert_null(load("[issuer a]\nrange=6x\n", -EINVAL));
        assert_null(load("[issuer a]\nac-key=00\n", -EINVAL));
        assert_null(load("[issuer a]\nmac-key=00\n", -EINVAL));
        assert_null(load("[issuer a]\npin=1234\n", -EINVAL));
}

static int set_up(void **state) {
        return mkdtemp(directory) ? 0 : -1;
}

static int tear_down(void **state) {
        char command[64];

        snprintf(command, sizeof(command), "rm -r %s", directory);
        return system(command);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(published_figures),
                cmocka_unit_test(script_macs),
                cmocka_unit_test(cards),
                cmocka_unit_test(files_that_are_refused),
        };

        return cmocka_run_group_tests_name("issuer", tests, set_up, tear_down);
}
