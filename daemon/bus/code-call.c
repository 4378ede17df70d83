// SPDX-License-Identifier: LGPL-2.1-or-later
#include "bus/code-call.h"

#include "bus/authority.h"
#include "bus/error.h"

struct code_call {
        struct server *server;
        sd_bus_message *message;
        code_call_act_t act;
        char by[AUTHORITY_NAME_MAX];
};

struct code_call *code_call_free(struct code_call *c) {
        if (!c)
                return NULL;
        sd_bus_message_unref(c->message);
        free(c);
        return NULL;
}

static void checked(const struct refusal *refusal, const char *number, void *userdata) {
        _cleanup_(sd_bus_error_free) sd_bus_error error = SD_BUS_ERROR_NULL;
        _cleanup_(code_call_freep) struct code_call *c = userdata;
        struct refusal own = {};

        if (!refusal && c->act && c->act(c->server, c->message, number, &own) < 0)
                refusal = &own;
        /* Who called may be gone by now; it is done all the same. */
        if (!refusal) {
                operators_changed(c->server);
                (void) sd_bus_reply_method_return(c->message, "");
                return;
        }
        (void) bus_error_set_refusal(&error, refusal);
        (void) sd_bus_reply_method_error(c->message, &error);
}

int code_call_new(struct server *s, sd_bus_message *m, int fd, code_call_act_t act, struct code_call **ret,
                  struct operators_call *ret_call) {
        _cleanup_(code_call_freep) struct code_call *c = calloc(1, sizeof(*c));
        int r;

        if (!c)
                return -ENOMEM;
        r = authority_name_sender(m, c->by);
        if (r < 0)
                return r;
        c->server = s;
        c->message = sd_bus_message_ref(m);
        c->act = act;
        *ret_call = (struct operators_call){ .fd = fd, .by = c->by, .done = checked, .userdata = c };
        *ret = TAKE_PTR(c);
        return 0;
}

int code_call_return(struct code_call **c, int r, const struct refusal *refusal, sd_bus_error *error) {
        if (r < 0)
                return bus_error_set_refusal(error, refusal);
        TAKE_PTR(*c);
        return 1;
}
