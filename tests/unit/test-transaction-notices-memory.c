// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * The queue of notices where memory is short: each allocation of the tree, of SQLite and of OpenSSL fails in its turn,
 * alone or with those that come after it. No notice is lost, none is sent twice, and tilld goes on.
 */
#include "test.h"

#include <openssl/crypto.h>

#include "base/secret.h"
#include "notices-fixture.h"

static struct {
        unsigned left;   /* allocations until one fails, 0: none does */
        bool of_library; /* those of SQLite and OpenSSL; else the tree's own */
        bool all;        /* and those that come after it, too */
        bool failed;
} shortage;

static bool fails(bool of_library) {
        if (of_library != shortage.of_library || shortage.left == 0 || --shortage.left > 0)
                return false;
        shortage.failed = true;
        shortage.left = shortage.all;
        return true;
}

void *__real_malloc(size_t size);
void *__wrap_malloc(size_t size);
void *__wrap_malloc(size_t size) {
        return fails(false) ? NULL : __real_malloc(size);
}

void *__real_calloc(size_t n, size_t size);
void *__wrap_calloc(size_t n, size_t size);
void *__wrap_calloc(size_t n, size_t size) {
        return fails(false) ? NULL : __real_calloc(n, size);
}

void *__real_reallocarray(void *p, size_t n, size_t size);
void *__wrap_reallocarray(void *p, size_t n, size_t size);
void *__wrap_reallocarray(void *p, size_t n, size_t size) {
        return fails(false) ? NULL : __real_reallocarray(p, n, size);
}

void *__real_secret_new(size_t size);
void *__wrap_secret_new(size_t size);
void *__wrap_secret_new(size_t size) {
        return fails(false) ? NULL : __real_secret_new(size);
}

static void *openssl_malloc(size_t size, const char *file, int line) {
        return fails(true) ? NULL : __real_malloc(size);
}

static void *openssl_realloc(void *p, size_t size, const char *file, int line) {
        return fails(true) ? NULL : realloc(p, size);
}

static void openssl_free(void *p, const char *file, int line) {
        free(p);
}

static sqlite3_mem_methods sqlite_memory;

static void *sqlite_malloc(int size) {
        return fails(true) ? NULL : sqlite_memory.xMalloc(size);
}

static void *sqlite_realloc(void *p, int size) {
        return fails(true) ? NULL : sqlite_memory.xRealloc(p, size);
}

void __wrap_engine_panic(int error, const char *what);
void __wrap_engine_panic(int error, const char *what) {
        shortage.left = 0;
        fail_msg("tilld ends: %s: %s", what, strerror(-error));
        abort();
}

/* From a start on, so that no statement is ready: what f does with the n-th allocation failing. Whether one did. */
static bool run_short_of(unsigned n, void (*f)(void)) {
        stop_tilld();
        start_tilld();
        run();
        channels.n = 0;
        shortage.failed = false;
        shortage.left = n;
        f();
        shortage.left = 0;
        return shortage.failed;
}

static void assert_all_delivered(unsigned n) {
        for (unsigned i = 0; i < 5 && notice_record_count_queued(shop.journal) > 0; i++) {
                notices_kick(shop.engine->notices);
                run();
                pass(5 * MINUTE);
        }
        assert_int_equal(notice_record_count_queued(shop.journal), 0);
        assert_int_equal(channels.n, n);
}

static unsigned try_some(unsigned step, void (*prepare)(void), void (*f)(void), void (*judge)(void)) {
        bool failed = true;
        unsigned n = 1;

        for (; failed; n += step) {
                prepare();
                failed = run_short_of(n, f);
                judge();
        }
        return n;
}

/* Of the libraries' many each third alone, and each seventeenth with those after it. */
static void try_each(void (*prepare)(void), void (*f)(void), void (*judge)(void)) {
        bind_phone(PHONE);
        enrol(CONTACT_PHONE, "wang@example.com", "mail", "en");
        for (unsigned all = 0; all < 2; all++) {
                shortage.all = all > 0;
                shortage.of_library = false;
                assert_true(try_some(1, prepare, f, judge) > 2);
                shortage.of_library = true;
                assert_true(try_some(all ? 17 : 3, prepare, f, judge) > 20);
        }
}

/* ---- Sending ---- */

static void queue_some(void) {
        running = 1;
        add_order("ORDER-1");
        assert_int_equal(queue(&locked, NOTICE_TO_ALL), 2);
}

static void send_all(void) {
        running = 0;
        notices_kick(shop.engine->notices);
        run();
}

static void each_went_out_once(void) {
        assert_all_delivered(3);
}

static void sending(void **state) {
        try_each(queue_some, send_all, each_went_out_once);
}

/* ---- Adding ---- */

static void nothing(void) {
}

static int added;

static void add_some(void) {
        added = journal_begin(shop.journal, JOURNAL_DURABLE);
        if (added < 0)
                return;
        added = notices_add(shop.engine->notices, &locked, NOTICE_TO_ALL);
        if (added >= 0 && journal_commit(shop.journal) < 0)
                added = -ENOMEM;
        if (added < 0)
                journal_rollback(shop.journal);
}

/* All or nothing: whoever adds knows. */
static void all_or_nothing(void) {
        if (added != 2)
                assert_int_equal(added, -ENOMEM);
        assert_all_delivered(added < 0 ? 0 : 2);
}

static void adding(void **state) {
        try_each(nothing, add_some, all_or_nothing);
}

/* ---- Now ---- */

static int started;

static void send_code(void) {
        struct notices_now *n = NULL;

        memset(&now, 0, sizeof(now));
        started = notices_send_now(shop.engine->notices, &code, OTHER_PHONE, now_done, NULL, &n);
        run();
        notices_now_free(n);
}

static void said_or_sent(void) {
        if (started < 0)
                assert_int_equal(started, -ENOMEM);
        assert_int_equal(now.calls, started >= 0);
        assert_int_equal(channels.n, started >= 0);
}

static void a_code(void **state) {
        try_each(nothing, send_code, said_or_sent);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                NOTICES_TEST(sending),
                NOTICES_TEST(adding),
                NOTICES_TEST(a_code),
        };
        sqlite3_mem_methods failing;

        if (CRYPTO_set_mem_functions(openssl_malloc, openssl_realloc, openssl_free) != 1 ||
            sqlite3_config(SQLITE_CONFIG_GETMALLOC, &sqlite_memory) != SQLITE_OK)
                return EXIT_FAILURE;
        failing = sqlite_memory;
        failing.xMalloc = sqlite_malloc;
        failing.xRealloc = sqlite_realloc;
        if (sqlite3_config(SQLITE_CONFIG_MALLOC, &failing) != SQLITE_OK)
                return EXIT_FAILURE;
        return cmocka_run_group_tests_name("transaction-notices-memory", tests, NULL, NULL);
}
