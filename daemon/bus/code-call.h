/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* A method call with a code: kept until the code has been checked, then answered. */

#include "bus/server.h"

struct code_call;

/* What the right code is for, or NULL for nothing more; number is the operator's. Negative with *ret set. */
typedef int (*code_call_act_t)(struct server *s, sd_bus_message *m, const char *number, struct refusal *ret);

/* *ret_call is for operators_…(), with fd; its done frees this. */
int code_call_new(struct server *s, sd_bus_message *m, int fd, code_call_act_t act, struct code_call **ret,
                  struct operators_call *ret_call);
/* For the method's handler to return, with what operators_…() has said: the answer comes later, or is a refusal. */
int code_call_return(struct code_call **c, int r, const struct refusal *refusal, sd_bus_error *error);
struct code_call *code_call_free(struct code_call *c);
DEFINE_CLEANUP(struct code_call *, code_call_free);
