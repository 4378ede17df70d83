/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* The trailing a{sv} of a method: known keys of known types, anything else refused by name. */

#include <systemd/sd-bus.h>

#include "transaction/refusal.h"

struct bus_option {
        const char *key;
        char type;       /* 's', 'o', 'b', 'u', 'x' or 't' */
        void *ret;       /* const char ** (borrowed from the message), bool *, uint32_t *, int64_t * or uint64_t * */
        bool *ret_given; /* set where the caller gave it; NULL where none of its values means that nobody did */
};

/* options ends with an entry without a key. Negative errno; with *ret->code set when the caller is to blame. */
int options_read(sd_bus_message *m, const struct bus_option *options, struct refusal *ret);

/* What sd_bus_message_read_strv() gave. */
static inline void names_freep(char ***names) {
        for (char **name = *names; name && *name; name++)
                free(*name);
        free(*names);
}
