/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* A value of a property, once for properties, lists, signals and Describe. */

#include "bus/json.h"

struct value {
        char type; /* s, o, b, x, t or u; others are their maker's own */
        const char *s;
        int64_t x;
        const void *data; /* of such another type */
};

#define VALUE_TEXT(text) ((struct value){ .type = 's', .s = (text) })
#define VALUE_NUMBER(t, number) ((struct value){ .type = (t), .x = (int64_t) (number) })

bool value_equal(struct value a, struct value b);
int value_append(sd_bus_message *m, struct value v);
/* The entries of an a{sv} that is open. */
struct value_entry {
        const char *name;
        struct value value;
};
int value_append_entries(sd_bus_message *m, const struct value_entry *entries, size_t n);
/* The same, with its begin and its end: 0, as what walks over rows goes on. */
int value_append_dictionary(sd_bus_message *m, const struct value_entry *entries, size_t n);
void value_add_json(cJSON *json, const char *name, struct value v);
