// SPDX-License-Identifier: LGPL-2.1-or-later
/* Transactions that somebody names, and what is said of them. */
#include "base/amount.h"
#include "cli/transaction.h"

/* ---- Which one ---- */

/* Paths end in a number that counts up. */
static long number_of(const char *path) {
        const char *slash = strrchr(path, '/');

        return slash ? strtol(slash + 1, NULL, 10) : 0;
}

static int newest_first(const void *a, const void *b) {
        long x = number_of(*(char *const *) a), y = number_of(*(char *const *) b);

        return (x < y) - (x > y);
}

static void sort_paths(char **paths) {
        size_t n = 0;

        while (paths[n])
                n++;
        qsort(paths, n, sizeof(*paths), newest_first);
}

static int describe(struct cli *cli, const char *path, cJSON **ret) {
        int r;

        r = cli_describe(cli, path, TRANSACTION_INTERFACE, ret);
        if (r == 0)
                cJSON_AddStringToObject(*ret, "Path", path);
        return r;
}

int transaction_list(struct cli *cli, cJSON **ret) {
        _cleanup_(cJSON_Deletep) cJSON *all = cJSON_CreateArray();
        _cleanup_(cli_free_list) char **paths = NULL;
        int r;

        r = cli_list(cli, SERVICE_PATH "/", TRANSACTION_INTERFACE, &paths);
        if (r != 0)
                return r;
        sort_paths(paths);
        for (char **path = paths; *path; path++) {
                cJSON *t;

                r = describe(cli, *path, &t);
                if (r != 0)
                        return r;
                cJSON_AddItemToArray(all, t);
        }
        *ret = TAKE_PTR(all);
        return 0;
}

/* 0 for what is no voucher number. */
static long voucher_number(const char *name) {
        size_t n = strlen(name);

        return n <= 6 && strspn(name, "0123456789") == n ? strtol(name, NULL, 10) : 0;
}

/* The newest with that number on its receipt. */
static const cJSON *with_voucher(const cJSON *all, long voucher) {
        const cJSON *t;

        cJSON_ArrayForEach(t, all) {
                if ((long) cJSON_GetNumberValue(cJSON_GetObjectItemCaseSensitive(t, "Voucher")) == voucher)
                        return t;
        }
        return NULL;
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
        long voucher = voucher_number(name);
        const cJSON *t = NULL;
        int r;

        if (*name == '/')
                return describe(cli, name, ret);
        r = find_reference(cli, name, &path);
        if (r < 0)
                return -r;
        if (voucher > 0) {
                r = transaction_list(cli, &all);
                if (r != 0)
                        return r;
                t = with_voucher(all, voucher);
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
