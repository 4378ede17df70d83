// SPDX-License-Identifier: LGPL-2.1-or-later
#include "receipt/profile.h"

#include <ctype.h>

#include "base/log.h"

#define CELL_A 12
#define CELL_B 9

/* GS V 66 feeds to the cutter by itself; a tear bar wants the lines that lie between it and the head. */
#define COMMON .barcode = true, .drawer_pin = 2, .drawer_on = 100, .drawer_off = 500
#define WIDE .dots = 576, .columns = 48, .columns_small = 64, .cutter = PRINTER_CUTTER_PARTIAL, .feed_lines = 1
#define EPSON COMMON, WIDE, .completion = PRINTER_COMPLETION_GS_H, .qr = true, .speed = 100

static const struct {
        const char *name;
        struct printer_profile profile;
} profiles[] = {
        /* What an unknown model gets: Chinese as pictures, which are right with and without a Chinese font. */
        {
                "generic-80",
                {
                        COMMON,
                        WIDE,
                        .completion = PRINTER_COMPLETION_GS_R,
                        .charset = "ASCII",
                        .speed = 50,
                },
        },
        {
                "generic-58",
                {
                        COMMON,
                        .dots = 384,
                        .columns = 32,
                        .columns_small = 42,
                        .chinese = PRINTER_CHINESE_GBK,
                        .completion = PRINTER_COMPLETION_GS_R,
                        .charset = "ASCII",
                        .qr = true,
                        .feed_lines = 4,
                        .speed = 50,
                },
        },
        { "epson-80", { EPSON, .chinese = PRINTER_CHINESE_GB18030, .charset = "ASCII" } },
        { "epson-80-latin", { EPSON, .charset = "CP437" } },
};

const struct printer_profile *printer_profile_default(void) {
        return &profiles[0].profile;
}

const struct printer_profile *printer_profile_find(const char *name) {
        for (size_t i = 0; i < ELEMENTSOF(profiles); i++)
                if (streq(profiles[i].name, name))
                        return &profiles[i].profile;
        return NULL;
}

bool printer_profile_has_chinese(const struct printer_profile *profile) {
        return profile->chinese != PRINTER_CHINESE_NONE || !(profile->quirks & PRINTER_QUIRK_NO_RASTER);
}

/* ---- Properties: each takes a value, or says what it should have been ---- */

static bool number(const char **text, unsigned min, unsigned max, unsigned *ret) {
        unsigned n = 0;
        const char *p = *text;

        if (!isdigit((unsigned char) *p))
                return false;
        for (; isdigit((unsigned char) *p); p++) {
                n = n * 10 + (unsigned) (*p - '0');
                if (n > max)
                        return false;
        }
        if (n < min)
                return false;
        *text = p;
        *ret = n;
        return true;
}

static bool whole_number(const char *text, unsigned min, unsigned max, unsigned *ret) {
        unsigned n;

        if (!number(&text, min, max, &n) || *text)
                return false;
        *ret = n;
        return true;
}

static bool word(const char *text, const char *const words[], size_t n, unsigned *ret) {
        for (size_t i = 0; i < n; i++)
                if (streq(text, words[i])) {
                        *ret = (unsigned) i;
                        return true;
                }
        return false;
}
#define WORD(text, ret, ...)                                                                                          \
        ({                                                                                                            \
                static const char *const _words[] = { __VA_ARGS__ };                                                  \
                word(text, _words, ELEMENTSOF(_words), ret);                                                          \
        })

static const char *set_dots(const char *value, struct printer_profile *p) {
        if (!whole_number(value, 192, 1024, &p->dots))
                return "a number from 192 to 1024";
        p->columns = p->dots / CELL_A;
        p->columns_small = p->dots / CELL_B;
        return NULL;
}

/* What is drawn in cells of those widths has to fit, too. */
static const char *set_columns(const char *value, struct printer_profile *p) {
        return whole_number(value, 16, p->dots / CELL_A, &p->columns) ? NULL
                                                                      : "16 at least, and 12 dots each on the paper";
}

static const char *set_columns_small(const char *value, struct printer_profile *p) {
        return whole_number(value, 16, p->dots / CELL_B, &p->columns_small)
                       ? NULL
                       : "16 at least, and 9 dots each on the paper";
}

static const char *set_chinese(const char *value, struct printer_profile *p) {
        unsigned i;

        if (!WORD(value, &i, "none", "gbk", "gb18030"))
                return "none, gbk or gb18030";
        p->chinese = i;
        return NULL;
}

/* "19:CP858" */
static const char *set_code_page(const char *value, struct printer_profile *p) {
        const char *rest = value;
        unsigned n;
        size_t l;

        if (!number(&rest, 0, 255, &n) || *rest++ != ':')
                return "NUMBER:CHARSET, as 19:CP858";
        l = strspn(rest, "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_");
        if (l == 0 || rest[l] || l >= sizeof(p->charset))
                return "a character set as iconv -l names it, in capital letters";
        p->code_page = (uint8_t) n;
        COPY(p->charset, rest);
        return NULL;
}

static const char *set_cutter(const char *value, struct printer_profile *p) {
        unsigned i;

        if (!WORD(value, &i, "none", "partial", "full"))
                return "none, partial or full";
        p->cutter = i;
        return NULL;
}

/* "2:100:500": the units of ESC p are 2 ms, of which a byte counts 255. */
static const char *set_drawer(const char *value, struct printer_profile *p) {
        unsigned pin, on, off;

        if (streq(value, "no")) {
                p->drawer_pin = 0;
                return NULL;
        }
        if (!number(&value, 2, 5, &pin) || (pin != 2 && pin != 5) || *value++ != ':' || !number(&value, 2, 510, &on) ||
            *value++ != ':' || !number(&value, 2, 510, &off) || *value || on > off)
                return "no, or PIN:ON:OFF with pin 2 or 5 and milliseconds from 2 to 510, OFF not below ON";
        p->drawer_pin = (uint8_t) pin;
        p->drawer_on = (uint16_t) on;
        p->drawer_off = (uint16_t) off;
        return NULL;
}

static const char *set_command(const char *value, bool *ret) {
        unsigned i;

        if (!WORD(value, &i, "raster", "command"))
                return "command or raster";
        *ret = i;
        return NULL;
}

static const char *set_qr(const char *value, struct printer_profile *p) {
        return set_command(value, &p->qr);
}

static const char *set_barcode(const char *value, struct printer_profile *p) {
        return set_command(value, &p->barcode);
}

static const char *set_completion(const char *value, struct printer_profile *p) {
        unsigned i;

        if (!WORD(value, &i, "none", "gs-r", "gs-h"))
                return "gs-h, gs-r or none";
        p->completion = i;
        return NULL;
}

static const char *set_speed(const char *value, struct printer_profile *p) {
        return whole_number(value, 10, 1000, &p->speed) ? NULL : "millimetres a second, from 10 to 1000";
}

static const char *set_feed(const char *value, struct printer_profile *p) {
        unsigned n;

        if (!whole_number(value, 0, 20, &n))
                return "lines, from 0 to 20";
        p->feed_lines = (uint8_t) n;
        return NULL;
}

/* Words with blanks between them. */
static const char *set_quirks(const char *value, struct printer_profile *p) {
        static const char *const quirks[] = { "cut-plain", "no-raster" };
        unsigned bits = 0;

        while (*value) {
                size_t l = strcspn(value, " "), i;

                for (i = 0; l > 0 && i < ELEMENTSOF(quirks); i++)
                        if (strlen(quirks[i]) == l && strncmp(value, quirks[i], l) == 0)
                                break;
                if (i == ELEMENTSOF(quirks))
                        return "a quirk that this version knows";
                bits |= l > 0 ? 1u << i : 0;
                value += l + (value[l] == ' ');
        }
        p->quirks = bits;
        return NULL;
}

/* Dots come first: the columns follow from them. */
static const struct {
        const char *name;
        const char *(*set)(const char *value, struct printer_profile *p);
} properties[] = {
        { "TILL_PRINTER_DOTS", set_dots },
        { "TILL_PRINTER_COLUMNS", set_columns },
        { "TILL_PRINTER_COLUMNS_SMALL", set_columns_small },
        { "TILL_PRINTER_CHINESE", set_chinese },
        { "TILL_PRINTER_CODE_PAGE", set_code_page },
        { "TILL_PRINTER_CUTTER", set_cutter },
        { "TILL_PRINTER_DRAWER", set_drawer },
        { "TILL_PRINTER_QR", set_qr },
        { "TILL_PRINTER_BARCODE", set_barcode },
        { "TILL_PRINTER_COMPLETION", set_completion },
        { "TILL_PRINTER_SPEED", set_speed },
        { "TILL_PRINTER_FEED", set_feed },
        { "TILL_PRINTER_QUIRKS", set_quirks },
};

const char *printer_profile_set(struct printer_profile *profile, const char *name, const char *value) {
        for (size_t i = 0; i < ELEMENTSOF(properties); i++)
                if (streq(properties[i].name, name))
                        return properties[i].set(value, profile);
        return "a property that this version knows";
}

/* Small characters are narrower: no page can be laid out where fewer of them fit. */
static void check_columns(struct printer_profile *p) {
        if (p->columns_small >= p->columns)
                return;
        log_warning("Printer's property TILL_PRINTER_COLUMNS_SMALL=%u is below TILL_PRINTER_COLUMNS, %u; see "
                    "/etc/udev/hwdb.d. %u are taken, as 9 dots each give",
                    p->columns_small, p->columns, p->dots / CELL_B);
        p->columns_small = p->dots / CELL_B;
}

bool printer_profile_parse(printer_property_t get, void *userdata, struct printer_profile *ret) {
        bool any = false;

        *ret = *printer_profile_default();
        for (size_t i = 0; i < ELEMENTSOF(properties); i++) {
                const char *value = get(properties[i].name, userdata), *wanted;

                if (!value)
                        continue;
                any = true;
                wanted = properties[i].set(value, ret);
                if (wanted)
                        log_warning("Printer's property %s=%s is not understood: it should be %s; see "
                                    "/etc/udev/hwdb.d. A usual printer's is taken",
                                    properties[i].name, value, wanted);
        }
        check_columns(ret);
        return any;
}
