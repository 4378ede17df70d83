// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * The kernel's reading of magstripe reports, on reports of the simulated readers and on examples that the vendors
 * print in their manuals. What a reader encrypts is decrypted again.
 */
#include "test.h"

#include "base/hex.h"
#include "base/macro.h"
#include "tests/kernel-types.h"
#include "usb/stripe.h"

#include "kernel/till_msr_layout.c"

static struct till_msr_decoder decoder;
static struct till_msr_swipe swipe;
static struct stripe stripe;
static const uint8_t ksn[DUKPT_KSN_SIZE] = { 0xff, 0xff, 0x98, 0x76, 0x54, 0x32, 0x10, 0xe0, 0x00, 0x08 };

#define TRACK1 "%B6200000000000054^TEST/STRIPE   ^49121011234567890?"
#define TRACK2 ";6200000000000054=49121011234567890?"
#define TRACK3 ";011200000000000054=1561560000000000000003000000000000004=0?"
#define JIS                                                                                                           \
        "\x7f"                                                                                                        \
        "AB12345678901234\x7f"

/* ---- A parser of report descriptors, as much as these need: hid-core does it in the kernel ---- */

struct item_state {
        unsigned page, size, count, id, usages[16], n_usages;
        struct till_msr_layout *layout;
        size_t bits[256];
};

static struct till_msr_layout *layout_of(unsigned id) {
        for (unsigned i = 0; i < decoder.layouts; i++)
                if (decoder.layout[i].id == id)
                        return &decoder.layout[i];
        return till_msr_decoder_add(&decoder, id, 0);
}

static void input_item(struct item_state *s, unsigned flags) {
        struct till_msr_layout *layout = layout_of(s->id);
        size_t offset = s->bits[s->id] / 8 + (s->id != 0), bytes = s->size / 8;

        s->bits[s->id] += (size_t) s->size * s->count;
        layout->size = (u16) (s->bits[s->id] / 8 + (s->id != 0));
        for (unsigned i = 0; i < s->count && s->n_usages > 0 && !(flags & 1); i++)
                till_msr_layout_usage(layout, s->page << 16 | s->usages[MIN(i, s->n_usages - 1)], offset + i * bytes,
                                      bytes);
}

static void parse_descriptor(const uint8_t *data, size_t size) {
        struct item_state s = {};

        memset(&decoder, 0, sizeof(decoder));
        for (size_t i = 0, n; i < size; i += 1 + n) {
                unsigned value = 0;

                n = (size_t) (data[i] & 3);
                for (size_t j = 0; j < n; j++)
                        value |= (unsigned) data[i + 1 + j] << 8 * j;
                switch (data[i] & 0xfc) {
                case 0x04:
                        s.page = value;
                        break;
                case 0x74:
                        s.size = value;
                        break;
                case 0x94:
                        s.count = value;
                        break;
                case 0x84:
                        s.id = value;
                        break;
                case 0x08:
                        s.usages[s.n_usages++] = value;
                        break;
                case 0x80:
                        input_item(&s, value);
                        s.n_usages = 0;
                        break;
                case 0xa0:
                case 0xb0:
                case 0xc0:
                        s.n_usages = 0;
                        break;
                }
        }
}

/* ---- Swipes through a simulated reader ---- */

static const struct stripe_reader *reader;

static void use_reader(const char *name) {
        reader = stripe_reader_find(name);
        assert_non_null(reader);
        parse_descriptor(reader->descriptor, reader->descriptor_size);
        if (reader->vendor == 0x0acd)
                decoder.dialect = TILL_MSR_DIALECT_IDTECH;
        assert_true(till_msr_layout_finish(&decoder));

        stripe = (struct stripe){};
        strcpy(stripe.track[0], TRACK1);
        strcpy(stripe.track[1], TRACK2);
}

/* Pulls the stripe through; returns whether the reader's last report made it whole. */
static bool pull(void) {
        enum till_msr_result result = TILL_MSR_RESULT_NONE;
        struct stripe_report report;

        for (unsigned n = 0;; n++) {
                memset(&report, 0, sizeof(report));
                if (reader->report(reader, &stripe, ksn, n, &report) == 0)
                        break;
                assert_int_not_equal(result, TILL_MSR_RESULT_SWIPE);
                result = till_msr_decoder_push(&decoder, decoder.layout[0].id ? report.data[0] : 0, report.data,
                                               report.size);
                assert_in_range(result, TILL_MSR_RESULT_PART, TILL_MSR_RESULT_SWIPE);
        }
        memset(&swipe, 0xa5, sizeof(swipe));
        assert_true(till_msr_decoder_take(&decoder, &swipe));
        assert_false(till_msr_decoder_busy(&decoder));
        return result == TILL_MSR_RESULT_SWIPE;
}

static void expect_clear(unsigned i, const char *text) {
        static const struct till_msr_track empty;

        assert_int_equal(swipe.track[i].errors, 0);
        assert_int_equal(swipe.track[i].flags, 0);
        assert_int_equal(swipe.track[i].length, strlen(text));
        assert_memory_equal(swipe.track[i].data, text, strlen(text));
        assert_int_equal(swipe.track[i].encrypted_length, 0);
        assert_memory_equal(swipe.track[i].encrypted, empty.encrypted, sizeof(empty.encrypted));
}

/* An error, and nothing else of the track. */
static void expect_error(unsigned i, uint8_t errors) {
        struct till_msr_track bad = { .errors = errors };

        assert_memory_equal(&swipe.track[i], &bad, sizeof(bad));
}

/* No number of the card is anywhere in the record. */
static void expect_no_number(void) {
        assert_null(memmem(&swipe, sizeof(swipe), "6200000000000054", 16));
        assert_null(memmem(&swipe, sizeof(swipe), "0000000054=4912", 15));
}

static void expect_cryptogram(unsigned i, const char *text, enum dukpt_variant variant) {
        const struct till_msr_track *track = &swipe.track[i];
        uint8_t key[DUKPT_KEY_SIZE], plain[TILL_MSR_ENCRYPTED_MAX];

        assert_int_equal(track->errors, 0);
        assert_int_equal(swipe.ksn_length, 10);
        assert_memory_equal(swipe.ksn, ksn, sizeof(ksn));
        assert_int_equal(track->encrypted_length % 8, 0);
        assert_true(track->encrypted_length >= strlen(text));
        assert_int_equal(dukpt_key(dukpt_test_key, swipe.ksn, variant, key), 0);
        assert_int_equal(dukpt_crypt(false, key, track->encrypted, track->encrypted_length, plain), 0);
        assert_memory_equal(plain, text, strlen(text));
}

static void expect_masked(unsigned i, const char *text) {
        assert_int_equal(swipe.track[i].flags & TILL_MSR_TRACK_MASKED, TILL_MSR_TRACK_MASKED);
        assert_int_equal(swipe.track[i].length, strlen(text));
        assert_memory_equal(swipe.track[i].data, text, strlen(text));
}

/* ---- Keys ---- */

static void expect_hex(const uint8_t *data, size_t size, const char *hex) {
        char text[2 * DUKPT_KEY_SIZE + 1];

        hex_encode(data, size, text);
        assert_string_equal(text, hex);
}

/* ANSI X9.24-1, annex A.4; the last, MagTek D99875475, appendix C. */
static void dukpt_vectors(void **state) {
        static const struct {
                uint8_t counter[3];
                const char *key;
        } vectors[] = {
                { { 0xe0, 0x00, 0x01 }, "042666B49184CF5C68DE9628D0397B36" },
                { { 0xe0, 0x00, 0x08 }, "27F66D5244FF621EAA6F6120EDEB427F" },
        };
        uint8_t serial[DUKPT_KSN_SIZE] = { 0xff, 0xff, 0x98, 0x76, 0x54, 0x32, 0x10, 0xe0, 0, 0 };
        uint8_t key[DUKPT_KEY_SIZE];

        assert_int_equal(dukpt_initial_key(dukpt_test_key, serial, key), 0);
        expect_hex(key, sizeof(key), "6AC292FAA1315B4D858AB3A3D7D5933A");
        for (size_t i = 0; i < ELEMENTSOF(vectors); i++) {
                memcpy(serial + 7, vectors[i].counter, 3);
                assert_int_equal(dukpt_key(dukpt_test_key, serial, DUKPT_PIN, key), 0);
                expect_hex(key, sizeof(key), vectors[i].key);
        }
}

/* ---- Clear readers ---- */

static void expect_each_clear(const char *const names[], size_t n) {
        for (size_t i = 0; i < n; i++) {
                use_reader(names[i]);
                strcpy(stripe.track[2], reader->product == 0x0329 ? "" : TRACK3);
                (void) pull();
                assert_int_equal(swipe.encode, TILL_MSR_ENCODE_ISO);
                assert_int_equal(swipe.encryption, TILL_MSR_ENCRYPTION_NONE);
                assert_int_equal(swipe.ksn_length, 0);
                expect_clear(0, TRACK1);
                expect_clear(1, TRACK2);
                expect_clear(2, stripe.track[2]);
                expect_clear(3, "");
                assert_int_equal(swipe.size, 0);

                /* Nothing on it. */
                stripe = (struct stripe){};
                (void) (reader->product != 0x0329 && pull());
                assert_int_equal(swipe.track[0].errors, 0);
        }
}

static void clear_readers(void **state) {
        static const char *const names[] = { "sureswipe", "standard", "trackwise", "row", "imitator", "minimag" };

        expect_each_clear(names, ELEMENTSOF(names));
}

static void features(void **state) {
        static const struct {
                const char *name;
                uint64_t features;
        } expected[] = {
                { "sureswipe", TILL_MSR_FEATURE_DECODED },
                { "magnesafe", TILL_MSR_FEATURE_DECODED | TILL_MSR_FEATURE_ENCRYPTING },
                { "standard", TILL_MSR_FEATURE_DECODED | TILL_MSR_FEATURE_JIS },
                { "trackwise", TILL_MSR_FEATURE_DECODED | TILL_MSR_FEATURE_JIS },
                { "minimag", TILL_MSR_FEATURE_DECODED | TILL_MSR_FEATURE_ENCRYPTING },
        };

        for (size_t i = 0; i < ELEMENTSOF(expected); i++) {
                use_reader(expected[i].name);
                assert_int_equal(till_msr_decoder_features(&decoder), expected[i].features);
        }
}

static void damaged_tracks(void **state) {
        static const struct {
                enum stripe_damage damage;
                uint8_t errors, errors_unchecked;
        } kinds[] = {
                /* Page 8E has no word for it: the track is just not there. */
                { STRIPE_UNREADABLE, TILL_MSR_ERROR_DECODE, 0 },
                { STRIPE_START, TILL_MSR_ERROR_START, TILL_MSR_ERROR_START },
                { STRIPE_END, TILL_MSR_ERROR_END, TILL_MSR_ERROR_END },
                { STRIPE_PARITY, TILL_MSR_ERROR_PARITY, TILL_MSR_ERROR_PARITY },
                /* SureSwipe finds it itself. */
                { STRIPE_LRC, TILL_MSR_ERROR_DECODE, TILL_MSR_ERROR_LRC },
        };

        for (size_t i = 0; i < ELEMENTSOF(kinds); i++) {
                use_reader("sureswipe");
                stripe.damage[1] = kinds[i].damage;
                (void) pull();
                expect_clear(0, TRACK1);
                expect_error(1, kinds[i].errors);

                use_reader("standard");
                stripe.damage[0] = kinds[i].damage;
                (void) pull();
                expect_error(0, kinds[i].errors_unchecked);
                expect_clear(1, TRACK2);

                use_reader("minimag");
                stripe.damage[1] = kinds[i].damage;
                (void) pull();
                expect_clear(0, TRACK1);
                expect_error(1,
                             kinds[i].damage == STRIPE_UNREADABLE ? TILL_MSR_ERROR_DECODE : kinds[i].errors_unchecked);
        }
}

static void encode_types(void **state) {
        static const uint8_t magtek[][2] = {
                { 0, TILL_MSR_ENCODE_ISO },   { 1, TILL_MSR_ENCODE_AAMVA }, { 2, TILL_MSR_ENCODE_CADL },
                { 3, TILL_MSR_ENCODE_BLANK }, { 4, TILL_MSR_ENCODE_OTHER }, { 5, TILL_MSR_ENCODE_UNKNOWN },
                { 7, TILL_MSR_ENCODE_JIS },   { 9, TILL_MSR_ENCODE_OTHER },
        };
        uint8_t report[337] = {};

        use_reader("sureswipe");
        for (size_t i = 0; i < ELEMENTSOF(magtek); i++) {
                report[6] = magtek[i][0];
                report[3] = 1;
                report[7] = 'x';
                assert_int_equal(till_msr_decoder_push(&decoder, 0, report, sizeof(report)), TILL_MSR_RESULT_SWIPE);
                assert_true(till_msr_decoder_take(&decoder, &swipe));
                assert_int_equal(swipe.encode, magtek[i][1]);
        }

        /* A reader that does not tell: the tracks do. Only ISO's are examined. */
        use_reader("standard");
        strcpy(stripe.track[2], "%NOT OF BANKS");
        (void) pull();
        assert_int_equal(swipe.encode, TILL_MSR_ENCODE_AAMVA);
        assert_int_equal(swipe.track[2].errors, 0);
        use_reader("standard");
        strcpy(stripe.track[3], JIS);
        (void) pull();
        assert_int_equal(swipe.encode, TILL_MSR_ENCODE_JIS);
        expect_clear(3, JIS);
        expect_clear(1, TRACK2);
        use_reader("standard");
        stripe = (struct stripe){};
        (void) pull();
        assert_int_equal(swipe.encode, TILL_MSR_ENCODE_BLANK);

        use_reader("minimag");
        stripe.aamva = true;
        strcpy(stripe.track[2], "%DLTHIRDTRACK?");
        (void) pull();
        assert_int_equal(swipe.encode, TILL_MSR_ENCODE_AAMVA);
        assert_int_equal(swipe.track[2].errors, 0);
        assert_true(swipe.track[2].length >= strlen("%DLTHIRDTRACK?"));
}

/* A report for each track: whole when all have come, and whatever has come when one comes again. */
static void several_reports(void **state) {
        struct stripe_report report = {};

        use_reader("trackwise");
        assert_int_equal(decoder.layouts, 3);
        assert_false(pull());
        strcpy(stripe.track[3], JIS);
        assert_true(pull());
        expect_clear(0, TRACK1);
        expect_clear(1, TRACK2);
        expect_clear(3, JIS);

        assert_int_equal(reader->report(reader, &stripe, ksn, 1, &report), 1);
        assert_false(till_msr_decoder_repeats(&decoder, 2));
        assert_int_equal(till_msr_decoder_push(&decoder, 2, report.data, report.size), TILL_MSR_RESULT_PART);
        assert_true(till_msr_decoder_busy(&decoder));
        assert_true(till_msr_decoder_repeats(&decoder, 2));
        assert_false(till_msr_decoder_repeats(&decoder, 1));
        assert_false(till_msr_decoder_repeats(&decoder, 7));
        assert_true(till_msr_decoder_take(&decoder, &swipe));
        expect_clear(0, "");
        expect_clear(1, TRACK2);
        assert_false(till_msr_decoder_take(&decoder, &swipe));

        /* Not one of its reports, and one that is short. */
        assert_int_equal(till_msr_decoder_push(&decoder, 9, report.data, report.size), TILL_MSR_RESULT_NONE);
        assert_int_equal(till_msr_decoder_push(&decoder, 2, report.data, report.size - 1), TILL_MSR_RESULT_BROKEN);
}

static void lying_lengths(void **state) {
        uint8_t report[337] = {};

        use_reader("sureswipe");
        memset(report + 7, '1', 330);
        report[3] = 111;
        report[4] = 255;
        report[5] = 110;
        assert_int_equal(till_msr_decoder_push(&decoder, 0, report, sizeof(report)), TILL_MSR_RESULT_SWIPE);
        assert_true(till_msr_decoder_take(&decoder, &swipe));
        expect_error(0, TILL_MSR_ERROR_DECODE);
        expect_error(1, TILL_MSR_ERROR_DECODE);
        expect_error(2, TILL_MSR_ERROR_START | TILL_MSR_ERROR_END);
}

/* ---- Encrypting readers ---- */

static void magnesafe(void **state) {
        use_reader("magnesafe");
        strcpy(stripe.track[2], TRACK3);
        assert_true(pull());
        assert_int_equal(swipe.encode, TILL_MSR_ENCODE_ISO);
        assert_int_equal(swipe.encryption, TILL_MSR_ENCRYPTION_DUKPT_TDES);
        expect_cryptogram(0, TRACK1, DUKPT_PIN);
        expect_cryptogram(1, TRACK2, DUKPT_PIN);
        expect_cryptogram(2, TRACK3, DUKPT_PIN);
        expect_masked(1, ";6200000000000054=00000000000000000?");
        assert_int_equal(swipe.track[0].flags, TILL_MSR_TRACK_MASKED);

        /* The number of this test card is zeros where the mask is; one that is not: */
        use_reader("magnesafe");
        strcpy(stripe.track[1], ";4761739001010010=3012101?");
        strcpy(stripe.track[0], "");
        assert_true(pull());
        expect_masked(1, ";4761000000000010=0000000?");
        assert_null(memmem(&swipe, sizeof(swipe), "4761739001010010", 16));

        /* A track that it could not read has no cryptogram either. */
        stripe.damage[1] = STRIPE_UNREADABLE;
        assert_true(pull());
        expect_error(1, TILL_MSR_ERROR_DECODE);

        /* Without a key it is a clear reader, and the masked form is not shown. */
        use_reader("magnesafe");
        stripe.clear = true;
        assert_true(pull());
        assert_int_equal(swipe.encryption, TILL_MSR_ENCRYPTION_NONE);
        assert_int_equal(swipe.ksn_length, 0);
        expect_clear(0, TRACK1);
        expect_clear(1, TRACK2);
}

/* Each sign that it encrypts is enough; without keys left it reads no card. */
static void magnesafe_signs(void **state) {
        struct stripe_report report;

        use_reader("magnesafe");
        for (unsigned round = 0; round < 4; round++) {
                memset(&report, 0, sizeof(report));
                stripe.clear = round < 2;
                assert_int_equal(reader->report(reader, &stripe, ksn, 0, &report), 1);
                if (round == 0)
                        memcpy(report.data + 495, ksn, sizeof(ksn));
                else if (round == 1)
                        report.data[494] = 0x06;
                else if (round == 2)
                        memset(report.data + 495, 0, sizeof(ksn));
                else
                        report.data[494] |= 0x01;
                assert_int_equal(till_msr_decoder_push(&decoder, 0, report.data, report.size), TILL_MSR_RESULT_SWIPE);
                assert_true(till_msr_decoder_take(&decoder, &swipe));
                if (round == 3)
                        expect_error(1, TILL_MSR_ERROR_DECODE);
                else
                        assert_int_equal(swipe.track[1].flags, TILL_MSR_TRACK_MASKED);
                assert_int_equal(swipe.ksn_length, round == 0 || round == 3 ? 10 : 0);
        }
}

/* Firmware that names only the fields that SureSwipe has, too. */
static void magnesafe_unnamed(void **state) {
        struct till_msr_layout *layout;

        use_reader("magnesafe");
        layout = &decoder.layout[0];
        layout->encryption.size = layout->ksn.size = 0;
        for (unsigned i = 0; i < TILL_MSR_TRACKS; i++) {
                layout->track[i].masked_length.size = 0;
                layout->track[i].masked = (struct till_msr_text){};
        }
        assert_true(till_msr_layout_finish(&decoder));
        assert_true(pull());
        expect_cryptogram(1, TRACK2, DUKPT_PIN);
        expect_masked(1, ";6200000000000054=00000000000000000?");
}

static void securemag(void **state) {
        char read[CARD_TRACK_MAX + 2];

        use_reader("securemag");
        strcpy(stripe.track[2], TRACK3);
        assert_true(pull());
        assert_int_equal(swipe.encode, TILL_MSR_ENCODE_ISO);
        assert_int_equal(swipe.encryption, TILL_MSR_ENCRYPTION_DUKPT_TDES);
        expect_no_number();
        /* Its cryptogram holds the LRC, too. */
        snprintf(read, sizeof(read), "%s%c", TRACK1, stripe_lrc(0, TRACK1));
        expect_cryptogram(0, read, DUKPT_DATA);
        snprintf(read, sizeof(read), "%s%c", TRACK2, stripe_lrc(1, TRACK2));
        expect_cryptogram(1, read, DUKPT_DATA);
        expect_cryptogram(2, TRACK3, DUKPT_DATA);
        expect_masked(1, ";6200********0054=*****************?");

        stripe.damage[0] = STRIPE_UNREADABLE;
        assert_true(pull());
        expect_error(0, TILL_MSR_ERROR_DECODE);
        expect_cryptogram(1, read, DUKPT_DATA);

        /* Cards that are not a bank's are clear, and so are all without a key. */
        use_reader("securemag");
        stripe.aamva = true;
        assert_true(pull());
        assert_int_equal(swipe.encode, TILL_MSR_ENCODE_AAMVA);
        assert_int_equal(swipe.encryption, TILL_MSR_ENCRYPTION_NONE);
        assert_int_equal(swipe.track[1].flags, 0);
        use_reader("securemag");
        stripe.clear = true;
        assert_true(pull());
        expect_clear(0, TRACK1);
        expect_clear(1, TRACK2);
        stripe.damage[1] = STRIPE_LRC;
        assert_true(pull());
        expect_error(1, TILL_MSR_ERROR_LRC);
}

static void securemag_original(void **state) {
        char joint[2 * CARD_TRACK_MAX + 4], second[CARD_TRACK_MAX + 2];

        use_reader("securemag-original");
        strcpy(stripe.track[2], TRACK3);
        assert_true(pull());
        assert_int_equal(swipe.encryption, TILL_MSR_ENCRYPTION_DUKPT_TDES);
        expect_no_number();
        snprintf(second, sizeof(second), "%s%c", TRACK2, stripe_lrc(1, TRACK2));
        snprintf(joint, sizeof(joint), "%s%c%s", TRACK1, stripe_lrc(0, TRACK1), second);
        expect_cryptogram(0, joint, DUKPT_DATA);
        assert_int_equal(swipe.track[0].flags, TILL_MSR_TRACK_MASKED | TILL_MSR_TRACK_JOINT);
        assert_int_equal(swipe.track[1].flags, TILL_MSR_TRACK_MASKED);
        assert_int_equal(swipe.track[1].encrypted_length, 0);
        /* Never encrypted: the format has it so. */
        expect_clear(2, TRACK3);

        /* Only track 2. */
        use_reader("securemag-original");
        strcpy(stripe.track[0], "");
        assert_true(pull());
        expect_cryptogram(1, second, DUKPT_DATA);
        assert_int_equal(swipe.track[1].flags, TILL_MSR_TRACK_MASKED);
        assert_int_equal(swipe.track[0].encrypted_length, 0);

        use_reader("securemag-original");
        stripe.clear = true;
        assert_true(pull());
        expect_clear(0, TRACK1);
        expect_clear(1, TRACK2);
}

/* ID TECH 80096504-001, 10.7.1: a card of three tracks, in the original format. */
static void securemag_manual(void **state) {
        static const char head[] = "\x02\x7d\x01\x00\x3f\x48\x23\x6b", /* lengths 72, 35, 107 */
                masked[] = "%*4266********9999^BUSH JR/GEORGE W.MR^*******************************?*"
                           ";4266********9999=***************?*";
        static const char tail[] =
                "863E9E3DA28E455B28F7736B77E47A64EDDA3BF03A06E44F31D1818C0BCD7A353FB1AD70EFD30FFC3DA08A"
                "4FBC9372E57E8B40848BAEAA3FE724B3550E2F4B223E6BF264BEAE9E39142B648CDB51FB8DAF8EA5B63913"
                "D29419B67582FCCCE9B372660F03668CC453216D9449C6B67EF33418AC88F65E1DB7ED4D10973F99DFC846"
                "3FF6DF113B6226C4898A9D355057ECAF11A5598F02CA316299490119000000000139";
        uint8_t frame[560] = {}, key[DUKPT_KEY_SIZE], plain[128];
        size_t at;
        ssize_t n;

        use_reader("securemag");
        memcpy(frame, head, 8);
        memcpy(frame + 8, masked, strlen(masked));
        at = 8 + strlen(masked);
        assert_int_equal(at, 8 + 72 + 35);
        /* Its third track is of no interest: this one is as long. */
        frame[at] = ';';
        memset(frame + at + 1, '3', 104);
        frame[at + 105] = '?';
        frame[at + 106] = (uint8_t) stripe_lrc(2, ";?");
        at += 107;
        n = hex_decode(tail, frame + at, sizeof(frame) - at);
        assert_int_equal(n, 112 + 40 + 11);
        at += (size_t) n - 1;
        assert_int_equal(at, 3 + 0x17d);
        for (size_t i = 3; i < at; i++) {
                frame[at] = (uint8_t) (i == 3 ? frame[i] : frame[at] ^ frame[i]);
                frame[at + 1] = (uint8_t) (frame[at + 1] + frame[i]);
        }
        frame[at + 2] = 0x03;

        assert_int_equal(till_msr_decoder_push(&decoder, 0, frame, sizeof(frame)), TILL_MSR_RESULT_SWIPE);
        assert_true(till_msr_decoder_take(&decoder, &swipe));
        assert_int_equal(swipe.track[0].errors, 0);
        expect_masked(0, "%*4266********9999^BUSH JR/GEORGE W.MR^*******************************?");
        assert_int_equal(swipe.track[0].flags, TILL_MSR_TRACK_MASKED | TILL_MSR_TRACK_JOINT);
        assert_int_equal(swipe.track[0].encrypted_length, 112);
        assert_int_equal(swipe.track[2].length, 106);
        assert_int_equal(dukpt_key(dukpt_test_key, swipe.ksn, DUKPT_DATA, key), 0);
        assert_int_equal(dukpt_crypt(false, key, swipe.track[0].encrypted, 112, plain), 0);
        assert_memory_equal(plain, "%B", 2);
        assert_memory_equal(plain + 18, "^BUSH JR/GEORGE W.MR^0809101100001100000000046000000?!;", 55);
        assert_memory_equal(plain + 89, "=080910110000046?0", 18);
        /* Both of its LRCs are right, which shows how they are made. */
        plain[71] = plain[106] = 0;
        assert_int_equal(stripe_lrc(0, (char *) plain), '!');
        assert_int_equal(stripe_lrc(1, (char *) plain + 72), '0');
}

/* A frame that is not all there, not right, or of another format says so and gives nothing. */
static void broken_frames(void **state) {
        struct stripe_report report;
        uint8_t frame[560];
        size_t whole;

        use_reader("securemag");
        memset(&report, 0, sizeof(report));
        assert_int_equal(reader->report(reader, &stripe, ksn, 0, &report), 1);
        whole = (size_t) (report.data[1] | report.data[2] << 8) + 6;

        for (size_t i = 3; i < whole; i++) {
                memcpy(frame, report.data, sizeof(frame));
                frame[i] ^= 0x40;
                assert_int_equal(till_msr_decoder_push(&decoder, 0, frame, sizeof(frame)), TILL_MSR_RESULT_BROKEN);
                assert_false(till_msr_decoder_busy(&decoder));
        }

        /* Bits that say that more was sent, with the sums put right. */
        for (unsigned i = 0; i < 16; i++) {
                memcpy(frame, report.data, sizeof(frame));
                frame[8 + i / 8] ^= (uint8_t) (1 << i % 8);
                frame[whole - 3] ^= (uint8_t) (1 << i % 8);
                frame[whole - 2] = 0;
                for (size_t j = 3; j < whole - 3; j++)
                        frame[whole - 2] = (uint8_t) (frame[whole - 2] + frame[j]);
                assert_int_equal(till_msr_decoder_push(&decoder, 0, frame, sizeof(frame)), TILL_MSR_RESULT_SWIPE);
                assert_true(till_msr_decoder_take(&decoder, &swipe));
                if (i != 2 && i != 3 && i != 5 && i != 6 && i != 10 && !swipe.track[0].errors)
                        fail_msg("bit %u of the formats is not missed", i);
                for (unsigned j = 0; j < 3 && swipe.track[0].errors; j++)
                        expect_error(j, swipe.track[j].errors | TILL_MSR_ERROR_DECODE);
                assert_int_equal(swipe.ksn_length, swipe.track[0].errors ? 0 : 10);
        }

        /* Half of it, and then nothing. */
        use_reader("securemag-original");
        memset(&report, 0, sizeof(report));
        assert_int_equal(reader->report(reader, &stripe, ksn, 0, &report), 1);
        assert_int_equal(till_msr_decoder_push(&decoder, 0, report.data, report.size), TILL_MSR_RESULT_PART);
        assert_true(till_msr_decoder_busy(&decoder));
        assert_false(till_msr_decoder_repeats(&decoder, 0));
        assert_false(till_msr_decoder_take(&decoder, &swipe));
        assert_false(till_msr_decoder_busy(&decoder));
        assert_true(pull());

        /* A frame without an end. */
        memset(frame, 0xff, sizeof(frame));
        frame[0] = 0x02;
        assert_int_equal(till_msr_decoder_push(&decoder, 0, frame, 64), TILL_MSR_RESULT_BROKEN);
}

/* AES, optional bytes, a session id, tracks that are encrypted without being shown. */
static void enhanced_format(void **state) {
        uint8_t frame[560] = { 0x02 }, *p = frame + 3;
        size_t size;

        use_reader("securemag");
        *p++ = 0x80;
        *p++ = 0x40 | 0x12; /* track 2 sampled and decoded; optional bytes */
        *p++ = 0;
        *p++ = 37;
        *p++ = 0;
        *p++ = 0x10 | 0x80;        /* AES, serial number, no text */
        *p++ = 0x02 | 0x40 | 0x80; /* track 2, session id, key serial number */
        *p++ = 2;
        p += 2;
        memset(p, 0xc2, 48);
        p += 48;
        p += 16 + 10;
        memcpy(p, ksn, sizeof(ksn));
        p += sizeof(ksn);
        size = (size_t) (p - frame);
        frame[1] = (uint8_t) (size - 3);
        for (size_t i = 3; i < size; i++) {
                p[0] ^= frame[i];
                p[1] = (uint8_t) (p[1] + frame[i]);
        }
        p[2] = 0x03;

        assert_int_equal(till_msr_decoder_push(&decoder, 0, frame, sizeof(frame)), TILL_MSR_RESULT_SWIPE);
        assert_true(till_msr_decoder_take(&decoder, &swipe));
        assert_int_equal(swipe.encryption, TILL_MSR_ENCRYPTION_DUKPT_AES);
        assert_int_equal(swipe.track[1].errors, 0);
        assert_int_equal(swipe.track[1].length, 0);
        assert_int_equal(swipe.track[1].flags, 0);
        assert_int_equal(swipe.track[1].encrypted_length, 48);
        assert_int_equal(swipe.track[1].encrypted[47], 0xc2);
        assert_memory_equal(swipe.ksn, ksn, sizeof(ksn));
}

/* Half a frame is under way, and no swipe that could be taken. */
static void half_frames(void **state) {
        struct stripe_report report = {};

        use_reader("securemag-original");
        assert_false(till_msr_decoder_whole(&decoder));
        for (unsigned n = 0; reader->report(reader, &stripe, ksn, n, &report) > 0; n++) {
                assert_false(till_msr_decoder_whole(&decoder));
                (void) till_msr_decoder_push(&decoder, 0, report.data, report.size);
                assert_true(till_msr_decoder_busy(&decoder));
        }
        assert_true(till_msr_decoder_whole(&decoder));
        assert_true(till_msr_decoder_take(&decoder, &swipe));
        assert_false(till_msr_decoder_whole(&decoder));
}

/* Puts length and sums around card data; returns the size of the frame. */
static size_t make_frame(uint8_t *frame, const uint8_t *data, size_t size) {
        uint8_t lrc = 0, sum = 0;

        frame[0] = 0x02;
        frame[1] = (uint8_t) size;
        frame[2] = (uint8_t) (size >> 8);
        memcpy(frame + 3, data, size);
        for (size_t i = 0; i < size; i++) {
                lrc ^= data[i];
                sum = (uint8_t) (sum + data[i]);
        }
        frame[3 + size] = lrc;
        frame[4 + size] = sum;
        frame[5 + size] = 0x03;
        return size + 6;
}

static void push_frame(const uint8_t *data, size_t size) {
        uint8_t frame[560] = {};

        (void) make_frame(frame, data, size);
        assert_int_equal(till_msr_decoder_push(&decoder, 0, frame, sizeof(frame)), TILL_MSR_RESULT_SWIPE);
        assert_true(till_msr_decoder_take(&decoder, &swipe));
}

static void odd_frames(void **state) {
        /* Original: type, status, lengths of 10 and 10; text of both; the rest as it comes. */
        uint8_t original[500] = { 0, 0x1b, 10, 10, 0 };
        const size_t text = 5 + 20;

        use_reader("securemag");
        memcpy(original + 5, "%B***9999?;***9999=?", 20);
        memcpy(original + text + 24, ksn, sizeof(ksn));

        /* 20 bytes in blocks of 8 are 24, and no hash. */
        push_frame(original, text + 24 + 10);
        assert_int_equal(swipe.encryption, TILL_MSR_ENCRYPTION_DUKPT_TDES);
        assert_int_equal(swipe.track[0].encrypted_length, 24);
        assert_memory_equal(swipe.ksn, ksn, sizeof(ksn));
        /* In blocks of 16 they are 32: 8 more than 24 would be a session id, unless hashes say which. */
        push_frame(original, text + 32 + 16 + 40 + 10);
        expect_error(0, TILL_MSR_ERROR_DECODE);
        /* 25 bytes: 32 in either; 17: 24 or 32. */
        original[2] = 7;
        push_frame(original, 5 + 17 + 32 + 60 + 8 + 10);
        assert_int_equal(swipe.encryption, TILL_MSR_ENCRYPTION_DUKPT_AES);
        assert_int_equal(swipe.track[0].encrypted_length, 32);
        /* What fits nothing. */
        push_frame(original, 5 + 17 + 3);
        expect_error(0, TILL_MSR_ERROR_DECODE);
        expect_error(1, TILL_MSR_ERROR_DECODE);
        assert_int_equal(swipe.encryption, TILL_MSR_ENCRYPTION_NONE);
        push_frame(original, 5 + 17 + 24 + 10 + 7);
        expect_error(1, TILL_MSR_ERROR_DECODE);
        /* More than a cryptogram may have: neither of the two is of use. */
        original[2] = original[3] = 100;
        push_frame(original, 5 + 200 + 200 + 10);
        assert_int_equal(swipe.track[0].errors & TILL_MSR_ERROR_DECODE, TILL_MSR_ERROR_DECODE);
        assert_int_equal(swipe.track[1].errors & TILL_MSR_ERROR_DECODE, TILL_MSR_ERROR_DECODE);
        assert_int_equal(swipe.track[1].length, 0);

        /* Bits that are not characters, of both formats; another type of card. */
        for (unsigned type = 4; type < 256; type += 0x80) {
                original[0] = (uint8_t) type;
                push_frame(original, 100);
                expect_error(0, TILL_MSR_ERROR_DECODE);
                assert_int_equal(swipe.encode, TILL_MSR_ENCODE_OTHER);
        }
        original[0] = 3;
        memset(original + 2, 0, 3);
        push_frame(original, 5);
        assert_int_equal(swipe.encode, TILL_MSR_ENCODE_OTHER);
        /* A key serial number, and nothing that it could be of. */
        original[0] = 0;
        memcpy(original + 5, ksn, sizeof(ksn));
        push_frame(original, 5 + sizeof(ksn));
        expect_error(0, TILL_MSR_ERROR_DECODE);
        assert_int_equal(swipe.encryption, TILL_MSR_ENCRYPTION_NONE);
        assert_int_equal(swipe.ksn_length, 0);

        /* Too short for what it claims. */
        original[0] = 0x80;
        push_frame(original, 6);
        expect_error(0, TILL_MSR_ERROR_DECODE);
        original[1] = 0x40;
        push_frame(original, 7);
        expect_error(0, TILL_MSR_ERROR_DECODE);
}

/* ID TECH's header: the length either way round, a frame behind it, and lies. */
static void native_header(void **state) {
        static const uint8_t empty_card[] = { 0x80, 0, 0, 0, 0, 0, 0 };
        struct stripe_report report = {};
        uint8_t low, high;

        use_reader("minimag");
        assert_int_equal(reader->report(reader, &stripe, ksn, 0, &report), 1);
        low = report.data[7];
        high = report.data[8];
        report.data[7] = high;
        report.data[8] = low;
        assert_int_equal(till_msr_decoder_push(&decoder, 0, report.data, report.size), TILL_MSR_RESULT_SWIPE);
        assert_true(till_msr_decoder_take(&decoder, &swipe));
        expect_clear(1, TRACK2);

        report.data[7] = report.data[8] = 0xff;
        assert_int_equal(till_msr_decoder_push(&decoder, 0, report.data, report.size), TILL_MSR_RESULT_BROKEN);

        /* Tracks that are told of and are not there. */
        report.data[7] = 3;
        report.data[8] = 0;
        assert_int_equal(till_msr_decoder_push(&decoder, 0, report.data, report.size), TILL_MSR_RESULT_SWIPE);
        assert_true(till_msr_decoder_take(&decoder, &swipe));
        assert_int_not_equal(swipe.track[0].errors, 0);
        expect_error(1, TILL_MSR_ERROR_START);

        memset(report.data, 0, 9);
        report.data[7] = (uint8_t) make_frame(report.data + 9, empty_card, sizeof(empty_card));
        assert_int_equal(till_msr_decoder_push(&decoder, 0, report.data, report.size), TILL_MSR_RESULT_SWIPE);
        assert_true(till_msr_decoder_take(&decoder, &swipe));
        assert_int_equal(swipe.encode, TILL_MSR_ENCODE_BLANK);

        /* Reports of another size than a header has. */
        memset(&decoder, 0, sizeof(decoder));
        decoder.dialect = TILL_MSR_DIALECT_IDTECH;
        till_msr_layout_usage(till_msr_decoder_add(&decoder, 0, 8), 0xff000031, 0, 8);
        assert_true(till_msr_layout_finish(&decoder));
        memset(report.data, 0, 9);
        assert_int_equal(till_msr_decoder_push(&decoder, 0, report.data, 8), TILL_MSR_RESULT_BROKEN);
        /* A frame that goes on and on. */
        memset(report.data, 0xff, 8);
        report.data[0] = 0x02;
        report.data[1] = 0xff;
        report.data[2] = 0x03;
        for (unsigned i = 0; i < TILL_MSR_FRAME_MAX / 8; i++)
                if (till_msr_decoder_push(&decoder, 0, report.data, 8) == TILL_MSR_RESULT_BROKEN)
                        return;
        fail_msg("a frame of more than %u bytes is taken", TILL_MSR_FRAME_MAX);
}

/* Lengths beyond their fields, a key serial number that is none. */
static void magnesafe_lies(void **state) {
        struct stripe_report report = {};

        use_reader("magnesafe");
        assert_int_equal(reader->report(reader, &stripe, ksn, 0, &report), 1);
        report.data[3] = 113;
        report.data[506] = 113;
        assert_int_equal(till_msr_decoder_push(&decoder, 0, report.data, report.size), TILL_MSR_RESULT_SWIPE);
        assert_true(till_msr_decoder_take(&decoder, &swipe));
        expect_error(0, TILL_MSR_ERROR_DECODE);
        expect_error(1, TILL_MSR_ERROR_DECODE);

        /* A cryptogram's last block is not all in the report: what is behind it in memory is nobody's. */
        use_reader("magnesafe");
        decoder.layout[0].track[0].data.span[0].size = 110;
        for (uint8_t length = 104; length <= 105; length++) {
                report.data[3] = length;
                report.data[506] = 0;
                assert_int_equal(till_msr_decoder_push(&decoder, 0, report.data, report.size), TILL_MSR_RESULT_SWIPE);
                assert_true(till_msr_decoder_take(&decoder, &swipe));
                if (length == 104)
                        assert_int_equal(swipe.track[0].encrypted_length, 104);
                else
                        expect_error(0, TILL_MSR_ERROR_DECODE);
        }

        /* Of another shape than MagTek prints, the usages count; 12 bytes of serial number are AES'. */
        for (unsigned size = 12; size <= 16; size += 4) {
                use_reader("magnesafe");
                decoder.layout[0].track[0].data.span[0] = (struct till_msr_span){ 7, 111 };
                decoder.layout[0].ksn.size = (u16) size;
                assert_true(till_msr_layout_finish(&decoder));
                assert_true(pull());
                assert_int_equal(swipe.ksn_length, TILL_MSR_KSN_MAX);
                assert_int_equal(swipe.encryption, TILL_MSR_ENCRYPTION_DUKPT_AES);
                assert_int_equal(swipe.track[1].flags, TILL_MSR_TRACK_MASKED);
        }
}

/* The layout of SureSwipe is one of ID TECH's settings, and page 8E may be another. */
static void idtech_settings(void **state) {
        uint8_t report[337] = {};

        use_reader("sureswipe");
        decoder.dialect = TILL_MSR_DIALECT_IDTECH;
        assert_true(till_msr_layout_finish(&decoder));
        report[4] = (uint8_t) strlen(TRACK2);
        memcpy(report + 117, TRACK2, strlen(TRACK2));
        assert_int_equal(till_msr_decoder_push(&decoder, 0, report, sizeof(report)), TILL_MSR_RESULT_SWIPE);
        assert_true(till_msr_decoder_take(&decoder, &swipe));
        expect_clear(1, TRACK2);

        use_reader("standard");
        decoder.dialect = TILL_MSR_DIALECT_IDTECH;
        assert_true(till_msr_layout_finish(&decoder));
        (void) pull();
        expect_clear(1, TRACK2);
}

/* ---- Descriptors ---- */

/* What a descriptor claims beyond its report, beyond the tables, or of other pages is not taken. */
static void strange_descriptors(void **state) {
        struct till_msr_layout *layout;
        uint8_t report[64] = "; is not a track?";

        memset(&decoder, 0, sizeof(decoder));
        assert_false(till_msr_layout_finish(&decoder));

        layout = till_msr_decoder_add(&decoder, 0, 8);
        till_msr_layout_usage(layout, 0x008e0022, 8, 1);
        till_msr_layout_usage(layout, 0x008e0022, 4, 5);
        till_msr_layout_usage(layout, 0x008e0022, SIZE_MAX, 2);
        till_msr_layout_usage(layout, 0x008e0022, 0, 0);
        till_msr_layout_usage(layout, 0x00010022, 0, 8);
        till_msr_layout_usage(layout, 0x008e0025, 0, 8);
        assert_false(till_msr_layout_finish(&decoder));

        memset(&decoder, 0, sizeof(decoder));
        assert_null(till_msr_decoder_add(&decoder, 0, 65536));
        for (unsigned i = 0; i < TILL_MSR_REPORTS; i++)
                assert_non_null(till_msr_decoder_add(&decoder, i, 64));
        assert_null(till_msr_decoder_add(&decoder, 9, 64));
        /* In so many pieces that some are left out. */
        for (unsigned i = 0; i < 64; i += 2)
                till_msr_layout_usage(&decoder.layout[0], 0x008e0022, i, 1);
        /* A field in one piece, and a second piece of it. */
        till_msr_layout_usage(&decoder.layout[0], 0x008e0012, 63, 1);
        till_msr_layout_usage(&decoder.layout[0], 0x008e0012, 61, 1);
        assert_true(till_msr_layout_finish(&decoder));
        assert_int_equal(decoder.layouts, 1);
        report[63] = 3;
        assert_int_equal(till_msr_decoder_push(&decoder, 0, report, sizeof(report)), TILL_MSR_RESULT_SWIPE);
        assert_true(till_msr_decoder_take(&decoder, &swipe));
        assert_true(swipe.track[1].errors);
}

/* Usage 20 as data: all tracks in a row. */
static void stream(void **state) {
        struct till_msr_layout *layout;
        uint8_t report[256] = {};

        memset(&decoder, 0, sizeof(decoder));
        layout = till_msr_decoder_add(&decoder, 0, sizeof(report));
        till_msr_layout_usage(layout, 0x008e0020, 0, sizeof(report));
        assert_true(till_msr_layout_finish(&decoder));
        strcpy((char *) report, TRACK1 "\r" TRACK2 "\r" TRACK3 "\r");
        assert_int_equal(till_msr_decoder_push(&decoder, 0, report, sizeof(report)), TILL_MSR_RESULT_SWIPE);
        assert_true(till_msr_decoder_take(&decoder, &swipe));
        expect_clear(0, TRACK1);
        expect_clear(1, TRACK2);
        expect_clear(2, TRACK3);
        strcpy((char *) report, TRACK2 "\r");
        memset(report + strlen(TRACK2) + 1, 0, sizeof(report) - strlen(TRACK2) - 1);
        assert_int_equal(till_msr_decoder_push(&decoder, 0, report, sizeof(report)), TILL_MSR_RESULT_SWIPE);
        assert_true(till_msr_decoder_take(&decoder, &swipe));
        expect_clear(0, "");
        expect_clear(1, TRACK2);
        expect_clear(2, "");
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(dukpt_vectors),    cmocka_unit_test(clear_readers),
                cmocka_unit_test(features),         cmocka_unit_test(damaged_tracks),
                cmocka_unit_test(encode_types),     cmocka_unit_test(several_reports),
                cmocka_unit_test(lying_lengths),    cmocka_unit_test(magnesafe),
                cmocka_unit_test(magnesafe_signs),  cmocka_unit_test(magnesafe_unnamed),
                cmocka_unit_test(securemag),        cmocka_unit_test(securemag_original),
                cmocka_unit_test(securemag_manual), cmocka_unit_test(broken_frames),
                cmocka_unit_test(enhanced_format),  cmocka_unit_test(odd_frames),
                cmocka_unit_test(native_header),    cmocka_unit_test(magnesafe_lies),
                cmocka_unit_test(idtech_settings),  cmocka_unit_test(strange_descriptors),
                cmocka_unit_test(stream),           cmocka_unit_test(half_frames),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
