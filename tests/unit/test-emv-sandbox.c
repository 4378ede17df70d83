// SPDX-License-Identifier: LGPL-2.1-or-later
#include "test.h"

/* The walls around card-worker: seen from outside, and tried from inside, one way out after the other. */

#include <linux/landlock.h>
#include <sched.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/uio.h>

#include "base/log.h"
#include "base/secret.h"
#include "worker-fixture.h"

static void assert_proc(pid_t pid, const char *file, const char *line) {
        char path[64], text[4096] = "";
        FILE *p;

        snprintf(path, sizeof(path), "/proc/%d/%s", pid, file);
        p = fopen(path, "re");
        assert_non_null(p);
        (void) !fread(text, 1, sizeof(text) - 1, p);
        fclose(p);
        if (!strstr(text, line))
                fail_msg("%s does not have \"%s\"", path, line);
}

/* Seen from outside, while it waits for a card. */
static void sandboxed(void **state) {
        struct fixture *f = *state;
        char path[64];

        f->insert_when_asked = false;
        spawn_worker(f);
        assert_int_equal(send(f->tilld, &f->start, sizeof(f->start), 0), sizeof(f->start));
        serve(f, "insert-card");
        assert_proc(f->pid, "status", "NoNewPrivs:\t1");
        assert_proc(f->pid, "status", "Seccomp:\t2");
        assert_proc(f->pid, "limits", "Max core file size        0                    0");
        assert_proc(f->pid, "limits", "Max processes             0                    0");
        assert_proc(f->pid, "limits", "Max file size             0                    0");
        assert_proc(f->pid, "limits", "Max open files            5                    5");
        assert_proc(f->pid, "limits", "Max address space         268435456            268435456");
        assert_proc(f->pid, "limits", "Max cpu time              60                   60");
        for (int fd = 0; fd < 256; fd++) {
                if (fd >= STDERR_FILENO && fd <= WORKER_FD_TILLD)
                        continue;
                snprintf(path, sizeof(path), "/proc/%d/fd/%d", f->pid, fd);
                assert_int_not_equal(access(path, F_OK), 0);
        }
}

/* What is tried from inside. */
static void try_open(void) {
        (void) syscall(SYS_openat, AT_FDCWD, "/dev/null", O_RDONLY);
}
static void try_open_proc(void) {
        (void) syscall(SYS_openat, AT_FDCWD, "/proc/self/mem", O_RDWR);
}
static void try_socket(void) {
        (void) syscall(SYS_socket, AF_INET, SOCK_STREAM, 0);
}
static void try_exec(void) {
        (void) syscall(SYS_execve, "/bin/true", NULL, NULL);
}
static void try_fork(void) {
        (void) syscall(SYS_clone, SIGCHLD, 0, 0, 0, 0);
}
static void try_thread(void) {
        (void) syscall(SYS_clone, CLONE_VM | CLONE_THREAD | CLONE_SIGHAND, 0, 0, 0, 0);
}
static void try_ptrace(void) {
        (void) syscall(SYS_ptrace, PTRACE_ATTACH, 1, 0, 0);
}
static void try_read_memory(void) {
        char c;
        struct iovec v = { &c, 1 };

        (void) syscall(SYS_process_vm_readv, getppid(), &v, 1, &v, 1, 0);
}
static void try_write_memory(void) {
        char c = 0;
        struct iovec v = { &c, 1 };

        (void) syscall(SYS_process_vm_writev, getppid(), &v, 1, &v, 1, 0);
}
static void try_kill(void) {
        (void) syscall(SYS_kill, 0, 0);
}
static void try_pidfd(void) {
        (void) syscall(SYS_pidfd_open, 1, 0);
}
static void try_stdout(void) {
        (void) syscall(SYS_write, STDOUT_FILENO, "x", 1);
}
static void try_dup(void) {
        (void) syscall(SYS_dup, WORKER_FD_TILLD);
}
static void try_receive_descriptor(void) {
        (void) syscall(SYS_recvmsg, WORKER_FD_TILLD, NULL, 0);
}
static void try_other_ioctl(void) {
        (void) syscall(SYS_ioctl, WORKER_FD_READER, TILL_EMV_GET_PARAMETERS, NULL);
}
static void try_ioctl_of_socket(void) {
        (void) syscall(SYS_ioctl, WORKER_FD_TILLD, TILL_EMV_ABORT, NULL);
}
static void try_executable(void) {
        (void) syscall(SYS_mmap, NULL, 4096, PROT_READ | PROT_WRITE | PROT_EXEC, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
}
static void try_make_executable(void) {
        void *p = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

        if (p == MAP_FAILED)
                _exit(97);
        (void) mprotect(p, 4096, PROT_READ | PROT_EXEC);
}
static void try_dumpable(void) {
        (void) syscall(SYS_prctl, PR_SET_DUMPABLE, 1, 0, 0, 0);
}
static void try_limit(void) {
        (void) syscall(SYS_prlimit64, 0, RLIMIT_NOFILE, NULL, NULL);
}
static void try_io_uring(void) {
        (void) syscall(SYS_io_uring_setup, 1, NULL);
}
#ifdef __x86_64__
/* getpid() of 32 bits: its number is munmap's of 64, hence the harmless one. */
static void try_other_architecture(void) {
        long r = 20;

        __asm__ volatile("int $0x80" : "+a"(r) : : "memory");
}
#endif
static void try_nothing(void) {
        _cleanup_secret_ char *p = secret_new(10000);

        (void) p;
        (void) reader_now_ms();
        log_error("card-worker's sandbox lets a line of the log out");
}

static void (*const tries[])(void) = {
        try_nothing, /* first */
        try_open,
        try_open_proc,
        try_socket,
        try_exec,
        try_fork,
        try_thread,
        try_ptrace,
        try_read_memory,
        try_write_memory,
        try_kill,
        try_pidfd,
        try_stdout,
        try_dup,
        try_receive_descriptor,
        try_other_ioctl,
        try_ioctl_of_socket,
        try_executable,
        try_make_executable,
        try_dumpable,
        try_limit,
        try_io_uring,
#ifdef __x86_64__
        try_other_architecture,
#endif
};

static int be_tried(const char *number) {
        if (sandbox_enter() < 0)
                return 99;
        tries[atoi(number)]();
        return 0;
}

static int in_sandbox(size_t try) {
        char number[16];
        pid_t pid;
        int status;

        snprintf(number, sizeof(number), "%zu", try);
        pid = fork();
        assert_true(pid >= 0);
        if (pid == 0)
                become(number, 0, 0);
        assert_int_equal(waitpid(pid, &status, 0), pid);
        return status;
}

static void walls(void **state) {
        assert_exit(in_sandbox(0), 0);
        for (size_t i = 1; i < ELEMENTSOF(tries); i++) {
                int status = in_sandbox(i);

                if (!WIFSIGNALED(status) || WTERMSIG(status) != SIGSYS)
                        fail_msg("try %zu was not stopped: status %#x", i, (unsigned) status);
        }
}

/* The second wall, by itself. */
static void files_are_closed(void **state) {
        pid_t pid;
        int status;

        if (syscall(SYS_landlock_create_ruleset, NULL, 0, LANDLOCK_CREATE_RULESET_VERSION) < 0) {
                print_message("skipped: this kernel has no Landlock\n");
                skip();
        }
        pid = fork();
        assert_true(pid >= 0);
        if (pid == 0) {
                if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0 || sandbox_close_files() < 0)
                        _exit(99);
                _exit(open("/etc/passwd", O_RDONLY | O_CLOEXEC) < 0 && errno == EACCES ? 0 : 1);
        }
        assert_int_equal(waitpid(pid, &status, 0), pid);
        assert_exit(status, 0);
}

int main(int argc, char **argv) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(walls),
                cmocka_unit_test(files_are_closed),
                cmocka_unit_test_setup_teardown(sandboxed, setup, teardown),
        };

        if (argc > 1 && streq(argv[1], "worker"))
                return card_worker_main();
        if (argc > 1)
                return be_tried(argv[1]);
        return cmocka_run_group_tests_name("card-worker: the sandbox", tests, NULL, NULL);
}
