/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* tillctl in English and in Chinese: the catalog that was built, where it is looked for. */

#include <ftw.h>
#include <libintl.h>
#include <locale.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static char language_directory[] = "/tmp/test-language-XXXXXX";

static int language_set_up(void **state) {
        char program[256] = "", catalog[320], path[320];

        assert_true(readlink("/proc/self/exe", program, sizeof(program) - 1) > 0);
        *strrchr(program, '/') = '\0';
        snprintf(catalog, sizeof(catalog), "%s/../po/zh_CN.mo", program);
        assert_int_equal(access(catalog, R_OK), 0);
        assert_non_null(mkdtemp(language_directory));
        for (const char *const *p = (const char *const[]){ "", "/zh_CN", "/zh_CN/LC_MESSAGES", NULL }; *++p;) {
                snprintf(path, sizeof(path), "%s%s", language_directory, *p);
                assert_int_equal(mkdir(path, 0700), 0);
        }
        snprintf(path, sizeof(path), "%s/zh_CN/LC_MESSAGES/tilld.mo", language_directory);
        assert_int_equal(symlink(catalog, path), 0);
        assert_non_null(bindtextdomain("tilld", language_directory));
        assert_non_null(textdomain("tilld"));
        return 0;
}

static int language_forget(const char *path, const struct stat *st, int type, struct FTW *ftw) {
        return remove(path);
}

static int language_tear_down(void **state) {
        return nftw(language_directory, language_forget, 8, FTW_DEPTH | FTW_PHYS);
}

/* "en" or "zh_CN"; noticed when the locale is set. */
static void language_speak(const char *language) {
        assert_int_equal(setenv("LANGUAGE", language, 1), 0);
        assert_non_null(setlocale(LC_ALL, "C.UTF-8"));
}
