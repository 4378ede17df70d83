// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * Why a card was not taken. That a swipe has to be repeated is usual, and a card that comes out too early is: a fault
 * is what happens twice in a transaction, or what keeps it from its card.
 */
#include "base/hex.h"
#include "care/acts-internal.h"
#include "emv/tvr.h"

/* A reader that is unplugged in the middle of a transaction fails before it is gone. */
#define READER_USEC (1500 * USEC_PER_MSEC)
#define DIRTY_SWIPES 4
#define DIRTY_CHIPS 3

/* What the card itself is to blame for: ended by one that is taken. */
static const char *const card_faults[] = {
        "card-unreadable",    "card-wrong-way",    "card-not-payment", "card-chip-mute",
        "card-chip-required", "card-not-accepted", "card-blocked",     "card-expired",
        "card-not-genuine",   "card-malformed",    "card-live",
};

struct word {
        const char *word, *code, *detail;
};

static const struct word *find_word(const struct word *words, size_t n, const char *word) {
        for (size_t i = 0; i < n; i++)
                if (streq(words[i].word, word))
                        return words + i;
        return NULL;
}

static const char *id_of(const struct device *device) {
        return device ? device->id : "";
}

static const char *emv_id(struct acts *a) {
        return id_of(monitor_find_connected(engine_monitor(a->engine), DEVICE_EMV));
}

/* ---- Swipes ---- */

static bool is_dirty(const struct acts *a) {
        int64_t transaction = 0;
        unsigned bad = 0;
        bool several = false;

        for (size_t i = 0; i < ACT_SWIPES; i++) {
                const struct act_swipe *s = a->swipes + i;

                if (s->transaction == 0 || s->good)
                        continue;
                bad++;
                several = several || (transaction > 0 && transaction != s->transaction);
                transaction = s->transaction;
        }
        return bad >= DIRTY_SWIPES && several;
}

static void note_swipe(struct acts *a, int64_t transaction, bool good) {
        const char *reader = id_of(engine_msr(a->engine));

        memmove(a->swipes + 1, a->swipes, sizeof(a->swipes) - sizeof(a->swipes[0]));
        a->swipes[0] = (struct act_swipe){ transaction, good };
        a->good_swipes = good ? a->good_swipes + 1 : 0;
        if (a->good_swipes >= 2) {
                faults_disprove(a->faults, "msr-dirty", "");
                memset(a->swipes, 0, sizeof(a->swipes));
        }
        if (good || !is_dirty(a))
                return;
        act_observe(a, "msr-dirty", reader, transaction, "4 of the last 6 swipes could not be read");
        faults_disprove(a->faults, "card-unreadable", "");
}

static const struct word hindrances[] = {
        { "unreadable", "card-unreadable", "the stripe was swiped and could not be read" },
        { "wrong-way", "card-wrong-way", "a track does not begin with its start sentinel" },
        { "not-payment", "card-not-payment", "the stripe is not that of a payment card" },
        { "chip-required", "card-chip-required", "the stripe of a chip card was swiped" },
        { "chip-mute", "card-chip-mute", "the chip did not answer" },
};

static void show_hindrance(struct acts *a, const struct transaction_view *view) {
        const struct word *w = find_word(hindrances, ELEMENTSOF(hindrances), view->hindrance);

        if (!w || a->shown)
                return;
        /* One cause, one fault. */
        if (streq(w->code, "card-unreadable") &&
            (is_dirty(a) || act_is_open(a, "msr-dirty", id_of(engine_msr(a->engine)))))
                return;
        act_observe(a, w->code, "", view->record.id, w->detail);
        a->shown = true;
}

/* ---- The EMV reader ---- */

static int on_reader_failed(sd_event_source *source, uint64_t usec, void *userdata) {
        struct acts *a = userdata;
        const struct device *reader = monitor_find(engine_monitor(a->engine), a->reader);

        if (reader && reader->connected && reader->since == a->reader_since)
                act_observe(a, "emv-fault", a->reader, a->reader_transaction, "it failed in a transaction");
        return 0;
}

static void note_reader_failed(struct acts *a, int64_t transaction) {
        const struct device *reader = monitor_find_connected(engine_monitor(a->engine), DEVICE_EMV);

        if (!reader)
                return;
        COPY(a->reader, reader->id);
        a->reader_since = reader->since;
        a->reader_transaction = transaction;
        act_later(a, &a->reader_failed, READER_USEC, on_reader_failed);
}

bool acts_reader_has_failed(struct acts *a, const char *id) {
        if (a->reader_failed && sd_event_source_get_enabled(a->reader_failed, NULL) > 0 && streq(a->reader, id))
                return true;
        return act_is_open(a, "emv-fault", id);
}

static void note_mute(struct acts *a, int64_t transaction) {
        if (++a->mute_chips < DIRTY_CHIPS) {
                act_observe(a, "card-chip-mute", "", transaction, "the chip did not answer");
                return;
        }
        act_observe(a, "emv-dirty", emv_id(a), transaction, "the chips of 3 transactions in a row did not answer");
        faults_disprove(a->faults, "card-chip-mute", "");
}

static void note_chip(struct acts *a) {
        a->mute_chips = 0;
        a->reader_failed = sd_event_source_disable_unref(a->reader_failed);
        faults_disprove(a->faults, "emv-dirty", "");
        faults_disprove(a->faults, "emv-fault", "");
        faults_disprove(a->faults, "worker-failed", "");
}

/* ---- A hindrance, and the end ---- */

static void hindered(struct acts *a, const struct transaction_view *view) {
        const char *word = view->hindrance;

        if (streq(word, "reader-failed"))
                return note_reader_failed(a, view->record.id);
        if (streq(word, "encrypted"))
                act_observe(a, "msr-encryption", id_of(engine_msr(a->engine)), view->record.id,
                            "it encrypts in a way that the acquirer does not take, or hides the service code");
        if (streq(word, "unreadable"))
                note_swipe(a, view->record.id, false);
        else if (!streq(word, "wrong-way") && !streq(word, "chip-mute"))
                note_swipe(a, view->record.id, true);
        /* Of a chip the end tells. */
        if (streq(word, a->hindrance) && !streq(word, "chip-mute"))
                show_hindrance(a, view);
        a->hindrance = word;
}

static const struct word reasons[] = {
        { "card-not-accepted", "card-not-accepted", "no application of it is known here" },
        { "card-blocked", "card-blocked", "the card or its application is blocked" },
        { "card-malformed", "card-malformed", "the chip's data is wrong" },
        { "card-not-genuine", "card-not-genuine", "the chip could not prove that it is genuine" },
        { "live-card", "card-live", "a real card in test or training mode" },
};

static bool is_expired(const struct transaction_record *record) {
        uint8_t tvr[5];

        if (record->result != RESULT_DECLINED)
                return false;
        if (streq(record->response_code, "54"))
                return true;
        return hex_decode(record->tvr, tvr, sizeof(tvr)) == sizeof(tvr) && tvr_test(tvr, TVR_EXPIRED);
}

static bool is_mute(const struct transaction_view *view) {
        const struct transaction_record *record = &view->record;

        if (record->entry != ENTRY_CHIP || !isempty(record->masked_pan))
                return false;
        return streq(record->reason, "card-mute") || streq(record->reason, "card-silent") ||
               (record->result != RESULT_APPROVED && streq(view->hindrance, "chip-mute"));
}

static void chip_ended(struct acts *a, const struct transaction_view *view) {
        const struct transaction_record *record = &view->record;

        if (is_mute(view))
                note_mute(a, record->id);
        else if (streq(record->reason, "reader-failed"))
                note_reader_failed(a, record->id);
        else if (streq(record->reason, "worker-failed"))
                act_observe(a, "worker-failed", "", record->id, "card-worker ended without an outcome");
        else if (!isempty(record->masked_pan))
                note_chip(a);
}

static void paid(struct acts *a, const struct transaction_record *record) {
        for (size_t i = 0; i < ELEMENTSOF(card_faults); i++)
                faults_disprove(a->faults, card_faults[i], "");
        if (record->entry == ENTRY_SWIPE)
                faults_disprove(a->faults, "msr-encryption", "");
}

static void unpaid(struct acts *a, const struct transaction_view *view) {
        const struct transaction_record *record = &view->record;
        const struct word *w = find_word(reasons, ELEMENTSOF(reasons), record->reason);

        if (w)
                act_observe(a, w->code, "", record->id, w->detail);
        else if (is_expired(record))
                act_observe(a, "card-expired", "", record->id, "the card's date is over");
        else if (record->entry == ENTRY_NONE && !streq(view->hindrance, "unreadable"))
                show_hindrance(a, view);
}

static void ended(struct acts *a, const struct transaction_view *view) {
        const struct transaction_record *record = &view->record;
        const struct device *reader = monitor_find_connected(engine_monitor(a->engine), DEVICE_EMV);

        if (record->entry == ENTRY_SWIPE)
                note_swipe(a, record->id, true);
        /* It may have failed before it had a card. */
        if (record->entry == ENTRY_CHIP || streq(record->reason, "worker-failed"))
                chip_ended(a, view);
        if (record->entry != ENTRY_NONE && record->result == RESULT_APPROVED)
                paid(a, record);
        else
                unpaid(a, view);
        if (reader && reader->card == DEVICE_CARD_PRESENT)
                acts_watch_card(a);
}

void acts_card_transaction(struct acts *a, const struct transaction_view *view, enum transaction_event event) {
        if (event == TRANSACTION_ADDED) {
                a->transaction = view->record.id;
                a->hindrances = 0;
                a->hindrance = "";
                a->shown = false;
        }
        /* Also one that ended long ago is told of, when its paper or its reversal is out. */
        if (view->record.id != a->transaction)
                return;
        if (view->hindrances != a->hindrances)
                hindered(a, view);
        a->hindrances = view->hindrances;
        if (event == TRANSACTION_FINISHED)
                ended(a, view);
}
