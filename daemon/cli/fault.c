// SPDX-License-Identifier: LGPL-2.1-or-later
/* tillctl fault: what is wrong, since when, and what to do about it. */
#include <getopt.h>
#include <inttypes.h>

#include "cli/code.h"
#include "cli/fault.h"
#include "cli/transaction.h"

static int help(void) {
        printf("%s\n\n", _("tillctl fault [ACT]: what is wrong with the terminal or its money."));
        printf("  list [--all]             %s\n", _("what is open, the newest first; with --all what has ended, too"));
        printf("  show FAULT               %s\n", _("all of one, with what to do"));
        printf("  codes [AREA]             %s\n", _("all faults that there can be"));
        printf("  explain CODE             %s\n", _("all that is known of one"));
        printf("  figures [DAYS]           %s\n", _("how often, how soon mended, and how long it went well"));
        printf("  acknowledge FAULT        %s\n", _("you take care of it"));
        printf("  end FAULT NOTE [NUMBER]  %s\n", _("it is mended, and how that is known"));
        printf("\n%s\n", _("To end one takes a supervisor: NUMBER, whose code is asked for, or a caller who has "
                           "org.tilld1.supervise\n(root has it). Most end by themselves when their cause is gone."));
        return 0;
}

static double number(const cJSON *o, const char *name) {
        return cJSON_GetNumberValue(cJSON_GetObjectItemCaseSensitive(o, name));
}

/* A fault's number, from 1; 0 for what is none. */
static uint64_t read_id(const char *text) {
        uint64_t id;

        return cli_read_number(text, INT64_MAX, &id) < 0 ? 0 : id;
}

static int wrong_id(const char *text) {
        fprintf(stderr, _("\"%s\" is not the number of a fault; tillctl fault list shows them.\n"), text);
        return EXIT_USAGE;
}

/* ---- list ---- */

static const struct cli_column columns[] = {
        { N_("FAULT"), 6 }, { N_("OPENED"), 13 }, { N_("TIMES"), 6 }, { N_("ABOUT"), 15 }, { N_("WHAT"), 0 }, {},
};

static enum cli_tone tone_of(const cJSON *fault) {
        if (number(fault, "Ended") > 0)
                return TONE_DIM;
        return streq(cli_text(fault, "Severity"), "warning") ? TONE_WARN : TONE_BAD;
}

static void print_row(const struct cli *cli, const cJSON *fault) {
        char id[24], count[24], time[CLI_TIME_MAX], opened[16];
        const char *texts[] = { id, opened, count, cli_text(fault, "Subject"), cli_text(fault, "Symptom") };

        (void) snprintf(id, sizeof(id), "%.0f", number(fault, "Id"));
        (void) snprintf(count, sizeof(count), "%.0f", number(fault, "Count"));
        /* No year and no seconds. */
        (void) snprintf(opened, sizeof(opened), "%.11s", cli_time((uint64_t) number(fault, "Opened"), time) + 5);
        /* One of another version is known by its code alone. */
        if (!*texts[4])
                texts[4] = cli_text(fault, "Code");
        cli_print_row(cli, columns, texts, tone_of(fault));
}

/* One page, behind the fault `before`. Translated, "en" is the name of the language: tilld has the sentences in both.
 */
static int get_page(struct cli *cli, bool all, uint64_t before, cJSON **ret) {
        _cleanup_(sd_bus_error_free) sd_bus_error error = SD_BUS_ERROR_NULL;
        _cleanup_(sd_bus_message_unrefp) sd_bus_message *reply = NULL;
        int r;

        r = sd_bus_call_method(cli->bus, SERVICE, SERVICE_PATH, DIAGNOSTICS_INTERFACE, "ListFaults", &error, &reply,
                               "a{sv}", 4, "open", "b", !all, "before", "t", before, "limit", "u", 500, "language",
                               "s", _("en"));
        return cli_read_json(cli, reply, &error, r, ret);
}

static int get_all(struct cli *cli, bool all, cJSON **ret) {
        _cleanup_(cJSON_Deletep) cJSON *list = cJSON_CreateArray();
        uint64_t before = 0;
        int r;

        do {
                _cleanup_(cJSON_Deletep) cJSON *page = NULL;
                cJSON *faults;

                r = get_page(cli, all, before, &page);
                if (r != 0)
                        return r;
                faults = cJSON_GetObjectItemCaseSensitive(page, "Faults");
                while (cJSON_GetArraySize(faults) > 0)
                        cJSON_AddItemToArray(list, cJSON_DetachItemFromArray(faults, 0));
                before = (uint64_t) number(page, "Next");
        } while (before > 0);
        *ret = TAKE_PTR(list);
        return 0;
}

static int list(struct cli *cli, int argc, char **argv) {
        _cleanup_(cJSON_Deletep) cJSON *faults = NULL;
        const cJSON *fault;
        bool all = argc == 2;
        int r;

        if (argc > 2 || (all && !streq(argv[1], "--all"))) {
                (void) help();
                return EXIT_USAGE;
        }
        r = get_all(cli, all, &faults);
        if (r != 0)
                return r;
        if (cli->json)
                return cli_print_json(faults);
        if (cJSON_GetArraySize(faults) == 0) {
                printf("%s\n", all ? _("There has been no fault.") : _("There is no open fault."));
                return 0;
        }
        cli_print_head(cli, columns);
        cJSON_ArrayForEach(fault, faults) {
                print_row(cli, fault);
        }
        return 0;
}

/* ---- show ---- */

static int get_one(struct cli *cli, const char *text, cJSON **ret) {
        _cleanup_(sd_bus_error_free) sd_bus_error error = SD_BUS_ERROR_NULL;
        _cleanup_(sd_bus_message_unrefp) sd_bus_message *reply = NULL;
        _cleanup_(cJSON_Deletep) cJSON *page = NULL;
        uint64_t id = read_id(text);
        int r;

        if (id == 0)
                return wrong_id(text);
        r = sd_bus_call_method(cli->bus, SERVICE, SERVICE_PATH, DIAGNOSTICS_INTERFACE, "ListFaults", &error, &reply,
                               "a{sv}", 2, "id", "t", id, "language", "s", _("en"));
        r = cli_read_json(cli, reply, &error, r, &page);
        if (r != 0)
                return r;
        *ret = cJSON_DetachItemFromArray(cJSON_GetObjectItemCaseSensitive(page, "Faults"), 0);
        if (*ret)
                return 0;
        fprintf(stderr, _("There is no fault %s; tillctl fault list --all shows them.\n"), text);
        return EXIT_NO;
}

static void print_time(const char *label, const cJSON *fault, const char *name, const char *by) {
        char time[CLI_TIME_MAX], text[CLI_TIME_MAX + 64];

        if (number(fault, name) <= 0)
                return;
        (void) snprintf(text, sizeof(text), "%s%s%s", cli_time((uint64_t) number(fault, name), time), *by ? ", " : "",
                        by);
        transaction_print_detail(label, text);
}

static void print_one(const struct cli *cli, const cJSON *fault) {
        const char *ended_by = cli_text(fault, "EndedBy");
        char count[24];

        (void) snprintf(count, sizeof(count), "%.0f", number(fault, "Count"));
        printf("%s%s%s\n", cli_tone(cli, tone_of(fault)), cli_text(fault, "Symptom"), cli_tone_end(cli));
        transaction_print_detail(_("fault"), cli_text(fault, "Code"));
        transaction_print_detail(_("class"), cli_text(fault, "Class"));
        transaction_print_detail(_("severity"), cli_text(fault, "Severity"));
        transaction_print_detail(_("about"), cli_text(fault, "Subject"));
        transaction_print_detail(_("details"), cli_text(fault, "Detail"));
        if (strlen(cli_text(fault, "Transaction")) > 1)
                transaction_print_detail(_("transaction"), cli_text(fault, "Transaction"));
        transaction_print_detail(_("times"), count);
        print_time(_("opened"), fault, "Opened", "");
        print_time(_("last seen"), fault, "LastSeen", "");
        print_time(_("acknowledged"), fault, "Acknowledged", cli_text(fault, "AcknowledgedBy"));
        print_time(_("ended"), fault, "Ended", streq(ended_by, "evidence") ? _("its cause is gone") : ended_by);
        transaction_print_detail(_("note"), cli_text(fault, "Note"));
        transaction_print_detail(_("device"), cli_text(fault, "Device"));
        transaction_print_detail(_("firmware"), cli_text(fault, "Firmware"));
        transaction_print_detail(_("versions"), cli_text(fault, "Versions"));
        transaction_print_detail(_("environment"), cli_text(fault, "Environment"));
        fault_print_steps(fault);
}

static int show(struct cli *cli, int argc, char **argv) {
        _cleanup_(cJSON_Deletep) cJSON *fault = NULL;
        int r;

        r = get_one(cli, argv[1], &fault);
        if (r != 0)
                return r;
        if (cli->json)
                return cli_print_json(fault);
        print_one(cli, fault);
        return 0;
}

/* ---- acknowledge, end ---- */

/* note NULL: the call has none; code negative: no fd goes with it. */
static int act(struct cli *cli, const char *method, uint64_t id, const char *note, int code) {
        _cleanup_(sd_bus_message_unrefp) sd_bus_message *m = NULL;
        int r;

        r = sd_bus_message_new_method_call(cli->bus, &m, SERVICE, SERVICE_PATH, DIAGNOSTICS_INTERFACE, method);
        if (r >= 0)
                r = sd_bus_message_append(m, "t", id);
        if (r >= 0 && note)
                r = sd_bus_message_append(m, "s", note);
        if (r >= 0 && code >= 0)
                r = sd_bus_message_append(m, "h", code);
        return cli_send(cli, m, r);
}

static int acknowledge(struct cli *cli, int argc, char **argv) {
        uint64_t id = read_id(argv[1]);

        return id == 0 ? wrong_id(argv[1]) : act(cli, "Acknowledge", id, NULL, -EBADF);
}

static int end(struct cli *cli, int argc, char **argv) {
        _cleanup_close_ int code = -EBADF;
        uint64_t id = read_id(argv[1]);
        int r;

        if (id == 0)
                return wrong_id(argv[1]);
        if (argc == 4) {
                r = code_ask(CODE_OF_OPERATOR, argv[3], &code);
                if (r != 0)
                        return r;
        }
        return act(cli, code >= 0 ? "EndFaultWithCode" : "EndFault", id, argv[2], code);
}

/* ---- The verb ---- */

int verb_fault(struct cli *cli, int argc, char **argv) {
        static const struct {
                const char *name;
                int (*run)(struct cli *cli, int argc, char **argv);
                int least, most; /* words, with the act itself */
        } acts[] = {
                { "list", list, 1, 2 },
                { "show", show, 2, 2 },
                { "codes", fault_codes, 1, 2 },
                { "explain", fault_explain, 2, 2 },
                { "figures", fault_figures, 1, 2 },
                { "acknowledge", acknowledge, 2, 2 },
                { "end", end, 3, 4 },
        };

        if (argc == 1)
                return list(cli, 1, NULL);
        for (size_t i = 0; i < ELEMENTSOF(acts); i++)
                if (streq(argv[1], acts[i].name) && argc - 1 >= acts[i].least && argc - 1 <= acts[i].most)
                        return acts[i].run(cli, argc - 1, argv + 1);
        (void) help();
        return streq(argv[1], "--help") ? 0 : EXIT_USAGE;
}
