// SPDX-License-Identifier: LGPL-2.1-or-later
#include <stdarg.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>

#include "base/log.h"

static int max_level = LOG_INFO;
/* Under systemd standard error is a journal stream and takes a level in front. */
static bool journal;

static const char *const level_names[] = {
        [LOG_EMERG] = "emerg",     [LOG_ALERT] = "alert",   [LOG_CRIT] = "crit", [LOG_ERR] = "err",
        [LOG_WARNING] = "warning", [LOG_NOTICE] = "notice", [LOG_INFO] = "info", [LOG_DEBUG] = "debug",
};

static bool dropped;

static bool is_written(int level) {
        return level <= max_level && !dropped;
}

const char *log_level_to_string(int level) {
        return level >= 0 && level < (int) ELEMENTSOF(level_names) ? level_names[level] : NULL;
}

int log_set_target(const char *target) {
        const char *own = journal ? "journal" : "console";

        if (!streq(target, "auto") && !streq(target, "null") && !streq(target, own))
                return -EINVAL;
        dropped = streq(target, "null");
        return 0;
}

const char *log_get_target(void) {
        return dropped ? "null" : journal ? "journal" : "console";
}

void log_set_max_level(int level) {
        max_level = level;
}

int log_get_max_level(void) {
        return max_level;
}

int log_level_from_string(const char *name) {
        for (int i = 0; i < (int) ELEMENTSOF(level_names); i++)
                if (streq(name, level_names[i]))
                        return i;
        return -EINVAL;
}

/* systemd.exec(5): JOURNAL_STREAM is inherited by whoever is started from a service, its standard error may not be. */
static bool is_journal(const char *stream) {
        unsigned long long device, inode;
        struct stat st;

        return stream && sscanf(stream, "%llu:%llu", &device, &inode) == 2 && fstat(STDERR_FILENO, &st) >= 0 &&
               st.st_dev == device && st.st_ino == inode;
}

void log_parse_environment(void) {
        const char *e = getenv("TILL_LOG_LEVEL");
        int level;

        journal = is_journal(getenv("JOURNAL_STREAM"));
        if (!e)
                return;

        level = log_level_from_string(e);
        if (level < 0) {
                log_warning("TILL_LOG_LEVEL=%s is not a level: use debug, info, notice, warning or err", e);
                return;
        }
        max_level = level;
}

bool log_is_journal(void) {
        return journal;
}

static void log_line(int level, const char *suffix, const char *format, va_list ap) {
        char line[2048];
        int n, saved = errno;

        n = vsnprintf(line, sizeof(line), format, ap);
        if (n < 0)
                return;

        /* One fprintf, so that lines of two processes on one pipe do not mix. */
        if (journal)
                fprintf(stderr, "<%d>%s%s\n", level, line, suffix);
        else
                fprintf(stderr, "%s%s\n", line, suffix);
        errno = saved;
}

/* One datagram of the journal's own protocol: a pipe has no place for a message id. */
static int send_to_journal(const char *entry, size_t size) {
        static const struct sockaddr_un address = { .sun_family = AF_UNIX, .sun_path = "/run/systemd/journal/socket" };
        _cleanup_close_ int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);

        if (fd < 0 || sendto(fd, entry, size, MSG_NOSIGNAL, (const struct sockaddr *) &address, sizeof(address)) < 0)
                return -errno;
        return 0;
}

/* One line is one field. */
static void drop_newlines(char *text, size_t size) {
        for (char *c = text; c < text + size; c++)
                *c = *c == '\n' ? ' ' : *c;
}

/* One that does not fit is left out. */
static void put_field(char *entry, size_t size, size_t *used, const char *name, const char *value) {
        size_t n = strlen(name) + strlen(value) + 1;
        char *field = entry + *used;

        if (*used + n >= size)
                return;
        (void) snprintf(field, size - *used, "%s%s\n", name, value);
        drop_newlines(field, n - 1);
        *used += n;
}

static int send_entry(int level, const struct log_about *about, const char *text) {
        char entry[4096], transaction[24];
        size_t used;

        used = (size_t) snprintf(entry, sizeof(entry), "PRIORITY=%d\nSYSLOG_IDENTIFIER=%s\n", level,
                                 program_invocation_short_name);
        put_field(entry, sizeof(entry), &used, "MESSAGE=", text);
        if (about->message_id)
                put_field(entry, sizeof(entry), &used, "MESSAGE_ID=", about->message_id);
        if (about->transaction > 0) {
                (void) snprintf(transaction, sizeof(transaction), "%" PRIi64, about->transaction);
                put_field(entry, sizeof(entry), &used, "TILLD_TRANSACTION=", transaction);
        }
        if (about->device && *about->device)
                put_field(entry, sizeof(entry), &used, "TILLD_DEVICE=", about->device);
        if (about->fault)
                put_field(entry, sizeof(entry), &used, "TILLD_FAULT=", about->fault);
        for (const char *const *o = about->other; o && *o; o++)
                put_field(entry, sizeof(entry), &used, "", *o);
        return send_to_journal(entry, used);
}

int log_about(int level, int error, const struct log_about *about, const char *format, ...) {
        int saved = errno, n;
        char text[1024];
        va_list ap;

        error = error > 0 ? -error : error;
        if (!is_written(level))
                return error;
        va_start(ap, format);
        n = vsnprintf(text, sizeof(text), format, ap);
        va_end(ap);
        if (n < 0)
                return error;
        if (error < 0 && n < (int) sizeof(text))
                (void) snprintf(text + n, sizeof(text) - (size_t) n, ": %s", strerror(-error));
        drop_newlines(text, strlen(text));
        if (!journal || send_entry(level, about, text) < 0)
                log_full(level, "%s", text);
        errno = saved;
        return error;
}

void log_full(int level, const char *format, ...) {
        va_list ap;

        if (!is_written(level))
                return;

        va_start(ap, format);
        log_line(level, "", format, ap);
        va_end(ap);
}

int log_full_errno(int level, int error, const char *format, ...) {
        char suffix[160];
        va_list ap;

        if (error > 0)
                error = -error;
        if (!is_written(level))
                return error;

        snprintf(suffix, sizeof(suffix), ": %s", strerror(-error));
        va_start(ap, format);
        log_line(level, suffix, format, ap);
        va_end(ap);
        return error;
}
