// SPDX-License-Identifier: LGPL-2.1-or-later
#include "test.h"

#include "device/track.h"

#define PAN "4761739001010010"

static enum track_status parse1(const char *text, struct track *ret_track) {
        return track1_parse((const uint8_t *) text, strlen(text), 0, ret_track);
}

static enum track_status parse2(const char *text, struct track *ret_track) {
        return track2_parse((const uint8_t *) text, strlen(text), 0, ret_track);
}

static void track2_good(void **state) {
        struct track t;

        assert_int_equal(parse2(";" PAN "=30122011143804400000?", &t), TRACK_OK);
        assert_string_equal(t.pan, PAN);
        assert_string_equal(t.expiry, "3012");
        assert_string_equal(t.service, "201");
        assert_string_equal(t.name, "");
        assert_string_equal(t.text, PAN "=30122011143804400000");
        assert_true(track_service_has_chip(t.service));

        /* A card without expiry and service code has the separator in their place. */
        assert_int_equal(parse2(";" PAN "===123?", &t), TRACK_OK);
        assert_string_equal(t.expiry, "");
        assert_string_equal(t.service, "");
        assert_false(track_service_has_chip(t.service));
}

static void track1_good(void **state) {
        struct track t;

        assert_int_equal(parse1("%B" PAN "^TEST/CARD.MS      ^30121011143800000?", &t), TRACK_OK);
        assert_string_equal(t.pan, PAN);
        assert_string_equal(t.name, "TEST/CARD.MS");
        assert_string_equal(t.expiry, "3012");
        assert_string_equal(t.service, "101");
}

static void track_refused(void **state) {
        static const char *const bad2[] = {
                ";?",
                ";",
                "?",
                PAN "=3012201?",                  /* no start sentinel */
                ";" PAN "=3012201",               /* no end sentinel */
                "%" PAN "=3012201?",              /* another track's sentinel */
                ";" PAN "3012201?",               /* no separator */
                ";" PAN "=3013201?",              /* month 13 */
                ";" PAN "=3000201?",              /* month 0 */
                ";" PAN "=301?",                  /* too short for an expiry */
                ";" PAN "=301220?",               /* too short for a service code */
                ";4761739=3012201?",              /* PAN of 7 */
                ";47617390010100101234=3012201?", /* PAN of 20 */
                ";" PAN "=3012201A?",             /* not of the character set */
                ";" PAN "=3012201;1?",            /* a sentinel inside */
                ";" PAN "=3012201?1?",
                ";" PAN "=301220111438044000001?23", /* behind the end */
                ";" PAN "=301220111438044000001?",   /* 38 characters: one too many */
                ";476173900101001\xb0=3012201?",
        };
        static const char *const bad1[] = {
                "%B" PAN "^A^3012101?",                           /* name of 1 */
                "%B" PAN "^ABCDEFGHIJKLMNOPQRSTUVWXYZA^3012101?", /* name of 27 */
                "%A" PAN "^TEST/CARD^3012101?",                   /* format A */
                "%B" PAN "^TEST/CARD3012101?",
                "%B" PAN "^test/card^3012101?",
                "%B" PAN "^TEST/CARD^3012101",
                "%B" PAN "^TEST/CARD^301210100000000000000000000000000000000000000000000000000000000?",
        };
        static const struct track empty;
        struct track t;

        for (size_t i = 0; i < ELEMENTSOF(bad2); i++) {
                assert_int_equal(parse2(bad2[i], &t), TRACK_MALFORMED);
                t.status = 0;
                assert_memory_equal(&t, &empty, sizeof(t));
        }
        for (size_t i = 0; i < ELEMENTSOF(bad1); i++)
                assert_int_equal(parse1(bad1[i], &t), TRACK_MALFORMED);
}

static void track_edges(void **state) {
        struct track t;

        assert_int_equal(parse2("", &t), TRACK_EMPTY);
        /* An error of the reader outweighs data that look well. */
        assert_int_equal(track2_parse((const uint8_t *) ";" PAN "=3012201?", 26, 1 << 4, &t), TRACK_UNREAD);
        assert_string_equal(t.pan, "");
        assert_int_equal(track2_parse((const uint8_t *) "", 0, 1, &t), TRACK_UNREAD);

        assert_int_equal(parse2(";4761739001010011=3012201?", &t), TRACK_CHECK);
        assert_string_equal(t.pan, "4761739001010011");
        /* 37 characters of text: just enough. */
        assert_int_equal(parse2(";" PAN "=30122011143804400000?", &t), TRACK_OK);
        assert_int_equal(strlen(t.text), 37);
        /* PAN of 8 and of 19 digits. */
        assert_int_equal(parse2(";12345674=3012201?", &t), TRACK_OK);
        assert_int_equal(parse2(";6212345678901234569=3012201?", &t),
                         track_pan_check("6212345678901234569") ? TRACK_OK : TRACK_CHECK);
        assert_int_equal(strlen(t.pan), 19);
}

static void pan_check(void **state) {
        assert_true(track_pan_check(PAN));
        assert_true(track_pan_check("0"));
        assert_true(track_pan_check("79927398713"));
        assert_false(track_pan_check("79927398710"));
        assert_false(track_pan_check(""));
        assert_false(track_pan_check("7992739871a"));
}

/* Any bytes give a status, every text ends, and what is not read leaves nothing. */
static void track_random(void **state) {
        static const char likely[] = "%;?=^B0123456789 A/";
        unsigned seed = 1;

        for (unsigned round = 0; round < 200000; round++) {
                uint8_t data[160];
                size_t size = (size_t) rand_r(&seed) % sizeof(data);
                struct track t;

                for (size_t i = 0; i < size; i++)
                        data[i] = rand_r(&seed) % 8 ? (uint8_t) likely[(size_t) rand_r(&seed) % (sizeof(likely) - 1)]
                                                    : (uint8_t) rand_r(&seed);
                if (size > 1) {
                        data[0] = round & 1 ? ';' : '%';
                        data[size - 1] = '?';
                }
                memset(&t, 0xA5, sizeof(t));
                if (round & 1)
                        (void) track2_parse(data, size, 0, &t);
                else
                        (void) track1_parse(data, size, 0, &t);
                assert_in_range(t.status, TRACK_OK, TRACK_CHECK);
                assert_true(strlen(t.pan) <= TRACK_PAN_MAX);
                assert_true(strlen(t.name) < sizeof(t.name));
                assert_true(strlen(t.text) < sizeof(t.text));
                if (t.status != TRACK_OK && t.status != TRACK_CHECK)
                        assert_string_equal(t.text, "");
        }
}

/* The first 6 and the last 4 digits, however many a reader shows, and a service code that is one. */
static void masked_texts(void **state) {
        static const struct {
                const char *text, *pan, *service;
        } good[] = {
                { ";6200000000000054=49121011234567890?", "620000******0054", "101" },
                { ";6200********0054=4912***?", "6200********0054", "" },
                { ";6200********0054=?", "6200********0054", "" },
                { ";6200000000000054=0000000000?", "620000******0054", "" },
                { ";4266******9999=1612201******?", "4266******9999", "201" },
                { ";4266***********9999=1612*01***?", "4266***********9999", "" },
        };
        static const char *const bad[] = { "",
                                           ";",
                                           ";?",
                                           ";=?",
                                           "6200000000000054=4912101?",
                                           ";62000054=4912101?",
                                           ";6200000000000054?",
                                           ";6200000000000054=4912101",
                                           ";62000000000000540000=4912101?",
                                           ";6200A00000000054=4912101?" };
        char pan[TRACK_PAN_MAX + 1], service[4];

        for (size_t i = 0; i < ELEMENTSOF(good); i++) {
                assert_true(track2_masked_parse((const uint8_t *) good[i].text, strlen(good[i].text), pan, service));
                assert_string_equal(pan, good[i].pan);
                assert_string_equal(service, good[i].service);
        }
        for (size_t i = 0; i < ELEMENTSOF(bad); i++) {
                assert_false(track2_masked_parse((const uint8_t *) bad[i], strlen(bad[i]), pan, service));
                assert_string_equal(pan, "");
                assert_string_equal(service, "");
        }
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(masked_texts),  cmocka_unit_test(track2_good), cmocka_unit_test(track1_good),
                cmocka_unit_test(track_refused), cmocka_unit_test(track_edges), cmocka_unit_test(pan_check),
                cmocka_unit_test(track_random),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
