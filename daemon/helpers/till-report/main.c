// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * till-report: makes the support report of what tilld says of itself and of what tilld may not read.
 *
 * Started by its socket with one connection for one request (base/report-message.h), or by hand, from standard input
 * to standard output. See till-report(8).
 */
#include <signal.h>
#include <sys/socket.h>

#include "base/log.h"
#include "base/sealed-file.h"
#include "base/report-message.h"
#include "helpers/question.h"
#include "helpers/till-report/report.h"

static bool is_language(const char *text) {
        return streq(text, "en") || streq(text, "zh_CN");
}

/* ---- By its socket ---- */

static int make(struct report_question *q, const int files[static 2], unsigned *ret_masked) {
        _cleanup_free_ uint8_t *data = NULL;
        int r;

        q->language[sizeof(q->language) - 1] = '\0';
        if (q->version != REPORT_VERSION)
                return -EPROTONOSUPPORT;
        if (q->size > REPORT_SIZE_MAX || q->days < 1 || q->days > REPORT_DAYS_MAX || !is_language(q->language) ||
            files[0] < 0 || files[1] < 0)
                return -EBADMSG;
        r = sealed_file_read(files[0], q->size, &data);
        if (r < 0)
                return r;
        data[q->size] = '\0';
        return report_make((const char *) data, q->language, q->days, files[1], ret_masked);
}

static int serve(int fd) {
        struct report_answer answer = { REPORT_VERSION };
        struct report_question q;
        int files[2], r;

        r = question_receive(fd, &q, sizeof(q), files, ELEMENTSOF(files));
        if (r == 0)
                return 0;
        if (r > 0)
                r = question_end_with_peer(fd);
        if (r >= 0)
                r = make(&q, files, &answer.masked);
        if (r < 0)
                log_warning_errno(r, "The report could not be made");
        safe_close(files[0]);
        safe_close(files[1]);
        answer.error = MIN(r, 0);
        return send(fd, &answer, sizeof(answer), MSG_NOSIGNAL) < 0 ? -errno : 0;
}

/* ---- By hand ---- */

static int run(const char *language, unsigned days) {
        _cleanup_free_ char *data = malloc(REPORT_SIZE_MAX + 1);
        unsigned masked = 0;
        size_t n;
        int r;

        if (!data)
                return log_oom();
        n = fread(data, 1, REPORT_SIZE_MAX, stdin);
        data[n] = '\0';
        r = report_make(data, language, days, STDOUT_FILENO, &masked);
        return r < 0 ? log_error_errno(r, "The report could not be made") : 0;
}

int main(int argc, char **argv) {
        unsigned days;

        log_parse_environment();
        /* Who reads the report may go: that is an error of writing. */
        (void) signal(SIGPIPE, SIG_IGN);
        if (question_serve(serve))
                return EXIT_SUCCESS;
        if (argc != 3 || !is_language(argv[1]) || sscanf(argv[2], "%u", &days) != 1 || days < 1 ||
            days > REPORT_DAYS_MAX) {
                fprintf(stderr, "usage: till-report en|zh_CN DAYS <JSON >REPORT.tar.zst\n");
                return EXIT_FAILURE;
        }
        return run(argv[1], days) < 0 ? EXIT_FAILURE : EXIT_SUCCESS;
}
