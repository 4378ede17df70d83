// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * till-verify: whether what is installed is what was packaged.
 *
 * Started by its socket with one connection for one question (base/verify-message.h), or by hand, to standard output.
 * See till-verify(8).
 */
#include <sys/utsname.h>

#include "base/log.h"
#include "base/sealed-file.h"
#include "base/verify-message.h"
#include "helpers/question.h"
#include "helpers/till-verify/verify.h"

static void cJSON_Deletep(cJSON **json) {
        cJSON_Delete(*json);
}

static int verify(const char *root, char **ret) {
        _cleanup_(cJSON_Deletep) cJSON *document = cJSON_CreateObject();
        struct utsname names;
        char *text;
        int r;

        if (uname(&names) < 0)
                return -errno;
        r = verify_packages(root, document);
        if (r >= 0)
                r = verify_module(root, names.release, document);
        if (r < 0)
                return r;
        text = cJSON_Print(document);
        if (!text)
                return -ENOMEM;
        *ret = text;
        return 0;
}

static int answer_send(int fd, int error, int file, size_t size) {
        struct verify_answer answer = { VERIFY_VERSION, error, size };

        return question_answer(fd, &answer, sizeof(answer), file);
}

static int answer(int *ret_file, size_t *ret_size) {
        _cleanup_free_ char *text = NULL;
        int r;

        r = verify("", &text);
        if (r < 0)
                return r;
        if (strlen(text) > VERIFY_DOCUMENT_MAX)
                return -EFBIG;
        *ret_size = strlen(text);
        return *ret_file = sealed_file_new("verify", text, *ret_size);
}

static int serve(int fd) {
        _cleanup_close_ int file = -EBADF;
        struct verify_question q;
        size_t size = 0;
        int r;

        r = question_receive(fd, &q, sizeof(q), NULL, 0);
        if (r == 0)
                return 0;
        if (r > 0)
                r = q.version == VERIFY_VERSION ? question_end_with_peer(fd) : -EPROTONOSUPPORT;
        if (r >= 0)
                r = answer(&file, &size);
        if (r < 0) {
                log_warning_errno(r, "What is installed could not be looked at");
                return answer_send(fd, r, -EBADF, 0);
        }
        return answer_send(fd, 0, file, size);
}

static int run(const char *root) {
        _cleanup_free_ char *text = NULL;
        int r;

        r = verify(root, &text);
        if (r < 0)
                return log_error_errno(r, "What is installed could not be looked at");
        return puts(text) < 0 || fflush(stdout) != 0 ? -EIO : 0;
}

int main(int argc, char **argv) {
        log_parse_environment();
        if (question_serve(serve))
                return EXIT_SUCCESS;
        if (argc > 2 || (argc == 2 && argv[1][0] != '/')) {
                fprintf(stderr, "usage: till-verify [ROOT]\n");
                return EXIT_FAILURE;
        }
        return run(argc == 2 ? argv[1] : "") < 0 ? EXIT_FAILURE : EXIT_SUCCESS;
}
