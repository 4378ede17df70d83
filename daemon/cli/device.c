// SPDX-License-Identifier: LGPL-2.1-or-later
/* tillctl device: what is plugged in, why it is of no use, and how it is brought back. */
#include "cli/cli.h"
#include "cli/code.h"

#define DIAGNOSTICS_INTERFACE "org.tilld1.Diagnostics"

static int help(void) {
        printf("%s\n\n", _("tillctl device ACT: readers and printers on USB, also those that do not work."));
        printf("  probe            %s\n", _("look at each one, and say what is wrong and what to do"));
        printf("  recover DEVICE   %s\n", _("bring one back: reset, driver, power; a step each time"));
        printf("  recoveries       %s\n", _("what was tried lately, and whether it helped"));
        printf("  forget DEVICE    %s\n", _("it is not coming back, and not missed any more"));
        printf("\n%s\n", _("DEVICE is an id of tillctl devices, or a port of the probe; to forget one, as tillctl\n"
                           "statistics has it, or its serial number. Either takes a supervisor:\n"
                           "--supervisor=NUMBER, whose code is asked for, or a caller who has org.tilld1.supervise\n"
                           "(root has it)."));
        return 0;
}

static int get_list(struct cli *cli, const char *method, const char *name, cJSON **ret) {
        _cleanup_(sd_bus_error_free) sd_bus_error error = SD_BUS_ERROR_NULL;
        _cleanup_(sd_bus_message_unrefp) sd_bus_message *reply = NULL;
        _cleanup_(cJSON_Deletep) cJSON *json = NULL;
        int r;

        r = sd_bus_call_method(cli->bus, SERVICE, SERVICE_PATH, DIAGNOSTICS_INTERFACE, method, &error, &reply, "");
        r = cli_read_json(cli, reply, &error, r, &json);
        if (r != 0)
                return r;
        *ret = cJSON_DetachItemFromObject(json, name) ?: cJSON_CreateArray();
        return 0;
}

/* ---- probe ---- */

static const struct cli_column probe_columns[] = {
        { N_("PORT"), 9 }, { N_("USB ID"), 10 }, { N_("KIND"), 8 }, { N_("NAME"), 28 }, { N_("REASON"), 0 }, {},
};

/* Verbatim, to be copied. */
static void print_lines(const char *lines) {
        while (*lines) {
                int n = (int) strcspn(lines, "\n");

                printf("        %.*s\n", n, lines);
                lines += n + (lines[n] == '\n');
        }
}

static void print_trouble(const cJSON *device) {
        cli_print_indented(stdout, cli_sentence(device, "Says"), 4);
        if (*cli_text(device, "ClaimedBy")) {
                char text[128];

                (void) snprintf(text, sizeof(text), _("It is %s."), cli_text(device, "ClaimedBy"));
                cli_print_indented(stdout, text, 4);
        }
        cli_print_indented(stdout, cli_sentence(device, "NextStep"), 4);
        print_lines(cli_text(device, "HwdbLines"));
}

static void print_probed(const struct cli *cli, const cJSON *device) {
        const char *reason = cli_text(device, "Reason");
        char name[160], cut[112];
        const char *const texts[] = {
                cli_text(device, "Port"), cli_text(device, "UsbId"), cli_text(device, "Kind"), cut, reason,
        };
        bool good = streq(reason, "ok");

        (void) snprintf(name, sizeof(name), "%.70s%s%.70s", cli_text(device, "Vendor"),
                        *cli_text(device, "Vendor") ? " " : "", cli_text(device, "Product"));
        (void) cli_cut(name, 27, cut, sizeof(cut));
        cli_print_row(cli, probe_columns, texts, good ? TONE_GOOD : TONE_BAD);
        if (!good)
                print_trouble(device);
}

static int probe(struct cli *cli, int argc, char **argv) {
        _cleanup_(cJSON_Deletep) cJSON *devices = NULL;
        const cJSON *device;
        int r;

        r = get_list(cli, "Probe", "Devices", &devices);
        if (r != 0)
                return r;
        if (cli->json)
                return cli_print_json(devices);
        if (cJSON_GetArraySize(devices) == 0) {
                printf("%s\n", _("There is no reader and no printer on USB."));
                return 0;
        }
        cli_print_head(cli, probe_columns);
        cJSON_ArrayForEach(device, devices) {
                print_probed(cli, device);
        }
        return 0;
}

/* ---- recover, forget ---- */

/* Of a device, in a supervisor's name or the caller's. */
static int act(struct cli *cli, int argc, char **argv, const char *method, const char *with_code) {
        _cleanup_close_ int code = -EBADF;
        int r;

        r = code_take_supervisor(&argc, argv, &code);
        if (r != 0)
                return r;
        if (argc != 2) {
                (void) help();
                return EXIT_USAGE;
        }
        return cli_call(cli, SERVICE_PATH, DIAGNOSTICS_INTERFACE, code >= 0 ? with_code : method, argv[1], NULL, code);
}

static int recover(struct cli *cli, int argc, char **argv) {
        int r = act(cli, argc, argv, "Recover", "RecoverWithCode");

        if (r == 0)
                cli_print_sentence(
                        stdout, _("A step is taken now. tillctl device recoveries shows how it goes; when the device "
                                  "still does not work, recover it again: the next step follows."));
        return r;
}

static int forget(struct cli *cli, int argc, char **argv) {
        return act(cli, argc, argv, "ForgetDevice", "ForgetDeviceWithCode");
}

/* ---- recoveries ---- */

static const struct cli_column recovery_columns[] = {
        { N_("BEGAN"), 13 }, { N_("DEVICE"), 16 }, { N_("WHY"), 19 }, { N_("OUTCOME"), 0 }, {},
};

static void print_recovery(const struct cli *cli, const cJSON *o) {
        double time = cJSON_GetNumberValue(cJSON_GetObjectItemCaseSensitive(o, "Began"));
        const char *outcome = cli_text(o, "Outcome");
        char text[CLI_TIME_MAX], began[16];
        const char *const texts[] = {
                began,
                cli_text(o, "Device"),
                cli_text(o, "Why"),
                *outcome ? outcome : _("goes on"),
        };

        /* No year and no seconds. */
        (void) snprintf(began, sizeof(began), "%.11s", cli_time((uint64_t) time, text) + 5);
        cli_print_row(cli, recovery_columns, texts,
                      streq(outcome, "works")    ? TONE_GOOD
                      : streq(outcome, "failed") ? TONE_BAD
                                                 : TONE_PLAIN);
        cli_print_indented(stdout, cli_text(o, "Steps"), 13);
}

static int recoveries(struct cli *cli, int argc, char **argv) {
        _cleanup_(cJSON_Deletep) cJSON *list = NULL;
        const cJSON *o;
        int r;

        r = get_list(cli, "ListRecoveries", "Recoveries", &list);
        if (r != 0)
                return r;
        if (cli->json)
                return cli_print_json(list);
        if (cJSON_GetArraySize(list) == 0) {
                printf("%s\n", _("No device had to be recovered."));
                return 0;
        }
        cli_print_head(cli, recovery_columns);
        cJSON_ArrayForEach(o, list) {
                print_recovery(cli, o);
        }
        return 0;
}

/* ---- The verb ---- */

int verb_device(struct cli *cli, int argc, char **argv) {
        static const struct {
                const char *name;
                int (*run)(struct cli *cli, int argc, char **argv);
                int least, most; /* words, with the act itself */
        } acts[] = {
                { "probe", probe, 1, 1 },
                { "recover", recover, 2, 3 },
                { "recoveries", recoveries, 1, 1 },
                { "forget", forget, 2, 3 },
        };

        for (size_t i = 0; argc > 1 && i < ELEMENTSOF(acts); i++)
                if (streq(argv[1], acts[i].name) && argc - 1 >= acts[i].least && argc - 1 <= acts[i].most)
                        return acts[i].run(cli, argc - 1, argv + 1);
        (void) help();
        return argc > 1 && streq(argv[1], "--help") ? 0 : EXIT_USAGE;
}
