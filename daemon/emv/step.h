/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * The state that the steps share, and the steps in the order of the books. Each returns 0 or a
 * negative errno, which ends the transaction; emv_end() gives the end a reason of its own.
 */

#include "emv/apdu.h"
#include "emv/emv.h"
#include "emv/public-key.h"
#include "emv/store.h"
#include "emv/tag.h"
#include "emv/tvr.h"

/* Upper bits of the cryptogram information data and of P1 of GENERATE AC (Book 3, tables 12 and 14). */
#define AC_AAC 0x00
#define AC_TC 0x40
#define AC_ARQC 0x80
#define AC_MASK 0xc0

/* P1 of GENERATE AC: a signature is asked for (table 12). */
#define AC_COMBINED 0x10

/* First byte of a script's results, with the number of the command that failed (Book 4, Annex A5). */
#define SCRIPT_NOT_PERFORMED 0x00
#define SCRIPT_FAILED 0x10
#define SCRIPT_SUCCESSFUL 0x20
#define SCRIPT_RESULT_SIZE 5

/* CVM codes: methods, in the first byte of a rule and of 9F34 (Book 3, Annex C3). */
#define CVM_METHOD 0x3f

enum {
        CVM_FAIL = 0x00,
        CVM_PLAINTEXT_PIN = 0x01,
        CVM_ONLINE_PIN = 0x02,
        CVM_PLAINTEXT_PIN_SIGNATURE = 0x03,
        CVM_ENCIPHERED_PIN = 0x04,
        CVM_ENCIPHERED_PIN_SIGNATURE = 0x05,
        CVM_SIGNATURE = 0x1e,
        CVM_NONE = 0x1f,
        CVM_NOT_PERFORMED = 0x3f, /* only in 9F34 */
};

/* Third byte of 9F34 (Book 4, Annex A4). */
#define CVM_RESULT_UNKNOWN 0x00
#define CVM_RESULT_FAILED 0x01
#define CVM_RESULT_SUCCESSFUL 0x02

/* First byte of the application interchange profile (Book 3, Annex C1). */
#define AIP_SDA 0x40
#define AIP_DDA 0x20
#define AIP_CARDHOLDER_VERIFICATION 0x10
#define AIP_RISK_MANAGEMENT 0x08
#define AIP_ISSUER_AUTHENTICATION 0x04
#define AIP_CDA 0x01

/* Bounds of READ RECORD: the books set none on the records of a card; no scheme's card has as many. */
#define EMV_RECORDS_MAX 128
#define EMV_STATIC_DATA_MAX 32768

enum authentication {
        AUTHENTICATION_NONE,
        AUTHENTICATION_STATIC,
        AUTHENTICATION_DYNAMIC,
        AUTHENTICATION_COMBINED,
};

/* The values of a data object list that went to the card. */
struct sent {
        size_t size;
        uint8_t data[255];
};

struct candidate {
        struct emv_aid aid;
        const struct emv_application *application;
        uint8_t priority; /* 87: bit 8 confirmation, bits 4 to 1 priority, 1 the highest, 0 none */
        char name[EMV_LABEL_MAX + 1];
};

struct emv {
        const struct message_start *start;
        const struct emv_callbacks *callbacks;
        void *userdata;

        struct candidate candidates[EMV_CANDIDATES_MAX];
        size_t n_candidates;
        bool saw_blocked;
        char language[EMV_LANGUAGE_MAX + 1];       /* of the PSE; an application may have its own */
        const struct emv_application *application; /* the selected one, of the terminal */

        struct store store;
        size_t static_data_size;
        bool static_data_broken; /* a record to be authenticated is no template */
        uint8_t static_data[EMV_STATIC_DATA_MAX];
        enum authentication authentication;
        struct public_key card_key;           /* for combined data authentication, once it is recovered */
        struct sent pdol, ddol, cdol1, cdol2; /* a card may ask for its own number in them */
        uint8_t tvr[EMV_TVR_SIZE];
        uint8_t card_tvr[EMV_TVR_SIZE]; /* as the last GENERATE AC had it */
        uint8_t tsi[2];
        uint8_t cvm[3];
        bool signature;
        bool pin_bypassed; /* a PIN was asked for and not entered */
        uint8_t arc[2];
        uint8_t script_results[EMV_SCRIPT_RESULTS_MAX];
        size_t script_results_size;

        enum emv_outcome outcome;
        enum emv_reason reason;
        bool online;         /* the question was asked */
        bool has_cryptogram; /* 9F26, 9F27 and 9F36 are of a GENERATE AC, and the signature asked for is right */
        bool read;           /* the card's data are complete and may be told */

        struct message_online_request request;
        struct message_online_answer answer;
        struct apdu_response response;
};

/* Book 1, 12.3.1: which of the terminal's applications a card's is; the longest name, NULL for none. */
const struct emv_application *emv_match_application(const struct emv_terminal *t, const uint8_t *aid, size_t size);
/* Book 1, 12: the candidate list, then one application selected. */
int emv_build_candidate_list(struct emv *e);
/* 1 with an application selected, 0 when the candidate was dropped; -EBADE when the list is empty. */
int emv_select_application(struct emv *e);
/* Book 3, 10.1. 1, or 0 when the card wants another application (6985). */
int emv_initiate_application(struct emv *e);
/* Book 3, 10.2. */
int emv_read_application_data(struct emv *e);
/* Book 3, 6.5.7: an object of that size by GET DATA. 1 with it, 0 when the card does not tell. */
int emv_get_data(struct emv *e, uint32_t tag, uint8_t *ret, size_t size);
/*
 * Book 3, 10.3. In test and training the card has to be a test CA's: its issuer's certificate decides, and
 * where it has none the index of its authority's key.
 */
int emv_authenticate_offline(struct emv *e);
/* Whether a signature is to be asked for with a cryptogram of that kind (Book 2, 6.6; Book 4, 6.3.2.1). */
bool emv_wants_combined(const struct emv *e, uint8_t asked);
/*
 * Book 2, 6.6.2: the signature of the response to GENERATE AC, of which template is the value. Puts the
 * cryptogram into the store, or says in the TVR that combined data authentication failed.
 */
int emv_check_combined(struct emv *e, const struct bytes *template, bool second);
/* Book 3, 10.4. */
int emv_check_restrictions(struct emv *e);
/* Whether this terminal can perform that method (9F33; Book 4, Annex A2). */
bool emv_supports_cvm(const struct emv_terminal *t, uint8_t method);
/* Book 3, table 44, as far as START tells: the amounts of a condition are the card's. */
bool emv_cvm_may_apply(const struct message_start *s, uint8_t method, uint8_t condition);
/* Book 3, 10.5. */
int emv_verify_cardholder(struct emv *e);
/* Book 3, 10.6. */
int emv_manage_risk(struct emv *e);
/* Book 3, 10.7: AC_AAC, AC_TC or AC_ARQC, what to ask the card for. */
uint8_t emv_analyse_action(struct emv *e);
/* The same when the acquirer cannot be reached: AC_AAC or AC_TC by the default action codes. */
uint8_t emv_analyse_unable_online(struct emv *e);
/*
 * Book 3, 10.8 and 6.5.5: asks for a cryptogram by CDOL1 or CDOL2. What the card gave, in *ret; with a signature
 * that is wrong it is none, which has_cryptogram says (Book 2, 6.6.2).
 */
int emv_generate_ac(struct emv *e, uint8_t asked, bool second, uint8_t *ret);
/* Why the card gave an AAC where more was asked for (6.5.5.4, table 14). */
enum emv_reason emv_reason_of_card(const struct emv *e);
/* Book 3, 10.9. */
int emv_go_online(struct emv *e);
/* Book 3, 10.10: the scripts of TAG_SCRIPT_BEFORE or TAG_SCRIPT_AFTER. */
int emv_process_scripts(struct emv *e, uint32_t template);
/* 9F18 of a script; zero where it has none. */
void emv_script_id(const uint8_t *script, size_t size, uint8_t ret[static 4]);
/* Book 3, 10.11: second GENERATE AC and what it means. */
int emv_complete(struct emv *e);

/* Ends with a reason: return emv_end(e, …). */
static inline int emv_end(struct emv *e, enum emv_reason reason) {
        e->reason = reason;
        return -EBADE;
}

static inline int emv_exchange(struct emv *e, uint8_t cla, uint8_t ins, uint8_t p1, uint8_t p2, const void *data,
                               size_t size, bool reply) {
        return apdu_exchange(e->callbacks->transmit, e->userdata, (const uint8_t[]){ cla, ins, p1, p2 }, data, size,
                             reply, &e->response);
}

/* Brings 95, 9B, 9F34, 8A and 9F5B of the store up to date before a data object list is built. */
int emv_store_results(struct emv *e);

/* First byte of 82; 0 when the card told none. */
uint8_t emv_aip(const struct emv *e);

/* Asks something of the cardholder, in the language of the card as far as it is known. */
int emv_prompt(struct emv *e, enum emv_prompt prompt);

/* Fills in what the books call the online message. */
int emv_fill_result(const struct emv *e, struct emv_result_data *ret);
void emv_fill_card(const struct emv *e, bool whole, struct emv_card_data *ret);

/* What the online message's DE55 is made of, in this order, as far as it is there. */
extern const uint32_t emv_de55_tags[];
extern const size_t emv_n_de55_tags;

/* First 6 and last 4 at most. */
void emv_mask_pan(const char *pan, char ret[static EMV_PAN_MAX + 1]);
/* 5A as digits. Number of digits, or -EBADMSG. */
int emv_pan_digits(const uint8_t *pan, size_t size, char ret[static EMV_PAN_MAX + 1]);
/* 57 as text. -EBADMSG when it is no track 2. */
int emv_track2_text(const uint8_t *track, size_t size, char ret[static EMV_TRACK2_MAX + 1]);
/* Copies text of the card, with '?' for what is not printable ASCII. */
void emv_copy_text(char *ret, size_t max, const uint8_t *text, size_t size);
/* 5F2D as text in lower case; "" for what is no list of languages. */
void emv_copy_language(char ret[static EMV_LANGUAGE_MAX + 1], const uint8_t *text, size_t size);
/* Whether the terminal shows names in the alphabet of that issuer code table (9F11; Book 4, Annex A3). */
bool emv_has_code_table(const struct emv *e, uint8_t index);
/* n-format to a number: 000000001234 to 1234. -EBADMSG for a nibble that is no digit. */
int emv_bcd_number(const uint8_t *bcd, size_t size, uint64_t *ret);
void emv_number_bcd(uint64_t number, uint8_t *ret, size_t size);
/* Digit i of packed ones, the upper half of a byte first. */
uint8_t emv_nibble(const uint8_t *data, size_t i);
/* YYMMDD of digits, with a month and a day that there are. */
bool emv_is_date(const uint8_t date[static 3]);
/* That date as the number CCYYMMDD, of packed digits: years 50 to 99 are of the 1900s (Book 4, 6.7.3). */
uint32_t emv_full_date(const uint8_t date[static 3]);
/* b-format of four bytes; all ones for what is more, so that a card never sees less. */
void emv_number_binary(uint64_t number, uint8_t ret[static 4]);
uint32_t emv_binary_number(const uint8_t binary[static 4]);
