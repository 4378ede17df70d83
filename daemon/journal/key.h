/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Session keys and other small secrets by name, sealed under the storage key. */

#include "journal/connection.h"

#define WRAPPED_KEY_MAX 256

/* Writes or replaces; name up to 32 characters, 1 to WRAPPED_KEY_MAX bytes. */
int wrapped_key_store(struct journal *j, const char *name, const void *data, size_t size);
/* *ret is from secret_new(): free it with secret_free(). -ENOENT when there is none. */
int wrapped_key_load(struct journal *j, const char *name, void **ret, size_t *ret_size);
/* 0 also when there was none. */
int wrapped_key_remove(struct journal *j, const char *name);
