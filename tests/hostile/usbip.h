/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* USB/IP as usb/usb.c speaks it, by the numbers of its words. */

#include <endian.h>
#include <stdint.h>
#include <string.h>

#define USBIP_HEADER_SIZE 48
enum {
        USBIP_CMD_SUBMIT = 1,
        USBIP_CMD_UNLINK = 2,
        USBIP_RET_SUBMIT = 3,
        USBIP_RET_UNLINK = 4,
};
enum {
        USBIP_COMMAND = 0,
        USBIP_SEQNUM = 1,
        USBIP_DIRECTION = 3,
        USBIP_EP = 4,
        USBIP_STATUS = 5, /* of answers; of CMD_UNLINK the number of the submit */
        USBIP_LENGTH = 6, /* of the buffer, or what was transferred */
        USBIP_SETUP = 40, /* bytes into the header */
};

static inline uint32_t usbip_word(const uint8_t *header, unsigned int n) {
        uint32_t value;

        memcpy(&value, header + 4 * n, 4);
        return be32toh(value);
}

static inline void usbip_put_word(uint8_t *header, unsigned int n, uint32_t value) {
        value = htobe32(value);
        memcpy(header + 4 * n, &value, 4);
}
