/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * The merchant's phone and its change. A change is a transaction of its own: it goes step by step (journal/rebind.h),
 * each durable before the next begins, and ends committed or rolled back. Until it is committed the old binding is in
 * force. What is left undone by a kill or a power cut goes on at the next start, or is rolled back.
 *
 *   begin → check (acquirer) → backup → codes → [wait] → confirm (acquirer) → test → committed
 */

#include "journal/contact.h"
#include "journal/rebind.h"
#include "transaction/engine.h"

struct binding;

struct binding_listener {
        /* Something of binding_get_view() is another. */
        void (*changed)(void *userdata);
        /* A change has ended, committed or rolled back. */
        void (*ended)(const struct rebind_record *record, void *userdata);
        void *userdata;
};

int binding_new(struct engine *e, const struct binding_listener *listener, struct binding **ret);
struct binding *binding_free(struct binding *b);
DEFINE_CLEANUP(struct binding *, binding_free);
/* Takes up the change that is under way. To be called when the engine has started. */
int binding_start(struct binding *b);

/* What the engine says of any transaction: those that a change has started are waited for. */
void binding_transaction_changed(struct binding *b, const struct transaction_view *view, enum transaction_event event);

struct binding_view {
        struct binding_record current; /* id 0: no phone is bound */
        struct rebind_record rebind;   /* the newest, ended or not; id 0: there was none */
        bool sending;                  /* codes, or the test notice, are on their way */
        uint64_t until_usec;           /* CLOCK_REALTIME by which this step ends by itself, 0 for none */
        uint64_t resend_usec;          /* CLOCK_REALTIME from which codes may be sent or given again, 0 for now */
        unsigned old_tries, new_tries; /* left for the codes that are out, 0 where none is */
        char message[200];             /* how it stands, or why it was rolled back: a sentence in English */
        char next_step[200];           /* what to do now, "" for nothing */
};
int binding_get_view(struct binding *b, struct binding_view *ret);

/*
 * All of these: negative with *ret_refusal set. by is "uid 1000" or the number of an operator, for the journal.
 * What can only be known later (the number's country, the acquirer's word) rolls the change back.
 */

struct binding_call {
        enum rebind_kind kind; /* REBIND_LOST, else REBIND_CHANGE: whether it is the first is found here */
        const char *serial, *terminal, *phone;
        const char *by;
};
int binding_begin(struct binding *b, const struct binding_call *call, int64_t *ret_id, struct refusal *ret_refusal);
/* The one under way is led by somebody else from now on; the one that was rolled back last is begun again. */
int binding_take_up(struct binding *b, const char *by, int64_t *ret_id, struct refusal *ret_refusal);
/* New codes to the phones that have not given theirs. */
int binding_send_codes(struct binding *b, const char *by, struct refusal *ret_refusal);
/* code: what somebody typed; wiped by the caller. */
int binding_give_code(struct binding *b, enum rebind_holder holder, const char *code, const char *by,
                      struct refusal *ret_refusal);
/* That it is, or will be, rolled back is on the disk before these two succeed. */
int binding_cancel(struct binding *b, const char *by, struct refusal *ret_refusal);
/* With the code that a contact, or the old phone, was sent at the begin of a waiting time. by: who types it. */
int binding_cancel_by_contact(struct binding *b, const char *code, const char *by, struct refusal *ret_refusal);

/* contacts.c. The record's id, added and removed are set. */
int binding_add_contact(struct binding *b, struct contact_record *record, const char *by, struct refusal *ret_refusal);
int binding_change_contact(struct binding *b, const struct contact_record *record, const char *by,
                           struct refusal *ret_refusal);
int binding_remove_contact(struct binding *b, int64_t id, const char *by, struct refusal *ret_refusal);
int binding_set_preference(struct binding *b, int64_t contact, const char *event, const char *channels, const char *by,
                           struct refusal *ret_refusal);
/* A notice of replacement: the appointment's time (CLOCK_REALTIME) and a sentence about it. */
int binding_announce_replacement(struct binding *b, uint64_t time_usec, const char *detail, const char *by,
                                 struct refusal *ret_refusal);
/* A test notice to the bound phone, contact 0, or to a contact. */
int binding_send_test(struct binding *b, int64_t contact, const char *by, struct refusal *ret_refusal);

/* checklist.c: what the merchant does with the old phone, one line each; NULL-terminated. language: zh_CN or en. */
const char *const *binding_checklist(const char *language) _const_;
