/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Looks for the digits of cards, phones and codes, or for a text with them, in the writable memory of a process that
 * is stopped. The caller may read it. */

#include <fcntl.h>

#include "base/macro.h"

#define CANARY_DIGITS_MAX 20

/* A needle in nibbles: digits as in BCD, from the upper nibble of a byte or from the lower. */
static inline bool canary_nibbles(const uint8_t *at, const char *digits, size_t n, unsigned shift) {
        for (size_t i = 0; i < n; i++) {
                size_t k = i + shift;
                uint8_t nibble = k % 2 ? at[k / 2] & 0x0f : at[k / 2] >> 4;

                if (nibble != (uint8_t) (digits[i] - '0'))
                        return false;
        }
        return true;
}

/* The same in the order of a big number's words: the last byte first. */
static inline bool canary_reversed(const uint8_t *at, const char *digits, size_t n, unsigned shift) {
        size_t last = (n + shift - 1) / 2;

        for (size_t i = 0; i < n; i++) {
                size_t k = i + shift;
                uint8_t byte = at[last - k / 2];

                if ((k % 2 ? byte & 0x0f : byte >> 4) != digits[i] - '0')
                        return false;
        }
        return true;
}

/* How often the digits are in the memory: as text, and as nibbles in both positions and orders. Others as text. */
static inline unsigned canary_count(const uint8_t *data, size_t size, const char *digits) {
        size_t n = strlen(digits);
        bool number = strspn(digits, "0123456789") == n;
        unsigned found = 0;

        for (size_t i = 0; i < size; i++) {
                if (i + n <= size && data[i] == (uint8_t) *digits && memcmp(data + i, digits, n) == 0)
                        found++;
                for (unsigned shift = 0; number && shift < 2 && i + (n + shift + 1) / 2 <= size; shift++)
                        if (canary_nibbles(data + i, digits, n, shift) || canary_reversed(data + i, digits, n, shift))
                                found++;
        }
        return found;
}

/* In every writable mapping of the process; says where on standard error. */
static inline unsigned canary_scan(pid_t pid, const char *const *needles) {
        char path[64], line[512];
        unsigned found = 0;
        FILE *maps;
        int fd;

        snprintf(path, sizeof(path), "/proc/%d/mem", pid);
        fd = open(path, O_RDONLY | O_CLOEXEC);
        assert_true(fd >= 0);
        snprintf(path, sizeof(path), "/proc/%d/maps", pid);
        maps = fopen(path, "re");
        assert_non_null(maps);
        while (fgets(line, sizeof(line), maps)) {
                unsigned long from, to;
                uint8_t *data;
                ssize_t size;
                char rights[5];

                if (sscanf(line, "%lx-%lx %4s", &from, &to, rights) != 3 || rights[1] != 'w')
                        continue;
                /* What a library's file brings along: addresses in there look like the zeros of a test card. */
                if (strstr(line, ".so"))
                        continue;
                data = malloc(to - from);
                assert_non_null(data);
                /* What was never touched of a mapping reads as zeros. */
                size = pread(fd, data, to - from, (off_t) from);
                assert_int_equal(size, to - from);
                for (size_t i = 0; needles[i]; i++) {
                        unsigned n = canary_count(data, (size_t) size, needles[i]);

                        if (n > 0 && getenv("CANARY_SHOW"))
                                fprintf(stderr, "%u times needle %zu in %s", n, i, line);
                        found += n;
                }
                free(data);
        }
        fclose(maps);
        close(fd);
        return found;
}
