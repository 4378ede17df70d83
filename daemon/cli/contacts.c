// SPDX-License-Identifier: LGPL-2.1-or-later
/* tillctl binding contacts and notify: the people who are told, and of what. */
#include <inttypes.h>

#include "base/secret.h"
#include "cli/binding.h"
#include "cli/prompt.h"

static const struct cli_column columns[] = {
        { N_("NUMBER"), 7 }, { N_("NAME"), 17 }, { N_("PHONE"), 16 }, { N_("MAIL"), 26 }, { N_("FIRST BY"), 0 }, {},
};

/* "sms hook" in the user's words. */
static void print_channels(const char *channels) {
        char copy[32], *rest = copy, *word;

        COPY(copy, channels);
        for (const char *before = ""; (word = strsep(&rest, " ")); before = ", ")
                printf("%s%s", before, binding_word(word));
}

static void print_preferences(const cJSON *contact) {
        const cJSON *p;

        cJSON_ArrayForEach(p, cJSON_GetObjectItemCaseSensitive(contact, "Preferences")) {
                const char *channels = cJSON_GetStringValue(p);

                printf("       %s: ", binding_word(p->string));
                if (*channels)
                        print_channels(channels);
                else
                        printf("%s", _("not at all"));
                putchar('\n');
        }
}

static void print_contact(const struct cli *cli, const cJSON *o) {
        char id[24], name[80], mail[160];
        bool is_phone = binding_number(o, "Id") == 0;
        const char *const texts[] = {
                id,
                cli_cut(is_phone ? _("bound phone") : cli_text(o, "Name"), 16, name, sizeof(name)),
                binding_readable(o, cli_text(o, "Phone")),
                cli_cut(cli_text(o, "Mail"), 25, mail, sizeof(mail)),
                binding_word(cli_text(o, "Channel")),
        };

        (void) snprintf(id, sizeof(id), "%.0f", binding_number(o, "Id"));
        cli_print_row(cli, columns, texts, TONE_PLAIN);
        print_preferences(o);
}

static int list(struct binding_cli *b) {
        _cleanup_(cJSON_Deletep) cJSON *contacts = NULL;
        const cJSON *o;
        int r;

        r = binding_list(b, "ListContacts", 0, &contacts);
        if (r != 0)
                return r;
        if (b->cli->json)
                return cli_print_json(contacts);
        if (cJSON_GetArraySize(contacts) == 0) {
                printf("%s\n", _("Nobody is told of anything yet: tillctl binding contacts add"));
                return 0;
        }
        cli_print_head(b->cli, columns);
        cJSON_ArrayForEach(o, contacts) {
                print_contact(b->cli, o);
        }
        return 0;
}

/* ---- add, change, remove ---- */

static const struct {
        const char *key, *question;
} fields[] = {
        { "name", N_("Name:") },
        { "phone", N_("Phone, with its country code as +8613800138000 (Enter: none):") },
        { "mail", N_("Mail address (Enter: none):") },
        { "channel", N_("Told first by sms, mail or hook (Enter: sms):") },
        { "language", N_("Language, zh_CN or en (Enter: zh_CN):") },
        { "position", N_("Place in the list, 1 is told first (Enter: the last):") },
};

static int append_field(sd_bus_message *m, const char *key, const char *text) {
        uint64_t position;

        if (!streq(key, "position"))
                return sd_bus_message_append(m, "{sv}", key, "s", text);
        if (!*text)
                text = "0";
        if (cli_read_number(text, UINT32_MAX, &position) < 0) {
                fprintf(stderr, _("\"%s\" is no place in the list: give a number from 1 on.\n"), text);
                return -EDOM;
        }
        return sd_bus_message_append(m, "{sv}", key, "u", (uint32_t) position);
}

/* What has nothing of a number in it, as a blank, is neither Enter alone nor a minus sign. */
static int ask_field(size_t i, char line[static PROMPT_MAX]) {
        int r;

        do {
                r = prompt_line(_(fields[i].question), false, NULL, line);
                if (r < 0 || !*line || streq(line, "-") || !streq(fields[i].key, "phone"))
                        return r;
                prompt_squeeze(line, PHONE_BLANKS);
                if (*line)
                        return 0;
                fprintf(stderr, "%s\n",
                        _("That is no telephone number: a plus sign, the country code (+86 for China), "
                          "the number."));
        } while (isatty(STDIN_FILENO));
        return -EDOM;
}

/* What Enter alone leaves out is as it was, or as tilld has it; a minus sign empties it. */
static int ask_fields(sd_bus_message *m) {
        char line[PROMPT_MAX] = "";
        WIPE_AT_END(line);
        int r;

        r = sd_bus_message_open_container(m, 'a', "{sv}");
        for (size_t i = 0; r >= 0 && i < ELEMENTSOF(fields); i++) {
                r = ask_field(i, line);
                if (r < 0 || !*line)
                        continue;
                if (streq(line, "-"))
                        *line = '\0';
                r = append_field(m, fields[i].key, line);
        }
        return r < 0 ? r : sd_bus_message_close_container(m);
}

/* The list is changed by it. */
static int send_change(struct binding_cli *b, sd_bus_message *m, int r) {
        r = binding_send(b, m, r, NULL);
        if (r == 0 && !b->cli->json)
                printf("%s\n", _("Done; the bound phone and all contacts are told of what has changed."));
        return r;
}

/* id: NULL for a new one. */
static int send_fields(struct binding_cli *b, const char *method, const int64_t *id) {
        _cleanup_(sd_bus_message_unrefp) sd_bus_message *m = NULL;
        int r;

        r = binding_new_call(b, method, &m);
        if (r >= 0 && id)
                r = sd_bus_message_append(m, "x", *id);
        if (r >= 0)
                r = ask_fields(m);
        if (r == -EINTR || r == -ENODATA || r == -EDOM) {
                fprintf(stderr, "%s\n", _("Nothing was changed."));
                return EXIT_NO;
        }
        return send_change(b, m, r);
}

static int change(struct binding_cli *b, const char *id) {
        int64_t number;
        int r;

        r = binding_read_contact(id, &number);
        if (r != 0)
                return r;
        if (isatty(STDIN_FILENO))
                fprintf(stderr, "%s\n", _("Enter alone leaves it as it is, a minus sign empties it."));
        return send_fields(b, "ChangeContact", &number);
}

static int remove_one(struct binding_cli *b, const char *id) {
        _cleanup_(sd_bus_message_unrefp) sd_bus_message *m = NULL;
        int64_t number;
        int r;

        r = binding_read_contact(id, &number);
        if (r != 0)
                return r;
        r = binding_new_call(b, "RemoveContact", &m);
        if (r >= 0)
                r = sd_bus_message_append(m, "x", number);
        return send_change(b, m, r);
}

/* Negative where the call is wrong. */
int binding_contacts(struct binding_cli *b, int argc, char **argv) {
        if (argc == 1)
                return list(b);
        if (argc == 2 && streq(argv[1], "add"))
                return send_fields(b, "AddContact", NULL);
        if (argc == 3 && streq(argv[1], "change"))
                return change(b, argv[2]);
        if (argc == 3 && streq(argv[1], "remove"))
                return remove_one(b, argv[2]);
        return -EINVAL;
}

int binding_notify(struct binding_cli *b, int argc, char **argv) {
        _cleanup_(sd_bus_message_unrefp) sd_bus_message *m = NULL;
        char channels[64] = "";
        int64_t id;
        int r;

        r = binding_read_contact(argv[1], &id);
        if (r != 0)
                return r;
        for (int i = 3; i < argc; i++)
                (void) snprintf(channels + strlen(channels), sizeof(channels) - strlen(channels), "%s%s",
                                i > 3 ? " " : "", argv[i]);
        r = binding_new_call(b, "SetPreference", &m);
        if (r >= 0)
                r = sd_bus_message_append(m, "xss", id, argv[2], channels);
        return binding_send(b, m, r, NULL);
}
