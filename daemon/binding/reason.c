// SPDX-License-Identifier: LGPL-2.1-or-later
/* How a change of the bound phone stands, why it was rolled back, and what to do now: translated by whoever shows it.
 */
#include "binding/rebind.h"

struct words {
        const char *message;
        const char *next_step; /* "" for nothing */
};

/* The word is the API; the sentences may change. */
static const struct {
        const char *word;
        struct words words;
} reasons[] = {
        { "cancelled",
          { N_("The change was cancelled; the binding stays as it was."),
            N_("Begin again when you want to: tillctl binding change") } },
        { "cancelled-by-contact",
          { N_("A backup contact, or the old phone, has cancelled the change; the binding stays as it was."),
            N_("Talk to the people on the contacts list before anybody begins again: the phone may not be lost.") } },
        { "timed-out",
          { N_("A step of the change took too long; the binding stays as it was."),
            N_("Check the network, have both phones at hand, then take it up again: tillctl binding take-up") } },
        { "nobody-told",
          { N_("Nobody could be told that the phone is said to be lost; the binding stays as it was."),
            N_("See which channel works: tillctl binding test. Then take it up again: tillctl binding take-up") } },
        { "not-withdrawn",
          { N_("The acquirer has not yet taken back the last change; the binding stays as it was."),
            N_("Check the network; tillctl fault says whether the acquirer refuses, and how a supervisor resolves "
               "that. Then take it up again: tillctl binding take-up") } },
        { "wrong-codes",
          { N_("There were too many wrong codes; the binding stays as it was."),
            N_("Find out who typed them. When codes are taken again, take it up again: tillctl binding take-up") } },
        { "number-refused",
          { N_("The new number is not a mobile phone's in its country; the binding stays as it was."),
            N_("Begin again with the whole number, as +8613800138000: tillctl binding change") } },
        { "number-unchecked",
          { N_("The new number could not be looked at; the binding stays as it was."),
            N_("Look at systemctl status till-notify-number.socket, then take it up again: tillctl binding "
               "take-up") } },
        { "not-sent",
          { N_("A code could not be sent by any channel; the binding stays as it was."),
            N_("journalctl -u tilld says what each channel answered. Mend one, then take it up again: tillctl binding "
               "take-up") } },
        { "serial-refused",
          { N_("The acquirer's record has another serial number or terminal number; the binding stays as it was."),
            N_("Compare with the label of the terminal and the acquirer's letter, then ask the acquirer.") } },
        { "phone-differs",
          { N_("The acquirer's record has another phone than the one that is bound here; the binding stays as it "
               "was."),
            N_("Ask the acquirer to put its record right, then take it up again: tillctl binding take-up") } },
        { "acquirer-refused",
          { N_("The acquirer does not agree to the change; the binding stays as it was."),
            N_("Ask the acquirer why, then take it up again: tillctl binding take-up") } },
        { "unreachable-host",
          { N_("The acquirer could not be reached or did not answer; the binding stays as it was."),
            N_("Check the network, then take it up again: tillctl binding take-up") } },
        { "backup-failed",
          { N_("The payment records could not be backed up; the binding stays as it was."),
            N_("The terminal's log says what failed. Make room on the disk, then take it up again: tillctl binding "
               "take-up") } },
        { "test-notice-failed",
          { N_("The test notice did not get through to the new phone; the binding stays as it was."),
            N_("See that the new phone is on and has a signal, then take it up again: tillctl binding take-up") } },
        { "test-transaction-failed",
          { N_("The test transaction failed; the binding stays as it was."),
            N_("Check the network and sign on: tillctl sign-on. Then take it up again: tillctl binding take-up") } },
        { "not-ready",
          { N_("The terminal could not start a transaction of the change; the binding stays as it was."),
            N_("The terminal's log says why. When that is done, take it up again: tillctl binding take-up") } },
        { "interrupted",
          { N_("The terminal was restarted in the middle; the binding stays as it was."),
            N_("Take it up again: tillctl binding take-up") } },
        { "storage",
          { N_("The terminal cannot write its journal; the binding stays as it was."),
            N_("Make room on the disk, then take it up again: tillctl binding take-up") } },
};

static const struct words *find(const char *word) {
        for (size_t i = 0; i < ELEMENTSOF(reasons); i++)
                if (streq(reasons[i].word, word))
                        return &reasons[i].words;
        return NULL;
}

const char *reason_message(const char *word) {
        const struct words *w = find(word);

        return w ? w->message : NULL;
}

const char *reason_next_step(const char *word) {
        const struct words *w = find(word);

        return w ? w->next_step : NULL;
}

static const struct words nothing_yet[2] = {
        { N_("No phone is bound."), N_("Bind one: tillctl binding change") },
        { N_("A phone is bound."), "" },
};

static const struct words steps[_REBIND_STEP_MAX] = {
        [REBIND_CHECK] = { N_("The new number, the serial number and the terminal number are being checked."), "" },
        [REBIND_BACKUP] = { N_("The payment records are being backed up."), "" },
        [REBIND_WAIT] = { N_("The old phone is lost: the waiting time runs. Any backup contact can cancel the "
                             "change."),
                          N_("Leave the terminal on; the change goes on by itself when the time is over.") },
        [REBIND_CONFIRM] = { N_("The acquirer is being told of the new phone."), "" },
        [REBIND_TEST] = { N_("A test notice and a test transaction go over the new binding."), "" },
        [REBIND_COMMITTED] = { N_("The new phone is bound."), N_("Clean the old phone: tillctl binding checklist") },
};

static const struct words check_withdraws = {
        N_("The acquirer first has to take back the last change, which was rolled back."),
        N_("Check the network; it goes on by itself."),
};
static const struct words confirm_again = {
        N_("The acquirer could not be told of the new phone; it is tried again."),
        N_("Check the network; it goes on by itself."),
};
static const struct words test_transaction_again = {
        N_("The test transaction failed; it is tried again."),
        N_("Check the network; it goes on by itself."),
};
static const struct words test_notice_again = {
        N_("The test notice did not get through to the new phone; it is tried again."),
        N_("See that the new phone is on and has a signal."),
};
static const struct words committed_first = {
        N_("The new phone is bound."),
        N_("Name others who are told when it is changed or lost: tillctl binding contacts add"),
};
static const struct words wait_untold = {
        N_("The old phone is said to be lost, and nobody has been told yet: the waiting time counts from the first "
           "notice that goes out."),
        N_("See what keeps the notices: tillctl binding notices."),
};
static const struct words wait_alone = {
        N_("The old phone is lost: the waiting time runs. There is no backup contact: only who has the old phone can "
           "cancel the change."),
        N_("Leave the terminal on; the change goes on by itself when the time is over."),
};
static const struct words codes_out[3] = {
        { N_("Codes were sent to the old phone and to the new one."), N_("Type both codes.") },
        { N_("A code was sent to the new phone."), N_("Type it.") },
        { N_("A code was sent to the old phone."), N_("Type it.") },
};
static const struct words codes_right = { N_("The codes were right; the change is going on."), "" };
static const struct words codes_none = { N_("No code is good any more."), N_("Have new codes sent.") };
static const struct words codes_paused = { N_("Codes were wrong or were sent too often."),
                                           N_("Wait until codes are sent again, then have new ones sent.") };
static const struct words failing = { N_("The change is being rolled back; the binding stays as it was."),
                                      N_("Wait a moment.") };

static const struct words *words_of_codes(const struct rebind_record *record, bool code_is_out, bool paused) {
        if (codes_are_given(record))
                return &codes_right;
        if (paused)
                return &codes_paused;
        if (!code_is_out)
                return &codes_none;
        if (!codes_wants(record, REBIND_OLD_PHONE))
                return codes_out + 1;
        return codes_out + (codes_wants(record, REBIND_NEW_PHONE) ? 0 : 2);
}

static const struct words *words_of_wait(const struct binding *b) {
        if (b->rebind.told_uptime == 0)
                return &wait_untold;
        return contact_record_count(binding_journal(b)) == 0 ? &wait_alone : steps + REBIND_WAIT;
}

static const struct words *words_of_check(const struct binding *b) {
        return b->awaits_withdrawal ? &check_withdraws : steps + REBIND_CHECK;
}

static const struct words *words_of_confirm(const struct binding *b) {
        return b->failed_tries > 0 ? &confirm_again : steps + REBIND_CONFIRM;
}

static const struct words *words_of_test(const struct binding *b) {
        if (b->failed_notices > 0)
                return &test_notice_again;
        return b->failed_tries > 0 ? &test_transaction_again : steps + REBIND_TEST;
}

static const struct words *words_of(const struct binding *b, bool is_bound, bool code_is_out, bool paused) {
        const struct rebind_record *record = &b->rebind;

        if (record->id == 0)
                return nothing_yet + is_bound;
        if (b->failing)
                return &failing;
        switch (record->step) {
        case REBIND_CHECK:
                return words_of_check(b);
        case REBIND_CODES:
                return words_of_codes(record, code_is_out, paused);
        case REBIND_WAIT:
                return words_of_wait(b);
        case REBIND_CONFIRM:
                return words_of_confirm(b);
        case REBIND_TEST:
                return words_of_test(b);
        case REBIND_ROLLED_BACK:
                return find(record->reason) ?: &failing;
        case REBIND_COMMITTED:
                return record->kind == REBIND_FIRST ? &committed_first : steps + REBIND_COMMITTED;
        default:
                return steps + record->step;
        }
}

void reason_fill_view(const struct binding *b, bool code_is_out, bool paused, struct binding_view *view) {
        const struct words *w = words_of(b, view->current.id > 0, code_is_out, paused);

        COPY(view->message, w->message);
        COPY(view->next_step, w->next_step);
}
