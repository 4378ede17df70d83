// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * A whole terminal in one process, for killing: the engine, its journal and its link as tilld has them, the devices
 * played (devices.c). It does the steps that it is told, and writes down all that the world outside gets to know:
 *
 *   told.log   what a checkout was told, a line each: REFERENCE STATE RESULT REVERSAL
 *   paper.log  each paper that came out
 *
 * Both are written by one write(). Run from the top folder; tests/crash/README has the steps.
 */
#include <fcntl.h>
#include <getopt.h>
#include <limits.h>
#include <signal.h>
#include <stdarg.h>

#include "base/log.h"
#include "crash/devices.h"
#include "crash/memory.h"
#include "crash/power.h"
#include "crash/terminal.h"
#include "journal/binding.h"
#include "journal/rotation.h"
#include "tests/unit/chip-worker.h"
#include "tests/unit/shop-settings.h"
#include "transaction/emv-files.h"

/* Above all that the program opens, so that who injects faults knows them. */
#define FD_TOLD 200
#define FD_PAPER 201

struct terminal terminal;

void fail(const char *what, int error) {
        fprintf(stderr, "terminal: %s: %s\n", what, strerror(error < 0 ? -error : error));
        _exit(2);
}

/* ---- What the world gets to know ---- */

void tell(const char *format, ...) {
        char line[256];
        va_list ap;
        int n;

        va_start(ap, format);
        n = vsnprintf(line, sizeof(line), format, ap);
        va_end(ap);
        if (write(FD_TOLD, line, (size_t) n) != n)
                fail("told.log", errno);
}

void tell_view(const struct transaction_view *view) {
        const struct transaction_record *t = &view->record;

        tell("%s %s %s %s\n", t->reference, transaction_state_to_string(t->state),
             transaction_result_to_string(t->result), reversal_state_to_string(t->reversal));
}

static void on_transaction(const struct transaction_view *view, enum transaction_event e, void *userdata) {
        if (engine_current(terminal.engine) == view->record.id || e == TRANSACTION_FINISHED)
                terminal.view = *view;
        tell_view(view);
}

static void on_device(struct device *device, enum monitor_event e, void *userdata) {
}
static void on_job(int64_t job, enum print_state state, void *userdata) {
}
static void on_change(void *userdata) {
}

/* ---- Start and end ---- */

/* Of a line that was not written to its end nobody has heard. */
static void drop_half_line(const char *path, int fd) {
        off_t size = lseek(fd, 0, SEEK_END);
        char last;

        while (size > 0 && pread(fd, &last, 1, size - 1) == 1 && last != '\n')
                size--;
        if (ftruncate(fd, size) < 0)
                fail(path, errno);
}

static int open_log(const char *name, int fd) {
        char path[PATH_MAX];
        int r;

        (void) snprintf(path, sizeof(path), "%s/%s", terminal.dir, name);
        r = open(path, O_RDWR | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
        if (r < 0)
                fail(path, errno);
        drop_half_line(path, r);
        if (dup3(r, fd, O_CLOEXEC) < 0)
                fail(path, errno);
        safe_close(r);
        return fd;
}

/* As tilld has them: an administrator's, this boot's, what was downloaded, the package's. */
static const char *const *emv_dirs(void) {
        static char run[PATH_MAX], acquirer[PATH_MAX];
        static const char *const dirs[] = { "tests/sim/cards", run, acquirer, "packaging/emv.d", NULL };

        (void) snprintf(run, sizeof(run), "%s/run", terminal.dir);
        (void) snprintf(acquirer, sizeof(acquirer), "%s/emv.d", terminal.dir);
        return dirs;
}

static void load_terminal(void) {
        _cleanup_(emv_files_freep) struct emv_files *files = NULL;
        int r = emv_files_load(emv_dirs(), &terminal.settings, &files);

        if (r < 0 || files->unusable)
                fail("emv.d", r < 0 ? r : EINVAL);
        emv_files_use(files, &terminal.settings, &terminal.emv);
}

static void read_tmk(uint8_t tmk[static TMK_SIZE]) {
        _cleanup_close_ int fd = -EBADF;
        char path[PATH_MAX];

        (void) snprintf(path, sizeof(path), "%s/tmk", terminal.keys);
        fd = open(path, O_RDONLY | O_CLOEXEC);
        if (fd < 0 || read(fd, tmk, TMK_SIZE) != TMK_SIZE)
                fail(path, errno);
}

static void open_journal(void) {
        static const uint8_t key[JOURNAL_KEY_SIZE] = { 7 }, new_key[JOURNAL_KEY_SIZE] = { 8 };
        char path[PATH_MAX], *message = NULL;
        int r = 0;

        (void) snprintf(path, sizeof(path), "%s/test.db", terminal.dir);
        if (terminal.change_key)
                r = journal_change_key(path, key, new_key, NULL, NULL, &message);
        if (r >= 0)
                r = journal_open(path, terminal.change_key ? new_key : key, &terminal.journal, &message);
        if (r < 0)
                fail(message ?: path, r);
}

/* Somebody is told of what happens here; that nothing comes through is for others to try (devices.c). */
static void bind_phone(void) {
        struct binding_record record = {
                .phone = "+8613800138000", .serial = "SN-1", .terminal = "T0000001", .by = "uid 0", .since_usec = 1
        };
        struct binding_record bound;
        int r = binding_record_load_current(terminal.journal, &bound);

        if (r == -ENOENT) {
                r = journal_begin(terminal.journal, JOURNAL_DURABLE);
                if (r >= 0)
                        r = binding_record_insert(terminal.journal, &record);
                if (r >= 0)
                        r = journal_commit(terminal.journal);
        }
        if (r < 0)
                fail("binding", r);
}

static void open_engine(void) {
        const struct engine_listener listener = {
                .transaction = on_transaction,
                .device = on_device,
                .job = on_job,
                .changed = on_change,
        };
        char ca[PATH_MAX], certificate[PATH_MAX];
        uint8_t tmk[TMK_SIZE];
        struct engine_config config = {
                .event = terminal.event,
                .settings = &terminal.settings,
                .journal = terminal.journal,
                .terminal = &terminal.emv,
                .emv_dirs = emv_dirs(),
                .tmk = tmk,
                .ca_file = ca,
                .certificate_file = certificate,
                .card_worker = "/proc/self/exe",
        };
        int r;

        read_tmk(tmk);
        (void) snprintf(ca, sizeof(ca), "%s/ca.pem", terminal.keys);
        (void) snprintf(certificate, sizeof(certificate), "%s/terminal.pem", terminal.keys);
        r = engine_new(&config, &listener, &terminal.engine);
        if (r < 0)
                fail("engine", r);
        r = engine_start(terminal.engine);
        if (r < 0)
                fail("engine", r);
}

void put_card(const char *name, int remove_at) {
        struct behaviour b = { .remove_at = remove_at };

        COPY(b.card, name);
        devices_set_card(&b, sizeof(b));
}

/* ---- The program ---- */

static void usage(void) {
        fprintf(stderr,
                "terminal -d STATE-DIRECTORY -k KEYS -p PORT -t TERMINAL [-a ANSWER-SECONDS] [-w] [-m N [-o] [-s]] "
                "STEP...\n");
        _exit(2);
}

static void read_options(int argc, char *argv[]) {
        static char host[32];
        int c;

        terminal.settings = shop_settings();
        terminal.settings.tip_percent = 20;
        while ((c = getopt(argc, argv, "d:k:p:t:a:wm:os")) >= 0)
                switch (c) {
                case 'd':
                        terminal.dir = optarg;
                        break;
                case 'k':
                        terminal.keys = optarg;
                        break;
                case 'p':
                        (void) snprintf(host, sizeof(host), "127.0.0.1:%s", optarg);
                        terminal.settings.acquirer_hosts[0] = host;
                        break;
                case 't':
                        COPY(terminal.settings.terminal_number, optarg);
                        break;
                case 'a':
                        terminal.settings.answer_timeout = (unsigned) atoi(optarg);
                        break;
                case 'm':
                        terminal.fail_memory = (unsigned) atoi(optarg);
                        break;
                case 'o':
                        terminal.whose_memory = MEMORY_OTHERS;
                        break;
                case 's':
                        terminal.fail_memory_on = true;
                        break;
                case 'w':
                        terminal.record_power = true;
                        break;
                default:
                        usage();
                }
        if (!terminal.dir || !terminal.keys)
                usage();
}

/* What is there from the start is said first: "plug" and "set" before any other step. */
static int plug_in(int argc, char *argv[], int i) {
        for (; i < argc && (startswith(argv[i], "plug ") || startswith(argv[i], "set ")); i++)
                do_step(argv[i]);
        return i;
}

/* So that who kills knows how many there are. */
static void count_memory(void) {
        char path[PATH_MAX];
        FILE *f;

        (void) snprintf(path, sizeof(path), "%s/memory", terminal.dir);
        f = fopen(path, "we");
        if (!f || fprintf(f, "%u %u\n", memory_counted(MEMORY_OWN), memory_counted(MEMORY_OTHERS)) < 0 ||
            fclose(f) != 0)
                fail(path, errno);
}

int main(int argc, char *argv[]) {
        sigset_t set;
        int i;

        if (streq(argv[0], "card-worker"))
                return be_worker(NULL);
        (void) prctl(PR_SET_PDEATHSIG, SIGKILL);
        log_parse_environment();
        read_options(argc, argv);
        (void) sigemptyset(&set);
        (void) sigaddset(&set, SIGCHLD);
        (void) sigprocmask(SIG_BLOCK, &set, NULL);
        (void) signal(SIGPIPE, SIG_IGN);
        (void) open_log("told.log", FD_TOLD);
        devices_set_paper_log(open_log("paper.log", FD_PAPER));
        if (terminal.record_power)
                power_record(terminal.dir);
        load_terminal();
        if (sd_event_new(&terminal.event) < 0)
                fail("event loop", ENOMEM);
        i = plug_in(argc, argv, optind);

        /* Here who traces takes hold. */
        if (getenv("TILL_CRASH_TRACED"))
                (void) raise(SIGSTOP);
        memory_fail(terminal.whose_memory, terminal.fail_memory, terminal.fail_memory_on);
        open_journal();
        bind_phone();
        open_engine();
        for (; i < argc; i++)
                do_step(argv[i]);

        terminal.engine = engine_free(terminal.engine);
        terminal.journal = journal_close(terminal.journal);
        terminal.event = sd_event_unref(terminal.event);
        if (getenv("TILL_CRASH_TRACED"))
                count_memory();
        return 0;
}
