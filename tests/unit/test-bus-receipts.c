// SPDX-License-Identifier: LGPL-2.1-or-later
/* org.tilld1.Receipts over a connection: which paper a caller has who does not say which. */
#include "bus-fixture.h"

#include <stdarg.h>
#include <sys/stat.h>

#include "bus/receipts.h"
#include "journal/connection.h"
#include "journal/fault.h"
#include "base/card-number.h"

static int setup(void **state) {
        bus_set_up();
        assert_true(receipts_register(bus.server) >= 0);
        return 0;
}

/* A transaction with the papers that it had at its end. */
static void add(const char *reference, const char *kind, enum transaction_result result, const enum slip_paper *papers,
                size_t n) {
        struct transaction_record record;

        transaction_record_init(&record);
        COPY(record.reference, reference);
        COPY(record.kind, kind);
        COPY(record.currency, "CNY");
        record.amount = 100;
        record.state = TRANSACTION_DONE;
        record.result = result;
        assert_int_equal(journal_begin(shop.journal, JOURNAL_LAZY), 0);
        assert_int_equal(transaction_record_insert(shop.journal, &record), 0);
        for (size_t i = 0; i < n; i++)
                assert_int_equal(paper_queue(shop.engine, &record, papers[i]), 0);
        assert_int_equal(journal_commit(shop.journal), 0);
}

/* The text, or the error's last word. */
static const char *text_of(const char *reference) {
        sd_bus_message *m;
        const char *text;

        bus.answered = false;
        bus.reply = sd_bus_message_unref(bus.reply);
        assert_true(sd_bus_message_new_method_call(bus.client, &m, NULL, SERVER_PATH, "org.tilld1.Receipts",
                                                   "GetText") >= 0);
        assert_true(sd_bus_message_append(m, "a{sv}", 1, "reference", "s", reference) >= 0);
        assert_true(sd_bus_call_async(bus.client, NULL, m, on_reply, NULL, 200 * USEC_PER_SEC) >= 0);
        sd_bus_message_unref(m);
        wait_for_answer();
        if (*bus.error)
                return strrchr(bus.error, '.') + 1;
        assert_true(sd_bus_message_read(bus.reply, "s", &text) >= 0);
        return text;
}

static void assert_paper(const char *reference, const char *title) {
        const char *text = text_of(reference);

        if (!strstr(text, title))
                fail_msg("%s: \"%s\" is not in:\n%s", reference, title, text);
}

static void the_paper_that_there_is(void **state) {
        static const enum slip_paper both[] = { SLIP_MERCHANT_COPY, SLIP_CARDHOLDER_COPY };
        static const enum slip_paper not_completed[] = { SLIP_NOT_COMPLETED }, settlement[] = { SLIP_SETTLEMENT };

        add("sale", "sale", RESULT_APPROVED, both, 2);
        add("refund", "refund", RESULT_UNCONFIRMED, not_completed, 1);
        add("settlement", "settlement", RESULT_APPROVED, settlement, 1);
        add("balance", "balance", RESULT_APPROVED, NULL, 0);
        assert_paper("sale", "CARDHOLDER COPY");
        assert_paper("refund", "NOT COMPLETED");
        assert_paper("settlement", "SETTLEMENT");
        assert_paper("balance", "NotFound");
        assert_paper("other", "NotFound");
}

/* Where cardholders have no copy. */
static void the_merchants_copy(void **state) {
        static const enum slip_paper merchant[] = { SLIP_MERCHANT_COPY };
        struct receipt_style style = *receipt_style_default();

        style.cardholder_copy = false;
        shop.settings.style = &style;
        add("sale", "sale", RESULT_APPROVED, merchant, 1);
        assert_paper("sale", "MERCHANT COPY");
}

/* What there was at the end of the sale counts, not what the layout says now. */
static void the_copies_of_the_time(void **state) {
        static const enum slip_paper both[] = { SLIP_MERCHANT_COPY, SLIP_CARDHOLDER_COPY };
        struct receipt_style style = *receipt_style_default();

        add("both", "sale", RESULT_APPROVED, both, 2);
        add("merchant", "sale", RESULT_APPROVED, both, 1);
        assert_paper("merchant", "MERCHANT COPY");
        style.cardholder_copy = false;
        shop.settings.style = &style;
        assert_paper("both", "CARDHOLDER COPY");
}

/* The error's last word, "" for an answer, which is at bus.reply. */
static const char *ask(const char *method, const char *types, ...) {
        sd_bus_message *m;
        va_list ap;

        bus.answered = false;
        bus.reply = sd_bus_message_unref(bus.reply);
        assert_true(sd_bus_message_new_method_call(bus.client, &m, NULL, SERVER_PATH, "org.tilld1.Receipts", method) >=
                    0);
        va_start(ap, types);
        assert_true(sd_bus_message_appendv(m, types, ap) >= 0);
        va_end(ap);
        assert_true(sd_bus_call_async(bus.client, NULL, m, on_reply, NULL, 200 * USEC_PER_SEC) >= 0);
        sd_bus_message_unref(m);
        wait_for_answer();
        return *bus.error ? strrchr(bus.error, '.') + 1 : "";
}

static struct print_job answered_job(void) {
        struct print_job job;
        uint64_t id;

        assert_true(sd_bus_message_read(bus.reply, "t", &id) >= 0);
        assert_int_equal(print_job_load(shop.journal, (int64_t) id, &job), 0);
        return job;
}

/* The last one, by number, by reference, of a batch; each with its number and who it was. */
static void again(void **state) {
        static const enum slip_paper both[] = { SLIP_MERCHANT_COPY, SLIP_CARDHOLDER_COPY };
        _cleanup_(print_job_done) struct print_job first = {}, second = {};

        assert_string_equal(ask("Reprint", "a{sv}", 0), "NotFound");
        add("sale", "sale", RESULT_APPROVED, both, 2);
        shop_log_on("01");
        assert_string_equal(ask("Reprint", "a{sv}", 1, "job", "t", UINT64_C(1)), "");
        assert_string_equal(bus.action, "org.tilld1.reprint");
        first = answered_job();
        assert_string_equal(first.what, "merchant-copy");
        assert_int_equal(first.original, 1);
        assert_int_equal(first.reprint, 1);
        assert_int_equal(first.asker.uid, 1000);
        assert_string_equal(first.asker.operator_id, "01");
        assert_string_equal(ask("Reprint", "a{sv}", 2, "reference", "s", "sale", "copy", "s", "merchant"), "");
        second = answered_job();
        assert_int_equal(second.original, 1);
        assert_int_equal(second.reprint, 2);
        assert_string_equal(ask("Reprint", "a{sv}", 1, "job", "t", UINT64_MAX), "NotFound");
        assert_string_equal(ask("Reprint", "a{sv}", 1, "settlement", "u", 7), "NotFound");
        assert_string_equal(ask("Reprint", "a{sv}", 1, "face", "s", "text"), "UnknownOption");
        bus.refuse = "org.tilld1.reprint";
        assert_string_equal(ask("Reprint", "a{sv}", 0), "AccessDenied");
}

/* What a program has left empty is not the last paper, and what it says twice is not half of it. */
static void named_wrongly(void **state) {
        static const enum slip_paper both[] = { SLIP_MERCHANT_COPY, SLIP_CARDHOLDER_COPY };

        add("sale", "sale", RESULT_APPROVED, both, 2);
        assert_string_equal(ask("Reprint", "a{sv}", 1, "reference", "s", ""), "NotFound");
        assert_string_equal(ask("Reprint", "a{sv}", 1, "job", "t", UINT64_C(0)), "NotFound");
        assert_string_equal(ask("Reprint", "a{sv}", 1, "settlement", "u", 0), "NotFound");
        assert_string_equal(ask("Reprint", "a{sv}", 2, "job", "t", UINT64_C(1), "reference", "s", "x"),
                            "UnknownOption");
        assert_string_equal(ask("Reprint", "a{sv}", 2, "job", "t", UINT64_C(1), "copy", "s", "both"), "UnknownOption");
        assert_string_equal(ask("Reprint", "a{sv}", 2, "settlement", "u", 1, "copy", "s", "merchant"),
                            "UnknownOption");
        assert_string_equal(ask("Reprint", "a{sv}", 2, "settlement", "u", 1, "reference", "s", "sale"),
                            "UnknownOption");
        assert_int_equal(print_job_count_open(shop.journal), 2);
        assert_string_equal(ask("Print", "a{sv}", 1, "paper", "s", "declined"), "InvalidReference");
        assert_non_null(strstr(bus.text, "\"reference\""));
}

/* The newest transaction's, whatever a checkout has printed since, and of older ones again. */
static void the_last_one(void **state) {
        static const enum slip_paper both[] = { SLIP_MERCHANT_COPY, SLIP_CARDHOLDER_COPY };
        _cleanup_(print_job_done) struct print_job job = {};

        add("first", "sale", RESULT_APPROVED, both, 2);
        add("second", "sale", RESULT_APPROVED, both, 2);
        for (int i = 0; i < 110; i++)
                assert_string_equal(ask("PrintText", "sa{sv}", "tea", 0), "");
        assert_string_equal(ask("Reprint", "a{sv}", 1, "reference", "s", "first"), "");
        assert_string_equal(ask("Reprint", "a{sv}", 0), "");
        job = answered_job();
        assert_int_equal(job.original, 4);
}

/* As an fd whose content nobody changes any more, and as a file. */
static void faces(void **state) {
        static const enum slip_paper both[] = { SLIP_MERCHANT_COPY, SLIP_CARDHOLDER_COPY };
        char text[4096] = "", folder[64];
        const char *path;
        struct stat st;
        int fd;

        add("sale", "sale", RESULT_APPROVED, both, 2);
        assert_string_equal(ask("Get", "a{sv}", 0), "");
        assert_true(sd_bus_message_read(bus.reply, "h", &fd) >= 0);
        assert_true(read(fd, text, sizeof(text) - 1) > 0);
        assert_non_null(strstr(text, "CARDHOLDER COPY"));
        assert_int_equal(write(fd, "x", 1), -1);
        assert_string_equal(ask("Get", "a{sv}", 1, "face", "s", "escpos"), "");
        assert_true(sd_bus_message_read(bus.reply, "h", &fd) >= 0);
        assert_int_equal(read(fd, text, 2), 2);
        assert_memory_equal(text, "\x1b@", 2);
        assert_string_equal(ask("Get", "a{sv}", 1, "face", "s", "jpeg"), "UnknownOption");
        /* Nobody draws here. */
        assert_string_equal(ask("Get", "a{sv}", 1, "face", "s", "png"), "NotReady");
        assert_non_null(strstr(bus.text, "till-render"));
        assert_string_equal(ask("Save", "a{sv}", 1, "job", "t", UINT64_C(1)), "");
        assert_true(sd_bus_message_read(bus.reply, "s", &path) >= 0);
        assert_non_null(strstr(path, "/receipts/receipt-1.txt"));
        assert_int_equal(stat(path, &st), 0);
        assert_int_equal(st.st_mode & 0777, 0600);
        snprintf(folder, sizeof(folder), "%s/receipts", shop.dir);
        for (int i = 0; i < 120; i++) {
                const struct timespec times[2] = { { .tv_sec = 2000 - i }, { .tv_sec = 2000 - i } };
                char other[128];

                snprintf(other, sizeof(other), "%s/receipt-%d.txt", folder, 1000 + i);
                fd = open(other, O_CREAT | O_WRONLY | O_CLOEXEC, 0600);
                assert_true(fd >= 0);
                assert_int_equal(futimens(fd, times), 0);
                close(fd);
        }
        /* The oldest files go, and never the one whose path is returned, of whatever job. */
        assert_string_equal(ask("Save", "a{sv}", 1, "job", "t", UINT64_C(2)), "");
        assert_true(sd_bus_message_read(bus.reply, "s", &path) >= 0);
        assert_int_equal(stat(path, &st), 0);
        assert_int_equal(stat(strcat(strcpy(text, folder), "/receipt-1.txt"), &st), 0);
        assert_int_equal(stat(strcat(strcpy(text, folder), "/receipt-1000.txt"), &st), 0);
        assert_int_equal(stat(strcat(strcpy(text, folder), "/receipt-1097.txt"), &st), 0);
        assert_int_equal(stat(strcat(strcpy(text, folder), "/receipt-1098.txt"), &st), -1);
}

/* Papers of the terminal itself. */
static void other_papers(void **state) {
        static const char *const papers[] = { "test-page", "diagnostics", "transaction-list" };
        static const char *const says[] = { "TEST PAGE", "OPEN FAULTS", "TRANSACTION LIST" };

        add("sale", "sale", RESULT_APPROVED, NULL, 0);
        add("declined", "sale", RESULT_DECLINED, NULL, 0);
        for (size_t i = 0; i < ELEMENTSOF(papers); i++) {
                _cleanup_(print_job_done) struct print_job job = {};
                const char *text;

                assert_string_equal(ask("Print", "a{sv}", 1, "paper", "s", papers[i]), "");
                assert_string_equal(bus.action, "org.tilld1.print");
                job = answered_job();
                assert_string_equal(job.what, papers[i]);
                assert_string_equal(ask("GetText", "a{sv}", 1, "job", "t", (uint64_t) job.id), "");
                assert_true(sd_bus_message_read(bus.reply, "s", &text) >= 0);
                assert_non_null(strstr(text, says[i]));
        }
        assert_string_equal(ask("Print", "a{sv}", 2, "paper", "s", "declined", "reference", "s", "declined"), "");
        assert_string_equal(ask("Print", "a{sv}", 2, "paper", "s", "declined", "reference", "s", "declined"),
                            "TooLate");
        assert_string_equal(ask("Print", "a{sv}", 2, "paper", "s", "declined", "reference", "s", "sale"), "NotReady");
        assert_string_equal(ask("Print", "a{sv}", 2, "paper", "s", "merchant-copy", "reference", "s", "declined"),
                            "NotReady");
        assert_string_equal(ask("Print", "a{sv}", 1, "paper", "s", "settlement"), "UnknownOption");
        assert_string_equal(ask("Print", "a{sv}", 2, "paper", "s", "test-page", "reference", "s", "sale"),
                            "UnknownOption");
        assert_string_equal(ask("Print", "a{sv}", 2, "paper", "s", "test-page", "batch", "u", 1), "UnknownOption");
        assert_string_equal(ask("Print", "a{sv}", 2, "paper", "s", "transaction-list", "batch", "u", 77), "NotFound");
        assert_string_equal(ask("Reprint", "a{sv}", 1, "job", "t", UINT64_C(1)), "");
}

static const char *printed_text(void) {
        _cleanup_(print_job_done) struct print_job job = answered_job();
        const char *text;

        assert_string_equal(ask("GetText", "a{sv}", 1, "job", "t", (uint64_t) job.id), "");
        assert_true(sd_bus_message_read(bus.reply, "s", &text) >= 0);
        return text;
}

/* As many as there are, and what is not on the paper is said, too. */
static void many_faults(void **state) {
        const char *text;

        assert_int_equal(journal_begin(shop.journal, JOURNAL_LAZY), 0);
        for (int i = 0; i < 53; i++) {
                struct fault_record fault = { .code = "printer-paper", .class = "hardware", .severity = "error" };

                (void) snprintf(fault.subject, sizeof(fault.subject), "printer %d", i);
                assert_int_equal(fault_record_open(shop.journal, &fault), 1);
        }
        assert_int_equal(journal_commit(shop.journal), 0);
        assert_string_equal(ask("Print", "a{sv}", 1, "paper", "s", "diagnostics"), "");
        text = printed_text();
        assert_non_null(strstr(text, " 53\n"));
        assert_non_null(strstr(text, "printer 52\n"));
        assert_null(strstr(text, "printer 2\n"));
        assert_non_null(strstr(text, "另有 3 项 AND 3 MORE\n"));
}

/* It says whether to pay again, and is printed again as any other. */
static void declined(void **state) {
        static const struct {
                enum reversal_state reversal;
                const char *says;
        } papers[] = {
                { REVERSAL_NONE, "NOTHING WAS CHARGED" },
                { REVERSAL_PENDING, "IS BEING REVERSED" },
                { REVERSAL_DONE, "WAS REVERSED" },
                { REVERSAL_REJECTED, "RESULT NOT YET KNOWN" },
                { REVERSAL_RESOLVED, "RESULT NOT YET KNOWN" },
        };

        for (size_t i = 0; i < ELEMENTSOF(papers); i++) {
                const char reference[] = { (char) ('a' + i), '\0' };
                struct transaction_record record;
                const char *text;

                add(reference, "sale", RESULT_DECLINED, NULL, 0);
                assert_int_equal(transaction_record_find(shop.journal, reference, &record), 0);
                record.reversal = papers[i].reversal;
                assert_int_equal(journal_begin(shop.journal, JOURNAL_LAZY), 0);
                assert_int_equal(transaction_record_update(shop.journal, &record), 0);
                assert_int_equal(journal_commit(shop.journal), 0);
                assert_string_equal(text_of(reference), "NotFound");
                assert_string_equal(ask("Print", "a{sv}", 2, "paper", "s", "declined", "reference", "s", reference),
                                    "");
                text = printed_text();
                if (!strstr(text, papers[i].says))
                        fail_msg("%s is not in:\n%s", papers[i].says, text);
                assert_paper(reference, "DECLINED");
                assert_string_equal(ask("Print", "a{sv}", 2, "paper", "s", "declined", "reference", "s", reference),
                                    "TooLate");
                assert_string_equal(ask("Reprint", "a{sv}", 1, "reference", "s", reference), "");
                assert_non_null(strstr(printed_text(), "DUPLICATED"));
        }
}

/* What moves no money has no slip of a sale. */
static void no_payment(void **state) {
        static const char *const kinds[] = { "balance", "settlement", "echo" };
        static const char *const papers[] = { "merchant-copy", "cardholder-copy" };

        for (size_t i = 0; i < ELEMENTSOF(kinds); i++) {
                add(kinds[i], kinds[i], RESULT_APPROVED, NULL, 0);
                for (size_t k = 0; k < ELEMENTSOF(papers); k++) {
                        assert_string_equal(
                                ask("Print", "a{sv}", 2, "paper", "s", papers[k], "reference", "s", kinds[i]),
                                "NotReady");
                        assert_non_null(strstr(bus.text, "no payment"));
                }
        }
        add("declined", "balance", RESULT_DECLINED, NULL, 0);
        assert_string_equal(ask("Print", "a{sv}", 2, "paper", "s", "declined", "reference", "s", "declined"),
                            "NotReady");
}

static void texts(void **state) {
        _cleanup_(print_job_done) struct print_job job = {};
        const char *text;

        assert_string_equal(
                ask("PrintText", "sa{sv}", "Table 7\n\x1b@ x2 茶\n6901234567892 2 5.00", 1, "size", "s", "large"), "");
        job = answered_job();
        assert_string_equal(job.what, "text");
        assert_string_equal(ask("GetText", "a{sv}", 1, "job", "t", (uint64_t) job.id), "");
        assert_true(sd_bus_message_read(bus.reply, "s", &text) >= 0);
        assert_non_null(strstr(text, "TEST"));
        assert_non_null(strstr(text, "Table 7"));
        assert_non_null(strstr(text, "茶"));
        assert_null(strchr(text, 0x1b));
        assert_string_equal(ask("PrintText", "sa{sv}", "", 0), "InvalidNote");
        assert_string_equal(ask("PrintText", "sa{sv}", "6222 0212 3456 7894", 0), "InvalidNote");
        assert_string_equal(ask("PrintText", "sa{sv}", "x", 1, "size", "s", "huge"), "UnknownOption");
}

/* Card numbers as people and programs write them, and what a checkout's slips are full of. */
static void card_numbers(void **state) {
        static const char *const numbers[] = {
                "6212340212345673",
                "6212 3402 1234 5673",
                "6212  3402 - 1234\t5673",
                "card:6212-3402-1234-5673.",
                "6212\x01"
                "3402\x02"
                "12345673",
                "6212\xe2\x80\x8b"
                "340212345673", /* a blank of no width */
                "６２１２３４０２１２３４５６７３",
                "６２１２　３４０２　１２３４　５６７３",
                "6212\xc2\xa0"
                "3402\xe2\x80\x93"
                "1234 5673",
                "6 2 1 2 3 4 0 2 1 2 3 4 5 6 7 3",
                "2223000048400011",
                "2720 9900 0000 0007",
                "4222222222222",
                "36148900647913",
                "3782 822463 10005",
                "621234 1234567890122",
                "12 6212 3402 1234 5673 3",
        };
        static const char *const others[] = {
                "6901234567892",          /* EAN-13, right by Luhn */
                "3614890064798",          /* the same */
                "3 6901234567896 2 5.00", /* with a quantity it would be one */
                "2026112208151234561",    "6212 3402\n1234 5673", "6212 3402 1234 5674",
                "62123402123456731234",   "021 6234 5678",
        };

        for (size_t i = 0; i < ELEMENTSOF(numbers); i++)
                if (!text_has_card_number(numbers[i]))
                        fail_msg("not seen: %s", numbers[i]);
        for (size_t i = 0; i < ELEMENTSOF(others); i++)
                if (text_has_card_number(others[i]))
                        fail_msg("no card number: %s", others[i]);
        assert_string_equal(ask("PrintText", "sa{sv}", numbers[4], 0), "InvalidNote");
}

/* All of them, each digit of them, and nothing else. */
static void card_numbers_masked(void **state) {
        static const char *const cases[][2] = {
                { "6212340212345673", "****************" },
                { "x 6212-3402-1234-5673. 42", "x ****-****-****-****. 42" },
                { "4222222222222\n6212340212345673 end", "*************\n**************** end" },
                { "６212340212345673", "******************" },
                { "6212\x01"
                  "3402\x02"
                  "12345673",
                  "****\x01"
                  "****\x02"
                  "********" },
                { "12 6212 3402 1234 5673 x 3", "12 **** **** **** **** x 3" },
                { "6 6212340212345673 7", "6 **************** 7" },
                { "4 4222222222222", "4 *************" },
                { "3 6901234567896 2 5.00", "3 6901234567896 2 5.00" },
                { "金额 100", "金额 100" },
                { "", "" },
        };

        for (size_t i = 0; i < ELEMENTSOF(cases); i++) {
                _cleanup_free_ char *text = strdup(cases[i][0]);

                assert_int_equal(text_mask_card_numbers(text), !streq(cases[i][0], cases[i][1]));
                assert_string_equal(text, cases[i][1]);
                assert_false(text_has_card_number(text));
        }
}

static void jobs(void **state) {
        static const enum slip_paper both[] = { SLIP_MERCHANT_COPY, SLIP_CARDHOLDER_COPY };

        add("sale", "sale", RESULT_APPROVED, both, 2);
        assert_string_equal(ask("GetJob", "t", UINT64_C(1)), "");
        assert_true(sd_bus_message_skip(bus.reply, "a{sv}") >= 0);
        assert_string_equal(ask("GetJob", "t", UINT64_C(9)), "NotFound");
        assert_string_equal(ask("Cancel", "t", UINT64_C(1)), "");
        assert_string_equal(ask("Cancel", "t", UINT64_C(1)), "TooLate");
        assert_string_equal(ask("Cancel", "t", UINT64_MAX), "NotFound");
        assert_int_equal(print_job_count_open(shop.journal), 1);
        assert_string_equal(ask("OpenDrawer", "a{sv}", 0), "UnavailableDevice");
        assert_string_equal(bus.action, "org.tilld1.drawer");
}

/* Nobody fills the journal with papers, and a transaction's own are queued all the same. */
static void no_room(void **state) {
        static const enum slip_paper both[] = { SLIP_MERCHANT_COPY, SLIP_CARDHOLDER_COPY };

        add("sale", "sale", RESULT_APPROVED, both, 2);
        for (int i = 2; i < RECEIPTS_OPEN_MAX; i++)
                assert_string_equal(ask("PrintText", "sa{sv}", "x", 0), "");
        assert_string_equal(ask("PrintText", "sa{sv}", "x", 0), "Busy");
        assert_string_equal(ask("Reprint", "a{sv}", 1, "reference", "s", "sale"), "Busy");
        assert_string_equal(ask("Print", "a{sv}", 1, "paper", "s", "test-page"), "Busy");
        add("next", "sale", RESULT_APPROVED, both, 2);
        assert_int_equal(print_job_count_open(shop.journal), RECEIPTS_OPEN_MAX + 2);
        for (int i = 1; i <= 3; i++)
                assert_string_equal(ask("Cancel", "t", (uint64_t) i), "");
        assert_string_equal(ask("PrintText", "sa{sv}", "x", 0), "");
}

/* A batch of more than a paper has room for. */
static void long_list(void **state) {
        struct transaction_record record;
        struct batch_record batch;
        const char *text;

        assert_int_equal(batch_load_current(shop.journal, &batch), 0);
        transaction_record_init(&record);
        COPY(record.kind, "sale");
        COPY(record.currency, "CNY");
        COPY(record.masked_pan, "621234*********0128");
        record.amount = 100;
        record.batch = batch.number;
        record.state = TRANSACTION_DONE;
        record.result = RESULT_APPROVED;
        assert_int_equal(journal_begin(shop.journal, JOURNAL_LAZY), 0);
        for (uint32_t i = 1; i <= 2000; i++) {
                (void) snprintf(record.reference, sizeof(record.reference), "%u", i);
                record.voucher = record.stan = i;
                record.finished_usec = UINT64_C(1790000000000000) + i;
                assert_int_equal(transaction_record_insert(shop.journal, &record), 0);
        }
        assert_int_equal(journal_commit(shop.journal), 0);
        assert_string_equal(ask("Print", "a{sv}", 1, "paper", "s", "transaction-list"), "");
        text = printed_text();
        for (unsigned rows = 0;; text++) {
                char more[64];

                rows += startswith(text, "621234****") != NULL;
                (void) snprintf(more, sizeof(more), "另有 %u 笔", 2000 - rows);
                if (startswith(text, more)) {
                        assert_true(rows > 500);
                        break;
                }
                if (!*text)
                        fail_msg("%u rows, and not: %s", rows, more);
        }
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test_setup_teardown(the_paper_that_there_is, setup, bus_tear_down),
                cmocka_unit_test_setup_teardown(the_merchants_copy, setup, bus_tear_down),
                cmocka_unit_test_setup_teardown(the_copies_of_the_time, setup, bus_tear_down),
                cmocka_unit_test_setup_teardown(again, setup, bus_tear_down),
                cmocka_unit_test_setup_teardown(named_wrongly, setup, bus_tear_down),
                cmocka_unit_test_setup_teardown(the_last_one, setup, bus_tear_down),
                cmocka_unit_test_setup_teardown(faces, setup, bus_tear_down),
                cmocka_unit_test_setup_teardown(other_papers, setup, bus_tear_down),
                cmocka_unit_test_setup_teardown(declined, setup, bus_tear_down),
                cmocka_unit_test_setup_teardown(no_payment, setup, bus_tear_down),
                cmocka_unit_test_setup_teardown(texts, setup, bus_tear_down),
                cmocka_unit_test_setup_teardown(card_numbers, setup, bus_tear_down),
                cmocka_unit_test(card_numbers_masked),
                cmocka_unit_test_setup_teardown(many_faults, setup, bus_tear_down),
                cmocka_unit_test_setup_teardown(no_room, setup, bus_tear_down),
                cmocka_unit_test_setup_teardown(long_list, setup, bus_tear_down),
                cmocka_unit_test_setup_teardown(jobs, setup, bus_tear_down),
        };

        return cmocka_run_group_tests_name("bus: receipts", tests, NULL, NULL);
}
