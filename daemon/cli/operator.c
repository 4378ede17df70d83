// SPDX-License-Identifier: LGPL-2.1-or-later
/* tillctl operator and approve: who works here, and what a supervisor allows. */
#include <inttypes.h>

#include "cli/code.h"
#include "cli/transaction.h"

#define INTERFACE "org.tilld1.Operators"

static int help(void) {
        printf("%s\n\n", _("tillctl operator [ACT]: the people who work at this terminal."));
        printf("  list                  %s\n", _("who is enrolled, logged on or locked (this is the default)"));
        printf("  log-on [NUMBER]       %s\n", _("work as this operator from now on"));
        printf("  log-off               %s\n", _("nobody works here for now"));
        printf("  add NUMBER ROLE       %s\n", _("enrol a cashier, supervisor or administrator; two digits"));
        printf("  remove NUMBER         %s\n", _("forget an operator"));
        printf("  set-code NUMBER       %s\n", _("give another code, and unlock"));
        printf("  unlock NUMBER         %s\n", _("after too many wrong codes"));
        printf("\n%s\n", _("The last four take the NUMBER of an administrator behind theirs, whose code is asked for; "
                           "without it\nthey are for administrators of the system."));
        printf("\n%s\n", _("Codes are asked for at the terminal, or read from standard input: 4 to 8 digits, for\n"
                           "log-on without NUMBER two digits of it and a blank before; an administrator's before a "
                           "new one."));
        return 0;
}

/* ---- list ---- */

static const struct cli_column columns[] = {
        { N_("NUMBER"), 9 },
        { N_("ROLE"), 16 },
        { "", 12 },
        { N_("STATE"), 0 },
};

struct operator{
        const char *number, *role;
        uint32_t tries;
        uint64_t locked;
        bool on;
};

static const char *role_text(const char *role) {
        static const struct {
                const char *word, *text;
        } roles[] = {
                { "cashier", N_("cashier") },
                { "supervisor", N_("supervisor") },
                { "administrator", N_("administrator") },
        };

        for (size_t i = 0; i < ELEMENTSOF(roles); i++)
                if (streq(roles[i].word, role))
                        return _(roles[i].text);
        return role;
}

static void print_operator(const struct cli *cli, const struct operator* o) {
        char state[128] = "";
        const char *const texts[] = { o->number, role_text(o->role), o->on ? _("logged on") : "", state };

        if (o->locked > 0)
                (void) snprintf(state, sizeof(state), _("locked for another %" PRIu64 " min"), (o->locked + 59) / 60);
        else if (o->tries == 1)
                (void) snprintf(state, sizeof(state), "%s", _("locked by the next wrong code"));
        cli_print_row(cli, columns, texts, o->locked > 0 ? TONE_BAD : TONE_WARN);
}

static void add_operator(cJSON *all, const struct operator* o) {
        cJSON *json = cJSON_CreateObject();

        cJSON_AddStringToObject(json, "Number", o->number);
        cJSON_AddStringToObject(json, "Role", o->role);
        cJSON_AddBoolToObject(json, "LoggedOn", o->on);
        cJSON_AddNumberToObject(json, "TriesLeft", o->tries);
        cJSON_AddNumberToObject(json, "LockedSeconds", (double) o->locked);
        cJSON_AddItemToArray(all, json);
}

/* Returns how many there are. */
static int show_all(struct cli *cli, sd_bus_message *reply, const char *logged_on, cJSON *all) {
        struct operator o;
        int n = 0, r;

        r = sd_bus_message_enter_container(reply, 'a', "(ssut)");
        if (r < 0)
                return r;
        while ((r = sd_bus_message_read(reply, "(ssut)", &o.number, &o.role, &o.tries, &o.locked)) > 0) {
                o.on = streq(o.number, logged_on);
                if (cli->json)
                        add_operator(all, &o);
                else if (n++ == 0)
                        cli_print_head(cli, columns);
                if (!cli->json)
                        print_operator(cli, &o);
        }
        return r < 0 ? r : n;
}

static int list(struct cli *cli) {
        _cleanup_(sd_bus_error_free) sd_bus_error error = SD_BUS_ERROR_NULL;
        _cleanup_(sd_bus_message_unrefp) sd_bus_message *reply = NULL;
        _cleanup_(cJSON_Deletep) cJSON *all = cJSON_CreateArray();
        _cleanup_free_ char *logged_on = NULL;
        int r;

        r = sd_bus_get_property_string(cli->bus, SERVICE, SERVICE_PATH, INTERFACE, "LoggedOn", &error, &logged_on);
        if (r >= 0)
                r = sd_bus_call_method(cli->bus, SERVICE, SERVICE_PATH, INTERFACE, "List", &error, &reply, "");
        if (r >= 0)
                r = show_all(cli, reply, logged_on, all);
        if (r < 0)
                return cli_fail(cli, &error, r);
        if (cli->json)
                return cli_print_json(all);
        if (r == 0)
                printf("%s\n", _("No operator is enrolled: receipts bear the number of tilld.conf."));
        return 0;
}

/* ---- What changes something ---- */

static const struct act {
        const char *name, *method;
        int n_arguments; /* a number, then a role */
        int n_needed;
        unsigned code;         /* enum code_form */
        const char *with_code; /* of an administrator, whose number is one argument more */
} acts[] = {
        { "log-on", "LogOn", 1, 0, CODE_OF_OPERATOR },
        { "log-off", "LogOff", 0, 0, CODE_NONE },
        { "add", "Add", 2, 2, CODE_NEW, "AddWithCode" },
        { "remove", "Remove", 1, 1, CODE_NONE, "RemoveWithCode" },
        { "set-code", "SetCode", 1, 1, CODE_NEW, "SetCodeWithCode" },
        { "unlock", "Unlock", 1, 1, CODE_NONE, "UnlockWithCode" },
};

static const struct act *find_act(const char *name) {
        for (size_t i = 0; i < ELEMENTSOF(acts); i++)
                if (streq(acts[i].name, name))
                        return acts + i;
        return NULL;
}

static int change(struct cli *cli, const struct act *act, int n, char **arguments) {
        const char *number = n > 0 ? arguments[0] : NULL, *role = act->n_arguments > 1 ? arguments[1] : NULL;
        const char *administrator = n > act->n_arguments ? arguments[n - 1] : NULL;
        unsigned forms = act->code | (administrator ? CODE_OF_OPERATOR : CODE_NONE);
        _cleanup_close_ int code = -EBADF;
        int r;

        if (forms) {
                r = code_ask(forms, administrator ?: number, &code);
                if (r != 0)
                        return r;
        }
        /* That number crosses with the code. */
        if (act->code == CODE_OF_OPERATOR)
                number = NULL;
        return cli_call(cli, SERVICE_PATH, INTERFACE, administrator ? act->with_code : act->method, number, role,
                        code);
}

int verb_operator(struct cli *cli, int argc, char **argv) {
        const struct act *act;
        int n = argc - 2;

        if (argc < 2 || streq(argv[1], "list"))
                return list(cli);
        if (streq(argv[1], "--help") || streq(argv[1], "-h"))
                return help();
        act = find_act(argv[1]);
        if (!act) {
                fprintf(stderr, _("\"%s\" is no act of tillctl operator; tillctl operator --help lists them.\n"),
                        argv[1]);
                return EXIT_USAGE;
        }
        if (n < act->n_needed || n > act->n_arguments + !!act->with_code) {
                (void) help();
                return EXIT_USAGE;
        }
        return change(cli, act, n, argv + 2);
}

static int help_approve(void) {
        printf("%s\n", _("tillctl approve TRANSACTION [NUMBER]: a supervisor allows a void or refund that waits for "
                         "it.\nThe code is asked for at the terminal, or a line \"NUMBER CODE\" of standard input."));
        return 0;
}

int verb_approve(struct cli *cli, int argc, char **argv) {
        _cleanup_(cJSON_Deletep) cJSON *t = NULL;
        _cleanup_close_ int code = -EBADF;
        int r;

        if (argc == 2 && (streq(argv[1], "--help") || streq(argv[1], "-h")))
                return help_approve();
        if (argc < 2 || argc > 3) {
                (void) help_approve();
                return EXIT_USAGE;
        }
        r = transaction_find(cli, argv[1], &t);
        if (r != 0)
                return r;
        r = code_ask(CODE_OF_OPERATOR, argv[2], &code);
        if (r != 0)
                return r;
        return cli_call(cli, cli_text(t, "Path"), TRANSACTION_INTERFACE, "Approve", NULL, NULL, code);
}
