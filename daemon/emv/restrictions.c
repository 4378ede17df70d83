// SPDX-License-Identifier: LGPL-2.1-or-later
/* Processing restrictions: EMV Book 3, 10.4. */

#include "emv/step.h"

/* Application usage control (Annex C2). */
#define CONTROL_DOMESTIC_CASH 0x80
#define CONTROL_FOREIGN_CASH 0x40
#define CONTROL_DOMESTIC_GOODS 0x20
#define CONTROL_FOREIGN_GOODS 0x10
#define CONTROL_DOMESTIC_SERVICES 0x08
#define CONTROL_FOREIGN_SERVICES 0x04
#define CONTROL_ATM 0x02
#define CONTROL_NOT_ATM 0x01
#define CONTROL_DOMESTIC_CASHBACK 0x80
#define CONTROL_FOREIGN_CASHBACK 0x40

/* 9F40, first byte: what the terminal sells (Book 4, Annex A3). */
#define SELLS_GOODS 0x40
#define SELLS_SERVICES 0x20

#define TYPE_CASH 0x01

/* 10.4.1 */
static void check_version(struct emv *e) {
        const uint8_t *version = store_get(&e->store, TAG_VERSION_CARD, NULL);

        if (!version)
                return;
        for (unsigned i = 0; i < e->application->n_versions; i++)
                if (memcmp(version, e->application->versions[i], 2) == 0)
                        return;
        tvr_set(e->tvr, TVR_VERSIONS_DIFFER);
}

static bool is_atm(const struct emv_terminal *t) {
        return (t->type == 0x14 || t->type == 0x15 || t->type == 0x16) && t->additional_capabilities[0] & 0x80;
}

/* The bits of which one has to be set for this transaction, in the two bytes of 9F07. */
static void wanted_control(const struct message_start *s, bool domestic, uint8_t ret[static 2]) {
        ret[0] = ret[1] = 0;
        if (s->transaction_type == TYPE_CASH)
                ret[0] = domestic ? CONTROL_DOMESTIC_CASH : CONTROL_FOREIGN_CASH;
        else {
                if (s->terminal.additional_capabilities[0] & SELLS_GOODS)
                        ret[0] |= domestic ? CONTROL_DOMESTIC_GOODS : CONTROL_FOREIGN_GOODS;
                if (s->terminal.additional_capabilities[0] & SELLS_SERVICES)
                        ret[0] |= domestic ? CONTROL_DOMESTIC_SERVICES : CONTROL_FOREIGN_SERVICES;
        }
        if (s->amount_other > 0)
                ret[1] = domestic ? CONTROL_DOMESTIC_CASHBACK : CONTROL_FOREIGN_CASHBACK;
}

/* 10.4.2 */
static void check_usage(struct emv *e) {
        const uint8_t *control = store_get(&e->store, TAG_USAGE_CONTROL, NULL);
        const uint8_t *country = store_get(&e->store, TAG_ISSUER_COUNTRY, NULL);
        uint8_t wanted[2];

        if (!control)
                return;
        if (!(control[0] & (is_atm(&e->start->terminal) ? CONTROL_ATM : CONTROL_NOT_ATM)))
                tvr_set(e->tvr, TVR_SERVICE_NOT_ALLOWED);
        if (!country)
                return;
        wanted_control(e->start, memcmp(country, e->start->terminal.country, 2) == 0, wanted);
        for (unsigned i = 0; i < 2; i++)
                if (wanted[i] && !(control[i] & wanted[i]))
                        tvr_set(e->tvr, TVR_SERVICE_NOT_ALLOWED);
}

/* 10.4.3 */
static void check_dates(struct emv *e) {
        const uint8_t *effective = store_get(&e->store, TAG_EFFECTIVE_DATE, NULL);
        uint32_t today = emv_full_date(e->start->date);

        if (effective && emv_full_date(effective) > today)
                tvr_set(e->tvr, TVR_NOT_YET_EFFECTIVE);
        if (emv_full_date(store_get(&e->store, TAG_EXPIRATION_DATE, NULL)) < today)
                tvr_set(e->tvr, TVR_EXPIRED);
}

int emv_check_restrictions(struct emv *e) {
        check_version(e);
        check_usage(e);
        check_dates(e);
        return 0;
}
