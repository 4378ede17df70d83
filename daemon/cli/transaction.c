// SPDX-License-Identifier: LGPL-2.1-or-later
/* Transactions that somebody names, and what is said of them. */
#include "base/amount.h"
#include "cli/transaction.h"

/* ---- Which one ---- */

static int describe(struct cli *cli, const char *path, cJSON **ret) {
        int r;

        r = cli_describe(cli, path, TRANSACTION_INTERFACE, ret);
        if (r == 0)
                cJSON_AddStringToObject(*ret, "Path", path);
        return r;
}

static int append_text(sd_bus_message *m, const char *name, const char *type, const char *text) {
        return text ? sd_bus_message_append(m, "{sv}", name, type, text) : 0;
}

static int append_number(sd_bus_message *m, const char *name, uint32_t number) {
        return number > 0 ? sd_bus_message_append(m, "{sv}", name, "u", number) : 0;
}

static int append_filter(sd_bus_message *m, const struct transaction_filter *f, const char *before) {
        const struct {
                const char *name, *type, *text;
        } texts[] = {
                { "kind", "s", f->kind },
                { "result", "s", f->result },
                { "reversal", "s", f->reversal },
                { "forwarding", "s", f->forwarding },
                { "order", "s", f->order },
                { "last4", "s", f->last4 },
                { "retrieval-reference", "s", f->rrn },
                { "original", "o", f->original },
                { "before", "o", before },
        };
        int r;

        r = sd_bus_message_open_container(m, 'a', "{sv}");
        for (size_t i = 0; r >= 0 && i < ELEMENTSOF(texts); i++)
                r = append_text(m, texts[i].name, texts[i].type, texts[i].text);
        if (r >= 0)
                r = append_number(m, "batch", f->batch);
        if (r >= 0)
                r = append_number(m, "voucher", f->voucher);
        if (r >= 0)
                r = append_number(m, "limit", f->limit);
        return r < 0 ? r : sd_bus_message_close_container(m);
}

static int call_search(struct cli *cli, const struct transaction_filter *filter, const char *before,
                       sd_bus_error *error, sd_bus_message **ret) {
        _cleanup_(sd_bus_message_unrefp) sd_bus_message *m = NULL;
        int r;

        r = sd_bus_message_new_method_call(cli->bus, &m, SERVICE, SERVICE_PATH, "org.tilld1.Manager", "Search");
        if (r >= 0)
                r = append_filter(m, filter, before);
        return r < 0 ? r : sd_bus_call(cli->bus, m, 0, error, ret);
}

/* What one call found goes to the end of all; *ret_next is where to go on, NULL when that was all. */
static int search_once(struct cli *cli, const struct transaction_filter *filter, const char *before, cJSON *all,
                       char **ret_next) {
        _cleanup_(sd_bus_error_free) sd_bus_error error = SD_BUS_ERROR_NULL;
        _cleanup_(sd_bus_message_unrefp) sd_bus_message *reply = NULL;
        const char *path;
        cJSON *t;
        int r;

        r = call_search(cli, filter, before, &error, &reply);
        if (r >= 0)
                r = sd_bus_message_enter_container(reply, 'a', "o");
        while (r >= 0 && (r = sd_bus_message_read(reply, "o", &path)) > 0) {
                int status = describe(cli, path, &t);

                if (status != 0)
                        return status;
                cJSON_AddItemToArray(all, t);
        }
        if (r >= 0)
                r = sd_bus_message_exit_container(reply);
        if (r >= 0)
                r = sd_bus_message_read(reply, "o", &path);
        if (r < 0)
                return cli_fail(cli, &error, r);
        *ret_next = streq(path, "/") ? NULL : strdup(path);
        return 0;
}

int transaction_search(struct cli *cli, const struct transaction_filter *filter, cJSON **ret) {
        _cleanup_(cJSON_Deletep) cJSON *all = cJSON_CreateArray();
        _cleanup_free_ char *before = NULL;
        int r;

        do {
                char *next = NULL;

                r = search_once(cli, filter, before, all, &next);
                if (r != 0)
                        return r;
                free(before);
                before = next;
        } while (before && (filter->limit == 0 || cJSON_GetArraySize(all) < (int) filter->limit));
        *ret = TAKE_PTR(all);
        return 0;
}

/* 0 for what is no voucher number. */
static uint32_t voucher_number(const char *name) {
        size_t n = strlen(name);

        return n <= 6 && strspn(name, "0123456789") == n ? (uint32_t) strtoul(name, NULL, 10) : 0;
}

/* The path of a reference; 1 where there is none. */
static int find_reference(struct cli *cli, const char *reference, char **ret) {
        _cleanup_(sd_bus_error_free) sd_bus_error error = SD_BUS_ERROR_NULL;
        _cleanup_(sd_bus_message_unrefp) sd_bus_message *reply = NULL;
        const char *path;
        int r;

        r = sd_bus_call_method(cli->bus, SERVICE, SERVICE_PATH, "org.tilld1.Manager", "FindTransaction", &error,
                               &reply, "s", reference);
        if (sd_bus_error_has_name(&error, "org.tilld1.Error.NotFound"))
                return 1;
        if (r >= 0)
                r = sd_bus_message_read(reply, "o", &path);
        if (r >= 0) {
                *ret = strdup(path);
                r = *ret ? 0 : -ENOMEM;
        }
        return r < 0 ? -cli_fail(cli, &error, r) : 0;
}

static int say_unknown(const char *name) {
        fprintf(stderr,
                _("No transaction is known as \"%s\": give its reference, its path, or the voucher number on its "
                  "receipt; tillctl list shows the last ones.\n"),
                name);
        return EXIT_NO;
}

static int say_ambiguous(const char *name, const char *path, const char *other) {
        fprintf(stderr, _("\"%s\" is the reference of %s and the voucher number of %s: give the path of the one.\n"),
                name, path, other);
        return EXIT_NO;
}

int transaction_find(struct cli *cli, const char *name, cJSON **ret) {
        _cleanup_(cJSON_Deletep) cJSON *all = NULL;
        _cleanup_free_ char *path = NULL;
        const struct transaction_filter newest = { .voucher = voucher_number(name), .limit = 1 };
        const cJSON *t = NULL;
        int r;

        if (*name == '/')
                return describe(cli, name, ret);
        r = find_reference(cli, name, &path);
        if (r < 0)
                return -r;
        if (newest.voucher > 0) {
                r = transaction_search(cli, &newest, &all);
                if (r != 0)
                        return r;
                t = all->child;
        }
        if (!path && !t)
                return say_unknown(name);
        /* Money hangs on it: nothing is guessed. */
        if (path && t && !streq(path, cli_text(t, "Path")))
                return say_ambiguous(name, path, cli_text(t, "Path"));
        return describe(cli, path ?: cli_text(t, "Path"), ret);
}

/* ---- What is said of one ---- */

const char *transaction_amount(const cJSON *t, const char *name, char text[static TRANSACTION_AMOUNT_MAX]) {
        const struct currency *currency = currency_find(cli_text(t, "Currency"));
        double amount = cJSON_GetNumberValue(cJSON_GetObjectItemCaseSensitive(t, name));
        char number[AMOUNT_TEXT_MAX];

        text[0] = '\0';
        if (currency && (amount != 0 || !streq(name, "Amount")))
                (void) snprintf(text, TRANSACTION_AMOUNT_MAX, "%s %s",
                                amount_format((int64_t) amount, currency, number), currency->code);
        return text;
}

static const struct {
        const char *word;
        const char *sentence;
        enum cli_tone tone;
} results[] = {
        { "approved", N_("Approved"), TONE_GOOD },      { "declined", N_("Declined"), TONE_BAD },
        { "cancelled", N_("Cancelled"), TONE_WARN },    { "failed", N_("Not done"), TONE_BAD },
        { "unconfirmed", N_("Unconfirmed"), TONE_BAD },
};

const char *transaction_result(const cJSON *t, enum cli_tone *ret_tone) {
        const char *result = cli_text(t, "Result");

        *ret_tone = TONE_WARN;
        /* Of one that takes a payment it is worth more words. */
        if (streq(result, "failed") && streq(cli_text(t, "Kind"), "sale")) {
                *ret_tone = TONE_BAD;
                return _("Not paid");
        }
        for (size_t i = 0; i < ELEMENTSOF(results); i++)
                if (streq(results[i].word, result)) {
                        *ret_tone = results[i].tone;
                        return _(results[i].sentence);
                }
        return *result ? result : cli_text(t, "State");
}

void transaction_print_result(const struct cli *cli, const cJSON *t) {
        char amount[TRANSACTION_AMOUNT_MAX];
        enum cli_tone tone;
        const char *result = transaction_result(t, &tone);

        transaction_amount(t, "Amount", amount);
        printf("%s%s%s  %s%s%s\n", cli_tone(cli, tone), result, cli_tone_end(cli), cli_text(t, "Kind"),
               *amount ? "  " : "", amount);
        if (*cli_text(t, "Message"))
                printf("%s\n", cli_sentence(t, "Message"));
}

void transaction_print_detail(const char *label, const char *value) {
        if (!*value)
                return;
        printf("  ");
        cli_pad(label, 20);
        printf("%s\n", value);
}
