// SPDX-License-Identifier: LGPL-2.1-or-later
#include <arpa/inet.h>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <sys/epoll.h>
#include <sys/socket.h>

#include "acquirer/server.h"
#include "base/log.h"

#define CONNECTIONS_MAX 64
#define PENDING_MAX 16
#define HANDSHAKE_USEC UINT64_C(10000000)
#define IDLE_USEC UINT64_C(600000000)
#define OUT_MAX ((size_t) 8 * HOST_FRAME_MAX)

struct connection;

/* An answer that waits for its time. */
struct pending {
        struct connection *connection;
        sd_event_source *timer;
        struct reply reply;
};

struct connection {
        struct sim_server *server;
        int fd;
        SSL *ssl;
        bool ready;
        sd_event_source *io, *timer;
        uint8_t in[HOST_FRAME_MAX];
        size_t in_size;
        uint8_t out[OUT_MAX];
        size_t out_size;
        struct pending *pending[PENDING_MAX];
};

struct sim_server {
        sd_event *event;
        struct sim_acquirer *acquirer;
        SSL_CTX *context;
        int fd;
        unsigned port;
        sd_event_source *io;
        struct connection *connections[CONNECTIONS_MAX];
};

static void pending_free(struct pending *p) {
        sd_event_source_disable_unref(p->timer);
        explicit_bzero(&p->reply, sizeof(p->reply));
        free(p);
}

static void connection_free(struct connection *c) {
        struct sim_server *s = c->server;

        for (size_t i = 0; i < CONNECTIONS_MAX; i++)
                if (s->connections[i] == c)
                        s->connections[i] = NULL;
        for (size_t i = 0; i < PENDING_MAX; i++)
                if (c->pending[i])
                        pending_free(c->pending[i]);
        sd_event_source_disable_unref(c->io);
        sd_event_source_disable_unref(c->timer);
        if (c->ready)
                (void) SSL_shutdown(c->ssl);
        ERR_clear_error();
        SSL_free(c->ssl);
        safe_close(c->fd);
        explicit_bzero(c->in, sizeof(c->in));
        free(c);
}

static void connection_fail(struct connection *c, const char *what) {
        unsigned long error = ERR_peek_error();

        log_info("Connection ended: %s%s%s", what, error != 0 ? ": " : "",
                 error != 0 ? strempty(ERR_reason_error_string(error)) : "");
        connection_free(c);
}

/* Returns false when the connection is gone. */
static bool connection_flush(struct connection *c) {
        size_t n;
        int r, e;

        while (c->out_size > 0) {
                ERR_clear_error();
                r = SSL_write_ex(c->ssl, c->out, c->out_size, &n);
                if (r != 1) {
                        e = SSL_get_error(c->ssl, r);
                        if (e != SSL_ERROR_WANT_READ && e != SSL_ERROR_WANT_WRITE) {
                                connection_fail(c, "an answer could not be sent");
                                return false;
                        }
                        break;
                }
                c->out_size -= n;
                memmove(c->out, c->out + n, c->out_size);
        }
        (void) sd_event_source_set_io_events(c->io, EPOLLIN | (c->out_size > 0 ? EPOLLOUT : 0));
        return true;
}

static bool connection_send(struct connection *c, const struct reply *reply) {
        for (unsigned i = 0; i < reply->times; i++) {
                if (reply->size > OUT_MAX - c->out_size) {
                        connection_fail(c, "answers are not taken");
                        return false;
                }
                memcpy(c->out + c->out_size, reply->frame, reply->size);
                c->out_size += reply->size;
        }
        return connection_flush(c);
}

static int on_pending(sd_event_source *s, uint64_t usec, void *userdata) {
        struct pending *p = userdata;
        struct connection *c = p->connection;

        for (size_t i = 0; i < PENDING_MAX; i++)
                if (c->pending[i] == p)
                        c->pending[i] = NULL;
        (void) connection_send(c, &p->reply);
        pending_free(p);
        return 0;
}

static int connection_delay(struct connection *c, const struct reply *reply) {
        struct pending *p;
        int r;

        for (size_t i = 0; i < PENDING_MAX; i++) {
                if (c->pending[i])
                        continue;
                p = calloc(1, sizeof(*p));
                if (!p)
                        return -ENOMEM;
                p->connection = c;
                p->reply = *reply;
                r = sd_event_add_time_relative(c->server->event, &p->timer, CLOCK_BOOTTIME, reply->delay_usec, 1,
                                               on_pending, p);
                if (r < 0) {
                        pending_free(p);
                        return r;
                }
                c->pending[i] = p;
                return 0;
        }
        return -EBUSY;
}

/* Returns false when the connection is gone. */
static bool connection_handle(struct connection *c, const uint8_t *frame, size_t size) {
        struct reply reply = {};
        unsigned field;
        int r;

        r = sim_acquirer_handle(c->server->acquirer, frame, size, &reply, &field);
        if (r == -EBADMSG) {
                log_warning("A request cannot be read (field %u)", field);
                connection_fail(c, "unreadable request");
                return false;
        }
        if (r < 0) {
                log_error_errno(r, "A request could not be handled");
                connection_fail(c, "own failure");
                return false;
        }
        if (reply.close) {
                connection_fail(c, "script");
                return false;
        }
        if (reply.size == 0)
                return true;
        if (reply.delay_usec == 0)
                return connection_send(c, &reply);
        r = connection_delay(c, &reply);
        if (r < 0)
                log_warning_errno(r, "An answer cannot be delayed and is dropped");
        return true;
}

static bool connection_take(struct connection *c) {
        while (c->in_size >= 2) {
                size_t size = (size_t) c->in[0] << 8 | c->in[1];

                if (2 + size > sizeof(c->in)) {
                        connection_fail(c, "frame too long");
                        return false;
                }
                if (c->in_size < 2 + size)
                        return true;
                if (!connection_handle(c, c->in + 2, size))
                        return false;
                c->in_size -= 2 + size;
                memmove(c->in, c->in + 2 + size, c->in_size);
        }
        return true;
}

static void connection_read(struct connection *c) {
        size_t n;
        int r, e;

        for (;;) {
                ERR_clear_error();
                r = SSL_read_ex(c->ssl, c->in + c->in_size, sizeof(c->in) - c->in_size, &n);
                if (r != 1)
                        break;
                c->in_size += n;
                if (!connection_take(c))
                        return;
        }
        e = SSL_get_error(c->ssl, r);
        if (e == SSL_ERROR_ZERO_RETURN || e == SSL_ERROR_SYSCALL)
                connection_free(c);
        else if (e != SSL_ERROR_WANT_READ && e != SSL_ERROR_WANT_WRITE)
                connection_fail(c, "TLS");
}

static void connection_handshake(struct connection *c) {
        int r, e;

        ERR_clear_error();
        r = SSL_accept(c->ssl);
        if (r == 1) {
                c->ready = true;
                (void) sd_event_source_set_io_events(c->io, EPOLLIN);
                (void) sd_event_source_set_time_relative(c->timer, IDLE_USEC);
                connection_read(c);
                return;
        }
        e = SSL_get_error(c->ssl, r);
        if (e != SSL_ERROR_WANT_READ && e != SSL_ERROR_WANT_WRITE) {
                connection_fail(c, "no TLS");
                return;
        }
        (void) sd_event_source_set_io_events(c->io, e == SSL_ERROR_WANT_READ ? EPOLLIN : EPOLLOUT);
}

static int on_connection(sd_event_source *s, int fd, uint32_t revents, void *userdata) {
        struct connection *c = userdata;

        if (!c->ready) {
                connection_handshake(c);
                return 0;
        }
        if (c->out_size > 0 && !connection_flush(c))
                return 0;
        (void) sd_event_source_set_time_relative(c->timer, IDLE_USEC);
        connection_read(c);
        return 0;
}

static int on_timeout(sd_event_source *s, uint64_t usec, void *userdata) {
        connection_fail(userdata, "nothing came");
        return 0;
}

static int connection_start(struct connection *c) {
        int r;

        c->ssl = SSL_new(c->server->context);
        if (!c->ssl || SSL_set_fd(c->ssl, c->fd) != 1)
                return -ENOMEM;
        r = sd_event_add_time_relative(c->server->event, &c->timer, CLOCK_BOOTTIME, HANDSHAKE_USEC, 0, on_timeout, c);
        if (r < 0)
                return r;
        return sd_event_add_io(c->server->event, &c->io, c->fd, EPOLLIN, on_connection, c);
}

static int on_accept(sd_event_source *source, int fd, uint32_t revents, void *userdata) {
        struct sim_server *s = userdata;
        struct connection *c;
        int client, r;

        client = accept4(fd, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);
        if (client < 0)
                return 0;
        /* An answer must not wait until the session tickets before it are acknowledged. */
        (void) setsockopt(client, IPPROTO_TCP, TCP_NODELAY, &(int){ 1 }, sizeof(int));
        for (size_t i = 0; i < CONNECTIONS_MAX; i++) {
                if (s->connections[i])
                        continue;
                c = calloc(1, sizeof(*c));
                if (!c)
                        break;
                c->server = s;
                c->fd = client;
                s->connections[i] = c;
                r = connection_start(c);
                if (r < 0)
                        connection_free(c);
                return 0;
        }
        log_warning("A connection is refused: there are too many");
        safe_close(client);
        return 0;
}

static int load_context(struct sim_server *s, const char *state) {
        _cleanup_free_ char *ca = NULL, *pem = NULL;

        if (asprintf(&ca, "%s/ca.pem", state) < 0 || asprintf(&pem, "%s/server.pem", state) < 0)
                return -ENOMEM;
        s->context = SSL_CTX_new(TLS_server_method());
        if (!s->context)
                return -ENOMEM;
        if (SSL_CTX_set_min_proto_version(s->context, TLS1_2_VERSION) != 1 ||
            SSL_CTX_load_verify_file(s->context, ca) != 1 ||
            SSL_CTX_use_certificate_chain_file(s->context, pem) != 1 ||
            SSL_CTX_use_PrivateKey_file(s->context, pem, SSL_FILETYPE_PEM) != 1 ||
            SSL_CTX_set_session_id_context(s->context, (const uint8_t *) "till", 4) != 1)
                return log_error_errno(-EKEYREJECTED, "%s and %s cannot be used; till-acquirer-setup makes them", ca,
                                       pem);
        SSL_CTX_set_verify(s->context, SSL_VERIFY_PEER | SSL_VERIFY_FAIL_IF_NO_PEER_CERT, NULL);
        SSL_CTX_set_mode(s->context, SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER | SSL_MODE_ENABLE_PARTIAL_WRITE);
        return 0;
}

static int parse_listen(const char *text, struct addrinfo **ret) {
        const struct addrinfo hints = { .ai_socktype = SOCK_STREAM, .ai_flags = AI_PASSIVE | AI_NUMERICHOST };
        const char *colon = strrchr(text, ':');
        char name[64];

        if (!colon || (size_t) (colon - text) >= sizeof(name))
                return -EINVAL;
        snprintf(name, sizeof(name), "%.*s", (int) (colon - text), text);
        return getaddrinfo(name, colon + 1, &hints, ret) == 0 ? 0 : -EINVAL;
}

static int listen_on(struct sim_server *s, const char *text) {
        struct addrinfo *a = NULL;
        struct sockaddr_storage address = {};
        socklen_t size = sizeof(address);
        int r, one = 1;

        r = parse_listen(text, &a);
        if (r < 0)
                return log_error_errno(r, "listen=%s is not address:port", text);
        s->fd = socket(a->ai_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
        r = s->fd < 0 ? -errno : 0;
        if (r >= 0 && (setsockopt(s->fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one)) < 0 ||
                       bind(s->fd, a->ai_addr, a->ai_addrlen) < 0 || listen(s->fd, SOMAXCONN) < 0 ||
                       getsockname(s->fd, (struct sockaddr *) &address, &size) < 0))
                r = -errno;
        freeaddrinfo(a);
        if (r < 0)
                return log_error_errno(r, "%s cannot be listened on", text);
        s->port = ntohs(address.ss_family == AF_INET6 ? ((struct sockaddr_in6 *) &address)->sin6_port
                                                      : ((struct sockaddr_in *) &address)->sin_port);
        return 0;
}

int sim_server_new(sd_event *event, const struct sim_settings *settings, struct sim_acquirer *acquirer,
                   struct sim_server **ret) {
        _cleanup_(sim_server_freep) struct sim_server *s = NULL;
        int r;

        s = calloc(1, sizeof(*s));
        if (!s)
                return -ENOMEM;
        s->fd = -EBADF;
        s->event = sd_event_ref(event);
        s->acquirer = acquirer;
        r = load_context(s, settings->state);
        if (r < 0)
                return r;
        r = listen_on(s, settings->listen);
        if (r < 0)
                return r;
        r = sd_event_add_io(event, &s->io, s->fd, EPOLLIN, on_accept, s);
        if (r < 0)
                return r;
        *ret = TAKE_PTR(s);
        return 0;
}

struct sim_server *sim_server_free(struct sim_server *s) {
        if (!s)
                return NULL;
        for (size_t i = 0; i < CONNECTIONS_MAX; i++)
                if (s->connections[i])
                        connection_free(s->connections[i]);
        sd_event_source_disable_unref(s->io);
        safe_close(s->fd);
        SSL_CTX_free(s->context);
        sd_event_unref(s->event);
        free(s);
        return NULL;
}

unsigned sim_server_port(const struct sim_server *s) {
        return s->port;
}
