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

void log_catalog(int level, const char *message_id, const char *const *fields, const char *format, ...) {
        char text[1024], entry[4096];
        size_t used;
        va_list ap;

        if (!is_written(level))
                return;
        va_start(ap, format);
        (void) vsnprintf(text, sizeof(text), format, ap);
        va_end(ap);
        /* One line is one field. */
        for (char *c = strchr(text, '\n'); c; c = strchr(c, '\n'))
                *c = ' ';
        used = (size_t) snprintf(entry, sizeof(entry),
                                 "MESSAGE_ID=%s\nPRIORITY=%d\nSYSLOG_IDENTIFIER=%s\nMESSAGE=%s\n", message_id, level,
                                 program_invocation_short_name, text);
        for (; *fields; fields++)
                if (used + strlen(*fields) + 2 <= sizeof(entry))
                        used += (size_t) snprintf(entry + used, sizeof(entry) - used, "%s\n", *fields);
        if (!journal || send_to_journal(entry, used) < 0)
                log_full(level, "%s", text);
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
