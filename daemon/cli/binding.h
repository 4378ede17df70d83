/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* What the files of tillctl binding share. */

#include "cli/cli.h"

#define BINDING_INTERFACE "org.tilld1.Binding"

struct binding_cli {
        struct cli *cli;
        const char *supervisor; /* the number in whose name it is done, with the code that is asked for; NULL: none */
};

/* A call of a method; its arguments are appended to it. With a supervisor it is that of ...WithCode. */
int binding_new_call(struct binding_cli *b, const char *method, sd_bus_message **ret);
/*
 * Sends it, with the supervisor's code behind its arguments; r says whether it could be made. ret_reply may be NULL.
 * Prints what went wrong; returns the exit status.
 */
int binding_send(struct binding_cli *b, sd_bus_message *m, int r, sd_bus_message **ret_reply);
/* A list as JSON, of a method whose only argument is limit (0: it has none). The same. */
int binding_list(struct binding_cli *b, const char *method, uint32_t limit, cJSON **ret);
/* All properties. The same. */
int binding_look(struct cli *cli, cJSON **ret);

static inline double binding_number(const cJSON *o, const char *name) {
        const cJSON *item = cJSON_GetObjectItemCaseSensitive(o, name);

        return cJSON_IsNumber(item) ? cJSON_GetNumberValue(item) : 0;
}

static inline bool binding_flag(const cJSON *o, const char *name) {
        return cJSON_IsTrue(cJSON_GetObjectItemCaseSensitive(o, name));
}

/* With which people write a phone, and which are none of it. */
#define PHONE_BLANKS " -"

/* The number of a contact as it was typed. Prints that it is none; returns the exit status. */
int binding_read_contact(const char *text, int64_t *ret);

/* "05-20 14:03", without the year. */
#define BINDING_TIME_MAX 16
const char *binding_time(const cJSON *o, const char *name, char ret[static BINDING_TIME_MAX]);
/* A step, a kind, an event, a channel, a state or a reason in the user's language; itself for any other word. */
const char *binding_word(const char *word);
/* What a row of a list has there; that it is damaged in the journal, where it is. */
const char *binding_readable(const cJSON *o, const char *text);
/* What the merchant does with the old phone. Returns the exit status. */
int binding_print_checklist(struct binding_cli *b);

/* binding-change.c; the words of the act, its name first. */
int binding_change(struct binding_cli *b, int argc, char **argv);
int binding_lost(struct binding_cli *b, int argc, char **argv);
int binding_take_up(struct binding_cli *b, int argc, char **argv);
int binding_cancel(struct binding_cli *b, int argc, char **argv);

/* contacts.c */
int binding_contacts(struct binding_cli *b, int argc, char **argv);
int binding_notify(struct binding_cli *b, int argc, char **argv);
