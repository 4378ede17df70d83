/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * The terminal's keys: the master key (TMK, a systemd credential) and under it the session keys that
 * the sign-on answer delivers. All in secret memory. A PIN key is not unwrapped: nothing here takes a
 * PIN.
 */

#include "host/mac.h"

#define TMK_SIZE 16
/* The longest DE62 of a sign-on answer: PIN, MAC and track key of 16 bytes and a check value of 4 each. */
#define WRAPPED_KEYS_MAX 60

/* How session keys are wrapped and checked. */
enum host_hierarchy {
        HOST_KEYS_TDES, /* DES or two-key 3DES in ECB, check value zeros encrypted */
        HOST_KEYS_AES,  /* AES-128 by RFC 3394, check value a CMAC of zeros */
};

struct host_keys;

int host_keys_new(enum host_hierarchy hierarchy, const uint8_t tmk[static TMK_SIZE], struct host_keys **ret);
struct host_keys *host_keys_free(struct host_keys *k);
DEFINE_CLEANUP(struct host_keys *, host_keys_free);

/*
 * Takes what DE62 of a sign-on answer brings, as it is: the journal may keep these bytes, for they are
 * wrapped, and hand them in again after a restart. Sizes for TDES: 24 (PIN and MAC key of 8), 40 (PIN key of 16,
 * MAC key of 8 filled to 16 or of 16), 56 and 60 (with a track key); for AES: 56. -EBADMSG for another size,
 * -EKEYREJECTED when a check value is not the key's; the keys before it then stay.
 */
int host_keys_load(struct host_keys *k, const void *wrapped, size_t size);
/* Whether there is a MAC key. */
bool host_keys_ready(const struct host_keys *k);
void host_keys_forget(struct host_keys *k);

/* -ENOKEY before sign-on, else as mac_compute() and mac_verify(). */
int host_keys_mac(const struct host_keys *k, enum mac_scheme scheme, const void *data, size_t size,
                  uint8_t ret_mac[static MAC_SIZE]);
int host_keys_verify(const struct host_keys *k, enum mac_scheme scheme, const void *data, size_t size,
                     const uint8_t mac[static MAC_SIZE]);

/* A key by what may be shown of it: the first three bytes of its check value (ANSI X9.24). */
struct host_key_check {
        const char *name;
        uint8_t value[3];
};
/* PIN, MAC and track key. */
#define HOST_KEY_CHECKS_MAX 3

int host_keys_check_master(const struct host_keys *k, struct host_key_check *ret);
/* Those that DE62 of a sign-on answer brings, as it says them; a track key may come without. Returns how many. */
int host_keys_read_checks(enum host_hierarchy hierarchy, const void *wrapped, size_t size,
                          struct host_key_check ret[static HOST_KEY_CHECKS_MAX]);

/*
 * One key and its check value, wrapped under the TMK: the acquirer's side. key_size is 8 or 16 for TDES and 16 for
 * AES. Returns the number of bytes: key_size + 4, or 28.
 */
int host_key_wrap(enum host_hierarchy hierarchy, const uint8_t tmk[static TMK_SIZE], const void *key, size_t key_size,
                  uint8_t *ret);
