// SPDX-License-Identifier: LGPL-2.1-or-later
/* What a support report has of tilld's own. No card data but first six and last four digits, no key, no code. */
#include "base/amount.h"
#include "base/clock.h"
#include "bus/fault.h"
#include "bus/report.h"
#include "care/fault-figures.h"
#include "care/inspection.h"
#include "care/terminal-state.h"
#include "transaction/terminal-clock.h"

#define FAULTS_MAX 300
#define FAULTS_OPEN_MAX 100
#define TRANSACTIONS_MAX 50
#define JOBS_MAX 20

static cJSON *add_item(cJSON *list) {
        cJSON *o = cJSON_CreateObject();

        (void) cJSON_AddItemToArray(list, o);
        return o;
}

/* A time that is not known, or has not come, is left out. */
static bool add_time(cJSON *o, const char *name, uint64_t usec) {
        return usec == 0 || json_add_number(o, name, (int64_t) usec);
}

static int add_terminal(struct server *s, const char *language, unsigned days, cJSON *json) {
        const struct settings *settings = s->settings;
        cJSON *o = cJSON_AddObjectToObject(json, "Terminal");

        return json_add_number(json, "Made", (int64_t) clock_now(CLOCK_REALTIME)) &&
                               json_add_number(json, "Days", days) &&
                               cJSON_AddStringToObject(json, "Language", language) &&
                               cJSON_AddStringToObject(o, "Mode", mode_to_string(settings->mode)) &&
                               cJSON_AddStringToObject(o, "Version", TILLD_VERSION) &&
                               cJSON_AddStringToObject(o, "TerminalNumber", settings->terminal_number) &&
                               cJSON_AddStringToObject(o, "MerchantNumber", settings->merchant_number) &&
                               cJSON_AddStringToObject(o, "MerchantName", strempty(settings->merchant_name)) &&
                               cJSON_AddStringToObject(o, "Serial", settings->serial) &&
                               cJSON_AddStringToObject(o, "Acquirer", acquirer_state(engine_acquirer(s->engine)))
                       ? 0
                       : -ENOMEM;
}

static int add_state(struct server *s, const char *language, unsigned days, cJSON *json) {
        cJSON *o = cJSON_AddObjectToObject(json, "State");
        struct terminal_state state;
        int r;

        r = terminal_state_read(s->engine, &state);
        if (r < 0)
                return r;
        return cJSON_AddStringToObject(o, "GlobalStatus", state.global) &&
                               cJSON_AddBoolToObject(o, "SecurityOK", state.security) &&
                               cJSON_AddBoolToObject(o, "CardReaderOK", state.card_reader) &&
                               cJSON_AddStringToObject(o, "PrinterStatus", state.printer) &&
                               cJSON_AddBoolToObject(o, "CommunicationOK", state.communication) &&
                               json_add_number(o, "Unconfirmed", state.unconfirmed) &&
                               json_add_number(o, "OpenFaults", state.open_faults)
                       ? 0
                       : -ENOMEM;
}

static int add_health(struct server *s, const char *language, unsigned days, cJSON *json) {
        cJSON *o = cJSON_AddObjectToObject(json, "HealthCheck");

        return report_add_health(o, s->health ? health_get(s->health) : NULL) ? 0 : -ENOMEM;
}

struct faults_list {
        struct server *server;
        const char *language;
        cJSON *list;
        int64_t last; /* the id of the oldest so far, 0 for none */
        bool older;   /* those before it alone */
};

static uint64_t since(unsigned days, uint64_t now) {
        return now - MIN(now, days * UINT64_C(86400) * USEC_PER_SEC);
}

static int add_fault(const struct fault_record *record, void *userdata) {
        struct faults_list *l = userdata;

        if (l->older && l->last > 0 && record->id >= l->last)
                return 0;
        l->last = record->id;
        return fault_add_json(l->server, add_item(l->list), record, l->language) ? 0 : -ENOMEM;
}

/* Those of the time; one that is open since before it comes behind them. */
static int add_faults(struct server *s, const char *language, unsigned days, cJSON *json) {
        const struct fault_filter recent = { .since_usec = since(days, clock_now(CLOCK_REALTIME)),
                                             .limit = FAULTS_MAX },
                                  open = { .open = true, .limit = FAULTS_OPEN_MAX };
        struct faults_list l = { s, language, cJSON_AddArrayToObject(json, "Faults") };
        int r;

        r = fault_record_each(engine_journal(s->engine), &recent, add_fault, &l);
        if (r < 0)
                return r;
        l.older = true;
        return fault_record_each(engine_journal(s->engine), &open, add_fault, &l);
}

static int add_inspection(struct server *s, const char *language, unsigned days, cJSON *json) {
        cJSON *o = cJSON_AddObjectToObject(json, "Inspection");
        struct maintenance_record made;
        int r;

        r = inspection_load(s->engine, &made);
        if (r < 0)
                return r;
        return add_time(o, "Made", made.done_usec) && cJSON_AddStringToObject(o, "By", made.done_by) &&
                               cJSON_AddStringToObject(o, "Result", made.note)
                       ? 0
                       : -ENOMEM;
}

static int add_figures(struct server *s, const char *language, unsigned days, cJSON *json) {
        uint64_t now = clock_now(CLOCK_REALTIME);
        cJSON *figures;
        int r;

        r = fault_figures_make(engine_journal(s->engine), since(days, now), now, &figures);
        if (r < 0)
                return r;
        return cJSON_AddItemToObject(json, "Figures", figures) ? 0 : -ENOMEM;
}

static int add_maintenance(struct server *s, const char *language, unsigned days, cJSON *json) {
        return report_add_maintenance(s, cJSON_AddArrayToObject(json, "Maintenance"));
}

static int add_recoveries(struct server *s, const char *language, unsigned days, cJSON *json) {
        return report_add_recoveries(s, cJSON_AddArrayToObject(json, "Recoveries"));
}

/* ---- Devices ---- */

struct devices {
        struct server *server;
        cJSON *list;
};

static int add_statistic(const char *key, const char *name, uint64_t value, void *userdata) {
        return json_add_number(userdata, name, (int64_t) value) ? 0 : -ENOMEM;
}

static int add_device(const struct device_record *record, void *userdata) {
        struct devices *d = userdata;
        cJSON *o = add_item(d->list);
        char firmware[16];

        (void) snprintf(firmware, sizeof(firmware), "%x.%02x", record->release >> 8, record->release & 0xff);
        if (!cJSON_AddStringToObject(o, "Kind", record->kind) || !cJSON_AddStringToObject(o, "Port", record->port) ||
            !cJSON_AddStringToObject(o, "UsbId", record->usb_id) ||
            !cJSON_AddStringToObject(o, "Vendor", record->vendor) ||
            !cJSON_AddStringToObject(o, "Product", record->product) ||
            !cJSON_AddStringToObject(o, "Serial", record->serial) ||
            !cJSON_AddStringToObject(o, "Firmware", firmware) || !add_time(o, "FirstSeen", record->first_seen_usec) ||
            !add_time(o, "LastSeen", record->last_seen_usec) || !add_time(o, "Missing", record->missing_usec) ||
            !add_time(o, "Forgotten", record->forgotten_usec))
                return -ENOMEM;
        if (!d->server->statistics)
                return 0;
        return statistics_each(d->server->statistics, record->key, add_statistic,
                               cJSON_AddObjectToObject(o, "Statistics"));
}

static int add_devices(struct server *s, const char *language, unsigned days, cJSON *json) {
        struct devices d = { s, cJSON_AddArrayToObject(json, "Devices") };
        int r = s->statistics ? statistics_update(s->statistics) : 0;

        return r < 0 ? r : device_record_each(engine_journal(s->engine), add_device, &d);
}

/* ---- Payments ---- */

static int add_transaction(const struct transaction_record *record, void *userdata) {
        const struct currency *currency = currency_find(record->currency);
        char amount[AMOUNT_TEXT_MAX] = "";
        cJSON *o = add_item(userdata);

        if (currency && record->amount > 0)
                (void) amount_format(record->amount, currency, amount);
        const struct {
                const char *name, *text;
        } texts[] = {
                { "Kind", record->kind },
                { "Amount", amount },
                { "Currency", record->currency },
                { "Reference", record->reference },
                { "State", transaction_state_to_string(record->state) },
                { "Result", transaction_result_to_string(record->result) },
                { "Reversal", reversal_state_to_string(record->reversal) },
                { "Forwarding", forwarding_state_to_string(record->forwarding) },
                { "Reason", record->reason },
                { "Message", record->message },
                { "Entry", entry_mode_to_string(record->entry) },
                { "Card", record->masked_pan },
                { "Rrn", record->rrn },
                { "ResponseCode", record->response_code },
                { "Aid", record->aid },
                { "Label", record->label },
                { "Tvr", record->tvr },
                { "Tsi", record->tsi },
                { "CvmResult", record->cvm_result },
                { "Print", print_state_to_string(record->print) },
        };

        if (!json_add_number(o, "Id", record->id))
                return -ENOMEM;
        for (size_t i = 0; i < ELEMENTSOF(texts); i++)
                if (!cJSON_AddStringToObject(o, texts[i].name, strempty(texts[i].text)))
                        return -ENOMEM;
        return json_add_number(o, "Stan", record->stan) && json_add_number(o, "Batch", record->batch) &&
                               json_add_number(o, "Voucher", record->voucher) &&
                               add_time(o, "Started", record->started_usec) &&
                               add_time(o, "Finished", record->finished_usec)
                       ? 0
                       : -ENOMEM;
}

static int add_transactions(struct server *s, const char *language, unsigned days, cJSON *json) {
        return transaction_record_each_last(engine_journal(s->engine), TRANSACTIONS_MAX, add_transaction,
                                            cJSON_AddArrayToObject(json, "Transactions"));
}

static int add_job(const struct print_job *job, void *userdata) {
        cJSON *o = add_item(userdata);

        return json_add_number(o, "Id", job->id) && json_add_number(o, "Transaction", job->transaction) &&
                               cJSON_AddStringToObject(o, "What", job->what) &&
                               cJSON_AddStringToObject(o, "State", print_state_to_string(job->state)) &&
                               add_time(o, "Created", job->created_usec)
                       ? 0
                       : -ENOMEM;
}

static int add_jobs(struct server *s, const char *language, unsigned days, cJSON *json) {
        return print_job_each_last(engine_journal(s->engine), JOBS_MAX, add_job,
                                   cJSON_AddArrayToObject(json, "PrintJobs"));
}

static int add_queues(struct server *s, const char *language, unsigned days, cJSON *json) {
        static const char *const names[_REQUEST_QUEUE_MAX] = { "PendingReversals", "PendingForwards",
                                                               "PendingWithdrawals" };
        cJSON *o = cJSON_AddObjectToObject(json, "Queues");
        int jobs = printing_count(engine_printing(s->engine));
        struct refusal clock = {};

        for (size_t i = 0; i < ELEMENTSOF(names); i++)
                if (!json_add_number(o, names[i], outbox_count(engine_outbox(s->engine), i)))
                        return -ENOMEM;
        (void) terminal_clock_check(engine_journal(s->engine), &clock);
        return json_add_number(o, "PendingPrintJobs", MAX(jobs, 0)) &&
                               cJSON_AddStringToObject(o, "ClockFault", clock.code ? clock.text : "")
                       ? 0
                       : -ENOMEM;
}

static int add_batch(struct server *s, const char *language, unsigned days, cJSON *json) {
        return report_add_batch(s, cJSON_AddObjectToObject(json, "Batch"));
}

static int add_journal(struct server *s, const char *language, unsigned days, cJSON *json) {
        return report_add_journal(s, cJSON_AddObjectToObject(json, "Journal"));
}

/* tilld.conf as it was read; it has no secret. */
static int add_settings(struct server *s, const char *language, unsigned days, cJSON *json) {
        cJSON *o = cJSON_AddObjectToObject(json, "Settings"), *hosts = cJSON_AddArrayToObject(o, "AcquirerHosts");
        const struct settings *settings = s->settings;

        for (char *const *host = settings->acquirer_hosts; hosts && *host; host++)
                (void) cJSON_AddItemToArray(hosts, cJSON_CreateString(*host));
        return json_add_number(o, "MerchantCategory", settings->merchant_category) &&
                               cJSON_AddStringToObject(o, "AcquirerHost", strempty(settings->acquirer_hosts[0])) &&
                               cJSON_AddStringToObject(o, "AcquirerName", strempty(settings->acquirer_name)) &&
                               cJSON_AddStringToObject(o, "AcquirerServerName",
                                                       strempty(settings->acquirer_server_name)) &&
                               json_add_number(o, "AnswerTimeout", settings->answer_timeout) &&
                               json_add_number(o, "TipPercent", settings->tip_percent) &&
                               json_add_number(o, "RetentionDays", settings->retention_days) &&
                               json_add_number(o, "OfflineAmount", settings->offline.amount) &&
                               json_add_number(o, "OfflineCount", settings->offline.count) &&
                               json_add_number(o, "OfflineTotal", settings->offline.total) &&
                               json_add_number(o, "OfflineAge", settings->offline.age) &&
                               json_add_number(o, "WaitingHours", settings->waiting_hours) &&
                               cJSON_AddStringToObject(o, "NoticeLanguage", settings_notice_language(settings))
                       ? 0
                       : -ENOMEM;
}

const report_part_t report_parts[] = {
        add_terminal, add_state,        add_faults,      add_figures, add_health, add_inspection,
        add_devices,  add_transactions, add_jobs,        add_queues,  add_batch,  add_journal,
        add_settings, add_recoveries,   add_maintenance, NULL,
};
