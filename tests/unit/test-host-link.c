// SPDX-License-Identifier: LGPL-2.1-or-later
#include "test.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <signal.h>
#include <spawn.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>

#include "base/log.h"
#include "host/link.h"

/* The link against "openssl s_server", which nobody here wrote. */

#define LONG UINT64_C(30000000)

extern char **environ;
static char directory[] = "/tmp/test-host-link-XXXXXX";
static sd_event *event;

static char *path(const char *name) {
        static char text[4][128];
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

static struct peer peer_start(const char *certificate, const char *const *options) {
        const char *argv[24] = { "openssl", "s_server", "-quiet" };
        char port[16];
        posix_spawn_file_actions_t actions;
        struct peer p = { .port = free_port() };
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

static struct host_link *new_link(const char *host, const char *server_name) {
        struct host_link_config config = {
                .hosts = { host },
                .n_hosts = 1,
                .server_name = server_name,
                .ca_file = path("ca.pem"),
                .certificate_file = path("terminal.pem"),
                .connect_usec = LONG,
        };
        struct host_link *l = NULL;

        assert_int_equal(host_link_new(event, &config, &l), 0);
        return l;
}

/* What the peer says once there is a connection: s_server reads it for whoever is there. */
struct feed {
        int input;
        const char *text;
        size_t size;
};

static struct outcome exchange(struct host_link *l, uint64_t deadline, const struct feed *feed) {
        struct outcome o = {};

        assert_int_equal(host_link_exchange(l, "\0\5query", 7, deadline, on_frame, on_done, NULL, &o), 0);
        while (!o.done) {
                assert_true(sd_event_run(event, UINT64_MAX) >= 0);
                if (feed && host_link_is_connected(l)) {
                        assert_int_equal(write(feed->input, feed->text, feed->size), feed->size);
                        feed = NULL;
                }
        }
        return o;
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
        struct outcome o = try_peer(&p, server_name, LONG, NULL, 0);

        peer_stop(&p);
        assert_int_equal(o.reason, reason);
        assert_false(o.sent);
}

static const char *const nothing[] = { NULL };

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

        o = try_peer(&p, "localhost", 300000, NULL, 0);
        assert_int_equal(o.reason, HOST_LINK_TIMEOUT);
        assert_true(o.sent);
        o = try_peer(&p, "localhost", LONG, "\xFF\xFF", 2);
        peer_stop(&p);
        assert_int_equal(o.reason, HOST_LINK_MALFORMED);
        assert_true(o.sent);
}

static void plain_tcp(void **state) {
        struct sockaddr_in a = { .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
        _cleanup_close_ int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
        struct peer p = {};
        struct outcome o;
        socklen_t size = sizeof(a);

        /* Takes the connection and says nothing. */
        assert_int_equal(bind(fd, (struct sockaddr *) &a, sizeof(a)), 0);
        assert_int_equal(listen(fd, 1), 0);
        assert_int_equal(getsockname(fd, (struct sockaddr *) &a, &size), 0);
        p.port = ntohs(a.sin_port);
        o = try_peer(&p, "localhost", 300000, NULL, 0);
        assert_int_equal(o.reason, HOST_LINK_CONNECT_TIMEOUT);
        assert_false(o.sent);
}

static void names(void **state) {
        _cleanup_(host_link_freep) struct host_link *l = new_link("no-such-name.invalid:1", NULL);
        struct outcome o = exchange(l, LONG, NULL);

        assert_int_equal(o.reason, HOST_LINK_NAME);
        assert_false(o.sent);
        assert_int_equal(host_link_last_reason(l), HOST_LINK_NAME);
        assert_string_not_equal(host_link_last_detail(l), "");

        /* Freed while a name is looked up. */
        assert_int_equal(host_link_exchange(l, "\0\5query", 7, LONG, on_frame, on_done, NULL, &o), 0);
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

/* Certificates of the same CA that have something wrong: the setup's own are right. */
static const char make_certificates[] =
        "set -e; d=$PWD; for s in . other; do $d/packaging/till-acquirer-setup \"$1/$s\" >/dev/null; done; cd \"$1\"\n"
        "issue() { n=$1; san=$2; shift 2; openssl req -new -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes"
        " -subj /CN=$n -keyout $n.key -out $n.csr 2>/dev/null; printf \"subjectAltName=$san\" >$n.ext\n"
        "openssl x509 -req -in $n.csr -CA ca.pem -CAkey ca.key -set_serial 9 -extfile $n.ext -out $n.crt \"$@\""
        " 2>/dev/null; cat $n.crt $n.key >$n.pem; }\n"
        "issue named DNS:localhost -days 7300\n"
        "issue expired DNS:localhost,IP:127.0.0.1 -days -1\n";

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
                cmocka_unit_test(wrong_ca),
                cmocka_unit_test(wrong_name),
                cmocka_unit_test(expired),
                cmocka_unit_test(old_tls),
                cmocka_unit_test(client_refused),
                cmocka_unit_test(answer_over_tls12),
                cmocka_unit_test(silence_and_nonsense),
                cmocka_unit_test(plain_tcp),
                cmocka_unit_test(names),
                cmocka_unit_test(configurations_that_are_refused),
        };

        return cmocka_run_group_tests_name("host-link", tests, set_up, tear_down);
}
