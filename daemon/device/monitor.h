/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Follows udev's subsystem "till" and keeps a struct device for each device seen since the start. */

#include <systemd/sd-event.h>

#include "device/device.h"

enum monitor_event {
        MONITOR_ADDED,        /* a new object, not yet connected; MONITOR_CONNECTED follows */
        MONITOR_CONNECTED,    /* node is there, with its rules applied: open it now */
        MONITOR_DISCONNECTED, /* node is gone or goes: close it now; the object stays */
        MONITOR_CHANGED,      /* card put in or taken out, printer status, or `why` known better */
        MONITOR_REMOVED,      /* the object goes: another kind of device is in its port; freed afterwards */
};

typedef void (*monitor_listener_t)(struct device *device, enum monitor_event event, void *userdata);

struct monitor;

/* The listener is called from monitor_start() and from the event loop. */
int monitor_new(sd_event *event, monitor_listener_t listener, void *userdata, struct monitor **ret_monitor);
/* Begins to listen, then tells of all that is there. A negative errno of libudev or sd-event. */
int monitor_start(struct monitor *monitor);
/* Frees the devices too, without an event. Takes NULL, returns NULL. */
struct monitor *monitor_free(struct monitor *monitor);
DEFINE_CLEANUP(struct monitor *, monitor_free);

/* NULL for none. */
struct device *monitor_find(const struct monitor *monitor, const char *id);
/* The first connected one of a kind in order of id, or NULL. */
struct device *monitor_find_connected(const struct monitor *monitor, enum device_kind kind);
/* Devices in order of id; NULL beyond the last. The index holds until the next event. */
struct device *monitor_get(const struct monitor *monitor, size_t index);
