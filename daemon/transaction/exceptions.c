// SPDX-License-Identifier: LGPL-2.1-or-later
#include "base/hex.h"
#include "base/log.h"
#include "transaction/exceptions.h"

struct exceptions {
        uint8_t salt[EMV_SALT_SIZE];
        size_t n;
        uint8_t hashes[][EMV_EXCEPTION_SIZE]; /* in order */
};

struct exceptions *exceptions_free(struct exceptions *x) {
        free(x);
        return NULL;
}

static int compare(const void *a, const void *b) {
        return memcmp(a, b, EMV_EXCEPTION_SIZE);
}

static int grow(struct exceptions **x) {
        size_t n = *x ? (*x)->n : 0;
        struct exceptions *larger;

        if (*x && (n & (n - 1)) != 0)
                return 0;
        larger = realloc(*x, sizeof(**x) + (n > 0 ? 2 * n : 1) * EMV_EXCEPTION_SIZE);
        if (!larger)
                return -ENOMEM;
        if (!*x)
                memset(larger, 0, sizeof(*larger));
        *x = larger;
        return 0;
}

static int parse_line(const char *line, struct exceptions **x) {
        const char *salt = startswith(line, "salt=");
        int r;

        if (salt) {
                if (*x || strlen(salt) != 2 * EMV_SALT_SIZE)
                        return -EINVAL;
                r = grow(x);
                if (r < 0)
                        return r;
                return hex_decode(salt, (*x)->salt, EMV_SALT_SIZE) == EMV_SALT_SIZE ? 0 : -EINVAL;
        }
        if (!*x || strlen(line) != 2 * EMV_EXCEPTION_SIZE || (*x)->n >= EXCEPTIONS_MAX)
                return -EINVAL;
        r = grow(x);
        if (r < 0)
                return r;
        if (hex_decode(line, (*x)->hashes[(*x)->n], EMV_EXCEPTION_SIZE) != EMV_EXCEPTION_SIZE)
                return -EINVAL;
        (*x)->n++;
        return 0;
}

int exceptions_load(const char *path, struct exceptions **ret) {
        _cleanup_(exceptions_freep) struct exceptions *x = NULL;
        _cleanup_fclose_ FILE *f = NULL;
        char line[128];

        f = fopen(path, "re");
        if (!f && errno == ENOENT) {
                *ret = NULL;
                return 0;
        }
        if (!f)
                return log_error_errno(errno, "%s: cannot be read", path);
        for (unsigned number = 1; fgets(line, sizeof(line), f); number++) {
                int r = 0;

                line[strcspn(line, "\n")] = '\0';
                if (*line && *line != '#')
                        r = parse_line(line, &x);
                if (r == -EINVAL) {
                        log_error("%s:%u: is neither salt= with 32 hexadecimal digits, first and once, nor a hash "
                                  "of 64, one of at most %u",
                                  path, number, EXCEPTIONS_MAX);
                        return r;
                }
                if (r < 0)
                        return r;
        }
        if (ferror(f))
                return log_error_errno(EIO, "%s: cannot be read", path);
        if (x)
                qsort(x->hashes, x->n, EMV_EXCEPTION_SIZE, compare);
        *ret = TAKE_PTR(x);
        return 0;
}

size_t exceptions_count(const struct exceptions *x) {
        return x ? x->n : 0;
}

const uint8_t *exceptions_salt(const struct exceptions *x) {
        return x->salt;
}

bool exceptions_has(const struct exceptions *x, const uint8_t hash[static EMV_EXCEPTION_SIZE]) {
        return exceptions_count(x) > 0 && bsearch(hash, x->hashes, x->n, EMV_EXCEPTION_SIZE, compare);
}

int exceptions_has_pan(const struct exceptions *x, const char *pan) {
        uint8_t hash[EMV_EXCEPTION_SIZE];
        int r;

        if (exceptions_count(x) == 0)
                return false;
        r = emv_exception_hash(x->salt, pan, hash);
        return r < 0 ? r : exceptions_has(x, hash);
}
