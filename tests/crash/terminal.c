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

#include "base/clock.h"
#include "base/config.h"
#include "base/log.h"
#include "crash/devices.h"
#include "crash/power.h"
#include "tests/unit/chip-worker.h"
#include "tests/unit/shop-settings.h"
#include "transaction/engine.h"

/* Above all that the program opens, so that who injects faults knows them. */
#define FD_TOLD 200
#define FD_PAPER 201
#define STEP_USEC (10 * USEC_PER_SEC)

static struct {
        const char *dir, *keys;
        bool record_power;
        struct settings settings;
        struct emv_terminal emv;
        struct journal *journal;
        sd_event *event;
        struct engine *engine;
        struct transaction_view view; /* as it was told last */
} terminal;

static void fail(const char *what, int error) {
        fprintf(stderr, "terminal: %s: %s\n", what, strerror(error < 0 ? -error : error));
        _exit(2);
}

/* ---- What the world gets to know ---- */

static void tell(const char *format, ...) _printf_(1, 2);
static void tell(const char *format, ...) {
        char line[256];
        va_list ap;
        int n;

        va_start(ap, format);
        n = vsnprintf(line, sizeof(line), format, ap);
        va_end(ap);
        if (write(FD_TOLD, line, (size_t) n) != n)
                fail("told.log", errno);
}

static void tell_view(const struct transaction_view *view) {
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

static int open_log(const char *name, int fd) {
        char path[PATH_MAX];
        int r;

        (void) snprintf(path, sizeof(path), "%s/%s", terminal.dir, name);
        r = open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
        if (r < 0)
                fail(path, errno);
        if (dup3(r, fd, O_CLOEXEC) < 0)
                fail(path, errno);
        safe_close(r);
        return fd;
}

static void load_terminal(void) {
        int r;

        emv_terminal_init(&terminal.emv);
        r = config_parse_file("tests/sim/cards/test-ca.conf", emv_terminal_assign, &terminal.emv);
        if (r >= 0)
                r = config_parse_dirs((const char *const[]){ "packaging/emv.d", NULL }, emv_terminal_assign,
                                      &terminal.emv);
        if (r < 0)
                fail("emv.d", r);
}

static void read_tmk(uint8_t tmk[static TMK_SIZE]) {
        _cleanup_close_ int fd = -EBADF;
        char path[PATH_MAX];

        (void) snprintf(path, sizeof(path), "%s/tmk", terminal.keys);
        fd = open(path, O_RDONLY | O_CLOEXEC);
        if (fd < 0 || read(fd, tmk, TMK_SIZE) != TMK_SIZE)
                fail(path, errno);
}

static void open_engine(void) {
        static const uint8_t key[JOURNAL_KEY_SIZE] = { 7 };
        const struct engine_listener listener = {
                .transaction = on_transaction,
                .device = on_device,
                .job = on_job,
                .changed = on_change,
        };
        char path[PATH_MAX], ca[PATH_MAX], certificate[PATH_MAX], *message = NULL;
        uint8_t tmk[TMK_SIZE];
        struct engine_config config = {
                .event = terminal.event,
                .settings = &terminal.settings,
                .terminal = &terminal.emv,
                .tmk = tmk,
                .ca_file = ca,
                .certificate_file = certificate,
                .card_worker = "/proc/self/exe",
        };
        int r;

        read_tmk(tmk);
        (void) snprintf(path, sizeof(path), "%s/test.db", terminal.dir);
        (void) snprintf(ca, sizeof(ca), "%s/ca.pem", terminal.keys);
        (void) snprintf(certificate, sizeof(certificate), "%s/terminal.pem", terminal.keys);
        r = journal_open(path, key, &terminal.journal, &message);
        if (r < 0)
                fail(message ?: path, r);
        config.journal = terminal.journal;
        r = engine_new(&config, &listener, &terminal.engine);
        if (r < 0)
                fail("engine", r);
        r = engine_start(terminal.engine);
        if (r < 0)
                fail("engine", r);
}

/* ---- Steps ---- */

static bool is_quiet(void) {
        struct engine *e = terminal.engine;

        return engine_current(e) == 0 && request_record_count(terminal.journal, REQUEST_REVERSAL) == 0 &&
               print_job_count_open(terminal.journal) == 0 && outbox_count(e->outbox, REQUEST_FORWARD) == 0 &&
               !acquirer_is_busy(e->acquirer);
}

static bool holds(const char *condition) {
        const char *value;

        if (streq(condition, "quiet"))
                return is_quiet();
        /* What has ended is waited for no longer. */
        if (streq(condition, "done") || engine_current(terminal.engine) == 0)
                return engine_current(terminal.engine) == 0;
        value = startswith(condition, "state=");
        if (value)
                return streq(transaction_state_to_string(terminal.view.record.state), value);
        value = startswith(condition, "prompt=");
        if (value)
                return streq(terminal.view.prompt, value);
        fail(condition, EINVAL);
        return false;
}

/* Some of the event loop, whatever comes of it. */
static void step_run(const char *milliseconds) {
        uint64_t end = clock_now(CLOCK_MONOTONIC) + (uint64_t) atoll(milliseconds) * USEC_PER_MSEC;

        while (clock_now(CLOCK_MONOTONIC) < end)
                if (sd_event_run(terminal.event, USEC_PER_MSEC) < 0)
                        fail("event loop", EIO);
}

static void step_until(const char *condition) {
        uint64_t end = clock_now(CLOCK_MONOTONIC) + STEP_USEC;

        while (!holds(condition)) {
                int r = sd_event_run(terminal.event, 100 * USEC_PER_MSEC);

                if (r < 0)
                        fail("event loop", r);
                if (clock_now(CLOCK_MONOTONIC) > end) {
                        fprintf(stderr, "terminal: never %s\n", condition);
                        _exit(3);
                }
        }
}

static int64_t find(const char *reference) {
        struct transaction_view view;

        return engine_find(terminal.engine, reference, &view) < 0 ? 0 : view.record.id;
}

static void read_option(const char *word, struct engine_call *call) {
        const char *value;

        if (streq(word, "choose"))
                call->can_choose = true;
        else if (streq(word, "supervised"))
                call->approver = "uid 0";
        else if ((value = startswith(word, "original=")))
                call->original = find(value);
        else if ((value = startswith(word, "currency=")))
                call->currency = value;
        else if ((value = startswith(word, "code=")))
                call->authorization_code = value;
        else
                fail(word, EINVAL);
}

/* A call that is the same each time, whatever has become of the one before. */
static void step_start(char *words) {
        struct engine_call call = { .currency = "CNY", .order = "" };
        struct refusal refusal = {};
        char *state = NULL, *word;
        int64_t id;

        call.kind = strtok_r(words, " ", &state);
        call.reference = strtok_r(NULL, " ", &state);
        word = strtok_r(NULL, " ", &state);
        if (!word)
                fail("start KIND REFERENCE AMOUNT", EINVAL);
        call.amount = atoll(word);
        while ((word = strtok_r(NULL, " ", &state)))
                read_option(word, &call);
        if (engine_start_transaction(terminal.engine, &call, &id, &refusal) < 0)
                tell("%s refused %d -\n", call.reference, refusal.code);
        else if (engine_view(terminal.engine, id, &terminal.view) >= 0)
                tell_view(&terminal.view);
}

/* By a supervisor's number. */
static void step_approve(const char *reference) {
        struct refusal refusal;

        (void) engine_approve(terminal.engine, find(reference), "02", &refusal);
}

static void step_cancel(const char *reference) {
        struct refusal refusal;

        (void) engine_cancel(terminal.engine, find(reference), &refusal);
}

static void step_choose(char *words) {
        struct refusal refusal;
        char *number = strchr(words, ' ');

        *number++ = '\0';
        (void) engine_choose(terminal.engine, find(words), (unsigned) atoi(number), &refusal);
}

static void step_reprint(const char *reference) {
        int64_t job;

        (void) printing_reprint(terminal.engine->printing, find(reference), SLIP_MERCHANT_COPY, &job);
}

/* A card in the reader, and the exchange before which it is drawn. */
static void step_card(char *words) {
        struct behaviour b = { .remove_at = -1 };
        char *at = strchr(words, ' ');

        if (at) {
                *at++ = '\0';
                b.remove_at = atoi(at);
        }
        COPY(b.card, words);
        devices_set_card(&b, sizeof(b));
}

static void step_connect(const char *name, bool connected) {
        enum device_kind kind = device_kind_from_string(name);

        if ((int) kind < 0)
                fail(name, EINVAL);
        devices_connect(kind, connected);
}

/* The card may approve; with "-online" most are sent to the acquirer all the same. */
static void step_set(const char *name) {
        uint8_t target = streq(name, "offline-online") ? 99 : 0;

        if (!startswith(name, "offline"))
                fail(name, EINVAL);
        terminal.settings.offline =
                (struct offline_caps){ .amount = 100000, .count = 20, .total = 1000000, .age = 1000 };
        for (size_t i = 0; i < terminal.emv.n_applications; i++) {
                terminal.emv.applications[i].floor_limit = 1000000;
                terminal.emv.applications[i].target = terminal.emv.applications[i].target_max = target;
        }
}

static void do_step(char *step) {
        char *words = strchr(step, ' ');

        if (words)
                *words++ = '\0';
        else
                words = step + strlen(step);
        if (streq(step, "start"))
                return step_start(words);
        if (streq(step, "until"))
                return step_until(words);
        if (streq(step, "run"))
                return step_run(words);
        if (streq(step, "swipe"))
                return (void) devices_swipe(words);
        if (streq(step, "cancel"))
                return step_cancel(words);
        if (streq(step, "choose"))
                return step_choose(words);
        if (streq(step, "approve"))
                return step_approve(words);
        if (streq(step, "reprint"))
                return step_reprint(words);
        if (streq(step, "card"))
                return step_card(words);
        if (streq(step, "plug"))
                return step_connect(words, true);
        if (streq(step, "set"))
                return step_set(words);
        if (streq(step, "unplug"))
                return step_connect(words, false);
        if (streq(step, "die"))
                raise(SIGKILL);
        fail(step, EINVAL);
}

/* ---- The program ---- */

static void usage(void) {
        fprintf(stderr, "terminal -d STATE-DIRECTORY -k KEYS -p PORT -t TERMINAL [-a ANSWER-SECONDS] [-w] STEP...\n");
        _exit(2);
}

static void read_options(int argc, char *argv[]) {
        static char host[32];
        int c;

        terminal.settings = shop_settings();
        terminal.settings.tip_percent = 20;
        while ((c = getopt(argc, argv, "d:k:p:t:a:w")) >= 0)
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
        open_engine();
        for (; i < argc; i++)
                do_step(argv[i]);

        terminal.engine = engine_free(terminal.engine);
        terminal.journal = journal_close(terminal.journal);
        terminal.event = sd_event_unref(terminal.event);
        return 0;
}
