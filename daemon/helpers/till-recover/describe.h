/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <cjson/cJSON.h>
#include <libusb.h>

#include "helpers/till-recover/probe.h"

static inline void cJSON_Deletep(cJSON **json) {
        cJSON_Delete(*json);
}

/* 1 with what is to be told of a device, the caller's; 0 for one that is no reader and no printer. */
int describe_device(struct udev *udev, struct udev_device *usb, libusb_device *device, cJSON **ret);

/* claim.c: "pcscd (812)", the first program that has the device's node open; "" where none can be seen. */
#define CLAIM_MAX 64
void claim_find(const char *node, char claim[static CLAIM_MAX]);
