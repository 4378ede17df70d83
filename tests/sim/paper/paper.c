// SPDX-License-Identifier: LGPL-2.1-or-later
/* The printer as its owner sees it: switches, the receive buffer, status and real-time commands. */

#include "paper/printer.h"

const struct paper_model paper_models[] = {
        {
                .word = "80",
                .maker = "EPSON",
                .name = "TM-T20II",
                .serial = "TILL000001",
                .dots = 576,
                .roll_dots = 640,
                .cutter = true,
                .cutter_dots = 96,
                .chinese = PAPER_CHINESE_GB18030,
                .buffer_size = 4096,
        },
        {
                .word = "58",
                .maker = "EPSON",
                .name = "58mm",
                .serial = "TILL000002",
                .dots = 384,
                .roll_dots = 464,
                .cutter_dots = 56,
                .chinese = PAPER_CHINESE_GBK,
                .buffer_size = 1024,
        },
        {
                .word = "latin",
                .maker = "BIXOLON",
                .name = "SRP-350",
                .serial = "TILL000003",
                .dots = 512,
                .roll_dots = 640,
                .cutter = true,
                .cutter_dots = 96,
                .buffer_size = 4096,
                .no_qr = true,
                .no_process_id = true,
        },
        {
                .word = "silent",
                .maker = "POS",
                .name = "POS-58",
                .serial = "TILL000004",
                .dots = 384,
                .roll_dots = 464,
                .cutter_dots = 56,
                .chinese = PAPER_CHINESE_GBK,
                .buffer_size = 1024,
                .no_qr = true,
                .no_process_id = true,
                .no_sensor_query = true,
        },
};

const struct paper_model *paper_model_find(const char *word) {
        for (size_t i = 0; i < ELEMENTSOF(paper_models); i++)
                if (streq(paper_models[i].word, word))
                        return &paper_models[i];
        return NULL;
}

int paper_new(const struct paper_model *model, paper_reply_t reply, void *userdata, struct paper **ret) {
        _cleanup_(paper_freep) struct paper *p = NULL;
        int r;

        if (model->dots < 8 || model->dots > 1024 || model->roll_dots < model->dots || model->roll_dots > 2048 ||
            model->cutter_dots > 1024 || model->buffer_size < 16 || model->buffer_size > 16 * 1024 * 1024)
                return -EINVAL;
        p = calloc(1, sizeof(*p));
        if (!p)
                return -ENOMEM;
        p->model = *model;
        p->reply = reply;
        p->userdata = userdata;
        p->roll = -1;
        p->gb18030 = (iconv_t) -1;
        paper_dots_init(&p->line, PAGE_ROWS);
        paper_dots_init(&p->page_dots, model->dots);

        p->buffer = malloc(model->buffer_size);
        if (!p->buffer)
                return -ENOMEM;
        r = paper_fonts_new(&p->fonts);
        if (r < 0)
                return r;
        p->gb18030 = iconv_open("UTF-32LE", "GB18030");
        if (p->gb18030 == (iconv_t) -1)
                return -errno;
        r = paper_sheet_new(p, EDGE_TORN, &p->sheet);
        if (r < 0)
                return r;
        p->row = p->sheet->dots.rows = model->cutter_dots;
        paper_modes_reset(p);
        *ret = TAKE_PTR(p);
        return 0;
}

struct paper *paper_free(struct paper *p) {
        if (!p)
                return NULL;
        paper_page_clear(p);
        paper_dots_done(&p->line);
        paper_dots_done(&p->page_dots);
        paper_dots_done(&p->graphics);
        paper_dots_done(&p->download);
        while (p->n_sheets > 0)
                paper_sheet_free(p->sheets[--p->n_sheets]);
        paper_sheet_free(p->sheet);
        paper_fonts_free(p->fonts);
        if (p->gb18030 != (iconv_t) -1)
                iconv_close(p->gb18030);
        free(p->qr_data);
        free(p->pdf_data);
        free(p->command);
        free(p->buffer);
        free(p);
        return NULL;
}

void paper_send(struct paper *p, const void *data, size_t size) {
        if (p->reply)
                p->reply(p->userdata, data, size);
}

/* Status */

static bool offline(const struct paper *p) {
        return p->cover_open || p->supply == PAPER_END || p->error != PAPER_ERROR_NONE || p->feed_pressed ||
               p->switched_offline || p->powerless;
}

static uint8_t error_bits(const struct paper *p) {
        switch (p->error) {
        case PAPER_ERROR_CUTTER:
                return 0x08;
        case PAPER_ERROR_AUTOMATIC:
                return 0x40;
        case PAPER_ERROR_UNRECOVERABLE:
                return 0x20;
        default:
                return 0;
        }
}

uint8_t paper_sensor_byte(const struct paper *p) {
        return (p->supply != PAPER_OK ? 0x03 : 0) | (p->supply == PAPER_END ? 0x0C : 0);
}

static void asb_fill(const struct paper *p, uint8_t out[static 4]) {
        out[0] = 0x10 | (p->drawer_open ? 0x04 : 0) | (offline(p) ? 0x08 : 0) | (p->cover_open ? 0x20 : 0) |
                 (p->feed_pressed ? 0x40 : 0);
        out[1] = error_bits(p);
        out[2] = paper_sensor_byte(p);
        out[3] = 0x0F;
}

void paper_tell_status(struct paper *p, bool always) {
        uint8_t now[4], changed[4];
        unsigned asb = p->modes.asb;

        asb_fill(p, now);
        for (int i = 0; i < 4; i++)
                changed[i] = now[i] ^ p->asb[i];
        memcpy(p->asb, now, sizeof(now));
        if (always || ((asb & 0x01) && (changed[0] & 0x04)) || ((asb & 0x02) && (changed[0] & ~0x04)) ||
            ((asb & 0x04) && changed[1]) || ((asb & 0x08) && changed[2]))
                paper_send(p, now, sizeof(now));
}

void paper_fail(struct paper *p, enum paper_error error) {
        p->error = error;
        paper_tell_status(p, false);
}

void paper_pulse_drawer(struct paper *p) {
        p->count.drawer_pulses++;
        p->drawer_open = true;
        paper_tell_status(p, false);
}

void paper_count_unknown(struct paper *p, const uint8_t *bytes, size_t size) {
        size_t at = 0;

        p->count.unknown++;
        p->last_unknown[0] = '\0';
        for (size_t i = 0; i < MIN(size, (size_t) 12); i++)
                at += (size_t) sprintf(p->last_unknown + at, i ? " %02X" : "%02X", bytes[i]);
}

unsigned paper_unknown(const struct paper *p, const char **ret_last) {
        if (ret_last)
                *ret_last = p->last_unknown;
        return p->count.unknown;
}

void paper_get_status(const struct paper *p, struct paper_status *ret) {
        *ret = p->count;
        ret->supply = p->supply;
        ret->error = p->error;
        ret->cover_open = p->cover_open;
        ret->drawer_open = p->drawer_open;
        ret->offline = offline(p);
        ret->powerless = p->powerless;
        ret->buffered = (unsigned) (p->buffer_used + p->n_command);
}

uint8_t paper_port_status(const struct paper *p) {
        return (p->supply == PAPER_END ? 0x20 : 0) | (offline(p) ? 0 : 0x10) |
               (p->error == PAPER_ERROR_NONE ? 0x08 : 0);
}

/* The receive buffer */

static void buffer_drop(struct paper *p) {
        p->buffer_used = 0;
        p->n_realtime = 0;
        paper_command_drop(p);
        if (p->page)
                paper_page_end(p);
        paper_line_clear(p);
}

/* Works off what was received, as far as the printer may. */
static void buffer_run(struct paper *p) {
        while (p->buffer_used > 0 && p->head_usec == 0 && !offline(p)) {
                uint8_t byte = p->buffer[p->buffer_start];

                p->buffer_start = (p->buffer_start + 1) % p->model.buffer_size;
                p->buffer_used--;
                paper_command_byte(p, byte);
        }
        if (p->powerless)
                paper_sheet_whiten(p);
}

static void realtime_status(struct paper *p, unsigned n) {
        uint8_t b = 0x12;

        switch (n) {
        case 1:
                b |= (p->drawer_open ? 0x04 : 0) | (offline(p) ? 0x08 : 0) | (p->feed_pressed ? 0x40 : 0);
                break;
        case 2:
                b |= (p->cover_open ? 0x04 : 0) | (p->feed_pressed ? 0x08 : 0) | (p->supply == PAPER_END ? 0x20 : 0) |
                     (p->error != PAPER_ERROR_NONE ? 0x40 : 0);
                break;
        case 3:
                b |= error_bits(p);
                break;
        case 4:
                b |= (p->supply != PAPER_OK ? 0x0C : 0) | (p->supply == PAPER_END ? 0x60 : 0);
                break;
        default:
                return;
        }
        paper_send(p, &b, 1);
}

static void realtime_recover(struct paper *p, unsigned n) {
        if ((n != 1 && n != 2) || p->error != PAPER_ERROR_CUTTER)
                return;
        p->error = PAPER_ERROR_NONE;
        if (n == 2)
                buffer_drop(p);
        paper_tell_status(p, false);
}

static void realtime_run(struct paper *p, const uint8_t *c) {
        static const uint8_t clear[] = { 0x10, 0x14, 8, 1, 3, 20, 1, 6, 2, 8 };

        if (c[1] == 0x04)
                realtime_status(p, c[2]);
        else if (c[1] == 0x05)
                realtime_recover(p, c[2]);
        else if (c[2] == 1 && c[3] <= 1 && c[4] >= 1 && c[4] <= 8)
                paper_pulse_drawer(p);
        else if (c[2] == 8 && memcmp(c, clear, sizeof(clear)) == 0) {
                buffer_drop(p);
                paper_send(p, "\x37\x25", 3);
        }
}

/* Length of the real-time command that these bytes begin: 0 for none, more than n where it is not complete. */
static size_t realtime_length(const uint8_t *c, size_t n) {
        if (c[0] != 0x10)
                return 0;
        if (n < 2)
                return 2;
        if (c[1] == 0x04 || c[1] == 0x05)
                return 3;
        if (c[1] != 0x14)
                return 0;
        if (n < 3)
                return 3;
        return c[2] == 1 || c[2] == 2 ? 5 : c[2] == 8 ? 10 : 0;
}

/* Sees each byte as it enters the buffer. */
static void realtime_byte(struct paper *p, uint8_t byte) {
        size_t length;

        p->realtime[p->n_realtime++] = byte;
        length = realtime_length(p->realtime, p->n_realtime);
        if (length == 0) {
                p->n_realtime = 0;
                if (byte == 0x10)
                        p->realtime[p->n_realtime++] = byte;
                return;
        }
        if (p->n_realtime < length)
                return;
        p->n_realtime = 0;
        realtime_run(p, p->realtime);
}

size_t paper_write(struct paper *p, const void *data, size_t size) {
        const uint8_t *bytes = data;
        size_t i = 0;

        buffer_run(p);
        while (i < size && !p->powerless) {
                size_t length;

                if (p->buffer_used < p->model.buffer_size) {
                        p->buffer[(p->buffer_start + p->buffer_used++) % p->model.buffer_size] = bytes[i];
                        realtime_byte(p, bytes[i++]);
                        buffer_run(p);
                        continue;
                }
                length = realtime_length(bytes + i, size - i);
                if (length == 0 || length > size - i)
                        break;
                realtime_run(p, bytes + i);
                i += length;
                buffer_run(p);
        }
        p->count.bytes_accepted += i;
        return i;
}

uint64_t paper_advance(struct paper *p, uint64_t usec) {
        buffer_run(p);
        while (!offline(p) && p->head_usec > 0 && usec > 0) {
                uint64_t step = MIN(p->head_usec, usec);

                p->head_usec -= step;
                usec -= step;
                buffer_run(p);
        }
        return p->head_usec > 0 && !offline(p) ? p->head_usec : UINT64_MAX;
}

void paper_soft_reset(struct paper *p) {
        buffer_drop(p);
        paper_modes_reset(p);
        p->head_usec = 0;
}

void paper_power_cycle(struct paper *p) {
        paper_soft_reset(p);
        p->error = PAPER_ERROR_NONE;
        p->feed_pressed = p->switched_offline = p->powerless = false;
        asb_fill(p, p->asb);
}

void paper_power_off(struct paper *p) {
        p->powerless = true;
        p->rows_powered = 0;
}

void paper_power_off_after(struct paper *p, unsigned rows) {
        p->rows_powered = rows;
}

void paper_set_speed(struct paper *p, unsigned rows_per_s) {
        p->model.rows_per_s = rows_per_s;
}

/* Switches */

static void switched(struct paper *p) {
        paper_tell_status(p, false);
        buffer_run(p);
}

void paper_set_paper(struct paper *p, enum paper_supply supply) {
        p->supply = supply;
        if (supply == PAPER_OK || p->roll == 0)
                p->roll = -1;
        switched(p);
}

void paper_set_roll(struct paper *p, unsigned rows) {
        p->roll = rows;
        p->supply = rows == 0 ? PAPER_END : rows <= 800 ? PAPER_NEAR_END : PAPER_OK;
        switched(p);
}

void paper_set_cover(struct paper *p, bool open) {
        p->cover_open = open;
        switched(p);
}

void paper_set_drawer(struct paper *p, bool open) {
        p->drawer_open = open;
        switched(p);
}

void paper_press_feed(struct paper *p, bool pressed) {
        if (pressed && !offline(p))
                paper_sheet_feed(p, 120);
        p->feed_pressed = pressed;
        switched(p);
}

void paper_switch_offline(struct paper *p, bool off) {
        p->switched_offline = off;
        switched(p);
}

void paper_set_error(struct paper *p, enum paper_error error) {
        p->error = error;
        p->jam = false;
        switched(p);
}

void paper_jam_next_cut(struct paper *p) {
        p->jam = true;
}
