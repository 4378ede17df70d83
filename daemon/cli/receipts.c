// SPDX-License-Identifier: LGPL-2.1-or-later
/* tillctl receipts: list, show, reprint. */
#include <getopt.h>
#include <inttypes.h>

#include "cli/cli.h"

#define INTERFACE "org.tilld1.Receipts"
#define LISTED 20

struct choice {
        const char *reference;
        const char *copy;
};

static int help(void) {
        printf("%s\n\n", _("tillctl receipts [list | show | reprint] [OPTION…]"));
        printf("  list     %s\n", _("the newest papers and whether they are printed (this is the default)"));
        printf("  show     %s\n", _("a receipt as text"));
        printf("  reprint  %s\n", _("print a receipt again, marked as a duplicate"));
        printf("\n  --reference=TEXT  %s\n", _("the transaction's; the last one unless given"));
        printf("  --copy=WHICH      %s\n", _("cardholder or merchant"));
        return 0;
}

static int call(struct cli *cli, const char *method, const struct choice *c, sd_bus_error *error,
                sd_bus_message **ret) {
        _cleanup_(sd_bus_message_unrefp) sd_bus_message *m = NULL;
        int r;

        r = sd_bus_message_new_method_call(cli->bus, &m, SERVICE, SERVICE_PATH, INTERFACE, method);
        if (r < 0)
                return r;
        r = sd_bus_message_open_container(m, 'a', "{sv}");
        if (r < 0)
                return r;
        if (c->reference) {
                r = sd_bus_message_append(m, "{sv}", "reference", "s", c->reference);
                if (r < 0)
                        return r;
        }
        if (c->copy) {
                r = sd_bus_message_append(m, "{sv}", "copy", "s", c->copy);
                if (r < 0)
                        return r;
        }
        r = sd_bus_message_close_container(m);
        if (r < 0)
                return r;
        (void) sd_bus_message_set_allow_interactive_authorization(m, true);
        return sd_bus_call(cli->bus, m, 0, error, ret);
}

static int show(struct cli *cli, const struct choice *c) {
        _cleanup_(sd_bus_error_free) sd_bus_error error = SD_BUS_ERROR_NULL;
        _cleanup_(sd_bus_message_unrefp) sd_bus_message *reply = NULL;
        const char *text;
        int r;

        r = call(cli, "GetText", c, &error, &reply);
        if (r >= 0)
                r = sd_bus_message_read(reply, "s", &text);
        if (r < 0)
                return cli_fail(cli, &error, r);
        fputs(text, stdout);
        return 0;
}

static int reprint(struct cli *cli, const struct choice *c) {
        _cleanup_(sd_bus_error_free) sd_bus_error error = SD_BUS_ERROR_NULL;
        _cleanup_(sd_bus_message_unrefp) sd_bus_message *reply = NULL;
        uint64_t job;
        int r;

        r = call(cli, "Reprint", c, &error, &reply);
        if (r >= 0)
                r = sd_bus_message_read(reply, "t", &job);
        if (r < 0)
                return cli_fail(cli, &error, r);
        if (cli->json)
                printf("{ \"Job\": %" PRIu64 " }\n", job);
        else
                printf(_("Job %" PRIu64 " is queued; tillctl receipts shows when it is printed.\n"), job);
        return 0;
}

struct job {
        uint64_t id;
        const char *transaction, *what, *state;
        int duplicate;
};

static const struct cli_column columns[] = {
        { N_("JOB"), 7 }, { N_("PAPER"), 18 }, { "", 12 }, { N_("OF"), 28 }, { N_("STATE"), 0 },
};

static void print_job(struct cli *cli, const struct job *j) {
        char id[24];
        const char *const texts[] = {
                id,
                j->what,
                j->duplicate ? _("duplicate") : "",
                startswith(j->transaction, SERVICE_PATH "/") ?: j->transaction,
                j->state,
        };

        (void) snprintf(id, sizeof(id), "%" PRIu64, j->id);
        cli_print_row(cli, columns, texts, streq(j->state, "printed") ? TONE_GOOD : TONE_WARN);
}

static void add_job(cJSON *all, const struct job *j) {
        cJSON *o = cJSON_CreateObject();

        cJSON_AddNumberToObject(o, "Job", (double) j->id);
        cJSON_AddStringToObject(o, "Transaction", j->transaction);
        cJSON_AddStringToObject(o, "What", j->what);
        cJSON_AddStringToObject(o, "State", j->state);
        cJSON_AddBoolToObject(o, "Duplicate", j->duplicate);
        cJSON_AddItemToArray(all, o);
}

static int read_jobs(struct cli *cli, sd_bus_message *reply, cJSON *all) {
        struct job j;
        int r;

        r = sd_bus_message_enter_container(reply, 'a', "(tossb)");
        if (r < 0)
                return r;
        while ((r = sd_bus_message_read(reply, "(tossb)", &j.id, &j.transaction, &j.what, &j.state, &j.duplicate)) >
               0) {
                if (cli->json)
                        add_job(all, &j);
                else
                        print_job(cli, &j);
        }
        return r;
}

static int list(struct cli *cli) {
        _cleanup_(sd_bus_error_free) sd_bus_error error = SD_BUS_ERROR_NULL;
        _cleanup_(sd_bus_message_unrefp) sd_bus_message *reply = NULL;
        _cleanup_(cJSON_Deletep) cJSON *all = cJSON_CreateArray();
        int r;

        r = sd_bus_call_method(cli->bus, SERVICE, SERVICE_PATH, INTERFACE, "ListJobs", &error, &reply, "u", LISTED);
        if (r < 0)
                return cli_fail(cli, &error, r);
        if (!cli->json)
                cli_print_head(cli, columns);
        r = read_jobs(cli, reply, all);
        if (r < 0)
                return cli_fail(cli, &error, r);
        return cli->json ? cli_print_json(all) : 0;
}

int verb_receipts(struct cli *cli, int argc, char **argv) {
        static const struct option options[] = {
                { "help", no_argument, NULL, 'h' },
                { "reference", required_argument, NULL, 'r' },
                { "copy", required_argument, NULL, 'c' },
                {},
        };
        struct choice c = {};
        const char *act;
        int k;

        while ((k = getopt_long(argc, argv, "h", options, NULL)) >= 0)
                switch (k) {
                case 'h':
                        return help();
                case 'r':
                        c.reference = optarg;
                        break;
                case 'c':
                        c.copy = optarg;
                        break;
                default:
                        return EXIT_USAGE;
                }
        act = optind < argc ? argv[optind] : "list";
        if (streq(act, "list"))
                return list(cli);
        if (streq(act, "show"))
                return show(cli, &c);
        if (streq(act, "reprint"))
                return reprint(cli, &c);
        fprintf(stderr, _("\"%s\" is none of list, show and reprint.\n"), act);
        return EXIT_USAGE;
}
