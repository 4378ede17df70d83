// SPDX-License-Identifier: LGPL-2.1-or-later
/* The backup contacts and what people want to be told of. Who is on the list, and who was, hears of each change. */
#include <inttypes.h>

#include "base/clock.h"
#include "base/mail.h"
#include "base/secret.h"
#include "base/unicode.h"
#include "binding/rebind.h"
#include "journal/event.h"
#include "journal/uptime.h"

#define DETAIL_MAX 300
/* So many changes and removals in the longest waiting time. */
#define FORMERS_MAX 64
#define FORMER_USEC (168 * 3600 * USEC_PER_SEC)
/* An appointment is told by day and month: in this time each comes once. */
#define ANNOUNCE_USEC (183 * 24 * 3600 * USEC_PER_SEC)

/* ---- What is taken ---- */

static int check_addresses(const struct contact_record *record, struct refusal *ret) {
        enum notice_channel channel = notice_channel_from_string(record->channel);

        if (*record->phone && !phone_is_valid(record->phone))
                return refusal_set(ret, REFUSAL_INVALID_PHONE,
                                   "The contact's phone is no number: give it whole, as +8613800138000");
        if (*record->mail && !mail_is_valid(record->mail))
                return refusal_set(ret, REFUSAL_INVALID_CONTACT,
                                   "The contact's mail is no address: give it as name@example.org");
        if (channel < 0)
                return refusal_set(ret, REFUSAL_INVALID_CONTACT, "\"%.16s\" is no channel: use sms, mail or hook",
                                   record->channel);
        if (channel == NOTICE_MAIL && !*record->mail)
                return refusal_set(ret, REFUSAL_INVALID_CONTACT,
                                   "The contact prefers mail and has no mail address: give one, or prefer sms");
        if (channel != NOTICE_MAIL && !*record->phone)
                return refusal_set(ret, REFUSAL_INVALID_CONTACT,
                                   "The contact prefers %s and has no phone: give one, or prefer mail",
                                   record->channel);
        return 0;
}

static int check_contact(const struct contact_record *record, struct refusal *ret) {
        if (record->name[strspn(record->name, " ")] == '\0' || !unicode_is_plain(record->name, false))
                return refusal_set(ret, REFUSAL_INVALID_CONTACT,
                                   "The contact's name must be one line of UTF-8, up to %d bytes, and not empty",
                                   CONTACT_NAME_MAX);
        if (!streq(record->language, "zh_CN") && !streq(record->language, "en"))
                return refusal_set(ret, REFUSAL_INVALID_CONTACT, "\"%.8s\" is no language of notices: use zh_CN or en",
                                   record->language);
        return check_addresses(record, ret);
}

static int refuse(struct refusal *ret, int error, int64_t id) {
        if (error == -ENOENT)
                return refusal_set(ret, REFUSAL_NOT_FOUND,
                                   "There is no contact %" PRIi64 ": tillctl binding contacts shows who there is", id);
        if (error == -EDQUOT)
                return refusal_set(
                        ret, REFUSAL_INVALID_CONTACT,
                        "Contacts were changed too often: %d former ones are kept, each for a week that the "
                        "terminal is on; try again tomorrow",
                        FORMERS_MAX);
        if (error == -ENOSPC)
                return refusal_set(ret, REFUSAL_INVALID_CONTACT, "There are %d contacts already: remove one first",
                                   CONTACTS_MAX);
        return engine_refuse_journal(ret, error);
}

/* ---- What is written ---- */

/* In the caller's journal transaction: all hear of it, also who is no contact any more, `former`; 0 for nobody. */
static int tell(struct binding *b, const struct contact_record *record, const char *what, int64_t former) {
        struct notice_order order = {
                .event = NOTICE_SECURITY,
                .what = NOTICE_TEXT_CONTACT_CHANGED,
                .fields = { .name = record->name, .kind = what, .time_usec = clock_now(CLOCK_REALTIME) },
                .obliged = true,
        };
        int r;

        r = notices_add(engine_notices(b->engine), &order, NOTICE_TO_ALL);
        if (r >= 0 && former > 0)
                r = notices_add(engine_notices(b->engine), &order, former);
        return r;
}

static int append(struct journal *j, const char *event, int64_t contact, const char *by) {
        char text[96];

        (void) snprintf(text, sizeof(text), "{\"contact\":%" PRIi64 ",\"by\":\"%s\"}", contact, by);
        return event_append(j, event, 0, text);
}

static int count_former(const struct contact_record *record, void *userdata) {
        unsigned *n = userdata;

        *n += record->removed_usec > 0;
        return 0;
}

/* None is forgotten for another: whoever fills the list would get rid of them. */
static int check_formers(struct journal *j, uint64_t now) {
        unsigned n = 0;
        int r;

        r = contact_record_each(j, now > FORMER_USEC ? now - FORMER_USEC : 0, count_former, &n);
        if (r < 0)
                return r;
        return n >= FORMERS_MAX ? -EDQUOT : 0;
}

static int remove_contact(struct journal *j, int64_t id) {
        uint64_t now;
        int r;

        r = uptime_get(j, &now);
        if (r >= 0)
                r = check_formers(j, now);
        return r < 0 ? r : contact_record_remove(j, id, now);
}

/* Who was reached there until now hears of a lost phone for a while: as if that contact had been removed. */
static int keep_former(struct journal *j, const struct contact_record *record, int64_t *ret_former) {
        struct contact_record former;
        uint64_t now;
        int r;

        *ret_former = 0;
        r = contact_record_load(j, record->id, &former);
        if (r < 0)
                return r;
        if (former.removed_usec > 0)
                return -ENOENT;
        if (streq(former.phone, record->phone) && streq(former.mail, record->mail))
                return 0;
        r = uptime_get(j, &now);
        if (r >= 0)
                r = check_formers(j, now);
        if (r >= 0)
                r = contact_record_insert_former(j, &former, now);
        if (r >= 0)
                *ret_former = former.id;
        explicit_bzero(&former, sizeof(former));
        return r;
}

static int write_added(struct binding *b, struct contact_record *record, int64_t *ret_former) {
        *ret_former = 0;
        return contact_record_insert(binding_journal(b), record);
}

static int write_changed(struct binding *b, struct contact_record *record, int64_t *ret_former) {
        int r;

        r = keep_former(binding_journal(b), record, ret_former);
        return r < 0 ? r : contact_record_update(binding_journal(b), record);
}

static int write_removed(struct binding *b, struct contact_record *record, int64_t *ret_former) {
        int r;

        r = contact_record_load(binding_journal(b), record->id, record);
        if (r < 0)
                return r;
        *ret_former = record->id;
        return remove_contact(binding_journal(b), record->id);
}

typedef int (*write_contact_t)(struct binding *b, struct contact_record *record, int64_t *ret_former);

static int commit(struct binding *b, write_contact_t write_contact, struct contact_record *record, const char *event,
                  const char *by) {
        struct journal *j = binding_journal(b);
        int64_t former;
        int r;

        r = journal_begin(j, JOURNAL_DURABLE);
        if (r < 0)
                return r;
        _cleanup_(journal_rollbackp) _unused_ struct journal *rollback = j;

        r = write_contact(b, record, &former);
        if (r >= 0)
                r = tell(b, record, startswith(event, "contact-"), former);
        if (r >= 0)
                r = append(j, event, record->id, by);
        return r < 0 ? r : journal_commit(j);
}

static int change(struct binding *b, write_contact_t write_contact, struct contact_record *record, const char *event,
                  const char *by, struct refusal *ret_refusal) {
        int64_t id = record->id;
        int r;

        r = commit(b, write_contact, record, event, by);
        if (r < 0)
                return refuse(ret_refusal, r, id);
        notices_kick(engine_notices(b->engine));
        return 0;
}

/* Their codes that cancel go out to the people who were on the list when it began. */
static int check_not_lost(const struct binding *b, struct refusal *ret) {
        if (!rebind_is_open(b) || b->rebind.kind != REBIND_LOST)
                return 0;
        return refusal_set(ret, REFUSAL_BUSY,
                           "A change for a lost phone is under way: contacts are changed and removed when it has "
                           "ended; cancel it (tillctl binding cancel) or wait");
}

int binding_add_contact(struct binding *b, struct contact_record *record, const char *by,
                        struct refusal *ret_refusal) {
        int r;

        record->added_usec = clock_now(CLOCK_REALTIME);
        r = check_contact(record, ret_refusal);
        return r < 0 ? r : change(b, write_added, record, "contact-added", by, ret_refusal);
}

/* -ENOENT is left to what changes it. */
static bool is_as_it_was(struct journal *j, const struct contact_record *record) {
        struct contact_record before[1];
        WIPE_AT_END(before);
        int n = contact_record_count(j);

        return n >= 0 && contact_record_load(j, record->id, before) >= 0 && before->removed_usec == 0 &&
               streq(record->name, before->name) && streq(record->phone, before->phone) &&
               streq(record->mail, before->mail) && streq(record->channel, before->channel) &&
               streq(record->language, before->language) &&
               before->position == (record->position == 0 ? (unsigned) n : MIN(record->position, (unsigned) n));
}

int binding_change_contact(struct binding *b, const struct contact_record *record, const char *by,
                           struct refusal *ret_refusal) {
        struct contact_record changed = *record;
        int r;

        r = check_not_lost(b, ret_refusal);
        if (r >= 0)
                r = check_contact(record, ret_refusal);
        if (r >= 0 && is_as_it_was(binding_journal(b), record))
                return 0;
        return r < 0 ? r : change(b, write_changed, &changed, "contact-changed", by, ret_refusal);
}

int binding_remove_contact(struct binding *b, int64_t id, const char *by, struct refusal *ret_refusal) {
        struct contact_record record = { .id = id };
        int r;

        r = check_not_lost(b, ret_refusal);
        if (r < 0)
                return r;
        r = change(b, write_removed, &record, "contact-removed", by, ret_refusal);
        explicit_bzero(&record, sizeof(record));
        return r;
}

/* ---- What they want ---- */

/* Whoever has the bound phone goes by its masked number; id 0 where none is bound yet. */
static int load_phone(struct binding *b, struct contact_record *ret) {
        struct binding_record current;
        int r;

        *ret = (struct contact_record){ .name = "0" };
        r = binding_record_load_current(binding_journal(b), &current);
        if (r < 0)
                return r == -ENOENT ? 0 : r;
        COPY(ret->phone, current.phone);
        phone_mask(current.phone, ret->name);
        explicit_bzero(&current, sizeof(current));
        return 0;
}

/* The caller wipes it. */
static int load_person(struct binding *b, int64_t id, struct contact_record *ret) {
        int r;

        if (id == NOTICE_TO_PHONE)
                return load_phone(b, ret);
        r = contact_record_load(binding_journal(b), id, ret);
        return r >= 0 && ret->removed_usec > 0 ? -ENOENT : r;
}

/* What is to be bound yet is a phone as well. */
static bool has_address(const struct contact_record *person, enum notice_channel channel) {
        if (channel == NOTICE_MAIL)
                return *person->mail;
        return person->id == NOTICE_TO_PHONE || *person->phone;
}

static int check_channels(const struct contact_record *person, enum notice_event event, const char *channels,
                          struct refusal *ret) {
        enum notice_channel list[_NOTICE_CHANNEL_MAX];
        int n = notice_channels_parse(channels, list);

        if (n < 0)
                return refusal_set(ret, REFUSAL_INVALID_CONTACT,
                                   "\"%.24s\" are no channels: name sms, mail and hook in the order to try, each once",
                                   channels);
        if (n == 0 && notice_event_is_obligatory(event))
                return refusal_set(ret, REFUSAL_INVALID_CONTACT,
                                   "Nobody can turn off notices of %s: name at least one channel",
                                   notice_event_to_string(event));
        for (int i = 0; i < n; i++)
                if (has_address(person, list[i]))
                        return 0;
        if (n == 0)
                return 0;
        return refusal_set(ret, REFUSAL_INVALID_CONTACT,
                           "There is no address for %s: name sms or hook for a phone, mail for a mail address, or "
                           "add the address (tillctl binding contacts change)",
                           channels);
}

/* Of what nobody can turn off, all hear as well that somebody is told in another way. */
static int commit_preference(struct binding *b, const struct contact_record *person, enum notice_event event,
                             const char *channels, const char *by) {
        struct journal *j = binding_journal(b);
        int r;

        r = journal_begin(j, JOURNAL_DURABLE);
        if (r < 0)
                return r;
        _cleanup_(journal_rollbackp) _unused_ struct journal *rollback = j;

        r = contact_preference_store(j, person->id, notice_event_to_string(event), channels);
        if (r >= 0 && notice_event_is_obligatory(event))
                r = tell(b, person, "changed", 0);
        if (r >= 0)
                r = append(j, "contact-preference", person->id, by);
        return r < 0 ? r : journal_commit(j);
}

int binding_set_preference(struct binding *b, int64_t contact, const char *event, const char *channels, const char *by,
                           struct refusal *ret_refusal) {
        enum notice_event what = notice_event_from_string(event);
        struct contact_record person[1];
        WIPE_AT_END(person);
        int r;

        if (what < 0)
                return refusal_set(ret_refusal, REFUSAL_INVALID_CONTACT,
                                   "\"%.24s\" is nothing that people are told of: use transaction, settlement, fault, "
                                   "replacement, security or binding",
                                   event);
        r = load_person(b, contact, person);
        if (r < 0)
                return refuse(ret_refusal, r, contact);
        r = check_channels(person, what, channels, ret_refusal);
        if (r < 0)
                return r;
        r = commit_preference(b, person, what, channels, by);
        if (r < 0)
                return refuse(ret_refusal, r, contact);
        notices_kick(engine_notices(b->engine));
        return 0;
}

/* ---- Notices that people write ---- */

static int queue(struct binding *b, const struct notice_order *order, int64_t to, const char *event, const char *by) {
        struct journal *j = binding_journal(b);
        int r, n;

        r = journal_begin(j, JOURNAL_DURABLE);
        if (r < 0)
                return r;
        _cleanup_(journal_rollbackp) _unused_ struct journal *rollback = j;

        n = notices_add(engine_notices(b->engine), order, to);
        if (n < 0)
                return n;
        r = append(j, event, MAX(to, (int64_t) 0), by);
        if (r >= 0)
                r = journal_commit(j);
        if (r < 0)
                return r;
        notices_kick(engine_notices(b->engine));
        return n;
}

int binding_announce_replacement(struct binding *b, uint64_t time_usec, const char *detail, const char *by,
                                 struct refusal *ret_refusal) {
        const struct notice_order order = {
                .event = NOTICE_REPLACEMENT,
                .what = NOTICE_TEXT_REPLACEMENT,
                .fields = { .time_usec = time_usec, .detail = detail },
        };
        uint64_t now = clock_now(CLOCK_REALTIME);
        int r;

        if (!*detail || strlen(detail) > DETAIL_MAX || !unicode_is_plain(detail, false))
                return refusal_set(ret_refusal, REFUSAL_INVALID_NOTE,
                                   "What is announced must be one line of UTF-8, up to %d bytes", DETAIL_MAX);
        if (time_usec > now + ANNOUNCE_USEC)
                return refusal_set(ret_refusal, REFUSAL_INVALID_NOTE,
                                   "The appointment is more than half a year away: announce it later");
        if (time_usec <= now)
                return refusal_set(ret_refusal, REFUSAL_INVALID_NOTE,
                                   "The appointment is in the past: give the time at which the terminal is replaced");
        r = queue(b, &order, NOTICE_TO_ALL, "replacement-announced", by);
        if (r < 0)
                return engine_refuse_journal(ret_refusal, r);
        if (r == 0)
                return refusal_set(ret_refusal, REFUSAL_NOT_FOUND,
                                   "Nobody wants to be told of a replacement: bind a phone, or set the preference of "
                                   "a contact (tillctl binding notify)");
        return 0;
}

static int refuse_test(const struct contact_record *person, struct refusal *ret) {
        if (person->id == NOTICE_TO_PHONE && !*person->phone)
                return refusal_set(ret, REFUSAL_NOT_FOUND, "No phone is bound: bind one with tillctl binding change");
        return refusal_set(ret, REFUSAL_INVALID_CONTACT,
                           "No channel has an address to send it to: tillctl binding contacts shows the addresses, "
                           "journalctl -u tilld what else is wrong");
}

int binding_send_test(struct binding *b, int64_t contact, const char *by, struct refusal *ret_refusal) {
        const struct notice_order order = {
                .event = NOTICE_BINDING,
                .what = NOTICE_TEXT_TEST,
                .fields = { .time_usec = clock_now(CLOCK_REALTIME) },
                .obliged = true,
        };
        struct contact_record person[1];
        WIPE_AT_END(person);
        int r;

        r = load_person(b, contact, person);
        if (r >= 0)
                r = queue(b, &order, contact, "notice-test", by);
        if (r < 0)
                return refuse(ret_refusal, r, contact);
        return r == 0 ? refuse_test(person, ret_refusal) : 0;
}
