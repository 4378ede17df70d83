// SPDX-License-Identifier: LGPL-2.1-or-later
/* org.freedesktop.LogControl1: how much is logged, as systemctl service-log-level asks it. */
#include "base/log.h"
#include "bus/authority.h"
#include "bus/server.h"

#define PATH "/org/freedesktop/LogControl1"
#define INTERFACE "org.freedesktop.LogControl1"

static int get(sd_bus *b, const char *path, const char *interface, const char *property, sd_bus_message *reply,
               void *userdata, sd_bus_error *error) {
        const char *text = program_invocation_short_name;

        if (streq(property, "LogLevel"))
                text = log_level_to_string(log_get_max_level());
        else if (streq(property, "LogTarget"))
                text = log_get_target();
        return sd_bus_message_append(reply, "s", text);
}

static int set_level(sd_bus *b, const char *path, const char *interface, const char *property, sd_bus_message *value,
                     void *userdata, sd_bus_error *error) {
        const char *text;
        int level, r;

        r = sd_bus_message_read(value, "s", &text);
        if (r < 0)
                return r;
        level = log_level_from_string(text);
        if (level < 0)
                return sd_bus_error_setf(error, SD_BUS_ERROR_INVALID_ARGS,
                                         "\"%.32s\" is no log level: emerg, alert, crit, err, warning, notice, info "
                                         "or debug",
                                         text);
        log_set_max_level(level);
        log_notice("The log level is %s now", text);
        return 1;
}

static int set_target(sd_bus *b, const char *path, const char *interface, const char *property, sd_bus_message *value,
                      void *userdata, sd_bus_error *error) {
        const char *text;
        int r;

        r = sd_bus_message_read(value, "s", &text);
        if (r < 0)
                return r;
        r = log_set_target(text);
        if (r < 0)
                return sd_bus_error_setf(error, SD_BUS_ERROR_INVALID_ARGS,
                                         "\"%.32s\" is no log target here: auto, null, or %s", text,
                                         log_is_journal() ? "journal" : "console");
        log_notice("The log goes to %s now", text);
        return 1;
}

/* Properties.Set is root's alone by dbus/org.tilld1.conf: no need to ask the bus who calls, which would block. */
static const sd_bus_vtable vtable[] = {
        SD_BUS_VTABLE_START(0),
        SD_BUS_WRITABLE_PROPERTY("LogLevel", "s", get, set_level, 0, SD_BUS_VTABLE_UNPRIVILEGED),
        SD_BUS_WRITABLE_PROPERTY("LogTarget", "s", get, set_target, 0, SD_BUS_VTABLE_UNPRIVILEGED),
        SD_BUS_PROPERTY("SyslogIdentifier", "s", get, 0, SD_BUS_VTABLE_PROPERTY_CONST),
        SD_BUS_VTABLE_END,
};

int log_control_register(struct server *s) {
        return sd_bus_add_object_vtable(s->bus, NULL, PATH, INTERFACE, vtable, s);
}
