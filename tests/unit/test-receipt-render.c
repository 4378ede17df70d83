// SPDX-License-Identifier: LGPL-2.1-or-later
/* Drawing is asked for: helpers that lie or die, and the real one, run from beside the tests. */
#include "test.h"

#include <fcntl.h>
#include <png.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include "base/clock.h"
#include "base/sealed-file.h"
#include "fake-helper.h"
#include "receipt/escpos.h"
#include "receipt/render.h"

#define DEADLINE (20 * USEC_PER_SEC)

static sd_event *event;
static char directory[64], socket_path[80];
static int listening;
static struct page *page;

/* What the fake helper does with a connection that has asked. */
static void (*helper)(int fd, const struct render_question *q, int n_descriptors);
static unsigned asked;

static struct outcome {
        bool come;
        int error;
        size_t size;
        uint8_t *data;
} outcome;

static void on_render(int error, const void *data, size_t size, void *userdata) {
        assert_false(outcome.come);
        outcome.come = true;
        outcome.error = error;
        outcome.size = size;
        if (data) {
                outcome.data = malloc(size + 1);
                assert_non_null(outcome.data);
                memcpy(outcome.data, data, size);
                outcome.data[size] = '\0';
        }
}

static int question_take(int fd, struct render_question *ret) {
        int files[FAKE_FILES_MAX];
        size_t n = fake_helper_take(fd, ret, sizeof(*ret), files);

        /* The first is the page, which whoever has it can only read. */
        assert_int_equal(write(files[0], "x", 1), -1);
        for (size_t i = 0; i < n; i++)
                safe_close(files[i]);
        return (int) n;
}

static int on_connection(sd_event_source *s, int fd, uint32_t revents, void *userdata) {
        _cleanup_close_ int connection = accept4(fd, NULL, NULL, SOCK_CLOEXEC);
        struct render_question question;

        assert_true(connection >= 0);
        asked++;
        if (!helper) { /* silent, as long as the test lasts */
                (void) TAKE_FD(connection);
                return 0;
        }
        helper(connection, &question, question_take(connection, &question));
        return 0;
}

static int setup(void **state) {
        (void) alarm(60);
        assert_int_equal(sd_event_new(&event), 0);
        listening = fake_helper_listen(directory, "socket");
        (void) snprintf(socket_path, sizeof(socket_path), "%s/socket", directory);
        assert_int_equal(page_new(32, 42, &page), 0);
        assert_int_equal(page_add(page, &(struct page_line){ .text = (char *) "plain" }), 0);
        assert_int_equal(page_add(page, &(struct page_line){ .text = (char *) "中文" }), 0);
        assert_int_equal(page_add(page, &(struct page_line){ .type = PAGE_LOGO }), 0);
        outcome = (struct outcome){};
        helper = NULL;
        asked = 0;
        return 0;
}

static int teardown(void **state) {
        page = page_free(page);
        free(outcome.data);
        safe_close(listening);
        fake_helper_remove(directory, "socket");
        event = sd_event_unref(event);
        return 0;
}

static struct printer_profile latin(void) {
        struct printer_profile profile = *printer_profile_find("generic-58");

        profile.chinese = PRINTER_CHINESE_NONE;
        return profile;
}

static struct render_call *start(enum render_face face, int logo_fd, uint64_t deadline) {
        static struct printer_profile profile;
        struct render_call *call = NULL;

        profile = latin();
        assert_int_equal(render_start(event,
                                      &(struct render_request){ .page = page,
                                                                .profile = &profile,
                                                                .face = face,
                                                                .logo_fd = logo_fd,
                                                                .socket = socket_path },
                                      deadline, on_render, NULL, &call),
                         0);
        assert_false(outcome.come);
        return call;
}

static void render(enum render_face face, int logo_fd, uint64_t deadline) {
        _cleanup_(render_call_freep) struct render_call *call = start(face, logo_fd, deadline);
        sd_event_source *source = NULL;

        assert_true(sd_event_add_io(event, &source, listening, EPOLLIN, on_connection, NULL) >= 0);
        while (!outcome.come)
                assert_true(sd_event_run(event, UINT64_MAX) >= 0);
        sd_event_source_disable_unref(source);
        /* Nothing comes after it. */
        assert_int_equal(sd_event_run(event, 0), 0);
}

/* ---- answers ---- */

static void send_answer(int fd, const void *answer, size_t size, int file) {
        fake_helper_send(fd, answer, size, &file, file >= 0 ? 1 : 0);
}

static void send_bytes(int fd, const void *data, size_t size) {
        _cleanup_close_ int file = sealed_file_new("fake", data, size);

        assert_true(file >= 0);
        send_answer(fd, &(struct render_answer){ RENDER_VERSION, 0, size }, sizeof(struct render_answer), file);
}

static void dies(int fd, const struct render_question *q, int n) {
}

static void refuses(int fd, const struct render_question *q, int n) {
        send_answer(fd, &(struct render_answer){ RENDER_VERSION, -ENOMEM, 0 }, sizeof(struct render_answer), -1);
}

static void answers_in_part(int fd, const struct render_question *q, int n) {
        send_answer(fd, &(struct render_answer){ RENDER_VERSION, 0, 0 }, 8, -1);
}

static void answers_of_another_version(int fd, const struct render_question *q, int n) {
        send_answer(fd, &(struct render_answer){ RENDER_VERSION + 1, 0, 0 }, sizeof(struct render_answer), -1);
}

static void answers_with_a_count(int fd, const struct render_question *q, int n) {
        send_answer(fd, &(struct render_answer){ RENDER_VERSION, 5, 0 }, sizeof(struct render_answer), -1);
}

static void gives_no_file(int fd, const struct render_question *q, int n) {
        send_answer(fd, &(struct render_answer){ RENDER_VERSION, 0, 8 }, sizeof(struct render_answer), -1);
}

/* What its holder could change or never give. */
static void gives_a_pipe(int fd, const struct render_question *q, int n) {
        int ends[2];

        assert_int_equal(pipe(ends), 0);
        send_answer(fd, &(struct render_answer){ RENDER_VERSION, 0, 8 }, sizeof(struct render_answer), ends[0]);
        safe_close(ends[0]);
        safe_close(ends[1]);
}

static void gives_an_open_file(int fd, const struct render_question *q, int n) {
        _cleanup_close_ int file = memfd_create("fake", MFD_CLOEXEC | MFD_ALLOW_SEALING);

        assert_int_equal(write(file, "\033[1mabc", 7), 7);
        send_answer(fd, &(struct render_answer){ RENDER_VERSION, 0, 7 }, sizeof(struct render_answer), file);
}

static void gives_a_cut_file(int fd, const struct render_question *q, int n) {
        _cleanup_close_ int file = sealed_file_new("fake", "abc", 3);

        send_answer(fd, &(struct render_answer){ RENDER_VERSION, 0, 4 }, sizeof(struct render_answer), file);
}

static void gives_too_much(int fd, const struct render_question *q, int n) {
        _cleanup_free_ char *data = calloc(1, RENDER_SIZE_MAX + 1);

        assert_non_null(data);
        memset(data, 'a', RENDER_SIZE_MAX + 1);
        send_bytes(fd, data, RENDER_SIZE_MAX + 1);
}

static void gives_two_files(int fd, const struct render_question *q, int n) {
        int files[] = { sealed_file_new("fake", "abc", 3), sealed_file_new("fake", "abc", 3) };

        fake_helper_send(fd, &(struct render_answer){ RENDER_VERSION, 0, 3 }, sizeof(struct render_answer), files, 2);
        safe_close(files[0]);
        safe_close(files[1]);
}

static void lies(void **state) {
        static const struct {
                void (*helper)(int fd, const struct render_question *q, int n);
                int error;
        } cases[] = {
                { dies, -ECONNRESET },
                { refuses, -ENOMEM },
                { answers_in_part, -EBADMSG },
                { answers_of_another_version, -EBADMSG },
                { answers_with_a_count, -EBADMSG },
                { gives_no_file, -EBADMSG },
                { gives_a_pipe, -EBADMSG },
                { gives_an_open_file, -EBADMSG },
                { gives_a_cut_file, -EBADMSG },
                { gives_too_much, -EBADMSG },
                { gives_two_files, -EBADMSG },
        };
        size_t descriptors = 0;

        for (size_t i = 0; i < ELEMENTSOF(cases); i++) {
                outcome = (struct outcome){};
                helper = cases[i].helper;
                render(RENDER_TERMINAL, -EBADF, DEADLINE);
                if (outcome.error != cases[i].error)
                        fail_msg("case %zu ended with %d", i, outcome.error);
                assert_null(outcome.data);
                /* The first has opened the loop's timer. */
                if (i == 0)
                        descriptors = count_descriptors();
                assert_int_equal(count_descriptors(), descriptors);
        }
}

static void silent(void **state) {
        uint64_t before = clock_now(CLOCK_MONOTONIC);

        render(RENDER_PNG, -EBADF, 50 * USEC_PER_MSEC);
        assert_int_equal(outcome.error, -ETIME);
        assert_true(clock_now(CLOCK_MONOTONIC) - before >= 50 * USEC_PER_MSEC);
}

static void absent(void **state) {
        (void) unlink(socket_path);
        render(RENDER_PNG, -EBADF, DEADLINE);
        assert_int_equal(outcome.error, -ENOENT);
}

static void cancelled(void **state) {
        struct render_call *call;

        helper = refuses;
        call = start(RENDER_PNG, -EBADF, USEC_PER_MSEC);
        assert_null(render_call_free(call));
        (void) unlink(socket_path);
        call = start(RENDER_PNG, -EBADF, USEC_PER_MSEC);
        assert_null(render_call_free(call));
        assert_int_equal(sd_event_run(event, 20 * USEC_PER_MSEC), 0);
        assert_false(outcome.come);
}

/* ---- claims ---- */

static struct {
        struct render_raster header;
        uint8_t bits[64 * 1024];
        size_t size, times;
} fake;

static void gives_rasters(int fd, const struct render_question *q, int n) {
        _cleanup_free_ uint8_t *data = NULL;
        size_t one = sizeof(fake.header) + fake.size;

        data = malloc(one * fake.times + 1);
        assert_non_null(data);
        for (size_t i = 0; i < fake.times; i++) {
                memcpy(data + i * one, &fake.header, sizeof(fake.header));
                memcpy(data + i * one + sizeof(fake.header), fake.bits, fake.size);
        }
        send_bytes(fd, data, one * fake.times);
}

static void raster_claims(void **state) {
        static const struct {
                struct render_raster header;
                size_t size, times;
                int error;
        } cases[] = {
                { { 1, 384, 30 }, 48 * 30, 1, 0 },
                { { 1, 384, 30 }, 48 * 30, 0, -EBADMSG }, /* none */
                { { 1, 384, 30 }, 48 * 30, 2, -EBADMSG }, /* the same twice */
                { { 0, 384, 30 }, 48 * 30, 1, -EBADMSG }, /* of a line that needs none */
                { { 3, 384, 30 }, 48 * 30, 1, -EBADMSG }, /* of none that there is */
                { { UINT32_MAX, 384, 30 }, 48 * 30, 1, -EBADMSG },
                { { 2, 384, 30 }, 48 * 30, 1, -EBADMSG }, /* the Chinese is missing */
                { { 1, 392, 30 }, 49 * 30, 1, -EBADMSG }, /* wider than the paper */
                { { 1, 383, 30 }, 48 * 30, 1, -EBADMSG },
                { { 1, 384, 0 }, 0, 1, -EBADMSG },
                { { 1, 384, 65 }, 48 * 65, 1, -EBADMSG }, /* higher than a line can be */
                { { 1, 384, RASTER_HEIGHT_MAX + 1 }, 0, 1, -EBADMSG },
                { { 1, 384, UINT32_MAX }, 0, 1, -EBADMSG },
                { { 1, 384, 30 }, 48 * 30 - 1, 1, -EBADMSG }, /* not all of it */
                { { 1, 384, 30 }, 48 * 30 + 1, 1, -EBADMSG }, /* and more than that */
        };

        helper = gives_rasters;
        fake.bits[0] = 0x80;
        for (size_t i = 0; i < ELEMENTSOF(cases); i++) {
                outcome = (struct outcome){};
                fake.header = cases[i].header;
                fake.size = cases[i].size;
                fake.times = cases[i].times;
                render(RENDER_RASTER, -EBADF, DEADLINE);
                if (outcome.error != cases[i].error)
                        fail_msg("case %zu ended with %d", i, outcome.error);
                assert_null(outcome.data);
                if (cases[i].error < 0)
                        assert_null(page->lines[1].raster);
                else
                        assert_true(raster_get(page->lines[1].raster, 0, 0));
                assert_null(page->lines[0].raster);
                assert_null(page->lines[2].raster);
        }
}

static const char *text_given;

static void gives_text(int fd, const struct render_question *q, int n) {
        send_bytes(fd, text_given, strlen(text_given));
}

static void terminal_claims(void **state) {
        static const struct {
                const char *text;
                int error;
        } cases[] = {
                { "a\n\033[1;7m中文\033[0m\n\033[38;5;16;48;5;231m█▀\033[0m\n", 0 },
                { "\033]0;title\007", -EBADMSG },
                { "\033[2J", -EBADMSG },
                { "\033[1", -EBADMSG },
                { "\033", -EBADMSG },
                { "\r", -EBADMSG },
                { "\xc2\x9b"
                  "1m",
                  -EBADMSG },
        };

        helper = gives_text;
        for (size_t i = 0; i < ELEMENTSOF(cases); i++) {
                free(outcome.data);
                outcome = (struct outcome){};
                text_given = cases[i].text;
                render(RENDER_TERMINAL, -EBADF, DEADLINE);
                if (outcome.error != cases[i].error)
                        fail_msg("case %zu ended with %d", i, outcome.error);
        }
        text_given = "%PDF-1.5 and no end";
        free(outcome.data);
        outcome = (struct outcome){};
        render(RENDER_PDF, -EBADF, DEADLINE);
        assert_int_equal(outcome.error, -EBADMSG);
        text_given = "\x89PNG\r\n\x1a\n";
        outcome = (struct outcome){};
        render(RENDER_PNG, -EBADF, DEADLINE);
        assert_int_equal(outcome.error, -EBADMSG);
}

/* As a picture would do it that its decoder cannot stand. */
static void dies_of_the_logo(int fd, const struct render_question *q, int n) {
        if (n == 1)
                gives_rasters(fd, q, n);
}

static int pondering = -EBADF;

static void without_the_logo(void **state) {
        _cleanup_close_ int logo = sealed_file_new("logo", "logo", 4);

        helper = dies_of_the_logo;
        fake.header = (struct render_raster){ 1, 384, 30 };
        fake.size = 48 * 30;
        fake.times = 1;
        render(RENDER_RASTER, logo, DEADLINE);
        assert_int_equal(outcome.error, 0);
        assert_int_equal(asked, 2);
        assert_non_null(page->lines[1].raster);
        assert_null(page->lines[2].raster);
        /* The caller's own is still open. */
        assert_true(fcntl(logo, F_GETFD) >= 0);
}

/* As a picture would do it that takes longer than anybody waits. */
static void ponders_the_logo(int fd, const struct render_question *q, int n) {
        if (n == 1)
                return gives_rasters(fd, q, n);
        /* The other end sees no end. */
        pondering = fcntl(fd, F_DUPFD_CLOEXEC, 3);
        assert_true(pondering >= 0);
}

static void in_time_without_the_logo(void **state) {
        _cleanup_close_ int logo = sealed_file_new("logo", "logo", 4);

        helper = ponders_the_logo;
        fake.header = (struct render_raster){ 1, 384, 30 };
        fake.size = 48 * 30;
        fake.times = 1;
        render(RENDER_RASTER, logo, USEC_PER_SEC);
        pondering = safe_close(pondering);
        assert_int_equal(outcome.error, 0);
        assert_int_equal(asked, 2);
        assert_non_null(page->lines[1].raster);
        assert_null(page->lines[2].raster);
}

/* Of each logo that is too much for a helper, one paper waits. */
static void not_again_with_the_logo(void **state) {
        static const struct {
                void (*helper)(int fd, const struct render_question *q, int n);
                uint64_t deadline;
        } cases[] = {
                { dies_of_the_logo, DEADLINE },
                { ponders_the_logo, USEC_PER_SEC },
        };

        fake.header = (struct render_raster){ 1, 384, 30 };
        fake.size = 48 * 30;
        fake.times = 1;
        for (size_t i = 0; i < ELEMENTSOF(cases); i++) {
                _cleanup_close_ int logo = sealed_file_new("logo", "logo", 4);
                _cleanup_close_ int other = sealed_file_new("logo", "logo", 4);
                const struct {
                        int logo;
                        bool changed;
                        unsigned asked;
                } papers[] = { { logo, false, 2 }, { logo, false, 1 }, { logo, true, 2 }, { other, false, 2 } };

                helper = cases[i].helper;
                for (size_t n = 0; n < ELEMENTSOF(papers); n++) {
                        const struct timespec times[] = { { .tv_nsec = UTIME_OMIT }, { .tv_sec = 1 } };

                        outcome = (struct outcome){};
                        asked = 0;
                        if (papers[n].changed)
                                assert_int_equal(futimens(papers[n].logo, times), 0);
                        render(RENDER_RASTER, papers[n].logo, cases[i].deadline);
                        pondering = safe_close(pondering);
                        assert_int_equal(outcome.error, 0);
                        if (asked != papers[n].asked)
                                fail_msg("case %zu, paper %zu: asked %u times", i, n, asked);
                        assert_non_null(page->lines[1].raster);
                }
        }
}

/* A helper that draws nothing at all says nothing about the logo. */
static void again_with_the_logo(void **state) {
        _cleanup_close_ int logo = sealed_file_new("logo", "logo", 4);

        helper = dies;
        for (unsigned i = 0; i < 2; i++) {
                outcome = (struct outcome){};
                asked = 0;
                render(RENDER_RASTER, logo, DEADLINE);
                assert_int_equal(outcome.error, -ECONNRESET);
                assert_int_equal(asked, 2);
        }
}

/* ---- the real one ---- */

static pid_t real;

/* As systemd would start it for the connection. */
static int on_real_connection(sd_event_source *s, int fd, uint32_t revents, void *userdata) {
        _cleanup_close_ int connection = accept4(fd, NULL, NULL, SOCK_CLOEXEC);
        char path[PATH_MAX], pid[16], *slash;
        ssize_t n;

        assert_true(connection >= 0);
        asked++;
        real = fork();
        assert_true(real >= 0);
        if (real > 0)
                return 0;
        n = readlink("/proc/self/exe", path, sizeof(path) - 32);
        path[MAX(n, 0)] = '\0';
        for (unsigned i = 0; i < 2 && (slash = strrchr(path, '/')); i++)
                *slash = '\0';
        strcat(path, "/till-render");
        (void) snprintf(pid, sizeof(pid), "%d", (int) getpid());
        if (setenv("LISTEN_PID", pid, 1) < 0 || setenv("LISTEN_FDS", "1", 1) < 0 ||
            dup2(fcntl(connection, F_DUPFD, 10), 3) < 0)
                _exit(EXIT_FAILURE);
        execl(path, path, NULL);
        _exit(EXIT_FAILURE);
}

static void render_really_with(enum render_face face, int logo_fd, int error) {
        _cleanup_(render_call_freep) struct render_call *call = NULL;
        sd_event_source *source = NULL;
        int status;

        free(outcome.data);
        outcome = (struct outcome){};
        call = start(face, logo_fd, DEADLINE);
        assert_true(sd_event_add_io(event, &source, listening, EPOLLIN, on_real_connection, NULL) >= 0);
        while (!outcome.come)
                assert_true(sd_event_run(event, UINT64_MAX) >= 0);
        sd_event_source_disable_unref(source);
        assert_int_equal(waitpid(real, &status, 0), real);
        assert_int_equal(status, 0);
        assert_int_equal(outcome.error, error);
}

static void render_really(enum render_face face, int logo_fd) {
        render_really_with(face, logo_fd, 0);
}

static unsigned black(const struct raster *raster) {
        unsigned n = 0;

        for (unsigned y = 0; y < raster->height; y++)
                for (unsigned x = 0; x < raster->width; x++)
                        n += raster_get(raster, x, y);
        return n;
}

/* A square of four by two: grey, black, white and what shines through. */
static int logo_file(void) {
        static const uint8_t pixels[] = { 0,   0,   0,   255, 255, 255, 255, 255, 0, 0, 0, 0, 0, 0, 0, 255,
                                          255, 255, 255, 255, 0,   0,   0,   255, 0, 0, 0, 0, 0, 0, 0, 0 };
        png_image image = { .version = PNG_IMAGE_VERSION, .width = 4, .height = 2, .format = PNG_FORMAT_RGBA };
        uint8_t png[1024];
        png_alloc_size_t size = sizeof(png);

        assert_int_equal(png_image_write_to_memory(&image, png, &size, 0, pixels, 0, NULL), 1);
        return sealed_file_new("logo", png, size);
}

static void really_rasters(void **state) {
        _cleanup_close_ int logo = logo_file();

        render_really(RENDER_RASTER, logo);
        assert_null(page->lines[0].raster);
        assert_int_equal(page->lines[1].raster->width, 384);
        assert_int_equal(page->lines[1].raster->height, 30);
        /* 中 is there, its stroke down the middle; the rest of the line is white. */
        assert_true(black(page->lines[1].raster) > 80);
        for (unsigned y = 8; y < 20; y++)
                assert_true(raster_get(page->lines[1].raster, 11, y) || raster_get(page->lines[1].raster, 12, y));
        for (unsigned x = 48; x < 384; x++)
                for (unsigned y = 0; y < 30; y++)
                        assert_false(raster_get(page->lines[1].raster, x, y));
        /* As it is: what shines through is white. */
        assert_int_equal(page->lines[2].raster->height, 2);
        assert_int_equal(black(page->lines[2].raster), 3);
        assert_true(raster_get(page->lines[2].raster, 0, 0) && raster_get(page->lines[2].raster, 3, 0) &&
                    raster_get(page->lines[2].raster, 1, 1));
}

static void really_without_a_logo(void **state) {
        _cleanup_close_ int rubbish = sealed_file_new("logo", "\x89PNG\r\n\x1a\nrubbish", 15);

        render_really(RENDER_RASTER, rubbish);
        assert_int_equal(asked, 1);
        assert_non_null(page->lines[1].raster);
        assert_null(page->lines[2].raster);
}

static void really_pictures(void **state) {
        png_image image = { .version = PNG_IMAGE_VERSION };
        _cleanup_free_ uint8_t *pixels = NULL;
        unsigned stride, dark = 0;

        render_really(RENDER_PNG, -EBADF);
        assert_int_equal(png_image_begin_read_from_memory(&image, outcome.data, outcome.size), 1);
        assert_int_equal(image.width, 384 + 2 * RENDER_MARGIN);
        assert_int_equal(image.height, 2 * 30 + 2 * RENDER_MARGIN);
        image.format = PNG_FORMAT_GRAY;
        stride = image.width;
        pixels = malloc(PNG_IMAGE_SIZE(image));
        assert_int_equal(png_image_finish_read(&image, NULL, pixels, 0, NULL), 1);
        for (unsigned y = 0; y < 2 * 30 + 2 * RENDER_MARGIN; y++)
                for (unsigned x = 0; x < stride; x++)
                        if (pixels[y * stride + x] < 128) {
                                assert_true(x >= RENDER_MARGIN && x < RENDER_MARGIN + 60);
                                assert_true(y >= RENDER_MARGIN && y < RENDER_MARGIN + 60);
                                dark++;
                        }
        assert_true(dark > 150);

        render_really(RENDER_PDF, -EBADF);
        assert_true(outcome.size > 1000);
        render_really(RENDER_TERMINAL, -EBADF);
        assert_string_equal((char *) outcome.data, "plain\n中文\n");
}

/* The longest paper that there is: it is drawn, or it is said that it is not; tilld waits no longer for it. */
static void really_long(void **state) {
        for (unsigned i = 0; i < 1000; i++)
                assert_int_equal(page_add(page, &(struct page_line){ .text = (char *) "长长的清单 LONG LIST 1234" }),
                                 0);
        render_really(RENDER_RASTER, -EBADF);
        assert_non_null(page->lines[page->n_lines - 1].raster);
        render_really(RENDER_PNG, -EBADF);
        render_really(RENDER_PDF, -EBADF);
        /* Some hundred metres of nothing. */
        for (unsigned i = 0; i < 100; i++)
                assert_int_equal(page_add(page, &(struct page_line){ .type = PAGE_FEED, .height = UINT8_MAX }), 0);
        render_really_with(RENDER_PNG, -EBADF, -EFBIG);
        render_really(RENDER_PDF, -EBADF);
}

/* Whom nobody waits for draws nothing, and has nothing to complain of. */
static void really_in_vain(void **state) {
        _cleanup_close_ int complaints = -EBADF, saved = dup(STDERR_FILENO);
        char said[256];
        int ends[2], status;

        assert_int_equal(pipe2(ends, O_CLOEXEC), 0);
        complaints = ends[0];
        render_call_free(start(RENDER_PNG, -EBADF, DEADLINE));
        assert_true(dup2(ends[1], STDERR_FILENO) >= 0);
        safe_close(ends[1]);
        (void) on_real_connection(NULL, listening, 0, NULL);
        assert_true(dup2(saved, STDERR_FILENO) >= 0);
        assert_int_equal(waitpid(real, &status, 0), real);
        assert_int_equal(status, 0);
        assert_int_equal(read(complaints, said, sizeof(said)), 0);
}

int main(void) {
#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
        const struct CMUnitTest tests[] = {
                TEST(lies),
                TEST(silent),
                TEST(absent),
                TEST(cancelled),
                TEST(raster_claims),
                TEST(terminal_claims),
                TEST(without_the_logo),
                TEST(in_time_without_the_logo),
                TEST(not_again_with_the_logo),
                TEST(again_with_the_logo),
                TEST(really_rasters),
                TEST(really_without_a_logo),
                TEST(really_pictures),
                TEST(really_long),
                TEST(really_in_vain),
        };

        return cmocka_run_group_tests_name("receipt-render", tests, NULL, NULL);
}
