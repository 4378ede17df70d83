// SPDX-License-Identifier: LGPL-2.1-or-later
/* tillctl report: all that support wants to see, in one file. */
#include <getopt.h>

#include "cli/cli.h"

#define DAYS_MAX 366

static int help(void) {
        printf("%s\n\n",
               _("tillctl report [--days=N] [FILE]: the support report, an archive with a page for a browser."));
        printf("  --days=N  %s\n", _("of so many days, 90 unless it is said"));
        printf("  FILE      %s\n", _("a new file, or - for standard output"));
        printf("\n%s\n", _("Without FILE it is kept below /var/lib/tilld/reports, for root. It has no whole card "
                           "number, no code "
                           "and no whole phone number: it may be sent to support."));
        return 0;
}

/* In the language of who asks. The caller may be asked for a password. */
static int ask(struct cli *cli, uint32_t days, int fd) {
        _cleanup_(sd_bus_error_free) sd_bus_error error = SD_BUS_ERROR_NULL;
        _cleanup_(sd_bus_message_unrefp) sd_bus_message *m = NULL, *reply = NULL;
        int r;

        if (isatty(STDERR_FILENO))
                fprintf(stderr, "%s", _("The report is being made …"));
        r = sd_bus_message_new_method_call(cli->bus, &m, SERVICE, SERVICE_PATH, DIAGNOSTICS_INTERFACE,
                                           fd >= 0 ? "Report" : "SaveReport");
        if (r >= 0)
                r = sd_bus_message_append(m, "a{sv}", 2, "language", "s", _("en"), "days", "u", days);
        if (r >= 0 && fd >= 0)
                r = sd_bus_message_append(m, "h", fd);
        if (r >= 0) {
                (void) sd_bus_message_set_allow_interactive_authorization(m, true);
                r = sd_bus_call(cli->bus, m, CLI_ANSWER_TIMEOUT_USEC, &error, &reply);
        }
        if (isatty(STDERR_FILENO))
                fputs("\r\033[K", stderr);
        if (fd < 0)
                return cli_print_path(cli, reply, &error, r);
        return r < 0 ? cli_fail(cli, &error, r) : 0;
}

static int write_report(struct cli *cli, int fd, void *userdata) {
        return ask(cli, *(const uint32_t *) userdata, fd);
}

int verb_report(struct cli *cli, int argc, char **argv) {
        static const struct option options[] = {
                { "help", no_argument, NULL, 'h' },
                { "days", required_argument, NULL, 'd' },
                {},
        };
        uint64_t number = 90;
        uint32_t days;
        int c;

        while ((c = getopt_long(argc, argv, "h", options, NULL)) != -1) {
                if (c == 'h')
                        return help();
                if (c != 'd')
                        return EXIT_USAGE;
                if (cli_read_number(optarg, DAYS_MAX, &number) < 0 || number == 0) {
                        fprintf(stderr, "%s\n", _("--days wants a number from 1 to 366"));
                        return EXIT_USAGE;
                }
        }
        if (argc - optind > 1)
                return help(), EXIT_USAGE;
        days = (uint32_t) number;
        if (optind == argc)
                return ask(cli, days, -EBADF);
        if (!streq(argv[optind], "-"))
                return cli_write_file(cli, argv[optind], write_report, &days);
        if (isatty(STDOUT_FILENO)) {
                fprintf(stderr, "%s\n", _("The report is not for a terminal: give a file, or send it into one"));
                return EXIT_USAGE;
        }
        return ask(cli, days, STDOUT_FILENO);
}
