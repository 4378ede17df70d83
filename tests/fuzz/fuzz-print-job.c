// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * What the queue has stored, whatever it is, can be laid out for every printer; a text of a checkout's own is refused,
 * or comes back as it was stored, and brings no command into the stream.
 */
#include "base/log.h"
#include "receipt/escpos.h"
#include "receipt/note.h"
#include "tests/fuzz/fuzz.h"
#include "transaction/job-page.h"

static void show(const struct page *page, const struct printer_profile *profile) {
        _cleanup_free_ uint8_t *bytes = NULL;
        _cleanup_free_ char *text = NULL;
        size_t n;

        if (page_to_text(page, &text) < 0)
                abort();
        for (const char *p = text; *p; p++)
                if ((unsigned char) *p < 0x20 && *p != '\n')
                        abort();
        if (page_to_escpos(page, profile, &bytes, &n) < 0)
                abort();
}

static void try_job(const uint8_t *data, size_t size) {
        static const char *const profiles[] = { "epson-80", "epson-80-latin", "generic-58" };
        struct print_job job = { .id = 1,
                                 .duplicate = data[0] & 1,
                                 .reprint = data[0] >> 1,
                                 .content = (void *) data,
                                 .content_size = size };

        for (size_t i = 0; i < 2 * ELEMENTSOF(profiles); i++) {
                const struct printer_profile *profile = printer_profile_find(profiles[i / 2]);
                _cleanup_(page_freep) struct page *page = NULL;

                if (job_page(&job, SLIP_TEST, receipt_style_default(), profile, i % 2, &page) < 0)
                        abort();
                show(page, profile);
        }
}

static void try_text(const uint8_t *data, size_t size) {
        _cleanup_(note_done) struct note note = { .mode = SLIP_TEST, .size = size % 3 }, read = {};
        _cleanup_free_ char *blob = NULL;
        const char *reason;
        size_t n;

        note.text = strndup((const char *) data, size);
        if (!note.text || note_check(note.text, &reason) < 0)
                return;
        if (note_to_blob(&note, &blob, &n) < 0 || note_from_blob(blob, n, &read) < 0)
                abort();
        if (read.mode != note.mode || read.size != note.size || !streq(read.text, note.text))
                abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
        log_set_max_level(LOG_EMERG);
        if (size == 0 || size > PRINT_JOB_CONTENT_MAX)
                return 0;
        try_job(data, size);
        try_text(data, size);
        return 0;
}
