// SPDX-License-Identifier: LGPL-2.1-or-later
#include "helpers/till-notify/request.h"

#include "base/unicode.h"

void request_done(struct request *request) {
        if (request->data)
                explicit_bzero(request->data, request->size);
        free(request->data);
        *request = REQUEST_NONE;
}

static bool is_word(const char *text) {
        return text[strspn(text, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ_-")] == '\0';
}

static bool is_right(enum notice_string which, const char *text) {
        switch (which) {
        case NOTICE_STRING_BODY:
                return unicode_is_plain(text, true);
        case NOTICE_STRING_EVENT:
        case NOTICE_STRING_LANGUAGE:
                return is_word(text);
        default:
                return unicode_is_plain(text, false);
        }
}

int request_parse(struct request *request, size_t n) {
        const char *at = (const char *) request->data, *end = at + request->size;

        for (size_t i = 0; i < n; i++) {
                const char *next = memchr(at, 0, (size_t) (end - at));

                if (!next || !is_right(i, at))
                        return -EBADMSG;
                request->strings[i] = at;
                at = next + 1;
        }
        return at == end ? 0 : -EBADMSG;
}
