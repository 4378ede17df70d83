// SPDX-License-Identifier: LGPL-2.1-or-later
#include "transaction/scrypt.h"

#include <openssl/evp.h>
#include <pthread.h>
#include <signal.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>

#include "base/secret.h"

#define BLOCK_SIZE 8
/* A row that asks for more is damaged. */
#define COST_MAX 16

/* In secret memory, all of it. The thread has it until it writes to fd. */
struct scrypt {
        pthread_t thread;
        bool running; /* to be joined */
        int fd;
        sd_event_source *source;
        scrypt_done_t done;
        void *userdata;

        char secret[32];
        uint8_t salt[SCRYPT_SALT_SIZE];
        uint64_t n;
        uint8_t hash[SCRYPT_HASH_SIZE];
        bool ok;
};

static void *run(void *userdata) {
        struct scrypt *s = userdata;
        /* OpenSSL wants its room said beforehand: 128 * N * r, and some. */
        uint64_t memory = 128 * s->n * BLOCK_SIZE + (1 << 20);

        s->ok = EVP_PBE_scrypt(s->secret, strlen(s->secret), s->salt, sizeof(s->salt), s->n, BLOCK_SIZE, 1, memory,
                               s->hash, sizeof(s->hash)) == 1;
        secret_wipe_stack();
        (void) eventfd_write(s->fd, 1);
        return NULL;
}

static void join(struct scrypt *s) {
        if (s->running)
                (void) pthread_join(s->thread, NULL);
        s->running = false;
}

static int on_done(sd_event_source *source, int fd, uint32_t revents, void *userdata) {
        struct scrypt *s = userdata;

        join(s);
        s->source = sd_event_source_disable_unref(s->source);
        s->done(s->ok ? 0 : -ENOMEM, s->ok ? s->hash : NULL, s->userdata);
        return 0;
}

/* Signals are the main thread's. */
static int start(struct scrypt *s) {
        sigset_t all, before;
        int r;

        (void) sigfillset(&all);
        r = pthread_sigmask(SIG_SETMASK, &all, &before);
        if (r != 0)
                return -r;
        r = pthread_create(&s->thread, NULL, run, s);
        s->running = r == 0;
        (void) pthread_sigmask(SIG_SETMASK, &before, NULL);
        return -r;
}

int scrypt_new(sd_event *event, const char *secret, const uint8_t salt[static SCRYPT_SALT_SIZE], uint32_t cost,
               scrypt_done_t done, void *userdata, struct scrypt **ret) {
        _cleanup_(scrypt_freep) struct scrypt *s = NULL;
        int r;

        if (cost < 1 || cost > COST_MAX || strlen(secret) >= sizeof(s->secret))
                return -ERANGE;
        s = secret_new(sizeof(*s));
        if (!s)
                return -ENOMEM;
        s->done = done;
        s->userdata = userdata;
        COPY(s->secret, secret);
        memcpy(s->salt, salt, sizeof(s->salt));
        s->n = UINT64_C(1) << cost;
        s->fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
        if (s->fd < 0)
                return -errno;
        r = sd_event_add_io(event, &s->source, s->fd, EPOLLIN, on_done, s);
        if (r < 0)
                return r;
        r = start(s);
        if (r < 0)
                return r;
        *ret = TAKE_PTR(s);
        return 0;
}

struct scrypt *scrypt_free(struct scrypt *s) {
        if (!s)
                return NULL;
        join(s);
        sd_event_source_disable_unref(s->source);
        safe_close(s->fd);
        return secret_free(s);
}
