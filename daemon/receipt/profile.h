/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* What a printer model can do. */

#include "base/macro.h"

enum printer_chinese {
        PRINTER_CHINESE_NONE,    /* no font: papers are in English there */
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

struct printer_profile {
        const char *name;
        unsigned dots;          /* printable width */
        unsigned columns;       /* half-width characters of font A, 12 dots */
        unsigned columns_small; /* of font B, 9 dots */
        enum printer_chinese chinese;
        enum printer_completion completion;
        bool cutter;
        bool qr;            /* GS ( k */
        uint8_t code_page;  /* ESC t n of what ASCII and little else needs */
        uint8_t feed_lines; /* between the last line and the cutter or tear bar */
};

/* By name ("epson-80"); NULL when unknown. */
const struct printer_profile *printer_profile_find(const char *name);
/* By USB id; an unknown one gets printer_profile_default(). */
const struct printer_profile *printer_profile_find_usb(uint16_t vendor, uint16_t product);
/* 80 mm, asks little: GBK, GS r, cutter. */
const struct printer_profile *printer_profile_default(void);
