// SPDX-License-Identifier: LGPL-2.1-or-later
#include "transaction/delivery.h"

#include <ctype.h>

#include "base/mail.h"
#include "base/secret.h"

struct delivery {
        struct channels *channels;
        struct delivery_way way;
        const char *event;
        delivery_done_t done;
        void *userdata;

        struct notice_call *call;
        unsigned next; /* channel to try when this one fails */
        char complaints[NOTICE_ERROR_SIZE];
        char text[DELIVERY_TEXT_SIZE]; /* subject, ended by a 0 in place of its newline, and body */
        const char *body;
        bool maybe_sent; /* by one of those before */
};

/* ---- The way ---- */

static const char *address_of(const struct delivery_way *way, enum notice_channel channel) {
        return channel == NOTICE_MAIL ? way->mail : way->phone;
}

unsigned delivery_way_prune(struct delivery_way *way) {
        unsigned n = 0;

        for (unsigned i = 0; i < way->n_channels; i++)
                if (*address_of(way, way->channels[i]))
                        way->channels[n++] = way->channels[i];
        return way->n_channels = n;
}

uint64_t delivery_way_rest(const struct delivery_way *way, const struct channels *channels) {
        uint64_t rest = way->n_channels > 0 ? UINT64_MAX : 0;

        for (unsigned i = 0; i < way->n_channels; i++)
                rest = MIN(rest, channels_rest(channels, way->channels[i]));
        return rest;
}

void delivery_way_leave_out(struct delivery_way *way, const struct channels *channels) {
        unsigned n = 0;

        for (unsigned i = 0; i < way->n_channels; i++)
                if (channels_rest(channels, way->channels[i]) == 0)
                        way->channels[n++] = way->channels[i];
        way->n_channels = n;
}

void delivery_way_mask(const struct delivery_way *way, enum notice_channel channel,
                       char ret[static DELIVERY_ADDRESS_MAX]) {
        if (channel == NOTICE_MAIL)
                mail_mask(way->mail, ret, DELIVERY_ADDRESS_MAX);
        else
                phone_mask(way->phone, ret);
}

/* ---- What a channel says ---- */

/* So many digits in a row of a number or a code tell it. */
#define TELLING 4

static bool all_digits(const char *text, size_t n) {
        for (size_t i = 0; i < n; i++)
                if (!isdigit((unsigned char) text[i]))
                        return false;
        return true;
}

static void blacken(char *text, const char *copy, const char *needle, size_t n) {
        for (const char *at = copy; (at = strstr(at, needle)); at++)
                memset(text + (at - copy), '*', n);
}

/* A gateway likes to repeat what it was given: that is kept nowhere. */
static void mask_echo(const struct delivery *d, char *text, size_t size) {
        const char *sources[] = { d->way.phone, d->body };
        char copy[size], digits[TELLING + 1];

        strcpy(copy, text);
        for (size_t i = 0; i < ELEMENTSOF(sources); i++)
                for (const char *at = sources[i]; strnlen(at, TELLING) == TELLING; at++)
                        if (all_digits(at, TELLING)) {
                                copy_text(digits, sizeof(digits), at);
                                blacken(text, copy, digits, TELLING);
                        }
        if (*d->way.mail)
                blacken(text, copy, d->way.mail, strlen(d->way.mail));
        explicit_bzero(digits, sizeof(digits));
        explicit_bzero(copy, size);
}

/* "sms: there is no modem; hook: there is no /etc/tilld/notify-hook" */
static void complain(char complaints[static NOTICE_ERROR_SIZE], enum notice_channel channel, const char *text) {
        size_t l = strlen(complaints);

        (void) snprintf(complaints + l, NOTICE_ERROR_SIZE - l, "%s%s: %s", l > 0 ? "; " : "",
                        notice_channel_to_string(channel), text);
}

void delivery_way_complaints(const struct delivery_way *way, const struct channels *channels,
                             char ret[static NOTICE_ERROR_SIZE]) {
        *ret = '\0';
        for (unsigned i = 0; i < way->n_channels; i++)
                complain(ret, way->channels[i], channels->channel[way->channels[i]].error);
}

/* ---- One channel after another ---- */

static int try_next(struct delivery *d);

static void call_ended(int error, const char *text, void *userdata) {
        _cleanup_(delivery_freep) struct delivery *d = userdata;
        enum notice_channel channel = d->way.channels[d->next - 1];
        char said[161];

        COPY(said, text);
        mask_echo(d, said, sizeof(said));
        d->call = notice_call_free(d->call);
        channels_note(d->channels, channel, error, said);
        if (error == 0)
                return d->done(0, channel, said, d->userdata);
        complain(d->complaints, channel, said);
        d->maybe_sent = d->maybe_sent || error == NOTICE_MAYBE_SENT;
        /* For one that may have gone out too: twice is better than not at all. */
        if (try_next(d) < 0)
                return d->done(d->maybe_sent ? NOTICE_MAYBE_SENT : error, channel, d->complaints, d->userdata);
        d = NULL;
}

/* 0 when one is asked; else the error of the last. */
static int try_next(struct delivery *d) {
        int r = -EDESTADDRREQ;

        while (d->next < d->way.n_channels) {
                enum notice_channel channel = d->way.channels[d->next++];
                const struct notice_letter letter = {
                        .channel = channel,
                        .address = address_of(&d->way, channel),
                        .subject = d->text,
                        .body = d->body,
                        .event = d->event,
                        .language = d->way.language,
                };

                r = notice_send(d->channels->loop, &letter, NOTICE_DEADLINE_USEC, call_ended, d, &d->call);
                if (r >= 0)
                        return 0;
                complain(d->complaints, channel, strerror(-r));
        }
        return r;
}

int delivery_start(struct channels *channels, const struct delivery_way *way, const char *text, const char *event,
                   delivery_done_t done, void *userdata, struct delivery **ret) {
        _cleanup_(delivery_freep) struct delivery *d = NULL;
        char *newline;
        int r;

        if (strlen(text) >= sizeof(d->text))
                return -EMSGSIZE;
        d = secret_new(sizeof(*d));
        if (!d)
                return -ENOMEM;
        *d = (struct delivery){
                .channels = channels, .way = *way, .event = event, .done = done, .userdata = userdata
        };
        COPY(d->text, text);
        newline = strchr(d->text, '\n');
        if (!newline)
                return -EINVAL;
        *newline = '\0';
        d->body = newline + 1;
        r = try_next(d);
        if (r < 0)
                return r;
        *ret = TAKE_PTR(d);
        return 0;
}

struct delivery *delivery_free(struct delivery *d) {
        if (!d)
                return NULL;
        notice_call_free(d->call);
        return secret_free(d);
}
