/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * What a notice says: one template for each purpose, in zh_CN and in en. Nothing of a card but the last four digits
 * has a field; control characters of what is filled in are left out.
 */

#include "base/macro.h"

enum notice_template {
        NOTICE_TEXT_TRANSACTION,
        NOTICE_TEXT_SETTLEMENT,
        NOTICE_TEXT_FAULT,
        NOTICE_TEXT_FAULT_ENDED,
        NOTICE_TEXT_REPLACEMENT,
        NOTICE_TEXT_OPERATOR_LOCKED,
        NOTICE_TEXT_CODES_LOCKED,    /* too many wrong codes for a change of the phone */
        NOTICE_TEXT_CONTACT_CHANGED, /* added, changed or removed */
        NOTICE_TEXT_OLD_CODE,        /* to the old phone: the code that agrees to the change */
        NOTICE_TEXT_NEW_CODE,        /* to the new phone: the code that shows that it is at hand */
        NOTICE_TEXT_LOST_BEGUN,      /* the phone is said to be lost: until when, and the code that cancels */
        NOTICE_TEXT_REBIND_TEST,     /* over the new binding */
        NOTICE_TEXT_REBOUND,         /* to all: another phone is bound from now on */
        NOTICE_TEXT_ROLLED_BACK,     /* to all who were told of its begin: the old phone stays */
        NOTICE_TEXT_CHECKLIST,       /* to the new phone: how to clean the old one */
        NOTICE_TEXT_TEST,            /* somebody wants to see that notices arrive */
        _NOTICE_TEXT_MAX,
};

/* Strings are borrowed; NULL and 0 where a template has no use for it. */
struct notice_fields {
        const char *mode;      /* "test" or "training": the text says so; NULL of a live terminal */
        const char *merchant;  /* its name */
        const char *terminal;  /* number */
        const char *serial;    /* of the terminal */
        const char *phone;     /* masked here, where it is not yet */
        const char *old_phone; /* the same */
        const char *kind;      /* of a transaction: "sale"; of a contact's change: "added", "changed", "removed" */
        /* Of a settlement: "balanced", …; of a transaction: "to-forward", NULL for booked; of a roll-back: its reason
         */
        const char *result;
        const char *amount;    /* "128.50 CNY", formatted (base/amount.h) */
        const char *last_four; /* of the card */
        const char *reference;
        const char *name;      /* of a contact; an operator's number, a batch's */
        const char *detail;    /* of a fault or an appointment: a sentence with its full stop */
        const char *detail_zh; /* the same for readers of Chinese; NULL: detail is for all */
        const char *code;      /* six or eight digits: a secret */
        uint64_t time_usec;    /* CLOCK_REALTIME of what happened, of an appointment, or until when */
        unsigned count, minutes;
};

/* Subject, one newline, body, as UTF-8; -EMSGSIZE beyond size. An SMS is body alone. language: "zh_CN" or "en". */
int notice_text_make(enum notice_template what, const char *language, const struct notice_fields *fields, char *ret,
                     size_t size);
/* Puts the mark of a late notice in a stored text, behind the name of the merchant that it begins with. */
int notice_text_mark_late(const char *language, const char *text, char *ret, size_t size);
