/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * The devices that this terminal has or had: when each was there first and last, and since when it is missing. One
 * that a supervisor has forgotten is not expected any more; it stays with its statistics, and is known again when it
 * comes back.
 */

#include "journal/connection.h"

#define DEVICE_KEY_SIZE 192
/* The longest missing goes, with its statistics, where a new one comes beyond these. */
#define DEVICE_RECORDS_MAX 64

struct device_record {
        char key[DEVICE_KEY_SIZE]; /* kind, vendor:product and serial number; the port where it has none */
        char kind[16];             /* msr, emv, printer */
        char port[64];             /* the USB port that it was seen in last, "1-2" */
        char usb_id[16];           /* "04b8:0202" */
        char vendor[128];
        char product[128];
        char serial[128];  /* "" for none */
        uint32_t release;  /* its firmware, bcdDevice: 0x0110 is 1.10 */
        char plugging[80]; /* which plugging in it was that its statistics were read in, journal/statistic.h */
        uint64_t first_seen_usec, last_seen_usec; /* CLOCK_REALTIME, as all here */
        uint64_t missing_usec;                    /* since when it is not there; 0 while it is */
        uint64_t forgotten_usec;                  /* 0: it is expected */
        char forgotten_by[24];                    /* operator or "uid 1000" */
};

/*
 * It is there: all up to release are the caller's, the rest is kept or set. 1 when it was not known, or forgotten;
 * 0 when it was.
 */
int device_record_see(struct journal *j, struct device_record *record);
/* It is not, since now; it was seen until now. Nothing for one that is missing already. -ENOENT. */
int device_record_miss(struct journal *j, const char *key);
/* With an event. -ENOENT, -EALREADY for one that is forgotten, -EBUSY for one that is there. */
int device_record_forget(struct journal *j, const char *key, const char *by);

int device_record_load(struct journal *j, const char *key, struct device_record *ret);
/* Called for each, forgotten ones too, in order of key; what it returns other than 0 ends the walk and is returned. */
typedef int (*device_record_each_t)(const struct device_record *record, void *userdata);
int device_record_each(struct journal *j, device_record_each_t each, void *userdata);
/* How many of a kind this terminal has, or had and is not to forget. */
int device_record_count_kind(struct journal *j, const char *kind);
