// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * till-render: draws the pages of receipts.
 *
 * Started by its socket with one connection for one request (receipt/render-message.h), or with a face and a logo by
 * hand, from standard input to standard output. See till-render(8).
 */
#include <fcntl.h>

#include "base/log.h"
#include "base/sealed-file.h"
#include "helpers/question.h"
#include "helpers/till-render/draw.h"

static const char *const faces[_RENDER_FACE_MAX] = { "raster", "png", "pdf", "terminal" };

struct request {
        enum render_face face;
        struct drawing drawing;
};

static void request_done(struct request *r) {
        stored_page_done(&r->drawing.stored);
        r->drawing.logo_fd = safe_close(r->drawing.logo_fd);
}

/* Draws into memory, so that nothing half is given. */
static int draw_whole(const struct drawing *d, enum render_face face, char **ret, size_t *ret_size) {
        _cleanup_(fonts_freep) struct fonts *fonts = NULL;
        _cleanup_free_ char *data = NULL;
        size_t size = 0;
        FILE *f;
        int r;

        r = fonts_new(&fonts);
        if (r < 0)
                return r;
        f = open_memstream(&data, &size);
        if (!f)
                return -ENOMEM;
        r = draw(d, fonts, face, f);
        if (ferror(f) | fclose(f))
                r = r < 0 ? r : -ENOMEM;
        if (r < 0)
                return r;
        if (size > RENDER_SIZE_MAX)
                return -EFBIG;
        *ret = TAKE_PTR(data);
        *ret_size = size;
        return 0;
}

/* ---- by its socket ---- */

static int page_read(int fd, uint64_t size, struct stored_page *ret) {
        _cleanup_free_ uint8_t *data = NULL;
        int r;

        if (size > PAGE_BLOB_MAX)
                return -E2BIG;
        r = sealed_file_read(fd, size, &data);
        return r < 0 ? r : page_from_blob(data, size, ret);
}

/* Takes files[1], the logo; files[0] is the page. */
static int question_read(const struct render_question *q, int files[static 2], struct request *ret) {
        if (q->version != RENDER_VERSION)
                return -EPROTONOSUPPORT;
        if (q->face >= _RENDER_FACE_MAX || files[0] < 0)
                return -EBADMSG;
        ret->face = q->face;
        ret->drawing.logo_fd = TAKE_FD(files[1]);
        return page_read(files[0], q->size, &ret->drawing.stored);
}

/* 1 with a request, 0 where there was none. */
static int request_receive(int fd, struct request *ret) {
        struct render_question q;
        int files[2], r;

        r = question_receive(fd, &q, sizeof(q), files, ELEMENTSOF(files));
        if (r > 0)
                r = question_read(&q, files, ret) ?: 1;
        safe_close(files[0]);
        safe_close(files[1]);
        return r;
}

static int answer_send(int fd, int error, int file, size_t size) {
        struct render_answer answer = { RENDER_VERSION, error, size };

        return question_answer(fd, &answer, sizeof(answer), file);
}

static int serve(int fd) {
        _cleanup_(request_done) struct request request = { .drawing.logo_fd = -EBADF };
        _cleanup_close_ int file = -EBADF;
        _cleanup_free_ char *data = NULL;
        size_t size = 0;
        int r;

        r = request_receive(fd, &request);
        if (r == 0)
                return 0;
        if (r > 0)
                r = question_end_with_peer(fd);
        if (r >= 0)
                r = draw_whole(&request.drawing, request.face, &data, &size);
        if (r >= 0)
                r = file = sealed_file_new("drawing", data, size);
        if (r < 0) {
                log_warning_errno(r, "The page could not be drawn");
                return answer_send(fd, r, -EBADF, 0);
        }
        return answer_send(fd, 0, file, size);
}

/* ---- by hand ---- */

static int page_read_stream(FILE *f, struct stored_page *ret) {
        _cleanup_free_ char *data = malloc(PAGE_BLOB_MAX + 1);
        size_t size;

        if (!data)
                return -ENOMEM;
        size = fread(data, 1, PAGE_BLOB_MAX + 1, f);
        return ferror(f) ? -EIO : page_from_blob(data, size, ret);
}

static int run(const char *face, const char *logo) {
        _cleanup_(request_done) struct request request = { .face = _RENDER_FACE_MAX, .drawing.logo_fd = -EBADF };
        _cleanup_free_ char *data = NULL;
        size_t size;
        int r;

        for (unsigned i = 0; i < _RENDER_FACE_MAX; i++)
                if (streq(faces[i], face))
                        request.face = i;
        if (request.face == _RENDER_FACE_MAX)
                return log_full_errno(LOG_ERR, -EINVAL, "%s is none of raster, png, pdf, terminal", face);
        if (logo) {
                request.drawing.logo_fd = open(logo, O_RDONLY | O_CLOEXEC);
                if (request.drawing.logo_fd < 0)
                        return log_full_errno(LOG_ERR, errno, "%s cannot be opened", logo);
        }
        r = page_read_stream(stdin, &request.drawing.stored);
        if (r < 0)
                return log_full_errno(LOG_ERR, r, "Standard input is no stored page");
        r = draw_whole(&request.drawing, request.face, &data, &size);
        if (r < 0)
                return log_full_errno(LOG_ERR, r, "The page could not be drawn");
        return fwrite(data, 1, size, stdout) == size && fflush(stdout) == 0 ? 0 : -EIO;
}

int main(int argc, char **argv) {
        log_parse_environment();
        if (question_serve(serve))
                return EXIT_SUCCESS;
        if (argc != 2 && argc != 3) {
                fprintf(stderr, "usage: till-render raster|png|pdf|terminal [LOGO.png] <PAGE >PICTURE\n");
                return EXIT_FAILURE;
        }
        return run(argv[1], argc == 3 ? argv[2] : NULL) < 0 ? EXIT_FAILURE : EXIT_SUCCESS;
}
