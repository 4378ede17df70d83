/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Runs a case: the library on one side, the simulated card, cardholder and acquirer on the other, in one process. */

#include "card/icc.h"
#include "tests/emv/case.h"
#include "emv/emv.h"
#include "issuer/issuer.h"

#define RUN_EXCHANGES_MAX 96
#define RUN_TEXT_MAX 2048

struct exchange {
        uint8_t command[APDU_COMMAND_MAX];
        size_t command_size;
        uint8_t response[APDU_RESPONSE_MAX];
        size_t response_size;
        int error; /* negative errno for a card that answered nothing */
};

/* The acquirer's word, as answer= has it. */
struct answer {
        bool there;
        enum emv_online online;
        bool approve;
        char arc[3];
        enum { ARPC_GOOD, ARPC_BAD, ARPC_NONE } arpc;
        uint8_t data_91[EMV_ISSUER_AUTHENTICATION_MAX];
        size_t data_91_size;
        uint8_t csu[EMV_ISSUER_AUTHENTICATION_MAX]; /* method 2 */
        size_t csu_size;
        uint8_t scripts[EMV_SCRIPTS_MAX];
        size_t scripts_size;
        char commands[2][128]; /* of template 71 and 72, hexadecimal without Lc and MAC, a comma between them */
        enum { MAC_GOOD, MAC_BAD } mac;
};

struct run {
        const struct emv_case *c;
        struct message_start start;
        struct answer answer;
        struct sim_card *card; /* until icc has it */
        struct icc *icc;
        const struct issuer *issuer;
        int choice; /* from 1; 0 cancels */
        struct emv_memory memory;
        const char *pins;         /* what the cardholder enters, one word a try */
        char fault[RUN_TEXT_MAX]; /* what is wrong with the case itself, or with what the library did */

        struct exchange exchanges[RUN_EXCHANGES_MAX];
        size_t n_exchanges;
        unsigned int questions, choices;
        char prompts[256];
        unsigned pin_prompts;
        struct message_online_request request;
        struct message_online_answer answered;
        struct message_outcome outcome;
        const char *claim; /* what tilld has against the outcome, or NULL */
};

/* 0 when it could be run, whatever came of it; -EINVAL with r->fault for a case that is written wrongly. */
int run_case(struct run *r, const struct emv_case *c, const struct issuer *issuer);
void run_done(struct run *r);

/* Refuses the case: printf-like, into r->fault. -EINVAL. */
int run_refuse(struct run *r, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* Signs the card's data anew, with the keys that the case names. */
int run_personalise(struct run *r);

/* What was seen, as the words of the case; NULL for a key that is not of this kind. buffer: RUN_TEXT_MAX. */
const char *run_seen(const struct run *r, const char *key, char *buffer);

/* Compares all that the case expects; prints a comment line for each difference. The number of them. */
unsigned int run_compare(const struct run *r);

/* One line of JSON: all that an outsider needs to compute the run's cryptograms and signatures anew. */
void run_record(const struct run *r, FILE *f);
