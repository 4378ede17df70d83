// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * The printer client against a scripted printer: the node is one end of a loopback connection, whose urgent
 * data give EPOLLPRI as the driver does for a new status.
 */
#include "test.h"

#include <arpa/inet.h>
#include <linux/sockios.h>
#include <netinet/in.h>
#include <signal.h>
#include <sys/ioctl.h>
#include <sys/socket.h>

#include "base/clock.h"
#include "device/node.h"
#include "device/printer.h"
#include "device/reply.h"
#include "paper/paper.h"

/* What comes before a job where the printer may wait for more of another. */
#define NULS ((size_t) 128 * 128)

static struct fake {
        int node, peer;
        uint64_t features;
        struct till_printer_status status;
        bool event; /* urgent data not yet fetched */
        unsigned resets, port_asks;
        uint64_t consumed, completed;
        bool cleared;  /* what comes before the first job was taken */
        bool stuck;    /* the device takes no byte */
        bool stubborn; /* it refuses a reset */
        bool plain;    /* answers GET_PORT_STATUS, by this status */
        uint32_t port_online, port_paper;
} fake;

static struct seen {
        unsigned done, closed, statuses;
        uint64_t job;
        enum printer_result result;
        int error;
        char words[64];
        bool waiting;
        uint64_t again; /* submit this when done */
} seen;

static sd_event *event;
static struct printer *printer;

static void connection_make(int *ret_a, int *ret_b) {
        struct sockaddr_in address = { .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
        socklen_t size = sizeof(address);
        _cleanup_close_ int server = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

        assert_true(server >= 0);
        assert_int_equal(bind(server, (struct sockaddr *) &address, size), 0);
        assert_int_equal(listen(server, 1), 0);
        assert_int_equal(getsockname(server, (struct sockaddr *) &address, &size), 0);
        *ret_a = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
        assert_int_equal(connect(*ret_a, (struct sockaddr *) &address, size), 0);
        *ret_b = accept4(server, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);
        assert_true(*ret_b >= 0);
        assert_int_equal(ioctl(*ret_a, FIONBIO, &(int){ 1 }), 0);
}

static int fake_open(const char *path, int flags) {
        if (streq(path, "/dev/busy")) {
                errno = EBUSY;
                return -1;
        }
        connection_make(&fake.node, &fake.peer);
        return fake.node;
}

static int fake_ioctl(int fd, unsigned long request, void *argument) {
        char byte;
        int n = 0;

        switch (request) {
        case TILL_GET_INFO:
                ((struct till_info *) argument)->kind = TILL_KIND_PRINTER;
                ((struct till_info *) argument)->features = fake.features;
                return 0;
        case TILL_PRINTER_GET_STATUS:
                if (fake.event) {
                        (void) recv(fd, &byte, 1, MSG_OOB);
                        fake.event = false;
                }
                *(struct till_printer_status *) argument = fake.status;
                return 0;
        case TILL_PRINTER_GET_PORT_STATUS:
                fake.port_asks++;
                if (fake.plain) {
                        fake.status.online = fake.port_online;
                        fake.status.paper = fake.port_paper;
                        fake.status.online_source = TILL_PRINTER_SOURCE_PORT;
                        return 0x18;
                }
                errno = EPIPE;
                return -1;
        case TILL_PRINTER_GET_PROGRESS:
                (void) ioctl(fake.peer, FIONREAD, &n);
                ((struct till_printer_progress *) argument)->accepted = fake.consumed + (uint64_t) n;
                ((struct till_printer_progress *) argument)->completed =
                        fake.stuck ? fake.completed : fake.consumed + (uint64_t) n;
                return 0;
        case TILL_PRINTER_SOFT_RESET:
                fake.resets++;
                errno = EPIPE;
                return fake.stubborn ? -1 : 0;
        default:
                errno = ENOTTY;
                return -1;
        }
}

static const struct node_calls fake_calls = { .open = fake_open, .ioctl = fake_ioctl };

static void on_status(struct printer *p, const struct printer_status *status, void *userdata) {
        seen.statuses++;
        seen.waiting = status->waiting;
        (void) snprintf(seen.words, sizeof(seen.words), "%s", status->words);
}

static void on_done(struct printer *p, uint64_t job, enum printer_result result, const char *reason, void *userdata) {
        assert_non_null(reason);
        seen.done++;
        seen.job = job;
        seen.result = result;
        if (seen.again > 0) {
                struct printer_job next = { .id = seen.again, .data = "next", .size = 4 };

                seen.again = 0;
                assert_int_equal(printer_submit(p, &next), 0);
        }
}

static void on_closed(struct printer *p, int error, void *userdata) {
        assert_false(printer_get_status(p)->open);
        seen.closed++;
        seen.error = error;
}

static int setup(void **state) {
        static const struct printer_listener listener = { .status = on_status, .done = on_done, .closed = on_closed };

        fake = (struct fake){ .node = -EBADF, .peer = -EBADF, .features = TILL_PRINTER_FEATURE_BACKCHANNEL };
        fake.port_online = TILL_PRINTER_ONLINE;
        fake.port_paper = TILL_PAPER_OK;
        fake.status = (struct till_printer_status){ .size = sizeof(fake.status),
                                                    .online_source = TILL_PRINTER_SOURCE_AUTOMATIC,
                                                    .cover_source = TILL_PRINTER_SOURCE_AUTOMATIC,
                                                    .online = TILL_PRINTER_ONLINE,
                                                    .paper = TILL_PAPER_OK };
        seen = (struct seen){};
        node_calls = &fake_calls;
        assert_int_equal(sd_event_new(&event), 0);
        assert_int_equal(printer_new(event, &listener, &printer), 0);
        return 0;
}

static int teardown(void **state) {
        printer = printer_free(printer);
        event = sd_event_unref(event);
        fake.peer = safe_close(fake.peer);
        return 0;
}

/* Until what was sent has arrived, or a moment long where the other end is full. */
static void settle(int fd) {
        for (unsigned i = 0; fd >= 0 && i < 50; i++) {
                int n = 0;

                if (ioctl(fd, SIOCOUTQ, &n) < 0 || n == 0)
                        return;
                (void) usleep(1000);
        }
}

/* Runs what is due, with nothing left on the loopback before or behind it. */
static void turn(void) {
        for (unsigned i = 0; i < 20; i++) {
                settle(fake.peer);
                assert_true(sd_event_run(event, 1000) >= 0);
                settle(fake.node);
        }
}

/* Up to ten seconds; the deadlines under test are of one or two. */
static void run_until_done(unsigned done) {
        for (unsigned i = 0; i < 1000 && seen.done < done; i++)
                assert_true(sd_event_run(event, 10000) >= 0);
        assert_int_equal(seen.done, done);
}

static size_t take(uint8_t *data, size_t size) {
        size_t n = 0;

        for (;;) {
                ssize_t k;

                turn();
                k = recv(fake.peer, data + n, size - n, 0);
                if (k <= 0)
                        break;
                n += (size_t) k;
        }
        fake.consumed += n;
        return n;
}

static void say(const void *data, size_t size) {
        assert_int_equal(send(fake.peer, data, size, 0), (ssize_t) size);
        turn();
}

static void status_change(uint32_t online, uint32_t paper, uint32_t flags) {
        fake.status.online = online;
        fake.status.paper = paper;
        fake.status.flags = flags;
        fake.status.event++;
        fake.event = true;
        assert_int_equal(send(fake.peer, "!", 1, MSG_OOB), 1);
        turn();
}

/* Opens, and takes off what is sent at the opening. */
static void open_ready(void) {
        uint8_t data[16];

        assert_int_equal(printer_open(printer, "/dev/fake"), 0);
        assert_int_equal(printer_open(printer, "/dev/fake"), -EALREADY);
        if (fake.features & TILL_PRINTER_FEATURE_BACKCHANNEL) {
                assert_int_equal(take(data, sizeof(data)), 3);
                assert_memory_equal(data, "\x1d\x61\x0f", 3);
        }
        assert_string_equal(seen.words, "ready");
}

static void take_nuls(void) {
        uint8_t nul[NULS];

        turn();
        assert_int_equal(recv(fake.peer, nul, sizeof(nul), MSG_WAITALL), sizeof(nul));
        for (size_t i = 0; i < sizeof(nul); i++)
                assert_int_equal(nul[i], 0);
        fake.consumed += sizeof(nul);
        fake.cleared = true;
}

/* What a run before may have left ends before the first job of this one. */
static void submit(uint64_t id, const char *text, enum printer_confirm confirm, unsigned deadline) {
        struct printer_job job = {
                .id = id, .data = text, .size = strlen(text), .confirm = confirm, .deadline = deadline
        };

        assert_int_equal(printer_submit(printer, &job), 0);
        if (!fake.cleared)
                take_nuls();
}

/* Takes a job with the process id question and writes the answer to it. */
static void job_take(const char *text, uint8_t answer[static 7]) {
        uint8_t data[256];
        size_t size = take(data, sizeof(data)), length = strlen(text);

        assert_int_equal(size, 5 + length + 11);
        assert_memory_equal(data, "\x1b\x40\x1d\x61\x0f", 5);
        assert_memory_equal(data + 5, text, length);
        assert_memory_equal(data + 5 + length, "\x1d\x28\x48\x06\x00\x30\x30", 7);
        memcpy(answer, "\x37\x22", 2);
        memcpy(answer + 2, data + 5 + length + 7, 4);
        answer[6] = 0;
        for (size_t i = 2; i < 6; i++)
                assert_in_range(answer[i], 0x20, 0x7E);
}

static void printed(void **state) {
        uint8_t answer[7];

        assert_int_equal(printer_open(printer, "/dev/busy"), -EBUSY);
        open_ready();
        submit(7, "\x1b\x40hello", PRINTER_CONFIRM_PROCESS_ID, 0);
        assert_true(printer_is_busy(printer));
        assert_int_equal(printer_submit(printer, &(struct printer_job){ .id = 8, .data = "x", .size = 1 }), -EBUSY);
        assert_int_equal(printer_submit(printer, &(struct printer_job){ .id = 8, .data = "x" }), -EINVAL);
        job_take("hello", answer);
        assert_int_equal(seen.done, 0);

        /* In two pieces. */
        say(answer, 3);
        assert_int_equal(seen.done, 0);
        say(answer + 3, 4);
        assert_int_equal(seen.done, 1);
        assert_int_equal(seen.job, 7);
        assert_int_equal(seen.result, PRINTER_PRINTED);
        assert_false(printer_is_busy(printer));
        assert_int_equal(fake.port_asks, 0);
}

static void answer_of_another_job(void **state) {
        uint8_t first[7], second[7];

        open_ready();
        submit(1, "one", PRINTER_CONFIRM_PROCESS_ID, 0);
        job_take("one", first);
        seen.again = 2;
        say(first, 7);
        assert_int_equal(seen.done, 1);
        job_take("next", second);
        assert_memory_not_equal(first, second, 7);
        /* The late answer to the first is not one to the second. */
        say(first, 7);
        assert_int_equal(seen.done, 1);
        say(second, 7);
        assert_int_equal(seen.done, 2);
        assert_int_equal(seen.job, 2);
}

static void answer_among_noise(void **state) {
        uint8_t answer[7];

        open_ready();
        submit(1, "text", PRINTER_CONFIRM_PROCESS_ID, 0);
        job_take("text", answer);
        say("\x10\x00\x00\x00\x11\x37\x37\x22\x30\x30\x30\x30\x00\xff\x14\x0f", 16);
        assert_int_equal(seen.done, 0);
        say(answer, 2);
        say("\x13\x38\x00\x0c\x0f", 5); /* XOFF, and an automatic status right within */
        say(answer + 2, 5);
        assert_int_equal(seen.done, 1);
        assert_int_equal(seen.result, PRINTER_PRINTED);
}

static void confirmed_by_status(void **state) {
        uint8_t data[64];
        size_t size;

        open_ready();
        submit(1, "text", PRINTER_CONFIRM_STATUS, 0);
        size = take(data, sizeof(data));
        assert_memory_equal(data + size - 3, "\x1d\x72\x01", 3);
        say("\x10\x00\x00\x00", 4);
        assert_int_equal(seen.done, 0);
        say("\x00", 1);
        assert_int_equal(seen.done, 1);
        assert_int_equal(seen.result, PRINTER_PRINTED);
}

/* What came before the job's start is no answer to it. */
static void stale_answer(void **state) {
        uint8_t data[64];
        int n = 0;

        open_ready();
        assert_int_equal(send(fake.peer, "\x00", 1, 0), 1);
        for (unsigned i = 0; i < 1000 && n == 0; i++) {
                assert_int_equal(ioctl(fake.node, FIONREAD, &n), 0);
                (void) usleep(1000);
        }
        assert_int_equal(n, 1);
        submit(1, "text", PRINTER_CONFIRM_STATUS, 0);
        (void) take(data, sizeof(data));
        assert_int_equal(seen.done, 0);
        say("\x00", 1);
        assert_int_equal(seen.done, 1);
}

static void held_while_paper_is_out(void **state) {
        uint8_t answer[7], data[8];

        open_ready();
        status_change(TILL_PRINTER_OFFLINE, TILL_PAPER_END, 0);
        assert_string_equal(seen.words, "paper end");
        submit(1, "text", PRINTER_CONFIRM_PROCESS_ID, 1);
        assert_true(seen.waiting);
        assert_int_equal(take(data, sizeof(data)), 0);
        /* The deadline of one second does not count. */
        for (unsigned i = 0; i < 130; i++)
                (void) sd_event_run(event, 10000);
        assert_int_equal(seen.done, 0);
        status_change(TILL_PRINTER_OFFLINE, TILL_PAPER_OK, TILL_PRINTER_COVER_OPEN);
        assert_string_equal(seen.words, "cover open");
        assert_int_equal(take(data, sizeof(data)), 0);
        status_change(TILL_PRINTER_ONLINE, TILL_PAPER_OK, 0);
        assert_string_equal(seen.words, "ready");
        assert_false(seen.waiting);
        job_take("text", answer);
        say(answer, 7);
        assert_int_equal(seen.done, 1);
        assert_int_equal(seen.result, PRINTER_PRINTED);
}

static void paper_out_in_mid_job(void **state) {
        uint8_t answer[7];

        open_ready();
        submit(1, "text", PRINTER_CONFIRM_PROCESS_ID, 1);
        job_take("text", answer);
        status_change(TILL_PRINTER_OFFLINE, TILL_PAPER_END, 0);
        assert_true(seen.waiting);
        for (unsigned i = 0; i < 130; i++)
                (void) sd_event_run(event, 10000);
        assert_int_equal(seen.done, 0);
        status_change(TILL_PRINTER_ONLINE, TILL_PAPER_NEAR_END, 0);
        assert_string_equal(seen.words, "paper near end");
        say(answer, 7);
        assert_int_equal(seen.done, 1);
        assert_int_equal(seen.result, PRINTER_PRINTED);
}

static void no_answer(void **state) {
        uint8_t answer[7], data[16];

        open_ready();
        submit(1, "text", PRINTER_CONFIRM_PROCESS_ID, 1);
        job_take("text", answer);
        run_until_done(1);
        assert_int_equal(seen.result, PRINTER_UNCONFIRMED);
        assert_int_equal(fake.resets, 1);
        /* The reset turned automatic status off. */
        assert_int_equal(take(data, sizeof(data)), 3);
        assert_memory_equal(data, "\x1d\x61\x0f", 3);
        /* Too late. */
        say(answer, 7);
        assert_int_equal(seen.done, 1);
}

static void takes_nothing(void **state) {
        open_ready();
        fake.completed = 3;
        fake.stuck = true;
        submit(1, "text", PRINTER_CONFIRM_PROCESS_ID, 1);
        run_until_done(1);
        assert_int_equal(seen.result, PRINTER_FAILED);
}

static void cannot_confirm(void **state) {
        uint8_t data[64];

        fake.features = 0;
        fake.plain = true;
        fake.status.online = TILL_PRINTER_UNKNOWN;
        fake.status.online_source = TILL_PRINTER_SOURCE_NONE;
        open_ready();
        assert_int_equal(fake.port_asks, 1);
        submit(1, "text", PRINTER_CONFIRM_PROCESS_ID, 0);
        assert_int_equal(take(data, sizeof(data)), 2 + 4); /* nothing that would be answered */
        run_until_done(1);
        assert_int_equal(seen.result, PRINTER_UNCONFIRMED);
}

/* Asked only while there is a job; the answer lets the job go. */
static void asked_without_automatic_status(void **state) {
        uint8_t answer[7], data[8];

        fake.plain = true;
        fake.status.online_source = TILL_PRINTER_SOURCE_PORT;
        open_ready();
        fake.port_paper = TILL_PAPER_END;
        fake.port_online = TILL_PRINTER_OFFLINE;
        status_change(TILL_PRINTER_OFFLINE, TILL_PAPER_END, 0);
        assert_int_equal(fake.port_asks, 0);
        submit(1, "text", PRINTER_CONFIRM_PROCESS_ID, 0);
        assert_int_equal(take(data, sizeof(data)), 0);
        fake.port_paper = TILL_PAPER_OK; /* without an event */
        fake.port_online = TILL_PRINTER_ONLINE;
        for (unsigned i = 0; i < 1000 && fake.port_asks == 0; i++)
                (void) sd_event_run(event, 10000);
        job_take("text", answer);
        say(answer, 7);
        assert_int_equal(seen.result, PRINTER_PRINTED);
}

/* Somebody resets the printer: automatic status is turned on again. */
static void automatic_status_lost(void **state) {
        uint8_t data[16];

        open_ready();
        assert_true(printer_get_status(printer)->cover_known);
        fake.status.online_source = TILL_PRINTER_SOURCE_PORT;
        fake.status.cover_source = TILL_PRINTER_SOURCE_NONE;
        status_change(TILL_PRINTER_ONLINE, TILL_PAPER_OK, 0);
        assert_int_equal(take(data, sizeof(data)), 3);
        assert_memory_equal(data, "\x1d\x61\x0f", 3);
        assert_false(printer_get_status(printer)->cover_known);
        /* Once: a printer that has none is not asked again and again. */
        status_change(TILL_PRINTER_ONLINE, TILL_PAPER_OK, 0);
        assert_int_equal(take(data, sizeof(data)), 0);
}

static void unplug(void) {
        fake.peer = safe_close(fake.peer);
        turn();
        fake.consumed = 0;
}

static void unplugged_in_mid_job(void **state) {
        uint8_t answer[7];

        open_ready();
        submit(1, "text", PRINTER_CONFIRM_PROCESS_ID, 0);
        job_take("text", answer);
        unplug();
        assert_int_equal(seen.done, 1);
        assert_int_equal(seen.result, PRINTER_INTERRUPTED);
        assert_int_equal(seen.closed, 1);
        assert_int_equal(seen.error, -ENODEV);
        assert_string_equal(seen.words, "not connected");
        assert_int_equal(printer_submit(printer, &(struct printer_job){ .id = 2, .data = "x", .size = 1 }), -ENOTCONN);

        /* Plugged in again: all as new, once it waits for nothing more of the old. */
        open_ready();
        submit(2, "text", PRINTER_CONFIRM_PROCESS_ID, 0);
        take_nuls();
        job_take("text", answer);
        say(answer, 7);
        assert_int_equal(seen.done, 2);
        assert_int_equal(seen.result, PRINTER_PRINTED);
}

static void unplugged_while_held(void **state) {
        open_ready();
        status_change(TILL_PRINTER_OFFLINE, TILL_PAPER_END, 0);
        submit(1, "text", PRINTER_CONFIRM_PROCESS_ID, 0);
        printer_close(printer);
        assert_int_equal(seen.done, 1);
        assert_int_equal(seen.result, PRINTER_FAILED);
        assert_int_equal(seen.closed, 0);
        printer_close(printer);
        assert_int_equal(seen.done, 1);
}

/* The job is the printer's already: it ends as one that was cut off, and is neither lost nor refused. */
static void unplugged_as_a_job_is_handed_over(void **state) {
        open_ready();
        (void) signal(SIGPIPE, SIG_IGN);
        assert_int_equal(shutdown(fake.node, SHUT_WR), 0);
        fake.cleared = true; /* nothing comes any more */
        submit(1, "text", PRINTER_CONFIRM_PROCESS_ID, 0);
        assert_int_equal(seen.done, 0);
        turn();
        assert_int_equal(seen.done, 1);
        assert_int_equal(seen.job, 1);
        assert_int_equal(seen.result, PRINTER_FAILED);
        assert_int_equal(seen.closed, 1);
        assert_int_equal(seen.error, -EPIPE);
        turn();
        assert_int_equal(seen.closed, 1);
}

static void cancelled(void **state) {
        uint8_t answer[7];

        open_ready();
        assert_int_equal(printer_cancel(printer, 1), -ENOENT);
        status_change(TILL_PRINTER_OFFLINE, TILL_PAPER_END, 0);
        submit(1, "text", PRINTER_CONFIRM_PROCESS_ID, 0);
        assert_int_equal(printer_cancel(printer, 2), -ENOENT);
        assert_int_equal(printer_cancel(printer, 1), 1);
        assert_int_equal(fake.resets, 0);
        status_change(TILL_PRINTER_ONLINE, TILL_PAPER_OK, 0);
        submit(3, "text", PRINTER_CONFIRM_PROCESS_ID, 0);
        take_nuls();
        job_take("text", answer);
        assert_int_equal(printer_cancel(printer, 3), 0);
        assert_int_equal(fake.resets, 1);
        assert_int_equal(seen.done, 0);
        assert_false(printer_is_busy(printer));
}

static void paper_feed(struct paper *paper, const uint8_t *data, size_t size) {
        for (size_t n = 0; n < size; (void) paper_advance(paper, USEC_PER_SEC))
                n += paper_write(paper, data + n, size - n);
}

static void on_reply(void *userdata, const void *data, size_t size) {
}

static uint8_t picture[8 + 72 * 128];

static void picture_fill(void) {
        memset(picture, 0xff, sizeof(picture));
        memcpy(picture, "\x1dv0\0\x48\0\x80", 8);
}

/* What a printer that takes no reset still waits for is not taken from the next paper. */
static void cut_off_in_a_picture(void **state) {
        static uint8_t data[64 * 1024];
        struct printer_job job = { .id = 1, .data = picture, .size = sizeof(picture), .deadline = 1 };
        _cleanup_(paper_freep) struct paper *paper = NULL;
        _cleanup_free_ char *text = NULL;

        picture_fill();
        assert_int_equal(paper_new(&paper_model_80mm, on_reply, NULL, &paper), 0);
        open_ready();
        fake.stubborn = fake.stuck = true;
        fake.completed = fake.consumed + NULS + 1000;
        assert_int_equal(printer_submit(printer, &job), 0);
        take_nuls();
        assert_true(take(data, sizeof(data)) > 1000);
        paper_feed(paper, data, 1000);
        assert_int_equal(printer_cancel(printer, 1), 0);
        assert_int_equal(fake.resets, 1);
        fake.stuck = false;
        submit(2, "first line\nsecond line\n", PRINTER_CONFIRM_NONE, 0);
        paper_feed(paper, data, take(data, sizeof(data)));
        assert_int_equal(paper_text(paper, PAPER_SHEET_ALL, &text), 0);
        assert_non_null(strstr(text, "first line\nsecond line\n"));
}

static void print_after_a_start(bool again) {
        static const char text[] = "first line\nsecond line\n";
        struct printer_job job = { .id = 2, .data = text, .size = strlen(text), .again = again };
        _cleanup_(paper_freep) struct paper *paper = NULL;
        _cleanup_free_ char *printed = NULL;
        static uint8_t data[64 * 1024];

        picture_fill();
        assert_int_equal(paper_new(&paper_model_80mm, on_reply, NULL, &paper), 0);
        paper_feed(paper, picture, 1000);
        open_ready();
        assert_int_equal(printer_submit(printer, &job), 0);
        paper_feed(paper, data, take(data, sizeof(data)));
        assert_int_equal(paper_text(paper, PAPER_SHEET_ALL, &printed), 0);
        assert_non_null(strstr(printed, text));
}

/* Nor from the same one, when it is begun again by another start of the daemon. */
static void begun_again(void **state) {
        print_after_a_start(true);
}

/* Nor from the next one, where that one's repeat was cancelled before. */
static void begun_with_another(void **state) {
        print_after_a_start(false);
}

/* Nor from another one's: its own repeat may have been cancelled meanwhile, or have failed too often to be the first.
 */
static void cut_off_and_another_next(void **state) {
        static const char text[] = "first line\nsecond line\n";
        struct printer_job job = { .id = 1, .data = picture, .size = sizeof(picture) };
        _cleanup_(paper_freep) struct paper *paper = NULL;
        _cleanup_free_ char *printed = NULL;
        static uint8_t data[64 * 1024];

        picture_fill();
        assert_int_equal(paper_new(&paper_model_80mm, on_reply, NULL, &paper), 0);
        open_ready();
        assert_int_equal(printer_submit(printer, &job), 0);
        take_nuls();
        assert_true(take(data, sizeof(data)) > 1000);
        paper_feed(paper, data, 1000);
        unplug();
        assert_int_equal(seen.result, PRINTER_INTERRUPTED);

        /* Once without a job, and once in what the next one begins with. */
        open_ready();
        unplug();
        open_ready();
        submit(2, text, PRINTER_CONFIRM_NONE, 0);
        assert_true(take(data, sizeof(data)) > 500);
        paper_feed(paper, data, 500);
        unplug();

        open_ready();
        submit(3, text, PRINTER_CONFIRM_NONE, 0);
        paper_feed(paper, data, take(data, sizeof(data)));
        assert_int_equal(paper_text(paper, PAPER_SHEET_ALL, &printed), 0);
        assert_non_null(strstr(printed, text));
        run_until_done(3);

        /* From then on it waits for nothing. */
        unplug();
        open_ready();
        submit(4, text, PRINTER_CONFIRM_NONE, 0);
        assert_true(take(data, sizeof(data)) < 100);
}

/* More than the driver takes at once. */
static void long_job(void **state) {
        size_t size = 3 * 1024 * 1024, n = 0;
        _cleanup_free_ char *data = malloc(size);
        _cleanup_free_ uint8_t *got = malloc(size + 64);
        uint8_t answer[7] = { 0x37, 0x22 };
        struct printer_job job = { .id = 1, .data = data, .size = size, .deadline = 100 };

        assert_non_null(data);
        assert_non_null(got);
        memset(data, 'x', size);
        open_ready();
        assert_int_equal(printer_submit(printer, &job), 0);
        take_nuls();
        for (unsigned i = 0; i < 10000 && n < size + 16; i++) {
                ssize_t k = recv(fake.peer, got + n, size + 64 - n, 0);

                if (k > 0)
                        n += (size_t) k;
                (void) sd_event_run(event, 1000);
        }
        assert_int_equal(n, size + 16);
        memcpy(answer + 2, got + n - 4, 4);
        say(answer, 7);
        assert_int_equal(seen.result, PRINTER_PRINTED);
        assert_int_equal(seen.done, 1);
        job.size = 5 * 1024 * 1024;
        assert_int_equal(printer_submit(printer, &job), -E2BIG);
}

static void process_ids(void **state) {
        uint8_t a[REPLY_PROCESS_ID], b[REPLY_PROCESS_ID];

        reply_process_id(0x1234, a);
        assert_memory_equal(a, "ABCD", 4);
        reply_process_id(0xFFFF, a);
        reply_process_id(0x0000, b);
        assert_memory_equal(a, "OOOO", 4);
        assert_memory_equal(b, "@@@@", 4);
}

/* No noise confirms a job, and an answer behind noise is found once noise pauses for a status's length. */
static void random_replies(void **state) {
        uint8_t id[REPLY_PROCESS_ID], answer[7] = { 0x37, 0x22 };
        unsigned seed = 3, false_hits = 0;

        for (unsigned round = 0; round < 20000; round++) {
                struct reply reply;
                uint8_t noise[64];

                reply_process_id((uint16_t) round, id);
                memcpy(answer + 2, id, 4);
                reply_expect_process_id(&reply, id);
                for (size_t i = 0; i < sizeof(noise); i++)
                        noise[i] = (uint8_t) rand_r(&seed);
                false_hits += reply_feed(&reply, noise, sizeof(noise));
                (void) reply_feed(&reply, (const uint8_t *) "\x80", 1);
                assert_true(reply_feed(&reply, answer, sizeof(answer)));
        }
        assert_int_equal(false_hits, 0);
}

#define printer_test(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int main(void) {
        const struct CMUnitTest tests[] = {
                printer_test(printed),
                printer_test(answer_of_another_job),
                printer_test(answer_among_noise),
                printer_test(confirmed_by_status),
                printer_test(stale_answer),
                printer_test(held_while_paper_is_out),
                printer_test(paper_out_in_mid_job),
                printer_test(no_answer),
                printer_test(takes_nothing),
                printer_test(cannot_confirm),
                printer_test(asked_without_automatic_status),
                printer_test(automatic_status_lost),
                printer_test(unplugged_in_mid_job),
                printer_test(unplugged_while_held),
                printer_test(unplugged_as_a_job_is_handed_over),
                printer_test(cancelled),
                printer_test(cut_off_in_a_picture),
                printer_test(begun_again),
                printer_test(begun_with_another),
                printer_test(cut_off_and_another_next),
                printer_test(long_job),
                cmocka_unit_test(process_ids),
                cmocka_unit_test(random_replies),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
