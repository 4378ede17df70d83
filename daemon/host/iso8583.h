/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * ISO 8583:1987 messages of 64 fields: MTI in BCD, one bitmap, then the fields that it names, each in
 * the form that a table gives. A decoder that is total: any bytes give a message or -EBADMSG.
 *
 * In memory a field is what people write: digits as text for BCD fields ("000000001000"), bytes for
 * the others. It lives in secret memory, because it may be a PAN.
 */

#include "base/macro.h"

#define ISO8583_FIELDS 64
/* The longest message that is encoded or decoded, in bytes, from MTI on. */
#define ISO8583_SIZE_MAX 2048

enum iso8583_length {
        ISO8583_ABSENT, /* the profile has no such field: a message with it is malformed */
        ISO8583_FIXED,
        ISO8583_LL,  /* one BCD byte: digits or bytes that follow */
        ISO8583_LLL, /* two BCD bytes */
};

enum iso8583_content {
        ISO8583_N,       /* digits, BCD, an odd count is filled with 0 on the right */
        ISO8583_N_RIGHT, /* digits, BCD, an odd count is filled with 0 on the left */
        ISO8583_Z,       /* track data: digits and '=' (nibble D), filled as ISO8583_N */
        ISO8583_ANS,     /* printable ASCII, blanks included */
        ISO8583_B,       /* bytes */
};

struct iso8583_field {
        enum iso8583_length length;
        enum iso8583_content content;
        uint16_t size; /* digits or bytes: exact when fixed, else the most */
};

/* Indexed by field number; 0 and 1 are not used. */
typedef struct iso8583_field iso8583_table_t[ISO8583_FIELDS + 1];

struct iso8583;

/* mti is the number as read aloud: 200 for "0200". The table must outlive the message. */
int iso8583_new(const struct iso8583_field *table, unsigned mti, struct iso8583 **ret);
struct iso8583 *iso8583_free(struct iso8583 *m);
DEFINE_CLEANUP(struct iso8583 *, iso8583_free);

unsigned iso8583_mti(const struct iso8583 *m);
/* Bit (field - 1) is set for each field that is there. */
uint64_t iso8583_fields(const struct iso8583 *m);
#define ISO8583_BIT(field) (UINT64_C(1) << ((field) -1))
static inline bool iso8583_has(const struct iso8583 *m, unsigned field) {
        return iso8583_fields(m) & ISO8583_BIT(field);
}

/*
 * Setters copy; a fixed ANS field is filled with blanks on the right, fixed digits must be complete.
 * -EINVAL when the field's format does not take the value or the table has no such field, -EEXIST when
 * it is set already, -ENOBUFS when the message is full.
 */
int iso8583_set_text(struct iso8583 *m, unsigned field, const char *text);
int iso8583_set_bytes(struct iso8583 *m, unsigned field, const void *data, size_t size);
/* A fixed numeric field, zeros on the left. -ERANGE when it has not enough digits. */
int iso8583_set_number(struct iso8583 *m, unsigned field, uint64_t value);

/* Owned by the message. NULL when absent or when the field holds bytes (ISO8583_B). */
const char *iso8583_text(const struct iso8583 *m, unsigned field);
/* Any field: its bytes, or its digits as text. NULL when absent. */
const void *iso8583_bytes(const struct iso8583 *m, unsigned field, size_t *ret_size);
/* -ENODATA when absent, -EINVAL when not digits, -ERANGE beyond 18 digits. */
int iso8583_number(const struct iso8583 *m, unsigned field, uint64_t *ret);

/* Returns the number of bytes written, from MTI on. -ENOBUFS when size is too small. */
ssize_t iso8583_encode(const struct iso8583 *m, void *data, size_t size);
/*
 * Takes a whole message: -EBADMSG for anything that iso8583_encode() would not have written, bytes
 * that are left over included; *ret_field (may be NULL) is then the field at fault, 0 for the MTI, 1
 * for the bitmap, ISO8583_FIELDS + 1 for what is left over.
 */
int iso8583_decode(const struct iso8583_field *table, const void *data, size_t size, struct iso8583 **ret,
                   unsigned *ret_field);
