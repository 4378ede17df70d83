/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * What tilld and card-worker say to each other over one SOCK_SEQPACKET pair: one message a packet,
 * each a fixed-size structure without pointers, host byte order (both ends are one package on one
 * machine; MESSAGE_VERSION tells an upgrade in between).
 *
 *     tilld                         card-worker
 *     START                  ->
 *                            <-     PROMPT insert-card, CARD inserted, PROMPT reading
 *                            <-     PROMPT choose-application   (only when start.can_choose)
 *     CHOICE                 ->
 *                            <-     PROMPT reading              once more, when the card tells a language
 *                            <-     RECALL                      once, before the card is asked to decide
 *     MEMORY                 ->
 *                            <-     ONLINE_REQUEST              (not for every sale)
 *     ONLINE_ANSWER          ->
 *                            <-     OUTCOME                     exactly once, last
 *
 * A worker that ends without OUTCOME has failed; so has one whose message does not pass
 * message_check(). To abort, tilld closes the socket.
 *
 * To send: zero the structure, message_init(), fill in, send() message.header.size bytes.
 * To receive: recv() into a union message with MSG_TRUNC, then message_check(); wipe with
 * message_wipe() when done.
 */

#include "base/macro.h"
#include "emv/terminal.h"

#define MESSAGE_MAGIC UINT32_C(0x454d5601)
#define MESSAGE_VERSION 5

/* Descriptors of card-worker, beyond standard input, output and error. */
#define WORKER_FD_READER 3 /* the EMV node, opened by tilld read-write and non-blocking */
#define WORKER_FD_TILLD 4  /* the socket */

enum message_type {
        /* tilld to worker */
        MESSAGE_START = 1,
        MESSAGE_ONLINE_ANSWER = 2,
        MESSAGE_CHOICE = 3,
        MESSAGE_MEMORY = 4,
        /* worker to tilld */
        MESSAGE_PROMPT = 16,
        MESSAGE_CARD = 17,
        MESSAGE_ONLINE_REQUEST = 18,
        MESSAGE_OUTCOME = 19,
        MESSAGE_RECALL = 20,
};

struct message_header {
        uint32_t magic;
        uint16_t version;
        uint16_t type; /* enum message_type */
        uint32_t size; /* of the whole message */
        uint32_t __reserved;
};

enum emv_mode {
        EMV_MODE_LIVE = 1,
        EMV_MODE_TEST = 2,
        EMV_MODE_TRAINING = 3,
};

/* How far a kind of transaction goes with the card. */
enum emv_steps {
        EMV_STEPS_FULL = 1,   /* sale */
        EMV_STEPS_ONLINE = 2, /* pre-authorization, balance: as a sale, never decided offline */
        EMV_STEPS_AAC = 3,    /* refund: select, read, then ask for an AAC */
        EMV_STEPS_READ = 4,   /* void, completion: select and read the PAN, no cryptogram */
};

struct message_start {
        struct message_header header;
        uint8_t mode;              /* enum emv_mode */
        uint8_t steps;             /* enum emv_steps */
        uint8_t transaction_type;  /* 9C: 00 sale, 01 cash, 20 refund, 31 balance … */
        uint8_t currency_exponent; /* 5F36 */
        uint8_t currency[2];       /* 5F2A, ISO 4217 numeric, n3: CNY is 01 56 */
        uint8_t date[3];           /* 9A, YYMMDD, n6 */
        uint8_t time[3];           /* 9F21, HHMMSS, n6 */
        uint8_t unpredictable[4];  /* 9F37, fresh for each START */
        uint8_t counter[4];        /* 9F41, n4 to n8, right-aligned */
        uint8_t random_percent;    /* 0 to 99, drawn by tilld: chosen when below the target (Book 3, 10.6.2) */
        uint8_t offline_allowed;   /* 1: a TC without the acquirer's word may be asked for */
        uint8_t force_online;      /* 1: the merchant wants it online (TVR byte 4 bit 4) */
        uint8_t can_choose;        /* 1: PROMPT choose-application will be answered */
        uint64_t amount;           /* 9F02, minor units, to 999999999999 */
        uint64_t amount_other;     /* 9F03, cash back, part of amount */
        uint32_t card_ms;          /* how long to wait for a card */
        uint32_t step_ms;          /* how long one exchange with the card may take */
        uint32_t answer_ms;        /* how long to wait for ONLINE_ANSWER or CHOICE */
        struct emv_terminal terminal;
};

enum emv_online {
        EMV_ONLINE_ANSWERED = 1,  /* arc and the rest are the acquirer's */
        EMV_ONLINE_NOT_SENT = 2,  /* no byte of the request left: the card may still approve offline (Y3) */
        EMV_ONLINE_NO_ANSWER = 3, /* sent, or perhaps: ask the card for an AAC (Z3) */
};

#define EMV_ISSUER_AUTHENTICATION_MAX 16
#define EMV_SCRIPTS_MAX 512

struct message_online_answer {
        struct message_header header;
        uint8_t online;                     /* enum emv_online */
        uint8_t approved;                   /* 1: ask the card for a TC */
        uint8_t arc[2];                     /* 8A, as text; zero when not answered */
        uint8_t issuer_authentication_size; /* 0, or 8 to 16; less fails as the books have it */
        uint8_t issuer_authentication[EMV_ISSUER_AUTHENTICATION_MAX]; /* value of 91 */
        uint16_t scripts_size;
        uint8_t scripts[EMV_SCRIPTS_MAX]; /* templates 71 and 72, as they came */
};

struct message_choice {
        struct message_header header;
        uint8_t cancelled; /* 1: the cardholder wants none */
        uint8_t index;     /* into the candidates of the prompt */
};

enum emv_prompt {
        EMV_PROMPT_INSERT_CARD = 1,
        EMV_PROMPT_READING = 2, /* leave the card in */
        EMV_PROMPT_CHOOSE_APPLICATION = 3,
        EMV_PROMPT_TRY_AGAIN = 4, /* 6985 or not confirmed: the application was dropped from the list */
        EMV_PROMPT_REMOVE_CARD = 5,
        EMV_PROMPT_ENTER_PIN = 6, /* at the reader's keypad */
        EMV_PROMPT_WRONG_PIN = 7, /* the same once more */
        EMV_PROMPT_LAST_PIN = 8,  /* and the last time that the card allows */
        EMV_PROMPT_LAST = EMV_PROMPT_LAST_PIN,
};

#define EMV_LABEL_MAX 16
#define EMV_LANGUAGE_MAX 8
#define EMV_CANDIDATES_MAX 16

struct message_candidate {
        struct emv_aid aid;
        char name[EMV_LABEL_MAX + 1]; /* preferred name, else label, else the AID's digits; printable ASCII */
};

struct message_prompt {
        struct message_header header;
        uint8_t prompt;       /* enum emv_prompt */
        uint8_t n_candidates; /* EMV_PROMPT_CHOOSE_APPLICATION: in order of priority */
        struct message_candidate candidates[EMV_CANDIDATES_MAX];
        char language[EMV_LANGUAGE_MAX + 1]; /* as in struct emv_card_data; "" of a card that is yet to tell it */
};

enum emv_card {
        EMV_CARD_INSERTED = 1,
        EMV_CARD_MUTE = 2, /* no valid answer to reset; the worker waits for it to be taken and put in anew */
        EMV_CARD_REMOVED = 3,
};

struct message_card {
        struct message_header header;
        uint8_t card;  /* enum emv_card */
        uint8_t fault; /* enum atr_fault: what is wrong with the answer that a mute card gave, if it gave one */
};

#define EMV_PAN_MAX 19
#define EMV_TRACK2_MAX 37
#define EMV_DE55_MAX 255
#define EMV_IAD_MAX 32
#define EMV_SCRIPT_RESULTS_MAX 20

/* What the terminal knows of this card from elsewhere (Book 3, 10.6.1; Book 4, 6.3.5). */
struct message_recall {
        struct message_header header;
        char pan[EMV_PAN_MAX + 1]; /* digits */
};

struct message_memory {
        struct message_header header;
        uint8_t exception; /* 1: it is on the exception file; shows in the TVR of a request */
        uint64_t earlier;  /* what it has paid in this batch, in minor units: counts towards the floor limit */
};

/*
 * What is known of the card's application. Full PAN, expiry and track are set where tilld has to send
 * or keep them (ONLINE_REQUEST; OUTCOME of a refund, of a read, of an offline approval) and zero elsewhere; the
 * masked PAN is set as soon as the card told one.
 */
struct emv_card_data {
        char pan[EMV_PAN_MAX + 1];        /* 5A, digits */
        char pan_masked[EMV_PAN_MAX + 1]; /* first 6, stars, last 4 */
        char expiry[5];                   /* 5F24 as YYMM */
        uint8_t has_sequence;
        uint8_t sequence;                       /* 5F34, 0 to 99 */
        char track2[EMV_TRACK2_MAX + 1];        /* 57 as text, '=' for the separator, without sentinels and padding */
        char service_code[4];                   /* of 57 or 5F30; "" when not there */
        struct emv_aid aid;                     /* 84 of the card, or the terminal's */
        char label[EMV_LABEL_MAX + 1];          /* 50, printable ASCII */
        char preferred_name[EMV_LABEL_MAX + 1]; /* 9F12 in an alphabet of the terminal (9F11, 9F40), printable ASCII */
        char language[EMV_LANGUAGE_MAX + 1];    /* 5F2D: ISO 639 codes, the one liked best first: "zhen"; or "" */
};

/* What the steps left behind; the receipt and the journal show it. */
struct emv_result_data {
        uint8_t tvr[EMV_TVR_SIZE]; /* 95 */
        uint8_t tsi[2];            /* 9B */
        uint8_t cvm[3];            /* 9F34 */
        uint8_t signature;         /* 1: the slip needs a line to sign */
        uint8_t cryptogram_type;   /* 9F27; 00 AAC, 40 TC, 80 ARQC in the two upper bits */
        uint8_t has_cryptogram;    /* 1: the next three are set */
        uint8_t cryptogram[8];     /* 9F26 */
        uint8_t atc[2];            /* 9F36 */
        uint8_t aip[2];            /* 82 */
        uint8_t iad_size;
        uint8_t iad[EMV_IAD_MAX]; /* 9F10 */
        uint8_t arc[2];           /* 8A that went to the card: the acquirer's, or Y1, Z1, Y3, Z3 as text; zero: none */
        uint8_t script_results_size;
        uint8_t script_results[EMV_SCRIPT_RESULTS_MAX]; /* 9F5B: five bytes a script (Book 4, Annex A5) */
        uint16_t de55_size;
        uint8_t de55[EMV_DE55_MAX]; /* BER-TLV: 9F26 9F27 9F10 9F37 9F36 95 9A 9C 9F02 5F2A 82 9F1A 9F03 9F33 9F34 9F35
                                       9F1E 84 9F09 9F41 5F34 9F63 */
};

struct message_online_request {
        struct message_header header;
        struct emv_card_data card;
        struct emv_result_data result;
};

enum emv_outcome {
        EMV_OUTCOME_APPROVED = 1, /* TC: offline, or after the acquirer approved */
        EMV_OUTCOME_DECLINED = 2, /* AAC */
        EMV_OUTCOME_FAILED = 3,   /* no decision of the card; after ONLINE_REQUEST that calls for a reversal */
        EMV_OUTCOME_READ = 4,     /* EMV_STEPS_AAC and EMV_STEPS_READ: the card was read as asked */
};

enum emv_reason {
        EMV_REASON_NONE = 0,
        /* of declined */
        EMV_REASON_TERMINAL,          /* a terminal or issuer action code asked for denial */
        EMV_REASON_CARD,              /* the card gave an AAC where more was asked for */
        EMV_REASON_ISSUER,            /* the acquirer declined */
        EMV_REASON_UNABLE_ONLINE,     /* no answer, and no offline approval */
        EMV_REASON_CARD_AFTER_ISSUER, /* the acquirer approved, the card did not */
        EMV_REASON_AUTHENTICATION,    /* the signature of a cryptogram is wrong */
        /* of failed */
        EMV_REASON_REMOVED,
        EMV_REASON_MUTE,
        EMV_REASON_NOT_ACCEPTED, /* no application in common; of declined: a service that the card does not allow */
        EMV_REASON_BLOCKED,      /* card or application blocked */
        EMV_REASON_MALFORMED,    /* data or status that the books do not allow */
        EMV_REASON_LIVE_CARD,    /* in test or training mode: no test CA's card */
        EMV_REASON_READER,       /* reader error, or unplugged */
        EMV_REASON_TIMEOUT,      /* no card came, or the one that is in fell silent */
        EMV_REASON_CANCELLED,    /* by the cardholder's choice */
        EMV_REASON_ABORTED,      /* by tilld */
        EMV_REASON_LAST = EMV_REASON_ABORTED,
};

struct message_outcome {
        struct message_header header;
        uint8_t outcome; /* enum emv_outcome */
        uint8_t reason;  /* enum emv_reason */
        uint8_t online;  /* 1: ONLINE_REQUEST was sent */
        struct emv_card_data card;
        struct emv_result_data result;
};

union message {
        struct message_header header;
        struct message_start start;
        struct message_online_answer online_answer;
        struct message_choice choice;
        struct message_recall recall;
        struct message_memory memory;
        struct message_prompt prompt;
        struct message_card card;
        struct message_online_request online_request;
        struct message_outcome outcome;
};

enum message_side {
        MESSAGE_FROM_TILLD,
        MESSAGE_FROM_WORKER,
};

/* Zeroes as much of the message as its type has, and fills in the header. */
void message_init(void *message, enum message_type type);

/*
 * Whether what was received is a well-formed message of that side: known type, exact size, every
 * enumeration and length in range, texts terminated and printable, digits where digits belong, unused
 * bytes of the variable fields zero. 0, -EPROTO for another version, -EBADMSG otherwise.
 */
int message_check(const union message *m, size_t size, enum message_side from);

/* Wipes the whole union; also a cleanup: _cleanup_(message_wipe) union message m. */
void message_wipe(union message *m);

/*
 * What a worker says is a claim. These say whether a message that message_check() has passed can be
 * true of the transaction that START issued: -EBADMSG with a static text when it cannot.
 *
 * Of both: in DE55, where there is a cryptogram, 9F02, 9F03, 5F2A, 9A, 9C, 9F37, 9F41, 9F1A, 9F1E, 9F33 and 9F35 are
 * the issued ones, 95, 9F34, 9F26, 9F27, 9F10, 9F36, 82, 84 and 5F34 those of the result, no other tag is there and
 * none twice; PAN, expiry, track 2 and the masked PAN are of one card; the application is the terminal's; 9F34, the
 * signature, the TVR's bits of cardholder verification and the TSI's are what one and the same verification leaves
 * behind at this terminal.
 *
 * Of a request also: the kind goes online, and the cryptogram is an ARQC.
 */
int message_check_request(const struct message_start *start, const struct message_online_request *request,
                          const char **ret_reason);
/*
 * Of an outcome also: an approval has its TC and the acquirer's approval, or may be offline; it is of the card of the
 * request, verifies the cardholder alike, and its TVR and TSI have the request's bits and no more than what the answer
 * and a second cryptogram may add. request and answer are NULL when there was none.
 */
int message_check_outcome(const struct message_start *start, const struct message_online_request *request,
                          const struct message_online_answer *answer, const struct message_outcome *outcome,
                          const char **ret_reason);

/* Of both: no PIN was entered, right or wrong, that was not asked for with a prompt for a PIN. */
int message_check_pin(const struct emv_result_data *result, unsigned n_prompts, const char **ret_reason);

/* "insert-card", "live-card", "unable-online"; NULL for a number that is not in range. */
const char *emv_prompt_to_string(enum emv_prompt prompt);
const char *emv_outcome_to_string(enum emv_outcome outcome);
const char *emv_reason_to_string(enum emv_reason reason);
