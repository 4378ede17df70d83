/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* What the acquirer is told to do wrong: steps that wait for the requests they are meant for. */

#include "host/profile.h"

enum action {
        ACTION_NONE,
        ACTION_APPROVE,      /* whatever the card and its cryptogram say */
        ACTION_DECLINE,      /* with a code */
        ACTION_DELAY,        /* answer later; the effect is at once */
        ACTION_DROP,         /* the request never arrived: no effect, no answer */
        ACTION_DROP_ANSWER,  /* the effect without an answer */
        ACTION_CLOSE,        /* no effect; the connection is closed */
        ACTION_CLOSE_ANSWER, /* the effect; the connection is closed instead of an answer */
        ACTION_GARBLE,       /* the effect; the answer cannot be read */
        ACTION_BAD_MAC,
        ACTION_NO_MAC,
        ACTION_WRONG_STAN,
        ACTION_WRONG_AMOUNT,
        ACTION_WRONG_ARPC,
        ACTION_ISSUER_SCRIPT, /* the answer brings a command for the chip */
        ACTION_TWICE,         /* the answer comes twice */
        _ACTION_MAX,
};

/* With an identifier and the tags around it the script's length is one byte. */
#define STEP_COMMAND_MAX 64

struct step {
        enum action action;
        char code[3];                      /* ACTION_DECLINE */
        uint64_t delay_usec;               /* ACTION_DELAY */
        uint8_t template;                  /* ACTION_ISSUER_SCRIPT: 0x71 or 0x72 */
        uint8_t command[STEP_COMMAND_MAX]; /* four bytes: the issuer's MAC is added */
        size_t command_size;
        unsigned count; /* requests it still holds for; 0: until cleared */
        int kind;       /* enum host_kind, or one of: */
};
#define STEP_MONEY (-1) /* every kind with a MAC but the reversal */
#define STEP_ANY (-2)

#define SCRIPT_STEPS_MAX 64

struct script {
        struct step steps[SCRIPT_STEPS_MAX];
        size_t n;
};

/* "drop", "drop-answer" …; NULL beyond the last. */
const char *action_name(enum action action);

/*
 * One step from words: ACTION [CODE|SECONDS|TEMPLATE COMMAND] [count=N] [kind=NAME]. -EINVAL with
 * *ret_reason, which is not freed.
 */
int step_parse(const char *text, struct step *ret, const char **ret_reason);
/* Writes the words that step_parse() reads. */
#define STEP_TEXT_MAX 256
void step_format(const struct step *s, char *text, size_t size);

/* -ENOBUFS when there are too many. */
int script_add(struct script *s, const struct step *step);
void script_clear(struct script *s);
/* The first step that is meant for this kind, which is then used up by one; ACTION_NONE when there is none. */
struct step script_take(struct script *s, enum host_kind kind);
