// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * The simulated printer takes any bytes: no crash, no unbounded memory, and what it took it can show. The first byte
 * chooses the model, the head's speed and what happens in the middle; the rest is bulk OUT.
 */

#include "paper/paper.h"
#include "tests/fuzz/fuzz.h"

const char *__lsan_default_suppressions(void);

/* fontconfig keeps some 600 bytes for good, however many printers there are. */
const char *__lsan_default_suppressions(void) {
        return "leak:libfontconfig";
}

static void count_reply(void *userdata, const void *data, size_t size) {
        size_t *total = userdata;

        *total += size;
}

static void offer(struct paper *p, const uint8_t *data, size_t size) {
        size_t at = 0;

        for (unsigned i = 0; i < 64 && at < size; i++) {
                at += paper_write(p, data + at, size - at);
                (void) paper_advance(p, 1000000);
        }
}

static void disturb(struct paper *p, unsigned how) {
        switch (how % 4) {
        case 1:
                paper_set_cover(p, true);
                break;
        case 2:
                paper_set_roll(p, 100);
                break;
        case 3:
                paper_jam_next_cut(p);
                break;
        }
}

static size_t replies;

/* Fonts take long to find, so printers are kept, and switched off and on. */
static struct paper *printer(unsigned kind) {
        static struct paper *printers[4];
        struct paper_model model;
        struct paper *p = printers[kind];

        if (!p) {
                model = kind & 1 ? paper_model_58mm : paper_model_80mm;
                if (kind & 2)
                        model.rows_per_s = 1200;
                if (paper_new(&model, count_reply, &replies, &printers[kind]) < 0)
                        abort();
                return printers[kind];
        }
        paper_power_cycle(p);
        paper_set_drawer(p, false);
        paper_clear(p);
        return p;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
        _cleanup_free_ char *text = NULL;
        struct paper *p;

        if (size < 1)
                return 0;
        p = printer(data[0] & 3);
        replies = 0;
        offer(p, data + 1, (size - 1) / 2);
        disturb(p, data[0] >> 2);
        offer(p, data + 1 + (size - 1) / 2, size - 1 - (size - 1) / 2);
        paper_set_cover(p, false);
        paper_set_paper(p, PAPER_OK);
        paper_set_error(p, PAPER_ERROR_NONE);
        if (paper_sheets(p) > PAPER_SHEETS_MAX + 1 || replies > size * 80 + 1024)
                abort();
        if (paper_text(p, PAPER_SHEET_ALL, &text) < 0)
                abort();
        return 0;
}
