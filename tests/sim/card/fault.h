/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * What goes wrong on demand: "COMMAND [WHICH] [#N]: ACTION", a line each in the card's file.
 *
 *   COMMAND  select, read, gpo, get-data, verify, challenge, internal-authenticate, external-authenticate,
 *            generate-ac, other (what none of these is: a script's) or any
 *   WHICH    of select a name that the command's begins with (HEX, or pse); of read a file and record, 2.1; of
 *            get-data a tag
 *   #N       only the N-th of these commands, from 1; without it each of them
 *   ACTION   a status word (6985) alone, or data HEX: the whole response, its status word too. silence: no
 *            response; removal: nor a card in the slot any more. None of these reaches the card. The others change
 * what it answers: short, long: a byte less or more of data; drop TAG, twice TAG, flip TAG (the last bit of the
 * value), put TAG=HEX: in the objects of the answer, the lengths around follow; byte N=HEX: bytes written over those
 * from the N-th, from 0
 *
 * The first line that fits a command is the one that happens.
 */

#include "base/macro.h"

#define FAULT_DATA_MAX 258

enum sim_fault_action {
        FAULT_RESPONSE,
        FAULT_SILENCE,
        FAULT_REMOVAL,
        FAULT_SHORT,
        FAULT_LONG,
        FAULT_DROP,
        FAULT_TWICE,
        FAULT_FLIP,
        FAULT_PUT,
        FAULT_BYTE,
};

struct sim_fault {
        int command;       /* its class and instruction; see fault.c */
        uint8_t which[16]; /* name, P1 and P2 */
        size_t which_size;
        unsigned int n, seen;
        enum sim_fault_action action;
        unsigned int at; /* tag, or offset */
        uint8_t data[FAULT_DATA_MAX];
        size_t data_size;
};

/* -EINVAL with a reason for a line that is none. */
int sim_fault_parse(const char *line, struct sim_fault *ret, const char **ret_reason);

/* The fault that this command meets, counting it; NULL for none. */
const struct sim_fault *sim_fault_find(struct sim_fault *faults, size_t n, const uint8_t *command, size_t size);

/* Whether the card does not even see the command. */
bool sim_fault_is_instead(const struct sim_fault *fault);

/*
 * Changes the response, size bytes with its status word in a buffer of max; of a command that the card has not seen,
 * writes it. Its length; -ETIMEDOUT for silence, -ENOMEDIUM for removal.
 */
ssize_t sim_fault_apply(const struct sim_fault *fault, uint8_t *response, size_t size, size_t max);
