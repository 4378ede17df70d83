/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* What the files of this folder share; its owner sees paper.h only. */

#include <iconv.h>

#include "paper/paper.h"

#define CELL_MAX 24 /* a character cell is at most 24 x 24 dots */
#define SCALE_MAX 8 /* GS ! */
#define LINE_ROWS (CELL_MAX * SCALE_MAX)
#define LINE_TEXT_MAX 1024
#define SHEET_LINES_MAX 16384
#define PAGE_ROWS 2400 /* height of page mode's page */
#define FEED_MAX 8128  /* rows that one command may feed: 1016 mm */
#define COMMAND_MAX (1024 * 1024)
#define SYMBOL_MAX 7089 /* digits that the largest QR code holds */

/* A bitmap that grows downwards; rows past `alloc` are white. */
struct paper_dots {
        unsigned width, rows, stride, alloc;
        bool black; /* a dot has been set */
        uint8_t *bits;
};

void paper_dots_init(struct paper_dots *d, unsigned width);
void paper_dots_done(struct paper_dots *d);
/* White again, with no rows. */
void paper_dots_clear(struct paper_dots *d);
/* Rows from this one on are white again, and gone. */
void paper_dots_end(struct paper_dots *d, unsigned rows);
/* Blackens a dot, and makes rows down to it; outside the width, or without memory, nothing happens. */
void paper_dots_set(struct paper_dots *d, unsigned x, unsigned y);
bool paper_dots_get(const struct paper_dots *d, unsigned x, unsigned y);

enum paper_edge { EDGE_CUT, EDGE_TORN, EDGE_SLOT };

struct paper_line {
        unsigned row; /* its lowest */
        char *text;
};

struct paper_sheet {
        struct paper_dots dots;
        struct paper_line *lines;
        size_t n_lines, lines_alloc;
        enum paper_edge top, bottom;
};

/* A glyph: bit x of rows[y] is the dot at (x, y). */
struct paper_cell {
        unsigned width, height;
        uint32_t rows[CELL_MAX];
};

struct paper_fonts;
int paper_fonts_new(struct paper_fonts **ret);
struct paper_fonts *paper_fonts_free(struct paper_fonts *f);
/* Draws a character into a cell of the given size; an unknown one is a hollow box. */
void paper_fonts_draw(struct paper_fonts *f, uint32_t codepoint, unsigned width, unsigned height,
                      struct paper_cell *ret);

enum paper_align { ALIGN_LEFT, ALIGN_CENTER, ALIGN_RIGHT };

/* What ESC @ sets back. */
struct paper_modes {
        bool font_b, bold, double_strike, reverse, upside_down, rotated, chinese, chinese_underline;
        unsigned underline;     /* dots */
        unsigned width, height; /* scale of alphanumerics */
        unsigned chinese_width, chinese_height;
        unsigned spacing, chinese_left, chinese_right;
        unsigned line_spacing;
        unsigned unit_x, unit_y; /* GS P: parts of an inch; 203 is a dot */
        enum paper_align align;
        unsigned margin, area; /* GS L, GS W in dots */
        unsigned country;      /* ESC R */
        uint16_t tabs[32];     /* dots, ascending, 0 ends */
        unsigned asb;          /* GS a */
        unsigned bar_height, bar_width, hri, hri_font_b;
        unsigned qr_model, qr_size, qr_level;
        unsigned pdf_columns, pdf_level, pdf_width, pdf_height;
};

struct paper {
        struct paper_model model;
        paper_reply_t reply;
        void *userdata;
        struct paper_fonts *fonts;
        iconv_t gb18030;
        uint32_t codepage[128]; /* of bytes 80 to FF, 0 where there is none */

        /* The receive buffer, a ring; real-time commands are looked for as bytes enter it. */
        uint8_t *buffer;
        size_t buffer_start, buffer_used;
        uint8_t realtime[16];
        size_t n_realtime;

        /* The command that is being gathered, and the tail of one that is too long to keep. */
        uint8_t *command;
        size_t n_command, command_alloc;
        uint64_t skip;

        /* GS v 0, drawn row by row as it comes. */
        unsigned raster_stride, raster_rows, raster_mode, raster_at;
        uint8_t raster_row[128];

        struct paper_modes modes;
        uint8_t *qr_data, *pdf_data; /* GS ( k function 80 */
        size_t n_qr_data, n_pdf_data;
        struct paper_dots graphics; /* GS ( L function 112 */
        struct paper_dots download; /* GS * */

        /* The line that is being filled: characters stand on its last row, LINE_ROWS - 1. */
        struct paper_dots line;
        unsigned line_x, line_end, line_rows;
        char line_text[LINE_TEXT_MAX];
        size_t n_line_text;
        unsigned line_text_x;

        /* Page mode. */
        bool page;
        struct paper_dots page_dots;
        unsigned page_x, page_y, page_width, page_height, page_direction;
        unsigned page_v;     /* down from the area's upper edge */
        bool page_v_is_base; /* what comes next stands on page_v, not hangs from it */
        unsigned page_rows;  /* how much FF prints */
        struct paper_line *page_lines;
        size_t n_page_lines;

        /* The slips; `sheet` is the one in the printer, its row `row` under the head. */
        struct paper_sheet *sheets[PAPER_SHEETS_MAX];
        unsigned n_sheets;
        struct paper_sheet *sheet;
        unsigned row;
        uint64_t head_usec;    /* what the head has still to do */
        int64_t roll;          /* rows left, -1 for no end */
        unsigned rows_powered; /* rows until the power goes, 0: it stays */
        bool powerless;

        enum paper_supply supply;
        enum paper_error error;
        bool cover_open, drawer_open, feed_pressed, switched_offline, jam;
        uint8_t asb[4]; /* as last told */
        struct paper_status count;
        char last_unknown[48];
};

/* paper.c */
void paper_send(struct paper *p, const void *data, size_t size);
void paper_pulse_drawer(struct paper *p);
void paper_fail(struct paper *p, enum paper_error error);
/* Tells ASB's four bytes where an enabled part of them changed, or always. */
void paper_tell_status(struct paper *p, bool always);
uint8_t paper_sensor_byte(const struct paper *p);
/* Counts what was not understood. */
void paper_count_unknown(struct paper *p, const uint8_t *bytes, size_t size);

/* command.c */
void paper_modes_reset(struct paper *p);
/* Takes the next byte of the stream, in the order of printing. */
void paper_command_byte(struct paper *p, uint8_t byte);
/* Forgets a command that has begun. */
void paper_command_drop(struct paper *p);

/* line.c */
void paper_line_clear(struct paper *p);
/* The width that lines may have, in dots. */
unsigned paper_line_area(const struct paper *p);
void paper_line_character(struct paper *p, uint32_t codepoint, bool chinese);
void paper_line_tab(struct paper *p);
void paper_line_move(struct paper *p, unsigned x);
/* Puts a picture, scaled, into the line, standing on its base. */
void paper_line_picture(struct paper *p, const struct paper_dots *d, unsigned rows, unsigned scale_x,
                        unsigned scale_y);
/* Prints the line, an empty one too, and goes down by at least `rows`. */
void paper_line_print(struct paper *p, unsigned rows);
/* Prints the line where there is one. */
void paper_line_flush(struct paper *p);
/* Prints the line where there is one, and goes down by `rows`. */
void paper_line_feed(struct paper *p, unsigned rows);
/* Prints a picture that takes lines of its own, aligned; `text` may be NULL. False where it is too wide. */
bool paper_block_print(struct paper *p, const struct paper_dots *d, unsigned rows, const char *text);
/* Adds to the slip's text alone. */
void paper_line_note(struct paper *p, const char *text);
/* Text of HRI: draws unscaled characters into a bitmap, centred on `center`, from row y on. Returns the height. */
unsigned paper_draw_text(struct paper *p, struct paper_dots *d, const char *text, bool font_b, unsigned center,
                         unsigned y);

void paper_page_begin(struct paper *p);
void paper_page_print(struct paper *p);
void paper_page_clear(struct paper *p);
void paper_page_end(struct paper *p);

/* sheet.c */
int paper_sheet_new(const struct paper *p, enum paper_edge top, struct paper_sheet **ret);
struct paper_sheet *paper_sheet_free(struct paper_sheet *s);
/* Moves the paper, and wears the roll. */
void paper_sheet_feed(struct paper *p, unsigned rows);
/* Makes room for so many rows below the head on one slip. */
void paper_sheet_reserve(struct paper *p, unsigned rows);
void paper_sheet_text(struct paper *p, unsigned row, const char *text);
/* Takes back what a command has drawn below the head. */
void paper_sheet_whiten(struct paper *p);
/* Parts the paper at the blade. */
void paper_sheet_cut(struct paper *p, enum paper_edge edge);
bool paper_sheet_blank(const struct paper_sheet *s);
/* NULL for none. */
const struct paper_sheet *paper_sheet_find(const struct paper *p, int sheet);

/* symbol.c: false, and nothing printed, where the data is not of the code's kind or too wide. */
bool paper_symbol_barcode(struct paper *p, unsigned kind, const uint8_t *data, size_t size);
bool paper_symbol_qr(struct paper *p, const uint8_t *data, size_t size);
bool paper_symbol_pdf417(struct paper *p, const uint8_t *data, size_t size);
