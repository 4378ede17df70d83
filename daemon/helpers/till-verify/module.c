// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * The driver till: what is loaded, what is on the disk, and who has signed that. Whether the signature is good is the
 * kernel's to say, when it loads it.
 */
#include <arpa/inet.h>
#include <elf.h>
#include <fcntl.h>
#include <openssl/cms.h>
#include <openssl/x509.h>
#include <sys/mman.h>
#include <sys/stat.h>

#include "helpers/till-verify/verify.h"

#define MODULE_MAX (64 << 20)
#define VALUE_MAX 128
#define LINE_SIZE 4096
#define PATH_SIZE (LINE_SIZE + 512)

/* ---- Who has signed it ---- */

/* Behind each signed module, as the kernel's scripts/sign-file.c and kernel/module/signing.c have it. */
static const char magic[] = "~Module signature appended~\n";
#define MAGIC_SIZE (sizeof(magic) - 1)

struct module_signature {
        uint8_t algorithm, hash, id_type, signer_size, key_id_size, pad[3];
        uint32_t size; /* big-endian */
};
#define ID_TYPE_PKCS7 2

DEFINE_CLEANUP(CMS_ContentInfo *, CMS_ContentInfo_free);

static void name_signer(const CMS_ContentInfo *cms, char ret[static VERIFY_SIGNER_MAX]) {
        STACK_OF(CMS_SignerInfo) *infos = CMS_get0_SignerInfos((CMS_ContentInfo *) cms);
        ASN1_OCTET_STRING *key = NULL;
        ASN1_INTEGER *number = NULL;
        X509_NAME *issuer = NULL;

        if (sk_CMS_SignerInfo_num(infos) < 1 ||
            CMS_SignerInfo_get0_signer_id(sk_CMS_SignerInfo_value(infos, 0), &key, &issuer, &number) != 1 || !issuer)
                return;
        if (X509_NAME_get_text_by_NID(issuer, NID_commonName, ret, VERIFY_SIGNER_MAX) < 0)
                *ret = '\0';
        verify_make_plain(ret);
}

int verify_read_signer(const uint8_t *data, size_t size, char ret_signer[static VERIFY_SIGNER_MAX]) {
        _cleanup_(CMS_ContentInfo_freep) CMS_ContentInfo *cms = NULL;
        struct module_signature signature;
        const uint8_t *p;
        size_t length;

        *ret_signer = '\0';
        if (size < MAGIC_SIZE || memcmp(data + size - MAGIC_SIZE, magic, MAGIC_SIZE) != 0)
                return 0;
        size -= MAGIC_SIZE;
        if (size < sizeof(signature))
                return -EBADMSG;
        size -= sizeof(signature);
        memcpy(&signature, data + size, sizeof(signature));
        length = ntohl(signature.size);
        if (signature.id_type != ID_TYPE_PKCS7 || length == 0 || length > size)
                return -EBADMSG;
        p = data + size - length;
        cms = d2i_CMS_ContentInfo(NULL, &p, (long) length);
        if (!cms)
                return -EBADMSG;
        name_signer(cms, ret_signer);
        return 1;
}

/* ---- What it says of itself ---- */

/* The bytes of a section, NULL where they are not in the file. */
static const char *section_data(const uint8_t *data, size_t size, const Elf64_Shdr *section) {
        if (section->sh_type == SHT_NOBITS || section->sh_offset > size ||
            section->sh_size > size - section->sh_offset)
                return NULL;
        return (const char *) data + section->sh_offset;
}

static int read_section(const uint8_t *data, size_t size, const Elf64_Ehdr *header, unsigned i, Elf64_Shdr *ret) {
        uint64_t at = (uint64_t) i * sizeof(*ret);

        if (i >= header->e_shnum || header->e_shoff > size || at + sizeof(*ret) > size - header->e_shoff)
                return -EBADMSG;
        memcpy(ret, data + header->e_shoff + at, sizeof(*ret));
        return 0;
}

static const char *find_section(const uint8_t *data, size_t size, const char *name, size_t *ret_size) {
        Elf64_Shdr names, section;
        const char *texts, *found;
        Elf64_Ehdr header;

        if (size < sizeof(header))
                return NULL;
        memcpy(&header, data, sizeof(header));
        if (memcmp(header.e_ident, ELFMAG, SELFMAG) != 0 || header.e_ident[EI_CLASS] != ELFCLASS64 ||
            header.e_shentsize != sizeof(section) || read_section(data, size, &header, header.e_shstrndx, &names) < 0)
                return NULL;
        texts = section_data(data, size, &names);
        if (!texts)
                return NULL;
        for (unsigned i = 0; read_section(data, size, &header, i, &section) >= 0; i++) {
                if (section.sh_name >= names.sh_size || names.sh_size - section.sh_name <= strlen(name) ||
                    memcmp(texts + section.sh_name, name, strlen(name) + 1) != 0)
                        continue;
                found = section_data(data, size, &section);
                *ret_size = section.sh_size;
                return found;
        }
        return NULL;
}

int verify_read_modinfo(const uint8_t *data, size_t size, const char *name, char *ret, size_t ret_size) {
        size_t left, length = strlen(name);
        const char *text = find_section(data, size, ".modinfo", &left);

        *ret = '\0';
        if (!text)
                return -EBADMSG;
        while (left > 0) {
                size_t n = strnlen(text, left);

                if (n > length && memcmp(text, name, length) == 0 && text[length] == '=') {
                        (void) snprintf(ret, ret_size, "%.*s", (int) MIN(n - length - 1, ret_size), text + length + 1);
                        verify_make_plain(ret);
                        return 0;
                }
                n = MIN(n + 1, left);
                text += n;
                left -= n;
        }
        return 0;
}

/* ---- The one on the disk ---- */

struct mapped {
        uint8_t *data;
        size_t size;
};

static void mapped_done(struct mapped *m) {
        if (m->data)
                (void) munmap(m->data, m->size);
}

static int map_file(const char *path, struct mapped *ret) {
        _cleanup_close_ int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
        struct stat st;
        void *data;

        if (fd < 0 || fstat(fd, &st) < 0)
                return -errno;
        if (!S_ISREG(st.st_mode) || st.st_size == 0 || st.st_size > MODULE_MAX)
                return -EBADMSG;
        data = mmap(NULL, (size_t) st.st_size, PROT_READ, MAP_PRIVATE, fd, 0);
        if (data == MAP_FAILED)
                return -errno;
        *ret = (struct mapped){ data, (size_t) st.st_size };
        return 0;
}

/* "updates/dkms/till.ko: …": which one modprobe would load. */
static bool is_till(char *line) {
        char *colon = strchr(line, ':'), *name;

        if (!colon)
                return false;
        *colon = '\0';
        name = strrchr(line, '/');
        name = name ? name + 1 : line;
        return startswith(name, "till.ko");
}

/* 1 with its path, 0 where there is none. */
static int find_file(const char *root, const char *release, char ret[static PATH_SIZE]) {
        _cleanup_fclose_ FILE *f = NULL;
        char line[LINE_SIZE];

        (void) snprintf(ret, PATH_SIZE, "%s/lib/modules/%s/modules.dep", root, release);
        f = fopen(ret, "re");
        if (!f)
                return errno == ENOENT ? 0 : -errno;
        while (fgets(line, sizeof(line), f))
                if (is_till(line)) {
                        (void) snprintf(ret, PATH_SIZE, "%s/lib/modules/%s/%s", root, release, line);
                        return 1;
                }
        return ferror(f) ? -EIO : 0;
}

struct found {
        const char *state; /* of the file */
        char version[VALUE_MAX], srcversion[VALUE_MAX], signer[VERIFY_SIGNER_MAX];
};

static void look_at_file(const char *path, struct found *f) {
        _cleanup_(mapped_done) struct mapped m = {};
        int r;

        /* A compressed one is read by modinfo(8). */
        f->state = "not-checked";
        if (map_file(path, &m) < 0 ||
            verify_read_modinfo(m.data, m.size, "srcversion", f->srcversion, sizeof(f->srcversion)) < 0)
                return;
        (void) verify_read_modinfo(m.data, m.size, "version", f->version, sizeof(f->version));
        r = verify_read_signer(m.data, m.size, f->signer);
        f->state = r > 0 ? "signed" : r == 0 ? "unsigned" : "damaged";
}

/* ---- The one that is loaded ---- */

/* The first line of a file, "" where there is none. */
static void read_value(const char *root, const char *path, char ret[static VALUE_MAX]) {
        _cleanup_fclose_ FILE *f = NULL;
        char full[512];

        *ret = '\0';
        (void) snprintf(full, sizeof(full), "%s%s", root, path);
        f = fopen(full, "re");
        if (!f || !fgets(ret, VALUE_MAX, f))
                *ret = '\0';
        ret[strcspn(ret, "\n")] = '\0';
        verify_make_plain(ret);
}

static bool is_loaded(const char *root) {
        char path[512];

        (void) snprintf(path, sizeof(path), "%s/sys/module/till", root);
        return access(path, F_OK) >= 0;
}

/* The word in brackets of "none [integrity] confidentiality"; "none" where the kernel has no such thing. */
static void read_lockdown(const char *root, char ret[static VALUE_MAX]) {
        char text[VALUE_MAX], *begin;

        read_value(root, "/sys/kernel/security/lockdown", text);
        begin = strchr(text, '[');
        (void) snprintf(ret, VALUE_MAX, "%.*s", begin ? (int) strcspn(begin + 1, "]") : 4, begin ? begin + 1 : "none");
}

static bool add_loaded(const char *root, const char *srcversion_on_disk, cJSON *o) {
        char version[VALUE_MAX], srcversion[VALUE_MAX], taint[VALUE_MAX], enforce[VALUE_MAX], lockdown[VALUE_MAX];

        read_value(root, "/sys/module/till/version", version);
        read_value(root, "/sys/module/till/srcversion", srcversion);
        read_value(root, "/sys/module/till/taint", taint);
        read_value(root, "/sys/module/module/parameters/sig_enforce", enforce);
        read_lockdown(root, lockdown);
        if (*srcversion && *srcversion_on_disk &&
            !cJSON_AddBoolToObject(o, "Current", streq(srcversion, srcversion_on_disk)))
                return false;
        return cJSON_AddBoolToObject(o, "Loaded", is_loaded(root)) && cJSON_AddStringToObject(o, "Version", version) &&
               cJSON_AddStringToObject(o, "SrcVersion", srcversion) && cJSON_AddStringToObject(o, "Taint", taint) &&
               cJSON_AddStringToObject(o, "Lockdown", lockdown) &&
               cJSON_AddBoolToObject(o, "Enforced", streq(enforce, "Y") || !streq(lockdown, "none"));
}

int verify_module(const char *root, const char *release, cJSON *document) {
        cJSON *o = cJSON_AddObjectToObject(document, "Module");
        struct found found = { .state = "missing" };
        char path[PATH_SIZE];
        int r;

        r = find_file(root, release, path);
        if (r < 0)
                found.state = "not-checked";
        if (r > 0)
                look_at_file(path, &found);
        else
                *path = '\0';
        verify_make_plain(path);
        return o && cJSON_AddStringToObject(o, "State", found.state) &&
                               cJSON_AddStringToObject(o, "File", *path ? path + strlen(root) : "") &&
                               cJSON_AddStringToObject(o, "FileVersion", found.version) &&
                               cJSON_AddStringToObject(o, "FileSrcVersion", found.srcversion) &&
                               cJSON_AddStringToObject(o, "Signer", found.signer) &&
                               add_loaded(root, found.srcversion, o)
                       ? 0
                       : -ENOMEM;
}
