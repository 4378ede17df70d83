// SPDX-License-Identifier: LGPL-2.1-or-later
/* org.tilld1.Device, and beside it Msr, EmvReader or Printer. */
#include "base/log.h"
#include "bus/json.h"
#include "bus/server.h"
#include "kernel/include/uapi/linux/till.h"

#define PREFIX SERVER_PATH "/device"

#define INTERFACE_DEVICE "org.tilld1.Device"
#define INTERFACE_MSR "org.tilld1.Msr"
#define INTERFACE_EMV "org.tilld1.EmvReader"
#define INTERFACE_PRINTER "org.tilld1.Printer"

/* What a property getter gets: the device with its server. */
static struct device *find_device(struct server *s, const char *path) {
        _cleanup_free_ char *id = NULL;

        if (sd_bus_path_decode(path, PREFIX, &id) <= 0)
                return NULL;
        return monitor_find(engine_monitor(s->engine), id);
}

static const char *interface_of(enum device_kind kind) {
        switch (kind) {
        case DEVICE_MSR:
                return INTERFACE_MSR;
        case DEVICE_EMV:
                return INTERFACE_EMV;
        default:
                return INTERFACE_PRINTER;
        }
}

/* One object behind four interfaces: which a device has, its kind says. */
static int find(sd_bus *bus, const char *path, const char *interface, void *userdata, void **ret_found,
                sd_bus_error *error) {
        struct server *s = userdata;
        struct device *device = find_device(s, path);

        if (!device)
                return 0;
        if (!streq(interface, INTERFACE_DEVICE) && !streq(interface, interface_of(device->kind)))
                return 0;
        *ret_found = s;
        return 1;
}

static int enumerate(sd_bus *bus, const char *prefix, void *userdata, char ***ret_nodes, sd_bus_error *error) {
        struct server *s = userdata;
        char **nodes;
        size_t n = 0;

        while (monitor_get(engine_monitor(s->engine), n))
                n++;
        nodes = calloc(n + 1, sizeof(*nodes));
        if (!nodes)
                return -ENOMEM;
        for (size_t i = 0; i < n; i++)
                if (sd_bus_path_encode(PREFIX, monitor_get(engine_monitor(s->engine), i)->id, nodes + i) < 0) {
                        while (i-- > 0)
                                free(nodes[i]);
                        free(nodes);
                        return -ENOMEM;
                }
        *ret_nodes = nodes;
        return 0;
}

/* ---- The values, once for properties and for Describe ---- */

static const char *device_text(const struct device *d, const char *property, char usb_id[static 10]) {
        if (streq(property, "Id"))
                return d->id;
        if (streq(property, "Kind"))
                return device_kind_to_string(d->kind);
        if (streq(property, "Why"))
                return d->why;
        if (streq(property, "Node"))
                return strempty(d->node);
        if (streq(property, "Vendor"))
                return strempty(d->vendor);
        if (streq(property, "Model"))
                return strempty(d->product);
        if (streq(property, "Serial"))
                return strempty(d->serial);
        (void) snprintf(usb_id, 10, "%04x:%04x", d->vendor_id, d->product_id);
        return usb_id;
}

static const char *card_text(const struct device *d) {
        switch (d->card) {
        case DEVICE_CARD_ABSENT:
                return "absent";
        case DEVICE_CARD_PRESENT:
                return "present";
        default:
                return "unknown";
        }
}

static const char *printer_text(const struct printer_status *status, const char *property) {
        static const char *const online[] = { "unknown", "online", "offline" };
        static const char *const paper[] = { "unknown", "ok", "near-end", "end" };

        if (!status || !status->open)
                return streq(property, "Problem") ? "not connected" : "unknown";
        if (streq(property, "Online"))
                return online[MIN(status->online, 2u)];
        if (streq(property, "Paper"))
                return paper[MIN(status->paper, 3u)];
        if (streq(property, "Cover") && !status->cover_known)
                return "unknown";
        if (streq(property, "Cover"))
                return status->flags & TILL_PRINTER_COVER_OPEN ? "open" : "closed";
        return status->able ? "" : status->words;
}

static bool is_armed(const struct server *s, const struct device *d) {
        return engine_is_armed(s->engine) && d == engine_msr(s->engine);
}

static int get_text(sd_bus *bus, const char *path, const char *interface, const char *property, sd_bus_message *reply,
                    void *userdata, sd_bus_error *error) {
        const struct device *d = find_device(userdata, path);
        char usb_id[10];

        return sd_bus_message_append(reply, "s", device_text(d, property, usb_id));
}

static int get_connected(sd_bus *bus, const char *path, const char *interface, const char *property,
                         sd_bus_message *reply, void *userdata, sd_bus_error *error) {
        return sd_bus_message_append(reply, "b", find_device(userdata, path)->connected);
}

static int get_since(sd_bus *bus, const char *path, const char *interface, const char *property, sd_bus_message *reply,
                     void *userdata, sd_bus_error *error) {
        return sd_bus_message_append(reply, "t", find_device(userdata, path)->since);
}

static int get_armed(sd_bus *bus, const char *path, const char *interface, const char *property, sd_bus_message *reply,
                     void *userdata, sd_bus_error *error) {
        return sd_bus_message_append(reply, "b", is_armed(userdata, find_device(userdata, path)));
}

static int get_card(sd_bus *bus, const char *path, const char *interface, const char *property, sd_bus_message *reply,
                    void *userdata, sd_bus_error *error) {
        return sd_bus_message_append(reply, "s", card_text(find_device(userdata, path)));
}

static int get_printer(sd_bus *bus, const char *path, const char *interface, const char *property,
                       sd_bus_message *reply, void *userdata, sd_bus_error *error) {
        struct server *s = userdata;

        return sd_bus_message_append(
                reply, "s", printer_text(printing_status(engine_printing(s->engine), find_device(s, path)), property));
}

static int method_describe(sd_bus_message *m, void *userdata, sd_bus_error *error) {
        static const char *const texts[] = { "Id", "Kind", "Why", "Node", "Vendor", "Model", "UsbId", "Serial" };
        static const char *const printer[] = { "Online", "Paper", "Cover", "Problem" };
        _cleanup_(cJSON_Deletep) cJSON *json = cJSON_CreateObject();
        struct server *s = userdata;
        const struct device *d = find_device(s, sd_bus_message_get_path(m));
        char usb_id[10];

        for (size_t i = 0; i < ELEMENTSOF(texts); i++)
                cJSON_AddStringToObject(json, texts[i], device_text(d, texts[i], usb_id));
        cJSON_AddBoolToObject(json, "Connected", d->connected);
        json_add_number(json, "Since", d->since);
        if (d->kind == DEVICE_MSR)
                cJSON_AddBoolToObject(json, "Armed", is_armed(s, d));
        if (d->kind == DEVICE_EMV)
                cJSON_AddStringToObject(json, "Card", card_text(d));
        for (size_t i = 0; d->kind == DEVICE_PRINTER && i < ELEMENTSOF(printer); i++)
                cJSON_AddStringToObject(json, printer[i],
                                        printer_text(printing_status(engine_printing(s->engine), d), printer[i]));
        return json_reply(m, json);
}

static int method_get_statistics(sd_bus_message *m, void *userdata, sd_bus_error *error) {
        return statistics_call_of_device(userdata, m, find_device(userdata, sd_bus_message_get_path(m)));
}

static const sd_bus_vtable vtable_device[] = {
        SD_BUS_VTABLE_START(0),
        SD_BUS_METHOD_WITH_ARGS("Describe", SD_BUS_NO_ARGS, SD_BUS_RESULT("s", json), method_describe,
                                SD_BUS_VTABLE_UNPRIVILEGED),
        SD_BUS_METHOD_WITH_ARGS("GetStatistics", SD_BUS_NO_ARGS, SD_BUS_RESULT("a{st}", statistics),
                                method_get_statistics, SD_BUS_VTABLE_UNPRIVILEGED),
        SD_BUS_PROPERTY("Id", "s", get_text, 0, SD_BUS_VTABLE_PROPERTY_CONST),
        SD_BUS_PROPERTY("Kind", "s", get_text, 0, SD_BUS_VTABLE_PROPERTY_CONST),
        SD_BUS_PROPERTY("Connected", "b", get_connected, 0, SD_BUS_VTABLE_PROPERTY_EMITS_CHANGE),
        SD_BUS_PROPERTY("Since", "t", get_since, 0, SD_BUS_VTABLE_PROPERTY_EMITS_CHANGE),
        SD_BUS_PROPERTY("Why", "s", get_text, 0, SD_BUS_VTABLE_PROPERTY_EMITS_CHANGE),
        SD_BUS_PROPERTY("Node", "s", get_text, 0, SD_BUS_VTABLE_PROPERTY_EMITS_CHANGE),
        SD_BUS_PROPERTY("Vendor", "s", get_text, 0, SD_BUS_VTABLE_PROPERTY_EMITS_CHANGE),
        SD_BUS_PROPERTY("Model", "s", get_text, 0, SD_BUS_VTABLE_PROPERTY_EMITS_CHANGE),
        SD_BUS_PROPERTY("UsbId", "s", get_text, 0, SD_BUS_VTABLE_PROPERTY_EMITS_CHANGE),
        SD_BUS_PROPERTY("Serial", "s", get_text, 0, SD_BUS_VTABLE_PROPERTY_EMITS_CHANGE),
        SD_BUS_VTABLE_END,
};

static const sd_bus_vtable vtable_msr[] = {
        SD_BUS_VTABLE_START(0),
        SD_BUS_PROPERTY("Armed", "b", get_armed, 0, SD_BUS_VTABLE_PROPERTY_EMITS_CHANGE),
        SD_BUS_VTABLE_END,
};

static const sd_bus_vtable vtable_emv[] = {
        SD_BUS_VTABLE_START(0),
        SD_BUS_PROPERTY("Card", "s", get_card, 0, SD_BUS_VTABLE_PROPERTY_EMITS_CHANGE),
        SD_BUS_VTABLE_END,
};

static const sd_bus_vtable vtable_printer[] = {
        SD_BUS_VTABLE_START(0),
        SD_BUS_PROPERTY("Online", "s", get_printer, 0, SD_BUS_VTABLE_PROPERTY_EMITS_CHANGE),
        SD_BUS_PROPERTY("Paper", "s", get_printer, 0, SD_BUS_VTABLE_PROPERTY_EMITS_CHANGE),
        SD_BUS_PROPERTY("Cover", "s", get_printer, 0, SD_BUS_VTABLE_PROPERTY_EMITS_CHANGE),
        SD_BUS_PROPERTY("Problem", "s", get_printer, 0, SD_BUS_VTABLE_PROPERTY_EMITS_CHANGE),
        SD_BUS_VTABLE_END,
};

int devices_register(struct server *s) {
        static const struct {
                const char *interface;
                const sd_bus_vtable *vtable;
        } all[] = {
                { INTERFACE_DEVICE, vtable_device },
                { INTERFACE_MSR, vtable_msr },
                { INTERFACE_EMV, vtable_emv },
                { INTERFACE_PRINTER, vtable_printer },
        };
        int r;

        for (size_t i = 0; i < ELEMENTSOF(all); i++) {
                r = sd_bus_add_fallback_vtable(s->bus, NULL, PREFIX, all[i].interface, all[i].vtable, find, s);
                if (r < 0)
                        return r;
        }
        return sd_bus_add_node_enumerator(s->bus, NULL, PREFIX, enumerate, s);
}

static void emit_changed(struct server *s, const struct device *d, const char *path) {
        (void) sd_bus_emit_properties_changed(s->bus, path, INTERFACE_DEVICE, "Connected", "Since", "Why", "Node",
                                              "Vendor", "Model", "UsbId", "Serial", NULL);
        switch (d->kind) {
        case DEVICE_MSR:
                (void) sd_bus_emit_properties_changed(s->bus, path, INTERFACE_MSR, "Armed", NULL);
                break;
        case DEVICE_EMV:
                (void) sd_bus_emit_properties_changed(s->bus, path, INTERFACE_EMV, "Card", NULL);
                break;
        default:
                (void) sd_bus_emit_properties_changed(s->bus, path, INTERFACE_PRINTER, "Online", "Paper", "Cover",
                                                      "Problem", NULL);
        }
}

void devices_changed(struct server *s, struct device *device, enum monitor_event event) {
        _cleanup_free_ char *path = NULL;

        if (!s->engine || sd_bus_path_encode(PREFIX, device->id, &path) < 0)
                return;
        switch (event) {
        case MONITOR_ADDED:
                (void) sd_bus_emit_object_added(s->bus, path);
                return;
        case MONITOR_REMOVED:
                (void) sd_bus_emit_interfaces_removed(s->bus, path, INTERFACE_DEVICE, interface_of(device->kind),
                                                      NULL);
                return;
        default:
                emit_changed(s, device, path);
        }
}

void devices_armed_changed(struct server *s) {
        const struct device *d = engine_msr(s->engine);
        _cleanup_free_ char *path = NULL;
        bool armed = engine_is_armed(s->engine);

        if (armed == s->told_armed)
                return;
        s->told_armed = armed;
        if (d && sd_bus_path_encode(PREFIX, d->id, &path) >= 0)
                (void) sd_bus_emit_properties_changed(s->bus, path, INTERFACE_MSR, "Armed", NULL);
}
