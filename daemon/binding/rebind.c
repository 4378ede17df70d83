// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * The steps of a change of the bound phone, from top to bottom as they go. Each is on the disk before it begins, and
 * looks at what there is: after a kill it begins again and finds what was done outside (a transaction by its
 * reference, a withdrawal in its queue). Until the last commit the old binding is in force.
 */
#include "binding/rebind.h"

#include <inttypes.h>

#include "base/log.h"
#include "journal/event.h"
#include "journal/uptime.h"
#include "transaction/timer.h"

#define MINUTE (60 * USEC_PER_SEC)

/* A number is looked up in a table: seconds are plenty. */
#define NUMBER_USEC (15 * USEC_PER_SEC)
/* Somebody else's export is under way. */
#define BUSY_USEC (5 * USEC_PER_SEC)
/* After a waiting time the acquirer is tried to be told for so long. */
#define LOST_CONFIRM_USEC (6 * 60 * MINUTE)

/* ---- What is written ---- */

int rebind_append_event(struct journal *j, const char *event, const struct rebind_record *record, const char *by) {
        char text[256], failed[96] = "";

        if (record->step == REBIND_ROLLED_BACK)
                (void) snprintf(failed, sizeof(failed), ",\"failed\":\"%s\",\"reason\":\"%s\"",
                                rebind_step_to_string(record->failed), record->reason);
        (void) snprintf(text, sizeof(text), "{\"rebind\":%" PRIi64 ",\"kind\":\"%s\",\"step\":\"%s\",\"by\":\"%s\"%s}",
                        record->id, rebind_kind_to_string(record->kind), rebind_step_to_string(record->step),
                        by ?: record->by, failed);
        return event_append(j, event, 0, text);
}

int rebind_write(struct binding *b, const struct rebind_record *next, const char *event, const char *by,
                 rebind_also_t also) {
        struct journal *j = binding_journal(b);
        int r;

        r = journal_begin(j, JOURNAL_DURABLE);
        if (r >= 0)
                r = rebind_record_update(j, next);
        if (r >= 0 && also)
                r = also(b, next);
        if (r >= 0)
                r = rebind_append_event(j, event, next, by);
        if (r >= 0)
                r = journal_commit(j);
        journal_rollback(j);
        if (r == -EIO)
                engine_panic(r, "a change of the bound phone cannot be written");
        if (r < 0)
                return r;
        b->rebind = *next;
        return 0;
}

int rebind_fill_order(struct binding *b, const struct rebind_record *record, enum notice_template what,
                      struct rebind_masks *masks, struct notice_order *ret) {
        struct binding_record current;
        int r;

        r = binding_record_load_current(binding_journal(b), &current);
        if (r < 0 && r != -ENOENT)
                return r;
        *masks = (struct rebind_masks){};
        phone_mask(record->phone, masks->phone);
        if (r >= 0)
                phone_mask(current.phone, masks->old_phone);
        explicit_bzero(&current, sizeof(current));
        *ret = (struct notice_order){
                .event = NOTICE_BINDING,
                .what = what,
                .obliged = true,
                .fields = {
                        .phone = masks->phone,
                        .old_phone = masks->old_phone,
                        .result = record->reason,
                        .time_usec = clock_now(CLOCK_REALTIME),
                },
        };
        return 0;
}

/* ---- What is at hand ---- */

void rebind_drop_calls(struct binding *b) {
        b->number = notice_call_free(b->number);
        b->backup = backup_free(b->backup);
        for (size_t i = 0; i < ELEMENTSOF(b->codes); i++)
                b->codes[i].now = notices_now_free(b->codes[i].now);
        b->test.now = notices_now_free(b->test.now);
        b->number_is_good = b->test_is_sent = b->awaits_withdrawal = false;
        b->failed_tries = b->failed_notices = 0;
        b->again_usec = 0;
}

void rebind_forget_phone(struct binding *b) {
        if (!rebind_is_open(b))
                explicit_bzero(b->rebind.phone, sizeof(b->rebind.phone));
}

int rebind_load_phone(struct binding *b, char ret[static PHONE_SIZE]) {
        struct rebind_record record = b->rebind;
        int r = 0;

        if (record.id > 0 && !*record.phone)
                r = rebind_record_load(binding_journal(b), record.id, &record);
        if (r >= 0)
                copy_text(ret, PHONE_SIZE, record.phone);
        explicit_bzero(&record, sizeof(record));
        return r;
}

/* ---- How long ---- */

int rebind_get_remaining(struct binding *b, uint64_t *ret) {
        static const uint64_t limits[_REBIND_STEP_MAX] = {
                [REBIND_CHECK] = 5 * MINUTE,   [REBIND_BACKUP] = 10 * MINUTE, [REBIND_CODES] = 30 * MINUTE,
                [REBIND_CONFIRM] = 5 * MINUTE, [REBIND_TEST] = 5 * MINUTE,
        };
        uint64_t limit = limits[b->rebind.step], since = b->rebind.step_uptime, passed;
        int r;

        if (!rebind_is_open(b)) {
                *ret = UINT64_MAX;
                return 0;
        }
        if (b->rebind.step == REBIND_WAIT) {
                limit = b->rebind.wait_usec;
                since = b->rebind.told_uptime ?: since;
        }
        if (b->rebind.step == REBIND_CONFIRM && b->rebind.kind == REBIND_LOST)
                limit = LOST_CONFIRM_USEC;
        r = uptime_since(binding_journal(b), since, &passed);
        if (r < 0)
                return r;
        *ret = limit > passed ? limit - passed : 0;
        return 0;
}

static void arm_deadline(struct binding *b) {
        uint64_t remaining;
        int r;

        r = rebind_get_remaining(b, &remaining);
        if (r < 0) {
                log_error_errno(r, "The terminal's uptime cannot be read");
                remaining = RETRY_USEC;
        }
        if (remaining == UINT64_MAX)
                (void) sd_event_source_set_enabled(b->deadline, SD_EVENT_OFF);
        else
                timer_again(b->deadline, remaining);
}

void rebind_kick(struct binding *b) {
        timer_again(b->go_on, 0);
}

void rebind_say_end(struct binding *b) {
        rebind_forget_phone(b);
        arm_deadline(b);
        notices_kick(engine_notices(b->engine));
        b->listener.changed(b->listener.userdata);
        b->listener.ended(&b->rebind, b->listener.userdata);
}

void rebind_pause(struct binding *b, uint64_t usec) {
        b->again_usec = clock_now(CLOCK_BOOTTIME) + usec;
        b->listener.changed(b->listener.userdata);
}

bool rebind_pauses(struct binding *b) {
        uint64_t now = clock_now(CLOCK_BOOTTIME);

        if (now >= b->again_usec)
                return false;
        timer_again(b->go_on, b->again_usec - now);
        return true;
}

void rebind_notice_delivered(void *userdata) {
        struct binding *b = userdata;

        if (rebind_is_open(b) && b->rebind.step == REBIND_WAIT && b->rebind.told_uptime == 0)
                rebind_kick(b);
}

/* ---- Forth ---- */

static void enter(struct binding *b, const struct rebind_record *record, enum rebind_step step, rebind_also_t also) {
        struct rebind_record next = *record;
        int r;

        next.step = step;
        r = uptime_get(binding_journal(b), &next.step_uptime);
        if (r >= 0)
                r = rebind_write(b, &next, "rebind-step", NULL, also);
        if (r < 0) {
                log_error_errno(r, "A step of the change of the bound phone cannot be written");
                return rebind_roll_back(b, "storage");
        }
        b->failed_tries = 0;
        arm_deadline(b);
        rebind_kick(b);
        b->listener.changed(b->listener.userdata);
}

void rebind_started(struct binding *b) {
        char masked[PHONE_SIZE];

        phone_mask(b->rebind.phone, masked);
        log_notice("Change %" PRIi64 " of the bound phone has begun, to %s, by %s", b->rebind.id, masked,
                   b->rebind.by);
        arm_deadline(b);
        rebind_kick(b);
        b->listener.changed(b->listener.userdata);
}

/* Of a lookup, or of a channel: another try of the same number ends alike. */
static bool is_refused_number(int error) {
        return error == -EINVAL || error == -EADDRNOTAVAIL;
}

static void number_checked(int error, const char *text, void *userdata) {
        struct binding *b = userdata;

        b->number = notice_call_free(b->number);
        if (is_refused_number(error))
                return rebind_roll_back(b, "number-refused");
        if (error < 0) {
                log_error_errno(error,
                                "The new number cannot be looked at; see systemctl status till-notify-number.socket");
                return rebind_roll_back(b, "number-unchecked");
        }
        b->number_is_good = true;
        rebind_kick(b);
}

/*
 * Whether what was rolled back before has been taken back by the acquirer: until then its record has that phone. 1: it
 * has; 0: not yet.
 */
static int is_withdrawn(struct binding *b) {
        int n = request_record_count(binding_journal(b), REQUEST_WITHDRAWAL);

        if (n < 0)
                return n;
        if (n > 0 && !b->awaits_withdrawal)
                outbox_hurry(engine_outbox(b->engine));
        else if (n > 0)
                outbox_kick(engine_outbox(b->engine));
        if (b->awaits_withdrawal != (n > 0)) {
                b->awaits_withdrawal = n > 0;
                b->listener.changed(b->listener.userdata);
        }
        return n == 0;
}

/* The number by its country's rules, then both numbers of the terminal by the acquirer's record. */
static void step_check(struct binding *b) {
        const char *reason;
        int r;

        if (b->number)
                return;
        if (!b->number_is_good) {
                r = notice_check_number(engine_loop(b->engine), NULL, b->rebind.phone, NUMBER_USEC, number_checked, b,
                                        &b->number);
                if (r < 0)
                        rebind_roll_back(b, "number-unchecked");
                return;
        }
        r = is_withdrawn(b);
        if (r < 0)
                return rebind_roll_back(b, "storage");
        if (r == 0)
                return timer_again(b->go_on, BUSY_USEC);
        r = acquirer_word(b, REBIND_CHECK, &reason);
        if (r == 0)
                return;
        if (r > 0)
                return enter(b, &b->rebind, REBIND_BACKUP, NULL);
        rebind_roll_back(b, reason);
}

static void step_backup(struct binding *b) {
        int r;

        if (b->backup)
                return;
        r = backup_start(b);
        if (r == -EBUSY)
                return timer_again(b->go_on, BUSY_USEC);
        if (r < 0) {
                log_error_errno(r, "The payment records cannot be backed up");
                rebind_roll_back(b, "backup-failed");
        }
}

void rebind_backed_up(struct binding *b, int r, const char *name, const char *digest) {
        struct rebind_record next = b->rebind;
        struct refusal refusal;

        /* They go with it. */
        COPY(next.backup, name);
        COPY(next.backup_digest, digest);
        b->backup = backup_free(b->backup);
        if (r < 0) {
                log_error_errno(r, "The payment records cannot be backed up");
                return rebind_roll_back(b, "backup-failed");
        }
        enter(b, &next, REBIND_CODES, NULL);
        if (b->rebind.step != REBIND_CODES)
                return;
        /* Too many in the last half hour: they are sent when somebody asks again. */
        r = codes_send(b, NULL, &refusal);
        if (r < 0)
                log_warning("Change %" PRIi64 " of the bound phone: %s", b->rebind.id, refusal.text);
}

/* Nothing goes on by itself but when all codes that are wanted have been given. */
static void step_codes(struct binding *b) {
        if (!codes_are_given(&b->rebind))
                return;
        if (b->rebind.kind == REBIND_LOST)
                return enter(b, &b->rebind, REBIND_WAIT, waiting_tell);
        enter(b, &b->rebind, REBIND_CONFIRM, NULL);
}

/* The time counts from when anybody can cancel: whoever keeps the messages from leaving gains nothing by it. */
static int begin_to_count(struct binding *b) {
        struct rebind_record next = b->rebind;
        int r;

        if (next.told_uptime > 0)
                return 1;
        r = waiting_is_told(b);
        if (r <= 0)
                return r;
        r = uptime_get(binding_journal(b), &next.told_uptime);
        if (r >= 0)
                r = rebind_write(b, &next, "rebind-told", NULL, NULL);
        if (r < 0)
                return r;
        arm_deadline(b);
        b->listener.changed(b->listener.userdata);
        return 1;
}

/* Time alone ends it: on_deadline(). */
static void step_wait(struct binding *b) {
        int r;

        r = begin_to_count(b);
        if (r < 0) {
                log_warning_errno(r,
                                  "Change %" PRIi64 " of the bound phone: its waiting time cannot begin to count; "
                                  "it is tried again",
                                  b->rebind.id);
                return timer_again(b->go_on, RETRY_USEC);
        }
        notices_kick(engine_notices(b->engine));
}

static void end_wait(struct binding *b) {
        uint64_t remaining;
        int r;

        r = begin_to_count(b);
        if (r == 0)
                return rebind_roll_back(b, "nobody-told");
        if (r < 0 || rebind_get_remaining(b, &remaining) < 0)
                return timer_again(b->deadline, RETRY_USEC);
        if (remaining == 0)
                enter(b, &b->rebind, REBIND_CONFIRM, NULL);
}

static void step_confirm(struct binding *b) {
        struct rebind_record next = b->rebind;
        const char *reason;
        int r;

        r = acquirer_word(b, REBIND_CONFIRM, &reason);
        if (r == 0)
                return;
        if (r < 0)
                return rebind_roll_back(b, reason);
        r = rebind_find_confirm(b, &next.confirm);
        if (r < 0)
                return rebind_roll_back(b, "storage");
        enter(b, &next, REBIND_TEST, NULL);
}

static void test_notice_failed(struct binding *b, int error) {
        b->failed_notices++;
        if (is_refused_number(error) || b->failed_notices >= TEST_TRIES)
                return rebind_roll_back(b, "test-notice-failed");
        rebind_pause(b, test_pause(b->failed_notices));
        rebind_kick(b);
}

static void test_sent(int error, const char *channel, const char *text, void *userdata) {
        struct sending *s = userdata;
        struct binding *b = s->binding;

        s->now = notices_now_free(s->now);
        if (error < 0) {
                log_warning("Change %" PRIi64 " of the bound phone: no channel took the test notice (%s)",
                            b->rebind.id, text);
                return test_notice_failed(b, error);
        }
        b->test_is_sent = true;
        rebind_kick(b);
}

static void send_test_notice(struct binding *b) {
        struct rebind_masks masks;
        struct notice_order order;
        int r;

        r = rebind_fill_order(b, &b->rebind, NOTICE_TEXT_REBIND_TEST, &masks, &order);
        if (r >= 0)
                r = notices_send_now(engine_notices(b->engine), &order, b->rebind.phone, test_sent, &b->test,
                                     &b->test.now);
        if (r < 0) {
                log_error_errno(r, "The test notice cannot be sent");
                return test_notice_failed(b, r);
        }
        b->listener.changed(b->listener.userdata);
}

/* The notice comes last, and what follows it at once: whoever has it does not get it again after a restart. */
static void step_test(struct binding *b) {
        const char *reason;
        int r;

        if (b->test.now)
                return;
        r = acquirer_word(b, REBIND_TEST, &reason);
        if (r == 0)
                return;
        if (r < 0)
                return rebind_roll_back(b, reason);
        if (b->test_is_sent)
                return rebind_put_in_force(b);
        if (!rebind_pauses(b))
                send_test_notice(b);
}

/* ---- The event loop ---- */

static int on_go_on(sd_event_source *source, uint64_t usec, void *userdata) {
        static void (*const steps[_REBIND_STEP_MAX])(struct binding * b) = {
                [REBIND_CHECK] = step_check, [REBIND_BACKUP] = step_backup,   [REBIND_CODES] = step_codes,
                [REBIND_WAIT] = step_wait,   [REBIND_CONFIRM] = step_confirm, [REBIND_TEST] = step_test,
        };
        struct binding *b = userdata;

        if (!rebind_is_open(b))
                return 0;
        if (b->failing)
                rebind_roll_back(b, b->failing);
        else
                steps[b->rebind.step](b);
        return 0;
}

/* Also after a restart, which forgets the tries. */
static bool awaits_test_notice(struct binding *b) {
        struct transaction_record record;

        return b->rebind.step == REBIND_TEST && acquirer_word_find(b, REBIND_TEST, &record) >= 0 &&
               record.result == RESULT_APPROVED;
}

/* What it waited for, where that is known. */
static const char *reason_of_deadline(struct binding *b) {
        if (b->rebind.step == REBIND_CHECK && request_record_count(binding_journal(b), REQUEST_WITHDRAWAL) > 0)
                return "not-withdrawn";
        if (awaits_test_notice(b))
                return "test-notice-failed";
        return acquirer_word_failed(b) ?: "timed-out";
}

static int on_deadline(sd_event_source *source, uint64_t usec, void *userdata) {
        struct binding *b = userdata;
        uint64_t remaining;

        if (!rebind_is_open(b) || b->failing)
                return 0;
        if (rebind_get_remaining(b, &remaining) < 0 || remaining > 0)
                arm_deadline(b);
        else if (b->rebind.step == REBIND_WAIT)
                end_wait(b);
        else
                rebind_roll_back(b, reason_of_deadline(b));
        return 0;
}

static int add_timer(struct binding *b, sd_event_time_handler_t handler, sd_event_source **ret) {
        int r;

        r = sd_event_add_time_relative(engine_loop(b->engine), ret, CLOCK_BOOTTIME, 0, 1, handler, b);
        return r < 0 ? r : sd_event_source_set_enabled(*ret, SD_EVENT_OFF);
}

int rebind_add_timers(struct binding *b) {
        int r;

        r = add_timer(b, on_go_on, &b->go_on);
        return r < 0 ? r : add_timer(b, on_deadline, &b->deadline);
}

/* What of a step is done outside and can be found again. */
static int was_cut_off(struct binding *b) {
        struct transaction_record record;
        int r;

        if (b->rebind.step == REBIND_BACKUP)
                return 1;
        if (b->rebind.step != REBIND_CHECK && b->rebind.step != REBIND_CONFIRM)
                return 0;
        r = acquirer_word_find(b, b->rebind.step, &record);
        /* The acquirer knows nothing yet: it is not too late. */
        if (r < 0)
                return r == -ENOENT ? 0 : r;
        /* The number was looked at before. */
        b->number_is_good = true;
        return 0;
}

int rebind_recover(struct binding *b) {
        int r;

        if (!rebind_is_open(b))
                return 0;
        if (*b->rebind.reason) {
                rebind_roll_back(b, b->rebind.reason);
                return 0;
        }
        r = was_cut_off(b);
        if (r < 0)
                return r;
        log_notice("Change %" PRIi64 " of the bound phone goes on at step %s", b->rebind.id,
                   rebind_step_to_string(b->rebind.step));
        if (r > 0) {
                rebind_roll_back(b, "interrupted");
                return 0;
        }
        arm_deadline(b);
        rebind_kick(b);
        return 0;
}
