// SPDX-License-Identifier: LGPL-2.1-or-later
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/un.h>

#include "acquirer/control.h"
#include "base/log.h"

#define CLIENTS_MAX 8
#define CALL_SECONDS 10

struct sim_control {
        sd_event *event;
        int fd;
        char *path;
        struct script *script;
        sd_event_source *io;
        sd_event_source *clients[CLIENTS_MAX];
};

static int set_address(struct sockaddr_un *address, const char *path) {
        size_t l = strlen(path);

        *address = (struct sockaddr_un){ .sun_family = AF_UNIX };
        if (l >= sizeof(address->sun_path))
                return -ENAMETOOLONG;
        memcpy(address->sun_path, path, l + 1);
        return 0;
}

static void add_step(struct script *script, const char *text, char *answer, size_t size) {
        const char *reason = "too many steps wait; clear them first";
        struct step step;

        if (step_parse(text, &step, &reason) < 0 || script_add(script, &step) < 0)
                snprintf(answer, size, "error: %s", reason);
        else
                snprintf(answer, size, "ok");
}

static void list_steps(const struct script *script, char *answer, size_t size) {
        size_t used = (size_t) snprintf(answer, size, "ok");
        char text[STEP_TEXT_MAX];

        for (size_t i = 0; i < script->n && used < size; i++) {
                step_format(script->steps + i, text, sizeof(text));
                used += (size_t) snprintf(answer + used, size - used, "\n%s", text);
        }
}

static void run_command(struct sim_control *c, const char *command, char *answer, size_t size) {
        const char *step = startswith(command, "script ");

        if (step)
                add_step(c->script, step, answer, size);
        else if (streq(command, "script-list"))
                list_steps(c->script, answer, size);
        else if (streq(command, "script-clear")) {
                script_clear(c->script);
                snprintf(answer, size, "ok");
        } else
                snprintf(answer, size, "error: unknown command");
}

static int on_client(sd_event_source *s, int fd, uint32_t revents, void *userdata) {
        struct sim_control *c = userdata;
        char command[CONTROL_PACKET_MAX], answer[CONTROL_PACKET_MAX];
        ssize_t n;

        n = recv(fd, command, sizeof(command) - 1, 0);
        if (n > 0) {
                command[n] = '\0';
                run_command(c, command, answer, sizeof(answer));
                (void) send(fd, answer, strlen(answer), MSG_NOSIGNAL);
        }
        /* One command for each connection. */
        for (size_t i = 0; i < CLIENTS_MAX; i++)
                if (c->clients[i] == s)
                        c->clients[i] = sd_event_source_disable_unref(s);
        return 0;
}

static int on_accept(sd_event_source *s, int fd, uint32_t revents, void *userdata) {
        struct sim_control *c = userdata;
        int client;

        client = accept4(fd, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);
        if (client < 0)
                return 0;
        for (size_t i = 0; i < CLIENTS_MAX; i++) {
                if (c->clients[i])
                        continue;
                if (sd_event_add_io(c->event, c->clients + i, client, EPOLLIN, on_client, c) < 0)
                        break;
                (void) sd_event_source_set_io_fd_own(c->clients[i], true);
                return 0;
        }
        safe_close(client);
        return 0;
}

static int listen_on(struct sim_control *c, const char *path) {
        struct sockaddr_un address;
        int r;

        r = set_address(&address, path);
        if (r < 0)
                return r;
        c->fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
        if (c->fd < 0)
                return -errno;
        (void) unlink(path);
        if (bind(c->fd, (struct sockaddr *) &address, sizeof(address)) < 0 || listen(c->fd, CLIENTS_MAX) < 0)
                return -errno;
        c->path = strdup(path);
        return c->path ? 0 : -ENOMEM;
}

int sim_control_new(sd_event *event, const char *path, struct script *script, struct sim_control **ret) {
        _cleanup_(sim_control_freep) struct sim_control *c = NULL;
        int r;

        c = calloc(1, sizeof(*c));
        if (!c)
                return -ENOMEM;
        c->fd = -EBADF;
        c->event = sd_event_ref(event);
        c->script = script;
        r = listen_on(c, path);
        if (r < 0)
                return log_error_errno(r, "Control socket %s cannot be made", path);
        r = sd_event_add_io(event, &c->io, c->fd, EPOLLIN, on_accept, c);
        if (r < 0)
                return r;
        *ret = TAKE_PTR(c);
        return 0;
}

struct sim_control *sim_control_free(struct sim_control *c) {
        if (!c)
                return NULL;
        for (size_t i = 0; i < CLIENTS_MAX; i++)
                sd_event_source_disable_unref(c->clients[i]);
        sd_event_source_disable_unref(c->io);
        safe_close(c->fd);
        if (c->path)
                (void) unlink(c->path);
        free(c->path);
        sd_event_unref(c->event);
        free(c);
        return NULL;
}

int sim_control_call(const char *path, const char *command) {
        const struct timeval limit = { .tv_sec = CALL_SECONDS };
        char answer[CONTROL_PACKET_MAX];
        struct sockaddr_un address;
        _cleanup_close_ int fd = -EBADF;
        const char *text;
        ssize_t n;
        int r;

        r = set_address(&address, path);
        if (r < 0)
                return log_error_errno(r, "%s", path);
        fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);
        if (fd < 0 || setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof(limit)) < 0 ||
            connect(fd, (struct sockaddr *) &address, sizeof(address)) < 0)
                return log_error_errno(
                        -errno, "till-acquirer cannot be reached at %s; is till-acquirer.service running?", path);
        if (send(fd, command, strlen(command), MSG_NOSIGNAL) < 0)
                return log_error_errno(-errno, "till-acquirer does not take commands");
        n = recv(fd, answer, sizeof(answer) - 1, 0);
        if (n <= 0)
                return log_error_errno(n < 0 ? -errno : -EPIPE, "till-acquirer gave no answer");
        answer[n] = '\0';

        text = startswith(answer, "error: ");
        if (text) {
                log_error("%s", text);
                return -EINVAL;
        }
        text = startswith(answer, "ok\n");
        if (text)
                puts(text);
        return 0;
}
