// SPDX-License-Identifier: LGPL-2.1-or-later
#include <fcntl.h>

#include "device/emv.h"
#include "device/node.h"

int emv_open(const struct device *device) {
        if (device->kind != DEVICE_EMV)
                return -EPROTO;
        if (!device->connected || !device->node)
                return -ENOTCONN;
        return node_open(device->node, O_RDWR, TILL_KIND_EMV, NULL);
}
