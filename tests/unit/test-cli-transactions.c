// SPDX-License-Identifier: LGPL-2.1-or-later
#include "test.h"

/* The verbs of tillctl about transactions: what they ask tilld for, and what they show. */

#include <fcntl.h>
#include <locale.h>
#include <sys/mman.h>

#include "daemon/cli/cli.c"
#include "daemon/cli/transaction.c"
#include "daemon/cli/transactions.c"

/* What the verbs start and look for is caught. */
static struct transaction_call asked;
static const char *originals;
static char looked_for[64];

static int fake_follow(struct cli *cli, struct transaction_call *call) {
        asked = *call;
        if (call->original)
                asked.original = strcpy(looked_for, call->original);
        if (call->currency)
                asked.currency = currency_find(call->currency) ? currency_find(call->currency)->code : "";
        return 0;
}

static int fake_find(struct cli *cli, const char *name, cJSON **ret) {
        *ret = cJSON_Parse(originals);
        assert_non_null(*ret);
        return 0;
}

#define transaction_follow fake_follow
#define transaction_find fake_find
#define help kinds_help
#include "daemon/cli/kinds.c"
#undef transaction_follow
#undef transaction_find
#undef help

/* Its words, as main() gives them. */
static int split(const char *line, char *argv[static 16]) {
        static char copy[256];
        char *rest = copy;
        int argc = 0;

        assert_true(strlen(line) < sizeof(copy));
        strcpy(copy, line);
        while ((argv[argc] = strsep(&rest, " ")))
                argc++;
        optind = 0;
        return argc;
}

static int call(const char *line) {
        struct cli cli = { .json = true };
        char *argv[16];
        int argc = split(line, argv);

        memset(&asked, 0, sizeof(asked));
        return verb_kind(&cli, argc, argv);
}

#define ORIGINAL(kind)                                                                                                \
        "{\"Kind\":\"" kind "\",\"Amount\":1250,\"Currency\":\"JPY\",\"Path\":\"/org/tilld1/transaction/7\"}"

static void assert_asked(const char *kind, int64_t amount, const char *currency, const char *original) {
        assert_string_equal(asked.kind, kind);
        assert_int_equal(asked.amount, amount);
        assert_string_equal(asked.currency, currency);
        if (original)
                assert_string_equal(asked.original, original);
        else
                assert_null(asked.original);
}

static void what_each_verb_starts(void **state) {
        const char *original = "/org/tilld1/transaction/7";

        assert_int_equal(call("sale 12.50 --order=O-1 --reference=R-1 --training"), 0);
        assert_asked("sale", 1250, "CNY", NULL);
        assert_true(asked.training);
        assert_int_equal(call("preauth 12 USD"), 0);
        assert_asked("pre-authorization", 1200, "USD", NULL);
        assert_int_equal(call("offline-sale 5 --code=A12345"), 0);
        assert_asked("offline-sale", 500, "CNY", NULL);
        assert_string_equal(asked.authorization_code, "A12345");
        assert_int_equal(call("balance"), 0);
        assert_asked("balance", 0, "CNY", NULL);
        assert_int_equal(call("sign-on"), 0);
        assert_asked("sign-on", 0, "", NULL);
        assert_int_equal(call("settle"), 0);
        assert_asked("settlement", 0, "", NULL);

        originals = ORIGINAL("sale");
        assert_int_equal(call("void 000012"), 0);
        assert_asked("void", 1250, "JPY", original);
        assert_int_equal(call("refund R-1"), 0);
        assert_asked("refund", 1250, "JPY", original);
        assert_int_equal(call("refund R-1 300"), 0);
        assert_asked("refund", 300, "JPY", original);
        assert_int_equal(call("tip R-1 30"), 0);
        assert_asked("tip", 30, "JPY", original);
        originals = ORIGINAL("completion");
        assert_int_equal(call("void R-1"), 0);
        assert_asked("completion-void", 1250, "JPY", original);
        originals = ORIGINAL("pre-authorization");
        assert_int_equal(call("void R-1"), 0);
        assert_asked("pre-authorization-void", 1250, "JPY", original);
        assert_int_equal(call("complete R-1 1300"), 0);
        assert_asked("completion", 1300, "JPY", original);
}

static void wrong_calls_start_nothing(void **state) {
        static const char *const lines[] = {
                "sale",          "sale 12.505", "sale 12 XXX",  "sale 1 CNY 2",
                "void",          "void R-1 12", "refund",       "balance 5",
                "sign-on CNY",   "sale -- -5",  "refund R-1 x", "sale 1 --application=0",
                "refund R-1 .5", "tip R-1",
        };
        int out = dup(STDERR_FILENO), null = open("/dev/null", O_WRONLY | O_CLOEXEC);

        originals = ORIGINAL("sale");
        assert_true(dup2(null, STDERR_FILENO) >= 0);
        for (size_t i = 0; i < ELEMENTSOF(lines); i++) {
                int r = call(lines[i]);

                if (r != EXIT_USAGE || asked.kind)
                        fail_msg("%s: %d", lines[i], r);
        }
        assert_true(dup2(out, STDERR_FILENO) >= 0);
        close(null);
        close(out);
}

/* ---- Output ---- */

static char text[8192];

static int catch_start(int *ret_out) {
        int file = memfd_create("out", MFD_CLOEXEC);

        fflush(stdout);
        *ret_out = dup(STDOUT_FILENO);
        assert_true(*ret_out >= 0 && file >= 0 && dup2(file, STDOUT_FILENO) >= 0);
        return file;
}

static void catch_end(int file, int out) {
        ssize_t n;

        fflush(stdout);
        assert_true(dup2(out, STDOUT_FILENO) >= 0);
        n = pread(file, text, sizeof(text) - 1, 0);
        assert_true(n > 0);
        text[n] = '\0';
        close(file);
        close(out);
}

static void print_rows(const char *rows, int line) {
        _cleanup_(cJSON_Deletep) cJSON *all = cJSON_Parse(rows);
        const struct cli cli = {};
        int out, file;

        assert_non_null(all);
        file = catch_start(&out);
        assert_int_equal(print_list(&cli, all, line), 0);
        catch_end(file, out);
}

#define ROW(kind, amount, reference, result)                                                                          \
        "{\"Kind\":\"" kind "\",\"Amount\":" amount ",\"Currency\":\"CNY\",\"Reference\":\"" reference                \
        "\",\"Result\":\"" result "\",\"State\":\"done\",\"Voucher\":12,\"Started\":1779285791000000}"

static void short_lists(void **state) {
        print_rows("[" ROW("sale", "1250", "ORDER-7-A", "approved") "," ROW("echo", "0", "E", "failed") "]", 80);
        assert_string_equal(text, "VOUCHER TIME        KIND AMOUNT    REFERENCE RESULT\n"
                                  "000012  05-20 14:03 sale 12.50 CNY ORDER-7-A Approved\n"
                                  "000012  05-20 14:03 echo           E         Not done\n");
}

#define REFERENCE64 "0123456789012345678901234567890123456789012345678901234567890123"

static void long_references_give_way(void **state) {
        const char *rows = "[" ROW("pre-authorization-void", "1285000", REFERENCE64, "unconfirmed") "]";
        char *line = text, *end;

        print_rows(rows, 80);
        assert_non_null(strstr(text, "pre-authorization-void 12850.00 CNY 0123456789"));
        assert_non_null(strstr(text, "… Unconfirmed\n"));
        for (; (end = strchr(line, '\n')); line = end + 1) {
                *end = '\0';
                assert_in_range(wrap_width(line), 40, 80);
        }
        /* A program gets them whole. */
        print_rows(rows, 0);
        assert_non_null(strstr(text, REFERENCE64 " Unconfirmed\n"));
}

static void all_of_one(void **state) {
        _cleanup_(cJSON_Deletep) cJSON *t = cJSON_Parse(
                "{\"Kind\":\"refund\",\"Amount\":1250,\"Currency\":\"CNY\",\"Reference\":\"R-1\",\"State\":\"done\","
                "\"Path\":\"/org/tilld1/transaction/9\",\"Started\":1779285791000000,\"Ended\":1779285792000000,"
                "\"Result\":\"unconfirmed\",\"Reason\":\"unconfirmed\",\"Message\":\"Ask.\",\"Approver\":\"uid 0\","
                "\"Reversal\":\"none\",\"Forwarding\":\"none\",\"MaskedPan\":\"620000******0005\",\"Stan\":14,"
                "\"Batch\":1,\"Voucher\":0,\"Printing\":\"printed\",\"HasBalance\":false,\"Prompt\":\"\"}");
        const struct cli cli = {};
        int out, file;

        assert_non_null(t);
        file = catch_start(&out);
        print_one(&cli, t);
        catch_end(file, out);
        assert_string_equal(text, "Unconfirmed  refund  12.50 CNY\n"
                                  "Ask.\n"
                                  "  path                /org/tilld1/transaction/9\n"
                                  "  reference           R-1\n"
                                  "  state               done\n"
                                  "  reason              unconfirmed\n"
                                  "  started             2026-05-20 14:03:11\n"
                                  "  ended               2026-05-20 14:03:12\n"
                                  "  approver            uid 0\n"
                                  "  card                620000******0005\n"
                                  "  STAN                000014\n"
                                  "  batch               000001\n"
                                  "  receipt             printed\n");
}

static void vouchers_are_six_digits_at_most(void **state) {
        assert_int_equal(voucher_number("000012"), 12);
        assert_int_equal(voucher_number("12"), 12);
        assert_int_equal(voucher_number("0000012"), 0);
        assert_int_equal(voucher_number("12a"), 0);
        assert_int_equal(voucher_number("-12"), 0);
        assert_int_equal(voucher_number("000000"), 0);
}

static int filter_of(const char *line, struct transaction_filter *ret) {
        char *argv[16];
        int argc = split(line, argv);

        *ret = (struct transaction_filter){ .limit = 50 };
        return read_filter(argc, argv, ret);
}

static void what_is_looked_for(void **state) {
        static const char *const wrong[] = { "list 5", "list --batch=0", "list --limit=x", "list --limit=-1" };
        struct transaction_filter f;

        assert_int_equal(filter_of("list", &f), 0);
        assert_int_equal(f.limit, 50);
        assert_null(f.kind);
        assert_int_equal(filter_of("list --help", &f), -ECANCELED);
        for (size_t i = 0; i < ELEMENTSOF(wrong); i++)
                assert_int_equal(filter_of(wrong[i], &f), -EINVAL);
        assert_int_equal(filter_of("list --batch=7", &f), 0);
        assert_int_equal(f.batch, 7);
        assert_int_equal(filter_of("list --kind=void --result=approved --reversal=done --forwarding=none --order=O "
                                   "--card=0005 --rrn=12",
                                   &f),
                         0);
        assert_string_equal(f.kind, "void");
        assert_string_equal(f.result, "approved");
        assert_string_equal(f.reversal, "done");
        assert_string_equal(f.forwarding, "none");
        assert_string_equal(f.order, "O");
        assert_string_equal(f.last4, "0005");
        assert_string_equal(f.rrn, "12");
        assert_int_equal(filter_of("list --limit=3", &f), 0);
        assert_int_equal(f.limit, 3);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(what_each_verb_starts),
                cmocka_unit_test(wrong_calls_start_nothing),
                cmocka_unit_test(short_lists),
                cmocka_unit_test(long_references_give_way),
                cmocka_unit_test(all_of_one),
                cmocka_unit_test(vouchers_are_six_digits_at_most),
                cmocka_unit_test(what_is_looked_for),
        };

        setenv("TZ", "UTC", 1);
        (void) setlocale(LC_ALL, "C.UTF-8");
        return cmocka_run_group_tests_name("tillctl: transactions", tests, NULL, NULL);
}
