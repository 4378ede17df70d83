// SPDX-License-Identifier: LGPL-2.1-or-later
#include "helpers/till-recover/recover.h"

#include "base/log.h"

/* Unbinds our driver and binds it again: what the driver knows of the device is made anew, the device is not reset. */
int rebind(struct udev *udev, const char *name, struct answer *answer) {
        _cleanup_(udev_device_unrefp) struct udev_device *interface = NULL;
        char device[USB_NAME_MAX], driver[64], bind[DRIVER_PATH_MAX];
        const struct target *target;
        int r;

        r = terminal_interface_find(udev, name, &interface, &target, device, answer);
        if (r < 0)
                return r;
        (void) port_remember(udev_device_get_sysname(udev_device_get_parent(interface)));
        r = driver_read(target->bus, device, driver);
        if (r < 0)
                return r;
        if (!isempty(driver) && !streq(driver, target->driver)) {
                answer->reason = "another driver than ours has it: see take";
                return -EBUSY;
        }
        driver_path(target->bus, target->driver, "bind", bind);
        answer->reason = "our driver does not let go";
        r = state_plan(bind, device);
        if (r >= 0 && !isempty(driver))
                r = driver_write(target->bus, target->driver, "unbind", device);
        if (r < 0) {
                (void) state_finish();
                return r;
        }
        answer->reason = "our driver does not want it: see the kernel's log";
        r = state_finish();
        if (r < 0)
                return r;
        log_info("%s: %s was bound anew.", device, target->driver);
        return 0;
}
