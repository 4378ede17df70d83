// SPDX-License-Identifier: LGPL-2.1-or-later
/* tillctl sale, void, refund and the other kinds: a verb each, and the same options for all of them. */
#include <getopt.h>

#include "base/amount.h"
#include "cli/transaction.h"

enum arguments {
        ARGUMENTS_NONE,
        ARGUMENTS_AMOUNT,              /* AMOUNT [CURRENCY] */
        ARGUMENTS_ORIGINAL,            /* TRANSACTION */
        ARGUMENTS_ORIGINAL_AMOUNT,     /* TRANSACTION [AMOUNT] */
        ARGUMENTS_ORIGINAL_AND_AMOUNT, /* TRANSACTION AMOUNT */
};

static const struct verb {
        const char *name;
        const char *kind;
        enum arguments arguments;
        bool card;
        const char *help;
} verbs[] = {
        { "sale", "sale", ARGUMENTS_AMOUNT, true, N_("take a payment and wait for its result") },
        { "void", "void", ARGUMENTS_ORIGINAL, true,
          N_("take back a sale, completion or pre-authorization of the open batch, whole") },
        { "refund", "refund", ARGUMENTS_ORIGINAL_AMOUNT, true,
          N_("give money back for a sale or completion; all of it unless an amount is given") },
        { "preauth", "pre-authorization", ARGUMENTS_AMOUNT, true, N_("hold an amount on the card") },
        { "complete", "completion", ARGUMENTS_ORIGINAL_AMOUNT, true,
          N_("take what a pre-authorization holds; all of it unless an amount is given") },
        { "tip", "tip", ARGUMENTS_ORIGINAL_AND_AMOUNT, false, N_("add a tip to a sale of the open batch") },
        { "offline-sale", "offline-sale", ARGUMENTS_AMOUNT, true,
          N_("take a payment that the issuer has authorized by telephone, with --code") },
        { "balance", "balance", ARGUMENTS_NONE, true, N_("ask for what is left on the card") },
        { "sign-on", "sign-on", ARGUMENTS_NONE, false, N_("sign on to the acquirer: new keys") },
        { "sign-off", "sign-off", ARGUMENTS_NONE, false, N_("sign off from the acquirer") },
        { "echo", "echo", ARGUMENTS_NONE, false, N_("ask the acquirer whether it is there") },
        { "settle", "settlement", ARGUMENTS_NONE, false, N_("settle the batch with the acquirer and open the next") },
        { "parameters", "parameters", ARGUMENTS_NONE, false, N_("download the acquirer's rules for chip cards") },
        { "ca-keys", "ca-keys", ARGUMENTS_NONE, false, N_("download the acquirer's CA keys for chip cards") },
};

static const char *const usages[] = {
        [ARGUMENTS_NONE] = "",
        [ARGUMENTS_AMOUNT] = " AMOUNT [CURRENCY]",
        [ARGUMENTS_ORIGINAL] = " TRANSACTION",
        [ARGUMENTS_ORIGINAL_AMOUNT] = " TRANSACTION [AMOUNT]",
        [ARGUMENTS_ORIGINAL_AND_AMOUNT] = " TRANSACTION AMOUNT",
};

static int help(const struct verb *v) {
        printf("tillctl %s%s [%s]: %s.\n", v->name, usages[v->arguments], _("OPTION…"), _(v->help));
        if (v->arguments == ARGUMENTS_AMOUNT)
                printf("%s\n", _("AMOUNT is in major units, \"12.50\"; CURRENCY is CNY unless given."));
        if (v->arguments >= ARGUMENTS_ORIGINAL)
                printf("%s\n", _("TRANSACTION is the original's reference, path, or the voucher number on its "
                                 "receipt."));
        printf("\n  --reference=TEXT  %s\n", _("name of this attempt; one is made up unless given"));
        printf("  --order=TEXT      %s\n", _("what groups the attempts of an order"));
        if (v->card)
                printf("  --application=N   %s\n", _("the Nth of the card's applications, where it has several"));
        if (streq(v->name, "offline-sale"))
                printf("  --code=TEXT       %s\n", _("the issuer's authorization code"));
        printf("  --training        %s\n", _("practise; needed on a terminal in training mode"));
        printf("\n%s\n", _("Ctrl-C cancels while a card is waited for. Exit status 0 only when approved."));
        return 0;
}

static int read_options(int argc, char **argv, struct transaction_call *c) {
        static const struct option options[] = {
                { "help", no_argument, NULL, 'h' },
                { "reference", required_argument, NULL, 'r' },
                { "order", required_argument, NULL, 'o' },
                { "application", required_argument, NULL, 'a' },
                { "training", no_argument, NULL, 't' },
                { "code", required_argument, NULL, 'c' },
                {},
        };
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
                case 'c':
                        c->authorization_code = optarg;
                        break;
                default:
                        return -EINVAL;
                }
        return 0;
}

static int say_wrong_arguments(const struct verb *v) {
        fprintf(stderr, _("Call it as: tillctl %s%s\n"), v->name, usages[v->arguments]);
        return -EINVAL;
}

static int read_amount(struct transaction_call *c, const char *text) {
        const struct currency *currency = currency_find(c->currency);

        if (!currency) {
                fprintf(stderr, _("\"%s\" is not a currency of this terminal: use an ISO 4217 code such as CNY.\n"),
                        c->currency);
                return -EINVAL;
        }
        if (amount_parse(text, currency, &c->amount) < 0) {
                fprintf(stderr,
                        _("\"%s\" is not an amount of %s: write it as 12.50, with %u digits at most after the "
                          "point.\n"),
                        text, c->currency, currency->digits);
                return -EINVAL;
        }
        return 0;
}

/* What is about to be voided is named by what it takes back. */
static const char *kind_of_void(const char *original) {
        return streq(original, "completion")          ? "completion-void"
               : streq(original, "pre-authorization") ? "pre-authorization-void"
                                                      : "void";
}

static void show_original(const cJSON *original) {
        double started = cJSON_GetNumberValue(cJSON_GetObjectItemCaseSensitive(original, "Started"));
        char amount[TRANSACTION_AMOUNT_MAX], time[CLI_TIME_MAX];

        fprintf(stderr, _("It is about: %s %s of %s, card %s\n"), cli_text(original, "Kind"),
                transaction_amount(original, "Amount", amount), cli_time((uint64_t) started, time),
                cli_text(original, "MaskedPan"));
}

/* Currency and amount are the original's, unless another amount is given. */
static int fill_from_original(struct transaction_call *c, const cJSON *original, const char *amount) {
        c->original = cli_text(original, "Path");
        c->currency = cli_text(original, "Currency");
        c->amount = (int64_t) cJSON_GetNumberValue(cJSON_GetObjectItemCaseSensitive(original, "Amount"));
        if (streq(c->kind, "void"))
                c->kind = kind_of_void(cli_text(original, "Kind"));
        return amount ? read_amount(c, amount) : 0;
}

static int start_about_original(struct cli *cli, struct transaction_call *c, const char *name, const char *amount) {
        _cleanup_(cJSON_Deletep) cJSON *original = NULL;
        int r;

        r = transaction_find(cli, name, &original);
        if (r != 0)
                return r;
        if (fill_from_original(c, original, amount) < 0)
                return EXIT_USAGE;
        if (!cli->json)
                show_original(original);
        return transaction_follow(cli, c);
}

static int start_with_amount(struct cli *cli, struct transaction_call *c, const char *amount, const char *currency) {
        c->currency = currency ?: "CNY";
        return read_amount(c, amount) < 0 ? EXIT_USAGE : transaction_follow(cli, c);
}

static const struct verb *find_verb(const char *name) {
        for (size_t i = 0; i < ELEMENTSOF(verbs); i++)
                if (streq(verbs[i].name, name))
                        return verbs + i;
        return NULL;
}

int verb_kind(struct cli *cli, int argc, char **argv) {
        static const int least[] = { 0, 1, 1, 1, 2 }, most[] = { 0, 2, 1, 2, 2 };
        const struct verb *v = find_verb(argv[0]);
        struct transaction_call c = { .kind = v->kind };
        int r, n;

        r = read_options(argc, argv, &c);
        if (r == -ECANCELED)
                return help(v);
        n = argc - optind;
        if (r >= 0 && (n < least[v->arguments] || n > most[v->arguments]))
                r = say_wrong_arguments(v);
        if (r < 0)
                return EXIT_USAGE;
        argv += optind;
        if (v->arguments >= ARGUMENTS_ORIGINAL)
                return start_about_original(cli, &c, argv[0], n > 1 ? argv[1] : NULL);
        if (v->arguments == ARGUMENTS_AMOUNT)
                return start_with_amount(cli, &c, argv[0], n > 1 ? argv[1] : NULL);
        c.currency = v->card ? "CNY" : "";
        return transaction_follow(cli, &c);
}
