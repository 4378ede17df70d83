// SPDX-License-Identifier: LGPL-2.1-or-later
/* The payment records before another phone is bound: a file beside the journal, and its SHA-256. */
#include <dirent.h>
#include <fcntl.h>
#include <inttypes.h>
#include <openssl/evp.h>

#include "base/hex.h"
#include "base/log.h"
#include "binding/rebind.h"
#include "journal/summary.h"
#include "transaction/export.h"

#define FOLDER "backups"
#define PREFIX "rebind-"
/* The newest that stay. */
#define KEPT 5
#define READ_SIZE (256 << 10)

struct backup {
        struct binding *binding;
        char *folder;
        struct export *export; /* until it is written */
        char name[sizeof(((struct rebind_record *) NULL)->backup)];
        int fd; /* to read it back */
        EVP_MD_CTX *digest;
        bool running;
};

struct backup *backup_free(struct backup *bk) {
        if (!bk)
                return NULL;
        if (bk->running) {
                bk->running = false;
                upkeep_cancel(engine_upkeep(bk->binding->engine), -ECANCELED, bk);
        }
        export_free(bk->export);
        EVP_MD_CTX_free(bk->digest);
        safe_close(bk->fd);
        free(bk->folder);
        free(bk);
        return NULL;
}
DEFINE_CLEANUP(struct backup *, backup_free);

/* Beside the journal. */
static int find_folder(struct journal *j, char **ret) {
        struct journal_summary summary;
        const char *slash;
        int r;

        r = journal_summarize(j, &summary);
        if (r < 0)
                return r;
        slash = strrchr(summary.path, '/');
        if (!slash)
                return -ENOENT;
        return asprintf(ret, "%.*s/" FOLDER, (int) (slash - summary.path), summary.path) < 0 ? -ENOMEM : 0;
}

/* The number of the change in a file's name, -1 for what is no backup of this mode: each counts for itself. */
static int64_t number_of(const char *name, const char *mode) {
        const char *text = startswith(name, PREFIX);
        char word[16];
        int64_t n;

        return text && sscanf(text, "%" SCNi64 "-%15[a-z]", &n, word) == 2 && streq(word, mode) ? n : -1;
}

/* What a kill has left. */
static bool is_unfinished(const char *name) {
        size_t l = strlen(name);

        return l > 4 && streq(name + l - 4, ".new");
}

static void remove_file(DIR *d, const char *name) {
        if (unlinkat(dirfd(d), name, 0) < 0)
                log_warning_errno(errno, "Backup %s cannot be removed", name);
}

static void remove_unfinished(const char *folder, const char *mode) {
        DIR *d = opendir(folder);

        if (!d)
                return;
        for (struct dirent *entry = readdir(d); entry; entry = readdir(d))
                if (number_of(entry->d_name, mode) >= 0 && is_unfinished(entry->d_name))
                        remove_file(d, entry->d_name);
        (void) closedir(d);
}

/* How many of the mode are of a later change. */
static unsigned count_newer(DIR *d, const char *mode, int64_t number) {
        unsigned n = 0;

        rewinddir(d);
        for (struct dirent *entry = readdir(d); entry; entry = readdir(d))
                n += number_of(entry->d_name, mode) > number;
        return n;
}

/* Files count, not numbers: many a change ends before its backup. */
static void remove_old(const char *folder, const char *mode) {
        _cleanup_free_ char *oldest = NULL;
        int64_t least = INT64_MAX;
        DIR *d = opendir(folder);

        if (!d)
                return;
        for (struct dirent *entry = readdir(d); entry; entry = readdir(d)) {
                int64_t n = number_of(entry->d_name, mode);

                if (n < 0 || n >= least)
                        continue;
                free(oldest);
                oldest = strdup(entry->d_name);
                least = n;
        }
        if (oldest && count_newer(d, mode, least) >= KEPT)
                remove_file(d, oldest);
        (void) closedir(d);
}

/* Its name is on the disk as well; from here on it is read back. */
static int finish_file(struct backup *bk) {
        _cleanup_close_ int folder = -EBADF;
        const char *path, *name;
        int r;

        r = export_finish(bk->export, &path);
        if (r < 0)
                return r;
        folder = open(bk->folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        if (folder < 0 || fsync(folder) < 0)
                return -errno;
        name = strrchr(path, '/') + 1;
        if (strlen(name) >= sizeof(bk->name))
                return -ENAMETOOLONG;
        COPY(bk->name, name);
        bk->fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
        if (bk->fd < 0)
                return -errno;
        bk->export = export_free(bk->export);
        return 1;
}

static int read_back(struct backup *bk) {
        _cleanup_free_ uint8_t *data = malloc(READ_SIZE);
        ssize_t n;

        if (!data)
                return -ENOMEM;
        n = read(bk->fd, data, READ_SIZE);
        if (n < 0)
                return -errno;
        if (EVP_DigestUpdate(bk->digest, data, (size_t) n) != 1)
                return -ENOMEM;
        return n > 0;
}

static int slice(struct journal *j, void *userdata) {
        struct backup *bk = userdata;
        int r;

        if (!bk->export)
                return read_back(bk);
        r = export_slice(j, bk->export);
        return r != 0 ? r : finish_file(bk);
}

static void end(int r, void *userdata) {
        struct backup *bk = userdata;
        uint8_t digest[EVP_MAX_MD_SIZE];
        char text[2 * EVP_MAX_MD_SIZE + 1] = "";
        unsigned size = 0;

        /* Whoever frees it wants no word. */
        if (!bk->running)
                return;
        bk->running = false;
        if (r == -ECANCELED)
                return;
        if (r >= 0 && EVP_DigestFinal_ex(bk->digest, digest, &size) != 1)
                r = -ENOMEM;
        if (r >= 0) {
                hex_encode(digest, size, text);
                remove_old(bk->folder, mode_to_string(bk->binding->engine->config.settings->mode));
        }
        rebind_backed_up(bk->binding, r, bk->name, text);
}

int backup_start(struct binding *b) {
        _cleanup_(backup_freep) struct backup *bk = calloc(1, sizeof(*bk));
        struct upkeep_work work = { .slice = slice, .end = end, .userdata = bk };
        const char *mode = mode_to_string(b->engine->config.settings->mode);
        char name[48];
        int r;

        if (!bk)
                return -ENOMEM;
        bk->binding = b;
        bk->fd = -EBADF;
        bk->digest = EVP_MD_CTX_new();
        if (!bk->digest || EVP_DigestInit_ex(bk->digest, EVP_sha256(), NULL) != 1)
                return -ENOMEM;
        r = find_folder(binding_journal(b), &bk->folder);
        if (r < 0)
                return r;
        remove_unfinished(bk->folder, mode);
        (void) snprintf(name, sizeof(name), PREFIX "%" PRIi64 "-%s", b->rebind.id, mode);
        r = export_to_folder(binding_journal(b), bk->folder, name, &bk->export);
        if (r < 0)
                return r;
        r = upkeep_run(engine_upkeep(b->engine), &work);
        if (r < 0)
                return r;
        bk->running = true;
        b->backup = TAKE_PTR(bk);
        return 0;
}
