// SPDX-License-Identifier: LGPL-2.1-or-later
#include "hostile.h"

#include <dirent.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/usbdevice_fs.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <time.h>

#include "kernel/include/uapi/linux/till.h"

#define THREADS_MAX 4
#define BUFFER_SIZE 70000

/* After a signal a call may still have to tidy up; what no signal ends has a deadline of seconds. */
#define GRACE_MS 15000
#define HOPELESS_MS 40000

struct walker {
        struct walk *walk;
        unsigned int index;
        struct chance chance;
        pthread_t thread;
        atomic_int tid;
        atomic_long called; /* ms; 0 between calls */
        atomic_long limit;  /* when to send a signal */
        const char *call;
        bool hangs;
        uint8_t buffer[BUFFER_SIZE];
};

struct walk {
        struct hostile *h;
        const struct plan *plan;
        const char *node;
        int fd;
        atomic_bool ended;
        unsigned int threads;
        struct walker *walkers;
        /* This session's, since open. */
        atomic_ulong offered;
        unsigned long taken_before;
        pthread_mutex_t lock; /* of the members below */
        struct till_printer_progress progress;
        uint32_t sequence;
};

static void on_signal(int number) {
}

/* What the calls may say besides success; all else has leaked out of the transport. */
static const int documented[] = {
        EAGAIN,   EBUSY,   ECANCELED, ECONNRESET, E2BIG,  EFAULT,     EINTR,  EINVAL, EIO,
        EMSGSIZE, ENODATA, ENODEV,    ENOMEDIUM,  ENOTTY, EOPNOTSUPP, EPROTO, ETIME,  ETIMEDOUT,
};

/* Volatile, for a compiler that knows better. */
static void *bad_pointer(void) {
        static void *volatile bad = (void *) 8;

        return bad;
}

static bool is_request(const char *call) {
        return streq(call, "TILL_PRINTER_GET_PORT_STATUS") || streq(call, "TILL_PRINTER_SOFT_RESET") ||
               startswith(call, "ioctl");
}

static void check_error(struct walker *w, int error) {
        struct walk *k = w->walk;

        for (size_t i = 0; i < ELEMENTSOF(documented); i++)
                if (error == documented[i])
                        return;
        /* A node that has gone before it was opened. */
        if (streq(w->call, "open()") && (error == ENOENT || error == ENXIO))
                return;
        /* The printer does not know the request. */
        if (error == EPIPE && k->plan->kind == KIND_PRINTER && is_request(w->call))
                return;
        if (error == ENOMEM && atomic_load(&k->h->shared->scarce))
                return;
        failed(k->h, k->plan, "%s on %s: %s is not documented", w->call, k->node,
               strerrorname_np(error) ?: "an unknown error");
}

/* Around each call: within the limit, or soon after the signal that follows. */
static void begin(struct walker *w, const char *call, int64_t limit_ms) {
        int64_t now = now_ms();

        w->call = call;
        atomic_store(&w->tid, gettid());
        atomic_store(&w->limit, now + limit_ms);
        atomic_store(&w->called, now);
}

static long end(struct walker *w, long result) {
        int saved = errno;
        int64_t over = now_ms() - atomic_load(&w->limit);

        atomic_store(&w->called, 0);
        atomic_fetch_add(&w->walk->h->shared->calls, 1);
        if (over > GRACE_MS * (int64_t) w->walk->h->patience)
                failed(w->walk->h, w->walk->plan, "%s on %s: ended %lld ms after the signal", w->call, w->walk->node,
                       (long long) over);
        if (result < 0)
                check_error(w, saved);
        errno = saved;
        return result;
}

#define CALL(w, limit, name, expression) (begin((w), (name), (limit)), end((w), (expression)))

static unsigned int small_limit(struct walker *w) {
        return 1 + chance_below(&w->chance, chance_below(&w->chance, 8) ? 50 : 400);
}

/* Where in the kernel the call is. */
static void show_stack(const struct walker *w) {
        _cleanup_fclose_ FILE *f = NULL;
        char path[64], line[256];

        snprintf(path, sizeof(path), "/proc/self/task/%d/stack", atomic_load(&w->tid));
        f = fopen(path, "re");
        while (f && fgets(line, sizeof(line), f))
                printf("# %s", line);
}

/* Ends calls that take longer than they may. */
static void *interrupt(void *userdata) {
        struct walk *k = userdata;

        while (!atomic_load(&k->ended)) {
                int64_t now = now_ms();

                for (unsigned int i = 0; i < k->threads; i++) {
                        struct walker *w = &k->walkers[i];

                        if (!atomic_load(&w->called) || now < atomic_load(&w->limit))
                                continue;
                        (void) pthread_kill(w->thread, SIGUSR1);
                        if (now - atomic_load(&w->limit) > (int64_t) HOPELESS_MS * k->h->patience && !w->hangs) {
                                w->hangs = true;
                                show_stack(w);
                                failed(k->h, k->plan, "%s on %s: hangs", w->call, k->node);
                        }
                }
                usleep(20000);
        }
        return NULL;
}

/*
 * Any device
 */

static void walk_poll(struct walker *w) {
        struct pollfd p = { .fd = w->walk->fd, .events = chance_next(&w->chance) & (POLLIN | POLLOUT | POLLPRI) };

        (void) CALL(w, 400, "poll()", poll(&p, 1, chance_below(&w->chance, 30)));
        if (p.revents & POLLNVAL)
                failed(w->walk->h, w->walk->plan, "poll() on %s: POLLNVAL", w->walk->node);
}

/* A size-first structure with mostly small numbers in it, or none. */
static void *make_argument(struct walker *w) {
        static const uint32_t sizes[] = { 0,  3,  4,   8,   12,   16,   20,   24,   28,        32,
                                          48, 64, 128, 512, 1032, 2048, 4096, 4097, 0xffffffff };
        struct chance *c = &w->chance;
        uint32_t *word = (uint32_t *) w->buffer;

        if (chance_below(c, 16) == 0)
                return chance_below(c, 2) ? NULL : bad_pointer();
        memset(w->buffer, 0, 8192);
        word[0] = chance_pick(c, sizes);
        word[1] = chance_below(c, 5);
        word[2] = chance_below(c, 10);
        switch (chance_below(c, 4)) {
        case 0:
                chance_fill(c, w->buffer + 12, 12);
                break;
        case 1:
                chance_fill(c, w->buffer + 4, chance_below(c, 200));
                break;
        }
        return w->buffer;
}

static void walk_ioctl(struct walker *w) {
        static const unsigned int first[KINDS] = { [KIND_MSR] = 0x10, [KIND_EMV] = 0x20, [KIND_PRINTER] = 0x30 };
        unsigned int number = first[w->walk->plan->kind] + chance_below(&w->chance, 12);
        char name[32];

        if (chance_below(&w->chance, 12) == 0)
                number = chance_below(&w->chance, 256);
        snprintf(name, sizeof(name), "ioctl 0x%02x", number);
        (void) CALL(w, small_limit(w), name, ioctl(w->walk->fd, _IO(TILL_IOC_TYPE, number), make_argument(w)));
        w->call = "ioctl";
}

static void walk_open(struct walker *w) {
        struct till_info info = { .size = sizeof(info) };
        int fd;

        fd = open(w->walk->node, O_RDWR | O_CLOEXEC | O_NONBLOCK);
        if (fd < 0)
                return;
        /* The same name may be another device's by now. */
        if (CALL(w, 5000, "TILL_GET_INFO", ioctl(w->walk->fd, TILL_GET_INFO, &info)) >= 0)
                failed(w->walk->h, w->walk->plan, "%s was opened twice", w->walk->node);
        close(fd);
}

/* path gets "/sys/class/till/NODE" and what follows it. */
static void node_path(struct walker *w, char *path, size_t size, const char *suffix) {
        snprintf(path, size, "/sys/class/till/%s%s", w->walk->node + strlen("/dev/"), suffix);
}

static void read_file(const char *path) {
        char text[4096];
        int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);

        if (fd < 0)
                return;
        (void) !read(fd, text, sizeof(text));
        close(fd);
}

static void read_folder(struct walker *w, const char *suffix) {
        char folder[128], path[512];
        struct dirent *entry;
        struct stat st;
        DIR *dir;

        node_path(w, folder, sizeof(folder), suffix);
        dir = opendir(folder);
        if (!dir)
                return;
        while ((entry = readdir(dir))) {
                snprintf(path, sizeof(path), "%s/%s", folder, entry->d_name);
                if (lstat(path, &st) == 0 && S_ISREG(st.st_mode))
                        read_file(path);
        }
        closedir(dir);
}

static void write_file(const char *path, const char *text) {
        int fd = open(path, O_WRONLY | O_CLOEXEC);

        if (fd < 0)
                return;
        (void) !write(fd, text, strlen(text));
        close(fd);
}

static unsigned int read_number(const char *path) {
        _cleanup_fclose_ FILE *f = fopen(path, "re");
        unsigned int n = 0;

        return f && fscanf(f, "%u", &n) == 1 ? n : 0;
}

/* What a person, libusb or power management may do to the device meanwhile. */
static void walk_administer(struct walker *w) {
        char usb[128], path[192], real[PATH_MAX];
        const char *interface;
        struct usbdevfs_ioctl detach = { .ifno = 0, .ioctl_code = USBDEVFS_DISCONNECT };
        int fd;

        /* A HID device is below its interface. */
        node_path(w, usb, sizeof(usb), w->walk->plan->kind == KIND_MSR ? "/device/../.." : "/device/..");
        snprintf(path, sizeof(path), "%s/busnum", usb);
        snprintf(real, sizeof(real), "/dev/bus/usb/%03u/", read_number(path));
        snprintf(path, sizeof(path), "%s/devnum", usb);
        snprintf(real + strlen(real), 8, "%03u", read_number(path));

        switch (chance_below(&w->chance, 6)) {
        case 0:
        case 1:
                snprintf(path, sizeof(path), "%s/power/autosuspend_delay_ms", usb);
                write_file(path, chance_below(&w->chance, 2) ? "0" : "30");
                snprintf(path, sizeof(path), "%s/power/control", usb);
                write_file(path, chance_below(&w->chance, 2) ? "auto" : "on");
                return;
        case 2:
                node_path(w, path, sizeof(path), w->walk->plan->kind == KIND_MSR ? "/device/.." : "/device");
                if (!realpath(path, real))
                        return;
                interface = strrchr(real, '/') + 1;
                snprintf(path, sizeof(path), "/sys/bus/usb/drivers/%s/unbind",
                         w->walk->plan->kind == KIND_MSR   ? "usbhid"
                         : w->walk->plan->kind == KIND_EMV ? "till-emv"
                                                           : "till-printer");
                write_file(path, interface);
                usleep(chance_below(&w->chance, 50000));
                memcpy(strrchr(path, '/'), "/bind", sizeof("/bind"));
                write_file(path, interface);
                return;
        case 3:
                fd = open(real, O_RDWR | O_CLOEXEC);
                if (fd < 0)
                        return;
                (void) ioctl(fd, USBDEVFS_IOCTL, &detach);
                detach.ioctl_code = USBDEVFS_CONNECT;
                (void) ioctl(fd, USBDEVFS_IOCTL, &detach);
                close(fd);
                return;
        default:
                fd = open(real, O_RDWR | O_CLOEXEC);
                if (fd < 0)
                        return;
                (void) ioctl(fd, USBDEVFS_RESET, NULL);
                close(fd);
        }
}

static void walk_any(struct walker *w) {
        struct chance *c = &w->chance;
        int flags;

        switch (chance_below(c, 16)) {
        case 0:
                walk_open(w);
                break;
        case 1:
                read_folder(w, "");
                read_folder(w, "/statistics");
                break;
        case 2:
                (void) CALL(w, small_limit(w), "read() to nowhere", read(w->walk->fd, bad_pointer(), 4096));
                break;
        case 3:
                (void) CALL(w, small_limit(w), "write() from nowhere",
                            write(w->walk->fd, bad_pointer(), 1 + chance_below(c, 5000)));
                break;
        case 4:
                flags = fcntl(w->walk->fd, F_GETFL);
                (void) fcntl(w->walk->fd, F_SETFL, flags ^ O_NONBLOCK);
                break;
        case 5:
                /* One of them at a time, and not often. */
                if (w->index == 0 && chance_below(c, 3) == 0)
                        walk_administer(w);
                break;
        case 6:
        case 7:
        case 8:
                walk_ioctl(w);
                break;
        default:
                walk_poll(w);
        }
}

static ssize_t walk_read(struct walker *w, size_t size) {
        struct walk *k = w->walk;
        ssize_t n = CALL(w, small_limit(w), "read()", read(k->fd, w->buffer, size));

        if (n <= 0 || k->plan->kind == KIND_MSR)
                return n;
        if (atomic_fetch_add(&k->h->worker->read_bytes, n) + n > atomic_load(&k->h->worker->in_bytes))
                failed(k->h, k->plan, "read() on %s: more bytes than the device has sent", k->node);
        return n;
}

/*
 * Magstripe reader
 */

static void check_swipe(struct walker *w, ssize_t n) {
        struct till_msr_swipe swipe = {};
        struct walk *k = w->walk;

        if (n < (ssize_t) TILL_MSR_SWIPE_SIZE_VER0) {
                failed(k->h, k->plan, "read() on %s: %zd bytes are no swipe", k->node, n);
                return;
        }
        memcpy(&swipe, w->buffer, MIN((size_t) n, sizeof(swipe)));
        if (swipe.size < (size_t) n || swipe.sequence == 0 || swipe.time_ns == 0)
                failed(k->h, k->plan, "read() on %s: a swipe of size %u, number %u", k->node, swipe.size,
                       swipe.sequence);
        for (size_t i = 0; i < TILL_MSR_TRACKS; i++)
                if (swipe.track[i].length > sizeof(swipe.track[i].data))
                        failed(k->h, k->plan, "read() on %s: track %zu has %u characters", k->node, i + 1,
                               (unsigned int) swipe.track[i].length);
}

static void walk_msr(struct walker *w) {
        struct chance *c = &w->chance;
        ssize_t n;

        switch (chance_below(c, 6)) {
        case 0:
        case 1:
                (void) CALL(w, 5000, "TILL_MSR_ARM", ioctl(w->walk->fd, TILL_MSR_ARM));
                break;
        case 2:
                if (chance_below(c, 4) == 0)
                        (void) CALL(w, 5000, "TILL_MSR_DISARM", ioctl(w->walk->fd, TILL_MSR_DISARM));
                break;
        default:
                n = walk_read(w, chance_below(c, 4) ? 8192 : chance_below(c, 500));
                if (n > 0)
                        check_swipe(w, n);
        }
}

/*
 * EMV reader
 */

static void walk_emv(struct walker *w) {
        static const uint8_t commands[]
                                     [20] = {
                                             { 0x00, 0xa4, 0x04, 0x00, 0x0e, '1', 'P', 'A', 'Y', '.',
                                               'S',  'Y',  'S',  '.',  'D',  'D', 'F', '0', '1', 0 },
                                             { 0x80, 0xa8, 0x00, 0x00, 0x02, 0x83, 0x00, 0x00 },
                                             { 0x00, 0xb2, 0x01, 0x0c, 0x00 },
                                             { 0x00, 0xc0, 0x00, 0x00, 0x00 },
                                             { 0x00, 0x84, 0x00, 0x00, 0x00 },
                                             { 0x00, 0xc1, 0x01, 0xfe, 0x3e },
                                     };
        static const uint8_t sizes[] = { 20, 8, 5, 5, 5, 5 };
        static const uint32_t lengths[] = { 1,   2,   3,   4,   5,    254,   255,   256,   261,
                                            262, 271, 272, 300, 1000, 65543, 65544, 65545, 70000 };
        struct chance *c = &w->chance;
        uint32_t *word = (uint32_t *) w->buffer;
        size_t size;

        switch (chance_below(c, 12)) {
        case 0:
        case 1:
                memset(w->buffer, 0, 64);
                word[0] = sizeof(struct till_emv_power);
                word[1] = chance_below(c, 4) ? TILL_EMV_VOLTAGE_AUTO : chance_below(c, 5);
                (void) CALL(w, chance_below(c, 3) ? 3000 : small_limit(w), "TILL_EMV_POWER_ON",
                            ioctl(w->walk->fd, TILL_EMV_POWER_ON, w->buffer));
                break;
        case 2:
                if (chance_below(c, 2))
                        (void) CALL(w, small_limit(w), "TILL_EMV_ABORT", ioctl(w->walk->fd, TILL_EMV_ABORT));
                else if (chance_below(c, 3) == 0)
                        (void) CALL(w, small_limit(w), "TILL_EMV_POWER_OFF", ioctl(w->walk->fd, TILL_EMV_POWER_OFF));
                break;
        case 3:
                memset(w->buffer, 0, 64);
                word[0] = sizeof(struct till_emv_state);
                (void) CALL(w, 5000, "TILL_EMV_GET_STATE", ioctl(w->walk->fd, TILL_EMV_GET_STATE, w->buffer));
                break;
        case 4:
        case 5:
        case 6:
                size = chance_below(c, ELEMENTSOF(commands));
                memcpy(w->buffer, commands[size], sizeof(commands[size]));
                size = sizes[size];
                if (chance_below(c, 4) == 0) {
                        size = chance_pick(c, lengths);
                        chance_fill(c, w->buffer + 5, size > 5 ? size - 5 : 0);
                }
                (void) CALL(w, small_limit(w), "write()", write(w->walk->fd, w->buffer, size));
                break;
        default:
                (void) walk_read(w, chance_below(c, 4) ? BUFFER_SIZE : chance_below(c, 300));
        }
}

/*
 * Printer
 */

static void walk_progress(struct walker *w) {
        struct till_printer_progress p = { .size = sizeof(p) };
        struct walk *k = w->walk;

        /* One of them at a time, to know which is the newer. */
        (void) pthread_mutex_lock(&k->lock);
        if (CALL(w, 5000, "TILL_PRINTER_GET_PROGRESS", ioctl(k->fd, TILL_PRINTER_GET_PROGRESS, &p)) >= 0) {
                if (p.completed > p.accepted || p.accepted < k->progress.accepted ||
                    p.completed < k->progress.completed || p.accepted > atomic_load(&k->offered) ||
                    p.completed > atomic_load(&k->h->worker->out_bytes) - k->taken_before)
                        failed(k->h, k->plan, "%s: progress %llu of %llu after %llu of %llu, offered %lu, taken %lu",
                               k->node, (unsigned long long) p.completed, (unsigned long long) p.accepted,
                               (unsigned long long) k->progress.completed, (unsigned long long) k->progress.accepted,
                               atomic_load(&k->offered), atomic_load(&k->h->worker->out_bytes) - k->taken_before);
                k->progress = p;
        }
        (void) pthread_mutex_unlock(&k->lock);
}

static void walk_print(struct walker *w) {
        struct chance *c = &w->chance;
        size_t size = chance_below(c, 4) ? 1 + chance_below(c, 200) : 1 + chance_below(c, BUFFER_SIZE - 1);

        memset(w->buffer, '\n', size);
        if (chance_below(c, 4) == 0)
                memcpy(w->buffer, "\x1d\x61\xff\x10\x04\x01\x1d\x49\x43",
                       MIN(size, (size_t) 9)); /* what is answered */
        else if (chance_below(c, 8) == 0)
                chance_fill(c, w->buffer, size);
        atomic_fetch_add(&w->walk->offered, size);
        (void) CALL(w, small_limit(w), "write()", write(w->walk->fd, w->buffer, size));
}

static void walk_printer(struct walker *w) {
        struct chance *c = &w->chance;

        switch (chance_below(c, 10)) {
        case 0:
        case 1:
        case 2:
                walk_print(w);
                break;
        case 3:
                (void) CALL(w, small_limit(w), "fsync()", fsync(w->walk->fd));
                break;
        case 4:
        case 5:
                walk_progress(w);
                break;
        case 6:
                if (chance_below(c, 3) == 0)
                        (void) CALL(w, 6000, "TILL_PRINTER_SOFT_RESET", ioctl(w->walk->fd, TILL_PRINTER_SOFT_RESET));
                else
                        (void) CALL(w, 6000, "TILL_PRINTER_GET_PORT_STATUS",
                                    ioctl(w->walk->fd, TILL_PRINTER_GET_PORT_STATUS));
                break;
        default:
                (void) walk_read(w, 1 + chance_below(c, 600));
        }
}

/*
 * Sessions
 */

static void *walk_thread(void *userdata) {
        static void (*const steps[KINDS])(struct walker * w) = {
                [KIND_MSR] = walk_msr,
                [KIND_EMV] = walk_emv,
                [KIND_PRINTER] = walk_printer,
        };
        struct walker *w = userdata;
        unsigned int left = 10 + chance_below(&w->chance, 50), gone = 0;
        struct till_info info;

        for (; left > 0 && gone < 3; left--) {
                if (chance_below(&w->chance, 3) == 0)
                        walk_any(w);
                else
                        steps[w->walk->plan->kind](w);
                info.size = sizeof(info);
                if (ioctl(w->walk->fd, TILL_GET_INFO, &info) < 0 && errno == ENODEV)
                        gone++;
        }
        return NULL;
}

/* Returns whether there was a device to open. */
static bool walk_session(struct walk *k, unsigned int number) {
        struct chance c = chance_for(k->plan->seed, k->plan->number, STREAM_SESSION, number);
        pthread_t interrupter;
        struct walker *w = &k->walkers[0];

        for (unsigned int i = 0; i < THREADS_MAX; i++) {
                k->walkers[i].walk = k;
                k->walkers[i].index = i;
                k->walkers[i].chance = chance_for(k->plan->seed, k->plan->number, STREAM_THREAD + i, number);
                atomic_store(&k->walkers[i].called, 0);
                k->walkers[i].hangs = false;
                k->walkers[i].thread = pthread_self();
        }
        k->threads = 1;
        atomic_store(&k->ended, false);
        atomic_store(&k->offered, 0);
        k->progress = (struct till_printer_progress){};
        k->taken_before = atomic_load(&k->h->worker->out_bytes);
        if (pthread_create(&interrupter, NULL, interrupt, k) != 0)
                abort();

        k->fd = CALL(w, 5000, "open()", open(k->node, O_RDWR | O_CLOEXEC | (chance_below(&c, 2) ? O_NONBLOCK : 0)));
        if (k->fd < 0) {
                atomic_store(&k->ended, true);
                (void) pthread_join(interrupter, NULL);
                return false;
        }
        k->threads = 1 + chance_below(&c, THREADS_MAX);
        for (unsigned int i = 1; i < k->threads; i++)
                if (pthread_create(&k->walkers[i].thread, NULL, walk_thread, &k->walkers[i]) != 0)
                        abort();
        (void) walk_thread(w);
        for (unsigned int i = 1; i < k->threads; i++)
                (void) pthread_join(k->walkers[i].thread, NULL);
        /* Not interrupted: what it waits for has a deadline. */
        (void) CALL(w, chance_below(&c, 2) ? 10000 : 100, "close()", close(k->fd));
        atomic_store(&k->ended, true);
        (void) pthread_join(interrupter, NULL);
        return true;
}

static void catch_signals(void) {
        struct sigaction action = { .sa_handler = on_signal };

        (void) sigaction(SIGUSR1, &action, NULL);
}

void walk(struct hostile *h, const struct plan *plan, const char *node) {
        static struct walk k;
        static struct walker walkers[THREADS_MAX];
        unsigned int sessions = plan->proper ? 50 : 3;

        catch_signals();
        k = (struct walk){ .h = h, .plan = plan, .node = node, .walkers = walkers };
        (void) pthread_mutex_init(&k.lock, NULL);
        for (unsigned int i = 0; i < sessions && walk_session(&k, i); i++)
                ;
}

/*
 * As it is meant to be
 */

static bool soon(int fd, short events) {
        struct pollfd p = { .fd = fd, .events = events };

        return poll(&p, 1, 30000) == 1 && p.revents & events;
}

static const char *proper_msr(int fd) {
        struct till_msr_swipe swipe;

        if (ioctl(fd, TILL_MSR_ARM) < 0)
                return "TILL_MSR_ARM";
        if (!soon(fd, POLLIN))
                return "waiting for a swipe";
        return read(fd, &swipe, sizeof(swipe)) > 0 && swipe.track[1].length > 0 ? NULL : "reading a swipe";
}

static const char *proper_emv(int fd) {
        static const uint8_t select[] = { 0x00, 0xa4, 0x04, 0x00, 0x0e, '1', 'P', 'A', 'Y', '.',
                                          'S',  'Y',  'S',  '.',  'D',  'D', 'F', '0', '1', 0 };
        struct till_emv_power power = { .size = sizeof(power) };
        struct till_emv_state state = { .size = sizeof(state) };
        int64_t deadline = now_ms() + 30000;
        uint8_t answer[300];
        ssize_t n;

        do {
                if (ioctl(fd, TILL_EMV_GET_STATE, &state) < 0)
                        return "TILL_EMV_GET_STATE";
                usleep(20000);
        } while (state.card == TILL_EMV_CARD_ABSENT && now_ms() < deadline);
        if (ioctl(fd, TILL_EMV_POWER_ON, &power) < 0 || power.atr_length < 2)
                return "TILL_EMV_POWER_ON";
        if (write(fd, select, sizeof(select)) != sizeof(select))
                return "sending a command";
        if (!soon(fd, POLLIN))
                return "waiting for the response";
        n = read(fd, answer, sizeof(answer));
        return n >= 2 && answer[n - 2] == 0x90 && answer[n - 1] == 0 ? NULL : "reading the response";
}

static const char *proper_printer(int fd) {
        struct till_printer_progress p = { .size = sizeof(p) };

        if (write(fd, "proper\n", 7) != 7)
                return "printing";
        if (fsync(fd) < 0)
                return "fsync()";
        if (ioctl(fd, TILL_PRINTER_GET_PROGRESS, &p) < 0)
                return "TILL_PRINTER_GET_PROGRESS";
        return p.accepted == 7 && p.completed == 7 ? NULL : "counting bytes";
}

void walk_proper(struct hostile *h, const struct plan *plan, const char *node) {
        static const char *(*const uses[KINDS])(int fd) = {
                [KIND_MSR] = proper_msr,
                [KIND_EMV] = proper_emv,
                [KIND_PRINTER] = proper_printer,
        };
        const char *what;
        int fd;

        fd = open(node, O_RDWR | O_CLOEXEC);
        what = fd < 0 ? "open()" : uses[plan->kind](fd);
        if (what)
                failed(h, plan, "a proper %s does not work afterwards: %s: %m", kind_names[plan->kind], what);
        else
                atomic_fetch_add(&h->shared->proper, 1);
        safe_close(fd);
}
