// SPDX-License-Identifier: LGPL-2.1-or-later
/* tillctl binding change, lost, take-up and cancel: the dialogue that leads a change of the bound phone to its end. */
#include <signal.h>
#include <sys/signalfd.h>
#include <time.h>

#include "base/phone.h"
#include "base/secret.h"
#include "cli/binding.h"
#include "cli/code.h"
#include "cli/prompt.h"

struct holder;

struct dialogue {
        struct binding_cli *b;
        int64_t change;
        cJSON *now;                 /* all properties */
        bool changed;               /* since they were read */
        bool gone;                  /* tilld has stopped */
        int interrupt;              /* a signalfd for Ctrl-C, where no prompt takes it */
        char said[256];             /* the last line of progress */
        bool wrong;                 /* the last code was, and that is not said yet */
        const struct holder *asked; /* whose code is asked for; NULL: new ones */
};

static const struct holder {
        const char *name, *given, *tries, *phone;
        const char *question;
} holders[] = {
        { "old", "OldCodeGiven", "OldTries", "Phone", N_("Code that the old phone was sent") },
        { "new", "NewCodeGiven", "NewTries", "NewPhone", N_("Code that the new phone was sent") },
};

static void say(const char *text) {
        cli_print_sentence(stderr, text);
}

/* ---- What is known of it ---- */

static const char *step_of(const struct dialogue *d) {
        return cli_text(d->now, "Step");
}

static bool is_under_way(const cJSON *o) {
        const char *step = cli_text(o, "Step");

        return *step && !streq(step, "committed") && !streq(step, "rolled-back");
}

static int on_change(sd_bus_message *m, void *userdata, sd_bus_error *error) {
        struct dialogue *d = userdata;

        d->changed = true;
        return 0;
}

static int on_owner(sd_bus_message *m, void *userdata, sd_bus_error *error) {
        const char *name, *old_owner, *new_owner;
        struct dialogue *d = userdata;

        if (sd_bus_message_read(m, "sss", &name, &old_owner, &new_owner) >= 0 && !*new_owner)
                d->gone = true;
        return 0;
}

static int subscribe(struct dialogue *d) {
        sd_bus *bus = d->b->cli->bus;
        sigset_t set;
        int r;

        r = sd_bus_match_signal(bus, NULL, SERVICE, SERVICE_PATH, "org.freedesktop.DBus.Properties",
                                "PropertiesChanged", on_change, d);
        if (r >= 0)
                r = sd_bus_add_match(bus, NULL,
                                     "type='signal',sender='org.freedesktop.DBus',member='NameOwnerChanged',arg0="
                                     "'" SERVICE "'",
                                     on_owner, d);
        if (r < 0)
                return r;
        (void) sigemptyset(&set);
        (void) sigaddset(&set, SIGINT);
        (void) sigprocmask(SIG_BLOCK, &set, NULL);
        d->interrupt = signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
        return d->interrupt < 0 ? -errno : 0;
}

/* Returns the exit status. */
static int refresh(struct dialogue *d) {
        cJSON *now = NULL;
        int r;

        if (!d->changed)
                return 0;
        d->changed = false;
        r = binding_look(d->b->cli, &now);
        if (r != 0)
                return r;
        cJSON_Delete(d->now);
        d->now = now;
        return 0;
}

static void dialogue_done(struct dialogue *d) {
        cJSON_Delete(d->now);
        safe_close(d->interrupt);
}

/* ---- What is typed before it begins ---- */

struct entry {
        char serial[PROMPT_MAX], terminal[PROMPT_MAX], phone[PROMPT_MAX];
};

/* Asked again at a terminal, where somebody is. */
static int ask_phone(char ret[static PROMPT_MAX]) {
        for (;;) {
                int r = prompt_line(_("New phone with its country code, as +8613800138000:"), false, NULL, ret);

                if (r < 0)
                        return r;
                prompt_squeeze(ret, PHONE_BLANKS);
                if (phone_is_valid(ret) || !isatty(STDIN_FILENO))
                        return 0;
                say(_("That is no telephone number: a plus sign, the country code (+86 for China), the number."));
        }
}

static int ask_text(const char *question, char ret[static PROMPT_MAX]) {
        int r;

        do {
                r = prompt_line(question, false, NULL, ret);
                if (r < 0)
                        return r;
                prompt_squeeze(ret, " ");
        } while (!*ret && isatty(STDIN_FILENO));
        return 0;
}

/* Nobody else would know what he may do. */
static int ask_supervisor(struct binding_cli *b, char number[static PROMPT_MAX]) {
        int r;

        if (b->supervisor || geteuid() == 0 || !isatty(STDIN_FILENO))
                return 0;
        r = prompt_line(_("Supervisor's number (Enter: none, you administer this system):"), false, NULL, number);
        if (r >= 0 && *number)
                b->supervisor = number;
        return r;
}

static int ask_entry(struct binding_cli *b, struct entry *e, char number[static PROMPT_MAX]) {
        int r;

        r = ask_text(_("Serial number of the terminal, on the label at its bottom:"), e->serial);
        if (r >= 0)
                r = ask_text(_("Terminal number, TERMINAL NO on any receipt:"), e->terminal);
        if (r >= 0)
                r = ask_phone(e->phone);
        return r < 0 ? r : ask_supervisor(b, number);
}

static int nothing_done(int r) {
        if (r == -EINTR || r == -ENODATA)
                say(_("Nothing was changed."));
        else
                fprintf(stderr, _("This cannot be read: %s\n"), strerror(-r));
        return EXIT_NO;
}

/* ---- How it goes ---- */

/* There is no old one that would stay. */
static bool is_first(const struct dialogue *d) {
        return streq(cli_text(d->now, "ChangeKind"), "first");
}

static int leave(const struct dialogue *d) {
        if (is_first(d))
                say(_("The change stays as it is, and no phone is bound yet. Go on: tillctl binding take-up; give it "
                      "up: tillctl binding cancel"));
        else
                say(_("The change stays as it is, and the old phone is bound. Go on: tillctl binding take-up; give "
                      "it up: tillctl binding cancel"));
        return EXIT_NO;
}

static void say_sentence(struct dialogue *d, const char *text) {
        COPY(d->said, text);
        say(text);
}

/* end_rolled_back() says it, and what to do. */
static void say_progress(struct dialogue *d) {
        const char *text = cli_sentence(d->now, "Message");

        if (*text && !streq(text, d->said) && !streq(step_of(d), "rolled-back"))
                say_sentence(d, text);
}

static int end_committed(struct dialogue *d) {
        const struct cli *cli = d->b->cli;

        if (cli->json)
                return cli_print_json(d->now);
        printf("%s", cli_tone(cli, TONE_GOOD));
        printf(_("Bound from now on: %s"), cli_text(d->now, "Phone"));
        printf("%s\n", cli_tone_end(cli));
        if (is_first(d)) {
                cli_print_sentence(stdout, cli_sentence(d->now, "NextStep"));
                return 0;
        }
        printf("\n%s\n", _("What is left to do with the old phone:"));
        /* Who leads it needs no other right. */
        return binding_print_checklist(&(struct binding_cli){ .cli = d->b->cli });
}

static int end_rolled_back(struct dialogue *d) {
        const struct cli *cli = d->b->cli;

        if (cli->json)
                (void) cli_print_json(d->now);
        else {
                printf("%s", cli_tone(cli, TONE_BAD));
                printf(_("Not changed: it failed at \"%s\" (%s)."), binding_word(cli_text(d->now, "FailedStep")),
                       binding_word(cli_text(d->now, "Reason")));
                printf("%s\n", cli_tone_end(cli));
                cli_print_sentence(stdout, cli_sentence(d->now, "Message"));
                cli_print_sentence(stdout, cli_sentence(d->now, "NextStep"));
        }
        return EXIT_NO;
}

static int end_waiting(struct dialogue *d) {
        char time[CLI_TIME_MAX];

        if (d->b->cli->json)
                return cli_print_json(d->now);
        printf(_("The waiting time lasts until %s; it counts while the terminal is on.\n"),
               cli_time((uint64_t) binding_number(d->now, "Until"), time));
        cli_print_sentence(
                stdout,
                _("It goes on by itself then: tillctl binding shows how. To give it up: tillctl binding cancel"));
        return 0;
}

/* ---- Codes ---- */

static bool wants(const struct dialogue *d, const struct holder *h) {
        if (h == holders && !streq(cli_text(d->now, "ChangeKind"), "change"))
                return false;
        return !binding_flag(d->now, h->given);
}

static bool wants_any(const struct dialogue *d) {
        return wants(d, holders) || wants(d, holders + 1);
}

/* The first whose code is wanted, and out; NULL for none. */
static const struct holder *next_holder(const struct dialogue *d) {
        for (size_t i = 0; i < ELEMENTSOF(holders); i++)
                if (wants(d, holders + i) && binding_number(d->now, holders[i].tries) > 0)
                        return holders + i;
        return NULL;
}

static bool is_asking(const struct dialogue *d) {
        return streq(step_of(d), "codes") && !binding_flag(d->now, "Sending") && wants_any(d);
}

/* While something is typed: 0 as long as it is what is wanted. */
static int look_beside(void *userdata) {
        struct dialogue *d = userdata;

        if (d->gone || refresh(d) != 0)
                return -ECONNRESET;
        return is_asking(d) && next_holder(d) == d->asked ? 0 : -ECANCELED;
}

static int prompt(struct dialogue *d, const char *question, bool hidden, char line[static PROMPT_MAX]) {
        const struct prompt_watch watch = { d->b->cli->bus, look_beside, d };

        d->asked = next_holder(d);
        return prompt_line(question, hidden, &watch, line);
}

/* What a person can mend by typing again is said in his language, and no end. */
static int may_go_on(struct dialogue *d, const sd_bus_error *error, int r) {
        static const struct {
                const char *word, *sentence; /* NULL: ask_code() has it */
                bool is_message;             /* which is not said again then */
        } mendable[] = {
                { "WrongCode", NULL, false },
                { "InvalidCode", N_("A code is six digits."), false },
                { "LockedOut", N_("Codes were wrong or were sent too often."), true },
                { "NotAsked", N_("No code is good any more."), true },
                { "Busy", N_("The last codes are still on their way: wait for them."), false },
        };
        const char *word = error->name ? startswith(error->name, "org.tilld1.Error.") : NULL;

        d->changed = true;
        for (size_t i = 0; i < ELEMENTSOF(mendable) && word; i++) {
                if (!streq(mendable[i].word, word))
                        continue;
                d->wrong = !mendable[i].sentence;
                if (mendable[i].is_message)
                        say_sentence(d, _(mendable[i].sentence));
                else if (mendable[i].sentence)
                        say(_(mendable[i].sentence));
                return 0;
        }
        return cli_fail(d->b->cli, error, r);
}

static int send_codes(struct dialogue *d) {
        _cleanup_(sd_bus_error_free) sd_bus_error error = SD_BUS_ERROR_NULL;
        int r;

        r = sd_bus_call_method(d->b->cli->bus, SERVICE, SERVICE_PATH, BINDING_INTERFACE, "SendCodes", &error, NULL,
                               "");
        if (r < 0)
                return may_go_on(d, &error, r);
        /* Said again: new ones are out. */
        *d->said = '\0';
        d->changed = true;
        return 0;
}

static int give_code(struct dialogue *d, const struct holder *h, const char *code) {
        _cleanup_(sd_bus_error_free) sd_bus_error error = SD_BUS_ERROR_NULL;
        _cleanup_close_ int fd = -EBADF;
        int r;

        r = code_make_pipe(code, &fd);
        if (r >= 0)
                r = sd_bus_call_method(d->b->cli->bus, SERVICE, SERVICE_PATH, BINDING_INTERFACE, "GiveCode", &error,
                                       NULL, "sh", h->name, fd);
        if (r < 0)
                return may_go_on(d, &error, r);
        d->changed = true;
        return 0;
}

static int answered(struct dialogue *d, int r) {
        if (r == -ECANCELED)
                return 0;
        if (r == -EINTR || r == -ENODATA)
                return leave(d);
        if (r == -EMSGSIZE) {
                say(_("A code is six digits."));
                return 0;
        }
        return r < 0 && !d->gone ? nothing_done(r) : 0;
}

/* None is good any more, or none may be sent yet. */
static int ask_for_new_codes(struct dialogue *d) {
        uint64_t again = (uint64_t) binding_number(d->now, "ResendAt");
        char line[PROMPT_MAX] = "", text[CLI_TIME_MAX];
        int r;

        if (again / 1000000 > (uint64_t) time(NULL))
                fprintf(stderr, _("New codes can be sent from %s on.\n"), cli_time(again, text));
        else if (*cli_text(d->now, "NextStep"))
                say(cli_sentence(d->now, "NextStep"));
        r = prompt(d, _("Enter sends new codes, Ctrl-C leaves:"), false, line);
        return r < 0 ? answered(d, r) : send_codes(d);
}

/* h: whose code is asked for next, NULL for none. */
static void say_wrong(struct dialogue *d, const struct holder *h) {
        d->wrong = false;
        if (h && h == d->asked)
                fprintf(stderr, _("The code is wrong; tries left: %u. Type the one of the newest message.\n"),
                        (unsigned) binding_number(d->now, h->tries));
        else
                say(_("The code is wrong."));
}

static int ask_code(struct dialogue *d) {
        const struct holder *h = next_holder(d);
        char question[256], line[PROMPT_MAX] = "";
        WIPE_AT_END(line);
        int r;

        if (d->wrong)
                say_wrong(d, h);
        if (!h)
                return ask_for_new_codes(d);
        (void) snprintf(question, sizeof(question), _("%s, %s (Enter: new codes):"), _(h->question),
                        cli_text(d->now, h->phone));
        r = prompt(d, question, true, line);
        if (r < 0)
                return answered(d, r);
        prompt_squeeze(line, " ");
        return *line ? give_code(d, h, line) : send_codes(d);
}

/* ---- To the end ---- */

/* 1 for Ctrl-C. */
static int wait_for_change(struct dialogue *d) {
        int r;

        do
                r = prompt_wait(d->b->cli->bus, d->interrupt);
        while (r == 0 && !d->changed && !d->gone);
        return r;
}

static int waited(const struct dialogue *d, int r) {
        if (r < 0)
                return cli_fail(d->b->cli, NULL, r);
        return r > 0 ? leave(d) : 0;
}

static int look_again(struct dialogue *d) {
        if (!d->gone)
                return refresh(d);
        say(_("tilld stopped. When it runs again: tillctl binding take-up"));
        return EXIT_UNAVAILABLE;
}

static int follow(struct dialogue *d) {
        int r = 0;

        d->changed = true;
        while (r == 0) {
                r = look_again(d);
                if (r != 0)
                        return r;
                say_progress(d);
                if ((int64_t) binding_number(d->now, "Change") != d->change) {
                        say(_("Somebody else has begun another change: tillctl binding shows it."));
                        return EXIT_NO;
                }
                if (streq(step_of(d), "committed"))
                        return end_committed(d);
                if (streq(step_of(d), "rolled-back"))
                        return end_rolled_back(d);
                if (streq(step_of(d), "wait"))
                        return end_waiting(d);
                r = is_asking(d) ? ask_code(d) : waited(d, wait_for_change(d));
        }
        return r;
}

/* e: NULL for what takes up another one. */
static int lead(struct binding_cli *b, const char *method, const struct entry *e) {
        _cleanup_(dialogue_done) struct dialogue d = { .b = b, .interrupt = -EBADF };
        _cleanup_(sd_bus_message_unrefp) sd_bus_message *m = NULL, *reply = NULL;
        int r;

        r = subscribe(&d);
        if (r >= 0)
                r = binding_new_call(b, method, &m);
        if (r >= 0 && e)
                r = sd_bus_message_append(m, "sss", e->serial, e->terminal, e->phone);
        r = binding_send(b, m, r, &reply);
        if (r != 0)
                return r;
        r = sd_bus_message_read(reply, "x", &d.change);
        return r < 0 ? cli_fail(b->cli, NULL, r) : follow(&d);
}

static int begin(struct binding_cli *b, const char *method) {
        char number[PROMPT_MAX] = "";
        struct entry e[1] = {};
        WIPE_AT_END(e);
        int r;

        r = ask_entry(b, e, number);
        return r < 0 ? nothing_done(r) : lead(b, method, e);
}

/* What it takes: another thing where no phone is bound yet. */
static int say_what_it_takes(struct binding_cli *b, const char *otherwise) {
        _cleanup_(cJSON_Deletep) cJSON *now = NULL;
        int r;

        if (!isatty(STDIN_FILENO))
                return 0;
        r = binding_look(b->cli, &now);
        if (r != 0)
                return r;
        if (!*cli_text(now, "Phone"))
                say(_("A first phone is bound to this terminal. Have it at hand: it is sent a code. Ctrl-C leaves at "
                      "any time."));
        else
                say(otherwise);
        return 0;
}

int binding_change(struct binding_cli *b, int argc, char **argv) {
        int r = say_what_it_takes(b,
                                  _("Another phone is bound to this terminal. Have the old and the new one at hand: "
                                    "each is sent a code. Until the end the old one stays bound. Ctrl-C leaves at "
                                    "any time."));

        return r != 0 ? r : begin(b, "Begin");
}

int binding_lost(struct binding_cli *b, int argc, char **argv) {
        int r = say_what_it_takes(b, _("Another phone is bound in place of one that is lost. The acquirer has to "
                                       "approve, the new phone is sent a code, and a waiting time runs in which each "
                                       "backup contact can cancel. Ctrl-C leaves at any time."));

        return r != 0 ? r : begin(b, "BeginLost");
}

int binding_take_up(struct binding_cli *b, int argc, char **argv) {
        char number[PROMPT_MAX] = "";
        int r = ask_supervisor(b, number);

        return r < 0 ? nothing_done(r) : lead(b, "TakeUp", NULL);
}

/* ---- cancel ---- */

static int cancel_by_contact(struct binding_cli *b) {
        _cleanup_(sd_bus_error_free) sd_bus_error error = SD_BUS_ERROR_NULL;
        _cleanup_close_ int fd = -EBADF;
        char line[PROMPT_MAX] = "";
        WIPE_AT_END(line);
        int r;

        r = prompt_line(_("Code that a contact or the old phone was sent, 8 digits:"), true, NULL, line);
        if (r < 0)
                return nothing_done(r);
        prompt_squeeze(line, " ");
        r = code_make_pipe(line, &fd);
        if (r >= 0)
                r = sd_bus_call_method(b->cli->bus, SERVICE, SERVICE_PATH, BINDING_INTERFACE, "CancelWithContactCode",
                                       &error, NULL, "h", fd);
        return r < 0 ? cli_fail(b->cli, &error, r) : 0;
}

/* A supervisor takes it up first, and may cancel what he leads. */
static int cancel_by_right(struct binding_cli *b, const cJSON *now) {
        _cleanup_(sd_bus_message_unrefp) sd_bus_message *m = NULL, *take_up = NULL;
        struct binding_cli self = { b->cli, NULL };
        int r;

        if (b->supervisor && is_under_way(now)) {
                r = binding_new_call(b, "TakeUp", &take_up);
                r = binding_send(b, take_up, r, NULL);
                if (r != 0)
                        return r;
        }
        r = binding_new_call(&self, "Cancel", &m);
        return binding_send(&self, m, r, NULL);
}

static int end_cancelled(struct dialogue *d) {
        bool is_this = (int64_t) binding_number(d->now, "Change") == d->change;

        if (is_this && streq(step_of(d), "committed")) {
                say(_("It was too late: the new phone is bound."));
                return EXIT_NO;
        }
        if (!d->b->cli->json)
                printf("%s\n",
                       is_first(d) ? _("Cancelled: no phone is bound.") : _("Cancelled: the old phone stays bound."));
        return 0;
}

/* It may have been taken, and what runs at the acquirer still be waited for. */
static int follow_cancelled(struct dialogue *d) {
        int r;

        d->changed = true;
        for (;;) {
                r = look_again(d);
                if (r != 0)
                        return r;
                if (!is_under_way(d->now) || (int64_t) binding_number(d->now, "Change") != d->change)
                        return end_cancelled(d);
                say_progress(d);
                r = wait_for_change(d);
                if (r < 0)
                        return cli_fail(d->b->cli, NULL, r);
                if (r > 0) {
                        say(_("It is being cancelled, and has not ended yet: tillctl binding shows how it goes on."));
                        return EXIT_NO;
                }
        }
}

int binding_cancel(struct binding_cli *b, int argc, char **argv) {
        _cleanup_(dialogue_done) struct dialogue d = { .b = b, .interrupt = -EBADF, .changed = true };
        int r;

        if (argc == 2 && !streq(argv[1], "--contact-code"))
                return -EINVAL;
        r = subscribe(&d);
        if (r < 0)
                return cli_fail(b->cli, NULL, r);
        r = refresh(&d);
        if (r != 0)
                return r;
        d.change = (int64_t) binding_number(d.now, "Change");
        r = argc == 2 ? cancel_by_contact(b) : cancel_by_right(b, d.now);
        return r != 0 ? r : follow_cancelled(&d);
}
