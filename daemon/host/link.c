// SPDX-License-Identifier: LGPL-2.1-or-later
#include <fcntl.h>
#include <openssl/err.h>
#include <sys/epoll.h>
#include <sys/socket.h>

#include "base/log.h"
#include "base/secret.h"
#include "host/link-internal.h"

#define CONNECT_USEC_DEFAULT UINT64_C(10000000)
#define IDLE_USEC_DEFAULT UINT64_C(60000000)
/* A card waits: what the kernel may add to a deadline. */
#define ACCURACY_USEC UINT64_C(10000)

static void link_note(struct host_link *l, enum host_link_reason reason, const char *detail) {
        l->last_reason = reason;
        snprintf(l->last_detail, sizeof(l->last_detail), "%s", detail);
}

/* ---- the end of an exchange ---- */

static void exchange_free(struct exchange *x) {
        if (x->destroy)
                x->destroy(x->userdata);
        secret_free(x->frame);
        free(x);
}

static void link_arm_idle(struct host_link *l);

static void link_end_exchange(struct host_link *l, enum host_link_reason reason) {
        struct exchange *x = TAKE_PTR(l->exchange);

        if (!x)
                return;
        (void) sd_event_source_set_enabled(l->deadline_timer, SD_EVENT_OFF);
        (void) sd_event_source_set_enabled(l->defer, SD_EVENT_OFF);
        if (reason == HOST_LINK_OK) {
                link_note(l, HOST_LINK_OK, "");
                endpoint_answered(l->endpoints + l->current);
        }
        if (l->state == READY)
                link_arm_idle(l);
        x->on_done(reason, x->sent, x->userdata);
        exchange_free(x);
}

/* ---- the connection ---- */

static void link_forget_addresses(struct host_link *l) {
        if (l->addresses)
                freeaddrinfo(l->addresses);
        l->addresses = l->address = NULL;
}

/* Closes the socket and its TLS state only. */
static void link_close_socket(struct host_link *l) {
        if (l->ssl && l->state == READY)
                (void) SSL_shutdown(l->ssl);
        ERR_clear_error();
        l->io = sd_event_source_disable_unref(l->io);
        SSL_free(l->ssl);
        l->ssl = NULL;
        l->fd = safe_close(l->fd);
        explicit_bzero(l->input, l->input_size);
        l->input_size = 0;
}

static void link_close(struct host_link *l) {
        link_close_socket(l);
        l->resolve = host_resolve_free(l->resolve);
        link_forget_addresses(l);
        (void) sd_event_source_set_enabled(l->step_timer, SD_EVENT_OFF);
        (void) sd_event_source_set_enabled(l->idle_timer, SD_EVENT_OFF);
        l->state = CLOSED;
}

static uint64_t link_now(struct host_link *l) {
        uint64_t usec = 0;

        (void) sd_event_now(l->event, CLOCK_BOOTTIME, &usec);
        return usec;
}

/* Whose exchange runs; 0 where none does, or it is nobody's. */
static int64_t link_transaction(const struct host_link *l) {
        return l->exchange ? l->exchange->transaction : 0;
}

/* The exchange is over, and the host that it ended at rests. */
static void link_fail(struct host_link *l, enum host_link_reason reason, const char *detail) {
        struct endpoint *e = l->endpoints + l->current;

        log_about(LOG_NOTICE, 0, LOG_ABOUT_TRANSACTION(link_transaction(l)), "Acquirer %s: %s (%s)", e->peer,
                  host_link_reason_text(reason), detail);
        endpoint_failed(e, link_now(l));
        link_note(l, reason, detail);
        link_close(l);
        link_end_exchange(l, reason);
}

static int link_arm(struct host_link *l, sd_event_source **timer, uint64_t usec, sd_event_time_handler_t handler) {
        int r;

        if (*timer) {
                r = sd_event_source_set_time_relative(*timer, usec);
                if (r < 0)
                        return r;
                return sd_event_source_set_enabled(*timer, SD_EVENT_ONESHOT);
        }
        return sd_event_add_time_relative(l->event, timer, CLOCK_BOOTTIME, usec, ACCURACY_USEC, handler, l);
}

static void link_start_endpoint(struct host_link *l, size_t index);
static void link_next_address(struct host_link *l, enum host_link_reason reason, const char *detail);
static void link_next_endpoint(struct host_link *l, enum host_link_reason reason, const char *detail);

static const char no_name_service[] = "no answer from the name service";

static int link_on_step_timeout(sd_event_source *s, uint64_t usec, void *userdata) {
        struct host_link *l = userdata;

        if (l->state == RESOLVING)
                link_next_endpoint(l, HOST_LINK_NAME, no_name_service);
        else
                link_next_address(l, HOST_LINK_CONNECT_TIMEOUT, "time-out");
        return 0;
}

/* The time that this address may take: its share of what the host has left. */
static uint64_t link_address_usec(struct host_link *l) {
        uint64_t usec = link_now(l), n = 0;

        for (struct addrinfo *a = l->address; a; a = a->ai_next)
                n++;
        return usec < l->connect_until && n > 0 ? (l->connect_until - usec) / n : 0;
}

/* This host failed and rests; another one is tried, or the exchange ends with the last host's reason. */
static void link_next_endpoint(struct host_link *l, enum host_link_reason reason, const char *detail) {
        struct endpoint *e = l->endpoints + l->current;
        size_t next;

        next = endpoint_choose(l->endpoints, l->n_endpoints, l->tried, link_now(l));
        if (next >= l->n_endpoints) {
                link_fail(l, reason, detail);
                return;
        }
        log_about(LOG_NOTICE, 0, LOG_ABOUT_TRANSACTION(link_transaction(l)), "Acquirer %s: %s (%s); trying %s",
                  e->peer, host_link_reason_text(reason), detail, l->endpoints[next].peer);
        endpoint_failed(e, link_now(l));
        link_close(l);
        link_start_endpoint(l, next);
}

static int link_set_events(struct host_link *l, uint32_t events) {
        return sd_event_source_set_io_events(l->io, events);
}

static void link_arm_idle(struct host_link *l);
static void link_write(struct host_link *l);
static void link_read(struct host_link *l);

static void link_ready(struct host_link *l) {
        l->state = READY;
        l->had_peer = true;
        log_about(LOG_DEBUG, 0, LOG_ABOUT_TRANSACTION(link_transaction(l)), "Acquirer %s: connected, %s%s",
                  l->endpoints[l->current].peer, host_link_tls_version(l),
                  host_link_is_resumed(l) ? ", an earlier session" : "");
        (void) sd_event_source_set_enabled(l->step_timer, SD_EVENT_OFF);
        link_forget_addresses(l);
        if (l->exchange)
                link_write(l);
        else
                link_arm_idle(l);
}

static void link_handshake(struct host_link *l) {
        const char *detail;
        int r, e;

        errno = 0;
        ERR_clear_error();
        r = SSL_connect(l->ssl);
        if (r == 1) {
                link_ready(l);
                return;
        }
        e = SSL_get_error(l->ssl, r);
        if (e == SSL_ERROR_WANT_READ || e == SSL_ERROR_WANT_WRITE) {
                r = link_set_events(l, e == SSL_ERROR_WANT_READ ? EPOLLIN : EPOLLOUT);
                if (r < 0)
                        link_fail(l, HOST_LINK_TLS_OTHER, strerror(-r));
                return;
        }

        enum host_link_reason reason = link_tls_error(l, &detail);
        endpoint_set_session(l->endpoints + l->current, NULL);
        /* One that hangs up has said nothing of whom it trusts: a service that starts, a firewall. */
        if (reason == HOST_LINK_CLOSED)
                link_next_address(l, HOST_LINK_UNREACHABLE, detail);
        else
                /* A host that speaks, but not to us, will not do so at another address. */
                link_next_endpoint(l, reason, detail);
}

static void link_connected(struct host_link *l) {
        socklen_t size = sizeof(int);
        int error = 0, r;

        if (getsockopt(l->fd, SOL_SOCKET, SO_ERROR, &error, &size) < 0)
                error = errno;
        if (error != 0) {
                link_next_address(l, HOST_LINK_UNREACHABLE, strerror(error));
                return;
        }
        r = link_tls_new(l);
        if (r < 0) {
                link_fail(l, HOST_LINK_TLS_OTHER, strerror(-r));
                return;
        }
        l->state = HANDSHAKE;
        link_handshake(l);
}

static int link_on_io(sd_event_source *s, int fd, uint32_t revents, void *userdata) {
        struct host_link *l = userdata;

        switch (l->state) {
        case CONNECTING:
                link_connected(l);
                break;
        case HANDSHAKE:
                link_handshake(l);
                break;
        case READY:
                if (l->exchange && l->exchange->started && l->exchange->written < l->exchange->size)
                        link_write(l);
                else
                        link_read(l);
                break;
        default:
                break;
        }
        return 0;
}

static int link_open_socket(struct host_link *l) {
        struct addrinfo *a = l->address;
        int r;

        l->fd = socket(a->ai_family, a->ai_socktype | SOCK_CLOEXEC | SOCK_NONBLOCK, a->ai_protocol);
        if (l->fd < 0)
                return -errno;
        if (connect(l->fd, a->ai_addr, a->ai_addrlen) < 0 && errno != EINPROGRESS)
                return -errno;
        l->state = CONNECTING;
        r = sd_event_add_io(l->event, &l->io, l->fd, EPOLLOUT, link_on_io, l);
        if (r < 0)
                return r;
        return link_arm(l, &l->step_timer, link_address_usec(l), link_on_step_timeout);
}

/* Goes through the addresses from the present one on. */
static void link_try_addresses(struct host_link *l, enum host_link_reason reason, const char *detail) {
        int r;

        for (; l->address; l->address = l->address->ai_next) {
                r = link_open_socket(l);
                if (r >= 0)
                        return;
                reason = HOST_LINK_UNREACHABLE;
                detail = strerror(-r);
                link_close_socket(l);
        }
        link_next_endpoint(l, reason, detail);
}

static void link_next_address(struct host_link *l, enum host_link_reason reason, const char *detail) {
        link_close_socket(l);
        l->address = l->address->ai_next;
        link_try_addresses(l, reason, detail);
}

static void link_resolved(int error, struct addrinfo *addresses, void *userdata) {
        struct host_link *l = userdata;

        l->resolve = host_resolve_free(l->resolve);
        if (error != 0) {
                link_next_endpoint(l, HOST_LINK_NAME, gai_strerror(error));
                return;
        }
        l->addresses = l->address = addresses;
        link_try_addresses(l, HOST_LINK_NAME, "no address");
}

static void link_start_endpoint(struct host_link *l, size_t index) {
        struct endpoint *e = l->endpoints + index;
        int r;

        l->current = index;
        l->tried |= UINT32_C(1) << index;
        l->state = RESOLVING;
        l->connect_until = link_now(l) + l->connect_usec;
        r = host_resolve_new(l->event, e->name, e->port, link_resolved, l, &l->resolve);
        if (r >= 0)
                r = link_arm(l, &l->step_timer, l->connect_usec, link_on_step_timeout);
        if (r < 0)
                link_fail(l, HOST_LINK_NAME, strerror(-r));
}

static int link_on_idle(sd_event_source *s, uint64_t usec, void *userdata) {
        link_close(userdata);
        return 0;
}

static void link_arm_idle(struct host_link *l) {
        /* Without its timer an idle connection would stay: better none. */
        if (link_set_events(l, EPOLLIN) < 0 || link_arm(l, &l->idle_timer, l->idle_usec, link_on_idle) < 0)
                link_close(l);
}

/* ---- reading and writing ---- */

/* The connection ended under us. One that nobody had used yet is no failure. */
static void link_broken(struct host_link *l) {
        const char *detail;
        enum host_link_reason reason = link_tls_error(l, &detail);

        if (!l->exchange || !l->exchange->started) {
                link_close(l);
                return;
        }
        link_fail(l, reason == HOST_LINK_TLS_CLIENT ? reason : HOST_LINK_CLOSED, detail);
}

static void link_write(struct host_link *l) {
        struct exchange *x = l->exchange;
        size_t n;
        int r, e;

        x->started = true;
        errno = 0;
        ERR_clear_error();
        r = SSL_write_ex(l->ssl, x->frame, x->size, &n);
        if (r == 1) {
                x->written = x->size;
                if (link_set_events(l, EPOLLIN) < 0)
                        link_fail(l, HOST_LINK_CLOSED, "event loop");
                return;
        }
        e = SSL_get_error(l->ssl, r);
        if (e != SSL_ERROR_WANT_READ && e != SSL_ERROR_WANT_WRITE) {
                link_broken(l);
                return;
        }
        if (link_set_events(l, e == SSL_ERROR_WANT_READ ? EPOLLIN : EPOLLOUT) < 0)
                link_fail(l, HOST_LINK_CLOSED, "event loop");
}

/* Hands over one frame when there is a whole one. Returns whether it did. */
static bool link_take_frame(struct host_link *l, bool *ret_answer) {
        size_t size;

        if (l->input_size < 2)
                return false;
        size = (size_t) l->input[0] << 8 | l->input[1];
        if (l->input_size < 2 + size)
                return false;

        *ret_answer = l->exchange && l->exchange->started &&
                      l->exchange->on_frame(l->input + 2, size, l->exchange->userdata);
        l->input_size -= 2 + size;
        memmove(l->input, l->input + 2 + size, l->input_size);
        explicit_bzero(l->input + l->input_size, 2 + size);
        return true;
}

static bool link_input_bad(const struct host_link *l) {
        size_t size;

        if (l->input_size < 2)
                return false;
        size = (size_t) l->input[0] << 8 | l->input[1];
        return size == 0 || 2 + size > HOST_LINK_FRAME_MAX;
}

/* Returns false when the link must not be read further. */
static bool link_take_input(struct host_link *l) {
        bool answer = false;

        for (;;) {
                if (link_input_bad(l)) {
                        if (l->exchange && l->exchange->started)
                                link_fail(l, HOST_LINK_MALFORMED, "length prefix");
                        else
                                link_close(l);
                        return false;
                }
                if (!link_take_frame(l, &answer))
                        return true;
                if (answer) {
                        /* The callback may start the next exchange or free the link. */
                        link_end_exchange(l, HOST_LINK_OK);
                        return false;
                }
        }
}

static void link_read(struct host_link *l) {
        size_t n;
        int r, e;

        for (;;) {
                errno = 0;
                ERR_clear_error();
                r = SSL_read_ex(l->ssl, l->input + l->input_size, HOST_LINK_FRAME_MAX - l->input_size, &n);
                if (r != 1)
                        break;
                l->input_size += n;
                if (!link_take_input(l))
                        return;
        }
        e = SSL_get_error(l->ssl, r);
        if (e != SSL_ERROR_WANT_READ && e != SSL_ERROR_WANT_WRITE)
                link_broken(l);
}

/* ---- what callers see ---- */

static void link_connect(struct host_link *l) {
        l->tried = 0;
        link_start_endpoint(l, endpoint_choose(l->endpoints, l->n_endpoints, 0, link_now(l)));
}

static int link_on_defer(sd_event_source *s, void *userdata) {
        struct host_link *l = userdata;

        (void) sd_event_source_set_enabled(s, SD_EVENT_OFF);
        if (!l->exchange)
                return 0;
        /* The peer may have closed while nothing was going on: see that before a byte is sent. */
        if (l->state == READY)
                link_read(l);
        if (l->state == READY)
                link_write(l);
        else if (l->state == CLOSED)
                link_connect(l);
        return 0;
}

static int link_on_deadline(sd_event_source *s, uint64_t usec, void *userdata) {
        struct host_link *l = userdata;

        /* A late answer must not meet the next exchange. */
        if (l->exchange->sent)
                link_fail(l, HOST_LINK_TIMEOUT, "deadline");
        else if (l->state == RESOLVING)
                link_fail(l, HOST_LINK_NAME, no_name_service);
        else
                link_fail(l, HOST_LINK_CONNECT_TIMEOUT, "deadline");
        return 0;
}

int host_link_exchange(struct host_link *l, int64_t transaction, const void *frame, size_t size,
                       uint64_t deadline_usec, host_link_frame_t on_frame, host_link_done_t on_done,
                       host_link_destroy_t destroy, void *userdata) {
        struct exchange *x;
        int r;

        if (l->exchange)
                return -EBUSY;
        if (size == 0 || size > HOST_LINK_FRAME_MAX)
                return -EMSGSIZE;

        x = calloc(1, sizeof(*x));
        if (!x)
                return -ENOMEM;
        x->frame = secret_new(size);
        r = x->frame ? link_arm(l, &l->deadline_timer, deadline_usec, link_on_deadline) : -ENOMEM;
        if (r >= 0)
                r = sd_event_source_set_enabled(l->defer, SD_EVENT_ONESHOT);
        if (r < 0) {
                exchange_free(x);
                return r;
        }
        if (l->idle_timer)
                (void) sd_event_source_set_enabled(l->idle_timer, SD_EVENT_OFF);

        x->transaction = transaction;
        memcpy(x->frame, frame, size);
        x->size = size;
        x->on_frame = on_frame;
        x->on_done = on_done;
        x->destroy = destroy;
        x->userdata = userdata;
        l->exchange = x;
        return 0;
}

bool host_link_cancel(struct host_link *l) {
        struct exchange *x = TAKE_PTR(l->exchange);
        bool sent;

        if (!x)
                return false;
        sent = x->sent;
        (void) sd_event_source_set_enabled(l->deadline_timer, SD_EVENT_OFF);
        (void) sd_event_source_set_enabled(l->defer, SD_EVENT_OFF);
        link_close(l);
        exchange_free(x);
        return sent;
}

const char *host_link_peer(const struct host_link *l) {
        return l->had_peer ? l->endpoints[l->current].peer : NULL;
}

const char *host_link_tls_version(const struct host_link *l) {
        return l->state == READY ? SSL_get_version(l->ssl) : NULL;
}

bool host_link_is_resumed(const struct host_link *l) {
        return l->state == READY && SSL_session_reused(l->ssl);
}

bool host_link_is_connected(const struct host_link *l) {
        return l->state == READY;
}

enum host_link_reason host_link_last_reason(const struct host_link *l) {
        return l->last_reason;
}

const char *host_link_last_detail(const struct host_link *l) {
        return l->last_detail;
}

const char *host_link_last_host(const struct host_link *l) {
        return l->endpoints[l->current].peer;
}

/* ---- making and freeing ---- */

int host_link_new(sd_event *event, const struct host_link_config *config, struct host_link **ret) {
        _cleanup_(host_link_freep) struct host_link *l = NULL;
        int r;

        if (config->n_hosts < 1 || config->n_hosts > HOST_LINK_HOSTS_MAX)
                return -EINVAL;

        l = calloc(1, sizeof(*l));
        if (!l)
                return -ENOMEM;
        l->fd = -EBADF;
        l->event = sd_event_ref(event);
        l->connect_usec = config->connect_usec ?: CONNECT_USEC_DEFAULT;
        l->idle_usec = config->idle_usec ?: IDLE_USEC_DEFAULT;
        l->input = secret_new(HOST_LINK_FRAME_MAX);
        if (!l->input || (config->server_name && !(l->server_name = strdup(config->server_name))))
                return -ENOMEM;
        for (; l->n_endpoints < config->n_hosts; l->n_endpoints++) {
                r = endpoint_parse(l->endpoints + l->n_endpoints, config->hosts[l->n_endpoints]);
                if (r < 0)
                        return r;
        }
        r = link_tls_context(config, &l->context);
        if (r < 0)
                return r;
        r = sd_event_add_defer(event, &l->defer, link_on_defer, l);
        if (r < 0)
                return r;
        r = sd_event_source_set_enabled(l->defer, SD_EVENT_OFF);
        if (r < 0)
                return r;
        *ret = TAKE_PTR(l);
        return 0;
}

struct host_link *host_link_free(struct host_link *l) {
        if (!l)
                return NULL;
        if (l->input)
                link_close(l);
        if (l->exchange)
                exchange_free(l->exchange);
        sd_event_source_disable_unref(l->step_timer);
        sd_event_source_disable_unref(l->idle_timer);
        sd_event_source_disable_unref(l->deadline_timer);
        sd_event_source_disable_unref(l->defer);
        for (size_t i = 0; i < HOST_LINK_HOSTS_MAX; i++)
                endpoint_done(l->endpoints + i);
        SSL_CTX_free(l->context);
        secret_free(l->input);
        free(l->server_name);
        sd_event_unref(l->event);
        free(l);
        return NULL;
}
