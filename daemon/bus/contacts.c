// SPDX-License-Identifier: LGPL-2.1-or-later
/* The methods of org.tilld1.Binding about people: the backup contacts, what they want to be told, what they were. */
#include "base/mail.h"
#include "base/secret.h"
#include "bus/binding-call.h"
#include "bus/options.h"
#include "bus/value.h"
#include "journal/notice.h"
#include "notice/event.h"

#define NOTICES_MAX 500

/* ---- Who there is ---- */

/* What somebody has said about each event; of what is left out the default counts. */
static int append_preferences(struct server *s, sd_bus_message *reply, int64_t contact) {
        char channels[16];
        int r;

        r = sd_bus_message_open_container(reply, 'e', "sv");
        if (r >= 0)
                r = sd_bus_message_append(reply, "s", "Preferences");
        if (r >= 0)
                r = sd_bus_message_open_container(reply, 'v', "a{ss}");
        if (r >= 0)
                r = sd_bus_message_open_container(reply, 'a', "{ss}");
        for (enum notice_event event = 0; r >= 0 && event < _NOTICE_EVENT_MAX; event++) {
                r = contact_preference_load(engine_journal(s->engine), contact, notice_event_to_string(event),
                                            channels);
                if (r == -ENOENT)
                        r = 0;
                else if (r >= 0)
                        r = sd_bus_message_append(reply, "{ss}", notice_event_to_string(event), channels);
        }
        for (int i = 0; r >= 0 && i < 3; i++)
                r = sd_bus_message_close_container(reply);
        return r;
}

struct listing {
        struct server *server;
        sd_bus_message *reply;
};

static int append_contact(const struct contact_record *record, void *userdata) {
        char phone[PHONE_SIZE], mail[CONTACT_MAIL_MAX + 8];
        struct listing *l = userdata;
        const struct value_entry entries[] = {
                { "Id", VALUE_NUMBER('x', record->id) },
                { "Position", VALUE_NUMBER('u', record->position) },
                { "Name", VALUE_TEXT(record->name) },
                { "Phone", VALUE_TEXT(phone) },
                { "Mail", VALUE_TEXT(mail) },
                { "Channel", VALUE_TEXT(record->channel) },
                { "Language", VALUE_TEXT(record->language) },
                { "Added", VALUE_NUMBER('t', record->added_usec) },
                { "Unreadable", VALUE_NUMBER('b', record->unreadable) },
        };
        int r;

        phone_mask(record->phone, phone);
        mail_mask(record->mail, mail, sizeof(mail));
        r = sd_bus_message_open_container(l->reply, 'a', "{sv}");
        if (r >= 0)
                r = value_append_entries(l->reply, entries, ELEMENTSOF(entries));
        if (r >= 0)
                r = append_preferences(l->server, l->reply, record->id);
        if (r >= 0)
                r = sd_bus_message_close_container(l->reply);
        return r < 0 ? r : 0;
}

/* Whoever has the bound phone, as contact 0: its preferences are said like those of the others. */
static int append_phone(struct listing *l) {
        struct contact_record record[1] = {};
        struct binding_record current[1] = {};
        WIPE_AT_END(record);
        WIPE_AT_END(current);
        int r;

        r = binding_record_load_current(engine_journal(l->server->engine), current);
        if (r == -ENOENT)
                return 0;
        record->unreadable = r == -EBADMSG;
        if (r < 0 && !record->unreadable)
                return r;
        COPY(record->phone, current->phone);
        record->added_usec = current->since_usec;
        return append_contact(record, l);
}

BINDING_ACT(contacts_list) {
        struct listing l = { s, reply };
        int r;

        r = sd_bus_message_open_container(reply, 'a', "a{sv}");
        if (r >= 0)
                r = append_phone(&l);
        if (r >= 0)
                r = contact_record_each(engine_journal(s->engine), UINT64_MAX, append_contact, &l);
        return r < 0 ? r : sd_bus_message_close_container(reply);
}

/* ---- What changes them ---- */

/* A text into a field of the record, where there is one. */
static int set_text(char *field, size_t size, const char *key, const char *text, struct refusal *ret) {
        if (!text)
                return 0;
        if (strlen(text) >= size)
                return refusal_set(ret, REFUSAL_INVALID_CONTACT, "The %s of a contact has at most %zu bytes%s", key,
                                   size - 1, streq(key, "phone") ? N_(", as +8613800138000 without blanks") : "");
        copy_text(field, size, text);
        return 0;
}
#define SET_TEXT(field, key, text, ret) set_text(field, sizeof(field), key, text, ret)

/* What the caller says goes over what the record has. */
static int read_contact(sd_bus_message *m, struct contact_record *record, struct refusal *ret) {
        const char *name = NULL, *phone = NULL, *mail = NULL, *channel = NULL, *language = NULL;
        const struct bus_option options[] = {
                { "name", 's', &name },
                { "phone", 's', &phone },
                { "mail", 's', &mail },
                { "channel", 's', &channel },
                { "language", 's', &language },
                { "position", 'u', &record->position },
                {},
        };
        int r;

        r = options_read(m, options, ret);
        if (r >= 0)
                r = SET_TEXT(record->name, "name", name, ret);
        if (r >= 0)
                r = SET_TEXT(record->phone, "phone", phone, ret);
        if (r >= 0)
                r = SET_TEXT(record->mail, "mail", mail, ret);
        if (r >= 0)
                r = SET_TEXT(record->channel, "channel", channel, ret);
        return r < 0 ? r : SET_TEXT(record->language, "language", language, ret);
}

BINDING_ACT(contacts_add) {
        /* Behind the others, unless it is said where. */
        struct contact_record record[1] = {
                { .position = CONTACTS_MAX + 1, .channel = "sms", .language = "zh_CN" },
        };
        WIPE_AT_END(record);
        int r;

        r = read_contact(m, record, ret);
        if (r >= 0)
                r = binding_add_contact(s->binding, record, by, ret);
        return r < 0 ? r : sd_bus_message_append(reply, "x", record->id);
}

static int no_contact(int64_t id, struct refusal *ret) {
        return refusal_set(ret, REFUSAL_NOT_FOUND, "There is no contact %lld; tillctl binding contacts lists them",
                           (long long) id);
}

BINDING_ACT(contacts_change) {
        struct contact_record record[1];
        WIPE_AT_END(record);
        int64_t id;
        int r;

        r = sd_bus_message_read(m, "x", &id);
        if (r < 0)
                return r;
        r = contact_record_load(engine_journal(s->engine), id, record);
        if (r == -ENOENT || (r >= 0 && record->removed_usec > 0))
                return no_contact(id, ret);
        if (r >= 0)
                r = read_contact(m, record, ret);
        return r < 0 ? r : binding_change_contact(s->binding, record, by, ret);
}

BINDING_ACT(contacts_remove) {
        int64_t id;
        int r;

        r = sd_bus_message_read(m, "x", &id);
        return r < 0 ? r : binding_remove_contact(s->binding, id, by, ret);
}

BINDING_ACT(contacts_set_preference) {
        const char *event, *channels;
        int64_t id;
        int r;

        r = sd_bus_message_read(m, "xss", &id, &event, &channels);
        return r < 0 ? r : binding_set_preference(s->binding, id, event, channels, by, ret);
}

/* ---- Notices ---- */

BINDING_ACT(contacts_send_test) {
        int64_t id;
        int r;

        r = sd_bus_message_read(m, "x", &id);
        return r < 0 ? r : binding_send_test(s->binding, id, by, ret);
}

BINDING_ACT(contacts_announce_replacement) {
        const char *detail;
        uint64_t time;
        int r;

        r = sd_bus_message_read(m, "ts", &time, &detail);
        return r < 0 ? r : binding_announce_replacement(s->binding, time, detail, by, ret);
}

/* How it went, and not what it said. */
static int append_notice(const struct notice_record *record, void *userdata) {
        const struct listing *l = userdata;
        char error[NOTICE_ERROR_SIZE];
        const struct value_entry entries[] = {
                { "Id", VALUE_NUMBER('x', record->id) },
                { "Event", VALUE_TEXT(record->event) },
                { "Contact", VALUE_NUMBER('x', record->contact) },
                { "Transaction", VALUE_NUMBER('x', record->transaction) },
                { "State", VALUE_TEXT(notice_state_to_string(record->state)) },
                { "Attempts", VALUE_NUMBER('u', record->attempts) },
                { "Next", VALUE_NUMBER('t', record->next_usec) },
                { "Channel", VALUE_TEXT(record->channel) },
                { "Address", VALUE_TEXT(record->address) },
                { "GatewayId", VALUE_TEXT(record->gateway_id) },
                { "Error", VALUE_TEXT(error) },
                { "Late", VALUE_NUMBER('b', record->late) },
                { "Created", VALUE_NUMBER('t', record->created_usec) },
                { "Ended", VALUE_NUMBER('t', record->ended_usec) },
                { "Unreadable", VALUE_NUMBER('b', record->unreadable) },
        };

        notices_explain(engine_notices(l->server->engine), record, error);
        return value_append_dictionary(l->reply, entries, ELEMENTSOF(entries));
}

BINDING_ACT(contacts_list_notices) {
        struct listing l = { s, reply };
        uint32_t limit;
        int r;

        r = sd_bus_message_read(m, "u", &limit);
        if (r < 0)
                return r;
        limit = MIN(limit, (uint32_t) NOTICES_MAX);
        r = sd_bus_message_open_container(reply, 'a', "a{sv}");
        if (r >= 0)
                r = notice_record_each(engine_journal(s->engine), limit, append_notice, &l);
        return r < 0 ? r : sd_bus_message_close_container(reply);
}
