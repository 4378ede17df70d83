// SPDX-License-Identifier: LGPL-2.1-or-later
#include "packaging/faults/faults.h"

static const char style[] =
        ":root{color-scheme:light dark;--line:#ccc;--soft:#666;--bad:#b00020;--warn:#8a5a00}\n"
        "@media (prefers-color-scheme:dark){:root{--line:#444;--soft:#aaa;--bad:#ff8a80;--warn:#ffcc66}}\n"
        "body{font:16px/1.5 system-ui,sans-serif;max-width:46rem;margin:0 auto;padding:1rem}\n"
        "h1{font-size:1.5rem}h2{border-bottom:1px solid var(--line);margin-top:2.5rem}\n"
        "article{border-left:4px solid var(--line);padding-left:.8rem;margin:1.8rem 0}\n"
        "article.error{border-color:var(--bad)}article.critical{border-color:var(--bad)}\n"
        "article.warning{border-color:var(--warn)}\n"
        "h3{margin:0}h4{margin:.8rem 0 0}ol,ul{margin:.2rem 0;padding-left:1.6rem}\n"
        "code,.kind{color:var(--soft)}code{overflow-wrap:anywhere}nav ul{columns:18rem}\n"
        "nav li{break-inside:avoid}li,p{overflow-wrap:anywhere}a{color:inherit}\n"
        "@media print{body{font-size:10pt;max-width:none}article{break-inside:avoid}a{text-decoration:none}}\n";

static void print_text(const char *text) {
        for (; *text; text++)
                switch (*text) {
                case '&':
                        fputs("&amp;", stdout);
                        break;
                case '<':
                        fputs("&lt;", stdout);
                        break;
                case '>':
                        fputs("&gt;", stdout);
                        break;
                default:
                        putchar(*text);
                }
}

static void print_element(const char *name, const char *text) {
        printf("<%s>", name);
        print_text(text);
        printf("</%s>\n", name);
}

static void print_part(const struct part *part, const char *language) {
        if (part->n == 0)
                return;
        print_element("h4", fault_text_in(&part->title, language));
        printf("<ol>\n");
        for (size_t i = 0; i < part->n; i++)
                print_element("li", fault_text_in(part->texts + i, language));
        printf("</ol>\n");
}

static void print_code(const struct fault_code *code, const char *language) {
        static const struct fault_text spare = { "Spare part", "备件" };
        struct part parts[PARTS];

        printf("<article id=\"%s\" class=\"%s\">\n", code->code, code->severity);
        print_element("h3", fault_text_in(&code->symptom, language));
        printf("<p class=\"kind\"><code>%s</code> · %s · %s<br/>", code->code, word_in(code->class, language),
               word_in(code->severity, language));
        print_text(end_in(code, language));
        printf("</p>\n");
        parts_of(code, parts);
        for (size_t i = 0; i < PARTS; i++)
                print_part(parts + i, language);
        if (code->part.english) {
                print_element("h4", fault_text_in(&spare, language));
                print_element("p", fault_text_in(&code->part, language));
        }
        printf("</article>\n");
}

static void print_area(const struct fault_area *area, const char *language) {
        const struct fault_code *code;

        printf("<section id=\"area-%s\">\n", area->word);
        print_element("h2", fault_text_in(&area->title, language));
        for (size_t i = 0; (code = fault_code_get(i)); i++)
                if (streq(code->area, area->word))
                        print_code(code, language);
        printf("</section>\n");
}

static void print_link(const struct fault_code *code, const char *language) {
        printf("<li><a href=\"#%s\">", code->code);
        print_text(fault_text_in(&code->symptom, language));
        printf("</a></li>\n");
}

static void print_contents(const char *language) {
        const struct fault_area *area;
        const struct fault_code *code;

        printf("<nav>\n");
        for (size_t i = 0; (area = fault_area_get(i)); i++) {
                printf("<h4><a href=\"#area-%s\">%s</a></h4>\n<ul>\n", area->word,
                       fault_text_in(&area->title, language));
                for (size_t c = 0; (code = fault_code_get(c)); c++)
                        if (streq(code->area, area->word))
                                print_link(code, language);
                printf("</ul>\n");
        }
        printf("</nav>\n");
}

void print_page(const char *language) {
        static const struct fault_text title = { "Faults of the payment terminal", "支付终端常见故障" };
        static const struct fault_text how = {
                "What can be wrong, its likely causes in order, and what to do. On the terminal tillctl fault says "
                "which of these is open; the code stays the same in every version.",
                "可能出现的故障、按可能性排列的原因以及处理方法。在终端上用 tillctl "
                "fault 查看当前故障；代码在各版本中不变。",
        };
        const struct fault_area *area;

        printf("<!DOCTYPE html>\n<!-- SPDX-License-Identifier: LGPL-2.1-or-later -->\n"
               "<html xmlns=\"http://www.w3.org/1999/xhtml\" lang=\"%s\">\n<head>\n<meta charset=\"utf-8\"/>\n"
               "<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\"/>\n",
               streq(language, "zh_CN") ? "zh-CN" : "en");
        print_element("title", fault_text_in(&title, language));
        printf("<style>\n%s</style>\n</head>\n<body>\n", style);
        print_element("h1", fault_text_in(&title, language));
        print_element("p", fault_text_in(&how, language));
        print_contents(language);
        for (size_t i = 0; (area = fault_area_get(i)); i++)
                print_area(area, language);
        printf("</body>\n</html>\n");
}
