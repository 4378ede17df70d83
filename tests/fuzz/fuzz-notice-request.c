// SPDX-License-Identifier: LGPL-2.1-or-later
/* Whatever till-notify is asked: what it takes can stand in a mail's header, a message and a log. */

#include "base/mail.h"
#include "base/unicode.h"
#include "helpers/till-notify/mail-header.h"
#include "helpers/till-notify/reason.h"
#include "tests/fuzz/fuzz.h"

/* Each line of a header is printable ASCII, and those after the first are its continuation. */
static void check_header(const char *text) {
        char header[2 * NOTICE_FILE_MAX];

        check(mail_header_encode("Subject", text, header, sizeof(header)) >= 0);
        for (const char *c = header; *c; c++) {
                check((*c >= ' ' && *c <= '~') || strchr("\r\n", *c));
                check(*c != '\r' || c[1] == '\n');
                check(*c != '\n' || (c[-1] == '\r' && c[1] == ' '));
        }
}

/* A channel that quotes it all: nothing of a number or a code is left, nor a second line. */
static void check_reason(const struct request *request, const char *quoted) {
        char reason[REASON_SIZE], body[REASON_SIZE];

        (void) say(reason, 0, "%s", quoted);
        reason_clean(reason, request);
        COPY(body, reason);
        check(strlen(body) < REASON_SIZE && unicode_is_valid(body) && !strchr(body, '\n'));
        for (const char *c = body; *c; c++)
                check(strspn(c, "0123456789") < 6);
}

static void try_request(const uint8_t *data, size_t size, size_t n) {
        _cleanup_(request_done) struct request request = { .data = malloc(size + 1), .size = size };

        check(request.data);
        memcpy(request.data, data, size);
        if (request_parse(&request, n) < 0)
                return;
        for (size_t i = 0; i < n; i++) {
                check(unicode_is_valid(request.strings[i]));
                check(i == NOTICE_STRING_BODY || !strpbrk(request.strings[i], "\r\n"));
                check_reason(&request, request.strings[i]);
        }
        check_header(request.strings[n > 1 ? NOTICE_STRING_SUBJECT : NOTICE_STRING_ADDRESS]);
        if (mail_is_valid(request.strings[NOTICE_STRING_ADDRESS]))
                check(!strpbrk(request.strings[NOTICE_STRING_ADDRESS], " <>\",;:\\"));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
        if (size > NOTICE_FILE_MAX)
                return 0;
        try_request(data, size, 1);
        try_request(data, size, _NOTICE_STRING_MAX);
        return 0;
}
