// SPDX-License-Identifier: LGPL-2.1-or-later
#include <sys/mman.h>

#include "base/clock.h"
#include "crash/devices.h"
#include "crash/terminal.h"
#include "crash/time.h"
#include "transaction/print-orders.h"
#include "transaction/resolution.h"

#define STEP_USEC (10 * USEC_PER_SEC)

/* ---- Waiting ---- */

static bool is_quiet(void) {
        struct engine *e = terminal.engine;

        for (enum request_queue q = 0; q < _REQUEST_QUEUE_MAX; q++)
                if (request_record_count(terminal.journal, q) != 0)
                        return false;
        return engine_current(e) == 0 && print_job_count_open(terminal.journal) == 0 && !acquirer_is_busy(e->acquirer);
}

static bool holds(const char *condition) {
        const char *value;

        if (streq(condition, "quiet"))
                return is_quiet();
        /* What has ended is waited for no longer. */
        if (streq(condition, "done") || engine_current(terminal.engine) == 0)
                return engine_current(terminal.engine) == 0;
        value = startswith(condition, "state=");
        if (value)
                return streq(transaction_state_to_string(terminal.view.record.state), value);
        value = startswith(condition, "prompt=");
        if (value)
                return streq(terminal.view.prompt, value);
        fail(condition, EINVAL);
}

/* Some of the event loop, whatever comes of it. */
static void step_run(char *milliseconds) {
        uint64_t end = clock_now(CLOCK_MONOTONIC) + (uint64_t) atoll(milliseconds) * USEC_PER_MSEC;

        while (clock_now(CLOCK_MONOTONIC) < end)
                if (sd_event_run(terminal.event, USEC_PER_MSEC) < 0)
                        fail("event loop", EIO);
}

static void step_until(char *condition) {
        uint64_t end = clock_now(CLOCK_MONOTONIC) + STEP_USEC;

        while (!holds(condition)) {
                int r = sd_event_run(terminal.event, 100 * USEC_PER_MSEC);

                if (r < 0)
                        fail("event loop", r);
                if (clock_now(CLOCK_MONOTONIC) > end) {
                        fprintf(stderr, "terminal: never %s\n", condition);
                        _exit(3);
                }
        }
}

/* ---- The checkout ---- */

static int64_t find(const char *reference) {
        struct transaction_view view;

        return engine_find(terminal.engine, reference, &view) < 0 ? 0 : view.record.id;
}

static void read_option(const char *word, struct engine_call *call) {
        const char *value;

        if (streq(word, "choose"))
                call->can_choose = true;
        else if (streq(word, "supervised"))
                call->approver = "uid 0";
        else if ((value = startswith(word, "original=")))
                call->original = find(value);
        else if ((value = startswith(word, "currency=")))
                call->currency = value;
        else if ((value = startswith(word, "code=")))
                call->authorization_code = value;
        else if ((value = startswith(word, "phone="))) {
                static struct host_binding first = { .number = 1, .serial = "TILL-0001" };

                COPY(first.phone, value);
                call->binding = &first;
                call->internal = true;
        } else
                fail(word, EINVAL);
}

/* A call that is the same each time, whatever has become of the one before. */
static void step_start(char *words) {
        struct engine_call call = { .currency = "CNY", .order = "" };
        struct refusal refusal = {};
        char *state = NULL, *word;
        int64_t id;

        call.kind = strtok_r(words, " ", &state);
        call.reference = strtok_r(NULL, " ", &state);
        word = strtok_r(NULL, " ", &state);
        if (!word)
                fail("start KIND REFERENCE AMOUNT", EINVAL);
        call.amount = atoll(word);
        while ((word = strtok_r(NULL, " ", &state)))
                read_option(word, &call);
        if (engine_start_transaction(terminal.engine, &call, &id, &refusal) < 0)
                tell("%s refused %d -\n", call.reference, refusal.code);
        else if (engine_view(terminal.engine, id, &terminal.view) >= 0)
                tell_view(&terminal.view);
}

/* By a supervisor's number. */
static void step_approve(char *reference) {
        struct refusal refusal;

        (void) engine_approve(terminal.engine, find(reference), "02", &refusal);
}

static void step_cancel(char *reference) {
        struct refusal refusal;

        (void) engine_cancel(terminal.engine, find(reference), &refusal);
}

static void resolve(char *words, const char *resolver) {
        struct resolution resolution = { .note = "asked on the telephone", .resolver = resolver };
        char *outcome = strchr(words, ' ');
        struct refusal refusal;

        *outcome++ = '\0';
        resolution.outcome = outcome;
        (void) resolution_record(terminal.engine, find(words), &resolution, &refusal);
}

static void step_resolve(char *words) {
        resolve(words, "uid 1000");
}

/* ---- Changes of the phone, which a room above the engine leads ---- */

static void end_change(int64_t confirm, bool stands) {
        int r;

        if (confirm == 0)
                return;
        r = journal_begin(terminal.journal, JOURNAL_DURABLE);
        if (r >= 0) {
                r = stands ? withdrawals_forget(terminal.journal, confirm)
                           : withdrawals_arm(terminal.journal, confirm);
                r = r < 0 && r != -ENOENT ? r : journal_commit(terminal.journal);
                journal_rollback(terminal.journal);
        }
        if (r < 0)
                engine_panic(r, "the end of a change cannot be written");
        outbox_kick(terminal.engine->outbox);
}

static void step_withdraw(char *reference) {
        end_change(find(reference), false);
}

/* It stands where the acquirer has confirmed it. */
static void step_commit(char *reference) {
        struct transaction_view view;
        int64_t id = find(reference);

        if (id > 0 && engine_view(terminal.engine, id, &view) >= 0)
                end_change(id, view.record.result == RESULT_APPROVED);
}

/* ---- Operators ---- */

struct code {
        struct operators_call call;
        char *words; /* of what its owner may do then */
        bool done;
};

static struct code code_new(const char *line, operators_done_t done) {
        struct code c = { .call = { .fd = memfd_create("code", MFD_CLOEXEC), .by = "uid 1000", .done = done } };

        if (c.call.fd < 0 || dprintf(c.call.fd, "%s\n", line) < 0 || lseek(c.call.fd, 0, SEEK_SET) < 0)
                fail("code", errno);
        return c;
}

/* A code takes its time; one that is refused at once is not asked for. */
static void wait_for_code(struct code *c, int r) {
        uint64_t end = clock_now(CLOCK_MONOTONIC) + STEP_USEC;

        while (r >= 0 && !c->done) {
                if (sd_event_run(terminal.event, 100 * USEC_PER_MSEC) < 0)
                        fail("event loop", EIO);
                if (clock_now(CLOCK_MONOTONIC) > end)
                        fail("code", ETIMEDOUT);
        }
        safe_close(c->call.fd);
}

static void on_code(const struct refusal *refusal, const char *number, void *userdata) {
        struct code *c = userdata;

        c->done = true;
        if (!refusal && c->words)
                resolve(c->words, number);
}

static void step_enrol(char *words) {
        char *code = strchr(words, ' ');
        struct refusal refusal;
        struct code c;

        *code++ = '\0';
        c = code_new(code, on_code);
        c.call.userdata = &c;
        wait_for_code(&c, operators_add(terminal.engine->operators, &c.call, words, "supervisor", &refusal));
}

/* As ResolveWithCode does it. */
static void step_resolve_with_code(char *words) {
        char *code = strchr(strchr(words, ' ') + 1, ' ');
        struct refusal refusal;
        struct code c;

        *code++ = '\0';
        c = code_new(code, on_code);
        c.call.userdata = &c;
        c.words = words;
        wait_for_code(&c, operators_check(terminal.engine->operators, &c.call, OPERATOR_SUPERVISOR, &refusal));
}

/* ---- The rest ---- */

static void step_choose(char *words) {
        struct refusal refusal;
        char *number = strchr(words, ' ');

        *number++ = '\0';
        (void) engine_choose(terminal.engine, find(words), (unsigned) atoi(number), &refusal);
}

static void step_reprint(char *reference) {
        _cleanup_(print_job_done) struct print_job old = {};
        const struct print_asker asker = { .uid = 0 };
        int64_t job;

        if (print_job_find(terminal.journal, find(reference), "merchant-copy", &old) >= 0)
                (void) print_order_reprint(terminal.engine, &old, &asker, &job);
}

/* A card in the reader, and the exchange before which it is drawn. */
static void step_card(char *words) {
        char *at = strchr(words, ' ');

        if (at)
                *at++ = '\0';
        put_card(words, at ? atoi(at) : -1);
}

static void step_connect(const char *name, bool connected) {
        enum device_kind kind = device_kind_from_string(name);

        if ((int) kind < 0)
                fail(name, EINVAL);
        devices_connect(kind, connected);
}

/* The card may approve; with "-online" most are sent to the acquirer all the same. */
static void set_offline(bool online) {
        terminal.settings.offline =
                (struct offline_caps){ .amount = 100000, .count = 20, .total = 1000000, .age = 1000 };
        for (size_t i = 0; i < terminal.emv.n_applications; i++) {
                terminal.emv.applications[i].floor_limit = 1000000;
                terminal.emv.applications[i].target = terminal.emv.applications[i].target_max = online ? 99 : 0;
        }
}

/* Nobody is there at the first one. */
static void set_second_host(void) {
        terminal.settings.acquirer_hosts[1] = terminal.settings.acquirer_hosts[0];
        terminal.settings.acquirer_hosts[0] = (char *) "127.0.0.1:9";
}

static void step_set(char *name) {
        if (streq(name, "offline") || streq(name, "offline-online"))
                return set_offline(streq(name, "offline-online"));
        if (streq(name, "second-host"))
                return set_second_host();
        if (streq(name, "new-key"))
                terminal.change_key = true;
        else
                fail(name, EINVAL);
}

/* What upkeep does once a day, to its end. */
static void step_purge(char *days) {
        struct journal_purge purge;
        int r = purge_begin(terminal.journal, (unsigned) atoi(days), &purge);

        while (r >= 0) {
                r = purge_slice(terminal.journal, &purge);
                if (r == 0)
                        return;
        }
        fail("purge", r);
}

static void step_pass(char *days) {
        time_pass((uint64_t) atoi(days) * 24 * 3600 * USEC_PER_SEC);
}

static void step_swipe(char *track2) {
        (void) devices_swipe(track2);
}

static void step_swipe_encrypted(char *track2) {
        (void) devices_swipe_encrypted(track2);
}

static void step_plug(char *name) {
        step_connect(name, true);
}

static void step_unplug(char *name) {
        step_connect(name, false);
}

static void step_die(char *words) {
        (void) raise(SIGKILL);
}

static const struct {
        const char *name;
        void (*run)(char *words);
} all_steps[] = {
        { "start", step_start },     { "until", step_until },     { "run", step_run },
        { "pass", step_pass },       { "swipe", step_swipe },     { "swipe-encrypted", step_swipe_encrypted },
        { "approve", step_approve }, { "cancel", step_cancel },   { "choose", step_choose },
        { "reprint", step_reprint }, { "resolve", step_resolve }, { "resolve-with-code", step_resolve_with_code },
        { "enrol", step_enrol },     { "card", step_card },       { "plug", step_plug },
        { "unplug", step_unplug },   { "set", step_set },         { "purge", step_purge },
        { "die", step_die },         { "commit", step_commit },   { "withdraw", step_withdraw },
};

void do_step(char *step) {
        char *words = strchr(step, ' ');

        if (words)
                *words++ = '\0';
        else
                words = step + strlen(step);
        for (size_t i = 0; i < ELEMENTSOF(all_steps); i++)
                if (streq(step, all_steps[i].name))
                        return all_steps[i].run(words);
        fail(step, EINVAL);
}
