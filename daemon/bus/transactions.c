// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * org.tilld1.Transaction. Its signals go to the starter and to subscribers only, so they are built here
 * and not by sd-bus, which would broadcast them.
 */
#include <inttypes.h>

#include "base/log.h"
#include "bus/authority.h"
#include "bus/code-call.h"
#include "bus/error.h"
#include "bus/server.h"
#include "bus/value.h"
#include "transaction/prompt.h"

#define INTERFACE "org.tilld1.Transaction"

int transaction_path(const struct server *s, int64_t id, char **ret) {
        return asprintf(ret, "%s/%" PRIi64, s->transaction_prefix, id) < 0 ? -ENOMEM : 0;
}

int transaction_path_id(const struct server *s, const char *path, int64_t *ret) {
        const char *text = startswith(path, s->transaction_prefix);
        char canonical[32];
        int64_t id;

        if (!text || *text != '/')
                return -ENOENT;
        errno = 0;
        id = strtoll(text + 1, NULL, 10);
        (void) snprintf(canonical, sizeof(canonical), "%" PRIi64, id);
        /* One object, one path: not also /007. */
        if (errno > 0 || id <= 0 || !streq(canonical, text + 1))
                return -ENOENT;
        *ret = id;
        return 0;
}

/* ---- The values, once for properties, signals and Describe ---- */

/* Types of its own: o is the path of transaction x, "/" for 0; a is a(us), the applications of the view that data is.
 */

static const char *none_is_empty(const char *text) {
        return streq(text, "none") ? "" : text;
}

#define TEXT(name, expression)                                                                                        \
        static struct value get_##name(const struct transaction_view *v) {                                            \
                return VALUE_TEXT(expression);                                                                        \
        }
#define NUMBER(name, t, expression)                                                                                   \
        static struct value get_##name(const struct transaction_view *v) {                                            \
                return VALUE_NUMBER(t, expression);                                                                   \
        }

TEXT(kind, v->record.kind)
NUMBER(amount, 'x', v->record.amount)
TEXT(currency, v->record.currency)
TEXT(reference, v->record.reference)
TEXT(order, v->record.order)
NUMBER(original, 'o', v->record.original)
NUMBER(started, 't', v->record.started_usec)
NUMBER(ended, 't', v->record.finished_usec)
TEXT(state, transaction_state_to_string(v->record.state))
TEXT(prompt, v->prompt)
TEXT(prompt_text, prompt_text(v->prompt, v->language))
TEXT(language, v->language)
TEXT(result, none_is_empty(transaction_result_to_string(v->record.result)))
TEXT(reason, v->record.reason)
TEXT(message, v->record.message)
TEXT(forwarding, forwarding_state_to_string(v->record.forwarding))
TEXT(approver, v->record.approver)
TEXT(reversal, reversal_state_to_string(v->record.reversal))
TEXT(entry_mode, none_is_empty(entry_mode_to_string(v->record.entry)))
TEXT(masked_pan, v->record.masked_pan)
TEXT(application, *v->record.preferred_name ? v->record.preferred_name : v->record.label)
TEXT(aid, v->record.aid)
TEXT(response_code, v->record.response_code)
TEXT(authorization_code, v->record.authorization_code)
TEXT(retrieval_reference, v->record.rrn)
NUMBER(has_balance, 'b', v->record.has_balance)
NUMBER(balance, 'x', v->record.balance)
NUMBER(stan, 'u', v->record.stan)
NUMBER(batch, 'u', v->record.batch)
NUMBER(voucher, 'u', v->record.voucher)
TEXT(operator, v->record.operator_id)
TEXT(printing, print_state_to_string(v->record.print))

static struct value get_applications(const struct transaction_view *v) {
        return (struct value){ .type = 'a', .data = v };
}

static const struct field {
        const char *name;
        struct value (*get)(const struct transaction_view *v);
        bool constant;
} fields[] = {
        { "Kind", get_kind, true },
        { "Amount", get_amount, true },
        { "Currency", get_currency, true },
        { "Reference", get_reference, true },
        { "Order", get_order, true },
        { "Original", get_original, true },
        { "Operator", get_operator, true },
        { "Started", get_started, true },
        { "Ended", get_ended },
        { "State", get_state },
        { "Approver", get_approver },
        { "Prompt", get_prompt },
        { "PromptText", get_prompt_text },
        { "Language", get_language },
        { "Applications", get_applications },
        { "Result", get_result },
        { "Reason", get_reason },
        { "Message", get_message },
        { "Reversal", get_reversal },
        { "Forwarding", get_forwarding },
        { "EntryMode", get_entry_mode },
        { "MaskedPan", get_masked_pan },
        { "Application", get_application },
        { "Aid", get_aid },
        { "ResponseCode", get_response_code },
        { "AuthorizationCode", get_authorization_code },
        { "RetrievalReference", get_retrieval_reference },
        { "HasBalance", get_has_balance },
        { "Balance", get_balance },
        { "Stan", get_stan },
        { "Batch", get_batch },
        { "Voucher", get_voucher },
        { "Printing", get_printing },
};

static const struct field *find_field(const char *name) {
        for (size_t i = 0; i < ELEMENTSOF(fields); i++)
                if (streq(fields[i].name, name))
                        return fields + i;
        return NULL;
}

static const char *signature(struct value v) {
        static const char *const signatures[] = {
                ['a'] = "a(us)", ['b'] = "b", ['o'] = "o", ['s'] = "s", ['t'] = "t", ['u'] = "u", ['x'] = "x"
        };

        return signatures[(unsigned char) v.type];
}

/* Counted from 1, as ChooseApplication() takes them. */
static int append_applications(sd_bus_message *m, const struct transaction_view *v) {
        int r;

        r = sd_bus_message_open_container(m, 'a', "(us)");
        if (r < 0)
                return r;
        for (unsigned i = 0; i < v->n_applications; i++) {
                r = sd_bus_message_append(m, "(us)", i + 1, v->applications[i]);
                if (r < 0)
                        return r;
        }
        return sd_bus_message_close_container(m);
}

int transaction_path_or_root(const struct server *s, int64_t id, char **ret) {
        if (id > 0)
                return transaction_path(s, id, ret);
        *ret = strdup("/");
        return *ret ? 0 : -ENOMEM;
}

static int append_path(sd_bus_message *m, const struct server *s, int64_t id) {
        _cleanup_free_ char *path = NULL;
        int r;

        r = transaction_path_or_root(s, id, &path);
        return r < 0 ? r : sd_bus_message_append_basic(m, 'o', path);
}

static int append_value(sd_bus_message *m, const struct server *s, struct value v) {
        if (v.type == 'a')
                return append_applications(m, v.data);
        if (v.type == 'o')
                return append_path(m, s, v.x);
        return value_append(m, v);
}

static bool same_applications(const struct transaction_view *a, const struct transaction_view *b) {
        return a->n_applications == b->n_applications &&
               memcmp(a->applications, b->applications, sizeof(a->applications)) == 0;
}

static bool same_value(struct value a, struct value b) {
        return a.type == 'a' ? same_applications(a.data, b.data) : value_equal(a, b);
}

static int append_field(sd_bus_message *m, const struct server *s, const struct field *f,
                        const struct transaction_view *v) {
        struct value value = f->get(v);
        int r;

        r = sd_bus_message_open_container(m, 'e', "sv");
        if (r < 0)
                return r;
        r = sd_bus_message_append_basic(m, 's', f->name);
        if (r < 0)
                return r;
        r = sd_bus_message_open_container(m, 'v', signature(value));
        if (r < 0)
                return r;
        r = append_value(m, s, value);
        if (r < 0)
                return r;
        r = sd_bus_message_close_container(m);
        if (r < 0)
                return r;
        return sd_bus_message_close_container(m);
}

/* All fields that differ from before; all there are without a before. */
static int append_fields(sd_bus_message *m, const struct server *s, const struct transaction_view *v,
                         const struct transaction_view *before) {
        int r;

        r = sd_bus_message_open_container(m, 'a', "{sv}");
        if (r < 0)
                return r;
        for (size_t i = 0; i < ELEMENTSOF(fields); i++) {
                if (before && (fields[i].constant || same_value(fields[i].get(v), fields[i].get(before))))
                        continue;
                r = append_field(m, s, fields + i, v);
                if (r < 0)
                        return r;
        }
        return sd_bus_message_close_container(m);
}

/* ---- The object ---- */

static int find(sd_bus *bus, const char *path, const char *interface, void *userdata, void **ret_found,
                sd_bus_error *error) {
        struct server *s = userdata;
        int64_t id;
        int r;

        if (transaction_path_id(s, path, &id) < 0)
                return 0;
        r = engine_view(s->engine, id, &s->looked);
        if (r == -ENOENT)
                return 0;
        if (r < 0)
                return r;
        *ret_found = s;
        return 1;
}

struct listing {
        struct server *server;
        char **nodes;
        size_t n;
};

static int list_one(const struct transaction_record *record, void *userdata) {
        struct listing *l = userdata;
        int r;

        r = transaction_path(l->server, record->id, l->nodes + l->n);
        if (r < 0)
                return r;
        l->n++;
        return 0;
}

/* The last ones; an open one is always among them, for only one runs at a time. */
static int enumerate(sd_bus *bus, const char *prefix, void *userdata, char ***ret_nodes, sd_bus_error *error) {
        struct server *s = userdata;
        struct listing l = { .server = s };
        int r;

        l.nodes = calloc(SERVER_LISTED + 1, sizeof(*l.nodes));
        if (!l.nodes)
                return -ENOMEM;
        r = transaction_record_each_last(engine_journal(s->engine), SERVER_LISTED, list_one, &l);
        if (r < 0) {
                while (l.n-- > 0)
                        free(l.nodes[l.n]);
                free(l.nodes);
                return r;
        }
        *ret_nodes = l.nodes;
        return 0;
}

static int get_property(sd_bus *bus, const char *path, const char *interface, const char *property,
                        sd_bus_message *reply, void *userdata, sd_bus_error *error) {
        struct server *s = userdata;

        return append_value(reply, s, find_field(property)->get(&s->looked));
}

static void add_applications(cJSON *json, const char *name, const struct transaction_view *v) {
        cJSON *array = cJSON_AddArrayToObject(json, name);

        for (unsigned i = 0; i < v->n_applications; i++) {
                cJSON *application = cJSON_CreateObject();

                json_add_number(application, "Number", i + 1);
                cJSON_AddStringToObject(application, "Name", v->applications[i]);
                cJSON_AddItemToArray(array, application);
        }
}

static void add_path(cJSON *json, const char *name, const struct server *s, int64_t id) {
        _cleanup_free_ char *path = NULL;

        if (transaction_path_or_root(s, id, &path) >= 0)
                cJSON_AddStringToObject(json, name, path);
}

static int method_describe(sd_bus_message *m, void *userdata, sd_bus_error *error) {
        _cleanup_(cJSON_Deletep) cJSON *json = cJSON_CreateObject();
        struct server *s = userdata;

        for (size_t i = 0; i < ELEMENTSOF(fields); i++) {
                struct value v = fields[i].get(&s->looked);

                if (v.type == 'a')
                        add_applications(json, fields[i].name, v.data);
                else if (v.type == 'o')
                        add_path(json, fields[i].name, s, v.x);
                else
                        value_add_json(json, fields[i].name, v);
        }
        return json_reply(m, json);
}

#define CONSTANT(name, type) SD_BUS_PROPERTY(name, type, get_property, 0, SD_BUS_VTABLE_PROPERTY_CONST)
#define CHANGING(name, type) SD_BUS_PROPERTY(name, type, get_property, 0, SD_BUS_VTABLE_PROPERTY_EMITS_CHANGE)

static const sd_bus_vtable vtable[] = {
        SD_BUS_VTABLE_START(0),
        SD_BUS_METHOD_WITH_ARGS("Cancel", SD_BUS_NO_ARGS, SD_BUS_NO_RESULT, transaction_call_cancel,
                                SD_BUS_VTABLE_UNPRIVILEGED),
        SD_BUS_METHOD_WITH_ARGS("Approve", SD_BUS_ARGS("h", code), SD_BUS_NO_RESULT, transaction_call_approve,
                                SD_BUS_VTABLE_UNPRIVILEGED),
        SD_BUS_METHOD_WITH_ARGS("ChooseApplication", SD_BUS_ARGS("u", number), SD_BUS_NO_RESULT,
                                transaction_call_choose_application, SD_BUS_VTABLE_UNPRIVILEGED),
        SD_BUS_METHOD_WITH_ARGS("Resolve", SD_BUS_ARGS("s", outcome, "s", note), SD_BUS_NO_RESULT,
                                transaction_call_resolve, SD_BUS_VTABLE_UNPRIVILEGED),
        SD_BUS_METHOD_WITH_ARGS("ResolveWithCode", SD_BUS_ARGS("s", outcome, "s", note, "h", code), SD_BUS_NO_RESULT,
                                transaction_call_resolve_with_code, SD_BUS_VTABLE_UNPRIVILEGED),
        SD_BUS_METHOD_WITH_ARGS("Describe", SD_BUS_NO_ARGS, SD_BUS_RESULT("s", json), method_describe,
                                SD_BUS_VTABLE_UNPRIVILEGED),
        SD_BUS_SIGNAL_WITH_ARGS("Finished", SD_BUS_ARGS("s", result, "s", reason), 0),
        CONSTANT("Kind", "s"),
        CONSTANT("Amount", "x"),
        CONSTANT("Currency", "s"),
        CONSTANT("Reference", "s"),
        CONSTANT("Order", "s"),
        CONSTANT("Original", "o"),
        CONSTANT("Operator", "s"),
        CONSTANT("Started", "t"),
        CHANGING("Ended", "t"),
        CHANGING("State", "s"),
        CHANGING("Approver", "s"),
        CHANGING("Prompt", "s"),
        CHANGING("PromptText", "s"),
        CHANGING("Language", "s"),
        CHANGING("Applications", "a(us)"),
        CHANGING("Result", "s"),
        CHANGING("Reason", "s"),
        CHANGING("Message", "s"),
        CHANGING("Reversal", "s"),
        CHANGING("Forwarding", "s"),
        CHANGING("EntryMode", "s"),
        CHANGING("MaskedPan", "s"),
        CHANGING("Application", "s"),
        CHANGING("Aid", "s"),
        CHANGING("ResponseCode", "s"),
        CHANGING("AuthorizationCode", "s"),
        CHANGING("RetrievalReference", "s"),
        CHANGING("HasBalance", "b"),
        CHANGING("Balance", "x"),
        CHANGING("Stan", "u"),
        CHANGING("Batch", "u"),
        CHANGING("Voucher", "u"),
        CHANGING("Printing", "s"),
        SD_BUS_VTABLE_END,
};

int transactions_register(struct server *s) {
        int r;

        r = sd_bus_add_fallback_vtable(s->bus, NULL, s->transaction_prefix, INTERFACE, vtable, find, s);
        if (r < 0)
                return r;
        return sd_bus_add_node_enumerator(s->bus, NULL, s->transaction_prefix, enumerate, s);
}

/* ---- Signals, to those whom it concerns ---- */

typedef int (*fill_t)(sd_bus_message *m, const struct server *s, const struct transaction_view *v);

static int send_signal(struct server *s, const char *destination, const char *path, const char *interface,
                       const char *member, fill_t fill, const struct transaction_view *v) {
        _cleanup_(sd_bus_message_unrefp) sd_bus_message *m = NULL;
        int r;

        r = sd_bus_message_new_signal(s->bus, &m, path, interface, member);
        if (r < 0)
                return r;
        r = fill(m, s, v);
        if (r < 0)
                return r;
        r = sd_bus_message_set_destination(m, destination);
        if (r < 0)
                return r;
        return sd_bus_send(s->bus, m, NULL);
}

static void send_to(struct server *s, sd_bus_track *track, sd_bus_track *except, const char *path,
                    const char *interface, const char *member, fill_t fill, const struct transaction_view *v) {
        for (const char *name = sd_bus_track_first(track); name; name = sd_bus_track_next(track)) {
                int r;

                if (except && sd_bus_track_contains(except, name))
                        continue;
                r = send_signal(s, name, path, interface, member, fill, v);
                if (r < 0)
                        log_about(LOG_WARNING, r, LOG_ABOUT_TRANSACTION(v->record.id), "%s cannot be told of %s", name,
                                  path);
        }
}

static void send_to_all(struct server *s, const char *path, const char *interface, const char *member, fill_t fill,
                        const struct transaction_view *v) {
        bool started_here = s->started == v->record.id;

        if (started_here)
                send_to(s, s->starter, NULL, path, interface, member, fill, v);
        send_to(s, s->subscribers, started_here ? s->starter : NULL, path, interface, member, fill, v);
}

static int fill_changed(sd_bus_message *m, const struct server *s, const struct transaction_view *v) {
        const struct transaction_view *before = s->told.record.id == v->record.id ? &s->told : NULL;
        int r;

        r = sd_bus_message_append(m, "s", INTERFACE);
        if (r < 0)
                return r;
        r = append_fields(m, s, v, before);
        if (r < 0)
                return r;
        return sd_bus_message_append(m, "as", 0);
}

static int fill_finished(sd_bus_message *m, const struct server *s, const struct transaction_view *v) {
        return sd_bus_message_append(m, "ss", get_result(v).s, v->record.reason);
}

static int append_interface(sd_bus_message *m, const struct server *s, const struct transaction_view *v) {
        int r;

        r = sd_bus_message_open_container(m, 'e', "sa{sv}");
        if (r < 0)
                return r;
        r = sd_bus_message_append(m, "s", INTERFACE);
        if (r < 0)
                return r;
        r = append_fields(m, s, v, NULL);
        if (r < 0)
                return r;
        return sd_bus_message_close_container(m);
}

static int fill_added(sd_bus_message *m, const struct server *s, const struct transaction_view *v) {
        _cleanup_free_ char *path = NULL;
        int r;

        r = transaction_path(s, v->record.id, &path);
        if (r < 0)
                return r;
        r = sd_bus_message_append(m, "o", path);
        if (r < 0)
                return r;
        r = sd_bus_message_open_container(m, 'a', "{sa{sv}}");
        if (r < 0)
                return r;
        r = append_interface(m, s, v);
        if (r < 0)
                return r;
        return sd_bus_message_close_container(m);
}

static int fill_removed(sd_bus_message *m, const struct server *s, const struct transaction_view *v) {
        _cleanup_free_ char *path = NULL;
        int r;

        r = transaction_path(s, v->record.id, &path);
        if (r < 0)
                return r;
        return sd_bus_message_append(m, "oas", path, 1, INTERFACE);
}

struct oldest {
        struct transaction_view view;
        unsigned n;
};

static int note_oldest(const struct transaction_record *record, void *userdata) {
        struct oldest *o = userdata;

        o->view.record = *record;
        o->n++;
        return 0;
}

/* With each new one the oldest leaves the ObjectManager's list; it still answers at its path. */
static void drop_oldest(struct server *s) {
        struct oldest oldest = { .view = TRANSACTION_VIEW_INIT };

        if (transaction_record_each_last(engine_journal(s->engine), SERVER_LISTED + 1, note_oldest, &oldest) < 0 ||
            oldest.n <= SERVER_LISTED)
                return;
        send_to_all(s, SERVER_PATH, "org.freedesktop.DBus.ObjectManager", "InterfacesRemoved", fill_removed,
                    &oldest.view);
}

static bool anything_changed(const struct server *s, const struct transaction_view *v) {
        if (s->told.record.id != v->record.id)
                return true;
        for (size_t i = 0; i < ELEMENTSOF(fields); i++)
                if (!same_value(fields[i].get(v), fields[i].get(&s->told)))
                        return true;
        return false;
}

/* The newest transaction's signals go to who is calling now; nobody is, where tilld has started it by itself. */
static void follow_starter(struct server *s, int64_t id) {
        int r;

        s->started = s->call ? id : 0;
        if (!s->call)
                return;
        r = server_follow_sender(s, s->call, &s->starter);
        if (r < 0)
                log_transaction_warning_errno(id, r, "its starter has no signals");
}

void transactions_changed(struct server *s, const struct transaction_view *v, enum transaction_event event) {
        _cleanup_free_ char *path = NULL;

        if (!s->engine || transaction_path(s, v->record.id, &path) < 0)
                return;

        switch (event) {
        case TRANSACTION_ADDED:
                follow_starter(s, v->record.id);
                send_to_all(s, SERVER_PATH, "org.freedesktop.DBus.ObjectManager", "InterfacesAdded", fill_added, v);
                drop_oldest(s);
                break;
        case TRANSACTION_CHANGED:
                if (!anything_changed(s, v))
                        return;
                send_to_all(s, path, "org.freedesktop.DBus.Properties", "PropertiesChanged", fill_changed, v);
                break;
        case TRANSACTION_FINISHED:
                send_to_all(s, path, INTERFACE, "Finished", fill_finished, v);
                return;
        }
        s->told = *v;
        devices_armed_changed(s);
}
