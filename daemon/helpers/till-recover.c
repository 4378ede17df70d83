// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * till-recover: the few acts on USB that need root, for the devices that udev tagged "till".
 *
 * Run with a verb and a name by udev's take-over units, or started by its socket with one connection: a request
 * is one packet, "VERB NAME"; the answer is one packet, "ok" or "error ERRNO TEXT". See till-recover(8).
 */
#include <ctype.h>
#include <dirent.h>
#include <fcntl.h>
#include <libudev.h>
#include <linux/usbdevice_fs.h>
#include <sys/file.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <systemd/sd-daemon.h>

#include "base/log.h"

/* $RUNTIME_DIRECTORY of the units: the lock, and what was done in this load of the module. */
#define STATE_FALLBACK "/run/till-recover-state"

#define REQUEST_MAX 64
#define NAME_MAX_SIZE 40
/* A request that does not come is no reason to stay. */
#define REQUEST_SECONDS 5

DEFINE_CLEANUP(struct udev *, udev_unref);
DEFINE_CLEANUP(struct udev_device *, udev_device_unref);
DEFINE_CLEANUP(struct udev_enumerate *, udev_enumerate_unref);

static void closedirp(DIR **dir) {
        if (*dir)
                (void) closedir(*dir);
}

/* The drivers of till.ko by TILL_KIND, and the bus that they are on. */
static const struct target {
        const char *kind;
        const char *bus;
        const char *driver;
} targets[] = {
        { "msr", "hid", "till-msr" },
        { "emv", "usb", "till-emv" },
        { "printer", "usb", "till-printer" },
};

/* From which drivers a device may be taken; anybody else's stays where it is. */
static const char *const losers[] = { "usblp", "usbfs", "usbhid", "hid-generic" };

/* ---- names: nothing else is ever put into a path ---- */

/* "1-2", "3-1.4.2": a bus and the ports on the way. Returns what follows, or NULL. */
static const char *port_skip(const char *name) {
        const char *p = name;

        for (char separator = '-';; separator = '.') {
                if (!isdigit((unsigned char) *p))
                        return NULL;
                while (isdigit((unsigned char) *p))
                        p++;
                if (*p != separator)
                        return separator == '-' ? NULL : p;
                p++;
        }
}

static bool port_valid(const char *name) {
        const char *end = strlen(name) < NAME_MAX_SIZE ? port_skip(name) : NULL;

        return end && *end == '\0';
}

/* "1-2:1.0": a port, the configuration and the interface. */
static bool interface_valid(const char *name) {
        const char *p = strlen(name) < NAME_MAX_SIZE ? port_skip(name) : NULL;

        if (!p || *p++ != ':' || !isdigit((unsigned char) *p))
                return false;
        while (isdigit((unsigned char) *p))
                p++;
        if (*p++ != '.' || !isdigit((unsigned char) *p))
                return false;
        while (isdigit((unsigned char) *p))
                p++;
        return *p == '\0';
}

/* "0003:0801:0002.0001": bus USB, ids, a number. */
static bool hid_valid(const char *name) {
        static const char form[] = "0003:xxxx:xxxx.xxxx";

        for (size_t i = 0; i < sizeof(form); i++)
                if (form[i] == 'x' ? !isxdigit((unsigned char) name[i]) : name[i] != form[i])
                        return false;
        return true;
}

/* ---- files ---- */

static int sysfs_write(const char *path, const char *text) {
        _cleanup_close_ int fd = -EBADF;
        size_t size = strlen(text);

        fd = open(path, O_WRONLY | O_CLOEXEC);
        if (fd < 0)
                return -errno;
        return write(fd, text, size) == (ssize_t) size ? 0 : -errno;
}

static int driver_write(const char *bus, const char *driver, const char *file, const char *text) {
        char path[128];

        (void) snprintf(path, sizeof(path), "/sys/bus/%s/drivers/%s/%s", bus, driver, file);
        return sysfs_write(path, text);
}

/* The driver that a device is bound to; the empty text for none. */
static int driver_read(const char *bus, const char *device, char driver[static 64]) {
        char path[128], target[256];
        const char *name;
        ssize_t n;

        (void) snprintf(path, sizeof(path), "/sys/bus/%s/devices/%s/driver", bus, device);
        n = readlink(path, target, sizeof(target) - 1);
        if (n < 0 && errno != ENOENT)
                return -errno;
        target[MAX(n, 0)] = '\0';
        name = strrchr(target, '/');
        (void) snprintf(driver, 64, "%s", name ? name + 1 : "");
        return 0;
}

static const char *state_folder(void) {
        const char *folder = getenv("RUNTIME_DIRECTORY");

        return isempty(folder) ? STATE_FALLBACK : folder;
}

/* One at a time: unbinding and binding are two steps. The lock goes with the process. */
static int state_lock(void) {
        char path[256];
        int fd;

        if (mkdir(state_folder(), 0700) < 0 && errno != EEXIST)
                return -errno;
        (void) snprintf(path, sizeof(path), "%s/lock", state_folder());
        fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
        if (fd < 0)
                return -errno;
        /* Kept open until the end. */
        return flock(fd, LOCK_EX) < 0 ? -errno : 0;
}

static bool state_has(const char *name) {
        char path[320];

        (void) snprintf(path, sizeof(path), "%s/%s", state_folder(), name);
        return access(path, F_OK) == 0;
}

static int state_set(const char *name) {
        _cleanup_close_ int fd = -EBADF;
        char path[320];

        (void) snprintf(path, sizeof(path), "%s/%s", state_folder(), name);
        fd = open(path, O_WRONLY | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
        return fd < 0 ? -errno : 0;
}

/* ---- take ---- */

struct candidate {
        const struct target *target;
        char device[NAME_MAX_SIZE]; /* on the target's bus */
        char attempt[96];           /* this device as it is plugged in now, for state_has() */
        bool add_id;                /* the hwdb says that the driver takes it without knowing its id */
        unsigned vendor, product, class;
        unsigned like_vendor, like_product; /* of an id that the driver knows; 0 for none */
};

static unsigned attribute_number(struct udev_device *device, const char *name, int base) {
        const char *value = device ? udev_device_get_sysattr_value(device, name) : NULL;

        return value ? (unsigned) strtoul(value, NULL, base) : 0;
}

/* The HID device that usbhid has made of an interface. */
static int hid_find(struct udev_device *interface, char name[static NAME_MAX_SIZE]) {
        _cleanup_(closedirp) DIR *dir = opendir(udev_device_get_syspath(interface));
        struct dirent *entry;

        if (!dir)
                return -errno;
        while ((entry = readdir(dir)))
                if (hid_valid(entry->d_name)) {
                        (void) snprintf(name, NAME_MAX_SIZE, "%.*s", NAME_MAX_SIZE - 1, entry->d_name);
                        return 0;
                }
        return -ENXIO;
}

static int candidate_find(struct udev *udev, const char *name, struct candidate *ret_candidate,
                          const char **ret_reason) {
        _cleanup_(udev_device_unrefp) struct udev_device *interface = NULL;
        struct candidate c = {};
        struct udev_device *usb;
        const char *kind, *like;
        int r;

        interface = udev_device_new_from_subsystem_sysname(udev, "usb", name);
        if (!interface) {
                *ret_reason = "no such USB interface";
                return -ENODEV;
        }
        kind = udev_device_get_property_value(interface, "TILL_KIND");
        for (size_t i = 0; i < ELEMENTSOF(targets); i++)
                if (streq_ptr(kind, targets[i].kind))
                        c.target = &targets[i];
        if (!udev_device_has_current_tag(interface, "till") || !c.target) {
                *ret_reason = "not a device of the terminal: see 70-till.hwdb";
                return -EPERM;
        }
        usb = udev_device_get_parent_with_subsystem_devtype(interface, "usb", "usb_device");
        c.vendor = attribute_number(usb, "idVendor", 16);
        c.product = attribute_number(usb, "idProduct", 16);
        c.class = attribute_number(interface, "bInterfaceClass", 16);
        c.add_id = streq_ptr(udev_device_get_property_value(interface, "TILL_BIND"), "1");
        like = udev_device_get_property_value(interface, "TILL_LIKE");
        if (like && sscanf(like, "%4x:%4x", &c.like_vendor, &c.like_product) != 2) {
                *ret_reason = "TILL_LIKE in the hwdb is no id, as 0416:5011";
                return -EINVAL;
        }
        (void) snprintf(c.attempt, sizeof(c.attempt), "left-%s-%u", name, attribute_number(usb, "devnum", 10));
        (void) snprintf(c.device, sizeof(c.device), "%s", name);
        if (streq(c.target->bus, "hid")) {
                r = hid_find(interface, c.device);
                if (r < 0) {
                        *ret_reason = "usbhid does not drive it";
                        return r;
                }
        }
        *ret_candidate = c;
        return 0;
}

/* The kernel keeps ids without looking for a twin: each once for a load of the module, and with its class. */
static int id_add(const struct candidate *c, const char **ret_reason) {
        char mark[96], text[64];
        struct stat st;
        int r;

        if (stat("/sys/module/till", &st) < 0) {
                *ret_reason = "the module till is not loaded";
                return -errno;
        }
        (void) snprintf(mark, sizeof(mark), "id-%llu-%s-%04x-%04x", (unsigned long long) st.st_ino, c->target->kind,
                        c->vendor, c->product);
        if (state_has(mark))
                return 0;
        if (streq(c->target->bus, "hid"))
                (void) snprintf(text, sizeof(text), "0003 %04x %04x", c->vendor, c->product);
        else if (c->like_vendor == 0)
                (void) snprintf(text, sizeof(text), "%04x %04x %02x", c->vendor, c->product, c->class);
        else
                /* With the quirks that the driver has for that one. */
                (void) snprintf(text, sizeof(text), "%04x %04x %02x %04x %04x", c->vendor, c->product, c->class,
                                c->like_vendor, c->like_product);
        r = driver_write(c->target->bus, c->target->driver, "new_id", text);
        if (r < 0) {
                *ret_reason = "the driver did not take the new id";
                return r;
        }
        return state_set(mark);
}

static bool may_lose(const char *driver) {
        for (size_t i = 0; i < ELEMENTSOF(losers); i++)
                if (streq(driver, losers[i]))
                        return true;
        return false;
}

/* Binds, and gives the device back to whom it was taken from when our driver does not want it. */
static int hand_over(const struct candidate *c, const char *old, const char **ret_reason) {
        int r;

        if (!isempty(old)) {
                r = driver_write(c->target->bus, old, "unbind", c->device);
                if (r < 0) {
                        *ret_reason = "the other driver does not let go";
                        return r;
                }
        }
        r = driver_write(c->target->bus, c->target->driver, "bind", c->device);
        if (r >= 0) {
                log_info("%s: taken over by %s from %s.", c->device, c->target->driver,
                         isempty(old) ? "no driver" : old);
                return 0;
        }
        *ret_reason = "our driver does not want it: see the kernel's log";
        /* usbfs is a program's claim, which cannot be given back. */
        if (!isempty(old) && !streq(old, "usbfs"))
                (void) driver_write(c->target->bus, old, "bind", c->device);
        (void) state_set(c->attempt);
        return r;
}

static int take_one(struct udev *udev, const char *name, const char **ret_reason) {
        struct candidate c;
        char driver[64];
        int r;

        if (!interface_valid(name)) {
                *ret_reason = "not the name of a USB interface, as 1-2:1.0";
                return -EINVAL;
        }
        r = candidate_find(udev, name, &c, ret_reason);
        if (r < 0)
                return r;
        /* Its return to usblp makes udev ask again, without end. */
        if (state_has(c.attempt)) {
                *ret_reason = "our driver has refused it since it was plugged in";
                return -EALREADY;
        }
        if (c.add_id) {
                r = id_add(&c, ret_reason);
                if (r < 0)
                        return r;
        }
        /* After the new id: the kernel binds by it at once where nobody else does. */
        r = driver_read(c.target->bus, c.device, driver);
        if (r < 0)
                return r;
        if (streq(driver, c.target->driver))
                return 0;
        if (!isempty(driver) && !may_lose(driver)) {
                *ret_reason = "another driver than usblp, usbfs or hid-generic has it";
                return -EBUSY;
        }
        return hand_over(&c, driver, ret_reason);
}

/* The module has come anew and knows no id of the hwdb: what was plugged in before asks for it again. */
static int take_all(struct udev *udev, const char **ret_reason) {
        _cleanup_(udev_enumerate_unrefp) struct udev_enumerate *devices = udev_enumerate_new(udev);
        struct udev_list_entry *entry;
        int r, error = 0;

        *ret_reason = "the devices cannot be listed";
        if (!devices)
                return -ENOMEM;
        r = udev_enumerate_add_match_tag(devices, "till");
        if (r >= 0)
                r = udev_enumerate_add_match_subsystem(devices, "usb");
        if (r >= 0)
                r = udev_enumerate_add_match_property(devices, "TILL_BIND", "1");
        if (r >= 0)
                r = udev_enumerate_scan_devices(devices);
        if (r < 0)
                return r;
        udev_list_entry_foreach(entry, udev_enumerate_get_list_entry(devices)) {
                const char *name = strrchr(udev_list_entry_get_name(entry), '/');

                r = name ? take_one(udev, name + 1, ret_reason) : -EINVAL;
                if (r == -EALREADY || r >= 0)
                        continue;
                log_warning_errno(r, "take %s: %s", strna(name), *ret_reason);
                error = error ?: r;
        }
        return error;
}

static int take(struct udev *udev, const char *name, const char **ret_reason) {
        return streq(name, "all") ? take_all(udev, ret_reason) : take_one(udev, name, ret_reason);
}

/* ---- reset ---- */

/* A USB device is the terminal's when it is tagged itself. */
static int reset(struct udev *udev, const char *name, const char **ret_reason) {
        _cleanup_(udev_device_unrefp) struct udev_device *usb = NULL;
        _cleanup_close_ int fd = -EBADF;
        const char *node;

        if (!port_valid(name)) {
                *ret_reason = "not the name of a USB port, as 1-2";
                return -EINVAL;
        }
        usb = udev_device_new_from_subsystem_sysname(udev, "usb", name);
        if (!usb) {
                *ret_reason = "nothing is plugged in there";
                return -ENODEV;
        }
        node = udev_device_get_devnode(usb);
        if (!node || !udev_device_has_current_tag(usb, "till")) {
                *ret_reason = "not a device of the terminal: see 70-till.hwdb";
                return -EPERM;
        }
        fd = open(node, O_RDWR | O_CLOEXEC | O_NOFOLLOW);
        if (fd < 0 || ioctl(fd, USBDEVFS_RESET, NULL) < 0) {
                *ret_reason = "the USB reset failed";
                return -errno;
        }
        log_info("%s: USB reset.", name);
        return 0;
}

/* ---- requests ---- */

static const struct verb {
        const char *name;
        int (*run)(struct udev *udev, const char *name, const char **ret_reason);
} verbs[] = {
        { "take", take },
        { "reset", reset },
};

static int verb_run(const char *verb, const char *name, const char **ret_reason) {
        _cleanup_(udev_unrefp) struct udev *udev = NULL;
        int (*run)(struct udev * udev, const char *name, const char **ret_reason) = NULL;
        int r;

        *ret_reason = "unknown verb";
        for (size_t i = 0; i < ELEMENTSOF(verbs); i++)
                if (streq(verb, verbs[i].name))
                        run = verbs[i].run;
        if (!run)
                return -EOPNOTSUPP;
        *ret_reason = "failed";
        udev = udev_new();
        if (!udev)
                return -ENOMEM;
        r = state_lock();
        if (r < 0) {
                *ret_reason = "the state folder is not usable";
                return r;
        }
        return run(udev, name, ret_reason);
}

/* Cuts "VERB NAME" in two. Anything that is not printable, or more, is refused. */
static int request_parse(char *text, ssize_t size, const char **ret_verb, const char **ret_name) {
        char *space;

        for (ssize_t i = 0; i < size; i++)
                if (!isgraph((unsigned char) text[i]) && text[i] != ' ')
                        return -EBADMSG;
        text[size] = '\0';
        space = strchr(text, ' ');
        if (!space || strchr(space + 1, ' '))
                return -EBADMSG;
        *space = '\0';
        *ret_verb = text;
        *ret_name = space + 1;
        return 0;
}

static int serve(int fd) {
        const struct timeval timeout = { .tv_sec = REQUEST_SECONDS };
        const char *verb = "", *name = "", *reason = "not a request";
        char request[REQUEST_MAX + 1], answer[160];
        ssize_t n;
        int r;

        if (setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &timeout, sizeof(timeout)) < 0)
                return -errno;
        n = recv(fd, request, REQUEST_MAX, MSG_TRUNC);
        if (n <= 0)
                return n < 0 ? -errno : 0;
        r = n > REQUEST_MAX ? -EMSGSIZE : request_parse(request, n, &verb, &name);
        if (r >= 0)
                r = verb_run(verb, name, &reason);
        if (r < 0) {
                log_warning_errno(r, "%s %s: %s", verb, name, reason);
                n = snprintf(answer, sizeof(answer), "error %d %s", -r, reason);
        } else
                n = snprintf(answer, sizeof(answer), "ok");
        return send(fd, answer, (size_t) n, MSG_NOSIGNAL) < 0 ? -errno : 0;
}

int main(int argc, char **argv) {
        const char *reason;
        int r;

        log_parse_environment();
        r = sd_listen_fds(1);
        if (r == 1) {
                r = serve(SD_LISTEN_FDS_START);
                if (r < 0)
                        log_warning_errno(r, "The request could not be read or answered");
                /* Its caller has heard what went wrong: not a fault of this unit. */
                return EXIT_SUCCESS;
        }
        if (argc != 3) {
                fprintf(stderr, "usage: till-recover take INTERFACE | take all | reset PORT\n");
                return EXIT_FAILURE;
        }
        r = verb_run(argv[1], argv[2], &reason);
        if (r == -EALREADY) {
                log_notice("%s %s: %s.", argv[1], argv[2], reason);
                return EXIT_SUCCESS;
        }
        if (r < 0)
                log_error_errno(r, "%s %s: %s", argv[1], argv[2], reason);
        return r < 0 ? EXIT_FAILURE : EXIT_SUCCESS;
}
