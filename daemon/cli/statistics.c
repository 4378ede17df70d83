// SPDX-License-Identifier: LGPL-2.1-or-later
/* tillctl statistics: what each device has done in its life. */
#include <inttypes.h>

#include "cli/code.h"
#include "cli/transaction.h"
#include "cli/words.h"

#define DIAGNOSTICS_INTERFACE "org.tilld1.Diagnostics"

static int help_statistics(void) {
        printf("%s\n\n", _("tillctl statistics [DEVICE]: what each reader and printer has done in its life."));
        printf("  reset DEVICE [NAME...]   %s\n", _("from zero again: all of a device, or what is named"));
        printf("\n%s\n", _("DEVICE: as the list has it, its port, or its serial number. To reset takes a supervisor:\n"
                           "--supervisor=NUMBER, whose code is asked for, or a caller who has org.tilld1.supervise\n"
                           "(root has it). What they were is kept in the journal."));
        return 0;
}

/* ---- The list ---- */

static uint64_t whole_number(const cJSON *o, const char *name) {
        double n = cJSON_GetNumberValue(cJSON_GetObjectItemCaseSensitive(o, name));

        return n > 0 ? (uint64_t) n : 0;
}

static void print_counts(const cJSON *counts) {
        const cJSON *count;
        char number[24];

        cJSON_ArrayForEach(count, counts) {
                (void) snprintf(number, sizeof(number), "%.0f", cJSON_GetNumberValue(count));
                printf("  ");
                cli_pad(count->string, 36);
                printf("%12s\n", number);
        }
}

static void print_device(const struct cli *cli, const cJSON *device) {
        bool connected = cJSON_IsTrue(cJSON_GetObjectItemCaseSensitive(device, "Connected"));
        bool forgotten = whole_number(device, "Forgotten") > 0;
        char time[CLI_TIME_MAX], title[192], text[96];

        (void) snprintf(title, sizeof(title), "%s %s %s", cli_text(device, "Vendor"), cli_text(device, "Model"),
                        cli_text(device, "Firmware"));
        printf("%s%s%s\n",
               cli_tone(cli, connected   ? TONE_GOOD
                             : forgotten ? TONE_DIM
                                         : TONE_BAD),
               cli_text(device, "Device"), cli_tone_end(cli));
        printf("  %s\n", cli_cut(title, 76, text, sizeof(text)));
        printf("  %s %s\n", _("first seen"), cli_time(whole_number(device, "FirstSeen"), time));
        if (forgotten)
                printf("  %s %s (%s)\n", _("forgotten"), cli_time(whole_number(device, "Forgotten"), time),
                       cli_text(device, "ForgottenBy"));
        else if (!connected)
                printf("  %s %s\n", _("missing since"), cli_time(whole_number(device, "MissingSince"), time));
        print_counts(cJSON_GetObjectItemCaseSensitive(device, "Statistics"));
}

/* Of one device, or of all for NULL. */
static int get_devices(struct cli *cli, const char *device, cJSON **ret) {
        _cleanup_(sd_bus_error_free) sd_bus_error error = SD_BUS_ERROR_NULL;
        _cleanup_(sd_bus_message_unrefp) sd_bus_message *reply = NULL;
        _cleanup_(cJSON_Deletep) cJSON *json = NULL;
        int r;

        if (device)
                r = sd_bus_call_method(cli->bus, SERVICE, SERVICE_PATH, DIAGNOSTICS_INTERFACE, "GetStatistics", &error,
                                       &reply, "a{sv}", 1, "device", "s", device);
        else
                r = sd_bus_call_method(cli->bus, SERVICE, SERVICE_PATH, DIAGNOSTICS_INTERFACE, "GetStatistics", &error,
                                       &reply, "a{sv}", 0);
        r = cli_read_json(cli, reply, &error, r, &json);
        if (r != 0)
                return r;
        *ret = cJSON_DetachItemFromObjectCaseSensitive(json, "Devices");
        return 0;
}

static int list(struct cli *cli, const char *device) {
        _cleanup_(cJSON_Deletep) cJSON *devices = NULL;
        const cJSON *d;
        int r;

        r = get_devices(cli, device, &devices);
        if (r != 0)
                return r;
        if (cli->json)
                return cli_print_json(devices);
        if (cJSON_GetArraySize(devices) == 0)
                printf("%s\n", _("No device has been seen yet."));
        cJSON_ArrayForEach(d, devices) {
                print_device(cli, d);
        }
        return 0;
}

/* ---- What a supervisor does ---- */

static int reset(struct cli *cli, int argc, char **argv) {
        _cleanup_(sd_bus_message_unrefp) sd_bus_message *m = NULL;
        _cleanup_close_ int code = -EBADF;
        int r;

        r = code_take_supervisor(&argc, argv, &code);
        if (r != 0)
                return r;
        if (argc < 1) {
                (void) help_statistics();
                return EXIT_USAGE;
        }
        r = sd_bus_message_new_method_call(cli->bus, &m, SERVICE, SERVICE_PATH, DIAGNOSTICS_INTERFACE,
                                           code >= 0 ? "ResetStatisticsWithCode" : "ResetStatistics");
        if (r >= 0)
                r = sd_bus_message_append(m, "s", argv[0]);
        if (r >= 0)
                r = words_append(m, argc - 1, argv + 1);
        if (r >= 0 && code >= 0)
                r = sd_bus_message_append(m, "h", code);
        return cli_send(cli, m, r);
}

int verb_statistics(struct cli *cli, int argc, char **argv) {
        if (argc > 1 && streq(argv[1], "reset"))
                return reset(cli, argc - 2, argv + 2);
        if (argc <= 2 && (argc == 1 || argv[1][0] != '-'))
                return list(cli, argc == 2 ? argv[1] : NULL);
        (void) help_statistics();
        return argc == 2 && streq(argv[1], "--help") ? 0 : EXIT_USAGE;
}
