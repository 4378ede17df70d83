// SPDX-License-Identifier: LGPL-2.1-or-later
#include "care/fault-log.h"

#include <inttypes.h>

#include "base/log.h"
#include "care/fault-code.h"

/* Of each; one that opens has the id of its code. */
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
                        code ? code->symptom.english : record->code, *record->detail ? " (" : "", record->detail,
                        *record->detail ? ")" : "");
}

/* Areas whose subject is a device. */
static bool is_of_device(const struct fault_code *code, const struct fault_record *record) {
        return code && *record->subject &&
               (streq(code->area, "reader") || streq(code->area, "printer") || streq(code->area, "driver"));
}

void fault_log(const struct fault_record *record) {
        char line[640], fault[64], device[64], transaction[40];
        const struct fault_code *code = fault_code_find(record->code);
        const char *fields[4] = { fault };
        size_t n = 1;

        (void) snprintf(fault, sizeof(fault), "TILLD_FAULT=%s", record->code);
        if (is_of_device(code, record)) {
                (void) snprintf(device, sizeof(device), "TILLD_DEVICE=%s", record->subject);
                fields[n++] = device;
        }
        if (record->transaction > 0) {
                (void) snprintf(transaction, sizeof(transaction), "TRANSACTION=%" PRIi64, record->transaction);
                fields[n++] = transaction;
        }
        describe(record, line, sizeof(line));
        log_catalog(level_of(record), record->ended_usec > 0 || !code ? MESSAGE_ENDED : code->id, fields, "%s", line);
}
