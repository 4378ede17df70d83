// SPDX-License-Identifier: LGPL-2.1-or-later
#include <ctype.h>
#include <dirent.h>
#include <fcntl.h>
#include <sys/stat.h>

#include "base/config.h"
#include "base/log.h"

/* More is a mistake, and no reason to be short of memory. */
#define FILE_MAX (1 << 20)

static char *strip(char *s) {
        char *e;

        while (isspace((unsigned char) *s))
                s++;
        e = s + strlen(s);
        while (e > s && isspace((unsigned char) e[-1]))
                *--e = '\0';
        return s;
}

/* Who takes what is read. */
struct reader {
        config_assign_t assign;
        config_observe_t observe;
        void *userdata;
};

static void log_line(const struct config_line *line, void *userdata) {
        if (line->reason)
                log_error("%s:%u: %s", line->path, line->number, line->reason);
}

/* Reads one line that is neither empty nor a comment. The section is replaced by a header line. */
static int parse_line(char *line, char **section, const struct reader *reader, const char **ret_key,
                      const char **ret_reason) {
        char *eq, *key, *value;
        size_t l = strlen(line);

        if (line[0] == '[') {
                if (l < 3 || line[l - 1] != ']') {
                        *ret_reason = "a section is written [name]";
                        return -EINVAL;
                }
                line[l - 1] = '\0';
                return free_and_strdup(section, line + 1);
        }

        eq = strchr(line, '=');
        if (!eq) {
                *ret_reason = "neither [section] nor key=value";
                return -EINVAL;
        }
        if (!*section) {
                *ret_reason = "an assignment before the first [section]";
                return -EINVAL;
        }
        *eq = '\0';
        *ret_key = key = strip(line);
        value = strip(eq + 1);
        return reader->assign(*section, key, value, reader->userdata, ret_reason);
}

/* *ret is NULL for /dev/null, which stands for a packaged file that is not wanted. Nothing is waited for, as a FIFO.
 */
static int open_file(const char *path, FILE **ret) {
        _cleanup_close_ int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
        struct stat st;

        *ret = NULL;
        if (fd < 0 || fstat(fd, &st) < 0)
                return -errno;
        if (S_ISCHR(st.st_mode))
                return 0;
        if (S_ISREG(st.st_mode) && st.st_size <= FILE_MAX) {
                *ret = fdopen(fd, "r");
                if (!*ret)
                        return -errno;
                TAKE_FD(fd);
                return 0;
        }
        if (S_ISDIR(st.st_mode))
                return -EISDIR;
        log_error("%s: this is %s", path, S_ISREG(st.st_mode) ? "larger than 1 MiB" : "no file");
        return -EINVAL;
}

/* Behind the mark that some editors put before UTF-8. */
static char *skip_mark(char *line) {
        return (char *) startswith(line, "\xef\xbb\xbf") ?: line;
}

static int read_file(const char *path, const struct reader *reader) {
        _cleanup_fclose_ FILE *f = NULL;
        _cleanup_free_ char *line = NULL, *section = NULL;
        size_t allocated = 0;
        unsigned number = 0;
        ssize_t n;
        int r;

        r = open_file(path, &f);
        if (r < 0 || !f)
                return r;

        while (errno = 0, (n = getline(&line, &allocated, f)) >= 0) {
                struct config_line seen = { .path = path, .reason = "it has a NUL byte; is it UTF-8?", .key = "" };
                int k = memchr(line, '\0', (size_t) n) ? -EINVAL : 0;
                char *l = strip(number == 0 ? skip_mark(line) : line);

                number++;
                if (k >= 0 && (!*l || *l == '#' || *l == ';'))
                        continue;
                if (k >= 0) {
                        seen.reason = "not understood";
                        k = parse_line(l, &section, reader, &seen.key, &seen.reason);
                }
                if (k == -ENOMEM)
                        return k;
                if (k < 0)
                        r = -EINVAL;
                else
                        seen.reason = NULL;
                seen.number = number;
                seen.section = section ?: "";
                reader->observe(&seen, reader->userdata);
        }
        if (errno > 0)
                return -errno;
        return r;
}

int config_parse_file(const char *path, config_assign_t assign, void *userdata) {
        return read_file(path, &(struct reader){ assign, log_line, userdata });
}

struct drop_in {
        char *name;
        char *path;
};

struct drop_ins {
        struct drop_in *items;
        size_t n;
};

static void drop_ins_done(struct drop_ins *d) {
        for (size_t i = 0; i < d->n; i++) {
                free(d->items[i].name);
                free(d->items[i].path);
        }
        free(d->items);
}

static bool drop_ins_contain(const struct drop_ins *d, const char *name) {
        for (size_t i = 0; i < d->n; i++)
                if (streq(d->items[i].name, name))
                        return true;
        return false;
}

static int drop_ins_add(struct drop_ins *d, const char *dir, const char *name) {
        struct drop_in *items;
        char *n, *p;

        items = reallocarray(d->items, d->n + 1, sizeof(*items));
        if (!items)
                return -ENOMEM;
        d->items = items;

        n = strdup(name);
        if (!n)
                return -ENOMEM;
        if (asprintf(&p, "%s/%s", dir, name) < 0) {
                free(n);
                return -ENOMEM;
        }
        d->items[d->n++] = (struct drop_in){ n, p };
        return 0;
}

static void closedirp(DIR **d) {
        if (*d)
                (void) closedir(*d);
}

static int drop_ins_collect(struct drop_ins *d, const char *dir) {
        _cleanup_(closedirp) DIR *handle = NULL;
        struct dirent *e;
        int r;

        handle = opendir(dir);
        if (!handle)
                return errno == ENOENT ? 0 : -errno;

        while (errno = 0, (e = readdir(handle))) {
                size_t l = strlen(e->d_name);

                if (e->d_name[0] == '.' || l < 6 || !streq(e->d_name + l - 5, ".conf"))
                        continue;
                if (drop_ins_contain(d, e->d_name))
                        continue;
                r = drop_ins_add(d, dir, e->d_name);
                if (r < 0)
                        return r;
        }
        return -errno;
}

static int drop_in_compare(const void *a, const void *b) {
        return strcmp(((const struct drop_in *) a)->name, ((const struct drop_in *) b)->name);
}

int config_observe_dirs(const char *const *dirs, config_assign_t assign, config_observe_t observe, void *userdata) {
        const struct reader reader = { assign, observe, userdata };
        _cleanup_(drop_ins_done) struct drop_ins d = {};
        int r, result = 0;

        for (; *dirs; dirs++) {
                r = drop_ins_collect(&d, *dirs);
                if (r < 0)
                        return log_error_errno(r, "%s: cannot be listed", *dirs);
        }

        if (d.n > 0)
                qsort(d.items, d.n, sizeof(*d.items), drop_in_compare);
        for (size_t i = 0; i < d.n; i++) {
                r = read_file(d.items[i].path, &reader);
                if (r < 0 && r != -EINVAL)
                        return log_error_errno(r, "%s: cannot be read", d.items[i].path);
                if (r < 0)
                        result = r;
        }
        return result;
}

int config_parse_dirs(const char *const *dirs, config_assign_t assign, void *userdata) {
        return config_observe_dirs(dirs, assign, log_line, userdata);
}
