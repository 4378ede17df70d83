/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Text in the header of a mail. */

#include "base/macro.h"

/* A text of UTF-8 as encoded words (RFC 2047), folded to lines below 78 bytes after a name; -EMSGSIZE beyond size. */
int mail_header_encode(const char *name, const char *text, char *ret, size_t size);
