// SPDX-License-Identifier: LGPL-2.1-or-later
/* tillctl receipt: show, reprint, print, save, text, jobs, cancel, drawer; receipts: list. */
#include <getopt.h>
#include <inttypes.h>
#include <unistd.h>

#include "cli/cli.h"

#define INTERFACE "org.tilld1.Receipts"
#define LISTED 20
/* Bytes of a text, as PrintText takes them. */
#define TEXT_MAX 16384

/* What the command line said: an option each, NULL or 0 where it did not. */
struct choice {
        const char *reference, *copy, *face, *paper, *size;
        uint64_t job, settlement, batch;
};

static int help(void) {
        printf("%s\n\n", _("tillctl receipt [list | show | reprint | print PAPER | save | text FILE | jobs | "
                           "cancel JOB | drawer] [OPTION…]"));
        printf("  list         %s\n", _("the newest papers and whether they are printed (this is the default)"));
        printf("  show         %s\n", _("a receipt, drawn in the terminal or as text"));
        printf("  reprint      %s\n", _("print a receipt again, marked as a duplicate"));
        printf("  print PAPER  %s\n", _("test-page, diagnostics, transaction-list, or a paper that is missing"));
        printf("  save         %s\n", _("a receipt as a file of tilld's own"));
        printf("  text FILE    %s\n", _("print a text, - for what comes in"));
        printf("  jobs         %s\n", _("the newest papers, with what holds them and how far they are"));
        printf("  cancel JOB   %s\n", _("take a paper out of the queue"));
        printf("  drawer       %s\n", _("open the drawer"));
        printf("\n  --reference=TEXT     %s\n", _("the transaction's; the last one unless given"));
        printf("  --job=NUMBER         %s\n", _("a paper by its number"));
        printf("  --settlement=NUMBER  %s\n", _("that of a batch"));
        printf("  --copy=WHICH         %s\n", _("cardholder or merchant"));
        printf("  --face=FACE          %s\n", _("text, terminal, png, pdf or escpos"));
        printf("  --batch=NUMBER       %s\n", _("of a transaction list; the current one unless given"));
        printf("  --size=SIZE          %s\n", _("of a text: small, normal or large"));
        return 0;
}

/* From 1: what is none must not be taken for the last one. */
static int read_number(const char *text, uint64_t most, uint64_t *ret) {
        uint64_t number;

        if (cli_read_number(text, most, &number) < 0 || number == 0) {
                fprintf(stderr, _("\"%s\" is no such number: see tillctl receipt --help.\n"), text);
                return EXIT_USAGE;
        }
        *ret = number;
        return 0;
}

/* ---- Calls ---- */

static int append_text(sd_bus_message *m, const char *name, const char *text) {
        return text ? sd_bus_message_append(m, "{sv}", name, "s", text) : 0;
}

static int append_number(sd_bus_message *m, const char *name, char type, uint64_t number) {
        if (number == 0)
                return 0;
        return type == 't' ? sd_bus_message_append(m, "{sv}", name, "t", number)
                           : sd_bus_message_append(m, "{sv}", name, "u", (uint32_t) number);
}

static int append_choice(sd_bus_message *m, const struct choice *c) {
        int r;

        r = sd_bus_message_open_container(m, 'a', "{sv}");
        if (r >= 0)
                r = append_text(m, "reference", c->reference);
        if (r >= 0)
                r = append_text(m, "copy", c->copy);
        if (r >= 0)
                r = append_text(m, "face", c->face);
        if (r >= 0)
                r = append_text(m, "paper", c->paper);
        if (r >= 0)
                r = append_text(m, "size", c->size);
        if (r >= 0)
                r = append_number(m, "job", 't', c->job);
        if (r >= 0)
                r = append_number(m, "settlement", 'u', c->settlement);
        if (r >= 0)
                r = append_number(m, "batch", 'u', c->batch);
        return r < 0 ? r : sd_bus_message_close_container(m);
}

/* first: an argument before the options, NULL for none. */
static int call(struct cli *cli, const char *method, const char *first, const struct choice *c, sd_bus_error *error,
                sd_bus_message **ret) {
        _cleanup_(sd_bus_message_unrefp) sd_bus_message *m = NULL;
        int r;

        r = sd_bus_message_new_method_call(cli->bus, &m, SERVICE, SERVICE_PATH, INTERFACE, method);
        if (r >= 0 && first)
                r = sd_bus_message_append(m, "s", first);
        if (r >= 0)
                r = append_choice(m, c);
        if (r < 0)
                return r;
        (void) sd_bus_message_set_allow_interactive_authorization(m, true);
        return sd_bus_call(cli->bus, m, CLI_ANSWER_TIMEOUT_USEC, error, ret);
}

/* ---- Show and save ---- */

static int copy_out(int fd) {
        char buffer[4096];
        ssize_t n;

        while ((n = read(fd, buffer, sizeof(buffer))) > 0)
                if (fwrite(buffer, 1, (size_t) n, stdout) != (size_t) n)
                        return EXIT_NO;
        return n < 0 || fflush(stdout) != 0 ? EXIT_NO : 0;
}

/* Its bytes would be noise there, and commands. */
static bool is_for_files(const char *face) {
        return streq(face, "escpos") || streq(face, "png") || streq(face, "pdf");
}

static int show(struct cli *cli, const char *what, struct choice *c) {
        _cleanup_(sd_bus_error_free) sd_bus_error error = SD_BUS_ERROR_NULL;
        _cleanup_(sd_bus_message_unrefp) sd_bus_message *reply = NULL;
        bool asked = c->face;
        int fd, r;

        if (asked && is_for_files(c->face) && isatty(STDOUT_FILENO)) {
                fprintf(stderr, _("%s is not for a terminal: tillctl receipt show --face=%s >FILE writes it.\n"),
                        c->face, c->face);
                return EXIT_USAGE;
        }
        /* Codes are colours there. */
        if (!asked && cli->colour)
                c->face = "terminal";
        r = call(cli, "Get", NULL, c, &error, &reply);
        /* Nobody draws here: text says the same. */
        if (r < 0 && !asked && c->face && sd_bus_error_has_name(&error, "org.tilld1.Error.NotReady")) {
                sd_bus_error_free(&error);
                c->face = NULL;
                r = call(cli, "Get", NULL, c, &error, &reply);
        }
        if (r >= 0)
                r = sd_bus_message_read(reply, "h", &fd);
        return r < 0 ? cli_fail(cli, &error, r) : copy_out(fd);
}

static int save(struct cli *cli, const char *what, struct choice *c) {
        _cleanup_(sd_bus_error_free) sd_bus_error error = SD_BUS_ERROR_NULL;
        _cleanup_(sd_bus_message_unrefp) sd_bus_message *reply = NULL;
        int r;

        r = call(cli, "Save", NULL, c, &error, &reply);
        return cli_print_path(cli, reply, &error, r);
}

/* ---- To paper ---- */

static int queue(struct cli *cli, const char *method, const char *first, const struct choice *c) {
        _cleanup_(sd_bus_error_free) sd_bus_error error = SD_BUS_ERROR_NULL;
        _cleanup_(sd_bus_message_unrefp) sd_bus_message *reply = NULL;
        uint64_t job;
        int r;

        r = call(cli, method, first, c, &error, &reply);
        if (r >= 0)
                r = sd_bus_message_read(reply, "t", &job);
        if (r < 0)
                return cli_fail(cli, &error, r);
        if (cli->json)
                printf("{ \"Job\": %" PRIu64 " }\n", job);
        else
                printf(_("Job %" PRIu64 " is queued; tillctl receipts shows when it is printed.\n"), job);
        return 0;
}

static int reprint(struct cli *cli, const char *what, struct choice *c) {
        return queue(cli, "Reprint", NULL, c);
}

static int print_paper(struct cli *cli, const char *what, struct choice *c) {
        c->paper = what;
        return queue(cli, "Print", NULL, c);
}

/* The bus carries nothing else as a string. */
static bool is_text(struct cli *cli, const char *text, size_t size) {
        _cleanup_(sd_bus_message_unrefp) sd_bus_message *m = NULL;

        return !memchr(text, '\0', size) &&
               sd_bus_message_new_method_call(cli->bus, &m, SERVICE, SERVICE_PATH, INTERFACE, "PrintText") >= 0 &&
               sd_bus_message_append(m, "s", text) >= 0;
}

static int print_text(struct cli *cli, const char *path, struct choice *c) {
        _cleanup_(fclosep) FILE *f = streq(path, "-") ? fdopen(dup(STDIN_FILENO), "r") : fopen(path, "re");
        char text[TEXT_MAX + 2];
        size_t n = f ? fread(text, 1, sizeof(text) - 1, f) : 0;

        if (!f || ferror(f)) {
                fprintf(stderr, _("%s cannot be read: %s\n"), path, strerror(errno));
                return EXIT_USAGE;
        }
        if (n > TEXT_MAX) {
                fprintf(stderr, _("%s has more than %d bytes: print it in parts.\n"), path, TEXT_MAX);
                return EXIT_USAGE;
        }
        text[n] = '\0';
        if (!is_text(cli, text, n)) {
                fprintf(stderr, _("%s is no text in UTF-8: iconv makes it one.\n"), path);
                return EXIT_USAGE;
        }
        return queue(cli, "PrintText", text, c);
}

static int open_drawer(struct cli *cli, const char *what, struct choice *c) {
        _cleanup_(sd_bus_error_free) sd_bus_error error = SD_BUS_ERROR_NULL;
        int r;

        r = call(cli, "OpenDrawer", NULL, c, &error, NULL);
        return r < 0 ? cli_fail(cli, &error, r) : 0;
}

static int cancel(struct cli *cli, const char *job, struct choice *c) {
        _cleanup_(sd_bus_message_unrefp) sd_bus_message *m = NULL;
        uint64_t number;
        int r;

        r = read_number(job, INT64_MAX, &number);
        if (r != 0)
                return r;
        r = sd_bus_message_new_method_call(cli->bus, &m, SERVICE, SERVICE_PATH, INTERFACE, "Cancel");
        if (r >= 0)
                r = sd_bus_message_append(m, "t", number);
        return cli_send(cli, m, r);
}

/* ---- Jobs ---- */

struct progress {
        const char *held;
        uint64_t done, size;
};

static int read_property(sd_bus_message *m, struct progress *p) {
        const char *name;
        int r;

        r = sd_bus_message_read(m, "s", &name);
        if (r < 0)
                return r;
        if (streq(name, "Held"))
                return sd_bus_message_read(m, "v", "s", &p->held);
        if (streq(name, "Done"))
                return sd_bus_message_read(m, "v", "t", &p->done);
        if (streq(name, "Size"))
                return sd_bus_message_read(m, "v", "t", &p->size);
        return sd_bus_message_skip(m, "v");
}

static int read_progress(struct cli *cli, uint64_t job, sd_bus_message **ret_reply, struct progress *ret) {
        int r;

        r = sd_bus_call_method(cli->bus, SERVICE, SERVICE_PATH, INTERFACE, "GetJob", NULL, ret_reply, "t", job);
        if (r >= 0)
                r = sd_bus_message_enter_container(*ret_reply, 'a', "{sv}");
        while (r >= 0 && (r = sd_bus_message_enter_container(*ret_reply, 'e', "sv")) > 0) {
                r = read_property(*ret_reply, ret);
                if (r >= 0)
                        r = sd_bus_message_exit_container(*ret_reply);
        }
        return r;
}

struct job {
        uint64_t id;
        const char *transaction, *what, *state;
        int duplicate;
};

static const struct cli_column columns[] = {
        { N_("JOB"), 7 }, { N_("PAPER"), 18 }, { "", 12 }, { N_("OF"), 28 }, { N_("STATE"), 0 },
};

static void print_job(struct cli *cli, const struct job *j, const struct progress *p) {
        char id[24], state[128];
        const char *const texts[] = {
                id,    j->what, j->duplicate ? _("duplicate") : "", startswith(j->transaction, SERVICE_PATH "/") ?: "",
                state,
        };

        (void) snprintf(id, sizeof(id), "%" PRIu64, j->id);
        if (*p->held)
                (void) snprintf(state, sizeof(state), "%s: %s", cli_word(j->state), cli_word(p->held));
        else if (p->size > 0)
                (void) snprintf(state, sizeof(state), "%s: %" PRIu64 " %%", cli_word(j->state),
                                p->done * 100 / p->size);
        else
                COPY(state, cli_word(j->state));
        cli_print_row(cli, columns, texts, streq(j->state, "printed") ? TONE_GOOD : TONE_WARN);
}

static void add_job(cJSON *all, const struct job *j, const struct progress *p) {
        cJSON *o = cJSON_CreateObject();

        cJSON_AddNumberToObject(o, "Job", (double) j->id);
        cJSON_AddStringToObject(o, "Transaction", j->transaction);
        cJSON_AddStringToObject(o, "What", j->what);
        cJSON_AddStringToObject(o, "State", j->state);
        cJSON_AddBoolToObject(o, "Duplicate", j->duplicate);
        cJSON_AddStringToObject(o, "Held", p->held);
        cJSON_AddNumberToObject(o, "Done", (double) p->done);
        cJSON_AddNumberToObject(o, "Size", (double) p->size);
        cJSON_AddItemToArray(all, o);
}

static int read_jobs(struct cli *cli, sd_bus_message *reply, bool open, cJSON *all) {
        struct job j;
        int r;

        r = sd_bus_message_enter_container(reply, 'a', "(tossb)");
        if (r < 0)
                return r;
        while ((r = sd_bus_message_read(reply, "(tossb)", &j.id, &j.transaction, &j.what, &j.state, &j.duplicate)) >
               0) {
                _cleanup_(sd_bus_message_unrefp) sd_bus_message *more = NULL;
                struct progress progress = { .held = "" };

                if (open && (streq(j.state, "queued") || streq(j.state, "printing")))
                        (void) read_progress(cli, j.id, &more, &progress);
                if (cli->json)
                        add_job(all, &j, &progress);
                else
                        print_job(cli, &j, &progress);
        }
        return r;
}

static int list(struct cli *cli, bool open) {
        _cleanup_(sd_bus_error_free) sd_bus_error error = SD_BUS_ERROR_NULL;
        _cleanup_(sd_bus_message_unrefp) sd_bus_message *reply = NULL;
        _cleanup_(cJSON_Deletep) cJSON *all = cJSON_CreateArray();
        int r;

        r = sd_bus_call_method(cli->bus, SERVICE, SERVICE_PATH, INTERFACE, "ListJobs", &error, &reply, "u", LISTED);
        if (r < 0)
                return cli_fail(cli, &error, r);
        if (!cli->json)
                cli_print_head(cli, columns);
        r = read_jobs(cli, reply, open, all);
        if (r < 0)
                return cli_fail(cli, &error, r);
        return cli->json ? cli_print_json(all) : 0;
}

static int list_papers(struct cli *cli, const char *what, struct choice *c) {
        return list(cli, false);
}

static int list_jobs(struct cli *cli, const char *what, struct choice *c) {
        return list(cli, true);
}

static const struct act {
        const char *name;
        int (*run)(struct cli *cli, const char *what, struct choice *c);
        bool about; /* something, which stands behind it */
        const char *options;
} acts[] = {
        { "list", list_papers, false, "" },
        { "show", show, false, "reference job settlement copy face" },
        { "reprint", reprint, false, "reference job settlement copy" },
        { "print", print_paper, true, "reference batch" },
        { "save", save, false, "reference job settlement copy face" },
        { "text", print_text, true, "size" },
        { "jobs", list_jobs, false, "" },
        { "cancel", cancel, true, "" },
        { "drawer", open_drawer, false, "" },
};

static bool has_word(const char *words, const char *word) {
        size_t n = strlen(word);

        for (const char *at = words; (at = strstr(at, word)); at += n)
                if ((at == words || at[-1] == ' ') && (at[n] == ' ' || at[n] == '\0'))
                        return true;
        return false;
}

/* What an act would not look at is not taken: somebody may have meant another paper. */
static int check_options(const struct act *act, const struct choice *c) {
        const struct {
                const char *name;
                bool given;
        } options[] = {
                { "reference", c->reference },
                { "copy", c->copy },
                { "face", c->face },
                { "size", c->size },
                { "job", c->job > 0 },
                { "batch", c->batch > 0 },
                { "settlement", c->settlement > 0 },
        };

        for (size_t i = 0; i < ELEMENTSOF(options); i++)
                if (options[i].given && !has_word(act->options, options[i].name)) {
                        fprintf(stderr, _("tillctl receipt %s has no option --%s: see tillctl receipt --help.\n"),
                                act->name, options[i].name);
                        return EXIT_USAGE;
                }
        return 0;
}

static int act(struct cli *cli, int argc, char **argv, struct choice *c) {
        const char *name = argc > 0 ? argv[0] : "list";

        for (size_t i = 0; i < ELEMENTSOF(acts); i++) {
                if (!streq(acts[i].name, name))
                        continue;
                if (check_options(acts + i, c) != 0)
                        return EXIT_USAGE;
                if (argc <= (acts[i].about ? 2 : 1) && argc >= (acts[i].about ? 2 : 0))
                        return acts[i].run(cli, acts[i].about ? argv[1] : NULL, c);
                fprintf(stderr,
                        acts[i].about ? _("tillctl receipt %s is about one thing, which stands behind it: see tillctl "
                                          "receipt --help.\n")
                                      : _("tillctl receipt %s takes options only: see tillctl receipt --help.\n"),
                        name);
                return EXIT_USAGE;
        }
        fprintf(stderr, _("\"%s\" is no act of receipt: see tillctl receipt --help.\n"), name);
        return EXIT_USAGE;
}

int verb_receipts(struct cli *cli, int argc, char **argv) {
        struct choice c = {};
        const struct {
                const char **ret;
                uint64_t *number, most;
                struct option option;
        } values[] = {
                { &c.reference, NULL, 0, { "reference", required_argument, NULL, 1 } },
                { &c.copy, NULL, 0, { "copy", required_argument, NULL, 1 } },
                { &c.face, NULL, 0, { "face", required_argument, NULL, 1 } },
                { &c.size, NULL, 0, { "size", required_argument, NULL, 1 } },
                { NULL, &c.job, INT64_MAX, { "job", required_argument, NULL, 2 } },
                { NULL, &c.settlement, UINT32_MAX, { "settlement", required_argument, NULL, 2 } },
                { NULL, &c.batch, UINT32_MAX, { "batch", required_argument, NULL, 2 } },
        };
        struct option options[ELEMENTSOF(values) + 2] = {};
        int k, at;

        for (size_t i = 0; i < ELEMENTSOF(values); i++)
                options[i] = values[i].option;
        options[ELEMENTSOF(values)] = (struct option){ "help", no_argument, NULL, 'h' };
        while ((k = getopt_long(argc, argv, "h", options, &at)) >= 0)
                switch (k) {
                case 'h':
                        return help();
                case 1:
                        *values[at].ret = optarg;
                        break;
                case 2:
                        if (read_number(optarg, values[at].most, values[at].number) != 0)
                                return EXIT_USAGE;
                        break;
                default:
                        return EXIT_USAGE;
                }
        return act(cli, argc - optind, argv + optind, &c);
}
