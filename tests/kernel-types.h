/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * The kernel's names of types, for tests that compile a pure file of the module: one that includes nothing but
 * <linux/types.h>, <linux/string.h>, the UAPI header and its own. Included before it. tests/check/floors lists those
 * files.
 */

#include <linux/types.h>
#include <stdbool.h>
#include <stddef.h>
#include <string.h>

typedef __u8 u8;
typedef __u16 u16;
typedef __u32 u32;
typedef __u64 u64;

#define memzero_explicit explicit_bzero
