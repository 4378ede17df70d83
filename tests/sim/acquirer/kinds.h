/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* One request while the acquirer handles it, and what it decides. Private to the simulator. */

#include "acquirer/ledger.h"
#include "acquirer/script.h"
#include "acquirer/settings.h"
#include "host/balance.h"
#include "host/download.h"
#include "host/upload.h"
#include "issuer/issuer.h"

struct sim_acquirer {
        const struct sim_settings *settings;
        const struct host_profile *profile;
        struct ledger *ledger;
        struct issuer *issuer;
        struct script script;
        uint8_t *tmk; /* secret */
};

struct request {
        const struct iso8583 *m;
        enum host_kind kind;
        const struct host_kind_rule *rule;
        struct step step;
        char terminal[9], merchant[16];
        uint32_t stan, batch;
        uint64_t amount;
        struct host_keys *keys; /* of the terminal; NULL before its sign-on */
};

/* 91 with ARPC and its code; 71 or 72 with an identifier and one command. */
#define ANSWER_ICC_MAX (2 + 10 + 2 + 7 + 2 + STEP_COMMAND_MAX)

/* What the answer says beside what it repeats. */
struct verdict {
        const char *code;
        const char *note;
        char code_text[3];
        char rrn[13], approval[7];
        uint8_t icc[ANSWER_ICC_MAX]; /* DE55 */
        size_t icc_size;
        char totals[HOST_TOTALS_DIGITS + 1];    /* DE48, "" for none */
        char balance[HOST_BALANCE_TEXT + 1];    /* DE54, likewise */
        uint8_t private[HOST_DOWNLOAD_MAX + 1]; /* DE62: wrapped keys, a download */
        size_t private_size;
        uint32_t batch; /* DE60.2 where it is another one than the request's */
        bool unsigned_; /* no key to make a MAC with */
};

/* Each sets *v, or fails when the simulator itself is broken. */
int money_handle(struct sim_acquirer *a, struct request *q, struct verdict *v);
int reversal_handle(struct sim_acquirer *a, struct request *q, struct verdict *v);
int service_handle(struct sim_acquirer *a, struct request *q, struct verdict *v);
int binding_handle(struct sim_acquirer *a, struct request *q, struct verdict *v);
int batch_handle(struct sim_acquirer *a, struct request *q, struct verdict *v);

/* A field's text without trailing blanks, "" when absent. */
void copy_trimmed(const struct iso8583 *m, unsigned field, char *ret, size_t size);
