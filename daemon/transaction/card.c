// SPDX-License-Identifier: LGPL-2.1-or-later
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <sys/pidfd.h>
#include <sys/socket.h>
#include <sys/wait.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/secret.h"
#include "transaction/card.h"

/* What a worker may take to wipe its memory and power the card off once its socket is closed. */
#define END_TIMEOUT_USEC (3 * USEC_PER_SEC)

/*
 * One transaction takes about ten, a cardholder who turns a mute card over and over some dozens: more is a
 * worker that wants to keep tilld busy.
 */
#define MESSAGES_MAX 256

struct card {
        sd_event *event;
        int64_t transaction; /* for the log */
        struct card_listener listener;
        int socket;
        int said; /* the worker's standard error */
        pid_t pid;
        sd_event_source *socket_source;
        union message *received; /* secret memory */
        unsigned n_received;
        bool *freed; /* set when the listener frees the card in a callback */
};

/* Outlives the card: waits for the process, and kills it when its time is up. */
struct reaper {
        pid_t pid;
        int64_t transaction;
        int said;
        sd_event_source *child, *timer, *exit;
        void (*gone)(void *userdata);
        void *userdata;
};

static struct reaper *reaper_free(struct reaper *r) {
        if (!r)
                return NULL;
        sd_event_source_unref(r->child);
        sd_event_source_unref(r->timer);
        sd_event_source_unref(r->exit);
        (void) safe_close(r->said);
        free(r);
        return NULL;
}
DEFINE_CLEANUP(struct reaper *, reaper_free);

/* A worker that cannot close itself in says why, and ends; one that has, and has seen a card, can say nothing here. */
static void pass_on_lines(int fd, int64_t transaction) {
        char text[1024], *rest = text;
        ssize_t n = read(fd, text, sizeof(text) - 1);

        text[MAX(n, 0)] = '\0';
        for (const char *line; (line = strsep(&rest, "\n"));)
                if (*line)
                        log_transaction_warning(transaction, "card-worker: %s", line);
}

static int reaper_exited(sd_event_source *s, const siginfo_t *si, void *userdata) {
        struct reaper *r = userdata;
        void (*gone)(void *) = r->gone;
        void *gone_userdata = r->userdata;

        if (si->si_code != CLD_EXITED)
                log_transaction_warning(r->transaction, "card-worker ended by signal %d", si->si_status);
        pass_on_lines(r->said, r->transaction);
        reaper_free(r);
        if (gone)
                gone(gone_userdata);
        return 0;
}

static int reaper_timeout(sd_event_source *s, uint64_t usec, void *userdata) {
        struct reaper *r = userdata;

        log_transaction_warning(r->transaction, "card-worker does not end; killing it");
        (void) kill(r->pid, SIGKILL);
        return 0;
}

/* tilld ends, and with it any worker (PR_SET_PDEATHSIG): this one is given its time all the same. */
static void wait_for_end(pid_t pid, int said, int64_t transaction) {
        _cleanup_close_ int fd = pidfd_open(pid, 0);

        if (fd < 0 || poll(&(struct pollfd){ .fd = fd, .events = POLLIN }, 1, END_TIMEOUT_USEC / USEC_PER_MSEC) <= 0) {
                log_transaction_warning(transaction, "card-worker does not end; killing it");
                (void) kill(pid, SIGKILL);
        }
        (void) waitpid(pid, NULL, 0);
        pass_on_lines(said, transaction);
}

static int reaper_exit(sd_event_source *s, void *userdata) {
        struct reaper *r = userdata;

        wait_for_end(r->pid, r->said, r->transaction);
        reaper_free(r);
        return 0;
}

static int reap(struct card *card) {
        _cleanup_(reaper_freep) struct reaper *reaper = NULL;
        sd_event *event = card->event;
        int r = sd_event_get_state(event);

        if (r == SD_EVENT_EXITING || r == SD_EVENT_FINISHED) {
                wait_for_end(card->pid, card->said, card->transaction);
                return 0;
        }
        reaper = calloc(1, sizeof(*reaper));
        if (!reaper)
                return -ENOMEM;
        reaper->pid = card->pid;
        reaper->transaction = card->transaction;
        reaper->said = TAKE_FD(card->said);
        reaper->gone = card->listener.gone;
        reaper->userdata = card->listener.gone_userdata;
        r = sd_event_add_child(event, &reaper->child, card->pid, WEXITED, reaper_exited, reaper);
        if (r < 0)
                return r;
        r = sd_event_add_time_relative(event, &reaper->timer, CLOCK_MONOTONIC, END_TIMEOUT_USEC, 0, reaper_timeout,
                                       reaper);
        if (r < 0)
                return r;
        r = sd_event_add_exit(event, &reaper->exit, reaper_exit, reaper);
        if (r < 0)
                return r;
        TAKE_PTR(reaper);
        return 0;
}

struct card *card_free(struct card *card) {
        if (!card)
                return NULL;

        sd_event_source_unref(card->socket_source);
        (void) safe_close(card->socket);
        if (card->pid > 0 && reap(card) < 0)
                (void) kill(card->pid, SIGKILL);
        (void) safe_close(card->said);
        secret_free(card->received);
        sd_event_unref(card->event);
        if (card->freed)
                *card->freed = true;
        free(card);
        return NULL;
}

static void card_ended(struct card *card) {
        card->socket_source = sd_event_source_unref(card->socket_source);
        card->listener.ended(card, card->listener.userdata);
}

/* Gives one message to the listener; the next one waits for its turn among the other sources. */
static int on_socket(sd_event_source *s, int fd, uint32_t revents, void *userdata) {
        struct card *card = userdata;
        bool freed = false;
        ssize_t n;

        n = recv(card->socket, card->received, sizeof(*card->received), MSG_DONTWAIT | MSG_TRUNC);
        if (n < 0 && (errno == EAGAIN || errno == EINTR))
                return 0;
        if (n > 0 && message_check(card->received, (size_t) n, MESSAGE_FROM_WORKER) < 0) {
                log_transaction_error(card->transaction, "card-worker sent what is not a message; ending it");
                n = -1;
        }
        if (n > 0 && ++card->n_received > MESSAGES_MAX) {
                log_transaction_error(card->transaction, "card-worker does not stop talking; ending it");
                n = -1;
        }
        if (n <= 0) {
                card_ended(card);
                return 0;
        }

        card->freed = &freed;
        card->listener.message(card, card->received, card->listener.userdata);
        if (freed)
                return 0;
        card->freed = NULL;
        message_wipe(card->received);
        return 0;
}

/* Moves a descriptor out of the way of the worker's own numbers. */
static int move_up(int fd) {
        int moved = fcntl(fd, F_DUPFD_CLOEXEC, WORKER_FD_TILLD + 1);

        return moved < 0 ? -errno : moved;
}

static int spawn(const char *program, int reader_fd, int socket_fd, int error_fd, pid_t *ret_pid) {
        _cleanup_close_ int reader = -EBADF, sock = -EBADF, error = -EBADF;
        posix_spawn_file_actions_t actions;
        posix_spawnattr_t attributes;
        char *const argv[] = { (char *) "card-worker", NULL };
        char *const envp[] = { NULL };
        sigset_t none, all;
        int r;

        reader = move_up(reader_fd);
        if (reader < 0)
                return reader;
        sock = move_up(socket_fd);
        if (sock < 0)
                return sock;
        error = move_up(error_fd);
        if (error < 0)
                return error;

        (void) sigemptyset(&none);
        (void) sigfillset(&all);
        (void) posix_spawn_file_actions_init(&actions);
        (void) posix_spawnattr_init(&attributes);
        (void) posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF);
        (void) posix_spawnattr_setsigmask(&attributes, &none);
        (void) posix_spawnattr_setsigdefault(&attributes, &all);
        r = posix_spawn_file_actions_adddup2(&actions, reader, WORKER_FD_READER);
        if (r == 0)
                r = posix_spawn_file_actions_adddup2(&actions, sock, WORKER_FD_TILLD);
        if (r == 0)
                r = posix_spawn_file_actions_adddup2(&actions, error, STDERR_FILENO);
        if (r == 0)
                r = posix_spawn_file_actions_addclosefrom_np(&actions, WORKER_FD_TILLD + 1);
        if (r == 0)
                r = posix_spawn(ret_pid, program, &actions, &attributes, argv, envp);
        (void) posix_spawn_file_actions_destroy(&actions);
        (void) posix_spawnattr_destroy(&attributes);
        return -r;
}

int card_new(sd_event *event, const char *program, int64_t transaction, int reader_fd,
             const struct card_listener *listener, struct card **ret) {
        _cleanup_close_ int reader = reader_fd, worker_end = -EBADF, error = -EBADF;
        _cleanup_(card_freep) struct card *card = NULL;
        int pair[2], r;

        card = calloc(1, sizeof(*card));
        if (!card)
                return -ENOMEM;
        card->event = sd_event_ref(event);
        card->transaction = transaction;
        card->listener = *listener;
        card->socket = card->said = -EBADF;
        card->received = secret_new(sizeof(*card->received));
        if (!card->received)
                return -ENOMEM;

        if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair) < 0)
                return -errno;
        card->socket = pair[0];
        worker_end = pair[1];
        /* Neither waits for the other there. */
        if (pipe2(pair, O_CLOEXEC | O_NONBLOCK) < 0)
                return -errno;
        card->said = pair[0];
        error = pair[1];

        r = spawn(program, reader, worker_end, error, &card->pid);
        if (r < 0)
                return log_transaction_error_errno(transaction, r, "%s cannot be started", program);
        r = sd_event_add_io(event, &card->socket_source, card->socket, EPOLLIN, on_socket, card);
        if (r < 0)
                return r;
        *ret = TAKE_PTR(card);
        return 0;
}

int card_send(struct card *card, const void *message) {
        const struct message_header *h = message;
        ssize_t n;

        n = send(card->socket, message, h->size, MSG_DONTWAIT | MSG_NOSIGNAL);
        return n < 0 ? -errno : 0;
}
