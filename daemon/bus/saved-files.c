// SPDX-License-Identifier: LGPL-2.1-or-later
#include "bus/saved-files.h"

#include <dirent.h>
#include <fcntl.h>
#include <limits.h>
#include <sys/stat.h>

static bool is_older(const struct stat *a, const struct stat *b) {
        if (a->st_mtim.tv_sec != b->st_mtim.tv_sec)
                return a->st_mtim.tv_sec < b->st_mtim.tv_sec;
        return a->st_mtim.tv_nsec < b->st_mtim.tv_nsec;
}

/* How many files there are, and the oldest but one that stays; "" for none. */
static unsigned find_oldest(DIR *dir, const char *prefix, const char *stays, char name[NAME_MAX + 1]) {
        const struct dirent *entry;
        struct stat st, oldest = {};
        unsigned n = 0;

        *name = '\0';
        while ((entry = readdir(dir))) {
                if (!startswith(entry->d_name, prefix))
                        continue;
                n++;
                if (streq(entry->d_name, stays) || fstatat(dirfd(dir), entry->d_name, &st, AT_SYMLINK_NOFOLLOW) < 0 ||
                    (*name && !is_older(&st, &oldest)))
                        continue;
                oldest = st;
                (void) snprintf(name, NAME_MAX + 1, "%s", entry->d_name);
        }
        return n;
}

/* What is about something of long ago, saved just now, is new. */
void saved_files_prune(const char *folder, const char *prefix, const char *stays, unsigned max) {
        char name[NAME_MAX + 1];
        DIR *dir = opendir(folder);

        if (!dir)
                return;
        while (find_oldest(dir, prefix, stays, name) > max && *name && unlinkat(dirfd(dir), name, 0) >= 0)
                rewinddir(dir);
        (void) closedir(dir);
}
