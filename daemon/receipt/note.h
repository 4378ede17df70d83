/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* A text of the checkout's own on paper. Its stored form is "tilld-text 1", the mode, the size, an empty line, the
 * text. */

#include "receipt/style.h"

#define NOTE_TEXT_MAX 16384
#define NOTE_LINES_MAX 500

struct note {
        enum slip_mode mode;
        unsigned size; /* 0 small, 1 as usual, 2 twice as large */
        bool duplicate;
        unsigned reprint;
        char *text; /* UTF-8, "\n" parts lines; owned */
};

void note_done(struct note *note);
/* "small", "normal" or "large"; -EINVAL for another word. */
int note_size_from_string(const char *text, unsigned *ret);
/*
 * -EINVAL with a reason for a text that may not go to paper: none, too long, no UTF-8, with what looks like a card
 * number. Control characters are no error; they are dropped at layout.
 */
int note_check(const char *text, const char **ret_reason);
bool note_is_one(const void *data, size_t size);
int note_to_blob(const struct note *note, char **ret, size_t *ret_size);
/* As strict as slip_from_blob(); *ret is the caller's. */
int note_from_blob(const void *data, size_t size, struct note *ret);
/*
 * With a receipt's marks, in the style's languages and width. plain: as slip_layout_plain(); what is missing on the
 * paper then, it says.
 */
int note_layout(const struct note *note, const struct receipt_style *style, const struct printer_profile *profile,
                bool plain, struct page **ret);
