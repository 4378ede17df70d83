// SPDX-License-Identifier: LGPL-2.1-or-later
#include <fcntl.h>
#include <sys/epoll.h>

#include "base/clock.h"
#include "base/log.h"
#include "device/node.h"
#include "device/printer.h"
#include "device/reply.h"

/* A slow printer head with a picture on the line takes about a second for a KiB; the rest is for the cutter. */
#define DEADLINE_BASE 20
#define DEADLINE_BYTES_PER_SEC 1024

/* How often a printer without automatic status is asked, only while it has a job. */
#define ASK_INTERVAL (2 * USEC_PER_SEC)
/* How often one that cannot confirm is asked whether it took all bytes. */
#define DRAIN_INTERVAL (250 * USEC_PER_MSEC)

/* ESC @: the state after power on; it turns automatic status off as well. */
static const uint8_t INITIALIZE[] = { 0x1B, 0x40 };
/* GS a: drawer, online, error and paper. */
static const uint8_t AUTOMATIC_STATUS[] = { 0x1D, 0x61, 0x0F };
/* GS ( H function 48, the four bytes of the process id to follow. */
static const uint8_t ASK_PROCESS_ID[] = { 0x1D, 0x28, 0x48, 0x06, 0x00, 0x30, 0x30 };
/*
 * A printer that was cut off in a picture, and refuses a soft reset, takes what comes next for the rest of it. The way
 * out is that of Brother's Raster Command Reference ("Invalidate"): as many NUL as it can wait for, then ESC @;
 * outside of a command they are skipped. It waits for no more than a GS v 0 of page_to_escpos(): 128 rows of 1024
 * dots.
 */
static const uint8_t INVALIDATE[128 * 128];
/* GS r 1 */
static const uint8_t ASK_STATUS[] = { 0x1D, 0x72, 0x01 };

enum state {
        IDLE,
        HELD,    /* a job, nothing of it sent: the printer is not able */
        SENDING, /* a job, bytes left */
        WAITING, /* a job, all bytes written */
};

struct printer {
        sd_event *event;
        sd_event_source *io, *deadline, *ask;
        sd_event_source *failed; /* armed with `error` when a write failed in a caller's hands */
        int error;
        struct printer_listener listener;
        int fd;
        bool backchannel;
        uint16_t last_process_id;
        struct printer_status status;

        bool cut; /* off in a job through an earlier opening, or a run before; and nothing was printed since */
        size_t invalidate_size, invalidate_sent;
        uint8_t setup[sizeof(AUTOMATIC_STATUS)]; /* what is sent outside of jobs */
        size_t setup_size, setup_sent;

        enum state state;
        uint64_t job;
        enum printer_confirm confirm;
        uint8_t *data;
        size_t size, sent;
        uint64_t completed_before; /* bytes that were to be taken before the job's own */
        uint64_t asked_at;         /* GET_PORT_STATUS last, CLOCK_MONOTONIC */
        uint64_t time_left;        /* microseconds of printing, beside the running clock */
        uint64_t running_since;    /* CLOCK_MONOTONIC, 0 while the clock stands */
        struct reply reply;
};

const char *printer_result_to_string(enum printer_result result) {
        static const char *const words[] = {
                [PRINTER_PRINTED] = "printed",
                [PRINTER_UNCONFIRMED] = "unconfirmed",
                [PRINTER_INTERRUPTED] = "interrupted",
                [PRINTER_FAILED] = "failed",
        };

        return (size_t) result < ELEMENTSOF(words) ? words[result] : "unknown";
}

/* ---- status ---- */

/* NULL when nothing hinders printing. */
static const char *hindrance(const struct printer_status *status) {
        if (status->errors & TILL_PRINTER_ERROR_FATAL)
                return "unrecoverable error: switch the printer off and on";
        if (status->flags & TILL_PRINTER_COVER_OPEN)
                return "cover open";
        if (status->paper == TILL_PAPER_END)
                return "paper end";
        if (status->errors & TILL_PRINTER_ERROR_CUTTER)
                return "cutter error";
        if (status->errors & TILL_PRINTER_ERROR_MECHANICAL)
                return "mechanical error";
        if (status->errors & TILL_PRINTER_ERROR_RECOVERABLE)
                return "overheated, goes on by itself";
        if (status->errors & TILL_PRINTER_ERROR_OTHER)
                return "error";
        if (status->flags & TILL_PRINTER_FEEDING)
                return "feeding paper";
        if (status->online == TILL_PRINTER_OFFLINE)
                return "offline";
        return NULL;
}

static const char *words_of(const struct printer_status *status) {
        const char *words = status->open ? hindrance(status) : "not connected";

        if (words)
                return words;
        return status->paper == TILL_PAPER_NEAR_END ? "paper near end" : "ready";
}

static void status_complete(struct printer *printer, struct printer_status *status) {
        status->able = status->open && !hindrance(status);
        status->waiting = printer->state != IDLE && !status->able;
        status->words = words_of(status);
}

static bool status_equal(const struct printer_status *a, const struct printer_status *b) {
        return a->open == b->open && a->able == b->able && a->waiting == b->waiting && a->online == b->online &&
               a->paper == b->paper && a->flags == b->flags && a->errors == b->errors &&
               a->automatic == b->automatic && a->cover_known == b->cover_known;
}

static void status_tell(struct printer *printer, struct printer_status *status) {
        status_complete(printer, status);
        if (status_equal(&printer->status, status))
                return;
        printer->status = *status;
        printer->listener.status(printer, &printer->status, printer->listener.userdata);
}

/* After the state has changed: `waiting` follows from it. */
static void status_refresh(struct printer *printer) {
        struct printer_status status = printer->status;

        status_tell(printer, &status);
}

static int status_read(struct printer *printer, struct printer_status *ret_status) {
        struct till_printer_status raw = { .size = sizeof(raw) };
        int r;

        r = node_ioctl(printer->fd, TILL_PRINTER_GET_STATUS, &raw);
        if (r < 0)
                return r;
        *ret_status = (struct printer_status){
                .open = true,
                .online = raw.online,
                .paper = raw.paper,
                .flags = raw.flags,
                .errors = raw.errors,
                .answers = printer->backchannel,
                .automatic = raw.online_source == TILL_PRINTER_SOURCE_AUTOMATIC,
                .cover_known = raw.cover_source != TILL_PRINTER_SOURCE_NONE,
        };
        return 0;
}

const struct printer_status *printer_get_status(const struct printer *printer) {
        return &printer->status;
}

/* ---- the clock of a job, which stands while the printer is not able to print ---- */

static int on_deadline(sd_event_source *source, uint64_t usec, void *userdata);
static int on_ask(sd_event_source *source, uint64_t usec, void *userdata);

static void timer_set(struct printer *printer, sd_event_source **source, uint64_t usec,
                      sd_event_time_handler_t handler) {
        int r;

        if (*source) {
                r = sd_event_source_set_time(*source, usec);
                if (r >= 0)
                        r = sd_event_source_set_enabled(*source, SD_EVENT_ONESHOT);
        } else
                r = sd_event_add_time(printer->event, source, CLOCK_MONOTONIC, usec, USEC_PER_MSEC, handler, printer);
        if (r < 0)
                log_warning_errno(r, "Failed to set a timer of the printer");
}

static void timer_stop(sd_event_source *source) {
        if (source)
                (void) sd_event_source_set_enabled(source, SD_EVENT_OFF);
}

static void clock_start(struct printer *printer) {
        if (printer->running_since > 0)
                return;
        printer->running_since = clock_now(CLOCK_MONOTONIC);
        timer_set(printer, &printer->deadline, printer->running_since + printer->time_left, on_deadline);
}

static void clock_stop(struct printer *printer) {
        uint64_t passed;

        if (printer->running_since == 0)
                return;
        passed = clock_now(CLOCK_MONOTONIC) - printer->running_since;
        printer->time_left -= MIN(passed, printer->time_left);
        printer->running_since = 0;
        timer_stop(printer->deadline);
}

/* Whether to ask by and by: for the status where it does not come by itself, for progress where no answer comes. */
static uint64_t ask_interval(const struct printer *printer) {
        if (printer->state == WAITING && printer->confirm == PRINTER_CONFIRM_NONE)
                return DRAIN_INTERVAL;
        if (printer->state != IDLE && !printer->status.automatic)
                return ASK_INTERVAL;
        return 0;
}

static void timers_update(struct printer *printer) {
        uint64_t interval = ask_interval(printer);

        if (interval > 0)
                timer_set(printer, &printer->ask, clock_now(CLOCK_MONOTONIC) + interval, on_ask);
        else
                timer_stop(printer->ask);
        if ((printer->state == SENDING || printer->state == WAITING) && printer->status.able)
                clock_start(printer);
        else
                clock_stop(printer);
}

/* ---- a job's end ---- */

static void job_clear(struct printer *printer) {
        clock_stop(printer);
        free(TAKE_PTR(printer->data));
        printer->state = IDLE;
        printer->size = printer->sent = 0;
        if (printer->fd >= 0)
                timers_update(printer);
}

static void job_end(struct printer *printer, enum printer_result result, const char *reason) {
        uint64_t job = printer->job;

        job_clear(printer);
        status_refresh(printer);
        printer->listener.done(printer, job, result, reason, printer->listener.userdata);
}

static void node_close(struct printer *printer) {
        printer->io = sd_event_source_disable_unref(printer->io);
        printer->fd = safe_close(printer->fd);
        (void) sd_event_source_set_enabled(printer->failed, SD_EVENT_OFF);
        timer_stop(printer->ask);
        printer->setup_size = printer->setup_sent = 0;
        printer->invalidate_size = printer->invalidate_sent = 0;
}

/* Ends everything that hangs on the node. */
static void node_lose(struct printer *printer, const char *reason) {
        bool busy = printer->state != IDLE, sent = printer->sent > 0;
        struct printer_status status = {};
        uint64_t job = printer->job;

        printer->cut |= sent || printer->invalidate_size > 0;
        node_close(printer);
        job_clear(printer);
        status_tell(printer, &status);
        if (busy)
                printer->listener.done(printer, job, sent ? PRINTER_INTERRUPTED : PRINTER_FAILED, reason,
                                       printer->listener.userdata);
}

static void fail(struct printer *printer, int error) {
        node_lose(printer, error == -ENODEV ? "unplugged while printing" : "the printer's driver reported an error");
        printer->listener.closed(printer, error, printer->listener.userdata);
}

static int on_failed(sd_event_source *source, void *userdata) {
        struct printer *printer = userdata;

        fail(printer, printer->error);
        return 0;
}

void printer_close(struct printer *printer) {
        if (printer->fd >= 0)
                node_lose(printer, "unplugged while printing");
}

/* ---- sending ---- */

static int progress_read(struct printer *printer, struct till_printer_progress *ret_progress) {
        *ret_progress = (struct till_printer_progress){ .size = sizeof(*ret_progress) };
        return node_ioctl(printer->fd, TILL_PRINTER_GET_PROGRESS, ret_progress);
}

/* Whether the device has had a byte of the job; it has, when that is not known. */
static bool job_reached_device(struct printer *printer) {
        struct till_printer_progress progress;

        if (printer->sent == 0)
                return false;
        return progress_read(printer, &progress) < 0 || progress.completed > printer->completed_before;
}

static void setup_begin(struct printer *printer) {
        if (!printer->backchannel)
                return;
        memcpy(printer->setup, AUTOMATIC_STATUS, sizeof(AUTOMATIC_STATUS));
        printer->setup_size = sizeof(AUTOMATIC_STATUS);
        printer->setup_sent = 0;
}

/* Whether bytes of the job have not reached the device; they have not, when that is not known. */
static bool job_is_cut(struct printer *printer) {
        struct till_printer_progress progress;

        return printer->state == SENDING || progress_read(printer, &progress) < 0 ||
               progress.completed < progress.accepted;
}

static void invalidate_begin(struct printer *printer) {
        printer->invalidate_size = sizeof(INVALIDATE);
        printer->invalidate_sent = 0;
}

/* Drops what is queued in the driver and in the printer, so that the next job starts clean. */
static void drop_queued(struct printer *printer) {
        int r;

        if (job_is_cut(printer))
                invalidate_begin(printer);
        r = node_ioctl(printer->fd, TILL_PRINTER_SOFT_RESET, NULL);
        if (r < 0)
                log_debug_errno(r, "The printer did not take a soft reset");
        setup_begin(printer);
}

/* 0 when all is written, -EAGAIN when the driver is full. */
static int write_some(int fd, const uint8_t *data, size_t size, size_t *sent) {
        while (*sent < size) {
                ssize_t n = write(fd, data + *sent, size - *sent);

                if (n < 0 && errno == EINTR)
                        continue;
                if (n < 0)
                        return -errno;
                *sent += (size_t) n;
        }
        return 0;
}

static int send_all(struct printer *printer) {
        struct till_printer_progress progress;
        int r;

        r = write_some(printer->fd, INVALIDATE, printer->invalidate_size, &printer->invalidate_sent);
        if (r < 0)
                return r;
        r = write_some(printer->fd, printer->setup, printer->setup_size, &printer->setup_sent);
        if (r < 0 || printer->state != SENDING)
                return r;
        if (printer->sent == 0)
                printer->completed_before = progress_read(printer, &progress) < 0 ? 0 : progress.accepted;
        r = write_some(printer->fd, printer->data, printer->size, &printer->sent);
        if (r < 0)
                return r;
        printer->state = WAITING;
        return 0;
}

/* Writes what the driver takes, and waits for EPOLLOUT when something is left. The caller looks at the error. */
static int push(struct printer *printer) {
        int r;

        r = send_all(printer);
        if (r < 0 && r != -EAGAIN)
                return r;
        timers_update(printer);
        return sd_event_source_set_io_events(printer->io, EPOLLIN | EPOLLPRI | (r == -EAGAIN ? EPOLLOUT : 0));
}

/* For callers that are in a listener's hands: what a failure ends, it ends from the event loop. */
static void push_or_fail_later(struct printer *printer) {
        int r;

        r = push(printer);
        if (r >= 0)
                return;
        printer->error = r;
        (void) sd_event_source_set_enabled(printer->failed, SD_EVENT_ONESHOT);
}

static void progress_tell(struct printer *printer) {
        struct till_printer_progress progress;
        uint64_t done;

        if (!printer->listener.progress || (printer->state != SENDING && printer->state != WAITING))
                return;
        if (progress_read(printer, &progress) < 0 || progress.completed < printer->completed_before)
                return;
        done = progress.completed - printer->completed_before;
        printer->listener.progress(printer, printer->job, MIN(done, (uint64_t) printer->size), printer->size,
                                   printer->listener.userdata);
}

/* What an earlier job left unread is no answer to this one. */
static void stale_discard(struct printer *printer) {
        uint8_t data[256];

        while (read(printer->fd, data, sizeof(data)) > 0)
                ;
}

static void job_start(struct printer *printer) {
        stale_discard(printer);
        printer->state = SENDING;
}

/* ---- what the printer says ---- */

static int on_deadline(sd_event_source *source, uint64_t usec, void *userdata) {
        struct printer *printer = userdata;

        drop_queued(printer);
        if (job_reached_device(printer))
                job_end(printer, PRINTER_UNCONFIRMED, "the printer did not confirm in time");
        else
                job_end(printer, PRINTER_FAILED, "the printer takes no data");
        if (printer->fd >= 0)
                push_or_fail_later(printer);
        return 0;
}

/* Takes a new status: lets a held job go, starts and stops its clock. */
static int status_update(struct printer *printer) {
        struct printer_status status;
        int r;

        r = status_read(printer, &status);
        if (r < 0)
                return r;
        /* Reset by somebody else. In mid-job nothing is put in between; the next one turns it on as well. */
        if (printer->status.automatic && !status.automatic && printer->state != SENDING)
                setup_begin(printer);
        if (printer->state == HELD && !hindrance(&status))
                job_start(printer);
        status_tell(printer, &status);
        /* The listener may have closed or submitted. */
        return printer->fd >= 0 ? push(printer) : 0;
}

/* The printer class's own status; not every printer answers. */
static int port_status_ask(struct printer *printer) {
        int r;

        printer->asked_at = clock_now(CLOCK_MONOTONIC);
        r = node_ioctl(printer->fd, TILL_PRINTER_GET_PORT_STATUS, NULL);
        return r == -ENODEV ? r : 0;
}

static bool port_status_due(const struct printer *printer) {
        return !printer->status.automatic && clock_now(CLOCK_MONOTONIC) - printer->asked_at >= ASK_INTERVAL;
}

/* A job that the device has had to its end waits for nothing more, nor does what was before it. */
static void job_end_whole(struct printer *printer, enum printer_result result, const char *reason) {
        printer->cut = false;
        printer->invalidate_size = printer->invalidate_sent = 0;
        job_end(printer, result, reason);
}

/* 1 when the device has taken every byte of a job that it cannot confirm. */
static int job_drained(struct printer *printer) {
        struct till_printer_progress progress;
        int r;

        if (printer->state != WAITING || printer->confirm != PRINTER_CONFIRM_NONE)
                return 0;
        r = progress_read(printer, &progress);
        return r < 0 ? r : progress.completed >= progress.accepted;
}

static int on_ask(sd_event_source *source, uint64_t usec, void *userdata) {
        struct printer *printer = userdata;
        int r;

        r = job_drained(printer);
        if (r > 0) {
                job_end_whole(printer, PRINTER_UNCONFIRMED, "this printer cannot confirm that it has printed");
                return 0;
        }
        if (r >= 0 && port_status_due(printer))
                r = port_status_ask(printer);
        if (r >= 0)
                r = status_update(printer);
        if (r < 0)
                fail(printer, r);
        return 0;
}

/* 1 when the answer to the job is in. */
static int replies_read(struct printer *printer) {
        uint8_t data[256];

        for (;;) {
                ssize_t n = read(printer->fd, data, sizeof(data));

                if (n < 0 && errno == EINTR)
                        continue;
                if (n < 0)
                        return errno == EAGAIN ? 0 : -errno;
                if (n == 0)
                        return -ENODEV;
                /* While sending, no answer is due; GS r's could not be told from a stray byte. */
                if (printer->state == WAITING && printer->confirm != PRINTER_CONFIRM_NONE &&
                    reply_feed(&printer->reply, data, (size_t) n))
                        return 1;
        }
}

static int on_io(sd_event_source *source, int fd, uint32_t revents, void *userdata) {
        struct printer *printer = userdata;
        bool answered = false;
        int r = 0;

        if (revents & EPOLLIN) {
                r = replies_read(printer);
                answered = r > 0;
        }
        /* EPOLLERR alone is a failed transfer of a printer that is still there. */
        if (r >= 0 && (revents & (EPOLLHUP | EPOLLERR)))
                r = revents & EPOLLHUP ? -ENODEV : -EIO;
        if (answered) {
                /* Even if the device has gone right after: its word came first. */
                job_end_whole(printer, PRINTER_PRINTED, "printed");
                if (printer->fd < 0)
                        return 0;
        }
        if (r >= 0 && (revents & EPOLLPRI))
                r = status_update(printer);
        else if (r >= 0 && (revents & EPOLLOUT))
                r = push(printer);
        if (r < 0)
                fail(printer, r);
        else if (revents & (EPOLLOUT | EPOLLPRI))
                progress_tell(printer);
        return 0;
}

/* ---- opening ---- */

int printer_new(sd_event *event, const struct printer_listener *listener, struct printer **ret_printer) {
        _cleanup_(printer_freep) struct printer *printer = NULL;
        int r;

        printer = calloc(1, sizeof(*printer));
        if (!printer)
                return -ENOMEM;
        printer->event = sd_event_ref(event);
        printer->listener = *listener;
        printer->fd = -EBADF;
        printer->status.words = "not connected";
        /* What a run before left in the printer is not known. */
        printer->cut = true;
        /* A restart does not take up the numbers of the run before it. */
        printer->last_process_id = (uint16_t) clock_now(CLOCK_BOOTTIME);
        r = sd_event_add_defer(event, &printer->failed, on_failed, printer);
        if (r >= 0)
                r = sd_event_source_set_enabled(printer->failed, SD_EVENT_OFF);
        if (r < 0)
                return r;
        *ret_printer = TAKE_PTR(printer);
        return 0;
}

struct printer *printer_free(struct printer *printer) {
        if (!printer)
                return NULL;
        if (printer->fd >= 0)
                node_lose(printer, "tilld stopped before its end");
        sd_event_source_disable_unref(printer->failed);
        sd_event_source_disable_unref(printer->deadline);
        sd_event_source_disable_unref(printer->ask);
        sd_event_unref(printer->event);
        free(printer);
        return NULL;
}

static int node_start(struct printer *printer) {
        struct printer_status status;
        int r;

        r = sd_event_add_io(printer->event, &printer->io, printer->fd, EPOLLIN | EPOLLPRI, on_io, printer);
        if (r < 0)
                return r;
        r = status_read(printer, &status);
        if (r >= 0 && status.online == TILL_PRINTER_UNKNOWN) {
                r = port_status_ask(printer);
                if (r >= 0)
                        r = status_read(printer, &status);
        }
        if (r < 0)
                return r;
        setup_begin(printer);
        r = push(printer);
        if (r < 0)
                return r;
        status_tell(printer, &status);
        return 0;
}

int printer_open(struct printer *printer, const char *node) {
        struct till_info info;
        int r;

        if (printer->fd >= 0)
                return -EALREADY;
        r = node_open(node, O_RDWR | O_NONBLOCK, TILL_KIND_PRINTER, &info);
        if (r < 0)
                return r;
        printer->fd = r;
        printer->backchannel = info.features & TILL_PRINTER_FEATURE_BACKCHANNEL;
        r = node_start(printer);
        if (r < 0)
                node_close(printer);
        return r;
}

/* ---- jobs ---- */

bool printer_is_busy(const struct printer *printer) {
        return printer->state != IDLE;
}

static uint8_t *put(uint8_t *at, const void *data, size_t size) {
        return (uint8_t *) memcpy(at, data, size) + size;
}

/* The known state before the data, and the question after it. */
static int job_build(struct printer *printer, const struct printer_job *job) {
        const uint8_t *data = job->data;
        uint8_t id[REPLY_PROCESS_ID], *at;
        size_t size = job->size;

        if (size >= sizeof(INITIALIZE) && memcmp(data, INITIALIZE, sizeof(INITIALIZE)) == 0) {
                data += sizeof(INITIALIZE);
                size -= sizeof(INITIALIZE);
        }
        at = malloc(sizeof(INITIALIZE) + sizeof(AUTOMATIC_STATUS) + size + sizeof(ASK_PROCESS_ID) + sizeof(id));
        if (!at)
                return -ENOMEM;
        printer->data = at;
        at = put(at, INITIALIZE, sizeof(INITIALIZE));
        if (printer->backchannel)
                at = put(at, AUTOMATIC_STATUS, sizeof(AUTOMATIC_STATUS));
        at = put(at, data, size);
        switch (printer->confirm) {
        case PRINTER_CONFIRM_PROCESS_ID:
                reply_process_id(++printer->last_process_id, id);
                reply_expect_process_id(&printer->reply, id);
                at = put(at, ASK_PROCESS_ID, sizeof(ASK_PROCESS_ID));
                at = put(at, id, sizeof(id));
                break;
        case PRINTER_CONFIRM_STATUS:
                reply_expect_status(&printer->reply);
                at = put(at, ASK_STATUS, sizeof(ASK_STATUS));
                break;
        case PRINTER_CONFIRM_NONE:
                break;
        }
        printer->size = (size_t) (at - printer->data);
        printer->sent = 0;
        return 0;
}

int printer_submit(struct printer *printer, const struct printer_job *job) {
        int r;

        if (job->size == 0)
                return -EINVAL;
        if (job->size > PRINTER_JOB_SIZE_MAX)
                return -E2BIG;
        if (printer->fd < 0)
                return -ENOTCONN;
        if (printer->state != IDLE)
                return -EBUSY;

        printer->confirm = printer->backchannel ? job->confirm : PRINTER_CONFIRM_NONE;
        r = job_build(printer, job);
        if (r < 0)
                return r;
        if (job->again || printer->cut)
                invalidate_begin(printer);
        printer->job = job->id;
        printer->time_left = USEC_PER_SEC *
                             (job->deadline > 0 ? job->deadline : DEADLINE_BASE + job->size / DEADLINE_BYTES_PER_SEC);
        printer->state = HELD;
        if (printer->status.able)
                job_start(printer);
        push_or_fail_later(printer);
        status_refresh(printer);
        return 0;
}

int printer_cancel(struct printer *printer, uint64_t job) {
        bool reached;

        if (printer->state == IDLE || printer->job != job)
                return -ENOENT;
        if (printer->sent > 0)
                drop_queued(printer);
        reached = job_reached_device(printer);
        job_clear(printer);
        status_refresh(printer);
        push_or_fail_later(printer);
        return reached ? 0 : 1;
}
