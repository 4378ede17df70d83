// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * The files of our packages against what dpkg knows of them. It knows MD5 sums, and they are on the same disk: that
 * finds damage and clumsy hands, not somebody who is root and means harm.
 */
#include <fcntl.h>
#include <openssl/evp.h>
#include <sys/stat.h>

#include "base/hex.h"
#include "helpers/till-verify/verify.h"

#define DPKG "/var/lib/dpkg"
#define MD5_TEXT 32
#define LINE_MAX_BYTES 4096
/* Of each list; the numbers are those of all. */
#define LISTED_MAX 32

static const char *const ours[] = { "tilld", "till-dkms", "till-acquirer", "till-sim", "till-dev" };

DEFINE_CLEANUP(EVP_MD_CTX *, EVP_MD_CTX_free);

void verify_make_plain(char *text) {
        for (; *text; text++)
                if (*text < ' ' || *text > '~')
                        *text = '?';
}

/* ---- A file ---- */

enum file_state {
        FILE_GOOD,
        FILE_CHANGED,
        FILE_MISSING,
        FILE_UNREADABLE,
};

static int md5_of(int fd, char ret[static MD5_TEXT + 1]) {
        _cleanup_(EVP_MD_CTX_freep) EVP_MD_CTX *c = EVP_MD_CTX_new();
        uint8_t data[65536], md5[EVP_MAX_MD_SIZE];
        unsigned size;
        ssize_t n;

        if (!c || EVP_DigestInit_ex(c, EVP_md5(), NULL) != 1)
                return -EOPNOTSUPP;
        while ((n = read(fd, data, sizeof(data))) > 0)
                if (EVP_DigestUpdate(c, data, (size_t) n) != 1)
                        return -EIO;
        if (n < 0)
                return -errno;
        if (EVP_DigestFinal_ex(c, md5, &size) != 1 || size * 2 != MD5_TEXT)
                return -EIO;
        hex_encode(md5, size, ret);
        return 0;
}

static enum file_state look_at(const char *root, const char *path, const char *expected) {
        char full[LINE_MAX_BYTES + 256], md5[MD5_TEXT + 1];
        _cleanup_close_ int fd = -EBADF;
        struct stat st;

        (void) snprintf(full, sizeof(full), "%s/%s", root, path);
        /* What was a file is none where a link or a pipe has its place. */
        fd = open(full, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
        if (fd < 0)
                return errno == ENOENT || errno == ENOTDIR ? FILE_MISSING
                       : errno == ELOOP || errno == ENXIO  ? FILE_CHANGED
                                                           : FILE_UNREADABLE;
        if (fstat(fd, &st) < 0 || !S_ISREG(st.st_mode))
                return FILE_CHANGED;
        if (md5_of(fd, md5) < 0)
                return FILE_UNREADABLE;
        return strcasecmp(md5, expected) == 0 ? FILE_GOOD : FILE_CHANGED;
}

/* ---- A package ---- */

static bool count(cJSON *package, const char *name) {
        cJSON *item = cJSON_GetObjectItemCaseSensitive(package, name);

        if (!item)
                return cJSON_AddNumberToObject(package, name, 1);
        cJSON_SetNumberValue(item, cJSON_GetNumberValue(item) + 1);
        return true;
}

static bool list(cJSON *package, const char *name, const char *path) {
        cJSON *paths = cJSON_GetObjectItemCaseSensitive(package, name);
        char text[LINE_MAX_BYTES];

        if (cJSON_GetArraySize(paths) >= LISTED_MAX)
                return true;
        (void) snprintf(text, sizeof(text), "/%s", path);
        verify_make_plain(text);
        return cJSON_AddItemToArray(paths, cJSON_CreateString(text));
}

/* dpkg is told by some systems to leave these out (path-exclude). */
static bool may_be_left_out(const char *path) {
        return startswith(path, "usr/share/doc/") || startswith(path, "usr/share/man/") ||
               startswith(path, "usr/share/locale/");
}

static bool note_file(cJSON *package, const char *path, enum file_state state) {
        switch (state) {
        case FILE_CHANGED:
                return list(package, "Changed", path);
        case FILE_MISSING:
                return may_be_left_out(path) ? count(package, "LeftOut") : list(package, "Missing", path);
        case FILE_UNREADABLE:
                return list(package, "Unreadable", path);
        case FILE_GOOD:
                break;
        }
        return true;
}

/* "0cc175b9c0f1b6a831c399e269772661  usr/bin/tillctl" */
static bool read_sum(char *line, const char **ret_path) {
        if (strspn(line, "0123456789abcdef") != MD5_TEXT || !startswith(line + MD5_TEXT, "  "))
                return false;
        line[MD5_TEXT] = '\0';
        *ret_path = line + MD5_TEXT + 2;
        return **ret_path != '\0' && **ret_path != '/';
}

static int check_files(const char *root, cJSON *package) {
        const char *name = cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(package, "Package"));
        char path[512], line[LINE_MAX_BYTES];
        _cleanup_fclose_ FILE *f = NULL;
        const char *file;

        (void) snprintf(path, sizeof(path), "%s" DPKG "/info/%s.md5sums", root, name);
        f = fopen(path, "re");
        if (!f)
                return list(package, errno == ENOENT ? "Missing" : "Unreadable", path + strlen(root) + 1) ? 0
                                                                                                          : -ENOMEM;
        while (fgets(line, sizeof(line), f)) {
                line[strcspn(line, "\n")] = '\0';
                if (!read_sum(line, &file))
                        return -EBADMSG;
                if (!count(package, "Files") || !note_file(package, file, look_at(root, file, line)))
                        return -ENOMEM;
        }
        return ferror(f) ? -EIO : 0;
}

static bool has(const cJSON *package, const char *name) {
        return cJSON_GetArraySize(cJSON_GetObjectItemCaseSensitive(package, name)) > 0;
}

static bool judge(cJSON *package) {
        return cJSON_AddStringToObject(package, "State",
                                       has(package, "Changed") || has(package, "Missing") ? "changed"
                                       : has(package, "Unreadable")                       ? "unreadable"
                                                                                          : "good");
}

/* ---- What dpkg says is installed ---- */

struct stanza {
        const char *root;
        cJSON *packages;
        const char *name; /* NULL: none of ours */
        cJSON *package;   /* NULL: not installed */
        bool conffiles;
};

static int begin_package(struct stanza *s) {
        cJSON *o = cJSON_CreateObject();

        if (!cJSON_AddItemToArray(s->packages, o))
                return -ENOMEM;
        s->package = o;
        return cJSON_AddStringToObject(o, "Package", s->name) && cJSON_AddArrayToObject(o, "Changed") &&
                               cJSON_AddArrayToObject(o, "Missing") && cJSON_AddArrayToObject(o, "Unreadable") &&
                               cJSON_AddArrayToObject(o, "Configuration")
                       ? 0
                       : -ENOMEM;
}

/* " /etc/tilld/tilld.conf 0cc175b9c0f1b6a831c399e269772661": who changes these does what they are for. */
static int take_conffile(struct stanza *s, const char *line) {
        char path[LINE_MAX_BYTES], md5[MD5_TEXT + 1];
        enum file_state state;

        if (sscanf(line, " /%4000s %32s", path, md5) != 2)
                return 0;
        state = look_at(s->root, path, md5);
        if (state == FILE_UNREADABLE)
                return list(s->package, "Unreadable", path) ? 0 : -ENOMEM;
        return state == FILE_GOOD || list(s->package, "Configuration", path) ? 0 : -ENOMEM;
}

static const char *find_ours(const char *name) {
        for (size_t i = 0; i < ELEMENTSOF(ours); i++)
                if (streq(ours[i], name))
                        return ours[i];
        return NULL;
}

static int take_line(struct stanza *s, char *line) {
        const char *value;

        if (s->conffiles && *line == ' ')
                return s->package ? take_conffile(s, line) : 0;
        s->conffiles = streq(line, "Conffiles:");
        if ((value = startswith(line, "Package: "))) {
                s->name = find_ours(value);
                s->package = NULL;
        }
        if (!s->name)
                return 0;
        /* "install ok installed", also of one that is on hold; half of one is another word. */
        if ((value = startswith(line, "Status: ")) && !s->package &&
            streq(strempty(strrchr(value, ' ')), " installed"))
                return begin_package(s);
        if ((value = startswith(line, "Version: ")) && s->package &&
            !cJSON_GetObjectItemCaseSensitive(s->package, "Version")) {
                verify_make_plain(line);
                return cJSON_AddStringToObject(s->package, "Version", value) ? 0 : -ENOMEM;
        }
        return 0;
}

static int read_status(FILE *f, struct stanza *s) {
        _cleanup_free_ char *line = NULL;
        size_t size = 0;
        ssize_t n;
        int r;

        while ((n = getline(&line, &size, f)) > 0) {
                if (line[n - 1] == '\n')
                        line[n - 1] = '\0';
                r = take_line(s, line);
                if (r < 0)
                        return r;
        }
        return ferror(f) ? -EIO : 0;
}

static bool exists(const char *root, const char *path) {
        char full[512];

        (void) snprintf(full, sizeof(full), "%s%s", root, path);
        return access(full, F_OK) >= 0;
}

/* librpm brings a data base of its own along; rpm itself says it better. */
static int say_manager(const char *root, cJSON *document) {
        bool rpm = exists(root, "/usr/lib/sysimage/rpm") || exists(root, "/var/lib/rpm");

        return cJSON_AddStringToObject(document, "Manager", rpm ? "rpm" : "") ? 0 : -ENOMEM;
}

int verify_packages(const char *root, cJSON *document) {
        struct stanza s = { .root = root, .packages = cJSON_AddArrayToObject(document, "Packages") };
        _cleanup_fclose_ FILE *f = NULL;
        char path[512];
        cJSON *package;
        int r;

        if (!s.packages)
                return -ENOMEM;
        (void) snprintf(path, sizeof(path), "%s" DPKG "/status", root);
        f = fopen(path, "re");
        if (!f)
                return errno == ENOENT ? say_manager(root, document) : -errno;
        if (!cJSON_AddStringToObject(document, "Manager", "dpkg"))
                return -ENOMEM;
        r = read_status(f, &s);
        cJSON_ArrayForEach(package, s.packages) {
                if (r >= 0)
                        r = check_files(root, package);
                if (r >= 0 && !judge(package))
                        r = -ENOMEM;
        }
        return r;
}
