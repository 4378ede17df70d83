// SPDX-License-Identifier: LGPL-2.1-or-later
#include "care/statistics.h"

#include <ctype.h>
#include <inttypes.h>
#include <systemd/sd-id128.h>

#include "base/clock.h"
#include "base/log.h"
#include "care/page-count.h"
#include "care/statistic-name.h"
#include "care/statistics-queue.h"
#include "transaction/timer.h"

#define HOUR_USEC (3600 * USEC_PER_SEC)
/* After what a device has told: a shower of it is one reading. */
#define MINUTE_USEC (60 * USEC_PER_SEC)

/* A device that has been seen since the start. */
struct known {
        char *id;
        char key[DEVICE_KEY_SIZE];
        bool connected;
};

struct statistics {
        struct engine *engine;
        void (*changed)(void *userdata);
        void *userdata;

        struct known *known;
        size_t n_known;
        struct statistics_queue queue;
        bool failing;
        sd_event_source *soon, *later, *hourly;
};

/* ---- Which device ---- */

static struct known *known_find(const struct statistics *s, const char *id) {
        for (size_t i = 0; i < s->n_known; i++)
                if (streq(s->known[i].id, id))
                        return s->known + i;
        return NULL;
}

static struct known *known_add(struct statistics *s, const char *id) {
        struct known *list = reallocarray(s->known, s->n_known + 1, sizeof(*list));
        struct known k = { .id = strdup(id) };

        if (list)
                s->known = list;
        if (!list || !k.id) {
                free(k.id);
                return NULL;
        }
        list[s->n_known] = k;
        return list + s->n_known++;
}

static bool is_connected(const struct statistics *s, const char *key) {
        for (size_t i = 0; i < s->n_known; i++)
                if (s->known[i].connected && streq(s->known[i].key, key))
                        return true;
        return false;
}

/* Some makers give each device the same: zeros, or nothing that would tell two of them apart. */
static bool is_serial(const char *serial) {
        for (; serial && *serial; serial++)
                if (isalnum((unsigned char) *serial) && *serial != '0')
                        return true;
        return false;
}

/* "printer/04b8:0202/J3XF", "msr/0acd:2310/@1-2": of an interface or slot, with what its id has behind the port. */
static void make_key(const struct statistics *s, const struct device *d, char ret[static DEVICE_KEY_SIZE]) {
        const char *part = d->port ? startswith(d->id, d->port) : NULL;

        (void) snprintf(ret, DEVICE_KEY_SIZE, "%s/%04x:%04x/%s%.32s", device_kind_to_string(d->kind), d->vendor_id,
                        d->product_id, strempty(d->serial), strempty(part));
        if (!is_serial(d->serial) || is_connected(s, ret))
                (void) snprintf(ret, DEVICE_KEY_SIZE, "%s/%04x:%04x/@%.100s", device_kind_to_string(d->kind),
                                d->vendor_id, d->product_id, d->id);
}

const char *statistics_key(const struct statistics *s, const struct device *device) {
        const struct known *k = known_find(s, device->id);

        return k ? k->key : NULL;
}

/* ---- Writing ---- */

static void write_now(struct statistics *s) {
        bool something = s->queue.n > 0;
        int r;

        /* In the middle of somebody's commit: with the next reading. */
        if (journal_is_open(engine_journal(s->engine)))
                return;
        r = statistics_queue_write(&s->queue, engine_journal(s->engine));
        if (r == -EIO || r == -EBADMSG)
                engine_panic(r, "what devices have counted cannot be written");
        if (r < 0 && !s->failing)
                log_warning_errno(r, "What devices have counted cannot be written; it is tried again");
        s->failing = r < 0;
        if (r >= 0 && something && s->changed)
                s->changed(s->userdata);
}

/* What cannot be kept is lost: counters are not worth a payment. */
static void note(const char *what, int r) {
        if (r < 0)
                log_warning_errno(r, "Statistics: %s is not counted", what);
}

static void write_soon(struct statistics *s) {
        int r = sd_event_source_set_enabled(s->soon, SD_EVENT_ONESHOT);

        note("what came just now", r);
}

/* ---- Readings ---- */

static int read_attribute(struct statistics *s, const struct device *d, const char *key, const char *attribute,
                          const char *name) {
        _cleanup_free_ char *text = NULL, *path = NULL;
        uint64_t reading;
        char *end;
        int r;

        if (asprintf(&path, "statistics/%s", attribute) < 0)
                return -ENOMEM;
        r = device_read_attribute(d, path, &text);
        /* An older driver has fewer; of one that has just gone, its disconnection is told next. */
        if (r < 0)
                return r == -ENOMEM ? r : 0;
        errno = 0;
        reading = strtoull(text, &end, 10);
        if (errno > 0 || end == text || *end)
                return 0;
        return statistics_queue_read(&s->queue, key, name, reading);
}

/* CLOCK_MONOTONIC stands while the machine is asleep: whether the device had power then is not known. */
static int read_power(struct statistics *s, const struct device *d, const char *key) {
        uint64_t now = clock_now(CLOCK_MONOTONIC);

        if (d->plugged == 0 || d->plugged > now)
                return 0;
        return statistics_queue_read(&s->queue, key, STATISTIC_SECONDS, (now - d->plugged) / USEC_PER_SEC);
}

static int read_device(struct statistics *s, const struct device *d) {
        const char *key = statistics_key(s, d), *attribute, *name;
        int r;

        if (!key)
                return 0;
        r = read_power(s, d, key);
        for (size_t i = 0; r >= 0 && (attribute = statistic_attribute(d->kind, i, &name)); i++)
                r = read_attribute(s, d, key, attribute, name);
        return r;
}

static void read_all(struct statistics *s) {
        const struct device *d;

        for (size_t i = 0; (d = monitor_get(engine_monitor(s->engine), i)); i++)
                if (d->connected)
                        note(d->id, read_device(s, d));
}

int statistics_update(struct statistics *s) {
        read_all(s);
        write_now(s);
        return s->failing ? -EAGAIN : 0;
}

static int on_soon(sd_event_source *source, void *userdata) {
        (void) statistics_update(userdata);
        return 0;
}

static int on_later(sd_event_source *source, uint64_t usec, void *userdata) {
        (void) statistics_update(userdata);
        return 0;
}

static int on_hour(sd_event_source *source, uint64_t usec, void *userdata) {
        (void) statistics_update(userdata);
        timer_again(source, HOUR_USEC);
        return 0;
}

/* ---- Devices that come and go ---- */

/* The marks of two pluggings differ, whatever was restarted meanwhile but the machine; and it has another boot. */
static int make_plugging(const struct device *d, char ret[static 80]) {
        char boot[SD_ID128_STRING_MAX];
        sd_id128_t id;
        int r;

        r = sd_id128_get_boot(&id);
        if (r < 0)
                return r;
        (void) snprintf(ret, 80, "%s/%" PRIu64, sd_id128_to_string(id, boot), d->plugged);
        return 0;
}

static int connected(struct statistics *s, const struct device *d) {
        struct device_record record = { .release = d->release };
        struct known *k = known_find(s, d->id) ?: known_add(s, d->id);
        char plugging[80];
        int r;

        if (!k)
                return -ENOMEM;
        r = make_plugging(d, plugging);
        if (r < 0)
                return r;
        k->connected = false;
        make_key(s, d, k->key);
        k->connected = true;
        COPY(record.key, k->key);
        COPY(record.kind, device_kind_to_string(d->kind));
        COPY(record.port, strempty(d->port));
        COPY(record.vendor, strempty(d->vendor));
        COPY(record.product, strempty(d->product));
        COPY(record.serial, strempty(d->serial));
        (void) snprintf(record.usb_id, sizeof(record.usb_id), "%04x:%04x", d->vendor_id, d->product_id);
        r = statistics_queue_see(&s->queue, &record, plugging);
        return r < 0 ? r : read_device(s, d);
}

/* Its attributes have gone with it. */
static int disconnected(struct statistics *s, const struct device *d) {
        struct known *k = known_find(s, d->id);
        int r;

        if (!k || !k->connected)
                return 0;
        k->connected = false;
        r = read_power(s, d, k->key);
        return r < 0 ? r : statistics_queue_miss(&s->queue, k->key);
}

static void read_later(struct statistics *s) {
        if (sd_event_source_get_enabled(s->later, NULL) == 0)
                timer_again(s->later, MINUTE_USEC);
}

void statistics_device_changed(struct statistics *s, const struct device *device, enum monitor_event event) {
        switch (event) {
        case MONITOR_CONNECTED:
                note(device->id, connected(s, device));
                return write_soon(s);
        case MONITOR_DISCONNECTED:
                note(device->id, disconnected(s, device));
                return write_soon(s);
        case MONITOR_CHANGED:
                return read_later(s);
        default:
                return;
        }
}

/* ---- What tilld counts ---- */

static int add(struct statistics *s, const struct device *d, const char *name, uint64_t delta) {
        const char *key = d ? statistics_key(s, d) : NULL;

        return key ? statistics_queue_add(&s->queue, key, name, delta) : 0;
}

/* A card that was there and could not be read to its end; one that was taken out is no fault of the reader. */
static bool is_failed_chip(const struct transaction_record *record) {
        static const char *const reasons[] = { "card-mute", "card-silent", "card-malformed", "reader-failed" };

        return record->entry == ENTRY_FALLBACK || string_table_find(reasons, ELEMENTSOF(reasons), record->reason) >= 0;
}

void statistics_transaction_changed(struct statistics *s, const struct transaction_view *view,
                                    enum transaction_event event) {
        const struct transaction_record *record = &view->record;
        const struct device *reader = monitor_find_connected(engine_monitor(s->engine), DEVICE_EMV);

        if (event != TRANSACTION_FINISHED)
                return;
        if (record->entry == ENTRY_CHIP || record->entry == ENTRY_FALLBACK)
                note("a chip",
                     add(s, reader, is_failed_chip(record) ? STATISTIC_FAILED_CHIPS : STATISTIC_GOOD_CHIPS, 1));
        write_soon(s);
}

static int add_page(struct statistics *s, const struct page *page) {
        const struct printing *p = engine_printing(s->engine);
        const struct device *d = printing_device(p);
        struct page_count count;
        int r;

        page_count(page, printing_profile(p), &count);
        r = add(s, d, STATISTIC_LINES, count.lines);
        if (r >= 0)
                r = add(s, d, STATISTIC_CHARACTERS, count.characters);
        if (r >= 0)
                r = add(s, d, STATISTIC_FEEDS, count.feeds);
        if (r >= 0)
                r = add(s, d, STATISTIC_BARCODES, count.barcodes);
        if (r >= 0)
                r = add(s, d, STATISTIC_CUTS, count.cuts);
        return r < 0 ? r : add(s, d, STATISTIC_PAPER, count.millimetres);
}

static int add_job(struct statistics *s, int64_t id) {
        const struct printing *p = engine_printing(s->engine);
        _cleanup_(print_job_done) struct print_job job = {};
        _cleanup_(page_freep) struct page *page = NULL;
        int r;

        r = print_job_load(engine_journal(s->engine), id, &job);
        if (r < 0)
                return r;
        r = printing_lay_out(p, &job, !printer_profile_has_chinese(printing_profile(p)), &page);
        return r < 0 ? r : add_page(s, page);
}

void statistics_job_changed(struct statistics *s, int64_t job, enum print_state state) {
        if (state == PRINT_PRINTED || (state == PRINT_UNCONFIRMED && printing_is_mute(engine_printing(s->engine)))) {
                note("a paper", add_job(s, job));
                write_soon(s);
        }
}

void statistics_drawer_pulsed(struct statistics *s, int error) {
        const struct device *d = printing_device(engine_printing(s->engine));

        /* Else it was not sent. */
        if (error != 0 && error != -EIO)
                return;
        note("the drawer", add(s, d, error == 0 ? STATISTIC_DRAWER_GOOD : STATISTIC_DRAWER_FAILED, 1));
        write_soon(s);
}

/* ---- What is asked ---- */

struct each {
        statistic_each_t each;
        void *userdata;
};

static int show_one(const char *key, const char *name, uint64_t value, void *userdata) {
        const struct each *e = userdata;

        name = statistic_shown(name, &value);
        return e->each(key, name, value, e->userdata);
}

int statistics_each(struct statistics *s, const char *key, statistic_each_t each, void *userdata) {
        struct each e = { each, userdata };

        return statistic_each(engine_journal(s->engine), key, show_one, &e);
}

struct search {
        const char *text;
        const struct statistics *statistics;
        unsigned n;
        char key[DEVICE_KEY_SIZE];
};

static bool is_meant(const struct search *search, const struct device_record *record) {
        const struct known *k = known_find(search->statistics, search->text);

        return streq(record->serial, search->text) || (k && streq(k->key, record->key));
}

static int compare(const struct device_record *record, void *userdata) {
        struct search *search = userdata;

        if (streq(record->key, search->text)) {
                search->n = 1;
                COPY(search->key, record->key);
                return 1;
        }
        if (is_meant(search, record)) {
                search->n++;
                COPY(search->key, record->key);
        }
        return 0;
}

int statistics_find(struct statistics *s, const char *text, char ret_key[static DEVICE_KEY_SIZE],
                    struct refusal *ret_refusal) {
        struct search search = { .text = text, .statistics = s };
        int r;

        (void) statistics_update(s);
        r = device_record_each(engine_journal(s->engine), compare, &search);
        if (r < 0)
                return engine_refuse_journal(ret_refusal, r);
        if (search.n == 0 || isempty(text))
                return refusal_set(ret_refusal, REFUSAL_NOT_FOUND,
                                   "No such device was ever here: tillctl statistics lists them");
        if (search.n > 1)
                return refusal_set(ret_refusal, REFUSAL_NOT_FOUND,
                                   "More than one device is called so: write it as tillctl statistics has it");
        memcpy(ret_key, search.key, DEVICE_KEY_SIZE);
        return 0;
}

/* ---- By a supervisor ---- */

static int write_reset(struct journal *j, const char *key, char *const *names, const char *by) {
        int r;

        r = journal_begin(j, JOURNAL_DURABLE);
        if (r < 0)
                return r;
        _cleanup_(journal_rollbackp) _unused_ struct journal *rollback = j;
        r = statistic_reset(j, key, names, by);
        return r < 0 ? r : journal_commit(j);
}

/* Names as they are kept; the texts are borrowed. */
static int keep_names(char *const *names, char ***ret) {
        size_t n = 0;
        char **kept;

        while (names && names[n])
                n++;
        kept = calloc(n + 1, sizeof(*kept));
        if (!kept)
                return -ENOMEM;
        for (size_t i = 0; i < n; i++)
                kept[i] = (char *) statistic_kept(names[i]);
        *ret = kept;
        return 0;
}

int statistics_reset(struct statistics *s, const char *key, char *const *names, const char *by,
                     struct refusal *ret_refusal) {
        _cleanup_free_ char **kept = NULL;
        int r;

        r = keep_names(names, &kept);
        if (r < 0)
                return r;
        /* What was counted until now is what is reset. */
        (void) statistics_update(s);
        r = write_reset(engine_journal(s->engine), key, kept, by);
        if (r == -ENOENT)
                return refusal_set(ret_refusal, REFUSAL_NOT_FOUND,
                                   "Nothing of that name was counted of this device: see tillctl statistics");
        if (r < 0)
                return engine_refuse_journal(ret_refusal, r);
        log_notice("%s: statistics were reset by %s", key, by);
        if (s->changed)
                s->changed(s->userdata);
        return 0;
}

static int write_forgotten(struct journal *j, const char *key, const char *by) {
        int r;

        r = journal_begin(j, JOURNAL_DURABLE);
        if (r < 0)
                return r;
        _cleanup_(journal_rollbackp) _unused_ struct journal *rollback = j;
        r = device_record_forget(j, key, by);
        return r < 0 ? r : journal_commit(j);
}

int statistics_forget(struct statistics *s, const char *key, const char *by, struct refusal *ret_refusal) {
        int r;

        r = write_forgotten(engine_journal(s->engine), key, by);
        if (r == -EBUSY)
                return refusal_set(ret_refusal, REFUSAL_BUSY, "This device is connected: unplug it first");
        if (r == -EALREADY)
                return refusal_set(ret_refusal, REFUSAL_NOT_ASKED, "This device was forgotten already");
        if (r < 0)
                return engine_refuse_journal(ret_refusal, r);
        log_notice("%s: forgotten by %s; it is not missed any more", key, by);
        if (s->changed)
                s->changed(s->userdata);
        return 0;
}

/* ---- Life ---- */

static int queue_missing(const struct device_record *record, void *userdata) {
        struct statistics *s = userdata;

        return record->missing_usec > 0 || is_connected(s, record->key)
                       ? 0
                       : statistics_queue_miss(&s->queue, record->key);
}

int statistics_start(struct statistics *s) {
        int r;

        r = sd_event_add_time_relative(engine_loop(s->engine), &s->hourly, CLOCK_BOOTTIME, HOUR_USEC, MINUTE_USEC,
                                       on_hour, s);
        if (r < 0)
                return r;
        r = device_record_each(engine_journal(s->engine), queue_missing, s);
        if (r < 0)
                return log_error_errno(r, "The devices that were there cannot be looked at");
        write_soon(s);
        return 0;
}

int statistics_new(struct engine *e, void (*changed)(void *userdata), void *userdata, struct statistics **ret) {
        _cleanup_(statistics_freep) struct statistics *s = calloc(1, sizeof(*s));
        int r;

        if (!s)
                return -ENOMEM;
        s->engine = e;
        s->changed = changed;
        s->userdata = userdata;
        r = sd_event_add_defer(engine_loop(e), &s->soon, on_soon, s);
        if (r >= 0)
                r = sd_event_source_set_enabled(s->soon, SD_EVENT_OFF);
        /* Nothing waits for it. */
        if (r >= 0)
                r = sd_event_source_set_priority(s->soon, SD_EVENT_PRIORITY_IDLE);
        if (r >= 0)
                r = sd_event_add_time(engine_loop(e), &s->later, CLOCK_BOOTTIME, 0, USEC_PER_SEC, on_later, s);
        if (r >= 0)
                r = sd_event_source_set_enabled(s->later, SD_EVENT_OFF);
        if (r < 0)
                return r;
        *ret = TAKE_PTR(s);
        return 0;
}

struct statistics *statistics_free(struct statistics *s) {
        if (!s)
                return NULL;
        s->changed = NULL;
        if (s->hourly)
                (void) statistics_update(s);
        sd_event_source_disable_unref(s->soon);
        sd_event_source_disable_unref(s->later);
        sd_event_source_disable_unref(s->hourly);
        statistics_queue_done(&s->queue);
        for (size_t i = 0; i < s->n_known; i++)
                free(s->known[i].id);
        free(s->known);
        free(s);
        return NULL;
}
