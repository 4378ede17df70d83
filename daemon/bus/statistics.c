// SPDX-License-Identifier: LGPL-2.1-or-later
/* Statistics in org.tilld1.Diagnostics and org.tilld1.Device: what each device has done in its life. */
#include "base/clock.h"
#include "bus/authority.h"
#include "bus/code-call.h"
#include "bus/error.h"
#include "bus/json.h"
#include "bus/options.h"

#define INTERFACE "org.tilld1.Diagnostics"

/* ---- What there is ---- */

struct listing {
        struct server *server;
        const char *device; /* that one alone; NULL: all */
        cJSON *list;
};

static int add_value(const char *key, const char *name, uint64_t value, void *userdata) {
        return json_add_number(userdata, name, (int64_t) value) ? 0 : -ENOMEM;
}

/* "1.10" */
static bool add_firmware(cJSON *o, uint32_t release) {
        char text[16];

        (void) snprintf(text, sizeof(text), "%x.%02x", (release >> 8) & 0xff, release & 0xff);
        return cJSON_AddStringToObject(o, "Firmware", text);
}

static int add_device(const struct device_record *record, void *userdata) {
        struct listing *l = userdata;
        cJSON *o, *values;

        if (l->device && !streq(l->device, record->key))
                return 0;
        o = cJSON_CreateObject();
        if (!cJSON_AddItemToArray(l->list, o))
                return -ENOMEM;
        if (!cJSON_AddStringToObject(o, "Device", record->key) || !cJSON_AddStringToObject(o, "Kind", record->kind) ||
            !cJSON_AddStringToObject(o, "Vendor", record->vendor) ||
            !cJSON_AddStringToObject(o, "Model", record->product) ||
            !cJSON_AddStringToObject(o, "UsbId", record->usb_id) ||
            !cJSON_AddStringToObject(o, "Serial", record->serial) || !add_firmware(o, record->release) ||
            !cJSON_AddStringToObject(o, "Port", record->port) ||
            !cJSON_AddBoolToObject(o, "Connected", record->missing_usec == 0) ||
            !json_add_number(o, "FirstSeen", (int64_t) record->first_seen_usec) ||
            !json_add_number(
                    o, "LastSeen",
                    (int64_t) (record->missing_usec == 0 ? clock_now(CLOCK_REALTIME) : record->last_seen_usec)) ||
            !json_add_number(o, "MissingSince", (int64_t) record->missing_usec) ||
            !json_add_number(o, "Forgotten", (int64_t) record->forgotten_usec) ||
            !cJSON_AddStringToObject(o, "ForgottenBy", record->forgotten_by))
                return -ENOMEM;
        values = cJSON_AddObjectToObject(o, "Statistics");
        return values ? statistics_each(l->server->statistics, record->key, add_value, values) : -ENOMEM;
}

static int method_get_statistics(sd_bus_message *m, void *userdata, sd_bus_error *error) {
        _cleanup_(cJSON_Deletep) cJSON *json = cJSON_CreateObject();
        struct server *s = userdata;
        struct listing l = { .server = s, .list = cJSON_AddArrayToObject(json, "Devices") };
        char key[DEVICE_KEY_SIZE];
        struct refusal refusal = {};
        const struct bus_option options[] = { { "device", 's', &l.device }, {} };
        int r;

        r = options_read(m, options, &refusal);
        if (r >= 0 && l.device) {
                r = statistics_find(s->statistics, l.device, key, &refusal);
                l.device = key;
        }
        if (r < 0)
                return refusal.code ? bus_error_set_refusal(error, &refusal) : r;
        if (!l.list)
                return -ENOMEM;
        (void) statistics_update(s->statistics);
        r = device_record_each(engine_journal(s->engine), add_device, &l);
        return r < 0 ? r : json_reply(m, json);
}

static int append_value(const char *key, const char *name, uint64_t value, void *userdata) {
        return MIN(sd_bus_message_append(userdata, "{st}", name, value), 0);
}

int statistics_call_of_device(struct server *s, sd_bus_message *m, const struct device *device) {
        _cleanup_(sd_bus_message_unrefp) sd_bus_message *reply = NULL;
        const char *key = statistics_key(s->statistics, device);
        int r;

        (void) statistics_update(s->statistics);
        r = sd_bus_message_new_method_return(m, &reply);
        if (r >= 0)
                r = sd_bus_message_open_container(reply, 'a', "{st}");
        if (r >= 0 && key)
                r = statistics_each(s->statistics, key, append_value, reply);
        if (r >= 0)
                r = sd_bus_message_close_container(reply);
        return r < 0 ? r : sd_bus_send(NULL, reply, NULL);
}

/* ---- By a supervisor ---- */

static int do_reset(struct server *s, sd_bus_message *m, const char *by, sd_bus_message *reply, struct refusal *ret) {
        _cleanup_(names_freep) char **names = NULL;
        char key[DEVICE_KEY_SIZE];
        const char *device;
        int r;

        r = sd_bus_message_read(m, "s", &device);
        if (r >= 0)
                r = sd_bus_message_read_strv(m, &names);
        if (r >= 0)
                r = statistics_find(s->statistics, device, key, ret);
        return r < 0 ? r : statistics_reset(s->statistics, key, names, by, ret);
}

CODE_CALL_PAIR(reset, code_call_supervisor, do_reset)

static int method_reset(sd_bus_message *m, void *userdata, sd_bus_error *error) {
        return authority_check(m, "org.tilld1.supervise", reset, userdata, error);
}

static int method_reset_with_code(sd_bus_message *m, void *userdata, sd_bus_error *error) {
        return authority_check(m, "org.tilld1.sell", reset_with_code, userdata, error);
}

static int do_forget(struct server *s, sd_bus_message *m, const char *by, sd_bus_message *reply, struct refusal *ret) {
        char key[DEVICE_KEY_SIZE];
        const char *device;
        int r;

        r = sd_bus_message_read(m, "s", &device);
        if (r >= 0)
                r = statistics_find(s->statistics, device, key, ret);
        if (r >= 0)
                r = statistics_forget(s->statistics, key, by, ret);
        /* It is missed no more. */
        if (r >= 0 && s->faults)
                faults_kick(s->faults);
        return r;
}

CODE_CALL_PAIR(forget, code_call_supervisor, do_forget)

static int method_forget(sd_bus_message *m, void *userdata, sd_bus_error *error) {
        return authority_check(m, "org.tilld1.supervise", forget, userdata, error);
}

static int method_forget_with_code(sd_bus_message *m, void *userdata, sd_bus_error *error) {
        return authority_check(m, "org.tilld1.sell", forget_with_code, userdata, error);
}

static const sd_bus_vtable vtable[] = {
        SD_BUS_VTABLE_START(0),
        SD_BUS_METHOD_WITH_ARGS("GetStatistics", SD_BUS_ARGS("a{sv}", options), SD_BUS_RESULT("s", json),
                                method_get_statistics, SD_BUS_VTABLE_UNPRIVILEGED),
        SD_BUS_METHOD_WITH_ARGS("ResetStatistics", SD_BUS_ARGS("s", device, "as", names), SD_BUS_NO_RESULT,
                                method_reset, SD_BUS_VTABLE_UNPRIVILEGED),
        SD_BUS_METHOD_WITH_ARGS("ResetStatisticsWithCode", SD_BUS_ARGS("s", device, "as", names, "h", code),
                                SD_BUS_NO_RESULT, method_reset_with_code, SD_BUS_VTABLE_UNPRIVILEGED),
        SD_BUS_METHOD_WITH_ARGS("ForgetDevice", SD_BUS_ARGS("s", device), SD_BUS_NO_RESULT, method_forget,
                                SD_BUS_VTABLE_UNPRIVILEGED),
        SD_BUS_METHOD_WITH_ARGS("ForgetDeviceWithCode", SD_BUS_ARGS("s", device, "h", code), SD_BUS_NO_RESULT,
                                method_forget_with_code, SD_BUS_VTABLE_UNPRIVILEGED),
        SD_BUS_VTABLE_END,
};

/* Something may be due by it. */
void statistics_written(void *userdata) {
        struct server *s = userdata;

        if (s->faults)
                faults_kick(s->faults);
}

int statistics_register(struct server *s) {
        return sd_bus_add_object_vtable(s->bus, NULL, SERVER_PATH, INTERFACE, vtable, s);
}
