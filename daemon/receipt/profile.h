/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* What a printer model can do: a value, read from the properties that udev's hwdb gives the printer. */

#include "base/macro.h"

enum printer_chinese {
        PRINTER_CHINESE_NONE,    /* no font: such text goes to paper as a picture */
        PRINTER_CHINESE_GBK,     /* FS &, two bytes */
        PRINTER_CHINESE_GB18030, /* and four */
        _PRINTER_CHINESE_MAX,
};

enum printer_completion {
        PRINTER_COMPLETION_NONE,
        PRINTER_COMPLETION_GS_R, /* GS r 1: processed, not proof of paper */
        PRINTER_COMPLETION_GS_H, /* GS ( H function 48: printed */
        _PRINTER_COMPLETION_MAX,
};

enum printer_cutter {
        PRINTER_CUTTER_NONE, /* a tear bar */
        PRINTER_CUTTER_PARTIAL,
        PRINTER_CUTTER_FULL,
        _PRINTER_CUTTER_MAX,
};

/* Each with the model that has it and who says so. */
enum printer_quirk {
        /* "cut-plain": GS V 0 and 1 only, which do not feed to the blade. RP332: escpos-printer-db, full cut alone. */
        PRINTER_QUIRK_CUT_PLAIN = 1 << 0,
        /* "no-raster": no GS v 0. TH230: escpos-printer-db, bitImageRaster; TM-U220: Odoo's IoT documentation. */
        PRINTER_QUIRK_NO_RASTER = 1 << 1,
};

struct printer_profile {
        unsigned dots;          /* printable width */
        unsigned columns;       /* half-width characters of font A, 12 dots */
        unsigned columns_small; /* of font B, 9 dots */
        unsigned speed;         /* millimetres a second, as slow as the model may print */
        enum printer_chinese chinese;
        enum printer_completion completion;
        enum printer_cutter cutter;
        bool qr;             /* GS ( k; else a QR goes to paper as a picture */
        bool barcode;        /* GS k 73, CODE128; else a barcode goes to paper as a picture */
        uint8_t code_page;   /* ESC t n … */
        char charset[16];    /* … and what iconv calls it, ASCII where nothing more is known of it */
        uint8_t feed_lines;  /* between the last line and the cutter or tear bar */
        uint8_t drawer_pin;  /* of the connector, 2 or 5; 0: no drawer can be connected */
        uint16_t drawer_on;  /* milliseconds of the pulse */
        uint16_t drawer_off; /* and after it */
        unsigned quirks;     /* enum printer_quirk */
};

/* What an unknown model gets: 80 mm, asks little of it. */
const struct printer_profile *printer_profile_default(void);
/* A few by name ("epson-80"); NULL when unknown. */
const struct printer_profile *printer_profile_find(const char *name);

/* In its own characters or as pictures; else a paper is laid out without. */
bool printer_profile_has_chinese(const struct printer_profile *profile);

/* Sets what a property says; NULL, or what the value should have been, with the profile as it was. */
const char *printer_profile_set(struct printer_profile *profile, const char *name, const char *value);

/* A property of the printer by its name, TILL_PRINTER_DOTS; NULL where it has none. */
typedef const char *(*printer_property_t)(const char *name, void *userdata);

/*
 * The default, changed by the properties that there are. One that is not understood is logged with the reason, and the
 * default stands for it. Returns whether there was any: a model that nobody described has none.
 */
bool printer_profile_parse(printer_property_t get, void *userdata, struct printer_profile *ret);
