/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* The link's state, for the files that it is made of. */

#include <netdb.h>
#include <openssl/ssl.h>

#include "host/link.h"
#include "host/resolve.h"

#define DETAIL_MAX 160

enum state {
        CLOSED,
        RESOLVING,
        CONNECTING,
        HANDSHAKE,
        READY,
};

struct endpoint {
        char *peer; /* as configured */
        char *name;
        char *port;
        SSL_SESSION *session; /* of the last connection, to be taken up again */
        unsigned failures;    /* since it last answered */
        uint64_t rests_until; /* CLOCK_BOOTTIME; others are tried first until then */
};

struct exchange {
        int64_t transaction; /* for the log */
        host_link_frame_t on_frame;
        host_link_done_t on_done;
        host_link_destroy_t destroy;
        void *userdata;
        uint8_t *frame; /* secret */
        size_t size;
        size_t written; /* accepted by the TLS layer */
        bool started;   /* the TLS layer has seen it */
        bool sent;      /* a byte of it may have left */
};

struct host_link {
        sd_event *event;
        SSL_CTX *context;
        struct endpoint endpoints[HOST_LINK_HOSTS_MAX];
        size_t n_endpoints;
        char *server_name;
        uint64_t connect_usec, idle_usec;

        enum state state;
        size_t current; /* endpoint */
        uint32_t tried; /* in this exchange, a bit each */
        struct host_resolve *resolve;
        struct addrinfo *addresses, *address;
        uint64_t connect_until;
        int fd;
        SSL *ssl;
        sd_event_source *io, *step_timer, *idle_timer, *deadline_timer, *defer;

        struct exchange *exchange;
        uint8_t *input; /* secret */
        size_t input_size;

        bool had_peer;
        enum host_link_reason last_reason;
        char last_detail[DETAIL_MAX];
};

/* ---- hosts (link-endpoint.c) ---- */

/* Reads "name:port" or "[address]:port". */
int endpoint_parse(struct endpoint *e, const char *text);
void endpoint_done(struct endpoint *e);
/* Keeps, or with NULL forgets, what the next connection may take up again. */
void endpoint_set_session(struct endpoint *e, SSL_SESSION *session);
/* It rests for ten seconds, then twenty, forty … up to five minutes. */
void endpoint_failed(struct endpoint *e, uint64_t now);
void endpoint_answered(struct endpoint *e);
/* The first that is neither tried nor resting, else the first that is not tried; n when all are. */
size_t endpoint_choose(const struct endpoint *endpoints, size_t n, uint32_t tried, uint64_t now);

/* ---- TLS (link-tls.c) ---- */

/* Why OpenSSL stopped, from its error queue and the result of the check of the certificate. */
enum host_link_reason link_tls_reason(unsigned long error, long verify);
int link_tls_context(const struct host_link_config *config, SSL_CTX **ret);
/* For the present endpoint and socket. */
int link_tls_new(struct host_link *l);
/* Says why OpenSSL stopped, and in which words of its own. */
enum host_link_reason link_tls_error(struct host_link *l, const char **ret_detail);
