// SPDX-License-Identifier: LGPL-2.1-or-later
#include <fcntl.h>

#include "device/emv.h"
#include "device/node.h"

int emv_open(const struct device *device, bool *ret_keypad) {
        struct till_info info;
        int fd;

        if (device->kind != DEVICE_EMV)
                return -EPROTO;
        if (!device->connected || !device->node)
                return -ENOTCONN;
        fd = node_open(device->node, O_RDWR, TILL_KIND_EMV, &info);
        if (fd < 0)
                return fd;
        *ret_keypad = info.features & TILL_EMV_FEATURE_KEYPAD;
        return fd;
}
