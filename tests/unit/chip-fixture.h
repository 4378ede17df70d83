/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * The whole engine with a chip: a journal, a worker in a process of its own and an acquirer that answers as it is
 * told. The worker is this program started anew by the engine; it runs emv/ over the simulated card, and a test
 * may change what it says. The reader, the link and the timers are put in by the linker (--wrap). Time-outs run out
 * when a test or the worker says so, and not while a busy machine takes its time.
 */

#include <signal.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include "base/clock.h"
#include "base/hex.h"
#include "base/log.h"
#include "base/tlv.h"
#include "chip-worker.h"
#include "emv-fixture.h"
#include "engine-fixture.h"
#include "emv/step.h"
#include "issuer/issuer.h"

/* ---- The terminal's process ---- */

static struct {
        struct behaviour behaviour;
        int notes;                    /* the file of the last worker */
        sd_event_source *timers[128]; /* the last ones */
        unsigned n_timers;
        bool passed; /* time was made to pass in this sale */

        /* The acquirer. */
        enum host_outcome outcome;
        const char *code, *reversal_code; /* NULL: 00 */
        const char *script;
        bool script_mac; /* the last four bytes of it are to be the issuer's MAC over its last command */
        bool bad_arpc;
        size_t arpc_size; /* bytes of 91 that come; 0: all */
        struct issuer *issuer;
        struct exceptions *exceptions;
        host_exchange_done_t done;
        void *done_userdata;
        bool busy, is_reversal;
        bool hold;       /* no answer before this is taken back */
        bool hold_until; /* … before the worker has asked */
        struct host_answer answer;

        /* What was seen. */
        int requests, reversals, finished;
        int64_t amount;
        enum host_kind kind;
        struct host_original original;
        struct host_encrypted encrypted;
        char pan[EMV_PAN_MAX + 1], reversal_reason[3];
        uint8_t de55[EMV_DE55_MAX];
        size_t de55_size;
        struct transaction_view view;

        struct device reader;
        int n_sales;
        const struct host_download *downloads; /* by position */
        unsigned n_downloads;
        bool can_choose, keypad, no_reader, cannot_be_made;
        void (*on_change)(const struct transaction_view *view);
} chip;

struct device *__wrap_monitor_find_connected(struct monitor *m, enum device_kind kind);
int __wrap_emv_open(const struct device *device, bool *ret_keypad);
bool __wrap_acquirer_is_signed_on(const struct acquirer *a);
bool __wrap_acquirer_is_busy(const struct acquirer *a);
int __wrap_acquirer_exchange(struct acquirer *a, const struct host_request *q, host_exchange_done_t done,
                             void *userdata);
int __wrap_sd_event_add_time_relative(sd_event *e, sd_event_source **ret, clockid_t clock, uint64_t usec,
                                      uint64_t accuracy, sd_event_time_handler_t callback, void *userdata);
int __real_sd_event_add_time_relative(sd_event *e, sd_event_source **ret, clockid_t clock, uint64_t usec,
                                      uint64_t accuracy, sd_event_time_handler_t callback, void *userdata);

struct device *__wrap_monitor_find_connected(struct monitor *m, enum device_kind kind) {
        return kind == DEVICE_EMV && !chip.no_reader ? &chip.reader : NULL;
}

int __wrap_emv_open(const struct device *device, bool *ret_keypad) {
        int fd = memfd_create("behaviour", MFD_CLOEXEC);

        assert_true(fd >= 0);
        assert_int_equal(write(fd, &chip.behaviour, sizeof(chip.behaviour)), sizeof(chip.behaviour));
        *ret_keypad = chip.keypad;
        safe_close(chip.notes);
        chip.notes = dup(fd);
        assert_true(chip.notes >= 0);
        return fd;
}

bool __wrap_acquirer_is_signed_on(const struct acquirer *a) {
        return true;
}

bool __wrap_acquirer_is_busy(const struct acquirer *a) {
        return chip.busy;
}

int __wrap_sd_event_add_time_relative(sd_event *e, sd_event_source **ret, clockid_t clock, uint64_t usec,
                                      uint64_t accuracy, sd_event_time_handler_t callback, void *userdata) {
        sd_event_source **kept = chip.timers + chip.n_timers % ELEMENTSOF(chip.timers);
        int r;

        /* The one timer by another clock is for a worker that does not end: it is killed before it is waited for. */
        if (clock != CLOCK_BOOTTIME && chip.passed)
                usec = 30 * USEC_PER_MSEC;
        r = __real_sd_event_add_time_relative(e, ret, clock, usec, accuracy, callback, userdata);
        if (r < 0 || clock != CLOCK_BOOTTIME)
                return r;
        chip.n_timers++;
        sd_event_source_unref(*kept);
        *kept = sd_event_source_ref(*ret);
        return r;
}

/* As if so much time had gone by. */
static void chip_pass(uint32_t seconds) {
        chip.passed = true;
        for (size_t i = 0; i < ELEMENTSOF(chip.timers); i++) {
                uint64_t usec, passed = seconds * (uint64_t) USEC_PER_SEC, now = clock_now(CLOCK_BOOTTIME);

                if (!chip.timers[i] || sd_event_source_get_enabled(chip.timers[i], NULL) <= 0)
                        continue;
                assert_int_equal(sd_event_source_get_time(chip.timers[i], &usec), 0);
                assert_int_equal(sd_event_source_set_time(chip.timers[i], MAX(usec, now + passed) - passed), 0);
        }
}

static void chip_read_note(void) {
        struct note note;

        if (chip.notes < 0 || pread(chip.notes, &note, sizeof(note), sizeof(struct behaviour)) != sizeof(note))
                return;
        note.asked = note.asked && chip.hold_until;
        if (note.pass == 0 && !note.asked)
                return;
        /* What was said before. */
        while (sd_event_run(shop.event, 0) > 0)
                ;
        if (note.asked)
                chip.hold_until = false;
        if (note.pass == 0)
                return;
        chip_pass(note.pass);
        note.pass = 0;
        assert_int_equal(pwrite(chip.notes, &note, sizeof(note), sizeof(struct behaviour)), sizeof(note));
}

/* Some of the event loop. */
static void chip_run(void) {
        chip_read_note();
        assert_true(sd_event_run(shop.event, 20000) >= 0);
}

static int on_answer_due(sd_event_source *source, uint64_t usec, void *userdata);

static int answer_later(uint64_t usec) {
        shop.answer = sd_event_source_unref(shop.answer);
        return __real_sd_event_add_time_relative(shop.event, &shop.answer, CLOCK_MONOTONIC, usec, 1, on_answer_due,
                                                 NULL);
}

static int on_answer_due(sd_event_source *source, uint64_t usec, void *userdata) {
        bool answered = chip.is_reversal || chip.outcome == HOST_ANSWERED;

        if (chip.hold || (chip.hold_until && !chip.is_reversal))
                return answer_later(10 * USEC_PER_MSEC);
        chip.busy = false;
        chip.done(answered ? HOST_ANSWERED : chip.outcome, 0, answered ? &chip.answer : NULL, chip.done_userdata);
        return 0;
}

static void take(const struct host_request *q, uint32_t tag, void *ret, size_t size) {
        struct tlv t;

        assert_int_equal(tlv_find(q->icc, q->icc_size, tag, &t), 0);
        assert_true(t.size >= size);
        memcpy(ret, t.value, size);
}

/* The issuer checks the cryptogram and makes its own. */
static void answer_as_issuer(const struct host_request *q) {
        uint8_t card_key[16], session_key[16], ac[8], told[8], iad[7];
        struct host_answer *a = &chip.answer;
        struct issuer_data d;

        take(q, TAG_AMOUNT, d.amount, 6);
        take(q, TAG_AMOUNT_OTHER, d.amount_other, 6);
        take(q, TAG_TERMINAL_COUNTRY, d.country, 2);
        take(q, TAG_TVR, d.tvr, 5);
        take(q, TAG_CURRENCY, d.currency, 2);
        take(q, TAG_DATE, d.date, 3);
        take(q, TAG_TRANSACTION_TYPE, &d.type, 1);
        take(q, TAG_UNPREDICTABLE, d.unpredictable, 4);
        take(q, TAG_AIP, d.aip, 2);
        take(q, TAG_ATC, d.atc, 2);
        take(q, TAG_IAD, iad, 7);
        take(q, TAG_CRYPTOGRAM, told, 8);
        memcpy(d.cvr, iad + 3, 4);
        assert_int_equal(issuer_card_key(chip.issuer, q->pan, q->psn, card_key), 0);
        assert_int_equal(issuer_session_key(card_key, (uint16_t) (d.atc[0] << 8 | d.atc[1]), session_key), 0);
        assert_int_equal(issuer_cryptogram(session_key, &d, sizeof(d), ac), 0);
        assert_memory_equal(ac, told, 8);

        memcpy(a->arc, chip.code, 2);
        assert_int_equal(issuer_arpc(session_key, ac, a->arc, a->issuer_auth), 0);
        memcpy(a->issuer_auth + 8, a->arc, 2);
        a->issuer_auth_size = chip.arpc_size ?: 10;
        a->issuer_auth[0] ^= chip.bad_arpc;
        if (chip.script)
                a->scripts_size = fixture_hex(chip.script, a->scripts, sizeof(a->scripts));
        if (chip.script && chip.script_mac) {
                uint8_t *command = a->scripts + a->scripts_size - 5 - ISSUER_MAC_SIZE;

                assert_int_equal(issuer_card_mac_key(chip.issuer, q->pan, q->psn, card_key), 0);
                assert_int_equal(issuer_mac_session_key(card_key, ac, session_key), 0);
                assert_int_equal(issuer_script_mac(session_key, command, d.atc, ac, 0, NULL, 0, command + 5), 0);
        }
}

int __wrap_acquirer_exchange(struct acquirer *a, const struct host_request *q, host_exchange_done_t done,
                             void *userdata) {
        assert_false(chip.busy);
        if (chip.cannot_be_made)
                return -EINVAL;
        chip.busy = true;
        chip.done = done;
        chip.done_userdata = userdata;
        chip.is_reversal = q->kind == HOST_REVERSAL;
        memset(&chip.answer, 0, sizeof(chip.answer));
        if (chip.is_reversal) {
                chip.reversals++;
                snprintf(chip.reversal_reason, sizeof(chip.reversal_reason), "%s", q->reason);
                strcpy(chip.answer.code, chip.reversal_code ?: "00");
        } else {
                chip.requests++;
                chip.amount = q->amount;
                chip.kind = q->kind;
                chip.original = q->original;
                chip.encrypted = q->encrypted ? *q->encrypted : (struct host_encrypted){};
                snprintf(chip.pan, sizeof(chip.pan), "%s", strempty(q->pan));
                chip.de55_size = q->icc_size;
                snprintf(chip.answer.code, sizeof(chip.answer.code), "%s", chip.code);
                strcpy(chip.answer.approval, "123456");
                strcpy(chip.answer.rrn, "000000000001");
                if (chip.downloads && q->position < chip.n_downloads) {
                        chip.answer.has_download = true;
                        chip.answer.download = chip.downloads[q->position];
                }
                if (q->icc) {
                        memcpy(chip.de55, q->icc, q->icc_size);
                        answer_as_issuer(q);
                }
        }
        return answer_later(10 * USEC_PER_MSEC);
}

static void chip_on_transaction(const struct transaction_view *view, enum transaction_event e, void *userdata) {
        chip.view = *view;
        if (e == TRANSACTION_FINISHED)
                chip.finished++;
        else if (chip.on_change)
                chip.on_change(view);
}

/* As tilld starts: an acquirer that was asked by the one before has nothing to say to it. */
static void chip_open(void) {
        chip.busy = false;
        shop_open(chip_on_transaction, "/proc/self/exe");
}

/* An open engine with the simulated cards' CA and an acquirer that approves. */
static int chip_setup(void **state) {
        struct message_start start;
        sigset_t set;

        memset(&chip, 0, sizeof(chip));
        chip.notes = -EBADF;
        chip.code = "00";
        chip.behaviour.remove_at = -1;
        (void) sigemptyset(&set);
        (void) sigaddset(&set, SIGCHLD);
        (void) sigprocmask(SIG_BLOCK, &set, NULL);
        shop_set_up();
        chip.reader = (struct device){
                .kind = DEVICE_EMV,
                .id = (char *) "1-1",
                .port = (char *) "1-1",
                .why = "",
                .connected = true,
                .node = (char *) "/dev/null",
        };
        fixture_start(&start);
        shop.terminal = start.terminal;
        assert_int_equal(issuer_load("tests/sim/issuer/issuer.conf", &chip.issuer), 0);
        chip_open();
        return 0;
}

/* As if tilld had been killed with its worker, and started again. */
static _unused_ void chip_restart(void) {
        assert_int_equal(sd_event_exit(shop.event, 0), 0);
        while (sd_event_get_state(shop.event) != SD_EVENT_FINISHED)
                assert_true(sd_event_run(shop.event, 0) >= 0);
        shop_close();
        shop.event = sd_event_unref(shop.event);
        chip.hold = false;
        assert_int_equal(sd_event_new(&shop.event), 0);
        chip_open();
        assert_int_equal(engine_start(shop.engine), 0);
}

/* It tells the engine that it is gone, and may have to be killed first. */
static void chip_await_worker(void) {
        siginfo_t si;

        for (int i = 0; i < 500 && waitid(P_ALL, 0, &si, WEXITED | WNOHANG | WNOWAIT) == 0; i++)
                chip_run();
}

static _unused_ void chip_close(void) {
        chip_await_worker();
        shop_close();
}

static int chip_teardown(void **state) {
        chip_await_worker();
        for (size_t i = 0; i < ELEMENTSOF(chip.timers); i++)
                chip.timers[i] = sd_event_source_unref(chip.timers[i]);
        chip.notes = safe_close(chip.notes);
        shop_tear_down();
        chip.exceptions = exceptions_free(chip.exceptions);
        chip.issuer = issuer_free(chip.issuer);
        return 0;
}

/* Under a reference of its own. */
static int64_t chip_start(struct engine_call call) {
        struct refusal refusal;
        char reference[32];
        int64_t id;

        snprintf(reference, sizeof(reference), "A-%d", ++chip.n_sales);
        call.reference = reference;
        call.order = "";
        call.can_choose = chip.can_choose;
        chip.requests = chip.reversals = chip.finished = 0;
        chip.passed = false;
        chip.pan[0] = '\0';
        if (engine_start_transaction(shop.engine, &call, &id, &refusal) < 0)
                fail_msg("%s", refusal.text);
        return id;
}

static void chip_start_sale(void) {
        chip_start((struct engine_call){ .kind = "sale", .amount = 1234, .currency = "CNY" });
}

/* The exception file has this card; NULL: none is kept. */
static _unused_ void chip_list(const char *hash) {
        char path[64];
        FILE *f;

        chip.exceptions = exceptions_free(chip.exceptions);
        if (hash) {
                snprintf(path, sizeof(path), "%s/exceptions", shop.dir);
                f = fopen(path, "we");
                assert_non_null(f);
                assert_int_equal(fchmod(fileno(f), 0600), 0);
                assert_true(fprintf(f, "salt=000102030405060708090A0B0C0D0E0F\n%s\n", hash) > 0);
                assert_int_equal(fclose(f), 0);
                assert_int_equal(exceptions_load(path, geteuid(), getegid(), &chip.exceptions), 0);
        }
        shop.engine->config.exceptions = chip.exceptions;
}
/* 6200000000000005 under that salt, by openssl dgst. */
#define CHIP_LISTED "31F9F050F9BB24506A64747FE46C37C931325D497267BA43767F50C1146C8B1C"

static void chip_finish_sale(void) {
        int64_t id = engine_current(shop.engine);

        for (int i = 0; chip.finished == 0 || chip.busy || chip.view.record.reversal == REVERSAL_PENDING; i++) {
                assert_true(i < 3000);
                chip_run();
        }
        /* What comes after the end changes nothing any more. */
        for (int i = 0; i < 4; i++)
                assert_true(sd_event_run(shop.event, 1000) >= 0);
        assert_int_equal(transaction_record_load(shop.journal, id, &chip.view.record), 0);
        assert_int_equal(chip.finished, 1);
}

/* A whole sale and, where one is due, its reversal. The row as the journal has it is in chip.view. */
static _unused_ void chip_sale(const char *card) {
        snprintf(chip.behaviour.card, sizeof(chip.behaviour.card), "%s", card);
        chip_start_sale();
        chip_finish_sale();
}
