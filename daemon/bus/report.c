// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * org.tilld1.Diagnostics: the support report. tilld says what it knows, a bit at a time between what else there is to
 * do; till-report adds what tilld may not read and writes the archive.
 */
#include "bus/report.h"

#include <fcntl.h>
#include <limits.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <time.h>

#include "base/clock.h"
#include "base/helper-call.h"
#include "base/log.h"
#include "base/report-message.h"
#include "base/sealed-file.h"
#include "bus/authority.h"
#include "bus/error.h"
#include "bus/journal-call.h"
#include "bus/options.h"
#include "bus/saved-files.h"
#include "care/authenticity.h"
#include "care/report-history.h"

#define DAYS_DEFAULT 90
/* Of SaveReport. */
#define FILES_MAX 5
#define FILE_PREFIX "report-"
#define DEADLINE_USEC (60 * USEC_PER_SEC)
/* Before that, for till-verify: without it the report says so. */
#define LOOK_USEC (30 * USEC_PER_SEC)
/* Left for payments. */
#define FREE_SPACE_MIN (UINT64_C(64) << 20)

struct report_call {
        struct server *server;
        sd_bus_message *message;
        char *language;
        uint32_t days;
        cJSON *json;
        size_t part; /* of report_parts, the next one */
        struct report_history *history;
        struct authenticity *look; /* at what is installed, before the rest; NULL: it has ended */
        sd_event_source *look_end; /* it takes too long */
        sd_event_source *next;
        struct helper_call *helper;
        uint64_t until;          /* CLOCK_MONOTONIC; from the end of the look on */
        int file;                /* that it goes to */
        char *path, *unfinished; /* of a file of our own; it has the second name until it is finished */
};

static struct report_call *call_free(struct report_call *c) {
        if (!c)
                return NULL;
        if (c->server->report == c)
                c->server->report = NULL;
        authenticity_free(c->look);
        sd_event_source_disable_unref(c->look_end);
        sd_event_source_disable_unref(c->next);
        helper_call_free(c->helper);
        report_history_free(c->history);
        cJSON_Delete(c->json);
        safe_close(c->file);
        if (c->unfinished)
                (void) unlink(c->unfinished);
        sd_bus_message_unref(c->message);
        free(c->language);
        free(c->path);
        free(c->unfinished);
        free(c);
        return NULL;
}
DEFINE_CLEANUP(struct report_call *, call_free);

void report_end(struct server *s) {
        call_free(s->report);
}

/* ---- The end ---- */

static int refuse_error(int r, sd_bus_error *error) {
        switch (r) {
        case -ETIME:
                return journal_call_refuse(
                        error, REFUSAL_STALLED,
                        "The report was not ready within a minute: read at the other end of the pipe while it "
                        "is made, ask for fewer days, and call again");
        case -EPIPE:
                return journal_call_refuse(
                        error, REFUSAL_STALLED,
                        "Nobody reads the report at the other end of the pipe any more: keep it open until the "
                        "answer, and call again");
        case -ENOSPC:
        case -EFBIG:
                return journal_call_refuse(
                        error, REFUSAL_NOT_READY,
                        "There is no room for the report where it goes: make room, or write it to another disk "
                        "with tillctl report FILE");
        case -ECONNREFUSED:
        case -ENOENT:
        case -EACCES:
                return journal_call_refuse(
                        error, REFUSAL_NOT_READY,
                        "till-report does not answer: start it with systemctl start till-report.socket, and "
                        "call again");
        case -ECONNRESET:
                return journal_call_refuse(
                        error, REFUSAL_NOT_READY,
                        "till-report has ended without a report: journalctl -u 'till-report@*' says why");
        default:
                return r;
        }
}

static int keep_file(struct report_call *c) {
        const char *slash = strrchr(c->path, '/');
        char folder[PATH_MAX];

        if (fsync(c->file) < 0 || rename(c->unfinished, c->path) < 0)
                return -errno;
        free(c->unfinished);
        c->unfinished = NULL;
        (void) snprintf(folder, sizeof(folder), "%.*s", (int) (slash - c->path), c->path);
        saved_files_prune(folder, FILE_PREFIX, slash + 1, FILES_MAX);
        return 0;
}

/* The last that is done: frees the call. */
static void call_end(struct report_call *call, int r) {
        _cleanup_(sd_bus_error_free) sd_bus_error error = SD_BUS_ERROR_NULL;
        _cleanup_(call_freep) struct report_call *c = call;

        if (r >= 0 && c->path)
                r = keep_file(c);
        if (r < 0) {
                log_warning_errno(r, "No report could be made");
                (void) sd_bus_reply_method_errno(c->message, refuse_error(r, &error), &error);
                return;
        }
        (void) sd_bus_reply_method_return(c->message, c->path ? "s" : NULL, c->path);
}

/* ---- till-report ---- */

static void on_answer(int error, const void *data, int file, void *userdata) {
        const struct report_answer *answer = data;

        if (error >= 0)
                error = answer->version != REPORT_VERSION || answer->error > 0 || answer->error <= -4096
                                ? -EBADMSG
                                : answer->error;
        call_end(userdata, error);
}

static int ask(struct report_call *c) {
        struct report_question packet = { REPORT_VERSION, c->days };
        _cleanup_free_ char *text = cJSON_PrintUnformatted(c->json);
        uint64_t now = clock_now(CLOCK_MONOTONIC);
        _cleanup_close_ int data = -EBADF;

        if (!text)
                return -ENOMEM;
        packet.size = strlen(text);
        COPY(packet.language, c->language);
        if (packet.size > REPORT_SIZE_MAX)
                return -EFBIG;
        data = sealed_file_new("report", text, packet.size);
        if (data < 0)
                return data;
        return helper_call_start(sd_bus_get_event(c->server->bus),
                                 &(struct helper_question){
                                         .socket = REPORT_SOCKET,
                                         .packet = &packet,
                                         .size = sizeof(packet),
                                         .files = (int[]){ data, c->file },
                                         .n_files = 2,
                                         .answer_size = sizeof(struct report_answer),
                                 },
                                 c->until - MIN(now, c->until), on_answer, c, &c->helper);
}

/* ---- What tilld says of itself ---- */

/* 1 while there is more. */
static int collect(struct report_call *c) {
        int r;

        if (report_parts[c->part]) {
                r = report_parts[c->part](c->server, c->language, c->days, c->json);
                c->part++;
                return r < 0 ? r : 1;
        }
        r = report_history_slice(c->history);
        if (r != 0)
                return r;
        return report_history_add(c->history, cJSON_AddObjectToObject(c->json, "History"));
}

static int on_turn(sd_event_source *source, void *userdata) {
        struct report_call *c = userdata;
        int r;

        r = collect(c);
        if (r > 0 && clock_now(CLOCK_MONOTONIC) > c->until)
                r = -ETIME;
        if (r > 0)
                return sd_event_source_set_enabled(source, SD_EVENT_ONESHOT);
        if (r == 0)
                r = ask(c);
        if (r < 0)
                call_end(c, r);
        return 0;
}

/* ---- What is installed ---- */

static int go_on(struct report_call *c) {
        c->look = authenticity_free(c->look);
        c->look_end = sd_event_source_disable_unref(c->look_end);
        c->until = clock_now(CLOCK_MONOTONIC) + DEADLINE_USEC;
        return sd_event_source_set_enabled(c->next, SD_EVENT_ONESHOT);
}

static void on_looked(int error, cJSON *json, void *userdata) {
        struct report_call *c = userdata;
        int r = error;

        if (r >= 0)
                r = cJSON_AddItemToObject(c->json, "Authenticity", json) ? go_on(c) : -ENOMEM;
        if (r < 0)
                call_end(c, r);
}

static int on_look_end(sd_event_source *source, uint64_t usec, void *userdata) {
        struct report_call *c = userdata;
        cJSON *o = cJSON_AddObjectToObject(c->json, "Authenticity");
        int r;

        r = cJSON_AddStringToObject(o, "Problem", strerror(ETIMEDOUT)) ? go_on(c) : -ENOMEM;
        if (r < 0)
                call_end(c, r);
        return 0;
}

static int look(struct report_call *c) {
        sd_event *loop = sd_bus_get_event(c->server->bus);
        int r;

        r = sd_event_add_time_relative(loop, &c->look_end, CLOCK_MONOTONIC, LOOK_USEC, USEC_PER_SEC, on_look_end, c);
        return r < 0 ? r : authenticity_start(c->server->engine, c->server->faults, on_looked, c, &c->look);
}

/* ---- The methods ---- */

static int call_new(struct server *s, sd_bus_message *m, struct report_call **ret, sd_bus_error *error) {
        _cleanup_(call_freep) struct report_call *c = NULL;
        const char *language = "en";
        uint32_t days = DAYS_DEFAULT;
        struct refusal refusal;
        const struct bus_option options[] = {
                { "language", 's', &language },
                { "days", 'u', &days },
                {},
        };
        int r;

        r = options_read(m, options, &refusal);
        if (r < 0)
                return refusal.code ? bus_error_set_refusal(error, &refusal) : r;
        if (days < 1 || days > REPORT_DAYS_MAX)
                return journal_call_refuse(error, REFUSAL_UNKNOWN_OPTION, "A report is of 1 to 366 days");
        if (s->report)
                return journal_call_refuse(error, REFUSAL_BUSY,
                                           "A report is being made for somebody else: try again when that is done");
        c = calloc(1, sizeof(*c));
        if (!c)
                return -ENOMEM;
        c->server = s;
        c->file = -EBADF;
        c->days = days;
        c->message = sd_bus_message_ref(m);
        c->json = cJSON_CreateObject();
        c->language = strdup(streq(language, "zh_CN") ? language : "en");
        if (!c->json || !c->language)
                return -ENOMEM;
        r = report_history_new(engine_journal(s->engine), days, &c->history);
        if (r < 0)
                return r;
        *ret = TAKE_PTR(c);
        return 0;
}

/* Takes *c. */
static int call_start(struct report_call **c) {
        int r;

        r = sd_event_add_defer(sd_bus_get_event((*c)->server->bus), &(*c)->next, on_turn, *c);
        if (r >= 0)
                r = sd_event_source_set_priority((*c)->next, SD_EVENT_PRIORITY_IDLE);
        if (r >= 0)
                r = sd_event_source_set_enabled((*c)->next, SD_EVENT_OFF);
        if (r >= 0)
                r = look(*c);
        if (r < 0)
                return r;
        (*c)->server->report = *c;
        TAKE_PTR(*c);
        return 1;
}

static int name_file(const char *folder, struct report_call *c) {
        time_t now = (time_t) (clock_now(CLOCK_REALTIME) / USEC_PER_SEC);
        char text[32];
        struct tm tm;

        if (!gmtime_r(&now, &tm) || strftime(text, sizeof(text), "%Y%m%dT%H%M%SZ", &tm) == 0)
                return -EINVAL;
        if (asprintf(&c->path, "%s/" FILE_PREFIX "%s-%s.tar.zst", folder, c->server->settings->terminal_number, text) <
            0)
                return -ENOMEM;
        return asprintf(&c->unfinished, "%s.new", c->path) < 0 ? -ENOMEM : 0;
}

static int open_file(struct report_call *c) {
        _cleanup_free_ char *folder = NULL;
        struct statvfs disk;
        int r;

        r = journal_state_folder(c->server, "reports", &folder);
        if (r < 0)
                return r;
        if (mkdir(folder, 0700) < 0 && errno != EEXIST)
                return -errno;
        r = name_file(folder, c);
        if (r < 0)
                return r;
        c->file = open(c->unfinished, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0600);
        if (c->file < 0 || fstatvfs(c->file, &disk) < 0)
                return -errno;
        return (uint64_t) disk.f_bavail * disk.f_frsize < FREE_SPACE_MIN ? -ENOSPC : 0;
}

static int save(sd_bus_message *m, void *userdata, sd_bus_error *error) {
        _cleanup_(call_freep) struct report_call *c = NULL;
        int r;

        r = call_new(userdata, m, &c, error);
        if (r < 0)
                return r;
        r = open_file(c);
        if (r >= 0)
                r = call_start(&c);
        return r < 0 ? refuse_error(r, error) : r;
}

int report_call_save(sd_bus_message *m, void *userdata, sd_bus_error *error) {
        return authority_check(m, "org.tilld1.diagnose", save, userdata, error);
}

/* It is till-report that waits for who reads it. */
static int write_to(sd_bus_message *m, void *userdata, sd_bus_error *error) {
        _cleanup_(call_freep) struct report_call *c = NULL;
        int fd, mode, r;

        r = call_new(userdata, m, &c, error);
        if (r >= 0)
                r = sd_bus_message_read(m, "h", &fd);
        if (r < 0)
                return r;
        mode = fcntl(fd, F_GETFL);
        if (mode < 0 || (mode & O_ACCMODE) == O_RDONLY || mode & O_PATH)
                return journal_call_refuse(
                        error, REFUSAL_INVALID_DESCRIPTOR,
                        "A report goes into a file or the writing end of a pipe, and this is neither: open it for "
                        "writing, or call SaveReport for a file of tilld's own");
        c->file = fcntl(fd, F_DUPFD_CLOEXEC, 3);
        if (c->file < 0)
                return -errno;
        return call_start(&c);
}

int report_call_write(sd_bus_message *m, void *userdata, sd_bus_error *error) {
        return authority_check(m, "org.tilld1.diagnose", write_to, userdata, error);
}
