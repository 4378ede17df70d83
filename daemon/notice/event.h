/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* What people are told of, and through what: the words of D-Bus, of the journal and of tilld.conf. */

#include "base/macro.h"

enum notice_event {
        NOTICE_TRANSACTION, /* money has moved: sale, void, refund, …, approved */
        NOTICE_SETTLEMENT,
        NOTICE_FAULT,
        NOTICE_REPLACEMENT, /* the terminal is to be replaced: an appointment */
        NOTICE_SECURITY,    /* an operator is locked, a wrong code too often, … */
        NOTICE_BINDING,     /* the bound phone changes, or somebody tries */
        _NOTICE_EVENT_MAX,
        _NOTICE_EVENT_INVALID = -EINVAL,
};

const char *notice_event_to_string(enum notice_event event) _const_;
enum notice_event notice_event_from_string(const char *text) _pure_;
/* Security and binding: nobody can turn them off. */
bool notice_event_is_obligatory(enum notice_event event) _const_;

enum notice_channel {
        NOTICE_SMS,
        NOTICE_MAIL,
        NOTICE_HOOK, /* a program of the merchant's */
        _NOTICE_CHANNEL_MAX,
        _NOTICE_CHANNEL_INVALID = -EINVAL,
};

const char *notice_channel_to_string(enum notice_channel channel) _const_;
enum notice_channel notice_channel_from_string(const char *text) _pure_;

/* "sms mail": channels in the order to try, each once. Returns how many; -EINVAL for another word or one twice. */
int notice_channels_parse(const char *text, enum notice_channel ret[static _NOTICE_CHANNEL_MAX]);
