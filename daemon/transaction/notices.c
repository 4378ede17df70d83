// SPDX-License-Identifier: LGPL-2.1-or-later
#include "transaction/notices.h"

#include <inttypes.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/secret.h"
#include "base/unicode.h"
#include "journal/binding.h"
#include "journal/uptime.h"
#include "transaction/delivery.h"
#include "transaction/engine.h"
#include "transaction/timer.h"

/* Back-off between attempts, when no channel takes it: doubled from the first to the last. */
#define DELAY_FIRST_USEC (60 * USEC_PER_SEC)
#define DELAY_LAST_USEC (3600 * USEC_PER_SEC)
/* And when nobody knows whether it went out: who has it already is not to get it again and again. */
#define DELAY_MAYBE_SENT_USEC (4 * 3600 * USEC_PER_SEC)
#define MAYBE_SENT_MAX 3

/* By the terminal's uptime. A payment is no news the day after; who tests another phone does not wait for days. */
#define LIFE_USEC (3 * 24 * 3600 * USEC_PER_SEC)
#define PAYMENT_LIFE_USEC (24 * 3600 * USEC_PER_SEC)
#define TEST_LIFE_USEC (5 * 60 * USEC_PER_SEC)

struct notices {
        struct engine *engine;
        struct journal *journal;
        sd_event_source *timer;
        unsigned count;
        struct channels channels;
        int64_t test; /* the last that somebody asked for, until it is tried; 0: none */

        struct notice_record *added; /* while it is; in secret memory */

        /* At hand. */
        struct notice_record *record; /* in secret memory */
        struct delivery_way way;
        struct delivery *delivery; /* NULL: not on its way */
        bool unwritten;            /* what became of it could not be written yet */

        notices_delivered_t delivered;
        void *userdata;
};

unsigned notices_count(const struct notices *n) {
        return n->count;
}

/* ---- Who is told, and how ---- */

/* -ENOENT where nothing was said. */
static int load_preference(struct journal *j, int64_t contact, enum notice_event event, struct delivery_way *way) {
        char text[CONTACT_CHANNELS_SIZE];
        int r;

        r = contact_preference_load(j, contact, notice_event_to_string(event), text);
        if (r < 0)
                return r;
        r = notice_channels_parse(text, way->channels);
        if (r < 0)
                return -EBADMSG;
        way->n_channels = (unsigned) r;
        return 0;
}

static void append_channel(struct delivery_way *way, enum notice_channel channel) {
        for (unsigned i = 0; i < way->n_channels; i++)
                if (way->channels[i] == channel)
                        return;
        way->channels[way->n_channels++] = channel;
}

/*
 * What a preference says, or else all channels with `first` before the others, NULL for none. A preference for what
 * nobody can turn off is an order, no more: all others come after it.
 */
static int find_channels(struct journal *j, int64_t contact, enum notice_event event, const char *first,
                         struct delivery_way *way, bool obliged) {
        enum notice_channel channel = first ? notice_channel_from_string(first) : 0;
        int r;

        way->n_channels = 0;
        r = load_preference(j, contact, event, way);
        if (r < 0 && r != -ENOENT)
                return r;
        if (r == -ENOENT ? !first : !notice_event_is_obligatory(event) && (way->n_channels > 0 || !obliged))
                return 0;
        if (channel < 0)
                return -EBADMSG;
        if (first)
                append_channel(way, channel);
        for (channel = 0; channel < _NOTICE_CHANNEL_MAX; channel++)
                append_channel(way, channel);
        return 0;
}

/* Of who has, or had, the phone of a binding; 0: of the one in force. -ENOENT when no phone is bound. */
static int find_phone(struct notices *n, int64_t id, enum notice_event event, bool obliged, struct delivery_way *ret) {
        const struct settings *settings = n->engine->config.settings;
        bool wanted = obliged || !settings->notice.left_out[event];
        struct binding_record binding;
        int r;

        r = id > 0 ? binding_record_load(n->journal, id, &binding) : binding_record_load_current(n->journal, &binding);
        if (r < 0)
                return r;
        *ret = (struct delivery_way){};
        COPY(ret->phone, binding.phone);
        COPY(ret->language, settings_notice_language(settings));
        return find_channels(n->journal, 0, event, wanted ? "sms" : NULL, ret, obliged);
}

/* Others than the merchant are told of nothing by themselves but what they are there for. */
static int find_contact(struct notices *n, const struct contact_record *contact, enum notice_event event, bool obliged,
                        struct delivery_way *ret) {
        *ret = (struct delivery_way){};
        COPY(ret->phone, contact->phone);
        COPY(ret->mail, contact->mail);
        COPY(ret->language, contact->language);
        return find_channels(n->journal, contact->id, event, obliged ? contact->channel : NULL, ret, obliged);
}

/* ---- Adding ---- */

static void fill_in(struct notices *n, const struct notice_fields *from, struct notice_fields *ret) {
        const struct settings *settings = n->engine->config.settings;

        *ret = *from;
        ret->mode = settings->mode == MODE_LIVE ? NULL : mode_to_string(settings->mode);
        ret->merchant = settings->merchant_name;
        ret->terminal = settings->terminal_number;
        ret->serial = settings->serial;
}

struct adding {
        struct notices *notices;
        const struct notice_order *order;
        bool obliged;
        int64_t binding; /* in force, 0 for none */
        int queued;
};

static uint64_t get_life(const struct notice_order *order) {
        if (order->what == NOTICE_TEXT_REBIND_TEST)
                return TEST_LIFE_USEC;
        return order->event == NOTICE_TRANSACTION ? PAYMENT_LIFE_USEC : LIFE_USEC;
}

static int store(const struct adding *a, int64_t contact, const char *language) {
        struct notice_record *record = a->notices->added;
        struct journal *j = a->notices->journal;
        struct notice_fields fields;
        uint64_t uptime;
        int r;

        *record = (struct notice_record){
                .contact = contact,
                .binding = a->binding,
                .transaction = a->order->transaction,
                .created_usec = clock_now(CLOCK_REALTIME),
        };
        COPY(record->event, notice_event_to_string(a->order->event));
        fill_in(a->notices, &a->order->fields, &fields);
        r = notice_text_make(a->order->what, language, &fields, record->text, sizeof(record->text));
        if (r >= 0)
                r = uptime_get(j, &uptime);
        if (r < 0)
                return r;
        record->until_uptime = uptime + MAX(a->order->life_usec, get_life(a->order));
        r = notice_record_insert(j, record);
        if (r >= 0 && a->order->what == NOTICE_TEXT_TEST)
                a->notices->test = record->id;
        return r;
}

static int add_one(struct adding *a, int64_t contact, struct delivery_way *way) {
        int r;

        if (delivery_way_prune(way) == 0)
                return 0;
        r = store(a, contact, way->language);
        explicit_bzero(a->notices->added, sizeof(*a->notices->added));
        if (r < 0)
                return r;
        a->queued++;
        return 0;
}

/* contact: 0, or that of a binding, negative. */
static int add_phone(struct adding *a, int64_t contact) {
        struct delivery_way way;
        int r;

        r = find_phone(a->notices, -contact, a->order->event, a->obliged, &way);
        if (r < 0)
                return r == -ENOENT ? 0 : r;
        return add_one(a, contact, &way);
}

static int add_contact(const struct contact_record *contact, void *userdata) {
        struct delivery_way way;
        struct adding *a = userdata;
        int r;

        r = find_contact(a->notices, contact, a->order->event, a->obliged, &way);
        return r < 0 ? r : add_one(a, contact->id, &way);
}

static int add_known_contact(struct adding *a, int64_t id) {
        struct contact_record contact;
        int r;

        r = contact_record_load(a->notices->journal, id, &contact);
        return r < 0 ? r : add_contact(&contact, a);
}

static int add_all(struct adding *a, int64_t to) {
        int r = 0;

        if (to == NOTICE_TO_ALL || to == NOTICE_TO_PHONE)
                r = add_phone(a, 0);
        if (to == NOTICE_TO_OLD_PHONE)
                r = add_phone(a, -a->binding);
        if (r >= 0 && (to == NOTICE_TO_ALL || to == NOTICE_TO_CONTACTS))
                r = contact_record_each(a->notices->journal, UINT64_MAX, add_contact, a);
        if (r >= 0 && to > 0)
                r = add_known_contact(a, to);
        return r;
}

/* The one in force, 0 for none. */
static int find_binding(struct notices *n, int64_t *ret) {
        struct binding_record binding;
        int r;

        r = binding_record_load_current(n->journal, &binding);
        if (r < 0 && r != -ENOENT)
                return r;
        *ret = r == 0 ? binding.id : 0;
        return 0;
}

static int add_order(struct notices *n, const struct notice_order *order, int64_t to) {
        struct adding a = {
                .notices = n,
                .order = order,
                .obliged = order->obliged || notice_event_is_obligatory(order->event),
        };
        int r;

        /* An alarm does not wait until they have rested. */
        if (notice_event_is_obligatory(order->event))
                channels_wake(&n->channels);
        r = find_binding(n, &a.binding);
        if (r >= 0)
                r = add_all(&a, to);
        secret_wipe_stack();
        return r < 0 ? r : a.queued;
}

int notices_add(struct notices *n, const struct notice_order *order, int64_t to) {
        int r = add_order(n, order, to);

        /* What it is about is not undone for a row that is damaged, or for a text that is too long. */
        if (r != -EBADMSG && r != -EMSGSIZE)
                return r;
        log_error_errno(r,
                        "A notice (%s) cannot be queued for all: see tillctl binding contacts list, and tillctl "
                        "journal verify",
                        notice_event_to_string(order->event));
        return 0;
}

/* ---- What became of one ---- */

static void let_go(struct notices *n) {
        explicit_bzero(n->record, sizeof(*n->record));
        delivery_way_wipe(&n->way);
}

static int on_timer(sd_event_source *s, uint64_t usec, void *userdata) {
        notices_kick(userdata);
        return 0;
}

/* The timer is there from the beginning: nothing is wanted of the memory for it here. */
static void try_later(struct notices *n, uint64_t delay) {
        timer_again(n->timer, delay);
}

/* A power cut may not have it sent twice; a sale does not wait for that. */
static int write_record(struct notices *n) {
        bool idle = engine_current(n->engine) == 0;
        struct journal *j = n->journal;
        int r;

        r = journal_begin(j, idle && n->record->state != NOTICE_QUEUED ? JOURNAL_DURABLE : JOURNAL_LAZY);
        if (r < 0)
                return r;
        _cleanup_(journal_rollbackp) _unused_ struct journal *rollback = j;

        r = notice_record_update(j, n->record);
        return r < 0 ? r : journal_commit(j);
}

/* What has gone out and cannot be written down is not sent again: nothing else is either, until it is written. */
static void end_attempt(struct notices *n) {
        int r;

        r = write_record(n);
        if (r == -EIO)
                engine_panic(r, "what became of a notice cannot be written");
        n->unwritten = r < 0;
        if (r < 0) {
                log_about(LOG_WARNING, r, LOG_ABOUT_TRANSACTION(n->record->transaction),
                          "What became of notice %" PRIi64 " cannot be written; it is tried again", n->record->id);
                try_later(n, DELAY_FIRST_USEC);
                return;
        }
        if (n->record->state == NOTICE_DELIVERED && n->delivered)
                n->delivered(n->userdata);
        let_go(n);
        /* Not at once: there may be many that fail. */
        try_later(n, 0);
}

static void give_up(struct notices *n, const char *why) {
        struct notice_record *record = n->record;

        record->state = NOTICE_FAILED;
        record->ended_usec = clock_now(CLOCK_REALTIME);
        log_about(LOG_NOTICE, 0, LOG_ABOUT_TRANSACTION(record->transaction), "Notice %" PRIi64 " (%s) is given up: %s",
                  record->id, record->event, why);
        end_attempt(n);
}

static void note_success(struct notices *n, const char *text) {
        struct notice_record *record = n->record;

        record->state = NOTICE_DELIVERED;
        record->ended_usec = clock_now(CLOCK_REALTIME);
        COPY_CHARACTERS(record->gateway_id, text);
        *record->error = '\0';
        log_about(LOG_INFO, 0, LOG_ABOUT_TRANSACTION(record->transaction),
                  "Notice %" PRIi64 " (%s) went out by %s to %s%s", record->id, record->event, record->channel,
                  record->address, record->late ? ", late" : "");
}

static uint64_t get_back_off(const struct notice_record *record, int error) {
        if (error == NOTICE_MAYBE_SENT)
                return DELAY_MAYBE_SENT_USEC;
        return timer_back_off(record->attempts, DELAY_FIRST_USEC, DELAY_LAST_USEC);
}

static void note_failure(struct notices *n, int error, const char *text) {
        struct notice_record *record = n->record;
        uint64_t delay = get_back_off(record, error);

        record->next_usec = clock_now(CLOCK_REALTIME) + delay;
        record->next_boot = clock_now(CLOCK_BOOTTIME) + delay;
        COPY_CHARACTERS(record->error, text);
        if (record->attempts == 1)
                n->engine->listener.changed(n->engine->listener.userdata);
        /* Of channels that fail for all it is said already. */
        if (record->attempts == 1 && delivery_way_rest(&n->way, &n->channels) == 0)
                log_about(LOG_WARNING, 0, LOG_ABOUT_TRANSACTION(record->transaction),
                          "Notice %" PRIi64 " (%s) was not taken (%s); it is sent when a channel takes it", record->id,
                          record->event, text);
}

static void attempt_ended(struct notices *n, int error, const char *text) {
        n->record->attempts++;
        if (error == NOTICE_MAYBE_SENT)
                n->record->maybe_sent++;
        if (error == 0)
                note_success(n, text);
        else
                note_failure(n, error, text);
        if (error == NOTICE_MAYBE_SENT && n->record->maybe_sent >= MAYBE_SENT_MAX)
                return give_up(n, "nobody knows whether it went out, and it has been repeated enough");
        end_attempt(n);
}

static void delivered(int error, enum notice_channel channel, const char *text, void *userdata) {
        struct notices *n = userdata;

        n->delivery = NULL;
        COPY(n->record->channel, notice_channel_to_string(channel));
        delivery_way_mask(&n->way, channel, n->record->address);
        attempt_ended(n, error, text);
}

/* ---- The next one ---- */

/* Of the recipient and the event as they are stored. -ENOENT when there is nobody any more. */
static int find_way(struct notices *n, int64_t recipient, const char *name, struct delivery_way *ret) {
        enum notice_event event = notice_event_from_string(name);
        struct contact_record contact;
        int r;

        if (event < 0)
                return -ENOENT;
        if (recipient <= 0)
                r = find_phone(n, -recipient, event, true, ret);
        else {
                r = contact_record_load(n->journal, recipient, &contact);
                if (r >= 0)
                        r = find_contact(n, &contact, event, true, ret);
        }
        if (r >= 0)
                (void) delivery_way_prune(ret);
        return r;
}

/* Whether somebody else has the bound phone now. */
static int is_late(struct notices *n) {
        const struct notice_record *record = n->record;
        struct binding_record then;
        int r;

        if (record->contact != 0 || record->binding == 0)
                return 0;
        r = binding_record_load(n->journal, record->binding, &then);
        return r < 0 ? r : !streq(then.phone, n->way.phone);
}

static int send(struct notices *n) {
        _cleanup_secret_ char *marked = NULL;
        const char *text = n->record->text;
        int r;

        r = is_late(n);
        if (r < 0)
                return r;
        n->record->late = r > 0;
        if (n->record->late) {
                marked = secret_new(DELIVERY_TEXT_SIZE);
                if (!marked)
                        return -ENOMEM;
                r = notice_text_mark_late(n->way.language, text, marked, DELIVERY_TEXT_SIZE);
                if (r < 0)
                        return r;
                text = marked;
        }
        delivery_way_leave_out(&n->way, &n->channels);
        return delivery_start(&n->channels, &n->way, text,
                              notice_event_to_string(notice_event_from_string(n->record->event)), delivered, n,
                              &n->delivery);
}

static void start_sending(struct notices *n) {
        int r;

        (void) sd_event_source_set_enabled(n->timer, SD_EVENT_OFF);
        r = find_way(n, n->record->contact, n->record->event, &n->way);
        if (r == -EIO)
                engine_panic(r, "who gets a notice cannot be read");
        if (r >= 0)
                r = send(n);
        secret_wipe_stack();
        if (r == -ENOENT || r == -EDESTADDRREQ)
                attempt_ended(n, r, "there is nobody to send it to");
        else if (r < 0)
                attempt_ended(n, r, strerror(-r));
}

static int count(struct notices *n) {
        int count = notice_record_count_queued(n->journal);

        if (count < 0)
                return count;
        if ((unsigned) count == n->count)
                return 0;
        n->count = (unsigned) count;
        n->engine->listener.changed(n->engine->listener.userdata);
        return 0;
}

/* One that is damaged holds up neither the others nor a payment. */
static void drop_unreadable(struct notices *n, int r) {
        if (r == -EIO)
                engine_panic(r, "notices cannot be read");
        log_error_errno(r, "Notices cannot be read: tillctl journal verify says what is damaged");
        if (r != -EBADMSG || n->record->id == 0)
                return try_later(n, DELAY_FIRST_USEC);
        COPY(n->record->error, "it cannot be read");
        give_up(n, n->record->error);
}

/* ---- Whose turn it is ---- */

struct choice {
        struct notices *notices;
        int64_t id;     /* 0: none yet */
        bool too_old;   /* this one is */
        uint64_t delay; /* until one is due */
};

/* While all the channels of its recipient rest it is not tried. */
static uint64_t get_rest(struct notices *n, const struct notice_turn *turn) {
        _cleanup_(delivery_way_wipe) struct delivery_way way = {};

        /* Where that cannot be found out, the attempt says why. */
        return find_way(n, turn->contact, turn->event, &way) < 0 ? 0 : delivery_way_rest(&way, &n->channels);
}

void notices_explain(struct notices *n, const struct notice_record *record, char ret[static NOTICE_ERROR_SIZE]) {
        _cleanup_(delivery_way_wipe) struct delivery_way way = {};

        copy_text(ret, NOTICE_ERROR_SIZE, record->error);
        if (record->state == NOTICE_QUEUED && record->attempts == 0 &&
            find_way(n, record->contact, record->event, &way) >= 0 && delivery_way_rest(&way, &n->channels) > 0)
                delivery_way_complaints(&way, &n->channels, ret);
        secret_wipe_stack();
}

static int look_at_turn(const struct notice_turn *turn, void *userdata) {
        struct choice *choice = userdata;
        uint64_t wait = turn->wait_usec;

        /* Nor is any that comes after it due before. */
        if (wait >= choice->delay)
                return 1;
        wait = MAX(wait, get_rest(choice->notices, turn));
        if (wait == 0)
                choice->id = turn->id;
        choice->delay = MIN(choice->delay, wait);
        return wait == 0;
}

/* Whether the last test waits for its first attempt. */
static int wants_test(struct notices *n) {
        const struct notice_record *record = n->record;
        int r;

        if (n->test == 0)
                return 0;
        r = notice_record_load(n->journal, n->test, n->record);
        if (r >= 0 && record->state == NOTICE_QUEUED && record->attempts == 0)
                return 1;
        let_go(n);
        if (r < 0 && r != -ENOENT && r != -EBADMSG)
                return r;
        /* A damaged one has its turn as any other. */
        n->test = 0;
        return 0;
}

/* -ENOENT where nothing waits. */
static int choose(struct notices *n, struct choice *ret) {
        uint64_t uptime, until;
        int64_t oldest;
        int r;

        *ret = (struct choice){ .notices = n };
        r = wants_test(n);
        if (r > 0) {
                /* Somebody wants to see now whether it arrives: nothing that fails before it takes that away. */
                channels_wake(&n->channels);
                ret->id = n->test;
        }
        if (r != 0)
                return MIN(r, 0);
        r = uptime_get(n->journal, &uptime);
        if (r >= 0)
                r = notice_record_first_end(n->journal, &oldest, &until);
        if (r < 0)
                return r;
        if (uptime >= until) {
                ret->id = oldest;
                ret->too_old = true;
                return 0;
        }
        ret->delay = until - uptime;
        r = notice_record_each_turn(n->journal, DELAY_MAYBE_SENT_USEC, look_at_turn, ret);
        secret_wipe_stack();
        return MIN(r, 0);
}

void notices_kick(struct notices *n) {
        struct choice choice;
        int r;

        if (n->delivery || engine_current(n->engine) > 0)
                return;
        if (n->unwritten)
                return end_attempt(n);
        let_go(n);
        r = count(n);
        if (r >= 0)
                r = choose(n, &choice);
        if (r == -ENOENT)
                return;
        if (r >= 0 && choice.id > 0)
                r = notice_record_load(n->journal, choice.id, n->record);
        if (r < 0)
                return drop_unreadable(n, r);
        if (choice.id == 0)
                return try_later(n, choice.delay);
        if (choice.too_old)
                return give_up(n, "no channel has taken it in time");
        start_sending(n);
}

/* ---- One that is stored nowhere ---- */

struct notices_now {
        struct notices *notices;
        struct delivery *delivery;
        notices_now_done_t done;
        void *userdata;
};

static void now_ended(int error, enum notice_channel channel, const char *text, void *userdata) {
        struct notices_now *now = userdata;

        now->delivery = NULL;
        /* What waits for that channel need wait no longer. */
        if (error == 0)
                try_later(now->notices, 0);
        now->done(error, error == 0 ? notice_channel_to_string(channel) : "", text, now->userdata);
}

int notices_send_now(struct notices *n, const struct notice_order *order, const char *phone, notices_now_done_t done,
                     void *userdata, struct notices_now **ret) {
        _cleanup_(notices_now_freep) struct notices_now *now = calloc(1, sizeof(*now));
        _cleanup_secret_ char *text = secret_new(DELIVERY_TEXT_SIZE);
        const char *event = notice_event_to_string(order->event);
        _cleanup_(delivery_way_wipe) struct delivery_way way = {};
        struct notice_fields fields;
        int r;

        if (!now || !text)
                return -ENOMEM;
        now->notices = n;
        now->done = done;
        now->userdata = userdata;
        COPY(way.phone, phone);
        COPY(way.language, settings_notice_language(n->engine->config.settings));
        r = find_channels(n->journal, 0, order->event, "sms", &way, true);
        if (r < 0)
                return r;
        fill_in(n, &order->fields, &fields);
        r = notice_text_make(order->what, way.language, &fields, text, DELIVERY_TEXT_SIZE);
        if (r < 0)
                return r;
        (void) delivery_way_prune(&way);
        r = delivery_start(&n->channels, &way, text, event, now_ended, now, &now->delivery);
        secret_wipe_stack();
        if (r < 0)
                return r;
        *ret = TAKE_PTR(now);
        return 0;
}

struct notices_now *notices_now_free(struct notices_now *now) {
        if (!now)
                return NULL;
        delivery_free(now->delivery);
        free(now);
        return NULL;
}

/* ---- Life ---- */

void notices_listen(struct notices *n, notices_delivered_t listener, void *userdata) {
        n->delivered = listener;
        n->userdata = userdata;
}

int notices_new(struct engine *e, struct notices **ret) {
        _cleanup_(notices_freep) struct notices *n = calloc(1, sizeof(*n));
        int r;

        if (!n)
                return -ENOMEM;
        n->engine = e;
        n->journal = e->config.journal;
        n->channels.loop = e->config.event;
        n->record = secret_new(sizeof(*n->record));
        n->added = secret_new(sizeof(*n->added));
        if (!n->record || !n->added)
                return -ENOMEM;
        r = sd_event_add_time_relative(n->channels.loop, &n->timer, CLOCK_BOOTTIME, 0, 0, on_timer, n);
        if (r >= 0)
                r = sd_event_source_set_enabled(n->timer, SD_EVENT_OFF);
        if (r < 0)
                return r;
        *ret = TAKE_PTR(n);
        return 0;
}

struct notices *notices_free(struct notices *n) {
        if (!n)
                return NULL;
        sd_event_source_disable_unref(n->timer);
        delivery_free(n->delivery);
        secret_free(n->record);
        secret_free(n->added);
        free(n);
        return NULL;
}
