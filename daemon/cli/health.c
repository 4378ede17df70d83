// SPDX-License-Identifier: LGPL-2.1-or-later
/* tillctl health: tests the terminal, at UnifiedPOS's three levels. */
#include "cli/health.h"

static int help(void) {
        printf("%s\n\n", _("tillctl health [LEVEL [DEVICE]]: tests the terminal, or one device of it."));
        printf("  internal     %s\n", _("looks, and changes nothing; this one unless given"));
        printf("  external     %s\n", _("asks the acquirer and prints a test page"));
        printf("  interactive  %s\n", _("asks for a card to be swiped and inserted"));
        printf("  inspection   %s\n", _("the daily one: all that takes no paper and no person, and is recorded"));
        printf("\n%s\n", _("tillctl devices lists the devices. Exit: 1 when a test has failed; an inspection that\n"
                           "could be made is 0, what it finds are faults."));
        return 0;
}

static const struct {
        const char *state, *text;
        enum cli_tone tone;
} states[] = {
        { "waiting", N_("waiting"), TONE_DIM },  { "running", N_("running"), TONE_PLAIN },
        { "passed", N_("passed"), TONE_GOOD },   { "failed", N_("failed"), TONE_BAD },
        { "skipped", N_("skipped"), TONE_WARN },
};

static const struct {
        const char *test, *text;
} tests[] = {
        { "terminal", N_("terminal") }, { "device", N_("device") },
        { "echo", N_("echo") },         { "sign-on", N_("sign-on") },
        { "print", N_("print") },       { "swipe", N_("swipe") },
        { "insert", N_("insert") },     { "authenticity", N_("authenticity") },
};

static const char *test_text(const char *test) {
        for (size_t i = 0; i < ELEMENTSOF(tests); i++)
                if (streq(tests[i].test, test))
                        return _(tests[i].text);
        return test;
}

static void print_step(const struct cli *cli, FILE *f, const cJSON *step) {
        const char *state = cli_text(step, "State"), *detail = cli_text(step, "Detail");
        enum cli_tone tone = TONE_PLAIN;
        char line[512];

        for (size_t i = 0; i < ELEMENTSOF(states); i++)
                if (streq(states[i].state, state)) {
                        state = _(states[i].text);
                        tone = states[i].tone;
                }
        fprintf(f, "%s%s%s  %s %s\n", cli_tone(cli, tone), state, cli_tone_end(cli), test_text(cli_text(step, "Test")),
                cli_text(step, "Title"));
        (void) snprintf(line, sizeof(line), "%s%s%s%s", cli_sentence(step, "Sentence"), *detail ? " (" : "", detail,
                        *detail ? ")" : "");
        if (*line)
                cli_print_indented(f, line, 4);
}

/* ---- A run ---- */

struct run {
        struct cli *cli;
        cJSON *check;
        int64_t id;
        bool changed;
        int told;        /* steps whose end was told */
        char asked[200]; /* what a person was asked for last */
};

static int on_changed(sd_bus_message *m, void *userdata, sd_bus_error *error) {
        struct run *run = userdata;

        run->changed = true;
        return 0;
}

static int read_check(struct run *run) {
        _cleanup_(sd_bus_error_free) sd_bus_error error = SD_BUS_ERROR_NULL;
        _cleanup_(sd_bus_message_unrefp) sd_bus_message *reply = NULL;
        int r;

        run->changed = false;
        cJSON_Delete(run->check);
        run->check = NULL;
        r = sd_bus_call_method(run->cli->bus, SERVICE, SERVICE_PATH, DIAGNOSTICS_INTERFACE, "GetHealthCheck", &error,
                               &reply, NULL);
        r = cli_read_json(run->cli, reply, &error, r, &run->check);
        if (r != 0)
                return r;
        if ((int64_t) cJSON_GetNumberValue(cJSON_GetObjectItemCaseSensitive(run->check, "Id")) == run->id)
                return 0;
        fprintf(stderr, "%s\n", _("tilld was started anew, and the check is gone: begin it again."));
        return EXIT_UNAVAILABLE;
}

static void tell(struct run *run) {
        const cJSON *steps = cJSON_GetObjectItemCaseSensitive(run->check, "Steps");
        const cJSON *step;

        if (run->cli->json)
                return;
        for (; (step = cJSON_GetArrayItem(steps, run->told)); run->told++) {
                const char *state = cli_text(step, "State");

                if (streq(state, "waiting") && !*cli_text(step, "Sentence"))
                        return;
                if (!streq(state, "running") && !streq(state, "waiting")) {
                        print_step(run->cli, stderr, step);
                        continue;
                }
                if (*cli_text(step, "Sentence") && !streq(run->asked, cli_text(step, "Sentence")))
                        fprintf(stderr, "… %s: %s\n", test_text(cli_text(step, "Test")),
                                cli_sentence(step, "Sentence"));
                (void) snprintf(run->asked, sizeof(run->asked), "%s", cli_text(step, "Sentence"));
                return;
        }
}

static bool has_ended(const cJSON *check) {
        return cJSON_GetNumberValue(cJSON_GetObjectItemCaseSensitive(check, "Ended")) > 0;
}

/* tilld ends each step by a deadline of its own, but not a wait for a transaction: whether it is there is asked then.
 */
static int wait_for_change(struct run *run) {
        int r;

        while (!run->changed) {
                r = sd_bus_process(run->cli->bus, NULL);
                if (r > 0)
                        continue;
                if (r == 0)
                        r = sd_bus_wait(run->cli->bus, CLI_ANSWER_TIMEOUT_USEC);
                if (r < 0)
                        return cli_fail(run->cli, NULL, r);
                if (r == 0)
                        return 0;
        }
        return 0;
}

static int start(struct cli *cli, const char *level, const char *device, int64_t *ret_id) {
        _cleanup_(sd_bus_error_free) sd_bus_error error = SD_BUS_ERROR_NULL;
        _cleanup_(sd_bus_message_unrefp) sd_bus_message *m = NULL, *reply = NULL;
        int r;

        r = sd_bus_message_new_method_call(cli->bus, &m, SERVICE, SERVICE_PATH, DIAGNOSTICS_INTERFACE, "CheckHealth");
        if (r >= 0)
                r = sd_bus_message_set_allow_interactive_authorization(m, true);
        if (r >= 0)
                r = sd_bus_message_append(m, "ss", level, device);
        if (r >= 0)
                r = sd_bus_call(cli->bus, m, CLI_ANSWER_TIMEOUT_USEC, &error, &reply);
        if (r >= 0)
                r = sd_bus_message_read(reply, "x", ret_id);
        return r < 0 ? cli_fail(cli, &error, r) : 0;
}

static int follow(struct run *run) {
        int r;

        for (;;) {
                r = read_check(run);
                if (r != 0)
                        return r;
                tell(run);
                if (has_ended(run->check))
                        return 0;
                r = wait_for_change(run);
                if (r != 0)
                        return r;
        }
}

int health_run(struct cli *cli, const char *level, const char *device, cJSON **ret) {
        _cleanup_(sd_bus_slot_unrefp) sd_bus_slot *slot = NULL;
        struct run run = { .cli = cli };
        int r;

        r = sd_bus_match_signal(cli->bus, &slot, SERVICE, SERVICE_PATH, DIAGNOSTICS_INTERFACE, "HealthCheckChanged",
                                on_changed, &run);
        if (r < 0)
                return cli_fail(cli, NULL, r);
        r = start(cli, level, device, &run.id);
        if (r == 0)
                r = follow(&run);
        if (r != 0) {
                cJSON_Delete(run.check);
                return r;
        }
        *ret = run.check;
        return 0;
}

unsigned health_failed(const cJSON *check) {
        return (unsigned) cJSON_GetNumberValue(cJSON_GetObjectItemCaseSensitive(check, "Failed"));
}

int verb_health(struct cli *cli, int argc, char **argv) {
        _cleanup_(cJSON_Deletep) cJSON *check = NULL;
        int r;

        if (argc > 1 && streq(argv[1], "--help"))
                return help();
        if (argc > 3) {
                (void) help();
                return EXIT_USAGE;
        }
        r = health_run(cli, argc > 1 ? argv[1] : "internal", argc > 2 ? argv[2] : "", &check);
        if (r != 0)
                return r;
        if (cli->json)
                (void) cli_print_json(check);
        return health_failed(check) > 0 && !streq(cli_text(check, "Level"), "inspection") ? EXIT_NO : 0;
}
