/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* org.tilld1.Fault: an object for each fault, for who has nothing but busctl. */

#include "bus/json.h"
#include "bus/server.h"
#include "care/fault-code.h"

int faults_register(struct server *s);
/* One has opened or ended. */
void faults_told(struct server *s, const struct fault_record *record);
/* Somebody takes care of it. */
void faults_acknowledged(struct server *s, int64_t id);

/* All of a fault, its sentences in "zh_CN" or English; false without memory. */
bool fault_add_json(struct server *s, cJSON *json, const struct fault_record *record, const char *language);
/* An array of as many texts as there are, max at most; the same. */
bool fault_add_texts(cJSON *json, const char *name, const struct fault_text *texts, size_t max, const char *language);

/* Methods of org.tilld1.Diagnostics, for the table in diagnostics.c; fault-codes.c. */
int fault_call_list_codes(sd_bus_message *m, void *userdata, sd_bus_error *error);
int fault_call_get_figures(sd_bus_message *m, void *userdata, sd_bus_error *error);
