// SPDX-License-Identifier: LGPL-2.1-or-later
#include "base/wrap.h"
#include "packaging/faults/faults.h"

/* journalctl -x puts three before each line. */
#define COLUMNS 77

static void print_head(const char *id, const char *symptom) {
        printf("\n-- %s\nSubject: %s\nDefined-By: tilld\nDocumentation: man:tilld-faults(7) man:tillctl(1)\n\n", id,
               symptom);
}

static void print_about(const struct fault_code *code, const char *language) {
        static const struct fault_text device = { "Device: @TILLD_DEVICE@", "设备：@TILLD_DEVICE@" };
        static const struct fault_text transaction = { "Transaction: @TILLD_TRANSACTION@",
                                                       "交易：@TILLD_TRANSACTION@" };

        if (code->about == FAULT_ABOUT_DEVICE)
                printf("%s\n", fault_text_in(&device, language));
        if (code->about == FAULT_ABOUT_TRANSACTION)
                printf("%s\n", fault_text_in(&transaction, language));
}

static void print_part(const struct part *part, const char *language) {
        char mark[24];

        if (part->n == 0)
                return;
        printf("\n%s\n", fault_text_in(&part->title, language));
        for (size_t i = 0; i < part->n; i++) {
                (void) snprintf(mark, sizeof(mark), "%2zu. ", i + 1);
                wrap_print(stdout, mark, fault_text_in(part->texts + i, language), COLUMNS);
        }
}

static void print_code(const struct fault_code *code, const char *language) {
        static const struct fault_text kind = { "Fault @TILLD_FAULT@: ", "故障 @TILLD_FAULT@：" };
        static const struct fault_text spare = { "Spare part: ", "备件：" };
        struct part parts[PARTS];

        print_head(code->id, fault_text_in(&code->symptom, language));
        printf("%s%s%s%s\n", fault_text_in(&kind, language), word_in(code->class, language),
               streq(language, "zh_CN") ? "，" : ", ", word_in(code->severity, language));
        print_about(code, language);
        parts_of(code, parts);
        for (size_t i = 0; i < PARTS; i++)
                print_part(parts + i, language);
        if (code->part.english) {
                putchar('\n');
                wrap_print(stdout, fault_text_in(&spare, language), fault_text_in(&code->part, language), COLUMNS);
        }
        putchar('\n');
        wrap_print(stdout, "", end_in(code, language), COLUMNS);
}

static void print_ended(const char *language) {
        static const struct fault_text subject = { "A fault has ended", "故障已解除" };
        static const struct fault_text text = {
                "Fault @TILLD_FAULT@ has ended: its cause is gone, or somebody has said that it is mended. How long "
                "it lasted and who ended it: tillctl fault list --all, then tillctl fault show with its number.",
                "故障 @TILLD_FAULT@ 已解除：原因已消除，或有人确认已修复。持续时间和解除人：tillctl fault list --all，"
                "再用编号 tillctl fault show。",
        };

        print_head(FAULT_CODE_ENDED_ID, fault_text_in(&subject, language));
        wrap_print(stdout, "", fault_text_in(&text, language), COLUMNS);
}

void print_catalog(const char *language) {
        const struct fault_code *code;

        printf("# SPDX-License-Identifier: LGPL-2.1-or-later\n");
        for (size_t i = 0; (code = fault_code_get(i)); i++)
                print_code(code, language);
        print_ended(language);
}
