/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* A method call that is done in somebody's name: its caller's, or that of an operator whose code came with it. */

#include "bus/server.h"

/*
 * What it does, with the message at its first argument; by is "uid 1000" or the operator's number. What it answers
 * is appended to reply. Negative with *ret set, or with its code left alone for an error of the message.
 */
typedef int (*code_call_act_t)(struct server *s, sd_bus_message *m, const char *by, sd_bus_message *reply,
                               struct refusal *ret);

/* These are for the method's handler to return. */

/* At once, in the caller's name. */
int code_call_now(struct server *s, sd_bus_message *m, code_call_act_t act, sd_bus_error *error);
/*
 * When the code of the fd is right, which is the last argument: begin() hands the first strings before it to one of
 * operators_…(), and act is what comes then, or NULL.
 */
typedef int (*code_call_begin_t)(struct operators *o, struct operators_call *call, const char *first,
                                 const char *second, struct refusal *ret);
int code_call(struct server *s, sd_bus_message *m, code_call_begin_t begin, code_call_act_t act, sd_bus_error *error);
/* Of a method and its twin: what act does in the caller's name, and in that of whose code comes with the call. */
#define CODE_CALL_PAIR(name, whose, act)                                                                              \
        static int name(sd_bus_message *m, void *userdata, sd_bus_error *error) {                                     \
                return code_call_now(userdata, m, act, error);                                                        \
        }                                                                                                             \
        static int name##_with_code(sd_bus_message *m, void *userdata, sd_bus_error *error) {                         \
                return code_call(userdata, m, whose, act, error);                                                     \
        }
/* Of a supervisor, or an administrator, and of nobody less. */
int code_call_supervisor(struct operators *o, struct operators_call *call, const char *first, const char *second,
                         struct refusal *ret);
int code_call_administrator(struct operators *o, struct operators_call *call, const char *first, const char *second,
                            struct refusal *ret);
/*
 * With the code of a supervisor in place of a polkit action that the caller may not have: whoever is less than that
 * is answered with AccessDenied, which names the action.
 */
int code_call_instead(struct server *s, sd_bus_message *m, const char *action, code_call_act_t act,
                      sd_bus_error *error);

/* What a code was for when it was called with it: the line may come seconds later. */
struct code_subject {
        int64_t change; /* of the bound phone, that was the newest; 0: there was none */
        bool led;       /* by the caller, who needed no other right */
};
/*
 * With a code that is no operator's, one line of the fd that is the last argument; act as above, and code is wiped
 * when it returns. Of one user only so many are waited for: a later call ends his oldest with Busy.
 */
typedef int (*code_call_take_t)(struct server *s, sd_bus_message *m, const struct code_subject *subject,
                                const char *code, struct refusal *ret);
int code_call_take(struct server *s, sd_bus_message *m, code_call_take_t take, const struct code_subject *subject,
                   sd_bus_error *error);
/* What waits for such a line is forgotten, without an answer. */
void code_call_end_all(struct server *s);
