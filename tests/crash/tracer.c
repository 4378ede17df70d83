// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * tracer [-p CALL.N] [-d WHAT] [-s] [-f PREFIX] [-l FILE] [-t SECONDS] PROGRAM [ARGUMENT]... - runs a program to its
 * N-th system call of a name, counted from 1 and from where it stops itself (SIGSTOP), and does WHAT there:
 *
 *   kill     SIGKILL before the call        eio, enospc   the call fails and does nothing
 *   after    SIGKILL after the call         short         half of the bytes are written
 *   half     short, and SIGKILL after it
 *
 * With -f only when the call is about a file whose name begins so, or about a socket.
 * With -s each further call of that name on the same file meets the same error. -l lists the calls that there are:
 * NAME N FILE. Prints how it ended: "killed", "exited STATUS", "signal NUMBER", "hung" or "not there" (no such call).
 */
#include <errno.h>
#include <getopt.h>
#include <seccomp.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <sys/user.h>
#include <sys/wait.h>
#include <unistd.h>

#define CALLS_MAX 512
/* Descriptors from here on are the test's own: what the world knows is not made to lie. */
#define FD_WORLD 200

enum what { NOTHING, KILL, AFTER, HALF, EIO_, ENOSPC_, SHORT, _WHAT_MAX };
static const char *const words[_WHAT_MAX] = {
        [KILL] = "kill", [AFTER] = "after", [HALF] = "half", [EIO_] = "eio", [ENOSPC_] = "enospc", [SHORT] = "short",
};

static struct {
        pid_t pid;
        long call;       /* its number, -1 for none */
        unsigned number; /* which of them */
        enum what what;
        bool sticky, done;
        const char *prefix; /* of the files that it may be about, NULL for any */
        int fd;             /* of the call that failed first, for the sticky ones */
        FILE *list;
        unsigned counts[CALLS_MAX];
} trace = { .call = -1 };

static void fail(const char *what) {
        fprintf(stderr, "tracer: %s: %s\n", what, strerror(errno));
        exit(2);
}

static void on_alarm(int signal) {
        static const char text[] = "hung\n";

        (void) kill(trace.pid, SIGKILL);
        (void) !write(STDOUT_FILENO, text, sizeof(text) - 1);
        _exit(0);
}

/* ---- The program that is traced ---- */

static void resume(int request, int signal) {
        if (ptrace(request, trace.pid, NULL, (void *) (long) signal) < 0 && errno != ESRCH)
                fail("ptrace");
}

/* Returns false when the program has ended, and has said how. */
static bool next_stop(int *ret_status) {
        if (waitpid(trace.pid, ret_status, 0) != trace.pid)
                fail("waitpid");
        if (WIFEXITED(*ret_status))
                printf("%sexited %d\n", trace.call >= 0 && !trace.done ? "not there, " : "", WEXITSTATUS(*ret_status));
        else if (WIFSIGNALED(*ret_status) && trace.done && WTERMSIG(*ret_status) == SIGKILL)
                printf("killed\n");
        else if (WIFSIGNALED(*ret_status))
                printf("signal %d\n", WTERMSIG(*ret_status));
        return WIFSTOPPED(*ret_status);
}

static void get(struct user_regs_struct *ret) {
        if (ptrace(PTRACE_GETREGS, trace.pid, NULL, ret) < 0 && errno != ESRCH)
                fail("PTRACE_GETREGS");
}

static void set(const struct user_regs_struct *r) {
        if (ptrace(PTRACE_SETREGS, trace.pid, NULL, r) < 0 && errno != ESRCH)
                fail("PTRACE_SETREGS");
}

/* Up to the end of this call. */
static bool finish_call(int *status) {
        resume(PTRACE_SYSCALL, 0);
        return next_stop(status);
}

/* The file that a call is about: that of its descriptor, or the name that it is given. */
static ssize_t read_file_name(const struct user_regs_struct *r, char *path, size_t size) {
        unsigned long long name = r->orig_rax == SYS_unlink ? r->rdi : r->orig_rax == SYS_openat ? r->rsi : 0;
        char link[64];

        (void) snprintf(link, sizeof(link), "/proc/%d/fd/%d", trace.pid, (int) r->rdi);
        if (!name)
                return r->rdi < 1024 ? readlink(link, path, size) : -1;
        return process_vm_readv(trace.pid, &(struct iovec){ path, size }, 1,
                                &(struct iovec){ (void *) (uintptr_t) name, size }, 1, 0);
}

static void list_call(const struct user_regs_struct *r) {
        char *name = seccomp_syscall_resolve_num_arch(SCMP_ARCH_NATIVE, (int) r->orig_rax), path[256];
        ssize_t n = read_file_name(r, path, sizeof(path) - 1);

        path[n < 0 ? 0 : n] = '\0';
        fprintf(trace.list, "%s %u %d %s\n", name ? name : "?", trace.counts[r->orig_rax], (int) r->rdi, path);
        free(name);
}

static bool fail_call(struct user_regs_struct r, int error, int *status) {
        r.orig_rax = (unsigned long long) -1;
        set(&r);
        if (!finish_call(status))
                return false;
        get(&r);
        r.rax = (unsigned long long) -error;
        set(&r);
        return true;
}

/* The count is the third argument of write, pwrite64 and sendto. */
static bool shorten_call(struct user_regs_struct r, int *status) {
        unsigned long long whole = r.rdx;

        /* Nothing at all is not what a file system does. */
        r.rdx = whole > 1 ? whole / 2 : whole;
        set(&r);
        if (!finish_call(status))
                return false;
        get(&r);
        r.rdx = whole;
        set(&r);
        return true;
}

/* At the entry of the call that was asked for. Returns false when the program has ended. */
static bool strike(const struct user_regs_struct *r, int *status) {
        bool first = !trace.done;

        trace.done = true;
        trace.fd = (int) r->rdi;
        switch (trace.what) {
        case EIO_:
                return fail_call(*r, EIO, status);
        case ENOSPC_:
                return fail_call(*r, ENOSPC, status);
        case SHORT:
                return shorten_call(*r, status);
        case HALF:
                if (!shorten_call(*r, status))
                        return false;
                break;
        case AFTER:
                if (!finish_call(status))
                        return false;
                break;
        default:
                break;
        }
        if (first)
                (void) kill(trace.pid, SIGKILL);
        return next_stop(status);
}

static bool is_meant(const struct user_regs_struct *r) {
        char path[256] = {};

        if (!trace.prefix)
                return true;
        if (read_file_name(r, path, sizeof(path) - 1) < 0)
                return false;
        return strncmp(path, trace.prefix, strlen(trace.prefix)) == 0 || strncmp(path, "socket:", 7) == 0;
}

static bool is_struck(const struct user_regs_struct *r) {
        if (trace.what == NOTHING || (long) r->orig_rax != trace.call)
                return false;
        if (trace.done)
                return trace.sticky && (int) r->rdi == trace.fd && trace.fd < FD_WORLD;
        return trace.counts[r->orig_rax] == trace.number && is_meant(r);
}

/* At the entry of a call, to its end. */
static bool on_call(int *status) {
        struct user_regs_struct r = {};

        get(&r);
        if (r.orig_rax < CALLS_MAX) {
                trace.counts[r.orig_rax]++;
                if (trace.list)
                        list_call(&r);
                if (is_struck(&r))
                        return strike(&r, status);
        }
        return finish_call(status);
}

static void run(void) {
        bool started = false;
        int status, signal;

        for (;;) {
                if (!next_stop(&status))
                        return;
                signal = WSTOPSIG(status);
                if (signal == (SIGTRAP | 0x80)) {
                        if (!on_call(&status))
                                return;
                        /* A signal in the middle of a call is met as below. */
                        signal = WSTOPSIG(status);
                }
                if (signal == SIGSTOP && !started) {
                        started = true;
                        signal = 0;
                }
                if (signal == SIGTRAP || signal == (SIGTRAP | 0x80))
                        signal = 0;
                /* What it had to do is done: the rest at full speed. */
                if (trace.done && !trace.sticky)
                        resume(PTRACE_CONT, signal);
                else
                        resume(started ? PTRACE_SYSCALL : PTRACE_CONT, signal);
        }
}

static void start(char *argv[]) {
        int status;

        trace.pid = fork();
        if (trace.pid < 0)
                fail("fork");
        if (trace.pid == 0) {
                (void) setenv("TILL_CRASH_TRACED", "1", 1);
                if (ptrace(PTRACE_TRACEME, 0, NULL, NULL) == 0)
                        (void) execv(argv[0], argv);
                _exit(127);
        }
        if (waitpid(trace.pid, &status, 0) != trace.pid || !WIFSTOPPED(status))
                fail(argv[0]);
        if (ptrace(PTRACE_SETOPTIONS, trace.pid, NULL, PTRACE_O_TRACESYSGOOD | PTRACE_O_EXITKILL) < 0)
                fail("PTRACE_SETOPTIONS");
        resume(PTRACE_CONT, 0);
}

static void set_point(char *text) {
        char *dot = strchr(text, '.');

        errno = EINVAL;
        if (!dot)
                fail(text);
        *dot = '\0';
        trace.call = seccomp_syscall_resolve_name(text);
        trace.number = (unsigned) atoi(dot + 1);
        if (trace.call < 0 || trace.call >= CALLS_MAX)
                fail(text);
}

static void set_what(const char *text) {
        for (trace.what = KILL; trace.what < _WHAT_MAX; trace.what++)
                if (strcmp(words[trace.what], text) == 0)
                        return;
        errno = EINVAL;
        fail(text);
}

int main(int argc, char *argv[]) {
        int c;

        (void) prctl(PR_SET_PDEATHSIG, SIGKILL);
        (void) signal(SIGALRM, on_alarm);
        while ((c = getopt(argc, argv, "+p:d:sf:l:t:")) >= 0)
                switch (c) {
                case 'p':
                        set_point(optarg);
                        break;
                case 'd':
                        set_what(optarg);
                        break;
                case 's':
                        trace.sticky = true;
                        break;
                case 'f':
                        trace.prefix = optarg;
                        break;
                case 'l':
                        trace.list = fopen(optarg, "we");
                        if (!trace.list)
                                fail(optarg);
                        break;
                case 't':
                        (void) alarm((unsigned) atoi(optarg));
                        break;
                default:
                        return 2;
                }
        if (optind >= argc)
                return 2;
        start(argv + optind);
        run();
        if (trace.list)
                (void) fclose(trace.list);
        return 0;
}
