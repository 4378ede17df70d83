// SPDX-License-Identifier: LGPL-2.1-or-later
/* From a stored paper to what the printer is given; what it has no characters for is drawn on the way. */

#include "base/log.h"
#include "transaction/job-page.h"
#include "transaction/paper.h"
#include "transaction/printing-internal.h"

static const struct receipt_style *style_of(const struct printing *p) {
        return settings_style(p->engine->config.settings);
}

int printing_lay_out(const struct printing *p, const struct print_job *job, bool plain, struct page **ret) {
        return job_page(job, paper_mode(p->engine->config.settings), style_of(p), &p->profile, plain, ret);
}

int printing_render_error(const struct printing *p) {
        return p->render_error;
}

void printing_page_stop(struct printing *p) {
        p->drawing = render_call_free(p->drawing);
        p->page = page_free(p->page);
        p->logo = safe_close(p->logo);
        p->drawn = 0;
}

static int make_bytes(const struct printing *p, const struct page *page, uint8_t **ret, size_t *ret_size) {
        _cleanup_free_ uint8_t *data = NULL;
        size_t size;
        int r;

        r = page_to_escpos(page, &p->profile, &data, &size);
        if (r < 0)
                return r;
        if (size > PRINTER_JOB_SIZE_MAX)
                return -E2BIG;
        *ret = TAKE_PTR(data);
        *ret_size = size;
        return 0;
}

/* Negative where it is tried again later. Known before the journal says "printing": what cannot be sent. */
static int print_page(struct printing *p, const struct print_job *job, struct page *page) {
        _cleanup_(page_freep) struct page *plain = NULL;
        _cleanup_free_ uint8_t *data = NULL;
        size_t size = 0;
        int r;

        r = make_bytes(p, page, &data, &size);
        if (r < 0 && r != -ENOMEM) {
                log_print_job(LOG_WARNING, r, job->transaction, job->id,
                              "cannot be printed as it was drawn; it is printed without");
                r = printing_lay_out(p, job, true, &plain);
                if (r < 0)
                        return printing_put_off(p, job, r);
                page = plain;
                r = make_bytes(p, page, &data, &size);
        }
        if (r == -ENOMEM)
                return printing_put_off(p, job, r);
        if (r >= 0)
                return printing_submit(p, job, data, size, page_print_seconds(page, &p->profile));
        printing_drop(p, job, r);
        return 0;
}

/* Whatever became of the pictures: what was not drawn is said as well as the printer can. */
static int print_drawn(struct printing *p, const struct print_job *job, int error, struct page *page) {
        _cleanup_(page_freep) struct page *plain = NULL;
        int r;

        p->render_error = MIN(error, 0);
        if (error >= 0)
                return print_page(p, job, page);
        log_print_job(LOG_WARNING, error, job->transaction, job->id,
                      "till-render has drawn nothing; it is printed without");
        r = printing_lay_out(p, job, true, &plain);
        return r < 0 ? printing_put_off(p, job, r) : print_page(p, job, plain);
}

static void on_drawn(int error, const void *data, size_t size, void *userdata) {
        _cleanup_(print_job_done) struct print_job job = {};
        _cleanup_(page_freep) struct page *page = NULL;
        struct printing *p = userdata;
        int64_t id = p->drawn;
        int r;

        page = TAKE_PTR(p->page);
        printing_page_stop(p);
        r = print_job_load(p->engine->config.journal, id, &job);
        if (r < 0 && r != -ENOENT)
                return printing_get_stuck(p, id, r);
        if (r >= 0)
                (void) print_drawn(p, &job, error, page);
        /* Nothing else kicks the queue where this one did not get as far as the printer. */
        if (p->stuck == 0)
                printing_kick(p);
}

/* Takes the page where it returns 0. */
static int start_drawing(struct printing *p, const struct print_job *job, struct page **page) {
        struct render_request request = {
                .page = *page,
                .profile = &p->profile,
                .face = RENDER_RASTER,
        };
        int r;

        p->logo = receipt_style_open_logo(style_of(p));
        request.logo_fd = p->logo;
        r = render_start(p->engine->config.event, &request, RENDER_DEADLINE_USEC, on_drawn, p, &p->drawing);
        if (r < 0) {
                p->logo = safe_close(p->logo);
                return r;
        }
        p->page = TAKE_PTR(*page);
        p->drawn = job->id;
        return 0;
}

int printing_page_start(struct printing *p, const struct print_job *job) {
        _cleanup_(page_freep) struct page *page = NULL;
        int r;

        r = printing_lay_out(p, job, !printer_profile_has_chinese(&p->profile), &page);
        if (r >= 0 && page_needs_rasters(page, &p->profile)) {
                r = start_drawing(p, job, &page);
                if (r >= 0)
                        return 0;
                log_print_job(LOG_WARNING, r, job->transaction, job->id,
                              "nothing can be drawn; it is printed without");
                p->render_error = r;
                page = page_free(page);
                r = printing_lay_out(p, job, true, &page);
        }
        return r < 0 ? printing_put_off(p, job, r) : print_page(p, job, page);
}
