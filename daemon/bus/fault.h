/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* org.tilld1.Fault: an object for each fault, for who has nothing but busctl. */

#include "bus/json.h"
#include "bus/server.h"

int faults_register(struct server *s);
/* One has opened or ended. */
void faults_told(struct server *s, const struct fault_record *record);
/* Somebody takes care of it. */
void faults_acknowledged(struct server *s, int64_t id);

/* All of a fault, its sentences in "zh_CN" or English; false without memory. */
bool fault_add_json(struct server *s, cJSON *json, const struct fault_record *record, const char *language);
