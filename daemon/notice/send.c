// SPDX-License-Identifier: LGPL-2.1-or-later
#include "notice/send.h"

#include "base/helper-call.h"
#include "base/sealed-file.h"
#include "base/secret.h"
#include "base/unicode.h"

struct notice_call {
        struct helper_call *helper;
        notice_call_done_t done;
        void *userdata;
        bool is_letter;
};

struct notice_call *notice_call_free(struct notice_call *call) {
        if (!call)
                return NULL;
        helper_call_free(call->helper);
        free(call);
        return NULL;
}

/* ---- the question ---- */

/* The strings one after the other, each with its end, as a sealed file: it may hold a code. */
static int store_strings(const char *const *strings, size_t n, uint32_t *ret_size) {
        char data[NOTICE_FILE_MAX];
        size_t size = 0;
        WIPE_AT_END(data);

        for (size_t i = 0; i < n; i++) {
                size_t length = strlen(strings[i]) + 1;

                if (length > sizeof(data) - size)
                        return -EMSGSIZE;
                memcpy(data + size, strings[i], length);
                size += length;
        }
        *ret_size = (uint32_t) size;
        return sealed_file_new("notice", data, size);
}

/* ---- the answer ---- */

static bool is_possible(const struct notice_answer *answer, int file) {
        return answer->version == NOTICE_VERSION && answer->error <= 0 && answer->error > -4096 &&
               memchr(answer->text, 0, sizeof(answer->text)) && unicode_is_plain(answer->text, false) && file < 0;
}

static const char *failure(int error) {
        switch (error) {
        case -ETIME:
                return "till-notify does not answer in time";
        case -ECONNRESET:
                return "till-notify has ended without an answer";
        case -EBADMSG:
                return "till-notify has answered what cannot be";
        default:
                return "till-notify cannot be reached";
        }
}

bool notice_error_is_of_channel(int error) {
        switch (error) {
        case NOTICE_MAYBE_SENT:
        case -ETIME:
        case -ENODEV:
        case -ENOENT:
        case -EACCES:
        case -EPERM:
        case -ENETDOWN:
        case -ENOTCONN:
        case -EOPNOTSUPP:
        case -ECONNREFUSED:
        case -ECONNRESET:
                return true;
        default:
                return false;
        }
}

static void on_answer(int error, const void *packet, int file, void *userdata) {
        const struct notice_answer *answer = packet;
        struct notice_call *call = userdata;

        if (error == 0 && !is_possible(answer, file))
                error = -EBADMSG;
        if (error < 0)
                call->done(error == -ETIME && call->is_letter ? NOTICE_MAYBE_SENT : error, failure(error),
                           call->userdata);
        else
                call->done(answer->error, answer->text, call->userdata);
}

/* ---- the call ---- */

static int call_start(sd_event *event, const char *socket, const char *const *strings, size_t n,
                      uint64_t deadline_usec, notice_call_done_t done, void *userdata, struct notice_call **ret) {
        _cleanup_(notice_call_freep) struct notice_call *call = calloc(1, sizeof(*call));
        struct notice_question packet = { .version = NOTICE_VERSION };
        _cleanup_close_ int file = -EBADF;
        struct helper_question question = {
                .socket = socket,
                .packet = &packet,
                .size = sizeof(packet),
                .files = &file,
                .n_files = 1,
                .answer_size = sizeof(struct notice_answer),
        };
        int r;

        if (!call)
                return -ENOMEM;
        call->done = done;
        call->userdata = userdata;
        r = file = store_strings(strings, n, &packet.size);
        if (r < 0)
                return r;
        r = helper_call_start(event, &question, deadline_usec, on_answer, call, &call->helper);
        if (r < 0)
                return r;
        *ret = TAKE_PTR(call);
        return 0;
}

int notice_send(sd_event *event, const struct notice_letter *letter, uint64_t deadline_usec, notice_call_done_t done,
                void *userdata, struct notice_call **ret) {
        const char *const strings[_NOTICE_STRING_MAX] = {
                [NOTICE_STRING_ADDRESS] = letter->address,   [NOTICE_STRING_SUBJECT] = letter->subject,
                [NOTICE_STRING_BODY] = letter->body,         [NOTICE_STRING_EVENT] = letter->event,
                [NOTICE_STRING_LANGUAGE] = letter->language,
        };
        char socket[256];
        int r;

        (void) snprintf(socket, sizeof(socket), "%s/%s", letter->directory ?: NOTICE_SOCKETS,
                        notice_channel_to_string(letter->channel));
        r = call_start(event, socket, strings, ELEMENTSOF(strings), deadline_usec, done, userdata, ret);
        if (r < 0)
                return r;
        (*ret)->is_letter = true;
        return 0;
}

int notice_check_number(sd_event *event, const char *directory, const char *phone, uint64_t deadline_usec,
                        notice_call_done_t done, void *userdata, struct notice_call **ret) {
        char socket[256];

        (void) snprintf(socket, sizeof(socket), "%s/number", directory ?: NOTICE_SOCKETS);
        return call_start(event, socket, &phone, 1, deadline_usec, done, userdata, ret);
}
