/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * The brain of a thermal receipt printer: ESC/POS bytes in, replies out, paper as a picture.
 *
 * No file, clock or USB of its own: its owner hands it the bytes of bulk OUT, gets the bytes of
 * bulk IN by callback, and turns its switches (paper, cover, drawer). All input is taken for
 * hostile: every length is bounded, memory too, and what is not understood is counted.
 *
 * Ownership: what returns `char *` is the caller's to free; what is given is copied.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/macro.h"

struct paper;

enum paper_chinese {
        PAPER_CHINESE_NONE,    /* FS & does nothing */
        PAPER_CHINESE_GBK,     /* two bytes */
        PAPER_CHINESE_GB18030, /* two and four bytes */
};

struct paper_model {
        const char *word;                  /* for options: "80", "latin" */
        const char *maker, *name, *serial; /* GS I 66, 67, 68 */
        unsigned dots;                     /* printable width: 576 for 80 mm, 384 for 58 mm; 8 to 1024 */
        unsigned roll_dots;                /* width of the paper: 640 and 464 */
        bool cutter;                       /* false: GS V is ignored, and slips end by paper_tear() */
        unsigned cutter_dots;              /* from the head to the blade: a cut without a feed cuts into the text */
        enum paper_chinese chinese;
        unsigned buffer_size; /* receive buffer in bytes; bytes are "accepted" once there, printed later */
        bool no_qr;           /* GS ( k of a QR code is not known */
        bool no_process_id;   /* GS ( H is not known */
        bool no_sensor_query; /* nor GS r: what was printed, such a printer never says */
        unsigned rows_per_s;  /* head speed in dot rows, 203 to the inch; 0: at once */
};

/*
 * An Epson TM-T20II of the Chinese market ("80"), a plain 58 mm printer without cutter ("58"), one for Latin letters
 * that has neither Chinese nor QR codes ("latin"), and a 58 mm one that answers no query ("silent").
 */
#define paper_model_80mm (paper_models[0])
#define paper_model_58mm (paper_models[1])
extern const struct paper_model paper_models[4];
/* NULL for none. */
const struct paper_model *paper_model_find(const char *word);

/* Bytes that the printer sends to the host, in order, a message per call. Must not call back into `paper`. */
typedef void (*paper_reply_t)(void *userdata, const void *data, size_t size);

/* -ENOMEM; -EINVAL for an impossible model; -ENOENT where fontconfig finds no usable font. The model is copied. */
int paper_new(const struct paper_model *model, paper_reply_t reply, void *userdata, struct paper **ret);
struct paper *paper_free(struct paper *p);
DEFINE_CLEANUP(struct paper *, paper_free);

/*
 * Takes bytes of bulk OUT and returns how many it took. Fewer than given: the receive buffer is full, because
 * the printer is offline (paper out, cover open, error) or the head is slower than the host. Keep the rest and
 * offer it again after any call below that changes something. A real-time command at the front of what is
 * offered (DLE EOT, DLE ENQ, DLE DC4) is taken and answered even then.
 */
size_t paper_write(struct paper *p, const void *data, size_t size);

/*
 * Lets the head run for so long, where the model has a speed. Returns the microseconds after which it wants to
 * be called again, UINT64_MAX when there is nothing to print (or it is offline).
 */
uint64_t paper_advance(struct paper *p, uint64_t usec);

/* As if switched off and on: buffers, modes, ASB are lost, paper and what is on it stay. */
void paper_power_cycle(struct paper *p);
/*
 * The power goes, and comes back by paper_power_cycle(): nothing is taken or printed between. At once, also from
 * within a reply; or when so many more dot rows are printed, in the middle of a line too. 0: not at all.
 */
void paper_power_off(struct paper *p);
void paper_power_off_after(struct paper *p, unsigned rows);
/* Another speed of the head than the model's, in dot rows a second. */
void paper_set_speed(struct paper *p, unsigned rows_per_s);
/* USB SOFT_RESET: receive and print buffers are emptied. */
void paper_soft_reset(struct paper *p);

enum paper_supply { PAPER_OK, PAPER_NEAR_END, PAPER_END };
/* Puts in or takes away paper; OK also lifts the limit of paper_set_roll(). Each change is told by ASB. */
void paper_set_paper(struct paper *p, enum paper_supply supply);
/* Leaves so many dot rows on the roll: near end comes 800 rows (10 cm) before the end. */
void paper_set_roll(struct paper *p, unsigned rows);
void paper_set_cover(struct paper *p, bool open);
/* The drawer's switch; a pulse of ESC p or DLE DC4 opens it, a person shuts it. */
void paper_set_drawer(struct paper *p, bool open);
void paper_press_feed(struct paper *p, bool pressed);
/* By its ON LINE button: it says that it is offline, and nothing else of it. */
void paper_switch_offline(struct paper *p, bool off);

enum paper_error {
        PAPER_ERROR_NONE,
        PAPER_ERROR_CUTTER,        /* jammed; DLE ENQ 1 or 2 recovers */
        PAPER_ERROR_AUTOMATIC,     /* head too hot; ends by itself: paper_set_error(NONE) */
        PAPER_ERROR_UNRECOVERABLE, /* only a power cycle helps */
};
void paper_set_error(struct paper *p, enum paper_error error);
/* The next cut fails with PAPER_ERROR_CUTTER, unless paper_set_error() comes before. */
void paper_jam_next_cut(struct paper *p);

struct paper_status {
        enum paper_supply supply;
        enum paper_error error;
        bool cover_open, drawer_open, offline;
        bool powerless;
        unsigned buffered;       /* bytes accepted and not yet worked off */
        unsigned drawer_pulses;  /* since paper_new() */
        unsigned cuts;           /* the same */
        unsigned unknown;        /* commands not understood or data out of range, the same */
        uint64_t bytes_accepted; /* the same */
        uint64_t rows_fed;       /* the same */
};
void paper_get_status(const struct paper *p, struct paper_status *ret);
/* The byte of USB GET_PORT_STATUS: 0x20 paper empty, 0x10 selected, 0x08 no error. */
uint8_t paper_port_status(const struct paper *p);
/* How many commands were not understood; ret_last (may be NULL) is the newest as text such as "1D 7A 00", "" if none.
 */
unsigned paper_unknown(const struct paper *p, const char **ret_last);

/*
 * Slips. The oldest kept is 0; the last is what hangs out of the printer, if anything is on it. At most
 * PAPER_SHEETS_MAX cut ones are kept, the oldest goes first; a slip is at most PAPER_ROWS_MAX long, then
 * a new one begins.
 */
#define PAPER_SHEETS_MAX 64
#define PAPER_ROWS_MAX 32768
#define PAPER_SHEET_ALL (-1)
#define PAPER_SHEET_LAST (-2)

unsigned paper_sheets(const struct paper *p);
/* A person tears off what hangs out. */
void paper_tear(struct paper *p);
/* Throws away all slips, also the one that hangs out. */
void paper_clear(struct paper *p);

/*
 * What was printed as UTF-8, a line each; codes and pictures as "[QR data]", "[EAN13 data]", "[image 200x80]";
 * slips end with a form feed where all are asked for. -ENOENT for no such slip, -ENOMEM.
 */
int paper_text(const struct paper *p, int sheet, char **ret);
/* Draws a slip, or all below one another, into a PNG file. -ENOENT, -ENOMEM, -EFBIG (more than 16 m), or the error of
 * writing the file. */
int paper_render_png(const struct paper *p, int sheet, const char *path);
/* The dots themselves. */
int paper_sheet_size(const struct paper *p, int sheet, unsigned *ret_dots, unsigned *ret_rows);
bool paper_sheet_dot(const struct paper *p, int sheet, unsigned x, unsigned y);
