// SPDX-License-Identifier: LGPL-2.1-or-later
#include "test.h"

/* What `tillctl emv check` prints of an application: all that CheckEmv tells, and no line longer than a terminal's. */

#include <sys/mman.h>

#include "daemon/cli/cli.c"
#include "daemon/cli/emv.c"

/* What is printed of it, in text. */
static void print(const char *application, char text[static 4096]) {
        _cleanup_(cJSON_Deletep) cJSON *list = cJSON_CreateArray();
        int out = dup(STDOUT_FILENO), file = memfd_create("out", MFD_CLOEXEC);
        const struct cli cli = {};
        ssize_t n;

        assert_true(cJSON_AddItemToArray(list, cJSON_Parse(application)));
        fflush(stdout);
        assert_true(out >= 0 && file >= 0 && dup2(file, STDOUT_FILENO) >= 0);
        print_applications(&cli, list);
        fflush(stdout);
        assert_true(dup2(out, STDOUT_FILENO) >= 0);
        n = pread(file, text, 4095, 0);
        close(file);
        close(out);
        assert_true(n > 0);
        text[n] = '\0';
}

#define HEAD                                                                                                          \
        "\nAPPLICATION      NAME                   DENIAL     ONLINE     DEFAULT    LIMIT\n"                          \
        "A000000333010101 UnionPay debit         0010000000 D84004F800 D84000A800 5000\n"
#define APPLICATION                                                                                                   \
        "{\"Aid\":\"A000000333010101\",\"Name\":\"UnionPay debit\",\"Partial\":true,\"TacDenial\":\"0010000000\","    \
        "\"TacOnline\":\"D84004F800\",\"TacDefault\":\"D84000A800\",\"FloorLimit\":5000,\"Threshold\":1000,"          \
        "\"Target\":10,\"TargetMax\":90,\"Versions\":["

static void short_lists(void **state) {
        char text[4096];

        print(APPLICATION "\"0030\",\"0020\"],\"Ddol\":\"9F3704\",\"Tdol\":\"\"}", text);
        assert_string_equal(text, HEAD "  partial match yes  versions 0030 0020  DDOL 9F3704  TDOL -  threshold 1000\n"
                                       "  target 10-90 %\n");
}

#define HEX32 "9F02069F03069F1A0295055F2A029A03"

/* The longest that a file may have. */
static void long_lists(void **state) {
        char text[4096], *line = text, *end;

        print(APPLICATION "\"0030\",\"0020\",\"0010\",\"0001\"],\"Ddol\":\"" HEX32 HEX32 HEX32 HEX32
                          "\",\"Tdol\":\"" HEX32 "\"}",
              text);
        assert_string_equal(text, HEAD "  partial match yes  versions 0030 0020 0010 0001\n"
                                       "  DDOL " HEX32 HEX32 "9F02069F0\n"
                                       "    3069F1A0295055F2A029A03" HEX32 "\n"
                                       "  TDOL " HEX32 "  threshold 1000  target 10-90 %\n");
        for (; (end = strchr(line, '\n')); line = end + 1)
                assert_in_range(end - line, 0, 80);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(short_lists),
                cmocka_unit_test(long_lists),
        };

        return cmocka_run_group_tests_name("tillctl: emv check", tests, NULL, NULL);
}
