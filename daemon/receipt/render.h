/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * Pages drawn by till-render, a helper that systemd starts for each request: PNG, PDF, what a terminal shows, and the
 * lines that a printer has no characters or commands for. Nothing here draws or decodes; what comes back is a claim
 * that is checked.
 *
 * Printing: lay out the page, ask page_needs_rasters(); where it does, render_start() with RENDER_RASTER, and in the
 * callback give the page to page_to_escpos(), whatever the callback's error: lines without a raster are said as well
 * as the printer can. So no paper is lost for want of a picture.
 *
 * A logo that till-render has died of, or was too slow for, while it draws the page without, is left out of all pages
 * from then on, until its file changes (inode, size, time) or tilld is restarted.
 */

#include <systemd/sd-event.h>

#include "receipt/page.h"
#include "receipt/profile.h"
#include "receipt/render-message.h"

#define RENDER_SOCKET "/run/till-render"
/* How long a paper waits for its pictures; starting the helper takes most of it. */
#define RENDER_DEADLINE_USEC (8 * UINT64_C(1000000))

struct render_request {
        struct page *page; /* the caller's, unchanged until the callback or render_call_free() */
        const struct printer_profile *profile;
        enum render_face face;
        int logo_fd;        /* a PNG that tilld has opened, the caller's; negative for none: PAGE_LOGO is left out */
        const char *socket; /* NULL: RENDER_SOCKET */
};

struct render_call;

/*
 * Called once, never from inside render_start(). error is 0 or a negative errno: -ETIME at the deadline, -ECONNREFUSED
 * or -ENOENT without a helper, -EBADMSG for an answer that cannot be, -ECONNRESET when the helper has died, or what it
 * answered. data is NULL for RENDER_RASTER, whose result is in the page: all rasters or, with an error, none. The call
 * has ended: it may be freed here, and must be at last.
 */
typedef void (*render_callback_t)(int error, const void *data, size_t size, void *userdata);

/* Starts; deadline_usec counts from now. An error where it cannot even be asked for (memory, descriptors). */
int render_start(sd_event *event, const struct render_request *request, uint64_t deadline_usec,
                 render_callback_t callback, void *userdata, struct render_call **ret);
/* Cancels what has not ended, without a callback. */
struct render_call *render_call_free(struct render_call *call);
DEFINE_CLEANUP(struct render_call *, render_call_free);
