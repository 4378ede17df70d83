/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* The files of emv.d: read at start, and again when somebody asks what they would give. */

#include "emv/terminal.h"
#include "transaction/settings.h"

/* Directories of a mode, and the place among them of what the acquirer gives, which tilld itself writes. */
#define EMV_FILES_DIRS_MAX 4
#define EMV_FILES_ACQUIRER 2

/* Of each file name the first one counts; a NULL-terminated list, as config_parse_dirs() takes it. */
const char *const *emv_files_dirs_of(enum mode mode) _const_;

#define EMV_FILES_FAULTS_MAX 32

struct emv_files_fault {
        char *path; /* NULL: no line is to blame, something is missing */
        unsigned line;
        char *section, *key;
        const char *reason; /* static */
        bool fatal;         /* tilld does not start with it; otherwise the section is left out */
};

struct emv_files {
        struct emv_terminal terminal; /* with the test keys, and what the settings say */
        bool unusable;                /* there are fatal faults, told below or too many for that */
        size_t n_faults;
        struct emv_files_fault faults[EMV_FILES_FAULTS_MAX]; /* the fatal ones first */
        struct emv_files_line *lines;                        /* where each key of each section was written last */
        size_t n_lines;
};

struct emv_files *emv_files_free(struct emv_files *f);
DEFINE_CLEANUP(struct emv_files *, emv_files_free);

/* Reads and checks. What is wrong with the files is in the result; fails only where they cannot be read at all. */
int emv_files_load(const char *const *dirs, const struct settings *settings, struct emv_files **ret);

/* "/etc/tilld/emv.d/70-mine.conf:12: [ca-key A000000333 0B] sha1: sha1 does not fit the key"; to be freed. */
char *emv_files_fault_text(const struct emv_files_fault *fault);

/* What to do about it, for people. */
const char *emv_files_next_step(const struct emv_files_fault *fault);

/* What tilld works with: without the test keys in live mode. */
void emv_files_use(const struct emv_files *f, const struct settings *settings, struct emv_terminal *ret);
