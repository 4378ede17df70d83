/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* The files of a style: tilld-receipt(5). */

#include "base/complaint.h"
#include "receipt/style.h"

/* Told of each thing that is wrong. path is NULL, and line 0, where no line is to blame. */
typedef void (*style_fault_t)(const char *path, unsigned line, const char *reason, void *userdata);

/*
 * Reads and checks the "*.conf" of directories as config_parse_dirs() takes them. A paper that no file lays out is as
 * it is built in. -EINVAL after a fault, all of which have been told; else as read(2).
 */
int receipt_style_read(const char *const *dirs, style_fault_t fault, void *userdata, struct receipt_style **ret);

/*
 * Of the merchant's directory over the packaged one; of the packaged one alone when there is a fault, and the built-in
 * style when that has one too. What is wrong is logged, and kept in complaints (NULL: not); receipts are printed in
 * any case. Returns 1, or 0 for a style that is not all of what was asked for; fails for want of memory only.
 */
int receipt_style_load(const char *merchant_dir, const char *packaged_dir, struct complaints *complaints,
                       struct receipt_style **ret);
