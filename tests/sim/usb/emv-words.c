// SPDX-License-Identifier: LGPL-2.1-or-later

/* "till-sim misbehave emv WORD…": each word and what comes behind it. */

#include "base/hex.h"
#include "usb/emv.h"

static int parse_number(const char *text, int base, unsigned long max, uint32_t *ret) {
        unsigned long n;
        char *end;

        errno = 0;
        n = strtoul(text, &end, base);
        if (errno != 0 || end == text || *end || *text == '-' || n > max)
                return -EINVAL;
        *ret = n;
        return 0;
}

static int word_time_extension(struct emv *e, char *argument) {
        char *save, *times = strtok_r(argument, " ", &save), *multiplier = strtok_r(NULL, " ", &save);
        uint32_t n = EMV_FOREVER, m = 1;

        if (!times || (!streq(times, "forever") && (parse_number(times, 10, EMV_FOREVER - 1, &n) < 0 || n == 0)) ||
            (multiplier && parse_number(multiplier, 10, 255, &m) < 0))
                return -EINVAL;
        emv_misbehave(e, EMV_TIME_EXTENSION, n, m);
        return 0;
}

static int word_mute_at(struct emv *e, char *argument) {
        uint8_t voltages = 0;
        char *save;

        for (char *word = strtok_r(argument, ",", &save); word; word = strtok_r(NULL, ",", &save)) {
                uint8_t bit = reader_parse_voltage(word);

                if (bit == 0)
                        return -EINVAL;
                voltages |= bit;
        }
        emv_set_mute_at(e, voltages);
        return 0;
}

static int word_stall(struct emv *e, char *argument) {
        if (streq(argument, "out"))
                return emv_stall(e, EMV_OUT);
        if (streq(argument, "in"))
                return emv_stall(e, EMV_IN);
        return streq(argument, "interrupt") ? emv_stall(e, EMV_INTERRUPT) : -EINVAL;
}

static int word_notify(struct emv *e, char *argument) {
        uint8_t data[64];
        ssize_t n = hex_decode(argument, data, sizeof(data));

        return n < 0 ? -EINVAL : emv_notify_raw(e, data, n);
}

static int word_answer(struct emv *e, char *argument) {
        struct emv_twist twist = { .how = TWIST_RAW };
        ssize_t n = hex_decode(argument, twist.raw, sizeof(twist.raw));

        if (n < 0)
                return -EINVAL;
        twist.raw_size = n;
        emv_set_twist(e, &twist);
        return 0;
}

static int word_card(struct emv *e, char *argument) {
        static const struct {
                const char *word;
                enum contact_quirk quirk;
                uint32_t max; /* 0: no number follows */
        } words[] = {
                { "null", CONTACT_NULL, 255 }, { "single", CONTACT_SINGLE }, { "wtx", CONTACT_WTX, 255 },
                { "ifs", CONTACT_IFS, 254 },   { "abort", CONTACT_ABORT },   { "bad-edc", CONTACT_BAD_EDC, 255 },
                { "lose", CONTACT_LOSE, 255 },
        };
        char *save, *word = strtok_r(argument, " ", &save), *number = strtok_r(NULL, " ", &save);
        uint32_t n = 1;

        for (size_t i = 0; word && i < ELEMENTSOF(words); i++) {
                if (!streq(words[i].word, word))
                        continue;
                if (words[i].max > 0 ? !number || parse_number(number, 10, words[i].max, &n) < 0 : number != NULL)
                        return -EINVAL;
                emv_set_quirk(e, words[i].quirk, n);
                return 0;
        }
        return -EINVAL;
}

static const struct {
        const char *word;
        int (*run)(struct emv *e, char *argument);
} actions[] = {
        { "time-extension", word_time_extension },
        { "mute-at", word_mute_at },
        { "stall", word_stall },
        { "fail", emv_fail },
        { "notify", word_notify },
        { "answer", word_answer },
        { "card", word_card },
};

static const struct {
        const char *word;
        enum emv_twist_kind how;
        int base; /* of the number that follows; 0: none */
        uint32_t max;
} twists[] = {
        { "bad-seq", TWIST_SEQUENCE },
        { "bad-slot", TWIST_SLOT },
        { "bad-type", TWIST_TYPE },
        { "error", TWIST_ERROR, 16, 0xff },
        { "chain", TWIST_CHAIN, 16, 0xff },
        { "length", TWIST_LENGTH, 10, UINT32_MAX },
        { "short", TWIST_SHORT, 10, READER_MESSAGE_MAX },
        { "empty", TWIST_EMPTY, 10, 1000 },
        { "stale", TWIST_STALE, 10, 255 },
        { "twice", TWIST_TWICE },
        { "late", TWIST_LATE, 10, 3600 * 1000 },
        { "bus-error", TWIST_BUS },
};

static const struct {
        const char *word;
        enum emv_misbehaviour how;
} states[] = {
        { "mute", EMV_MUTE },
        { "no-answer", EMV_NO_ANSWER },
        { "dead", EMV_DEAD },
        { "hardware-error", EMV_HARDWARE_ERROR },
};

int emv_misbehave_words(struct emv *e, char *words) {
        char *argument = words + strcspn(words, " ");

        if (*argument)
                *argument++ = '\0';
        for (size_t i = 0; i < ELEMENTSOF(actions); i++)
                if (streq(actions[i].word, words))
                        return actions[i].run(e, argument);
        for (size_t i = 0; i < ELEMENTSOF(twists); i++) {
                struct emv_twist twist = { .how = twists[i].how };

                if (!streq(twists[i].word, words))
                        continue;
                if (twists[i].base ? parse_number(argument, twists[i].base, twists[i].max, &twist.n) < 0 : *argument)
                        return -EINVAL;
                emv_set_twist(e, &twist);
                return 0;
        }
        if (*argument)
                return -EINVAL;
        if (streq(words, "endless-chain")) {
                emv_set_endless(e, true);
                return 0;
        }
        if (streq(words, "empty-ends")) {
                emv_set_empty_ends(e, true);
                return 0;
        }
        for (size_t i = 0; i < ELEMENTSOF(states); i++)
                if (streq(states[i].word, words)) {
                        emv_misbehave(e, states[i].how, 0, 1);
                        return 0;
                }
        return -EINVAL;
}
