// SPDX-License-Identifier: LGPL-2.1-or-later
#include "helpers/till-notify/request.h"

#include "base/unicode.h"

#define MAIL_ADDRESS_MAX 254

void request_done(struct request *request) {
        if (request->data)
                explicit_bzero(request->data, request->size);
        free(request->data);
        *request = REQUEST_NONE;
}

static bool is_text(const char *text, bool lines) {
        if (!unicode_is_valid(text))
                return false;
        while (*text) {
                uint32_t c = unicode_next(&text);

                if ((c < ' ' && !(lines && c == '\n')) || (c >= 0x7f && c < 0xa0))
                        return false;
        }
        return true;
}

static bool is_word(const char *text) {
        return text[strspn(text, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ_-")] == '\0';
}

static bool is_right(enum notice_string which, const char *text) {
        switch (which) {
        case NOTICE_STRING_BODY:
                return is_text(text, true);
        case NOTICE_STRING_EVENT:
        case NOTICE_STRING_LANGUAGE:
                return is_word(text);
        default:
                return is_text(text, false);
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

bool mail_address_is_valid(const char *address) {
        const char *at = strchr(address, '@');

        if (!at || at == address || !at[1] || strchr(at + 1, '@') || strlen(address) > MAIL_ADDRESS_MAX ||
            *address == '-')
                return false;
        for (const char *c = address; *c; c++)
                if (*c <= ' ' || *c > '~' || strchr("<>()[],;:\\\"", *c))
                        return false;
        return true;
}
