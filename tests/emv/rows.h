/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * A case with row=BYTE.BIT brings one bit of the TVR about, with all action codes zero. It stands for twelve: for
 * the denial, online and default code of acquirer (TAC) and issuer (IAC), once that bit alone is set in the code,
 * and once every bit but those that the case's tvr= has (Book 3, 10.7). rows= names those that can be shown where
 * it is not all; row-trigger= is the TAC that brings a case of the default codes online, 8000000000 without it.
 */

#include "tests/emv/case.h"

int rows_make(const struct emv_case *c, struct emv_cases *ret);
