// SPDX-License-Identifier: LGPL-2.1-or-later
#include <linux/landlock.h>
#include <seccomp.h>
#include <signal.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>

#include <openssl/sha.h>

#include "base/log.h"
#include "emv/message.h"
#include "helpers/sandbox.h"
#include "kernel/include/uapi/linux/till.h"

/* Program and libraries take a sixth of it, one transaction far less than the rest. */
#define ADDRESS_SPACE_MAX (48 << 20)
/* Of computing; a transaction takes well below one. An endless loop ends also when tilld is no more. */
#define CPU_SECONDS_MAX 60

/* ---- System calls ---- */

static int allow_kernel_calls(scmp_filter_ctx filter) {
        /* What memory, clocks, locks and the end of a process take; no descriptor is made by any of them. */
        static const int calls[] = {
                SCMP_SYS(poll),         SCMP_SYS(ppoll),           SCMP_SYS(clock_gettime), SCMP_SYS(brk),
                SCMP_SYS(munmap),       SCMP_SYS(mremap),          SCMP_SYS(madvise),       SCMP_SYS(mlock),
                SCMP_SYS(futex),        SCMP_SYS(getrandom),       SCMP_SYS(exit),          SCMP_SYS(exit_group),
                SCMP_SYS(rt_sigreturn), SCMP_SYS(restart_syscall),
        };
        int r;

        for (size_t i = 0; i < ELEMENTSOF(calls); i++) {
                r = seccomp_rule_add(filter, SCMP_ACT_ALLOW, calls[i], 0);
                /* Not every architecture has every one. */
                if (r < 0 && r != -EDOM)
                        return r;
        }
        r = seccomp_rule_add(filter, SCMP_ACT_ALLOW, SCMP_SYS(mmap), 1, SCMP_A2(SCMP_CMP_MASKED_EQ, PROT_EXEC, 0));
        if (r < 0)
                return r;
        return seccomp_rule_add(filter, SCMP_ACT_ALLOW, SCMP_SYS(mprotect), 1,
                                SCMP_A2(SCMP_CMP_MASKED_EQ, PROT_EXEC, 0));
}

static int allow_on(scmp_filter_ctx filter, int call, int fd) {
        return seccomp_rule_add(filter, SCMP_ACT_ALLOW, call, 1, SCMP_A0(SCMP_CMP_EQ, (scmp_datum_t) fd));
}

static int allow_descriptors(scmp_filter_ctx filter) {
        static const unsigned requests[] = {
                TILL_EMV_GET_INFO, TILL_EMV_GET_STATE,      TILL_EMV_POWER_ON,    TILL_EMV_POWER_OFF,
                TILL_EMV_ABORT,    TILL_EMV_SET_PARAMETERS, TILL_EMV_SET_WAITING, TILL_EMV_VERIFY_PIN,
        };
        static const struct {
                int call, fd;
        } pairs[] = {
                { SCMP_SYS(read), WORKER_FD_READER },
                { SCMP_SYS(write), WORKER_FD_READER },
                { SCMP_SYS(recvfrom), WORKER_FD_TILLD },
                { SCMP_SYS(sendto), WORKER_FD_TILLD },
        };
        int r;

        for (size_t i = 0; i < ELEMENTSOF(pairs); i++) {
                r = allow_on(filter, pairs[i].call, pairs[i].fd);
                if (r < 0)
                        return r;
        }
        for (size_t i = 0; i < ELEMENTSOF(requests); i++) {
                r = seccomp_rule_add(filter, SCMP_ACT_ALLOW, SCMP_SYS(ioctl), 2,
                                     SCMP_A0(SCMP_CMP_EQ, WORKER_FD_READER), SCMP_A1(SCMP_CMP_EQ, requests[i]));
                if (r < 0)
                        return r;
        }
        return 0;
}

/* The last that it does on its way in, when nothing is left that could go wrong and would have to be logged. */
static int allow_closing(scmp_filter_ctx filter) {
        return seccomp_rule_add(filter, SCMP_ACT_ALLOW, SCMP_SYS(close_range), 3, SCMP_A0(SCMP_CMP_EQ, STDIN_FILENO),
                                SCMP_A1(SCMP_CMP_EQ, STDERR_FILENO), SCMP_A2(SCMP_CMP_EQ, 0));
}

static int allow_calls(void) {
        scmp_filter_ctx filter;
        int r;

        filter = seccomp_init(SCMP_ACT_KILL_PROCESS);
        if (!filter)
                return -ENOMEM;
        /* Also for the calls of another architecture that the processor can make. */
        r = seccomp_attr_set(filter, SCMP_FLTATR_ACT_BADARCH, SCMP_ACT_KILL_PROCESS);
        if (r >= 0)
                r = allow_kernel_calls(filter);
        if (r >= 0)
                r = allow_descriptors(filter);
        if (r >= 0)
                r = allow_closing(filter);
        if (r >= 0)
                r = seccomp_load(filter);
        seccomp_release(filter);
        return r;
}

/* ---- Files ---- */

/* As the kernel's newest struct landlock_ruleset_attr, which headers may be too old for. */
struct rules {
        uint64_t fs, net, scoped;
};

/* Everything that this kernel's Landlock knows, by its version (landlock(7)). Returns the structure's size. */
static size_t deny_all(long version, struct rules *ret) {
        /* 13 rights at first; then to move between directories, to truncate, and to ioctl a device. */
        unsigned n_fs = version >= 5 ? 16 : version >= 3 ? 15 : version >= 2 ? 14 : 13;

        *ret = (struct rules){
                .fs = (UINT64_C(1) << n_fs) - 1,
                /* To bind and to connect TCP. */
                .net = version >= 4 ? 3 : 0,
                /* Abstract sockets and signals to others. */
                .scoped = version >= 6 ? 3 : 0,
        };
        return version >= 6   ? sizeof(*ret)
               : version >= 4 ? offsetof(struct rules, scoped)
                              : offsetof(struct rules, net);
}

int sandbox_close_files(void) {
        _cleanup_close_ int fd = -EBADF;
        struct rules rules;
        long version;
        size_t size;

        version = syscall(SYS_landlock_create_ruleset, NULL, 0, LANDLOCK_CREATE_RULESET_VERSION);
        if (version < 0 && (errno == ENOSYS || errno == EOPNOTSUPP)) {
                log_notice(
                        "This kernel has no Landlock: only the filter of system calls keeps card-worker from files");
                return 0;
        }
        if (version < 0)
                return -errno;
        size = deny_all(version, &rules);
        fd = (int) syscall(SYS_landlock_create_ruleset, &rules, size, 0);
        if (fd < 0)
                return -errno;
        if (syscall(SYS_landlock_restrict_self, fd, 0) < 0)
                return -errno;
        return 0;
}

/* ---- Limits ---- */

static int set_limits(void) {
        static const struct {
                int resource;
                rlim_t max;
        } limits[] = {
                { RLIMIT_CORE, 0 },
                { RLIMIT_NPROC, 0 },
                { RLIMIT_FSIZE, 0 },
                { RLIMIT_NOFILE, WORKER_FD_TILLD + 1 },
                { RLIMIT_AS, ADDRESS_SPACE_MAX },
                { RLIMIT_CPU, CPU_SECONDS_MAX },
        };

        for (size_t i = 0; i < ELEMENTSOF(limits); i++)
                if (setrlimit((__rlimit_resource_t) limits[i].resource,
                              &(struct rlimit){ limits[i].max, limits[i].max }) < 0)
                        return -errno;
        return 0;
}

/* ---- Memory ---- */

/* With less than it can ever have, memory would end in the middle of a transaction. */
static int may_lock_all(void) {
        void *p = mmap(NULL, ADDRESS_SPACE_MAX, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
        int r;

        if (p == MAP_FAILED)
                return -errno;
        r = mlock2(p, ADDRESS_SPACE_MAX, MLOCK_ONFAULT) < 0 ? -errno : 0;
        (void) munmap(p, ADDRESS_SPACE_MAX);
        return r;
}

/* Card data are on the stack and in libcrypto's heap, too, and are wiped at the end only. */
static void keep_from_swap(void) {
        int r = may_lock_all();

        if (r >= 0 && mlockall(MCL_CURRENT | MCL_FUTURE | MCL_ONFAULT) < 0)
                r = -errno;
        if (r < 0)
                log_notice_errno(r, "Card data in card-worker's memory may be swapped out "
                                    "(LimitMEMLOCK= of tilld.service)");
}

/* ---- Entering ---- */

/* libcrypto reads its configuration at its first use. */
static int use_crypto(void) {
        uint8_t hash[SHA_DIGEST_LENGTH];

        return SHA1((const uint8_t *) "", 0, hash) ? 0 : -ENOMEM;
}

int sandbox_enter(void) {
        int r;

        if (prctl(PR_SET_DUMPABLE, 0) < 0 || prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0 ||
            prctl(PR_SET_PDEATHSIG, SIGKILL) < 0)
                return -errno;
        if (close_range(WORKER_FD_TILLD + 1, ~0U, 0) < 0)
                return -errno;
        keep_from_swap();
        r = use_crypto();
        if (r < 0)
                return r;
        r = sandbox_close_files();
        if (r < 0)
                return r;
        r = set_limits();
        if (r < 0)
                return r;
        r = allow_calls();
        if (r < 0)
                return r;
        return close_range(STDIN_FILENO, STDERR_FILENO, 0) < 0 ? -errno : 0;
}
