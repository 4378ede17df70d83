// SPDX-License-Identifier: LGPL-2.1-or-later
#include "usb/reader.h"

#include "base/hex.h"
#include "card/atr.h"

/*
 * All automatic but PPS and parameters by the host (bits 80 and 40); NAD and IFSD are the reader's business
 * where it runs T=1 itself.
 */
#define FEATURES_EXTENDED 0x000404be
#define FEATURES_SHORT 0x000204be
/* What the PC Twin of Gemalto tells of itself, in libccid's list: clock, baud rate and NAD. */
#define FEATURES_TPDU 0x00010230

const struct reader reader_default = {
        .vendor = 0x08e6,
        .product = 0x3437,
        .features = FEATURES_EXTENDED,
        .message_max = 271, /* a short APDU in one message, longer ones chained */
        .ifsd = 254,
        .voltages = 7,
        .slots = 1,
        .interrupt = true,
        .protocol = -1,
};

uint8_t reader_parse_voltage(const char *text) {
        if (streq(text, "5"))
                return 1;
        if (streq(text, "3"))
                return 2;
        return streq(text, "1.8") ? 4 : 0;
}

static int parse_level(const char *value, struct reader *r) {
        if (streq(value, "extended"))
                r->features = FEATURES_EXTENDED;
        else if (streq(value, "short"))
                r->features = FEATURES_SHORT;
        else if (streq(value, "tpdu"))
                r->features = FEATURES_TPDU;
        else
                return -EINVAL;
        return 0;
}

static int parse_number(const char *value, int base, unsigned long min, unsigned long max, uint32_t *ret) {
        unsigned long n;
        char *end;

        errno = 0;
        n = strtoul(value, &end, base);
        if (errno != 0 || end == value || *end || *value == '-' || n < min || n > max)
                return -EINVAL;
        *ret = n;
        return 0;
}

static int parse_features(const char *value, struct reader *r) {
        if (parse_number(value, 16, 0, UINT32_MAX, &r->features) < 0)
                return -EINVAL;
        switch (reader_level(r)) {
        case READER_CHARACTER:
        case READER_TPDU:
        case READER_SHORT:
        case READER_EXTENDED:
                return 0;
        default:
                return -EINVAL;
        }
}

static int parse_voltages(const char *value, struct reader *r) {
        char copy[16], *save, *word;

        if (strlen(value) >= sizeof(copy))
                return -EINVAL;
        strcpy(copy, value);
        r->voltages = 0;
        for (word = strtok_r(copy, ",", &save); word; word = strtok_r(NULL, ",", &save)) {
                uint8_t bit = reader_parse_voltage(word);

                if (bit == 0)
                        return -EINVAL;
                r->voltages |= bit;
        }
        return 0;
}

static int parse_id(const char *value, struct reader *r) {
        unsigned int vendor, product;
        char end;

        if (sscanf(value, "%4x:%4x%c", &vendor, &product, &end) != 2)
                return -EINVAL;
        r->vendor = vendor;
        r->product = product;
        return 0;
}

static int parse_protocol(const char *value, struct reader *r) {
        if (!streq(value, "t0") && !streq(value, "t1"))
                return -EINVAL;
        r->protocol = value[1] - '0';
        return 0;
}

static int parse_atr(const char *value, struct reader *r) {
        struct sim_atr atr;
        ssize_t n = hex_decode(value, r->atr, sizeof(r->atr));

        if (n <= 0 || sim_atr_parse(r->atr, n, &atr) < 0)
                return -EINVAL;
        r->atr_size = n;
        return 0;
}

static int parse_message_max(const char *value, struct reader *r) {
        return parse_number(value, 10, 11, READER_MESSAGE_MAX, &r->message_max);
}

static int parse_ifsd(const char *value, struct reader *r) {
        return parse_number(value, 10, 1, 254, &r->ifsd);
}

static int parse_slots(const char *value, struct reader *r) {
        return parse_number(value, 10, 1, 16, &r->slots);
}

static const struct {
        const char *name;
        int (*parse)(const char *value, struct reader *r);
} options[] = {
        { "--level", parse_level },
        { "--features", parse_features },
        { "--protocol", parse_protocol },
        { "--atr", parse_atr },
        { "--voltages", parse_voltages },
        { "--id", parse_id },
        { "--message-max", parse_message_max },
        { "--ifsd", parse_ifsd },
        { "--slots", parse_slots },
};

static int parse_option(const char *name, char **save, struct reader *r) {
        if (streq(name, "--keypad"))
                r->keypad = true;
        else if (streq(name, "--no-interrupt"))
                r->interrupt = false;
        else {
                const char *value = strtok_r(NULL, " ", save);

                for (size_t i = 0; i < ELEMENTSOF(options); i++)
                        if (streq(options[i].name, name))
                                return value ? options[i].parse(value, r) : -EINVAL;
                return -EINVAL;
        }
        return 0;
}

int reader_parse(char *line, struct reader *ret, const char **ret_wrong) {
        struct reader r = reader_default;
        char *save;

        for (char *word = strtok_r(line, " ", &save); word; word = strtok_r(NULL, " ", &save))
                if (parse_option(word, &save, &r) < 0) {
                        *ret_wrong = word;
                        return -EINVAL;
                }
        *ret = r;
        return 0;
}

#define LE16(x) (x) & 0xff, (x) >> 8 & 0xff
#define LE32(x) (x) & 0xff, (x) >> 8 & 0xff, (x) >> 16 & 0xff, (x) >> 24 & 0xff

void reader_device_descriptor(const struct reader *r, uint8_t ret[static 18]) {
        const uint8_t d[18] = {
                18, 1, 0x00, 0x02, 0, 0, 0, 64, LE16(r->vendor), LE16(r->product), 0x00, 0x01, 1, 2, 3, 1,
        };

        memcpy(ret, d, sizeof(d));
}

void reader_configuration(const struct reader *r, uint8_t ret[static READER_CONFIGURATION_MAX]) {
        const uint8_t endpoints = r->interrupt ? 3 : 2, size = r->interrupt ? 93 : 86;
        /* clang-format off */
        const uint8_t d[READER_CONFIGURATION_MAX] = {
                9, 2, size, 0, 1, 1, 0, 0x80, 50,     /* configuration */
                9, 4, 0, 0, endpoints, 0x0b, 0, 0, 0, /* interface: CCID, bulk */
                54, 0x21, 0x10, 0x01,                 /* CCID class descriptor, bcdCCID 1.10 */
                r->slots - 1,                         /* bMaxSlotIndex */
                r->voltages,                          /* bVoltageSupport */
                LE32(3),                              /* dwProtocols: T=0 and T=1 */
                LE32(4000),                           /* dwDefaultClock, kHz */
                LE32(4000),                           /* dwMaximumClock */
                0,                                    /* bNumClockSupported: what is told above */
                LE32(10753),                          /* dwDataRate, bit/s */
                LE32(344086),                         /* dwMaxDataRate */
                0,                                    /* bNumDataRatesSupported */
                LE32(r->ifsd),                        /* dwMaxIFSD */
                LE32(0),                              /* dwSynchProtocols */
                LE32(0),                              /* dwMechanical */
                LE32(r->features),                    /* dwFeatures */
                LE32(r->message_max),                 /* dwMaxCCIDMessageLength */
                0xff, 0xff,                           /* bClassGetResponse, bClassEnvelope: echo */
                0, 0,                                 /* wLcdLayout: none */
                r->keypad,                            /* bPINSupport: verification */
                1,                                    /* bMaxCCIDBusySlots */
                7, 5, 0x01, 2, 64, 0, 0,              /* bulk OUT */
                7, 5, 0x82, 2, 64, 0, 0,              /* bulk IN */
                7, 5, 0x83, 3, 8, 0, 16,              /* interrupt IN */
        };
        /* clang-format on */

        memcpy(ret, d, sizeof(d));
}
