/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * One acquirer over TLS 1.2 or later with a pinned CA and a client certificate, on sd-event. Nothing
 * here blocks: names are looked up in a thread, every step has a deadline. One exchange at a time.
 */

#include <systemd/sd-event.h>

#include "base/macro.h"

struct host_link;

#define HOST_LINK_HOSTS_MAX 8
/* The longest frame, length prefix included. */
#define HOST_LINK_FRAME_MAX 4096

struct host_link_config {
        /*
         * "name:port", "192.0.2.1:8583", "[2001:db8::1]:8583"; tried in this order, each with connect_usec. One that
         * failed rests, and those that do not rest come first.
         */
        const char *hosts[HOST_LINK_HOSTS_MAX];
        size_t n_hosts;
        const char *server_name;      /* that the certificate must bear; NULL: the host's own */
        const char *ca_file;          /* PEM; the only roots that are trusted */
        const char *certificate_file; /* PEM, certificate and private key; NULL for none. Strings are copied */
        uint64_t connect_usec;        /* name, TCP and TLS together, per host; 0: 10 s */
        uint64_t idle_usec;           /* an unused connection is closed then; 0: 60 s */
};

enum host_link_reason {
        HOST_LINK_OK,
        HOST_LINK_NAME,        /* name does not resolve */
        HOST_LINK_UNREACHABLE, /* no route, refused, or no answer to the connect */
        HOST_LINK_CONNECT_TIMEOUT,
        HOST_LINK_TLS_CA,      /* certificate is not under our CA */
        HOST_LINK_TLS_NAME,    /* certificate bears another name */
        HOST_LINK_TLS_EXPIRED, /* or not yet valid */
        HOST_LINK_TLS_VERSION, /* TLS 1.2 is the least */
        HOST_LINK_TLS_CLIENT,  /* the acquirer refused our certificate */
        HOST_LINK_TLS_OTHER,
        HOST_LINK_CLOSED,    /* connection ended before the answer */
        HOST_LINK_TIMEOUT,   /* deadline of the answer */
        HOST_LINK_MALFORMED, /* what came is no frame */
        _HOST_LINK_REASON_MAX,
};

/* A sentence for people: "the acquirer's certificate has expired". */
const char *host_link_reason_text(enum host_link_reason reason);
/* One word for logs and properties: "tls-expired". */
const char *host_link_reason_name(enum host_link_reason reason);

/*
 * Each frame that comes, without its length prefix. Returns whether it is the answer that was waited
 * for; a frame that is not (late, somebody else's) is dropped and the wait goes on.
 */
typedef bool (*host_link_frame_t)(const void *frame, size_t size, void *userdata);

/*
 * The end of an exchange, called once, never from within host_link_exchange(). reason is HOST_LINK_OK
 * when a frame was taken. sent tells whether any byte of the request may have left the terminal: only
 * when it is false is it certain that nothing happened outside. A new exchange may be started from here.
 */
typedef void (*host_link_done_t)(enum host_link_reason reason, bool sent, void *userdata);

/* Called last, after done or after the exchange was dropped: frees userdata. */
typedef void (*host_link_destroy_t)(void *userdata);

/* Reads the certificates. -ENOENT, -EKEYREJECTED (what is in them cannot be used), -EINVAL (a host). */
int host_link_new(sd_event *event, const struct host_link_config *config, struct host_link **ret);
/* Closes; an exchange that runs is dropped without its callback. */
struct host_link *host_link_free(struct host_link *l);
DEFINE_CLEANUP(struct host_link *, host_link_free);

/*
 * Sends a whole frame and waits. The frame is copied to secret memory and wiped when the exchange ends.
 * transaction is what the log's lines are about until then; 0 for none.
 * deadline_usec counts from now and takes in the connect to every host. -EBUSY while another runs, -EMSGSIZE
 * beyond HOST_LINK_FRAME_MAX; userdata is then still the caller's. destroy may be NULL.
 */
int host_link_exchange(struct host_link *l, int64_t transaction, const void *frame, size_t size,
                       uint64_t deadline_usec, host_link_frame_t on_frame, host_link_done_t on_done,
                       host_link_destroy_t destroy, void *userdata);
/* Drops the exchange that runs, without its callback. Returns its sent; false when none runs. */
bool host_link_cancel(struct host_link *l);

/* "name:port" of the present or last connection, NULL before the first; TLS version as OpenSSL names it. */
const char *host_link_peer(const struct host_link *l);
const char *host_link_tls_version(const struct host_link *l);
bool host_link_is_connected(const struct host_link *l);
/* Whether the present connection took up an earlier one's session, so that no certificates were exchanged. */
bool host_link_is_resumed(const struct host_link *l);
/* Why the last attempt failed, and with what detail of the system or OpenSSL; OK and "" after a success. */
enum host_link_reason host_link_last_reason(const struct host_link *l);
const char *host_link_last_detail(const struct host_link *l);
/* "name:port" that the last attempt was at; the first host's before any. */
const char *host_link_last_host(const struct host_link *l);
