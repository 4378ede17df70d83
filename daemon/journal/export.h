/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * The journal as JSON lines, in slices: checkpoints, events, transactions, faults, an object a line with "table" and
 * the columns by name, what is binary in hexadecimal. Nothing that is sealed, and no hash of a card, is among them; of
 * a card number there is the mask. The last line is the manifest:
 *
 * {"table":"manifest","version":1,"schema":S,"time_usec":T,"checkpoints":N,"events":N,"transactions":N,
 *  "faults":N,"head":{"seq":S,"hash":"…"},"sha256":"…","signature":"…"}
 *
 * head is the chain's, sha256 that of all lines before, and signature = HMAC-SHA256, under the key of the
 * checkpoints, over "tilld export", a zero byte and the manifest's text up to `,"signature"`.
 */

#include "journal/connection.h"

struct journal_export;

int journal_export_new(struct journal *j, struct journal_export **ret);
struct journal_export *journal_export_free(struct journal_export *e);
DEFINE_CLEANUP(struct journal_export *, journal_export_free);

/* The next lines; the caller frees them. 1 while there are more, 0 with the last ones. */
int journal_export_slice(struct journal *j, struct journal_export *e, char **ret_text, size_t *ret_size);
/* Rows that are out, and about how many there are in all. */
void journal_export_progress(const struct journal_export *e, uint64_t *ret_done, uint64_t *ret_total);
