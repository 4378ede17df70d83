// SPDX-License-Identifier: LGPL-2.1-or-later
#include "base/log-fields.h"

#include <stdarg.h>
#include <sys/uio.h>
#include <systemd/sd-journal.h>

#define FIELDS_MAX 8

static int send_all(int level, const char *const *fields, size_t n, const char *line) {
        struct iovec parts[FIELDS_MAX + 2];
        char priority[16], message[1024 + 16];

        if (n > FIELDS_MAX)
                return -E2BIG;
        (void) snprintf(priority, sizeof(priority), "PRIORITY=%d", level);
        (void) snprintf(message, sizeof(message), "MESSAGE=%s", line);
        for (size_t i = 0; i < n; i++)
                parts[i] = (struct iovec){ (char *) fields[i], strlen(fields[i]) };
        parts[n] = (struct iovec){ priority, strlen(priority) };
        parts[n + 1] = (struct iovec){ message, strlen(message) };
        return sd_journal_sendv(parts, (int) n + 2);
}

void log_fields(int level, const char *const *fields, size_t n, const char *format, ...) {
        char line[1024];
        va_list ap;

        if (level > log_get_max_level())
                return;
        va_start(ap, format);
        (void) vsnprintf(line, sizeof(line), format, ap);
        va_end(ap);
        if (!log_is_journal() || send_all(level, fields, n, line) < 0)
                log_full(level, "%s", line);
}
