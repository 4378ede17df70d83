// SPDX-License-Identifier: LGPL-2.1-or-later
#include "transaction/job-page.h"

#include "base/log.h"
#include "base/card-number.h"
#include "receipt/note.h"

static int slip_page(const struct print_job *job, const struct receipt_style *style,
                     const struct printer_profile *profile, bool plain, struct page **ret) {
        _cleanup_(slip_done) struct slip slip;
        int r;

        slip_init(&slip);
        r = slip_from_blob(job->content, job->content_size, &slip);
        if (r < 0)
                return r;
        slip.duplicate = job->duplicate;
        slip.reprint = job->reprint;
        return plain ? slip_layout_plain(&slip, style, profile, ret) : slip_layout(&slip, style, profile, ret);
}

static int note_page(const struct print_job *job, const struct receipt_style *style,
                     const struct printer_profile *profile, bool plain, struct page **ret) {
        _cleanup_(note_done) struct note note = {};
        int r;

        r = note_from_blob(job->content, job->content_size, &note);
        if (r < 0)
                return r;
        note.duplicate = job->duplicate;
        note.reprint = job->reprint;
        return note_layout(&note, style, profile, plain, ret);
}

/* The stored form is text of its own: "amount=100". No paper shows what could be a whole card number. */
static int raw_page(const struct print_job *job, enum slip_mode mode, const struct receipt_style *style,
                    const struct printer_profile *profile, bool plain, struct page **ret) {
        struct note note = { .mode = mode, .size = 1, .duplicate = job->duplicate, .reprint = job->reprint };
        int r;

        note.text = strndup(job->content, job->content_size);
        if (!note.text)
                return -ENOMEM;
        if (text_mask_card_numbers(note.text))
                log_print_job(LOG_ERR, 0, job->transaction, job->id,
                              "has what looks like a card number; its digits are blackened");
        r = note_layout(&note, style, profile, plain, ret);
        note_done(&note);
        return r;
}

int job_page(const struct print_job *job, enum slip_mode mode, const struct receipt_style *style,
             const struct printer_profile *profile, bool plain, struct page **ret) {
        int r;

        if (note_is_one(job->content, job->content_size))
                r = note_page(job, style, profile, plain, ret);
        else
                r = slip_page(job, style, profile, plain, ret);
        if (r >= 0 || r == -ENOMEM)
                return r;
        log_print_job(LOG_ERR, r, job->transaction, job->id, "cannot be laid out; it is printed as it is stored");
        return raw_page(job, mode, style, profile, plain, ret);
}
