// SPDX-License-Identifier: LGPL-2.1-or-later
#include "cli/cli.h"

/* What there is to say of a device beyond its connection. */
static const char *state_of(const cJSON *device) {
        const char *kind = cli_text(device, "Kind");

        if (streq(kind, "emv"))
                return streq(cli_text(device, "Card"), "present")  ? _("card in")
                       : streq(cli_text(device, "Card"), "absent") ? _("no card")
                                                                   : "";
        if (streq(kind, "msr"))
                return cJSON_IsTrue(cJSON_GetObjectItemCaseSensitive(device, "Armed")) ? _("waits for a swipe") : "";
        return *cli_text(device, "Problem") ? cli_word(cli_text(device, "Problem")) : _("ready");
}

static const struct cli_column columns[] = {
        { N_("KIND"), 9 }, { N_("PORT"), 12 }, { N_("USB ID"), 11 }, { N_("SINCE"), 21 }, { N_("STATE"), 0 },
};

static void print_device(const struct cli *cli, const cJSON *device) {
        bool connected = cJSON_IsTrue(cJSON_GetObjectItemCaseSensitive(device, "Connected"));
        double since = cJSON_GetNumberValue(cJSON_GetObjectItemCaseSensitive(device, "Since"));
        char time[CLI_TIME_MAX];
        const char *const texts[] = {
                cli_text(device, "Kind"),
                cli_text(device, "Id"),
                cli_text(device, "UsbId"),
                cli_time((uint64_t) since, time),
                connected ? state_of(device) : cli_text(device, "Why"),
        };

        cli_print_row(cli, columns, texts, connected ? TONE_GOOD : TONE_BAD);
}

int verb_devices(struct cli *cli, int argc, char **argv) {
        _cleanup_(cJSON_Deletep) cJSON *all = cJSON_CreateArray();
        _cleanup_(cli_free_list) char **paths = NULL;
        int r;

        if (argc > 1) {
                printf("%s\n", _("tillctl devices: each reader and printer, since when and why it is there or not."));
                return streq(argv[1], "--help") ? 0 : EXIT_USAGE;
        }
        r = cli_list(cli, SERVICE_PATH "/device", "org.tilld1.Device", &paths);
        if (r != 0)
                return r;
        for (char **path = paths; *path; path++) {
                cJSON *device;

                r = cli_describe(cli, *path, "org.tilld1.Device", &device);
                if (r != 0)
                        return r;
                cJSON_AddItemToArray(all, device);
        }
        if (cli->json)
                return cli_print_json(all);
        if (cJSON_GetArraySize(all) == 0) {
                printf("%s\n", _("No device has been seen yet."));
                return 0;
        }

        cli_print_head(cli, columns);
        for (const cJSON *d = all->child; d; d = d->next)
                print_device(cli, d);
        return 0;
}
