/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* This program itself under strace, which kills it at a system call. */

#include "test.h"

#include <fcntl.h>
#include <sys/wait.h>

#include "base/macro.h"

static const char *self; /* argv[0] */

static _unused_ void run(const char *command) {
        if (system(command) != 0)
                fail_msg("%s", command);
}

/*
 * Runs "self verb path" and kills it at the when-th call of that name. Returns whether it came to that; said gets
 * what it wrote to standard output.
 */
static bool run_killed(const char *verb, const char *path, const char *call, int when, char *said, size_t size) {
        char inject[80];
        int fds[2], status;
        ssize_t n;
        size_t l = 0;
        pid_t pid;

        snprintf(inject, sizeof(inject), "inject=%s:signal=KILL:when=%d", call, when);
        assert_int_equal(pipe2(fds, O_CLOEXEC), 0);
        pid = fork();
        assert_true(pid >= 0);
        if (pid == 0) {
                dup2(fds[1], STDOUT_FILENO);
                execlp("strace", "strace", "-qq", "-o", "/dev/null", "-e", inject, self, verb, path, NULL);
                _exit(127);
        }
        safe_close(fds[1]);
        while ((n = read(fds[0], said + l, size - 1 - l)) > 0)
                l += (size_t) n;
        said[l] = '\0';
        safe_close(fds[0]);
        assert_int_equal(waitpid(pid, &status, 0), pid);
        if (WIFEXITED(status) && WEXITSTATUS(status) == 0)
                return false;
        /* strace ends itself as its child was ended. */
        assert_true(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL);
        return true;
}
