// SPDX-License-Identifier: LGPL-2.1-or-later
/* tillctl show and list: transactions as support needs them. */
#include <getopt.h>
#include <sys/ioctl.h>

#include "base/wrap.h"
#include "cli/transaction.h"

static double number(const cJSON *t, const char *name) {
        return cJSON_GetNumberValue(cJSON_GetObjectItemCaseSensitive(t, name));
}

/* ---- One ---- */

static void print_time(const char *label, const cJSON *t, const char *name) {
        char text[CLI_TIME_MAX];

        transaction_print_detail(label, cli_time((uint64_t) number(t, name), text));
}

/* As on paper: six digits; nothing for 0. */
static const char *six_digits(const cJSON *t, const char *name, char text[static 16]) {
        text[0] = '\0';
        if (number(t, name) > 0)
                (void) snprintf(text, 16, "%06.0f", number(t, name));
        return text;
}

static void print_number(const char *label, const cJSON *t, const char *name) {
        char text[16];

        transaction_print_detail(label, six_digits(t, name, text));
}

static void print_state(const char *label, const cJSON *t, const char *name) {
        if (!streq(cli_text(t, name), "none"))
                transaction_print_detail(label, cli_text(t, name));
}

/* "sale 12.50 CNY, approved, voucher 000012, ORDER-7-A" of another one. */
static void print_other(const struct cli *cli, const char *label, const cJSON *t) {
        char amount[TRANSACTION_AMOUNT_MAX], voucher[16], text[512];
        enum cli_tone tone;
        const char *result = transaction_result(t, &tone);

        transaction_amount(t, "Amount", amount);
        six_digits(t, "Voucher", voucher);
        (void) snprintf(text, sizeof(text), "%s%s%s, %s%s%s%s%s, %s", cli_text(t, "Kind"), *amount ? " " : "", amount,
                        cli_tone(cli, tone), result, cli_tone_end(cli), *voucher ? _(", voucher ") : "", voucher,
                        cli_text(t, "Reference"));
        transaction_print_detail(label, text);
}

static int print_original(struct cli *cli, const cJSON *t) {
        _cleanup_(cJSON_Deletep) cJSON *original = NULL;
        int r;

        if (strlen(cli_text(t, "Original")) <= 1)
                return 0;
        r = transaction_find(cli, cli_text(t, "Original"), &original);
        if (r != 0)
                return r;
        print_other(cli, _("original"), original);
        return 0;
}

static int print_about(struct cli *cli, const cJSON *t) {
        const struct transaction_filter about = { .original = cli_text(t, "Path") };
        _cleanup_(cJSON_Deletep) cJSON *all = NULL;
        const cJSON *other;
        int r;

        r = transaction_search(cli, &about, &all);
        if (r != 0)
                return r;
        cJSON_ArrayForEach(other, all) {
                print_other(cli, _("about it"), other);
        }
        return 0;
}

static void print_card(const cJSON *t) {
        char balance[TRANSACTION_AMOUNT_MAX];

        transaction_print_detail(_("card"), cli_text(t, "MaskedPan"));
        transaction_print_detail(_("entry"), cli_text(t, "EntryMode"));
        transaction_print_detail(_("application"), cli_text(t, "Application"));
        transaction_print_detail("AID", cli_text(t, "Aid"));
        if (cJSON_IsTrue(cJSON_GetObjectItemCaseSensitive(t, "HasBalance")))
                transaction_print_detail(_("balance"), transaction_amount(t, "Balance", balance));
}

static void print_acquirer(const cJSON *t) {
        transaction_print_detail(_("response code"), cli_text(t, "ResponseCode"));
        transaction_print_detail(_("authorization"), cli_text(t, "AuthorizationCode"));
        transaction_print_detail(_("reference (RRN)"), cli_text(t, "RetrievalReference"));
        print_number("STAN", t, "Stan");
        print_number(_("batch"), t, "Batch");
        print_number(_("voucher"), t, "Voucher");
        print_state(_("reversal"), t, "Reversal");
        print_state(_("forwarding"), t, "Forwarding");
}

static void print_one(const struct cli *cli, const cJSON *t) {
        transaction_print_result(cli, t);
        transaction_print_detail(_("path"), cli_text(t, "Path"));
        transaction_print_detail(_("reference"), cli_text(t, "Reference"));
        transaction_print_detail(_("order"), cli_text(t, "Order"));
        transaction_print_detail(_("state"), cli_text(t, "State"));
        transaction_print_detail(_("waits for"), cli_text(t, "Prompt"));
        transaction_print_detail(_("reason"), cli_text(t, "Reason"));
        print_time(_("started"), t, "Started");
        print_time(_("ended"), t, "Ended");
        transaction_print_detail(_("operator"), cli_text(t, "Operator"));
        transaction_print_detail(_("approver"), cli_text(t, "Approver"));
        print_card(t);
        print_acquirer(t);
        print_state(_("receipt"), t, "Printing");
}

int verb_show(struct cli *cli, int argc, char **argv) {
        _cleanup_(cJSON_Deletep) cJSON *t = NULL;
        int r;

        if (argc != 2 || streq(argv[1], "--help")) {
                printf("%s\n", _("tillctl show TRANSACTION: all of one, by its reference, path, or the voucher number "
                                 "on its receipt;\nwith its original, and what is about it."));
                return argc == 2 ? 0 : EXIT_USAGE;
        }
        r = transaction_find(cli, argv[1], &t);
        if (r != 0)
                return r;
        if (cli->json)
                return cli_print_json(t);
        print_one(cli, t);
        r = print_original(cli, t);
        return r != 0 ? r : print_about(cli, t);
}

/* ---- The last ones ---- */

#define COLUMNS_LEAST 80

enum {
        COLUMN_VOUCHER,
        COLUMN_TIME,
        COLUMN_KIND,
        COLUMN_AMOUNT,
        COLUMN_REFERENCE,
        COLUMN_RESULT,
        _COLUMN_MAX,
};

struct row {
        char voucher[16], time[CLI_TIME_MAX], amount[TRANSACTION_AMOUNT_MAX], reference[72];
        const char *texts[_COLUMN_MAX];
        enum cli_tone tone;
};

static void fill_row(const cJSON *t, struct row *row) {
        char time[CLI_TIME_MAX];

        /* No year and no seconds. */
        if (*cli_time((uint64_t) number(t, "Started"), time))
                (void) snprintf(row->time, sizeof(row->time), "%.11s", time + 5);
        (void) snprintf(row->reference, sizeof(row->reference), "%s", cli_text(t, "Reference"));
        row->texts[COLUMN_VOUCHER] = six_digits(t, "Voucher", row->voucher);
        row->texts[COLUMN_TIME] = row->time;
        row->texts[COLUMN_KIND] = cli_text(t, "Kind");
        row->texts[COLUMN_AMOUNT] = transaction_amount(t, "Amount", row->amount);
        row->texts[COLUMN_REFERENCE] = row->reference;
        row->texts[COLUMN_RESULT] = transaction_result(t, &row->tone);
}

/* References are printable ASCII: a byte is a column. */
static void shorten(char reference[static 72], int columns) {
        if ((int) strlen(reference) > columns)
                strcpy(reference + columns - 1, "…");
}

/* Each column as wide as what is in it; what the line has not got is taken from references. */
static void fit(struct cli_column *columns, struct row *rows, int n, int line) {
        int width = 0, reference;

        for (int c = 0; c < _COLUMN_MAX; c++) {
                columns[c].width = wrap_width(_(columns[c].title)) + 1;
                for (int i = 0; i < n; i++)
                        columns[c].width = MAX(columns[c].width, wrap_width(rows[i].texts[c]) + 1);
                width += columns[c].width;
        }
        /* No blank comes behind the last one. */
        width--;
        columns[COLUMN_RESULT].width = 0;
        if (line == 0 || width <= line)
                return;
        reference = MAX(columns[COLUMN_REFERENCE].width - (width - line), wrap_width(_("REFERENCE")) + 1);
        columns[COLUMN_REFERENCE].width = reference;
        for (int i = 0; i < n; i++)
                shorten(rows[i].reference, reference - 1);
}

/* Columns of a line; 0: as long as it takes, for programs. */
static int line_length(void) {
        struct winsize size;

        if (!isatty(STDOUT_FILENO))
                return 0;
        return ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) < 0 ? COLUMNS_LEAST : MAX((int) size.ws_col, COLUMNS_LEAST);
}

static int print_list(const struct cli *cli, const cJSON *all, int line) {
        struct cli_column columns[_COLUMN_MAX] = {
                [COLUMN_VOUCHER] = { N_("VOUCHER") }, [COLUMN_TIME] = { N_("TIME") },
                [COLUMN_KIND] = { N_("KIND") },       [COLUMN_AMOUNT] = { N_("AMOUNT") },
                [COLUMN_RESULT] = { N_("RESULT") },   [COLUMN_REFERENCE] = { N_("REFERENCE") },
        };
        _cleanup_free_ struct row *rows = calloc((size_t) cJSON_GetArraySize(all) + 1, sizeof(*rows));
        const cJSON *t;
        int n = 0;

        if (!rows)
                return EXIT_UNAVAILABLE;
        cJSON_ArrayForEach(t, all) {
                fill_row(t, rows + n++);
        }
        fit(columns, rows, n, line);
        cli_print_head(cli, columns);
        for (int i = 0; i < n; i++)
                cli_print_row(cli, columns, rows[i].texts, rows[i].tone);
        return 0;
}

static int list_help(void) {
        printf("%s\n\n", _("tillctl list [OPTION…]: the last transactions, the newest first."));
        printf("  --kind=WORD       %s\n", _("sale, void, refund and so on"));
        printf("  --result=WORD     %s\n", _("approved, declined, cancelled, failed or unconfirmed"));
        printf("  --reversal=WORD   %s\n", _("pending, done, rejected or resolved"));
        printf("  --forwarding=WORD %s\n", _("the same, of what was approved offline"));
        printf("  --order=TEXT      %s\n", _("the attempts of an order"));
        printf("  --card=DIGITS     %s\n", _("the last four of the card's number"));
        printf("  --rrn=TEXT        %s\n", _("the acquirer's reference"));
        printf("  --batch=N         %s\n", _("of a batch"));
        printf("  --limit=N         %s\n", _("how many, 50 unless given"));
        return 0;
}

/* From 1; 0 is none. */
static uint32_t read_count(const char *text) {
        uint64_t n;

        return cli_read_number(text, 999999, &n) < 0 ? 0 : (uint32_t) n;
}

static int read_filter(int argc, char **argv, struct transaction_filter *f) {
        enum { HELP = 'h', KIND = 1000, RESULT, REVERSAL, FORWARDING, ORDER, CARD, RRN, BATCH, LIMIT };
        static const struct option options[] = {
                { "help", no_argument, NULL, HELP },
                { "kind", required_argument, NULL, KIND },
                { "result", required_argument, NULL, RESULT },
                { "reversal", required_argument, NULL, REVERSAL },
                { "forwarding", required_argument, NULL, FORWARDING },
                { "order", required_argument, NULL, ORDER },
                { "card", required_argument, NULL, CARD },
                { "rrn", required_argument, NULL, RRN },
                { "batch", required_argument, NULL, BATCH },
                { "limit", required_argument, NULL, LIMIT },
                {},
        };
        const char **const texts[] = { &f->kind,  &f->result, &f->reversal, &f->forwarding,
                                       &f->order, &f->last4,  &f->rrn };
        uint32_t *number;
        int k;

        while ((k = getopt_long(argc, argv, "h", options, NULL)) >= 0) {
                if (k == HELP)
                        return -ECANCELED;
                if (k < KIND)
                        return -EINVAL;
                if (k < BATCH) {
                        *texts[k - KIND] = optarg;
                        continue;
                }
                number = k == BATCH ? &f->batch : &f->limit;
                *number = read_count(optarg);
                if (*number == 0) {
                        fprintf(stderr, _("\"%s\" is not a number from 1.\n"), optarg);
                        return -EINVAL;
                }
        }
        return optind == argc ? 0 : -EINVAL;
}

int verb_list(struct cli *cli, int argc, char **argv) {
        struct transaction_filter filter = { .limit = 50 };
        _cleanup_(cJSON_Deletep) cJSON *all = NULL;
        int r;

        r = read_filter(argc, argv, &filter);
        if (r == -ECANCELED)
                return list_help();
        if (r < 0) {
                (void) list_help();
                return EXIT_USAGE;
        }
        r = transaction_search(cli, &filter, &all);
        if (r != 0)
                return r;
        if (cli->json)
                return cli_print_json(all);
        if (cJSON_GetArraySize(all) == 0) {
                printf("%s\n", _("There is no such transaction."));
                return 0;
        }
        return print_list(cli, all, line_length());
}
