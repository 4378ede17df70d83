/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* The support report: the methods of org.tilld1.Diagnostics, and the parts that other methods tell, too. */

#include "bus/json.h"
#include "bus/server.h"

int report_call_save(sd_bus_message *m, void *userdata, sd_bus_error *error);
int report_call_write(sd_bus_message *m, void *userdata, sd_bus_error *error);
/* The one that is being made is given up, without an answer. */
void report_end(struct server *s);

/* ---- What tilld says of itself ---- */

/* report-parts.c: one after the other, each in a moment; language is that of texts. NULL behind the last one. */
typedef int (*report_part_t)(struct server *s, const char *language, unsigned days, cJSON *o);
extern const report_part_t report_parts[];

/* By those who have it. 0, -ENOMEM or an error of the journal. */
int report_add_maintenance(struct server *s, cJSON *list);
int report_add_recoveries(struct server *s, cJSON *list);
int report_add_journal(struct server *s, cJSON *o);
int report_add_batch(struct server *s, cJSON *o);
/* False without memory; c may be NULL. */
bool report_add_health(cJSON *o, const struct health_check *c);
