// SPDX-License-Identifier: LGPL-2.1-or-later
#include "helpers/till-recover/recover.h"

#include <fcntl.h>
#include <linux/usbdevice_fs.h>
#include <sys/ioctl.h>

#include "base/log.h"

int reset(struct udev *udev, const char *name, struct answer *answer) {
        _cleanup_(udev_device_unrefp) struct udev_device *usb = NULL;
        _cleanup_close_ int fd = -EBADF;
        int r;

        r = terminal_usb_find(udev, name, &usb, answer);
        if (r < 0)
                return r;
        /* It may not come back from this. */
        (void) port_remember(name);
        fd = open(strempty(udev_device_get_devnode(usb)), O_RDWR | O_CLOEXEC | O_NOFOLLOW);
        if (fd < 0 || ioctl(fd, USBDEVFS_RESET, NULL) < 0) {
                answer->reason = "the USB reset failed";
                return -errno;
        }
        log_info("%s: USB reset.", name);
        return 0;
}
