// SPDX-License-Identifier: LGPL-2.1-or-later
#include <ctype.h>
#include <inttypes.h>
#include <openssl/evp.h>
#include <systemd/sd-id128.h>

#include "base/amount.h"
#include "base/clock.h"
#include "base/hex.h"
#include "base/log.h"
#include "transaction/engine.h"
#include "transaction/identity.h"
#include "transaction/original.h"
#include "transaction/settlement.h"
#include "transaction/terminal-clock.h"

void engine_panic(int error, const char *what) {
        log_full_errno(LOG_CRIT, error,
                       "%s; stopping, so that nothing is said that is not written. Look at the disk, then start "
                       "tilld again: it ends every open transaction from its journal",
                       what);
        /* No destructors: they would go on with what cannot go on. */
        _exit(EXIT_FAILURE);
}

/* ---- What comes from below ---- */

#define MSR_RETRY_USEC (5 * USEC_PER_SEC)

static void usb_changed(void *userdata) {
        struct engine *e = userdata;

        e->listener.changed(e->listener.userdata);
}

static void acquirer_changed(void *userdata) {
        struct engine *e = userdata;

        acquirer_check_kick(e->acquirer_check);
        e->listener.changed(e->listener.userdata);
}

static void network_changed(void *userdata) {
        struct engine *e = userdata;

        acquirer_check_hurry(e->acquirer_check);
        e->listener.changed(e->listener.userdata);
}

static void msr_swiped(struct msr *msr, const struct msr_swipe *swipe, void *userdata) {
        struct engine *e = userdata;
        engine_swipe_t on_swipe = e->on_swipe;

        if (on_swipe && engine_current(e) == 0) {
                engine_end_swipe(e);
                return on_swipe(swipe, e->swipe_userdata);
        }
        if (e->current)
                transaction_swiped(e->current, swipe);
}

static void msr_lost(struct msr *msr, int error, void *userdata) {
        struct engine *e = userdata;

        struct device *device = e->msr_device;

        log_about(LOG_WARNING, error, LOG_ABOUT_DEVICE(device ? device->id : NULL), "The magstripe reader is lost");
        e->msr_device = NULL;
        if (device)
                e->listener.device(device, MONITOR_CHANGED, e->listener.userdata);
        if (e->current)
                transaction_devices_changed(e->current);
}

static int on_msr_retry(sd_event_source *source, uint64_t usec, void *userdata);

/* Who has it says nothing when it lets go. */
static void retry_msr(struct engine *e) {
        int r = sd_event_add_time_relative(e->config.event, &e->msr_retry, CLOCK_BOOTTIME, MSR_RETRY_USEC, 0,
                                           on_msr_retry, e);

        if (r < 0 && r != -ESTALE)
                log_error_errno(r, "The magstripe reader is not used before it is plugged in anew");
}

static void attach_msr(struct engine *e) {
        struct device *device = monitor_find_connected(e->monitor, DEVICE_MSR);
        char title[DEVICE_TITLE_MAX];
        bool again = e->msr_retry;
        int r;

        if (e->msr_device || !device)
                return;
        e->msr_retry = sd_event_source_disable_unref(e->msr_retry);
        r = msr_open(e->msr, device->node);
        if (r >= 0) {
                e->msr_device = device;
                return;
        }
        if (!again)
                log_about(LOG_ERR, r, LOG_ABOUT_DEVICE(device->id), "%s cannot be opened; it is tried again and again",
                          device_title(device, title));
        retry_msr(e);
}

static int on_msr_retry(sd_event_source *source, uint64_t usec, void *userdata) {
        struct engine *e = userdata;

        attach_msr(e);
        if (!e->msr_device)
                return 0;
        e->listener.device(e->msr_device, MONITOR_CHANGED, e->listener.userdata);
        if (e->current)
                transaction_devices_changed(e->current);
        return 0;
}

int engine_await_swipe(struct engine *e, engine_swipe_t on_swipe, void *userdata) {
        int r;

        if (engine_current(e) > 0)
                return -EBUSY;
        attach_msr(e);
        if (!e->msr_device)
                return -ENODEV;
        r = msr_arm(e->msr);
        if (r < 0)
                return r;
        e->on_swipe = on_swipe;
        e->swipe_userdata = userdata;
        return 0;
}

void engine_end_swipe(struct engine *e) {
        if (e->on_swipe && engine_current(e) == 0)
                (void) msr_disarm(e->msr);
        e->on_swipe = NULL;
}

static void msr_device_changed(struct engine *e, const struct device *device, enum monitor_event event) {
        if (event == MONITOR_DISCONNECTED)
                e->msr_retry = sd_event_source_disable_unref(e->msr_retry);
        if (event == MONITOR_DISCONNECTED && device == e->msr_device) {
                msr_close(e->msr);
                e->msr_device = NULL;
        }
        /* Also one that failed without being unplugged is tried again. */
        attach_msr(e);
}

static void log_connection(const struct device *device, enum monitor_event event) {
        char title[DEVICE_TITLE_MAX];

        if (event == MONITOR_CONNECTED)
                log_about(LOG_INFO, 0, LOG_ABOUT_DEVICE(device->id), "%s: connected as %s",
                          device_title(device, title), device->node);
        else if (event == MONITOR_DISCONNECTED)
                log_about(LOG_NOTICE, 0, LOG_ABOUT_DEVICE(device->id), "%s: disconnected: %s",
                          device_title(device, title), device->why);
}

static void device_event(struct device *device, enum monitor_event event, void *userdata) {
        struct engine *e = userdata;

        log_connection(device, event);
        if (event == MONITOR_CONNECTED || event == MONITOR_DISCONNECTED)
                usb_unsettle(e->usb);
        if (device->kind == DEVICE_PRINTER)
                printing_device_changed(e->printing, device, event);
        if (device->kind == DEVICE_MSR)
                msr_device_changed(e, device, event);
        e->listener.device(device, event, e->listener.userdata);

        if (e->current && device->kind != DEVICE_PRINTER)
                transaction_devices_changed(e->current);
}

/* ---- Life ---- */

int engine_new(const struct engine_config *config, const struct engine_listener *listener, struct engine **ret) {
        _cleanup_(engine_freep) struct engine *e = NULL;
        struct msr_listener msr_listener = { .swipe = msr_swiped, .closed = msr_lost };
        struct acquirer_config acquirer_config = {
                .event = config->event,
                .journal = config->journal,
                .settings = config->settings,
                .tmk = config->tmk,
                .ca_file = config->ca_file,
                .certificate_file = config->certificate_file,
                .changed = acquirer_changed,
        };
        int r;

        e = calloc(1, sizeof(*e));
        if (!e)
                return -ENOMEM;
        e->config = *config;
        e->config.tmk = NULL;
        e->listener = *listener;

        acquirer_config.userdata = e;
        r = acquirer_new(&acquirer_config, &e->acquirer);
        if (r < 0)
                return log_error_errno(r, "The acquirer's certificates and keys cannot be used; "
                                          "see systemctl status tilld-setup");
        msr_listener.userdata = e;
        r = msr_new(config->event, &msr_listener, &e->msr);
        if (r < 0)
                return r;
        r = printing_new(e, &e->printing);
        if (r < 0)
                return r;
        r = outbox_new(e, &e->outbox);
        if (r < 0)
                return r;
        r = notices_new(e, &e->notices);
        if (r < 0)
                return r;
        r = operators_new(config->event, config->journal, config->settings, e->notices, &e->operators);
        if (r < 0)
                return r;
        r = uptime_keeper_new(config->event, config->journal, &e->uptime_keeper);
        if (r < 0)
                return r;
        r = upkeep_new(e, &e->upkeep);
        if (r < 0)
                return r;
        r = acquirer_check_new(e, &e->acquirer_check);
        if (r < 0)
                return r;
        /* Nobody has to watch the network to take payments over it. */
        r = host_network_new(config->event, network_changed, e, &e->network);
        if (r < 0)
                log_warning_errno(r, "The network is not watched");
        r = monitor_new(config->event, device_event, e, &e->monitor);
        if (r < 0)
                return log_error_errno(r, "udev cannot be listened to");
        r = usb_new(config->event, usb_changed, e, &e->usb);
        if (r < 0)
                return r;
        *ret = TAKE_PTR(e);
        return 0;
}

static int begin_run(struct engine *e) {
        int r = last_run_begin(e->config.journal, &e->last_run);

        if (r < 0)
                return r;
        e->running = true;
        return 0;
}

/* The next start takes it for a crash otherwise. */
static void end_run(struct engine *e) {
        int r = e->running ? last_run_end(e->config.journal) : 0;

        if (r < 0)
                log_warning_errno(r, "That tilld has stopped in good order cannot be written");
}

struct engine *engine_free(struct engine *e) {
        if (!e)
                return NULL;
        /* First, while there is somebody to tell: a job in flight goes back to the queue. */
        printing_free(e->printing);
        host_network_free(e->network);
        acquirer_check_free(e->acquirer_check);
        acquirer_free(e->acquirer);
        transaction_free(e->current);
        outbox_free(e->outbox);
        sd_event_source_disable_unref(e->msr_retry);
        msr_free(e->msr);
        usb_free(e->usb);
        monitor_free(e->monitor);
        operators_free(e->operators);
        notices_free(e->notices);
        upkeep_free(e->upkeep);
        uptime_keeper_free(e->uptime_keeper);
        end_run(e);
        free(e);
        return NULL;
}

/* Rows are collected first: recovering changes what is walked over. */
struct open_ids {
        int64_t *ids;
        size_t n;
};

static void open_ids_done(struct open_ids *o) {
        free(o->ids);
}

static int collect_open(const struct transaction_record *record, void *userdata) {
        struct open_ids *o = userdata;
        int64_t *ids = reallocarray(o->ids, o->n + 1, sizeof(*ids));

        if (!ids)
                return -ENOMEM;
        o->ids = ids;
        o->ids[o->n++] = record->id;
        return 0;
}

static int recover(struct engine *e) {
        _cleanup_(open_ids_done) struct open_ids open = {};
        struct transaction_record record;
        int r;

        r = transaction_record_each_open(e->config.journal, collect_open, &open);
        if (r < 0)
                return r;
        for (size_t i = 0; i < open.n; i++) {
                r = transaction_record_load(e->config.journal, open.ids[i], &record);
                if (r < 0)
                        return r;
                r = transaction_recover(e, &record);
                if (r < 0)
                        return r;
        }

        r = journal_begin(e->config.journal, JOURNAL_DURABLE);
        if (r < 0)
                return r;
        _cleanup_(journal_rollbackp) _unused_ struct journal *rollback = e->config.journal;
        r = print_job_requeue_interrupted(e->config.journal);
        if (r < 0)
                return r;
        if (r > 0)
                log_notice("%d receipts were cut off; they are printed again, marked as duplicates", r);
        return journal_commit(e->config.journal);
}

int engine_start(struct engine *e) {
        int r;

        r = begin_run(e);
        if (r < 0)
                return log_error_errno(r, "How the run before this one ended cannot be looked up");
        r = recover(e);
        if (r < 0)
                return log_error_errno(r, "The journal's open transactions cannot be ended");
        r = identity_check(e);
        if (r < 0)
                return r == -EINVAL ? r : log_error_errno(r, "The journal's terminal cannot be looked up");
        outbox_kick(e->outbox);
        notices_kick(e->notices);
        r = monitor_start(e->monitor);
        if (r >= 0)
                r = usb_start(e->usb);
        if (r < 0)
                return log_error_errno(r, "udev cannot be listened to");
        transaction_mind_card(e);
        return 0;
}

/* ---- Calls from above ---- */

static int digest_options(const struct engine_call *call, char ret[static 65]) {
        uint8_t hash[32];

        char original[40] = "", code[32] = "", binding[40] = "";

        /* Each option is one line, so that two sets never read the same; the newer ones only where they are given. */
        if (call->original > 0)
                (void) snprintf(original, sizeof(original), "original=%" PRIi64 "\n", call->original);
        if (!isempty(call->authorization_code))
                (void) snprintf(code, sizeof(code), "authorization-code=%s\n", call->authorization_code);
        if (call->binding)
                (void) snprintf(binding, sizeof(binding), "binding=%u %" PRIu32 "\n", call->binding->kind,
                                call->binding->number);
        _cleanup_free_ char *text = NULL;
        if (asprintf(&text, "order=%s\ntraining=%d\n%s%s%s%s", call->order, call->training, original, code,
                     call->electronic ? "receipt=electronic\n" : "", binding) < 0)
                return -ENOMEM;
        if (EVP_Digest(text, strlen(text), hash, NULL, EVP_sha256(), NULL) != 1)
                return -EIO;
        hex_encode(hash, sizeof(hash), ret);
        return 0;
}

static bool is_reference(const char *text) {
        size_t n = strlen(text);

        if (n < 1 || n > 64)
                return false;
        for (; *text; text++)
                if (!isascii(*text) || !isgraph((unsigned char) *text))
                        return false;
        return true;
}

static bool is_own_reference(const char *text) {
        return startswith(text, ENGINE_OWN_REFERENCES) || startswith(text, ENGINE_CHECK_REFERENCES);
}

static bool is_authorization_code(const char *text) {
        size_t n = strlen(strempty(text));

        if (n < 1 || n > 6)
                return false;
        for (; *text; text++)
                if (!isascii(*text) || !isalnum((unsigned char) *text))
                        return false;
        return true;
}

static int check_kind(const struct kind *kind, const struct engine_call *call, struct refusal *ret) {
        if (!kind)
                return refusal_set(ret, REFUSAL_UNKNOWN_KIND,
                                   "\"%.32s\" is not a kind of transaction: use \"sale\", or another one of "
                                   "org.tilld1(5)",
                                   call->kind);
        if (kind_has_original(kind) && call->original == 0)
                return refusal_set(ret, REFUSAL_INVALID_ORIGINAL,
                                   "A %s needs the option \"original\" (o): the path of the transaction that it is "
                                   "about",
                                   kind->name);
        if (!kind_has_original(kind) && call->original != 0)
                return refusal_set(ret, REFUSAL_UNKNOWN_OPTION, "A %s takes no option \"original\"", kind->name);
        if (kind->binding && !call->binding)
                return refusal_set(ret, REFUSAL_UNKNOWN_KIND,
                                   "A %s is a step of a change of the bound phone and is not started alone: begin a "
                                   "change with tillctl binding change",
                                   kind->name);
        if (!kind->voice && !isempty(call->authorization_code))
                return refusal_set(ret, REFUSAL_UNKNOWN_OPTION, "A %s takes no option \"authorization-code\"",
                                   kind->name);
        if (kind->voice && !is_authorization_code(call->authorization_code))
                return refusal_set(ret, REFUSAL_UNKNOWN_OPTION,
                                   "An %s needs the option \"authorization-code\" (s), 1 to 6 letters or digits: what "
                                   "the card issuer said on the telephone",
                                   kind->name);
        return 0;
}

static int check_amount(const struct kind *kind, const struct engine_call *call, struct refusal *ret) {
        if (!kind->amount && call->amount != 0)
                return refusal_set(ret, REFUSAL_INVALID_AMOUNT, "A %s has no amount: give 0", kind->name);
        if (kind->amount && (call->amount < 1 || call->amount > AMOUNT_MAX))
                return refusal_set(ret, REFUSAL_INVALID_AMOUNT,
                                   "Amount %" PRIi64 " is not from 1 to %" PRIi64
                                   ": give it in minor units, 12.50 as 1250",
                                   call->amount, AMOUNT_MAX);
        if (kind->way == KIND_WAY_SERVICE && *call->currency)
                return refusal_set(ret, REFUSAL_UNKNOWN_CURRENCY, "A %s has no currency: give \"\"", kind->name);
        if (kind->way != KIND_WAY_SERVICE && !currency_find(call->currency))
                return refusal_set(ret, REFUSAL_UNKNOWN_CURRENCY,
                                   "\"%.16s\" is not a currency of this terminal: use an ISO 4217 code such as CNY",
                                   call->currency);
        return 0;
}

static int check_call(const struct engine *e, const struct kind *kind, const struct engine_call *call,
                      struct refusal *ret) {
        bool training = e->config.settings->mode == MODE_TRAINING, told = call->internal || call->training;
        int r;

        r = check_kind(kind, call, ret);
        if (r < 0)
                return r;
        r = check_amount(kind, call, ret);
        if (r < 0)
                return r;
        if (!is_reference(call->reference))
                return refusal_set(ret, REFUSAL_INVALID_REFERENCE,
                                   "The reference must be 1 to 64 printable ASCII characters without blanks");
        if (!call->internal && is_own_reference(call->reference))
                return refusal_set(ret, REFUSAL_INVALID_REFERENCE,
                                   "References that begin with %s or %s are the terminal's own: use another one",
                                   ENGINE_OWN_REFERENCES, ENGINE_CHECK_REFERENCES);
        if (*call->order && !is_reference(call->order))
                return refusal_set(ret, REFUSAL_INVALID_REFERENCE,
                                   "The option \"order\" must be 1 to 64 printable ASCII characters without blanks");
        if (training && !told)
                return refusal_set(ret, REFUSAL_TRAINING_MODE,
                                   "This terminal is in training mode and takes no payments: add the option "
                                   "\"training\" (b) true to practise, or set mode= in /etc/tilld/tilld.conf");
        if (!training && call->training)
                return refusal_set(ret, REFUSAL_TRAINING_MODE,
                                   "This terminal is in %s mode, not in training: leave out the option \"training\"",
                                   mode_to_string(e->config.settings->mode));
        return 0;
}

static bool is_same_call(const struct transaction_record *record, const struct engine_call *call, const char *digest) {
        return streq(record->kind, call->kind) && record->amount == call->amount &&
               streq(record->currency, call->currency) && record->original == call->original &&
               streq(record->options_digest, digest);
}

int engine_refuse_journal(struct refusal *ret, int error) {
        /* After a failed sync only opening anew tells what the disk holds. */
        if (error == -EIO)
                engine_panic(error, "the journal cannot be written");
        log_error_errno(error, "The journal refuses what it was asked for");
        return refusal_set(ret, REFUSAL_NOT_READY,
                           "The terminal's journal cannot be used (%s): nothing was done; look at its disk with "
                           "journalctl -u tilld",
                           strerror(-error));
}

/* The same call again: 1 with its id. A refusal, or 0 when the reference is new. */
static int find_same(struct engine *e, const struct engine_call *call, const char *digest, int64_t *ret_id,
                     struct refusal *ret) {
        struct transaction_record record;
        int r;

        r = transaction_record_find(e->config.journal, call->reference, &record);
        if (r == -ENOENT)
                return 0;
        if (r < 0)
                return engine_refuse_journal(ret, r);
        if (!is_same_call(&record, call, digest)) {
                const struct currency *c = currency_find(record.currency);
                char amount[AMOUNT_TEXT_MAX] = "";

                if (c)
                        (void) amount_format(record.amount, c, amount);
                return refusal_set(
                        ret, REFUSAL_REFERENCE_REUSED,
                        "Reference \"%s\" names a %s of %s %s already: use a new reference for each attempt",
                        record.reference, record.kind, amount, record.currency);
        }
        *ret_id = record.id;
        return 1;
}

static int check_idle(struct engine *e, struct refusal *ret) {
        const struct transaction_record *record;

        if (engine_current(e) == 0)
                return 0;
        record = &transaction_get_view(e->current)->record;
        return refusal_set(ret, REFUSAL_BUSY,
                           "Transaction %" PRIi64 " (reference \"%s\") is in state %s: wait for its result%s",
                           record->id, record->reference, transaction_state_to_string(record->state),
                           record->state == TRANSACTION_AUTHORIZING ? "" : N_(", or cancel it"));
}

/* Nobody knows what the acquirer has booked of it: it is cleared up before more money moves. */
static int check_rejected(struct engine *e, struct refusal *ret) {
        int64_t id;
        int r;

        r = request_record_find_rejected(e->config.journal, &id);
        if (r == -ENOENT)
                return 0;
        if (r < 0)
                return engine_refuse_journal(ret, r);
        return refusal_set(ret, REFUSAL_NOT_READY,
                           "The acquirer rejected the reversal of transaction %" PRIi64
                           ": ask it what is booked, then have a supervisor resolve that (tillctl resolve)",
                           id);
}

static int check_ready(struct engine *e, const struct kind *kind, const struct engine_call *call,
                       struct refusal *ret) {
        int r;

        r = settlement_check(e, kind, call->amount, call->currency, ret);
        if (r < 0)
                return r;
        /* What is about the terminal alone may be what brings the right time. */
        r = kind->way == KIND_WAY_SERVICE ? 0 : terminal_clock_check(e->config.journal, ret);
        if (r < 0)
                return r;
        r = kind->way == KIND_WAY_SERVICE ? 0 : check_rejected(e, ret);
        if (r < 0)
                return r;
        if (kind->card != KIND_CARD_NONE && e->recovering)
                return refusal_set(ret, REFUSAL_BUSY, "Device %s is being recovered: try again in some seconds",
                                   e->recovering);
        attach_msr(e);
        if (kind->card != KIND_CARD_NONE && !monitor_find_connected(e->monitor, DEVICE_EMV) && !e->msr_device)
                return refusal_set(ret, REFUSAL_UNAVAILABLE_DEVICE,
                                   "No card reader is connected: plug one in; tillctl devices shows what is there");
        return 0;
}

static int fill_record(struct engine *e, const struct engine_call *call, const char *digest,
                       struct transaction_record *ret) {
        sd_id128_t boot;
        int r;

        r = sd_id128_get_boot(&boot);
        if (r < 0)
                return r;
        transaction_record_init(ret);
        (void) snprintf(ret->reference, sizeof(ret->reference), "%s", call->reference);
        (void) snprintf(ret->kind, sizeof(ret->kind), "%s", call->kind);
        ret->amount = call->amount;
        (void) snprintf(ret->currency, sizeof(ret->currency), "%s", call->currency);
        (void) snprintf(ret->options_digest, sizeof(ret->options_digest), "%s", digest);
        (void) snprintf(ret->order, sizeof(ret->order), "%s", call->order);
        ret->original = call->original;
        ret->electronic = call->electronic;
        (void) snprintf(ret->approver, sizeof(ret->approver), "%s", strempty(call->approver));
        (void) snprintf(ret->authorization_code, sizeof(ret->authorization_code), "%s",
                        strempty(call->authorization_code));
        ret->starter = call->starter;
        (void) sd_id128_to_string(boot, ret->boot_id);
        ret->started_usec = clock_now(CLOCK_REALTIME);
        ret->started_boot = clock_now(CLOCK_BOOTTIME);
        return 0;
}

static int find_operator(struct engine *e, const struct engine_call *call, char ret[static 3],
                         struct refusal *ret_refusal) {
        int r;

        if (!call->internal)
                return operators_get_number(e->operators, ret, ret_refusal);
        r = operators_find_number(e->config.journal, e->config.settings, ret);
        return r < 0 ? engine_refuse_journal(ret_refusal, r) : 0;
}

static int check_offered(const struct engine *e, const struct kind *kind, struct refusal *ret) {
        const struct host_profile *profile = acquirer_profile(e->acquirer);

        if (host_profile_offers(profile, kind_to_host(kind)))
                return 0;
        return refusal_set(ret, REFUSAL_UNKNOWN_KIND,
                           "The acquirer takes no %s: its profile \"%s\" (profile= in /etc/tilld/tilld.conf) has none",
                           kind->name, profile->name);
}

int engine_start_transaction(struct engine *e, const struct engine_call *call, int64_t *ret_id,
                             struct refusal *ret_refusal) {
        const struct kind *kind = kind_find(call->kind);
        struct transaction_record record, original;
        struct transaction *t;
        char digest[65];
        int r;

        r = check_call(e, kind, call, ret_refusal);
        if (r < 0)
                return r;
        r = digest_options(call, digest);
        if (r < 0)
                return engine_refuse_journal(ret_refusal, r);
        r = find_same(e, call, digest, ret_id, ret_refusal);
        if (r != 0)
                return r < 0 ? r : 0;
        r = check_offered(e, kind, ret_refusal);
        if (r < 0)
                return r;
        r = check_idle(e, ret_refusal);
        if (r < 0)
                return r;
        if (kind_has_original(kind)) {
                r = original_check(e, kind, call->original, call->amount, call->currency, &original, ret_refusal);
                if (r < 0)
                        return r;
        }
        r = check_ready(e, kind, call, ret_refusal);
        if (r < 0)
                return r;

        r = fill_record(e, call, digest, &record);
        if (r < 0)
                return engine_refuse_journal(ret_refusal, r);
        r = find_operator(e, call, record.operator_id, ret_refusal);
        if (r < 0)
                return r;
        r = transaction_new(e, kind, &record, kind_has_original(kind) ? &original : NULL, call, &t);
        if (r < 0)
                return engine_refuse_journal(ret_refusal, r);
        acquirer_check_yield(e->acquirer_check);
        transaction_free(e->current);
        e->current = t;

        e->listener.transaction(transaction_get_view(t), TRANSACTION_ADDED, e->listener.userdata);
        e->listener.changed(e->listener.userdata);
        *ret_id = transaction_get_view(t)->record.id;
        transaction_run(t);
        return 0;
}

/* Not so while nothing runs, whatever is asked for. */
static bool is_current(const struct engine *e, int64_t id) {
        return id > 0 && engine_current(e) == id;
}

int engine_awaits_approval(struct engine *e, int64_t id, struct refusal *ret_refusal) {
        if (!is_current(e, id) || transaction_get_view(e->current)->record.state != TRANSACTION_WAITING_APPROVAL)
                return refusal_set(ret_refusal, REFUSAL_NOT_ASKED,
                                   "Transaction %" PRIi64
                                   " does not wait for an approval: call this while its State is waiting-approval",
                                   id);
        return 0;
}

int engine_approve(struct engine *e, int64_t id, const char *approver, struct refusal *ret_refusal) {
        int r;

        r = engine_awaits_approval(e, id, ret_refusal);
        return r < 0 ? r : transaction_approve(e->current, approver);
}

int engine_cancel(struct engine *e, int64_t id, struct refusal *ret_refusal) {
        struct transaction_view view;
        int r;

        r = engine_view(e, id, &view);
        if (r < 0)
                return refusal_set(ret_refusal, REFUSAL_NOT_FOUND, "There is no transaction %" PRIi64, id);
        if (!is_current(e, id))
                return refusal_set(ret_refusal, REFUSAL_TOO_LATE, "Transaction %" PRIi64 " is done already: %s", id,
                                   transaction_result_to_string(view.record.result));
        r = transaction_cancel(e->current);
        if (r < 0)
                return refusal_set(ret_refusal, REFUSAL_TOO_LATE,
                                   "Transaction %" PRIi64 " is with the acquirer: wait for its result, then void it",
                                   id);
        return 0;
}

int engine_choose(struct engine *e, int64_t id, unsigned number, struct refusal *ret_refusal) {
        int r = -EALREADY;

        if (is_current(e, id))
                r = transaction_choose(e->current, number);
        if (r == -ERANGE)
                return refusal_set(ret_refusal, REFUSAL_NOT_FOUND,
                                   "There is no application %u: take a number of the property Applications", number);
        if (r < 0)
                return refusal_set(ret_refusal, REFUSAL_NOT_ASKED,
                                   "Transaction %" PRIi64
                                   " does not ask for an application: call this while its Prompt "
                                   "is choose-application or confirm-application",
                                   id);
        return 0;
}

void engine_set_recovering(struct engine *e, const char *device) {
        e->recovering = device;
}

int64_t engine_current(const struct engine *e) {
        if (!e->current || transaction_is_done(e->current))
                return 0;
        return transaction_get_view(e->current)->record.id;
}

uint64_t engine_idle_since(const struct engine *e) {
        return e->current && transaction_is_done(e->current) ? transaction_get_view(e->current)->record.finished_boot
                                                             : 0;
}

int engine_view(struct engine *e, int64_t id, struct transaction_view *ret) {
        if (e->current && transaction_get_view(e->current)->record.id == id) {
                *ret = *transaction_get_view(e->current);
                return 0;
        }
        *ret = TRANSACTION_VIEW_INIT;
        return transaction_record_load(e->config.journal, id, &ret->record);
}

int engine_find(struct engine *e, const char *reference, struct transaction_view *ret) {
        struct transaction_record record;
        int r;

        r = transaction_record_find(e->config.journal, reference, &record);
        if (r < 0)
                return r;
        return engine_view(e, record.id, ret);
}
