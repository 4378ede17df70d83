// SPDX-License-Identifier: LGPL-2.1-or-later
#include <inttypes.h>

#include "base/log.h"
#include "base/macro.h"
#include "bus/authority.h"

/* The person may be asked for a password: as long as polkit's own agents give them. */
#define ANSWER_TIMEOUT_USEC (120 * UINT64_C(1000000))

struct question {
        sd_bus_message *call;
        char *action;
        sd_bus_message_handler_t act; /* once authorized; or, when NULL, … */
        authority_decided_t decided;  /* … in any case */
        void *userdata;
};

static struct question *question_free(struct question *q) {
        if (!q)
                return NULL;
        sd_bus_message_unref(q->call);
        free(q->action);
        free(q);
        return NULL;
}
DEFINE_CLEANUP(struct question *, question_free);

static void question_destroy(void *userdata) {
        question_free(userdata);
}

/* The caller's arguments are read from their beginning. */
static int go_on(struct question *q, bool authorized, sd_bus_error *error) {
        int r = sd_bus_message_rewind(q->call, true);

        if (r < 0)
                return r;
        return q->act ? q->act(q->call, q->userdata, error) : q->decided(q->call, authorized, q->userdata, error);
}

static int denied(struct question *q, bool challenge, sd_bus_error *error) {
        if (!q->act)
                return go_on(q, false, error);
        return sd_bus_reply_method_errorf(
                q->call, SD_BUS_ERROR_ACCESS_DENIED, "%s: not authorized%s (polkit action %s)",
                sd_bus_message_get_member(q->call),
                challenge ? N_("; call again with interactive authorization allowed, or ask an administrator") : "",
                q->action);
}

static int question_decide(struct question *q, sd_bus_message *answer, sd_bus_error *error) {
        int authorized, challenge, r;

        if (sd_bus_message_is_method_error(answer, NULL)) {
                log_warning("polkit does not answer about %s: %s", q->action,
                            strna(sd_bus_message_get_error(answer)->message));
                return denied(q, false, error);
        }

        r = sd_bus_message_enter_container(answer, 'r', "bba{ss}");
        if (r < 0)
                return r;
        r = sd_bus_message_read(answer, "bb", &authorized, &challenge);
        if (r < 0)
                return r;
        if (!authorized)
                return denied(q, challenge, error);
        return go_on(q, true, error);
}

static int question_answered(sd_bus_message *answer, void *userdata, sd_bus_error *ret_error) {
        _cleanup_(sd_bus_error_free) sd_bus_error error = SD_BUS_ERROR_NULL;
        struct question *q = userdata;
        int r;

        r = question_decide(q, answer, &error);
        if (r < 0)
                (void) sd_bus_reply_method_errno(q->call, r, &error);
        return 1;
}

int authority_sender_uid(sd_bus_message *m, uid_t *ret) {
        _cleanup_(sd_bus_creds_unrefp) sd_bus_creds *creds = NULL;
        int r;

        r = sd_bus_query_sender_creds(m, SD_BUS_CREDS_EUID, &creds);
        if (r < 0)
                return r;
        return sd_bus_creds_get_euid(creds, ret);
}

void authority_name_uid(uid_t uid, char ret[static AUTHORITY_NAME_MAX]) {
        (void) snprintf(ret, AUTHORITY_NAME_MAX, "uid %" PRIu32, (uint32_t) uid);
}

int authority_name_sender(sd_bus_message *m, char ret[static AUTHORITY_NAME_MAX]) {
        uid_t uid;
        int r;

        r = authority_sender_uid(m, &uid);
        if (r < 0)
                return r;
        authority_name_uid(uid, ret);
        return 0;
}

static int sender_is_root(sd_bus_message *m) {
        uid_t uid;
        int r;

        r = authority_sender_uid(m, &uid);
        return r < 0 ? r : uid == 0;
}

static int ask(sd_bus_message *m, const char *action, const struct question *then, sd_bus_error *error) {
        _cleanup_(question_freep) struct question *q = NULL;
        _cleanup_(sd_bus_slot_unrefp) sd_bus_slot *slot = NULL;
        _cleanup_(sd_bus_message_unrefp) sd_bus_message *check = NULL;
        int interactive, r;

        q = calloc(1, sizeof(*q));
        if (!q)
                return -ENOMEM;
        *q = *then;
        q->call = sd_bus_message_ref(m);
        q->action = strdup(action);
        if (!q->action)
                return -ENOMEM;

        interactive = sd_bus_message_get_allow_interactive_authorization(m);
        if (interactive < 0)
                return interactive;

        r = sd_bus_message_new_method_call(sd_bus_message_get_bus(m), &check, "org.freedesktop.PolicyKit1",
                                           "/org/freedesktop/PolicyKit1/Authority",
                                           "org.freedesktop.PolicyKit1.Authority", "CheckAuthorization");
        if (r < 0)
                return r;
        r = sd_bus_message_append(check, "(sa{sv})sa{ss}us", "system-bus-name", 1, "name", "s",
                                  sd_bus_message_get_sender(m), action, 0, (uint32_t) (interactive ? 1 : 0), "");
        if (r < 0)
                return r;
        r = sd_bus_call_async(sd_bus_message_get_bus(m), &slot, check, question_answered, q, ANSWER_TIMEOUT_USEC);
        if (r < 0)
                return r;

        /* The slot now owns the question and frees it after the answer, or with the bus. */
        (void) sd_bus_slot_set_destroy_callback(slot, question_destroy);
        TAKE_PTR(q);
        (void) sd_bus_slot_set_floating(slot, true);
        return 1;
}

int authority_check(sd_bus_message *m, const char *action, sd_bus_message_handler_t act, void *userdata,
                    sd_bus_error *error) {
        int r = sender_is_root(m);

        if (r < 0)
                return r;
        if (r > 0)
                return act(m, userdata, error);
        return ask(m, action, &(struct question){ .act = act, .userdata = userdata }, error);
}

int authority_ask(sd_bus_message *m, const char *action, authority_decided_t decided, void *userdata,
                  sd_bus_error *error) {
        int r = sender_is_root(m);

        if (r < 0)
                return r;
        if (r > 0)
                return decided(m, true, userdata, error);
        return ask(m, action, &(struct question){ .decided = decided, .userdata = userdata }, error);
}
