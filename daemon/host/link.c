// SPDX-License-Identifier: LGPL-2.1-or-later
#include <arpa/inet.h>
#include <fcntl.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>
#include <sys/epoll.h>
#include <sys/socket.h>

#include "base/log.h"
#include "base/secret.h"
#include "host/link.h"
#include "host/resolve.h"

#define CONNECT_USEC_DEFAULT UINT64_C(10000000)
#define IDLE_USEC_DEFAULT UINT64_C(60000000)
/* A card waits: what the kernel may add to a deadline. */
#define ACCURACY_USEC UINT64_C(10000)
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
};

struct exchange {
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

DEFINE_CLEANUP(SSL_CTX *, SSL_CTX_free);

/* ---- reasons ---- */

static const struct {
        const char *name, *text;
} reasons[_HOST_LINK_REASON_MAX] = {
        [HOST_LINK_OK] = { "ok", "the acquirer answered" },
        [HOST_LINK_NAME] = { "name", "the acquirer's name cannot be resolved: check DNS and the host name" },
        [HOST_LINK_UNREACHABLE] = { "unreachable", "the acquirer cannot be reached: check the network" },
        [HOST_LINK_CONNECT_TIMEOUT] = { "connect-timeout", "the acquirer does not answer the connection" },
        [HOST_LINK_TLS_CA] = { "tls-ca", "the acquirer's certificate is not issued by the configured CA" },
        [HOST_LINK_TLS_NAME] = { "tls-name", "the acquirer's certificate bears another name" },
        [HOST_LINK_TLS_EXPIRED] = { "tls-expired", "the acquirer's certificate has expired or is not yet valid" },
        [HOST_LINK_TLS_VERSION] = { "tls-version", "the acquirer does not offer TLS 1.2 or later" },
        [HOST_LINK_TLS_CLIENT] = { "tls-client", "the acquirer refused this terminal's certificate" },
        [HOST_LINK_TLS_OTHER] = { "tls", "no TLS connection to the acquirer" },
        [HOST_LINK_CLOSED] = { "closed", "the acquirer closed the connection without an answer" },
        [HOST_LINK_TIMEOUT] = { "timeout", "the acquirer did not answer in time" },
        [HOST_LINK_MALFORMED] = { "malformed", "the acquirer sent something that is no message" },
};

const char *host_link_reason_text(enum host_link_reason reason) {
        return reasons[reason].text;
}

const char *host_link_reason_name(enum host_link_reason reason) {
        return reasons[reason].name;
}

static void link_note(struct host_link *l, enum host_link_reason reason, const char *detail) {
        l->last_reason = reason;
        snprintf(l->last_detail, sizeof(l->last_detail), "%s", detail);
}

static enum host_link_reason verify_reason(long result) {
        switch (result) {
        case X509_V_ERR_HOSTNAME_MISMATCH:
        case X509_V_ERR_IP_ADDRESS_MISMATCH:
                return HOST_LINK_TLS_NAME;
        case X509_V_ERR_CERT_HAS_EXPIRED:
        case X509_V_ERR_CERT_NOT_YET_VALID:
                return HOST_LINK_TLS_EXPIRED;
        default:
                return HOST_LINK_TLS_CA;
        }
}

static enum host_link_reason error_reason(unsigned long error) {
        if (ERR_GET_LIB(error) != ERR_LIB_SSL)
                return HOST_LINK_TLS_OTHER;

        switch (ERR_GET_REASON(error)) {
        case SSL_R_UNSUPPORTED_PROTOCOL:
        case SSL_R_TLSV1_ALERT_PROTOCOL_VERSION:
        case SSL_R_WRONG_SSL_VERSION:
        case SSL_R_VERSION_TOO_LOW:
                return HOST_LINK_TLS_VERSION;
        case SSL_R_TLSV1_ALERT_UNKNOWN_CA:
        case SSL_R_SSLV3_ALERT_BAD_CERTIFICATE:
        case SSL_R_SSLV3_ALERT_CERTIFICATE_EXPIRED:
        case SSL_R_SSLV3_ALERT_CERTIFICATE_REVOKED:
        case SSL_R_SSLV3_ALERT_CERTIFICATE_UNKNOWN:
        case SSL_R_SSLV3_ALERT_UNSUPPORTED_CERTIFICATE:
        case SSL_R_TLSV1_ALERT_ACCESS_DENIED:
        case SSL_R_TLSV13_ALERT_CERTIFICATE_REQUIRED:
                return HOST_LINK_TLS_CLIENT;
        default:
                return HOST_LINK_TLS_OTHER;
        }
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
        if (reason == HOST_LINK_OK)
                link_note(l, HOST_LINK_OK, "");
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

static void link_fail(struct host_link *l, enum host_link_reason reason, const char *detail) {
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

/* This host failed; the next one is tried, or the exchange ends with the last host's reason. */
static void link_next_endpoint(struct host_link *l, enum host_link_reason reason, const char *detail) {
        size_t next = l->current + 1;

        if (next >= l->n_endpoints) {
                link_fail(l, reason, detail);
                return;
        }
        log_notice("Acquirer %s: %s (%s); trying %s", l->endpoints[l->current].peer, host_link_reason_text(reason),
                   detail, l->endpoints[next].peer);
        link_close(l);
        link_start_endpoint(l, next);
}

static int link_on_step_timeout(sd_event_source *s, uint64_t usec, void *userdata) {
        struct host_link *l = userdata;

        if (l->state == RESOLVING)
                link_next_endpoint(l, HOST_LINK_NAME, "no answer from the name service");
        else
                link_next_address(l, HOST_LINK_CONNECT_TIMEOUT, "time-out");
        return 0;
}

static uint64_t link_now(struct host_link *l) {
        uint64_t usec = 0;

        (void) sd_event_now(l->event, CLOCK_BOOTTIME, &usec);
        return usec;
}

/* The time that this address may take: its share of what the host has left. */
static uint64_t link_address_usec(struct host_link *l) {
        uint64_t usec = link_now(l), n = 0;

        for (struct addrinfo *a = l->address; a; a = a->ai_next)
                n++;
        return usec < l->connect_until && n > 0 ? (l->connect_until - usec) / n : 0;
}

static int link_set_events(struct host_link *l, uint32_t events) {
        return sd_event_source_set_io_events(l->io, events);
}

/* OpenSSL's own socket BIO raises SIGPIPE; this one does not, and tells when bytes of a request left. */
static int bio_write(BIO *bio, const char *data, int size) {
        struct host_link *l = BIO_get_data(bio);
        ssize_t n;

        BIO_clear_retry_flags(bio);
        n = send(l->fd, data, (size_t) size, MSG_NOSIGNAL);
        if (n > 0) {
                if (l->exchange && l->exchange->started)
                        l->exchange->sent = true;
                return (int) n;
        }
        if (errno == EAGAIN || errno == EINTR)
                BIO_set_retry_write(bio);
        return -1;
}

static int bio_read(BIO *bio, char *data, int size) {
        struct host_link *l = BIO_get_data(bio);
        ssize_t n;

        BIO_clear_retry_flags(bio);
        n = recv(l->fd, data, (size_t) size, 0);
        if (n < 0 && (errno == EAGAIN || errno == EINTR))
                BIO_set_retry_read(bio);
        return (int) n;
}

static long bio_ctrl(BIO *bio, int command, long number, void *pointer) {
        return command == BIO_CTRL_FLUSH ? 1 : 0;
}

static BIO_METHOD *bio_method(void) {
        static BIO_METHOD *method;

        if (method)
                return method;
        method = BIO_meth_new(BIO_get_new_index() | BIO_TYPE_SOURCE_SINK, "host link");
        if (!method)
                return NULL;
        BIO_meth_set_write(method, bio_write);
        BIO_meth_set_read(method, bio_read);
        BIO_meth_set_ctrl(method, bio_ctrl);
        return method;
}

static int link_set_peer_name(struct host_link *l, const char *name) {
        struct in6_addr buffer;

        if (inet_pton(AF_INET, name, &buffer) == 1 || inet_pton(AF_INET6, name, &buffer) == 1)
                return X509_VERIFY_PARAM_set1_ip_asc(SSL_get0_param(l->ssl), name) == 1 ? 0 : -EINVAL;
        if (SSL_set_tlsext_host_name(l->ssl, name) != 1 || SSL_set1_host(l->ssl, name) != 1)
                return -EINVAL;
        return 0;
}

static int link_new_ssl(struct host_link *l) {
        struct endpoint *e = l->endpoints + l->current;
        BIO_METHOD *method = bio_method();
        BIO *bio;

        if (!method)
                return -ENOMEM;
        l->ssl = SSL_new(l->context);
        if (!l->ssl)
                return -ENOMEM;
        bio = BIO_new(method);
        if (!bio)
                return -ENOMEM;
        BIO_set_data(bio, l);
        BIO_set_init(bio, 1);
        SSL_set_bio(l->ssl, bio, bio);
        SSL_set_app_data(l->ssl, l);
        if (e->session)
                (void) SSL_set_session(l->ssl, e->session);
        return link_set_peer_name(l, l->server_name ?: e->name);
}

/* Called by OpenSSL when the acquirer offers a session; taking it keeps a reference. */
static int on_new_session(SSL *ssl, SSL_SESSION *session) {
        struct host_link *l = SSL_get_app_data(ssl);
        struct endpoint *e = l->endpoints + l->current;

        SSL_SESSION_free(e->session);
        e->session = session;
        return 1;
}

static void link_forget_session(struct host_link *l) {
        SSL_SESSION_free(l->endpoints[l->current].session);
        l->endpoints[l->current].session = NULL;
}

/* Says why OpenSSL stopped, and in which words of its own. */
static enum host_link_reason link_tls_error(struct host_link *l, const char **ret_detail) {
        unsigned long error = ERR_peek_error();
        long verify = SSL_get_verify_result(l->ssl);
        int saved = errno;

        ERR_clear_error();
        if (verify != X509_V_OK) {
                *ret_detail = X509_verify_cert_error_string(verify);
                return verify_reason(verify);
        }
        if (error != 0) {
                *ret_detail = ERR_reason_error_string(error) ?: "TLS error";
                return error_reason(error);
        }
        *ret_detail = saved != 0 ? strerror(saved) : "end of the connection";
        return HOST_LINK_CLOSED;
}

static void link_arm_idle(struct host_link *l);
static void link_write(struct host_link *l);
static void link_read(struct host_link *l);

static void link_ready(struct host_link *l) {
        l->state = READY;
        l->had_peer = true;
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
        link_forget_session(l);
        /* A host that speaks, but not to us, will not do so at another address. */
        link_next_endpoint(l, reason == HOST_LINK_CLOSED ? HOST_LINK_TLS_OTHER : reason, detail);
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
        r = link_new_ssl(l);
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
                link_start_endpoint(l, 0);
        return 0;
}

static int link_on_deadline(sd_event_source *s, uint64_t usec, void *userdata) {
        struct host_link *l = userdata;
        enum host_link_reason reason = l->exchange->sent ? HOST_LINK_TIMEOUT : HOST_LINK_CONNECT_TIMEOUT;

        /* A late answer must not meet the next exchange. */
        link_fail(l, reason, "deadline");
        return 0;
}

int host_link_exchange(struct host_link *l, const void *frame, size_t size, uint64_t deadline_usec,
                       host_link_frame_t on_frame, host_link_done_t on_done, host_link_destroy_t destroy,
                       void *userdata) {
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

bool host_link_is_connected(const struct host_link *l) {
        return l->state == READY;
}

enum host_link_reason host_link_last_reason(const struct host_link *l) {
        return l->last_reason;
}

const char *host_link_last_detail(const struct host_link *l) {
        return l->last_detail;
}

/* ---- making and freeing ---- */

/* "name:port" or "[address]:port". */
static int endpoint_parse(struct endpoint *e, const char *text) {
        const char *colon = strrchr(text, ':'), *start = text, *end = colon;

        if (!colon || colon == text || !colon[1])
                return -EINVAL;
        if (*text == '[') {
                if (colon[-1] != ']')
                        return -EINVAL;
                start++;
                end--;
        } else if (memchr(text, ':', (size_t) (colon - text)))
                return -EINVAL;
        if (strspn(colon + 1, "0123456789") != strlen(colon + 1) || strlen(colon + 1) > 5)
                return -EINVAL;

        e->peer = strdup(text);
        e->name = strndup(start, (size_t) (end - start));
        e->port = strdup(colon + 1);
        return e->peer && e->name && e->port ? 0 : -ENOMEM;
}

static void endpoint_done(struct endpoint *e) {
        free(e->peer);
        free(e->name);
        free(e->port);
        SSL_SESSION_free(e->session);
}

static int context_load(SSL_CTX *c, const struct host_link_config *config) {
        const char *pem = config->certificate_file;

        if (!config->ca_file)
                return -EINVAL;
        if (access(config->ca_file, R_OK) < 0 || (pem && access(pem, R_OK) < 0))
                return -errno;
        if (SSL_CTX_load_verify_file(c, config->ca_file) != 1)
                return -EKEYREJECTED;
        if (pem && (SSL_CTX_use_certificate_chain_file(c, pem) != 1 ||
                    SSL_CTX_use_PrivateKey_file(c, pem, SSL_FILETYPE_PEM) != 1 || SSL_CTX_check_private_key(c) != 1))
                return -EKEYREJECTED;
        return 0;
}

static int context_new(const struct host_link_config *config, SSL_CTX **ret) {
        _cleanup_(SSL_CTX_freep) SSL_CTX *c = NULL;
        int r;

        c = SSL_CTX_new(TLS_client_method());
        if (!c)
                return -ENOMEM;
        if (SSL_CTX_set_min_proto_version(c, TLS1_2_VERSION) != 1)
                return -EIO;
        SSL_CTX_set_verify(c, SSL_VERIFY_PEER, NULL);
        SSL_CTX_set_options(c, SSL_OP_NO_RENEGOTIATION | SSL_OP_NO_COMPRESSION | SSL_OP_CLEANSE_PLAINTEXT);
        SSL_CTX_set_mode(c, SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER | SSL_MODE_RELEASE_BUFFERS);
        SSL_CTX_set_session_cache_mode(c, SSL_SESS_CACHE_CLIENT | SSL_SESS_CACHE_NO_INTERNAL);
        SSL_CTX_sess_set_new_cb(c, on_new_session);

        r = context_load(c, config);
        ERR_clear_error();
        if (r < 0)
                return r;
        *ret = TAKE_PTR(c);
        return 0;
}

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
        r = context_new(config, &l->context);
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
