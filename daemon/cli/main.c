// SPDX-License-Identifier: LGPL-2.1-or-later
#include <getopt.h>
#include <locale.h>

#include "cli/cli.h"

static const struct verb {
        const char *name;
        int (*run)(struct cli *cli, int argc, char **argv);
        const char *arguments;
        const char *help;
} verbs[] = {
        { "status", verb_status, "", N_("how the terminal is doing") },
        { "devices", verb_devices, "", N_("readers and printers, connected or not") },
        { "device", verb_device, "ACT", N_("why one does not work: probe and more") },
        { "statistics", verb_statistics, "[DEVICE]", N_("what each device has done in its life") },
        { "maintenance", verb_maintenance, "[ACT]", N_("what is to be cleaned or drilled, and when") },
        { "list", verb_list, "", N_("the last transactions") },
        { "show", verb_show, "TRANSACTION", N_("all of one transaction") },
        { "sale", verb_kind, "AMOUNT [CURRENCY]", N_("take a payment and wait for its result") },
        { "void", verb_kind, "TRANSACTION", N_("take back a sale or pre-authorization") },
        { "refund", verb_kind, "TRANSACTION [AMOUNT]", N_("give money back for a sale or completion") },
        { "preauth", verb_kind, "AMOUNT [CURRENCY]", N_("hold an amount on the card") },
        { "complete", verb_kind, "TRANSACTION [AMOUNT]", N_("take what a pre-authorization holds") },
        { "tip", verb_kind, "TRANSACTION AMOUNT", N_("add a tip to a sale of the open batch") },
        { "offline-sale", verb_kind, "AMOUNT [CURRENCY]", N_("a payment authorized by telephone") },
        { "balance", verb_kind, "", N_("ask for what is left on the card") },
        { "sign-on", verb_kind, "", N_("sign on to the acquirer: new keys") },
        { "sign-off", verb_kind, "", N_("sign off from the acquirer") },
        { "echo", verb_kind, "", N_("ask the acquirer whether it is there") },
        { "settle", verb_kind, "", N_("settle the batch with the acquirer") },
        { "parameters", verb_kind, "", N_("download the acquirer's rules for chip cards") },
        { "ca-keys", verb_kind, "", N_("download the acquirer's CA keys") },
        { "totals", verb_totals, "[BATCH]", N_("what the open batch or another one comes to") },
        { "flush", verb_flush, "", N_("tell the acquirer now what waits") },
        { "approve", verb_approve, "TRANSACTION [NUMBER]", N_("a supervisor allows a void or refund") },
        { "resolve", verb_resolve, "TRANSACTION OUTCOME NOTE", N_("a supervisor records how it ended") },
        { "doctor", verb_doctor, "", N_("test all, and say what to do") },
        { "health", verb_health, "[LEVEL [DEVICE]]", N_("test the terminal or a device") },
        { "authenticity", verb_authenticity, "", N_("are files, module and keys genuine") },
        { "fault", verb_fault, "[ACT]", N_("what is wrong: list, show, explain and more") },
        { "report", verb_report, "[--days=N] [FILE]", N_("all that support wants to see, in one file") },
        { "journal", verb_journal, "[ACT]", N_("the record: status, verify, export and more") },
        { "operator", verb_operator, "[ACT]", N_("who works here: list, log-on, add and more") },
        { "binding", verb_binding, "[ACT]", N_("the bound phone: show, change and more") },
        { "accept-clock", verb_accept_clock, "[NUMBER]", N_("the clock is right, though it has jumped") },
        { "emv", verb_emv, "check", N_("cards and keys that a restart would use") },
        { "receipt", verb_receipts, "[ACT]", N_("papers: show, reprint, print and more") },
        { "receipts", verb_receipts, "[list]", N_("the newest papers, printed or not") },
};

static int print_help(void) {
        printf("%s\n\n", _("tillctl [--json] [--no-colour] VERB: the payment terminal from the command line"));
        for (size_t i = 0; i < ELEMENTSOF(verbs); i++) {
                char usage[64];

                (void) snprintf(usage, sizeof(usage), "%s %s", verbs[i].name, verbs[i].arguments);
                printf("  ");
                cli_pad(usage, 34);
                printf("%s\n", _(verbs[i].help));
        }
        printf("\n%s\n", _("tillctl VERB --help says more. Exit: 0 yes, 1 no, 2 wrong call, 3 no terminal."));
        return 0;
}

static const struct verb *find_verb(const char *name) {
        for (size_t i = 0; i < ELEMENTSOF(verbs); i++)
                if (streq(verbs[i].name, name))
                        return verbs + i;
        return NULL;
}

static int run(struct cli *cli, int argc, char **argv) {
        const struct verb *verb;
        int r;

        verb = find_verb(argv[0]);
        if (!verb) {
                fprintf(stderr, _("\"%s\" is not a verb of tillctl; tillctl --help lists them.\n"), argv[0]);
                return EXIT_USAGE;
        }
        r = sd_bus_open_system(&cli->bus);
        if (r < 0) {
                fprintf(stderr, _("The system bus cannot be reached: %s\n"), strerror(-r));
                return EXIT_UNAVAILABLE;
        }
        /* Each verb reads its own options. */
        optind = 0;
        r = verb->run(cli, argc, argv);
        sd_bus_flush_close_unref(cli->bus);
        return r;
}

int main(int argc, char **argv) {
        static const struct option options[] = {
                { "help", no_argument, NULL, 'h' },
                { "version", no_argument, NULL, 'V' },
                { "json", no_argument, NULL, 'j' },
                { "no-colour", no_argument, NULL, 'C' },
                {},
        };
        struct cli cli = { .colour = isatty(STDOUT_FILENO) && isatty(STDERR_FILENO) && !getenv("NO_COLOR") };
        int c;

        (void) setlocale(LC_ALL, "");
        (void) bindtextdomain("tilld", "/usr/share/locale");
        (void) textdomain("tilld");

        while ((c = getopt_long(argc, argv, "+hVj", options, NULL)) >= 0)
                switch (c) {
                case 'h':
                        return print_help();
                case 'V':
                        printf("tillctl " TILLD_VERSION "\n");
                        return 0;
                case 'j':
                        cli.json = true;
                        break;
                case 'C':
                        cli.colour = false;
                        break;
                default:
                        return EXIT_USAGE;
                }
        if (optind == argc) {
                (void) print_help();
                return EXIT_USAGE;
        }
        return run(&cli, argc - optind, argv + optind);
}
