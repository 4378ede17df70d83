// SPDX-License-Identifier: LGPL-2.1-or-later
#include "test.h"

/* The files of emv.d: which of them count, and how one that is wrong is told. */

#include <sys/stat.h>

#include "base/log.h"
#include "transaction/emv-files.h"

struct fixture {
        char root[32];
        char dirs[3][64];
        const char *list[4];
        struct settings settings;
        struct emv_files *files;
};

static int setup(void **state) {
        static const char *const names[] = { "etc", "run", "usr" };
        struct fixture *f = calloc(1, sizeof(*f));

        assert_non_null(f);
        strcpy(f->root, "/tmp/test-emv-files-XXXXXX");
        assert_non_null(mkdtemp(f->root));
        for (size_t i = 0; i < 3; i++) {
                snprintf(f->dirs[i], sizeof(f->dirs[i]), "%s/%s", f->root, names[i]);
                assert_int_equal(mkdir(f->dirs[i], 0700), 0);
                f->list[i] = f->dirs[i];
        }
        f->settings.mode = MODE_TEST;
        strcpy(f->settings.terminal_number, "00000001");
        f->settings.merchant_category = 5411;
        *state = f;
        return 0;
}

static int teardown(void **state) {
        struct fixture *f = *state;
        char command[64];

        emv_files_free(f->files);
        snprintf(command, sizeof(command), "rm -r %s", f->root);
        assert_int_equal(system(command), 0);
        free(f);
        return 0;
}

static void write_file(const struct fixture *f, int dir, const char *name, const char *text) {
        char path[128];
        FILE *file;

        snprintf(path, sizeof(path), "%s/%s", f->dirs[dir], name);
        file = fopen(path, "w");
        assert_non_null(file);
        fputs(text, file);
        fclose(file);
}

static void load(struct fixture *f) {
        f->files = emv_files_free(f->files);
        assert_int_equal(emv_files_load(f->list, &f->settings, &f->files), 0);
}

#define TERMINAL "[terminal]\ncountry=156\nserial=A\n"
#define APPLICATION "[application A000000333010101]\nversions=0030\n"

/* By file name over all directories; of one name only the first directory's; what comes later wins. */
static void order(void **state) {
        struct fixture *f = *state;

        write_file(f, 2, "00-terminal.conf", TERMINAL);
        write_file(f, 2, "10-a.conf", APPLICATION "floor-limit=1\n");
        write_file(f, 2, "30-c.conf", "[application A000000333010101]\nfloor-limit=3\n");
        load(f);
        assert_int_equal(f->files->n_faults, 0);
        assert_int_equal(f->files->terminal.applications[0].floor_limit, 3);

        /* An administrator's file with an earlier name does not win by its directory. */
        write_file(f, 0, "20-mine.conf", "[application A000000333010101]\nfloor-limit=2\n");
        load(f);
        assert_int_equal(f->files->terminal.applications[0].floor_limit, 3);
        write_file(f, 0, "40-mine.conf", "# mine\n[application A000000333010101]\nfloor-limit=4\n");
        load(f);
        assert_int_equal(f->files->terminal.applications[0].floor_limit, 4);
        /* A fault is where the key was written last; of one that nobody has written, where its section was. */
        write_file(f, 0, "50-mine.conf", "# mine\n[application A000000333010101]\nthreshold=5\n");
        load(f);
        assert_int_equal(f->files->n_faults, 1);
        assert_true(strstr(f->files->faults[0].path, "/etc/50-mine.conf"));
        assert_int_equal(f->files->faults[0].line, 3);
        write_file(f, 0, "60-mine.conf", "# mine\n[application A000000333010101]\n\nthreshold=4\ntarget=5\n");
        load(f);
        assert_int_equal(f->files->n_faults, 1);
        assert_string_equal(f->files->faults[0].key, "target-max");
        assert_true(strstr(f->files->faults[0].path, "/etc/60-mine.conf"));
        assert_int_equal(f->files->faults[0].line, 5);

        /* One name: /etc over /run over /usr/lib, whole. */
        write_file(f, 1, "00-terminal.conf", "[terminal]\ncountry=840\n");
        load(f);
        assert_memory_equal(f->files->terminal.country, "\x08\x40", 2);
        assert_string_equal(f->files->terminal.serial, "");
        write_file(f, 0, "00-terminal.conf", "[terminal]\ncountry=392\n");
        load(f);
        assert_memory_equal(f->files->terminal.country, "\x03\x92", 2);

        /* What the settings say is there too. */
        assert_string_equal(f->files->terminal.id, "00000001");
        assert_memory_equal(f->files->terminal.category, "\x54\x11", 2);
}

/* 9F4E is ASCII of at most 40 characters, or nothing. */
static void merchant_name(void **state) {
        static const struct {
                const char *name, *told;
        } cases[] = {
                { "Corner Shop & Co. ~", "Corner Shop & Co. ~" },
                { "0123456789012345678901234567890123456789", "0123456789012345678901234567890123456789" },
                { "01234567890123456789012345678901234567890", "" },
                { "晨光便利店", "" },
                { "Caf\xc3\xa9", "" },
                { "Tab\there", "" },
                { NULL, "" },
        };
        struct fixture *f = *state;

        write_file(f, 2, "00-terminal.conf", TERMINAL);
        for (size_t i = 0; i < ELEMENTSOF(cases); i++) {
                f->settings.merchant_name = (char *) cases[i].name;
                load(f);
                assert_string_equal(f->files->terminal.merchant_name, cases[i].told);
        }
}

static void assert_fault(const struct fixture *f, size_t i, const char *file, const char *text, const char *step) {
        _cleanup_free_ char *got = emv_files_fault_text(f->files->faults + i), *expected = NULL;

        assert_true(i < f->files->n_faults);
        assert_true(asprintf(&expected, "%s%s%s", *file ? f->dirs[2] : "", file, text) >= 0);
        assert_string_equal(got, expected);
        assert_non_null(strstr(emv_files_next_step(f->files->faults + i), step));
}

static void faults(void **state) {
        struct fixture *f = *state;

        write_file(f, 2, "00-terminal.conf", TERMINAL "capabilities=E0F8C8\ncategory=5411\nnonsense\n");
        write_file(f, 2, "10-a.conf",
                   APPLICATION
                   "threshold=5\nddol=9F0206\n"
                   "[application A0000000031010]\nname=x\n"
                   "[ca-key A000000333 01]\nexponent=3\nmodulus=80112233445566778899AABBCCDDEEFF001122334455667788"
                   "99AABBCCDDEEFF00112233445566778899AABBCCDDEEFF00112233445566778899AABBCCDDEEFF\n"
                   "sha1=0102030405060708090A0B0C0D0E0F1011121314\n");
        load(f);
        assert_int_equal(f->files->n_faults, 6);
        assert_fault(f, 0, "/00-terminal.conf", ":5: [terminal] category: unknown key", "Correct it");
        assert_fault(f, 1, "/00-terminal.conf", ":6: [terminal]: neither [section] nor key=value", "Correct it");
        assert_fault(f, 2, "/00-terminal.conf", ":4: [terminal] capabilities: capabilities claim what is not there",
                     "Correct it");
        assert_fault(f, 3, "/10-a.conf",
                     ":3: [application A000000333010101] threshold: threshold is above floor-limit", "Correct");
        assert_fault(f, 4, "/10-a.conf", ":6: [application A0000000031010] versions: no version", "Correct");
        assert_fault(f, 5, "/10-a.conf", ":10: [ca-key A000000333 01] sha1: sha1 does not fit the key",
                     "acquirer's list");

        /* A section that nobody has written has no line. */
        write_file(f, 2, "00-terminal.conf", "");
        write_file(f, 2, "10-a.conf", APPLICATION "ddol=9F0206\n");
        load(f);
        assert_int_equal(f->files->n_faults, 2);
        assert_fault(f, 0, "", "/etc/tilld/emv.d: [terminal] country: no country", "Write the missing section");
        assert_fault(f, 1, "/10-a.conf",
                     ":3: [application A000000333010101] ddol: ddol does not ask for the unpredictable number, 9F37",
                     "Correct");
}

/* Whether the terminal would work with what was read, and how many of its keys are test keys. */
static void assert_used(struct fixture *f, unsigned live, unsigned test) {
        _cleanup_free_ struct emv_terminal *used = malloc(sizeof(*used));
        unsigned n = 0;

        assert_non_null(used);
        assert_false(f->files->unusable);
        emv_files_use(f->files, &f->settings, used);
        for (uint32_t i = 0; i < used->n_ca_keys; i++)
                n += used->ca_keys[i].test;
        assert_int_equal(n, test);
        assert_int_equal(used->n_ca_keys, live + test);
}

/* The simulators' package may be there on a live terminal: each of its keys is refused and told, the others work. */
static void test_keys(void **state) {
        _cleanup_free_ char *text = NULL;
        struct fixture *f = *state;

        f->list[0] = "packaging/emv.d";
        f->list[1] = "tests/sim/cards";
        f->list[2] = NULL;
        load(f);
        assert_int_equal(f->files->n_faults, 0);
        assert_used(f, 17, 12);

        f->settings.mode = MODE_LIVE;
        load(f);
        assert_int_equal(f->files->n_faults, 12);
        text = emv_files_fault_text(f->files->faults);
        assert_string_equal(text, "tests/sim/cards/test-ca.conf:9: [ca-key A000000333 EE] test: "
                                  "a test key is refused in live mode");
        assert_non_null(strstr(emv_files_next_step(f->files->faults), "till-sim"));
        for (size_t i = 0; i < f->files->n_faults; i++) {
                assert_false(f->files->faults[i].fatal);
                assert_string_equal(f->files->faults[i].key, "test");
        }
        assert_used(f, 17, 0);

        /* What is wrong besides keeps a live terminal from starting, and comes first. */
        write_file(f, 0, "zz-mine.conf", "[ca-key A000000333 EE]\nexponent=65537\n");
        f->list[2] = f->dirs[0];
        f->list[3] = NULL;
        load(f);
        assert_true(f->files->unusable);
        assert_int_equal(f->files->n_faults, 1 + 12);
        assert_true(f->files->faults[0].fatal);
        assert_string_equal(f->files->faults[0].key, "sha1");
}

/* More faults than anybody reads: the first ones are told. */
static void many_faults(void **state) {
        struct fixture *f = *state;
        char text[4096] = "[terminal]\n";

        for (int i = 0; i < 100; i++)
                strcat(text, "colour=red\n");
        write_file(f, 2, "00-terminal.conf", text);
        load(f);
        assert_int_equal(f->files->n_faults, EMV_FILES_FAULTS_MAX);

        /* No directory at all is no error of reading, but of what is then missing. */
        f->list[0] = "/nonexistent";
        f->list[1] = NULL;
        load(f);
        assert_int_equal(f->files->n_faults, 1);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test_setup_teardown(order, setup, teardown),
                cmocka_unit_test_setup_teardown(merchant_name, setup, teardown),
                cmocka_unit_test_setup_teardown(faults, setup, teardown),
                cmocka_unit_test_setup_teardown(test_keys, setup, teardown),
                cmocka_unit_test_setup_teardown(many_faults, setup, teardown),
        };

        log_set_max_level(LOG_EMERG);
        return cmocka_run_group_tests_name("transaction: the files of emv.d", tests, NULL, NULL);
}
