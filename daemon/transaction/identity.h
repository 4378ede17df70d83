/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Under which numbers the journal's transactions were made: the acquirer knows a terminal by nothing else. */

struct engine;

/*
 * At start: the terminal, merchant and profile of the settings are those that the journal was last used with, or
 * nothing of it is open to the acquirer: no reversal, no forward, an empty batch. -EINVAL otherwise, logged with the
 * next step: a reversal under another number would find nothing, and be taken for done.
 */
int identity_check(struct engine *e);
