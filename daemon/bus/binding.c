// SPDX-License-Identifier: LGPL-2.1-or-later
/* org.tilld1.Binding: the merchant's phone, and its change. contacts.c has the methods about people and notices. */
#include "base/log.h"
#include "bus/authority.h"
#include "bus/binding-call.h"
#include "bus/error.h"
#include "bus/value.h"
#include "journal/notice.h"

#define INTERFACE "org.tilld1.Binding"

/* ---- The values, once for properties and for Describe ---- */

struct binding_shown {
        struct binding_view view;
        char phone[PHONE_SIZE], new_phone[PHONE_SIZE]; /* masked */
        int pending;
};

static int look(struct server *s, struct binding_shown *ret) {
        int r;

        r = binding_get_view(s->binding, &ret->view);
        if (r < 0)
                return r;
        ret->pending = notice_record_count_queued(engine_journal(s->engine));
        if (ret->pending < 0)
                return ret->pending;
        phone_mask(ret->view.current.phone, ret->phone);
        phone_mask(ret->view.rebind.phone, ret->new_phone);
        explicit_bzero(ret->view.current.phone, PHONE_SIZE);
        explicit_bzero(ret->view.rebind.phone, PHONE_SIZE);
        return 0;
}

static const char *step_text(const struct rebind_record *record) {
        return record->id > 0 ? rebind_step_to_string(record->step) : "";
}

static const char *failed_text(const struct rebind_record *record) {
        return record->id > 0 && record->step == REBIND_ROLLED_BACK ? rebind_step_to_string(record->failed) : "";
}

/* What will end it stands in the record before it has. */
static const char *reason_text(const struct rebind_record *record) {
        return record->step == REBIND_ROLLED_BACK ? record->reason : "";
}

static const char *kind_text(const struct rebind_record *record) {
        return record->id > 0 ? rebind_kind_to_string(record->kind) : "";
}

#define TEXT(name, expression)                                                                                        \
        static struct value get_##name(const struct binding_shown *o) {                                               \
                return VALUE_TEXT(expression);                                                                        \
        }
#define NUMBER(name, t, expression)                                                                                   \
        static struct value get_##name(const struct binding_shown *o) {                                               \
                return VALUE_NUMBER(t, expression);                                                                   \
        }

TEXT(phone, o->phone)
TEXT(serial, o->view.current.serial)
TEXT(terminal, o->view.current.terminal)
NUMBER(since, 't', o->view.current.since_usec)
TEXT(by, o->view.current.by)
NUMBER(change, 'x', o->view.rebind.id)
TEXT(kind, kind_text(&o->view.rebind))
TEXT(step, step_text(&o->view.rebind))
TEXT(failed, failed_text(&o->view.rebind))
TEXT(reason, reason_text(&o->view.rebind))
TEXT(new_phone, o->new_phone)
NUMBER(until, 't', o->view.until_usec)
NUMBER(resend, 't', o->view.resend_usec)
NUMBER(old_given, 'b', o->view.rebind.old_given)
NUMBER(new_given, 'b', o->view.rebind.new_given)
NUMBER(old_tries, 'u', o->view.old_tries)
NUMBER(new_tries, 'u', o->view.new_tries)
NUMBER(sending, 'b', o->view.sending)
TEXT(message, o->view.message)
TEXT(next_step, o->view.next_step)
TEXT(backup, o->view.rebind.backup)
NUMBER(pending, 'u', o->pending)

static const struct field {
        const char *name;
        struct value (*get)(const struct binding_shown *o);
} fields[] = {
        { "Phone", get_phone },
        { "Serial", get_serial },
        { "TerminalNumber", get_terminal },
        { "Since", get_since },
        { "By", get_by },
        { "Change", get_change },
        { "ChangeKind", get_kind },
        { "Step", get_step },
        { "FailedStep", get_failed },
        { "Reason", get_reason },
        { "NewPhone", get_new_phone },
        { "Until", get_until },
        { "ResendAt", get_resend },
        { "OldCodeGiven", get_old_given },
        { "NewCodeGiven", get_new_given },
        { "OldTries", get_old_tries },
        { "NewTries", get_new_tries },
        { "Sending", get_sending },
        { "Message", get_message },
        { "NextStep", get_next_step },
        { "Backup", get_backup },
        { "PendingNotices", get_pending },
};

/* Of the change that is the newest, or the phone that is bound. */
static int refuse_unreadable(struct refusal *ret) {
        return refusal_set(ret, REFUSAL_NOT_READY,
                           "The bound phone cannot be read: tillctl journal verify says what is damaged");
}

static int get_property(sd_bus *bus, const char *path, const char *interface, const char *property,
                        sd_bus_message *reply, void *userdata, sd_bus_error *error) {
        struct binding_shown shown;
        struct refusal refusal;
        int r;

        r = look(userdata, &shown);
        if (r == -EBADMSG) {
                (void) refuse_unreadable(&refusal);
                return bus_error_set_refusal(error, &refusal);
        }
        for (size_t i = 0; r >= 0 && i < ELEMENTSOF(fields); i++)
                if (streq(fields[i].name, property))
                        return value_append(reply, fields[i].get(&shown));
        return r < 0 ? r : -ENOENT;
}

static int do_describe(struct server *s, sd_bus_message *m, const char *by, sd_bus_message *reply,
                       struct refusal *ret) {
        _cleanup_(cJSON_Deletep) cJSON *json = cJSON_CreateObject();
        _cleanup_free_ char *text = NULL;
        struct binding_shown shown;
        int r;

        r = look(s, &shown);
        if (r < 0)
                return r == -EBADMSG ? refuse_unreadable(ret) : r;
        for (size_t i = 0; i < ELEMENTSOF(fields); i++)
                value_add_json(json, fields[i].name, fields[i].get(&shown));
        text = cJSON_Print(json);
        return text ? sd_bus_message_append(reply, "s", text) : -ENOMEM;
}

/* ---- A change ---- */

/* Who began it, or took it up, leads it. */
static int led_by(struct server *s, sd_bus_message *m, int64_t id, sd_bus_message *reply) {
        int r;

        r = server_follow_sender(s, m, &s->leader);
        if (r < 0)
                log_warning_errno(r, "Change %lld of the phone is led by nobody; Binding.TakeUp mends that",
                                  (long long) id);
        return sd_bus_message_append(reply, "x", id);
}

static int begin(struct server *s, sd_bus_message *m, enum rebind_kind kind, const char *by, sd_bus_message *reply,
                 struct refusal *ret) {
        struct binding_call call = { .kind = kind, .by = by };
        int64_t id;
        int r;

        r = sd_bus_message_read(m, "sss", &call.serial, &call.terminal, &call.phone);
        if (r < 0)
                return r;
        r = binding_begin(s->binding, &call, &id, ret);
        return r < 0 ? r : led_by(s, m, id, reply);
}

static int do_begin(struct server *s, sd_bus_message *m, const char *by, sd_bus_message *reply, struct refusal *ret) {
        return begin(s, m, REBIND_CHANGE, by, reply, ret);
}

static int do_begin_lost(struct server *s, sd_bus_message *m, const char *by, sd_bus_message *reply,
                         struct refusal *ret) {
        return begin(s, m, REBIND_LOST, by, reply, ret);
}

static int do_take_up(struct server *s, sd_bus_message *m, const char *by, sd_bus_message *reply,
                      struct refusal *ret) {
        int64_t id;
        int r = binding_take_up(s->binding, by, &id, ret);

        return r < 0 ? r : led_by(s, m, id, reply);
}

static int do_send_codes(struct server *s, sd_bus_message *m, const char *by, sd_bus_message *reply,
                         struct refusal *ret) {
        return binding_send_codes(s->binding, by, ret);
}

static int do_cancel(struct server *s, sd_bus_message *m, const char *by, sd_bus_message *reply, struct refusal *ret) {
        return binding_cancel(s->binding, by, ret);
}

static bool leads(const struct server *s, sd_bus_message *m) {
        const char *sender = sd_bus_message_get_sender(m);

        return s->leader && sender && sd_bus_track_contains(s->leader, sender);
}

/* Which change a code is for, and by what right. */
static int look_subject(struct server *s, sd_bus_message *m, struct code_subject *ret) {
        struct binding_view view;
        int r;

        r = binding_get_view(s->binding, &view);
        if (r < 0)
                return r;
        *ret = (struct code_subject){ .change = view.rebind.id, .led = leads(s, m) };
        explicit_bzero(&view, sizeof(view));
        return 0;
}

/* What was so at the call has to be when the line comes: the code of one change is none of the next. */
static int check_subject(struct server *s, sd_bus_message *m, const struct code_subject *subject,
                         struct refusal *ret) {
        struct code_subject now;
        int r;

        r = look_subject(s, m, &now);
        if (r < 0)
                return r;
        if (now.change != subject->change)
                return refusal_set(ret, REFUSAL_NOT_ASKED,
                                   "Another change has begun since the call: give the code of that one");
        if (subject->led && !now.led)
                return refusal_set(ret, REFUSAL_NOT_ASKED,
                                   "Somebody else has taken up the change since the call: take it up first");
        return 0;
}

static int take_code(struct server *s, sd_bus_message *m, const struct code_subject *subject, const char *code,
                     struct refusal *ret) {
        char by[AUTHORITY_NAME_MAX];
        const char *holder;
        int r;

        r = check_subject(s, m, subject, ret);
        if (r >= 0)
                r = sd_bus_message_read(m, "s", &holder);
        if (r < 0)
                return r;
        if (!streq(holder, "old") && !streq(holder, "new"))
                return refusal_set(ret, REFUSAL_INVALID_CODE,
                                   "A code is that of the \"old\" phone or of the \"new\" one, not of \"%.32s\"",
                                   holder);
        r = authority_name_sender(m, by);
        if (r < 0)
                return r;
        return binding_give_code(s->binding, streq(holder, "old") ? REBIND_OLD_PHONE : REBIND_NEW_PHONE, code, by,
                                 ret);
}

static int take_contact_code(struct server *s, sd_bus_message *m, const struct code_subject *subject, const char *code,
                             struct refusal *ret) {
        char by[AUTHORITY_NAME_MAX];
        int r;

        r = check_subject(s, m, subject, ret);
        if (r >= 0)
                r = authority_name_sender(m, by);
        return r < 0 ? r : binding_cancel_by_contact(s->binding, code, by, ret);
}

/* ---- What was, and what is to be done ---- */

static int append_change(const struct rebind_record *record, void *userdata) {
        sd_bus_message *reply = userdata;
        char phone[PHONE_SIZE];
        const struct value_entry entries[] = {
                { "Id", VALUE_NUMBER('x', record->id) },
                { "Kind", VALUE_TEXT(kind_text(record)) },
                { "Step", VALUE_TEXT(step_text(record)) },
                { "FailedStep", VALUE_TEXT(failed_text(record)) },
                { "Reason", VALUE_TEXT(reason_text(record)) },
                { "Phone", VALUE_TEXT(phone) },
                { "Serial", VALUE_TEXT(record->serial) },
                { "TerminalNumber", VALUE_TEXT(record->terminal) },
                { "By", VALUE_TEXT(record->by) },
                { "Resumes", VALUE_NUMBER('x', record->resumes) },
                { "Started", VALUE_NUMBER('t', record->started_usec) },
                { "Ended", VALUE_NUMBER('t', record->ended_usec) },
                { "Backup", VALUE_TEXT(record->backup) },
                { "BackupDigest", VALUE_TEXT(record->backup_digest) },
                { "Unreadable", VALUE_NUMBER('b', record->unreadable) },
        };

        phone_mask(record->phone, phone);
        return value_append_dictionary(reply, entries, ELEMENTSOF(entries));
}

static int do_get_history(struct server *s, sd_bus_message *m, const char *by, sd_bus_message *reply,
                          struct refusal *ret) {
        int r;

        r = sd_bus_message_open_container(reply, 'a', "a{sv}");
        if (r >= 0)
                r = rebind_record_each(engine_journal(s->engine), append_change, reply);
        return r < 0 ? r : sd_bus_message_close_container(reply);
}

static int do_get_checklist(struct server *s, sd_bus_message *m, const char *by, sd_bus_message *reply,
                            struct refusal *ret) {
        const char *language;
        int r;

        r = sd_bus_message_read(m, "s", &language);
        if (r < 0)
                return r;
        if (!streq(language, "zh_CN") && !streq(language, "en"))
                return refusal_set(ret, REFUSAL_UNKNOWN_OPTION,
                                   "There is a checklist in \"zh_CN\" and in \"en\", none in \"%.32s\"", language);
        return sd_bus_message_append_strv(reply, (char **) binding_checklist(language));
}

/* ---- Who may ---- */

#define REBIND "org.tilld1.rebind"
#define CONTACTS "org.tilld1.contacts"
#define READ "org.tilld1.binding-read"
#define SELL "org.tilld1.sell"

/* Of each with a twin the twin is …WithCode, for whoever sells, with a supervisor's code behind its arguments. */
static const struct method {
        const char *member, *action; /* no action: the code is the authority */
        bool leader;                 /* who leads the change needs no more */
        code_call_act_t act;
        code_call_take_t take; /* instead, with the code of its fd */
} methods[] = {
        { "Begin", REBIND, false, do_begin },
        { "BeginLost", REBIND, false, do_begin_lost },
        { "TakeUp", REBIND, false, do_take_up },
        { "SendCodes", REBIND, true, do_send_codes },
        { "GiveCode", REBIND, true, NULL, take_code },
        { "Cancel", REBIND, true, do_cancel },
        { "CancelWithContactCode", NULL, false, NULL, take_contact_code },
        { "GetHistory", READ, true, do_get_history },
        { "GetChecklist", READ, true, do_get_checklist },
        { "Describe", READ, true, do_describe },
        { "ListContacts", READ, true, contacts_list },
        { "ListNotices", READ, true, contacts_list_notices },
        { "AddContact", CONTACTS, false, contacts_add },
        { "ChangeContact", CONTACTS, false, contacts_change },
        { "RemoveContact", CONTACTS, false, contacts_remove },
        { "SetPreference", CONTACTS, false, contacts_set_preference },
        { "SendTest", CONTACTS, false, contacts_send_test },
        { "AnnounceReplacement", CONTACTS, false, contacts_announce_replacement },
};

/* A twin's is the one that it is a twin of. */
static const struct method *find_method(sd_bus_message *m, bool *ret_twin) {
        const char *member = sd_bus_message_get_member(m);

        for (size_t i = 0; i < ELEMENTSOF(methods); i++) {
                const char *rest = startswith(member, methods[i].member);

                if (!rest || (*rest && !streq(rest, "WithCode")))
                        continue;
                *ret_twin = *rest;
                return methods + i;
        }
        return NULL;
}

static int call_take(struct server *s, sd_bus_message *m, code_call_take_t take, sd_bus_error *error) {
        struct code_subject subject;
        int r;

        r = look_subject(s, m, &subject);
        return r < 0 ? r : code_call_take(s, m, take, &subject, error);
}

static int act(sd_bus_message *m, void *userdata, sd_bus_error *error) {
        const struct method *method;
        bool twin;

        method = find_method(m, &twin);
        if (!method)
                return -EOPNOTSUPP;
        if (method->take)
                return call_take(userdata, m, method->take, error);
        if (twin)
                return code_call_instead(userdata, m, method->action, method->act, error);
        return code_call_now(userdata, m, method->act, error);
}

static int method_any(sd_bus_message *m, void *userdata, sd_bus_error *error) {
        const struct method *method;
        bool twin;

        method = find_method(m, &twin);
        if (!method)
                return -EOPNOTSUPP;
        if (!method->action || (method->leader && leads(userdata, m)))
                return act(m, userdata, error);
        return authority_check(m, twin ? SELL : method->action, act, userdata, error);
}

#define PLAIN SD_BUS_VTABLE_UNPRIVILEGED
/* A phone or a mail address is among what it is called with: forgotten with the message. */
#define SENSITIVE (SD_BUS_VTABLE_UNPRIVILEGED | SD_BUS_VTABLE_SENSITIVE)
#define CHANGING(name, type) SD_BUS_PROPERTY(name, type, get_property, 0, SD_BUS_VTABLE_PROPERTY_EMITS_CHANGE)

static const sd_bus_vtable vtable[] = {
        SD_BUS_VTABLE_START(0),
        SD_BUS_METHOD_WITH_ARGS("Begin", SD_BUS_ARGS("s", serial, "s", terminal, "s", phone),
                                SD_BUS_RESULT("x", change), method_any, SENSITIVE),
        SD_BUS_METHOD_WITH_ARGS("BeginWithCode", SD_BUS_ARGS("s", serial, "s", terminal, "s", phone, "h", code),
                                SD_BUS_RESULT("x", change), method_any, SENSITIVE),
        SD_BUS_METHOD_WITH_ARGS("BeginLost", SD_BUS_ARGS("s", serial, "s", terminal, "s", phone),
                                SD_BUS_RESULT("x", change), method_any, SENSITIVE),
        SD_BUS_METHOD_WITH_ARGS("BeginLostWithCode", SD_BUS_ARGS("s", serial, "s", terminal, "s", phone, "h", code),
                                SD_BUS_RESULT("x", change), method_any, SENSITIVE),
        SD_BUS_METHOD_WITH_ARGS("TakeUp", SD_BUS_NO_ARGS, SD_BUS_RESULT("x", change), method_any, PLAIN),
        SD_BUS_METHOD_WITH_ARGS("TakeUpWithCode", SD_BUS_ARGS("h", code), SD_BUS_RESULT("x", change), method_any,
                                PLAIN),
        SD_BUS_METHOD_WITH_ARGS("SendCodes", SD_BUS_NO_ARGS, SD_BUS_NO_RESULT, method_any, PLAIN),
        SD_BUS_METHOD_WITH_ARGS("GiveCode", SD_BUS_ARGS("s", holder, "h", code), SD_BUS_NO_RESULT, method_any, PLAIN),
        SD_BUS_METHOD_WITH_ARGS("Cancel", SD_BUS_NO_ARGS, SD_BUS_NO_RESULT, method_any, PLAIN),
        SD_BUS_METHOD_WITH_ARGS("CancelWithContactCode", SD_BUS_ARGS("h", code), SD_BUS_NO_RESULT, method_any, PLAIN),
        SD_BUS_METHOD_WITH_ARGS("GetHistory", SD_BUS_NO_ARGS, SD_BUS_RESULT("aa{sv}", changes), method_any, PLAIN),
        SD_BUS_METHOD_WITH_ARGS("GetHistoryWithCode", SD_BUS_ARGS("h", code), SD_BUS_RESULT("aa{sv}", changes),
                                method_any, PLAIN),
        SD_BUS_METHOD_WITH_ARGS("ListContacts", SD_BUS_NO_ARGS, SD_BUS_RESULT("aa{sv}", contacts), method_any, PLAIN),
        SD_BUS_METHOD_WITH_ARGS("ListContactsWithCode", SD_BUS_ARGS("h", code), SD_BUS_RESULT("aa{sv}", contacts),
                                method_any, PLAIN),
        SD_BUS_METHOD_WITH_ARGS("AddContact", SD_BUS_ARGS("a{sv}", contact), SD_BUS_RESULT("x", id), method_any,
                                SENSITIVE),
        SD_BUS_METHOD_WITH_ARGS("AddContactWithCode", SD_BUS_ARGS("a{sv}", contact, "h", code), SD_BUS_RESULT("x", id),
                                method_any, SENSITIVE),
        SD_BUS_METHOD_WITH_ARGS("ChangeContact", SD_BUS_ARGS("x", id, "a{sv}", contact), SD_BUS_NO_RESULT, method_any,
                                SENSITIVE),
        SD_BUS_METHOD_WITH_ARGS("ChangeContactWithCode", SD_BUS_ARGS("x", id, "a{sv}", contact, "h", code),
                                SD_BUS_NO_RESULT, method_any, SENSITIVE),
        SD_BUS_METHOD_WITH_ARGS("RemoveContact", SD_BUS_ARGS("x", id), SD_BUS_NO_RESULT, method_any, PLAIN),
        SD_BUS_METHOD_WITH_ARGS("RemoveContactWithCode", SD_BUS_ARGS("x", id, "h", code), SD_BUS_NO_RESULT, method_any,
                                PLAIN),
        SD_BUS_METHOD_WITH_ARGS("SetPreference", SD_BUS_ARGS("x", id, "s", event, "s", channels), SD_BUS_NO_RESULT,
                                method_any, PLAIN),
        SD_BUS_METHOD_WITH_ARGS("SetPreferenceWithCode", SD_BUS_ARGS("x", id, "s", event, "s", channels, "h", code),
                                SD_BUS_NO_RESULT, method_any, PLAIN),
        SD_BUS_METHOD_WITH_ARGS("ListNotices", SD_BUS_ARGS("u", limit), SD_BUS_RESULT("aa{sv}", notices), method_any,
                                PLAIN),
        SD_BUS_METHOD_WITH_ARGS("ListNoticesWithCode", SD_BUS_ARGS("u", limit, "h", code),
                                SD_BUS_RESULT("aa{sv}", notices), method_any, PLAIN),
        SD_BUS_METHOD_WITH_ARGS("SendTest", SD_BUS_ARGS("x", id), SD_BUS_NO_RESULT, method_any, PLAIN),
        SD_BUS_METHOD_WITH_ARGS("SendTestWithCode", SD_BUS_ARGS("x", id, "h", code), SD_BUS_NO_RESULT, method_any,
                                PLAIN),
        SD_BUS_METHOD_WITH_ARGS("AnnounceReplacement", SD_BUS_ARGS("t", time, "s", detail), SD_BUS_NO_RESULT,
                                method_any, PLAIN),
        SD_BUS_METHOD_WITH_ARGS("AnnounceReplacementWithCode", SD_BUS_ARGS("t", time, "s", detail, "h", code),
                                SD_BUS_NO_RESULT, method_any, PLAIN),
        SD_BUS_METHOD_WITH_ARGS("GetChecklist", SD_BUS_ARGS("s", language), SD_BUS_RESULT("as", lines), method_any,
                                PLAIN),
        SD_BUS_METHOD_WITH_ARGS("GetChecklistWithCode", SD_BUS_ARGS("s", language, "h", code),
                                SD_BUS_RESULT("as", lines), method_any, PLAIN),
        SD_BUS_METHOD_WITH_ARGS("Describe", SD_BUS_NO_ARGS, SD_BUS_RESULT("s", json), method_any, PLAIN),
        CHANGING("Phone", "s"),
        CHANGING("Serial", "s"),
        CHANGING("TerminalNumber", "s"),
        CHANGING("Since", "t"),
        CHANGING("By", "s"),
        CHANGING("Change", "x"),
        CHANGING("ChangeKind", "s"),
        CHANGING("Step", "s"),
        CHANGING("FailedStep", "s"),
        CHANGING("Reason", "s"),
        CHANGING("NewPhone", "s"),
        CHANGING("Until", "t"),
        CHANGING("ResendAt", "t"),
        CHANGING("OldCodeGiven", "b"),
        CHANGING("NewCodeGiven", "b"),
        CHANGING("OldTries", "u"),
        CHANGING("NewTries", "u"),
        CHANGING("Sending", "b"),
        CHANGING("Message", "s"),
        CHANGING("NextStep", "s"),
        CHANGING("Backup", "s"),
        CHANGING("PendingNotices", "u"),
        SD_BUS_SIGNAL_WITH_ARGS("ChangeEnded", SD_BUS_ARGS("x", change, "s", step, "s", reason), 0),
        SD_BUS_VTABLE_END,
};

/* Those alone that are others than the bus was told last: this is called for many a thing. */
void bindings_changed(struct server *s) {
        struct binding_shown shown;
        char *names[ELEMENTSOF(fields) + 1];
        size_t n = 0;

        if (!s->binding || look(s, &shown) < 0)
                return;
        for (size_t i = 0; i < ELEMENTSOF(fields); i++)
                if (!s->shown || !value_equal(fields[i].get(&shown), fields[i].get(s->shown)))
                        names[n++] = (char *) fields[i].name;
        names[n] = NULL;
        if (n == 0)
                return;
        if (!s->shown)
                s->shown = malloc(sizeof(*s->shown));
        if (s->shown)
                *s->shown = shown;
        (void) sd_bus_emit_properties_changed_strv(s->bus, SERVER_PATH, INTERFACE, names);
}

static bool is_under_way(const struct rebind_record *record) {
        return record->id > 0 && record->step != REBIND_COMMITTED && record->step != REBIND_ROLLED_BACK;
}

/* All but the notices that wait stays as it is then, and no row is unsealed to see that. */
void bindings_follow_engine(struct server *s) {
        const struct binding_shown *shown = s->shown;

        if (shown && !is_under_way(&shown->view.rebind) &&
            notice_record_count_queued(engine_journal(s->engine)) == shown->pending)
                return;
        bindings_changed(s);
}

void bindings_ended(struct server *s, const struct rebind_record *record) {
        (void) sd_bus_emit_signal(s->bus, SERVER_PATH, INTERFACE, "ChangeEnded", "xss", record->id, step_text(record),
                                  record->reason);
}

int bindings_register(struct server *s) {
        return sd_bus_add_object_vtable(s->bus, NULL, SERVER_PATH, INTERFACE, vtable, s);
}
