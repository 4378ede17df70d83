// SPDX-License-Identifier: LGPL-2.1-or-later
/* Reconcile and ReconcileFile of org.tilld1.Journal: where a statement comes from, and what it differs in. */
#include <fcntl.h>
#include <limits.h>
#include <sys/stat.h>

#include "bus/authority.h"
#include "bus/error.h"
#include "bus/journal-call.h"
#include "bus/json.h"
#include "journal/summary.h"

static int slice(struct journal *j, struct journal_call *c) {
        return reconcile_slice(j, c->reconcile);
}

static void progress(const struct journal_call *c, uint64_t *ret_done, uint64_t *ret_total) {
        reconcile_progress(c->reconcile, ret_done, ret_total);
}

static int answer(struct journal_call *c, int r, sd_bus_error *error) {
        _cleanup_(cJSON_Deletep) cJSON *result = NULL;
        struct refusal refusal;
        const char *fault;
        unsigned line;

        fault = reconcile_fault(c->reconcile, &line);
        if (fault)
                return sd_bus_error_setf(error, SD_BUS_ERROR_INVALID_ARGS, "Line %u of the statement: %s", line,
                                         fault);
        if (r == -EFBIG)
                return sd_bus_error_set(error, SD_BUS_ERROR_INVALID_ARGS,
                                        "A statement has up to 32 MiB: split a longer one by batch");
        if (r < 0)
                return r;
        result = reconcile_result(c->reconcile);
        if (!result)
                return -ENOMEM;
        r = faults_reconciled(c->server->faults, result);
        if (r < 0) {
                (void) engine_refuse_journal(&refusal, r);
                return bus_error_set_refusal(error, &refusal);
        }
        return json_reply(c->message, result);
}

static const struct journal_act act = { slice, progress, answer, .callers = true };

/* Takes the stream. */
static int start(struct server *s, sd_bus_message *m, struct stream *stream, sd_bus_error *error) {
        _cleanup_(journal_call_freep) struct journal_call *c = NULL;
        int r;

        r = journal_call_new(s, m, &act, &c);
        if (r < 0) {
                stream_close(stream);
                return r;
        }
        r = reconcile_new(stream, s->settings->terminal_number, &c->reconcile);
        if (r < 0)
                return r;
        return journal_call_start(&c, reconcile_get_stream(c->reconcile), error);
}

static int reconcile(sd_bus_message *m, void *userdata, sd_bus_error *error) {
        struct stream stream;
        int fd, r;

        r = sd_bus_message_read(m, "h", &fd);
        if (r < 0)
                return r;
        r = stream_open_reader(&stream, fd);
        if (r == -EMEDIUMTYPE || r == -EBADF)
                return journal_call_refuse(error, REFUSAL_INVALID_DESCRIPTOR,
                                           "A statement comes in a memfd or through the reading end of a pipe: copy a "
                                           "file into one, or put it below /var/lib/tilld and call ReconcileFile");
        return r < 0 ? r : start(userdata, m, &stream, error);
}

int journal_call_reconcile(sd_bus_message *m, void *userdata, sd_bus_error *error) {
        return authority_check(m, "org.tilld1.audit", reconcile, userdata, error);
}

/*
 * A file below a folder and nowhere else, whatever links there are, as a path alone. Name by name: RestrictSUIDSGID=
 * of the unit leaves no openat2(2).
 */
static int find_below(int folder, const char *path, int *ret) {
        _cleanup_close_ int at = fcntl(folder, F_DUPFD_CLOEXEC, 3);
        struct stat top, st;

        if (at < 0 || fstat(folder, &top) < 0)
                return -errno;
        for (; *path; path += strspn(path, "/")) {
                size_t size = strcspn(path, "/");
                char name[NAME_MAX + 1];
                int next;

                /* Also the root, whose name is empty. */
                if (size == 0 || size > NAME_MAX || (size == 2 && startswith(path, "..")))
                        return -EXDEV;
                *(char *) mempcpy(name, path, size) = '\0';
                next = openat(at, name, O_PATH | O_NOFOLLOW | O_CLOEXEC);
                if (next < 0)
                        return -errno;
                close(at);
                at = next;
                if (fstat(at, &st) < 0)
                        return -errno;
                if (S_ISLNK(st.st_mode) || st.st_dev != top.st_dev)
                        return -EXDEV;
                path += size;
        }
        *ret = TAKE_FD(at);
        return 0;
}

/*
 * To close any descriptor of a file ends the process's locks on it (fcntl(2)): the journal, under whatever name, is
 * not opened a second time. One that is only a path has no part in that.
 */
static int refuse_journal(int file, const char *journal) {
        struct stat st, own;

        if (fstat(file, &st) < 0 || stat(journal, &own) < 0)
                return -errno;
        return st.st_dev == own.st_dev && st.st_ino == own.st_ino ? -EPERM : 0;
}

static int open_below(const char *folder, const char *path, const char *journal, struct stream *ret) {
        _cleanup_close_ int dir = open(folder, O_PATH | O_DIRECTORY | O_CLOEXEC), file = -EBADF, fd = -EBADF;
        const char *rest = startswith(path, folder);
        char link[40];
        int r;

        if (dir < 0)
                return -errno;
        if (rest)
                path = rest + strspn(rest, "/");
        r = find_below(dir, path, &file);
        if (r >= 0)
                r = refuse_journal(file, journal);
        if (r < 0)
                return r;
        (void) snprintf(link, sizeof(link), "/proc/self/fd/%d", file);
        fd = open(link, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
        return fd < 0 ? -errno : stream_open_file(ret, fd);
}

static int reconcile_file(sd_bus_message *m, void *userdata, sd_bus_error *error) {
        _cleanup_free_ char *folder = NULL;
        struct journal_summary summary;
        struct server *s = userdata;
        struct stream stream;
        const char *path;
        int r;

        r = sd_bus_message_read(m, "s", &path);
        if (r >= 0)
                r = journal_state_folder(s, "", &folder);
        if (r >= 0)
                r = journal_summarize(engine_journal(s->engine), &summary);
        if (r < 0)
                return r;
        r = open_below(folder, path, summary.path, &stream);
        if (r == -EMEDIUMTYPE)
                return journal_call_refuse(error, REFUSAL_INVALID_DESCRIPTOR, "A statement is a regular file");
        if (r < 0)
                return sd_bus_error_setf(error, BUS_ERROR_NOT_FOUND,
                                         "%s%s cannot be read (%s): put it there, for tilld",
                                         startswith(path, "/") ? "" : folder, path, strerror(-r));
        return start(s, m, &stream, error);
}

int journal_call_reconcile_file(sd_bus_message *m, void *userdata, sd_bus_error *error) {
        return authority_check(m, "org.tilld1.audit", reconcile_file, userdata, error);
}
