/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* A journal in a folder of its own, and rows in it. */

#include "test.h"

#include <fcntl.h>
#include <sys/stat.h>

#include "journal/event.h"
#include "journal/transaction.h"

static const uint8_t key[JOURNAL_KEY_SIZE] = { 1, 2, 3 };
static char dir[] = "/tmp/test-journal-XXXXXX";
static char path[64];

static _unused_ int setup(void **state) {
        strcpy(dir + strlen(dir) - 6, "XXXXXX");
        if (!mkdtemp(dir))
                return -1;
        snprintf(path, sizeof(path), "%s/journal.db", dir);
        return 0;
}

static _unused_ int teardown(void **state) {
        char command[80];

        snprintf(command, sizeof(command), "rm -r %s", dir);
        return system(command);
}

/* Opens; the message must name the file exactly when it fails. */
static _unused_ int try_open(const uint8_t *with, struct journal **ret, const char *expected) {
        _cleanup_free_ char *message = NULL;
        int r = journal_open(path, with, ret, &message);

        if (r < 0) {
                assert_non_null(message);
                assert_non_null(strstr(message, path));
                if (!strstr(strempty(message), expected))
                        fail_msg("\"%s\" is not in \"%s\"", expected, strempty(message));
        } else
                assert_null(message);
        return r;
}

static _unused_ struct journal *open_good(void) {
        struct journal *j = NULL;

        assert_int_equal(try_open(key, &j, ""), 0);
        return j;
}

static _unused_ void insert(struct journal *j, const char *reference, enum journal_durability durability,
                            int expected) {
        struct transaction_record record;
        int r;

        transaction_record_init(&record);
        strcpy(record.reference, reference);
        strcpy(record.kind, "sale");
        record.amount = 1;
        r = journal_begin(j, durability);
        if (r >= 0)
                r = transaction_record_insert(j, &record);
        if (r >= 0)
                r = event_append(j, "insert", record.id, NULL);
        if (r >= 0)
                r = journal_commit(j);
        if (r < 0)
                journal_rollback(j);
        assert_int_equal(r, expected);
}

static _unused_ bool is_there(struct journal *j, const char *reference) {
        struct transaction_record record;
        int r = transaction_record_find(j, reference, &record);

        assert_true(r == 0 || r == -ENOENT);
        return r == 0;
}

struct content {
        char *data;
        size_t size;
};

static _unused_ struct content read_all(void) {
        struct content content = {};
        _cleanup_close_ int fd = open(path, O_RDONLY | O_CLOEXEC);
        struct stat st;

        assert_true(fd >= 0);
        assert_int_equal(fstat(fd, &st), 0);
        content.size = (size_t) st.st_size;
        content.data = malloc(content.size + 1);
        assert_non_null(content.data);
        assert_int_equal(read(fd, content.data, content.size), content.size);
        return content;
}

/* Holds the file against what it was, and frees that. */
static _unused_ void assert_untouched(struct content before) {
        struct content after = read_all();

        assert_int_equal(before.size, after.size);
        assert_memory_equal(before.data, after.data, before.size);
        free(before.data);
        free(after.data);
}

static _unused_ void overwrite(off_t offset, const void *data, size_t size) {
        _cleanup_close_ int fd = open(path, O_WRONLY | O_CLOEXEC);

        assert_true(fd >= 0);
        assert_int_equal(pwrite(fd, data, size, offset), size);
}
