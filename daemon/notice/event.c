// SPDX-License-Identifier: LGPL-2.1-or-later
#include "notice/event.h"

static const char *const events[_NOTICE_EVENT_MAX] = {
        [NOTICE_TRANSACTION] = "transaction", [NOTICE_SETTLEMENT] = "settlement", [NOTICE_FAULT] = "fault",
        [NOTICE_REPLACEMENT] = "replacement", [NOTICE_SECURITY] = "security",     [NOTICE_BINDING] = "binding",
};

static const char *const channels[_NOTICE_CHANNEL_MAX] = {
        [NOTICE_SMS] = "sms",
        [NOTICE_MAIL] = "mail",
        [NOTICE_HOOK] = "hook",
};

const char *notice_event_to_string(enum notice_event event) {
        return events[event];
}

enum notice_event notice_event_from_string(const char *text) {
        return string_table_find(events, _NOTICE_EVENT_MAX, text);
}

bool notice_event_is_obligatory(enum notice_event event) {
        return event == NOTICE_SECURITY || event == NOTICE_BINDING;
}

const char *notice_channel_to_string(enum notice_channel channel) {
        return channels[channel];
}

enum notice_channel notice_channel_from_string(const char *text) {
        return string_table_find(channels, _NOTICE_CHANNEL_MAX, text);
}

/* The longest is all of them with spaces between. */
#define CHANNELS_TEXT_MAX 16

int notice_channels_parse(const char *text, enum notice_channel ret[static _NOTICE_CHANNEL_MAX]) {
        char copy[CHANNELS_TEXT_MAX], *save = NULL;
        enum notice_channel found[_NOTICE_CHANNEL_MAX];
        int n = 0;

        if (strlen(text) >= sizeof(copy))
                return -EINVAL;
        COPY(copy, text);
        for (char *word = strtok_r(copy, " ", &save); word; word = strtok_r(NULL, " ", &save)) {
                enum notice_channel channel = notice_channel_from_string(word);

                for (int i = 0; i < n; i++)
                        if (found[i] == channel)
                                return -EINVAL;
                if (channel < 0)
                        return -EINVAL;
                found[n++] = channel;
        }
        memcpy(ret, found, (size_t) n * sizeof(*ret));
        return n;
}
