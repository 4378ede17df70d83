// SPDX-License-Identifier: LGPL-2.1-or-later
#include "test.h"

/* The walls around card-worker: seen from outside, and tried from inside, one way out after the other. */

#include <limits.h>
#include <linux/landlock.h>
#include <sched.h>
#include <seccomp.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/resource.h>
#include <sys/stat.h>
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

static uid_t user(void) {
        return geteuid() != 0 ? geteuid() : 65534;
}

static int set_lock_limit(rlim_t max) {
        return setrlimit(RLIMIT_MEMLOCK, &(struct rlimit){ max, max });
}

/* As tilld, which is not root: with its user's rights, and a log that is a pipe. */
static int be_user(struct fixture *f) {
        if (dup2(f->log[1], STDERR_FILENO) < 0)
                return -1;
        /* Who may not set the limit but may lock anyway stays as he is. */
        if (f->lock_max && set_lock_limit(f->lock_max) < 0)
                return 0;
        return geteuid() != 0 ? 0 : setresuid(user(), user(), user());
}

/* Until it waits for a card. */
static void start_as_user(struct fixture *f) {
        assert_int_equal(pipe2(f->log, O_CLOEXEC | O_NONBLOCK), 0);
        f->before = be_user;
        f->insert_when_asked = false;
        spawn_worker(f);
        safe_close(f->log[1]);
        assert_int_equal(send(f->tilld, &f->start, sizeof(f->start), 0), sizeof(f->start));
        serve(f, "insert-card");
}

/* What it has logged until it read the first message. */
static void take_log(struct fixture *f, char text[static 4096]) {
        ssize_t n = read(f->log[0], text, 4095);

        assert_true(n >= 0);
        text[n] = '\0';
        close(f->log[0]);
}

/* Seen from outside, while it waits for a card. */
static void sandboxed(void **state) {
        struct fixture *f = *state;
        char path[64];
        struct stat st;

        start_as_user(f);
        assert_proc(f->pid, "status", "NoNewPrivs:\t1");
        assert_proc(f->pid, "status", "Seccomp:\t2");
        assert_proc(f->pid, "limits", "Max core file size        0                    0");
        assert_proc(f->pid, "limits", "Max processes             0                    0");
        assert_proc(f->pid, "limits", "Max file size             0                    0");
        assert_proc(f->pid, "limits", "Max open files            5                    5");
        assert_proc(f->pid, "limits", "Max address space         50331648             50331648");
        assert_proc(f->pid, "limits", "Max cpu time              60                   60");
        /* Who is not dumpable belongs to root, whoever runs it: no one of its user looks into it. */
        snprintf(path, sizeof(path), "/proc/%d/environ", f->pid);
        assert_int_equal(stat(path, &st), 0);
        assert_int_equal(st.st_uid, 0);
        assert_int_not_equal(user(), 0);
        for (int fd = 0; fd < 256; fd++) {
                if (fd == WORKER_FD_READER || fd == WORKER_FD_TILLD)
                        continue;
                snprintf(path, sizeof(path), "/proc/%d/fd/%d", f->pid, fd);
                assert_int_not_equal(access(path, F_OK), 0);
        }
}

static unsigned long locked_kb(pid_t pid) {
        char path[64], line[256];
        unsigned long kb = ULONG_MAX;
        FILE *p;

        snprintf(path, sizeof(path), "/proc/%d/status", pid);
        p = fopen(path, "re");
        assert_non_null(p);
        while (fgets(line, sizeof(line), p))
                (void) sscanf(line, "VmLck: %lu kB", &kb);
        fclose(p);
        return kb;
}

/* LimitMEMLOCK= as it is shipped, which an unprivileged user gets. */
static rlim_t shipped_limit(void) {
        char line[256];
        unsigned long mb = 0;
        FILE *p = fopen("packaging/systemd/tilld.service", "re");

        assert_non_null(p);
        while (fgets(line, sizeof(line), p))
                (void) sscanf(line, "LimitMEMLOCK=%luM", &mb);
        fclose(p);
        return (rlim_t) mb << 20;
}

/* In a process of its own, as limits are not raised again. */
static bool may_lock(rlim_t max) {
        pid_t pid = fork();
        int status;

        assert_true(pid >= 0);
        if (pid == 0) {
                void *p = mmap(NULL, max, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

                (void) set_lock_limit(max);
                _exit(p != MAP_FAILED && mlock2(p, max, MLOCK_ONFAULT) == 0 ? 0 : 1);
        }
        assert_int_equal(waitpid(pid, &status, 0), pid);
        return status == 0;
}

/* All memory of it is kept from the page file, as much as tilld.service allows; with less it says so, and works. */
static void memory_is_locked(void **state) {
        struct fixture *f = *state;
        char text[4096];

        f->lock_max = shipped_limit();
        if (!may_lock(f->lock_max)) {
                print_message("skipped: RLIMIT_MEMLOCK is too low, and may not be raised\n");
                skip();
        }
        start_as_user(f);
        assert_in_range(locked_kb(f->pid), 1024, f->lock_max >> 10);
        take_log(f, text);
        assert_null(strstr(text, "swapped"));
        /* Memory that it comes to need does not fail. */
        f->insert_when_asked = true;
        slot_change(f, true);
        serve(f, NULL);
        assert_exit(wait_worker(f), EXIT_SUCCESS);
        assert_string_equal(f->seen, "insert-card inserted reading reading online approved");
}

static void memory_cannot_be_locked(void **state) {
        struct fixture *f = *state;
        char text[4096];

        f->lock_max = 8 << 20;
        start_as_user(f);
        /* Its own secrets are, as far as it goes. */
        assert_in_range(locked_kb(f->pid), 0, 1023);
        take_log(f, text);
        assert_non_null(strstr(text, "Card data in card-worker's memory may be swapped out"));
        slot_change(f, true);
        serve(f, NULL);
        assert_exit(wait_worker(f), EXIT_SUCCESS);
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
static void try_log(void) {
        log_error("card-worker's sandbox lets a line of the log out");
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
        try_log,
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

/* A kernel without the second wall, as it answers: the worker goes on, and says so. */
static void no_landlock(void **state) {
        char text[4096];
        int log[2], status;
        pid_t pid;
        ssize_t n;

        assert_int_equal(pipe2(log, O_CLOEXEC), 0);
        pid = fork();
        assert_true(pid >= 0);
        if (pid == 0) {
                scmp_filter_ctx filter = seccomp_init(SCMP_ACT_ALLOW);

                if (!filter ||
                    seccomp_rule_add(filter, SCMP_ACT_ERRNO(ENOSYS), SCMP_SYS(landlock_create_ruleset), 0) < 0 ||
                    seccomp_load(filter) < 0 || dup2(log[1], STDERR_FILENO) < 0)
                        _exit(99);
                _exit(sandbox_close_files() == 0 ? 0 : 1);
        }
        close(log[1]);
        assert_int_equal(waitpid(pid, &status, 0), pid);
        assert_exit(status, 0);
        n = read(log[0], text, sizeof(text) - 1);
        assert_true(n > 0);
        text[n] = '\0';
        assert_non_null(strstr(text, "This kernel has no Landlock"));
        close(log[0]);
}

int main(int argc, char **argv) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(walls),
                cmocka_unit_test(files_are_closed),
                cmocka_unit_test(no_landlock),
                cmocka_unit_test_setup_teardown(sandboxed, setup, teardown),
                cmocka_unit_test_setup_teardown(memory_is_locked, setup, teardown),
                cmocka_unit_test_setup_teardown(memory_cannot_be_locked, setup, teardown),
        };

        if (argc > 1 && streq(argv[1], "worker"))
                return card_worker_main();
        if (argc > 1)
                return be_tried(argv[1]);
        return cmocka_run_group_tests_name("card-worker: the sandbox", tests, NULL, NULL);
}
