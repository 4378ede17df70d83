// SPDX-License-Identifier: LGPL-2.1-or-later
#include "cli/words.h"

#include "base/macro.h"

const char *words_take_option(int *argc, char **argv, const char *option) {
        const char *found = NULL;
        int n = 0;

        for (int i = 0; i < *argc; i++) {
                const char *value = startswith(argv[i], option);

                if (value)
                        found = value;
                else
                        argv[n++] = argv[i];
        }
        *argc = n;
        return found;
}

int words_append(sd_bus_message *m, int argc, char **argv) {
        int r;

        r = sd_bus_message_open_container(m, 'a', "s");
        for (int i = 0; r >= 0 && i < argc; i++)
                r = sd_bus_message_append(m, "s", argv[i]);
        return r < 0 ? r : sd_bus_message_close_container(m);
}
