/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Why a change of the bound phone is rolled back: all that org.tilld1(5) has. */
static const char *const rebind_reasons[] = {
        "cancelled",
        "cancelled-by-contact",
        "timed-out",
        "nobody-told",
        "not-withdrawn",
        "wrong-codes",
        "number-refused",
        "number-unchecked",
        "not-sent",
        "serial-refused",
        "phone-differs",
        "acquirer-refused",
        "unreachable-host",
        "backup-failed",
        "test-notice-failed",
        "test-transaction-failed",
        "not-ready",
        "interrupted",
        "storage",
};
