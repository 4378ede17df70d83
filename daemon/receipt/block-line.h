/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* A block= line of a layout file: NAME [option…] ["text"]. Inside of this room. */

#include "receipt/blocks.h"

/* -EINVAL with a reason; ret->text is the caller's. */
int block_line_parse(const char *value, struct style_block *ret, const char **ret_reason);
