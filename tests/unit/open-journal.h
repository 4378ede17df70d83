/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* One journal, open for the length of a test. */

#include "journal-fixture.h"

static struct journal *j;

static _unused_ void reopen(void) {
        j = journal_close(j);
        j = open_good();
}

static int open_one(void **state) {
        int r = setup(state);

        j = r == 0 ? open_good() : NULL;
        return r;
}

static int close_one(void **state) {
        j = journal_close(j);
        return teardown(state);
}

static _unused_ void begin(void) {
        assert_int_equal(journal_begin(j, JOURNAL_DURABLE), 0);
}

static _unused_ void commit(void) {
        assert_int_equal(journal_commit(j), 0);
}
