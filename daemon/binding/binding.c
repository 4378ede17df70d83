// SPDX-License-Identifier: LGPL-2.1-or-later
/* The bound phone and its change, as those above see them: life, calls, and how it stands. */
#include "binding/rebind.h"

#include <inttypes.h>

#include "base/clock.h"
#include "base/log.h"
#include "journal/uptime.h"

/* ---- Life ---- */

int binding_new(struct engine *e, const struct binding_listener *listener, struct binding **ret) {
        _cleanup_(binding_freep) struct binding *b = calloc(1, sizeof(*b));
        int r;

        if (!b)
                return -ENOMEM;
        b->engine = e;
        b->listener = *listener;
        b->test.binding = b;
        for (size_t i = 0; i < ELEMENTSOF(b->codes); i++)
                b->codes[i].binding = b;
        r = rebind_add_timers(b);
        if (r < 0)
                return r;
        notices_listen(engine_notices(e), rebind_notice_delivered, b);
        *ret = TAKE_PTR(b);
        return 0;
}

struct binding *binding_free(struct binding *b) {
        if (!b)
                return NULL;
        notices_listen(engine_notices(b->engine), NULL, NULL);
        rebind_drop_calls(b);
        sd_event_source_disable_unref(b->go_on);
        sd_event_source_disable_unref(b->deadline);
        explicit_bzero(&b->rebind, sizeof(b->rebind));
        free(b);
        return NULL;
}

int binding_start(struct binding *b) {
        int r;

        r = rebind_record_load_last(binding_journal(b), &b->rebind);
        if (r == -EBADMSG)
                log_error_errno(r, "The last change of the bound phone cannot be read, and goes no further; see "
                                   "tillctl journal verify");
        if (r == -ENOENT || r == -EBADMSG)
                return 0;
        if (r < 0)
                return r;
        rebind_forget_phone(b);
        return rebind_recover(b);
}

void binding_transaction_changed(struct binding *b, const struct transaction_view *view,
                                 enum transaction_event event) {
        if (event != TRANSACTION_FINISHED)
                return;
        playbook_look(b, &view->record);
        if (rebind_is_open(b))
                rebind_kick(b);
}

/* ---- Begin ---- */

static int check_under_way(const struct binding *b, struct refusal *ret) {
        if (!rebind_is_open(b))
                return 0;
        return refusal_set(ret, REFUSAL_BUSY,
                           "Change %" PRIi64
                           " of the bound phone is under way, at step %s: take it up (tillctl binding "
                           "take-up), or cancel it first",
                           b->rebind.id, rebind_step_to_string(b->rebind.step));
}

static int check_numbers(const struct binding *b, const struct rebind_record *record, struct refusal *ret) {
        const struct settings *s = b->engine->config.settings;

        if (!*s->serial)
                return refusal_set(ret, REFUSAL_NOT_READY,
                                   "The terminal's serial number is not known: set serial= in [terminal] of "
                                   "/etc/tilld/tilld.conf to that of its label, then restart tilld");
        if (!streq(record->serial, s->serial))
                return refusal_set(ret, REFUSAL_INVALID_TERMINAL,
                                   "The serial number is not this terminal's: read it from the terminal's label");
        if (!streq(record->terminal, s->terminal_number))
                return refusal_set(ret, REFUSAL_INVALID_TERMINAL,
                                   "The terminal number is not this terminal's: it stands on each receipt");
        if (!phone_is_valid(record->phone))
                return refusal_set(ret, REFUSAL_INVALID_PHONE,
                                   "The new phone is no number: give it whole, as +8613800138000");
        return 0;
}

/* Whether there is an old phone, and that it is another one. */
static int check_phone(struct binding *b, struct rebind_record *record, struct refusal *ret) {
        struct binding_record current;
        int r;

        r = binding_record_load_current(binding_journal(b), &current);
        if (r == -ENOENT) {
                record->kind = REBIND_FIRST;
                return 0;
        }
        if (r < 0)
                return engine_refuse_journal(ret, r);
        if (record->kind == REBIND_FIRST)
                record->kind = REBIND_CHANGE;
        r = streq(current.phone, record->phone);
        explicit_bzero(&current, sizeof(current));
        if (r > 0)
                return refusal_set(ret, REFUSAL_INVALID_PHONE,
                                   "This phone is the bound one already: give the new one");
        return 0;
}

static int check_acquirer(const struct binding *b, struct refusal *ret) {
        const struct host_profile *profile = acquirer_profile(engine_acquirer(b->engine));

        if (host_profile_offers(profile, HOST_BINDING_CHECK) && host_profile_offers(profile, HOST_BINDING_CONFIRM))
                return 0;
        return refusal_set(ret, REFUSAL_NOT_READY,
                           "The acquirer keeps no bound phone: its profile \"%s\" (profile= in /etc/tilld/tilld.conf) "
                           "has no message for it",
                           profile->name);
}

static int write_begin(struct binding *b, struct rebind_record *record) {
        struct journal *j = binding_journal(b);
        int r;

        r = uptime_get(j, &record->step_uptime);
        if (r >= 0)
                r = journal_begin(j, JOURNAL_DURABLE);
        if (r < 0)
                return r;
        _cleanup_(journal_rollbackp) _unused_ struct journal *rollback = j;

        r = rebind_record_insert(j, record);
        if (r >= 0)
                r = rebind_append_event(j, "rebind-begun", record, NULL);
        return r < 0 ? r : journal_commit(j);
}

static int begin(struct binding *b, struct rebind_record *record, int64_t *ret_id, struct refusal *ret_refusal) {
        int r;

        r = check_under_way(b, ret_refusal);
        if (r >= 0)
                r = check_numbers(b, record, ret_refusal);
        if (r >= 0)
                r = check_phone(b, record, ret_refusal);
        if (r >= 0)
                r = check_acquirer(b, ret_refusal);
        if (r >= 0)
                r = codes_check(b, ret_refusal);
        if (r < 0)
                return r;
        record->started_usec = clock_now(CLOCK_REALTIME);
        if (record->kind == REBIND_LOST)
                record->wait_usec = b->engine->config.settings->waiting_hours * 3600 * USEC_PER_SEC;
        r = write_begin(b, record);
        if (r < 0)
                return engine_refuse_journal(ret_refusal, r);
        b->rebind = *record;
        b->failing = NULL;
        *ret_id = record->id;
        rebind_started(b);
        return 0;
}

int binding_begin(struct binding *b, const struct binding_call *call, int64_t *ret_id, struct refusal *ret_refusal) {
        struct rebind_record record = { .kind = call->kind, .step = REBIND_CHECK };

        /* What is too long is cut, and then is not the terminal's either; a phone would be another one. */
        COPY(record.serial, call->serial);
        COPY(record.terminal, call->terminal);
        if (strlen(call->phone) < sizeof(record.phone))
                COPY(record.phone, call->phone);
        if (strlen(call->serial) >= sizeof(record.serial))
                *record.serial = '\0';
        if (strlen(call->terminal) >= sizeof(record.terminal))
                *record.terminal = '\0';
        COPY(record.by, call->by);
        return begin(b, &record, ret_id, ret_refusal);
}

/* ---- Take up ---- */

static int take_over(struct binding *b, const char *by, int64_t *ret_id, struct refusal *ret_refusal) {
        struct rebind_record next = b->rebind;
        int r;

        COPY(next.by, by);
        r = rebind_write(b, &next, "rebind-taken-up", by, NULL);
        if (r < 0)
                return engine_refuse_journal(ret_refusal, r);
        *ret_id = next.id;
        b->listener.changed(b->listener.userdata);
        return 0;
}

int binding_take_up(struct binding *b, const char *by, int64_t *ret_id, struct refusal *ret_refusal) {
        struct rebind_record record = { .step = REBIND_CHECK };
        int r;

        if (rebind_is_open(b))
                return take_over(b, by, ret_id, ret_refusal);
        if (b->rebind.id == 0 || b->rebind.step != REBIND_ROLLED_BACK)
                return refusal_set(ret_refusal, REFUSAL_NOT_FOUND,
                                   "There is no change of the bound phone to take up: begin one with tillctl binding "
                                   "change");
        record.kind = b->rebind.kind;
        record.resumes = b->rebind.id;
        COPY(record.serial, b->rebind.serial);
        COPY(record.terminal, b->rebind.terminal);
        r = rebind_load_phone(b, record.phone);
        if (r < 0)
                return engine_refuse_journal(ret_refusal, r);
        COPY(record.by, by);
        r = begin(b, &record, ret_id, ret_refusal);
        explicit_bzero(record.phone, sizeof(record.phone));
        return r;
}

/* ---- While it is under way ---- */

static int check_open(const struct binding *b, struct refusal *ret) {
        if (rebind_is_open(b) && !b->failing)
                return 0;
        return refusal_set(ret, REFUSAL_NOT_ASKED,
                           "No change of the bound phone is under way: begin one with tillctl binding change");
}

static int check_codes_step(const struct binding *b, struct refusal *ret) {
        int r;

        r = check_open(b, ret);
        if (r < 0 || b->rebind.step == REBIND_CODES)
                return r;
        return refusal_set(ret, REFUSAL_NOT_ASKED,
                           "Change %" PRIi64 " of the bound phone is at step %s: codes belong to step codes",
                           b->rebind.id, rebind_step_to_string(b->rebind.step));
}

int binding_send_codes(struct binding *b, const char *by, struct refusal *ret_refusal) {
        int r;

        r = check_codes_step(b, ret_refusal);
        if (r < 0)
                return r;
        if (b->codes[REBIND_OLD_PHONE].now || b->codes[REBIND_NEW_PHONE].now)
                return refusal_set(ret_refusal, REFUSAL_BUSY, "The last codes are still on their way: wait for them");
        return codes_send(b, by, ret_refusal);
}

int binding_give_code(struct binding *b, enum rebind_holder holder, const char *code, const char *by,
                      struct refusal *ret_refusal) {
        int r;

        r = check_codes_step(b, ret_refusal);
        if (r < 0)
                return r;
        if (!codes_wants(&b->rebind, holder))
                return refusal_set(ret_refusal, REFUSAL_NOT_ASKED,
                                   "No code of that phone is asked for: it has been given, or this change needs none");
        if (!code_is_well_formed(code, CODE_DIGITS))
                return refusal_set(ret_refusal, REFUSAL_INVALID_CODE, "A code has %d digits: type it as it was sent",
                                   CODE_DIGITS);
        return codes_give(b, holder, code, by, ret_refusal);
}

int binding_cancel(struct binding *b, const char *by, struct refusal *ret_refusal) {
        int r;

        r = check_open(b, ret_refusal);
        if (r < 0)
                return r;
        r = rebind_call_off(b, "cancelled", by);
        if (r < 0)
                return engine_refuse_journal(ret_refusal, r);
        log_notice("Change %" PRIi64 " of the bound phone is cancelled by %s", b->rebind.id, by);
        return 0;
}

int binding_cancel_by_contact(struct binding *b, const char *code, const char *by, struct refusal *ret_refusal) {
        int r;

        r = check_open(b, ret_refusal);
        if (r < 0)
                return r;
        if (b->rebind.step < REBIND_WAIT || b->rebind.kind != REBIND_LOST)
                return refusal_set(ret_refusal, REFUSAL_NOT_ASKED,
                                   "No waiting time for a lost phone runs: there is nothing that a contact could "
                                   "cancel");
        if (!code_is_well_formed(code, CANCEL_DIGITS))
                return refusal_set(ret_refusal, REFUSAL_INVALID_CODE,
                                   "The code has eight digits: type it as it stands in the message about the lost "
                                   "phone");
        return waiting_cancel(b, code, by, ret_refusal);
}

/* ---- How it stands ---- */

static int fill_tries(struct binding *b, enum rebind_holder holder, unsigned *ret) {
        struct rebind_code code;
        int r;

        if (b->rebind.step != REBIND_CODES || !codes_wants(&b->rebind, holder))
                return 0;
        r = code_load_alive(binding_journal(b), b->rebind.id, holder, &code);
        if (r > 0)
                *ret = CODE_TRIES - code.wrong;
        return r;
}

static int fill_times(struct binding *b, struct binding_view *view, bool *ret_paused) {
        uint64_t now = clock_now(CLOCK_REALTIME), remaining, give, send;
        struct rebind_limit limit;
        int r;

        r = rebind_get_remaining(b, &remaining);
        if (r >= 0)
                r = rebind_limit_load(binding_journal(b), &limit);
        if (r >= 0)
                r = limit_get_pause(binding_journal(b), &limit, &give, &send);
        if (r < 0)
                return r;
        view->until_usec = remaining == UINT64_MAX ? 0 : now + remaining;
        view->resend_usec = send > 0 ? now + send : 0;
        *ret_paused = give > 0;
        return 0;
}

int binding_get_view(struct binding *b, struct binding_view *ret) {
        struct binding_view view = { .rebind = b->rebind };
        bool paused;
        int r;

        r = rebind_load_phone(b, view.rebind.phone);
        if (r < 0)
                return r;
        r = binding_record_load_current(binding_journal(b), &view.current);
        if (r == -ENOENT)
                view.current = (struct binding_record){};
        else if (r < 0)
                return r;
        r = fill_times(b, &view, &paused);
        if (r >= 0)
                r = fill_tries(b, REBIND_OLD_PHONE, &view.old_tries);
        if (r >= 0)
                r = fill_tries(b, REBIND_NEW_PHONE, &view.new_tries);
        if (r < 0)
                return r;
        view.sending = b->codes[REBIND_OLD_PHONE].now || b->codes[REBIND_NEW_PHONE].now || b->test.now;
        reason_fill_view(b, view.old_tries > 0 || view.new_tries > 0,
                         paused || (view.resend_usec > 0 && !view.old_tries && !view.new_tries), &view);
        *ret = view;
        return 0;
}
