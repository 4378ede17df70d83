/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * What is counted of a device, by the names of UnifiedPOS 1.14, and others in the same manner where that has none:
 * org.tilld1(5) lists them.
 */

#include "device/device.h"

/* The journal counts power in seconds, as hours of which a fraction would be lost at each unplug. */
#define STATISTIC_SECONDS "SecondsPoweredCount"
#define STATISTIC_HOURS "HoursPoweredCount"

/* Of a printed paper. */
#define STATISTIC_LINES "ReceiptLinePrintedCount"
#define STATISTIC_CHARACTERS "ReceiptCharacterPrintedCount"
#define STATISTIC_FEEDS "ReceiptLineFeedCount"
#define STATISTIC_BARCODES "BarcodePrintedCount"
#define STATISTIC_CUTS "PaperCutCount"
#define STATISTIC_PAPER "ReceiptPaperMillimetreCount"

#define STATISTIC_DRAWER_GOOD "DrawerGoodOpenCount"
#define STATISTIC_DRAWER_FAILED "DrawerFailedOpenCount"

#define STATISTIC_GOOD_READS "GoodReadCount"
#define STATISTIC_FAILED_READS "FailedReadCount"
#define STATISTIC_INSERTIONS "InsertionCount"
#define STATISTIC_GOOD_CHIPS "GoodChipReadCount"
#define STATISTIC_FAILED_CHIPS "FailedChipReadCount"

/* From 0: the attribute that the driver counts in and its name; NULL behind the last one of that kind. */
const char *statistic_attribute(enum device_kind kind, size_t i, const char **ret_name);

/* As it is shown: the seconds are hours. */
const char *statistic_shown(const char *name, uint64_t *value);
/* As it is kept; the other way. */
const char *statistic_kept(const char *name);
