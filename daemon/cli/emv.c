// SPDX-License-Identifier: LGPL-2.1-or-later
#include "base/wrap.h"
#include "cli/cli.h"

static double number(const cJSON *json, const char *name) {
        return cJSON_GetNumberValue(cJSON_GetObjectItemCaseSensitive(json, name));
}

static bool is_true(const cJSON *json, const char *name) {
        return cJSON_IsTrue(cJSON_GetObjectItemCaseSensitive(json, name));
}

static const char *number_text(const cJSON *json, const char *name, char text[static 24]) {
        (void) snprintf(text, 24, "%.0f", number(json, name));
        return text;
}

#define LINE_WIDTH 80

/* One of what does not fit into an application's row, on a new line where this one is full. */
static void print_detail(int *column, const char *name, const char *value) {
        int left, width = 2 + wrap_width(name) + 1;

        if (!*value)
                value = "-";
        if (*column > 0 && *column + width + (int) strlen(value) > LINE_WIDTH) {
                putchar('\n');
                *column = 0;
        }
        printf("  %s ", name);
        *column += width;
        /* A list of data objects may be longer than a line. */
        for (left = LINE_WIDTH - *column; (int) strlen(value) > left; left = LINE_WIDTH - *column) {
                printf("%.*s\n", left, value);
                value += left;
                *column = printf("    ");
        }
        *column += printf("%s", value);
}

static void print_details(const cJSON *application) {
        const cJSON *list = cJSON_GetObjectItemCaseSensitive(application, "Versions");
        char versions[80] = "", threshold[24], target[24];
        int column = 0;

        for (const cJSON *v = list ? list->child : NULL; v; v = v->next) {
                size_t n = strlen(versions);

                (void) snprintf(versions + n, sizeof(versions) - n, "%s%s", n ? " " : "",
                                cJSON_GetStringValue(v) ?: "");
        }
        (void) snprintf(target, sizeof(target), "%.0f-%.0f %%", number(application, "Target"),
                        number(application, "TargetMax"));
        print_detail(&column, _("partial match"), is_true(application, "Partial") ? _("yes") : _("no"));
        print_detail(&column, _("versions"), versions);
        print_detail(&column, "DDOL", cli_text(application, "Ddol"));
        print_detail(&column, "TDOL", cli_text(application, "Tdol"));
        print_detail(&column, _("threshold"), number_text(application, "Threshold", threshold));
        print_detail(&column, _("target"), target);
        putchar('\n');
}

static void print_applications(const struct cli *cli, const cJSON *list) {
        static const struct cli_column columns[] = {
                { N_("APPLICATION"), 17 }, { N_("NAME"), 23 },    { N_("DENIAL"), 11 },
                { N_("ONLINE"), 11 },      { N_("DEFAULT"), 11 }, { N_("LIMIT"), 0 },
        };

        putchar('\n');
        cli_print_head(cli, columns);
        for (const cJSON *a = list ? list->child : NULL; a; a = a->next) {
                char limit[24];
                const char *const texts[] = {
                        cli_text(a, "Aid"),
                        cli_text(a, "Name"),
                        cli_text(a, "TacDenial"),
                        cli_text(a, "TacOnline"),
                        cli_text(a, "TacDefault"),
                        /* Minor units, as everywhere in EMV; the currency is the sale's. */
                        number_text(a, "FloorLimit", limit),
                };

                cli_print_row(cli, columns, texts, TONE_PLAIN);
                print_details(a);
        }
}

static const char *use_of(const cJSON *key) {
        if (!is_true(key, "HashGood"))
                return _("wrong SHA-1");
        return is_true(key, "Used") ? _("used") : _("refused: live mode");
}

static void print_keys(const struct cli *cli, const cJSON *list) {
        static const struct cli_column columns[] = {
                { N_("CA KEY"), 12 },  { N_("INDEX"), 7 }, { N_("BITS"), 6 },  { N_("EXPONENT"), 10 },
                { N_("EXPIRES"), 12 }, { N_("KIND"), 6 },  { N_("STATE"), 0 },
        };

        putchar('\n');
        cli_print_head(cli, columns);
        for (const cJSON *k = list ? list->child : NULL; k; k = k->next) {
                char bits[24], exponent[24];
                const char *const texts[] = {
                        cli_text(k, "Rid"),
                        cli_text(k, "Index"),
                        number_text(k, "Bits", bits),
                        number_text(k, "Exponent", exponent),
                        *cli_text(k, "Expires") ? cli_text(k, "Expires") : "-",
                        is_true(k, "Test") ? _("test") : _("live"),
                        use_of(k),
                };

                cli_print_row(cli, columns, texts, is_true(k, "HashGood") ? TONE_PLAIN : TONE_BAD);
        }
}

static void print_revoked(const struct cli *cli, const cJSON *list) {
        if (cJSON_GetArraySize(list) == 0)
                return;
        printf("\n%s%s%s\n", cli_tone(cli, TONE_DIM), _("REVOKED CERTIFICATES"), cli_tone_end(cli));
        for (const cJSON *r = list->child; r; r = r->next)
                printf("%s %s %s\n", cli_text(r, "Rid"), cli_text(r, "Index"), cli_text(r, "Serial"));
}

/* Each on lines of its own: where, what, and what to do. */
static void print_faults(const struct cli *cli, const cJSON *list) {
        for (const cJSON *f = list ? list->child : NULL; f; f = f->next) {
                const char *file = cli_text(f, "File"), *key = cli_text(f, "Key");

                fprintf(stderr, "\n%s", cli_tone(cli, is_true(f, "Fatal") ? TONE_BAD : TONE_WARN));
                if (*file)
                        fprintf(stderr, "%s:%.0f: ", file, number(f, "Line"));
                fprintf(stderr, "[%s]%s%s%s\n", cli_text(f, "Section"), *key ? " " : "", key, cli_tone_end(cli));
                fprintf(stderr, "  %s\n  %s\n", cli_text(f, "Reason"), cli_sentence(f, "NextStep"));
        }
}

static int check_emv(struct cli *cli, cJSON **ret) {
        _cleanup_(sd_bus_error_free) sd_bus_error error = SD_BUS_ERROR_NULL;
        _cleanup_(sd_bus_message_unrefp) sd_bus_message *reply = NULL;
        const char *text;
        int r;

        r = sd_bus_call_method(cli->bus, SERVICE, SERVICE_PATH, "org.tilld1.Manager", "CheckEmv", &error, &reply, "");
        if (r >= 0)
                r = sd_bus_message_read(reply, "s", &text);
        if (r < 0)
                return cli_fail(cli, &error, r);
        *ret = cJSON_Parse(text);
        return *ret ? 0 : cli_fail(cli, &error, -EBADMSG);
}

int verb_emv(struct cli *cli, int argc, char **argv) {
        _cleanup_(cJSON_Deletep) cJSON *json = NULL;
        const cJSON *terminal;
        bool good;
        int r;

        if (argc != 2 || !streq(argv[1], "check")) {
                printf("%s\n", _("tillctl emv check: reads emv.d anew and shows what a restart would use."));
                return argc == 2 && streq(argv[1], "--help") ? 0 : EXIT_USAGE;
        }
        r = check_emv(cli, &json);
        if (r != 0)
                return r;
        good = is_true(json, "Good");
        if (cli->json) {
                r = cli_print_json(json);
                return r != 0 || good ? r : EXIT_NO;
        }

        terminal = cJSON_GetObjectItemCaseSensitive(json, "Terminal");
        printf(_("%s mode, country %s, terminal type %s, capabilities %s\n"), cli_text(json, "Mode"),
               cli_text(terminal, "Country") + (*cli_text(terminal, "Country") == '0'), cli_text(terminal, "Type"),
               cli_text(terminal, "Capabilities"));
        print_applications(cli, cJSON_GetObjectItemCaseSensitive(json, "Applications"));
        print_keys(cli, cJSON_GetObjectItemCaseSensitive(json, "CaKeys"));
        print_revoked(cli, cJSON_GetObjectItemCaseSensitive(json, "Revoked"));
        print_faults(cli, cJSON_GetObjectItemCaseSensitive(json, "Faults"));
        if (!good) {
                fprintf(stderr, "\n%s%s%s\n", cli_tone(cli, TONE_BAD),
                        _("tilld would not start with these files; it goes on with what it has."), cli_tone_end(cli));
                return EXIT_NO;
        }
        printf("\n%s\n", is_true(json, "InUse") ? _("This is what tilld uses.")
                                                : _("tilld uses older data. To use this: systemctl restart tilld"));
        return 0;
}
