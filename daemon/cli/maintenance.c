// SPDX-License-Identifier: LGPL-2.1-or-later
/* tillctl maintenance: what is to be done to keep the terminal well, and the drills of those who work here. */
#include "cli/code.h"
#include "cli/transaction.h"
#include "cli/words.h"

#define INTERFACE "org.tilld1.Maintenance"

static int help(void) {
        printf("%s\n\n", _("tillctl maintenance [ACT]: what is to be cleaned and tightened, and drills."));
        printf("  list                       %s\n", _("each item, and when it is due (this is the default)"));
        printf("  done ITEM [NOTE]           %s\n", _("it was done"));
        printf("  drill KIND NUMBER... [--note=NOTE]\n%29s%s\n", "", _("it was held, with these operators"));
        printf("\n%s\n", _("To record takes support staff, or --supervisor=NUMBER, whose code is asked for.\n"
                           "[maintenance] of tilld.conf has the limits."));
        return 0;
}

/* ---- list ---- */

static uint64_t number(const cJSON *o, const char *name) {
        double n = cJSON_GetNumberValue(cJSON_GetObjectItemCaseSensitive(o, name));

        return n > 0 ? (uint64_t) n : 0;
}

static const struct cli_column columns[] = {
        { N_("ITEM"), 14 }, { N_("LAST DONE"), 12 }, { N_("DUE"), 12 }, { N_("SINCE THEN"), 0 }, {},
};

static void print_item(const struct cli *cli, const cJSON *item) {
        bool due = cJSON_IsTrue(cJSON_GetObjectItemCaseSensitive(item, "Due"));
        char done[CLI_TIME_MAX], due_time[CLI_TIME_MAX], count[96] = "";
        const char *texts[] = { cli_text(item, "Item"), done, due_time, count };

        (void) cli_time(number(item, "Done"), done);
        (void) cli_time(number(item, "DueTime"), due_time);
        done[MIN(strlen(done), (size_t) 10)] = due_time[MIN(strlen(due_time), (size_t) 10)] = '\0';
        if (number(item, "Limit") > 0)
                (void) snprintf(count, sizeof(count), _("%.0f of %.0f %s"), (double) number(item, "Count"),
                                (double) number(item, "Limit"), _(cli_text(item, "Unit")));
        else if (*cli_text(item, "People"))
                (void) snprintf(count, sizeof(count), "%.90s", cli_text(item, "People"));
        else
                /* The inspection's own word; other notes are people's. */
                (void) cli_cut(streq(cli_text(item, "Note"), "good") ? _("good") : cli_text(item, "Note"), 40, count,
                               sizeof(count));
        cli_print_row(cli, columns, texts, due ? TONE_WARN : TONE_PLAIN);
        if (due)
                cli_print_indented(stdout, cli_sentence(item, "Text"), 2);
}

static int list(struct cli *cli) {
        _cleanup_(sd_bus_error_free) sd_bus_error error = SD_BUS_ERROR_NULL;
        _cleanup_(sd_bus_message_unrefp) sd_bus_message *reply = NULL;
        _cleanup_(cJSON_Deletep) cJSON *json = NULL;
        const cJSON *item;
        int r;

        r = sd_bus_call_method(cli->bus, SERVICE, SERVICE_PATH, INTERFACE, "List", &error, &reply, "");
        r = cli_read_json(cli, reply, &error, r, &json);
        if (r != 0)
                return r;
        if (cli->json)
                return cli_print_json(cJSON_GetObjectItemCaseSensitive(json, "Items"));
        cli_print_head(cli, columns);
        cJSON_ArrayForEach(item, cJSON_GetObjectItemCaseSensitive(json, "Items")) {
                print_item(cli, item);
        }
        return 0;
}

/* ---- done, drill ---- */

static int done(struct cli *cli, int argc, char **argv, int code) {
        return cli_call(cli, SERVICE_PATH, INTERFACE, code >= 0 ? "DoneWithCode" : "Done", argv[0],
                        argc > 1 ? argv[1] : "", code);
}

static int drill(struct cli *cli, int argc, char **argv, const char *note, int code) {
        _cleanup_(sd_bus_message_unrefp) sd_bus_message *m = NULL;
        int r;

        r = sd_bus_message_new_method_call(cli->bus, &m, SERVICE, SERVICE_PATH, INTERFACE,
                                           code >= 0 ? "RecordDrillWithCode" : "RecordDrill");
        if (r >= 0)
                r = sd_bus_message_append(m, "ss", argv[0], strempty(note));
        if (r >= 0)
                r = words_append(m, argc - 1, argv + 1);
        if (r >= 0 && code >= 0)
                r = sd_bus_message_append(m, "h", code);
        return cli_send(cli, m, r);
}

int verb_maintenance(struct cli *cli, int argc, char **argv) {
        const char *note = words_take_option(&argc, argv, "--note=");
        _cleanup_close_ int code = -EBADF;
        int r;

        if (argc == 1 || (argc == 2 && streq(argv[1], "list")))
                return list(cli);
        r = code_take_supervisor(&argc, argv, &code);
        if (r != 0)
                return r;
        if (argc > 2 && argc < 5 && streq(argv[1], "done"))
                return done(cli, argc - 2, argv + 2, code);
        if (argc > 3 && streq(argv[1], "drill"))
                return drill(cli, argc - 2, argv + 2, note, code);
        (void) help();
        return argc == 2 && streq(argv[1], "--help") ? 0 : EXIT_USAGE;
}
