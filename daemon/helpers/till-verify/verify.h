/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Looks at what is installed, and changes nothing. root goes before each path: "" for the machine itself. */

#include <cjson/cJSON.h>

#include "base/macro.h"

/* Adds Manager and Packages. A negative errno where it cannot be looked at. */
int verify_packages(const char *root, cJSON *document);
/* Adds Module; release is the kernel's, as uname -r has it. */
int verify_module(const char *root, const char *release, cJSON *document);

/*
 * Of a file of a module: *ret_signer is who has signed it, "" where that cannot be told. 1 where it is signed, 0 where
 * it is not, -EBADMSG where what follows it is no signature.
 */
#define VERIFY_SIGNER_MAX 128
int verify_read_signer(const uint8_t *data, size_t size, char ret_signer[static VERIFY_SIGNER_MAX]);
/* The value of a name of its .modinfo, "" where it has none. -EBADMSG where it is no module of 64 bits. */
int verify_read_modinfo(const uint8_t *data, size_t size, const char *name, char *ret, size_t ret_size);

/* A text for JSON and for people: other bytes than printable ASCII become '?'. */
void verify_make_plain(char *text);
