/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * Logging to standard error, which is the journal's pipe under systemd: each line begins
 * with the "<N>" of sd-daemon(3) there. No card data: see Documentation and payments rules.
 *
 * A function either logs or returns an error for its caller to log, not both.
 */

#include <inttypes.h>
#include <syslog.h>

#include "base/macro.h"

/* Highest level that is written, LOG_INFO at first. TILL_LOG_LEVEL=debug|info|notice|warning|err sets it. */
void log_set_max_level(int level);
int log_get_max_level(void);
/* Takes a name as systemctl service-log-level does. -EINVAL for an unknown one. */
int log_level_from_string(const char *name);
/* "debug"; NULL for none. */
const char *log_level_to_string(int level);
/*
 * Where lines go, in the words of systemd: "journal" where standard error is the journal's, else "console"; "null"
 * drops them all. Takes "auto" for what it was at first. -EINVAL for any other, or one that is not to be had.
 */
int log_set_target(const char *target);
const char *log_get_target(void);
/* Reads TILL_LOG_LEVEL; called once by main(). */
void log_parse_environment(void);

/* Whether standard error is the journal's. */
bool log_is_journal(void);

void log_full(int level, const char *format, ...) _printf_(2, 3);
/* Appends ": <error text>", and returns the error as a negative errno. */
int log_full_errno(int level, int error, const char *format, ...) _printf_(3, 4);

/* What a line is about, for programs: fields of the journal. What is 0 or NULL is left out. */
struct log_about {
        const char *message_id;   /* 32 hexadecimal digits: journalctl -x explains the line from packaging/catalog */
        int64_t transaction;      /* TILLD_TRANSACTION: its number */
        const char *device;       /* TILLD_DEVICE: its id, as on the bus */
        const char *fault;        /* TILLD_FAULT: its code */
        const char *const *other; /* "TILLD_NAME=value" up to NULL */
};

/*
 * A line with fields. Standard error has the text alone where there is no journal. error, unless it is 0, is appended
 * as log_full_errno() does it, and returned as a negative errno.
 */
int log_about(int level, int error, const struct log_about *about, const char *format, ...) _printf_(4, 5);

/* "Transaction 7: reversed (00)", which journalctl TILLD_TRANSACTION=7 finds. id is evaluated twice. */
#define log_transaction_full(level, error, id, format, ...)                                                           \
        log_about(level, error, &(const struct log_about){ .transaction = (id) }, "Transaction %" PRIi64 ": " format, \
                  (int64_t) (id) __VA_OPT__(, ) __VA_ARGS__)
#define log_transaction_debug(id, ...) log_transaction_full(LOG_DEBUG, 0, id, __VA_ARGS__)
#define log_transaction_info(id, ...) log_transaction_full(LOG_INFO, 0, id, __VA_ARGS__)
#define log_transaction_notice(id, ...) log_transaction_full(LOG_NOTICE, 0, id, __VA_ARGS__)
#define log_transaction_warning(id, ...) log_transaction_full(LOG_WARNING, 0, id, __VA_ARGS__)
#define log_transaction_error(id, ...) log_transaction_full(LOG_ERR, 0, id, __VA_ARGS__)
#define log_transaction_warning_errno(id, error, ...) log_transaction_full(LOG_WARNING, error, id, __VA_ARGS__)
#define log_transaction_error_errno(id, error, ...) log_transaction_full(LOG_ERR, error, id, __VA_ARGS__)

/* "Print job 3: printed", found by its transaction's number; 0 for none. job is evaluated once. */
#define log_print_job(level, error, transaction_id, job, format, ...)                                                 \
        log_about(level, error, LOG_ABOUT_TRANSACTION(transaction_id), "Print job %" PRIi64 ": " format,              \
                  (int64_t) (job) __VA_OPT__(, ) __VA_ARGS__)

/* For log_about(): a line with words of its own, as one on a transaction's paper. */
#define LOG_ABOUT_TRANSACTION(id) (&(const struct log_about){ .transaction = (id) })
#define LOG_ABOUT_DEVICE(id) (&(const struct log_about){ .device = (id) })

#define log_debug(...) log_full(LOG_DEBUG, __VA_ARGS__)
#define log_info(...) log_full(LOG_INFO, __VA_ARGS__)
#define log_notice(...) log_full(LOG_NOTICE, __VA_ARGS__)
#define log_warning(...) log_full(LOG_WARNING, __VA_ARGS__)
#define log_error(...) log_full(LOG_ERR, __VA_ARGS__)

#define log_debug_errno(error, ...) log_full_errno(LOG_DEBUG, error, __VA_ARGS__)
#define log_info_errno(error, ...) log_full_errno(LOG_INFO, error, __VA_ARGS__)
#define log_notice_errno(error, ...) log_full_errno(LOG_NOTICE, error, __VA_ARGS__)
#define log_warning_errno(error, ...) log_full_errno(LOG_WARNING, error, __VA_ARGS__)
#define log_error_errno(error, ...) log_full_errno(LOG_ERR, error, __VA_ARGS__)

#define log_oom() log_error_errno(-ENOMEM, "Out of memory")
