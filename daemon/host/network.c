// SPDX-License-Identifier: LGPL-2.1-or-later
#include "host/network.h"

#include <linux/if.h>
#include <linux/netlink.h>
#include <linux/rtnetlink.h>
#include <sys/epoll.h>
#include <sys/socket.h>

#include "base/clock.h"
#include "base/log.h"

#define SETTLE_USEC (2 * USEC_PER_SEC)
#define BUFFER_SIZE 32768

struct host_network {
        int fd;
        sd_event_source *io, *settle;
        host_network_changed_t changed;
        void *userdata;
        struct host_network_state state;
};

/* ---- What the kernel has ---- */

/* Some ways round it (VPNs) have it in two halves, of one bit each. */
static bool is_default_route(const struct rtmsg *route) {
        return route->rtm_type == RTN_UNICAST && route->rtm_dst_len <= 1 && route->rtm_table != RT_TABLE_LOCAL &&
               !(route->rtm_flags & (RTNH_F_DEAD | RTNH_F_LINKDOWN | RTM_F_CLONED));
}

static bool has_carrier(const struct ifinfomsg *link) {
        return (link->ifi_flags & (IFF_UP | IFF_LOWER_UP)) == (IFF_UP | IFF_LOWER_UP) &&
               !(link->ifi_flags & IFF_LOOPBACK);
}

static void take(struct nlmsghdr *message, struct host_network_state *state) {
        if (message->nlmsg_type == RTM_NEWLINK && message->nlmsg_len >= NLMSG_LENGTH(sizeof(struct ifinfomsg)))
                state->link = state->link || has_carrier(NLMSG_DATA(message));
        if (message->nlmsg_type == RTM_NEWROUTE && message->nlmsg_len >= NLMSG_LENGTH(sizeof(struct rtmsg)))
                state->route = state->route || is_default_route(NLMSG_DATA(message));
}

/* A part of a list. Returns 1 after the last one. */
static int take_part(int fd, void *buffer, struct host_network_state *state) {
        ssize_t n = recv(fd, buffer, BUFFER_SIZE, MSG_DONTWAIT);
        struct nlmsghdr *message = buffer;
        int left = (int) n;

        if (n < 0)
                return errno == EINTR ? 0 : -errno;
        for (; NLMSG_OK(message, left); message = NLMSG_NEXT(message, left)) {
                if (message->nlmsg_type == NLMSG_DONE)
                        return 1;
                if (message->nlmsg_type == NLMSG_ERROR)
                        return -EIO;
                take(message, state);
        }
        return 0;
}

/* The kernel has its answer ready in the same call: there is nothing to wait for. */
static int list(uint16_t type, struct host_network_state *state) {
        struct {
                struct nlmsghdr header;
                struct rtgenmsg body;
        } request = {
                .header = { .nlmsg_len = sizeof(request),
                            .nlmsg_type = type,
                            .nlmsg_flags = NLM_F_REQUEST | NLM_F_DUMP },
                .body = { .rtgen_family = AF_UNSPEC },
        };
        _cleanup_close_ int fd = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_ROUTE);
        _cleanup_free_ void *buffer = malloc(BUFFER_SIZE);
        int r = 0;

        if (!buffer)
                return -ENOMEM;
        if (fd < 0 || send(fd, &request, sizeof(request), MSG_DONTWAIT) < 0)
                return -errno;
        while (r == 0)
                r = take_part(fd, buffer, state);
        return r;
}

static int look(struct host_network_state *ret) {
        struct host_network_state state = {};
        int r;

        r = list(RTM_GETLINK, &state);
        if (r >= 0)
                r = list(RTM_GETROUTE, &state);
        if (r < 0)
                return r;
        *ret = state;
        return 0;
}

/* ---- What has changed ---- */

static void accept_state(struct host_network *n, const struct host_network_state *now) {
        if (now->link == n->state.link && now->route == n->state.route)
                return;
        n->state.link = now->link;
        n->state.route = now->route;
        n->state.had_link = n->state.had_link || now->link;
        n->state.changed_boot = clock_now(CLOCK_BOOTTIME);
        log_info("Network: %s, %s", now->link ? "connected" : "no connection", now->route ? "a route" : "no route");
        n->changed(n->userdata);
}

static bool is_worse(const struct host_network *n, const struct host_network_state *now) {
        return (n->state.link && !now->link) || (n->state.route && !now->route);
}

static int on_settled(sd_event_source *source, uint64_t usec, void *userdata) {
        struct host_network *n = userdata;
        struct host_network_state now;

        if (look(&now) >= 0)
                accept_state(n, &now);
        return 0;
}

static void settle(struct host_network *n) {
        if (sd_event_source_set_time_relative(n->settle, SETTLE_USEC) < 0 ||
            sd_event_source_set_enabled(n->settle, SD_EVENT_ONESHOT) < 0)
                log_warning("That the network has gone is seen later");
}

/* What was said does not matter, nor whether the kernel had to leave some of it out. */
static void drain(int fd) {
        char buffer[4096];
        ssize_t n;

        do
                n = recv(fd, buffer, sizeof(buffer), MSG_DONTWAIT);
        while (n > 0 || (n < 0 && (errno == ENOBUFS || errno == EINTR)));
}

static int on_io(sd_event_source *source, int fd, uint32_t revents, void *userdata) {
        struct host_network *n = userdata;
        struct host_network_state now;

        drain(fd);
        if (look(&now) < 0)
                return 0;
        if (is_worse(n, &now))
                settle(n);
        else
                accept_state(n, &now);
        return 0;
}

void host_network_get(const struct host_network *n, struct host_network_state *ret) {
        *ret = n ? n->state : (struct host_network_state){ .link = true, .route = true };
}

/* ---- Life ---- */

static int listen_to_kernel(struct host_network *n, sd_event *event) {
        struct sockaddr_nl address = {
                .nl_family = AF_NETLINK,
                .nl_groups = RTMGRP_LINK | RTMGRP_IPV4_ROUTE | RTMGRP_IPV6_ROUTE,
        };

        n->fd = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC | SOCK_NONBLOCK, NETLINK_ROUTE);
        if (n->fd < 0 || bind(n->fd, (struct sockaddr *) &address, sizeof(address)) < 0)
                return -errno;
        return sd_event_add_io(event, &n->io, n->fd, EPOLLIN, on_io, n);
}

int host_network_new(sd_event *event, host_network_changed_t changed, void *userdata, struct host_network **ret) {
        _cleanup_(host_network_freep) struct host_network *n = calloc(1, sizeof(*n));
        int r;

        if (!n)
                return -ENOMEM;
        n->fd = -EBADF;
        n->changed = changed;
        n->userdata = userdata;
        r = listen_to_kernel(n, event);
        if (r < 0)
                return r;
        r = sd_event_add_time_relative(event, &n->settle, CLOCK_BOOTTIME, SETTLE_USEC, USEC_PER_SEC / 10, on_settled,
                                       n);
        if (r >= 0)
                r = sd_event_source_set_enabled(n->settle, SD_EVENT_OFF);
        if (r >= 0)
                r = look(&n->state);
        if (r < 0)
                return r;
        n->state.had_link = n->state.link;
        *ret = TAKE_PTR(n);
        return 0;
}

struct host_network *host_network_free(struct host_network *n) {
        if (!n)
                return NULL;
        sd_event_source_disable_unref(n->io);
        sd_event_source_disable_unref(n->settle);
        safe_close(n->fd);
        free(n);
        return NULL;
}
