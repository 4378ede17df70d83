/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* The row of a transaction. Enumerations are stored as the words of their _to_string(). */

#include <sys/types.h>

#include "journal/connection.h"

enum transaction_state {
        TRANSACTION_WAITING_APPROVAL, /* waiting-approval: of a supervisor */
        TRANSACTION_WAITING_CARD,     /* waiting-card */
        TRANSACTION_CARD,             /* card */
        TRANSACTION_AUTHORIZING,      /* authorizing: from here on Cancel is too late */
        TRANSACTION_DONE,             /* done */
        _TRANSACTION_STATE_MAX,
        _TRANSACTION_STATE_INVALID = -EINVAL,
};

enum transaction_result {
        RESULT_NONE, /* none */
        RESULT_APPROVED,
        RESULT_DECLINED,
        RESULT_CANCELLED,
        RESULT_FAILED,      /* not paid; a new reference may be started */
        RESULT_UNCONFIRMED, /* kinds without a reversal only; becomes approved or declined once */
        _RESULT_MAX,
        _RESULT_INVALID = -EINVAL,
};

enum reversal_state {
        REVERSAL_NONE,
        REVERSAL_PENDING,
        REVERSAL_DONE, /* final */
        REVERSAL_REJECTED,
        REVERSAL_RESOLVED, /* by a supervisor's word; final */
        _REVERSAL_STATE_MAX,
        _REVERSAL_STATE_INVALID = -EINVAL,
};

/* Of what was approved here and has to be told to the acquirer. */
enum forwarding_state {
        FORWARDING_NONE,
        FORWARDING_PENDING,
        FORWARDING_DONE,     /* final */
        FORWARDING_REJECTED, /* the acquirer does not take it */
        FORWARDING_RESOLVED, /* by a supervisor's word; final */
        _FORWARDING_STATE_MAX,
        _FORWARDING_STATE_INVALID = -EINVAL,
};

enum entry_mode {
        ENTRY_NONE, /* no card yet: none */
        ENTRY_CHIP, /* chip */
        ENTRY_SWIPE,
        ENTRY_FALLBACK, /* a chip card by stripe */
        ENTRY_MANUAL,
        _ENTRY_MODE_MAX,
        _ENTRY_MODE_INVALID = -EINVAL,
};

/* Where the papers of a transaction stand: the earliest job that is not printed says it. */
enum print_state {
        PRINT_NONE,
        PRINT_QUEUED,
        PRINT_PRINTING,
        PRINT_PRINTED,
        PRINT_UNCONFIRMED, /* the printer gave no answer */
        PRINT_CANCELLED,
        PRINT_ELECTRONIC, /* kept, and not for paper */
        _PRINT_STATE_MAX,
        _PRINT_STATE_INVALID = -EINVAL,
};

/* "none" and so on; NULL out of range. _from_string() gives _INVALID for what is unknown or NULL. */
const char *transaction_state_to_string(enum transaction_state state);
enum transaction_state transaction_state_from_string(const char *text);
const char *transaction_result_to_string(enum transaction_result result);
enum transaction_result transaction_result_from_string(const char *text);
const char *reversal_state_to_string(enum reversal_state state);
enum reversal_state reversal_state_from_string(const char *text);
const char *forwarding_state_to_string(enum forwarding_state state);
enum forwarding_state forwarding_state_from_string(const char *text);
const char *entry_mode_to_string(enum entry_mode mode);
enum entry_mode entry_mode_from_string(const char *text);
const char *print_state_to_string(enum print_state state);
enum print_state print_state_from_string(const char *text);

/*
 * Text fields are UTF-8 and empty when there is nothing; numbers of a batch, STAN or voucher are 0 then.
 * EMV fields are upper-case hexadecimal of the tag's value. No field holds a full PAN, a track or an expiry.
 */
struct transaction_record {
        int64_t id; /* set by insert; never used twice */

        /* Fixed by insert, never changed. */
        char reference[65]; /* unique for ever */
        char kind[24];      /* "sale" */
        int64_t amount;     /* minor units, 1 to AMOUNT_MAX; 0 for kinds without one */
        char currency[4];
        char options_digest[65]; /* hex of SHA-256 over the options: for the same-call test */
        char order[65];          /* options.order */
        int64_t original;        /* id of the transaction that this one is about, 0 for none */
        uid_t starter;
        bool electronic; /* the cardholder wants no paper */
        char operator_id[17];
        char boot_id[33];      /* of the boot that the _boot times belong to */
        uint64_t started_usec; /* CLOCK_REALTIME */
        uint64_t started_boot; /* CLOCK_BOOTTIME, usec */

        enum transaction_state state;
        enum transaction_result result; /* set once */
        enum reversal_state reversal;
        enum forwarding_state forwarding;
        char approver[24]; /* who approved it: "02", "uid 1000"; empty where nobody had to */
        char reason[48];   /* a word: "card-removed" */
        char message[256]; /* a sentence for people, with the next step */

        enum entry_mode entry;
        char masked_pan[24]; /* 621700******1234 */
        char pan_hash[65];   /* read only: written by transaction_record_set_pan() */
        int psn;             /* 5F34, -1 for none */
        char issuer[41];     /* of the card, as the host names it */
        char acquirer[41];

        uint32_t stan; /* 1 to 999999, unique in its batch */
        uint32_t batch;
        uint32_t voucher;
        char rrn[13];               /* DE37 */
        char authorization_code[7]; /* DE38 */
        char response_code[3];      /* DE39 */
        char host_time[11];         /* MMDDhhmmss, DE13 and DE12 */

        char aid[33];                  /* 4F or 84 */
        char label[65];                /* 50, as text */
        char preferred_name[65];       /* 9F12, as text */
        char aip[5];                   /* 82 */
        char tvr[11];                  /* 95 */
        char tsi[5];                   /* 9B */
        char cryptogram[17];           /* 9F26 */
        char cryptogram_kind[5];       /* TC, ARQC or AAC */
        char atc[5];                   /* 9F36 */
        char iad[65];                  /* 9F10 */
        char cvm_result[7];            /* 9F34 */
        char terminal_capabilities[7]; /* 9F33 */
        char script_results[41];       /* 9F5B, five bytes a script */
        bool signature;                /* a signature is asked for on paper */

        bool has_balance;
        int64_t balance; /* of a balance inquiry, minor units; may be negative */

        uint64_t finished_usec; /* when the result was set, 0 before */
        uint64_t finished_boot;

        enum print_state print; /* read only: from the print jobs */
        bool purged; /* read only: a tombstone; empty but for what was asked for, result, states and times */
};

/* Longest PAN with its terminator: 19 digits. */
#define PAN_TEXT_MAX 20

/* Writes 0 and -1 where empty is not zero. */
void transaction_record_init(struct transaction_record *record);

/* Writes a new row and sets record->id. -EEXIST when the reference was ever used. */
int transaction_record_insert(struct journal *j, struct transaction_record *record);
/*
 * Writes all that may change; the schema's triggers refuse what may not. -EALREADY, and nothing written, where a
 * result that is set would change (but unconfirmed to approved or declined), a finished transaction would go back to
 * another state, a reversal or forwarding that is done or resolved would become something else, a rejected forwarding
 * anything but resolved, a pending one none, or where the transaction was purged; -EPERM where one of the fixed fields
 * differs from the row.
 */
int transaction_record_update(struct journal *j, const struct transaction_record *record);

int transaction_record_load(struct journal *j, int64_t id, struct transaction_record *ret);
int transaction_record_find(struct journal *j, const char *reference, struct transaction_record *ret);
/* By what the acquirer knows it by. */
int transaction_record_find_stan(struct journal *j, uint32_t batch, uint32_t stan, struct transaction_record *ret);
/* By the number printed on the slip, in a batch. */
int transaction_record_find_voucher(struct journal *j, uint32_t batch, uint32_t voucher,
                                    struct transaction_record *ret);

/* Called for each row; what it returns other than 0 ends the walk and is returned. */
typedef int (*transaction_record_each_t)(const struct transaction_record *record, void *userdata);
/* The newest `limit` ones, newest first. */
int transaction_record_each_last(struct journal *j, unsigned limit, transaction_record_each_t each, void *userdata);
/* Those whose state is not done, oldest first: what a start has to end. */
int transaction_record_each_open(struct journal *j, transaction_record_each_t each, void *userdata);
/* Those of an order (options.order), oldest first. */
int transaction_record_each_order(struct journal *j, const char *order, transaction_record_each_t each,
                                  void *userdata);

/*
 * The transactions of a kind about an original that stand, or may: approved and not voided, unconfirmed, still open,
 * or with a reversal that was rejected. Either ret may be NULL.
 */
int transaction_record_about(struct journal *j, int64_t original, const char *kind, unsigned *ret_count,
                             int64_t *ret_amount);

/*
 * The full PAN (12 to 19 digits): sealed in the row, with its keyed hash for comparing. Sets
 * record->masked_pan and record->pan_hash. A PAN that is there already must be the same: else -EALREADY.
 */
int transaction_record_set_pan(struct journal *j, struct transaction_record *record, const char *pan);
/* The caller wipes it. -ENOENT when none is kept. */
int transaction_record_get_pan(struct journal *j, int64_t id, char ret_pan[static PAN_TEXT_MAX]);
/* Forgets the sealed PAN; mask and hash stay. For a live card in test and training. */
int transaction_record_drop_pan(struct journal *j, int64_t id);
/* The hash that set_pan would store. */
int transaction_pan_hash(struct journal *j, const char *pan, char ret_hash[static 65]);
/* What the card of that hash has paid by approved sales of a batch in a currency, in minor units. */
int transaction_record_sum_card(struct journal *j, const char *pan_hash, uint32_t batch, const char *currency,
                                uint64_t *ret);
/* 621700******1234: first 6 and last 4; -EINVAL unless 12 to 19 digits. */
int transaction_pan_mask(const char *pan, char ret_mask[static 24]);
