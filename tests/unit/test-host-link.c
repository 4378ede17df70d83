// SPDX-License-Identifier: LGPL-2.1-or-later
#include "log-entry.h"
#include "test.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <netdb.h>
#include <netinet/in.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>

#include <openssl/err.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>

#include "base/clock.h"
#include "host/link-internal.h"

/* The link against "openssl s_server", which nobody here wrote. */

#define LONG UINT64_C(30000000)

extern char **environ;
static char directory[] = "/tmp/test-host-link-XXXXXX";
static sd_event *event;

static char *path(const char *name) {
        static char text[8][128];
        static unsigned n;

        n = (n + 1) % ELEMENTSOF(text);
        snprintf(text[n], sizeof(text[n]), "%s/%s", directory, name);
        return text[n];
}

/* A port that was free a moment ago. */
static unsigned free_port(void) {
        struct sockaddr_in a = { .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
        _cleanup_close_ int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
        socklen_t size = sizeof(a);

        assert_true(fd >= 0);
        assert_int_equal(bind(fd, (struct sockaddr *) &a, sizeof(a)), 0);
        assert_int_equal(getsockname(fd, (struct sockaddr *) &a, &size), 0);
        return ntohs(a.sin_port);
}

static void wait_for_port(unsigned port) {
        struct sockaddr_in a = {
                .sin_family = AF_INET,
                .sin_port = htons((uint16_t) port),
                .sin_addr.s_addr = htonl(INADDR_LOOPBACK),
        };

        for (unsigned i = 0; i < 1000; i++) {
                _cleanup_close_ int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

                if (connect(fd, (struct sockaddr *) &a, sizeof(a)) == 0)
                        return;
                nanosleep(&(struct timespec){ .tv_nsec = 10000000 }, NULL);
        }
        fail_msg("openssl s_server does not listen");
}

struct peer {
        pid_t pid;
        int input; /* what is written here goes to the client */
        unsigned port;
};

static struct peer peer_start_at(unsigned at, const char *certificate, const char *const *options) {
        const char *argv[24] = { "openssl", "s_server", "-quiet" };
        char port[16];
        posix_spawn_file_actions_t actions;
        struct peer p = { .port = at };
        int fds[2], n = 3;

        snprintf(port, sizeof(port), "127.0.0.1:%u", p.port);
        argv[n++] = "-accept";
        argv[n++] = port;
        argv[n++] = "-cert";
        argv[n++] = certificate;
        argv[n++] = "-key";
        argv[n++] = certificate;
        for (; *options; options++)
                argv[n++] = *options;

        assert_int_equal(pipe2(fds, O_CLOEXEC), 0);
        assert_int_equal(posix_spawn_file_actions_init(&actions), 0);
        posix_spawn_file_actions_adddup2(&actions, fds[0], STDIN_FILENO);
        posix_spawn_file_actions_addopen(&actions, STDOUT_FILENO, "/dev/null", O_WRONLY, 0);
        posix_spawn_file_actions_addopen(&actions, STDERR_FILENO, "/dev/null", O_WRONLY, 0);
        assert_int_equal(posix_spawnp(&p.pid, "openssl", &actions, NULL, (char **) argv, environ), 0);
        posix_spawn_file_actions_destroy(&actions);
        close(fds[0]);
        p.input = fds[1];
        wait_for_port(p.port);
        return p;
}

static struct peer peer_start(const char *certificate, const char *const *options) {
        return peer_start_at(free_port(), certificate, options);
}

static void peer_stop(struct peer *p) {
        kill(p->pid, SIGTERM);
        assert_int_equal(waitpid(p->pid, NULL, 0), p->pid);
        close(p->input);
}

struct outcome {
        bool done;
        enum host_link_reason reason;
        bool sent;
        unsigned frames;
};

static bool on_frame(const void *frame, size_t size, void *userdata) {
        struct outcome *o = userdata;

        o->frames++;
        return size == 5 && memcmp(frame, "right", 5) == 0;
}

static void on_done(enum host_link_reason reason, bool sent, void *userdata) {
        struct outcome *o = userdata;

        assert_false(o->done);
        o->done = true;
        o->reason = reason;
        o->sent = sent;
}

static const char *ca = "ca.pem";

static struct host_link *new_link_to(const char *const *hosts, size_t n, const char *server_name,
                                     const char *certificate, uint64_t connect_usec) {
        struct host_link_config config = {
                .n_hosts = n,
                .server_name = server_name,
                .ca_file = path(ca),
                .certificate_file = certificate,
                .connect_usec = connect_usec,
        };
        struct host_link *l = NULL;

        memcpy(config.hosts, hosts, n * sizeof(*hosts));
        assert_int_equal(host_link_new(event, &config, &l), 0);
        return l;
}

static struct host_link *new_link(const char *host, const char *server_name) {
        return new_link_to(&host, 1, server_name, path("terminal.pem"), LONG);
}

/* What the peer says once there is a connection: s_server reads it for whoever is there. */
struct feed {
        int input;
        const char *text;
        size_t size;
};

static struct outcome exchange(struct host_link *l, uint64_t deadline, const struct feed *feed) {
        struct outcome o = {};

        assert_int_equal(host_link_exchange(l, 7, "\0\5query", 7, deadline, on_frame, on_done, NULL, &o), 0);
        while (!o.done) {
                assert_true(sd_event_run(event, UINT64_MAX) >= 0);
                if (feed && host_link_is_connected(l)) {
                        assert_int_equal(write(feed->input, feed->text, feed->size), feed->size);
                        feed = NULL;
                }
        }
        return o;
}

static const char *const nothing[] = { NULL };
static struct feed right(const struct peer *p) {
        return (struct feed){ p->input, "\0\5right", 7 };
}

static const char *address(const struct peer *p) {
        static char text[4][32];
        static unsigned n;

        n = (n + 1) % ELEMENTSOF(text);
        snprintf(text[n], sizeof(text[n]), "127.0.0.1:%u", p->port);
        return text[n];
}

/* What every refusal leaves for people: a reason with its sentence, and the detail. */
static void assert_says(const struct host_link *l, enum host_link_reason reason) {
        assert_int_equal(host_link_last_reason(l), reason);
        assert_string_not_equal(host_link_reason_text(reason), "");
        assert_string_not_equal(host_link_last_detail(l), "");
        assert_false(host_link_is_connected(l));
        assert_null(host_link_tls_version(l));
}

static struct outcome try_peer(const struct peer *p, const char *server_name, uint64_t deadline, const char *text,
                               size_t size) {
        const struct feed feed = { p->input, text, size };
        _cleanup_(host_link_freep) struct host_link *l = NULL;
        char host[32];

        snprintf(host, sizeof(host), "127.0.0.1:%u", p->port);
        l = new_link(host, server_name);
        return exchange(l, deadline, text ? &feed : NULL);
}

static void assert_refused(const char *certificate, const char *const *options, const char *server_name,
                           enum host_link_reason reason) {
        struct peer p = peer_start(path(certificate), options);
        _cleanup_(host_link_freep) struct host_link *l = new_link(address(&p), server_name);
        struct outcome o = exchange(l, LONG, NULL);

        peer_stop(&p);
        assert_int_equal(o.reason, reason);
        assert_false(o.sent);
        assert_says(l, reason);
}

/* ---- Memory that is not there, for OpenSSL alone ---- */

static struct { unsigned n, fails; } memory; /* the one that fails; 0: none */

static bool is_there(void) {
        return ++memory.n != memory.fails;
}

static void *allocate(size_t size, const char *file, int line) {
        return is_there() ? malloc(size) : NULL;
}

static void *allocate_again(void *p, size_t size, const char *file, int line) {
        return is_there() ? realloc(p, size) : NULL;
}

static void give_back(void *p, const char *file, int line) {
        free(p);
}

/* In a process that has not connected yet: the first exchange with one allocation missing, then another one. */
static void exchange_twice(const struct peer *p, unsigned fails) {
        const struct feed feed = right(p);
        struct host_link *l;
        struct outcome o;

        event = NULL;
        assert_true(sd_event_new(&event) >= 0);
        l = new_link(address(p), NULL);
        memory.n = 0;
        memory.fails = fails;
        (void) exchange(l, LONG, &feed);
        if (memory.n < fails)
                _exit(EXIT_SUCCESS);
        memory.fails = 0;
        o = exchange(l, LONG, &feed);
        if (o.reason == HOST_LINK_OK)
                _exit(EXIT_SUCCESS + 1);
        fprintf(stderr, "allocation %u: %s (%s)\n", fails, host_link_reason_name(o.reason), host_link_last_detail(l));
        _exit(EXIT_SUCCESS + 2);
}

/* It is the first test: what OpenSSL has looked up once in this process it does not look up again. */
static void memory_is_short_once(void **state) {
        struct peer p = peer_start(path("server.pem"), nothing);
        int status;

        /* At first those of a connection; then what it forgot at one of them it forgot at its neighbours as well. */
        for (unsigned fails = 1;; fails += fails < 64 ? 1 : 8) {
                pid_t pid = fork();

                assert_true(pid >= 0);
                if (pid == 0)
                        exchange_twice(&p, fails);
                assert_int_equal(waitpid(pid, &status, 0), pid);
                assert_true(WIFEXITED(status));
                if (WEXITSTATUS(status) == EXIT_SUCCESS)
                        break;
                assert_int_equal(WEXITSTATUS(status), EXIT_SUCCESS + 1);
                assert_true(fails < 100000);
        }
        peer_stop(&p);
}

/* A bundle may have one that OpenSSL cannot read to its end; alone it stands for nobody. */
static void an_odd_ca(void **state) {
        struct host_link_config config = { .hosts = { "localhost:1" }, .n_hosts = 1, .ca_file = path("odd.pem") };
        struct peer p = peer_start(path("server.pem"), nothing);
        const struct feed feed = right(&p);
        struct host_link *l;

        assert_int_equal(host_link_new(event, &config, &l), -EKEYREJECTED);
        ca = "bundle.pem";
        l = new_link(address(&p), NULL);
        ca = "ca.pem";
        assert_int_equal(exchange(l, LONG, &feed).reason, HOST_LINK_OK);
        host_link_free(l);
        peer_stop(&p);
}

static void wrong_ca(void **state) {
        assert_refused("other/server.pem", nothing, "localhost", HOST_LINK_TLS_CA);
}

static void wrong_name(void **state) {
        assert_refused("server.pem", nothing, "acquirer.example", HOST_LINK_TLS_NAME);
        /* The certificate bears 127.0.0.1; the next one only a name. */
        assert_refused("named.pem", nothing, NULL, HOST_LINK_TLS_NAME);
}

static void expired(void **state) {
        assert_refused("expired.pem", nothing, "localhost", HOST_LINK_TLS_EXPIRED);
}

static void old_tls(void **state) {
        assert_refused("server.pem", (const char *const[]){ "-tls1_1", "-cipher", "DEFAULT@SECLEVEL=0", NULL },
                       "localhost", HOST_LINK_TLS_VERSION);
}

static void client_refused(void **state) {
        /* Under TLS 1.2 the server says so before the handshake ends. */
        assert_refused("server.pem",
                       (const char *const[]){ "-tls1_2", "-Verify", "1", "-verify_return_error", "-CAfile",
                                              path("other/ca.pem"), NULL },
                       "localhost", HOST_LINK_TLS_CLIENT);
}

/* By a server that wants a certificate of the right CA, under both versions. */
static void assert_client_refused(const char *certificate) {
        static const char *const versions[] = { "-tls1_2", "-tls1_3" };

        for (size_t i = 0; i < ELEMENTSOF(versions); i++) {
                struct peer p = peer_start(path("server.pem"),
                                           (const char *const[]){ versions[i], "-Verify", "1", "-verify_return_error",
                                                                  "-CAfile", path("ca.pem"), NULL });
                const char *host = address(&p);
                _cleanup_(host_link_freep) struct host_link *l = new_link_to(&host, 1, NULL, certificate, LONG);
                struct outcome o = exchange(l, LONG, NULL);

                peer_stop(&p);
                assert_int_equal(o.reason, HOST_LINK_TLS_CLIENT);
                assert_says(l, HOST_LINK_TLS_CLIENT);
                /* In TLS 1.3 the terminal is through before it hears of it. */
                assert_int_equal(o.sent, i == 1);
        }
}

static void no_client_certificate(void **state) {
        assert_client_refused(NULL);
}

static void client_of_another_ca(void **state) {
        assert_client_refused(path("other/terminal.pem"));
}

static void self_signed(void **state) {
        assert_refused("self.pem", nothing, "localhost", HOST_LINK_TLS_CA);
}

/* What cannot be had from s_server in a moment. */
static void reasons(void **state) {
        static const struct {
                long verify;
                int error;
                enum host_link_reason reason;
        } cases[] = {
                { X509_V_ERR_CERT_NOT_YET_VALID, 0, HOST_LINK_TLS_EXPIRED },
                { X509_V_ERR_CERT_HAS_EXPIRED, 0, HOST_LINK_TLS_EXPIRED },
                { X509_V_ERR_HOSTNAME_MISMATCH, 0, HOST_LINK_TLS_NAME },
                { X509_V_ERR_IP_ADDRESS_MISMATCH, 0, HOST_LINK_TLS_NAME },
                { X509_V_ERR_CERT_REVOKED, 0, HOST_LINK_TLS_CA },
                { X509_V_ERR_INVALID_PURPOSE, 0, HOST_LINK_TLS_CA },
                { X509_V_OK, SSL_R_TLSV1_ALERT_PROTOCOL_VERSION, HOST_LINK_TLS_VERSION },
                { X509_V_OK, SSL_R_SSLV3_ALERT_CERTIFICATE_EXPIRED, HOST_LINK_TLS_CLIENT },
                { X509_V_OK, SSL_R_SSLV3_ALERT_CERTIFICATE_REVOKED, HOST_LINK_TLS_CLIENT },
                { X509_V_OK, SSL_R_NO_SHARED_CIPHER, HOST_LINK_TLS_OTHER },
        };

        for (size_t i = 0; i < ELEMENTSOF(cases); i++)
                assert_int_equal(link_tls_reason(ERR_PACK(ERR_LIB_SSL, 0, cases[i].error), cases[i].verify),
                                 cases[i].reason);
}

/* A certificate of the right CA that is for clients only does not make a server. */
static void certificate_for_another_purpose(void **state) {
        assert_refused("terminal.pem", nothing, NULL, HOST_LINK_TLS_CA);
}

static void answer_over_tls12(void **state) {
        struct peer p = peer_start(path("server.pem"), (const char *const[]){ "-tls1_2", "-Verify", "1", "-CAfile",
                                                                              path("ca.pem"), NULL });
        static const char frames[] = "\0\5wrong\0\5right";
        struct outcome o;

        o = try_peer(&p, NULL, LONG, frames, sizeof(frames) - 1);
        peer_stop(&p);
        assert_int_equal(o.reason, HOST_LINK_OK);
        assert_true(o.sent);
        assert_int_equal(o.frames, 2);
}

static void silence_and_nonsense(void **state) {
        struct peer p = peer_start(path("server.pem"), nothing);
        struct outcome o;

        o = try_peer(&p, "localhost", 2000000, NULL, 0);
        assert_int_equal(o.reason, HOST_LINK_TIMEOUT);
        assert_true(o.sent);
        o = try_peer(&p, "localhost", LONG, "\xFF\xFF", 2);
        peer_stop(&p);
        assert_int_equal(o.reason, HOST_LINK_MALFORMED);
        assert_true(o.sent);
}

/* Of an unanswered connection, or one that is closed, the next exchange makes a new one, and takes up its session. */
static void sessions(void **state) {
        static const char *const versions[] = { "-tls1_2", "-tls1_3" };

        for (size_t i = 0; i < ELEMENTSOF(versions); i++) {
                struct peer p = peer_start(path("server.pem"), (const char *const[]){ versions[i], NULL });
                _cleanup_(host_link_freep) struct host_link *l = new_link(address(&p), NULL);
                struct feed feed = right(&p);

                assert_int_equal(exchange(l, LONG, &feed).reason, HOST_LINK_OK);
                assert_false(host_link_is_resumed(l));
                assert_int_equal(host_link_last_reason(l), HOST_LINK_OK);
                /* The same connection serves the next. */
                assert_true(host_link_is_connected(l));
                assert_int_equal(exchange(l, LONG, &feed).reason, HOST_LINK_OK);
                assert_int_equal(exchange(l, 200000, NULL).reason, HOST_LINK_TIMEOUT);
                assert_false(host_link_is_connected(l));
                assert_int_equal(exchange(l, LONG, &feed).reason, HOST_LINK_OK);
                assert_true(host_link_is_resumed(l));
                peer_stop(&p);
        }
}

/* A server that has forgotten the session makes a new one; one that bears another name now is seen. */
static void session_is_gone(void **state) {
        struct peer p = peer_start(path("server.pem"), nothing), again;
        _cleanup_(host_link_freep) struct host_link *l = new_link(address(&p), NULL);
        struct feed feed = right(&p);
        struct outcome o;

        assert_int_equal(exchange(l, LONG, &feed).reason, HOST_LINK_OK);
        peer_stop(&p);
        again = peer_start_at(p.port, path("server.pem"), nothing);
        feed = right(&again);
        o = exchange(l, LONG, &feed);
        assert_int_equal(o.reason, HOST_LINK_OK);
        assert_false(host_link_is_resumed(l));
        peer_stop(&again);
        again = peer_start_at(p.port, path("named.pem"), nothing);
        o = exchange(l, LONG, NULL);
        assert_int_equal(o.reason, HOST_LINK_TLS_NAME);
        assert_false(o.sent);
        peer_stop(&again);
}

/* Listens, and takes no word of TLS; the port is *ret_port. */
static int silent_host(unsigned *ret_port) {
        struct sockaddr_in a = { .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
        int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
        socklen_t size = sizeof(a);

        assert_int_equal(bind(fd, (struct sockaddr *) &a, sizeof(a)), 0);
        assert_int_equal(listen(fd, 8), 0);
        assert_int_equal(getsockname(fd, (struct sockaddr *) &a, &size), 0);
        *ret_port = ntohs(a.sin_port);
        return fd;
}

/* A service that is just starting, or a firewall, hangs up: nobody has been seen who is not to be trusted. */
static void hangs_up(void **state) {
        struct peer p = {};
        _cleanup_close_ int fd = silent_host(&p.port);
        pid_t pid = fork();
        struct outcome o;

        assert_true(pid >= 0);
        if (pid == 0) {
                char hello[1024];
                int peer = accept(fd, NULL, NULL);

                _exit(peer < 0 || read(peer, hello, sizeof(hello)) <= 0);
        }
        o = try_peer(&p, "localhost", LONG, NULL, 0);
        assert_int_equal(waitpid(pid, NULL, 0), pid);
        assert_int_equal(o.reason, HOST_LINK_UNREACHABLE);
        assert_false(o.sent);
}

/* One that is silent, one that is not there, one with another name, then the right one: each has its own time. */
static void hosts_in_order(void **state) {
        struct peer wrong = peer_start(path("named.pem"), nothing), good = peer_start(path("server.pem"), nothing);
        char silent[32], nobody[32];
        unsigned port;
        _cleanup_close_ int fd = silent_host(&port);
        const char *hosts[] = { silent, nobody, address(&wrong), address(&good) };
        struct feed feed = right(&good);
        uint64_t before;

        snprintf(silent, sizeof(silent), "127.0.0.1:%u", port);
        snprintf(nobody, sizeof(nobody), "127.0.0.1:%u", free_port());
        _cleanup_(host_link_freep) struct host_link *l =
                new_link_to(hosts, ELEMENTSOF(hosts), NULL, path("terminal.pem"), 1500000);
        assert_null(host_link_peer(l));
        before = clock_now(CLOCK_BOOTTIME);
        assert_int_equal(exchange(l, LONG, &feed).reason, HOST_LINK_OK);
        assert_true(clock_now(CLOCK_BOOTTIME) - before >= 1500000);
        assert_string_equal(host_link_peer(l), address(&good));

        /* Those that failed rest: the next exchange does not wait for them. */
        assert_int_equal(exchange(l, 200000, NULL).reason, HOST_LINK_TIMEOUT);
        for (size_t i = 0; i < ELEMENTSOF(hosts); i++) {
                assert_int_equal(l->endpoints[i].failures, 1);
                assert_true(l->endpoints[i].rests_until > clock_now(CLOCK_BOOTTIME));
        }
        endpoint_answered(l->endpoints + 3);
        l->endpoints[1].rests_until = 0;
        assert_int_equal(exchange(l, LONG, &feed).reason, HOST_LINK_OK);
        assert_int_equal(l->endpoints[0].failures, 1);
        assert_int_equal(l->endpoints[1].failures, 2);
        assert_int_equal(l->endpoints[2].failures, 1);
        assert_int_equal(l->endpoints[3].failures, 0);

        /* When all rest, all are tried all the same, and the last one's reason is said. */
        peer_stop(&good);
        peer_stop(&wrong);
        struct outcome o = exchange(l, LONG, NULL);
        assert_false(o.sent);
        assert_int_equal(o.reason, HOST_LINK_UNREACHABLE);
        assert_says(l, HOST_LINK_UNREACHABLE);
        for (size_t i = 0; i < ELEMENTSOF(hosts); i++)
                assert_true(l->endpoints[i].failures > 0);
}

/* The exchange's own deadline holds over all hosts. */
static void deadline_over_all_hosts(void **state) {
        unsigned ports[2];
        _cleanup_close_ int a = silent_host(ports), b = silent_host(ports + 1);
        char text[2][32];
        const char *hosts[] = { text[0], text[1] };

        for (size_t i = 0; i < 2; i++)
                snprintf(text[i], sizeof(text[i]), "127.0.0.1:%u", ports[i]);
        _cleanup_(host_link_freep) struct host_link *l = new_link_to(hosts, 2, NULL, path("terminal.pem"), LONG);
        struct outcome o = exchange(l, 300000, NULL);
        assert_int_equal(o.reason, HOST_LINK_CONNECT_TIMEOUT);
        assert_false(o.sent);
        assert_says(l, HOST_LINK_CONNECT_TIMEOUT);
}

static void rests(void **state) {
        static const unsigned seconds[] = { 10, 20, 40, 80, 160, 300, 300, 300 };
        struct endpoint e[3] = {};
        uint64_t now = 1000 * USEC_PER_SEC;

        for (size_t i = 0; i < ELEMENTSOF(seconds); i++) {
                endpoint_failed(e, now);
                assert_int_equal(e[0].rests_until, now + seconds[i] * USEC_PER_SEC);
        }
        e[0].failures = UINT32_MAX;
        endpoint_failed(e, now);
        assert_int_equal(e[0].rests_until, now + 300 * USEC_PER_SEC);

        assert_int_equal(endpoint_choose(e, 3, 0, now), 1);
        assert_int_equal(endpoint_choose(e, 3, 2, now), 2);
        assert_int_equal(endpoint_choose(e, 3, 6, now), 0);
        assert_int_equal(endpoint_choose(e, 3, 7, now), 3);
        assert_int_equal(endpoint_choose(e, 3, 0, now + 300 * USEC_PER_SEC), 0);
        endpoint_answered(e);
        assert_int_equal(endpoint_choose(e, 3, 0, now), 0);
        endpoint_failed(e, now);
        assert_int_equal(e[0].rests_until, now + 10 * USEC_PER_SEC);
}

static void plain_tcp(void **state) {
        struct peer p = {};
        _cleanup_close_ int fd = silent_host(&p.port);
        struct outcome o;

        o = try_peer(&p, "localhost", 300000, NULL, 0);
        assert_int_equal(o.reason, HOST_LINK_CONNECT_TIMEOUT);
        assert_false(o.sent);
}

/* A name service that is not there: its answer comes long after every deadline. */
int __real_getaddrinfo(const char *name, const char *port, const struct addrinfo *hints, struct addrinfo **ret);
int __wrap_getaddrinfo(const char *name, const char *port, const struct addrinfo *hints, struct addrinfo **ret);
int __wrap_getaddrinfo(const char *name, const char *port, const struct addrinfo *hints, struct addrinfo **ret) {
        if (!streq(name, "unanswered.invalid") || (hints->ai_flags & AI_NUMERICHOST))
                return __real_getaddrinfo(name, port, hints, ret);
        (void) poll(NULL, 0, 60000);
        return EAI_AGAIN;
}

static void no_answer_for_a_name(void **state) {
        _cleanup_(host_link_freep) struct host_link *l = new_link("unanswered.invalid:1", NULL);
        struct outcome o = exchange(l, 300000, NULL);

        assert_int_equal(o.reason, HOST_LINK_NAME);
        assert_false(o.sent);
        assert_says(l, HOST_LINK_NAME);
}

static void names(void **state) {
        _cleanup_(host_link_freep) struct host_link *l = new_link("no-such-name.invalid:1", NULL);
        struct outcome o = exchange(l, LONG, NULL);

        assert_int_equal(o.reason, HOST_LINK_NAME);
        assert_false(o.sent);
        assert_int_equal(host_link_last_reason(l), HOST_LINK_NAME);
        assert_string_not_equal(host_link_last_detail(l), "");

        /* Freed while a name is looked up. */
        assert_int_equal(host_link_exchange(l, 7, "\0\5query", 7, LONG, on_frame, on_done, NULL, &o), 0);
        assert_true(sd_event_run(event, 0) >= 0);
}

static void configurations_that_are_refused(void **state) {
        static const char *const hosts[] = {
                "", "name", ":1", "name:", "name:x", "name:123456", "::1:8583", "[::1:1"
        };
        struct host_link_config config = { .n_hosts = 1, .ca_file = path("ca.pem") };
        struct host_link *l = NULL;

        for (size_t i = 0; i < ELEMENTSOF(hosts); i++) {
                config.hosts[0] = hosts[i];
                assert_int_equal(host_link_new(event, &config, &l), -EINVAL);
        }
        config.hosts[0] = "[::1]:8583";
        config.n_hosts = 0;
        assert_int_equal(host_link_new(event, &config, &l), -EINVAL);
        config.n_hosts = 1;
        config.ca_file = path("none.pem");
        assert_int_equal(host_link_new(event, &config, &l), -ENOENT);
        config.ca_file = path("tmk");
        assert_int_equal(host_link_new(event, &config, &l), -EKEYREJECTED);
        config.ca_file = path("ca.pem");
        config.certificate_file = path("ca.pem");
        assert_int_equal(host_link_new(event, &config, &l), -EKEYREJECTED);
        config.certificate_file = NULL;
        assert_int_equal(host_link_new(event, &config, &l), 0);
        host_link_free(l);

        for (enum host_link_reason reason = 0; reason < _HOST_LINK_REASON_MAX; reason++) {
                assert_non_null(host_link_reason_name(reason));
                assert_non_null(host_link_reason_text(reason));
        }
}

static void lines_are_about_its_transaction(void **state) {
        _cleanup_(host_link_freep) struct host_link *l = NULL;
        char host[32];

        (void) snprintf(host, sizeof(host), "127.0.0.1:%u", (unsigned) free_port());
        l = new_link(host, NULL);
        log_begin_journal(LOG_INFO, false);
        assert_int_equal(exchange(l, LONG, NULL).reason, HOST_LINK_UNREACHABLE);
        log_end_journal(LOG_CRIT);
        assert_non_null(strstr(log_entry, "\nMESSAGE=Acquirer 127.0.0.1:"));
        assert_non_null(strstr(log_entry, "\nTILLD_TRANSACTION=7\n"));
}

/* Certificates of the same CA that have something wrong: the setup's own are right. */
static const char make_certificates[] =
        "set -e; d=$PWD; for s in . other; do $d/packaging/till-acquirer-setup \"$1/$s\" >/dev/null; done; cd \"$1\"\n"
        "issue() { n=$1; san=$2; shift 2; openssl req -new -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes"
        " -subj /CN=$n -keyout $n.key -out $n.csr 2>/dev/null; printf \"subjectAltName=$san\" >$n.ext\n"
        "openssl x509 -req -in $n.csr -CA ca.pem -CAkey ca.key -set_serial 9 -extfile $n.ext -out $n.crt \"$@\""
        " 2>/dev/null; cat $n.crt $n.key >$n.pem; }\n"
        "issue named DNS:localhost -days 7300\n"
        "issue expired DNS:localhost,IP:127.0.0.1 -days -1\n"
        "openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -subj /CN=localhost"
        " -addext subjectAltName=DNS:localhost -days 7300 -keyout self.key -out self.crt 2>/dev/null\n"
        "cat self.crt self.key >self.pem\n"
        "openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -subj /CN=odd -days 7300"
        " -addext nameConstraints=DER:05:00 -keyout odd.key -out odd.pem 2>/dev/null\n"
        "cat odd.pem ca.pem >bundle.pem\n";

static int set_up(void **state) {
        char command[2048];

        log_set_max_level(LOG_CRIT);
        assert_non_null(mkdtemp(directory));
        snprintf(command, sizeof(command), "set -- %s\n%s", directory, make_certificates);
        assert_int_equal(system(command), 0);
        return sd_event_new(&event);
}

static int tear_down(void **state) {
        char command[64];

        event = sd_event_unref(event);
        snprintf(command, sizeof(command), "rm -r %s", directory);
        return system(command);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(memory_is_short_once),
                cmocka_unit_test(an_odd_ca),
                cmocka_unit_test(lines_are_about_its_transaction),
                cmocka_unit_test(wrong_ca),
                cmocka_unit_test(wrong_name),
                cmocka_unit_test(expired),
                cmocka_unit_test(old_tls),
                cmocka_unit_test(client_refused),
                cmocka_unit_test(client_of_another_ca),
                cmocka_unit_test(no_client_certificate),
                cmocka_unit_test(self_signed),
                cmocka_unit_test(certificate_for_another_purpose),
                cmocka_unit_test(reasons),
                cmocka_unit_test(sessions),
                cmocka_unit_test(session_is_gone),
                cmocka_unit_test(hosts_in_order),
                cmocka_unit_test(deadline_over_all_hosts),
                cmocka_unit_test(rests),
                cmocka_unit_test(answer_over_tls12),
                cmocka_unit_test(silence_and_nonsense),
                cmocka_unit_test(plain_tcp),
                cmocka_unit_test(hangs_up),
                cmocka_unit_test(names),
                cmocka_unit_test(no_answer_for_a_name),
                cmocka_unit_test(configurations_that_are_refused),
        };

        if (CRYPTO_set_mem_functions(allocate, allocate_again, give_back) != 1)
                return EXIT_FAILURE;
        return cmocka_run_group_tests_name("host-link", tests, set_up, tear_down);
}
