// SPDX-License-Identifier: LGPL-2.1-or-later
#include "test.h"

#include "acquirer-fixture.h"

/*
 * Random histories: whatever is asked in whatever order, the simulator says yes and no as the rules here do, which
 * were written apart from its own, and its ledger comes to the same sum. SEED=N replays one.
 */

#define STEPS 150
#define ROWS_MAX (STEPS + 1)

struct row {
        enum host_kind kind;
        struct host_request request;
        struct host_answer answer;
        int64_t amount;
        bool live; /* approved and not reversed */
        struct row *original;
};

static struct row rows[ROWS_MAX];
static size_t n_rows;

static bool is_void(enum host_kind kind) {
        return kind == HOST_VOID || kind == HOST_COMPLETION_VOID || kind == HOST_PREAUTH_VOID;
}

static bool is_voided(const struct row *row) {
        for (size_t i = 0; i < n_rows; i++)
                if (rows[i].live && rows[i].original == row && is_void(rows[i].kind))
                        return true;
        return false;
}

/* What of a kind stands on a row; in sum, or -1 when there is nothing. */
static int64_t standing(const struct row *row, enum host_kind kind) {
        int64_t sum = -1;

        for (size_t i = 0; i < n_rows; i++)
                if (rows[i].live && rows[i].original == row && rows[i].kind == kind && !is_voided(rows + i))
                        sum = MAX(sum, (int64_t) 0) + rows[i].amount;
        return sum;
}

static bool may_be_about(enum host_kind kind, const struct row *row) {
        switch (kind) {
        case HOST_VOID:
                return row->kind == HOST_SALE;
        case HOST_COMPLETION_VOID:
                return row->kind == HOST_COMPLETION;
        case HOST_COMPLETION:
        case HOST_PREAUTH_VOID:
                return row->kind == HOST_PREAUTH;
        case HOST_REFUND:
                return row->kind == HOST_SALE || row->kind == HOST_COMPLETION;
        default:
                return row->kind == HOST_SALE;
        }
}

static bool is_allowed(enum host_kind kind, const struct row *row, int64_t amount) {
        if (!row->live || is_voided(row) || !may_be_about(kind, row))
                return false;
        switch (kind) {
        case HOST_REFUND:
                return amount + MAX(standing(row, HOST_REFUND), (int64_t) 0) <= row->amount;
        case HOST_COMPLETION:
                return standing(row, HOST_COMPLETION) < 0 && amount * 100 <= row->amount * 115;
        case HOST_TIP:
                return standing(row, HOST_TIP) < 0 && standing(row, HOST_REFUND) < 0;
        case HOST_PREAUTH_VOID:
                return amount == row->amount && standing(row, HOST_COMPLETION) < 0;
        default:
                return amount == row->amount && standing(row, HOST_REFUND) < 0 && standing(row, HOST_TIP) < 0;
        }
}

static int64_t charged(void) {
        int64_t sum = 0;

        for (size_t i = 0; i < n_rows; i++)
                switch (rows[i].live ? rows[i].kind : HOST_BALANCE) {
                case HOST_SALE:
                case HOST_COMPLETION:
                case HOST_TIP:
                        sum += rows[i].amount;
                        break;
                case HOST_VOID:
                case HOST_COMPLETION_VOID:
                case HOST_REFUND:
                        sum -= rows[i].amount;
                        break;
                default:
                        break;
                }
        return sum;
}

static int64_t held(void) {
        int64_t sum = 0;

        for (size_t i = 0; i < n_rows; i++)
                if (rows[i].live && rows[i].kind == HOST_PREAUTH && !is_voided(rows + i) &&
                    standing(rows + i, HOST_COMPLETION) < 0)
                        sum += rows[i].amount;
        return sum;
}

static struct row *any_row(void) {
        return rows + (size_t) rand() % n_rows;
}

static int64_t likely_amount(const struct row *row) {
        switch (rand() % 6) {
        case 0:
                return row->amount + 1;
        case 1:
                return row->amount / 2 + 1;
        case 2:
                return row->amount * 115 / 100;
        case 3:
                return row->amount * 115 / 100 + 1;
        default:
                return row->amount;
        }
}

static struct host_request about_row(enum host_kind kind, const struct row *row, int64_t amount) {
        const struct booked b = { row->request, row->answer };

        return about(kind, &b, amount);
}

/* Asks, and writes down what was answered when it was as foreseen. */
static void ask(const struct host_request *q, struct row *original, bool allowed) {
        struct outcome o = exchange(q, LONG);

        assert_int_equal(o.outcome, HOST_ANSWERED);
        if (streq(o.answer.code, "00") != allowed)
                fail_msg("%s of %lld about %s of %lld is answered %s", host_kind_name(q->kind), (long long) q->amount,
                         original ? host_kind_name(original->kind) : "-", original ? (long long) original->amount : 0,
                         o.answer.code);
        if (allowed)
                rows[n_rows++] = (struct row){ .kind = q->kind,
                                               .request = *q,
                                               .answer = o.answer,
                                               .amount = q->amount,
                                               .live = true,
                                               .original = original };
}

static void ask_anew(void) {
        struct host_request q = card_request(rand() % 3 > 0 ? HOST_SALE : HOST_PREAUTH, 1 + rand() % 10000);

        ask(&q, NULL, true);
}

static void ask_about(void) {
        static const enum host_kind kinds[] = { HOST_VOID,       HOST_REFUND,          HOST_PREAUTH_VOID,
                                                HOST_COMPLETION, HOST_COMPLETION_VOID, HOST_TIP };
        enum host_kind kind = kinds[(size_t) rand() % ELEMENTSOF(kinds)];
        struct row *row = any_row();

        /* Mostly something that makes sense. */
        for (unsigned i = 0; i < 20 && !may_be_about(kind, row); i++)
                row = any_row();
        struct host_request q = about_row(kind, row, likely_amount(row));
        ask(&q, row, is_allowed(kind, row, q.amount));
}

/* One that is old as well as the last: what stands on it must go first. */
static void take_back(void) {
        struct row *row = rand() % 2 ? rows + n_rows - 1 : any_row();
        const char *code = "00";

        if (!P->kinds[row->kind].reversal)
                return;
        if (is_voided(row))
                code = "12";
        else if (standing(row, HOST_REFUND) >= 0 || standing(row, HOST_TIP) >= 0 ||
                 standing(row, HOST_COMPLETION) >= 0)
                code = "64";
        struct host_request q = reversal(&row->request, HOST_REASON_NOT_COMPLETED);
        assert_code(&q, code);
        if (streq(code, "00"))
                row->live = false;
}

static void histories(void **state) {
        const char *seed = getenv("SEED");
        unsigned number = seed ? (unsigned) strtoul(seed, NULL, 10) : (unsigned) time(NULL);

        print_message("# SEED=%u\n", number);
        srand(number);
        sign_on();
        ask_anew();
        for (unsigned i = 0; i < STEPS && n_rows < ROWS_MAX; i++) {
                switch (rand() % 8) {
                case 0:
                case 1:
                        ask_anew();
                        break;
                case 2:
                        take_back();
                        break;
                default:
                        ask_about();
                        break;
                }
                assert_charged(charged());
                assert_int_equal(ledger_figure("held"), held());
                assert_true(charged() >= 0);
        }
}

int main(void) {
        const struct CMUnitTest tests[] = {
                TEST(histories),
        };

        signal(SIGPIPE, SIG_IGN);
        return cmocka_run_group_tests_name("sim-acquirer-history", tests, make_directory, remove_directory);
}
