/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* The kernel's virtual host controller: sockets in, devices on a bus out. */

#include "usb/usb.h"

/* Loads vhci-hcd if it is not there. Logs what to do about a failure. */
int vhci_prepare(void);
/* No device of an earlier plug is left on the port. Plugging before that can leave a device unconfigured. */
bool vhci_port_is_clean(unsigned int port);
/* The host has switched off its power. Not to be asked while the kernel waits for the device there. */
bool vhci_port_is_off(unsigned int port);
/* Plugs in a device: the kernel speaks USB/IP on the other end of *ret_fd, which is non-blocking. */
int vhci_attach(unsigned int port, enum usb_speed speed, int *ret_fd);
/* A non-blocking socket that becomes readable at each kernel uevent. */
int vhci_uevents_open(void);
/* Reads away what is there. */
void vhci_uevents_drain(int fd);
