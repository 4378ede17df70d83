// SPDX-License-Identifier: LGPL-2.1-or-later
/* faults-text catalog | manual | page LANGUAGE */
#include <locale.h>

#include "packaging/faults/faults.h"

int main(int argc, char **argv) {
        static const struct {
                const char *name;
                void (*print)(const char *language);
        } forms[] = {
                { "catalog", print_catalog },
                { "manual", print_manual },
                { "page", print_page },
        };

        /* Widths of characters are those of UTF-8, wherever it is built. */
        if (argc != 3 || !setlocale(LC_CTYPE, "C.UTF-8"))
                return EXIT_FAILURE;
        for (size_t i = 0; i < ELEMENTSOF(forms); i++)
                if (streq(argv[1], forms[i].name)) {
                        forms[i].print(argv[2]);
                        return fflush(stdout) == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
                }
        return EXIT_FAILURE;
}
