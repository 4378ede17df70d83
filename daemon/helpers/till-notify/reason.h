/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* What a channel calls a message, or why it was not taken: for a log, so without what the message is about. */

#include "helpers/till-notify/request.h"

#define REASON_SIZE sizeof(((struct notice_answer *) NULL)->text)

/* Writes the text and returns the error. */
int say(char reason[static REASON_SIZE], int error, const char *format, ...) _printf_(3, 4);

/*
 * Leaves what can be printed on one line. Digits that stand in the request, six or more in a row (codes have six,
 * phone numbers more), become stars, also where a mark stands between them: channels quote what they refuse.
 */
void reason_clean(char reason[static REASON_SIZE], const struct request *request);
