// SPDX-License-Identifier: LGPL-2.1-or-later
/* Starts a transaction, shows how it goes, and ends with its result. */
#include <signal.h>
#include <sys/random.h>
#include <systemd/sd-event.h>

#include "base/hex.h"
#include "cli/transaction.h"

struct follow {
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
        { "approve", N_("A supervisor has to approve it.") },
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

static void progress(struct follow *f, const cJSON *t) {
        const char *line = cli_sentence(t, "Message");

        if (f->cli->json || *cli_text(t, "Result"))
                return;
        if (!*line && streq(cli_text(t, "State"), "authorizing"))
                line = _("Asking the acquirer…");
        for (size_t i = 0; !*line && i < ELEMENTSOF(prompts); i++)
                if (streq(prompts[i].word, cli_text(t, "Prompt")))
                        line = _(prompts[i].sentence);
        if (!*line || streq(line, f->shown))
                return;
        (void) snprintf(f->shown, sizeof(f->shown), "%s", line);
        fprintf(stderr, "%s\n", line);
}

static int print_end(const struct cli *cli, const cJSON *t) {
        if (cli->json) {
                (void) cli_print_json(t);
        } else {
                char balance[TRANSACTION_AMOUNT_MAX];

                transaction_print_result(cli, t);
                if (cJSON_IsTrue(cJSON_GetObjectItemCaseSensitive(t, "HasBalance")))
                        transaction_print_detail(_("balance"), transaction_amount(t, "Balance", balance));
                transaction_print_detail(_("card"), cli_text(t, "MaskedPan"));
                transaction_print_detail(_("application"), cli_text(t, "Application"));
                transaction_print_detail(_("authorization"), cli_text(t, "AuthorizationCode"));
                transaction_print_detail(_("reference (RRN)"), cli_text(t, "RetrievalReference"));
                transaction_print_detail(_("receipt"), cli_text(t, "Printing"));
                if (!streq(cli_text(t, "Reversal"), "none"))
                        transaction_print_detail(_("reversal"), cli_text(t, "Reversal"));
        }
        return streq(cli_text(t, "Result"), "approved") ? 0 : EXIT_NO;
}

static bool can_ask(const struct follow *f) {
        return !f->cli->json && isatty(STDIN_FILENO);
}

static void choose(struct follow *f, unsigned number) {
        _cleanup_(sd_bus_error_free) sd_bus_error error = SD_BUS_ERROR_NULL;
        int r;

        r = sd_bus_call_method(f->cli->bus, SERVICE, f->path, TRANSACTION_INTERFACE, "ChooseApplication", &error, NULL,
                               "u", (uint32_t) number);
        if (r < 0)
                (void) cli_fail(f->cli, &error, r);
        else
                f->asked = false;
}

static void cancel(struct follow *f) {
        _cleanup_(sd_bus_error_free) sd_bus_error error = SD_BUS_ERROR_NULL;
        int r;

        r = sd_bus_call_method(f->cli->bus, SERVICE, f->path, TRANSACTION_INTERFACE, "Cancel", &error, NULL, "");
        if (r < 0)
                (void) cli_fail(f->cli, &error, r);
}

static void ask_number(void) {
        fprintf(stderr, "%s\n", _("Type its number, then Enter; Ctrl-C cancels."));
}

static bool is_offered(const struct follow *f, unsigned long number) {
        if (number >= 1 && number <= f->n_offered)
                return true;
        fprintf(stderr, _("The card has no application with that number; they are 1 to %u.\n"), f->n_offered);
        return false;
}

/* What the cardholder points at, the cashier types. What is none of the numbers leaves the question standing. */
static int on_line(sd_event_source *source, int fd, uint32_t revents, void *userdata) {
        struct follow *f = userdata;
        unsigned long number;
        char line[32];
        ssize_t n;

        n = read(fd, line, sizeof(line) - 1);
        if (n <= 0)
                return sd_event_source_set_enabled(source, SD_EVENT_OFF);
        line[n] = '\0';
        if (!f->asked)
                return 0;
        number = *line >= '0' && *line <= '9' ? strtoul(line, NULL, 10) : 0;
        if (is_offered(f, number))
                choose(f, (unsigned) number);
        else
                ask_number();
        return 0;
}

/* Shows the choice once, or answers it as the command line says. */
static void offer(struct follow *f, const cJSON *t) {
        const cJSON *list = cJSON_GetObjectItemCaseSensitive(t, "Applications"), *a;
        unsigned number = f->application;

        if (cJSON_GetArraySize(list) == 0) {
                f->asked = false;
                return;
        }
        if (f->asked)
                return;
        f->asked = true;
        f->n_offered = (unsigned) cJSON_GetArraySize(list);
        if (number > 0) {
                f->application = 0;
                if (is_offered(f, number))
                        return choose(f, number);
                /* Nobody else would answer. */
                if (!can_ask(f))
                        return cancel(f);
        }
        if (!can_ask(f))
                return;
        cJSON_ArrayForEach(a, list) {
                fprintf(stderr, "  %.0f  %s\n", cJSON_GetNumberValue(cJSON_GetObjectItemCaseSensitive(a, "Number")),
                        cli_text(a, "Name"));
        }
        ask_number();
}

/* Reads the whole object anew: whatever the signal said, this is the present state. */
static int look(struct follow *f) {
        _cleanup_(cJSON_Deletep) cJSON *t = NULL;
        int r;

        r = cli_describe(f->cli, f->path, TRANSACTION_INTERFACE, &t);
        if (r != 0)
                return sd_event_exit(f->event, r);
        cJSON_AddStringToObject(t, "Path", f->path);
        progress(f, t);
        offer(f, t);
        if (!*cli_text(t, "Result"))
                return 0;
        return sd_event_exit(f->event, print_end(f->cli, t));
}

static int on_signal_of_transaction(sd_bus_message *m, void *userdata, sd_bus_error *error) {
        struct follow *f = userdata;

        /* Signals may come before the reply that tells the path. */
        if (f->path && streq(sd_bus_message_get_path(m), f->path))
                (void) look(f);
        return 0;
}

static int on_interrupt(sd_event_source *source, const struct signalfd_siginfo *si, void *userdata) {
        cancel(userdata);
        return 0;
}

static int on_disconnected(sd_bus_message *m, void *userdata, sd_bus_error *error) {
        struct follow *f = userdata;
        const char *name, *old_owner, *new_owner;

        if (sd_bus_message_read(m, "sss", &name, &old_owner, &new_owner) < 0 || *new_owner)
                return 0;
        fprintf(stderr, "%s\n",
                _("tilld stopped. The transaction's result is found by its reference once it runs again."));
        return sd_event_exit(f->event, EXIT_UNAVAILABLE);
}

static int listen(struct follow *f) {
        sd_bus *bus = f->cli->bus;
        sigset_t set;
        int r;

        r = sd_event_default(&f->event);
        if (r < 0)
                return r;
        r = sd_bus_attach_event(bus, f->event, SD_EVENT_PRIORITY_NORMAL);
        if (r < 0)
                return r;
        r = sd_bus_match_signal(bus, NULL, SERVICE, NULL, TRANSACTION_INTERFACE, NULL, on_signal_of_transaction, f);
        if (r < 0)
                return r;
        r = sd_bus_match_signal(bus, NULL, SERVICE, NULL, "org.freedesktop.DBus.Properties", "PropertiesChanged",
                                on_signal_of_transaction, f);
        if (r < 0)
                return r;
        r = sd_bus_add_match(
                bus, NULL, "type='signal',sender='org.freedesktop.DBus',member='NameOwnerChanged',arg0='" SERVICE "'",
                on_disconnected, f);
        if (r < 0)
                return r;

        if (can_ask(f)) {
                r = sd_event_add_io(f->event, NULL, STDIN_FILENO, EPOLLIN, on_line, f);
                if (r < 0)
                        return r;
        }

        (void) sigemptyset(&set);
        (void) sigaddset(&set, SIGINT);
        (void) sigprocmask(SIG_BLOCK, &set, NULL);
        return sd_event_add_signal(f->event, NULL, SIGINT, on_interrupt, f);
}

static int append_option(sd_bus_message *m, const char *name, const char *type, const char *value) {
        return value ? sd_bus_message_append(m, "{sv}", name, type, value) : 0;
}

static int append_flag(sd_bus_message *m, const char *name, bool value) {
        return value ? sd_bus_message_append(m, "{sv}", name, "b", 1) : 0;
}

static int append_options(sd_bus_message *m, const struct transaction_call *c, bool choose) {
        int r;

        r = sd_bus_message_open_container(m, 'a', "{sv}");
        if (r >= 0)
                r = append_option(m, "order", "s", c->order);
        if (r >= 0)
                r = append_option(m, "original", "o", c->original);
        if (r >= 0)
                r = append_option(m, "authorization-code", "s", c->authorization_code);
        if (r >= 0)
                r = append_flag(m, "choose-application", choose);
        if (r >= 0)
                r = append_flag(m, "training", c->training);
        return r < 0 ? r : sd_bus_message_close_container(m);
}

static int call_start(struct follow *f, const struct transaction_call *c, sd_bus_error *error) {
        _cleanup_(sd_bus_message_unrefp) sd_bus_message *m = NULL, *reply = NULL;
        const char *path;
        int r;

        r = sd_bus_message_new_method_call(f->cli->bus, &m, SERVICE, SERVICE_PATH, "org.tilld1.Manager",
                                           "StartTransaction");
        if (r < 0)
                return r;
        r = sd_bus_message_append(m, "sxss", c->kind, c->amount, c->currency, c->reference);
        if (r < 0)
                return r;
        r = append_options(m, c, f->application > 0 || can_ask(f));
        if (r < 0)
                return r;
        (void) sd_bus_message_set_allow_interactive_authorization(m, true);
        r = sd_bus_call(f->cli->bus, m, CLI_ANSWER_TIMEOUT_USEC, error, &reply);
        if (r < 0)
                return r;
        r = sd_bus_message_read(reply, "o", &path);
        if (r < 0)
                return r;
        f->path = strdup(path);
        return f->path ? 0 : -ENOMEM;
}

#define MADE_UP_MAX 24

static int make_reference(char text[static MADE_UP_MAX]) {
        uint8_t random[8];

        if (getrandom(random, sizeof(random), 0) != sizeof(random))
                return -EIO;
        memcpy(text, "cli-", 4);
        hex_encode(random, sizeof(random), text + 4);
        return 0;
}

static void follow_done(struct follow *f) {
        free(f->path);
        sd_event_unref(f->event);
}

int transaction_follow(struct cli *cli, struct transaction_call *call) {
        _cleanup_(sd_bus_error_free) sd_bus_error error = SD_BUS_ERROR_NULL;
        _cleanup_(follow_done) struct follow f = { .cli = cli, .application = call->application };
        char made_up[MADE_UP_MAX];
        int r;

        if (!call->reference) {
                if (make_reference(made_up) < 0)
                        return EXIT_UNAVAILABLE;
                call->reference = made_up;
        }
        /* Whatever happens from here on, the transaction is found by it. */
        if (!cli->json)
                fprintf(stderr, _("Reference: %s\n"), call->reference);

        /* Subscribe, start, read: nothing is missed. */
        r = listen(&f);
        if (r >= 0)
                r = call_start(&f, call, &error);
        if (r < 0)
                return cli_fail(cli, &error, r);
        (void) look(&f);
        r = sd_event_loop(f.event);
        return r < 0 ? EXIT_UNAVAILABLE : r;
}
