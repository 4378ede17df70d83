// SPDX-License-Identifier: LGPL-2.1-or-later
#include "receipt/profile.h"

/* GS V 66 feeds to the cutter by itself; a tear bar wants the lines that lie between it and the head. */
static const struct printer_profile profiles[] = {
        /* What an unknown model gets. */
        {
                .name = "generic-80",
                .dots = 576,
                .columns = 48,
                .columns_small = 64,
                .chinese = PRINTER_CHINESE_GBK,
                .completion = PRINTER_COMPLETION_GS_R,
                .cutter = true,
                .feed_lines = 1,
        },
        {
                .name = "generic-58",
                .dots = 384,
                .columns = 32,
                .columns_small = 42,
                .chinese = PRINTER_CHINESE_GBK,
                .completion = PRINTER_COMPLETION_GS_R,
                .qr = true,
                .feed_lines = 4,
        },
        {
                .name = "epson-80",
                .dots = 576,
                .columns = 48,
                .columns_small = 64,
                .chinese = PRINTER_CHINESE_GB18030,
                .completion = PRINTER_COMPLETION_GS_H,
                .cutter = true,
                .qr = true,
                .feed_lines = 1,
        },
        {
                .name = "epson-80-latin",
                .dots = 576,
                .columns = 48,
                .columns_small = 64,
                .chinese = PRINTER_CHINESE_NONE,
                .completion = PRINTER_COMPLETION_GS_H,
                .cutter = true,
                .qr = true,
                .feed_lines = 1,
        },
};

static const struct {
        uint16_t vendor, product;
        const char *name;
} models[] = {
        { 0x04b8, 0x0e15, "epson-80" }, /* TM-T20II */
};

const struct printer_profile *printer_profile_default(void) {
        return &profiles[0];
}

const struct printer_profile *printer_profile_find(const char *name) {
        for (size_t i = 0; i < ELEMENTSOF(profiles); i++)
                if (streq(profiles[i].name, name))
                        return &profiles[i];
        return NULL;
}

const struct printer_profile *printer_profile_find_usb(uint16_t vendor, uint16_t product) {
        for (size_t i = 0; i < ELEMENTSOF(models); i++)
                if (models[i].vendor == vendor && models[i].product == product)
                        return printer_profile_find(models[i].name);
        return printer_profile_default();
}
