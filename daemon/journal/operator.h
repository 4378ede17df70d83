/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Who may work at this terminal, and who does. A code is kept as its scrypt hash, sealed under the storage key. */

#include "journal/connection.h"

/* Each may do what those before it may. */
enum operator_role {
        OPERATOR_CASHIER,
        OPERATOR_SUPERVISOR,
        OPERATOR_ADMINISTRATOR,
        _OPERATOR_ROLE_MAX,
        _OPERATOR_ROLE_INVALID = -EINVAL,
};

const char *operator_role_to_string(enum operator_role role) _const_;
enum operator_role operator_role_from_string(const char *text) _pure_;

#define OPERATOR_SALT_SIZE 16
#define OPERATOR_HASH_SIZE 32

struct operator_record {
        char number[3]; /* two digits */
        enum operator_role role;

        uint32_t cost; /* the hash was made with N = 2^cost */
        uint8_t salt[OPERATOR_SALT_SIZE];
        uint8_t hash[OPERATOR_HASH_SIZE];

        uint32_t wrong_codes;  /* in a row, since the last right one or lock */
        uint32_t locks;        /* in a row, since the last right code */
        uint64_t locked_until; /* by uptime_get(), 0 for not locked */
};

/* Whether this is two digits. */
bool operator_number_is_valid(const char *number) _pure_;

/* -EEXIST when the number is taken. */
int operator_record_insert(struct journal *j, const struct operator_record *record);
/* Writes all but number and role. */
int operator_record_update(struct journal *j, const struct operator_record *record);
/* Also logs off. */
int operator_record_remove(struct journal *j, const char *number);
int operator_record_load(struct journal *j, const char *number, struct operator_record *ret);

/* Called for each, by number; without the hash. What it returns other than 0 ends the walk and is returned. */
typedef int (*operator_each_t)(const struct operator_record *record, void *userdata);
int operator_record_each(struct journal *j, operator_each_t each, void *userdata);
/* How many have this role. */
int operator_record_count(struct journal *j, enum operator_role role);

/* Who is logged on; -ENOENT for nobody. */
int operator_get_logged_on(struct journal *j, struct operator_record *ret);
/* NULL logs off. -ENOENT for an unknown number. */
int operator_set_logged_on(struct journal *j, const char *number);
