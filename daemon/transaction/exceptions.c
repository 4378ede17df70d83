// SPDX-License-Identifier: LGPL-2.1-or-later
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <sys/stat.h>

#include "base/hex.h"
#include "base/log.h"
#include "base/secret.h"
#include "transaction/exceptions.h"

#define SALT_SIZE 16
#define HASH_SIZE 32

struct exceptions {
        uint8_t salt[SALT_SIZE];
        bool has_salt;
        size_t n, max;
        uint8_t hashes[][HASH_SIZE]; /* in order */
};

struct exceptions *exceptions_free(struct exceptions *x) {
        return secret_free(x);
}

static int compare(const void *a, const void *b) {
        return memcmp(a, b, HASH_SIZE);
}

/* In place (Shell's): qsort() works in memory that nobody wipes. */
static void sort(struct exceptions *x) {
        uint8_t moved[HASH_SIZE];
        WIPE_AT_END(moved);
        size_t gap = 1, k;

        while (gap < x->n / 3)
                gap = 3 * gap + 1;
        for (; gap > 0; gap /= 3)
                for (size_t i = gap; i < x->n; i++) {
                        memcpy(moved, x->hashes[i], sizeof(moved));
                        for (k = i; k >= gap && compare(x->hashes[k - gap], moved) > 0; k -= gap)
                                memcpy(x->hashes[k], x->hashes[k - gap], sizeof(moved));
                        memcpy(x->hashes[k], moved, sizeof(moved));
                }
}

static int parse_line(struct exceptions *x, const char *line) {
        const char *salt = startswith(line, "salt=");

        if (salt) {
                if (x->has_salt || strlen(salt) != 2 * SALT_SIZE)
                        return -EINVAL;
                x->has_salt = true;
                return hex_decode(salt, x->salt, SALT_SIZE) == SALT_SIZE ? 0 : -EINVAL;
        }
        if (!x->has_salt || strlen(line) != 2 * HASH_SIZE || x->n >= x->max)
                return -EINVAL;
        if (hex_decode(line, x->hashes[x->n], HASH_SIZE) != HASH_SIZE)
                return -EINVAL;
        x->n++;
        return 0;
}

/* A whole line; what is kept of a long one is longer than what parse_line() takes. False at the file's end. */
static bool read_line(FILE *f, char *line, size_t size) {
        size_t n = 0;
        int c;

        while ((c = getc_unlocked(f)) != EOF && c != '\n')
                if (n < size - 1)
                        line[n++] = (char) (c ?: '?'); /* a zero byte does not end the line */
        line[n] = '\0';
        return n > 0 || c != EOF;
}

static int parse(struct exceptions *x, const char *path, FILE *f) {
        char line[128];
        WIPE_AT_END(line);

        for (unsigned number = 1; read_line(f, line, sizeof(line)); number++) {
                if (*line == '\0' || *line == '#' || parse_line(x, line) >= 0)
                        continue;
                log_error("%s:%u: is neither salt= with 32 hexadecimal digits, first and once, nor a hash of 64, one "
                          "of at most %u",
                          path, number, EXCEPTIONS_MAX);
                return -EINVAL;
        }
        return ferror(f) ? log_error_errno(EIO, "%s: cannot be read", path) : 0;
}

/* Who has salt and hashes can find the numbers by trying them. */
static int check_access(const char *path, const struct stat *st, uid_t uid, gid_t gid) {
        if (!S_ISREG(st->st_mode)) {
                log_error("%s: is not a file", path);
                return -EINVAL;
        }
        if ((st->st_uid == 0 || st->st_uid == uid) && (st->st_mode & 07) == 0 &&
            ((st->st_mode & 070) == 0 || st->st_gid == gid))
                return 0;
        log_error("%s: is open to others than root and tilld (mode %04o, owner %u, group %u), who can find the card "
                  "numbers by it; do: chown root:tilld %s && chmod 0640 %s",
                  path, (unsigned) st->st_mode & 07777, (unsigned) st->st_uid, (unsigned) st->st_gid, path, path);
        return -EPERM;
}

int exceptions_load(const char *path, uid_t uid, gid_t gid, struct exceptions **ret) {
        _cleanup_(exceptions_freep) struct exceptions *x = NULL;
        char buffer[4096];
        WIPE_AT_END(buffer);
        _cleanup_fclose_ FILE *f = NULL;
        struct stat st;
        int unreadable, r;
        size_t max;

        f = fopen(path, "re");
        unreadable = f ? 0 : errno;
        if (unreadable == ENOENT) {
                *ret = NULL;
                return 0;
        }
        if ((f ? fstat(fileno(f), &st) : stat(path, &st)) < 0)
                return log_error_errno(errno, "%s: cannot be read", path);
        /* What tilld may not read has most often the wrong group. */
        r = check_access(path, &st, uid, gid);
        if (r < 0)
                return r;
        if (!f)
                return log_error_errno(unreadable, "%s: cannot be read", path);
        (void) setvbuf(f, buffer, _IOFBF, sizeof(buffer));

        max = MIN((size_t) st.st_size / (2 * HASH_SIZE), (size_t) EXCEPTIONS_MAX);
        x = secret_new(sizeof(*x) + max * HASH_SIZE);
        if (!x)
                return log_oom();
        x->max = max;
        r = parse(x, path, f);
        if (r < 0)
                return r;
        sort(x);
        *ret = TAKE_PTR(x);
        return 0;
}

size_t exceptions_count(const struct exceptions *x) {
        return x ? x->n : 0;
}

int exceptions_has_pan(const struct exceptions *x, const char *pan) {
        uint8_t hash[HASH_SIZE];
        WIPE_AT_END(hash);

        if (exceptions_count(x) == 0)
                return false;
        if (!HMAC(EVP_sha256(), x->salt, SALT_SIZE, (const uint8_t *) pan, strlen(pan), hash, NULL))
                return -EIO;
        return bsearch(hash, x->hashes, x->n, HASH_SIZE, compare) != NULL;
}
