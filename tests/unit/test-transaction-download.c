// SPDX-License-Identifier: LGPL-2.1-or-later
/* Parameters and CA keys from the acquirer: taken into use whole, or not at all. */
#include "test.h"

#include <dirent.h>
#include <unistd.h>

#include "chip-fixture.h"
#include "transaction/emv-files.h"

static struct {
        char etc[64], run[64], acquirer[64];
        const char *dirs[EMV_FILES_DIRS_MAX + 1];
        struct emv_terminal terminal;
        struct host_download objects[4];
} set;

/* The package's files and an empty directory for the acquirer's. */
static int setup(void **state) {
        struct emv_files *files;

        log_set_max_level(LOG_EMERG);
        chip_setup(state);
        memset(&set, 0, sizeof(set));
        snprintf(set.etc, sizeof(set.etc), "%s/etc", shop.dir);
        snprintf(set.run, sizeof(set.run), "%s/run", shop.dir);
        snprintf(set.acquirer, sizeof(set.acquirer), "%s/acquirer", shop.dir);
        set.dirs[0] = set.etc;
        set.dirs[1] = set.run;
        set.dirs[EMV_FILES_ACQUIRER] = set.acquirer;
        set.dirs[3] = "packaging/emv.d";
        assert_int_equal(emv_files_load(set.dirs, &shop.settings, &files), 0);
        assert_false(files->unusable);
        emv_files_use(files, &shop.settings, &set.terminal);
        emv_files_free(files);
        shop.terminal = set.terminal;
        shop.engine->config.emv_dirs = set.dirs;
        chip.downloads = set.objects;
        return 0;
}

static void add_tlv(struct host_download *d, uint32_t tag, const void *value, size_t size) {
        assert_int_equal(tlv_append(d->data, sizeof(d->data), &d->size, tag, value, size), 0);
}

static const struct emv_application *find_application(const struct emv_terminal *t, const char *aid) {
        uint8_t wanted[16];
        ssize_t n = hex_decode(aid, wanted, sizeof(wanted));

        for (uint32_t i = 0; i < t->n_applications; i++)
                if (t->applications[i].aid.size == n && memcmp(t->applications[i].aid.data, wanted, (size_t) n) == 0)
                        return t->applications + i;
        return NULL;
}

static struct host_download application(const char *aid, const char *denial) {
        struct host_download d = {};
        uint8_t bytes[16];
        ssize_t n = hex_decode(aid, bytes, sizeof(bytes));

        add_tlv(&d, 0x9F06, bytes, (size_t) n);
        add_tlv(&d, 0xDF01, "\x01", 1);
        add_tlv(&d, 0x9F08, "\x00\x30", 2);
        add_tlv(&d, 0xDF11, "\x01\x02\x03\x04\x05", 5);
        add_tlv(&d, 0xDF12, "\x11\x12\x13\x14\x15", 5);
        assert_int_equal(hex_decode(denial, bytes, sizeof(bytes)), 5);
        add_tlv(&d, 0xDF13, bytes, 5);
        add_tlv(&d, 0x9F1B, "\x00\x00\x27\x10", 4);
        add_tlv(&d, 0xDF15, "\x00\x00\x13\x88", 4);
        add_tlv(&d, 0xDF16, "\x99", 1);
        add_tlv(&d, 0xDF17, "\x25", 1);
        add_tlv(&d, 0xDF14, "\x9F\x37\x04", 3);
        return d;
}

static void finish(const char *kind, enum transaction_result result, const char *reason) {
        chip_start((struct engine_call){ .kind = kind, .currency = "" });
        chip_finish_sale();
        assert_string_equal(transaction_result_to_string(chip.view.record.result),
                            transaction_result_to_string(result));
        assert_string_equal(chip.view.record.reason, reason);
}

/* What the next start of tilld would read. */
static void assert_kept(void) {
        struct emv_files *files;
        struct emv_terminal t;

        assert_int_equal(emv_files_load(set.dirs, &shop.settings, &files), 0);
        assert_false(files->unusable);
        emv_files_use(files, &shop.settings, &t);
        assert_memory_equal(&t, &shop.terminal, sizeof(t));
        emv_files_free(files);
}

static void parameters_come_one_by_one(void **state) {
        const struct emv_application *a;

        set.objects[0] = application("A000000333010101", "0000000001");
        set.objects[0].more = true;
        set.objects[1] = application("A000000333010199", "0000000002");
        chip.n_downloads = 2;
        finish("parameters", RESULT_APPROVED, "");
        assert_int_equal(shop.terminal.n_applications, set.terminal.n_applications + 1);
        a = find_application(&shop.terminal, "A000000333010101");
        assert_non_null(a);
        /* Its name stays, what was given is new. */
        assert_string_equal(a->name, find_application(&set.terminal, "A000000333010101")->name);
        assert_memory_equal(a->tac_default, "\x01\x02\x03\x04\x05", 5);
        assert_memory_equal(a->tac_online, "\x11\x12\x13\x14\x15", 5);
        assert_memory_equal(a->tac_denial, "\x00\x00\x00\x00\x01", 5);
        assert_int_equal(a->floor_limit, 10000);
        assert_int_equal(a->threshold, 5000);
        assert_int_equal(a->target_max, 99);
        assert_int_equal(a->target, 25);
        assert_false(a->partial);
        assert_int_equal(a->n_versions, 1);
        a = find_application(&shop.terminal, "A000000333010199");
        assert_memory_equal(a->tac_denial, "\x00\x00\x00\x00\x02", 5);
        assert_kept();

        /* The next download takes the place of this one. */
        set.objects[0].more = false;
        finish("parameters", RESULT_APPROVED, "");
        assert_int_equal(shop.terminal.n_applications, set.terminal.n_applications);
        assert_kept();
}

static void nothing_to_download_changes_nothing(void **state) {
        chip.n_downloads = 1;
        finish("parameters", RESULT_APPROVED, "");
        assert_memory_equal(&shop.terminal, &set.terminal, sizeof(set.terminal));
        assert_int_equal(access(set.acquirer, F_OK), -1);
}

static void what_cannot_be_read_changes_nothing(void **state) {
        set.objects[0] = application("A000000333010101", "0000000001");
        set.objects[0].more = true;
        add_tlv(set.objects + 1, 0x9F06, "\xA0\x00\x00\x03\x33\x01\x01\x01", 8);
        chip.n_downloads = 2;
        finish("parameters", RESULT_FAILED, "bad-download");
        assert_memory_equal(&shop.terminal, &set.terminal, sizeof(set.terminal));
        assert_int_equal(access(set.acquirer, F_OK), -1);
}

/* Well-formed, but no terminal can work with it. */
static void what_does_not_fit_changes_nothing(void **state) {
        struct emv_terminal before;

        set.objects[0] = application("A000000333010101", "0000000001");
        chip.n_downloads = 1;
        finish("parameters", RESULT_APPROVED, "");
        before = shop.terminal;
        /* Target percentage above the highest one. */
        for (size_t i = 0; i + 3 < set.objects[0].size; i++)
                if (memcmp(set.objects[0].data + i, "\xDF\x16\x01", 3) == 0)
                        set.objects[0].data[i + 3] = 0x01;
        finish("parameters", RESULT_FAILED, "bad-download");
        assert_memory_equal(&shop.terminal, &before, sizeof(before));
        assert_kept();
}

static void a_full_disk_changes_nothing(void **state) {
        set.objects[0] = application("A000000333010101", "0000000001");
        chip.n_downloads = 1;
        set.dirs[EMV_FILES_ACQUIRER] = "/dev/null/acquirer";
        finish("parameters", RESULT_FAILED, "storage");
        assert_memory_equal(&shop.terminal, &set.terminal, sizeof(set.terminal));
}

static struct host_download ca_key(const struct emv_ca_key *k) {
        struct host_download d = {};
        uint8_t exponent = (uint8_t) k->exponent;

        add_tlv(&d, 0x9F06, k->rid, 5);
        add_tlv(&d, 0x9F22, &k->index, 1);
        add_tlv(&d, 0xDF05, "20401231", 8);
        add_tlv(&d, 0xDF02, k->modulus, k->modulus_size);
        add_tlv(&d, 0xDF04, &exponent, 1);
        add_tlv(&d, 0xDF03, k->sha1, 20);
        return d;
}

static const struct emv_ca_key *find_key(uint8_t index) {
        for (uint32_t i = 0; i < shop.terminal.n_ca_keys; i++)
                if (memcmp(shop.terminal.ca_keys[i].rid, "\xA0\x00\x00\x03\x33", 5) == 0 &&
                    shop.terminal.ca_keys[i].index == index)
                        return shop.terminal.ca_keys + i;
        return NULL;
}

/* The simulated cards' CA, which the package does not know. */
static const struct emv_ca_key *test_key(void) {
        static struct message_start start;

        fixture_start(&start);
        for (uint32_t i = 0; i < start.terminal.n_ca_keys; i++)
                if (start.terminal.ca_keys[i].test && start.terminal.ca_keys[i].exponent == 3)
                        return start.terminal.ca_keys + i;
        fail();
        return NULL;
}

static void keys_of_a_test_acquirer_are_test_keys(void **state) {
        const struct emv_ca_key *key = test_key();

        set.objects[0] = ca_key(key);
        chip.n_downloads = 1;
        finish("ca-keys", RESULT_APPROVED, "");
        assert_int_equal(shop.terminal.n_ca_keys, set.terminal.n_ca_keys + 1);
        assert_true(shop.terminal.ca_keys[shop.terminal.n_ca_keys - 1].test);
        assert_kept();
}

/* Who could make a live key a test key would have real cards accepted in a test. */
static void a_live_key_stays_one(void **state) {
        assert_non_null(find_key(2));
        set.objects[0] = ca_key(find_key(2));
        chip.n_downloads = 1;
        finish("ca-keys", RESULT_APPROVED, "");
        assert_false(find_key(2)->test);
}

static void a_wrong_key_is_refused(void **state) {
        set.objects[0] = ca_key(test_key());
        set.objects[0].data[40] ^= 1;
        chip.n_downloads = 1;
        finish("ca-keys", RESULT_FAILED, "bad-download");
        assert_int_equal(shop.terminal.n_ca_keys, set.terminal.n_ca_keys);
}

int main(int argc, char **argv) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test_setup_teardown(parameters_come_one_by_one, setup, chip_teardown),
                cmocka_unit_test_setup_teardown(nothing_to_download_changes_nothing, setup, chip_teardown),
                cmocka_unit_test_setup_teardown(what_cannot_be_read_changes_nothing, setup, chip_teardown),
                cmocka_unit_test_setup_teardown(what_does_not_fit_changes_nothing, setup, chip_teardown),
                cmocka_unit_test_setup_teardown(a_full_disk_changes_nothing, setup, chip_teardown),
                cmocka_unit_test_setup_teardown(keys_of_a_test_acquirer_are_test_keys, setup, chip_teardown),
                cmocka_unit_test_setup_teardown(a_live_key_stays_one, setup, chip_teardown),
                cmocka_unit_test_setup_teardown(a_wrong_key_is_refused, setup, chip_teardown),
        };

        if (streq(argv[0], "card-worker"))
                return be_worker(NULL);
        return cmocka_run_group_tests_name("transaction-download", tests, NULL, NULL);
}
