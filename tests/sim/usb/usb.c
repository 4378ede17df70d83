// SPDX-License-Identifier: LGPL-2.1-or-later
#include "usb/usb.h"

#include <endian.h>
#include <poll.h>
#include <sys/socket.h>

/* USB/IP commands on a connection, and the header that all four share. */
enum {
        USBIP_CMD_SUBMIT = 1,
        USBIP_CMD_UNLINK = 2,
        USBIP_RET_SUBMIT = 3,
        USBIP_RET_UNLINK = 4,
};

struct usbip_header {
        uint32_t command;
        uint32_t seqnum;
        uint32_t devid;
        uint32_t direction; /* 0 out, 1 in */
        uint32_t ep;
        union {
                struct {
                        uint32_t transfer_flags;
                        uint32_t length;
                        uint32_t start_frame;
                        uint32_t number_of_packets;
                        uint32_t interval;
                        uint8_t setup[8];
                } submit;
                struct {
                        int32_t status;
                        uint32_t actual_length;
                        uint32_t start_frame;
                        uint32_t number_of_packets;
                        uint32_t error_count;
                        uint8_t padding[8];
                } ret_submit;
                struct {
                        uint32_t seqnum;
                        uint8_t padding[24];
                } unlink;
                struct {
                        int32_t status;
                        uint8_t padding[24];
                } ret_unlink;
        };
};
_Static_assert(sizeof(struct usbip_header) == 48, "a USB/IP header has 48 bytes");

#define QUEUE_MAX (1024 * 1024)
#define INTERFACES_MAX 8

enum {
        REQUEST_GET_STATUS = 0,
        REQUEST_CLEAR_FEATURE = 1,
        REQUEST_SET_FEATURE = 3,
        REQUEST_GET_DESCRIPTOR = 6,
        REQUEST_GET_CONFIGURATION = 8,
        REQUEST_SET_CONFIGURATION = 9,
        REQUEST_GET_INTERFACE = 10,
        REQUEST_SET_INTERFACE = 11,
};

/* An URB that the host submitted and that has no answer yet. */
struct urb {
        struct urb *next;
        uint32_t seqnum;
        uint32_t length; /* of the host's buffer */
        uint32_t done;   /* bytes transferred so far */
        uint8_t data[];  /* what came, for OUT */
};

struct transfer {
        struct transfer *next;
        int status; /* of one that fails */
        size_t size, sent;
        uint8_t data[];
};

struct endpoint {
        struct urb *urbs;
        struct transfer *transfers; /* IN only */
        size_t queued;              /* bytes in them */
        bool halted;
        int failing; /* status of the next URB, or 0 */
};

struct usb_device {
        int fd;
        sd_event_source *source;
        const struct usb_model *model;
        const struct usb_class *class;
        void *userdata;

        struct endpoint endpoints[2][16]; /* OUT, IN */
        uint8_t configuration;
        uint8_t alternates[INTERFACES_MAX]; /* the setting in use, by interface */
        bool gone;
        uint32_t newest;       /* number of the last submission */
        uint32_t unlinked[16]; /* before they were submitted */
        size_t n_unlinked;

        uint8_t *input; /* bytes of a message that is not whole yet */
        size_t input_size, input_allocated;
        uint8_t *output; /* what the socket did not take yet */
        size_t output_size, output_allocated;
};

static struct endpoint *device_endpoint(struct usb_device *d, uint8_t address) {
        return &d->endpoints[!!(address & USB_DIR_IN)][address & 0x0f];
}

static int buffer_append(uint8_t **buffer, size_t *size, size_t *allocated, const void *data, size_t n) {
        if (*size + n > *allocated) {
                size_t want = MAX((*size + n) * 2, (size_t) 4096);
                uint8_t *p = realloc(*buffer, want);

                if (!p)
                        return -ENOMEM;
                *buffer = p;
                *allocated = want;
        }
        memcpy(*buffer + *size, data, n);
        *size += n;
        return 0;
}

static void device_lost(struct usb_device *d) {
        if (d->gone)
                return;
        d->gone = true;
        d->source = sd_event_source_disable_unref(d->source);
        d->fd = safe_close(d->fd);
        if (d->class->gone)
                d->class->gone(d->userdata);
}

static void device_watch(struct usb_device *d) {
        if (!d->gone)
                (void) sd_event_source_set_io_events(d->source, EPOLLIN | (d->output_size > 0 ? EPOLLOUT : 0));
}

static void device_flush(struct usb_device *d) {
        size_t sent = 0;

        while (sent < d->output_size) {
                ssize_t n = send(d->fd, d->output + sent, d->output_size - sent, MSG_NOSIGNAL | MSG_DONTWAIT);

                if (n < 0 && errno == EINTR)
                        continue;
                if (n < 0 && errno != EAGAIN) {
                        device_lost(d);
                        return;
                }
                if (n < 0)
                        break;
                sent += n;
        }
        d->output_size -= sent;
        memmove(d->output, d->output + sent, d->output_size);
        device_watch(d);
}

/* Sends a header and data; a device that cannot answer any more is unplugged rather than half alive. */
static void device_answer(struct usb_device *d, const struct usbip_header *header, const void *data, size_t size) {
        if (d->gone)
                return;
        if (buffer_append(&d->output, &d->output_size, &d->output_allocated, header, sizeof(*header)) < 0 ||
            (size > 0 && buffer_append(&d->output, &d->output_size, &d->output_allocated, data, size) < 0)) {
                device_lost(d);
                return;
        }
        device_flush(d);
}

/* actual counts what was transferred; data goes with it for IN only. */
static void answer_submit(struct usb_device *d, uint32_t seqnum, int status, size_t actual, const void *data) {
        struct usbip_header header = {
                .command = htobe32(USBIP_RET_SUBMIT),
                .seqnum = htobe32(seqnum),
                .ret_submit.status = (int32_t) htobe32((uint32_t) status),
                .ret_submit.actual_length = htobe32(actual),
        };

        device_answer(d, &header, data, data ? actual : 0);
}

static void endpoint_free_urbs(struct endpoint *e) {
        while (e->urbs) {
                struct urb *u = e->urbs;

                e->urbs = u->next;
                free(u);
        }
}

static void endpoint_free_transfers(struct endpoint *e) {
        while (e->transfers) {
                struct transfer *t = e->transfers;

                e->transfers = t->next;
                explicit_bzero(t->data, t->size);
                free(t);
        }
        e->queued = 0;
}

static void endpoint_fail(struct usb_device *d, struct endpoint *e, int status) {
        struct urb *u;

        while ((u = e->urbs)) {
                e->urbs = u->next;
                answer_submit(d, u->seqnum, status, u->done, NULL);
                free(u);
        }
}

static void endpoint_pump_in(struct usb_device *d, struct endpoint *e) {
        while (!e->halted && e->urbs && e->transfers) {
                struct urb *u = e->urbs;
                struct transfer *t = e->transfers;
                size_t n = MIN((size_t) u->length, t->size - t->sent);

                e->urbs = u->next;
                answer_submit(d, u->seqnum, t->status, n, t->data + t->sent);
                free(u);
                t->sent += n;
                e->queued -= n;
                if (t->sent < t->size)
                        continue;
                e->transfers = t->next;
                explicit_bzero(t->data, t->size);
                free(t);
        }
}

static void endpoint_pump_out(struct usb_device *d, struct endpoint *e, uint8_t address) {
        while (!e->halted && e->urbs) {
                struct urb *u = e->urbs;
                ssize_t n = -EPIPE;

                if (d->class->out)
                        n = d->class->out(d->userdata, address, u->data + u->done, u->length - u->done);
                if (n < 0) {
                        usb_device_halt(d, address);
                        return;
                }
                u->done += n;
                if (u->done < u->length)
                        return;
                e->urbs = u->next;
                answer_submit(d, u->seqnum, 0, u->length, NULL);
                explicit_bzero(u->data, u->length);
                free(u);
        }
}

static void device_reset_endpoints(struct usb_device *d) {
        for (size_t in = 0; in < 2; in++)
                for (size_t i = 1; i < 16; i++) {
                        d->endpoints[in][i].halted = false;
                        endpoint_free_transfers(&d->endpoints[in][i]);
                }
}

/* Language first, then UTF-16 of the text (USB 2.0, 9.6.7). */
static int string_descriptor(const struct usb_model *m, unsigned int index, uint8_t *data) {
        size_t n = 2, i = 1;

        data[1] = 0x03;
        if (index == 0) {
                data[0] = 4;
                data[2] = 0x09;
                data[3] = 0x04;
                return 4;
        }
        while (m->strings && m->strings[i - 1] && i < index)
                i++;
        if (!m->strings || !m->strings[i - 1])
                return -EPIPE;
        for (const char *s = m->strings[i - 1]; *s && n < 254; s++) {
                data[n++] = (uint8_t) *s;
                data[n++] = 0;
        }
        data[0] = n;
        return n;
}

static int get_descriptor(struct usb_device *d, const struct usb_setup *setup, uint8_t *data) {
        const uint8_t *c = d->model->configuration;
        size_t total;

        switch (setup->value >> 8) {
        case 1:
                memcpy(data, d->model->device_descriptor, 18);
                return 18;
        case 2:
                if (setup->value & 0xff)
                        return -EPIPE;
                total = c[2] | c[3] << 8;
                memcpy(data, c, MIN(total, (size_t) setup->length));
                return MIN(total, (size_t) setup->length);
        case 3:
                return string_descriptor(d->model, setup->value & 0xff, data);
        default:
                return -EPIPE;
        }
}

static int control_endpoint(struct usb_device *d, const struct usb_setup *setup, uint8_t *data) {
        struct endpoint *e = device_endpoint(d, setup->index);

        switch (setup->request) {
        case REQUEST_GET_STATUS:
                data[0] = e->halted;
                data[1] = 0;
                return 2;
        case REQUEST_SET_FEATURE:
                usb_device_halt(d, setup->index);
                return 0;
        case REQUEST_CLEAR_FEATURE:
                e->halted = false;
                return 0;
        default:
                return -EPIPE;
        }
}

static bool has_alternate(const struct usb_model *m, unsigned int interface, unsigned int alternate) {
        const uint8_t *c = m->configuration;
        size_t total = c[2] | c[3] << 8;

        /* A descriptor may be wrong on purpose: what has no length ends them. */
        for (size_t i = 0; i + 4 <= total && c[i] > 0; i += c[i])
                if (c[i + 1] == 4 && c[i + 2] == interface && c[i + 3] == alternate)
                        return interface < INTERFACES_MAX;
        return false;
}

static int control_standard(struct usb_device *d, const struct usb_setup *setup, uint8_t *data, bool *ret_configured) {
        if ((setup->request_type & 0x1f) == 2)
                return control_endpoint(d, setup, data);

        switch (setup->request) {
        case REQUEST_GET_STATUS:
                data[0] = data[1] = 0;
                return 2;
        case REQUEST_GET_DESCRIPTOR:
                return get_descriptor(d, setup, data);
        case REQUEST_GET_CONFIGURATION:
                data[0] = d->configuration;
                return 1;
        case REQUEST_SET_CONFIGURATION:
                if (setup->value > 1)
                        return -EPIPE;
                device_reset_endpoints(d);
                memset(d->alternates, 0, sizeof(d->alternates));
                d->configuration = setup->value;
                *ret_configured = d->configuration != 0;
                return 0;
        case REQUEST_GET_INTERFACE:
                if (setup->index >= INTERFACES_MAX)
                        return -EPIPE;
                data[0] = d->alternates[setup->index];
                return 1;
        case REQUEST_SET_INTERFACE:
                if (!has_alternate(d->model, setup->index, setup->value))
                        return -EPIPE;
                device_reset_endpoints(d);
                d->alternates[setup->index] = setup->value;
                return 0;
        case REQUEST_SET_FEATURE:
        case REQUEST_CLEAR_FEATURE: /* remote wake-up: accepted, never signalled */
                return 0;
        default:
                return -EPIPE;
        }
}

/* Queues what the host asked for, behind the last. Data is NULL for IN. */
static int endpoint_add_urb(struct endpoint *e, uint32_t seqnum, const uint8_t *data, size_t size) {
        struct urb *u = calloc(1, sizeof(*u) + (data ? size : 0)), **tail;

        if (!u)
                return -ENOMEM;
        u->seqnum = seqnum;
        u->length = size;
        if (data)
                memcpy(u->data, data, size);
        for (tail = &e->urbs; *tail; tail = &(*tail)->next)
                ;
        *tail = u;
        return 0;
}

/* Whether the next URB of an endpoint is to fail; says so once. */
static int endpoint_take_failure(struct endpoint *e) {
        int status = e->failing;

        e->failing = 0;
        return status;
}

static void handle_control(struct usb_device *d, uint32_t seqnum, const uint8_t s[8], uint8_t *out, size_t out_size) {
        struct usb_setup setup = {
                .request_type = s[0],
                .request = s[1],
                .value = s[2] | s[3] << 8,
                .index = s[4] | s[5] << 8,
                .length = s[6] | s[7] << 8,
        };
        bool in = setup.request_type & USB_DIR_IN, configured = false;
        /* A string descriptor may be longer than what is asked for. */
        _cleanup_free_ uint8_t *data = calloc(1, MAX((size_t) setup.length, (size_t) 256));
        int r = -EPIPE;

        if (!data) {
                device_lost(d);
                return;
        }
        if (!in)
                memcpy(data, out, MIN(out_size, (size_t) setup.length));
        if ((setup.request_type & 0x60) == 0)
                r = control_standard(d, &setup, data, &configured);
        else if (d->endpoints[0][0].failing) {
                answer_submit(d, seqnum, endpoint_take_failure(&d->endpoints[0][0]), 0, NULL);
                return;
        }
        if (r == -EPIPE && d->class->control && !configured)
                r = d->class->control(d->userdata, &setup, data, setup.length);

        if (d->class->trace && (setup.request_type & 0x60))
                d->class->trace(d->userdata,
                                r == -EAGAIN ? "control, not answered"
                                : r < 0      ? "control, stalled"
                                             : "control",
                                s, 8);
        if (r == -EAGAIN) {
                if (endpoint_add_urb(device_endpoint(d, USB_DIR_IN), seqnum, NULL, setup.length) < 0)
                        device_lost(d);
                return;
        }
        if (r < 0)
                answer_submit(d, seqnum, -EPIPE, 0, NULL);
        else
                answer_submit(d, seqnum, 0, in ? MIN(r, (int) setup.length) : setup.length, in ? data : NULL);
        if (configured && d->class->configured)
                d->class->configured(d->userdata);
        if (!in && r >= 0 && (setup.request_type & 0x7f) == 2 && setup.request == REQUEST_CLEAR_FEATURE) {
                if (setup.index & USB_DIR_IN)
                        endpoint_pump_in(d, device_endpoint(d, setup.index));
                else
                        endpoint_pump_out(d, device_endpoint(d, setup.index), setup.index & 0x0f);
        }
}

static void handle_transfer(struct usb_device *d, uint32_t seqnum, uint8_t address, const uint8_t *data, size_t size) {
        struct endpoint *e = device_endpoint(d, address);
        bool in = address & USB_DIR_IN;

        if (e->halted || e->failing) {
                answer_submit(d, seqnum, e->halted ? -EPIPE : endpoint_take_failure(e), 0, NULL);
                return;
        }
        if (endpoint_add_urb(e, seqnum, in ? NULL : data, size) < 0) {
                device_lost(d);
                return;
        }
        if (in) {
                endpoint_pump_in(d, e);
                if (e->urbs && d->class->listened)
                        d->class->listened(d->userdata, address);
        } else if (!e->urbs->next) /* an older one still waits: this one waits behind it */
                endpoint_pump_out(d, e, address);
}

static void handle_unlink(struct usb_device *d, uint32_t seqnum, uint32_t target) {
        struct usbip_header header = {
                .command = htobe32(USBIP_RET_UNLINK),
                .seqnum = htobe32(seqnum),
        };

        for (size_t in = 0; in < 2; in++)
                for (size_t i = 0; i < 16; i++)
                        for (struct urb **p = &d->endpoints[in][i].urbs; *p; p = &(*p)->next) {
                                struct urb *u = *p;
                                bool first = u == d->endpoints[in][i].urbs;

                                if (u->seqnum != target)
                                        continue;
                                *p = u->next;
                                free(u);
                                header.ret_unlink.status = (int32_t) htobe32((uint32_t) -ECONNRESET);
                                device_answer(d, &header, NULL, 0);
                                /* A host controller goes on with the next. */
                                if (first && !in)
                                        endpoint_pump_out(d, &d->endpoints[0][i], (uint8_t) i);
                                return;
                        }
        if ((int32_t) (target - d->newest) > 0)
                d->unlinked[d->n_unlinked++ % ELEMENTSOF(d->unlinked)] = target;
        /* Else it was answered before the unlink came. */
        device_answer(d, &header, NULL, 0);
}

/* vhci_hcd's list of unlinks may be sent before that of submissions: then it waits for an answer to the latter. */
static bool is_unlinked(const struct usb_device *d, uint32_t seqnum) {
        for (size_t i = 0; i < ELEMENTSOF(d->unlinked); i++)
                if (d->unlinked[i] == seqnum)
                        return true;
        return false;
}

/* Handles one message at the start of data. Returns its size, 0 if it is not whole yet, -EBADMSG. */
static ssize_t handle_message(struct usb_device *d, uint8_t *data, size_t size) {
        struct usbip_header header;
        uint32_t length, ep;
        bool in;

        if (size < sizeof(header))
                return 0;
        memcpy(&header, data, sizeof(header));
        if (be32toh(header.command) == USBIP_CMD_UNLINK) {
                handle_unlink(d, be32toh(header.seqnum), be32toh(header.unlink.seqnum));
                return sizeof(header);
        }
        if (be32toh(header.command) != USBIP_CMD_SUBMIT)
                return -EBADMSG;

        in = be32toh(header.direction) == 1;
        ep = be32toh(header.ep);
        length = be32toh(header.submit.length);
        if (length > USB_TRANSFER_MAX || ep > 15)
                return -EBADMSG;
        if (!in && size < sizeof(header) + length)
                return 0;
        d->newest = be32toh(header.seqnum);
        if (is_unlinked(d, d->newest))
                answer_submit(d, d->newest, -ECONNRESET, 0, NULL);
        else if (ep == 0)
                handle_control(d, be32toh(header.seqnum), header.submit.setup, data + sizeof(header), in ? 0 : length);
        else
                handle_transfer(d, be32toh(header.seqnum), ep | (in ? USB_DIR_IN : 0), data + sizeof(header), length);
        return sizeof(header) + (in ? 0 : length);
}

static int device_input(struct usb_device *d) {
        uint8_t chunk[65536];
        size_t used = 0;
        ssize_t n;
        int r;

        n = recv(d->fd, chunk, sizeof(chunk), MSG_DONTWAIT);
        if (n < 0)
                return errno == EAGAIN || errno == EINTR ? 0 : -errno;
        if (n == 0)
                return -ECONNRESET;
        r = buffer_append(&d->input, &d->input_size, &d->input_allocated, chunk, n);
        explicit_bzero(chunk, n);
        if (r < 0)
                return r;

        while (!d->gone) {
                n = handle_message(d, d->input + used, d->input_size - used);
                if (n < 0)
                        return n;
                if (n == 0)
                        break;
                used += n;
        }
        d->input_size -= used;
        memmove(d->input, d->input + used, d->input_size);
        explicit_bzero(d->input + d->input_size, used);
        return 0;
}

static int on_io(sd_event_source *source, int fd, uint32_t revents, void *userdata) {
        struct usb_device *d = userdata;

        if (revents & EPOLLOUT)
                device_flush(d);
        if (d->gone)
                return 0;
        if (revents & EPOLLIN ? device_input(d) < 0 : (revents & (EPOLLHUP | EPOLLERR)) != 0)
                device_lost(d);
        return 0;
}

int usb_device_new(sd_event *event, int fd, const struct usb_model *model, const struct usb_class *class,
                   void *userdata, struct usb_device **ret) {
        _cleanup_(usb_device_freep) struct usb_device *d = NULL;
        int r;

        d = calloc(1, sizeof(*d));
        if (!d) {
                safe_close(fd);
                return -ENOMEM;
        }
        d->fd = fd;
        d->model = model;
        d->class = class;
        d->userdata = userdata;
        r = sd_event_add_io(event, &d->source, fd, EPOLLIN, on_io, d);
        if (r < 0)
                return r;
        *ret = TAKE_PTR(d);
        return 0;
}

struct usb_device *usb_device_free(struct usb_device *d) {
        if (!d)
                return NULL;
        d->source = sd_event_source_disable_unref(d->source);
        if (d->fd >= 0 && d->output_size > 0) {
                struct pollfd p = { .fd = d->fd, .events = POLLOUT };

                /* Answers that wait for room: the kernel reads them at once. */
                if (poll(&p, 1, 100) > 0)
                        (void) send(d->fd, d->output, d->output_size, MSG_NOSIGNAL | MSG_DONTWAIT);
        }
        safe_close(d->fd);
        for (size_t in = 0; in < 2; in++)
                for (size_t i = 0; i < 16; i++) {
                        endpoint_free_urbs(&d->endpoints[in][i]);
                        endpoint_free_transfers(&d->endpoints[in][i]);
                }
        if (d->input)
                explicit_bzero(d->input, d->input_allocated);
        if (d->output)
                explicit_bzero(d->output, d->output_allocated);
        free(d->input);
        free(d->output);
        free(d);
        return NULL;
}

bool usb_device_is_configured(const struct usb_device *d) {
        return d && !d->gone && d->configuration != 0;
}

bool usb_device_is_gone(const struct usb_device *d) {
        return d->gone;
}

static int device_queue(struct usb_device *d, uint8_t address, int status, const void *data, size_t size) {
        struct endpoint *e = device_endpoint(d, address | USB_DIR_IN);
        struct transfer *t, **tail;

        if (d->gone)
                return 0;
        if (e->queued + size > QUEUE_MAX)
                return -ENOBUFS;
        t = calloc(1, sizeof(*t) + size);
        if (!t)
                return -ENOMEM;
        t->status = status;
        t->size = size;
        memcpy(t->data, data, size);
        for (tail = &e->transfers; *tail; tail = &(*tail)->next)
                ;
        *tail = t;
        e->queued += size;
        endpoint_pump_in(d, e);
        return 0;
}

int usb_device_send(struct usb_device *d, uint8_t address, const void *data, size_t size) {
        return device_queue(d, address, 0, data, size);
}

int usb_device_send_error(struct usb_device *d, uint8_t address, int status) {
        return device_queue(d, address, status, "", 0);
}

void usb_device_flush(struct usb_device *d, uint8_t address) {
        endpoint_free_transfers(device_endpoint(d, address | USB_DIR_IN));
}

size_t usb_device_queued(const struct usb_device *d, uint8_t address) {
        return d->endpoints[1][address & 0x0f].queued;
}

bool usb_device_listens(const struct usb_device *d, uint8_t address) {
        return !d->gone && d->endpoints[1][address & 0x0f].urbs;
}

void usb_device_resume(struct usb_device *d, uint8_t address) {
        if (!d->gone)
                endpoint_pump_out(d, device_endpoint(d, address & 0x0f), address & 0x0f);
}

void usb_device_fail(struct usb_device *d, uint8_t address, int status) {
        struct endpoint *e = device_endpoint(d, address);
        struct urb *u = e->urbs;

        e->failing = status;
        if (!u || status == 0)
                return;
        e->urbs = u->next;
        answer_submit(d, u->seqnum, endpoint_take_failure(e), u->done, NULL);
        free(u);
}

void usb_device_halt(struct usb_device *d, uint8_t address) {
        struct endpoint *e = device_endpoint(d, address);

        e->halted = true;
        endpoint_fail(d, e, -EPIPE);
}
