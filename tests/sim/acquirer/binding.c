// SPDX-License-Identifier: LGPL-2.1-or-later
/* The merchant's phone: which one is on record for a terminal, and who may change that. */
#include "acquirer/kinds.h"
#include "base/log.h"

/* Of the terminal, the settings' word; without one, that of the first message that names one. */
static int find_serial(struct sim_acquirer *a, const struct request *q, const char *heard,
                       char ret[static LEDGER_SERIAL_MAX]) {
        const struct sim_settings *s = a->settings;
        int r;

        for (size_t i = 0; i < s->n_serials; i++)
                if (streq(s->serials[i].terminal, q->terminal)) {
                        snprintf(ret, LEDGER_SERIAL_MAX, "%s", s->serials[i].serial);
                        return 0;
                }
        r = ledger_get_serial(a->ledger, q->terminal, ret);
        if (r != -ENOENT)
                return r;
        log_notice(
                "Terminal %s: its serial number is %s from now on: none is on record, and [serials] of acquirer.conf "
                "has no line for it",
                q->terminal, heard);
        snprintf(ret, LEDGER_SERIAL_MAX, "%s", heard);
        return ledger_set_serial(a->ledger, q->terminal, heard);
}

static int refuse(struct verdict *v, const char *code, const char *note) {
        v->code = code;
        v->note = note;
        return 0;
}

/* What check and confirm both ask: v->code stays NULL when there is nothing to object. */
static int hold_against_record(struct sim_acquirer *a, const struct request *q, const struct host_binding *b,
                               struct verdict *v) {
        char serial[LEDGER_SERIAL_MAX];
        int r;

        r = find_serial(a, q, b->serial, serial);
        if (r < 0)
                return r;
        if (!streq(serial, b->serial))
                return refuse(v, "97", "its serial number is another one");
        r = ledger_is_bound(a->ledger, q->terminal, b->old_phone);
        if (r == 0)
                return refuse(v, "12", *b->old_phone ? "another phone is bound, or none" : "a phone is bound");
        return MIN(r, 0);
}

static int check(struct sim_acquirer *a, const struct request *q, const struct host_binding *b,
                 enum ledger_change before, struct verdict *v) {
        int r;

        r = hold_against_record(a, q, b, v);
        if (r < 0 || v->code)
                return r;
        if (before == LEDGER_CHANGE_WITHDRAWN)
                return refuse(v, "12", "this change was withdrawn");
        if (b->kind == HOST_BINDING_LOST && !a->settings->approves_lost && q->step.action != ACTION_APPROVE)
                return refuse(v, "58", "a lost phone is not approved");
        v->code = "00";
        return ledger_set_change(a->ledger, q->terminal, b, LEDGER_CHANGE_CHECKED);
}

static int confirm(struct sim_acquirer *a, const struct request *q, const struct host_binding *b,
                   enum ledger_change before, struct verdict *v) {
        int r;

        if (before == LEDGER_CHANGE_WITHDRAWN)
                return refuse(v, "12", "this change was withdrawn");
        if (before == LEDGER_CHANGE_CONFIRMED) {
                v->note = "again";
                v->code = "00";
                return 0;
        }
        r = hold_against_record(a, q, b, v);
        if (r < 0 || v->code)
                return r;
        if (b->kind == HOST_BINDING_LOST && before != LEDGER_CHANGE_CHECKED)
                return refuse(v, "58", "a lost phone was not approved");
        v->code = "00";
        return ledger_set_change(a->ledger, q->terminal, b, LEDGER_CHANGE_CONFIRMED);
}

int binding_handle(struct sim_acquirer *a, struct request *q, struct verdict *v) {
        enum ledger_change before;
        struct host_binding b;
        const void *data;
        size_t size = 0;
        int r;

        data = iso8583_bytes(q->m, 62, &size);
        if (!data || host_binding_parse(data, size, &b) < 0) {
                v->code = "30";
                return 0;
        }
        r = ledger_get_change(a->ledger, q->terminal, &b, &before);
        if (r < 0)
                return r;
        if (q->kind == HOST_BINDING_CHECK)
                return check(a, q, &b, before, v);
        if (q->kind == HOST_BINDING_CONFIRM)
                return confirm(a, q, &b, before, v);
        v->code = "00";
        return ledger_set_change(a->ledger, q->terminal, &b, LEDGER_CHANGE_WITHDRAWN);
}
