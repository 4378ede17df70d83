/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * What a power cut would find: a VFS over SQLite's own, and the daemon's own calls (--wrap), write down in
 * DIRECTORY/power.log what was written there and what of it was synced. tests/crash/power.py makes the disk of it that
 * is left when the power goes.
 */

#include <stdint.h>

/* A record: this, the file's name from DIRECTORY on, and of a write its bytes. In the machine's own byte order. */
struct power_record {
        uint32_t what; /* enum power_what */
        uint32_t name_size;
        uint64_t offset; /* of a write, or the new size */
        uint64_t size;   /* of the bytes behind the name */
};

enum power_what {
        POWER_CREATED,
        POWER_WRITTEN,
        POWER_TRUNCATED,
        POWER_SYNCED,
        POWER_DELETED,
        POWER_RENAMED,          /* the new name is in the place of the bytes */
        POWER_DIRECTORY_SYNCED, /* what was created, renamed and deleted stays so */
};

/* For all databases that are opened from now on. Ends the process on an error. */
void power_record(const char *directory);
