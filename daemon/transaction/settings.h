/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* /etc/tilld/tilld.conf: what this terminal is. tilld.conf(5) says each key. */

#include "host/profile.h"
#include "notice/event.h"
#include "receipt/style.h"

enum mode {
        MODE_LIVE,
        MODE_TEST,
        MODE_TRAINING,
        _MODE_MAX,
        _MODE_INVALID = -EINVAL,
};

#define SETTINGS_HOSTS_MAX 4
#define SETTINGS_SERIAL_MAX 32

struct settings {
        enum mode mode;

        char *merchant_name;        /* UTF-8, for receipts */
        char merchant_number[16];   /* DE42, 15 characters */
        char terminal_number[9];    /* DE41, 8 characters */
        uint16_t merchant_category; /* MCC */
        char operator_number[3];
        char serial[SETTINGS_SERIAL_MAX + 1]; /* of the terminal; "": nobody has said it */
        unsigned tip_percent;                 /* of a sale, what a tip may have at most; 0: no tips */

        char *acquirer_hosts[SETTINGS_HOSTS_MAX + 1]; /* "host:port", in the order to try */
        char *acquirer_name;                          /* for receipts */
        char *acquirer_server_name;                   /* that its certificate bears; NULL: the host as written */
        unsigned answer_timeout;                      /* seconds */
        const struct host_profile *profile;           /* how the acquirer is spoken to */

        unsigned retention_days; /* of what the journal keeps about a transaction */

        /* On what the card approves without the acquirer; all 0: nothing. */
        struct offline_caps {
                unsigned amount; /* of one, in minor units */
                unsigned count;  /* that wait to be forwarded */
                unsigned total;  /* of all these, in minor units */
                unsigned age;    /* of the oldest, in hours: beyond it no more are approved */
        } offline;

        /* What each item of maintenance is due after, care/maintenance.h; 0: never. */
        struct maintenance_limits {
                unsigned msr_swipes, msr_days;
                unsigned emv_insertions, emv_days;
                unsigned printer_metres, printer_days;
                unsigned cutter_cuts;
                unsigned plugs_days;
                unsigned never;
                bool drills; /* are due too */
        } maintenance;

        unsigned waiting_hours; /* before another phone is bound in the place of a lost one */

        /* What the bound phone is told; a preference for it counts before this. */
        struct {
                char language[6];                 /* "zh_CN" or "en"; "": as papers are */
                bool left_out[_NOTICE_EVENT_MAX]; /* events that it is not told of */
        } notice;

        struct receipt_style *style; /* how papers look, of files of its own; NULL: as built in */
};

struct settings *settings_free(struct settings *s);
DEFINE_CLEANUP(struct settings *, settings_free);

/*
 * Reads a file and, if given, the drop-ins of a directory over it. Logs what is wrong with file and
 * line; -EINVAL then, or when something that a terminal needs is missing.
 */
int settings_load(const char *path, const char *drop_in_dir, struct settings **ret);

/* Where tilld.conf has no serial number: that of the machine, the first line of a file. None that can be one: none. */
void settings_take_serial(struct settings *s, const char *path);

/* How papers look. */
const struct receipt_style *settings_style(const struct settings *s);

/* Of notices to the bound phone: "zh_CN" or "en". */
const char *settings_notice_language(const struct settings *s);

const char *mode_to_string(enum mode m) _const_;
