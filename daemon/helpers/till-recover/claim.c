// SPDX-License-Identifier: LGPL-2.1-or-later
/* Which program has a device's node open, as far as we may look: in our own unit that is nobody's files but ours. */
#include <ctype.h>
#include <dirent.h>

#include "helpers/till-recover/describe.h"

static bool process_has(const char *pid, const char *node) {
        char path[64], target[256];
        struct dirent *entry;
        bool found = false;
        DIR *dir;

        (void) snprintf(path, sizeof(path), "/proc/%.16s/fd", pid);
        dir = opendir(path);
        if (!dir)
                return false;
        while (!found && (entry = readdir(dir))) {
                ssize_t n = readlinkat(dirfd(dir), entry->d_name, target, sizeof(target) - 1);

                target[MAX(n, (ssize_t) 0)] = '\0';
                found = streq(target, node);
        }
        (void) closedir(dir);
        return found;
}

static void process_name(const char *pid, char claim[static CLAIM_MAX]) {
        char path[64], comm[32] = "", clean[PROBE_STRING_MAX];
        _cleanup_fclose_ FILE *f = NULL;

        (void) snprintf(path, sizeof(path), "/proc/%.16s/comm", pid);
        f = fopen(path, "re");
        if (f && fgets(comm, sizeof(comm), f))
                comm[strcspn(comm, "\n")] = '\0';
        probe_clean(comm, clean);
        (void) snprintf(claim, CLAIM_MAX, "%.32s (%.16s)", clean, pid);
}

void claim_find(const char *node, char claim[static CLAIM_MAX]) {
        DIR *dir = opendir("/proc");
        struct dirent *entry;
        char self[16];

        claim[0] = '\0';
        if (!dir)
                return;
        (void) snprintf(self, sizeof(self), "%d", (int) getpid());
        while (!*claim && (entry = readdir(dir)))
                if (isdigit((unsigned char) entry->d_name[0]) && !streq(entry->d_name, self) &&
                    process_has(entry->d_name, node))
                        process_name(entry->d_name, claim);
        (void) closedir(dir);
}
