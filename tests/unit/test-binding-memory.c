// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * A change of the bound phone while memory is short: each allocation of it fails in turn, those of tilld and those of
 * SQLite. One binding is in force afterwards, the acquirer has the same, and it went on or was rolled back.
 *
 * TILL_MEMORY_POINTS=N looks at every Nth of SQLite's, which are many (default 31).
 */
#include "test.h"

#include <sqlite3.h>
#include <stdlib.h>

void *__real_malloc(size_t size);
void *__wrap_malloc(size_t size);
void *__real_calloc(size_t n, size_t size);
void *__wrap_calloc(size_t n, size_t size);
void *__real_realloc(void *p, size_t size);
void *__wrap_realloc(void *p, size_t size);
void *__real_reallocarray(void *p, size_t n, size_t size);
void *__wrap_reallocarray(void *p, size_t n, size_t size);
char *__real_strdup(const char *text);
char *__wrap_strdup(const char *text);
void *__real_secret_new(size_t size);
void *__wrap_secret_new(size_t size);

/* What the fixture plays has enough. */
#define calloc(n, size) __real_calloc(n, size)
#include "binding-fixture.h"
#include "transaction/export.h"
#undef calloc

/* ---- Memory ---- */

enum whose { TILLD, SQLITE };

static struct {
        bool short_of; /* now */
        enum whose whose;
        unsigned n, fail_at;
} memory;

static bool fails(enum whose whose) {
        if (!memory.short_of || memory.whose != whose || ++memory.n != memory.fail_at)
                return false;
        errno = ENOMEM;
        return true;
}

void *__wrap_malloc(size_t size) {
        return fails(TILLD) ? NULL : __real_malloc(size);
}

void *__wrap_calloc(size_t n, size_t size) {
        return fails(TILLD) ? NULL : __real_calloc(n, size);
}

void *__wrap_realloc(void *p, size_t size) {
        return fails(TILLD) ? NULL : __real_realloc(p, size);
}

void *__wrap_reallocarray(void *p, size_t n, size_t size) {
        return fails(TILLD) ? NULL : __real_reallocarray(p, n, size);
}

char *__wrap_strdup(const char *text) {
        return fails(TILLD) ? NULL : __real_strdup(text);
}

void *__wrap_secret_new(size_t size) {
        return fails(TILLD) ? NULL : __real_secret_new(size);
}

/* An export's are as many as there are records, and all end it alike: each part of it counts as one. */
int __real_export_slice(struct journal *j, void *userdata);
int __wrap_export_slice(struct journal *j, void *userdata);

int __wrap_export_slice(struct journal *j, void *userdata) {
        bool was = memory.short_of;
        int r;

        if (fails(memory.whose))
                return -ENOMEM;
        memory.short_of = false;
        r = __real_export_slice(j, userdata);
        memory.short_of = was;
        return r;
}

static sqlite3_mem_methods sqlite;

static void *sqlite_malloc(int size) {
        return fails(SQLITE) ? NULL : sqlite.xMalloc(size);
}

static void *sqlite_realloc(void *p, int size) {
        return fails(SQLITE) ? NULL : sqlite.xRealloc(p, size);
}

static void watch_sqlite(void) {
        sqlite3_mem_methods watched;

        assert_int_equal(sqlite3_config(SQLITE_CONFIG_GETMALLOC, &sqlite), SQLITE_OK);
        watched = sqlite;
        watched.xMalloc = sqlite_malloc;
        watched.xRealloc = sqlite_realloc;
        assert_int_equal(sqlite3_config(SQLITE_CONFIG_MALLOC, &watched), SQLITE_OK);
}

/* ---- A process that ends itself is started again ---- */

static jmp_buf next_start;

_Noreturn void __wrap_engine_panic(int error, const char *what);

_Noreturn void __wrap_engine_panic(int error, const char *what) {
        memory.short_of = false;
        longjmp(next_start, 1);
}

/* ---- A change ---- */

static void act(void) {
        struct binding_view view = view_of();
        bool out = view.old_tries + view.new_tries > 0;

        for (enum rebind_holder h = REBIND_OLD_PHONE; h <= REBIND_NEW_PHONE; h++) {
                if (view.rebind.step != REBIND_CODES || room->failing || view.sending ||
                    !codes_wants(&room->rebind, h))
                        continue;
                memory.short_of = true;
                (void) (out ? give_right(h) : send_codes());
                memory.short_of = false;
                return;
        }
}

static void walk(const char *phone) {
        memory.short_of = true;
        if (!rebind_is_open(room))
                (void) begin_as(REBIND_CHANGE, phone);
        memory.short_of = false;
        for (int i = 0; i < 4000 && rebind_is_open(room); i++) {
                act();
                pass_pause();
                memory.short_of = true;
                assert_true(sd_event_run(shop.event, 1000) >= 0);
                memory.short_of = false;
        }
        assert_false(rebind_is_open(room));
}

/* Returns whether there were so many. */
static bool walk_short(enum whose whose, unsigned fail_at, const char *phone) {
        pass(25 * 60 * MINUTE);
        memset(&post, 0, sizeof(post));
        acq.n_told = 0;
        memory.whose = whose;
        memory.n = 0;
        memory.fail_at = fail_at;
        if (setjmp(next_start) != 0)
                room_restart();
        walk(phone);
        return memory.n >= fail_at;
}

static void memory_is_short(enum whose whose, unsigned step) {
        const char *bound = OLD;
        unsigned committed = 0, rolled_back = 0;

        bind_first(OLD);
        for (unsigned at = 1;; at += step) {
                const char *other = streq(bound, OLD) ? NEW : OLD;
                int64_t before = room->rebind.id;
                bool reached = walk_short(whose, at, other);

                if (room->rebind.id == before) {
                        /* With all the memory that it asks for it begins. */
                        assert_true(reached);
                        continue;
                }
                if (room->rebind.step == REBIND_COMMITTED) {
                        committed++;
                        bound = other;
                } else {
                        rolled_back++;
                        assert_non_null(reason_message(room->rebind.reason));
                }
                assert_bound(bound);
                if (!reached)
                        break;
        }
        print_message("%u committed, %u rolled back\n", committed, rolled_back);
        assert_true(committed > 1 && rolled_back > 3);
}

static void memory_of_tilld(void **state) {
        memory_is_short(TILLD, 1);
}

static void memory_of_sqlite(void **state) {
        const char *points = getenv("TILL_MEMORY_POINTS");

        memory_is_short(SQLITE, points ? (unsigned) atoi(points) : 31);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test_setup_teardown(memory_of_tilld, room_setup, room_teardown),
                cmocka_unit_test_setup_teardown(memory_of_sqlite, room_setup, room_teardown),
        };

        watch_sqlite();
        return cmocka_run_group_tests_name("binding-memory", tests, NULL, NULL);
}
