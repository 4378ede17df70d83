// SPDX-License-Identifier: LGPL-2.1-or-later
#include "device/track.h"

/* ISO/IEC 7813: characters between the sentinels, the LRC being gone already. */
#define TRACK1_TEXT_MAX 76
#define TRACK2_TEXT_MAX 37

#define NAME_MIN 2
#define NAME_MAX 26

struct grammar {
        char start;
        char separator;
        char first, last; /* range of the track's character set */
        size_t text_max;
};

static const struct grammar track1 = { '%', '^', ' ', '_', TRACK1_TEXT_MAX };
static const struct grammar track2 = { ';', '=', '0', '?', TRACK2_TEXT_MAX };

struct cursor {
        const char *at;
        const char *end;
};

const char *track_status_to_string(enum track_status status) {
        static const char *const words[] = {
                [TRACK_OK] = "read",
                [TRACK_EMPTY] = "empty",
                [TRACK_UNREAD] = "not readable",
                [TRACK_MALFORMED] = "not a payment card",
                [TRACK_CHECK] = "wrong check digit",
                [TRACK_ENCRYPTED] = "encrypted by the reader",
        };

        return (size_t) status < ELEMENTSOF(words) ? words[status] : "unknown";
}

bool track_pan_check(const char *pan) {
        size_t size = strlen(pan);
        unsigned sum = 0;

        if (size == 0)
                return false;
        for (size_t i = 0; i < size; i++) {
                unsigned digit;

                if (pan[i] < '0' || pan[i] > '9')
                        return false;
                digit = (unsigned) (pan[i] - '0');
                if ((size - i) % 2 == 0)
                        digit = digit * 2 - (digit > 4 ? 9 : 0);
                sum += digit;
        }
        return sum % 10 == 0;
}

bool track_service_has_chip(const char *service) {
        return service[0] == '2' || service[0] == '6';
}

/* Takes the digits at the cursor: `min` to `max` of them, and no further digit after. */
static bool take_digits(struct cursor *cursor, size_t min, size_t max, char *digits) {
        size_t n = 0;

        while (cursor->at + n < cursor->end && cursor->at[n] >= '0' && cursor->at[n] <= '9' && n < max)
                n++;
        if (n < min)
                return false;
        memcpy(digits, cursor->at, n);
        digits[n] = '\0';
        cursor->at += n;
        return true;
}

static bool take_char(struct cursor *cursor, char c) {
        if (cursor->at >= cursor->end || *cursor->at != c)
                return false;
        cursor->at++;
        return true;
}

/* A field of fixed length, for which the card may have a separator instead. */
static bool take_optional(struct cursor *cursor, size_t size, char separator, char *digits) {
        if (take_char(cursor, separator))
                return true;
        return take_digits(cursor, size, size, digits);
}

static bool take_name(struct cursor *cursor, char *name) {
        const char *end = memchr(cursor->at, '^', (size_t) (cursor->end - cursor->at));
        size_t n;

        if (!end)
                return false;
        n = (size_t) (end - cursor->at);
        if (n < NAME_MIN || n > NAME_MAX)
                return false;
        memcpy(name, cursor->at, n);
        while (n > 0 && name[n - 1] == ' ')
                n--;
        name[n] = '\0';
        cursor->at = end;
        return true;
}

static bool expiry_valid(const char *expiry) {
        unsigned month;

        if (isempty(expiry))
                return true;
        month = (unsigned) (expiry[2] - '0') * 10 + (unsigned) (expiry[3] - '0');
        return month >= 1 && month <= 12;
}

static bool take_fields(struct cursor *cursor, const struct grammar *g, struct track *track) {
        if (g == &track1 && !take_char(cursor, 'B'))
                return false;
        if (!take_digits(cursor, TRACK_PAN_MIN, TRACK_PAN_MAX, track->pan) || !take_char(cursor, g->separator))
                return false;
        if (g == &track1 && (!take_name(cursor, track->name) || !take_char(cursor, g->separator)))
                return false;
        return take_optional(cursor, 4, g->separator, track->expiry) && expiry_valid(track->expiry) &&
               take_optional(cursor, 3, g->separator, track->service);
}

/* Strips the sentinels and checks that every character is one of the track's set and none a sentinel. */
static bool text_take(const struct grammar *g, const uint8_t *data, size_t size, char *text) {
        if (size < 2 || data[0] != g->start || data[size - 1] != '?' || size - 2 > g->text_max)
                return false;
        for (size_t i = 1; i < size - 1; i++) {
                if (data[i] < g->first || data[i] > g->last || data[i] == g->start || data[i] == '?')
                        return false;
                text[i - 1] = (char) data[i];
        }
        text[size - 2] = '\0';
        return true;
}

static enum track_status parse(const struct grammar *g, const uint8_t *data, size_t size, unsigned errors,
                               struct track *ret_track) {
        struct cursor cursor;

        explicit_bzero(ret_track, sizeof(*ret_track));
        if (errors != 0)
                return ret_track->status = TRACK_UNREAD;
        if (size == 0)
                return ret_track->status = TRACK_EMPTY;
        if (text_take(g, data, size, ret_track->text)) {
                cursor = (struct cursor){ ret_track->text, ret_track->text + strlen(ret_track->text) };
                if (take_fields(&cursor, g, ret_track))
                        return ret_track->status = track_pan_check(ret_track->pan) ? TRACK_OK : TRACK_CHECK;
        }
        explicit_bzero(ret_track, sizeof(*ret_track));
        return ret_track->status = TRACK_MALFORMED;
}

enum track_status track1_parse(const uint8_t *data, size_t size, unsigned errors, struct track *ret_track) {
        return parse(&track1, data, size, errors, ret_track);
}

enum track_status track2_parse(const uint8_t *data, size_t size, unsigned errors, struct track *ret_track) {
        return parse(&track2, data, size, errors, ret_track);
}

/* Digits, or what a reader puts in their place. */
static size_t masked_length(const char *text, size_t size) {
        size_t n = 0;

        while (n < size && ((text[n] >= '0' && text[n] <= '9') || text[n] == '*'))
                n++;
        return n;
}

bool track2_masked_parse(const uint8_t *data, size_t size, char ret_pan[static TRACK_PAN_MAX + 1],
                         char ret_service[static 4]) {
        const char *text = (const char *) data;
        size_t n;

        memset(ret_pan, 0, TRACK_PAN_MAX + 1);
        memset(ret_service, 0, 4);
        if (size < 2 || text[0] != ';' || text[size - 1] != '?')
                return false;
        n = masked_length(++text, size - 2);
        if (n < 12 || n > TRACK_PAN_MAX || text[n] != '=')
                return false;
        memset(ret_pan, '*', n);
        memcpy(ret_pan, text, 6);
        memcpy(ret_pan + n - 4, text + n - 4, 4);

        /* Zeros are what some readers mask with, and no service code that a card has. */
        text += n + 1;
        if (size - 2 >= n + 1 + 7 && masked_length(text, 7) == 7 && memcmp(text + 4, "000", 3) != 0 &&
            !memchr(text + 4, '*', 3))
                memcpy(ret_service, text + 4, 3);
        return true;
}
