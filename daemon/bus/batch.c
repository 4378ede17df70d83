// SPDX-License-Identifier: LGPL-2.1-or-later
/* Manager.GetTotals: what a batch comes to. Its transactions are found by Manager.Search. */
#include <inttypes.h>

#include "bus/error.h"
#include "bus/json.h"
#include "bus/report.h"
#include "bus/server.h"
#include "journal/batch.h"
#include "journal/counter.h"
#include "transaction/batch-totals.h"

struct sums {
        const struct host_profile *profile;
        cJSON *kinds;
        struct host_total debit, credit;
};

static void add_sum(cJSON *json, const char *name, const struct host_total *total) {
        cJSON *item = cJSON_AddObjectToObject(json, name);

        json_add_number(item, "Count", total->count);
        json_add_number(item, "Amount", total->amount);
}

static int add_kind(const struct batch_total *total, void *userdata) {
        struct sums *sums = userdata;
        enum host_side side = batch_totals_side(sums->profile, host_kind_from_name(total->kind));
        struct host_total *sum = side == HOST_DEBIT ? &sums->debit : &sums->credit;
        cJSON *item = cJSON_CreateObject();

        cJSON_AddItemToArray(sums->kinds, item);
        cJSON_AddStringToObject(item, "Kind", total->kind);
        json_add_number(item, "Count", total->count);
        json_add_number(item, "Amount", total->amount);
        cJSON_AddStringToObject(item, "Side", side == HOST_DEBIT ? "debit" : side == HOST_CREDIT ? "credit" : "none");
        if (side != HOST_NO_SIDE) {
                sum->count += total->count;
                sum->amount += total->amount;
        }
        return 0;
}

static int describe_batch(struct server *s, const struct batch_record *batch, cJSON *json) {
        struct sums sums = { .profile = acquirer_profile(engine_acquirer(s->engine)) };
        _cleanup_free_ char *settlement = NULL;
        int r;

        r = transaction_path_or_root(s, batch->settlement, &settlement);
        if (r < 0)
                return r;
        json_add_number(json, "Batch", batch->number);
        cJSON_AddStringToObject(json, "State", batch_state_to_string(batch->state));
        cJSON_AddStringToObject(json, "Currency", batch->currency);
        cJSON_AddStringToObject(json, "Reconciliation", batch_reconciliation_to_string(batch->reconciliation));
        cJSON_AddStringToObject(json, "Settlement", settlement);
        json_add_number(json, "Uploaded", batch->uploaded);
        json_add_number(json, "Opened", batch->opened_usec);
        json_add_number(json, "Frozen", batch->frozen_usec);
        json_add_number(json, "Settled", batch->settled_usec);
        sums.kinds = cJSON_AddArrayToObject(json, "Kinds");
        r = batch_each_total(engine_journal(s->engine), batch->number, add_kind, &sums);
        if (r < 0)
                return r;
        add_sum(json, "Debits", &sums.debit);
        add_sum(json, "Credits", &sums.credit);
        return 0;
}

int report_add_batch(struct server *s, cJSON *json) {
        struct batch_record batch;
        int r;

        r = batch_load_current(engine_journal(s->engine), &batch);
        return r < 0 ? r : describe_batch(s, &batch, json);
}

int manager_call_get_totals(sd_bus_message *m, void *userdata, sd_bus_error *error) {
        _cleanup_(cJSON_Deletep) cJSON *json = cJSON_CreateObject();
        struct server *s = userdata;
        struct batch_record batch;
        uint32_t number;
        int r;

        r = sd_bus_message_read(m, "u", &number);
        if (r < 0)
                return r;
        r = number > 0 ? batch_load(engine_journal(s->engine), number, &batch)
                       : batch_load_current(engine_journal(s->engine), &batch);
        if (r == -ENOENT)
                return sd_bus_error_setf(error, BUS_ERROR_NOT_FOUND,
                                         "There has been no batch %06" PRIu32 " on this terminal: 0 is the open one",
                                         number);
        if (r < 0)
                return r;
        r = describe_batch(s, &batch, json);
        return r < 0 ? r : json_reply(m, json);
}
