/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* The bus room of a shop, and a client at the other end of its connection; polkit says yes but to bus.refuse. */

#include "test.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/socket.h>

#include "base/clock.h"
#include "base/log.h"
#include "bus/authority.h"
#include "bus/server.h"
#include "engine-fixture.h"

static struct {
        sd_bus *server_bus, *client;
        struct server *server;
        const char *refuse; /* the polkit action that nobody has */
        uid_t uid;          /* who calls */

        /* The last call. */
        char action[64]; /* that was asked for last */
        bool answered;
        char error[64], text[512];
        sd_bus_message *reply;
        unsigned changes; /* of properties */
        unsigned answers; /* to all calls */
} bus;

int __wrap_authority_check(sd_bus_message *m, const char *action, sd_bus_message_handler_t act, void *userdata,
                           sd_bus_error *error);
int __wrap_authority_sender_uid(sd_bus_message *m, uid_t *ret);

int __wrap_authority_check(sd_bus_message *m, const char *action, sd_bus_message_handler_t act, void *userdata,
                           sd_bus_error *error) {
        COPY(bus.action, action);
        if (bus.refuse && streq(bus.refuse, action))
                return sd_bus_error_set(error, SD_BUS_ERROR_ACCESS_DENIED, "no");
        return act(m, userdata, error);
}

int __wrap_authority_sender_uid(sd_bus_message *m, uid_t *ret) {
        *ret = bus.uid;
        return 0;
}

static int on_change(sd_bus_message *m, void *userdata, sd_bus_error *error) {
        bus.changes++;
        return 0;
}

static sd_bus *connect_end(int fd, bool is_server) {
        sd_id128_t id = { .bytes = { 1 } };
        sd_bus *b;

        assert_int_equal(sd_bus_new(&b), 0);
        assert_int_equal(sd_bus_set_fd(b, fd, fd), 0);
        if (is_server)
                assert_int_equal(sd_bus_set_server(b, 1, id), 0);
        assert_true(sd_bus_negotiate_fds(b, 1) >= 0);
        assert_true(sd_bus_start(b) >= 0);
        assert_true(sd_bus_attach_event(b, shop.event, 0) >= 0);
        return b;
}

static void on_transaction(const struct transaction_view *view, enum transaction_event e, void *userdata) {
}

/* All but the interfaces. */
static void bus_set_up(void) {
        int fds[2];

        log_set_max_level(LOG_EMERG);
        memset(&bus, 0, sizeof(bus));
        bus.uid = 1000;
        shop_set_up();
        shop_open(on_transaction, "/nonexistent/card-worker");
        assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, fds), 0);
        bus.server_bus = connect_end(fds[0], true);
        bus.client = connect_end(fds[1], false);
        /* A call with an fd would wait for the handshake, and the other end is in this process. */
        for (int i = 0; i < 100 && sd_bus_is_ready(bus.client) <= 0; i++)
                assert_true(sd_event_run(shop.event, 20000) >= 0);
        /* server_new() follows clients, and there is no bus that would tell of them. */
        bus.server = calloc(1, sizeof(*bus.server));
        assert_non_null(bus.server);
        bus.server->bus = sd_bus_ref(bus.server_bus);
        bus.server->settings = &shop.settings;
        bus.server->transaction_prefix = strdup(SERVER_PATH "/transaction");
        bus.server->engine = shop.engine;
        assert_int_equal(faults_new(shop.engine, diagnostics_told, bus.server, &bus.server->faults), 0);
        assert_true(sd_bus_match_signal(bus.client, NULL, NULL, SERVER_PATH, "org.freedesktop.DBus.Properties",
                                        "PropertiesChanged", on_change, NULL) >= 0);
}

static int bus_tear_down(void **state) {
        sd_bus_message_unref(bus.reply);
        /* Answers to what is still being checked go nowhere. */
        sd_bus_flush_close_unref(bus.client);
        bus.server->faults = faults_free(bus.server->faults);
        shop_close();
        server_free(bus.server);
        sd_bus_flush_close_unref(bus.server_bus);
        shop_tear_down();
        return 0;
}

static int on_reply(sd_bus_message *m, void *userdata, sd_bus_error *error) {
        const sd_bus_error *e = sd_bus_message_get_error(m);

        bus.answered = true;
        bus.answers++;
        COPY(bus.error, e ? e->name : "");
        COPY(bus.text, e ? e->message : "");
        bus.reply = sd_bus_message_ref(m);
        return 0;
}

static void send_call(const char *path, const char *interface, const char *method, const char *number,
                      const char *role, int fd) {
        sd_bus_message *m;

        bus.answered = false;
        bus.reply = sd_bus_message_unref(bus.reply);
        assert_true(sd_bus_message_new_method_call(bus.client, &m, NULL, path, interface, method) >= 0);
        if (number)
                assert_true(sd_bus_message_append(m, "s", number) >= 0);
        if (role)
                assert_true(sd_bus_message_append(m, "s", role) >= 0);
        if (fd >= 0)
                assert_true(sd_bus_message_append(m, "h", fd) >= 0);
        assert_true(sd_bus_call_async(bus.client, NULL, m, on_reply, NULL, 200 * USEC_PER_SEC) >= 0);
        sd_bus_message_unref(m);
}

static void wait_for_answer(void) {
        for (int i = 0; i < 5000 && !bus.answered; i++)
                assert_true(sd_event_run(shop.event, 20000) >= 0);
        assert_true(bus.answered);
        /* And what is told beside it. */
        for (int i = 0; i < 10; i++)
                assert_true(sd_event_run(shop.event, 500) >= 0);
}

/* Returns the error's last word, "" for an answer. line: what is in the memfd that goes with it, NULL for none. */
static _unused_ const char *call_at(const char *path, const char *interface, const char *method, const char *number,
                                    const char *role, const char *line) {
        int fd = -EBADF;

        if (line) {
                fd = memfd_create("code", MFD_CLOEXEC);
                assert_true(fd >= 0);
                assert_int_equal(write(fd, line, strlen(line)), strlen(line));
        }
        send_call(path, interface, method, number, role, fd);
        safe_close(fd);
        wait_for_answer();
        return strrchr(bus.error, '.') ? strrchr(bus.error, '.') + 1 : bus.error;
}
