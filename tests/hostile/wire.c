// SPDX-License-Identifier: LGPL-2.1-or-later
#include "hostile.h"

#include <sys/socket.h>

#include "usb/vhci.h"
#include "usbip.h"

/* What the host has asked for, until it has its answer. */
struct request {
        struct request *next;
        uint32_t seqnum;
        uint8_t endpoint;
        struct usb_setup setup;
        size_t room;
        bool answered; /* by the device; the answer is held back below */
        bool never;
        uint32_t unlink; /* the host's word that it has given up, or 0; the device has not answered to that */
        int status;
        int64_t due;
        size_t size;
        uint8_t *data;
};

struct pipe_buffer {
        uint8_t *data;
        size_t size, allocated;
};

struct wire {
        struct hostile *h;
        const struct plan *plan;
        struct device *device;
        sd_event_source *host_source, *device_source;
        int host, inner; /* to vhci_hcd; to the simulated device */
        struct pipe_buffer from_host, from_device;
        struct request *requests; /* in the order in which they came */
        uint32_t newest;          /* seqnum of the last */
        /* The kernel's threads may send an unlink before what it unlinks, which then must not be begun. */
        uint32_t early[8];
        unsigned int earlies;
        unsigned int count[STREAM_WIRE_MAX];
        unsigned int answers;
        int64_t heard; /* when the host last said something */
        bool lost;
        uint8_t scratch[ANSWER_MAX];
};

static void request_free(struct request *r) {
        free(r->data);
        free(r);
}

bool wire_is_unplugged(const struct wire *w) {
        return w->host < 0;
}

int64_t wire_idle_ms(const struct wire *w) {
        for (struct request *r = w->requests; r; r = r->next)
                if ((r->endpoint & 0x0f) == 0)
                        return 0;
        return now_ms() - w->heard;
}

/* Blocks: the kernel reads at once, and the device is in this process. */
static bool send_all(int fd, const void *data, size_t size) {
        const uint8_t *p = data;

        while (size > 0) {
                ssize_t n = send(fd, p, size, MSG_NOSIGNAL);

                if (n < 0 && errno == EAGAIN) {
                        usleep(1000);
                        continue;
                }
                if (n <= 0)
                        return false;
                p += n;
                size -= n;
        }
        return true;
}

static void to_host(struct wire *w, uint32_t command, uint32_t seqnum, int status, const void *data, size_t size,
                    bool in) {
        uint8_t header[USBIP_HEADER_SIZE] = {};

        if (w->host < 0)
                return;
        usbip_put_word(header, USBIP_COMMAND, command);
        usbip_put_word(header, USBIP_SEQNUM, seqnum);
        usbip_put_word(header, USBIP_STATUS, status);
        usbip_put_word(header, USBIP_LENGTH, size);
        if (!send_all(w->host, header, sizeof(header)) || (in && !send_all(w->host, data, size)))
                w->lost = true;
}

/*
 * The hub waits five seconds for each answer, and a real controller reports the loss of the device at once. What
 * drivers have asked for stays without an answer.
 */
static void refuse_hub(struct wire *w) {
        for (struct request *r = w->requests; r; r = r->next)
                if ((r->endpoint & 0x0f) == 0 && !(r->setup.request_type & 0x60))
                        to_host(w, USBIP_RET_SUBMIT, r->seqnum, -EPROTO, NULL, 0, false);
}

void wire_unplug(struct wire *w) {
        if (w->host < 0)
                return;
        refuse_hub(w);
        w->host_source = sd_event_source_disable_unref(w->host_source);
        w->device_source = sd_event_source_disable_unref(w->device_source);
        w->host = safe_close(w->host);
        w->device->usb = usb_device_free(w->device->usb);
        w->inner = safe_close(w->inner);
}

static void deliver(struct wire *w, struct request *r) {
        bool in = r->endpoint & USB_DIR_IN;

        if (r->endpoint & 0x0f)
                atomic_fetch_add(in ? &w->h->worker->in_bytes : &w->h->worker->out_bytes, r->size);
        to_host(w, USBIP_RET_SUBMIT, r->seqnum, r->status, r->data, r->size, in);
}

/* An endpoint answers in order: what is late holds up what is behind it. */
void wire_run(struct wire *w) {
        bool blocked[256] = {};
        int64_t now = now_ms();

        for (struct request **p = &w->requests; *p && w->host >= 0;) {
                struct request *r = *p;

                if (blocked[r->endpoint] || !r->answered || r->never || r->due > now) {
                        blocked[r->endpoint] = true;
                        p = &r->next;
                        continue;
                }
                *p = r->next;
                deliver(w, r);
                request_free(r);
        }
        if (w->lost)
                wire_unplug(w);
}

static unsigned int stream_of(const struct request *r) {
        if (r->endpoint & 0x0f)
                return (r->endpoint & 0x0f) | (r->endpoint & USB_DIR_IN) >> 3;
        return STREAM_CONTROL + (r->setup.request_type * 5 + r->setup.request * 3 + (r->setup.value >> 8)) %
                                        (STREAM_WIRE_MAX - STREAM_CONTROL);
}

/* What is to come in the transfers after this one. */
static void queue_more(struct wire *w, const struct answer *a, const uint8_t *original, size_t size) {
        if (!(a->endpoint & USB_DIR_IN) || !(a->endpoint & 0x0f) || !w->device->usb)
                return;
        if (a->rest > 0)
                (void) usb_device_send(w->device->usb, a->endpoint, a->data + a->size, a->rest);
        if (a->twice)
                (void) usb_device_send(w->device->usb, a->endpoint, original, size);
}

static void answer_of_device(struct wire *w, struct request *r, int status, const uint8_t *data, size_t size) {
        struct answer a = {
                .endpoint = r->endpoint,
                .setup = r->setup,
                .room = r->room,
                .status = status,
                .size = size,
                .data = w->scratch,
        };
        unsigned int stream = stream_of(r);
        struct chance c = chance_for(w->plan->seed, w->plan->number, stream, w->count[stream]++);

        atomic_fetch_add(&w->h->shared->answers, 1);
        w->answers++;
        if (w->plan->unplug == UNPLUG_BEFORE && w->answers == w->plan->unplug_at) {
                w->lost = true;
                return;
        }
        if (r->endpoint & USB_DIR_IN)
                memcpy(w->scratch, data, size);
        if (answer_mutate(&a, w->plan, &c))
                atomic_fetch_add(&w->h->shared->changed, 1);
        queue_more(w, &a, data, size);
        if (a.halt && w->device->usb)
                usb_device_halt(w->device->usb, r->endpoint);

        r->answered = true;
        r->status = a.status;
        r->size = MIN(a.size, r->room);
        r->never = a.never;
        r->due = a.late_ms > 0 ? now_ms() + a.late_ms : 0;
        if (r->endpoint & USB_DIR_IN && r->size > 0) {
                r->data = malloc(r->size);
                if (!r->data)
                        abort();
                memcpy(r->data, w->scratch, r->size);
        }
        if (w->plan->unplug == UNPLUG_AFTER && w->answers == w->plan->unplug_at) {
                wire_run(w);
                w->lost = true;
        }
}

/* Returns whether the device need not be asked. */
static bool unlink_held(struct wire *w, uint32_t unlink, uint32_t seqnum) {
        for (struct request **p = &w->requests; *p; p = &(*p)->next) {
                struct request *r = *p;

                if (r->seqnum != seqnum)
                        continue;
                r->unlink = unlink;
                if (!r->answered)
                        return false;
                *p = r->next;
                request_free(r);
                to_host(w, USBIP_RET_UNLINK, unlink, -ECONNRESET, NULL, 0, false);
                return true;
        }
        return false;
}

static bool is_early(const struct wire *w, uint32_t seqnum) {
        for (size_t i = 0; i < ELEMENTSOF(w->early); i++)
                if (w->early[i] == seqnum)
                        return true;
        return false;
}

/* Returns whether the device need not be asked. */
static bool take_unlink(struct wire *w, uint32_t unlink, uint32_t seqnum) {
        if ((int32_t) (seqnum - w->newest) <= 0)
                return unlink_held(w, unlink, seqnum);
        w->early[w->earlies++ % ELEMENTSOF(w->early)] = seqnum;
        to_host(w, USBIP_RET_UNLINK, unlink, 0, NULL, 0, false);
        return true;
}

static void note_request(struct wire *w, const uint8_t *header) {
        struct request *r = calloc(1, sizeof(*r)), **tail;
        const uint8_t *s = header + USBIP_SETUP;

        if (!r)
                abort();
        r->seqnum = usbip_word(header, USBIP_SEQNUM);
        r->endpoint = (usbip_word(header, USBIP_EP) & 0x0f) | (usbip_word(header, USBIP_DIRECTION) ? USB_DIR_IN : 0);
        r->room = usbip_word(header, USBIP_LENGTH);
        r->setup = (struct usb_setup){
                .request_type = s[0],
                .request = s[1],
                .value = s[2] | s[3] << 8,
                .index = s[4] | s[5] << 8,
                .length = s[6] | s[7] << 8,
        };
        for (tail = &w->requests; *tail; tail = &(*tail)->next)
                ;
        *tail = r;
}

/* Each takes one message; returns its size, 0 if it is not whole yet. */
static size_t take_from_host(struct wire *w, const uint8_t *data, size_t size) {
        size_t whole = USBIP_HEADER_SIZE;

        if (size < USBIP_HEADER_SIZE)
                return 0;
        if (usbip_word(data, USBIP_COMMAND) == USBIP_CMD_UNLINK) {
                if (!take_unlink(w, usbip_word(data, USBIP_SEQNUM), usbip_word(data, USBIP_STATUS)))
                        w->lost |= !send_all(w->inner, data, whole);
                return whole;
        }
        if (!usbip_word(data, USBIP_DIRECTION))
                whole += usbip_word(data, USBIP_LENGTH);
        if (size < whole)
                return 0;
        w->newest = usbip_word(data, USBIP_SEQNUM);
        if (is_early(w, w->newest)) {
                to_host(w, USBIP_RET_SUBMIT, w->newest, -ECONNRESET, NULL, 0, false);
                return whole;
        }
        note_request(w, data);
        w->lost |= !send_all(w->inner, data, whole);
        return whole;
}

static void end_unlink(struct wire *w, uint32_t unlink) {
        for (struct request **p = &w->requests; *p; p = &(*p)->next) {
                struct request *r = *p;

                if (r->unlink != unlink)
                        continue;
                *p = r->next;
                request_free(r);
                break;
        }
        to_host(w, USBIP_RET_UNLINK, unlink, -ECONNRESET, NULL, 0, false);
}

static size_t take_from_device(struct wire *w, const uint8_t *data, size_t size) {
        size_t actual, whole = USBIP_HEADER_SIZE;
        struct request *r;
        uint32_t seqnum;
        int status;

        if (size < USBIP_HEADER_SIZE)
                return 0;
        seqnum = usbip_word(data, USBIP_SEQNUM);
        if (usbip_word(data, USBIP_COMMAND) == USBIP_RET_UNLINK) {
                end_unlink(w, seqnum);
                return whole;
        }
        for (r = w->requests; r && r->seqnum != seqnum; r = r->next)
                ;
        if (!r) {
                w->lost = true;
                return 0;
        }
        /* A request that failed has no data here. */
        status = (int32_t) usbip_word(data, USBIP_STATUS);
        actual = status == 0 ? usbip_word(data, USBIP_LENGTH) : 0;
        if (r->endpoint & USB_DIR_IN)
                whole += actual;
        if (size < whole)
                return 0;
        if (r->unlink == 0)
                answer_of_device(w, r, status, data + USBIP_HEADER_SIZE, actual);
        return whole;
}

static int receive(struct wire *w, int fd, struct pipe_buffer *b,
                   size_t (*take)(struct wire *w, const uint8_t *data, size_t size)) {
        size_t used = 0;
        ssize_t n;

        if (b->allocated - b->size < 65536) {
                uint8_t *p = realloc(b->data, b->allocated + 131072);

                if (!p)
                        abort();
                b->data = p;
                b->allocated += 131072;
        }
        n = recv(fd, b->data + b->size, b->allocated - b->size, MSG_DONTWAIT);
        if (n < 0)
                return errno == EAGAIN || errno == EINTR ? 0 : -errno;
        if (n == 0)
                return -ECONNRESET;
        b->size += n;
        while (!w->lost) {
                size_t m = take(w, b->data + used, b->size - used);

                if (m == 0)
                        break;
                used += m;
        }
        b->size -= used;
        memmove(b->data, b->data + used, b->size);
        return 0;
}

static int on_host(sd_event_source *source, int fd, uint32_t revents, void *userdata) {
        struct wire *w = userdata;

        w->heard = now_ms();
        w->lost |= receive(w, fd, &w->from_host, take_from_host) < 0;
        if (w->lost)
                wire_unplug(w);
        return 0;
}

static int on_device(sd_event_source *source, int fd, uint32_t revents, void *userdata) {
        struct wire *w = userdata;

        w->lost |= receive(w, fd, &w->from_device, take_from_device) < 0;
        if (w->lost)
                wire_unplug(w);
        else
                wire_run(w);
        return 0;
}

int wire_new(struct hostile *h, sd_event *event, struct device *device, const struct plan *plan,
             const struct usb_model *model, struct wire **ret) {
        int pair[2], port, room = 8 * 1024 * 1024, r;
        struct wire *w = calloc(1, sizeof(*w));

        if (!w)
                return -ENOMEM;
        *w = (struct wire){
                .h = h, .plan = plan, .device = device, .host = -EBADF, .inner = -EBADF, .heard = now_ms()
        };
        *ret = w;
        port = port_number(h->controller);
        if (port < 0)
                return port;
        if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, pair) < 0)
                return -errno;
        w->inner = pair[0];
        /* Both ends are served by this thread: neither may have to wait for the other. */
        (void) setsockopt(pair[0], SOL_SOCKET, SO_SNDBUFFORCE, &room, sizeof(room));
        (void) setsockopt(pair[1], SOL_SOCKET, SO_SNDBUFFORCE, &room, sizeof(room));
        r = usb_device_new(event, pair[1], model, device->class, device, &device->usb);
        if (r < 0)
                return r;
        r = vhci_attach(port, model->speed, &w->host);
        if (r < 0)
                return r;
        r = sd_event_add_io(event, &w->host_source, w->host, EPOLLIN, on_host, w);
        if (r < 0)
                return r;
        return sd_event_add_io(event, &w->device_source, w->inner, EPOLLIN, on_device, w);
}

struct wire *wire_free(struct wire *w) {
        if (!w)
                return NULL;
        wire_unplug(w);
        w->device->usb = usb_device_free(w->device->usb);
        safe_close(w->inner);
        while (w->requests) {
                struct request *r = w->requests;

                w->requests = r->next;
                request_free(r);
        }
        free(w->from_host.data);
        free(w->from_device.data);
        free(w);
        return NULL;
}
