// SPDX-License-Identifier: LGPL-2.1-or-later
/* tillctl totals and flush: what a batch comes to, and what the acquirer has to be told. */
#include "base/amount.h"
#include "cli/transaction.h"

#define MANAGER_INTERFACE "org.tilld1.Manager"

/* The only argument, a batch's number; 0 where it is not given. -EINVAL for what is none. */
static int read_number(int argc, char **argv, uint32_t *ret) {
        uint64_t n;

        *ret = 0;
        if (argc == 1)
                return 0;
        if (argc > 2 || cli_read_number(argv[1], 999999, &n) < 0)
                return -EINVAL;
        *ret = (uint32_t) n;
        return 0;
}

static int get_totals(struct cli *cli, uint32_t number, cJSON **ret) {
        _cleanup_(sd_bus_error_free) sd_bus_error error = SD_BUS_ERROR_NULL;
        _cleanup_(sd_bus_message_unrefp) sd_bus_message *reply = NULL;
        int r;

        r = sd_bus_call_method(cli->bus, SERVICE, SERVICE_PATH, MANAGER_INTERFACE, "GetTotals", &error, &reply, "u",
                               number);
        return cli_read_json(cli, reply, &error, r, ret);
}

/* ---- totals ---- */

static const struct word {
        const char *word, *text;
        enum cli_tone tone;
} words[] = {
        { "open", N_("open"), TONE_PLAIN },
        { "frozen", N_("frozen: settle again to finish it"), TONE_WARN },
        { "uploading", N_("its details are being sent: settle again to finish it"), TONE_WARN },
        { "settled", N_("settled"), TONE_GOOD },
        { "balanced", N_("the acquirer has the same totals"), TONE_GOOD },
        { "unequal", N_("the acquirer had other totals and is sent the details"), TONE_WARN },
        { "by-agreement", N_("the acquirer refused them: ended by agreement with it"), TONE_WARN },
};

static void print_word(const struct cli *cli, const char *label, const char *word) {
        char text[256];

        for (size_t i = 0; i < ELEMENTSOF(words); i++)
                if (streq(words[i].word, word)) {
                        (void) snprintf(text, sizeof(text), "%s%s%s", cli_tone(cli, words[i].tone), _(words[i].text),
                                        cli_tone_end(cli));
                        transaction_print_detail(label, text);
                }
}

/* "3  390.00 CNY" */
static void print_sum(const char *label, const cJSON *sum, const struct currency *currency) {
        double count = cJSON_GetNumberValue(cJSON_GetObjectItemCaseSensitive(sum, "Count"));
        double amount = cJSON_GetNumberValue(cJSON_GetObjectItemCaseSensitive(sum, "Amount"));
        char number[AMOUNT_TEXT_MAX], text[AMOUNT_TEXT_MAX + 32];

        (void) snprintf(text, sizeof(text), "%4.0f  %12s %s", count, amount_format((int64_t) amount, currency, number),
                        currency->code);
        transaction_print_detail(label, text);
}

static void print_time(const char *label, const cJSON *json, const char *name) {
        char text[CLI_TIME_MAX];

        transaction_print_detail(
                label, cli_time((uint64_t) cJSON_GetNumberValue(cJSON_GetObjectItemCaseSensitive(json, name)), text));
}

static void print_totals(const struct cli *cli, const cJSON *json) {
        const struct currency *currency = currency_find(cli_text(json, "Currency"));
        const cJSON *kind;

        printf(_("Batch %06.0f\n"), cJSON_GetNumberValue(cJSON_GetObjectItemCaseSensitive(json, "Batch")));
        print_word(cli, _("state"), cli_text(json, "State"));
        print_word(cli, _("acquirer"), cli_text(json, "Reconciliation"));
        print_time(_("opened"), json, "Opened");
        print_time(_("frozen"), json, "Frozen");
        print_time(_("settled"), json, "Settled");
        if (!currency)
                return;
        cJSON_ArrayForEach(kind, cJSON_GetObjectItemCaseSensitive(json, "Kinds")) {
                print_sum(cli_text(kind, "Kind"), kind, currency);
        }
        print_sum(_("debits"), cJSON_GetObjectItemCaseSensitive(json, "Debits"), currency);
        print_sum(_("credits"), cJSON_GetObjectItemCaseSensitive(json, "Credits"), currency);
}

int verb_totals(struct cli *cli, int argc, char **argv) {
        _cleanup_(cJSON_Deletep) cJSON *json = NULL;
        uint32_t number;
        int r;

        if (read_number(argc, argv, &number) < 0) {
                printf("%s\n", _("tillctl totals [BATCH]: what the open batch comes to, or the one of that number."));
                return streq(argv[1], "--help") ? 0 : EXIT_USAGE;
        }
        r = get_totals(cli, number, &json);
        if (r != 0)
                return r;
        if (cli->json)
                return cli_print_json(json);
        print_totals(cli, json);
        return 0;
}

/* ---- flush ---- */

int verb_flush(struct cli *cli, int argc, char **argv) {
        if (argc > 1) {
                printf("%s\n", _("tillctl flush: tell the acquirer now what waits; tillctl status shows how much it "
                                 "is."));
                return streq(argv[1], "--help") ? 0 : EXIT_USAGE;
        }
        return cli_call(cli, SERVICE_PATH, MANAGER_INTERFACE, "Flush", NULL, NULL, -1);
}
