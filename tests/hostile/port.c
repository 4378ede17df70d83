// SPDX-License-Identifier: LGPL-2.1-or-later

/* The first port of a controller of vhci_hcd, by what the kernel says of it in sysfs. */

#include "hostile.h"

#include <dirent.h>
#include <endian.h>
#include <errno.h>
#include <fcntl.h>
#include <glob.h>
#include <poll.h>
#include <signal.h>
#include <sys/socket.h>
#include <sys/time.h>

#include "usb/vhci.h"
#include "usbip.h"

#define VHCI "/sys/devices/platform/vhci_hcd."
#define STATUS_FREE 4 /* "sta" of the status file: VDEV_ST_NULL of drivers/usb/usbip */
#define HUB_MS 200

int port_number(unsigned int controller) {
        _cleanup_fclose_ FILE *f = fopen(VHCI "0/nports", "re");
        unsigned int ports, controllers = 0;
        char path[64];

        if (!f || fscanf(f, "%u", &ports) != 1)
                return -ENODEV;
        do
                snprintf(path, sizeof(path), VHCI "%u", ++controllers);
        while (access(path, F_OK) == 0);
        return controller < controllers ? (int) (ports / controllers * controller) : -ENODEV;
}

bool port_find_node(unsigned int controller, char *ret, size_t size) {
        char path[300], target[512], place[32];
        struct dirent *entry;
        bool found = false;
        ssize_t n;
        DIR *dir;

        snprintf(place, sizeof(place), "/vhci_hcd.%u/", controller);
        dir = opendir("/sys/class/till");
        if (!dir)
                return false;
        while (!found && (entry = readdir(dir))) {
                snprintf(path, sizeof(path), "/sys/class/till/%s", entry->d_name);
                n = readlink(path, target, sizeof(target) - 1);
                if (n < 0)
                        continue;
                target[n] = '\0';
                snprintf(ret, size, "/dev/%.40s", entry->d_name);
                found = strstr(target, place) && access(ret, R_OK | W_OK) == 0;
        }
        closedir(dir);
        return found;
}

bool port_is_free(unsigned int controller) {
        _cleanup_fclose_ FILE *f = NULL;
        int port = port_number(controller), number, status;
        char path[64], line[128];

        snprintf(path, sizeof(path), controller == 0 ? VHCI "0/status" : VHCI "0/status.%u", controller);
        f = fopen(path, "re");
        while (f && fgets(line, sizeof(line), f))
                if (sscanf(line, "%*s %d %d", &number, &status) == 2 && number == port)
                        return status == STATUS_FREE;
        return false;
}

/* The path of what the hub knows at the port, or only whether there is one. */
static bool find_device(unsigned int controller, char *ret, size_t size) {
        glob_t found = {};
        char pattern[80];

        snprintf(pattern, sizeof(pattern), VHCI "%u/usb*/*-1", controller);
        if (glob(pattern, GLOB_NOSORT, NULL, &found) != 0)
                return false;
        if (ret)
                snprintf(ret, size, "%s", found.gl_pathv[0]);
        globfree(&found);
        return true;
}

static void on_alarm(int number) {
}

/*
 * The hub's driver holds the hub's lock while it makes a device of what is at a port, which is not seen in sysfs until
 * that is done; this attribute takes the same lock. A device that is plugged in meanwhile would be asked for the rest
 * of the last one's descriptors.
 */
static bool hub_is_idle(const char *hub) {
        struct itimerval timer = { { 0, HUB_MS * 1000 }, { 0, HUB_MS * 1000 } }, never = {};
        struct sigaction action = { .sa_handler = on_alarm };
        char path[200], value[16];
        bool idle;
        int fd;

        snprintf(path, sizeof(path), "%s/bConfigurationValue", hub);
        fd = open(path, O_RDONLY | O_CLOEXEC);
        if (fd < 0)
                return true;
        (void) sigaction(SIGALRM, &action, NULL);
        (void) setitimer(ITIMER_REAL, &timer, NULL);
        idle = read(fd, value, sizeof(value)) >= 0 || errno != EINTR;
        (void) setitimer(ITIMER_REAL, &never, NULL);
        close(fd);
        return idle;
}

static bool hubs_are_idle(unsigned int controller) {
        glob_t found = {};
        char pattern[80];
        bool idle = true;

        snprintf(pattern, sizeof(pattern), VHCI "%u/usb*", controller);
        if (glob(pattern, GLOB_NOSORT, NULL, &found) != 0)
                return true;
        for (size_t i = 0; i < found.gl_pathc && idle; i++)
                idle = hub_is_idle(found.gl_pathv[i]);
        globfree(&found);
        return idle;
}

bool port_is_clean(unsigned int controller) {
        return port_is_free(controller) && !find_device(controller, NULL, 0) && hubs_are_idle(controller) &&
               !find_device(controller, NULL, 0);
}

static bool attribute_is(const char *device, const char *name, const char *expected) {
        _cleanup_fclose_ FILE *f = NULL;
        char path[200], value[256] = "";

        snprintf(path, sizeof(path), "%s/%s", device, name);
        f = fopen(path, "re");
        if (f && fgets(value, sizeof(value), f))
                *strchrnul(value, '\n') = '\0';
        return streq(value, expected);
}

/* The string that a byte of the device descriptor stands for; none is "". */
static const char *string_of(const struct usb_model *model, unsigned int offset) {
        unsigned int index = model->device_descriptor[offset];

        for (unsigned int i = 0; index > 0 && model->strings[i]; i++)
                if (i + 1 == index)
                        return model->strings[i];
        return "";
}

bool port_shows(unsigned int controller, const struct usb_model *model) {
        const uint8_t *d = model->device_descriptor;
        char device[128], vendor[8], product[8];

        snprintf(vendor, sizeof(vendor), "%02x%02x", d[9], d[8]);
        snprintf(product, sizeof(product), "%02x%02x", d[11], d[10]);
        return find_device(controller, device, sizeof(device)) && attribute_is(device, "idVendor", vendor) &&
               attribute_is(device, "idProduct", product) &&
               attribute_is(device, "manufacturer", string_of(model, 14)) &&
               attribute_is(device, "product", string_of(model, 15)) &&
               attribute_is(device, "serial", string_of(model, 16));
}

/*
 * Taking back what vhci_hcd has lost
 */

static bool take(int fd, void *data, size_t size) {
        uint8_t *p = data;

        while (size > 0) {
                struct pollfd poll_fd = { .fd = fd, .events = POLLIN };
                ssize_t n;

                if (poll(&poll_fd, 1, 500) <= 0)
                        return false;
                n = recv(fd, p, size, 0);
                if (n <= 0)
                        return false;
                p += n;
                size -= n;
        }
        return true;
}

/* Refuses one request; returns false when none comes any more. */
static bool refuse(int fd, bool *ret_lost) {
        uint8_t header[USBIP_HEADER_SIZE], answer[USBIP_HEADER_SIZE] = {}, data[4096];
        bool submit;

        if (!take(fd, header, sizeof(header)))
                return false;
        submit = usbip_word(header, USBIP_COMMAND) == USBIP_CMD_SUBMIT;
        if (submit && !usbip_word(header, USBIP_DIRECTION))
                for (size_t left = usbip_word(header, USBIP_LENGTH); left > 0; left -= MIN(left, sizeof(data)))
                        if (!take(fd, data, MIN(left, sizeof(data))))
                                return false;
        /* The hub asks by standard requests only. */
        *ret_lost |= submit && (usbip_word(header, USBIP_EP) != 0 || header[USBIP_SETUP] & 0x60);
        usbip_put_word(answer, USBIP_COMMAND, submit ? USBIP_RET_SUBMIT : USBIP_RET_UNLINK);
        usbip_put_word(answer, USBIP_SEQNUM, usbip_word(header, USBIP_SEQNUM));
        usbip_put_word(answer, USBIP_STATUS, submit ? -ESHUTDOWN : 0);
        return send(fd, answer, sizeof(answer), MSG_NOSIGNAL) == (ssize_t) sizeof(answer);
}

bool port_flush(unsigned int controller) {
        int64_t deadline = now_ms() + 3000;
        bool lost = false;
        int fd;

        if (vhci_attach(port_number(controller), USB_SPEED_FULL, &fd) < 0)
                return false;
        while (now_ms() < deadline && refuse(fd, &lost))
                ;
        close(fd);
        return lost;
}
