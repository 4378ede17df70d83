// SPDX-License-Identifier: LGPL-2.1-or-later
/* Opening: first start, damage, wrong key, newer schema, a second process; and disks that fail. */
#include "journal-fixture.h"

#include <openssl/sha.h>
#include <sqlite3.h>
#include <sys/wait.h>

#include "base/hex.h"
#include "journal/batch.h"
#include "journal/internal.h"
#include "journal/migration.h"
#include "journal/print_job.h"
#include "journal/request.h"
#include "journal/verify.h"

static const uint8_t other_key[JOURNAL_KEY_SIZE] = { 3, 2, 1 };

static void first_start(void **state) {
        char log[80];
        struct journal *j = open_good();
        struct stat st;

        assert_int_equal(stat(path, &st), 0);
        assert_int_equal(st.st_mode & 0777, 0600);
        insert(j, "a", JOURNAL_LAZY, 0);
        snprintf(log, sizeof(log), "%s-wal", path);
        assert_int_equal(stat(log, &st), 0);
        assert_int_equal(st.st_mode & 0777, 0600);
        j = journal_close(j);
        assert_int_equal(chmod(path, 0644), 0);
        j = open_good();
        assert_int_equal(stat(path, &st), 0);
        assert_int_equal(st.st_mode & 0777, 0600);
        assert_true(is_there(j, "a"));
        journal_close(j);
        /* A half-made new one of an earlier start is in nobody's way. */
        assert_int_equal(unlink(path), 0);
        snprintf(log, sizeof(log), "%s.new", path);
        assert_int_equal(close(open(log, O_CREAT | O_WRONLY | O_CLOEXEC, 0600)), 0);
        journal_close(open_good());
}

static void wrong_key(void **state) {
        struct journal *j = open_good();
        struct content before;

        j = journal_close(j);
        before = read_all();
        assert_int_equal(try_open(other_key, &j, "another storage key"), -EKEYREJECTED);
        assert_null(j);
        assert_untouched(before);
        journal_close(open_good());
}

static void damaged(void **state) {
        struct journal *j = open_good();
        char reference[32], wal[80], noise[4096];
        struct content before;

        memset(noise, 0xa5, sizeof(noise));
        for (int i = 0; i < 200; i++) {
                snprintf(reference, sizeof(reference), "r%d", i);
                insert(j, reference, JOURNAL_LAZY, 0);
        }
        j = journal_close(j);
        before = read_all();

        /* A page in the middle, the first page, the tail, and all of it. */
        overwrite((off_t) before.size / 2 / 4096 * 4096, noise, sizeof(noise));
        free(before.data);
        before = read_all();
        assert_int_equal(try_open(key, &j, "damaged"), -EBADMSG);
        assert_untouched(before);

        assert_int_equal(truncate(path, 4096 * 3), 0);
        before = read_all();
        assert_int_equal(try_open(key, &j, "Do not delete it"), -EBADMSG);
        assert_untouched(before);

        overwrite(0, noise, sizeof(noise));
        before = read_all();
        assert_int_equal(try_open(key, &j, "damaged"), -EBADMSG);
        assert_untouched(before);

        assert_int_equal(truncate(path, 0), 0);
        assert_int_equal(try_open(key, &j, "it is empty"), -EBADMSG);

        /* A log without its file: a new file must not swallow it. */
        assert_int_equal(unlink(path), 0);
        snprintf(wal, sizeof(wal), "%s-wal", path);
        assert_int_equal(close(open(wal, O_CREAT | O_WRONLY | O_CLOEXEC, 0600)), 0);
        assert_int_equal(try_open(key, &j, "only its -wal file"), -EBADMSG);
        assert_int_equal(access(path, F_OK), -1);
}

/* A log that a crash left beside a damaged file stays, too. */
static void damaged_keeps_its_log(void **state) {
        char noise[4096], copy[256], wal[80];
        struct journal *j = NULL;
        struct stat was, is;
        int status;
        pid_t pid;

        journal_close(open_good());
        pid = fork();
        assert_true(pid >= 0);
        if (pid == 0) {
                insert(open_good(), "in the log", JOURNAL_DURABLE, 0);
                _exit(0);
        }
        assert_int_equal(waitpid(pid, &status, 0), pid);
        assert_int_equal(status, 0);
        snprintf(wal, sizeof(wal), "%s-wal", path);
        assert_int_equal(stat(wal, &was), 0);
        assert_true(was.st_size > 0);
        snprintf(copy, sizeof(copy), "cp %s %s.keep", path, path);
        assert_int_equal(system(copy), 0);
        memset(noise, 0xa5, sizeof(noise));
        assert_int_equal(stat(path, &is), 0);
        for (off_t offset = 4096; offset < is.st_size; offset += 4096)
                overwrite(offset, noise, sizeof(noise));
        assert_int_equal(try_open(key, &j, "damaged"), -EBADMSG);
        assert_int_equal(stat(wal, &is), 0);
        assert_int_equal(is.st_size, was.st_size);
        snprintf(copy, sizeof(copy), "mv %s.keep %s", path, path);
        assert_int_equal(system(copy), 0);
        j = open_good();
        assert_true(is_there(j, "in the log"));
        journal_close(j);
}

static void not_a_journal(void **state) {
        struct journal *j = NULL;
        struct content before;
        sqlite3 *db;

        assert_int_equal(sqlite3_open(path, &db), SQLITE_OK);
        assert_int_equal(sqlite3_exec(db, "CREATE TABLE t (x)", NULL, NULL, NULL), SQLITE_OK);
        assert_int_equal(sqlite3_close(db), SQLITE_OK);
        before = read_all();
        assert_int_equal(try_open(key, &j, "not a tilld journal"), -EBADMSG);
        assert_untouched(before);
        assert_int_equal(unlink(path), 0);
        assert_int_equal(symlink("elsewhere", path), 0);
        assert_true(try_open(key, &j, "") < 0);
        assert_int_equal(unlink(path), 0);
        assert_int_equal(mkdir(path, 0700), 0);
        assert_int_equal(try_open(key, &j, "no regular file"), -EBADMSG);
}

static void newer_schema(void **state) {
        struct journal *j = NULL;
        struct content before;
        sqlite3 *db;

        journal_close(open_good());
        assert_int_equal(sqlite3_open(path, &db), SQLITE_OK);
        assert_int_equal(sqlite3_exec(db, "PRAGMA user_version = 1000", NULL, NULL, NULL), SQLITE_OK);
        assert_int_equal(sqlite3_close(db), SQLITE_OK);
        before = read_all();
        assert_int_equal(try_open(key, &j, "newer tilld"), -EPROTONOSUPPORT);
        assert_untouched(before);
}

static int64_t number(sqlite3 *db, const char *sql) {
        sqlite3_stmt *statement;
        int64_t value;

        assert_int_equal(sqlite3_prepare_v2(db, sql, -1, &statement, NULL), SQLITE_OK);
        assert_int_equal(sqlite3_step(statement), SQLITE_ROW);
        value = sqlite3_column_int64(statement, 0);
        assert_int_equal(sqlite3_finalize(statement), SQLITE_OK);
        return value;
}

static void migrations(void **state) {
        static const char *const steps[] = {
                "CREATE TABLE t (a); INSERT INTO t VALUES (1)",
                "ALTER TABLE t ADD COLUMN b; UPDATE t SET b = a + 1",
                "INSERT INTO t VALUES (3, 4)",
        };
        static const char *const broken[] = { steps[0], steps[1], "DELETE FROM t; INSERT INTO nowhere VALUES (1)" };
        sqlite3 *db;

        assert_int_equal(sqlite3_open(path, &db), SQLITE_OK);
        assert_int_equal(migration_apply(db, steps, 1), 1);
        assert_int_equal(migration_apply(db, steps, 1), 0);
        /* Step 3 fails: step 2 is taken back as well. */
        assert_true(migration_apply(db, broken, 3) < 0);
        assert_int_equal(number(db, "PRAGMA user_version"), 1);
        assert_int_equal(number(db, "SELECT count(*) FROM t"), 1);
        assert_int_equal(number(db, "SELECT count(*) FROM pragma_table_info('t')"), 1);
        assert_int_equal(migration_apply(db, steps, 3), 1);
        assert_int_equal(number(db, "PRAGMA user_version"), 3);
        assert_int_equal(number(db, "SELECT sum(b) FROM t"), 6);
        assert_int_equal(migration_apply(db, steps, 2), -EPROTONOSUPPORT);
        assert_int_equal(sqlite3_close(db), SQLITE_OK);
}

/* What was shipped once is in journals out there: a migration never changes, the next one is added behind it. */
static void frozen(void **state) {
        static const char *const hashes[] = {
                "3786A71E232DBE6B1B865638050027D07EDCD7F67137616CC7072B4DF284B8BE",
                "562E0BCC9382F945EA134029FA3F5CCB9377F74A64F2B5C69547771E62DF8BA7",
                "93C549CA8FCA3192858FAF20115005A17B00A2437951338931112D08A6F74308",
                "00DAD1726D1E4A01633A8C6B755A838FDB7C7038D2B0C80C57C2F6FC2D8197B5",
                "4FE55CFCFE4356652FE5256AEC53C2FDE4E46EBB3D30CB70A9CE77CCBCC1516F",
                "4FC99E93217DF6C8B253DDC7BD87EBF271672692140AFCEB13DCFC6293F11B69",
                "58040B60D116090EDE03A27E0E2EEE9A272267E474FA1C8FB5718D3C0A8A0028",
                "8749B50A2BB8E3DCA1B8C3C001EA813D8BFBEEA794988E15157B3D819D4595D9",
                "777817ED61507964D9342ED7AE1E2C9CE0C03648D5FDF1978DA6538DDB37F453",
                "51AE552BC3B4B819409EB48BB18400246E0B1A47900D63430A3C017BB2C07C4B",
                "FF3AD3075E17A649DB7DAAC8A253B902F42CD5B9F6C18DBA5E7E4F957B118854",
                "F90D84E0B7BF5398D25DC2858AE84A131BD0A95A52A37CC3692F39E6015FEFE3",
                "CAB0ACEB9C2BAB3EF5C8680D7CBE10964A316FB9B32E6D8EFBB2291ABB61823E",
                "12C21EEF98BCD2464A5AB2CC1A92662EC4B051A6FD341A256DC2F4919E6A89B4",
                "4F90665784701CF0DE04BB33D46B477602131F8F76837272A714018D177FC599",
                "7E7F2E354108026D9375EB2D9336B55726FAEA5AEB28CB0A87C8C1AE1FD63945",
                "CB7CCAB36BCDF1782C1D3A97D80C51AC6A336D4937CDFCC342880E8851D021C8",
                "CB8FCA0775D97CDB8F91F359AC9ABEA5FC2BD1AD9D8A5017709864E43AEEEED8",
                "88AFB3880D719C4322298CFFF373948654BDF6EB314AC571E1BBC2E9427E02F4",
                "C11DD780806DE1AC45EC340E2487DB521858036247F9EA7A7400B850833383D3",
                "28030A8F316C1C82A13225EB6E4347AE1186ACA58AD5C59B4FD1A90B5F308A61",
                "6AAC286E63A2EA1BDF87D73C2A9035BA091EEE3D2E3C128B1FCC133185276869",
        };
        uint8_t hash[SHA256_DIGEST_LENGTH];
        char hex[2 * sizeof(hash) + 1];

        assert_int_equal(journal_n_migrations, ELEMENTSOF(hashes));
        for (size_t i = 0; i < ELEMENTSOF(hashes); i++) {
                SHA256((const uint8_t *) journal_migrations[i], strlen(journal_migrations[i]), hash);
                hex_encode(hash, sizeof(hash), hex);
                assert_string_equal(hex, hashes[i]);
        }
}

static void run_sql(sqlite3 *db, const char *format, ...) _printf_(2, 3);
static void run_sql(sqlite3 *db, const char *format, ...) {
        _cleanup_free_ char *sql = NULL;
        va_list ap;

        va_start(ap, format);
        assert_true(vasprintf(&sql, format, ap) > 0);
        va_end(ap);
        if (sqlite3_exec(db, sql, NULL, NULL, NULL) != SQLITE_OK)
                fail_msg("%s: %s", sqlite3_errmsg(db), sql);
}

/* What both schemas have of a table. */
static void copy_table(sqlite3 *db, const char *table) {
        char *columns = NULL;
        sqlite3_stmt *s;

        assert_int_equal(sqlite3_prepare_v2(db,
                                            "SELECT group_concat(a.name) FROM pragma_table_info(?1, 'main') a JOIN "
                                            "pragma_table_info(?1, 'new') b ON a.name = b.name",
                                            -1, &s, NULL),
                         SQLITE_OK);
        assert_int_equal(sqlite3_bind_text(s, 1, table, -1, SQLITE_STATIC), SQLITE_OK);
        assert_int_equal(sqlite3_step(s), SQLITE_ROW);
        columns = strdup((const char *) sqlite3_column_text(s, 0));
        assert_non_null(columns);
        assert_int_equal(sqlite3_finalize(s), SQLITE_OK);
        run_sql(db, "INSERT INTO main.%s (%s) SELECT %s FROM new.%s", table, columns, columns, table);
        free(columns);
}

/* The journal as an older tilld would have written it. Returns how many tables, indexes and triggers the new one has.
 */
static int64_t make_older(size_t version) {
        static const char *const tables[] = {
                "meta", "transactions", "print_jobs", "reversals", "events", "counters"
        };
        char new_path[sizeof(path) + 8];
        int64_t n_objects;
        sqlite3 *db;

        snprintf(new_path, sizeof(new_path), "%s.new", path);
        assert_int_equal(rename(path, new_path), 0);
        assert_int_equal(sqlite3_open(path, &db), SQLITE_OK);
        run_sql(db, "PRAGMA application_id = %d", JOURNAL_APPLICATION_ID);
        assert_int_equal(migration_apply(db, journal_migrations, version), 1);
        run_sql(db, "ATTACH '%s' AS new", new_path);
        for (size_t i = 0; i < ELEMENTSOF(tables); i++)
                copy_table(db, tables[i]);
        n_objects = number(db, "SELECT count(*) FROM new.sqlite_master");
        assert_int_equal(number(db, "PRAGMA main.user_version"), version);
        assert_int_equal(sqlite3_close(db), SQLITE_OK);
        assert_int_equal(unlink(new_path), 0);
        return n_objects;
}

static void insert_papers(struct journal *j, int64_t transaction) {
        struct print_job job = { .transaction = transaction,
                                 .what = "merchant-copy",
                                 .state = PRINT_QUEUED,
                                 .content = (void *) "paper",
                                 .content_size = 5 };
        struct request_record reversal = {
                .transaction = transaction, .reason = "98", .request = (void *) "request", .request_size = 7
        };

        assert_int_equal(journal_begin(j, JOURNAL_DURABLE), 0);
        assert_int_equal(print_job_insert(j, &job), 0);
        assert_int_equal(request_record_insert(j, &reversal), 0);
        assert_int_equal(event_append(j, "started", transaction, NULL), 0);
        assert_int_equal(journal_commit(j), 0);
}

/* A journal of each older schema, with rows that point at each other, is brought forward and goes on. */
static void older_schemas(void **state) {
        for (size_t version = 1; version < journal_n_migrations; version++) {
                _cleanup_(request_record_done) struct request_record reversal = {};
                struct transaction_record record;
                struct journal *j = open_good();
                int64_t seq, n_objects;
                sqlite3 *db;

                insert(j, "a", JOURNAL_DURABLE, 0);
                assert_int_equal(transaction_record_find(j, "a", &record), 0);
                insert_papers(j, record.id);
                journal_close(j);
                n_objects = make_older(version);

                j = open_good();
                assert_int_equal(transaction_record_find(j, "a", &record), 0);
                assert_int_equal(record.print, PRINT_QUEUED);
                assert_int_equal(request_record_load(j, REQUEST_REVERSAL, record.id, &reversal), 0);
                assert_int_equal(event_verify(j, &seq), 0);
                strcpy(record.script_results, "2011223344");
                record.forwarding = FORWARDING_PENDING;
                assert_int_equal(journal_begin(j, JOURNAL_DURABLE), 0);
                assert_int_equal(transaction_record_update(j, &record), 0);
                assert_int_equal(journal_commit(j), 0);
                insert(j, "b", JOURNAL_DURABLE, 0);
                journal_close(j);

                assert_int_equal(sqlite3_open(path, &db), SQLITE_OK);
                assert_int_equal(number(db, "PRAGMA user_version"), journal_n_migrations);
                assert_int_equal(number(db, "SELECT count(*) FROM pragma_foreign_key_check"), 0);
                assert_int_equal(number(db, "SELECT count(*) FROM transactions"), 2);
                /* It is as if it had been made new. */
                assert_int_equal(number(db, "SELECT count(*) FROM sqlite_master"), n_objects);
                assert_int_equal(sqlite3_close(db), SQLITE_OK);
                assert_int_equal(unlink(path), 0);
        }
}

/* The table that is made anew for one word more keeps what was in it. */
static void older_batches(void **state) {
        struct batch_record batch;
        struct journal *j;
        sqlite3 *db;

        journal_close(open_good());
        (void) make_older(9);
        assert_int_equal(sqlite3_open(path, &db), SQLITE_OK);
        run_sql(db, "INSERT INTO batches VALUES (3, 'settled', 'CNY', 'unequal', '0', 5, 6, 7, 8, 9, 10, 11),"
                    " (4, 'frozen', 'USD', 'none', '1', 12, 0, 0, 0, 13, 14, 0)");
        assert_int_equal(sqlite3_close(db), SQLITE_OK);

        j = open_good();
        assert_int_equal(batch_load(j, 3, &batch), 0);
        assert_int_equal(batch.state, BATCH_SETTLED);
        assert_int_equal(batch.reconciliation, BATCH_UNEQUAL);
        assert_string_equal(batch.currency, "CNY");
        assert_string_equal(batch.totals, "0");
        assert_int_equal(batch.settlement, 5);
        assert_int_equal(batch.details_to, 6);
        assert_int_equal(batch.chips_to, 7);
        assert_int_equal(batch.uploaded, 8);
        assert_int_equal(batch.opened_usec, 9);
        assert_int_equal(batch.frozen_usec, 10);
        assert_int_equal(batch.settled_usec, 11);
        assert_int_equal(journal_begin(j, JOURNAL_DURABLE), 0);
        assert_int_equal(batch_update(j, &batch), -EALREADY);
        journal_rollback(j);
        assert_int_equal(batch_load(j, 4, &batch), 0);
        assert_int_equal(batch.state, BATCH_FROZEN);
        assert_string_equal(batch.currency, "USD");
        journal_close(j);
}

static void second_process(void **state) {
        struct journal *j = open_good();
        int status;
        pid_t pid;

        insert(j, "a", JOURNAL_LAZY, 0);
        pid = fork();
        assert_true(pid >= 0);
        if (pid == 0) {
                _cleanup_free_ char *message = NULL;
                struct journal *second;
                int r = journal_open(path, key, &second, &message);

                _exit(r == -EBUSY && message && strstr(message, "another process") ? 0 : 1);
        }
        assert_int_equal(waitpid(pid, &status, 0), pid);
        assert_int_equal(status, 0);
        insert(j, "b", JOURNAL_DURABLE, 0);
        journal_close(j);
}

/* --- a disk that fails: a shim over the operating system's VFS --- */

struct shim_file {
        sqlite3_file base;
        sqlite3_file *real; /* follows in memory */
};

static struct {
        int writes, syncs;         /* seen since armed */
        int fail_write, fail_sync; /* fail this one, counted from 1; 0 never */
        int code;
        bool armed;
} shim;

static sqlite3_vfs *real_vfs;

#define REAL(f) (((struct shim_file *) (f))->real)

static int shim_close(sqlite3_file *f) {
        return REAL(f)->pMethods->xClose(REAL(f));
}
static int shim_read(sqlite3_file *f, void *data, int size, sqlite3_int64 offset) {
        return REAL(f)->pMethods->xRead(REAL(f), data, size, offset);
}
static int shim_write(sqlite3_file *f, const void *data, int size, sqlite3_int64 offset) {
        if (shim.armed && ++shim.writes == shim.fail_write)
                return shim.code;
        return REAL(f)->pMethods->xWrite(REAL(f), data, size, offset);
}
static int shim_truncate(sqlite3_file *f, sqlite3_int64 size) {
        return REAL(f)->pMethods->xTruncate(REAL(f), size);
}
static int shim_sync(sqlite3_file *f, int flags) {
        if (shim.armed && ++shim.syncs == shim.fail_sync)
                return shim.code;
        return REAL(f)->pMethods->xSync(REAL(f), flags);
}
static int shim_size(sqlite3_file *f, sqlite3_int64 *ret) {
        return REAL(f)->pMethods->xFileSize(REAL(f), ret);
}
static int shim_lock(sqlite3_file *f, int level) {
        return REAL(f)->pMethods->xLock(REAL(f), level);
}
static int shim_unlock(sqlite3_file *f, int level) {
        return REAL(f)->pMethods->xUnlock(REAL(f), level);
}
static int shim_reserved(sqlite3_file *f, int *ret) {
        return REAL(f)->pMethods->xCheckReservedLock(REAL(f), ret);
}
static int shim_control(sqlite3_file *f, int op, void *arg) {
        return REAL(f)->pMethods->xFileControl(REAL(f), op, arg);
}
static int shim_sector(sqlite3_file *f) {
        return REAL(f)->pMethods->xSectorSize(REAL(f));
}
static int shim_characteristics(sqlite3_file *f) {
        return REAL(f)->pMethods->xDeviceCharacteristics(REAL(f));
}

static const sqlite3_io_methods shim_methods = {
        .iVersion = 1,
        .xClose = shim_close,
        .xRead = shim_read,
        .xWrite = shim_write,
        .xTruncate = shim_truncate,
        .xSync = shim_sync,
        .xFileSize = shim_size,
        .xLock = shim_lock,
        .xUnlock = shim_unlock,
        .xCheckReservedLock = shim_reserved,
        .xFileControl = shim_control,
        .xSectorSize = shim_sector,
        .xDeviceCharacteristics = shim_characteristics,
};

static int shim_open(sqlite3_vfs *vfs, const char *name, sqlite3_file *f, int flags, int *ret_flags) {
        struct shim_file *file = (struct shim_file *) f;
        int r;

        file->real = (sqlite3_file *) (file + 1);
        r = real_vfs->xOpen(real_vfs, name, file->real, flags, ret_flags);
        file->base.pMethods = file->real->pMethods ? &shim_methods : NULL;
        return r;
}

static int shim_setup(void **state) {
        static sqlite3_vfs vfs;

        real_vfs = sqlite3_vfs_find("unix");
        vfs = *real_vfs;
        vfs.zName = "shim";
        vfs.szOsFile = (int) sizeof(struct shim_file) + real_vfs->szOsFile;
        vfs.xOpen = shim_open;
        shim.armed = false;
        if (sqlite3_vfs_register(&vfs, 1) != SQLITE_OK)
                return -1;
        return setup(state);
}

static int shim_teardown(void **state) {
        shim.armed = false;
        if (sqlite3_vfs_register(real_vfs, 1) != SQLITE_OK)
                return -1;
        return teardown(state);
}

static void arm(int fail_write, int fail_sync, int code) {
        shim.writes = shim.syncs = 0;
        shim.fail_write = fail_write;
        shim.fail_sync = fail_sync;
        shim.code = code;
        shim.armed = true;
}

static void durable_is_synced(void **state) {
        struct journal *j = open_good();

        insert(j, "warm", JOURNAL_DURABLE, 0);
        arm(0, 0, 0);
        insert(j, "lazy", JOURNAL_LAZY, 0);
        assert_int_equal(shim.syncs, 0);
        assert_true(shim.writes > 0);
        insert(j, "durable", JOURNAL_DURABLE, 0);
        assert_int_equal(shim.syncs, 1);
        insert(j, "lazy again", JOURNAL_LAZY, 0);
        assert_int_equal(shim.syncs, 1);
        shim.armed = false;
        journal_close(j);
}

static void full_disk(void **state) {
        struct journal *j = open_good();
        char reference[32];
        int i;

        insert(j, "before", JOURNAL_DURABLE, 0);
        /* Each of the first writes of the commit in turn. */
        for (i = 1; i <= 5; i++) {
                snprintf(reference, sizeof(reference), "full-%d", i);
                arm(i, 0, SQLITE_FULL);
                insert(j, reference, JOURNAL_DURABLE, -ENOSPC);
                assert_false(is_there(j, reference));
                /* There is room again: nothing has to be opened anew. */
                shim.armed = false;
                insert(j, reference, JOURNAL_DURABLE, 0);
        }
        j = journal_close(j);
        j = open_good();
        for (int k = 1; k < i; k++) {
                snprintf(reference, sizeof(reference), "full-%d", k);
                assert_true(is_there(j, reference));
        }
        journal_close(j);
}

static void failed_sync(void **state) {
        struct journal *j = open_good();
        int64_t seq;

        insert(j, "before", JOURNAL_DURABLE, 0);
        insert(j, "lazy", JOURNAL_LAZY, 0);
        arm(0, 1, SQLITE_IOERR_FSYNC);
        insert(j, "lost", JOURNAL_DURABLE, -EIO);
        assert_false(is_there(j, "lost"));
        /* The disk works again, but nobody knows what it holds. */
        shim.armed = false;
        insert(j, "refused", JOURNAL_DURABLE, -EIO);
        assert_int_equal(journal_checkpoint(j), -EIO);
        j = journal_close(j);
        j = open_good();
        assert_true(is_there(j, "before"));
        assert_true(is_there(j, "lazy"));
        assert_false(is_there(j, "refused"));
        insert(j, "after", JOURNAL_DURABLE, 0);
        assert_int_equal(event_verify(j, &seq), 0);
        journal_close(j);
}

static void failed_write(void **state) {
        struct journal *j = open_good();

        insert(j, "before", JOURNAL_DURABLE, 0);
        arm(2, 0, SQLITE_IOERR_WRITE);
        insert(j, "lost", JOURNAL_DURABLE, -EIO);
        shim.armed = false;
        j = journal_close(j);
        j = open_good();
        assert_true(is_there(j, "before"));
        assert_false(is_there(j, "lost"));
        journal_close(j);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test_setup_teardown(first_start, setup, teardown),
                cmocka_unit_test_setup_teardown(wrong_key, setup, teardown),
                cmocka_unit_test_setup_teardown(damaged, setup, teardown),
                cmocka_unit_test_setup_teardown(damaged_keeps_its_log, setup, teardown),
                cmocka_unit_test_setup_teardown(not_a_journal, setup, teardown),
                cmocka_unit_test_setup_teardown(newer_schema, setup, teardown),
                cmocka_unit_test_setup_teardown(migrations, setup, teardown),
                cmocka_unit_test_setup_teardown(older_schemas, setup, teardown),
                cmocka_unit_test_setup_teardown(older_batches, setup, teardown),
                cmocka_unit_test(frozen),
                cmocka_unit_test_setup_teardown(second_process, setup, teardown),
                cmocka_unit_test_setup_teardown(durable_is_synced, shim_setup, shim_teardown),
                cmocka_unit_test_setup_teardown(full_disk, shim_setup, shim_teardown),
                cmocka_unit_test_setup_teardown(failed_sync, shim_setup, shim_teardown),
                cmocka_unit_test_setup_teardown(failed_write, shim_setup, shim_teardown),
        };

        return cmocka_run_group_tests_name("journal-open", tests, NULL, NULL);
}
