// SPDX-License-Identifier: LGPL-2.1-or-later
#include "care/statistic-name.h"

struct attribute {
        const char *name;
        const char *attribute; /* Documentation/ABI/testing/sysfs-class-till */
};

#define TRACKS(name, attribute)                                                                                       \
        { name "1Count", attribute "1_count" }, { name "2Count", attribute "2_count" },                               \
                { name "3Count", attribute "3_count" }, {                                                             \
                name "4Count", attribute "4_count"                                                                    \
        }

static const struct attribute all[] = { { "CommunicationErrorCount", "communication_error_count" }, {} };

static const struct attribute msr[] = {
        { STATISTIC_GOOD_READS, "good_read_count" },
        { STATISTIC_FAILED_READS, "failed_read_count" },
        { "UnreadableCardCount", "unreadable_card_count" },
        { "DroppedReadCount", "dropped_read_count" },
        TRACKS("MissingStartSentinelTrack", "missing_start_sentinel_track"),
        TRACKS("ParityLRCErrorTrack", "parity_lrc_error_track"),
        {},
};

static const struct attribute emv[] = {
        { STATISTIC_INSERTIONS, "insertion_count" },
        { "GoodExchangeCount", "good_exchange_count" },
        { "FailedExchangeCount", "failed_exchange_count" },
        {},
};

static const struct attribute printer[] = {
        { "ByteWrittenCount", "byte_written_count" },   { "ReceiptCoverOpenCount", "receipt_cover_open_count" },
        { "PaperEndCount", "paper_end_count" },         { "FailedPaperCutCount", "failed_paper_cut_count" },
        { "PrinterFaultCount", "printer_fault_count" }, {},
};

static const struct attribute *const kinds[_DEVICE_KIND_MAX] = {
        [DEVICE_MSR] = msr,
        [DEVICE_EMV] = emv,
        [DEVICE_PRINTER] = printer,
};

const char *statistic_attribute(enum device_kind kind, size_t i, const char **ret_name) {
        const struct attribute *a = i == 0 ? all : kinds[kind] + i - 1;

        *ret_name = a->name;
        return a->attribute;
}

const char *statistic_shown(const char *name, uint64_t *value) {
        if (!streq(name, STATISTIC_SECONDS))
                return name;
        *value /= 3600;
        return STATISTIC_HOURS;
}

const char *statistic_kept(const char *name) {
        return streq(name, STATISTIC_HOURS) ? STATISTIC_SECONDS : name;
}
