// SPDX-License-Identifier: LGPL-2.1-or-later
#include "device/recover.h"

#include "base/clock.h"
#include "base/helper-call.h"
#include "base/sealed-file.h"
#include "base/unicode.h"
#include "base/usb-name.h"

/* The power of a port is off for three seconds, and one may wait for another. */
#define DEADLINE_USEC (50 * USEC_PER_SEC)

const char *recover_socket = "/run/till-recover";

struct recover_call {
        struct helper_call *helper;
        recover_done_t done;
        void *userdata;
};

static const char *const verbs[_RECOVER_VERB_MAX] = {
        [RECOVER_RESET] = "reset",
        [RECOVER_REBIND] = "rebind",
        [RECOVER_POWER] = "power",
        [RECOVER_PROBE] = "probe",
};

const char *recover_verb_to_string(enum recover_verb verb) {
        return verbs[verb];
}

static bool is_name_of(enum recover_verb verb, const char *name) {
        if (verb == RECOVER_REBIND)
                return usb_interface_is_name(name);
        return usb_port_is_name(name) || (verb == RECOVER_PROBE && streq(name, "all"));
}

/* "error 95 the hub cannot switch its ports one by one" */
static int read_error(const char *answer, const char **ret_reason) {
        int number, at = 0;

        if (sscanf(answer, "error %d %n", &number, &at) != 1 || at == 0 || number <= 0 || number > 4095 ||
            !unicode_is_plain(answer + at, false))
                return -EBADMSG;
        *ret_reason = answer + at;
        return -number;
}

static void on_answer(int error, const void *answer, int file, void *userdata) {
        const char *reason = "till-recover cannot be asked";
        struct recover_call *call = userdata;

        if (error >= 0 && !streq(answer, "ok")) {
                reason = "till-recover answers what is none";
                error = read_error(answer, &reason);
        }
        call->done(error, error < 0 ? reason : "", file, call->userdata);
}

int recover_start(sd_event *event, enum recover_verb verb, const char *name, recover_done_t done, void *userdata,
                  struct recover_call **ret) {
        _cleanup_(recover_call_freep) struct recover_call *call = NULL;
        char packet[USB_NAME_MAX + 16];
        struct helper_question question = {
                .socket = recover_socket,
                .packet = packet,
                .answer_size = HELPER_ANSWER_MAX,
                .is_text = true,
        };
        int r;

        if (!is_name_of(verb, name))
                return -EINVAL;
        call = calloc(1, sizeof(*call));
        if (!call)
                return -ENOMEM;
        call->done = done;
        call->userdata = userdata;
        question.size = (size_t) snprintf(packet, sizeof(packet), "%s %s", verbs[verb], name);
        r = helper_call_start(event, &question, DEADLINE_USEC, on_answer, call, &call->helper);
        if (r < 0)
                return r;
        *ret = TAKE_PTR(call);
        return 0;
}

struct recover_call *recover_call_free(struct recover_call *call) {
        if (!call)
                return NULL;
        helper_call_free(call->helper);
        free(call);
        return NULL;
}

int recover_read_document(int file, char **ret) {
        _cleanup_free_ uint8_t *text = NULL;
        size_t size;
        int r;

        r = sealed_file_read_most(file, RECOVER_DOCUMENT_MAX, &text, &size);
        if (r < 0)
                return r;
        if (strlen((char *) text) != size || !unicode_is_valid((char *) text))
                return -EBADMSG;
        *ret = (char *) TAKE_PTR(text);
        return 0;
}
