// SPDX-License-Identifier: LGPL-2.1-or-later
#include "care/see.h"

int see_driver(struct engine *e, struct fault_changes *sight) {
        const struct usb *usb = engine_usb(e);
        const char *version = usb_module_version(usb);
        int r;

        if (!usb_is_known(usb)) {
                r = sight_keep(e, sight, "driver-missing", NULL);
                return r < 0 ? r : sight_keep(e, sight, "driver-old", NULL);
        }
        if (!version)
                return sight_add(sight, "driver-missing", "", "the kernel module till is not loaded");
        if (isempty(version) || streq(version, TILLD_VERSION))
                return 0;
        return sight_add(sight, "driver-old", "", "the kernel module till is %s, tilld " TILLD_VERSION, version);
}
