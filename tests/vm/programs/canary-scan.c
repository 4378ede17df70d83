// SPDX-License-Identifier: LGPL-2.1-or-later

/*
 * canary-scan PID|FILE... -- DIGITS...: looks for digits, as text and as nibbles in either order, in the writable
 * memory of processes and in files. Prints where, never what; status 1 when there is any, 2 when something cannot be
 * read.
 */

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

/* No test framework is in the VM. */
#define assert_true(x)                                                                                                \
        do {                                                                                                          \
                if (!(x)) {                                                                                           \
                        perror(#x);                                                                                   \
                        exit(2);                                                                                      \
                }                                                                                                     \
        } while (0)
#define assert_non_null(x) assert_true((x) != NULL)
#define assert_int_equal(x, y) assert_true((intmax_t) (x) == (intmax_t) (y))

#include "tests/unit/canary.h"

/* Of a file that shrinks meanwhile, what is left: a mapping of it would end this process. */
static size_t read_file(int fd, uint8_t *data, size_t size) {
        size_t have = 0;
        ssize_t n;

        do {
                n = read(fd, data + have, size - have);
                assert_true(n >= 0);
                have += (size_t) n;
        } while (n > 0 && have < size);
        return have;
}

static unsigned scan_file(const char *path, char *const *needles) {
        int fd = open(path, O_RDONLY | O_CLOEXEC);
        unsigned found = 0;
        struct stat st;
        uint8_t *data;
        size_t size;

        assert_true(fd >= 0);
        assert_true(fstat(fd, &st) == 0);
        data = malloc((size_t) st.st_size + 1);
        assert_non_null(data);
        size = read_file(fd, data, (size_t) st.st_size);
        for (size_t i = 0; needles[i]; i++)
                found += canary_count(data, size, needles[i]);
        free(data);
        close(fd);
        return found;
}

static unsigned scan(const char *what, char *const *needles) {
        if (isdigit((unsigned char) *what))
                return canary_scan((pid_t) atoi(what), (const char *const *) needles);
        return scan_file(what, needles);
}

int main(int argc, char **argv) {
        int separator = 1;
        unsigned all = 0;

        while (separator < argc && strcmp(argv[separator], "--") != 0)
                separator++;
        if (separator == 1 || separator + 1 >= argc) {
                fprintf(stderr, "usage: canary-scan PID|FILE... -- DIGITS...\n");
                return 2;
        }
        for (int i = 1; i < separator; i++) {
                unsigned n = scan(argv[i], argv + separator + 1);

                if (n > 0)
                        printf("%s: %u times\n", argv[i], n);
                all += n;
        }
        return all > 0;
}
