// SPDX-License-Identifier: LGPL-2.1-or-later
#include "care/fault-log.h"

#include <inttypes.h>

#include "base/log.h"
#include "care/fault-code.h"

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
                        code ? code->symptom.english : record->code, *record->detail ? " (" : "", record->detail,
                        *record->detail ? ")" : "");
}

void fault_log(const struct fault_record *record) {
        const struct fault_code *code = fault_code_find(record->code);
        const struct log_about about = {
                .message_id = record->ended_usec > 0 || !code ? FAULT_CODE_ENDED_ID : code->id,
                .transaction = record->transaction,
                .device = code && code->about == FAULT_ABOUT_DEVICE ? record->subject : NULL,
                .fault = record->code,
        };
        char line[640];

        describe(record, line, sizeof(line));
        log_about(level_of(record), 0, &about, "%s", line);
}
