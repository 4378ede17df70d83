// SPDX-License-Identifier: LGPL-2.1-or-later
/* replay-NAME DIRECTORY - hands each file of a corpus to fuzz-NAME, with any compiler and no fuzzer; prints TAP. */

#include <dirent.h>

#include "base/macro.h"
#include "tests/fuzz/fuzz.h"

#define INPUT_MAX (1024 * 1024)

static int replay(const char *directory, const char *name) {
        _cleanup_fclose_ FILE *f = NULL;
        _cleanup_free_ char *path = NULL;
        _cleanup_free_ uint8_t *data = malloc(INPUT_MAX);
        size_t n;

        if (!data || asprintf(&path, "%s/%s", directory, name) < 0)
                return -ENOMEM;
        f = fopen(path, "re");
        if (!f)
                return -errno;
        n = fread(data, 1, INPUT_MAX, f);
        if (ferror(f))
                return -EIO;
        (void) LLVMFuzzerTestOneInput(data, n);
        return 0;
}

int main(int argc, char **argv) {
        struct dirent *entry;
        unsigned n = 0;
        DIR *d;

        if (argc != 2) {
                fprintf(stderr, "usage: replay DIRECTORY\n");
                return 2;
        }
        d = opendir(argv[1]);
        if (!d) {
                fprintf(stderr, "%s: %s\n", argv[1], strerror(errno));
                return 1;
        }
        while ((entry = readdir(d))) {
                int r;

                if (entry->d_name[0] == '.')
                        continue;
                /* What kills us is then the last line. */
                printf("# %s\n", entry->d_name);
                fflush(stdout);
                r = replay(argv[1], entry->d_name);
                if (r < 0) {
                        printf("not ok %u - %s: %s\n", n + 1, entry->d_name, strerror(-r));
                        return 1;
                }
                n++;
        }
        closedir(d);
        if (n == 0)
                return 1;
        printf("ok 1 - %u inputs of %s\n", n, argv[1]);
        return 0;
}
