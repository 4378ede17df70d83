// SPDX-License-Identifier: LGPL-2.1-or-later
/* tillctl authenticity: whether the terminal is what it was made to be. */
#include "cli/cli.h"

static int help(void) {
        printf("%s\n", _("tillctl authenticity: the installed files, the driver, the serial number and the keys."));
        printf("\n%s\n", _("Exit: 1 when something differs."));
        return 0;
}

static const struct {
        const char *state, *text;
        enum cli_tone tone;
} states[] = {
        { "good", N_("good"), TONE_GOOD },
        { "signed", N_("signed"), TONE_GOOD },
        { "equal", N_("as the acquirer confirmed it"), TONE_GOOD },
        { "unsigned", N_("not signed"), TONE_PLAIN },
        { "never-confirmed", N_("never confirmed: no phone was bound yet"), TONE_PLAIN },
        { "incomplete", N_("not all could be looked at"), TONE_WARN },
        { "unreadable", N_("some files cannot be read"), TONE_PLAIN },
        { "not-checked", N_("could not be looked at"), TONE_WARN },
        { "missing", N_("not there"), TONE_WARN },
        { "unknown", N_("not known"), TONE_WARN },
        { "changed", N_("changed"), TONE_BAD },
        { "damaged", N_("damaged"), TONE_BAD },
        { "differs", N_("differs"), TONE_BAD },
};

static const struct cli_column columns[] = { { N_("WHAT"), 26 }, { N_("VALUE"), 26 }, { N_("STATE"), 0 } };

static void print_row(const struct cli *cli, const char *what, const char *value, const char *state) {
        enum cli_tone tone = TONE_PLAIN;
        char name[80], cut[80];

        for (size_t i = 0; i < ELEMENTSOF(states); i++)
                if (streq(states[i].state, state)) {
                        state = _(states[i].text);
                        tone = states[i].tone;
                }
        cli_print_row(cli, columns,
                      (const char *const[]){ cli_cut(what, columns[0].width - 1, name, sizeof(name)),
                                             cli_cut(value, columns[1].width - 1, cut, sizeof(cut)), state },
                      tone);
}

static const cJSON *member(const cJSON *o, const char *name) {
        return cJSON_GetObjectItemCaseSensitive(o, name);
}

static void print_paths(const cJSON *package, const char *name, const char *title) {
        const cJSON *path;
        char line[512];

        cJSON_ArrayForEach(path, member(package, name)) {
                (void) snprintf(line, sizeof(line), "%s: %s", title, strempty(cJSON_GetStringValue(path)));
                cli_print_indented(stdout, line, 4);
        }
}

static void print_packages(const struct cli *cli, const cJSON *document) {
        const cJSON *package;

        cJSON_ArrayForEach(package, member(document, "Packages")) {
                print_row(cli, cli_text(package, "Package"), cli_text(package, "Version"), cli_text(package, "State"));
                print_paths(package, "Changed", _("changed"));
                print_paths(package, "Missing", _("not there"));
                print_paths(package, "Unreadable", _("cannot be read"));
                print_paths(package, "Configuration", _("configuration that was changed"));
        }
        if (streq(cli_text(document, "Manager"), "rpm"))
                cli_print_sentence(stdout, _("Files are not checked here: call rpm -V tilld till-acquirer till-sim."));
        else if (member(document, "Manager") && !streq(cli_text(document, "Manager"), "dpkg"))
                cli_print_sentence(stdout, _("Files are not checked: neither dpkg nor rpm knows this system."));
}

static void print_module(const struct cli *cli, const cJSON *module) {
        if (!module)
                return;
        print_row(cli, _("driver till"), cli_text(module, "FileVersion"), cli_text(module, "State"));
        if (*cli_text(module, "Signer"))
                cli_print_indented(stdout, cli_text(module, "Signer"), 4);
        if (cJSON_IsFalse(member(module, "Current")))
                cli_print_indented(stdout, _("Another one is loaded than is on the disk: start the terminal anew."),
                                   4);
        if (streq(cli_text(module, "State"), "not-checked"))
                cli_print_indented(stdout, _("modinfo till shows it."), 4);
        if (cJSON_IsTrue(member(module, "Enforced")) && streq(cli_text(module, "State"), "unsigned"))
                cli_print_indented(stdout, _("This kernel loads signed modules alone: sign it, see dkms(8)."), 4);
}

static void print_serial(const struct cli *cli, const cJSON *serial) {
        print_row(cli, _("serial number"), cli_text(serial, "Terminal"), cli_text(serial, "State"));
        if (streq(cli_text(serial, "State"), "differs"))
                cli_print_indented(stdout, cli_text(serial, "Confirmed"), 4);
}

static void print_keys(const struct cli *cli, const cJSON *keys) {
        static const char *const values[] = { "CheckValue", "Fingerprint", "Checksum", "Error" };
        const cJSON *key;

        cJSON_ArrayForEach(key, keys) {
                double expires = cJSON_GetNumberValue(member(key, "Expires"));
                char time[CLI_TIME_MAX], until[CLI_TIME_MAX + 64] = "";
                const char *value = "";

                for (size_t i = 0; !*value && i < ELEMENTSOF(values); i++)
                        value = cli_text(key, values[i]);
                if (expires > 0)
                        (void) snprintf(until, sizeof(until), _("until %s"), cli_time((uint64_t) expires, time));
                if (member(key, "Error"))
                        (void) snprintf(until, sizeof(until), "%s", _("cannot be read"));
                if (cJSON_IsFalse(member(key, "Good")))
                        (void) snprintf(until, sizeof(until), "%s", _("damaged"));
                print_row(cli, cli_text(key, "Name"), value, until);
        }
}

static void print_all(const struct cli *cli, const cJSON *document) {
        cli_print_head(cli, columns);
        print_packages(cli, document);
        print_module(cli, member(document, "Module"));
        print_serial(cli, member(document, "Serial"));
        print_keys(cli, member(document, "Keys"));
        if (*cli_text(document, "Problem")) {
                printf(_("Files and driver could not be looked at: %s.\n"), cli_text(document, "Problem"));
                cli_print_sentence(stdout, _("systemctl status till-verify.socket says more."));
        }
        print_row(cli, _("all together"), "", cli_text(document, "Result"));
}

int verb_authenticity(struct cli *cli, int argc, char **argv) {
        _cleanup_(sd_bus_error_free) sd_bus_error error = SD_BUS_ERROR_NULL;
        _cleanup_(sd_bus_message_unrefp) sd_bus_message *m = NULL, *reply = NULL;
        _cleanup_(cJSON_Deletep) cJSON *document = NULL;
        int r;

        if (argc > 1) {
                (void) help();
                return streq(argv[1], "--help") ? 0 : EXIT_USAGE;
        }
        r = sd_bus_message_new_method_call(cli->bus, &m, SERVICE, SERVICE_PATH, DIAGNOSTICS_INTERFACE,
                                           "CheckAuthenticity");
        if (r >= 0)
                r = sd_bus_message_set_allow_interactive_authorization(m, true);
        if (r >= 0)
                r = sd_bus_call(cli->bus, m, CLI_ANSWER_TIMEOUT_USEC, &error, &reply);
        r = cli_read_json(cli, reply, &error, r, &document);
        if (r != 0)
                return r;
        if (cli->json)
                (void) cli_print_json(document);
        else
                print_all(cli, document);
        return streq(cli_text(document, "Result"), "differs") ? EXIT_NO : 0;
}
