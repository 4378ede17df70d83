// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * till-recover: the few acts on USB that need root, for the devices that udev tagged "till".
 *
 * Run with a verb and a name by udev's take-over units, or started by its socket with one connection: a request
 * is one packet, "VERB NAME"; the answer is one packet, "ok" or "error ERRNO TEXT", with a file for "probe". See
 * till-recover(8).
 */
#include <ctype.h>
#include <poll.h>
#include <sys/sendfile.h>
#include <sys/socket.h>

#include "base/log.h"
#include "helpers/question.h"
#include "helpers/till-recover/recover.h"

#define REQUEST_MAX 64
#define ANSWER_MAX 160
/* A request that does not come is no reason to stay. */
#define REQUEST_SECONDS 5

static const struct verb {
        const char *name;
        int (*run)(struct udev *udev, const char *name, struct answer *answer);
} verbs[] = {
        { "take", take }, { "reset", reset }, { "rebind", rebind }, { "power", power }, { "probe", probe },
};

/* One at a time, and first what was cut off. */
static int begin(struct answer *answer) {
        int r;

        answer->reason = "the state folder is not usable";
        r = state_lock();
        if (r < 0)
                return r;
        r = state_finish();
        if (r > 0)
                log_notice("What was cut off in the middle has been finished.");
        if (r < 0)
                log_warning_errno(r, "What was cut off in the middle cannot be finished");
        return 0;
}

/* Nobody waits for the answer any more: by now he may be using the device. */
static bool has_left(int asker) {
        struct pollfd p = { .fd = asker };

        return asker >= 0 && poll(&p, 1, 0) > 0 && (p.revents & (POLLHUP | POLLERR));
}

/* asker: a connection, negative where it is somebody at a terminal, or a unit. */
static int verb_run(const char *verb, const char *name, int asker, struct answer *answer) {
        _cleanup_(udev_unrefp) struct udev *udev = NULL;
        int (*run)(struct udev * udev, const char *name, struct answer *answer) = NULL;
        int r;

        answer->reason = "unknown verb";
        for (size_t i = 0; i < ELEMENTSOF(verbs); i++)
                if (streq(verb, verbs[i].name))
                        run = verbs[i].run;
        if (!run)
                return -EOPNOTSUPP;
        r = begin(answer);
        if (r < 0)
                return r;
        answer->reason = "nobody waits for it any more";
        if (has_left(asker))
                return -ECANCELED;
        answer->reason = "failed";
        udev = udev_new();
        return udev ? run(udev, name, answer) : -ENOMEM;
}

/* Cuts "VERB NAME" in two. Anything that is not printable, or more, is refused. */
static int request_parse(char *text, ssize_t size, const char **ret_verb, const char **ret_name) {
        char *space;

        for (ssize_t i = 0; i < size; i++)
                if (!isgraph((unsigned char) text[i]) && text[i] != ' ')
                        return -EBADMSG;
        text[size] = '\0';
        space = strchr(text, ' ');
        if (!space || strchr(space + 1, ' '))
                return -EBADMSG;
        *space = '\0';
        *ret_verb = text;
        *ret_name = space + 1;
        return 0;
}

static int serve(int fd) {
        const struct timeval timeout = { .tv_sec = REQUEST_SECONDS };
        struct answer answer = { "not a request", -EBADF };
        const char *verb = "", *name = "";
        char request[REQUEST_MAX + 1], text[ANSWER_MAX] = "ok";
        ssize_t n;
        int r;

        if (setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &timeout, sizeof(timeout)) < 0)
                return -errno;
        n = recv(fd, request, REQUEST_MAX, MSG_TRUNC);
        if (n <= 0)
                return n < 0 ? -errno : 0;
        r = n > REQUEST_MAX ? -EMSGSIZE : request_parse(request, n, &verb, &name);
        if (r >= 0)
                r = verb_run(verb, name, fd, &answer);
        if (r < 0) {
                log_warning_errno(r, "%s %s: %s", verb, name, answer.reason);
                (void) snprintf(text, sizeof(text), "error %d %s", -r, answer.reason);
        }
        r = has_left(fd) ? 0 : question_answer(fd, text, strlen(text), answer.file);
        safe_close(answer.file);
        return r;
}

static int show_file(int file) {
        ssize_t n;

        while ((n = sendfile(STDOUT_FILENO, file, NULL, 65536)) > 0)
                ;
        if (n == 0)
                n = puts("");
        return n < 0 ? -errno : 0;
}

/* By hand, or by a unit. */
static int run_once(const char *verb, const char *name) {
        struct answer answer = { .file = -EBADF };
        int r;

        r = verb_run(verb, name, -EBADF, &answer);
        if (r == -EALREADY) {
                log_notice("%s %s: %s.", verb, name, answer.reason);
                return 0;
        }
        if (r >= 0 && answer.file >= 0) {
                answer.reason = "what was found cannot be written";
                r = show_file(answer.file);
        }
        safe_close(answer.file);
        return r < 0 ? log_error_errno(r, "%s %s: %s", verb, name, answer.reason) : 0;
}

/* After one that was killed, by its unit. */
static int finish(void) {
        struct answer answer = { .file = -EBADF };
        int r;

        r = begin(&answer);
        return r < 0 ? log_error_errno(r, "finish: %s", answer.reason) : 0;
}

int main(int argc, char **argv) {
        log_parse_environment();
        if (question_serve(serve))
                return EXIT_SUCCESS;
        if (argc == 2 && streq(argv[1], "finish"))
                return finish() < 0 ? EXIT_FAILURE : EXIT_SUCCESS;
        if (argc != 3) {
                fprintf(stderr, "usage: till-recover take INTERFACE|all | reset PORT | rebind INTERFACE | power PORT |"
                                " probe PORT|all | finish\n");
                return EXIT_FAILURE;
        }
        return run_once(argv[1], argv[2]) < 0 ? EXIT_FAILURE : EXIT_SUCCESS;
}
