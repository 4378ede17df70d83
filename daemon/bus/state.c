// SPDX-License-Identifier: LGPL-2.1-or-later
#include "bus/state.h"

#include "base/log.h"
#include "bus/value.h"

static struct value get(const struct terminal_state *state, const char *property) {
        if (streq(property, "GlobalStatus"))
                return VALUE_TEXT(strempty(state->global));
        if (streq(property, "PrinterStatus"))
                return VALUE_TEXT(strempty(state->printer));
        if (streq(property, "SecurityOK"))
                return VALUE_NUMBER('b', state->security);
        if (streq(property, "CardReaderOK"))
                return VALUE_NUMBER('b', state->card_reader);
        if (streq(property, "CommunicationOK"))
                return VALUE_NUMBER('b', state->communication);
        return VALUE_NUMBER('u', state->unconfirmed);
}

static const char *const properties[] = { "GlobalStatus",  "SecurityOK",      "CardReaderOK",
                                          "PrinterStatus", "CommunicationOK", "Unconfirmed" };

int state_add(struct server *s, cJSON *json) {
        struct terminal_state state;
        int r;

        r = terminal_state_read(s->engine, &state);
        if (r < 0)
                return r;
        for (size_t i = 0; i < ELEMENTSOF(properties); i++)
                value_add_json(json, properties[i], get(&state, properties[i]));
        return json_add_number(json, "OpenFaults", state.open_faults) ? 0 : -ENOMEM;
}

int state_get_property(sd_bus *b, const char *path, const char *interface, const char *property, sd_bus_message *reply,
                       void *userdata, sd_bus_error *error) {
        struct terminal_state state;
        struct server *s = userdata;
        int r;

        r = terminal_state_read(s->engine, &state);
        return r < 0 ? r : value_append(reply, get(&state, property));
}

void state_changed(struct server *s) {
        struct terminal_state now;
        int r;

        r = terminal_state_read(s->engine, &now);
        if (r < 0) {
                log_warning_errno(r, "How the terminal is cannot be told");
                return;
        }
        for (size_t i = 0; i < ELEMENTSOF(properties); i++)
                if (!value_equal(get(&now, properties[i]), get(&s->told_state, properties[i])))
                        (void) sd_bus_emit_properties_changed(s->bus, SERVER_PATH, "org.tilld1.Diagnostics",
                                                              properties[i], NULL);
        s->told_state = now;
}
