// SPDX-License-Identifier: LGPL-2.1-or-later
#include "transaction/identity.h"

#include <inttypes.h>

#include "base/log.h"
#include "base/secret.h"
#include "journal/batch.h"
#include "journal/event.h"
#include "journal/request.h"
#include "journal/key.h"
#include "transaction/engine.h"

#define IDENTITY "identity"
#define IDENTITY_MAX 96

/* "T0000001 000000000000001 unionpay" */
static void identity_text(const struct engine *e, char ret[static IDENTITY_MAX]) {
        const struct settings *s = e->config.settings;

        (void) snprintf(ret, IDENTITY_MAX, "%s %s %s", s->terminal_number, s->merchant_number,
                        acquirer_profile(e->acquirer)->name);
}

/* 1 when the acquirer has to hear of something, or has to settle it. */
static int is_open(struct journal *j) {
        struct batch_record batch;
        int64_t rejected;
        int r;

        for (enum request_queue q = 0; q < _REQUEST_QUEUE_MAX; q++) {
                r = request_record_count(j, q);
                if (r != 0)
                        return r < 0 ? r : 1;
        }
        r = request_record_find_rejected(j, &rejected);
        if (r != -ENOENT)
                return r < 0 ? r : 1;
        r = batch_load_current(j, &batch);
        return r < 0 ? r : batch.state != BATCH_OPEN || *batch.currency;
}

static int store(struct journal *j, const char *text) {
        char event[IDENTITY_MAX + 32];
        int r;

        r = journal_begin(j, JOURNAL_DURABLE);
        if (r < 0)
                return r;
        _cleanup_(journal_rollbackp) _unused_ struct journal *rollback = j;
        r = wrapped_key_store(j, IDENTITY, text, strlen(text));
        if (r < 0)
                return r;
        (void) snprintf(event, sizeof(event), "{\"identity\":\"%s\"}", text);
        r = event_append(j, "identity", 0, event);
        if (r < 0)
                return r;
        return journal_commit(j);
}

/* 1 when the journal has this one already. */
static int is_known(struct journal *j, const char *text, char ret_stored[static IDENTITY_MAX]) {
        _cleanup_secret_ void *stored = NULL;
        size_t size;
        int r;

        ret_stored[0] = '\0';
        r = wrapped_key_load(j, IDENTITY, &stored, &size);
        if (r == -ENOENT)
                return 0;
        if (r < 0)
                return r;
        (void) snprintf(ret_stored, IDENTITY_MAX, "%.*s", (int) MIN(size, (size_t) IDENTITY_MAX - 1),
                        (const char *) stored);
        return streq(ret_stored, text);
}

int identity_check(struct engine *e) {
        char text[IDENTITY_MAX], stored[IDENTITY_MAX];
        struct journal *j = e->config.journal;
        int r;

        identity_text(e, text);
        r = is_known(j, text, stored);
        if (r != 0)
                return MIN(r, 0);
        r = *stored ? is_open(j) : 0;
        if (r > 0) {
                log_error(
                        "tilld.conf has terminal, merchant and profile \"%s\", but the acquirer has not heard the end "
                        "of \"%s\": put those back, settle (tillctl settle), then change them",
                        text, stored);
                return -EINVAL;
        }
        if (r < 0)
                return r;
        if (*stored)
                log_notice("The terminal was \"%s\" and is \"%s\" from now on", stored, text);
        return store(j, text);
}
