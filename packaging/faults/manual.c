// SPDX-License-Identifier: LGPL-2.1-or-later
#include "packaging/faults/faults.h"

/* A line of text for mdoc(7): nothing in it is a request, and what is copied into a shell has the shell's own signs.
 */
static void print_text(const char *text) {
        if (*text == '.' || *text == '\'')
                fputs("\\&", stdout);
        for (; *text; text++)
                switch (*text) {
                case '-':
                        fputs("\\-", stdout);
                        break;
                case '\'':
                        fputs("\\(aq", stdout);
                        break;
                case '\\':
                        fputs("\\e", stdout);
                        break;
                default:
                        putchar(*text);
                }
}

static void print_line(const char *text) {
        print_text(text);
        putchar('\n');
}

static void print_part(const struct part *part, const char *language) {
        if (part->n == 0)
                return;
        printf(".Pp\n");
        print_line(fault_text_in(&part->title, language));
        printf(".Bl -enum -compact\n");
        for (size_t i = 0; i < part->n; i++) {
                printf(".It\n");
                print_line(fault_text_in(part->texts + i, language));
        }
        printf(".El\n");
}

static void print_code(const struct fault_code *code, const char *language) {
        static const struct fault_text spare = { "Spare part: ", "备件：" };
        struct part parts[PARTS];

        printf(".It Li %s\n", code->code);
        print_text(fault_text_in(&code->symptom, language));
        printf(streq(language, "zh_CN") ? "（%s，%s）。" : " (%s, %s).\n", word_in(code->class, language),
               word_in(code->severity, language));
        print_line(end_in(code, language));
        parts_of(code, parts);
        for (size_t i = 0; i < PARTS; i++)
                print_part(parts + i, language);
        if (!code->part.english)
                return;
        printf(".Pp\n%s", fault_text_in(&spare, language));
        print_line(fault_text_in(&code->part, language));
}

static void print_area(const struct fault_area *area, const char *language) {
        const struct fault_code *code;

        printf(".Sh %s\n.Bl -tag -width Ds\n", fault_text_in(&area->title, language));
        for (size_t i = 0; (code = fault_code_get(i)); i++)
                if (streq(code->area, area->word))
                        print_code(code, language);
        printf(".El\n");
}

static const char english_head[] =
        ".\\\" SPDX-License-Identifier: LGPL-2.1-or-later\n"
        ".Dd November 23, 2026\n"
        ".Dt TILLD-FAULTS 7\n"
        ".Os tilld\n"
        ".Sh NAME\n"
        ".Nm tilld-faults\n"
        ".Nd what can be wrong with the payment terminal, and what to do\n"
        ".Sh DESCRIPTION\n"
        "A fault opens by itself with what is wrong, counts how often it was seen, and has a code that stays the "
        "same.\n"
        ".Ql tillctl fault\n"
        "lists those that are open;\n"
        ".Ql tillctl fault explain\n"
        "with a code shows what is said here of it;\n"
        ".Ql journalctl -x -u tilld\n"
        "has it behind each entry.\n"
        ".Pa /usr/share/doc/tilld/support.md\n"
        "solves cases from the field with\n"
        ".Xr busctl 1\n"
        "and\n"
        ".Xr journalctl 1\n"
        "alone.\n"
        "The class says what has to be mended: hardware, software, a card, the network, or the configuration.\n"
        "The severity is a warning; an error; or critical, when no payment is taken, or is about to be.\n";

static const char chinese_head[] = ".\\\" SPDX-License-Identifier: LGPL-2.1-or-later\n"
                                   /* Lines break between characters. */
                                   ".mso zh.tmac\n"
                                   ".Dd November 23, 2026\n"
                                   ".Dt TILLD-FAULTS 7\n"
                                   ".Os tilld\n"
                                   ".Sh NAME\n"
                                   ".Nm tilld-faults\n"
                                   ".Nd 支付终端的故障及处理方法\n"
                                   ".Sh 说明\n"
                                   "故障在出现问题时自动产生，记录发生次数，并有固定的代码。\n"
                                   ".Ql tillctl fault\n"
                                   "列出未处理的故障；\n"
                                   ".Ql tillctl fault explain\n"
                                   "加代码显示本页中该故障的内容；\n"
                                   ".Ql journalctl -x -u tilld\n"
                                   "在每条记录后给出说明；\n"
                                   ".Pa /usr/share/doc/tilld/support.md\n"
                                   "（英文）仅用 busctl 和 journalctl 解决现场案例。\n"
                                   "类别说明需要处理的对象：硬件、软件、卡片、网络或配置。\n"
                                   "级别分为警告、错误和严重（不能收款或即将不能收款）。\n";

void print_manual(const char *language) {
        const struct fault_area *area;
        bool chinese = streq(language, "zh_CN");

        fputs(chinese ? chinese_head : english_head, stdout);
        for (size_t i = 0; (area = fault_area_get(i)); i++)
                print_area(area, language);
        printf(".Sh %s\n.Xr tillctl 1 ,\n.Xr org.tilld1 5 ,\n.Xr tilld 8\n", chinese ? "参见" : "SEE ALSO");
}
