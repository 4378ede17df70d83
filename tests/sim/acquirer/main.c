// SPDX-License-Identifier: LGPL-2.1-or-later
#include <getopt.h>
#include <signal.h>
#include <systemd/sd-daemon.h>

#include "acquirer/control.h"
#include "acquirer/server.h"
#include "base/log.h"

#define TILLD_CONF "/etc/tilld/tilld.conf"
#define TILLD_DROP_INS "/etc/tilld/tilld.conf.d"

static const char help[] = "till-acquirer [OPTIONS...] COMMAND\n\n"
                           "The acquirer simulator: ISO 8583 over TLS for training and tests.\n\n"
                           "Commands:\n"
                           "  run                      serve terminals until stopped\n"
                           "  script ACTION [ARGUMENT] what to do with the next request instead of the usual:\n"
                           "                             approve, decline CODE, delay SECONDS,\n"
                           "                             drop (request lost), drop-answer (answer lost),\n"
                           "                             close, close-answer (the same, connection closed),\n"
                           "                             garble, bad-mac, no-mac, wrong-stan, wrong-amount,\n"
                           "                             wrong-arpc, twice,\n"
                           "                             issuer-script 71|72 COMMAND (for the chip, hexadecimal)\n"
                           "  script                   list the steps that wait\n"
                           "  script clear             forget them\n"
                           "  ledger                   print the ledger as JSON\n"
                           "  statement                print what was booked, to be held against a journal\n"
                           "  unbind TERMINAL          strike its serial number and bound phone off the record\n\n"
                           "Options:\n"
                           "  -c --config=FILE         instead of /etc/till-acquirer/acquirer.conf\n"
                           "  -n --count=N             script: for N requests; 0: until cleared (default 1)\n"
                           "  -k --kind=KIND           script: sale, reversal, sign-on, echo, …, any, or money\n"
                           "                           (default: all that moves money, without reversals)\n"
                           "     --terminal=NUMBER     statement: of this terminal\n"
                           "     --batch=N             statement: of this batch\n"
                           "     --day=YYYY-MM-DD      statement: of this day\n"
                           "  -h --help                this text\n"
                           "     --version             the version\n";

struct options {
        const char *config, *count, *kind;
        struct ledger_filter filter;
};

static int make_event(sd_event **ret) {
        sigset_t signals;
        int r;

        sigemptyset(&signals);
        sigaddset(&signals, SIGTERM);
        sigaddset(&signals, SIGINT);
        if (sigprocmask(SIG_BLOCK, &signals, NULL) < 0)
                return -errno;
        /* OpenSSL writes to sockets that may be gone. */
        if (signal(SIGPIPE, SIG_IGN) == SIG_ERR)
                return -errno;
        r = sd_event_default(ret);
        if (r < 0)
                return r;
        r = sd_event_add_signal(*ret, NULL, SIGTERM, NULL, NULL);
        if (r < 0)
                return r;
        return sd_event_add_signal(*ret, NULL, SIGINT, NULL, NULL);
}

static inline void event_unrefp(sd_event **e) {
        sd_event_unref(*e);
}

static int verb_run(const struct sim_settings *settings) {
        _cleanup_(event_unrefp) sd_event *event = NULL;
        _cleanup_(sim_acquirer_freep) struct sim_acquirer *acquirer = NULL;
        _cleanup_(sim_server_freep) struct sim_server *server = NULL;
        _cleanup_(sim_control_freep) struct sim_control *control = NULL;
        int r;

        if (sim_settings_terminal_is_live(TILLD_CONF, TILLD_DROP_INS)) {
                log_error("This is a live terminal (mode=live in %s, or it cannot be read): no simulator runs here",
                          TILLD_CONF);
                return -EPERM;
        }
        r = make_event(&event);
        if (r < 0)
                return log_error_errno(r, "Event loop");
        r = sim_acquirer_new(settings, &acquirer);
        if (r < 0)
                return r;
        r = sim_server_new(event, settings, acquirer, &server);
        if (r < 0)
                return r;
        r = sim_control_new(event, settings->control, sim_acquirer_script(acquirer), &control);
        if (r < 0)
                return r;

        log_info("Serving terminals on %s", settings->listen);
        (void) sd_notify(false, "READY=1");
        r = sd_event_loop(event);
        (void) sd_notify(false, "STOPPING=1");
        return r < 0 ? log_error_errno(r, "Event loop") : 0;
}

static int verb_script(const struct sim_settings *settings, const struct options *o, int argc, char *argv[]) {
        char command[512];
        size_t used;

        if (argc == 0)
                return sim_control_call(settings->control, "script-list");
        if (argc == 1 && streq(argv[0], "clear"))
                return sim_control_call(settings->control, "script-clear");

        used = (size_t) snprintf(command, sizeof(command), "script");
        for (int i = 0; i < argc && used < sizeof(command); i++)
                used += (size_t) snprintf(command + used, sizeof(command) - used, " %s", argv[i]);
        if (o->count && used < sizeof(command))
                used += (size_t) snprintf(command + used, sizeof(command) - used, " count=%s", o->count);
        if (o->kind && used < sizeof(command))
                used += (size_t) snprintf(command + used, sizeof(command) - used, " kind=%s", o->kind);
        if (used >= sizeof(command)) {
                log_error("The step is too long");
                return -EINVAL;
        }
        return sim_control_call(settings->control, command);
}

static int print_report(const struct sim_settings *settings, int r, const char *text) {
        if (r == -ENOENT)
                return log_error_errno(r, "There is no ledger in %s; it is made by \"till-acquirer run\"",
                                       settings->state);
        if (r < 0)
                return log_error_errno(r, "The ledger in %s cannot be used", settings->state);
        fputs(text, stdout);
        return 0;
}

static int verb_ledger(const struct sim_settings *settings) {
        _cleanup_free_ char *json = NULL;
        int r = ledger_dump(settings->state, &json);

        r = print_report(settings, r, json);
        if (r >= 0)
                putchar('\n');
        return r;
}

static int verb_statement(const struct sim_settings *settings, const struct ledger_filter *filter) {
        _cleanup_free_ char *text = NULL;
        int r = ledger_statement(settings->state, filter, &text);

        return print_report(settings, r, text);
}

static int verb_unbind(const struct sim_settings *settings, const char *terminal) {
        _cleanup_(ledger_freep) struct ledger *l = NULL;
        _cleanup_free_ char *path = NULL;
        int r;

        if (asprintf(&path, "%s/ledger.db", settings->state) < 0)
                return -ENOMEM;
        /* Made here it would be root's. */
        r = access(path, F_OK) < 0 ? -errno : ledger_open(settings->state, &l);
        if (r >= 0)
                r = ledger_unbind(l, terminal);
        return print_report(settings, r, "");
}

static int run(const struct options *o, int argc, char *argv[]) {
        _cleanup_(sim_settings_freep) struct sim_settings *settings = NULL;
        const char *path = o->config ?: sim_settings_default_path();
        int r;

        r = sim_settings_load(path, &settings);
        if (r < 0)
                return log_error_errno(r, "%s cannot be used", path ?: "The configuration");
        if (streq(argv[0], "run") && argc == 1)
                return verb_run(settings);
        if (streq(argv[0], "script"))
                return verb_script(settings, o, argc - 1, argv + 1);
        if (streq(argv[0], "ledger") && argc == 1)
                return verb_ledger(settings);
        if (streq(argv[0], "statement") && argc == 1)
                return verb_statement(settings, &o->filter);
        if (streq(argv[0], "unbind") && argc == 2)
                return verb_unbind(settings, argv[1]);
        log_error("Unknown command \"%s\", or a word too many; see till-acquirer --help", argv[0]);
        return -EINVAL;
}

int main(int argc, char *argv[]) {
        static const struct option options[] = {
                { "config", required_argument, NULL, 'c' },
                { "count", required_argument, NULL, 'n' },
                { "kind", required_argument, NULL, 'k' },
                { "help", no_argument, NULL, 'h' },
                { "version", no_argument, NULL, 'V' },
                { "terminal", required_argument, NULL, 'T' },
                { "batch", required_argument, NULL, 'B' },
                { "day", required_argument, NULL, 'D' },
                {},
        };
        struct options o = {};
        int c;

        log_parse_environment();
        while ((c = getopt_long(argc, argv, "c:n:k:h", options, NULL)) >= 0)
                switch (c) {
                case 'c':
                        o.config = optarg;
                        break;
                case 'n':
                        o.count = optarg;
                        break;
                case 'k':
                        o.kind = optarg;
                        break;
                case 'T':
                        o.filter.terminal = optarg;
                        break;
                case 'B':
                        o.filter.batch = atoll(optarg);
                        if (o.filter.batch < 1 || o.filter.batch > 999999) {
                                log_error("--batch= is a number from 1 to 999999");
                                return EXIT_FAILURE;
                        }
                        break;
                case 'D':
                        o.filter.day = optarg;
                        break;
                case 'h':
                        fputs(help, stdout);
                        return EXIT_SUCCESS;
                case 'V':
                        puts("till-acquirer " TILLD_VERSION);
                        return EXIT_SUCCESS;
                default:
                        return EXIT_FAILURE;
                }
        if (optind == argc) {
                log_error("A command is missing: run, script, ledger, statement or unbind; see till-acquirer --help");
                return EXIT_FAILURE;
        }
        return run(&o, argc - optind, argv + optind) < 0 ? EXIT_FAILURE : EXIT_SUCCESS;
}
