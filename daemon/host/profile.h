/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * What an acquirer expects on the wire, as tables. One profile is one file, profile-<name>.c, and one
 * line in the list of profile.c; Documentation/acquirer-profile.md explains the columns.
 */

#include "host/iso8583.h"
#include "host/keys.h"

enum host_kind {
        HOST_SALE,
        HOST_VOID,
        HOST_REFUND,
        HOST_PREAUTH,
        HOST_PREAUTH_VOID,
        HOST_COMPLETION,
        HOST_COMPLETION_VOID,
        HOST_BALANCE,
        HOST_OFFLINE_SALE,
        HOST_TIP,
        HOST_REVERSAL, /* of the request's original.kind, whose codes it repeats */
        HOST_SIGN_ON,
        HOST_SIGN_OFF,
        HOST_ECHO,
        HOST_PARAMETERS,
        HOST_CA_KEYS,
        HOST_SETTLEMENT,
        HOST_BATCH_UPLOAD,
        HOST_CHIP_UPLOAD, /* of a transaction that the chip approved offline */
        HOST_BATCH_UPLOAD_END,
        HOST_BINDING_CHECK,    /* does the acquirer's record agree; of a lost phone: does it approve */
        HOST_BINDING_CONFIRM,  /* from now on that phone */
        HOST_BINDING_WITHDRAW, /* as if that had not been said */
        _HOST_KIND_MAX,
        _HOST_KIND_INVALID = -EINVAL,
};

/* "sale", "pre-authorization-void" …: the words of D-Bus and of the journal too. */
const char *host_kind_name(enum host_kind kind);
enum host_kind host_kind_from_name(const char *name);

/* Where a settlement counts a kind. */
enum host_side {
        HOST_NO_SIDE,
        HOST_DEBIT,  /* the cardholder pays */
        HOST_CREDIT, /* and has it back */
};

struct host_kind_rule {
        uint16_t mti;           /* of the request; the answer's is 10 higher. 0: the profile has no such kind */
        const char *processing; /* DE3, NULL for none */
        const char *condition;  /* DE25, NULL for none */
        const char *type;       /* DE60.1 */
        const char *network;    /* DE60.3 */
        const char *balanced;   /* DE60.3 where the batch's totals agreed; NULL: as above */
        enum host_side side;
        bool reversal;             /* no answer is followed by a 0400 */
        bool mac;                  /* request and approving answer carry DE64 */
        uint64_t mandatory;        /* fields that a request must have, as ISO8583_BIT() */
        uint64_t optional;         /* and those that it may have */
        uint64_t answer_mandatory; /* fields that an approving answer must have, beside DE11, 39, 41, 42 */
};

/* What the engine may ask for. */
struct host_limits {
        unsigned preauth_days;       /* age at which a pre-authorization can still be completed or voided */
        unsigned completion_percent; /* of the pre-authorized amount, at most */
        unsigned details;            /* records that a batch upload takes, up to HOST_DETAILS_MAX */
        unsigned batch_transactions; /* that the totals can count on one side */
};

struct host_profile {
        const char *name;
        const struct iso8583_field *fields;
        uint8_t tpdu[5]; /* the answer's has the two addresses exchanged */
        uint8_t header[6];
        size_t header_size; /* up to 6 */
        enum mac_scheme mac;
        enum host_hierarchy hierarchy;      /* of the session keys */
        const struct host_kind_rule *kinds; /* [_HOST_KIND_MAX] */
        const char *domestic;               /* how a domestic card's number begins */
        unsigned encrypted;                 /* field of an encrypted stripe; 0: there is none */
        bool detail_without_pan;            /* the acquirer takes a detail whose card number is not known here */
        bool hidden_service;                /* the acquirer looks at the service code that such a reader hides */
        const char *scheme;                 /* DE63.1 of a refund where the engine names none */
        struct host_limits limits;
};

/* Length prefix, TPDU, header and the longest message. */
#define HOST_FRAME_MAX (2 + 5 + 6 + ISO8583_SIZE_MAX)

/* What comes before the message, length prefix not counted. */
static inline size_t host_profile_head(const struct host_profile *p) {
        return sizeof(p->tpdu) + p->header_size;
}

/* Whether its acquirer takes requests of that kind. */
static inline bool host_profile_offers(const struct host_profile *p, enum host_kind kind) {
        return kind >= 0 && kind < _HOST_KIND_MAX && p->kinds[kind].mti != 0;
}

/* "unionpay"; NULL for an unknown name. */
const struct host_profile *host_profile_find(const char *name);
extern const struct host_profile host_profile_unionpay;
extern const struct host_profile host_profile_aes;
