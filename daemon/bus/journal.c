// SPDX-License-Identifier: LGPL-2.1-or-later
/* org.tilld1.Journal: whether it is what was written, what is in it, and what may be forgotten. */
#include <fcntl.h>
#include <inttypes.h>
#include <linux/openat2.h>
#include <sys/stat.h>
#include <sys/syscall.h>

#include "base/clock.h"
#include "bus/authority.h"
#include "bus/error.h"
#include "bus/json.h"
#include "bus/server.h"
#include "journal/summary.h"
#include "transaction/export.h"
#include "transaction/reconcile.h"

#define INTERFACE "org.tilld1.Journal"

/* Some hundred thousand lines. */
#define STATEMENT_MAX (32 << 20)

#define PROGRESS_INTERVAL_USEC (500 * USEC_PER_MSEC)

/* A call that is answered when the work is done. */
struct journal_call {
        struct server *server;
        sd_bus_message *message;
        int (*answer)(struct journal_call *c, int r, sd_bus_error *error);

        struct journal_verify verify;
        struct journal_purge purge;
        struct export *export;
        struct reconcile *reconcile;
        uint64_t told_usec; /* CLOCK_BOOTTIME of the last Progress */
};

static struct journal_call *journal_call_free(struct journal_call *c) {
        if (!c)
                return NULL;
        export_free(c->export);
        reconcile_free(c->reconcile);
        sd_bus_message_unref(c->message);
        free(c);
        return NULL;
}
DEFINE_CLEANUP(struct journal_call *, journal_call_free);

static int journal_call_new(struct server *s, sd_bus_message *m,
                            int (*answer)(struct journal_call *c, int r, sd_bus_error *error),
                            struct journal_call **ret) {
        struct journal_call *c = calloc(1, sizeof(*c));

        if (!c)
                return -ENOMEM;
        c->server = s;
        c->message = sd_bus_message_ref(m);
        c->answer = answer;
        c->told_usec = clock_now(CLOCK_BOOTTIME);
        *ret = c;
        return 0;
}

/* To the caller alone, for whoever looks at it. */
static void tell_progress(struct journal_call *c, uint64_t done, uint64_t total) {
        _cleanup_(sd_bus_message_unrefp) sd_bus_message *m = NULL;
        uint64_t now = clock_now(CLOCK_BOOTTIME);

        if (now - c->told_usec < PROGRESS_INTERVAL_USEC)
                return;
        c->told_usec = now;
        if (sd_bus_message_new_signal(c->server->bus, &m, SERVER_PATH, INTERFACE, "Progress") < 0 ||
            sd_bus_message_append(m, "stt", sd_bus_message_get_member(c->message), done, total) < 0)
                return;
        (void) sd_bus_send_to(c->server->bus, m, sd_bus_message_get_sender(c->message), NULL);
}

static int refuse(sd_bus_error *error, enum refusal_code code, const char *text) {
        struct refusal refusal;

        (void) refusal_set(&refusal, code, "%s", text);
        return bus_error_set_refusal(error, &refusal);
}

static void end_call(int r, void *userdata) {
        _cleanup_(journal_call_freep) struct journal_call *c = userdata;
        _cleanup_(sd_bus_error_free) sd_bus_error error = SD_BUS_ERROR_NULL;

        if (r == -ECANCELED)
                r = refuse(&error, REFUSAL_NOT_READY, "tilld is stopping: call again when it has started");
        else
                r = c->answer(c, r, &error);
        if (r < 0)
                (void) sd_bus_reply_method_errno(c->message, r, &error);
}

/* For a method's handler to return. */
static int start_call(struct journal_call **c, int (*slice)(struct journal *j, void *userdata), sd_bus_error *error) {
        const struct upkeep_work work = { .slice = slice, .end = end_call, .userdata = *c };
        int r;

        r = upkeep_run((*c)->server->engine->upkeep, &work);
        if (r == -EBUSY)
                return refuse(error, REFUSAL_BUSY,
                              "The journal is being verified, exported or purged for somebody else: try again when "
                              "that is done");
        if (r < 0)
                return r;
        TAKE_PTR(*c);
        return 1;
}

/* ---- Verify ---- */

static int verify_call_slice(struct journal *j, void *userdata) {
        struct journal_call *c = userdata;

        tell_progress(c, c->verify.done, c->verify.total);
        return verify_slice(j, &c->verify);
}

static int verify_answer(struct journal_call *c, int r, sd_bus_error *error) {
        const struct journal_verify *v = &c->verify;
        int q;

        if (r < 0 && r != -EBADMSG) {
                upkeep_found(c->server->engine->upkeep, r, v);
                return r;
        }
        q = sd_bus_reply_method_return(c->message, "bts", r == 0, (uint64_t) v->events, v->text);
        upkeep_found(c->server->engine->upkeep, r, v);
        return q;
}

static int verify(sd_bus_message *m, void *userdata, sd_bus_error *error) {
        _cleanup_(journal_call_freep) struct journal_call *c = NULL;
        struct server *s = userdata;
        int r;

        r = journal_call_new(s, m, verify_answer, &c);
        if (r < 0)
                return r;
        r = verify_begin(s->engine->config.journal, &c->verify);
        if (r < 0)
                return r;
        return start_call(&c, verify_call_slice, error);
}

static int method_verify(sd_bus_message *m, void *userdata, sd_bus_error *error) {
        return authority_check(m, "org.tilld1.audit", verify, userdata, error);
}

/* ---- Export ---- */

static int export_call_slice(struct journal *j, void *userdata) {
        struct journal_call *c = userdata;
        uint64_t done, total;

        export_progress(c->export, &done, &total);
        tell_progress(c, done, total);
        return export_slice(j, c->export);
}

static int export_answer(struct journal_call *c, int r, sd_bus_error *error) {
        const char *path;

        if (r >= 0)
                r = export_finish(c->export, &path);
        if (r == -ENOSPC)
                return refuse(error, REFUSAL_NOT_READY,
                              "The disk has to keep room for payments, and nothing was kept: make room, or export to "
                              "another disk with tillctl journal export FILE");
        if (r < 0)
                return r;
        return path ? sd_bus_reply_method_return(c->message, "s", path) : sd_bus_reply_method_return(c->message, NULL);
}

static int export(sd_bus_message *m, void *userdata, sd_bus_error *error) {
        _cleanup_(journal_call_freep) struct journal_call *c = NULL;
        struct server *s = userdata;
        int fd, r;

        r = sd_bus_message_read(m, "h", &fd);
        if (r < 0)
                return r;
        fd = fcntl(fd, F_DUPFD_CLOEXEC, 3);
        if (fd < 0)
                return -errno;
        r = journal_call_new(s, m, export_answer, &c);
        if (r < 0) {
                safe_close(fd);
                return r;
        }
        r = export_to_fd(s->engine->config.journal, fd, &c->export);
        if (r == -EBADF || r == -EINVAL)
                return sd_bus_error_set(error, SD_BUS_ERROR_INVALID_ARGS,
                                        "The descriptor must be a file, a memfd or a pipe that can be written to");
        if (r < 0)
                return r;
        return start_call(&c, export_call_slice, error);
}

static int method_export(sd_bus_message *m, void *userdata, sd_bus_error *error) {
        return authority_check(m, "org.tilld1.audit", export, userdata, error);
}

/* The folder beside the journal, which is the state directory. */
static int state_folder(struct server *s, const char *name, char **ret) {
        struct journal_summary summary;
        char *slash;
        int r;

        r = journal_summarize(s->engine->config.journal, &summary);
        if (r < 0)
                return r;
        slash = strrchr(summary.path, '/');
        if (!slash)
                return -ENOENT;
        return asprintf(ret, "%.*s/%s", (int) (slash - summary.path), summary.path, name) < 0 ? -ENOMEM : 0;
}

static int save_export(sd_bus_message *m, void *userdata, sd_bus_error *error) {
        _cleanup_(journal_call_freep) struct journal_call *c = NULL;
        _cleanup_free_ char *folder = NULL;
        struct server *s = userdata;
        int r;

        r = journal_call_new(s, m, export_answer, &c);
        if (r >= 0)
                r = state_folder(s, "export", &folder);
        if (r >= 0)
                r = export_to_folder(s->engine->config.journal, folder, mode_to_string(s->settings->mode), &c->export);
        if (r < 0)
                return r;
        return start_call(&c, export_call_slice, error);
}

static int method_save_export(sd_bus_message *m, void *userdata, sd_bus_error *error) {
        return authority_check(m, "org.tilld1.audit", save_export, userdata, error);
}

/* ---- Purge ---- */

static int purge_call_slice(struct journal *j, void *userdata) {
        struct journal_call *c = userdata;

        tell_progress(c, c->purge.transactions, 0);
        return purge_slice(j, &c->purge);
}

static int purge_answer(struct journal_call *c, int r, sd_bus_error *error) {
        if (r == -EIO)
                engine_panic(r, "the journal cannot be written");
        if (r < 0)
                return r;
        return sd_bus_reply_method_return(c->message, "u", c->purge.transactions);
}

static int purge(sd_bus_message *m, void *userdata, sd_bus_error *error) {
        _cleanup_(journal_call_freep) struct journal_call *c = NULL;
        struct server *s = userdata;
        int r;

        r = journal_call_new(s, m, purge_answer, &c);
        if (r < 0)
                return r;
        r = purge_begin(s->engine->config.journal, s->settings->retention_days, &c->purge);
        if (r < 0)
                return r;
        return start_call(&c, purge_call_slice, error);
}

static int method_purge(sd_bus_message *m, void *userdata, sd_bus_error *error) {
        return authority_check(m, "org.tilld1.purge", purge, userdata, error);
}

/* ---- Reconcile ---- */

static int reconcile_call_slice(struct journal *j, void *userdata) {
        struct journal_call *c = userdata;
        uint64_t done, total;

        reconcile_progress(c->reconcile, &done, &total);
        tell_progress(c, done, total);
        return reconcile_slice(j, c->reconcile);
}

static int reconcile_answer(struct journal_call *c, int r, sd_bus_error *error) {
        _cleanup_(cJSON_Deletep) cJSON *result = NULL;

        if (r < 0)
                return r;
        result = reconcile_result(c->reconcile);
        return result ? json_reply(c->message, result) : -ENOMEM;
}

/* A regular file or memfd: nothing that could be waited for. */
static int read_statement(int fd, char **ret, size_t *ret_size) {
        _cleanup_free_ char *text = NULL;
        struct stat st;
        size_t n = 0;
        ssize_t l;

        if (fstat(fd, &st) < 0)
                return -errno;
        if (!S_ISREG(st.st_mode) || st.st_size > STATEMENT_MAX)
                return -EINVAL;
        text = malloc((size_t) st.st_size + 1);
        if (!text)
                return -ENOMEM;
        while (n < (size_t) st.st_size) {
                l = pread(fd, text + n, (size_t) st.st_size - n, (off_t) n);
                if (l < 0)
                        return -errno;
                if (l == 0)
                        break;
                n += (size_t) l;
        }
        *ret = TAKE_PTR(text);
        *ret_size = n;
        return 0;
}

static int reconcile_fd(struct server *s, sd_bus_message *m, int fd, sd_bus_error *error) {
        _cleanup_(journal_call_freep) struct journal_call *c = NULL;
        _cleanup_free_ char *text = NULL;
        struct statement *statement;
        const char *reason;
        unsigned line;
        size_t size = 0;
        int r;

        r = read_statement(fd, &text, &size);
        if (r == -EINVAL)
                return sd_bus_error_set(error, SD_BUS_ERROR_INVALID_ARGS,
                                        "A statement is a file or memfd of up to 32 MiB; split a longer one by batch");
        if (r < 0)
                return r;
        r = statement_parse(text, size, &statement, &line, &reason);
        if (r == -EINVAL)
                return sd_bus_error_setf(error, SD_BUS_ERROR_INVALID_ARGS, "Line %u of the statement: %s", line,
                                         reason);
        if (r < 0)
                return r;
        r = journal_call_new(s, m, reconcile_answer, &c);
        if (r < 0) {
                statement_free(statement);
                return r;
        }
        r = reconcile_new(statement, s->settings->terminal_number, &c->reconcile);
        if (r < 0)
                return r;
        return start_call(&c, reconcile_call_slice, error);
}

static int reconcile(sd_bus_message *m, void *userdata, sd_bus_error *error) {
        int fd, r;

        r = sd_bus_message_read(m, "h", &fd);
        return r < 0 ? r : reconcile_fd(userdata, m, fd, error);
}

static int method_reconcile(sd_bus_message *m, void *userdata, sd_bus_error *error) {
        return authority_check(m, "org.tilld1.audit", reconcile, userdata, error);
}

/* Below the state directory and nowhere else, whatever links there are. */
static int open_below(const char *folder, const char *path) {
        struct open_how how = {
                .flags = O_RDONLY | O_CLOEXEC | O_NONBLOCK,
                .resolve = RESOLVE_BENEATH | RESOLVE_NO_SYMLINKS | RESOLVE_NO_MAGICLINKS,
        };
        _cleanup_close_ int dir = open(folder, O_PATH | O_DIRECTORY | O_CLOEXEC);
        const char *rest = startswith(path, folder);
        int fd;

        if (dir < 0)
                return -errno;
        if (rest)
                path = rest + strspn(rest, "/");
        fd = (int) syscall(SYS_openat2, dir, path, &how, sizeof(how));
        return fd < 0 ? -errno : fd;
}

static int reconcile_file(sd_bus_message *m, void *userdata, sd_bus_error *error) {
        _cleanup_free_ char *folder = NULL;
        _cleanup_close_ int fd = -EBADF;
        struct server *s = userdata;
        const char *path;
        int r;

        r = sd_bus_message_read(m, "s", &path);
        if (r >= 0)
                r = state_folder(s, "", &folder);
        if (r < 0)
                return r;
        fd = open_below(folder, path);
        if (fd < 0)
                return sd_bus_error_setf(error, BUS_ERROR_NOT_FOUND,
                                         "%s%s cannot be read (%s): put it there, for tilld",
                                         startswith(path, "/") ? "" : folder, path, strerror(-fd));
        return reconcile_fd(s, m, fd, error);
}

static int method_reconcile_file(sd_bus_message *m, void *userdata, sd_bus_error *error) {
        return authority_check(m, "org.tilld1.audit", reconcile_file, userdata, error);
}

/* ---- Describe ---- */

static bool add_number(cJSON *o, const char *name, uint64_t number) {
        char text[24];

        /* A double would round it. */
        (void) snprintf(text, sizeof(text), "%" PRIu64, number);
        return cJSON_AddRawToObject(o, name, text);
}

static bool add_checkpoint(cJSON *o, const struct event_checkpoint *checkpoint) {
        cJSON *c = cJSON_AddObjectToObject(o, "LastCheckpoint");

        return c && add_number(c, "Number", (uint64_t) checkpoint->number) &&
               add_number(c, "Event", (uint64_t) checkpoint->seq) && add_number(c, "Time", checkpoint->time_usec);
}

static int describe(struct server *s, const struct journal_summary *j, cJSON *o) {
        const struct upkeep_verdict *verdict = upkeep_get_verdict(s->engine->upkeep);
        bool added;

        added = cJSON_AddStringToObject(o, "Path", j->path) && add_number(o, "Schema", (uint64_t) j->schema) &&
                add_number(o, "Size", j->size) && add_number(o, "LogSize", j->log_size) &&
                add_number(o, "FreeSpace", j->free_space) &&
                add_number(o, "Transactions", (uint64_t) j->transactions) &&
                add_number(o, "FirstWhole", (uint64_t) j->first_whole) &&
                add_number(o, "FirstWholeTime", j->first_whole_usec) &&
                add_number(o, "RetentionDays", s->settings->retention_days) &&
                add_number(o, "FirstEvent", (uint64_t) j->first_event) &&
                add_number(o, "LastEvent", (uint64_t) j->events) && add_checkpoint(o, &j->checkpoint) &&
                add_number(o, "CheckedTime", j->checked_usec) && cJSON_AddStringToObject(o, "Fault", verdict->text) &&
                add_number(o, "LostFrames", journal_lost_frames(s->engine->config.journal));
        return added ? 0 : -ENOMEM;
}

static int method_describe(sd_bus_message *m, void *userdata, sd_bus_error *error) {
        _cleanup_(cJSON_Deletep) cJSON *o = cJSON_CreateObject();
        struct journal_summary summary;
        struct server *s = userdata;
        int r;

        if (!o)
                return -ENOMEM;
        r = journal_summarize(s->engine->config.journal, &summary);
        if (r >= 0)
                r = describe(s, &summary, o);
        return r < 0 ? r : json_reply(m, o);
}

static const sd_bus_vtable vtable[] = {
        SD_BUS_VTABLE_START(0),
        SD_BUS_METHOD_WITH_ARGS("Verify", SD_BUS_NO_ARGS, SD_BUS_RESULT("b", good, "t", events, "s", text),
                                method_verify, SD_BUS_VTABLE_UNPRIVILEGED),
        SD_BUS_METHOD_WITH_ARGS("Export", SD_BUS_ARGS("h", output), SD_BUS_NO_RESULT, method_export,
                                SD_BUS_VTABLE_UNPRIVILEGED),
        SD_BUS_METHOD_WITH_ARGS("SaveExport", SD_BUS_NO_ARGS, SD_BUS_RESULT("s", path), method_save_export,
                                SD_BUS_VTABLE_UNPRIVILEGED),
        SD_BUS_METHOD_WITH_ARGS("Purge", SD_BUS_NO_ARGS, SD_BUS_RESULT("u", removed), method_purge,
                                SD_BUS_VTABLE_UNPRIVILEGED),
        SD_BUS_METHOD_WITH_ARGS("Reconcile", SD_BUS_ARGS("h", statement), SD_BUS_RESULT("s", json), method_reconcile,
                                SD_BUS_VTABLE_UNPRIVILEGED),
        SD_BUS_METHOD_WITH_ARGS("ReconcileFile", SD_BUS_ARGS("s", path), SD_BUS_RESULT("s", json),
                                method_reconcile_file, SD_BUS_VTABLE_UNPRIVILEGED),
        SD_BUS_METHOD_WITH_ARGS("Describe", SD_BUS_NO_ARGS, SD_BUS_RESULT("s", json), method_describe,
                                SD_BUS_VTABLE_UNPRIVILEGED),
        SD_BUS_SIGNAL_WITH_ARGS("Progress", SD_BUS_ARGS("s", act, "t", done, "t", total), 0),
        SD_BUS_VTABLE_END,
};

int journal_register(struct server *s) {
        return sd_bus_add_object_vtable(s->bus, NULL, SERVER_PATH, INTERFACE, vtable, s);
}
