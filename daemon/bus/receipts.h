/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Between the files of org.tilld1.Receipts. */

#include "bus/server.h"
#include "transaction/print-orders.h"

/* Papers that may wait for the printer when somebody asks for one more. */
#define RECEIPTS_OPEN_MAX 200

/*
 * The stored paper that the options name: a job's number, a reference or a batch, and the copy; the last one without.
 * ret_face: NULL where the method knows no face. Negative with *refusal set where the caller is to blame.
 */
int receipts_choose(struct server *s, sd_bus_message *m, const char **ret_face, struct print_job *ret,
                    struct refusal *refusal);
/* The transaction of a reference, as s->looked. */
int receipts_find(struct server *s, const char *reference, struct refusal *refusal);
/* The error of these. */
int receipts_refuse(int error, const struct refusal *refusal, sd_bus_error *ret);
int receipts_read_asker(struct server *s, sd_bus_message *m, struct print_asker *ret);
/* The same of who wants a paper, while there is room in the queue. A transaction's own papers always have room. */
int receipts_read_order(struct server *s, sd_bus_message *m, struct print_asker *ret, struct refusal *refusal);

/* receipt-faces.c */
int receipts_call_get(sd_bus_message *m, void *userdata, sd_bus_error *error);
int receipts_call_save(sd_bus_message *m, void *userdata, sd_bus_error *error);
/* print-papers.c */
int receipts_call_print(sd_bus_message *m, void *userdata, sd_bus_error *error);
int receipts_call_print_text(sd_bus_message *m, void *userdata, sd_bus_error *error);
int receipts_call_open_drawer(sd_bus_message *m, void *userdata, sd_bus_error *error);
/* print-jobs.c */
int receipts_call_list_jobs(sd_bus_message *m, void *userdata, sd_bus_error *error);
int receipts_call_get_job(sd_bus_message *m, void *userdata, sd_bus_error *error);
int receipts_call_describe(sd_bus_message *m, void *userdata, sd_bus_error *error);
int receipts_call_cancel(sd_bus_message *m, void *userdata, sd_bus_error *error);
