// SPDX-License-Identifier: LGPL-2.1-or-later
#include "usb/vhci.h"

#include <fcntl.h>
#include <glob.h>
#include <linux/netlink.h>
#include <spawn.h>
#include <sys/socket.h>
#include <sys/wait.h>

#include "base/log.h"

#define VHCI_PATH "/sys/devices/platform/vhci_hcd.0"

/* Only its uniqueness among attached devices matters: bus 1 and the port, as the usbip tool would have it. */
#define DEVID(port) (1U << 16 | ((port) + 2))

extern char **environ;

static int run_modprobe(void) {
        char *const argv[] = { (char *) "modprobe", (char *) "vhci-hcd", NULL };
        int r, status;
        pid_t pid;

        r = posix_spawnp(&pid, argv[0], NULL, NULL, argv, environ);
        if (r != 0)
                return log_error_errno(-r, "Cannot run modprobe");
        if (waitpid(pid, &status, 0) < 0)
                return log_error_errno(-errno, "Cannot wait for modprobe");
        if (!WIFEXITED(status) || WEXITSTATUS(status) != 0) {
                log_error("The kernel module vhci-hcd cannot be loaded: this kernel may lack it "
                          "(CONFIG_USBIP_VHCI_HCD)");
                return -ENODEV;
        }
        return 0;
}

int vhci_prepare(void) {
        int r;

        if (access(VHCI_PATH "/attach", F_OK) == 0)
                return 0;
        r = run_modprobe();
        if (r < 0)
                return r;
        if (access(VHCI_PATH "/attach", W_OK) < 0)
                return log_error_errno(-errno, "Cannot attach devices with %s/attach", VHCI_PATH);
        return 0;
}

bool vhci_port_is_clean(unsigned int port) {
        char pattern[sizeof(VHCI_PATH) + 40];
        glob_t found = {};
        size_t n;

        snprintf(pattern, sizeof(pattern), VHCI_PATH "/usb*/*-%u", port + 1);
        if (glob(pattern, GLOB_NOSORT, NULL, &found) == GLOB_NOMATCH)
                return true;
        n = found.gl_pathc;
        globfree(&found);
        return n == 0;
}

bool vhci_port_is_off(unsigned int port) {
        char pattern[sizeof(VHCI_PATH) + 48], state[4] = "";
        glob_t found = {};
        bool off = false;

        snprintf(pattern, sizeof(pattern), VHCI_PATH "/usb*/*-0:1.0/usb*-port%u/disable", port + 1);
        if (glob(pattern, GLOB_NOSORT, NULL, &found) != 0)
                return false;
        for (size_t i = 0; i < found.gl_pathc; i++) {
                _cleanup_close_ int fd = open(found.gl_pathv[i], O_RDONLY | O_CLOEXEC);

                off |= fd >= 0 && read(fd, state, sizeof(state) - 1) > 0 && state[0] == '1';
        }
        globfree(&found);
        return off;
}

int vhci_attach(unsigned int port, enum usb_speed speed, int *ret_fd) {
        _cleanup_close_ int ours = -EBADF, theirs = -EBADF, attach = -EBADF;
        int pair[2], n;
        char line[64];

        if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair) < 0)
                return -errno;
        ours = pair[0];
        theirs = pair[1];
        if (fcntl(ours, F_SETFL, O_NONBLOCK) < 0)
                return -errno;
        attach = open(VHCI_PATH "/attach", O_WRONLY | O_CLOEXEC);
        if (attach < 0)
                return -errno;
        n = snprintf(line, sizeof(line), "%u %d %u %u", port, theirs, DEVID(port), (unsigned int) speed);
        if (write(attach, line, n) != n)
                return -errno;
        *ret_fd = TAKE_FD(ours);
        return 0;
}

int vhci_uevents_open(void) {
        struct sockaddr_nl address = { .nl_family = AF_NETLINK, .nl_groups = 1 };
        _cleanup_close_ int fd = -EBADF;

        fd = socket(AF_NETLINK, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, NETLINK_KOBJECT_UEVENT);
        if (fd < 0)
                return -errno;
        if (bind(fd, (struct sockaddr *) &address, sizeof(address)) < 0)
                return -errno;
        return TAKE_FD(fd);
}

void vhci_uevents_drain(int fd) {
        char message[8192];

        /* ENOBUFS tells of lost messages: that something happened is all that matters. */
        while (recv(fd, message, sizeof(message), 0) >= 0 || errno == ENOBUFS || errno == EINTR)
                ;
}
