// SPDX-License-Identifier: LGPL-2.1-or-later
/* tillctl fault codes, explain, figures: the faults that there can be, and what those that there were come to. */
#include "cli/fault.h"

#include "cli/transaction.h"

/* ---- Causes and steps ---- */

static void print_list(const char *title, const cJSON *list) {
        const cJSON *item;
        unsigned n = 0;

        if (cJSON_GetArraySize(list) > 0)
                printf("\n%s\n", title);
        cJSON_ArrayForEach(item, list) {
                char mark[24];

                (void) snprintf(mark, sizeof(mark), "%2u. ", ++n);
                cli_print_marked(stdout, mark, strempty(cJSON_GetStringValue(item)));
        }
}

void fault_print_steps(const cJSON *fault) {
        print_list(_("Likely causes:"), cJSON_GetObjectItemCaseSensitive(fault, "Causes"));
        print_list(_("What to do:"), cJSON_GetObjectItemCaseSensitive(fault, "MerchantSteps"));
        print_list(_("For support:"), cJSON_GetObjectItemCaseSensitive(fault, "SupportSteps"));
        if (*cli_text(fault, "SparePart"))
                printf("\n%s %s\n", _("Spare part:"), cli_text(fault, "SparePart"));
}

/* ---- codes, explain ---- */

/* By "area" or "code"; "" for all. Translated, "en" is the name of the language. */
static int get_codes(struct cli *cli, const char *by, const char *word, cJSON **ret) {
        _cleanup_(sd_bus_error_free) sd_bus_error error = SD_BUS_ERROR_NULL;
        _cleanup_(sd_bus_message_unrefp) sd_bus_message *reply = NULL;
        _cleanup_(cJSON_Deletep) cJSON *json = NULL;
        int r;

        r = sd_bus_call_method(cli->bus, SERVICE, SERVICE_PATH, DIAGNOSTICS_INTERFACE, "ListCodes", &error, &reply,
                               "a{sv}", 2, by, "s", word, "language", "s", _("en"));
        r = cli_read_json(cli, reply, &error, r, &json);
        if (r == 0)
                *ret = cJSON_DetachItemFromObjectCaseSensitive(json, "Codes");
        return r;
}

static const struct cli_column code_columns[] = {
        { N_("CODE"), 28 },
        { N_("SEVERITY"), 10 },
        { N_("WHAT"), 0 },
        {},
};

static void print_code_row(const struct cli *cli, const cJSON *code) {
        const char *texts[] = { cli_text(code, "Code"), cli_text(code, "Severity"), cli_text(code, "Symptom") };

        cli_print_row(cli, code_columns, texts, TONE_PLAIN);
}

int fault_codes(struct cli *cli, int argc, char **argv) {
        const char *area = argc > 1 ? argv[1] : "";
        _cleanup_(cJSON_Deletep) cJSON *codes = NULL;
        const cJSON *code;
        int r;

        r = get_codes(cli, "area", area, &codes);
        if (r != 0)
                return r;
        if (cli->json)
                return cli_print_json(codes);
        if (cJSON_GetArraySize(codes) == 0) {
                fprintf(stderr,
                        _("\"%s\" is not an area of faults: reader, card, printer, driver, power, network, acquirer, "
                          "keys, storage, clock, configuration or binding.\n"),
                        area);
                return EXIT_USAGE;
        }
        cli_print_head(cli, code_columns);
        cJSON_ArrayForEach(code, codes) {
                print_code_row(cli, code);
        }
        return 0;
}

static void print_code(const struct cli *cli, const cJSON *code) {
        printf("%s%s%s\n", cli_tone(cli, TONE_WARN), cli_text(code, "Symptom"), cli_tone_end(cli));
        transaction_print_detail(_("fault"), cli_text(code, "Code"));
        transaction_print_detail(_("area"), cli_text(code, "Area"));
        transaction_print_detail(_("class"), cli_text(code, "Class"));
        transaction_print_detail(_("severity"), cli_text(code, "Severity"));
        transaction_print_detail(_("in the log"), cli_text(code, "MessageId"));
        transaction_print_detail(_("ends"), cJSON_IsTrue(cJSON_GetObjectItemCaseSensitive(code, "EndsByItself"))
                                                    ? _("by itself, with its cause")
                                                    : _("when it is shown that it is mended, or by a supervisor"));
        fault_print_steps(code);
}

int fault_explain(struct cli *cli, int argc, char **argv) {
        _cleanup_(cJSON_Deletep) cJSON *codes = NULL;
        const cJSON *code;
        int r;

        r = get_codes(cli, "code", argv[1], &codes);
        if (r != 0)
                return r;
        code = *argv[1] ? cJSON_GetArrayItem(codes, 0) : NULL;
        if (!code) {
                fprintf(stderr, _("\"%s\" is not the code of a fault; tillctl fault codes lists them.\n"), argv[1]);
                return EXIT_NO;
        }
        if (cli->json)
                return cli_print_json(code);
        print_code(cli, code);
        return 0;
}

/* ---- figures ---- */

static const struct cli_column figure_columns[] = {
        { N_("WHAT"), 28 },  { N_("FAULTS"), 7 },  { N_("OPEN"), 6 },
        { N_("HOURS"), 8 },  { N_("LONGEST"), 9 }, { N_("1 DAY"), 7 },
        { N_("3 DAYS"), 7 }, { N_("BETWEEN"), 0 }, {},
};

/* "" for what is left out. */
static const char *show(const cJSON *row, const char *name, int digits, char ret[static 24]) {
        const cJSON *number = cJSON_GetObjectItemCaseSensitive(row, name);

        *ret = '\0';
        if (cJSON_IsNumber(number))
                (void) snprintf(ret, 24, "%.*f", digits, number->valuedouble);
        return ret;
}

static const char *show_share(const cJSON *row, const char *name, char ret[static 24]) {
        const cJSON *number = cJSON_GetObjectItemCaseSensitive(row, name);

        *ret = '\0';
        if (cJSON_IsNumber(number))
                (void) snprintf(ret, 24, "%.0f %%", 100 * number->valuedouble);
        return ret;
}

static void print_figure(const struct cli *cli, const char *name, const cJSON *row) {
        char opened[24], open[24], hours[24], longest[24], one[24], three[24], between[24];
        const char *texts[] = {
                name,
                show(row, "Opened", 0, opened),
                show(row, "Open", 0, open),
                show(row, "MeanRepairHours", 1, hours),
                show(row, "LongestRepairHours", 1, longest),
                show_share(row, "WithinOneDay", one),
                show_share(row, "WithinThreeDays", three),
                show(row, "HoursBetween", 1, between),
        };

        cli_print_row(cli, figure_columns, texts, TONE_PLAIN);
}

static void print_figures(const struct cli *cli, const cJSON *figures) {
        static const char *const lists[] = { "Classes", "Areas", "Codes" };
        char since[CLI_TIME_MAX];
        const cJSON *row;

        printf(_("Since %s; payments could be taken %.2f %% of that time.\n"),
               cli_time((uint64_t) cJSON_GetNumberValue(cJSON_GetObjectItemCaseSensitive(figures, "Since")), since),
               100 * cJSON_GetNumberValue(cJSON_GetObjectItemCaseSensitive(figures, "Available")));
        cli_print_sentence(stdout,
                           _("HOURS and LONGEST: to mend one, from opening to end. 1 DAY and 3 DAYS: the share that "
                             "was mended within so many working days, Monday to Friday; holidays are not known. "
                             "BETWEEN: hours from one to the next."));
        putchar('\n');
        cli_print_head(cli, figure_columns);
        print_figure(cli, _("all"), cJSON_GetObjectItemCaseSensitive(figures, "All"));
        for (size_t i = 0; i < ELEMENTSOF(lists); i++) {
                const cJSON *list = cJSON_GetObjectItemCaseSensitive(figures, lists[i]);

                if (cJSON_GetArraySize(list) > 0)
                        putchar('\n');
                cJSON_ArrayForEach(row, list) {
                        print_figure(cli, cli_text(row, "Name"), row);
                }
        }
}

int fault_figures(struct cli *cli, int argc, char **argv) {
        _cleanup_(sd_bus_error_free) sd_bus_error error = SD_BUS_ERROR_NULL;
        _cleanup_(sd_bus_message_unrefp) sd_bus_message *reply = NULL;
        _cleanup_(cJSON_Deletep) cJSON *figures = NULL;
        uint64_t days = 90;
        int r;

        if (argc > 1 && (cli_read_number(argv[1], 3660, &days) < 0 || days == 0)) {
                fprintf(stderr, _("\"%s\" is not a number of days from 1 to 3660.\n"), argv[1]);
                return EXIT_USAGE;
        }
        r = sd_bus_call_method(cli->bus, SERVICE, SERVICE_PATH, DIAGNOSTICS_INTERFACE, "GetFigures", &error, &reply,
                               "a{sv}", 1, "days", "u", (uint32_t) days);
        r = cli_read_json(cli, reply, &error, r, &figures);
        if (r != 0)
                return r;
        if (cli->json)
                return cli_print_json(figures);
        print_figures(cli, figures);
        return 0;
}
