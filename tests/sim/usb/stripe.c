// SPDX-License-Identifier: LGPL-2.1-or-later
#include "usb/stripe.h"

#include <openssl/sha.h>

#define TRACKS_ISO 3
#define STX 0x02
#define ETX 0x03

/* Card encode types of MagTek's readers. */
enum {
        ENCODING_ISO = 0,
        ENCODING_AAMVA = 1,
        ENCODING_UNDETERMINED = 5,
        ENCODING_NONE = 6,
};

/* ---- The stripe ---- */

void stripe_from_card(const struct sim_card *card, struct stripe *ret) {
        *ret = (struct stripe){};
        for (size_t i = 0; i < ELEMENTSOF(card->track); i++)
                memcpy(ret->track[i], card->track[i], sizeof(card->track[i]));
}

static int parse_damage(const char *word, enum stripe_damage *ret) {
        static const char *const words[] = {
                [STRIPE_UNREADABLE] = "unreadable", [STRIPE_START] = "start", [STRIPE_END] = "end",
                [STRIPE_PARITY] = "parity",         [STRIPE_LRC] = "lrc",
        };

        for (size_t i = 0; i < ELEMENTSOF(words); i++)
                if (words[i] && streq(words[i], word)) {
                        *ret = i;
                        return 0;
                }
        return -EINVAL;
}

int stripe_option(struct stripe *stripe, const char *word) {
        unsigned int track = (unsigned int) (word[0] - '1');

        if (streq(word, "clear")) {
                stripe->clear = true;
                return 0;
        }
        if (streq(word, "aamva")) {
                stripe->aamva = true;
                return 0;
        }
        if (track >= STRIPE_TRACKS)
                return -EINVAL;
        if (word[1] == ':')
                return parse_damage(word + 2, &stripe->damage[track]);
        if (word[1] != '=' || strlen(word + 2) > CARD_TRACK_MAX)
                return -EINVAL;
        strcpy(stripe->track[track], word + 2);
        return 0;
}

char stripe_lrc(unsigned int track, const char *text) {
        char first = track == 0 ? ' ' : '0';
        unsigned int sum = 0;

        for (; *text; text++)
                sum ^= (unsigned int) (*text - first);
        return (char) (first + (char) sum);
}

static bool is_blank(const struct stripe *stripe) {
        for (size_t i = 0; i < STRIPE_TRACKS; i++)
                if (stripe->track[i][0])
                        return false;
        return true;
}

/* What a reader that passes on what it finds has of a track, with its LRC if it sends that. Returns its length. */
static size_t read_track(const struct stripe *stripe, unsigned int i, bool lrc, char text[static CARD_TRACK_MAX + 2]) {
        size_t n = strlen(stripe->track[i]);
        char check = stripe_lrc(i, stripe->track[i]);

        if (n == 0)
                return 0;
        memcpy(text, stripe->track[i], n);
        switch (stripe->damage[i]) {
        case STRIPE_START:
                memmove(text, text + 1, --n);
                break;
        case STRIPE_END:
                n--;
                break;
        case STRIPE_PARITY:
                text[n / 2] = 'x';
                break;
        case STRIPE_LRC:
                check ^= 1;
                break;
        default:
                break;
        }
        if (lrc)
                text[n++] = check;
        return n;
}

/* What is shown of a track: the first and last digits of the number, what separates, and the name. */
static void mask_track(char *text, size_t n, char with) {
        size_t start = text[0] == '%' ? 2 : 1, end, separators = 0;

        for (end = start; end < n && text[end] >= '0' && text[end] <= '9'; end++)
                ;
        for (size_t i = start + 4; i + 4 < end; i++)
                text[i] = with;
        for (size_t i = end; i < n; i++) {
                if (text[i] == '?')
                        break;
                if (text[i] == '^' || text[i] == '=')
                        separators++;
                else if (separators >= (text[0] == '%' ? 2 : 1))
                        text[i] = with;
        }
}

static int encrypt(const struct stripe_reader *reader, const uint8_t ksn[static DUKPT_KSN_SIZE], const char *text,
                   size_t n, uint8_t *ret) {
        uint8_t key[DUKPT_KEY_SIZE], padded[2 * CARD_TRACK_MAX + 16] = {};
        int r;

        memcpy(padded, text, n);
        r = dukpt_key(dukpt_test_key, ksn, reader->variant, key);
        if (r >= 0)
                r = dukpt_crypt(true, key, padded, (n + 7) / 8 * 8, ret);
        return r < 0 ? r : (int) ((n + 7) / 8 * 8);
}

/* ---- MagTek SureSwipe: 337 bytes ---- */

#define MAGTEK_STATUS 0
#define MAGTEK_LENGTH 3
#define MAGTEK_ENCODING 6
#define MAGTEK_TRACKS 7

#define SURESWIPE_SIZE 337
#define SURESWIPE_TRACK 110

static const uint8_t sureswipe_descriptor[] = {
        0x06, 0x00,
        0xff,       /* Usage Page (vendor FF00) */
        0x09, 0x01, /* Usage (decoding reader) */
        0xa1, 0x01, /* Collection (Application) */
        0x15, 0x00, /*   Logical Minimum (0) */
        0x26, 0xff,
        0x00,                  /*   Logical Maximum (255) */
        0x75, 0x08,            /*   Report Size (8) */
        0x09, 0x20,            /*   Usage (track 1 decode status) */
        0x09, 0x21,            /*   Usage (track 2 decode status) */
        0x09, 0x22,            /*   Usage (track 3 decode status) */
        0x09, 0x28,            /*   Usage (track 1 length) */
        0x09, 0x29,            /*   Usage (track 2 length) */
        0x09, 0x2a,            /*   Usage (track 3 length) */
        0x09, 0x38,            /*   Usage (card encode type) */
        0x95, 0x07,            /*   Report Count (7) */
        0x81, 0x02,            /*   Input (Data, Variable, Absolute) */
        0x09, 0x30,            /*   Usage (track 1 data) */
        0x95, SURESWIPE_TRACK, /*   Report Count (110) */
        0x82, 0x02,
        0x01,                  /*   Input (Data, Variable, Absolute, Buffered Bytes) */
        0x09, 0x31,            /*   Usage (track 2 data) */
        0x95, SURESWIPE_TRACK, /*   Report Count (110) */
        0x82, 0x02,
        0x01,                  /*   Input (Data, Variable, Absolute, Buffered Bytes) */
        0x09, 0x32,            /*   Usage (track 3 data) */
        0x95, SURESWIPE_TRACK, /*   Report Count (110) */
        0x82, 0x02,
        0x01,       /*   Input (Data, Variable, Absolute, Buffered Bytes) */
        0x09, 0x20, /*   Usage (command message) */
        0x95, 0x18, /*   Report Count (24) */
        0xb2, 0x02,
        0x01, /*   Feature (Data, Variable, Absolute, Buffered Bytes) */
        0xc0, /* End Collection */
};

/* MagTek's readers check parity and LRC themselves and show only what is good. */
static bool magtek_reads(const struct stripe *stripe, unsigned int i) {
        return stripe->damage[i] != STRIPE_UNREADABLE && stripe->damage[i] != STRIPE_LRC;
}

static uint8_t magtek_encoding(const struct stripe *stripe) {
        if (is_blank(stripe))
                return ENCODING_NONE;
        for (unsigned int i = 0; i < TRACKS_ISO; i++)
                if (stripe->track[i][0] && magtek_reads(stripe, i))
                        return stripe->aamva ? ENCODING_AAMVA : ENCODING_ISO;
        return ENCODING_UNDETERMINED;
}

static int sureswipe_report(const struct stripe_reader *reader, const struct stripe *stripe,
                            const uint8_t ksn[static DUKPT_KSN_SIZE], unsigned int n, struct stripe_report *ret) {
        char text[CARD_TRACK_MAX + 2];

        if (n > 0)
                return 0;
        ret->size = SURESWIPE_SIZE;
        for (unsigned int i = 0; i < TRACKS_ISO; i++) {
                size_t length = read_track(stripe, i, false, text);

                if (length > 0 && !magtek_reads(stripe, i)) {
                        ret->data[MAGTEK_STATUS + i] = 1;
                        continue;
                }
                ret->data[MAGTEK_LENGTH + i] = (uint8_t) length;
                memcpy(ret->data + MAGTEK_TRACKS + (size_t) i * SURESWIPE_TRACK, text, length);
        }
        ret->data[MAGTEK_ENCODING] = magtek_encoding(stripe);
        return 1;
}

/* ---- MagTek MagneSafe V5: 856 bytes, encrypting ---- */

#define MAGNESAFE_SIZE 856
#define MAGNESAFE_TRACK 112
#define MAGNESAFE_ENCRYPTION 493
#define MAGNESAFE_KSN 495
#define MAGNESAFE_MASKED_LENGTH 505
#define MAGNESAFE_MASKED 508
#define MAGNESAFE_ABSOLUTE 852

static const uint8_t magnesafe_descriptor[] = {
        0x06, 0x00, 0xff,       /* Usage Page (vendor FF00) */
        0x09, 0x01, 0xa1, 0x01, /* Usage (decoding reader), Collection (Application) */
        0x15, 0x00, 0x26, 0xff,
        0x00, 0x75, 0x08, /*   0 to 255, Report Size (8) */
        0x09, 0x20, 0x09, 0x21,
        0x09, 0x22, /*   Usages (decode status) */
        0x09, 0x28, 0x09, 0x29,
        0x09, 0x2a, /*   Usages (encrypted data length) */
        0x09, 0x38, 0x95, 0x07,
        0x81, 0x02, /*   Usage (card encode type), Input 7 */
        0x09, 0x30, 0x95, MAGNESAFE_TRACK,
        0x82, 0x02, 0x01, /*   Usage (track 1 encrypted data), Input 112 */
        0x09, 0x31, 0x95, MAGNESAFE_TRACK,
        0x82, 0x02, 0x01, /*   Usage (track 2 encrypted data), Input 112 */
        0x09, 0x32, 0x95, MAGNESAFE_TRACK,
        0x82, 0x02, 0x01, /*   Usage (track 3 encrypted data), Input 112 */
        0x09, 0x39, 0x95, 0x01,
        0x81, 0x02, /*   Usage (card status), Input 1 */
        0x75, 0x20, 0x09, 0x23,
        0x95, 0x01, 0x81, 0x02, /*   Usage (MagnePrint status), Input of 32 bits */
        0x75, 0x08, 0x09, 0x2b,
        0x95, 0x01, 0x81, 0x02, /*   Usage (MagnePrint data length), Input 1 */
        0x09, 0x33, 0x95, 0x80,
        0x82, 0x02, 0x01, /*   Usage (MagnePrint data), Input 128 */
        0x09, 0x40, 0x95, 0x10,
        0x82, 0x02, 0x01, /*   Usage (device serial number), Input 16 */
        0x09, 0x42, 0x95, 0x02,
        0x82, 0x02, 0x01, /*   Usage (encryption status), Input 2 */
        0x09, 0x46, 0x95, 0x0a,
        0x82, 0x02, 0x01, /*   Usage (DUKPT key serial number), Input 10 */
        0x09, 0x47, 0x09, 0x48,
        0x09, 0x49, 0x95, 0x03, /*   Usages (masked data length) */
        0x81, 0x02,             /*   Input 3 */
        0x09, 0x4a, 0x95, MAGNESAFE_TRACK,
        0x82, 0x02, 0x01, /*   Usage (track 1 masked data), Input 112 */
        0x09, 0x4b, 0x95, MAGNESAFE_TRACK,
        0x82, 0x02, 0x01, /*   Usage (track 2 masked data), Input 112 */
        0x09, 0x4c, 0x95, MAGNESAFE_TRACK,
        0x82, 0x02, 0x01, /*   Usage (track 3 masked data), Input 112 */
        0x09, 0x50, 0x95, 0x08,
        0x82, 0x02, 0x01, /*   Usage (encrypted session id), Input 8 */
        0x09, 0x51, 0x09, 0x52,
        0x09, 0x53, 0x09, 0x54,
        0x95,             /*   Usages (absolute data length) */
        0x04, 0x81, 0x02, /*   Input 4 */
        0x09, 0x20, 0x95, 0x18,
        0xb2, 0x02, 0x01, /*   Usage (command message), Feature 24 */
        0xc0,             /* End Collection */
};

static int magnesafe_track(const struct stripe_reader *reader, const struct stripe *stripe,
                           const uint8_t ksn[static DUKPT_KSN_SIZE], unsigned int i, uint8_t *data) {
        uint8_t *field = data + MAGTEK_TRACKS + (size_t) i * MAGNESAFE_TRACK;
        uint8_t *masked = data + MAGNESAFE_MASKED + (size_t) i * MAGNESAFE_TRACK;
        char text[CARD_TRACK_MAX + 2];
        size_t length = read_track(stripe, i, false, text);
        int n;

        if (length > 0 && !magtek_reads(stripe, i)) {
                data[MAGTEK_STATUS + i] = 1;
                return 0;
        }
        data[MAGNESAFE_ABSOLUTE + i] = data[MAGNESAFE_MASKED_LENGTH + i] = (uint8_t) length;
        if (stripe->clear) {
                memcpy(field, text, length);
                n = (int) length;
        } else {
                n = encrypt(reader, ksn, text, length, field);
                if (n < 0)
                        return n;
        }
        data[MAGTEK_LENGTH + i] = (uint8_t) n;
        mask_track(text, length, '0');
        memcpy(masked, text, length);
        return 0;
}

static int magnesafe_report(const struct stripe_reader *reader, const struct stripe *stripe,
                            const uint8_t ksn[static DUKPT_KSN_SIZE], unsigned int n, struct stripe_report *ret) {
        int r;

        if (n > 0)
                return 0;
        ret->size = MAGNESAFE_SIZE;
        for (unsigned int i = 0; i < TRACKS_ISO; i++) {
                r = magnesafe_track(reader, stripe, ksn, i, ret->data);
                if (r < 0)
                        return r;
        }
        ret->data[MAGTEK_ENCODING] = magtek_encoding(stripe);
        /* Big endian: key injected, encryption on. */
        ret->data[MAGNESAFE_ENCRYPTION + 1] = stripe->clear ? 0 : 0x06;
        if (!stripe->clear)
                memcpy(ret->data + MAGNESAFE_KSN, ksn, DUKPT_KSN_SIZE);
        return 1;
}

/* ---- Usage page 8E: all in one report, a track in two pieces ---- */

#define STANDARD_SIZE (1 + 4 + 80 + 20 + 2 + 24 + 108 + 72)

static const uint8_t standard_descriptor[] = {
        0x05, 0x8e, 0x09, 0x01,                   /* Usage Page (magnetic stripe reader), Usage (MSR device) */
        0xa1, 0x01, 0x85, 0x01,                   /* Collection (Application), Report ID (1) */
        0x15, 0x00, 0x26, 0xff, 0x00, 0x75, 0x08, /*   0 to 255, Report Size (8) */
        0x09, 0x11, 0x09, 0x12, 0x09, 0x13,       /*   Usages (track 1 to 3 length) */
        0x09, 0x14, 0x95, 0x04, 0x81, 0x02,       /*   Usage (track JIS length), Input 4 */
        0x09, 0x20, 0xa1, 0x02,                   /*   Usage (track data), Collection (Logical) */
        0x09, 0x21, 0x95, 80,   0x82, 0x02, 0x01, /*     Usage (track 1 data), Input 80, Buffered Bytes */
        0x09, 0x22, 0x95, 20,   0x82, 0x02, 0x01, /*     Usage (track 2 data), Input 20 */
        0x95, 2,    0x81, 0x03,                   /*     Input 2, Constant */
        0x09, 0x22, 0x95, 24,   0x82, 0x02, 0x01, /*     Usage (track 2 data), Input 24 */
        0x09, 0x23, 0x95, 108,  0x82, 0x02, 0x01, /*     Usage (track 3 data), Input 108 */
        0x09, 0x24, 0x95, 72,   0x82, 0x02, 0x01, /*     Usage (track JIS data), Input 72 */
        0xc0, 0xc0,                               /* End Collection, twice */
};

static int standard_report(const struct stripe_reader *reader, const struct stripe *stripe,
                           const uint8_t ksn[static DUKPT_KSN_SIZE], unsigned int n, struct stripe_report *ret) {
        static const size_t at[STRIPE_TRACKS] = { 5, 85, 131, 239 }, room[STRIPE_TRACKS] = { 80, 44, 108, 72 };
        char text[CARD_TRACK_MAX + 2];

        if (n > 0)
                return 0;
        ret->size = STANDARD_SIZE;
        ret->data[0] = 1;
        for (unsigned int i = 0; i < STRIPE_TRACKS; i++) {
                size_t length = stripe->damage[i] == STRIPE_UNREADABLE ? 0 : read_track(stripe, i, i < 3, text);
                size_t first;

                length = MIN(length, room[i]);
                first = i == 1 ? MIN(length, (size_t) 20) : length;
                ret->data[1 + i] = (uint8_t) length;
                memcpy(ret->data + at[i], text, first);
                memcpy(ret->data + at[i] + first + 2, text + first, length - first);
        }
        return 1;
}

/* ---- Usage page 8E: a report for each track ---- */

#define TRACKWISE_TRACK 80

static const uint8_t trackwise_descriptor[] = {
        0x05, 0x8e,
        0x09, 0x01,
        0xa1, 0x01, /* as above */
        0x15, 0x00,
        0x26, 0xff,
        0x00, 0x75,
        0x08, /*   0 to 255, Report Size (8) */
        0x85, 0x01,
        0x09, 0x11,
        0x95, 0x01,
        0x81, 0x02, /*   Report ID (1), track 1 length */
        0x09, 0x21,
        0x95, TRACKWISE_TRACK,
        0x82, 0x02,
        0x01, /*   Usage (track 1 data), Input 80 */
        0x85, 0x02,
        0x09, 0x12,
        0x95, 0x01,
        0x81, 0x02, /*   Report ID (2), track 2 length */
        0x09, 0x22,
        0x95, TRACKWISE_TRACK,
        0x82, 0x02,
        0x01, /*   Usage (track 2 data), Input 80 */
        0x85, 0x04,
        0x09, 0x24,
        0x95, TRACKWISE_TRACK,
        0x82, 0x02,
        0x01, /*   Report ID (4), track JIS data */
        0xc0, /* End Collection */
};

/* A track that the stripe does not have is not told of. */
static int trackwise_report(const struct stripe_reader *reader, const struct stripe *stripe,
                            const uint8_t ksn[static DUKPT_KSN_SIZE], unsigned int n, struct stripe_report *ret) {
        static const unsigned int tracks[] = { 0, 1, 3 };
        char text[CARD_TRACK_MAX + 2];
        size_t length = 0, at;
        unsigned int i = 0;

        for (size_t j = 0; j < ELEMENTSOF(tracks); j++) {
                i = tracks[j];
                length = stripe->damage[i] == STRIPE_UNREADABLE ? 0 : read_track(stripe, i, false, text);
                if (length > 0 && n-- == 0)
                        break;
                length = 0;
        }
        if (length == 0)
                return 0;

        at = i == 3 ? 1 : 2;
        ret->size = at + TRACKWISE_TRACK;
        ret->data[0] = (uint8_t) (i + 1);
        if (i != 3)
                ret->data[1] = (uint8_t) length;
        memcpy(ret->data + at, text, MIN(length, (size_t) TRACKWISE_TRACK));
        return 1;
}

/* ---- Usage page 8E: the tracks in a row ---- */

#define ROW_SIZE 250

static const uint8_t row_descriptor[] = {
        0x05, 0x8e, 0x09, 0x01,     0xa1, 0x01,       /* as above */
        0x15, 0x00, 0x26, 0xff,     0x00, 0x75, 0x08, /*   0 to 255, Report Size (8) */
        0x09, 0x20, 0x95, ROW_SIZE, 0x82, 0x02, 0x01, /*   Usage (track data), Input 250 */
        0xc0,                                         /* End Collection */
};

static int row_report(const struct stripe_reader *reader, const struct stripe *stripe,
                      const uint8_t ksn[static DUKPT_KSN_SIZE], unsigned int n, struct stripe_report *ret) {
        char text[CARD_TRACK_MAX + 2];
        size_t at = 0;

        if (n > 0)
                return 0;
        ret->size = ROW_SIZE;
        for (unsigned int i = 0; i < TRACKS_ISO; i++) {
                size_t length = stripe->damage[i] == STRIPE_UNREADABLE ? 0 : read_track(stripe, i, false, text);

                length = MIN(length, ret->size - at);
                memcpy(ret->data + at, text, length);
                at += length;
        }
        return 1;
}

/* ---- ID TECH: its native structure ---- */

#define NATIVE_SIZE 509
#define NATIVE_OUTPUT 9

static const uint8_t native_descriptor[] = {
        0x06, 0x00, 0xff, 0x09, 0x01, 0xa1, 0x01,       /* Usage Page (vendor FF00), Collection (Application) */
        0x15, 0x00, 0x26, 0xff, 0x00, 0x75, 0x08,       /*   0 to 255, Report Size (8) */
        0x09, 0x20, 0x09, 0x21, 0x09, 0x22,             /*   Usages (decode status) */
        0x09, 0x28, 0x09, 0x29, 0x09, 0x2a,             /*   Usages (data length) */
        0x09, 0x38, 0x95, 0x07, 0x81, 0x02,             /*   Usage (card encode type), Input 7 */
        0x09, 0x30, 0x95, 0x02, 0x82, 0x02, 0x01,       /*   Usage (total output length), Input 2 */
        0x09, 0x31, 0x96, 0xf4, 0x01, 0x82, 0x02, 0x01, /*   Usage (output data), Input 500 */
        0x09, 0x20, 0x95, 0x08, 0xb2, 0x02, 0x01,       /*   Usage (command message), Feature 8 */
        0xc0,                                           /* End Collection */
};

/* Each track with its LRC and a carriage return. */
static int native_report(const struct stripe_reader *reader, const struct stripe *stripe,
                         const uint8_t ksn[static DUKPT_KSN_SIZE], unsigned int n, struct stripe_report *ret) {
        char text[CARD_TRACK_MAX + 2];
        size_t at = NATIVE_OUTPUT;

        if (n > 0)
                return 0;
        ret->size = NATIVE_SIZE;
        for (unsigned int i = 0; i < TRACKS_ISO; i++) {
                size_t length = read_track(stripe, i, true, text);

                if (length > 0 && stripe->damage[i] == STRIPE_UNREADABLE) {
                        ret->data[i] = 1;
                        continue;
                }
                ret->data[3 + i] = (uint8_t) length;
                memcpy(ret->data + at, text, length);
                at += length;
                ret->data[at++] = '\r';
        }
        ret->data[6] = stripe->aamva;
        ret->data[7] = (uint8_t) (at - NATIVE_OUTPUT);
        ret->data[8] = (uint8_t) ((at - NATIVE_OUTPUT) >> 8);
        return 1;
}

/* ---- ID TECH: encrypted output ---- */

#define SECUREMAG_SIZE 560
#define SECUREMAG_SMALL 64

static const uint8_t securemag_descriptor[] = {
        0x06, 0x00, 0xff, 0x09, 0x01, 0xa1, 0x01,       /* Usage Page (vendor FF00), Collection (Application) */
        0x15, 0x00, 0x26, 0xff, 0x00, 0x75, 0x08,       /*   0 to 255, Report Size (8) */
        0x09, 0x31, 0x96, 0x30, 0x02, 0x82, 0x02, 0x01, /*   Usage (output data), Input 560 */
        0x09, 0x20, 0x95, 0x08, 0xb2, 0x02, 0x01,       /*   Usage (command message), Feature 8 */
        0xc0,                                           /* End Collection */
};

static const uint8_t securemag_small_descriptor[] = {
        0x06, 0x00, 0xff, 0x09,
        0x01, 0xa1, 0x01, /* Usage Page (vendor FF00), Collection (Application) */
        0x15, 0x00, 0x26, 0xff,
        0x00, 0x75, 0x08, /*   0 to 255, Report Size (8) */
        0x09, 0x31, 0x95, SECUREMAG_SMALL,
        0x82, 0x02, 0x01, /*   Usage (output data), Input 64 */
        0x09, 0x20, 0x95, 0x08,
        0xb2, 0x02, 0x01, /*   Usage (command message), Feature 8 */
        0xc0,             /* End Collection */
};

/* A frame that is being written. */
struct frame {
        uint8_t data[STRIPE_REPORT_MAX];
        size_t size;
};

static void put(struct frame *f, const void *data, size_t size) {
        memcpy(f->data + f->size, data, size);
        f->size += size;
}

static void put_byte(struct frame *f, unsigned int byte) {
        f->data[f->size++] = (uint8_t) byte;
}

static void put_hash(struct frame *f, const char *text, size_t n) {
        uint8_t hash[SHA_DIGEST_LENGTH];

        SHA1((const unsigned char *) text, n, hash);
        put(f, hash, sizeof(hash));
}

static void frame_begin(struct frame *f) {
        *f = (struct frame){ .data = { STX }, .size = 3 };
}

static void frame_end(struct frame *f) {
        uint8_t lrc = 0, sum = 0;

        f->data[1] = (uint8_t) (f->size - 3);
        f->data[2] = (uint8_t) ((f->size - 3) >> 8);
        for (size_t i = 3; i < f->size; i++) {
                lrc ^= f->data[i];
                sum += f->data[i];
        }
        put_byte(f, lrc);
        put_byte(f, sum);
        put_byte(f, ETX);
}

struct tracks {
        char text[TRACKS_ISO][CARD_TRACK_MAX + 2];
        size_t length[TRACKS_ISO];
        unsigned int status; /* bits 0-2 decoded, 3-5 sampled */
};

static void read_tracks(const struct stripe *stripe, struct tracks *ret) {
        *ret = (struct tracks){};
        for (unsigned int i = 0; i < TRACKS_ISO; i++) {
                if (!stripe->track[i][0])
                        continue;
                ret->status |= 8U << i;
                if (stripe->damage[i] == STRIPE_UNREADABLE)
                        continue;
                ret->status |= 1U << i;
                ret->length[i] = read_track(stripe, i, true, ret->text[i]);
        }
}

static void put_head(struct frame *f, const struct stripe *stripe, const struct tracks *t, unsigned int format) {
        put_byte(f, format | stripe->aamva);
        put_byte(f, t->status);
        for (unsigned int i = 0; i < TRACKS_ISO; i++)
                put_byte(f, (unsigned int) t->length[i]);
}

static void put_masked(struct frame *f, const char *text, size_t n) {
        uint8_t *at = f->data + f->size;

        put(f, text, n);
        mask_track((char *) at, n, '*');
        if (n > 0)
                at[n - 1] = '*'; /* the LRC says something of the number */
}

/* Enhanced format: every track encrypted by itself, each with mask and hash. */
static int enhanced_frame(const struct stripe_reader *reader, const struct stripe *stripe,
                          const uint8_t ksn[static DUKPT_KSN_SIZE], struct frame *f) {
        struct tracks t;
        unsigned int have = 0;
        bool clear = stripe->clear || stripe->aamva;
        int n;

        read_tracks(stripe, &t);
        for (unsigned int i = 0; i < TRACKS_ISO; i++)
                have |= (t.length[i] > 0) << i;

        frame_begin(f);
        put_head(f, stripe, &t, 0x80);
        put_byte(f, have | 0x80);
        put_byte(f, clear || have == 0 ? 0 : have | have << 3 | 0x80);
        for (unsigned int i = 0; i < TRACKS_ISO; i++)
                if (clear)
                        put(f, t.text[i], t.length[i]);
                else
                        put_masked(f, t.text[i], t.length[i]);
        for (unsigned int i = 0; i < TRACKS_ISO && !clear; i++) {
                n = encrypt(reader, ksn, t.text[i], t.length[i], f->data + f->size);
                if (n < 0)
                        return n;
                f->size += (size_t) n;
        }
        for (unsigned int i = 0; i < TRACKS_ISO && !clear; i++)
                if (t.length[i] > 0)
                        put_hash(f, t.text[i], t.length[i]);
        put(f, "TILLSIM001", 10);
        if (!clear && have != 0)
                put(f, ksn, DUKPT_KSN_SIZE);
        frame_end(f);
        return 0;
}

/* Original format: tracks 1 and 2 as one, track 3 clear. */
static int original_frame(const struct stripe_reader *reader, const struct stripe *stripe,
                          const uint8_t ksn[static DUKPT_KSN_SIZE], struct frame *f) {
        char joint[2 * CARD_TRACK_MAX + 4];
        struct tracks t;
        bool clear;
        int n;

        read_tracks(stripe, &t);
        clear = stripe->clear || stripe->aamva || t.length[0] + t.length[1] == 0;
        frame_begin(f);
        put_head(f, stripe, &t, 0);
        for (unsigned int i = 0; i < TRACKS_ISO; i++)
                if (clear || i == 2)
                        put(f, t.text[i], t.length[i]);
                else
                        put_masked(f, t.text[i], t.length[i]);
        if (!clear) {
                memcpy(joint, t.text[0], t.length[0]);
                memcpy(joint + t.length[0], t.text[1], t.length[1]);
                n = encrypt(reader, ksn, joint, t.length[0] + t.length[1], f->data + f->size);
                if (n < 0)
                        return n;
                f->size += (size_t) n;
                put_hash(f, t.text[0], t.length[0]);
                put_hash(f, t.text[1], t.length[1]);
                put(f, ksn, DUKPT_KSN_SIZE);
        }
        frame_end(f);
        return 0;
}

static int securemag_report(const struct stripe_reader *reader, const struct stripe *stripe,
                            const uint8_t ksn[static DUKPT_KSN_SIZE], unsigned int n, struct stripe_report *ret) {
        struct frame f;
        int r;

        if (n > 0)
                return 0;
        r = enhanced_frame(reader, stripe, ksn, &f);
        if (r < 0)
                return r;
        ret->size = SECUREMAG_SIZE;
        memcpy(ret->data, f.data, MIN(f.size, ret->size));
        return 1;
}

/* In as many reports as it takes. */
static int securemag_original_report(const struct stripe_reader *reader, const struct stripe *stripe,
                                     const uint8_t ksn[static DUKPT_KSN_SIZE], unsigned int n,
                                     struct stripe_report *ret) {
        size_t at = (size_t) n * SECUREMAG_SMALL;
        struct frame f;
        int r;

        r = original_frame(reader, stripe, ksn, &f);
        if (r < 0)
                return r;
        if (at >= f.size)
                return 0;
        ret->size = SECUREMAG_SMALL;
        memcpy(ret->data, f.data + at, MIN(f.size - at, ret->size));
        return 1;
}

/* ---- Keyboard mode: of no use to a terminal ---- */

static const uint8_t keyboard_descriptor[] = {
        0x05, 0x01, 0x09, 0x06, 0xa1, 0x01, /* Usage Page (generic desktop), Usage (keyboard), Collection */
        0x05, 0x07, 0x19, 0xe0, 0x29, 0xe7, /*   Usage Page (key codes), the modifiers */
        0x15, 0x00, 0x25, 0x01, 0x75, 0x01, 0x95, 0x08, /*   0 to 1, Report Size (1), Report Count (8) */
        0x81, 0x02, 0x95, 0x01, 0x75, 0x08, 0x81, 0x03, /*   Input (Data, Variable), Input (Constant) of a byte */
        0x95, 0x06, 0x75, 0x08, 0x15, 0x00, 0x25, 0x66, /*   Report Count (6), 0 to 102 */
        0x19, 0x00, 0x29, 0x66, 0x81, 0x00,             /*   the keys, Input (Data, Array) */
        0xc0,                                           /* End Collection */
};

static int keyboard_report(const struct stripe_reader *reader, const struct stripe *stripe,
                           const uint8_t ksn[static DUKPT_KSN_SIZE], unsigned int n, struct stripe_report *ret) {
        return -EOPNOTSUPP;
}

/* ---- The readers ---- */

#define DESCRIPTOR(_name) .descriptor = _name, .descriptor_size = sizeof(_name)

const struct stripe_reader stripe_readers[] = {
        { .name = "sureswipe",
          .vendor = 0x0801,
          .product = 0x0002,
          DESCRIPTOR(sureswipe_descriptor),
          .report = sureswipe_report },
        { .name = "magnesafe",
          .vendor = 0x0801,
          .product = 0x0011,
          DESCRIPTOR(magnesafe_descriptor),
          .encrypts = true,
          .variant = DUKPT_PIN,
          .report = magnesafe_report },
        { .name = "standard",
          .vendor = 0x0404,
          .product = 0x0328,
          DESCRIPTOR(standard_descriptor),
          .report = standard_report },
        { .name = "trackwise",
          .vendor = 0x0404,
          .product = 0x0329,
          DESCRIPTOR(trackwise_descriptor),
          .report = trackwise_report },
        { .name = "row", .vendor = 0x0404, .product = 0x0328, DESCRIPTOR(row_descriptor), .report = row_report },
        { .name = "imitator",
          .vendor = 0x0acd,
          .product = 0x0510,
          DESCRIPTOR(sureswipe_descriptor),
          .report = sureswipe_report },
        { .name = "minimag",
          .vendor = 0x0acd,
          .product = 0x0500,
          DESCRIPTOR(native_descriptor),
          .report = native_report },
        { .name = "versakey",
          .vendor = 0x0acd,
          .product = 0x0500,
          DESCRIPTOR(native_descriptor),
          .keys_descriptor = keyboard_descriptor,
          .keys_descriptor_size = sizeof(keyboard_descriptor),
          .report = native_report },
        { .name = "securemag",
          .vendor = 0x0acd,
          .product = 0x2010,
          DESCRIPTOR(securemag_descriptor),
          .encrypts = true,
          .variant = DUKPT_DATA,
          .report = securemag_report },
        { .name = "securemag-original",
          .vendor = 0x0acd,
          .product = 0x2010,
          DESCRIPTOR(securemag_small_descriptor),
          .encrypts = true,
          .variant = DUKPT_DATA,
          .report = securemag_original_report },
        { .name = "wrong-mode",
          .vendor = 0x0801,
          .product = 0x0002,
          DESCRIPTOR(keyboard_descriptor),
          .report = keyboard_report },
        { .name = "keyboard",
          .vendor = 0x0801,
          .product = 0x0001,
          DESCRIPTOR(keyboard_descriptor),
          .report = keyboard_report },
        {},
};

const struct stripe_reader *stripe_reader_find(const char *name) {
        for (const struct stripe_reader *reader = stripe_readers; reader->name; reader++)
                if (streq(reader->name, name))
                        return reader;
        return NULL;
}
