/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * What till-report is asked, and its answer: a packet each, by base/helper-call.h. With the question come two files:
 * what tilld says of itself, a sealed memfd of so many bytes of JSON, and the one that the archive is written to.
 */

#include <stdint.h>

#define REPORT_VERSION 1
#define REPORT_SOCKET "/run/till-report"
/* Of the JSON. */
#define REPORT_SIZE_MAX (UINT64_C(16) << 20)
#define REPORT_DAYS_MAX 366

struct report_question {
        uint32_t version;
        uint32_t days; /* 1 to REPORT_DAYS_MAX */
        uint64_t size;
        char language[8]; /* "en" or "zh_CN" */
};

struct report_answer {
        uint32_t version;
        int32_t error;   /* 0, or a negative errno: what is in the file is no report then */
        uint32_t masked; /* what looked like card data, a code or a phone number in what others have written */
        uint32_t unused;
};
