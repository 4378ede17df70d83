/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Texts of layout files, with {fields} of the slip; "{{" is a brace. Inside of this room. */

#include "receipt/fields.h"

/* -EINVAL with a reason for what such a text may not be: an unknown field, a card number, a control character. */
int template_check(const char *text, const char **ret_reason);
/* 0, and no text, when a field that it names is empty: then it has nothing to say. Else 1. */
int template_fill(const char *text, const struct slip *slip, struct languages languages, char **ret);
/* Of a name that no text can have; NULL when it is just unknown. */
const char *template_forbidden(const char *name);
