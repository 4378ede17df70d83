// SPDX-License-Identifier: LGPL-2.1-or-later
/* tillctl doctor: tests all that can be tested, and ends with what to do, the gravest first. */
#include <getopt.h>

#include "cli/health.h"

static int help(void) {
        printf("%s\n\n", _("tillctl doctor [--cards] [--no-paper]: what is wrong, and what to do about it."));
        printf("  --cards     %s\n", _("asks for a card to be swiped and inserted, too"));
        printf("  --no-paper  %s\n", _("looks only: the acquirer is not asked and nothing is printed"));
        printf("\n%s\n", _("Exit: 1 when something is to be done."));
        return 0;
}

static int get_faults(struct cli *cli, cJSON **ret) {
        _cleanup_(sd_bus_error_free) sd_bus_error error = SD_BUS_ERROR_NULL;
        _cleanup_(sd_bus_message_unrefp) sd_bus_message *reply = NULL;
        int r;

        /* Translated, "en" is the name of the language: tilld has the sentences in both. */
        r = sd_bus_call_method(cli->bus, SERVICE, SERVICE_PATH, DIAGNOSTICS_INTERFACE, "ListFaults", &error, &reply,
                               "a{sv}", 3, "open", "b", true, "limit", "u", 500, "language", "s", _("en"));
        return cli_read_json(cli, reply, &error, r, ret);
}

static const char *const severities[] = { "critical", "error", "warning" };

static enum cli_tone tone_of(const char *severity) {
        return streq(severity, "warning") ? TONE_WARN : TONE_BAD;
}

static void print_steps(const cJSON *fault) {
        const cJSON *step, *steps = cJSON_GetObjectItemCaseSensitive(fault, "MerchantSteps");

        cJSON_ArrayForEach(step, steps) {
                cli_print_indented(stdout, strempty(cJSON_GetStringValue(step)), 4);
        }
}

static void print_fault(const struct cli *cli, const cJSON *fault, unsigned rank) {
        printf("%2u. %s%s%s", rank, cli_tone(cli, tone_of(cli_text(fault, "Severity"))), cli_text(fault, "Symptom"),
               cli_tone_end(cli));
        printf("  %s %s\n", cli_text(fault, "Code"), cli_text(fault, "Subject"));
        if (*cli_text(fault, "Detail"))
                cli_print_indented(stdout, cli_text(fault, "Detail"), 4);
        print_steps(fault);
}

/* The gravest first, of these the oldest: what came later may come of it. */
static unsigned print_ranked(const struct cli *cli, const cJSON *faults) {
        unsigned rank = 0;

        for (size_t s = 0; s < ELEMENTSOF(severities); s++)
                for (int i = cJSON_GetArraySize(faults); i-- > 0;) {
                        const cJSON *fault = cJSON_GetArrayItem(faults, i);

                        if (streq(cli_text(fault, "Severity"), severities[s]))
                                print_fault(cli, fault, ++rank);
                }
        return rank;
}

/* A level without a test (no printer, no reader) is none that has failed. */
static int run_level(struct cli *cli, const char *level, cJSON *checks, unsigned *failed) {
        cJSON *check = NULL;
        int r;

        r = health_run(cli, level, "", &check);
        if (r != 0)
                return r;
        *failed += health_failed(check);
        cJSON_AddItemToArray(checks, check);
        return 0;
}

static int run_all(struct cli *cli, bool paper, bool cards, cJSON *checks, unsigned *failed) {
        int r;

        r = run_level(cli, "internal", checks, failed);
        if (r == 0 && paper)
                r = run_level(cli, "external", checks, failed);
        if (r == 0 && cards)
                r = run_level(cli, "interactive", checks, failed);
        return r;
}

static int print_end(const struct cli *cli, cJSON *page, cJSON *checks, unsigned failed) {
        cJSON *faults = cJSON_GetObjectItemCaseSensitive(page, "Faults");
        unsigned n;

        if (cli->json) {
                if (!cJSON_AddItemReferenceToObject(page, "Checks", checks))
                        return cli_fail(cli, NULL, -ENOMEM);
                (void) cli_print_json(page);
                return failed > 0 || cJSON_GetArraySize(faults) > 0 ? EXIT_NO : 0;
        }
        fputc('\n', stdout);
        n = print_ranked(cli, faults);
        if (n == 0 && failed == 0)
                printf("%s%s%s\n", cli_tone(cli, TONE_GOOD), _("Nothing is wrong."), cli_tone_end(cli));
        else if (n == 0)
                printf("%s\n", _("No fault is open, but a test has failed: see above."));
        return n > 0 || failed > 0 ? EXIT_NO : 0;
}

int verb_doctor(struct cli *cli, int argc, char **argv) {
        static const struct option options[] = {
                { "help", no_argument, NULL, 'h' },
                { "cards", no_argument, NULL, 'c' },
                { "no-paper", no_argument, NULL, 'p' },
                {},
        };
        _cleanup_(cJSON_Deletep) cJSON *checks = cJSON_CreateArray(), *page = NULL;
        bool paper = true, cards = false;
        unsigned failed = 0;
        int c, r;

        while ((c = getopt_long(argc, argv, "h", options, NULL)) >= 0)
                switch (c) {
                case 'h':
                        return help();
                case 'c':
                        cards = true;
                        break;
                case 'p':
                        paper = false;
                        break;
                default:
                        return EXIT_USAGE;
                }
        if (optind < argc) {
                (void) help();
                return EXIT_USAGE;
        }
        r = run_all(cli, paper, cards, checks, &failed);
        if (r == 0)
                r = get_faults(cli, &page);
        return r != 0 ? r : print_end(cli, page, checks, failed);
}
