// SPDX-License-Identifier: LGPL-2.1-or-later
#include "transaction/emv-files.h"

#include "base/config.h"
#include "base/hex.h"
#include "base/log.h"

#ifndef TILLD_LIBEXECDIR
#define TILLD_LIBEXECDIR "/usr/lib/tilld"
#endif

#define ADMINISTRATOR_DIR "/etc/tilld/emv.d"
#define DIRS(mode)                                                                                                    \
        { ADMINISTRATOR_DIR, "/run/tilld/emv.d", "/var/lib/tilld/emv-" mode ".d", TILLD_LIBEXECDIR "/emv.d", NULL }

/* The administrator's, this boot's, the acquirer's, the package's. What a test acquirer gives is for tests. */
const char *const *emv_files_dirs_of(enum mode mode) {
        static const char *const dirs[_MODE_MAX][EMV_FILES_DIRS_MAX + 1] = {
                [MODE_LIVE] = DIRS("live"),
                [MODE_TEST] = DIRS("test"),
                [MODE_TRAINING] = DIRS("training"),
        };

        return dirs[mode];
}

struct emv_files_line {
        char *path, *section, *key;
        unsigned number;
};

struct emv_files *emv_files_free(struct emv_files *f) {
        if (!f)
                return NULL;
        for (size_t i = 0; i < f->n_faults; i++) {
                free(f->faults[i].path);
                free(f->faults[i].section);
                free(f->faults[i].key);
        }
        for (size_t i = 0; i < f->n_lines; i++) {
                free(f->lines[i].path);
                free(f->lines[i].section);
                free(f->lines[i].key);
        }
        free(f->lines);
        free(f);
        return NULL;
}

static int assign(const char *section, const char *key, const char *value, void *userdata, const char **ret_reason) {
        struct emv_files *f = userdata;

        return emv_terminal_assign(section, key, value, &f->terminal, ret_reason);
}

/* A list of faults is for people: what does not fit any more they see when they have mended the first ones. */
static void add_fault(struct emv_files *f, const char *path, unsigned line, const char *section, const char *key,
                      const char *reason, bool fatal) {
        f->unusable |= fatal;
        if (f->n_faults >= EMV_FILES_FAULTS_MAX)
                return;
        f->faults[f->n_faults++] = (struct emv_files_fault){
                .path = path ? strdup(path) : NULL,
                .line = line,
                .section = strdup(section),
                .key = strdup(key),
                .reason = reason,
                .fatal = fatal,
        };
}

static void add_line(struct emv_files *f, const struct config_line *line) {
        struct emv_files_line *lines = reallocarray(f->lines, f->n_lines + 1, sizeof(*lines));

        if (!lines)
                return;
        f->lines = lines;
        f->lines[f->n_lines++] = (struct emv_files_line){
                .path = strdup(line->path),
                .section = strdup(line->section),
                .key = strdup(line->key),
                .number = line->number,
        };
}

static void observe(const struct config_line *line, void *userdata) {
        struct emv_files *f = userdata;

        if (line->reason)
                add_fault(f, line->path, line->number, line->section, line->key, line->reason, true);
        else if (*line->key)
                add_line(f, line);
}

/* Where a key was written, or with "" any of the section; NULL when it was not. */
static const char *find_line(const struct emv_files *f, const char *section, const char *key, unsigned *ret_line) {
        /* The last one has won. */
        for (size_t i = f->n_lines; i-- > 0;) {
                const struct emv_files_line *l = f->lines + i;

                if (!l->path || !l->section || !l->key || !streq(l->section, section) || (*key && !streq(l->key, key)))
                        continue;
                *ret_line = l->number;
                return l->path;
        }
        return NULL;
}

/* 9F4E takes printable ASCII (ans, Book 3, Annex A1); a name in other letters, or a longer one, is not told. */
static bool is_for_cards(const char *name) {
        for (const char *p = name; *p; p++)
                if (*p < 0x20 || *p > 0x7e)
                        return false;
        return strlen(name) < sizeof(((struct emv_terminal *) NULL)->merchant_name);
}

static void apply_settings(struct emv_terminal *t, const struct settings *s) {
        const char *name = strempty(s->merchant_name);

        (void) snprintf(t->id, sizeof(t->id), "%s", s->terminal_number);
        (void) snprintf(t->merchant_id, sizeof(t->merchant_id), "%s", s->merchant_number);
        (void) snprintf(t->merchant_name, sizeof(t->merchant_name), "%s", is_for_cards(name) ? name : "");
        t->category[0] = bcd_byte(s->merchant_category / 100);
        t->category[1] = bcd_byte(s->merchant_category);
}

static void add_found(struct emv_files *f, const char *section, const char *key, const char *reason, bool fatal) {
        unsigned line = 0;
        const char *path = find_line(f, section, key, &line);

        if (!path)
                path = find_line(f, section, "", &line);
        add_fault(f, path, line, section, key, reason, fatal);
}

static void find_faults(struct emv_files *f) {
        struct emv_fault fault;
        uint32_t i = 0;

        while (emv_terminal_next_fault(&f->terminal, &i, &fault) > 0)
                add_found(f, fault.section, fault.key, fault.reason, true);
}

/* Each is told, but the simulators' package may bring them: without them the terminal is whole. */
static void refuse_test_keys(struct emv_files *f) {
        char section[EMV_SECTION_MAX];

        for (uint32_t i = 0; i < f->terminal.n_ca_keys; i++)
                if (f->terminal.ca_keys[i].test) {
                        emv_ca_key_section(f->terminal.ca_keys + i, section);
                        add_found(f, section, "test", "a test key is refused in live mode", false);
                }
}

int emv_files_load(const char *const *dirs, const struct settings *settings, struct emv_files **ret) {
        _cleanup_(emv_files_freep) struct emv_files *f = calloc(1, sizeof(*f));
        int r;

        if (!f)
                return -ENOMEM;
        emv_terminal_init(&f->terminal);
        r = config_observe_dirs(dirs, assign, observe, f);
        if (r < 0 && r != -EINVAL)
                return r;
        apply_settings(&f->terminal, settings);
        find_faults(f);
        if (settings->mode == MODE_LIVE)
                refuse_test_keys(f);
        *ret = TAKE_PTR(f);
        return 0;
}

char *emv_files_fault_text(const struct emv_files_fault *fault) {
        char where[16] = "", *text;

        if (fault->line > 0)
                (void) snprintf(where, sizeof(where), ":%u", fault->line);
        if (asprintf(&text, "%s%s: [%s]%s%s: %s", fault->path ?: ADMINISTRATOR_DIR, where, fault->section,
                     *fault->key ? " " : "", fault->key, fault->reason) < 0)
                return NULL;
        return text;
}

const char *emv_files_next_step(const struct emv_files_fault *fault) {
        if (!fault->fatal)
                return N_("The terminal works without this key. Remove it, or the package that brings it, till-sim.");
        if (streq(fault->key, "sha1"))
                return N_("Copy modulus, exponent and sha1 of that key anew from the acquirer's list.");
        if (!fault->path)
                return N_("Write the missing section into a file in /etc/tilld/emv.d.");
        return N_("Correct it; a file of that name in /etc/tilld/emv.d replaces a packaged one.");
}

void emv_files_use(const struct emv_files *f, const struct settings *settings, struct emv_terminal *ret) {
        *ret = f->terminal;
        if (settings->mode == MODE_LIVE)
                emv_terminal_drop_test_keys(ret);
}
