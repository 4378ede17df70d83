/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * Downloads of parameters and CA keys: DE62 of a request is "1" and a position of two digits, which is how many
 * messages have been received; DE62 of an answer is one character (0: nothing there, 1: the last, 2: more follow) and
 * TLV. The tags of published UnionPay messages: 9F06 and 9F22 name a CA key, DF05 is its expiry, DF02 the modulus,
 * DF04 the exponent, DF03 the SHA-1 check value. There the names come first and each key is fetched by its own; the
 * licensed text was not at hand, so that here a message brings one whole object.
 */

#include "base/macro.h"

#define HOST_POSITION_DIGITS 3
#define HOST_POSITION_MAX 99
#define HOST_DOWNLOAD_MAX 511

struct host_download {
        bool more; /* ask for the next position */
        uint8_t data[HOST_DOWNLOAD_MAX];
        size_t size; /* TLV, whole objects; 0: nothing there */
};

/* -ERANGE beyond HOST_POSITION_MAX. */
int host_position_format(unsigned position, char text[static HOST_POSITION_DIGITS + 1]);
int host_position_parse(const void *data, size_t size, unsigned *ret);

/* Writes 1 + d->size bytes and returns their number. */
size_t host_download_format(const struct host_download *d, uint8_t ret[static HOST_DOWNLOAD_MAX + 1]);
/* -EBADMSG: another mark, TLV that is broken, or more to come after nothing. */
int host_download_parse(const void *data, size_t size, struct host_download *ret);

/* A CA key, as tilld's emv.d has it. */
struct host_ca_key {
        uint8_t rid[5];
        uint8_t index;
        char expiry[9]; /* YYYYMMDD, "" for none */
        uint8_t modulus[248];
        size_t modulus_size;
        uint8_t exponent[3];
        size_t exponent_size;
        uint8_t sha1[20];
};

/* Of a download's TLV. -EBADMSG where a tag is missing or of a wrong size, or the check value is not the key's. */
int host_ca_key_parse(const void *data, size_t size, struct host_ca_key *ret);

/*
 * What the acquirer wants of an application, as tilld's emv.d has it. Tags of published UnionPay messages: 9F06 the
 * AID, DF01 0 where a card's longer AID counts, too, 9F08 the version, DF11 to DF13 the action codes default, online
 * and denial, 9F1B the floor limit, DF15 the threshold, DF16 and DF17 the percentages, DF14 the default DDOL.
 */
struct host_application {
        uint8_t aid[16];
        size_t aid_size;
        bool partial;
        uint8_t version[2];
        uint8_t tac_default[5], tac_online[5], tac_denial[5];
        uint32_t floor_limit, threshold; /* minor units */
        uint8_t target_max, target;      /* percent */
        uint8_t ddol[64];
        size_t ddol_size; /* 0: none is named */
};

/* Of a download's TLV. -EBADMSG where a tag is missing or of a wrong size. */
int host_application_parse(const void *data, size_t size, struct host_application *ret);
