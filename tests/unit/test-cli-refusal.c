// SPDX-License-Identifier: LGPL-2.1-or-later
/* What tilld refuses, as tillctl says it: every text there is, in English and in Chinese. */
#include "test.h"

#include "cli/refusal.h"
#include "language.h"

static const char *const all[] = {
#include <refusals.h>
};

static void assert_said(const char *text, const char *said) {
        _cleanup_free_ char *translated = refusal_translate(text);

        assert_string_equal(translated, said);
}

/* One with a number in each of its places; how many. */
static unsigned make(const char *form, char *ret, size_t size) {
        unsigned n = 0;

        *ret = '\0';
        for (const char *next; (next = strstr(form, "%s")); form = next + 2) {
                size_t used = strlen(ret);

                snprintf(ret + used, size - used, "%.*s<%u>", (int) (next - form), form, ++n);
        }
        assert_true(strlen(ret) + strlen(form) < size);
        (void) strcat(ret, form);
        return n;
}

static bool is_chinese(const char *text) {
        for (; *text; text++)
                if ((unsigned char) *text >= 0xE4 && (unsigned char) *text <= 0xE9)
                        return true;
        return false;
}

/* With all that it had, and no place left open. */
static void every_one(void **state) {
        for (size_t i = 0; i < ELEMENTSOF(all); i++) {
                _cleanup_free_ char *translated = NULL;
                char text[512], part[16];
                unsigned n = make(all[i], text, sizeof(text));

                language_speak("en");
                assert_said(text, text);
                language_speak("zh_CN");
                translated = refusal_translate(text);
                if (!is_chinese(translated) || strchr(translated, '%'))
                        fail_msg("%s: %s", text, translated);
                for (; n > 0; n--) {
                        snprintf(part, sizeof(part), "<%u>", n);
                        if (!strstr(translated, part))
                                fail_msg("%s: no %s in %s", text, part, translated);
                }
        }
        assert_true(ELEMENTSOF(all) > 100);
}

static void words_inside(void **state) {
        language_speak("zh_CN");
        /* What tilld has put in is said in Chinese as well, what somebody has typed as it was. */
        assert_said(
                "There were too many wrong codes: wait 29 min 3 s while the terminal runs, then have codes sent again",
                "验证码错误次数过多：请让终端保持运行，等待 29 分 3 秒，再重新发送验证码");
        assert_said("Operator 02 is a cashier: this takes a supervisor", "操作员 02 是收银员：此操作需要主管");
        assert_said("\"fault\" is no channel: use sms, mail or hook", "\"fault\" 不是渠道：请用 sms、mail 或 hook");
        assert_said("RemoveContact: not authorized (polkit action org.tilld1.contacts)",
                    "RemoveContact：未获授权（polkit 操作 org.tilld1.contacts）");
        assert_said("A code is one line of 4 to 8 digits", "密码是一行 4 至 8 位数字");
        /* In another order. */
        assert_said("Reference \"A-1\" names a sale of 1.00 CNY already: use a new reference for each attempt",
                    "参考号 \"A-1\" 已用于 1.00 CNY 的 sale：每次发起请使用新的参考号");
}

static void what_is_none(void **state) {
        language_speak("zh_CN");
        assert_said("", "");
        assert_said("Nobody knows this", "Nobody knows this");
        assert_said("There is no transaction", "There is no transaction");
        assert_said("%s %d", "%s %d");
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(every_one),
                cmocka_unit_test(words_inside),
                cmocka_unit_test(what_is_none),
        };

        return cmocka_run_group_tests(tests, language_set_up, language_tear_down);
}
