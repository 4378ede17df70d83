/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* What goes to the journal by its own protocol: needs -Wl,--wrap=sendto. */

#include "test.h"

#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>

#include "base/log.h"

static char log_entry[4096]; /* the newest, as the journal got it */
static int journal_error;    /* with which it is not to be had */

ssize_t __wrap_sendto(int fd, const void *data, size_t size, int flags, const struct sockaddr *to, socklen_t to_size);

ssize_t __wrap_sendto(int fd, const void *data, size_t size, int flags, const struct sockaddr *to, socklen_t to_size) {
        assert_string_equal(((const struct sockaddr_un *) to)->sun_path, "/run/systemd/journal/socket");
        assert_true(size < sizeof(log_entry));
        memcpy(log_entry, data, size);
        log_entry[size] = '\0';
        errno = journal_error;
        return journal_error > 0 ? -1 : (ssize_t) size;
}

/* As under systemd, or no longer: standard error is, or with `other` is not quite, what JOURNAL_STREAM names. */
static void log_begin_journal(int level, bool other) {
        char stream[64];
        struct stat st;

        *log_entry = '\0';
        assert_true(fstat(STDERR_FILENO, &st) >= 0);
        (void) snprintf(stream, sizeof(stream), "%llu:%llu", (unsigned long long) st.st_dev,
                        (unsigned long long) st.st_ino + other);
        assert_int_equal(setenv("JOURNAL_STREAM", stream, true), 0);
        log_parse_environment();
        log_set_max_level(level);
}

static void log_end_journal(int level) {
        assert_int_equal(unsetenv("JOURNAL_STREAM"), 0);
        log_parse_environment();
        log_set_max_level(level);
}
