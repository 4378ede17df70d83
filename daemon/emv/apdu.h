/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Commands and responses (Book 1, part II; Book 3, 6), over a callback that carries whole short APDUs. */

#include "base/macro.h"

#define APDU_COMMAND_MAX 261  /* header, Lc, 255 bytes, Le */
#define APDU_RESPONSE_MAX 258 /* 256 bytes, SW1 SW2 */

/*
 * Sends one command and waits for its whole answer. Returns 0, or a negative errno: ENOMEDIUM (card
 * taken), ETIMEDOUT, ECANCELED (to end now), EIO, ENODEV.
 */
typedef int (*apdu_transmit_t)(void *userdata, const uint8_t *command, size_t size,
                               uint8_t response[static APDU_RESPONSE_MAX], size_t *ret_size);

struct apdu_response {
        uint16_t sw;
        size_t size;
        uint8_t data[256];
};

/* A command with cla, ins, p1, p2; size up to 255; reply when the command has response data (Le=00). */
int apdu_exchange(apdu_transmit_t transmit, void *userdata, const uint8_t header[static 4], const void *data,
                  size_t size, bool reply, struct apdu_response *ret);

/* A command that is complete, as issuer scripts bring them. -EBADMSG when it is no short APDU. */
int apdu_exchange_raw(apdu_transmit_t transmit, void *userdata, const uint8_t *command, size_t size,
                      struct apdu_response *ret);
