// SPDX-License-Identifier: LGPL-2.1-or-later
/* What till-verify does by itself: packages of a system in a folder, and what a module's file says of itself. */
#include "test.h"

#include <elf.h>
#include <openssl/cms.h>
#include <openssl/pem.h>
#include <sys/stat.h>

#include "helpers/till-verify/verify.h"

static char root[64];

static void write_file(const char *path, const char *text) {
        char full[512], command[640];
        FILE *f;

        snprintf(full, sizeof(full), "%s%s", root, path);
        snprintf(command, sizeof(command), "mkdir -p \"$(dirname '%s')\"", full);
        assert_int_equal(system(command), 0);
        f = fopen(full, "we");
        assert_non_null(f);
        assert_true(fputs(text, f) >= 0);
        assert_int_equal(fclose(f), 0);
}

#define MD5_A "0cc175b9c0f1b6a831c399e269772661" /* of "a" */

static int setup(void **state) {
        strcpy(root, "/tmp/till-verify-XXXXXX");
        return mkdtemp(root) ? 0 : -1;
}

static int teardown(void **state) {
        char command[256];

        snprintf(command, sizeof(command), "chmod -R u+rwx %s; rm -rf %s", root, root);
        return system(command);
}

/* As dpkg has it, with another package before and behind. */
static void install(void) {
        write_file("/var/lib/dpkg/status",
                   "Package: apt\nStatus: install ok installed\nVersion: 1\nConffiles:\n"
                   " /etc/apt.conf " MD5_A "\n\n"
                   "Package: tilld\nStatus: install ok installed\nVersion: 0.1.0-1\nConffiles:\n"
                   " /etc/tilld/tilld.conf " MD5_A "\n /etc/tilld/notify.conf " MD5_A "\nDescription: a\n b\n\n"
                   "Package: till-sim\nStatus: deinstall ok config-files\nVersion: 0.1.0-1\n\n"
                   "Package: zsh\nStatus: install ok installed\nVersion: 2\n");
        write_file("/var/lib/dpkg/info/tilld.md5sums", MD5_A
                   "  usr/bin/tillctl\n" MD5_A "  usr/lib/tilld/tilld\n" MD5_A "  usr/share/doc/tilld/copyright\n");
        write_file("/usr/bin/tillctl", "a");
        write_file("/usr/lib/tilld/tilld", "a");
        write_file("/usr/share/doc/tilld/copyright", "a");
        write_file("/etc/tilld/tilld.conf", "a");
        write_file("/etc/tilld/notify.conf", "a");
}

static void assert_packages(const char *expected) {
        cJSON *document = cJSON_CreateObject();
        char *text;

        assert_int_equal(verify_packages(root, document), 0);
        text = cJSON_PrintUnformatted(document);
        assert_string_equal(text, expected);
        free(text);
        cJSON_Delete(document);
}

#define DOCUMENT(lists, rest)                                                                                         \
        "{\"Packages\":[{\"Package\":\"tilld\"," lists ",\"Version\":\"0.1.0-1\"," rest "}],\"Manager\":\"dpkg\"}"
#define LISTS(changed, missing, unreadable, configuration)                                                            \
        "\"Changed\":[" changed "],\"Missing\":[" missing "],\"Unreadable\":[" unreadable                             \
        "],\"Configuration\":[" configuration "]"

static void good(void **state) {
        install();
        assert_packages(DOCUMENT(LISTS("", "", "", ""), "\"Files\":3,\"State\":\"good\""));
        /* What is there to be changed. */
        write_file("/etc/tilld/tilld.conf", "b");
        assert_packages(DOCUMENT(LISTS("", "", "", "\"/etc/tilld/tilld.conf\""), "\"Files\":3,\"State\":\"good\""));
}

static void changed(void **state) {
        char path[128];

        install();
        write_file("/usr/bin/tillctl", "b");
        assert_packages(DOCUMENT(LISTS("\"/usr/bin/tillctl\"", "", "", ""), "\"Files\":3,\"State\":\"changed\""));
        write_file("/usr/bin/tillctl", "a");
        snprintf(path, sizeof(path), "%s/usr/lib/tilld/tilld", root);
        assert_int_equal(unlink(path), 0);
        assert_packages(DOCUMENT(LISTS("", "\"/usr/lib/tilld/tilld\"", "", ""), "\"Files\":3,\"State\":\"changed\""));
        /* A link to what has the same bytes is not what was installed; nor is a folder or a pipe, which is not waited
         * for. */
        assert_int_equal(symlink("../../bin/tillctl", path), 0);
        assert_packages(DOCUMENT(LISTS("\"/usr/lib/tilld/tilld\"", "", "", ""), "\"Files\":3,\"State\":\"changed\""));
        assert_int_equal(unlink(path), 0);
        assert_int_equal(mkfifo(path, 0600), 0);
        assert_packages(DOCUMENT(LISTS("\"/usr/lib/tilld/tilld\"", "", "", ""), "\"Files\":3,\"State\":\"changed\""));
        assert_int_equal(unlink(path), 0);
        write_file("/usr/lib/tilld/tilld", "a");
        /* What dpkg may have been told to leave out. */
        snprintf(path, sizeof(path), "%s/usr/share/doc/tilld/copyright", root);
        assert_int_equal(unlink(path), 0);
        assert_packages(DOCUMENT(LISTS("", "", "", ""), "\"Files\":3,\"LeftOut\":1,\"State\":\"good\""));
        /* Without its sums nothing is known of it. */
        snprintf(path, sizeof(path), "%s/var/lib/dpkg/info/tilld.md5sums", root);
        assert_int_equal(unlink(path), 0);
        assert_packages(DOCUMENT(LISTS("", "\"/var/lib/dpkg/info/tilld.md5sums\"", "", ""), "\"State\":\"changed\""));
}

static void unreadable(void **state) {
        char path[128];

        install();
        snprintf(path, sizeof(path), "%s/usr/bin/tillctl", root);
        assert_int_equal(chmod(path, 0), 0);
        assert_int_equal(chmod(root, 0755), 0);
        /* root reads it all the same. */
        if (getuid() == 0)
                assert_int_equal(seteuid(65534), 0);
        assert_packages(DOCUMENT(LISTS("", "", "\"/usr/bin/tillctl\"", ""), "\"Files\":3,\"State\":\"unreadable\""));
        if (getuid() == 0)
                assert_int_equal(seteuid(0), 0);
}

static void hostile(void **state) {
        cJSON *document = cJSON_CreateObject();

        install();
        write_file("/var/lib/dpkg/info/tilld.md5sums", "this is no sum\n");
        assert_int_equal(verify_packages(root, document), -EBADMSG);
        cJSON_Delete(document);
        write_file("/var/lib/dpkg/info/tilld.md5sums", MD5_A "  usr/\x1b[31m\xff\n");
        assert_packages(DOCUMENT(LISTS("", "\"/usr/?[31m?\"", "", ""), "\"Files\":1,\"State\":\"changed\""));
}

static void others(void **state) {
        assert_packages("{\"Packages\":[],\"Manager\":\"\"}");
        write_file("/usr/lib/sysimage/rpm/rpmdb.sqlite", "");
        assert_packages("{\"Packages\":[],\"Manager\":\"rpm\"}");
}

/* ---- The module ---- */

static const char modinfo[] = "version=0.1.0\0srcversion=ABC123\0license=GPL\0bad";
static const char names[] = "\0.modinfo\0.shstrtab";

/* A header, .modinfo, .shstrtab and the table of these. */
static size_t make_module(uint8_t *data) {
        Elf64_Ehdr header = {
                .e_ident = { 0x7f, 'E', 'L', 'F', ELFCLASS64 },
                .e_shentsize = sizeof(Elf64_Shdr),
                .e_shnum = 3,
                .e_shstrndx = 2,
        };
        Elf64_Shdr sections[3] = {
                {},
                { .sh_name = 1, .sh_type = SHT_PROGBITS, .sh_offset = sizeof(header), .sh_size = sizeof(modinfo) },
                { .sh_name = 10,
                  .sh_type = SHT_STRTAB,
                  .sh_offset = sizeof(header) + sizeof(modinfo),
                  .sh_size = sizeof(names) },
        };

        header.e_shoff = sizeof(header) + sizeof(modinfo) + sizeof(names);
        memcpy(data, &header, sizeof(header));
        memcpy(data + sizeof(header), modinfo, sizeof(modinfo));
        memcpy(data + sizeof(header) + sizeof(modinfo), names, sizeof(names));
        memcpy(data + header.e_shoff, sections, sizeof(sections));
        return header.e_shoff + sizeof(sections);
}

static void says(void **state) {
        uint8_t data[1024];
        size_t size = make_module(data);
        char value[32];

        assert_int_equal(verify_read_modinfo(data, size, "srcversion", value, sizeof(value)), 0);
        assert_string_equal(value, "ABC123");
        assert_int_equal(verify_read_modinfo(data, size, "version", value, sizeof(value)), 0);
        assert_string_equal(value, "0.1.0");
        assert_int_equal(verify_read_modinfo(data, size, "bad", value, sizeof(value)), 0);
        assert_string_equal(value, "");
        assert_int_equal(verify_read_modinfo(data, size, "version", value, 4), 0);
        assert_string_equal(value, "0.1");
}

/* Cut off anywhere, or with any byte another: nothing beyond it is read. */
static void cut_off(void **state) {
        uint8_t whole[1024];
        size_t size = make_module(whole);
        char value[32];

        for (size_t n = 0; n < size; n++) {
                uint8_t *data = malloc(MAX(n, (size_t) 1));

                memcpy(data, whole, n);
                (void) verify_read_modinfo(data, n, "srcversion", value, sizeof(value));
                free(data);
        }
        for (size_t i = 0; i < size; i++)
                for (unsigned bit = 0; bit < 8; bit++) {
                        uint8_t *data = malloc(size);

                        memcpy(data, whole, size);
                        data[i] ^= (uint8_t) (1U << bit);
                        (void) verify_read_modinfo(data, size, "srcversion", value, sizeof(value));
                        free(data);
                }
}

/* As the kernel's sign-file does it. */
static size_t sign(uint8_t *data, size_t size) {
        static const uint8_t trailer[8] = { 0, 0, 2 };
        EVP_PKEY *key = EVP_RSA_gen(2048);
        X509 *certificate = X509_new();
        X509_NAME *name = X509_get_subject_name(certificate);
        BIO *in = BIO_new_mem_buf(data, (int) size);
        CMS_ContentInfo *cms;
        uint8_t *der = NULL;
        uint32_t length;
        int n;

        assert_int_equal(
                X509_NAME_add_entry_by_txt(name, "CN", MBSTRING_ASC, (const uint8_t *) "DKMS module key", -1, -1, 0),
                1);
        assert_int_equal(X509_set_issuer_name(certificate, name), 1);
        assert_int_equal(ASN1_INTEGER_set(X509_get_serialNumber(certificate), 7), 1);
        assert_non_null(X509_gmtime_adj(X509_getm_notBefore(certificate), 0));
        assert_non_null(X509_gmtime_adj(X509_getm_notAfter(certificate), 3600));
        assert_int_equal(X509_set_pubkey(certificate, key), 1);
        assert_true(X509_sign(certificate, key, EVP_sha256()) > 0);
        cms = CMS_sign(certificate, key, NULL, in,
                       CMS_NOCERTS | CMS_BINARY | CMS_DETACHED | CMS_NOSMIMECAP | CMS_NOATTR);
        assert_non_null(cms);
        n = i2d_CMS_ContentInfo(cms, &der);
        assert_true(n > 0);
        memcpy(data + size, der, (size_t) n);
        size += (size_t) n;
        memcpy(data + size, trailer, sizeof(trailer));
        length = __builtin_bswap32((uint32_t) n);
        memcpy(data + size + 8, &length, 4);
        memcpy(data + size + 12, "~Module signature appended~\n", 28);
        OPENSSL_free(der);
        CMS_ContentInfo_free(cms);
        BIO_free(in);
        X509_free(certificate);
        EVP_PKEY_free(key);
        return size + 12 + 28;
}

static void signer(void **state) {
        char name[VERIFY_SIGNER_MAX];
        uint8_t data[4096] = {};
        size_t plain = make_module(data), size;

        assert_int_equal(verify_read_signer(data, plain, name), 0);
        assert_string_equal(name, "");
        size = sign(data, plain);
        assert_int_equal(verify_read_signer(data, size, name), 1);
        assert_string_equal(name, "DKMS module key");
        /* The words alone, without what they speak of; and one that says to be longer than the file. */
        assert_int_equal(verify_read_signer(data + size - 28, 28, name), -EBADMSG);
        assert_int_equal(verify_read_signer(data + size - 40, 40, name), -EBADMSG);
        data[size - 28 - 4] = 0xff;
        assert_int_equal(verify_read_signer(data, size, name), -EBADMSG);
        data[size - 28 - 4] = 0;
        data[size - 28 - 10] = 1;
        assert_int_equal(verify_read_signer(data, size, name), -EBADMSG);
        data[size - 28 - 10] = 2;
        for (size_t i = plain; i < size - 40; i++) {
                data[i] ^= 0x10;
                (void) verify_read_signer(data, size, name);
                data[i] ^= 0x10;
        }
}

static void assert_member(const cJSON *module, const char *name, const char *expected) {
        assert_string_equal(cJSON_GetStringValue(cJSON_GetObjectItem(module, name)), expected);
}

static void loaded(void **state) {
        cJSON *document = cJSON_CreateObject(), *module;
        uint8_t data[1024];
        size_t size = make_module(data);
        char path[128];
        FILE *f;

        write_file("/lib/modules/6.1/modules.dep",
                   "kernel/lib/still.ko:\nupdates/dkms/till.ko: kernel/lib/still.ko\n");
        write_file("/lib/modules/6.1/updates/dkms/till.ko", "");
        snprintf(path, sizeof(path), "%s/lib/modules/6.1/updates/dkms/till.ko", root);
        f = fopen(path, "we");
        assert_int_equal(fwrite(data, 1, size, f), size);
        assert_int_equal(fclose(f), 0);
        write_file("/sys/module/till/srcversion", "OLD\n");
        write_file("/sys/module/till/taint", "OE\n");
        write_file("/sys/kernel/security/lockdown", "none [integrity] confidentiality\n");
        assert_int_equal(verify_module(root, "6.1", document), 0);
        module = cJSON_GetObjectItem(document, "Module");
        assert_member(module, "State", "unsigned");
        assert_member(module, "File", "/lib/modules/6.1/updates/dkms/till.ko");
        assert_member(module, "FileSrcVersion", "ABC123");
        assert_member(module, "SrcVersion", "OLD");
        assert_member(module, "Taint", "OE");
        assert_member(module, "Lockdown", "integrity");
        assert_true(cJSON_IsTrue(cJSON_GetObjectItem(module, "Enforced")));
        assert_true(cJSON_IsFalse(cJSON_GetObjectItem(module, "Current")));
        cJSON_Delete(document);

        document = cJSON_CreateObject();
        assert_int_equal(verify_module(root, "6.2", document), 0);
        module = cJSON_GetObjectItem(document, "Module");
        assert_member(module, "State", "missing");
        assert_null(cJSON_GetObjectItem(module, "Current"));
        cJSON_Delete(document);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test_setup_teardown(good, setup, teardown),
                cmocka_unit_test_setup_teardown(changed, setup, teardown),
                cmocka_unit_test_setup_teardown(unreadable, setup, teardown),
                cmocka_unit_test_setup_teardown(hostile, setup, teardown),
                cmocka_unit_test_setup_teardown(others, setup, teardown),
                cmocka_unit_test(says),
                cmocka_unit_test(cut_off),
                cmocka_unit_test(signer),
                cmocka_unit_test_setup_teardown(loaded, setup, teardown),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
