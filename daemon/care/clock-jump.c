// SPDX-License-Identifier: LGPL-2.1-or-later
#include "care/clock-jump.h"

#include <sys/epoll.h>
#include <sys/timerfd.h>

#include "transaction/engine.h"

/* A time that does not come; any will do. */
#define NEVER_SEC ((time_t) 253402300799) /* the end of 9999 */

struct clock_jump {
        int fd;
        sd_event_source *source;
        void (*jumped)(void *userdata);
        void *userdata;
};

static int arm(int fd) {
        const struct itimerspec never = { .it_value.tv_sec = NEVER_SEC };

        return timerfd_settime(fd, TFD_TIMER_ABSTIME | TFD_TIMER_CANCEL_ON_SET, &never, NULL) < 0 ? -errno : 0;
}

static int on_fd(sd_event_source *source, int fd, uint32_t revents, void *userdata) {
        struct clock_jump *c = userdata;
        uint64_t n;
        int r;

        if (read(fd, &n, sizeof(n)) >= 0 || errno != ECANCELED)
                return 0;
        r = arm(fd);
        if (r < 0)
                engine_panic(r, "a clock that is set cannot be noticed any more");
        c->jumped(c->userdata);
        return 0;
}

int clock_jump_new(sd_event *event, void (*jumped)(void *userdata), void *userdata, struct clock_jump **ret) {
        _cleanup_(clock_jump_freep) struct clock_jump *c = calloc(1, sizeof(*c));
        int r;

        if (!c)
                return -ENOMEM;
        c->jumped = jumped;
        c->userdata = userdata;
        c->fd = timerfd_create(CLOCK_REALTIME, TFD_NONBLOCK | TFD_CLOEXEC);
        if (c->fd < 0)
                return -errno;
        r = arm(c->fd);
        if (r < 0)
                return r;
        r = sd_event_add_io(event, &c->source, c->fd, EPOLLIN, on_fd, c);
        if (r < 0)
                return r;
        *ret = TAKE_PTR(c);
        return 0;
}

struct clock_jump *clock_jump_free(struct clock_jump *c) {
        if (!c)
                return NULL;
        sd_event_source_disable_unref(c->source);
        safe_close(c->fd);
        free(c);
        return NULL;
}
