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
