// SPDX-License-Identifier: LGPL-2.1-or-later
#include "cli/cli.h"

/* A cell of the table: cut where it is too long, so that a row stays a line. */
static void print_cell(const char *text, int width) {
        char cut[128];
        size_t n = strlen(text);

        n = MIN(n, sizeof(cut) - 1);
        memcpy(cut, text, n);
        cut[n] = '\0';
        /* Whole characters only: a byte of the middle of one has the upper bits 10. */
        while (n > 0 && cli_width(cut) >= width) {
                do
                        n--;
                while (n > 0 && (cut[n] & 0xc0) == 0x80);
                cut[n] = '\0';
        }
        cli_pad(cut, width);
}

static double number(const cJSON *json, const char *name) {
        return cJSON_GetNumberValue(cJSON_GetObjectItemCaseSensitive(json, name));
}

static bool is_true(const cJSON *json, const char *name) {
        return cJSON_IsTrue(cJSON_GetObjectItemCaseSensitive(json, name));
}

static void print_applications(const struct cli *cli, const cJSON *list) {
        printf("\n%s", cli_tone(cli, TONE_DIM));
        print_cell(_("APPLICATION"), 17);
        print_cell(_("NAME"), 20);
        print_cell(_("DENIAL"), 11);
        print_cell(_("ONLINE"), 11);
        print_cell(_("DEFAULT"), 11);
        printf("%s%s\n", _("LIMIT"), cli_tone_end(cli));
        for (const cJSON *a = list ? list->child : NULL; a; a = a->next) {
                print_cell(cli_text(a, "Aid"), 17);
                print_cell(cli_text(a, "Name"), 20);
                print_cell(cli_text(a, "TacDenial"), 11);
                print_cell(cli_text(a, "TacOnline"), 11);
                print_cell(cli_text(a, "TacDefault"), 11);
                /* Minor units, as everywhere in EMV; the currency is the sale's. */
                printf("%.0f\n", number(a, "FloorLimit"));
        }
}

static const char *use_of(const cJSON *key) {
        if (!is_true(key, "HashGood"))
                return _("wrong SHA-1");
        return is_true(key, "Used") ? _("used") : _("refused: live mode");
}

static void print_keys(const struct cli *cli, const cJSON *list) {
        printf("\n%s", cli_tone(cli, TONE_DIM));
        print_cell(_("CA KEY"), 12);
        print_cell(_("INDEX"), 7);
        print_cell(_("BITS"), 6);
        print_cell(_("EXPONENT"), 10);
        print_cell(_("EXPIRES"), 12);
        print_cell(_("KIND"), 6);
        printf("%s%s\n", _("STATE"), cli_tone_end(cli));
        for (const cJSON *k = list ? list->child : NULL; k; k = k->next) {
                bool good = is_true(k, "HashGood");
                char bits[16], exponent[16];

                (void) snprintf(bits, sizeof(bits), "%.0f", number(k, "Bits"));
                (void) snprintf(exponent, sizeof(exponent), "%.0f", number(k, "Exponent"));
                print_cell(cli_text(k, "Rid"), 12);
                print_cell(cli_text(k, "Index"), 7);
                print_cell(bits, 6);
                print_cell(exponent, 10);
                print_cell(*cli_text(k, "Expires") ? cli_text(k, "Expires") : "-", 12);
                print_cell(is_true(k, "Test") ? _("test") : _("live"), 6);
                printf("%s%s%s\n", cli_tone(cli, good ? TONE_PLAIN : TONE_BAD), use_of(k), cli_tone_end(cli));
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
        if (r < 0) {
                r = cli_fail(cli, &error, r);
                if (r == EXIT_UNAVAILABLE)
                        fprintf(stderr, "%s\n",
                                _("Where it cannot start, this reads the files without it: /usr/lib/tilld/tilld "
                                  "--check"));
                return r;
        }
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
                        _("tilld would not start with these files. It goes on with what it has read before."),
                        cli_tone_end(cli));
                return EXIT_NO;
        }
        printf("\n%s\n", is_true(json, "InUse") ? _("This is what tilld uses.")
                                                : _("tilld uses older data. To use this: systemctl restart tilld"));
        return 0;
}
