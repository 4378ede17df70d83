/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * Changes of the bound phone, step by step as they went. One at most is under way. Also the codes that people were
 * sent for it, as hashes, and how many wrong ones and sends there have been.
 */

#include "journal/binding.h"

enum rebind_kind {
        REBIND_FIRST,  /* no phone was bound */
        REBIND_CHANGE, /* the old phone gives its code */
        REBIND_LOST,   /* a supervisor, the acquirer and a waiting time stand for it */
        _REBIND_KIND_MAX,
        _REBIND_KIND_INVALID = -EINVAL,
};

/* In their order, but for the last, which may come after any but committed. */
enum rebind_step {
        REBIND_CHECK,   /* the acquirer is asked whether the numbers are those of its record */
        REBIND_BACKUP,  /* the payment records are written to a file */
        REBIND_CODES,   /* codes are sent and waited for */
        REBIND_WAIT,    /* lost: the waiting time, in which any contact may cancel */
        REBIND_CONFIRM, /* the acquirer is told */
        REBIND_TEST,    /* a notice and a transaction over the new binding */
        REBIND_COMMITTED,
        REBIND_ROLLED_BACK,
        _REBIND_STEP_MAX,
        _REBIND_STEP_INVALID = -EINVAL,
};

const char *rebind_kind_to_string(enum rebind_kind kind) _const_;
enum rebind_kind rebind_kind_from_string(const char *text) _pure_;
const char *rebind_step_to_string(enum rebind_step step) _const_;
enum rebind_step rebind_step_from_string(const char *text) _pure_;

struct rebind_record {
        int64_t id; /* 1, 2, …: set by insert */
        enum rebind_kind kind;
        enum rebind_step step;
        enum rebind_step failed; /* the step that it was rolled back from; REBIND_CHECK before */
        char reason[32];         /* why it is rolled back, or will be, else ""; org.tilld1(5) has the words */
        char phone[PHONE_SIZE];  /* the new one */
        bool unreadable;         /* set by each: it is damaged; the phone is empty */
        char serial[BINDING_SERIAL_MAX + 1];
        char terminal[9];
        char by[BINDING_BY_MAX];   /* who began it, or took it up last */
        int64_t resumes;           /* the rolled-back one that this takes up again, 0 for none */
        bool old_given, new_given; /* the right code of that phone has come */
        uint64_t started_usec;     /* CLOCK_REALTIME */
        uint64_t step_uptime;   /* uptime_get() when this step began: deadlines and the waiting time count from it */
        uint64_t wait_usec;     /* lost: the waiting time as it was when this one began */
        uint64_t told_uptime;   /* lost: uptime_get() when the first was told, from which the time counts; 0 before */
        uint64_t ended_usec;    /* 0 while it is under way */
        int64_t confirm;        /* the transaction by which the acquirer was told, 0 before */
        char backup[96];        /* file name of the backup, "" before */
        char backup_digest[65]; /* SHA-256 of it, hex */
};

/* -EEXIST while one is under way. */
int rebind_record_insert(struct journal *j, struct rebind_record *record);
/* Writes what may change: step, failed, reason, by, given, step_uptime, ended_usec, confirm, backup. */
int rebind_record_update(struct journal *j, const struct rebind_record *record);
int rebind_record_load(struct journal *j, int64_t id, struct rebind_record *ret);
/* The one under way; -ENOENT for none. */
int rebind_record_load_open(struct journal *j, struct rebind_record *ret);
/* The newest, ended or not; -ENOENT for none. */
int rebind_record_load_last(struct journal *j, struct rebind_record *ret);

/* Called for each, the newest first; what it returns other than 0 ends the walk and is returned. */
typedef int (*rebind_record_each_t)(const struct rebind_record *record, void *userdata);
int rebind_record_each(struct journal *j, rebind_record_each_t each, void *userdata);

/* ---- Codes ---- */

#define REBIND_SALT_SIZE 16
#define REBIND_HASH_SIZE 32

/* Who has been sent one. */
enum rebind_holder {
        REBIND_OLD_PHONE,
        REBIND_NEW_PHONE,
        REBIND_CONTACT, /* lost: a code that cancels; the old phone has one too, as contact 0 */
        _REBIND_HOLDER_MAX,
};

struct rebind_code {
        int64_t rebind;
        enum rebind_holder holder;
        int64_t contact; /* of REBIND_CONTACT, else 0 */
        uint8_t salt[REBIND_SALT_SIZE];
        uint8_t hash[REBIND_HASH_SIZE]; /* HMAC-SHA256 under a key of the journal: rebind_code_hash() */
        uint32_t wrong;                 /* wrong ones since it was made */
        uint64_t made_uptime;           /* uptime_get() of then */
};

/* Under a key that is derived from the storage key: neither the file nor a copy of it tells which of a million it is.
 */
int rebind_code_hash(struct journal *j, const uint8_t salt[static REBIND_SALT_SIZE], const char *code,
                     uint8_t ret[static REBIND_HASH_SIZE]);

/* Takes the place of the holder's one before. */
int rebind_code_store(struct journal *j, const struct rebind_code *code);
int rebind_code_load(struct journal *j, int64_t rebind, enum rebind_holder holder, int64_t contact,
                     struct rebind_code *ret);
/* All contacts' codes of a rebind; what each() returns other than 0 ends the walk and is returned. */
typedef int (*rebind_code_each_t)(const struct rebind_code *code, void *userdata);
int rebind_code_each_contact(struct journal *j, int64_t rebind, rebind_code_each_t each, void *userdata);
/* Forgets them all: the rebind has ended. */
int rebind_code_forget(struct journal *j, int64_t rebind);

/* Of the terminal, over all rebinds. All zero at first. */
struct rebind_limit {
        uint32_t wrong_codes;  /* wrong tries in a row, whatever the code; binding/code.c says what ends the row */
        uint64_t locked_until; /* uptime_get() until which no code is taken or sent */
        uint32_t sends;        /* times that codes were sent since sends_since */
        uint64_t sends_since;  /* uptime_get() */
};
int rebind_limit_load(struct journal *j, struct rebind_limit *ret);
int rebind_limit_store(struct journal *j, const struct rebind_limit *limit);
