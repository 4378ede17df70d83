// SPDX-License-Identifier: LGPL-2.1-or-later
/* tillctl sale: starts a sale, shows how it goes, and ends with its result. */
#include <getopt.h>
#include <inttypes.h>
#include <signal.h>
#include <sys/random.h>
#include <systemd/sd-event.h>

#include "base/amount.h"
#include "base/hex.h"
#include "cli/cli.h"

#define INTERFACE "org.tilld1.Transaction"

/* A person may be asked for a password first. */
#define ANSWER_TIMEOUT_USEC (150 * UINT64_C(1000000))

struct sale {
        struct cli *cli;
        sd_event *event;
        char *path;
        char shown[320];      /* the last line of progress */
        unsigned application; /* --application=, 0: ask at the terminal */
        bool asked;           /* the question stands on the terminal */
        unsigned n_offered;   /* what it offers, from 1 */
};

static const struct {
        const char *word;
        const char *sentence;
} prompts[] = {
        { "insert-or-swipe-card", N_("Insert or swipe the card.") },
        { "insert-card", N_("Insert the card.") },
        { "swipe-card", N_("Swipe the card.") },
        { "leave-card-in", N_("Reading the card; leave it in.") },
        { "choose-application", N_("The card has several applications.") },
        { "confirm-application", N_("The card asks whether to go on with this application.") },
        { "enter-pin", N_("Enter the PIN at the card reader.") },
        { "wrong-pin", N_("Wrong PIN. Enter it again at the card reader.") },
        { "last-pin", N_("Last try: enter the PIN at the card reader.") },
        { "remove-card", N_("Take the card out.") },
};

static const struct {
        const char *word;
        const char *sentence;
        enum cli_tone tone;
} results[] = {
        { "approved", N_("Approved"), TONE_GOOD },      { "declined", N_("Declined"), TONE_BAD },
        { "cancelled", N_("Cancelled"), TONE_WARN },    { "failed", N_("Not paid"), TONE_BAD },
        { "unconfirmed", N_("Unconfirmed"), TONE_BAD },
};

static int help(void) {
        printf("%s\n\n", _("tillctl sale AMOUNT [CURRENCY] [OPTION…]: take a payment and wait for its result.\n"
                           "AMOUNT is in major units, \"12.50\"; CURRENCY is CNY unless given."));
        printf("  --reference=TEXT  %s\n", _("name of this attempt; one is made up unless given"));
        printf("  --order=TEXT      %s\n", _("what groups the attempts of an order"));
        printf("  --application=N   %s\n", _("the Nth of the card's applications, where it has several"));
        printf("  --training        %s\n", _("practise; needed on a terminal in training mode"));
        printf("\n%s\n", _("Ctrl-C cancels while a card is waited for. Exit status 0 only when approved."));
        return 0;
}

static void progress(struct sale *s, const cJSON *t) {
        const char *line = cli_sentence(t, "Message");

        if (s->cli->json || *cli_text(t, "Result"))
                return;
        if (!*line && streq(cli_text(t, "State"), "authorizing"))
                line = _("Asking the acquirer…");
        for (size_t i = 0; !*line && i < ELEMENTSOF(prompts); i++)
                if (streq(prompts[i].word, cli_text(t, "Prompt")))
                        line = _(prompts[i].sentence);
        if (!*line || streq(line, s->shown))
                return;
        (void) snprintf(s->shown, sizeof(s->shown), "%s", line);
        fprintf(stderr, "%s\n", line);
}

static void print_detail(const char *label, const char *value) {
        if (!*value)
                return;
        printf("  ");
        cli_pad(label, 20);
        printf("%s\n", value);
}

static int print_result(struct sale *s, const cJSON *t) {
        const struct currency *currency = currency_find(cli_text(t, "Currency"));
        double amount = cJSON_GetNumberValue(cJSON_GetObjectItemCaseSensitive(t, "Amount"));
        bool approved = streq(cli_text(t, "Result"), "approved");
        char text[AMOUNT_TEXT_MAX] = "";

        if (s->cli->json) {
                (void) cli_print_json(t);
                return approved ? 0 : EXIT_NO;
        }
        if (currency)
                (void) amount_format((int64_t) amount, currency, text);
        for (size_t i = 0; i < ELEMENTSOF(results); i++)
                if (streq(results[i].word, cli_text(t, "Result")))
                        printf("%s%s%s  %s %s\n", cli_tone(s->cli, results[i].tone), _(results[i].sentence),
                               cli_tone_end(s->cli), cli_text(t, "Currency"), text);
        if (*cli_text(t, "Message"))
                printf("%s\n", cli_sentence(t, "Message"));
        print_detail(_("card"), cli_text(t, "MaskedPan"));
        print_detail(_("application"), cli_text(t, "Application"));
        print_detail(_("authorization"), cli_text(t, "AuthorizationCode"));
        print_detail(_("reference (RRN)"), cli_text(t, "RetrievalReference"));
        print_detail(_("receipt"), cli_text(t, "Printing"));
        if (!streq(cli_text(t, "Reversal"), "none"))
                print_detail(_("reversal"), cli_text(t, "Reversal"));
        return approved ? 0 : EXIT_NO;
}

static bool can_ask(const struct sale *s) {
        return !s->cli->json && isatty(STDIN_FILENO);
}

static void choose(struct sale *s, unsigned number) {
        _cleanup_(sd_bus_error_free) sd_bus_error error = SD_BUS_ERROR_NULL;
        int r;

        r = sd_bus_call_method(s->cli->bus, SERVICE, s->path, INTERFACE, "ChooseApplication", &error, NULL, "u",
                               (uint32_t) number);
        if (r < 0)
                (void) cli_fail(s->cli, &error, r);
        else
                s->asked = false;
}

static void cancel(struct sale *s) {
        _cleanup_(sd_bus_error_free) sd_bus_error error = SD_BUS_ERROR_NULL;
        int r;

        r = sd_bus_call_method(s->cli->bus, SERVICE, s->path, INTERFACE, "Cancel", &error, NULL, "");
        if (r < 0)
                (void) cli_fail(s->cli, &error, r);
}

static void ask_number(void) {
        fprintf(stderr, "%s\n", _("Type its number, then Enter; Ctrl-C cancels."));
}

static bool is_offered(const struct sale *s, unsigned long number) {
        if (number >= 1 && number <= s->n_offered)
                return true;
        fprintf(stderr, _("The card has no application with that number; they are 1 to %u.\n"), s->n_offered);
        return false;
}

/* What the cardholder points at, the cashier types. What is none of the numbers leaves the question standing. */
static int on_line(sd_event_source *source, int fd, uint32_t revents, void *userdata) {
        struct sale *s = userdata;
        unsigned long number;
        char line[32];
        ssize_t n;

        n = read(fd, line, sizeof(line) - 1);
        if (n <= 0)
                return sd_event_source_set_enabled(source, SD_EVENT_OFF);
        line[n] = '\0';
        if (!s->asked)
                return 0;
        number = *line >= '0' && *line <= '9' ? strtoul(line, NULL, 10) : 0;
        if (is_offered(s, number))
                choose(s, (unsigned) number);
        else
                ask_number();
        return 0;
}

/* Shows the choice once, or answers it as the command line says. */
static void offer(struct sale *s, const cJSON *t) {
        const cJSON *list = cJSON_GetObjectItemCaseSensitive(t, "Applications"), *a;
        unsigned number = s->application;

        if (cJSON_GetArraySize(list) == 0) {
                s->asked = false;
                return;
        }
        if (s->asked)
                return;
        s->asked = true;
        s->n_offered = (unsigned) cJSON_GetArraySize(list);
        if (number > 0) {
                s->application = 0;
                if (is_offered(s, number))
                        return choose(s, number);
                /* Nobody else would answer. */
                if (!can_ask(s))
                        return cancel(s);
        }
        if (!can_ask(s))
                return;
        cJSON_ArrayForEach(a, list) {
                fprintf(stderr, "  %.0f  %s\n", cJSON_GetNumberValue(cJSON_GetObjectItemCaseSensitive(a, "Number")),
                        cli_text(a, "Name"));
        }
        ask_number();
}

/* Reads the whole object anew: whatever the signal said, this is the present state. */
static int look(struct sale *s) {
        _cleanup_(cJSON_Deletep) cJSON *t = NULL;
        int r;

        r = cli_describe(s->cli, s->path, INTERFACE, &t);
        if (r != 0)
                return sd_event_exit(s->event, r);
        progress(s, t);
        offer(s, t);
        if (!*cli_text(t, "Result"))
                return 0;
        return sd_event_exit(s->event, print_result(s, t));
}

static int on_signal_of_transaction(sd_bus_message *m, void *userdata, sd_bus_error *error) {
        struct sale *s = userdata;

        /* Signals may come before the reply that tells the path. */
        if (s->path && streq(sd_bus_message_get_path(m), s->path))
                (void) look(s);
        return 0;
}

static int on_interrupt(sd_event_source *source, const struct signalfd_siginfo *si, void *userdata) {
        cancel(userdata);
        return 0;
}

static int on_disconnected(sd_bus_message *m, void *userdata, sd_bus_error *error) {
        struct sale *s = userdata;
        const char *name, *old_owner, *new_owner;

        if (sd_bus_message_read(m, "sss", &name, &old_owner, &new_owner) < 0 || *new_owner)
                return 0;
        fprintf(stderr, "%s\n",
                _("tilld stopped. The transaction's result is found by its reference once it runs again."));
        return sd_event_exit(s->event, EXIT_UNAVAILABLE);
}

static int listen(struct sale *s) {
        sd_bus *bus = s->cli->bus;
        sigset_t set;
        int r;

        r = sd_event_default(&s->event);
        if (r < 0)
                return r;
        r = sd_bus_attach_event(bus, s->event, SD_EVENT_PRIORITY_NORMAL);
        if (r < 0)
                return r;
        r = sd_bus_match_signal(bus, NULL, SERVICE, NULL, INTERFACE, NULL, on_signal_of_transaction, s);
        if (r < 0)
                return r;
        r = sd_bus_match_signal(bus, NULL, SERVICE, NULL, "org.freedesktop.DBus.Properties", "PropertiesChanged",
                                on_signal_of_transaction, s);
        if (r < 0)
                return r;
        r = sd_bus_add_match(
                bus, NULL, "type='signal',sender='org.freedesktop.DBus',member='NameOwnerChanged',arg0='" SERVICE "'",
                on_disconnected, s);
        if (r < 0)
                return r;

        if (can_ask(s)) {
                r = sd_event_add_io(s->event, NULL, STDIN_FILENO, EPOLLIN, on_line, s);
                if (r < 0)
                        return r;
        }

        (void) sigemptyset(&set);
        (void) sigaddset(&set, SIGINT);
        (void) sigprocmask(SIG_BLOCK, &set, NULL);
        return sd_event_add_signal(s->event, NULL, SIGINT, on_interrupt, s);
}

struct call {
        int64_t amount;
        const char *currency;
        const char *reference;
        const char *order;
        unsigned application;
        bool choose; /* the card's choice is answered */
        bool training;
        char made_up[24];
};

static int append_options(sd_bus_message *m, const struct call *c) {
        int r;

        r = sd_bus_message_open_container(m, 'a', "{sv}");
        if (r < 0)
                return r;
        if (c->order) {
                r = sd_bus_message_append(m, "{sv}", "order", "s", c->order);
                if (r < 0)
                        return r;
        }
        if (c->choose) {
                r = sd_bus_message_append(m, "{sv}", "choose-application", "b", 1);
                if (r < 0)
                        return r;
        }
        if (c->training) {
                r = sd_bus_message_append(m, "{sv}", "training", "b", 1);
                if (r < 0)
                        return r;
        }
        return sd_bus_message_close_container(m);
}

static int call_start(struct sale *s, const struct call *c, sd_bus_error *error) {
        _cleanup_(sd_bus_message_unrefp) sd_bus_message *m = NULL, *reply = NULL;
        const char *path;
        int r;

        r = sd_bus_message_new_method_call(s->cli->bus, &m, SERVICE, SERVICE_PATH, "org.tilld1.Manager",
                                           "StartTransaction");
        if (r < 0)
                return r;
        r = sd_bus_message_append(m, "sxss", "sale", c->amount, c->currency, c->reference);
        if (r < 0)
                return r;
        r = append_options(m, c);
        if (r < 0)
                return r;
        (void) sd_bus_message_set_allow_interactive_authorization(m, true);
        r = sd_bus_call(s->cli->bus, m, ANSWER_TIMEOUT_USEC, error, &reply);
        if (r < 0)
                return r;
        r = sd_bus_message_read(reply, "o", &path);
        if (r < 0)
                return r;
        s->path = strdup(path);
        return s->path ? 0 : -ENOMEM;
}

static int parse(int argc, char **argv, struct call *c) {
        static const struct option options[] = {
                { "help", no_argument, NULL, 'h' },        { "reference", required_argument, NULL, 'r' },
                { "order", required_argument, NULL, 'o' }, { "application", required_argument, NULL, 'a' },
                { "training", no_argument, NULL, 't' },    {},
        };
        const struct currency *currency;
        int k;

        while ((k = getopt_long(argc, argv, "h", options, NULL)) >= 0)
                switch (k) {
                case 'h':
                        return -ECANCELED;
                case 'r':
                        c->reference = optarg;
                        break;
                case 'o':
                        c->order = optarg;
                        break;
                case 'a':
                        c->application = (unsigned) strtoul(optarg, NULL, 10);
                        if (c->application < 1 || c->application > 99) {
                                fprintf(stderr, "%s\n", _("--application= is a number from 1."));
                                return -EINVAL;
                        }
                        break;
                case 't':
                        c->training = true;
                        break;
                default:
                        return -EINVAL;
                }
        if (optind == argc || argc - optind > 2) {
                fprintf(stderr, "%s\n", _("An amount is needed: tillctl sale 12.50"));
                return -EINVAL;
        }
        if (argc - optind == 2)
                c->currency = argv[optind + 1];
        currency = currency_find(c->currency);
        if (!currency) {
                fprintf(stderr, _("\"%s\" is not a currency of this terminal: use an ISO 4217 code such as CNY.\n"),
                        c->currency);
                return -EINVAL;
        }
        if (amount_parse(argv[optind], currency, &c->amount) < 0) {
                fprintf(stderr,
                        _("\"%s\" is not an amount of %s: write it as 12.50, with %u digits at most after the "
                          "point.\n"),
                        argv[optind], c->currency, currency->digits);
                return -EINVAL;
        }
        return 0;
}

static int make_reference(struct call *c) {
        uint8_t random[8];

        if (getrandom(random, sizeof(random), 0) != sizeof(random))
                return -EIO;
        memcpy(c->made_up, "cli-", 4);
        hex_encode(random, sizeof(random), c->made_up + 4);
        c->reference = c->made_up;
        return 0;
}

int verb_sale(struct cli *cli, int argc, char **argv) {
        _cleanup_(sd_bus_error_free) sd_bus_error error = SD_BUS_ERROR_NULL;
        struct call c = { .currency = "CNY" };
        struct sale s = { .cli = cli };
        int r;

        r = parse(argc, argv, &c);
        if (r == -ECANCELED)
                return help();
        if (r < 0)
                return EXIT_USAGE;
        s.application = c.application;
        c.choose = c.application > 0 || can_ask(&s);
        if (!c.reference && make_reference(&c) < 0)
                return EXIT_UNAVAILABLE;

        /* Whatever happens from here on, the sale is found by it. */
        if (!cli->json)
                fprintf(stderr, _("Reference: %s\n"), c.reference);

        /* Subscribe, start, read: nothing is missed. */
        r = listen(&s);
        if (r >= 0)
                r = call_start(&s, &c, &error);
        if (r < 0)
                return cli_fail(cli, &error, r);
        (void) look(&s);
        r = sd_event_loop(s.event);
        free(s.path);
        sd_event_unref(s.event);
        return r < 0 ? EXIT_UNAVAILABLE : r;
}
