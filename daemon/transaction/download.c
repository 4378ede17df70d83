// SPDX-License-Identifier: LGPL-2.1-or-later
#include "transaction/download.h"

#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>

#include "base/hex.h"
#include "base/log.h"
#include "transaction/emv-files.h"

struct download {
        enum host_kind kind;
        const struct emv_terminal *terminal;
        const struct settings *settings;
        FILE *stream;
        char *text;
        size_t size;
        unsigned n;
};

/* Behind the package's files of the same kind, in front of an administrator's with a later name. */
static const char *file_name(const struct download *d) {
        return d->kind == HOST_CA_KEYS ? "85-acquirer-ca-keys.conf" : "65-acquirer-applications.conf";
}

int download_new(enum host_kind kind, const struct emv_terminal *terminal, const struct settings *settings,
                 struct download **ret) {
        _cleanup_(download_freep) struct download *d = calloc(1, sizeof(*d));

        if (!d)
                return -ENOMEM;
        d->kind = kind;
        d->terminal = terminal;
        d->settings = settings;
        d->stream = open_memstream(&d->text, &d->size);
        if (!d->stream)
                return -ENOMEM;
        (void) fprintf(d->stream, "# Downloaded from the acquirer. tilld writes this file anew with each download.\n");
        *ret = TAKE_PTR(d);
        return 0;
}

struct download *download_free(struct download *d) {
        if (!d)
                return NULL;
        if (d->stream)
                (void) fclose(d->stream);
        free(d->text);
        free(d);
        return NULL;
}

unsigned download_count(const struct download *d) {
        return d->n;
}

static void write_hex(struct download *d, const char *key, const void *data, size_t size) {
        char text[2 * sizeof(((struct host_ca_key *) NULL)->modulus) + 1];

        hex_encode(data, size, text);
        (void) fprintf(d->stream, "%s=%s\n", key, text);
}

/* A key of the real world stays one, whoever names it: outside live mode its cards are declined. */
static bool is_known_live_key(const struct download *d, const struct host_ca_key *k) {
        for (uint32_t i = 0; i < d->terminal->n_ca_keys; i++) {
                const struct emv_ca_key *known = d->terminal->ca_keys + i;

                if (!known->test && known->modulus_size == k->modulus_size &&
                    memcmp(known->modulus, k->modulus, k->modulus_size) == 0)
                        return true;
        }
        return false;
}

static int add_ca_key(struct download *d, const struct host_download *message) {
        struct host_ca_key k;
        uint32_t exponent = 0;
        char rid[11];
        int r;

        r = host_ca_key_parse(message->data, message->size, &k);
        if (r < 0)
                return r;
        if (d->settings->mode != MODE_LIVE && is_known_live_key(d, &k))
                return 0;
        for (size_t i = 0; i < k.exponent_size; i++)
                exponent = exponent << 8 | k.exponent[i];
        hex_encode(k.rid, sizeof(k.rid), rid);
        (void) fprintf(d->stream, "[ca-key %s %02X]\n", rid, k.index);
        write_hex(d, "modulus", k.modulus, k.modulus_size);
        (void) fprintf(d->stream, "exponent=%u\n", exponent);
        if (*k.expiry)
                (void) fprintf(d->stream, "expires=%.4s-%.2s-%.2s\n", k.expiry, k.expiry + 4, k.expiry + 6);
        write_hex(d, "sha1", k.sha1, sizeof(k.sha1));
        /* What a test acquirer vouches for is no card of the real world. */
        if (d->settings->mode != MODE_LIVE)
                (void) fprintf(d->stream, "test=yes\n");
        return 0;
}

static int add_application(struct download *d, const struct host_download *message) {
        struct host_application a;
        char aid[33], version[5];
        int r;

        r = host_application_parse(message->data, message->size, &a);
        if (r < 0)
                return r;
        hex_encode(a.aid, a.aid_size, aid);
        hex_encode(a.version, sizeof(a.version), version);
        (void) fprintf(d->stream, "[application %s]\npartial=%s\nversions=%s\n", aid, a.partial ? "yes" : "no",
                       version);
        write_hex(d, "tac-default", a.tac_default, sizeof(a.tac_default));
        write_hex(d, "tac-online", a.tac_online, sizeof(a.tac_online));
        write_hex(d, "tac-denial", a.tac_denial, sizeof(a.tac_denial));
        (void) fprintf(d->stream, "floor-limit=%u\nthreshold=%u\ntarget-max=%u\ntarget=%u\n", a.floor_limit,
                       a.threshold, a.target_max, a.target);
        if (a.ddol_size > 0)
                write_hex(d, "ddol", a.ddol, a.ddol_size);
        return 0;
}

int download_add(struct download *d, const struct host_download *message) {
        int r;

        if (message->size == 0)
                return 0;
        if (d->n > HOST_POSITION_MAX)
                return -E2BIG;
        r = d->kind == HOST_CA_KEYS ? add_ca_key(d, message) : add_application(d, message);
        if (r < 0)
                return r;
        d->n++;
        return ferror(d->stream) ? -ENOMEM : 0;
}

/* ---- The file ---- */

static int write_all(int fd, const char *text, size_t size) {
        while (size > 0) {
                ssize_t n = write(fd, text, size);

                if (n < 0)
                        return -errno;
                text += n;
                size -= (size_t) n;
        }
        return fsync(fd) < 0 ? -errno : 0;
}

static int write_file(const char *path, const char *text, size_t size) {
        _cleanup_close_ int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0600);

        return fd < 0 ? -errno : write_all(fd, text, size);
}

static int make_directory(const char *path) {
        return mkdir(path, 0700) < 0 && errno != EEXIST ? -errno : 0;
}

static int move_durably(const char *from, const char *to, const char *dir) {
        _cleanup_close_ int fd = -EBADF;

        if (rename(from, to) < 0)
                return -errno;
        fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        return fd < 0 || fsync(fd) < 0 ? -errno : 0;
}

static void log_faults(const struct emv_files *files) {
        for (size_t i = 0; i < files->n_faults; i++) {
                _cleanup_free_ char *text = emv_files_fault_text(files->faults + i);

                if (files->faults[i].fatal)
                        log_error("The acquirer's download cannot be used: %s", text ?: files->faults[i].reason);
        }
}

/* What the terminal would be with the new file in front of the one it replaces. */
static int check(const struct download *d, const char *const *dirs, const char *new_dir, struct emv_terminal *ret) {
        _cleanup_(emv_files_freep) struct emv_files *files = NULL;
        const char *with_new[EMV_FILES_DIRS_MAX + 2] = {};
        size_t n = 0;
        int r;

        for (size_t i = 0; dirs[i]; i++) {
                if (i == EMV_FILES_ACQUIRER)
                        with_new[n++] = new_dir;
                with_new[n++] = dirs[i];
        }
        r = emv_files_load(with_new, d->settings, &files);
        if (r < 0)
                return r;
        if (files->unusable) {
                log_faults(files);
                return -EINVAL;
        }
        emv_files_use(files, d->settings, ret);
        return 0;
}

int download_install(struct download *d, const char *const *dirs, struct emv_terminal *terminal) {
        _cleanup_free_ char *new_dir = NULL, *new_path = NULL, *path = NULL;
        const char *dir = dirs[EMV_FILES_ACQUIRER];
        _cleanup_free_ struct emv_terminal *with = malloc(sizeof(*with));
        int r;

        if (!with || asprintf(&new_dir, "%s.new", dir) < 0 || asprintf(&path, "%s/%s", dir, file_name(d)) < 0 ||
            asprintf(&new_path, "%s/%s", new_dir, file_name(d)) < 0)
                return -ENOMEM;
        if (d->n == 0)
                return 0;
        if (fflush(d->stream) != 0)
                return -errno;
        r = make_directory(dir);
        if (r >= 0)
                r = make_directory(new_dir);
        if (r >= 0)
                r = write_file(new_path, d->text, d->size);
        if (r >= 0)
                r = check(d, dirs, new_dir, with);
        if (r >= 0)
                r = move_durably(new_path, path, dir);
        if (r < 0) {
                (void) unlink(new_path);
                return r;
        }
        *terminal = *with;
        return 0;
}
