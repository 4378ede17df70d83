/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * The data of a financial card's stripe: ISO/IEC 7813 track 1 (format B) and track 2, in the
 * characters that the reader decoded. Total: any bytes give a status, never more.
 */

#include "base/macro.h"

enum track_status {
        TRACK_OK,
        TRACK_EMPTY,     /* nothing on it, or not read */
        TRACK_UNREAD,    /* the reader found an error: swipe again */
        TRACK_MALFORMED, /* not ISO 7813: not a payment card */
        TRACK_CHECK,     /* well formed, but the PAN fails its check digit */
        TRACK_ENCRYPTED, /* the reader encrypts: there is no PAN here, whatever the masked text looks like */
};

/* For a person: "read", "empty", "not readable", … */
const char *track_status_to_string(enum track_status status);

#define TRACK_PAN_MIN 8
#define TRACK_PAN_MAX 19

/* Card data: lives in secret memory or is wiped by whoever copies it. */
struct track {
        enum track_status status;
        char pan[TRACK_PAN_MAX + 1];
        char expiry[5];  /* YYMM, empty when the card has none ("=" in its place) */
        char service[4]; /* three digits, empty when the card has none */
        char name[27];   /* track 1 only: as on the card, "SURNAME/FIRST" without the trailing blanks */
        char text[108];  /* the whole track without its sentinels: 37 or fewer on track 2, DE35 and tag 57 */
};

/*
 * `errors` is TILL_MSR_ERROR_* of the reader; data has both sentinels and no LRC. The status is also
 * returned; unless it is TRACK_OK or TRACK_CHECK all other members are empty.
 */
enum track_status track1_parse(const uint8_t *data, size_t size, unsigned errors, struct track *ret_track);
enum track_status track2_parse(const uint8_t *data, size_t size, unsigned errors, struct track *ret_track);

/*
 * What an encrypting reader shows of track 2: of the PAN the first 6 and last 4 digits at most, stars elsewhere, and
 * the service code where it is shown. False, with both empty, for what is no masked track.
 */
bool track2_masked_parse(const uint8_t *data, size_t size, char ret_pan[static TRACK_PAN_MAX + 1],
                         char ret_service[static 4]);

/* ISO/IEC 7812-1 annex B over a text of digits; false for anything else, the empty text too. */
bool track_pan_check(const char *pan);

/* First digit 2 or 6: the card has a chip, which is to be used (ISO/IEC 7813). */
bool track_service_has_chip(const char *service);
