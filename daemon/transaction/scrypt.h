/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* scrypt in a thread of its own: it is slow on purpose, and the event loop has devices to serve. */

#include <systemd/sd-event.h>

#include "base/macro.h"

/* N = 2^14 with r = 8: 16 MiB, and 45 ms on the machine that this was measured on. */
#define SCRYPT_COST 14

#define SCRYPT_SALT_SIZE 16
#define SCRYPT_HASH_SIZE 32

struct scrypt;

/* Called once, from the event loop. Negative errno and NULL when there is no memory for it. */
typedef void (*scrypt_done_t)(int result, const uint8_t *hash, void *userdata);

/* secret is copied. */
int scrypt_new(sd_event *event, const char *secret, const uint8_t salt[static SCRYPT_SALT_SIZE], uint32_t cost,
               scrypt_done_t done, void *userdata, struct scrypt **ret);
/* Waits for the thread, if it is not done. */
struct scrypt *scrypt_free(struct scrypt *s);
DEFINE_CLEANUP(struct scrypt *, scrypt_free);
