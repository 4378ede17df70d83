// SPDX-License-Identifier: LGPL-2.1-or-later
#include "bus/code-call.h"

#include "bus/authority.h"
#include "bus/error.h"
#include "transaction/secret-line.h"

/* Kept until the code has been checked, then answered. */
struct code_call {
        struct server *server;
        sd_bus_message *message;
        code_call_act_t act; /* NULL where that has been all, and may have changed who is logged on */
        const char *action;  /* a constant: that the code stands for, NULL for none */
        char by[AUTHORITY_NAME_MAX];

        code_call_take_t take; /* instead of act, with what the line says */
        struct code_subject subject;
        uid_t uid; /* who called */
        struct secret_line *line;
        struct code_call *next; /* of those that wait for their line */
};

static struct code_call *code_call_free(struct code_call *c) {
        if (!c)
                return NULL;
        secret_line_free(c->line);
        sd_bus_message_unref(c->message);
        free(c);
        return NULL;
}
DEFINE_CLEANUP(struct code_call *, code_call_free);

/* A wrong code may have locked somebody, an administrator's may have ended that. */
static void look_for_faults(struct server *s) {
        if (s->faults)
                faults_kick(s->faults);
}

static int do_act(struct server *s, sd_bus_message *m, code_call_act_t act, const char *by, sd_bus_error *error) {
        _cleanup_(sd_bus_message_unrefp) sd_bus_message *reply = NULL;
        struct refusal refusal = {};
        int r;

        r = sd_bus_message_rewind(m, true);
        if (r >= 0)
                r = sd_bus_message_new_method_return(m, &reply);
        if (r >= 0 && act)
                r = act(s, m, by, reply, &refusal);
        else if (!act)
                operators_changed(s);
        if (r < 0)
                return refusal.code ? bus_error_set_refusal(error, &refusal) : r;
        return sd_bus_send(NULL, reply, NULL);
}

int code_call_now(struct server *s, sd_bus_message *m, code_call_act_t act, sd_bus_error *error) {
        char by[AUTHORITY_NAME_MAX];
        int r;

        r = authority_name_sender(m, by);
        look_for_faults(s);
        return r < 0 ? r : do_act(s, m, act, by, error);
}

static int refuse(const struct code_call *c, const struct refusal *refusal, sd_bus_error *error) {
        if (c->action && refusal->code == REFUSAL_WRONG_ROLE)
                return sd_bus_error_setf(error, SD_BUS_ERROR_ACCESS_DENIED,
                                         "%s: not authorized (a supervisor's code, or polkit action %s): %s",
                                         sd_bus_message_get_member(c->message), c->action, refusal->text);
        return bus_error_set_refusal(error, refusal);
}

/* Who called may be gone by now; it is done all the same. */
static void checked(const struct refusal *refusal, const char *number, void *userdata) {
        _cleanup_(sd_bus_error_free) sd_bus_error error = SD_BUS_ERROR_NULL;
        _cleanup_(code_call_freep) struct code_call *c = userdata;
        int r;

        look_for_faults(c->server);
        r = refusal ? refuse(c, refusal, &error) : do_act(c->server, c->message, c->act, number, &error);
        if (r < 0)
                (void) sd_bus_reply_method_errno(c->message, r, &error);
}

static int code_call_new(struct server *s, sd_bus_message *m, struct code_call **ret) {
        _cleanup_(code_call_freep) struct code_call *c = calloc(1, sizeof(*c));
        int r;

        if (!c)
                return -ENOMEM;
        r = authority_name_sender(m, c->by);
        if (r < 0)
                return r;
        c->server = s;
        c->message = sd_bus_message_ref(m);
        *ret = TAKE_PTR(c);
        return 0;
}

int code_call_supervisor(struct operators *o, struct operators_call *call, const char *first, const char *second,
                         struct refusal *ret) {
        return operators_check(o, call, OPERATOR_SUPERVISOR, ret);
}

int code_call_administrator(struct operators *o, struct operators_call *call, const char *first, const char *second,
                            struct refusal *ret) {
        return operators_check(o, call, OPERATOR_ADMINISTRATOR, ret);
}

/* Up to the fd, which is the last argument; no more than the first strings are looked at before the code is right. */
static int read_fd(sd_bus_message *m, const char *words[static 2], int *ret_fd) {
        const char *signature = sd_bus_message_get_signature(m, true);
        _cleanup_free_ char *rest = NULL;
        unsigned n = 0;
        int r = 0;

        for (; r >= 0 && *signature == 's' && n < 2; signature++)
                r = sd_bus_message_read(m, "s", words + n++);
        if (r < 0)
                return r;
        rest = strndup(signature, strlen(signature) - 1);
        if (!rest)
                return -ENOMEM;
        if (*rest)
                r = sd_bus_message_skip(m, rest);
        return r < 0 ? r : sd_bus_message_read(m, "h", ret_fd);
}

static int start(struct server *s, sd_bus_message *m, code_call_begin_t begin, const char *action, code_call_act_t act,
                 sd_bus_error *error) {
        _cleanup_(code_call_freep) struct code_call *c = NULL;
        struct operators_call call = { .done = checked };
        const char *words[2] = {};
        struct refusal refusal;
        int r;

        r = read_fd(m, words, &call.fd);
        if (r >= 0)
                r = code_call_new(s, m, &c);
        if (r < 0)
                return r;
        c->act = act;
        c->action = action;
        call.by = c->by;
        call.userdata = c;
        r = begin(engine_operators(s->engine), &call, words[0], words[1], &refusal);
        if (r < 0)
                return bus_error_set_refusal(error, &refusal);
        TAKE_PTR(c);
        return 1;
}

int code_call(struct server *s, sd_bus_message *m, code_call_begin_t begin, code_call_act_t act, sd_bus_error *error) {
        return start(s, m, begin, NULL, act, error);
}

int code_call_instead(struct server *s, sd_bus_message *m, const char *action, code_call_act_t act,
                      sd_bus_error *error) {
        return start(s, m, code_call_supervisor, action, act, error);
}

/* ---- Codes that are no operator's ---- */

/* Of one user: as many as anybody has a use for at a time. */
#define WAITING_MAX 4

static void forget(struct code_call *c) {
        struct code_call **p = &c->server->code_calls;

        while (*p != c)
                p = &(*p)->next;
        *p = c->next;
        code_call_free(c);
}

static int take_line(struct code_call *c, int result, const char *line, struct refusal *ret) {
        int r;

        if (result == -ETIMEDOUT)
                return refusal_set(ret, REFUSAL_INVALID_CODE,
                                   "No code came within five seconds: write the line before you call");
        if (result < 0)
                return refusal_set(ret, REFUSAL_INVALID_CODE, "A code is one line of digits");
        r = sd_bus_message_rewind(c->message, true);
        return r < 0 ? r : c->take(c->server, c->message, &c->subject, line, ret);
}

/* r: how it went. */
static void end(struct code_call *c, int r, const struct refusal *refusal) {
        _cleanup_(sd_bus_error_free) sd_bus_error error = SD_BUS_ERROR_NULL;

        if (r < 0 && refusal->code)
                r = bus_error_set_refusal(&error, refusal);
        if (r < 0)
                (void) sd_bus_reply_method_errno(c->message, r, &error);
        else
                (void) sd_bus_reply_method_return(c->message, "");
        forget(c);
}

static void on_line(int result, const char *line, void *userdata) {
        struct code_call *c = userdata;
        struct refusal refusal = {};
        int r;

        r = take_line(c, result, line, &refusal);
        end(c, r, &refusal);
}

/* Who fills pipes with nothing loses the oldest of his own, and keeps nobody else out. */
static void make_room(struct server *s, uid_t uid) {
        struct code_call *oldest = NULL;
        struct refusal refusal;
        unsigned n = 0;
        int r;

        for (struct code_call *c = s->code_calls; c; c = c->next)
                if (c->uid == uid) {
                        oldest = c;
                        n++;
                }
        if (n < WAITING_MAX)
                return;
        r = refusal_set(&refusal, REFUSAL_BUSY,
                        "%d later codes of yours are waited for: write the line before you call", WAITING_MAX);
        end(oldest, r, &refusal);
}

static int listen_for_line(struct code_call *c, int fd, struct refusal *ret) {
        int r;

        r = secret_line_new(engine_loop(c->server->engine), fd, 1, on_line, c, &c->line);
        if (r < 0)
                return refusal_set(ret, REFUSAL_INVALID_CODE,
                                   "The code cannot be read (%s): pass the reading end of a pipe, or a memfd",
                                   strerror(-r));
        return 0;
}

int code_call_take(struct server *s, sd_bus_message *m, code_call_take_t take, const struct code_subject *subject,
                   sd_bus_error *error) {
        _cleanup_(code_call_freep) struct code_call *c = NULL;
        const char *words[2] = {};
        struct refusal refusal;
        int fd, r;

        r = read_fd(m, words, &fd);
        if (r >= 0)
                r = code_call_new(s, m, &c);
        if (r >= 0)
                r = authority_sender_uid(m, &c->uid);
        if (r < 0)
                return r;
        c->take = take;
        c->subject = *subject;
        r = listen_for_line(c, fd, &refusal);
        if (r < 0)
                return bus_error_set_refusal(error, &refusal);
        make_room(s, c->uid);
        c->next = s->code_calls;
        s->code_calls = TAKE_PTR(c);
        return 1;
}

void code_call_end_all(struct server *s) {
        while (s->code_calls)
                forget(s->code_calls);
}
