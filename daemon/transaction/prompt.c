// SPDX-License-Identifier: LGPL-2.1-or-later
#include "transaction/prompt.h"

static const char *const languages[] = { "en", "zh" };

static const struct {
        const char *prompt;
        const char *texts[ELEMENTSOF(languages)];
} sentences[] = {
        { "approve", { "A supervisor has to approve", "请主管授权" } },
        { "insert-or-swipe-card", { "Please insert or swipe your card", "请插卡或刷卡" } },
        { "insert-card", { "Please insert your card", "请插入银行卡" } },
        { "swipe-card", { "Please swipe your card", "请刷卡" } },
        { "leave-card-in", { "Please wait and leave your card in", "请稍候，请勿拔卡" } },
        { "choose-application", { "Please choose how to pay", "请选择应用" } },
        { "confirm-application", { "Please confirm", "请确认应用" } },
        { "enter-pin", { "Please enter your PIN", "请输入密码" } },
        { "wrong-pin", { "Wrong PIN, please try again", "密码错误，请重新输入" } },
        { "last-pin", { "Last PIN try", "最后一次输入密码" } },
        { "remove-card", { "Please take your card", "请取回银行卡" } },
};

const char *prompt_language(const char *card, const uint8_t country[static 2]) {
        for (; strlen(card) >= 2; card += 2)
                for (size_t i = 0; i < ELEMENTSOF(languages); i++)
                        if (strncmp(card, languages[i], 2) == 0)
                                return languages[i];
        return country[0] == 0x01 && country[1] == 0x56 ? "zh" : "en";
}

const char *prompt_text(const char *prompt, const char *language) {
        for (size_t i = 0; i < ELEMENTSOF(sentences); i++)
                for (size_t k = 0; k < ELEMENTSOF(languages); k++)
                        if (streq(sentences[i].prompt, prompt) && streq(languages[k], language))
                                return sentences[i].texts[k];
        return "";
}
