/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* A new storage key: all that is sealed is sealed anew, in slices, and a kill at any point leaves what can go on. */

#include "journal/connection.h"

/*
 * Before the journal is opened: that is refused until this has come to its end. Returns 1 when it did something, 0
 * where there is nothing to do: no such journal, or it is under the new key already. Errors and *ret_message as
 * journal_open(); -EKEYREJECTED when it is under neither key, -EKEYEXPIRED when it is half way to a third. progress is
 * called now and then with transactions done and in all.
 */
int journal_change_key(const char *path, const uint8_t old_key[static JOURNAL_KEY_SIZE],
                       const uint8_t new_key[static JOURNAL_KEY_SIZE],
                       void (*progress)(uint64_t done, uint64_t total, void *userdata), void *userdata,
                       char **ret_message);
