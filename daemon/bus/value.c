// SPDX-License-Identifier: LGPL-2.1-or-later
#include "bus/value.h"

bool value_equal(struct value a, struct value b) {
        return a.type == 's' ? streq(a.s, b.s) : a.x == b.x;
}

int value_append(sd_bus_message *m, struct value v) {
        uint32_t u = (uint32_t) v.x;
        int b = v.x != 0;

        switch (v.type) {
        case 's':
        case 'o':
                return sd_bus_message_append_basic(m, v.type, v.s);
        case 'b':
                return sd_bus_message_append_basic(m, 'b', &b);
        case 'u':
                return sd_bus_message_append_basic(m, 'u', &u);
        default:
                return sd_bus_message_append_basic(m, v.type, &v.x);
        }
}

static int append_entry(sd_bus_message *m, const struct value_entry *e) {
        int r;

        r = sd_bus_message_open_container(m, 'e', "sv");
        if (r >= 0)
                r = sd_bus_message_append_basic(m, 's', e->name);
        if (r >= 0)
                r = sd_bus_message_open_container(m, 'v', (char[]){ e->value.type, '\0' });
        if (r >= 0)
                r = value_append(m, e->value);
        if (r >= 0)
                r = sd_bus_message_close_container(m);
        return r < 0 ? r : sd_bus_message_close_container(m);
}

int value_append_entries(sd_bus_message *m, const struct value_entry *entries, size_t n) {
        int r = 0;

        for (size_t i = 0; r >= 0 && i < n; i++)
                r = append_entry(m, entries + i);
        return r;
}

int value_append_dictionary(sd_bus_message *m, const struct value_entry *entries, size_t n) {
        int r;

        r = sd_bus_message_open_container(m, 'a', "{sv}");
        if (r >= 0)
                r = value_append_entries(m, entries, n);
        if (r >= 0)
                r = sd_bus_message_close_container(m);
        return r < 0 ? r : 0;
}

void value_add_json(cJSON *json, const char *name, struct value v) {
        if (v.type == 's' || v.type == 'o')
                cJSON_AddStringToObject(json, name, v.s);
        else if (v.type == 'b')
                cJSON_AddBoolToObject(json, name, v.x != 0);
        else
                json_add_number(json, name, v.x);
}
