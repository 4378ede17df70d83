/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* A line of the log with fields for programs, in a file of its own: it needs libsystemd. */

#include "base/log.h"

/*
 * fields are "NAME=value", n of them; no card data. Where standard error is not the journal's, or the journal does
 * not take it, the line goes where log_full() writes.
 */
void log_fields(int level, const char *const *fields, size_t n, const char *format, ...) _printf_(4, 5);
