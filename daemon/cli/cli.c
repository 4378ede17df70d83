// SPDX-License-Identifier: LGPL-2.1-or-later
#include <inttypes.h>
#include <time.h>
#include <wchar.h>

#include "base/wrap.h"
#include "cli/cli.h"
#include "cli/refusal.h"

/* A double has each whole number up to here. */
#define WHOLE_MAX 9007199254740992.0

static bool has_name(const sd_bus_error *error, const char *const *names) {
        for (; *names; names++)
                if (sd_bus_error_has_name(error, *names))
                        return true;
        return false;
}

static int say_unavailable(const struct cli *cli, const char *what) {
        fprintf(stderr, "%s%s%s\n%s\n", cli_tone(cli, TONE_BAD), what, cli_tone_end(cli),
                _("Where it cannot start, this says which file is wrong: /usr/lib/tilld/tilld --check"));
        return EXIT_UNAVAILABLE;
}

static void say_error(const struct cli *cli, const sd_bus_error *error) {
        const char *word = startswith(error->name, "org.tilld1.Error.");
        _cleanup_free_ char *text = refusal_translate(isempty(error->message) ? error->name : error->message);
        char line[1024];

        (void) snprintf(line, sizeof(line), "%s%s%s", word ?: "", word ? ": " : "", strna(text));
        fputs(cli_tone(cli, TONE_BAD), stderr);
        cli_print_sentence(stderr, line);
        fputs(cli_tone_end(cli), stderr);
}

bool cli_refused_by_bus(const sd_bus_error *error) {
        return sd_bus_error_has_name(error, SD_BUS_ERROR_ACCESS_DENIED) &&
               startswith(error->message, "Rejected send message");
}

int cli_fail(const struct cli *cli, const sd_bus_error *error, int r) {
        static const char *const absent[] = { SD_BUS_ERROR_SERVICE_UNKNOWN, SD_BUS_ERROR_NAME_HAS_NO_OWNER, NULL };
        /* One that is started by this call, and ends again and again, does not answer either. */
        static const char *const silent[] = { SD_BUS_ERROR_NO_REPLY, SD_BUS_ERROR_TIMEOUT, NULL };

        if (has_name(error, absent))
                return say_unavailable(cli, _("tilld does not run. Look at: systemctl status tilld"));
        if (has_name(error, silent) || r == -ETIMEDOUT)
                return say_unavailable(cli, _("tilld does not answer. Look at: journalctl -u tilld"));
        /* The bus's own refusal is a page of rules. */
        if (cli_refused_by_bus(error)) {
                cli_print_sentence(stderr, _("You may not do this: run it as root, or as a user of the group "
                                             "till-checkout or till-support; whoever has just been put into it logs "
                                             "on anew first."));
                return EXIT_NO;
        }
        if (sd_bus_error_is_set(error)) {
                say_error(cli, error);
                /* It names the polkit action, which takes more than the group that the bus has let in. */
                if (sd_bus_error_has_name(error, SD_BUS_ERROR_ACCESS_DENIED))
                        cli_print_sentence(stderr,
                                           _("The groups of tilld are not enough for it: run it as root, let an "
                                             "administrator allow this user that polkit action, or ask a "
                                             "supervisor, where the command takes a supervisor's code."));
                return EXIT_NO;
        }
        fprintf(stderr, "%s%s%s\n", cli_tone(cli, TONE_BAD), strerror(-r), cli_tone_end(cli));
        return EXIT_UNAVAILABLE;
}

const char *cli_text(const cJSON *object, const char *name) {
        return cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(object, name)) ?: "";
}

const char *cli_sentence(const cJSON *object, const char *name) {
        const char *text = cli_text(object, name);

        /* The translation of the empty text is the catalog's own header. */
        return *text ? gettext(text) : text;
}

const char *cli_word(const char *word) {
        static const char *const words[] = {
                N_("queued"),
                N_("printing"),
                N_("printed"),
                N_("unconfirmed"),
                N_("cancelled"),
                N_("electronic"),
                N_("not connected"),
                N_("cover open"),
                N_("paper end"),
                N_("paper near end"),
                N_("cutter error"),
                N_("mechanical error"),
                N_("unrecoverable error: switch the printer off and on"),
                N_("overheated, goes on by itself"),
                N_("feeding paper"),
                N_("offline"),
                N_("error"),
                N_("ready"),
        };

        for (size_t i = 0; i < ELEMENTSOF(words); i++)
                if (streq(words[i], word))
                        return gettext(words[i]);
        return word;
}

int cli_read_json(struct cli *cli, sd_bus_message *reply, const sd_bus_error *error, int r, cJSON **ret) {
        const char *text;
        cJSON *json;

        if (r >= 0)
                r = sd_bus_message_read(reply, "s", &text);
        if (r < 0)
                return cli_fail(cli, error, r);
        json = cJSON_Parse(text);
        if (!json)
                return cli_fail(cli, error, -EBADMSG);
        *ret = json;
        return 0;
}

int cli_print_path(struct cli *cli, sd_bus_message *reply, const sd_bus_error *error, int r) {
        const char *path;

        if (r >= 0)
                r = sd_bus_message_read(reply, "s", &path);
        if (r < 0)
                return cli_fail(cli, error, r);
        printf(cli->json ? "{ \"Path\": \"%s\" }\n" : "%s\n", path);
        return 0;
}

int cli_send(struct cli *cli, sd_bus_message *m, int r) {
        _cleanup_(sd_bus_error_free) sd_bus_error error = SD_BUS_ERROR_NULL;

        if (r >= 0) {
                (void) sd_bus_message_set_allow_interactive_authorization(m, true);
                r = sd_bus_call(cli->bus, m, CLI_ANSWER_TIMEOUT_USEC, &error, NULL);
        }
        return r < 0 ? cli_fail(cli, &error, r) : 0;
}

int cli_call(struct cli *cli, const char *path, const char *interface, const char *method, const char *first,
             const char *second, int code) {
        _cleanup_(sd_bus_message_unrefp) sd_bus_message *m = NULL;
        int r;

        r = sd_bus_message_new_method_call(cli->bus, &m, SERVICE, path, interface, method);
        if (r >= 0 && first)
                r = sd_bus_message_append(m, "s", first);
        if (r >= 0 && second)
                r = sd_bus_message_append(m, "s", second);
        if (r >= 0 && code >= 0)
                r = sd_bus_message_append(m, "h", code);
        return cli_send(cli, m, r);
}

int cli_describe(struct cli *cli, const char *path, const char *interface, cJSON **ret) {
        _cleanup_(sd_bus_error_free) sd_bus_error error = SD_BUS_ERROR_NULL;
        _cleanup_(sd_bus_message_unrefp) sd_bus_message *reply = NULL;
        int r;

        r = sd_bus_call_method(cli->bus, SERVICE, path, interface, "Describe", &error, &reply, "");
        return cli_read_json(cli, reply, &error, r, ret);
}

void cli_free_list(char ***list) {
        for (char **p = *list; p && *p; p++)
                free(*p);
        free(*list);
        *list = NULL;
}

static int append(char ***list, size_t *n, const char *path) {
        char **grown = reallocarray(*list, *n + 2, sizeof(*grown));

        if (!grown)
                return -ENOMEM;
        *list = grown;
        grown[*n] = strdup(path);
        if (!grown[*n])
                return -ENOMEM;
        grown[++*n] = NULL;
        return 0;
}

/* Whether one entry of GetManagedObjects, entered at its interfaces, has the one looked for. */
static int has_interface(sd_bus_message *m, const char *interface) {
        bool found = false;
        const char *name;
        int r;

        r = sd_bus_message_enter_container(m, 'a', "{sa{sv}}");
        if (r < 0)
                return r;
        while ((r = sd_bus_message_enter_container(m, 'e', "sa{sv}")) > 0) {
                r = sd_bus_message_read(m, "s", &name);
                if (r < 0)
                        return r;
                found |= streq(name, interface);
                r = sd_bus_message_skip(m, "a{sv}");
                if (r < 0)
                        return r;
                r = sd_bus_message_exit_container(m);
                if (r < 0)
                        return r;
        }
        if (r < 0)
                return r;
        r = sd_bus_message_exit_container(m);
        return r < 0 ? r : found;
}

static int collect(sd_bus_message *m, const char *prefix, const char *interface, char ***list) {
        const char *path;
        size_t n = 0;
        int r;

        r = sd_bus_message_enter_container(m, 'a', "{oa{sa{sv}}}");
        if (r < 0)
                return r;
        while ((r = sd_bus_message_enter_container(m, 'e', "oa{sa{sv}}")) > 0) {
                r = sd_bus_message_read(m, "o", &path);
                if (r < 0)
                        return r;
                r = has_interface(m, interface);
                if (r > 0 && startswith(path, prefix))
                        r = append(list, &n, path);
                if (r < 0)
                        return r;
                r = sd_bus_message_exit_container(m);
                if (r < 0)
                        return r;
        }
        return r;
}

int cli_list(struct cli *cli, const char *prefix, const char *interface, char ***ret) {
        _cleanup_(sd_bus_error_free) sd_bus_error error = SD_BUS_ERROR_NULL;
        _cleanup_(sd_bus_message_unrefp) sd_bus_message *reply = NULL;
        _cleanup_(cli_free_list) char **list = calloc(1, sizeof(*list));
        int r;

        if (!list)
                return cli_fail(cli, &error, -ENOMEM);
        r = sd_bus_call_method(cli->bus, SERVICE, SERVICE_PATH, "org.freedesktop.DBus.ObjectManager",
                               "GetManagedObjects", &error, &reply, "");
        if (r >= 0)
                r = collect(reply, prefix, interface, &list);
        if (r < 0)
                return cli_fail(cli, &error, r);
        *ret = TAKE_PTR(list);
        return 0;
}

/* cJSON writes a time as 1.7792568e+15. */
static void write_whole(cJSON *item) {
        double number = item->valuedouble;
        char text[24];

        for (cJSON *child = item->child; child; child = child->next)
                write_whole(child);
        if (!cJSON_IsNumber(item) || number < -WHOLE_MAX || number > WHOLE_MAX || number != (double) (int64_t) number)
                return;
        (void) snprintf(text, sizeof(text), "%" PRIi64, (int64_t) number);
        item->valuestring = strdup(text);
        if (item->valuestring)
                item->type = cJSON_Raw;
}

int cli_print_json(const cJSON *json) {
        _cleanup_(cJSON_Deletep) cJSON *copy = cJSON_Duplicate(json, true);
        _cleanup_free_ char *text = NULL;

        if (!copy)
                return EXIT_UNAVAILABLE;
        write_whole(copy);
        text = cJSON_Print(copy);
        if (!text)
                return EXIT_UNAVAILABLE;
        puts(text);
        return 0;
}

const char *cli_tone(const struct cli *cli, enum cli_tone tone) {
        static const char *const tones[] = {
                [TONE_PLAIN] = "",       [TONE_GOOD] = "\033[32m", [TONE_WARN] = "\033[33m",
                [TONE_BAD] = "\033[31m", [TONE_DIM] = "\033[2m",
        };

        return cli->colour ? tones[tone] : "";
}

const char *cli_tone_end(const struct cli *cli) {
        return cli->colour ? "\033[0m" : "";
}

/* ---- Sentences ---- */

#define LINE_COLUMNS 79

void cli_print_marked(FILE *f, const char *mark, const char *text) {
        if (isatty(fileno(f)))
                wrap_print(f, mark, text, LINE_COLUMNS);
        else
                fprintf(f, "%s%s\n", mark, text);
}

void cli_print_indented(FILE *f, const char *text, int indent) {
        char blanks[40];

        (void) snprintf(blanks, sizeof(blanks), "%*s", indent, "");
        cli_print_marked(f, blanks, text);
}

void cli_print_sentence(FILE *f, const char *text) {
        cli_print_indented(f, text, 0);
}

void cli_pad(const char *text, int width) {
        fputs(text, stdout);
        for (int i = wrap_width(text); i < width; i++)
                putchar(' ');
}

const char *cli_cut(const char *text, int width, char *ret, size_t size) {
        size_t n;

        copy_text(ret, size - strlen("…"), text);
        n = strlen(ret);
        if (n == strlen(text) && wrap_width(ret) <= width)
                return ret;
        /* Whole characters, from the end. */
        while (n > 0 && wrap_width(ret) > width - 1) {
                do
                        n--;
                while (n > 0 && ((unsigned char) ret[n] & 0xc0) == 0x80);
                ret[n] = '\0';
        }
        return strcat(ret, "…");
}

static void print_cell(const char *text, int width) {
        cli_pad(text, width - 1);
        putchar(' ');
}

void cli_print_head(const struct cli *cli, const struct cli_column *columns) {
        fputs(cli_tone(cli, TONE_DIM), stdout);
        for (; columns->width > 0; columns++)
                print_cell(*columns->title ? _(columns->title) : "", columns->width);
        printf("%s%s\n", _(columns->title), cli_tone_end(cli));
}

void cli_print_row(const struct cli *cli, const struct cli_column *columns, const char *const *texts,
                   enum cli_tone tone) {
        for (; columns->width > 0; columns++)
                print_cell(*texts++, columns->width);
        printf("%s%s%s\n", cli_tone(cli, tone), *texts, cli_tone_end(cli));
}

const char *cli_time(uint64_t usec, char text[static CLI_TIME_MAX]) {
        time_t t = (time_t) (usec / 1000000);
        struct tm tm;

        if (usec == 0 || !localtime_r(&t, &tm) || strftime(text, CLI_TIME_MAX, "%Y-%m-%d %H:%M:%S", &tm) == 0)
                text[0] = '\0';
        return text;
}

int cli_read_number(const char *text, uint64_t most, uint64_t *ret) {
        unsigned long long number;

        if (!*text || strspn(text, "0123456789") != strlen(text))
                return -EINVAL;
        errno = 0;
        number = strtoull(text, NULL, 10);
        if (errno != 0 || number > most)
                return -EINVAL;
        *ret = number;
        return 0;
}
