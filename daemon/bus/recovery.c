// SPDX-License-Identifier: LGPL-2.1-or-later
/* org.tilld1.Diagnostics: what is plugged in, why it is of no use, and how it is brought back. */
#include "base/log.h"
#include "bus/authority.h"
#include "bus/code-call.h"
#include "bus/error.h"
#include "bus/json.h"
#include "bus/report.h"
#include "device/recover.h"

#define LISTED 50
/* till-recover looks at one after the other; who asks more is told to wait. */
#define PROBES_MAX 2

/* ---- Probe ---- */

struct probe_call {
        struct probe_call *next;
        struct server *server;
        sd_bus_message *message;
        struct recover_call *call;
};

static struct probe_call *call_free(struct probe_call *c) {
        if (!c)
                return NULL;
        recover_call_free(c->call);
        sd_bus_message_unref(c->message);
        free(c);
        return NULL;
}
DEFINE_CLEANUP(struct probe_call *, call_free);

void recoveries_end_calls(struct server *s) {
        while (s->probe_calls) {
                struct probe_call *c = s->probe_calls;

                s->probe_calls = c->next;
                call_free(c);
        }
}

static void call_remove(struct probe_call *c) {
        for (struct probe_call **p = &c->server->probe_calls; *p; p = &(*p)->next)
                if (*p == c) {
                        *p = c->next;
                        break;
                }
        call_free(c);
}

/* It comes from a program that has read descriptors: looked at again before it goes on. */
static int reply_document(sd_bus_message *m, int file) {
        _cleanup_(cJSON_Deletep) cJSON *json = NULL;
        _cleanup_free_ char *text = NULL;
        int r;

        r = recover_read_document(file, &text);
        if (r < 0)
                return r;
        json = cJSON_Parse(text);
        if (!cJSON_IsArray(cJSON_GetObjectItemCaseSensitive(json, "Devices")))
                return -EBADMSG;
        return json_reply(m, json);
}

static void probe_done(int error, const char *reason, int file, void *userdata) {
        struct probe_call *c = userdata;

        if (error >= 0) {
                reason = "what was found cannot be read";
                error = reply_document(c->message, file);
        }
        if (error < 0) {
                log_warning_errno(error, "The USB devices cannot be looked at: %s", reason);
                (void) sd_bus_reply_method_errorf(c->message, BUS_ERROR_UNAVAILABLE_DEVICE,
                                                  "The USB devices cannot be looked at (%s): journalctl -u "
                                                  "'till-recover@*' says more",
                                                  reason);
        }
        call_remove(c);
}

static unsigned count_calls(const struct server *s) {
        unsigned n = 0;

        for (const struct probe_call *c = s->probe_calls; c; c = c->next)
                n++;
        return n;
}

static int probe(sd_bus_message *m, void *userdata, sd_bus_error *error) {
        _cleanup_(call_freep) struct probe_call *c = NULL;
        struct server *s = userdata;
        int r;

        if (count_calls(s) >= PROBES_MAX)
                return sd_bus_error_set(error, BUS_ERROR_BUSY, "The USB devices are being looked at: try again then");
        c = calloc(1, sizeof(*c));
        if (!c)
                return -ENOMEM;
        c->server = s;
        c->message = sd_bus_message_ref(m);
        r = recover_start(engine_loop(s->engine), RECOVER_PROBE, "all", probe_done, c, &c->call);
        if (r < 0)
                return r;
        c->next = s->probe_calls;
        s->probe_calls = TAKE_PTR(c);
        return 1;
}

int diagnostics_call_probe(sd_bus_message *m, void *userdata, sd_bus_error *error) {
        return authority_check(m, "org.tilld1.diagnose", probe, userdata, error);
}

/* ---- Recover ---- */

static int do_recover(struct server *s, sd_bus_message *m, const char *by, sd_bus_message *reply,
                      struct refusal *ret) {
        const char *device;
        int r = sd_bus_message_read(m, "s", &device);

        return r < 0 ? r : recovery_ask(s->recovery, device, by, ret);
}

CODE_CALL_PAIR(recover, code_call_supervisor, do_recover)

int diagnostics_call_recover(sd_bus_message *m, void *userdata, sd_bus_error *error) {
        return authority_check(m, "org.tilld1.supervise", recover, userdata, error);
}

int diagnostics_call_recover_with_code(sd_bus_message *m, void *userdata, sd_bus_error *error) {
        return authority_check(m, "org.tilld1.sell", recover_with_code, userdata, error);
}

/* ---- ListRecoveries ---- */

static int add_recovery(const struct recovery_record *record, void *userdata) {
        cJSON *o = cJSON_CreateObject();

        return cJSON_AddItemToArray(userdata, o) && json_add_number(o, "Id", record->id) &&
                               cJSON_AddStringToObject(o, "Device", record->device) &&
                               cJSON_AddStringToObject(o, "Why", record->why) &&
                               cJSON_AddStringToObject(o, "By", record->by) &&
                               json_add_number(o, "Began", (int64_t) record->began_usec) &&
                               json_add_number(o, "Ended", (int64_t) record->ended_usec) &&
                               cJSON_AddStringToObject(o, "Steps", record->steps) &&
                               cJSON_AddStringToObject(o, "Outcome", record->outcome)
                       ? 0
                       : -ENOMEM;
}

int report_add_recoveries(struct server *s, cJSON *list) {
        return recovery_record_each(engine_journal(s->engine), LISTED, add_recovery, list);
}

int diagnostics_call_list_recoveries(sd_bus_message *m, void *userdata, sd_bus_error *error) {
        _cleanup_(cJSON_Deletep) cJSON *json = cJSON_CreateObject();
        cJSON *list = cJSON_AddArrayToObject(json, "Recoveries");
        int r;

        if (!list)
                return -ENOMEM;
        r = report_add_recoveries(userdata, list);
        return r < 0 ? r : json_reply(m, json);
}
