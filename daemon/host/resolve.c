// SPDX-License-Identifier: LGPL-2.1-or-later
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>

#include "host/resolve.h"

/* Shared with the thread, which may outlive the query: whoever lets go last frees. */
struct lookup {
        atomic_uint references;
        char *name, *port;
        int event_fd;
        int error;
        struct addrinfo *addresses;
};

struct host_resolve {
        struct lookup *lookup;
        sd_event_source *source;
        host_resolve_done_t done;
        void *userdata;
};

static struct lookup *lookup_unref(struct lookup *l) {
        if (!l || atomic_fetch_sub(&l->references, 1) > 1)
                return NULL;
        if (l->addresses)
                freeaddrinfo(l->addresses);
        safe_close(l->event_fd);
        free(l->name);
        free(l->port);
        free(l);
        return NULL;
}

static int lookup_new(const char *name, const char *port, struct lookup **ret) {
        struct lookup *l;

        l = calloc(1, sizeof(*l));
        if (!l)
                return -ENOMEM;
        atomic_init(&l->references, 1);
        l->name = strdup(name);
        l->port = strdup(port);
        l->event_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
        if (!l->name || !l->port || l->event_fd < 0) {
                lookup_unref(l);
                return -ENOMEM;
        }
        *ret = l;
        return 0;
}

static void *lookup_run(void *userdata) {
        const struct addrinfo hints = { .ai_socktype = SOCK_STREAM, .ai_flags = AI_ADDRCONFIG };
        struct lookup *l = userdata;

        l->error = getaddrinfo(l->name, l->port, &hints, &l->addresses);
        /* Without a network but loopback AI_ADDRCONFIG hides localhost. */
        if (l->error != 0)
                l->error =
                        getaddrinfo(l->name, l->port, &(struct addrinfo){ .ai_socktype = SOCK_STREAM }, &l->addresses);
        if (l->error != 0)
                l->addresses = NULL;
        (void) eventfd_write(l->event_fd, 1);
        lookup_unref(l);
        return NULL;
}

/* Signals belong to the event loop, so the thread takes none. */
static int lookup_start(struct lookup *l) {
        pthread_attr_t attributes;
        sigset_t all, before;
        pthread_t thread;
        int r;

        r = pthread_attr_init(&attributes);
        if (r > 0)
                return -r;
        (void) pthread_attr_setdetachstate(&attributes, PTHREAD_CREATE_DETACHED);
        sigfillset(&all);
        (void) pthread_sigmask(SIG_SETMASK, &all, &before);
        atomic_fetch_add(&l->references, 1);
        r = pthread_create(&thread, &attributes, lookup_run, l);
        if (r > 0)
                atomic_fetch_sub(&l->references, 1);
        (void) pthread_sigmask(SIG_SETMASK, &before, NULL);
        (void) pthread_attr_destroy(&attributes);
        return -r;
}

static int resolve_event(sd_event_source *s, int fd, uint32_t revents, void *userdata) {
        struct host_resolve *r = userdata;
        struct addrinfo *addresses = TAKE_PTR(r->lookup->addresses);

        (void) sd_event_source_set_enabled(s, SD_EVENT_OFF);
        r->done(r->lookup->error, addresses, r->userdata);
        return 0;
}

int host_resolve_new(sd_event *event, const char *name, const char *port, host_resolve_done_t done, void *userdata,
                     struct host_resolve **ret) {
        _cleanup_(host_resolve_freep) struct host_resolve *r = NULL;
        const struct addrinfo numeric = { .ai_socktype = SOCK_STREAM, .ai_flags = AI_NUMERICHOST };
        int k;

        r = calloc(1, sizeof(*r));
        if (!r)
                return -ENOMEM;
        r->done = done;
        r->userdata = userdata;
        k = lookup_new(name, port, &r->lookup);
        if (k < 0)
                return k;
        k = sd_event_add_io(event, &r->source, r->lookup->event_fd, EPOLLIN, resolve_event, r);
        if (k < 0)
                return k;

        /* An address needs no look-up and no thread. */
        if (getaddrinfo(name, port, &numeric, &r->lookup->addresses) == 0)
                (void) eventfd_write(r->lookup->event_fd, 1);
        else {
                k = lookup_start(r->lookup);
                if (k < 0)
                        return k;
        }
        *ret = TAKE_PTR(r);
        return 0;
}

struct host_resolve *host_resolve_free(struct host_resolve *r) {
        if (!r)
                return NULL;
        sd_event_source_disable_unref(r->source);
        lookup_unref(r->lookup);
        free(r);
        return NULL;
}
