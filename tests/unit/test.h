/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* cmocka with what it needs before it; every unit test begins with this. */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
