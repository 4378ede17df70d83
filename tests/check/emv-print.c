// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * emv-print - what emv/ makes of data, for other readers to agree with:
 *
 *     emv-print tlv FILE...   a line "FILE", then "DEPTH TAG VALUE" for each object, or "refused"
 *     emv-print tvr           a line "RESULTS<tab>TEXT" for each bit of the terminal verification results
 */

#include "base/hex.h"
#include "base/tlv.h"
#include "emv/tvr.h"

static const struct {
        unsigned bit;
        const char *text;
} tvr_texts[] = {
        { TVR_AUTHENTICATION_NOT_PERFORMED, "data authentication was not performed" },
        { TVR_SDA_FAILED, "SDA failed" },
        { TVR_DATA_MISSING, "data missing" },
        { TVR_EXCEPTION_FILE, "exception file" },
        { TVR_DDA_FAILED, "DDA failed" },
        { TVR_CDA_FAILED, "CDA failed" },
        { TVR_VERSIONS_DIFFER, "different application versions" },
        { TVR_EXPIRED, "expired" },
        { TVR_NOT_YET_EFFECTIVE, "not yet effective" },
        { TVR_SERVICE_NOT_ALLOWED, "service not allowed" },
        { TVR_NEW_CARD, "new card" },
        { TVR_CVM_FAILED, "verification was not successful" },
        { TVR_CVM_UNRECOGNISED, "unrecognised CVM" },
        { TVR_PIN_TRIES_EXCEEDED, "try limit exceeded" },
        { TVR_PIN_PAD_ABSENT, "PIN pad not present" },
        { TVR_PIN_NOT_ENTERED, "PIN was not entered" },
        { TVR_ONLINE_PIN, "online PIN entered" },
        { TVR_FLOOR_LIMIT, "exceeds floor limit" },
        { TVR_LOWER_LIMIT, "lower consecutive offline limit exceeded" },
        { TVR_UPPER_LIMIT, "upper consecutive offline limit exceeded" },
        { TVR_RANDOMLY_SELECTED, "selected randomly" },
        { TVR_FORCED_ONLINE, "merchant forced transaction online" },
        { TVR_DEFAULT_TDOL, "default TDOL used" },
        { TVR_ISSUER_AUTHENTICATION_FAILED, "issuer authentication failed" },
        { TVR_SCRIPT_FAILED_BEFORE, "script processing failed before final" },
        { TVR_SCRIPT_FAILED_AFTER, "script processing failed after final" },
};

static void print_tvr(void) {
        for (size_t i = 0; i < ELEMENTSOF(tvr_texts); i++) {
                uint8_t tvr[5] = {};
                char hex[11];

                tvr_set(tvr, (enum tvr_bit) tvr_texts[i].bit);
                hex_encode(tvr, sizeof(tvr), hex);
                printf("%s\t%s\n", hex, tvr_texts[i].text);
        }
}

static void print_level(const uint8_t *data, size_t size, unsigned depth) {
        struct tlv t;

        while (tlv_next(&data, &size, &t) > 0) {
                printf("%u %X ", depth, t.tag);
                if (tlv_is_constructed(t.tag)) {
                        printf("-\n");
                        print_level(t.value, t.size, depth + 1);
                        continue;
                }
                for (size_t i = 0; i < t.size; i++)
                        printf("%02X", t.value[i]);
                printf("\n");
        }
}

static int print_file(const char *path) {
        _cleanup_fclose_ FILE *f = fopen(path, "re");
        uint8_t data[65536];
        size_t n;

        if (!f) {
                perror(path);
                return EXIT_FAILURE;
        }
        n = fread(data, 1, sizeof(data), f);
        printf("%s\n", path);
        if (tlv_check(data, n) < 0)
                printf("refused\n");
        else
                print_level(data, n, 0);
        return EXIT_SUCCESS;
}

int main(int argc, char **argv) {
        int r = EXIT_SUCCESS;

        if (argc == 2 && streq(argv[1], "tvr"))
                print_tvr();
        else if (argc > 2 && streq(argv[1], "tlv"))
                for (int i = 2; i < argc; i++)
                        r |= print_file(argv[i]);
        else {
                fprintf(stderr, "usage: emv-print tlv FILE... | tvr\n");
                return 2;
        }
        return r;
}
