// SPDX-License-Identifier: LGPL-2.1-or-later
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>

#include "base/log.h"
#include "usb/sim.h"

#define CLIENTS_MAX 16
#define CLIENT_TIMEOUT_USEC (30 * 1000 * 1000ULL)

struct client {
        struct client *next;
        struct control *control;
        int fd;
        sd_event_source *io, *deadline;
        char line[SIM_REQUEST_MAX];
        size_t line_size;
        bool asked;
        uint8_t *output;
        size_t output_size, output_sent;
};

struct control {
        sd_event *event;
        struct sim *sim;
        char *path;
        sd_event_source *listener;
        struct client *clients;
        unsigned int n_clients;
};

static void client_free(struct client *c) {
        struct client **p;

        for (p = &c->control->clients; *p != c; p = &(*p)->next)
                ;
        *p = c->next;
        c->control->n_clients--;
        sim_cancel(c->control->sim, c);
        sd_event_source_disable_unref(c->io);
        sd_event_source_disable_unref(c->deadline);
        safe_close(c->fd);
        free(c->output);
        free(c);
}

static void on_answer(void *userdata, int error, const void *data, size_t size) {
        struct client *c = userdata;
        const char *head = error < 0 ? "error " : "ok\n";
        size_t n = strlen(head);

        c->output = malloc(n + size + 1);
        if (!c->output) {
                log_oom();
                (void) shutdown(c->fd, SHUT_RDWR);
                return;
        }
        memcpy(c->output, head, n);
        memcpy(c->output + n, data, size);
        c->output_size = n + size;
        if (error < 0)
                c->output[c->output_size++] = '\n';
        (void) sd_event_source_set_io_events(c->io, EPOLLOUT);
}

/* Returns true as long as the client is worth keeping. */
static bool client_read(struct client *c) {
        char *end;
        ssize_t n;

        n = recv(c->fd, c->line + c->line_size, sizeof(c->line) - 1 - c->line_size, MSG_DONTWAIT);
        if (n < 0)
                return errno == EAGAIN || errno == EINTR;
        if (n == 0)
                return false;
        if (c->asked)
                return true;
        c->line_size += n;
        c->line[c->line_size] = '\0';
        end = memchr(c->line, '\n', c->line_size);
        if (!end)
                return c->line_size < sizeof(c->line) - 1;
        *end = '\0';
        c->asked = true;
        c->line_size = 0;
        sim_command(c->control->sim, c->line, on_answer, c);
        return true;
}

static bool client_write(struct client *c) {
        ssize_t n =
                send(c->fd, c->output + c->output_sent, c->output_size - c->output_sent, MSG_NOSIGNAL | MSG_DONTWAIT);

        if (n < 0)
                return errno == EAGAIN || errno == EINTR;
        c->output_sent += n;
        return c->output_sent < c->output_size;
}

static int on_client(sd_event_source *source, int fd, uint32_t revents, void *userdata) {
        struct client *c = userdata;
        bool keep = true;

        if (c->output)
                keep = client_write(c);
        else if (revents & EPOLLIN)
                keep = client_read(c);
        else
                keep = false;
        if (!keep)
                client_free(c);
        return 0;
}

static int on_deadline(sd_event_source *source, uint64_t usec, void *userdata) {
        client_free(userdata);
        return 0;
}

static int on_connect(sd_event_source *source, int listener, uint32_t revents, void *userdata) {
        struct control *control = userdata;
        _cleanup_close_ int fd = accept4(listener, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);
        struct client *c;

        if (fd < 0 || control->n_clients >= CLIENTS_MAX)
                return 0;
        c = calloc(1, sizeof(*c));
        if (!c)
                return 0;
        c->control = control;
        c->fd = TAKE_FD(fd);
        c->next = control->clients;
        control->clients = c;
        control->n_clients++;
        if (sd_event_add_io(control->event, &c->io, c->fd, EPOLLIN, on_client, c) < 0 ||
            sd_event_add_time_relative(control->event, &c->deadline, CLOCK_MONOTONIC, CLIENT_TIMEOUT_USEC, 0,
                                       on_deadline, c) < 0)
                client_free(c);
        return 0;
}

static int socket_listen(const char *path) {
        struct sockaddr_un address = { .sun_family = AF_UNIX };
        _cleanup_close_ int fd = -EBADF;
        mode_t mask;
        int r;

        if (strlen(path) >= sizeof(address.sun_path))
                return -ENAMETOOLONG;
        strcpy(address.sun_path, path);
        fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
        if (fd < 0)
                return -errno;
        (void) unlink(path);
        mask = umask(0177);
        r = bind(fd, (struct sockaddr *) &address, sizeof(address)) < 0 ? -errno : 0;
        (void) umask(mask);
        if (r < 0)
                return r;
        if (listen(fd, CLIENTS_MAX) < 0)
                return -errno;
        return TAKE_FD(fd);
}

int control_new(sd_event *event, const char *path, struct sim *sim, struct control **ret) {
        _cleanup_(control_freep) struct control *control = NULL;
        int fd, r;

        control = calloc(1, sizeof(*control));
        if (!control)
                return -ENOMEM;
        control->event = event;
        control->sim = sim;
        fd = socket_listen(path);
        if (fd < 0)
                return fd;
        r = sd_event_add_io(event, &control->listener, fd, EPOLLIN, on_connect, control);
        if (r >= 0)
                r = sd_event_source_set_io_fd_own(control->listener, true);
        if (r < 0) {
                safe_close(fd);
                return r;
        }
        control->path = strdup(path);
        if (!control->path)
                return -ENOMEM;
        *ret = TAKE_PTR(control);
        return 0;
}

struct control *control_free(struct control *control) {
        if (!control)
                return NULL;
        while (control->clients)
                client_free(control->clients);
        sd_event_source_disable_unref(control->listener);
        if (control->path)
                (void) unlink(control->path);
        free(control->path);
        free(control);
        return NULL;
}
