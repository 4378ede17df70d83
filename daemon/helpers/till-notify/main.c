// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * till-notify: takes one message to a person, or says what country has a telephone number.
 *
 * Started by a socket of its own for each channel, with one connection for one request (notice/message.h). See
 * till-notify(8).
 */
#include <sys/socket.h>
#include <systemd/sd-daemon.h>

#include "base/log.h"
#include "base/mail.h"
#include "base/phone.h"
#include "base/sealed-file.h"
#include "helpers/question.h"
#include "helpers/till-notify/channel.h"

#define FOLDER "/etc/tilld"

static const struct channel {
        const char *name;
        size_t n_strings;
        bool (*takes)(const char *address);
        int (*act)(const struct request *request, const char *folder, char ret_reason[static REASON_SIZE]);
} channels[] = {
        { "sms", _NOTICE_STRING_MAX, phone_is_valid, modem_send },
        { "mail", _NOTICE_STRING_MAX, mail_is_valid, mail_send },
        { "hook", _NOTICE_STRING_MAX, phone_is_valid, hook_send },
        { "number", 1, phone_is_valid, number_check },
};

static const struct channel *channel_find(const char *name) {
        for (size_t i = 0; i < ELEMENTSOF(channels); i++)
                if (streq(channels[i].name, name))
                        return &channels[i];
        return NULL;
}

/* ---- the request ---- */

static int question_read(const struct notice_question *q, int file, struct request *ret) {
        if (q->version != NOTICE_VERSION)
                return -EPROTONOSUPPORT;
        if (q->size > NOTICE_FILE_MAX)
                return -E2BIG;
        ret->size = q->size;
        return sealed_file_read(file, q->size, &ret->data);
}

/* 1 with a request, 0 where there was none. */
static int request_receive(int fd, struct request *ret) {
        _cleanup_close_ int file = -EBADF;
        struct notice_question q;
        int r;

        r = question_receive(fd, &q, sizeof(q), &file, 1);
        if (r <= 0)
                return r;
        r = question_read(&q, file, ret);
        return r < 0 ? r : 1;
}

static int request_act(struct request *request, const struct channel *channel, const char *folder,
                       char reason[static REASON_SIZE]) {
        if (request_parse(request, channel->n_strings) < 0)
                return say(reason, -EBADMSG, "the request cannot be read");
        if (!channel->takes(request->strings[NOTICE_STRING_ADDRESS]))
                return say(reason, -EINVAL, "the address is none for %s", channel->name);
        return channel->act(request, folder, reason);
}

static int serve(int fd, const struct channel *channel, const char *folder) {
        _cleanup_(request_done) struct request request = REQUEST_NONE;
        struct notice_answer answer = { .version = NOTICE_VERSION };
        int r;

        r = request_receive(fd, &request);
        if (r == 0)
                return 0;
        answer.error = r < 0 ? say(answer.text, r, "the request cannot be read")
                             : request_act(&request, channel, folder, answer.text);
        reason_clean(answer.text, &request);
        if (answer.error < 0)
                log_info_errno(answer.error, "Not taken by %s: %s", channel->name, answer.text);
        return send(fd, &answer, sizeof(answer), MSG_NOSIGNAL) < 0 ? -errno : 0;
}

int main(int argc, char **argv) {
        const struct channel *channel = argc >= 2 ? channel_find(argv[1]) : NULL;
        int r;

        log_parse_environment();
        if (!channel || argc > 3 || sd_listen_fds(1) != 1) {
                fprintf(stderr, "usage: till-notify sms|mail|hook|number [FOLDER], with a connection by its socket\n");
                return EXIT_FAILURE;
        }
        r = serve(SD_LISTEN_FDS_START, channel, argc == 3 ? argv[2] : FOLDER);
        if (r < 0)
                log_warning_errno(r, "The request could not be read or answered");
        /* Its caller has heard what went wrong: not a fault of this unit. */
        return EXIT_SUCCESS;
}
