/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* A terminal as it is shipped, with the simulated cards' CA, and a sale of 12.34 CNY. Run from the top folder. */

#include "base/config.h"
#include "base/hex.h"
#include "emv/message.h"

static inline void fixture_start(struct message_start *s) {
        message_init(s, MESSAGE_START);
        s->mode = EMV_MODE_TEST;
        s->steps = EMV_STEPS_FULL;
        s->currency_exponent = 2;
        memcpy(s->currency, "\x01\x56", 2);
        memcpy(s->date, "\x26\x11\x21", 3);
        memcpy(s->time, "\x20\x15\x30", 3);
        memcpy(s->unpredictable, "\xa1\xb2\xc3\xd4", 4);
        memcpy(s->counter, "\x00\x00\x00\x42", 4);
        s->random_percent = 50;
        s->amount = 1234;
        s->card_ms = 5000;
        s->step_ms = 5000;
        s->answer_ms = 5000;
        emv_terminal_init(&s->terminal);
        /* First, so that the keys of the tests are the first ones. */
        assert_int_equal(config_parse_file("tests/sim/cards/test-ca.conf", emv_terminal_assign, &s->terminal), 0);
        assert_int_equal(
                config_parse_dirs((const char *const[]){ "packaging/emv.d", NULL }, emv_terminal_assign, &s->terminal),
                0);
}

/* Hex to bytes; the count. */
static inline size_t fixture_hex(const char *text, uint8_t *ret, size_t max) {
        ssize_t n = hex_decode(text, ret, max);

        assert_true(n >= 0);
        return (size_t) n;
}
