// SPDX-License-Identifier: LGPL-2.1-or-later
#include <cjson/cJSON.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <sys/pidfd.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <sysexits.h>

#include "base/clock.h"
#include "base/sealed-file.h"
#include "base/secret.h"
#include "helpers/till-notify/channel.h"

#define HOOK "notify-hook"
#define HOOK_USEC (50 * USEC_PER_SEC)

struct hook {
        pid_t pid; /* and its process group's */
        int pidfd, output, errors;
        char id[REASON_SIZE], complaint[REASON_SIZE];
};

/* ---- what is run ---- */

/* Whoever can write it, or put another in its place, would get codes. */
static bool is_roots_alone(const char *path, mode_t type) {
        struct stat st;

        return lstat(path, &st) >= 0 && (st.st_mode & S_IFMT) == type && st.st_uid == 0 &&
               (st.st_mode & (S_IWGRP | S_IWOTH)) == 0;
}

static int check_hook(const char *folder, const char *path, char reason[static REASON_SIZE]) {
        if (access(path, F_OK) < 0)
                return say(reason, -ENOENT, "there is no %s", path);
        if (!is_roots_alone(folder, S_IFDIR))
                return say(reason, -EPERM, "%s has to be a folder of root's that nobody else can write", folder);
        if (!is_roots_alone(path, S_IFREG))
                return say(reason, -EPERM, "%s has to be a file of root's, no link, that nobody else can write", path);
        if (access(path, X_OK) < 0)
                return say(reason, -EACCES, "%s cannot be run: chmod 755", path);
        return 0;
}

static void wipe_and_free(void *p) {
        secret_free(p);
}

static int make_input(const struct request *request) {
        static const char *const names[] = {
                [NOTICE_STRING_ADDRESS] = "address",   [NOTICE_STRING_SUBJECT] = "subject",
                [NOTICE_STRING_BODY] = "body",         [NOTICE_STRING_EVENT] = "event",
                [NOTICE_STRING_LANGUAGE] = "language",
        };
        /* It may hold a code, and the hook may take its time. */
        static cJSON_Hooks memory = { .malloc_fn = secret_new, .free_fn = wipe_and_free };
        _cleanup_secret_ char *text = NULL;
        bool whole = true;
        cJSON *object;

        cJSON_InitHooks(&memory);
        object = cJSON_CreateObject();
        for (size_t i = 0; i < ELEMENTSOF(names); i++)
                whole = whole && cJSON_AddStringToObject(object, names[i], request->strings[i]);
        if (whole)
                text = cJSON_PrintUnformatted(object);
        cJSON_Delete(object);
        return text ? sealed_file_new("notice", text, strlen(text)) : -ENOMEM;
}

static int spawn(struct hook *hook, const char *path, int input, int output, int errors) {
        static char *const environment[] = {
                (char *) "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin", (char *) "LANG=C.UTF-8",
                NULL
        };
        char *const arguments[] = { (char *) path, NULL };
        posix_spawn_file_actions_t actions;
        posix_spawnattr_t attributes;
        int r;

        r = posix_spawnattr_init(&attributes);
        if (r != 0)
                return -r;
        r = posix_spawn_file_actions_init(&actions);
        if (r == 0) {
                r = posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETPGROUP)
                            ?: posix_spawn_file_actions_adddup2(&actions, input, STDIN_FILENO)
                            ?: posix_spawn_file_actions_adddup2(&actions, output, STDOUT_FILENO)
                            ?: posix_spawn_file_actions_adddup2(&actions, errors, STDERR_FILENO)
                            ?: posix_spawn(&hook->pid, path, &actions, &attributes, arguments, environment);
                (void) posix_spawn_file_actions_destroy(&actions);
        }
        (void) posix_spawnattr_destroy(&attributes);
        return -r;
}

/* Ours does not wait; theirs is as a program expects it. */
static int open_pipe(int *ret_ours, int *ret_theirs) {
        int ends[2];

        if (pipe2(ends, O_CLOEXEC) < 0)
                return -errno;
        *ret_ours = ends[0];
        *ret_theirs = ends[1];
        return fcntl(*ret_ours, F_SETFL, O_NONBLOCK) < 0 ? -errno : 0;
}

static int start(struct hook *hook, const char *path, const struct request *request) {
        _cleanup_close_ int input = make_input(request), output = -EBADF, errors = -EBADF;
        int r;

        if (input < 0)
                return input;
        r = open_pipe(&hook->output, &output);
        if (r < 0)
                return r;
        r = open_pipe(&hook->errors, &errors);
        if (r < 0)
                return r;
        r = spawn(hook, path, input, output, errors);
        if (r < 0)
                return r;
        hook->pidfd = pidfd_open(hook->pid, 0);
        return hook->pidfd < 0 ? -errno : 0;
}

/* With all that it has started and that is still there. */
static void hook_done(struct hook *hook) {
        if (hook->pid > 0) {
                (void) kill(-hook->pid, SIGKILL);
                (void) waitpid(hook->pid, NULL, 0);
        }
        safe_close(hook->pidfd);
        safe_close(hook->output);
        safe_close(hook->errors);
}

/* ---- what it says ---- */

/* Takes some of what is there, more than is kept: who writes without end is not listened to so. Whether more may come.
 */
static bool take_text(int fd, char text[static REASON_SIZE]) {
        size_t used = strlen(text);
        char buffer[4096];
        ssize_t n;

        n = read(fd, buffer, sizeof(buffer) - 1);
        if (n <= 0)
                return n < 0 && errno == EAGAIN;
        buffer[n] = '\0';
        copy_text(text + used, REASON_SIZE - used, buffer);
        return true;
}

/* 0 when it has ended, -ETIME. */
static int wait_for_end(struct hook *hook) {
        struct pollfd polls[] = { { hook->pidfd, POLLIN, 0 },
                                  { hook->output, POLLIN, 0 },
                                  { hook->errors, POLLIN, 0 } };
        uint64_t until = clock_now(CLOCK_MONOTONIC) + HOOK_USEC, now;

        while ((now = clock_now(CLOCK_MONOTONIC)) < until) {
                if (poll(polls, ELEMENTSOF(polls), (int) ((until - now) / USEC_PER_MSEC + 1)) < 0 && errno != EINTR)
                        return -errno;
                /* What has been closed is asked no more. */
                if (!take_text(hook->output, hook->id))
                        polls[1].fd = -1;
                if (!take_text(hook->errors, hook->complaint))
                        polls[2].fd = -1;
                if (polls[0].revents)
                        return 0;
        }
        return -ETIME;
}

/* Status 69, of sysexits.h: the gateway is not there for any message. */
static int judge(struct hook *hook, char reason[static REASON_SIZE]) {
        siginfo_t end = {};
        int error;

        if (waitid(P_PIDFD, (id_t) hook->pidfd, &end, WEXITED | WNOWAIT) < 0)
                return say(reason, -errno, "the hook has not been seen to end");
        hook->id[strcspn(hook->id, "\n")] = '\0';
        hook->complaint[strcspn(hook->complaint, "\n")] = '\0';
        if (end.si_code != CLD_EXITED)
                return say(reason, -EIO, "the hook was ended by signal %d", end.si_status);
        if (end.si_status == 0)
                return say(reason, 0, "%s", hook->id);
        error = end.si_status == EX_UNAVAILABLE ? -ENOTCONN : -EIO;
        if (hook->complaint[0] != '\0')
                return say(reason, error, "%s", hook->complaint);
        return say(reason, error, "the hook ended with status %d", end.si_status);
}

int hook_send(const struct request *request, const char *folder, char ret_reason[static REASON_SIZE]) {
        _cleanup_(hook_done) struct hook hook = { .pidfd = -EBADF, .output = -EBADF, .errors = -EBADF };
        char path[PATH_MAX];
        int r;

        (void) snprintf(path, sizeof(path), "%s/" HOOK, folder);
        r = check_hook(folder, path, ret_reason);
        if (r < 0)
                return r;
        r = start(&hook, path, request);
        if (r == -ENOENT)
                return say(ret_reason, r, "%s cannot be run: the program in its first line is not there", path);
        if (r < 0)
                return say(ret_reason, r, "%s cannot be run: %s", path, strerror(-r));
        r = wait_for_end(&hook);
        if (r == -ETIME)
                return say(ret_reason, NOTICE_MAYBE_SENT, "the hook has not ended in time");
        if (r < 0)
                return say(ret_reason, r, "the hook cannot be waited for: %s", strerror(-r));
        return judge(&hook, ret_reason);
}
