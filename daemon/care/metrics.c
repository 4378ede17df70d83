// SPDX-License-Identifier: LGPL-2.1-or-later
#include "care/metrics.h"

#include <inttypes.h>
#include <sys/stat.h>

#include "base/clock.h"
#include "base/histogram.h"
#include "base/log.h"
#include "care/terminal-state.h"
#include "journal/batch.h"
#include "journal/fault.h"
#include "transaction/timer.h"

#define MINUTE_USEC (60 * USEC_PER_SEC)
/* Of a change there are several at once. */
#define SOON_USEC USEC_PER_SEC
#define COUNTS_MAX 64

/* Since the start, as counters of Prometheus are. */
struct count {
        char kind[24];
        enum transaction_result result;
        uint64_t n;
        struct histogram took; /* from the call to the result */
};

struct metrics {
        struct engine *engine;
        struct statistics *statistics;
        char *path;
        struct count counts[COUNTS_MAX];
        size_t n_counts;
        uint64_t written_usec; /* CLOCK_BOOTTIME; 0: not yet */
        uint64_t started_usec; /* CLOCK_REALTIME */
        bool failing;
        sd_event_source *timer;
};

/* ---- Text ---- */

static void put_label(FILE *f, const char *separator, const char *name, const char *value) {
        fprintf(f, "%s%s=\"", separator, name);
        for (; *value; value++) {
                if (*value == '"' || *value == '\\')
                        fputc('\\', f);
                fputc(*value == '\n' ? ' ' : *value, f);
        }
        fputc('"', f);
}

static void put_head(FILE *f, const char *name, const char *type, const char *help) {
        fprintf(f, "# HELP tilld_%s %s\n# TYPE tilld_%s %s\n", name, help, name, type);
}

/* labels: "kind=\"sale\"", or "". */
static void put_histogram(FILE *f, const char *name, const char *labels, const struct histogram *h) {
        const char *comma = *labels ? "," : "", *open = *labels ? "{" : "", *close = *labels ? "}" : "";
        uint64_t n = 0;

        for (size_t i = 0; i < HISTOGRAM_BOUNDS; i++) {
                n += h->n[i];
                fprintf(f, "tilld_%s_bucket{%s%sle=\"%g\"} %" PRIu64 "\n", name, labels, comma,
                        histogram_bounds[i] / 1000.0, n);
        }
        n += h->n[HISTOGRAM_BOUNDS];
        fprintf(f, "tilld_%s_bucket{%s%sle=\"+Inf\"} %" PRIu64 "\n", name, labels, comma, n);
        fprintf(f, "tilld_%s_sum%s%s%s %.6f\n", name, open, labels, close, (double) h->sum_usec / USEC_PER_SEC);
        fprintf(f, "tilld_%s_count%s%s%s %" PRIu64 "\n", name, open, labels, close, n);
}

/* A point in time, 0 for none, as seconds since 1970. */
static void put_time(FILE *f, const char *name, const char *labels, uint64_t usec) {
        if (usec > 0)
                fprintf(f, "tilld_%s%s %" PRIu64 "\n", name, labels, usec / USEC_PER_SEC);
}

static void put_info(FILE *f, const struct metrics *m) {
        put_head(f, "info", "gauge", "The version and mode of tilld.");
        fprintf(f, "tilld_info");
        put_label(f, "{", "version", TILLD_VERSION);
        put_label(f, ",", "mode", mode_to_string(engine_settings(m->engine)->mode));
        fprintf(f, "} 1\n");
        put_head(f, "start_time_seconds", "gauge",
                 "When tilld was started; what is counted since the start began then.");
        put_time(f, "start_time_seconds", "", m->started_usec);
}

/* Those of a code are next to each other in no order: each is counted where its first one stands. */
struct open {
        struct fault_record list[64];
        unsigned n[64];
        size_t n_codes;
};

static int note_fault(const struct fault_record *record, void *userdata) {
        struct open *open = userdata;

        for (size_t i = 0; i < open->n_codes; i++)
                if (streq(open->list[i].code, record->code)) {
                        open->n[i]++;
                        return 0;
                }
        if (open->n_codes < ELEMENTSOF(open->list)) {
                open->list[open->n_codes] = *record;
                open->n[open->n_codes++] = 1;
        }
        return 0;
}

static int put_faults(FILE *f, struct metrics *m) {
        _cleanup_free_ struct open *open = calloc(1, sizeof(*open));
        int r;

        if (!open)
                return -ENOMEM;
        r = fault_record_each(engine_journal(m->engine), &(struct fault_filter){ .open = true }, note_fault, open);
        if (r < 0)
                return r;
        put_head(f, "faults_open", "gauge", "Open faults by code, class and severity; without a line there is none.");
        for (size_t i = 0; i < open->n_codes; i++) {
                fprintf(f, "tilld_faults_open");
                put_label(f, "{", "code", open->list[i].code);
                put_label(f, ",", "class", open->list[i].class);
                put_label(f, ",", "severity", open->list[i].severity);
                fprintf(f, "} %u\n", open->n[i]);
        }
        return 0;
}

static void put_transactions(FILE *f, const struct metrics *m) {
        put_head(f, "transactions_total", "counter", "Transactions that have ended since the start, by their result.");
        for (size_t i = 0; i < m->n_counts; i++) {
                fprintf(f, "tilld_transactions_total");
                put_label(f, "{", "kind", m->counts[i].kind);
                put_label(f, ",", "result", transaction_result_to_string(m->counts[i].result));
                fprintf(f, "} %" PRIu64 "\n", m->counts[i].n);
        }
        put_head(f, "transaction_seconds", "histogram", "From a transaction's call to its result, card and all.");
        for (size_t i = 0; i < m->n_counts; i++) {
                char labels[80];

                (void) snprintf(labels, sizeof(labels), "kind=\"%s\",result=\"%s\"", m->counts[i].kind,
                                transaction_result_to_string(m->counts[i].result));
                put_histogram(f, "transaction_seconds", labels, &m->counts[i].took);
        }
}

static void put_pending(FILE *f, const struct metrics *m) {
        static const char *const queues[] = {
                [REQUEST_REVERSAL] = "reversals",
                [REQUEST_FORWARD] = "forwards",
                [REQUEST_WITHDRAWAL] = "withdrawals",
        };
        int jobs = printing_count(engine_printing(m->engine));

        put_head(f, "pending", "gauge", "What waits for the acquirer or the printer.");
        for (size_t q = 0; q < ELEMENTSOF(queues); q++)
                fprintf(f, "tilld_pending{what=\"%s\"} %u\n", queues[q],
                        (unsigned) outbox_count(engine_outbox(m->engine), (enum request_queue) q));
        if (jobs >= 0)
                fprintf(f, "tilld_pending{what=\"print_jobs\"} %d\n", jobs);
}

static void put_acquirer(FILE *f, const struct metrics *m) {
        const char *state = acquirer_state(engine_acquirer(m->engine));
        struct acquirer_standing standing;
        uint64_t own, ca;

        put_head(f, "acquirer_reachable", "gauge", "1: it has answered what it was asked last. Not there: not asked.");
        if (!streq(state, "unknown"))
                fprintf(f, "tilld_acquirer_reachable %d\n", streq(state, "reachable"));
        put_head(f, "acquirer_signed_on", "gauge", "1: there are session keys.");
        fprintf(f, "tilld_acquirer_signed_on %d\n", acquirer_is_signed_on(engine_acquirer(m->engine)));
        acquirer_get_standing(engine_acquirer(m->engine), &standing);
        put_head(f, "acquirer_exchanges_total", "counter",
                 "Requests to the acquirer since the start, by what came of them.");
        for (enum host_outcome o = 0; o < _HOST_OUTCOME_MAX; o++)
                fprintf(f, "tilld_acquirer_exchanges_total{outcome=\"%s\"} %" PRIu64 "\n", host_outcome_name(o),
                        standing.exchanges[o]);
        put_head(f, "acquirer_answer_seconds", "histogram", "What the acquirer's answers took, connecting included.");
        put_histogram(f, "acquirer_answer_seconds", "", &standing.answers);
        acquirer_get_ends(engine_acquirer(m->engine), &own, &ca);
        put_head(f, "certificate_expiry_timestamp_seconds", "gauge", "Until when a certificate is good.");
        put_time(f, "certificate_expiry_timestamp_seconds", "{certificate=\"terminal\"}", own);
        put_time(f, "certificate_expiry_timestamp_seconds", "{certificate=\"acquirer-ca\"}", ca);
}

/* What is owed, and since when. */
static int put_batch(FILE *f, const struct metrics *m) {
        struct terminal_state state;
        struct batch_record batch;
        uint64_t settled_usec;
        int r;

        r = terminal_state_read(m->engine, &state);
        if (r < 0)
                return r;
        r = batch_load_current(engine_journal(m->engine), &batch);
        if (r < 0)
                return r;
        r = batch_last_settled(engine_journal(m->engine), &settled_usec);
        if (r < 0)
                return r;
        put_head(f, "unconfirmed_transactions", "gauge",
                 "Transactions that the acquirer has yet to be told of or to take back, or whose end nobody knows.");
        fprintf(f, "tilld_unconfirmed_transactions %u\n", state.unconfirmed);
        put_head(f, "batch_opened_timestamp_seconds", "gauge",
                 "The open batch's first transaction; not there: none yet.");
        put_time(f, "batch_opened_timestamp_seconds", "", batch.opened_usec);
        put_head(f, "last_settlement_timestamp_seconds", "gauge", "When a batch was settled last; not there: never.");
        put_time(f, "last_settlement_timestamp_seconds", "", settled_usec);
        return 0;
}

static int put_connected(const struct device_record *device, void *userdata) {
        FILE *f = userdata;

        if (device->forgotten_usec > 0)
                return 0;
        fprintf(f, "tilld_device_connected");
        put_label(f, "{", "kind", device->kind);
        put_label(f, ",", "device", device->key);
        fprintf(f, "} %d\n", device->missing_usec == 0);
        return 0;
}

static int put_statistic(const char *key, const char *name, uint64_t value, void *userdata) {
        FILE *f = userdata;

        fprintf(f, "tilld_device_statistic_total");
        put_label(f, "{", "device", key);
        put_label(f, ",", "name", name);
        fprintf(f, "} %" PRIu64 "\n", value);
        return 0;
}

static int put_devices(FILE *f, const struct metrics *m) {
        int r;

        put_head(f, "device_connected", "gauge", "Each device that is expected, and whether it is there.");
        r = device_record_each(engine_journal(m->engine), put_connected, f);
        if (r < 0 || !m->statistics)
                return r;
        put_head(f, "device_statistic_total", "counter", "Counts of a device's life, by the names of UnifiedPOS.");
        return statistics_each(m->statistics, NULL, put_statistic, f);
}

static int put_all(FILE *f, struct metrics *m) {
        int r;

        put_info(f, m);
        put_transactions(f, m);
        put_pending(f, m);
        put_acquirer(f, m);
        r = put_batch(f, m);
        if (r < 0)
                return r;
        r = put_faults(f, m);
        return r < 0 ? r : put_devices(f, m);
}

/* ---- The file ---- */

/* A reader has the whole of the old one or of the new one. */
int metrics_write(struct metrics *m) {
        _cleanup_free_ char *fresh = NULL;
        FILE *f;
        int r;

        if (asprintf(&fresh, "%s.new", m->path) < 0)
                return -ENOMEM;
        f = fopen(fresh, "we");
        if (!f)
                return -errno;
        r = put_all(f, m);
        /* tilld's umask is for secrets; node_exporter is another user. */
        if (r >= 0 && fchmod(fileno(f), 0644) < 0)
                r = -errno;
        if (r >= 0 && ferror(f))
                r = -EIO;
        if (fclose(f) != 0 && r >= 0)
                r = -errno;
        if (r >= 0 && rename(fresh, m->path) < 0)
                r = -errno;
        if (r < 0)
                (void) unlink(fresh);
        m->written_usec = clock_now(CLOCK_BOOTTIME);
        return r < 0 ? r : 0;
}

static int on_timer(sd_event_source *source, uint64_t usec, void *userdata) {
        struct metrics *m = userdata;
        int r = metrics_write(m);

        if (r < 0 && !m->failing)
                log_warning_errno(r, "%s cannot be written", m->path);
        m->failing = r < 0;
        return 0;
}

void metrics_kick(struct metrics *m) {
        uint64_t now = clock_now(CLOCK_BOOTTIME);
        uint64_t next = m->written_usec > 0 ? m->written_usec + MINUTE_USEC : 0;

        if (!m->timer || sd_event_source_get_enabled(m->timer, NULL) != 0)
                return;
        timer_again(m->timer, next > now + SOON_USEC ? next - now : SOON_USEC);
}

void metrics_transaction_changed(struct metrics *m, const struct transaction_view *view,
                                 enum transaction_event event) {
        const struct transaction_record *record = &view->record;
        struct count *c = NULL;

        if (event != TRANSACTION_FINISHED)
                return;
        for (size_t i = 0; i < m->n_counts && !c; i++)
                if (m->counts[i].result == record->result && streq(m->counts[i].kind, record->kind))
                        c = m->counts + i;
        if (!c && m->n_counts < COUNTS_MAX) {
                c = m->counts + m->n_counts++;
                COPY(c->kind, record->kind);
                c->result = record->result;
        }
        if (c) {
                c->n++;
                histogram_add(&c->took, record->finished_boot - record->started_boot);
        }
        metrics_kick(m);
}

/* ---- Life ---- */

int metrics_new(struct engine *e, struct statistics *statistics, const char *folder, struct metrics **ret) {
        _cleanup_(metrics_freep) struct metrics *m = calloc(1, sizeof(*m));
        int r;

        if (!m)
                return -ENOMEM;
        m->engine = e;
        m->statistics = statistics;
        m->started_usec = clock_now(CLOCK_REALTIME);
        if (folder && asprintf(&m->path, "%s/tilld.prom", folder) < 0) {
                m->path = NULL;
                return -ENOMEM;
        }
        if (folder) {
                r = sd_event_add_time_relative(engine_loop(e), &m->timer, CLOCK_BOOTTIME, SOON_USEC, USEC_PER_SEC,
                                               on_timer, m);
                if (r < 0)
                        return r;
        }
        *ret = TAKE_PTR(m);
        return 0;
}

struct metrics *metrics_free(struct metrics *m) {
        if (!m)
                return NULL;
        sd_event_source_disable_unref(m->timer);
        free(m->path);
        free(m);
        return NULL;
}
