/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Names of USB devices in sysfs. One that comes from outside is put into no path before it was looked at here. */

#include "base/macro.h"

/* Of an array that has room for any of these. */
#define USB_NAME_MAX 40

/* "1-2", "3-1.4.2": a bus and the ports on the way; what is plugged in there has the same name. */
bool usb_port_is_name(const char *name) _pure_;
/* "1-2:1.0": a port, the configuration and the interface. */
bool usb_interface_is_name(const char *name) _pure_;
/* "0003:0801:0002.0001": a HID device on USB: its ids, a number. */
bool usb_hid_is_name(const char *name) _pure_;
