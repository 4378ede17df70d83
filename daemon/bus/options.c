// SPDX-License-Identifier: LGPL-2.1-or-later
#include "bus/options.h"

static const struct bus_option *find(const struct bus_option *options, const char *key) {
        for (; options->key; options++)
                if (streq(options->key, key))
                        return options;
        return NULL;
}

static int read_value(sd_bus_message *m, const struct bus_option *o) {
        int r, b;

        if (o->type != 'b')
                return sd_bus_message_read(m, "v", (char[]){ o->type, '\0' }, o->ret);

        r = sd_bus_message_read(m, "v", "b", &b);
        if (r >= 0)
                *(bool *) o->ret = b;
        return r;
}

static int read_one(sd_bus_message *m, const struct bus_option *options, struct refusal *ret) {
        const struct bus_option *o;
        const char *key;
        int r;

        r = sd_bus_message_read(m, "s", &key);
        if (r < 0)
                return r;
        o = find(options, key);
        if (!o)
                return refusal_set(ret, REFUSAL_UNKNOWN_OPTION,
                                   "\"%.64s\" is not an option of this method: see its interface XML", key);
        r = read_value(m, o);
        if (r == -ENXIO)
                return refusal_set(ret, REFUSAL_UNKNOWN_OPTION, "The option \"%s\" must be of type %c", key, o->type);
        if (r >= 0 && o->ret_given)
                *o->ret_given = true;
        return r;
}

int options_read(sd_bus_message *m, const struct bus_option *options, struct refusal *ret) {
        int r;

        ret->code = REFUSAL_NONE;
        r = sd_bus_message_enter_container(m, 'a', "{sv}");
        if (r < 0)
                return r;
        while ((r = sd_bus_message_enter_container(m, 'e', "sv")) > 0) {
                r = read_one(m, options, ret);
                if (r < 0)
                        return r;
                r = sd_bus_message_exit_container(m);
                if (r < 0)
                        return r;
        }
        if (r < 0)
                return r;
        return sd_bus_message_exit_container(m);
}
