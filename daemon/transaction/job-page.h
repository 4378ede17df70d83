/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* What a job has stored, laid out. */

#include "journal/print_job.h"
#include "receipt/page.h"
#include "receipt/profile.h"
#include "receipt/style.h"

/*
 * plain: with what the printer has in itself. What cannot be read or laid out comes as the words that are stored: a
 * paper is never lost for how it looks; it bears the mark of mode then. -ENOMEM only.
 */
int job_page(const struct print_job *job, enum slip_mode mode, const struct receipt_style *style,
             const struct printer_profile *profile, bool plain, struct page **ret);
