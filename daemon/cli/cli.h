/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* tillctl: speaks only D-Bus. A file for each verb, and here what they share. */

#include <cjson/cJSON.h>
#include <libintl.h>
#include <systemd/sd-bus.h>

#include "base/macro.h"

#define _(text) gettext(text)

#define SERVICE "org.tilld1"
#define SERVICE_PATH "/org/tilld1"
#define DIAGNOSTICS_INTERFACE "org.tilld1.Diagnostics"

/* What the command line said before the verb. */
struct cli {
        sd_bus *bus;
        bool json;
        bool colour;
};

/* Each returns the exit status: 0, 1 when the answer is no, 2 when the call was wrong, 3 when tilld cannot be asked.
 */
enum {
        EXIT_NO = 1,
        EXIT_USAGE = 2,
        EXIT_UNAVAILABLE = 3,
};

/* A person may be asked for a password before tilld answers. */
#define CLI_ANSWER_TIMEOUT_USEC (150 * UINT64_C(1000000))

int verb_status(struct cli *cli, int argc, char **argv);
int verb_devices(struct cli *cli, int argc, char **argv);
int verb_device(struct cli *cli, int argc, char **argv);
int verb_statistics(struct cli *cli, int argc, char **argv);
int verb_maintenance(struct cli *cli, int argc, char **argv);
/* Each kind of transaction is a verb. */
int verb_kind(struct cli *cli, int argc, char **argv);
int verb_list(struct cli *cli, int argc, char **argv);
int verb_show(struct cli *cli, int argc, char **argv);
int verb_resolve(struct cli *cli, int argc, char **argv);
int verb_totals(struct cli *cli, int argc, char **argv);
int verb_flush(struct cli *cli, int argc, char **argv);
int verb_doctor(struct cli *cli, int argc, char **argv);
int verb_health(struct cli *cli, int argc, char **argv);
int verb_authenticity(struct cli *cli, int argc, char **argv);
int verb_fault(struct cli *cli, int argc, char **argv);
int verb_journal(struct cli *cli, int argc, char **argv);
int verb_operator(struct cli *cli, int argc, char **argv);
int verb_approve(struct cli *cli, int argc, char **argv);
int verb_accept_clock(struct cli *cli, int argc, char **argv);
int verb_emv(struct cli *cli, int argc, char **argv);
int verb_binding(struct cli *cli, int argc, char **argv);
int verb_receipts(struct cli *cli, int argc, char **argv);
int verb_report(struct cli *cli, int argc, char **argv);

/* ---- Properties ---- */

static inline void cJSON_Deletep(cJSON **json) {
        cJSON_Delete(*json);
}

/* The text that a call was answered with; r and error are the call's. Prints what went wrong; returns the exit status.
 */
int cli_read_json(struct cli *cli, sd_bus_message *reply, const sd_bus_error *error, int r, cJSON **ret);
/* Prints the path of the file that tilld has written, which a call was answered with. The same. */
int cli_print_path(struct cli *cli, sd_bus_message *reply, const sd_bus_error *error, int r);
/* Calls Describe of an object. Prints what went wrong; returns the exit status. */
int cli_describe(struct cli *cli, const char *path, const char *interface, cJSON **ret);
/*
 * A method without an answer; two texts and code (an fd) are its arguments where they are not NULL and not
 * negative. The caller may be asked for a password. Prints what went wrong; returns the exit status.
 */
int cli_call(struct cli *cli, const char *path, const char *interface, const char *method, const char *first,
             const char *second, int code);
/* The same with a message of other arguments; r says whether it could be made. */
int cli_send(struct cli *cli, sd_bus_message *m, int r);
/* A text member, "" when absent. */
const char *cli_text(const cJSON *object, const char *name);
/* A text member that tilld wrote for people, in their language where it is known. */
const char *cli_sentence(const cJSON *object, const char *name);
/* A job's state or a printer's in the user's language; itself for any other word. */
const char *cli_word(const char *word);
/* A number of digits alone, up to most: a name that was typed in its place is none. -EINVAL. */
int cli_read_number(const char *text, uint64_t most, uint64_t *ret);
/* The paths below prefix that have an interface. *ret is a NULL-terminated list; free with cli_free_list(). */
int cli_list(struct cli *cli, const char *prefix, const char *interface, char ***ret);
void cli_free_list(char ***list);

/* ---- Files ---- */

/* Writes to fd; returns the exit status. */
typedef int (*cli_write_t)(struct cli *cli, int fd, void *userdata);
/* Into a new file, which has another name until it is whole. Prints what went wrong; returns the exit status. */
int cli_write_file(struct cli *cli, const char *file, cli_write_t write_into, void *userdata);
/* Prints what is wrong with a file, a negative errno; returns the exit status. */
int cli_fail_file(const char *file, int r);

/* ---- Output ---- */

/* The bus has not let the call through: its own AccessDenied, not that of tilld. */
bool cli_refused_by_bus(const sd_bus_error *error);
/* Prints the error as tilld worded it; returns the exit status. */
int cli_fail(const struct cli *cli, const sd_bus_error *error, int r);
int cli_print_json(const cJSON *json);

enum cli_tone {
        TONE_PLAIN,
        TONE_GOOD,
        TONE_WARN,
        TONE_BAD,
        TONE_DIM,
};
/* Escape sequences on a colour terminal, else "". */
const char *cli_tone(const struct cli *cli, enum cli_tone tone);
const char *cli_tone_end(const struct cli *cli);

/* A text and the end of its line; on a terminal in lines that fit into 80 columns. */
void cli_print_sentence(FILE *f, const char *text);
/* The same with a mark before the first line, and blanks of its width before the others. */
void cli_print_marked(FILE *f, const char *mark, const char *text);
/* The same below a row: so many blanks before each of its lines. */
void cli_print_indented(FILE *f, const char *text, int indent);

/* A UTF-8 text that ends with an ellipsis where it is wider than width. */
const char *cli_cut(const char *text, int width, char *ret, size_t size);
/* Prints text and blanks up to width columns. */
void cli_pad(const char *text, int width);
/* The columns of a table; the last one's width is 0, and no blanks come behind it. */
struct cli_column {
        const char *title; /* N_() */
        int width;
};
void cli_print_head(const struct cli *cli, const struct cli_column *columns);
/* A text for each column; the last one has a tone. A text that is too long moves the others. */
void cli_print_row(const struct cli *cli, const struct cli_column *columns, const char *const *texts,
                   enum cli_tone tone);
/* "2026-05-20 14:03:11" in local time, "" for 0. */
#define CLI_TIME_MAX 32
const char *cli_time(uint64_t usec, char text[static CLI_TIME_MAX]);
