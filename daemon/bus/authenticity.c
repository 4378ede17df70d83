// SPDX-License-Identifier: LGPL-2.1-or-later
/* org.tilld1.Diagnostics: whether the terminal is what it was made to be. Answered when till-verify has looked. */
#include "care/authenticity.h"

#include "bus/authority.h"
#include "bus/error.h"
#include "bus/json.h"
#include "bus/server.h"

struct authenticity_call {
        struct server *server;
        sd_bus_message *message;
        struct authenticity *check;
};

static struct authenticity_call *call_free(struct authenticity_call *c) {
        if (!c)
                return NULL;
        authenticity_free(c->check);
        sd_bus_message_unref(c->message);
        free(c);
        return NULL;
}
DEFINE_CLEANUP(struct authenticity_call *, call_free);

void authenticity_end_call(struct server *s) {
        s->authenticity = call_free(s->authenticity);
}

static void on_done(int error, cJSON *json, void *userdata) {
        _cleanup_(call_freep) struct authenticity_call *c = userdata;
        _cleanup_(cJSON_Deletep) cJSON *document = json;

        c->server->authenticity = NULL;
        if (error >= 0)
                error = json_reply(c->message, document);
        if (error < 0)
                (void) sd_bus_reply_method_errno(c->message, error, NULL);
}

static int check(sd_bus_message *m, void *userdata, sd_bus_error *error) {
        _cleanup_(call_freep) struct authenticity_call *c = NULL;
        struct server *s = userdata;
        struct refusal refusal;
        int r;

        if (s->authenticity) {
                (void) refusal_set(&refusal, REFUSAL_BUSY,
                                   "The terminal's authenticity is being checked for somebody else: call again in a "
                                   "minute");
                return bus_error_set_refusal(error, &refusal);
        }
        c = calloc(1, sizeof(*c));
        if (!c)
                return -ENOMEM;
        c->server = s;
        c->message = sd_bus_message_ref(m);
        r = authenticity_start(s->engine, s->faults, on_done, c, &c->check);
        if (r < 0)
                return r;
        s->authenticity = TAKE_PTR(c);
        return 1;
}

int authenticity_call_check(sd_bus_message *m, void *userdata, sd_bus_error *error) {
        return authority_check(m, "org.tilld1.diagnose", check, userdata, error);
}
