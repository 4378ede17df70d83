// SPDX-License-Identifier: LGPL-2.1-or-later
/* What a disk does to a journal: a damaged log or page in a large file, no room, no right to write. */
#include "journal-fixture.h"

#include <sched.h>
#include <sys/mount.h>
#include <sys/wait.h>

#include "journal/print_job.h"
#include "journal/wal.h"

#define PAGE 4096
#define FRAME (24 + PAGE)
#define LOG_HEADER 32

/* Ends without closing, as a crash does: the log stays. */
static void crash_after(unsigned commits) {
        int status;
        pid_t pid = fork();

        assert_true(pid >= 0);
        if (pid == 0) {
                struct journal *j = open_good();
                char reference[16];

                for (unsigned i = 0; i < commits; i++) {
                        snprintf(reference, sizeof(reference), "c%u", i);
                        insert(j, reference, JOURNAL_DURABLE, 0);
                }
                _exit(0);
        }
        assert_int_equal(waitpid(pid, &status, 0), pid);
        assert_int_equal(status, 0);
}

static void log_name(char name[static 80], const char *suffix) {
        snprintf(name, 80, "%s-wal%s", path, suffix);
}

static void write_log(off_t offset, const void *data, size_t size) {
        _cleanup_close_ int fd = -EBADF;
        char name[80];

        log_name(name, "");
        fd = open(name, O_WRONLY | O_CLOEXEC);
        assert_true(fd >= 0);
        assert_int_equal(pwrite(fd, data, size, offset), size);
}

static void log_is_read_first(void **state) {
        struct wal_report report;
        struct journal *j = open_good();

        assert_false(journal_was_cut_off(j));
        j = journal_close(j);
        crash_after(10);
        assert_int_equal(wal_inspect(path, &report), 0);
        assert_true(report.frames > 20);
        assert_int_equal(report.behind, 0);
        j = open_good();
        assert_true(journal_was_cut_off(j));
        assert_int_equal(journal_lost_frames(j), 0);
        assert_true(is_there(j, "c9"));
        journal_close(j);
        j = open_good();
        assert_false(journal_was_cut_off(j));
        journal_close(j);
}

static void log_is_cut(void **state) {
        struct wal_report whole, cut;
        struct journal *j = open_good();
        char name[80];
        struct stat st;

        journal_close(j);
        crash_after(10);
        assert_int_equal(wal_inspect(path, &whole), 0);
        /* One bit, in the middle. */
        write_log(LOG_HEADER + (off_t) (whole.frames / 2) * FRAME + 1000, "\1", 1);
        assert_int_equal(wal_inspect(path, &cut), 0);
        assert_int_equal(cut.frames, whole.frames / 2);
        assert_int_equal(cut.behind, whole.frames - whole.frames / 2 - 1);

        /* It may have been a power cut: what is whole is used, and nothing is thrown away. */
        j = open_good();
        assert_int_equal(journal_lost_frames(j), cut.behind);
        assert_true(is_there(j, "c1"));
        assert_false(is_there(j, "c9"));
        journal_close(j);
        log_name(name, ".cut");
        assert_int_equal(stat(name, &st), 0);
        assert_int_equal(st.st_size, LOG_HEADER + (off_t) whole.frames * FRAME);
        assert_int_equal(st.st_mode & 0777, 0600);
}

static void torn_tail(void **state) {
        struct wal_report whole, torn;
        struct journal *j;
        char name[80];

        journal_close(open_good());
        crash_after(3);
        assert_int_equal(wal_inspect(path, &whole), 0);
        log_name(name, "");
        assert_int_equal(truncate(name, LOG_HEADER + (off_t) whole.frames * FRAME - 100), 0);
        assert_int_equal(wal_inspect(path, &torn), 0);
        assert_int_equal(torn.frames, whole.frames - 1);
        assert_int_equal(torn.behind, 0);
        j = open_good();
        assert_true(is_there(j, "c1"));
        assert_false(is_there(j, "c2"));
        journal_close(j);
}

/* Without its header SQLite would leave out the whole log. */
static void log_without_header(void **state) {
        static const off_t places[] = { 0, 5, 9, 17, 25 };
        struct journal *j = NULL;
        struct content before;
        char name[80];
        struct stat was, is;

        journal_close(open_good());
        crash_after(3);
        before = read_all();
        log_name(name, "");
        assert_int_equal(stat(name, &was), 0);
        for (size_t i = 0; i < ELEMENTSOF(places); i++) {
                _cleanup_close_ int fd = open(name, O_RDONLY | O_CLOEXEC);
                uint8_t byte, other;

                assert_int_equal(pread(fd, &byte, 1, places[i]), 1);
                other = byte ^ 0x40;
                write_log(places[i], &other, 1);
                assert_int_equal(try_open(key, &j, "does not begin as one"), -EBADMSG);
                write_log(places[i], &byte, 1);
        }
        assert_int_equal(stat(name, &is), 0);
        assert_int_equal(is.st_size, was.st_size);
        assert_untouched(before);
        j = open_good();
        assert_true(is_there(j, "c2"));
        journal_close(j);
}

/* ---- A file that is not checked whole ---- */

static void add_paper(struct journal *j) {
        static char slip[PRINT_JOB_CONTENT_MAX];
        struct print_job job = { .what = "merchant-copy", .content = slip, .content_size = sizeof(slip) };

        assert_int_equal(journal_begin(j, JOURNAL_LAZY), 0);
        assert_int_equal(print_job_insert(j, &job), 0);
        assert_int_equal(journal_commit(j), 0);
}

static void add_finished(struct journal *j, const char *reference) {
        struct transaction_record record;

        transaction_record_init(&record);
        COPY(record.reference, reference);
        COPY(record.kind, "sale");
        record.state = TRANSACTION_DONE;
        record.result = RESULT_FAILED;
        assert_int_equal(journal_begin(j, JOURNAL_LAZY), 0);
        assert_int_equal(transaction_record_insert(j, &record), 0);
        assert_int_equal(journal_commit(j), 0);
}

/* 20 MiB of papers between old transactions and new ones. */
static void make_large(void) {
        struct journal *j = open_good();
        char reference[32];

        for (int i = 0; i < 320; i++) {
                snprintf(reference, sizeof(reference), i < 160 ? "old-%d" : "new-%d", i);
                add_finished(j, reference);
                add_paper(j);
        }
        journal_close(j);
}

/* The page of the file on which a text stands. */
static off_t page_of(const char *text, bool last) {
        struct content content = read_all();
        char *at = NULL, *p = content.data;
        off_t page;

        while ((p = memmem(p, content.size - (size_t) (p - content.data), text, strlen(text)))) {
                at = p++;
                if (!last)
                        break;
        }
        assert_non_null(at);
        page = (at - content.data) / PAGE * PAGE;
        free(content.data);
        return page;
}

static void large_new_damage(void **state) {
        char noise[PAGE];
        struct journal *j = NULL;
        struct content before;

        make_large();
        memset(noise, 0xa5, sizeof(noise));
        overwrite(page_of("new-319sale", true), noise, sizeof(noise));
        before = read_all();
        assert_int_equal(try_open(key, &j, "its pages do not fit together"), -EBADMSG);
        assert_untouched(before);
}

/* It starts, the row is never taken for missing, and once somebody has seen it, it does not start again. */
static void large_old_damage(void **state) {
        struct transaction_record record;
        char noise[PAGE];
        struct journal *j;
        struct content before;

        make_large();
        memset(noise, 0xa5, sizeof(noise));
        overwrite(page_of("old-3sale", false), noise, sizeof(noise));
        j = open_good();
        assert_int_equal(transaction_record_load(j, 3, &record), -EBADMSG);
        assert_true(is_there(j, "new-319"));
        assert_int_equal(journal_suspect(j), 0);
        journal_close(j);
        before = read_all();
        for (int i = 0; i < 2; i++)
                assert_int_equal(try_open(key, &j, "its pages do not fit together"), -EBADMSG);
        assert_untouched(before);
}

static void false_suspicion(void **state) {
        char mark[80];
        struct journal *j;

        make_large();
        j = open_good();
        assert_int_equal(journal_suspect(j), 0);
        journal_close(j);
        snprintf(mark, sizeof(mark), "%s.suspect", path);
        assert_int_equal(access(mark, F_OK), 0);
        j = open_good();
        assert_int_equal(access(mark, F_OK), -1);
        journal_close(j);
}

/* ---- Without room, without the right: in a mount namespace, so that it is the kernel that says no ---- */

static int enter_namespace(void) {
        uid_t uid = getuid();

        if (unshare(CLONE_NEWNS | (uid == 0 ? 0 : CLONE_NEWUSER)) < 0)
                return -errno;
        return mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) < 0 ? -errno : 0;
}

/* Runs body where dir is a file system of that size. Returns false where the kernel does not allow it. */
static bool on_disk(const char *options, void (*body)(void)) {
        int status;
        pid_t pid = fork();

        assert_true(pid >= 0);
        if (pid == 0) {
                if (enter_namespace() < 0 || mount("tmpfs", dir, "tmpfs", 0, options) < 0)
                        _exit(77);
                body();
                _exit(0);
        }
        assert_int_equal(waitpid(pid, &status, 0), pid);
        assert_true(WIFEXITED(status));
        if (WEXITSTATUS(status) == 77)
                return false;
        assert_int_equal(WEXITSTATUS(status), 0);
        return true;
}

/* A child cannot use cmocka's assertions. */
static void want(bool good, const char *text) {
        if (good)
                return;
        fprintf(stderr, "%s\n", text);
        _exit(1);
}

static void want_refused(int error, const char *words) {
        struct journal *j = NULL;
        char *message = NULL;
        int r = journal_open(path, key, &j, &message);

        want(r == error, strerror(-r));
        want(message && strstr(message, words) && strstr(message, path), strna(message));
        free(message);
}

static void too_small(void) {
        char name[80];

        want_refused(-ENOSPC, "Make room");
        /* Nothing half-made stands in its place. */
        want(access(path, F_OK) < 0, "a file is left");
        snprintf(name, sizeof(name), "%s.new", path);
        (void) unlink(name);
}

static void no_room_for_the_first_start(void **state) {
        if (!on_disk("size=32k", too_small))
                skip();
}

static int try_insert(struct journal *j, const char *reference) {
        struct transaction_record record;
        int r;

        transaction_record_init(&record);
        COPY(record.reference, reference);
        COPY(record.kind, "sale");
        r = journal_begin(j, JOURNAL_DURABLE);
        if (r >= 0)
                r = transaction_record_insert(j, &record);
        if (r >= 0)
                r = journal_commit(j);
        journal_rollback(j);
        return r;
}

static void filled_up(void) {
        struct journal *j = NULL;
        char name[80], reference[16], zeros[4096] = {};
        unsigned written = 0;
        int fd, r;

        want(journal_open(path, key, &j, NULL) == 0, "it does not open");
        snprintf(name, sizeof(name), "%s/filler", dir);
        fd = open(name, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
        while (write(fd, zeros, sizeof(zeros)) > 0)
                ;
        (void) close(fd);
        do {
                snprintf(reference, sizeof(reference), "f%u", written);
                r = try_insert(j, reference);
        } while (r == 0 && ++written < 1000);
        want(r == -ENOSPC, strerror(-r));
        journal_close(j);
        /* On the disk that is still full, all that was written is there, and a start is possible. */
        want(journal_open(path, key, &j, NULL) == 0, "it does not open again");
        for (unsigned i = 0; i < written; i++) {
                snprintf(reference, sizeof(reference), "f%u", i);
                want(is_there(j, reference), reference);
        }
        snprintf(reference, sizeof(reference), "f%u", written);
        want(!is_there(j, reference), "the refused one is there");
        (void) unlink(name);
        r = try_insert(j, reference);
        want(r == 0, strerror(-r));
        journal_close(j);
}

static void room_runs_out(void **state) {
        if (!on_disk("size=2m", filled_up))
                skip();
}

static void read_only(void) {
        struct journal *j = NULL;

        want(journal_open(path, key, &j, NULL) == 0, "it does not open");
        want(try_insert(j, "before") == 0, "before");
        journal_close(j);
        want(mount(NULL, dir, NULL, MS_REMOUNT | MS_RDONLY, NULL) == 0, "remount");
        want_refused(-EROFS, "mount it read-write");
        want(mount(NULL, dir, NULL, MS_REMOUNT, NULL) == 0, "remount");
        want(journal_open(path, key, &j, NULL) == 0, "it does not open again");
        want(is_there(j, "before"), "a row is lost");
        journal_close(j);
}

static void read_only_disk(void **state) {
        if (!on_disk("size=2m", read_only))
                skip();
}

/* As nobody, for whom root's rights are not. */
static void as_nobody(void (*body)(void)) {
        int status;
        pid_t pid = fork();

        assert_true(pid >= 0);
        if (pid == 0) {
                if (geteuid() == 0 && setresuid(65534, 65534, 65534) < 0)
                        _exit(2);
                body();
                _exit(0);
        }
        assert_int_equal(waitpid(pid, &status, 0), pid);
        assert_true(WIFEXITED(status));
        assert_int_equal(WEXITSTATUS(status), 0);
}

static void foreign(void) {
        want_refused(-EACCES, "chown -R tilld:");
}

static void no_right_to_write(void **state) {
        struct content before;

        journal_close(open_good());
        before = read_all();
        /* The folder, then the file. */
        assert_int_equal(chmod(path, 0666), 0);
        assert_int_equal(chmod(dir, 0555), 0);
        as_nobody(foreign);
        assert_int_equal(chmod(dir, 0777), 0);
        assert_int_equal(chmod(path, 0444), 0);
        as_nobody(foreign);
        assert_int_equal(chmod(path, 0600), 0);
        assert_untouched(before);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test_setup_teardown(log_is_read_first, setup, teardown),
                cmocka_unit_test_setup_teardown(log_is_cut, setup, teardown),
                cmocka_unit_test_setup_teardown(torn_tail, setup, teardown),
                cmocka_unit_test_setup_teardown(log_without_header, setup, teardown),
                cmocka_unit_test_setup_teardown(large_new_damage, setup, teardown),
                cmocka_unit_test_setup_teardown(large_old_damage, setup, teardown),
                cmocka_unit_test_setup_teardown(false_suspicion, setup, teardown),
                cmocka_unit_test_setup_teardown(no_room_for_the_first_start, setup, teardown),
                cmocka_unit_test_setup_teardown(room_runs_out, setup, teardown),
                cmocka_unit_test_setup_teardown(read_only_disk, setup, teardown),
                cmocka_unit_test_setup_teardown(no_right_to_write, setup, teardown),
        };

        return cmocka_run_group_tests_name("journal-disk", tests, NULL, NULL);
}
