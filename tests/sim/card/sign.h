/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* What the ICC's private key does: signed dynamic application data (EMV book 2, 6.5 and 6.6). */

#include "base/macro.h"

#define SIGN_MAX 248 /* bytes of the longest modulus */

struct sign_key;

/* Reads an RSA key from a PEM file. -ENOENT and so on from reading; -EINVAL for anything else than RSA. */
int sign_key_load(const char *path, struct sign_key **ret);
struct sign_key *sign_key_free(struct sign_key *key);
DEFINE_CLEANUP(struct sign_key *, sign_key_free);

/* The modulus into ret; its size. */
size_t sign_modulus(const struct sign_key *key, uint8_t ret[static SIGN_MAX]);

/* The private operation on as many bytes as the modulus has, as they are. */
int sign_raw(const struct sign_key *key, const uint8_t *plain, uint8_t ret[static SIGN_MAX]);

/*
 * Signs header, format 05, hash algorithm 01, dynamic data and padding; what the terminal sent is hashed
 * with them and not in the signature. Returns the signature's size, that of the modulus; -EMSGSIZE for
 * data that does not fit.
 */
ssize_t sign_dynamic(const struct sign_key *key, const void *dynamic, size_t dynamic_size, const void *terminal,
                     size_t terminal_size, uint8_t ret[static SIGN_MAX]);
