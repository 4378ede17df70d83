// SPDX-License-Identifier: LGPL-2.1-or-later
/* What till-report does by itself: the last net, the page and its charts, the archive. */
#include "test.h"

#include <archive.h>
#include <archive_entry.h>
#include <math.h>
#include <signal.h>
#include <sys/mman.h>

#include "helpers/till-report/archive.h"
#include "helpers/till-report/chart.h"
#include "helpers/till-report/page.h"
#include "helpers/till-report/tidy.h"

/* ---- The last net ---- */

static void expect_masked(const char *text, const char *expected) {
        _cleanup_free_ char *copy = strdup(text);
        struct filter f = {};

        assert_non_null(copy);
        filter_mask(&f, copy);
        assert_string_equal(copy, expected);
        assert_int_equal(filter_count(&f) > 0, !streq(text, expected));
}

static void cards_are_masked(void **state) {
        expect_masked("card 6200000000000005.", "card 620000******0005.");
        expect_masked("6200 0000 0000 0005", "6200 00** **** 0005");
        expect_masked("6200-0000-0000-0005", "6200-00**-****-0005");
        expect_masked("x6200000000000005y", "x620000******0005y");
        expect_masked("12 6200000000000005", "12 620000******0005");
        expect_masked("batch 123 6200000000000005", "batch 123 620000******0005");
        expect_masked("00006200000000000005", "000062**********0005"); /* longer than any, and not taken apart */
        expect_masked("6 2 0 0 0 0 0 0 0 0 0 0 0 0 0 5", "* * * * * * * * * * * * * * * *");
        expect_masked("６２０００００００００００００５", "***********************************************"
                                                          "*");
}

static void tracks_are_masked(void **state) {
        expect_masked(";6200000000000054=49121011234567890?", ";****************=*****************?");
        expect_masked("6200000000000054D49121011234567890", "**********************************");
        expect_masked("%B6200000000000054^DOE/JOHN^4912101123?", "%B****************^********^**********?");
}

static void codes_and_phones_are_masked(void **state) {
        expect_masked("PIN 1234", "PIN ****");
        expect_masked("the code: 987654", "the code: ******");
        expect_masked("password=\"12345678\"", "password=\"********\"");
        expect_masked("验证码123456，五分钟内有效", "验证码******，五分钟内有效");
        expect_masked("123456 is the code", "****** is the code");
        expect_masked("+8613800138000", "+*********8000");
        expect_masked("+86 138 0013 8000", "+** *** **** 8000");
        expect_masked("call 13800138000", "call *******8000");
        expect_masked("138-0013-8000", "***-****-8000");
        expect_masked("8613800138000 ", "*********8000 ");
}

static void the_rest_stays(void **state) {
        static const char *const texts[] = {
                "2026-05-20T14:03:11.123 <6> tilld[1234]: Stopping",
                "usb 1-2: new high-speed USB device number 12 using vhci_hcd",
                "code=exited, status=1/FAILURE",
                "620000******0005",
                "+86*******8000",
                "response code 51, error 0x60",
                "2026-11-23T11:14:46+08:00",
                "line one 6200\n0000 0000 0005",
        };

        for (size_t i = 0; i < ELEMENTSOF(texts); i++)
                expect_masked(texts[i], texts[i]);
}

static void texts_are_cleaned(void **state) {
        char text[] = "a\033[2Jb\xff\tc\nd\xc2\x9b";

        filter_clean(text);
        assert_string_equal(text, "a?[2Jb?\tc\nd??");
}

static void numbers_become_texts(void **state) {
        cJSON *o = cJSON_Parse("{\"T\":1779256800000000,\"N\":6200000000000005000,\"C\":42,\"D\":6200000000000005,"
                               "\"L\":[\"6200000000000005\"],\"6200000000000005\":1}");
        struct filter f = {};

        assert_int_equal(tidy(o, &f), 0);
        assert_int_equal(strncmp(page_text(o, "T"), "2026-05-20T", 11), 0);
        assert_true(cJSON_IsString(page_get(o, "N")));
        assert_true(page_number(o, "C") == 42);
        assert_null(strstr(page_text(o, "D"), "6200000000000005"));
        assert_string_equal(cJSON_GetStringValue(cJSON_GetArrayItem(page_get(o, "L"), 0)), "620000******0005");
        assert_true(page_number(o, "620000******0005") == 1);
        cJSON_Delete(o);
}

/* ---- The page ---- */

static char *write_with(void (*put)(FILE *f)) {
        char *text = NULL;
        size_t size;
        FILE *f = open_memstream(&text, &size);

        assert_non_null(f);
        put(f);
        assert_int_equal(fclose(f), 0);
        return text;
}

static void put_hostile(FILE *f) {
        html_put("<script>\"'&</script>", f);
}

static void markup_is_escaped(void **state) {
        _cleanup_free_ char *text = write_with(put_hostile);

        assert_string_equal(text, "&lt;script&gt;&quot;&#39;&amp;&lt;/script&gt;");
}

static void axes_are_round(void **state) {
        assert_true(chart_round_up(0) == 1);
        assert_true(chart_round_up(NAN) == 1);
        assert_true(chart_round_up(1.5) == 2);
        assert_true(chart_round_up(21) == 50);
        assert_true(chart_round_up(51) == 100);
        assert_true(chart_round_up(100) == 100);
}

static void put_columns(FILE *f) {
        static const double values[] = { 1, 0, 4 };
        static const char *const days[] = { "2026-05-18", "2026-05-19", "2026-05-20" };
        const struct chart c = { "t", "", 3, days, 1, { "n" }, { values }, 4, { 2 } };

        chart_columns(&c, f);
}

static void columns_are_as_high_as_they_count(void **state) {
        _cleanup_free_ char *text = write_with(put_columns);

        /* 138 of height: a quarter of it, and all. The day without any has no column. */
        assert_non_null(strstr(text, "<rect class=\"c2\" x=\"50.40\" y=\"113.50\" width=\"83.20\" height=\"34.50\">"
                                     "<title>2026-05-18 n: 1</title>"));
        assert_non_null(strstr(text, "height=\"138.00\"><title>2026-05-20 n: 4</title>"));
        assert_null(strstr(text, "2026-05-19"));
}

static void put_lines(FILE *f) {
        static const double values[] = { 1, NAN, 2 };
        static const char *const days[] = { "2026-05-18", "2026-05-19", "2026-05-20" };
        const struct chart c = { "t", "%", 3, days, 1, { "n" }, { values }, 2 };

        chart_lines(&c, f);
}

static void lines_are_broken_where_there_is_nothing(void **state) {
        _cleanup_free_ char *text = write_with(put_lines);

        assert_non_null(strstr(text, "d=\"M92.0 79.0M300.0 10.0\""));
        assert_null(strstr(text, "nan"));
}

static void put_worn(FILE *f) {
        chart_wear(0.5, "a", f);
        chart_wear(7, "b", f);
}

static void wear_ends_at_its_whole(void **state) {
        _cleanup_free_ char *text = write_with(put_worn);

        assert_non_null(strstr(text, "class=\"c0\" width=\"100.0\""));
        assert_non_null(strstr(text, "class=\"c3\" width=\"200.0\""));
}

static void a_page_is_made_of_anything(void **state) {
        static const char *const records[] = {
                "{}",
                "{\"Faults\":[{\"Severity\":\"error\",\"Ended\":0,\"Symptom\":\"<script>\"}],\"Devices\":[{}],"
                "\"History\":{\"Days\":[{}]},\"Terminal\":7,\"Transactions\":[null,1,\"x\"]}",
        };

        for (size_t i = 0; i < ELEMENTSOF(records); i++) {
                cJSON *o = cJSON_Parse(records[i]);
                _cleanup_free_ char *text = NULL;
                size_t size;

                assert_int_equal(page_write(o, i == 0 ? "en" : "zh_CN", 1780000000, 90, &text, &size), 0);
                assert_int_equal(strlen(text), size);
                assert_null(strstr(text, "<script"));
                assert_non_null(strstr(text, i == 0 ? "Nothing is wrong" : "有需要处理的错误"));
                /* Two lines of one chart are told apart. */
                assert_non_null(strstr(text, "class=\"l0\""));
                assert_non_null(strstr(text, "class=\"l1\""));
                cJSON_Delete(o);
        }
}

static void a_page_has_keys_and_figures(void **state) {
        cJSON *o =
                cJSON_Parse("{\"Authenticity\":{\"Result\":\"good\",\"Keys\":[{\"Name\":\"TMK\",\"CheckValue\":"
                            "\"0A1B2C\"}]},\"Figures\":{\"Available\":0.98765432,\"Codes\":[{\"Name\":\"paper-out\","
                            "\"Opened\":7}]},\"Inspection\":{\"Result\":\"failed: echo\"}}");
        static const char *const there[] = { "0A1B2C", "0.9877", "paper-out", ">7<", "failed: echo" };
        _cleanup_free_ char *text = NULL;
        size_t size;

        assert_int_equal(page_write(o, "en", 1780000000, 90, &text, &size), 0);
        for (size_t i = 0; i < ELEMENTSOF(there); i++)
                assert_non_null(strstr(text, there[i]));
        cJSON_Delete(o);
}

/* A member that is new to the page is there by its name. */
static void rows_are_called_in_the_language_of_the_page(void **state) {
        static const struct {
                const char *language, *there, *not_there;
        } cases[] = {
                { "zh_CN", "<th>可用率</th>", "<th>Available</th>" },
                { "zh_CN", "<th>平均修复小时</th>", "<th>MeanRepairHours</th>" },
                { "zh_CN", "<th>操作者</th>", "<th>By</th>" },
                { "zh_CN", "<th>强制签名</th>", "<th>Enforced</th>" },
                { "zh_CN", "<th>收单机构确认的序列号</th>", "<th>Confirmed</th>" },
                { "zh_CN", "<th>缺起始符，磁道 2</th>", "<th>MissingStartSentinelTrack2Count</th>" },
                { "zh_CN", "<th>待冲正</th>", "<th>PendingReversals</th>" },
                { "zh_CN", "<th>发行版</th>", "<th>Distribution</th>" },
                { "zh_CN", "<th>libc6</th>", "<th>名称</th>" },
                { "zh_CN", "<th>Later</th>", "<th></th>" },
                { "en", "<th>Hours to repair, at most</th>", "<th>LongestRepairHours</th>" },
                { "en", "<th>Missing start sentinel, track 2</th>", "<th>MissingStartSentinelTrack2Count</th>" },
        };
        cJSON *o =
                cJSON_Parse("{\"Figures\":{\"Available\":1,\"All\":{\"MeanRepairHours\":1,\"LongestRepairHours\":2}},"
                            "\"Inspection\":{\"By\":\"root\"},\"Authenticity\":{\"Later\":1,\"Module\":"
                            "{\"Enforced\":true},\"Serial\":{\"Confirmed\":\"1\"}},\"Devices\":[{\"Statistics\":"
                            "{\"MissingStartSentinelTrack2Count\":1}}],\"Queues\":{\"PendingReversals\":0},"
                            "\"System\":{\"Distribution\":\"Debian\",\"Packages\":{\"libc6\":\"2.36\"}}}");

        assert_non_null(o);
        for (size_t i = 0; i < ELEMENTSOF(cases); i++) {
                _cleanup_free_ char *text = NULL;
                size_t size;

                assert_int_equal(page_write(o, cases[i].language, 1780000000, 90, &text, &size), 0);
                assert_non_null(strstr(text, cases[i].there));
                assert_null(strstr(text, cases[i].not_there));
        }
        cJSON_Delete(o);
}

/* ---- The archive ---- */

static void archives_are_read(void **state) {
        int fd = memfd_create("archive", MFD_CLOEXEC);
        struct archive_entry *entry;
        struct archive *a = archive_read_new();
        char data[64];
        struct pack *p;

        assert_int_equal(pack_new(fd, "report", &p), 0);
        assert_int_equal(pack_add(p, "README", "read me", 7), 0);
        assert_int_equal(pack_add(p, "logs/empty", "", 0), 0);
        assert_int_equal(pack_finish(p), 0);
        pack_free(p);
        assert_int_equal(lseek(fd, 0, SEEK_SET), 0);
        assert_int_equal(archive_read_support_filter_zstd(a), ARCHIVE_OK);
        assert_int_equal(archive_read_support_format_tar(a), ARCHIVE_OK);
        assert_int_equal(archive_read_open_fd(a, fd, 4096), ARCHIVE_OK);
        assert_int_equal(archive_read_next_header(a, &entry), ARCHIVE_OK);
        assert_string_equal(archive_entry_pathname(entry), "report/README");
        assert_int_equal(archive_read_data(a, data, sizeof(data)), 7);
        assert_int_equal(memcmp(data, "read me", 7), 0);
        assert_int_equal(archive_read_next_header(a, &entry), ARCHIVE_OK);
        assert_string_equal(archive_entry_pathname(entry), "report/logs/empty");
        assert_int_equal(archive_read_next_header(a, &entry), ARCHIVE_EOF);
        assert_int_equal(archive_filter_code(a, 0), ARCHIVE_FILTER_ZSTD);
        archive_read_free(a);
        safe_close(fd);
}

/* Its reader has gone. */
static void errors_of_the_file_are_told(void **state) {
        struct pack *p = NULL;
        int fds[2], r;

        assert_int_equal(pipe(fds), 0);
        safe_close(fds[0]);
        (void) signal(SIGPIPE, SIG_IGN);
        r = pack_new(fds[1], "report", &p);
        if (r >= 0)
                r = pack_add(p, "README", "read me", 7);
        if (r >= 0)
                r = pack_finish(p);
        assert_int_equal(r, -EPIPE);
        pack_free(p);
        safe_close(fds[1]);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(cards_are_masked),
                cmocka_unit_test(tracks_are_masked),
                cmocka_unit_test(codes_and_phones_are_masked),
                cmocka_unit_test(the_rest_stays),
                cmocka_unit_test(texts_are_cleaned),
                cmocka_unit_test(numbers_become_texts),
                cmocka_unit_test(markup_is_escaped),
                cmocka_unit_test(axes_are_round),
                cmocka_unit_test(columns_are_as_high_as_they_count),
                cmocka_unit_test(lines_are_broken_where_there_is_nothing),
                cmocka_unit_test(wear_ends_at_its_whole),
                cmocka_unit_test(a_page_is_made_of_anything),
                cmocka_unit_test(a_page_has_keys_and_figures),
                cmocka_unit_test(rows_are_called_in_the_language_of_the_page),
                cmocka_unit_test(archives_are_read),
                cmocka_unit_test(errors_of_the_file_are_told),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
