// SPDX-License-Identifier: LGPL-2.1-or-later
#include "receipt/render.h"

#include <fcntl.h>
#include <sys/stat.h>

#include "base/clock.h"
#include "base/helper-call.h"
#include "base/log.h"
#include "base/sealed-file.h"
#include "receipt/escpos.h"
#include "receipt/render-claim.h"

struct render_call {
        sd_event *event;
        char *socket;
        struct stored_page stored; /* its page is the caller's */
        enum render_face face;
        int page_fd;
        size_t page_size;
        int logo_fd;         /* -EBADF where there is none, or it is tried without */
        int logo_error;      /* -ETIME or -ECONNRESET, with it; 0 where it has not come to that */
        struct stat suspect; /* the logo's file then */

        struct helper_call *helper;
        uint64_t deadline_usec; /* how long a try may take */
        uint64_t until;         /* CLOCK_MONOTONIC by which this one must be done */

        uint8_t *data;
        render_callback_t callback;
        void *userdata;
};

/* The logo that a helper has died of or was too slow for, until tilld ends: its file's st_ino is 0 for none. */
static struct stat fatal_logo;

static bool is_fatal_logo(const struct stat *st) {
        return st->st_dev == fatal_logo.st_dev && st->st_ino == fatal_logo.st_ino &&
               st->st_size == fatal_logo.st_size && st->st_mtim.tv_sec == fatal_logo.st_mtim.tv_sec &&
               st->st_mtim.tv_nsec == fatal_logo.st_mtim.tv_nsec;
}

struct render_call *render_call_free(struct render_call *call) {
        if (!call)
                return NULL;
        helper_call_free(call->helper);
        sd_event_unref(call->event);
        safe_close(call->page_fd);
        safe_close(call->logo_fd);
        free(call->socket);
        free(call->stored.rasters);
        free(call->data);
        free(call);
        return NULL;
}

/* The last that is done: the callback may free the call. */
static void call_end(struct render_call *call, int error, size_t size) {
        call->callback(error, error < 0 ? NULL : call->data, error < 0 ? 0 : size, call->userdata);
}

/* ---- the question ---- */

static int call_store_page(struct render_call *call, const struct render_request *request) {
        _cleanup_free_ char *blob = NULL;
        int r;

        call->stored.page = request->page;
        call->stored.dots = request->profile->dots;
        call->stored.rasters = calloc(request->page->n_lines + 1, sizeof(*call->stored.rasters));
        if (!call->stored.rasters)
                return -ENOMEM;
        for (size_t i = 0; request->face == RENDER_RASTER && i < request->page->n_lines; i++)
                call->stored.rasters[i] = line_needs_raster(&request->page->lines[i], request->profile);
        r = page_to_blob(&call->stored, &blob, &call->page_size);
        if (r < 0)
                return r;
        r = call->page_fd = sealed_file_new("page", blob, call->page_size);
        return r < 0 ? r : 0;
}

static void on_answer(int error, const void *answer, int file, void *userdata);

static int call_ask(struct render_call *call) {
        const int files[] = { call->page_fd, call->logo_fd };
        const struct render_question packet = { RENDER_VERSION, call->face, call->page_size };
        const struct helper_question question = {
                .socket = call->socket,
                .packet = &packet,
                .size = sizeof(packet),
                .files = files,
                .n_files = call->logo_fd >= 0 ? 2 : 1,
                .answer_size = sizeof(struct render_answer),
        };
        uint64_t now = clock_now(CLOCK_MONOTONIC);

        call->helper = helper_call_free(call->helper);
        return helper_call_start(call->event, &question, call->until - MIN(now, call->until), on_answer, call,
                                 &call->helper);
}

/* ---- the answer ---- */

static int call_take_answer(struct render_call *call, const struct render_answer *answer, int file, size_t *ret_size) {
        int r;

        if (answer->version != RENDER_VERSION || answer->error > 0 || answer->error <= -4096)
                return -EBADMSG;
        if (answer->error < 0)
                return answer->error;
        if (answer->size > RENDER_SIZE_MAX)
                return -EBADMSG;
        r = sealed_file_read(file, answer->size, &call->data);
        if (r < 0)
                return r;
        r = render_claim_take(&call->stored, call->face, call->data, answer->size);
        if (r < 0 || call->face == RENDER_RASTER) {
                free(call->data);
                call->data = NULL;
        }
        if (r < 0)
                return r;
        *ret_size = call->face == RENDER_RASTER ? 0 : answer->size;
        return 0;
}

/*
 * The merchant's picture is what of a page may end a helper: the rest is not lost for it. What took too long was
 * perhaps the logo, and has its time again.
 */
static int call_ask_without_logo(struct render_call *call, int error) {
        if ((error == -ETIME || error == -ECONNRESET) && fstat(call->logo_fd, &call->suspect) >= 0)
                call->logo_error = error;
        else
                log_warning_errno(error, "till-render does not draw the logo: the paper goes without");
        if (error == -ETIME)
                call->until = clock_now(CLOCK_MONOTONIC) + call->deadline_usec;
        call->logo_fd = safe_close(call->logo_fd);
        return call_ask(call);
}

/* The page alone is drawn: it was the logo, and the next paper does not wait for it as long again. */
static void call_blame_logo(struct render_call *call) {
        if (call->logo_error == 0 || is_fatal_logo(&call->suspect))
                return;
        fatal_logo = call->suspect;
        log_warning_errno(call->logo_error,
                          "till-render does not draw the logo: papers go without it until its file changes or tilld "
                          "is restarted");
}

static void on_answer(int error, const void *answer, int file, void *userdata) {
        struct render_call *call = userdata;
        size_t size = 0;
        int r;

        r = error < 0 ? error : call_take_answer(call, answer, file, &size);
        if (r < 0 && call->logo_fd >= 0 && helper_call_was_asked(call->helper)) {
                r = call_ask_without_logo(call, r);
                if (r >= 0)
                        return;
        }
        if (r >= 0)
                call_blame_logo(call);
        call_end(call, r, size);
}

/* ---- the call ---- */

int render_start(sd_event *event, const struct render_request *request, uint64_t deadline_usec,
                 render_callback_t callback, void *userdata, struct render_call **ret) {
        _cleanup_(render_call_freep) struct render_call *call = calloc(1, sizeof(*call));
        struct stat logo;
        int r;

        if (!call)
                return -ENOMEM;
        call->page_fd = call->logo_fd = -EBADF;
        call->socket = strdup(request->socket ?: RENDER_SOCKET);
        if (!call->socket)
                return -ENOMEM;
        call->event = sd_event_ref(event);
        call->face = request->face;
        call->callback = callback;
        call->userdata = userdata;
        call->deadline_usec = deadline_usec;
        call->until = clock_now(CLOCK_MONOTONIC) + deadline_usec;
        if (request->logo_fd >= 0 && (fstat(request->logo_fd, &logo) < 0 || !is_fatal_logo(&logo))) {
                call->logo_fd = fcntl(request->logo_fd, F_DUPFD_CLOEXEC, 3);
                if (call->logo_fd < 0)
                        return -errno;
        }
        r = call_store_page(call, request);
        if (r < 0)
                return r;
        r = call_ask(call);
        if (r < 0)
                return r;
        *ret = TAKE_PTR(call);
        return 0;
}
