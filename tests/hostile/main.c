// SPDX-License-Identifier: LGPL-2.1-or-later

/* till-hostile: hostile devices for till.ko, by seed and number. See README. */

#include "hostile.h"

#include <fcntl.h>
#include <getopt.h>
#include <limits.h>
#include <regex.h>
#include <signal.h>
#include <stdarg.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <time.h>

#include "base/log.h"
#include "usb/vhci.h"

#define BATCH 4 /* cases of a worker between two looks at proper devices */
#define PROPER_NUMBER 1000000000
#define STUCK_MS 200000
#define FAILSLAB "/sys/kernel/debug/failslab/"

struct options {
        uint64_t seed;
        unsigned long cases, only, unplugs, seconds;
        bool has_only, scarce;
        unsigned int jobs, patience, scarcity;
        regex_t complaints;
        bool has_complaints;
};

struct order {
        uint64_t first;
        unsigned int count, stride;
        bool proper;
};

struct labourer {
        pid_t pid;
        int orders, done;
        bool busy;
};

static struct shared *shared;
static struct labourer labourers[WORKERS_MAX];
static int kmsg = -EBADF;
static bool complained;

int64_t now_ms(void) {
        struct timespec t;

        (void) clock_gettime(CLOCK_MONOTONIC, &t);
        return t.tv_sec * 1000LL + t.tv_nsec / 1000000;
}

static void note_failure(uint64_t number, const char *text) {
        unsigned int i = atomic_fetch_add(&shared->failures, 1);

        if (i >= FAILURES_MAX)
                return;
        shared->failure[i].number = number;
        snprintf(shared->failure[i].text, sizeof(shared->failure[i].text), "%s", text);
}

void failed(struct hostile *h, const struct plan *plan, const char *format, ...) {
        char text[200];
        va_list ap;

        va_start(ap, format);
        vsnprintf(text, sizeof(text), format, ap);
        va_end(ap);
        printf("# case %llu (%s): %s\n", (unsigned long long) plan->number, kind_names[plan->kind], text);
        note_failure(plan->number, text);
}

/*
 * Workers: one controller each
 */

static void plan_proper(struct plan *plan, const struct options *o, uint64_t number) {
        *plan = (struct plan){
                .seed = o->seed,
                .number = number,
                .kind = number % KINDS,
                .proper = true,
                .unplug = UNPLUG_LATE,
        };
}

static void mark_case(const struct plan *plan) {
        char text[80];
        int n = snprintf(text, sizeof(text), "<7>till-hostile: case %llu of seed %llu (%s)\n",
                         (unsigned long long) plan->number, (unsigned long long) plan->seed, kind_names[plan->kind]);
        int fd = open("/dev/kmsg", O_WRONLY | O_CLOEXEC);

        if (fd >= 0)
                (void) !write(fd, text, n);
        safe_close(fd);
}

static int work(const struct options *o, unsigned int index, int orders, int done) {
        struct device *devices[KINDS];
        sd_event *event = NULL;
        struct order order;
        struct hostile h = {
                .shared = shared,
                .worker = &shared->worker[index],
                .controller = index + 1,
                .patience = o->patience,
        };
        int r;

        (void) prctl(PR_SET_PDEATHSIG, SIGKILL);
        r = case_program_start(&h);
        if (r < 0)
                return r;
        r = sd_event_new(&event);
        if (r < 0)
                return r;
        r = case_devices_new(event, devices);
        if (r < 0)
                return r;
        while (read(orders, &order, sizeof(order)) == sizeof(order)) {
                for (unsigned int i = 0; i < order.count; i++) {
                        uint64_t number = order.first + (uint64_t) i * order.stride;
                        struct plan plan;

                        if (order.proper)
                                plan_proper(&plan, o, number);
                        else
                                plan_make(&plan, o->seed, number, o->unplugs > 0);
                        mark_case(&plan);
                        case_run(&h, event, devices, &plan);
                }
                if (write(done, "", 1) != 1)
                        break;
        }
        return 0;
}

static int start_labourer(const struct options *o, unsigned int index) {
        struct labourer *l = &labourers[index];
        int orders[2], done[2];

        if (pipe2(orders, O_CLOEXEC) < 0 || pipe2(done, O_CLOEXEC) < 0)
                return -errno;
        fflush(stdout);
        l->pid = fork();
        if (l->pid < 0)
                return -errno;
        if (l->pid == 0) {
                safe_close(orders[1]);
                safe_close(done[0]);
                _exit(work(o, index, orders[0], done[1]) < 0);
        }
        safe_close(orders[0]);
        safe_close(done[1]);
        l->orders = orders[1];
        l->done = done[0];
        if (fcntl(l->done, F_SETFL, O_NONBLOCK) < 0)
                return -errno;
        return 0;
}

/*
 * The kernel's side
 */

static void write_text(const char *path, const char *text) {
        int fd = open(path, O_WRONLY | O_CLOEXEC);

        if (fd < 0 || write(fd, text, strlen(text)) < 0)
                log_warning_errno(-errno, "Cannot write \"%s\" to %s", text, path);
        safe_close(fd);
}

/* What till.ko calls, wherever it is called from. */
static int scarcity_prepare(void) {
        _cleanup_fclose_ FILE *f = fopen("/proc/modules", "re");
        unsigned long start = 0;
        unsigned int size = 0;
        char line[512], text[32];

        while (f && fgets(line, sizeof(line), f))
                if (startswith(line, "till "))
                        (void) sscanf(line, "till %u %*s %*s %*s %lx", &size, &start);
        if (start == 0)
                return log_error_errno(-ENOENT, "till.ko is not loaded");
        snprintf(text, sizeof(text), "0x%lx", start);
        write_text(FAILSLAB "require-start", text);
        snprintf(text, sizeof(text), "0x%lx", start + size);
        write_text(FAILSLAB "require-end", text);
        write_text(FAILSLAB "task-filter", "N");
        write_text(FAILSLAB "ignore-gfp-wait", "N");
        write_text(FAILSLAB "times", "-1");
        write_text(FAILSLAB "verbose", "0");
        return 0;
}

static void set_scarce(const struct options *o, bool scarce) {
        char text[16];

        if (o->scarcity == 0 || scarce == atomic_load(&shared->scarce))
                return;
        if (scarce)
                atomic_store(&shared->scarce, true);
        snprintf(text, sizeof(text), "%u", scarce ? o->scarcity : 0);
        write_text(FAILSLAB "probability", text);
        if (!scarce)
                atomic_store(&shared->scarce, false);
}

static bool is_complaint(const struct options *o, const char *text) {
        return o->has_complaints && regexec(&o->complaints, text, 0, NULL, 0) == 0;
}

/* Tells what the kernel complains of, and all that it says after that. */
static void read_kmsg(const struct options *o) {
        char line[8192];
        ssize_t n;

        while (kmsg >= 0 && ((n = read(kmsg, line, sizeof(line) - 1)) > 0 || errno == EPIPE)) {
                char *text;

                if (n <= 0)
                        continue;
                line[n] = '\0';
                text = strchr(line, ';');
                if (!text)
                        continue;
                *strchrnul(text, '\n') = '\0';
                text++;
                if (!complained && !is_complaint(o, text))
                        continue;
                if (!complained) {
                        printf("# the kernel complains:\n");
                        for (unsigned int i = 0; i < o->jobs; i++)
                                if (atomic_load(&shared->worker[i].running))
                                        note_failure(atomic_load(&shared->worker[i].number), text);
                        if (atomic_load(&shared->failures) == 0)
                                note_failure(0, text);
                }
                complained = true;
                printf("# %s\n", text);
        }
}

/*
 * Rounds
 */

static void give_order(struct labourer *l, struct order order) {
        if (write(l->orders, &order, sizeof(order)) != sizeof(order))
                log_warning_errno(-errno, "A worker takes no order");
        l->busy = true;
}

static bool is_stuck(const struct options *o, unsigned int i) {
        return labourers[i].busy && atomic_load(&shared->worker[i].running) &&
               now_ms() - atomic_load(&shared->worker[i].heartbeat) > STUCK_MS * (int64_t) o->patience;
}

/* Returns false if there is no point in going on. */
static bool await_labourers(const struct options *o) {
        bool busy;

        do {
                busy = false;
                usleep(50000);
                read_kmsg(o);
                for (unsigned int i = 0; i < o->jobs; i++) {
                        struct labourer *l = &labourers[i];
                        char byte;

                        if (read(l->done, &byte, 1) == 1)
                                l->busy = false;
                        busy |= l->busy;
                        if (l->busy && waitpid(l->pid, NULL, WNOHANG) == l->pid) {
                                note_failure(atomic_load(&shared->worker[i].number), "the runner itself has ended");
                                return false;
                        }
                        if (is_stuck(o, i)) {
                                note_failure(atomic_load(&shared->worker[i].number), "plugging or unplugging hangs");
                                write_text("/proc/sysrq-trigger", "w");
                                sleep(2);
                                complained = true; /* for its report to be shown */
                                read_kmsg(o);
                                return false;
                        }
                }
                /* All that belongs to it comes first. */
                if (complained) {
                        sleep(3);
                        read_kmsg(o);
                        return false;
                }
        } while (busy);
        return true;
}

static bool is_enough(const struct options *o, int64_t deadline) {
        if (o->unplugs > 0 && atomic_load(&shared->unplugs_open) >= o->unplugs)
                return true;
        if (o->cases > 0 && atomic_load(&shared->cases) >= o->cases)
                return true;
        return o->seconds > 0 && now_ms() >= deadline;
}

/* By its number, for a replay. */
static bool is_scarce_case(const struct options *o, uint64_t number) {
        return o->scarce || (number < PROPER_NUMBER && number / (o->jobs * BATCH) % 4 == 3);
}

static bool run_batch(const struct options *o, unsigned long batch) {
        uint64_t first = (uint64_t) batch * o->jobs * BATCH;

        set_scarce(o, is_scarce_case(o, first));
        for (unsigned int i = 0; i < o->jobs; i++)
                give_order(&labourers[i], (struct order){ .first = first + i, .count = BATCH, .stride = o->jobs });
        if (!await_labourers(o))
                return false;

        set_scarce(o, false);
        for (unsigned int i = 0; i < o->jobs; i++)
                give_order(&labourers[i], (struct order){
                                                  .first = PROPER_NUMBER + (uint64_t) batch * o->jobs + i,
                                                  .count = o->jobs < KINDS ? KINDS : 1,
                                                  .stride = 1,
                                                  .proper = true,
                                          });
        return await_labourers(o);
}

static void run_all(const struct options *o) {
        int64_t deadline = now_ms() + o->seconds * 1000, told = now_ms();

        if (o->has_only) {
                set_scarce(o, is_scarce_case(o, o->only));
                give_order(&labourers[0], (struct order){
                                                  .first = o->only,
                                                  .count = MAX(o->cases, 1UL),
                                                  .proper = o->only >= PROPER_NUMBER,
                                          });
                (void) await_labourers(o);
                return;
        }
        for (unsigned long batch = 0; !is_enough(o, deadline); batch++) {
                if (!run_batch(o, batch) || atomic_load(&shared->failures) >= FAILURES_MAX)
                        return;
                if (now_ms() - told < 60000)
                        continue;
                told = now_ms();
                printf("# %lu cases, %lu unplugs of an open node, %u failures\n", atomic_load(&shared->cases),
                       atomic_load(&shared->unplugs_open), atomic_load(&shared->failures));
        }
}

static int report(const struct options *o) {
        unsigned int failures = MIN(atomic_load(&shared->failures), (unsigned int) FAILURES_MAX), n = 0;

        for (; n < failures; n++)
                printf("not ok %u - case %llu of seed %llu: %s\n", n + 1,
                       (unsigned long long) shared->failure[n].number, (unsigned long long) o->seed,
                       shared->failure[n].text);
        printf("%sok %u - %lu %s, seed %llu: %lu with a node, %lu of them unplugged while open; %lu answers, "
               "%lu changed; %lu calls; proper devices worked %lu times; %lu requests lost by vhci_hcd\n",
               failures ? "not " : "", ++n, atomic_load(&shared->cases), o->unplugs ? "plain cases" : "hostile cases",
               (unsigned long long) o->seed, atomic_load(&shared->nodes), atomic_load(&shared->unplugs_open),
               atomic_load(&shared->answers), atomic_load(&shared->changed), atomic_load(&shared->calls),
               atomic_load(&shared->proper), atomic_load(&shared->lost));
        printf("1..%u\n", n);
        return failures ? 1 : 0;
}

static void help(void) {
        puts("till-hostile [OPTION…]\n"
             "\n"
             "Plays hostile devices to this machine's kernel and uses what nodes they have.\n"
             "\n"
             "  --seed N          the seed of all that is random (1)\n"
             "  --cases M         end after so many cases\n"
             "  --seconds S       end after so long\n"
             "  --case K          one case, M times: as in a run of that seed\n"
             "  --unplugs N       devices that are not hostile, each unplugged at a random point of its use,\n"
             "                    until so many nodes were open when it happened\n"
             "  --jobs J          devices at a time, each at a controller of vhci_hcd from the second (4)\n"
             "  --patience P      deadlines are so many times longer (1)\n"
             "  --scarcity P      in each fourth batch P of 100 allocations of till.ko fail\n"
             "  --scarce          in all of them\n"
             "  --complaints ERE  end when such a line appears in the kernel's log");
}

static int parse(struct options *o, int argc, char **argv) {
        static const struct option names[] = {
                { "help", no_argument, NULL, 'h' },
                { "seed", required_argument, NULL, 's' },
                { "cases", required_argument, NULL, 'c' },
                { "case", required_argument, NULL, 'k' },
                { "seconds", required_argument, NULL, 't' },
                { "unplugs", required_argument, NULL, 'u' },
                { "jobs", required_argument, NULL, 'j' },
                { "patience", required_argument, NULL, 'p' },
                { "scarcity", required_argument, NULL, 'f' },
                { "scarce", no_argument, NULL, 'F' },
                { "complaints", required_argument, NULL, 'e' },
                {},
        };
        unsigned long value;
        int c;

        *o = (struct options){ .seed = 1, .jobs = 4, .patience = 1 };
        while ((c = getopt_long(argc, argv, "h", names, NULL)) >= 0) {
                value = optarg ? strtoul(optarg, NULL, 10) : 0;
                switch (c) {
                case 'h':
                        help();
                        return 0;
                case 's':
                        o->seed = value;
                        break;
                case 'c':
                        o->cases = value;
                        break;
                case 'k':
                        o->only = value;
                        o->has_only = true;
                        break;
                case 't':
                        o->seconds = value;
                        break;
                case 'u':
                        o->unplugs = value;
                        break;
                case 'j':
                        o->jobs = MIN(value, (unsigned long) WORKERS_MAX - 1) ?: 1;
                        break;
                case 'p':
                        o->patience = MAX(value, 1UL);
                        break;
                case 'f':
                        o->scarcity = value;
                        break;
                case 'F':
                        o->scarce = true;
                        break;
                case 'e':
                        if (regcomp(&o->complaints, optarg, REG_EXTENDED | REG_NOSUB) != 0)
                                return log_error_errno(-EINVAL, "\"%s\" is no expression", optarg);
                        o->has_complaints = true;
                        break;
                default:
                        return -EINVAL;
                }
        }
        return 1;
}

int main(int argc, char **argv) {
        struct options o;
        int r;

        setvbuf(stdout, NULL, _IOLBF, 0);
        r = parse(&o, argc, argv);
        if (r <= 0)
                return r < 0 ? 2 : 0;
        if (!o.has_only && o.cases == 0 && o.seconds == 0 && o.unplugs == 0)
                o.cases = 100;
        r = vhci_prepare();
        if (r < 0)
                return 1;
        shared = mmap(NULL, sizeof(*shared), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
        if (shared == MAP_FAILED)
                return 1;
        write_text("/proc/sys/kernel/printk_devkmsg", "on\n");
        kmsg = open("/dev/kmsg", O_RDONLY | O_NONBLOCK | O_CLOEXEC);
        if (kmsg >= 0)
                (void) lseek(kmsg, 0, SEEK_END);
        if (o.scarcity > 0 && scarcity_prepare() < 0)
                return 1;
        for (unsigned int i = 0; i < o.jobs; i++)
                if (start_labourer(&o, i) < 0)
                        return 1;
        run_all(&o);
        set_scarce(&o, false);
        for (unsigned int i = 0; i < o.jobs; i++)
                (void) kill(labourers[i].pid, SIGKILL);
        return report(&o);
}
