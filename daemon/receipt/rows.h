/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* How slip_add_transaction() and its like write, read again. */

#include "receipt/slip.h"

/* Parts a row, which is changed. -EBADMSG for more fields than there is room for. */
int row_split(char *line, const char **fields, size_t size, size_t *ret_n);
/* A row of a transaction list; -EBADMSG for what is none. The texts point into line. */
int row_transaction(char *line, struct slip_row *ret);
