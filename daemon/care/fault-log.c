// SPDX-License-Identifier: LGPL-2.1-or-later
#include "care/fault-log.h"

#include <inttypes.h>

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

void fault_log(const struct fault_record *record) {
        char line[640], code[64], transaction[40];
        const char *const fields[] = { code, record->transaction > 0 ? transaction : NULL, NULL };

        (void) snprintf(code, sizeof(code), "TILLD_FAULT=%s", record->code);
        (void) snprintf(transaction, sizeof(transaction), "TRANSACTION=%" PRIi64, record->transaction);
        describe(record, line, sizeof(line));
        log_catalog(level_of(record), record->ended_usec > 0 ? MESSAGE_ENDED : MESSAGE_OPENED, fields, "%s", line);
}
