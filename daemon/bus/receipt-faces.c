// SPDX-License-Identifier: LGPL-2.1-or-later
/* org.tilld1.Receipts: a paper in any face, as an fd or as a file. */
#include <fcntl.h>
#include <inttypes.h>
#include <sys/stat.h>

#include "base/sealed-file.h"
#include "bus/error.h"
#include "bus/receipts.h"
#include "bus/saved-files.h"
#include "receipt/escpos.h"
#include "receipt/render.h"

#define CALLS_MAX 4
/* Files of Save that are kept: the oldest ones go. */
#define FILES_MAX 100

enum face {
        FACE_TEXT,
        FACE_ESCPOS,
        FACE_TERMINAL,
        FACE_PNG,
        FACE_PDF,
        _FACE_MAX,
};

static const struct {
        const char *name, *suffix;
        enum render_face render; /* what till-render is asked for, if it is */
} faces[_FACE_MAX] = {
        [FACE_TEXT] = { "text", "txt" },
        [FACE_ESCPOS] = { "escpos", "bin", RENDER_RASTER },
        [FACE_TERMINAL] = { "terminal", "ansi", RENDER_TERMINAL },
        [FACE_PNG] = { "png", "png", RENDER_PNG },
        [FACE_PDF] = { "pdf", "pdf", RENDER_PDF },
};

struct face_call {
        struct face_call *next;
        struct server *server;
        sd_bus_message *message;
        enum face face;
        int64_t job;
        bool save;
        struct page *page;
        struct page *plain; /* of FACE_ESCPOS: what is printed when nothing can be drawn */
        struct render_call *drawing;
        int logo;
};

static struct face_call *call_free(struct face_call *c) {
        if (!c)
                return NULL;
        render_call_free(c->drawing);
        page_free(c->page);
        page_free(c->plain);
        safe_close(c->logo);
        sd_bus_message_unref(c->message);
        free(c);
        return NULL;
}
DEFINE_CLEANUP(struct face_call *, call_free);

void receipts_end_calls(struct server *s) {
        while (s->face_calls) {
                struct face_call *c = s->face_calls;

                s->face_calls = c->next;
                call_free(c);
        }
}

/* ---- Where it goes ---- */

static int reply_fd(const struct face_call *c, const void *data, size_t size) {
        _cleanup_close_ int fd = sealed_file_new("receipt", data, size);

        return fd < 0 ? fd : sd_bus_reply_method_return(c->message, "h", fd);
}

static int write_file(const char *path, const void *data, size_t size) {
        _cleanup_close_ int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0600);

        if (fd < 0)
                return -errno;
        return write(fd, data, size) == (ssize_t) size ? 0 : -EIO;
}

static int reply_file(const struct face_call *c, const void *data, size_t size) {
        _cleanup_free_ char *folder = NULL, *path = NULL, *unfinished = NULL;
        int r;

        r = journal_state_folder(c->server, "receipts", &folder);
        if (r < 0)
                return r;
        if (mkdir(folder, 0700) < 0 && errno != EEXIST)
                return -errno;
        if (asprintf(&path, "%s/receipt-%" PRIi64 ".%s", folder, c->job, faces[c->face].suffix) < 0 ||
            asprintf(&unfinished, "%s.new", path) < 0)
                return -ENOMEM;
        r = write_file(unfinished, data, size);
        if (r >= 0 && rename(unfinished, path) < 0)
                r = -errno;
        if (r < 0) {
                (void) unlink(unfinished);
                return r;
        }
        saved_files_prune(folder, "receipt-", strrchr(path, '/') + 1, FILES_MAX);
        return sd_bus_reply_method_return(c->message, "s", path);
}

static int reply(const struct face_call *c, const void *data, size_t size) {
        return c->save ? reply_file(c, data, size) : reply_fd(c, data, size);
}

/* ---- Made here ---- */

static const struct printer_profile *profile_of(const struct face_call *c) {
        return printing_profile(engine_printing(c->server->engine));
}

static int reply_text(const struct face_call *c) {
        _cleanup_free_ char *text = NULL;
        int r;

        r = page_to_text(c->page, &text);
        return r < 0 ? r : reply(c, text, strlen(text));
}

static int reply_bytes(const struct face_call *c, const struct page *page) {
        _cleanup_free_ uint8_t *bytes = NULL;
        size_t size;
        int r;

        r = page_to_escpos(page, profile_of(c), &bytes, &size);
        return r < 0 ? r : reply(c, bytes, size);
}

/* ---- Drawn by till-render ---- */

static void on_drawn(int error, const void *data, size_t size, void *userdata) {
        struct face_call *c = userdata, **at;
        int r;

        for (at = &c->server->face_calls; *at != c;)
                at = &(*at)->next;
        *at = c->next;
        if (c->face == FACE_ESCPOS)
                r = reply_bytes(c, error < 0 ? c->plain : c->page);
        else if (error < 0)
                r = sd_bus_reply_method_errorf(
                        c->message, BUS_ERROR_NOT_READY,
                        "till-render has drawn nothing: %s. The faces text and escpos do without "
                        "it; systemctl status till-render.socket says more",
                        strerror(-error));
        else
                r = reply(c, data, size);
        if (r < 0)
                (void) sd_bus_reply_method_errno(c->message, r, NULL);
        call_free(c);
}

static int draw(struct face_call **c, struct refusal *refusal) {
        struct server *s = (*c)->server;
        struct render_request request = {
                .page = (*c)->page,
                .profile = profile_of(*c),
                .face = faces[(*c)->face].render,
        };
        unsigned n = 0;
        int r;

        for (const struct face_call *other = s->face_calls; other; other = other->next)
                n++;
        if (n >= CALLS_MAX)
                return refusal_set(refusal, REFUSAL_BUSY, "%u papers are being drawn: call again when they are done",
                                   n);
        (*c)->logo = receipt_style_open_logo(settings_style(s->settings));
        request.logo_fd = (*c)->logo;
        r = render_start(engine_loop(s->engine), &request, RENDER_DEADLINE_USEC, on_drawn, *c, &(*c)->drawing);
        if (r < 0 && (*c)->face == FACE_ESCPOS)
                return reply_bytes(*c, (*c)->plain);
        if (r < 0)
                return refusal_set(refusal, REFUSAL_NOT_READY,
                                   "till-render cannot be asked: %s. The faces text and escpos do without it",
                                   strerror(-r));
        (*c)->next = s->face_calls;
        s->face_calls = TAKE_PTR(*c);
        return 1;
}

static int find_face(const char *name, enum face *ret, struct refusal *refusal) {
        for (enum face i = 0; i < _FACE_MAX; i++) {
                if (!streq(faces[i].name, name))
                        continue;
                *ret = i;
                return 0;
        }
        return refusal_set(refusal, REFUSAL_UNKNOWN_OPTION,
                           "The option \"face\" is text, escpos, terminal, png or pdf, not \"%.32s\"", name);
}

/* Whether till-render is needed. */
static bool is_drawn(const struct face_call *c) {
        if (c->face == FACE_ESCPOS)
                return page_needs_rasters(c->page, profile_of(c));
        return c->face != FACE_TEXT;
}

static int make(struct face_call **c, struct refusal *refusal) {
        if (is_drawn(*c))
                return draw(c, refusal);
        return (*c)->face == FACE_TEXT ? reply_text(*c) : reply_bytes(*c, (*c)->page);
}

static int lay_out(struct face_call *c, const struct print_job *job) {
        const struct printing *p = engine_printing(c->server->engine);
        bool plain = c->face == FACE_ESCPOS && !printer_profile_has_chinese(profile_of(c));
        int r;

        r = printing_lay_out(p, job, plain, &c->page);
        if (r < 0 || c->face != FACE_ESCPOS)
                return r;
        return printing_lay_out(p, job, true, &c->plain);
}

static int show(sd_bus_message *m, struct server *s, bool save, sd_bus_error *error) {
        _cleanup_(print_job_done) struct print_job job = {};
        _cleanup_(call_freep) struct face_call *c = NULL;
        struct refusal refusal = {};
        const char *name;
        int r;

        c = calloc(1, sizeof(*c));
        if (!c)
                return -ENOMEM;
        *c = (struct face_call){ .server = s, .message = sd_bus_message_ref(m), .save = save, .logo = -EBADF };
        r = receipts_choose(s, m, &name, &job, &refusal);
        if (r >= 0)
                r = find_face(name, &c->face, &refusal);
        if (r >= 0)
                r = lay_out(c, &job);
        c->job = job.id;
        if (r >= 0)
                r = make(&c, &refusal);
        return r < 0 ? receipts_refuse(r, &refusal, error) : 1;
}

int receipts_call_get(sd_bus_message *m, void *userdata, sd_bus_error *error) {
        return show(m, userdata, false, error);
}

int receipts_call_save(sd_bus_message *m, void *userdata, sd_bus_error *error) {
        return show(m, userdata, true, error);
}
