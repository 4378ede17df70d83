/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* The keys and certificates that the terminal has, by what may be shown of them: never a key. */

#include <cjson/cJSON.h>

#include "transaction/engine.h"

/*
 * An array: Name, and CheckValue (six hexadecimal digits), or Fingerprint (SHA-256) and Expires (microseconds since
 * 1970, 0 where it is not known), or Checksum (SHA-1) and Good; Error for what cannot be read. -ENOMEM, and errors of
 * the journal.
 */
int key_list_describe(const struct engine *e, cJSON **ret);
