// SPDX-License-Identifier: LGPL-2.1-or-later
#include "care/fault-log.h"

#include <inttypes.h>
#include <systemd/sd-journal.h>

#include "base/log.h"
#include "care/fault-code.h"

/* journalctl MESSAGE_ID=… finds all of them. */
#define MESSAGE_OPENED "0d7c4f2b9f0e4d57a1c86f4b3e29d8a5"
#define MESSAGE_ENDED "5b1e93c7d24a4f0f8e6ab7c90d3f1e62"

static int level_of(const struct fault_record *record) {
        if (record->ended_usec > 0)
                return LOG_NOTICE;
        return streq(record->severity, "critical") ? LOG_CRIT
               : streq(record->severity, "error")  ? LOG_ERR
                                                   : LOG_WARNING;
}

static void describe(const struct fault_record *record, char *ret, size_t size) {
        const struct fault_code *code = fault_code_find(record->code);

        (void) snprintf(ret, size, "Fault %" PRIi64 " (%s%s%s) %s: %s%s%s%s", record->id, record->code,
                        *record->subject ? " " : "", record->subject, record->ended_usec > 0 ? "ended" : "opened",
                        code ? code->symptom : record->code, *record->detail ? " (" : "", record->detail,
                        *record->detail ? ")" : "");
}

static int send_entry(const struct fault_record *record, const char *line) {
        const char *id = record->ended_usec > 0 ? MESSAGE_ENDED : MESSAGE_OPENED;
        int level = level_of(record);

        if (record->transaction == 0)
                return sd_journal_send("MESSAGE=%s", line, "PRIORITY=%i", level, "MESSAGE_ID=%s", id, "TILLD_FAULT=%s",
                                       record->code, NULL);
        return sd_journal_send("MESSAGE=%s", line, "PRIORITY=%i", level, "MESSAGE_ID=%s", id, "TILLD_FAULT=%s",
                               record->code, "TRANSACTION=%" PRIi64, record->transaction, NULL);
}

void fault_log(const struct fault_record *record) {
        char line[640];

        if (level_of(record) > log_get_max_level())
                return;
        describe(record, line, sizeof(line));
        /* What the journal does not take goes where all lines go. */
        if (!log_is_journal() || send_entry(record, line) < 0)
                log_full(level_of(record), "%s", line);
}
