/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * What the terminal brings to a card: capabilities, applications with their action codes, CA public
 * keys. Filled from emv.d by tilld, handed whole to card-worker in START: fixed size, no
 * pointers.
 *
 *     [terminal]                      country, capabilities (EMV Book 4, Annex A)
 *     [application A000000333010101]  one for each AID
 *     [ca-key A000000333 0B]          one for each RID and index
 *     [revoked A000000333 0B]         issuers' certificates under that key, by serial number
 */

#include "base/macro.h"

#define EMV_AID_MIN 5
#define EMV_AID_MAX 16
#define EMV_RID_SIZE 5
#define EMV_TVR_SIZE 5
#define EMV_DOL_MAX 64
#define EMV_VERSIONS_MAX 4
#define EMV_MODULUS_MAX 248 /* 1984 bits, the longest that EMV Book 2 allows */

#define EMV_APPLICATIONS_MAX 48
#define EMV_CA_KEYS_MAX 64
#define EMV_REVOCATIONS_MAX 256 /* the books ask for 30 of each RID */

struct emv_aid {
        uint8_t size; /* EMV_AID_MIN to EMV_AID_MAX; 0 for none */
        uint8_t data[EMV_AID_MAX];
};

/* A terminal-resident data object list, as in 9F49 (DDOL) and 97 (TDOL). */
struct emv_dol {
        uint8_t size;
        uint8_t data[EMV_DOL_MAX];
};

struct emv_application {
        struct emv_aid aid;
        uint8_t partial;    /* 1: a longer AID of the card that begins with this one matches (Book 1, 12.3.1) */
        uint8_t n_versions; /* used in versions */
        uint8_t versions[EMV_VERSIONS_MAX][2]; /* 9F09, the first is the one sent in DE55 */
        uint8_t tac_denial[EMV_TVR_SIZE], tac_online[EMV_TVR_SIZE], tac_default[EMV_TVR_SIZE];
        uint64_t floor_limit; /* minor units; at or above it the sale goes online (Book 3, 10.6.1) */
        uint64_t threshold;   /* minor units, for biased random selection (10.6.2) */
        uint8_t target;       /* percent, 0 to 99 */
        uint8_t target_max;   /* percent, 0 to 99, not below target */
        struct emv_dol ddol, tdol;
        char name[33]; /* for the log and `tillctl emv check`, "UnionPay debit" */
};

/* A certification authority's public key (Book 2, 11.2.2). */
struct emv_ca_key {
        uint8_t rid[EMV_RID_SIZE];
        uint8_t index;     /* 8F of the card, 9F22 of the terminal */
        uint8_t test;      /* 1: of a test CA; refused in live mode */
        uint32_t exponent; /* 3 or 65537 */
        uint8_t modulus_size;
        uint8_t modulus[EMV_MODULUS_MAX];
        uint8_t sha1[20];   /* over RID, index, modulus, exponent, as published */
        uint8_t expires[4]; /* CCYYMMDD, n8, the last day; zero: none is known */
};

/* An issuer's certificate that the scheme has called back (Book 2, 5.1.2). */
struct emv_revocation {
        uint8_t rid[EMV_RID_SIZE];
        uint8_t index;
        uint8_t serial[3];
};

/* Second byte of 9F33 (Book 4, Annex A2). */
#define EMV_CAPABILITY_PLAINTEXT_PIN 0x80

struct emv_terminal {
        uint8_t country[2];                 /* 9F1A, ISO 3166 numeric, n3 */
        uint8_t capabilities[3];            /* 9F33; a PIN is added by who has opened a reader with a keypad */
        uint8_t additional_capabilities[5]; /* 9F40 */
        uint8_t type;                       /* 9F35 */
        char serial[9];                     /* 9F1E, 8 characters */
        char id[9];                         /* 9F1C, 8 characters; set by tilld from its own configuration */
        char merchant_id[16];               /* 9F16, 15 characters; likewise */
        char merchant_name[41];             /* 9F4E; likewise */
        uint8_t category[2];                /* 9F15, n4; likewise */
        uint32_t n_applications;
        uint32_t n_ca_keys;
        uint32_t n_revocations;
        struct emv_application applications[EMV_APPLICATIONS_MAX];
        struct emv_ca_key ca_keys[EMV_CA_KEYS_MAX];
        struct emv_revocation revocations[EMV_REVOCATIONS_MAX];
};

/*
 * Capabilities that are true for this program: contact chip and stripe, signature and no CVM, static,
 * dynamic and combined data authentication, no PIN. The rest comes from emv.d.
 */
void emv_terminal_init(struct emv_terminal *t);

/* A config_assign_t (base/config.h) with a struct emv_terminal as userdata. */
int emv_terminal_assign(const char *section, const char *key, const char *value, void *userdata,
                        const char **ret_reason);

#define EMV_SECTION_MAX 48

/* What is wrong with one section, and the key of it to look at; static texts. */
struct emv_fault {
        char section[EMV_SECTION_MAX];
        const char *key;
        const char *reason;
};

/*
 * To be called when all files are read, one section after the other from *i = 0: each application has a version and
 * limits that fit, each key its modulus, exponent and a hash that fits, no capability is claimed that the library
 * lacks. 1 with a fault, 0 when there is no more.
 */
int emv_terminal_next_fault(const struct emv_terminal *t, uint32_t *i, struct emv_fault *ret);

/* "ca-key A000000333 0B" */
void emv_ca_key_section(const struct emv_ca_key *k, char ret[static EMV_SECTION_MAX]);

/* Whether sha1 is the key's (Book 2, 11.2.2). */
bool emv_ca_key_hash_fits(const struct emv_ca_key *k);

/* Removes the keys marked test. */
void emv_terminal_drop_test_keys(struct emv_terminal *t);

/* NULL when there is none. */
const struct emv_ca_key *emv_terminal_find_ca_key(const struct emv_terminal *t, const uint8_t rid[static EMV_RID_SIZE],
                                                  uint8_t index);
