/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* What kind of EMV reader is plugged in: its exchange level and what else its descriptors tell. */

#include "card/card.h"
#include "usb/usb.h"

enum reader_level {
        READER_CHARACTER = 0,  /* told, not spoken: for drivers that have to refuse it */
        READER_TPDU = 0x10000, /* as dwFeatures has them */
        READER_SHORT = 0x20000,
        READER_EXTENDED = 0x40000,
};
#define READER_LEVELS 0x70000

enum {
        READER_AUTOMATIC_POWER = 0x0c, /* activation or voltage, of dwFeatures */
};

#define READER_MESSAGE_MAX (65544 + 10) /* an extended APDU and the header */

struct reader {
        uint16_t vendor, product;
        uint32_t features; /* dwFeatures; the level is in it */
        uint32_t message_max;
        uint32_t ifsd;
        uint8_t voltages; /* bVoltageSupport: 1 5 V, 2 3 V, 4 1.8 V */
        unsigned int slots;
        bool keypad, interrupt;
        int protocol;              /* the card's ATR becomes one for it; -1 as the card has it */
        uint8_t atr[CARD_ATR_MAX]; /* instead of the card's own, where atr_size is not 0 */
        size_t atr_size;
};

static inline enum reader_level reader_level(const struct reader *r) {
        return r->features & READER_LEVELS;
}

/* Gemalto PC Twin at extended APDU level, everything automatic, as it is without options. */
extern const struct reader reader_default;

/*
 * Reads the options of "plug emv", words with a space between them; the line is taken apart. 0, or -EINVAL with the
 * option that is wrong.
 */
int reader_parse(char *line, struct reader *ret, const char **ret_wrong);

#define READER_CONFIGURATION_MAX 93

/* Descriptors as the host asks for them. */
void reader_device_descriptor(const struct reader *r, uint8_t ret[static 18]);
void reader_configuration(const struct reader *r, uint8_t ret[static READER_CONFIGURATION_MAX]);

/* 5, 3 or 1.8 as the bit of bVoltageSupport, 0 for anything else. */
uint8_t reader_parse_voltage(const char *text);
