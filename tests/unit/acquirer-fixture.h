/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * The terminal's link and the acquirer simulator, over a real TLS connection on the loopback, in one
 * event loop.
 */

#include <fcntl.h>
#include <signal.h>

#include "acquirer/server.h"
#include "base/hex.h"
#include "base/log.h"
#include "host/exchange.h"

#define P (settings->profile)
#define LONG UINT64_C(20000000) /* never waited for when all is well */
#define SHORT UINT64_C(300000)  /* waited for where no answer comes */
#define PAN "6200000000000005"
#define DECLINED_PAN "6200000000000047"

static char directory[] = "/tmp/test-acquirer-XXXXXX";
static sd_event *event;
static struct sim_settings *settings;
static struct sim_acquirer *acquirer;
static struct sim_server *server;
static struct host_link *the_link;
static struct host_keys *keys;
static uint32_t stan;

static char *path(const char *name) {
        static char text[4][128];
        static unsigned n;

        n = (n + 1) % ELEMENTSOF(text);
        snprintf(text[n], sizeof(text[n]), "%s/%s", directory, name);
        return text[n];
}

static struct host_link *new_link(const char *first_host, const char *certificate) {
        struct host_link *l = NULL;
        char host[32];

        snprintf(host, sizeof(host), "localhost:%u", sim_server_port(server));
        struct host_link_config config = {
                .hosts = { first_host ?: host, host },
                .n_hosts = first_host ? 2 : 1,
                .ca_file = path("ca.pem"),
                .certificate_file = certificate,
        };
        assert_int_equal(host_link_new(event, &config, &l), 0);
        return l;
}

static int set_up_with(const char *conf) {
        uint8_t tmk[TMK_SIZE];
        int fd;

        fd = open(path("tmk"), O_RDONLY | O_CLOEXEC);
        assert_true(fd >= 0);
        assert_int_equal(read(fd, tmk, sizeof(tmk)), sizeof(tmk));
        close(fd);

        (void) unlink(path("ledger.db"));
        assert_int_equal(sd_event_new(&event), 0);
        assert_int_equal(sim_settings_load(path(conf), &settings), 0);
        assert_int_equal(sim_acquirer_new(settings, &acquirer), 0);
        assert_int_equal(sim_server_new(event, settings, acquirer, &server), 0);
        assert_int_equal(host_keys_new(P->hierarchy, tmk, &keys), 0);
        the_link = new_link(NULL, path("terminal.pem"));
        stan = 0;
        return 0;
}

static int set_up(void **state) {
        return set_up_with("acquirer.conf");
}

static int tear_down(void **state) {
        the_link = host_link_free(the_link);
        keys = host_keys_free(keys);
        server = sim_server_free(server);
        acquirer = sim_acquirer_free(acquirer);
        settings = sim_settings_free(settings);
        event = sd_event_unref(event);
        return 0;
}

struct outcome {
        bool done;
        enum host_outcome outcome;
        enum host_link_reason reason;
        struct host_answer answer;
};

static void on_done(enum host_outcome outcome, enum host_link_reason reason, const struct host_answer *answer,
                    void *userdata) {
        struct outcome *o = userdata;

        assert_false(o->done);
        *o = (struct outcome){ .done = true, .outcome = outcome, .reason = reason };
        if (answer)
                o->answer = *answer;
}

static struct outcome exchange_on(struct host_link *l, const struct host_request *q, uint64_t deadline) {
        struct outcome o = {};

        assert_int_equal(host_exchange(l, P, keys, q, deadline, on_done, &o), 0);
        assert_false(o.done);
        while (!o.done)
                assert_true(sd_event_run(event, UINT64_MAX) >= 0);
        return o;
}

_unused_ static struct outcome exchange(const struct host_request *q, uint64_t deadline) {
        return exchange_on(the_link, q, deadline);
}

static const struct host_binding first_binding = { .number = 1, .serial = "TILL0001", .phone = "+8613800138000" };

static struct host_request request(enum host_kind kind) {
        return (struct host_request){
                .kind = kind,
                .stan = ++stan,
                .batch = 1,
                .terminal = "T0000001",
                .merchant = "000000000000001",
                .psn = -1,
                .binding = &first_binding,
        };
}

_unused_ static struct host_request stripe_sale(int64_t amount) {
        struct host_request q = request(HOST_SALE);

        q.amount = amount;
        q.currency = 156;
        q.entry = HOST_ENTRY_STRIPE;
        q.pan = PAN;
        q.expiry = "4912";
        q.track2 = PAN "=49121010000000000";
        return q;
}

_unused_ static struct host_request reversal(const struct host_request *original, const char *reason) {
        struct host_request q = *original;

        q.kind = HOST_REVERSAL;
        q.original.kind = original->kind;
        q.reason = reason;
        q.track2 = NULL;
        return q;
}

_unused_ static void assert_code(const struct host_request *q, const char *code) {
        struct outcome o = exchange(q, LONG);

        assert_int_equal(o.outcome, HOST_ANSWERED);
        assert_string_equal(o.answer.code, code);
}

_unused_ static void sign_on(void) {
        struct host_request q = request(HOST_SIGN_ON);
        struct outcome o = exchange(&q, LONG);

        assert_int_equal(o.outcome, HOST_ANSWERED);
        assert_string_equal(o.answer.code, "00");
        assert_int_equal(host_keys_load(keys, o.answer.keys, o.answer.keys_size), 0);
}

_unused_ static void script(const char *text) {
        const char *reason;
        struct step step;

        assert_int_equal(step_parse(text, &step, &reason), 0);
        assert_int_equal(script_add(sim_acquirer_script(acquirer), &step), 0);
}

/* A number of the dump's first line. */
_unused_ static int64_t ledger_figure(const char *name) {
        _cleanup_free_ char *json = NULL;
        char key[32];
        const char *p;

        assert_int_equal(ledger_dump(directory, &json), 0);
        snprintf(key, sizeof(key), "\"%s\":", name);
        p = strstr(json, key);
        assert_non_null(p);
        return strtoll(p + strlen(key), NULL, 10);
}

_unused_ static void assert_charged(int64_t amount) {
        assert_int_equal(ledger_figure("charged"), amount);
}

/* A transaction and what was answered: what another one may be about. */
struct booked {
        struct host_request request;
        struct host_answer answer;
};

_unused_ static struct booked book(const struct host_request *q) {
        struct outcome o = exchange(q, LONG);

        assert_int_equal(o.outcome, HOST_ANSWERED);
        if (!streq(o.answer.code, "00"))
                fail_msg("%s is answered %s", host_kind_name(q->kind), o.answer.code);
        return (struct booked){ *q, o.answer };
}

_unused_ static struct host_request about(enum host_kind kind, const struct booked *b, int64_t amount) {
        struct host_request q = request(kind);

        q.batch = b->request.batch;
        q.amount = amount;
        q.currency = 156;
        q.entry = HOST_ENTRY_MANUAL;
        q.original.batch = b->request.batch;
        q.original.stan = b->request.stan;
        memcpy(q.original.rrn, b->answer.rrn, sizeof(q.original.rrn));
        memcpy(q.original.approval, b->answer.approval, sizeof(q.original.approval));
        return q;
}

_unused_ static struct host_request card_request(enum host_kind kind, int64_t amount) {
        struct host_request q = stripe_sale(amount);

        q.kind = kind;
        return q;
}

_unused_ static struct booked booked_sale(int64_t amount) {
        struct host_request q = stripe_sale(amount);

        return book(&q);
}

_unused_ static struct booked booked_preauth(int64_t amount) {
        struct host_request q = card_request(HOST_PREAUTH, amount);

        return book(&q);
}

_unused_ static struct host_request offline_sale(int64_t amount, const char *pan) {
        struct host_request q = request(HOST_OFFLINE_SALE);

        q.amount = amount;
        q.currency = 156;
        q.entry = HOST_ENTRY_MANUAL;
        q.pan = pan;
        q.expiry = "4912";
        q.authorization_code = "123456";
        return q;
}

/* DE55 of a card: what it was asked over, and its cryptogram. */
_unused_ static size_t chip_data(const struct issuer *issuer, int64_t amount, bool right, uint8_t icc[static 255],
                                 uint8_t key[static 16]) {
        struct issuer_data data = {
                .country = { 0x01, 0x56 },
                .currency = { 0x01, 0x56 },
                .date = { 0x26, 0x11, 0x21 },
                .unpredictable = { 1, 2, 3, 4 },
                .aip = { 0x7C, 0x00 },
                .atc = { 0x00, 0x11 },
                .cvr = { 0x03, 0xA0, 0x00, 0x00 },
        };
        char hex[1024], text[2 * sizeof(data) + 1];
        uint8_t ac[8];
        ssize_t n;

        for (int i = 5; i >= 0; i--, amount /= 100)
                data.amount[i] = (uint8_t) (amount / 10 % 10 << 4 | amount % 10);
        assert_int_equal(issuer_card_key(issuer, PAN, 1, key), 0);
        assert_int_equal(issuer_session_key(key, 0x11, key), 0);
        assert_int_equal(issuer_cryptogram(key, &data, sizeof(data), ac), 0);
        if (!right)
                ac[0] ^= 1;

        hex_encode(data.amount, 6, text);
        n = snprintf(
                hex, sizeof(hex),
                "9F0206%s 9F0306000000000000 9F1A020156 95050000000000 5F2A020156 9A03261121 9C0100 9F370401020304"
                "82027C00 9F36020011 9F101307010103A000000000000000000000000000000000 9F270180 9F2608",
                text);
        hex_encode(ac, 8, hex + n);
        n = hex_decode(hex, icc, 255);
        assert_true(n > 0);
        return (size_t) n;
}

static void write_conf(const char *name, const char *profile) {
        FILE *f = fopen(path(name), "we");

        assert_non_null(f);
        fprintf(f, "[acquirer]\nlisten=127.0.0.1:0\nstate=%s\nissuer=tests/sim/issuer/issuer.conf\nprofile=%s\n",
                directory, profile);
        assert_int_equal(fclose(f), 0);
}

static int make_directory(void **state) {
        char command[256];

        log_set_max_level(LOG_CRIT);
        assert_non_null(mkdtemp(directory));
        snprintf(command, sizeof(command), "packaging/till-acquirer-setup %s >/dev/null", directory);
        /* Twice: it must keep what is there. */
        assert_int_equal(system(command), 0);
        assert_int_equal(system(command), 0);

        write_conf("acquirer.conf", "unionpay");
        write_conf("aes.conf", "aes");
        return 0;
}

static int remove_directory(void **state) {
        char command[64];

        snprintf(command, sizeof(command), "rm -r %s", directory);
        return system(command);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)
