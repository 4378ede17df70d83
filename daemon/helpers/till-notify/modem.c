// SPDX-License-Identifier: LGPL-2.1-or-later
#include <systemd/sd-bus.h>

#include "base/clock.h"
#include "helpers/till-notify/channel.h"

#define MANAGER "org.freedesktop.ModemManager1"
#define MODEM MANAGER ".Modem"
#define MESSAGING MODEM ".Messaging"
#define SMS MANAGER ".Sms"

/* All modems together; of it, what is kept for deleting at the end, and what a call that needs no network may take. */
#define TOTAL_USEC (60 * USEC_PER_SEC)
#define DELETE_USEC (5 * USEC_PER_SEC)
#define CALL_USEC (10 * USEC_PER_SEC)

/* Of ModemManager's enumerations what matters here. */
enum {
        MODEM_FAILED = -1,
        MODEM_LOCKED = 2,
        MODEM_DISABLED = 3,
        MODEM_DISABLING = 4,
        MODEM_REGISTERED = 8,
};
enum {
        MODEM_FAILED_SIM_MISSING = 2,
        MODEM_FAILED_SIM_ERROR = 6,
};

struct modem {
        const char *path; /* in the reply */
        bool is_modem, has_messaging;
        int32_t state;
        uint32_t failed_reason;
};

struct sending {
        sd_bus *bus;
        const struct request *request;
        uint64_t until; /* CLOCK_MONOTONIC */

        int error; /* of the modem that came furthest */
        char reason[REASON_SIZE];
        int32_t furthest;
        bool maybe_sent; /* nobody knows: another modem might send it again */
};

static void sending_done(struct sending *s) {
        sd_bus_flush_close_unref(s->bus);
}

static uint64_t time_left(const struct sending *s, uint64_t kept) {
        uint64_t now = clock_now(CLOCK_MONOTONIC);

        /* 0 would be sd-bus' own time limit. */
        return now + kept < s->until ? s->until - kept - now : 1;
}

/* ---- calls ---- */

/* What was said is for a log: the name of the error, without its text, which may quote the number. */
static int refused(const sd_bus_error *error, int r, char reason[static REASON_SIZE]) {
        const char *name = error->name ?: "", *last;

        if (sd_bus_error_has_names(error, SD_BUS_ERROR_SERVICE_UNKNOWN, SD_BUS_ERROR_NAME_HAS_NO_OWNER) ||
            startswith(name, "org.freedesktop.DBus.Error.Spawn") || startswith(name, "org.freedesktop.systemd1."))
                return say(reason, -ENODEV, "ModemManager is not installed or does not start");
        if (sd_bus_error_has_names(error, SD_BUS_ERROR_ACCESS_DENIED, SD_BUS_ERROR_INTERACTIVE_AUTHORIZATION_REQUIRED,
                                   MANAGER ".Error.Core.Unauthorized"))
                return say(reason, -EACCES, "ModemManager does not let till-notify send: its polkit rule is missing");
        if (r == -ETIMEDOUT || sd_bus_error_has_name(error, SD_BUS_ERROR_TIMEOUT))
                return say(reason, -ETIME, "the modem does not answer in time");
        if (sd_bus_error_has_name(error, SD_BUS_ERROR_NO_REPLY) || r == -ECONNRESET)
                return say(reason, -ECONNRESET, "ModemManager has ended");
        last = strrchr(name, '.');
        return say(reason, -EIO, "the modem has not sent it: %s", last ? last + 1 : strerror(-r));
}

/* The message is the call's. */
static int call(struct sending *s, sd_bus_message *message, uint64_t usec, sd_bus_message **ret_reply,
                char reason[static REASON_SIZE]) {
        _cleanup_(sd_bus_error_free) sd_bus_error error = SD_BUS_ERROR_NULL;
        int r;

        r = sd_bus_call(s->bus, message, usec, &error, ret_reply);
        sd_bus_message_unref(message);
        return r < 0 ? refused(&error, r, reason) : 0;
}

static int out_of_memory(char reason[static REASON_SIZE]) {
        return say(reason, -ENOMEM, "out of memory");
}

static int create_message(struct sending *s, const char *modem, sd_bus_message **ret_reply,
                          char reason[static REASON_SIZE]) {
        sd_bus_message *m = NULL;

        if (sd_bus_message_new_method_call(s->bus, &m, MANAGER, modem, MESSAGING, "Create") < 0 ||
            sd_bus_message_append(m, "a{sv}", 2, "number", "s", s->request->strings[NOTICE_STRING_ADDRESS], "text",
                                  "s", s->request->strings[NOTICE_STRING_BODY]) < 0) {
                sd_bus_message_unref(m);
                return out_of_memory(reason);
        }
        return call(s, m, MIN(CALL_USEC, time_left(s, DELETE_USEC)), ret_reply, reason);
}

static int send_message(struct sending *s, const char *sms, char reason[static REASON_SIZE]) {
        sd_bus_message *m = NULL;

        if (sd_bus_message_new_method_call(s->bus, &m, MANAGER, sms, SMS, "Send") < 0)
                return out_of_memory(reason);
        return call(s, m, time_left(s, 2 * DELETE_USEC), NULL, reason);
}

/* The network's own number of the message; "" where it gives none. */
static int name_message(struct sending *s, const char *sms, char reason[static REASON_SIZE]) {
        uint32_t reference;

        if (sd_bus_get_property_trivial(s->bus, MANAGER, sms, SMS, "MessageReference", NULL, 'u', &reference) < 0)
                return say(reason, 0, "%s", "");
        return say(reason, 0, "reference %u", reference);
}

/* Sent or not, it holds a number and maybe a code: it does not stay. */
static void delete_message(struct sending *s, const char *modem, const char *sms) {
        char ignored[REASON_SIZE];
        sd_bus_message *m = NULL;

        if (sd_bus_message_new_method_call(s->bus, &m, MANAGER, modem, MESSAGING, "Delete") < 0 ||
            sd_bus_message_append(m, "o", sms) < 0) {
                sd_bus_message_unref(m);
                return;
        }
        (void) call(s, m, DELETE_USEC, NULL, ignored);
}

static bool is_own(struct sending *s, const char *sms) {
        char *text = NULL;
        bool same;

        if (sd_bus_get_property_string(s->bus, MANAGER, sms, SMS, "Text", NULL, &text) < 0)
                return false;
        same = streq(text, s->request->strings[NOTICE_STRING_BODY]);
        explicit_bzero(text, strlen(text));
        free(text);
        return same;
}

/* One that was made after all, and that no answer has named. */
static void delete_unnamed(struct sending *s, const char *modem) {
        _cleanup_(sd_bus_message_unrefp) sd_bus_message *reply = NULL;
        const char *sms;

        if (sd_bus_get_property(s->bus, MANAGER, modem, MESSAGING, "Messages", NULL, &reply, "ao") < 0 ||
            sd_bus_message_enter_container(reply, 'a', "o") < 0)
                return;
        while (time_left(s, DELETE_USEC) > 1 && sd_bus_message_read(reply, "o", &sms) > 0)
                if (is_own(s, sms))
                        delete_message(s, modem, sms);
}

static int send_by(struct sending *s, const char *modem, char reason[static REASON_SIZE]) {
        _cleanup_(sd_bus_message_unrefp) sd_bus_message *created = NULL;
        const char *sms;
        int r;

        r = create_message(s, modem, &created, reason);
        if (r == -ETIME)
                delete_unnamed(s, modem);
        if (r < 0)
                return r;
        if (sd_bus_message_read(created, "o", &sms) < 0)
                return say(reason, -EBADMSG, "ModemManager has answered what cannot be");
        r = send_message(s, sms, reason);
        s->maybe_sent = r == -ETIME || r == -ECONNRESET;
        if (s->maybe_sent)
                r = NOTICE_MAYBE_SENT;
        if (r >= 0)
                r = name_message(s, sms, reason);
        delete_message(s, modem, sms);
        return r;
}

/* ---- modems ---- */

static int judge(const struct modem *modem, char reason[static REASON_SIZE]) {
        if (modem->state == MODEM_FAILED &&
            (modem->failed_reason == MODEM_FAILED_SIM_MISSING || modem->failed_reason == MODEM_FAILED_SIM_ERROR))
                return say(reason, -ENODEV, "the modem has no SIM that can be used");
        if (modem->state == MODEM_FAILED)
                return say(reason, -ENODEV, "the modem has failed: mmcli --modem=any");
        if (modem->state == MODEM_LOCKED)
                return say(reason, -EACCES, "the modem's SIM is locked: mmcli --sim=any --pin=PIN");
        if (modem->state == MODEM_DISABLED || modem->state == MODEM_DISABLING)
                return say(reason, -ENETDOWN, "the modem is not enabled: mmcli --modem=any --enable");
        if (modem->state < MODEM_REGISTERED)
                return say(reason, -ENETDOWN, "the modem is not registered in a network");
        if (!modem->has_messaging)
                return say(reason, -EOPNOTSUPP, "the modem cannot send messages");
        return 0;
}

/* Whether the message has been sent, as far as can be known; else it is the next modem's. */
static bool try_modem(struct sending *s, const struct modem *modem) {
        char reason[REASON_SIZE];
        int32_t how_far = modem->state;
        int r;

        r = judge(modem, reason);
        if (r >= 0) {
                how_far = INT32_MAX;
                r = send_by(s, modem->path, reason);
        }
        if (r >= 0 || s->maybe_sent || how_far > s->furthest) {
                s->furthest = how_far;
                s->error = r;
                memcpy(s->reason, reason, sizeof(reason));
        }
        return r >= 0 || s->maybe_sent;
}

static int read_number(sd_bus_message *m, char type, void *ret) {
        const char *contents;
        int r;

        r = sd_bus_message_peek_type(m, NULL, &contents);
        if (r < 0)
                return r;
        return contents[0] == type && !contents[1] ? sd_bus_message_read(m, "v", contents, ret)
                                                   : sd_bus_message_skip(m, "v");
}

static int read_property(sd_bus_message *m, struct modem *modem) {
        const char *name;
        int r;

        r = sd_bus_message_read(m, "s", &name);
        if (r < 0)
                return r;
        if (streq(name, "State"))
                return read_number(m, SD_BUS_TYPE_INT32, &modem->state);
        if (streq(name, "StateFailedReason"))
                return read_number(m, SD_BUS_TYPE_UINT32, &modem->failed_reason);
        return sd_bus_message_skip(m, "v");
}

static int read_modem(sd_bus_message *m, struct modem *modem) {
        int r;

        modem->is_modem = true;
        r = sd_bus_message_enter_container(m, 'a', "{sv}");
        while (r >= 0 && (r = sd_bus_message_enter_container(m, 'e', "sv")) > 0) {
                r = read_property(m, modem);
                if (r >= 0)
                        r = sd_bus_message_exit_container(m);
        }
        return r < 0 ? r : sd_bus_message_exit_container(m);
}

static int read_interface(sd_bus_message *m, struct modem *modem) {
        const char *name;
        int r;

        r = sd_bus_message_read(m, "s", &name);
        if (r < 0)
                return r;
        if (streq(name, MODEM))
                return read_modem(m, modem);
        modem->has_messaging = modem->has_messaging || streq(name, MESSAGING);
        return sd_bus_message_skip(m, "a{sv}");
}

static int read_object(sd_bus_message *m, struct modem *modem) {
        int r;

        *modem = (struct modem){};
        r = sd_bus_message_read(m, "o", &modem->path);
        if (r >= 0)
                r = sd_bus_message_enter_container(m, 'a', "{sa{sv}}");
        while (r >= 0 && (r = sd_bus_message_enter_container(m, 'e', "sa{sv}")) > 0) {
                r = read_interface(m, modem);
                if (r >= 0)
                        r = sd_bus_message_exit_container(m);
        }
        return r < 0 ? r : sd_bus_message_exit_container(m);
}

static int try_all(struct sending *s, sd_bus_message *objects) {
        bool sent = false;
        int r;

        r = sd_bus_message_enter_container(objects, 'a', "{oa{sa{sv}}}");
        while (!sent && r >= 0 && (r = sd_bus_message_enter_container(objects, 'e', "oa{sa{sv}}")) > 0) {
                struct modem modem;

                r = read_object(objects, &modem);
                if (r >= 0)
                        r = sd_bus_message_exit_container(objects);
                if (r >= 0 && modem.is_modem)
                        sent = try_modem(s, &modem);
        }
        return r < 0 ? say(s->reason, -EBADMSG, "ModemManager has answered what cannot be") : s->error;
}

static int send_by_any(struct sending *s) {
        _cleanup_(sd_bus_message_unrefp) sd_bus_message *objects = NULL;
        sd_bus_message *m = NULL;
        int r;

        if (sd_bus_open_system(&s->bus) < 0)
                return say(s->reason, -ENOTCONN, "the system bus cannot be reached");
        if (sd_bus_set_method_call_timeout(s->bus, DELETE_USEC) < 0 ||
            sd_bus_message_new_method_call(s->bus, &m, MANAGER, "/org/freedesktop/ModemManager1",
                                           "org.freedesktop.DBus.ObjectManager", "GetManagedObjects") < 0)
                return out_of_memory(s->reason);
        r = call(s, m, CALL_USEC, &objects, s->reason);
        if (r < 0)
                return r;
        s->error = say(s->reason, -ENODEV, "there is no modem");
        return try_all(s, objects);
}

int modem_send(const struct request *request, const char *folder, char ret_reason[static REASON_SIZE]) {
        _cleanup_(sending_done) struct sending s = {
                .request = request,
                .until = clock_now(CLOCK_MONOTONIC) + TOTAL_USEC,
                .furthest = INT32_MIN,
        };
        int r;

        r = send_by_any(&s);
        memcpy(ret_reason, s.reason, REASON_SIZE);
        return r;
}
