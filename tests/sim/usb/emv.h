/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* EMV reader: what struct reader says it is, Gemalto PC Twin 08e6:3437 at extended APDU level unless told. */

#include "card/contact.h"
#include "usb/device.h"
#include "usb/reader.h"

struct emv;
int emv_new(sd_event *event, struct emv **ret);
struct emv *emv_free(struct emv *emv);
DEFINE_CLEANUP(struct emv *, emv_free);

/* Only while unplugged. */
void emv_set_reader(struct emv *emv, const struct reader *reader);

/* Borrows the card until emv_remove(). -EBUSY if there is one in the slot. */
int emv_insert(struct emv *emv, struct icc *icc);
/* -ENOENT for an empty slot. */
int emv_remove(struct emv *emv);
struct icc *emv_card(const struct emv *emv);
bool emv_is_powered(const struct emv *emv);

/* The person at the keypad. */
enum emv_key {
        EMV_KEY_PIN,
        EMV_KEY_CANCEL,
        EMV_KEY_TIMEOUT,
};
/* -ENXIO where no PIN is asked for; for EMV_KEY_PIN also as keypad_fill(), and the reader goes on waiting. */
int emv_key(struct emv *emv, enum emv_key key, const char *pin);
bool emv_wants_pin(const struct emv *emv);

/*
 * Writes each message to a file, emptied before: "> HEX" to the reader, "< HEX" from it, "! HEX" on the interrupt
 * pipe. NULL ends it.
 */
int emv_log_wire(struct emv *emv, const char *path);

/* As it should be, from now on. */
void emv_behave(struct emv *emv);

enum emv_misbehaviour {
        EMV_BEHAVE,
        EMV_MUTE,           /* no card answers */
        EMV_NO_ANSWER,      /* the reader takes commands and answers none */
        EMV_DEAD,           /* the same, and aborts neither */
        EMV_TIME_EXTENSION, /* the next exchange asks for time so many times, 200 ms apart */
        EMV_HARDWARE_ERROR, /* the next exchange fails with bError FB */
};
#define EMV_FOREVER UINT32_MAX
/* multiplier: the bError of a time extension. */
void emv_misbehave(struct emv *emv, enum emv_misbehaviour how, unsigned int count, uint8_t multiplier);

/* What becomes of the next answer, whatever it answers. */
enum emv_twist_kind {
        TWIST_NONE,
        TWIST_SEQUENCE, /* a bSeq that is not the command's */
        TWIST_SLOT,     /* a bSlot that is not the command's */
        TWIST_TYPE,     /* another bMessageType */
        TWIST_ERROR,    /* fails with bError n */
        TWIST_CHAIN,    /* bChainParameter n */
        TWIST_LENGTH,   /* dwLength n, whatever comes */
        TWIST_SHORT,    /* only the first n bytes come */
        TWIST_EMPTY,    /* n empty packets come first */
        TWIST_STALE,    /* n answers to earlier commands come first */
        TWIST_TWICE,    /* it comes twice */
        TWIST_LATE,     /* it comes after n ms */
        TWIST_BUS,      /* an error of the bus comes instead */
        TWIST_RAW,      /* these bytes come instead, with the right bSeq */
};
struct emv_twist {
        enum emv_twist_kind how;
        uint32_t n;
        uint8_t raw[1024];
        size_t raw_size;
};
void emv_set_twist(struct emv *emv, const struct emv_twist *twist);

/* No card answers at these voltages, bits as in bVoltageSupport. */
void emv_set_mute_at(struct emv *emv, uint8_t voltages);
/* Each part of a response says that another follows. */
void emv_set_endless(struct emv *emv, bool endless);
/* An answer that fills the host's buffer is followed by the empty packet that ends it on a real bus. */
void emv_set_empty_ends(struct emv *emv, bool empty_ends);
/* How the card behaves at its contacts, at TPDU level. */
void emv_set_quirk(struct emv *emv, enum contact_quirk quirk, unsigned int n);

enum emv_pipe {
        EMV_OUT,
        EMV_IN,
        EMV_INTERRUPT,
};
/* The endpoint halts until the host clears it. -ENODEV while unplugged. */
int emv_stall(struct emv *emv, enum emv_pipe pipe);
/* The words behind "misbehave emv fail", taken apart, as device_fail(). */
int emv_fail(struct emv *emv, char *words);
/* These bytes on the interrupt pipe. -ENODEV while unplugged. */
int emv_notify_raw(struct emv *emv, const uint8_t *data, size_t size);

/* The words behind "misbehave emv"; the line is taken apart. -EINVAL for what is none, -ENODEV while unplugged. */
int emv_misbehave_words(struct emv *emv, char *words);
