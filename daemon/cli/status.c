// SPDX-License-Identifier: LGPL-2.1-or-later
#include <getopt.h>
#include <inttypes.h>

#include "cli/code.h"

static void print_row(const char *label, const char *value) {
        printf("  ");
        cli_pad(label, 22);
        printf("%s\n", value);
}

static void print_count(const struct cli *cli, const char *label, const cJSON *json, const char *name) {
        double n = cJSON_GetNumberValue(cJSON_GetObjectItemCaseSensitive(json, name));
        char text[64];

        (void) snprintf(text, sizeof(text), "%s%.0f%s", cli_tone(cli, n > 0 ? TONE_WARN : TONE_PLAIN), n,
                        cli_tone_end(cli));
        print_row(label, text);
}

/* Nobody logged on is what most shops have. */
static void print_operator(struct cli *cli) {
        _cleanup_free_ char *number = NULL;

        if (sd_bus_get_property_string(cli->bus, SERVICE, SERVICE_PATH, "org.tilld1.Operators", "LoggedOn", NULL,
                                       &number) >= 0 &&
            *number)
                print_row(_("operator"), number);
}

static void print_faults(struct cli *cli) {
        char text[96];
        uint32_t n;

        if (sd_bus_get_property_trivial(cli->bus, SERVICE, SERVICE_PATH, "org.tilld1.Diagnostics", "OpenFaults", NULL,
                                        'u', &n) < 0 ||
            n == 0)
                return;
        (void) snprintf(text, sizeof(text), "%s%" PRIu32 "%s, %s", cli_tone(cli, TONE_BAD), n, cli_tone_end(cli),
                        _("see tillctl fault"));
        print_row(_("open faults"), text);
}

static void print_clock(const struct cli *cli, const cJSON *manager) {
        const cJSON *offset = cJSON_GetObjectItemCaseSensitive(manager, "ClockOffset");
        const char *fault = cli_text(manager, "ClockFault");
        char text[512];

        if (*fault)
                (void) snprintf(text, sizeof(text), "%s%s%s", cli_tone(cli, TONE_BAD), fault, cli_tone_end(cli));
        else if (cJSON_IsNumber(offset))
                (void) snprintf(text, sizeof(text), _("the acquirer's is %+.0f s from it"),
                                cJSON_GetNumberValue(offset));
        else
                return;
        print_row(_("clock"), text);
}

static void print_devices(struct cli *cli, char **paths) {
        for (char **path = paths; *path; path++) {
                _cleanup_(cJSON_Deletep) cJSON *device = NULL;
                bool connected;
                char line[256];

                if (cli_describe(cli, *path, "org.tilld1.Device", &device) != 0)
                        return;
                connected = cJSON_IsTrue(cJSON_GetObjectItemCaseSensitive(device, "Connected"));
                (void) snprintf(line, sizeof(line), "%s%s%s  %s", cli_tone(cli, connected ? TONE_GOOD : TONE_BAD),
                                connected ? _("connected") : _("not connected"), cli_tone_end(cli),
                                connected ? cli_text(device, "Problem") : cli_text(device, "Why"));
                print_row(cli_text(device, "Kind"), line);
        }
}

int verb_status(struct cli *cli, int argc, char **argv) {
        _cleanup_(cJSON_Deletep) cJSON *manager = NULL;
        _cleanup_(cli_free_list) char **devices = NULL;
        char title[128];
        int r;

        if (argc > 1) {
                printf("%s\n", _("tillctl status: mode, acquirer, devices and what waits."));
                return streq(argv[1], "--help") ? 0 : EXIT_USAGE;
        }
        r = cli_describe(cli, SERVICE_PATH, "org.tilld1.Manager", &manager);
        if (r != 0)
                return r;
        if (cli->json)
                return cli_print_json(manager);
        r = cli_list(cli, SERVICE_PATH "/device", "org.tilld1.Device", &devices);
        if (r != 0)
                return r;

        (void) snprintf(title, sizeof(title), "tilld %s, %s", cli_text(manager, "Version"),
                        cli_text(manager, "MerchantName"));
        printf("%s\n", title);
        print_row(_("mode"), cli_text(manager, "Mode"));
        print_row(_("terminal"), cli_text(manager, "TerminalNumber"));
        print_row(_("merchant"), cli_text(manager, "MerchantNumber"));
        print_row(_("acquirer"), cli_text(manager, "Acquirer"));
        print_row(_("transaction"), streq(cli_text(manager, "CurrentTransaction"), "/")
                                            ? _("none runs")
                                            : cli_text(manager, "CurrentTransaction"));
        print_count(cli, _("pending reversals"), manager, "PendingReversals");
        print_count(cli, _("pending forwards"), manager, "PendingForwards");
        print_count(cli, _("pending withdrawals"), manager, "PendingWithdrawals");
        print_count(cli, _("papers to print"), manager, "PendingPrintJobs");
        print_faults(cli);
        print_operator(cli);
        print_clock(cli, manager);
        print_devices(cli, devices);
        if (!*devices)
                print_row(_("devices"), _("none; plug one in, then look at journalctl -u tilld"));
        return 0;
}

int verb_accept_clock(struct cli *cli, int argc, char **argv) {
        _cleanup_close_ int code = -EBADF;
        int r;

        if (argc > 2 || (argc == 2 && *argv[1] == '-')) {
                printf("%s\n",
                       _("tillctl accept-clock [NUMBER]: a supervisor says that the clock is right, whatever the "
                         "journal's\nentries and the terminal's uptime make of it. NUMBER is an operator's, whose "
                         "code is asked for."));
                return argc == 2 && streq(argv[1], "--help") ? 0 : EXIT_USAGE;
        }
        if (argc == 2) {
                r = code_ask(CODE_OF_OPERATOR, argv[1], &code);
                if (r != 0)
                        return r;
        }
        return cli_call(cli, SERVICE_PATH, "org.tilld1.Manager", code >= 0 ? "AcceptClockWithCode" : "AcceptClock",
                        NULL, NULL, code);
}
