// SPDX-License-Identifier: LGPL-2.1-or-later
/* tillctl binding: the merchant's phone. binding-change.c has its change, contacts.c the people who are told. */
#include "cli/binding.h"

#include <getopt.h>
#include <time.h>

#include "cli/code.h"
#include "cli/transaction.h"

static int help(void) {
        printf("%s\n\n", _("tillctl binding [ACT]: the phone bound to this terminal, and who else is told."));
        printf("  show                           %s\n", _("which phone is bound, and how its change goes"));
        printf("  change                         %s\n", _("bind another phone: asks for all that it takes"));
        printf("  lost                           %s\n", _("the same where the old phone is lost"));
        printf("  take-up                        %s\n", _("go on with a change, or begin it again"));
        printf("  cancel [--contact-code]        %s\n", _("the old phone stays; or by a contact's code"));
        printf("  contacts [add]                 %s\n", _("the backup contacts, or one more"));
        printf("  contacts change|remove NUMBER  %s\n", _("another phone, mail or place; or none at all"));
        printf("  notify NUMBER EVENT [CHANNEL…] %s\n", _("who is told of what, how; 0: the bound phone"));
        printf("  test [NUMBER]                  %s\n", _("send a test notice"));
        printf("  notices [--limit=N]            %s\n", _("what was sent, and whether it arrived"));
        printf("  history                        %s\n", _("all changes of the phone"));
        printf("  announce TIME TEXT             %s\n", _("the terminal is replaced at \"2026-05-20 14:00\""));
        printf("  checklist                      %s\n", _("how to clean the old phone"));
        printf("\n%s\n", _("--supervisor=NUMBER before the act: that operator's code is asked for. Without\n"
                           "it this is for administrators of the system; to look, also for the group\n"
                           "till-support."));
        printf("\n%s\n", _("Phones and codes are never arguments: they are asked for at the terminal, or\n"
                           "read from standard input, a line for each question and in their order."));
        return 0;
}

static int wrong_call(void) {
        (void) help();
        return EXIT_USAGE;
}

/* ---- Calls ---- */

int binding_new_call(struct binding_cli *b, const char *method, sd_bus_message **ret) {
        char name[64];
        int r;

        (void) snprintf(name, sizeof(name), "%s%s", method, b->supervisor ? "WithCode" : "");
        r = sd_bus_message_new_method_call(b->cli->bus, ret, SERVICE, SERVICE_PATH, BINDING_INTERFACE, name);
        /* A phone or a mail address may be in it: wiped with the message. */
        return r < 0 ? r : sd_bus_message_sensitive(*ret);
}

int binding_send(struct binding_cli *b, sd_bus_message *m, int r, sd_bus_message **ret_reply) {
        _cleanup_(sd_bus_error_free) sd_bus_error error = SD_BUS_ERROR_NULL;
        _cleanup_close_ int code = -EBADF;

        if (r >= 0 && b->supervisor) {
                r = code_ask(CODE_OF_OPERATOR, b->supervisor, &code);
                if (r != 0)
                        return r;
                r = sd_bus_message_append(m, "h", code);
        }
        if (r >= 0) {
                (void) sd_bus_message_set_allow_interactive_authorization(m, true);
                r = sd_bus_call(b->cli->bus, m, CLI_ANSWER_TIMEOUT_USEC, &error, ret_reply);
        }
        if (r >= 0)
                return 0;
        r = cli_fail(b->cli, &error, r);
        /* tilld's own refusal, not that of the bus: whoever sells has another way. */
        if (!b->supervisor && sd_bus_error_has_name(&error, SD_BUS_ERROR_ACCESS_DENIED) && !cli_refused_by_bus(&error))
                fprintf(stderr, "%s\n",
                        _("In the name of a supervisor, who gives a code: tillctl binding --supervisor=NUMBER ..."));
        return r;
}

static int read_dictionary(sd_bus_message *m, cJSON **ret);

/* One value of a{sv}, of the types that Binding has. */
static int read_value(sd_bus_message *m, cJSON **ret) {
        const char *type, *s;
        uint64_t number = 0;
        uint32_t u;
        int b, r;

        r = sd_bus_message_peek_type(m, NULL, &type);
        if (r < 0)
                return r;
        r = sd_bus_message_enter_container(m, 'v', type);
        if (r < 0)
                return r;
        switch (*type) {
        case 's':
                r = sd_bus_message_read(m, "s", &s);
                *ret = r < 0 ? NULL : cJSON_CreateString(s);
                break;
        case 'b':
                r = sd_bus_message_read(m, "b", &b);
                *ret = r < 0 ? NULL : cJSON_CreateBool(b);
                break;
        case 'u':
                r = sd_bus_message_read(m, "u", &u);
                *ret = r < 0 ? NULL : cJSON_CreateNumber(u);
                break;
        case 'a':
                r = read_dictionary(m, ret);
                break;
        default:
                r = sd_bus_message_read_basic(m, *type, &number);
                *ret = r < 0 ? NULL : cJSON_CreateNumber((double) number);
        }
        return r < 0 ? r : sd_bus_message_exit_container(m);
}

/* Of an entry of a{sv}, or of a{ss}: the text or the value behind its key. */
static int read_entry(sd_bus_message *m, bool plain, cJSON *object) {
        const char *key, *text;
        cJSON *value = NULL;
        int r;

        r = sd_bus_message_read(m, "s", &key);
        if (r >= 0 && plain) {
                r = sd_bus_message_read(m, "s", &text);
                value = r < 0 ? NULL : cJSON_CreateString(text);
        } else if (r >= 0)
                r = read_value(m, &value);
        if (r < 0)
                return r;
        cJSON_AddItemToObject(object, key, value);
        return 0;
}

static int read_dictionary(sd_bus_message *m, cJSON **ret) {
        _cleanup_(cJSON_Deletep) cJSON *object = cJSON_CreateObject();
        const char *type;
        bool plain;
        int r;

        r = sd_bus_message_peek_type(m, NULL, &type);
        if (r < 0)
                return r;
        plain = streq(type, "{ss}");
        r = sd_bus_message_enter_container(m, 'a', plain ? "{ss}" : "{sv}");
        if (r < 0)
                return r;
        while ((r = sd_bus_message_enter_container(m, 'e', plain ? "ss" : "sv")) > 0) {
                r = read_entry(m, plain, object);
                if (r >= 0)
                        r = sd_bus_message_exit_container(m);
                if (r < 0)
                        return r;
        }
        if (r >= 0)
                r = sd_bus_message_exit_container(m);
        if (r < 0)
                return r;
        *ret = TAKE_PTR(object);
        return 0;
}

static int read_list(sd_bus_message *m, cJSON **ret) {
        _cleanup_(cJSON_Deletep) cJSON *list = cJSON_CreateArray();
        int r;

        r = sd_bus_message_enter_container(m, 'a', "a{sv}");
        while (r >= 0 && sd_bus_message_at_end(m, false) == 0) {
                cJSON *item = NULL;

                r = read_dictionary(m, &item);
                if (r >= 0)
                        cJSON_AddItemToArray(list, item);
        }
        if (r < 0)
                return r;
        *ret = TAKE_PTR(list);
        return 0;
}

int binding_list(struct binding_cli *b, const char *method, uint32_t limit, cJSON **ret) {
        _cleanup_(sd_bus_message_unrefp) sd_bus_message *m = NULL, *reply = NULL;
        int r;

        r = binding_new_call(b, method, &m);
        if (r >= 0 && limit > 0)
                r = sd_bus_message_append(m, "u", limit);
        r = binding_send(b, m, r, &reply);
        if (r != 0)
                return r;
        r = read_list(reply, ret);
        return r < 0 ? cli_fail(b->cli, NULL, r) : 0;
}

int binding_look(struct cli *cli, cJSON **ret) {
        _cleanup_(sd_bus_error_free) sd_bus_error error = SD_BUS_ERROR_NULL;
        _cleanup_(sd_bus_message_unrefp) sd_bus_message *reply = NULL;
        int r;

        r = sd_bus_call_method(cli->bus, SERVICE, SERVICE_PATH, "org.freedesktop.DBus.Properties", "GetAll", &error,
                               &reply, "s", BINDING_INTERFACE);
        if (r >= 0)
                r = read_dictionary(reply, ret);
        return r < 0 ? cli_fail(cli, &error, r) : 0;
}

int binding_read_contact(const char *text, int64_t *ret) {
        uint64_t id;

        if (cli_read_number(text, INT64_MAX, &id) < 0) {
                fprintf(stderr, _("\"%s\" is not the number of a contact; tillctl binding contacts shows them.\n"),
                        text);
                return EXIT_USAGE;
        }
        *ret = (int64_t) id;
        return 0;
}

/* ---- Words ---- */

const char *binding_time(const cJSON *o, const char *name, char ret[static BINDING_TIME_MAX]) {
        char time[CLI_TIME_MAX];

        cli_time((uint64_t) binding_number(o, name), time);
        (void) snprintf(ret, BINDING_TIME_MAX, "%.11s", *time ? time + 5 : "");
        return ret;
}

const char *binding_word(const char *word) {
        static const struct {
                const char *word, *text;
        } words[] = {
                { "first", N_("first phone") },
                { "change", N_("change") },
                { "lost", N_("phone lost") },
                { "check", N_("check") },
                { "backup", N_("backup") },
                { "codes", N_("codes") },
                { "wait", N_("waiting time") },
                { "confirm", N_("acquirer is told") },
                { "test", N_("test") },
                { "committed", N_("bound") },
                { "rolled-back", N_("rolled back") },
                { "transaction", N_("transaction") },
                { "settlement", N_("settlement") },
                { "fault", N_("fault") },
                { "replacement", N_("replacement") },
                { "security", N_("security") },
                { "binding", N_("bound phone") },
                { "sms", N_("SMS") },
                { "mail", N_("mail") },
                { "hook", N_("gateway") },
                { "cancelled", N_("cancelled") },
                { "cancelled-by-contact", N_("cancelled by a contact") },
                { "timed-out", N_("timed out") },
                { "nobody-told", N_("nobody could be told") },
                { "not-withdrawn", N_("last one not taken back") },
                { "wrong-codes", N_("too many wrong codes") },
                { "number-refused", N_("number refused") },
                { "number-unchecked", N_("number not checked") },
                { "not-sent", N_("code not sent") },
                { "serial-refused", N_("serial number refused") },
                { "phone-differs", N_("acquirer has another") },
                { "acquirer-refused", N_("acquirer refused") },
                { "unreachable-host", N_("acquirer not reached") },
                { "backup-failed", N_("backup failed") },
                { "test-notice-failed", N_("test notice failed") },
                { "test-transaction-failed", N_("test transaction failed") },
                { "not-ready", N_("terminal not ready") },
                { "interrupted", N_("interrupted") },
                { "storage", N_("disk fails") },
                { "queued", N_("waits") },
                { "delivered", N_("delivered") },
                { "failed", N_("not delivered") },
        };

        for (size_t i = 0; i < ELEMENTSOF(words); i++)
                if (streq(words[i].word, word))
                        return _(words[i].text);
        return word;
}

const char *binding_readable(const cJSON *o, const char *text) {
        return binding_flag(o, "Unreadable") ? _("unreadable") : text;
}

/* ---- show ---- */

static void print_time(const char *label, const cJSON *o, const char *name) {
        char time[CLI_TIME_MAX];

        if (binding_number(o, name) > 0)
                transaction_print_detail(label, cli_time((uint64_t) binding_number(o, name), time));
}

static void print_change(const struct cli *cli, const cJSON *o) {
        const char *step = cli_text(o, "Step");
        bool failed = streq(step, "rolled-back");
        char failure[160];

        printf("\n%s", cli_tone(cli, failed ? TONE_BAD : streq(step, "committed") ? TONE_GOOD : TONE_WARN));
        cli_print_sentence(stdout, cli_sentence(o, "Message"));
        fputs(cli_tone_end(cli), stdout);
        transaction_print_detail(_("change"), binding_word(cli_text(o, "ChangeKind")));
        transaction_print_detail(_("new phone"), cli_text(o, "NewPhone"));
        transaction_print_detail(_("step"), binding_word(step));
        if (failed) {
                (void) snprintf(failure, sizeof(failure), "%s (%s)", binding_word(cli_text(o, "FailedStep")),
                                binding_word(cli_text(o, "Reason")));
                transaction_print_detail(_("failed at"), failure);
        }
        print_time(_("until"), o, "Until");
        print_time(_("codes again"), o, "ResendAt");
        transaction_print_detail(_("backup"), cli_text(o, "Backup"));
        if (*cli_text(o, "NextStep"))
                cli_print_sentence(stdout, cli_sentence(o, "NextStep"));
}

static int show(struct binding_cli *b, int argc, char **argv) {
        _cleanup_(cJSON_Deletep) cJSON *o = NULL;
        char pending[24];
        int r;

        r = binding_look(b->cli, &o);
        if (r != 0)
                return r;
        if (b->cli->json)
                return cli_print_json(o);
        if (!*cli_text(o, "Phone"))
                printf("%s\n", _("No phone is bound: tillctl binding change"));
        else
                printf("%s%s%s\n", cli_tone(b->cli, TONE_GOOD), cli_text(o, "Phone"), cli_tone_end(b->cli));
        transaction_print_detail(_("serial number"), cli_text(o, "Serial"));
        transaction_print_detail(_("terminal number"), cli_text(o, "TerminalNumber"));
        print_time(_("since"), o, "Since");
        transaction_print_detail(_("by"), cli_text(o, "By"));
        (void) snprintf(pending, sizeof(pending), "%.0f", binding_number(o, "PendingNotices"));
        transaction_print_detail(_("notices waiting"), pending);
        if (binding_number(o, "Change") > 0 && !streq(cli_text(o, "Step"), "committed"))
                print_change(b->cli, o);
        return 0;
}

/* ---- history, notices ---- */

static int print_none(const char *text) {
        printf("%s\n", text);
        return 0;
}

static int history(struct binding_cli *b, int argc, char **argv) {
        static const struct cli_column columns[] = {
                { N_("CHANGE"), 7 },
                { N_("BEGAN"), 12 },
                { N_("KIND"), 12 },
                { N_("NEW PHONE"), 15 },
                { N_("BY"), 9 },
                { N_("HOW"), 0 },
                {},
        };
        _cleanup_(cJSON_Deletep) cJSON *list = NULL;
        const cJSON *o;
        int r;

        r = binding_list(b, "GetHistory", 0, &list);
        if (r != 0)
                return r;
        if (b->cli->json)
                return cli_print_json(list);
        if (cJSON_GetArraySize(list) == 0)
                return print_none(_("The phone has never been changed."));
        cli_print_head(b->cli, columns);
        cJSON_ArrayForEach(o, list) {
                char id[24], began[BINDING_TIME_MAX];
                const char *const texts[] = {
                        id,
                        binding_time(o, "Started", began),
                        binding_word(cli_text(o, "Kind")),
                        binding_readable(o, cli_text(o, "Phone")),
                        cli_text(o, "By"),
                        binding_word(cli_text(o, *cli_text(o, "Reason") ? "Reason" : "Step")),
                };

                (void) snprintf(id, sizeof(id), "%.0f", binding_number(o, "Id"));
                cli_print_row(b->cli, columns, texts,
                              streq(cli_text(o, "Step"), "committed")     ? TONE_GOOD
                              : streq(cli_text(o, "Step"), "rolled-back") ? TONE_BAD
                                                                          : TONE_WARN);
        }
        return 0;
}

static void print_notice(const struct cli *cli, const struct cli_column *columns, const cJSON *o) {
        const char *state = cli_text(o, "State");
        char id[24], when[BINDING_TIME_MAX], how[64], address[96];
        const char *const texts[] = {
                id,
                binding_time(o, "Created", when),
                binding_word(cli_text(o, "Event")),
                cli_cut(binding_readable(o, cli_text(o, "Address")), 19, address, sizeof(address)),
                how,
        };

        (void) snprintf(id, sizeof(id), "%.0f", binding_number(o, "Id"));
        (void) snprintf(how, sizeof(how), "%s%s%s%s", binding_word(state), *cli_text(o, "Channel") ? ", " : "",
                        binding_word(cli_text(o, "Channel")), binding_flag(o, "Late") ? _(", late") : "");
        cli_print_row(cli, columns, texts,
                      streq(state, "delivered") ? TONE_GOOD
                      : streq(state, "failed")  ? TONE_BAD
                                                : TONE_WARN);
        if (*cli_text(o, "Error") && !streq(state, "delivered"))
                cli_print_indented(stdout, cli_text(o, "Error"), 7);
}

static int notices(struct binding_cli *b, int argc, char **argv) {
        static const struct cli_column columns[] = {
                { N_("NOTICE"), 7 }, { N_("WHEN"), 12 }, { N_("ABOUT"), 12 }, { N_("TO"), 20 }, { N_("HOW"), 0 }, {},
        };
        const char *number = argc == 2 ? startswith(argv[1], "--limit=") : "20";
        _cleanup_(cJSON_Deletep) cJSON *list = NULL;
        uint64_t limit;
        const cJSON *o;
        int r;

        if (!number || cli_read_number(number, 500, &limit) < 0 || limit == 0)
                return wrong_call();
        r = binding_list(b, "ListNotices", (uint32_t) limit, &list);
        if (r != 0)
                return r;
        if (b->cli->json)
                return cli_print_json(list);
        if (cJSON_GetArraySize(list) == 0)
                return print_none(_("No notice has been written yet."));
        cli_print_head(b->cli, columns);
        cJSON_ArrayForEach(o, list) {
                print_notice(b->cli, columns, o);
        }
        return 0;
}

/* ---- test, announce, checklist ---- */

static int test(struct binding_cli *b, int argc, char **argv) {
        _cleanup_(sd_bus_message_unrefp) sd_bus_message *m = NULL;
        int64_t id = 0;
        int r;

        r = argc == 2 ? binding_read_contact(argv[1], &id) : 0;
        if (r != 0)
                return r;
        r = binding_new_call(b, "SendTest", &m);
        if (r >= 0)
                r = sd_bus_message_append(m, "x", id);
        r = binding_send(b, m, r, NULL);
        if (r == 0 && !b->cli->json)
                printf("%s\n", _("A test notice is on its way; whether it arrives: tillctl binding notices"));
        return r;
}

static int announce(struct binding_cli *b, int argc, char **argv) {
        _cleanup_(sd_bus_message_unrefp) sd_bus_message *m = NULL;
        struct tm tm = { .tm_isdst = -1 }, real;
        const char *end = strptime(argv[1], "%Y-%m-%d %H:%M", &tm);
        time_t when;
        int r;

        /* The 31st of February becomes another day. */
        real = tm;
        when = mktime(&real);
        if (!end || *end || when < 0 || real.tm_mday != tm.tm_mday || real.tm_hour != tm.tm_hour) {
                fprintf(stderr, _("\"%s\" is no time; write it as 2026-05-20 14:00\n"), argv[1]);
                return EXIT_USAGE;
        }
        r = binding_new_call(b, "AnnounceReplacement", &m);
        if (r >= 0)
                r = sd_bus_message_append(m, "ts", (uint64_t) when * 1000000, argv[2]);
        return binding_send(b, m, r, NULL);
}

static int read_lines(sd_bus_message *m, cJSON **ret) {
        _cleanup_(cJSON_Deletep) cJSON *lines = cJSON_CreateArray();
        const char *line;
        int r;

        r = sd_bus_message_enter_container(m, 'a', "s");
        while (r >= 0 && (r = sd_bus_message_read(m, "s", &line)) > 0)
                cJSON_AddItemToArray(lines, cJSON_CreateString(line));
        if (r < 0)
                return r;
        *ret = TAKE_PTR(lines);
        return 0;
}

/* Translated, "en" is the name of the language that this is translated into: tilld has the lines in both. */
int binding_print_checklist(struct binding_cli *b) {
        _cleanup_(sd_bus_message_unrefp) sd_bus_message *m = NULL, *reply = NULL;
        _cleanup_(cJSON_Deletep) cJSON *lines = NULL;
        const cJSON *line;
        unsigned n = 0;
        int r;

        r = binding_new_call(b, "GetChecklist", &m);
        if (r >= 0)
                r = sd_bus_message_append(m, "s", _("en"));
        r = binding_send(b, m, r, &reply);
        if (r != 0)
                return r;
        r = read_lines(reply, &lines);
        if (r < 0)
                return cli_fail(b->cli, NULL, r);
        if (b->cli->json)
                return cli_print_json(lines);
        cJSON_ArrayForEach(line, lines) {
                char text[512];

                (void) snprintf(text, sizeof(text), "%2u. %s", ++n, cJSON_GetStringValue(line));
                cli_print_sentence(stdout, text);
        }
        return 0;
}

static int checklist(struct binding_cli *b, int argc, char **argv) {
        return binding_print_checklist(b);
}

/* ---- The verb ---- */

static const struct act {
        const char *name;
        int (*run)(struct binding_cli *b, int argc, char **argv);
        int least, most; /* words, with the act itself */
} acts[] = {
        { "show", show, 1, 1 },
        { "change", binding_change, 1, 1 },
        { "lost", binding_lost, 1, 1 },
        { "take-up", binding_take_up, 1, 1 },
        { "cancel", binding_cancel, 1, 2 },
        { "contacts", binding_contacts, 1, 3 },
        { "notify", binding_notify, 3, 6 },
        { "test", test, 1, 2 },
        { "notices", notices, 1, 2 },
        { "history", history, 1, 1 },
        { "announce", announce, 3, 3 },
        { "checklist", checklist, 1, 1 },
};

int verb_binding(struct cli *cli, int argc, char **argv) {
        static const struct option options[] = {
                { "supervisor", required_argument, NULL, 's' },
                { "help", no_argument, NULL, 'h' },
                {},
        };
        struct binding_cli b = { .cli = cli };
        int c, r;

        while ((c = getopt_long(argc, argv, "+s:h", options, NULL)) >= 0)
                switch (c) {
                case 's':
                        b.supervisor = optarg;
                        break;
                case 'h':
                        return help();
                default:
                        return EXIT_USAGE;
                }
        argc -= optind;
        argv += optind;
        if (argc == 0)
                return show(&b, 0, NULL);
        for (size_t i = 0; i < ELEMENTSOF(acts); i++)
                if (streq(argv[0], acts[i].name) && argc >= acts[i].least && argc <= acts[i].most) {
                        r = acts[i].run(&b, argc, argv);
                        return r < 0 ? wrong_call() : r;
                }
        return wrong_call();
}
