// SPDX-License-Identifier: LGPL-2.1-or-later
#include "receipt/style-file.h"

#include <ctype.h>
#include <sys/stat.h>

#include "base/amount.h"
#include "base/config.h"
#include "base/log.h"
#include "receipt/block-line.h"
#include "receipt/template.h"

#define BLOCKS_MAX 128
#define TEXT_MAX 1024
#define COLUMNS_MIN 24
#define COLUMNS_MAX 64

/* Where a paper was laid out last: that file is to blame for what it lacks. */
struct place {
        char *path;
        unsigned line;
};

struct reader {
        struct receipt_style *style;
        struct place places[_SLIP_PAPER_MAX];
        bool touched[_SLIP_PAPER_MAX]; /* some file lays it out */
        bool broken[_SLIP_PAPER_MAX];  /* a line of it was refused */
        style_fault_t fault;
        void *userdata;
        bool faulty;
};

static void reader_done(struct reader *reader) {
        for (size_t i = 0; i < _SLIP_PAPER_MAX; i++)
                free(reader->places[i].path);
        receipt_style_free(reader->style);
}

static void tell(struct reader *reader, const char *path, unsigned line, const char *reason) {
        reader->faulty = true;
        reader->fault(path, line, reason, reader->userdata);
}

/* --- [Receipt] --- */

static int assign_languages(struct receipt_style *style, const char *value, const char **ret_reason) {
        static const char *const words[_STYLE_LANGUAGES_MAX] = {
                [STYLE_BOTH] = "both",
                [STYLE_CHINESE] = "zh_CN",
                [STYLE_ENGLISH] = "en",
        };

        for (unsigned i = 0; i < _STYLE_LANGUAGES_MAX; i++)
                if (streq(words[i], value)) {
                        style->languages = (enum style_languages) i;
                        return 0;
                }
        *ret_reason = "languages= is zh_CN, en or both";
        return -EINVAL;
}

static int assign_boolean(bool *field, const char *value, const char **ret_reason) {
        if (!streq(value, "yes") && !streq(value, "no")) {
                *ret_reason = "must be yes or no";
                return -EINVAL;
        }
        *field = streq(value, "yes");
        return 0;
}

static int assign_width(struct receipt_style *style, const char *value, const char **ret_reason) {
        unsigned long n = 0;
        char *end = NULL;

        if (!streq(value, "auto")) {
                *ret_reason = "width= is auto, or 24 to 64 columns";
                if (!isdigit((unsigned char) *value))
                        return -EINVAL;
                n = strtoul(value, &end, 10);
                if (*end || n < COLUMNS_MIN || n > COLUMNS_MAX)
                        return -EINVAL;
        }
        style->columns = (unsigned) n;
        return 0;
}

static int assign_logo(struct receipt_style *style, const char *value, const char **ret_reason) {
        if (!*value)
                return free_and_strdup(&style->logo, NULL);
        *ret_reason = "logo= is the absolute path of a PNG file, without \"..\"";
        if (*value != '/' || strstr(value, "/../") || template_check(value, ret_reason) < 0)
                return -EINVAL;
        return free_and_strdup(&style->logo, value);
}

/* Each assignment is a line more; an empty one begins anew. */
static int assign_lines(char **lines, const char *value, const char **ret_reason) {
        char *longer;

        if (!*value)
                return free_and_strdup(lines, NULL);
        if (template_check(value, ret_reason) < 0)
                return -EINVAL;
        if (strlen(strempty(*lines)) + strlen(value) + 1 > TEXT_MAX) {
                *ret_reason = "this is too long: 1024 bytes in all at most";
                return -EINVAL;
        }
        if (asprintf(&longer, "%s%s%s", strempty(*lines), *lines ? "\n" : "", value) < 0)
                return -ENOMEM;
        free(*lines);
        *lines = longer;
        return 0;
}

static int set_limit(struct receipt_style *style, const struct style_limit *limit, const char **ret_reason) {
        for (size_t i = 0; i < style->n_no_signature; i++)
                if (streq(style->no_signature[i].currency, limit->currency)) {
                        style->no_signature[i] = *limit;
                        return 0;
                }
        if (style->n_no_signature == STYLE_LIMITS_MAX) {
                *ret_reason = "there are 8 currencies with a limit at most";
                return -EINVAL;
        }
        style->no_signature[style->n_no_signature++] = *limit;
        return 0;
}

/* "1000.00 CNY"; several follow each other. */
static int assign_limits(struct receipt_style *style, const char *value, const char **ret_reason) {
        _cleanup_free_ char *copy = strdup(value);
        char *save = NULL;

        if (!copy)
                return -ENOMEM;
        if (!*value)
                style->n_no_signature = 0;
        for (char *amount = strtok_r(copy, " \t", &save); amount; amount = strtok_r(NULL, " \t", &save)) {
                const char *code = strtok_r(NULL, " \t", &save);
                const struct currency *currency = code ? currency_find(code) : NULL;
                struct style_limit limit = {};
                int r;

                *ret_reason = "no-signature-up-to= is an amount and its currency, as in 1000.00 CNY; several may "
                              "follow each other";
                if (!currency || amount_parse(amount, currency, &limit.amount) < 0 || limit.amount < 0)
                        return -EINVAL;
                COPY(limit.currency, currency->code);
                r = set_limit(style, &limit, ret_reason);
                if (r < 0)
                        return r;
        }
        return 0;
}

static int assign_receipt(struct receipt_style *style, const char *key, const char *value, const char **ret_reason) {
        if (streq(key, "languages"))
                return assign_languages(style, value, ret_reason);
        if (streq(key, "merchant-copy"))
                return assign_boolean(&style->merchant_copy, value, ret_reason);
        if (streq(key, "cardholder-copy"))
                return assign_boolean(&style->cardholder_copy, value, ret_reason);
        if (streq(key, "width"))
                return assign_width(style, value, ret_reason);
        if (streq(key, "logo"))
                return assign_logo(style, value, ret_reason);
        if (streq(key, "header"))
                return assign_lines(&style->header, value, ret_reason);
        if (streq(key, "footer"))
                return assign_lines(&style->footer, value, ret_reason);
        if (streq(key, "no-signature-up-to"))
                return assign_limits(style, value, ret_reason);
        *ret_reason = template_forbidden(key) ?: "there is no such key in [Receipt]; tilld-receipt(5) lists them";
        return -EINVAL;
}

/* --- [paper …] --- */

static bool has_block(const struct style_paper *paper, uint8_t type) {
        for (size_t i = 0; i < paper->n_blocks; i++)
                if (paper->blocks[i].type == type)
                        return true;
        return false;
}

/* What a slip has once is there once: else a file meant to lay the paper out anew, and has only added to it. */
static int check_once(const struct style_paper *paper, const struct style_block *block, const char **ret_reason) {
        if (block->type >= BLOCK_TEXT || block->type == BLOCK_MODE || !has_block(paper, block->type))
                return 0;
        *ret_reason = "this block is on the paper already; an empty block= lays the paper out anew";
        return -EINVAL;
}

static int append_block(struct style_paper *paper, struct style_block *block) {
        struct style_block *blocks = reallocarray(paper->blocks, paper->n_blocks + 1, sizeof(*blocks));

        if (!blocks)
                return -ENOMEM;
        paper->blocks = blocks;
        blocks[paper->n_blocks] = *block;
        blocks[paper->n_blocks++].text = TAKE_PTR(block->text);
        return 0;
}

static int assign_block(struct style_paper *paper, enum slip_paper name, const char *value, const char **ret_reason) {
        struct style_block block;
        int r;

        if (!*value) {
                style_paper_clear(paper);
                return 0;
        }
        if (paper->n_blocks >= BLOCKS_MAX) {
                *ret_reason = "a paper has 128 blocks at most";
                return -EINVAL;
        }
        r = block_line_parse(value, &block, ret_reason);
        if (r < 0)
                return r;
        if ((block_find(block.type)->papers & UINT32_C(1) << name) == 0) {
                *ret_reason = "this block is not one of this paper's; tilld-receipt(5) lists them";
                r = -EINVAL;
        }
        if (r >= 0)
                r = check_once(paper, &block, ret_reason);
        if (r >= 0)
                r = append_block(paper, &block);
        free(block.text);
        return r;
}

static int assign_paper(struct reader *reader, const char *name, const char *key, const char *value,
                        const char **ret_reason) {
        enum slip_paper paper = slip_paper_from_string(name);

        if (paper < 0) {
                *ret_reason = "there is no such paper; there are merchant-copy, cardholder-copy, declined, "
                              "not-completed, settlement, transaction-list, test-page and diagnostics";
                return -EINVAL;
        }
        if (!streq(key, "block")) {
                *ret_reason = "a paper has nothing but block= lines";
                return -EINVAL;
        }
        /* The first file that says anything of a paper says it in place of what is built in. */
        if (!reader->touched[paper])
                style_paper_clear(&reader->style->papers[paper]);
        reader->touched[paper] = true;
        return assign_block(&reader->style->papers[paper], paper, value, ret_reason);
}

static int assign(const char *section, const char *key, const char *value, void *userdata, const char **ret_reason) {
        struct reader *reader = userdata;
        const char *paper = startswith(section, "paper ");

        if (streq(section, "Receipt"))
                return assign_receipt(reader->style, key, value, ret_reason);
        if (paper)
                return assign_paper(reader, paper, key, value, ret_reason);
        *ret_reason = "there is no such section; there are [Receipt] and, for each paper, [paper NAME]";
        return -EINVAL;
}

static void observe(const struct config_line *line, void *userdata) {
        const char *name = startswith(line->section, "paper ");
        enum slip_paper paper = name ? slip_paper_from_string(name) : _SLIP_PAPER_INVALID;
        struct reader *reader = userdata;

        if (line->reason)
                tell(reader, line->path, line->number, line->reason);
        if (paper < 0)
                return;
        /* For want of memory the fault is told without its place. */
        (void) free_and_strdup(&reader->places[paper].path, line->path);
        reader->places[paper].line = line->number;
        reader->broken[paper] = reader->broken[paper] || line->reason;
}

/* --- what a paper must say --- */

static uint32_t gives(const struct style_paper *paper) {
        uint32_t bits = 0;

        for (size_t i = 0; i < paper->n_blocks; i++)
                bits |= block_gives(&paper->blocks[i]);
        return bits;
}

static void check_paper(struct reader *reader, enum slip_paper paper) {
        uint32_t missing = paper_requires(paper) & ~gives(&reader->style->papers[paper]);
        const struct place *place = &reader->places[paper];
        char reason[256];

        for (unsigned i = 0; i < _GIVES_N; i++)
                if (missing & UINT32_C(1) << i) {
                        (void) snprintf(reason, sizeof(reason), "[paper %s] must have %s", slip_paper_to_string(paper),
                                        gives_to_string(i));
                        tell(reader, place->path, place->path ? place->line : 0, reason);
                }
}

int receipt_style_read(const char *const *dirs, style_fault_t fault, void *userdata, struct receipt_style **ret) {
        _cleanup_(reader_done) struct reader reader = { .fault = fault, .userdata = userdata };
        int r;

        r = receipt_style_new(&reader.style);
        if (r < 0)
                return r;
        r = config_observe_dirs(dirs, assign, observe, &reader);
        if (r < 0 && r != -EINVAL)
                return r;
        /* A block that was refused is not missing besides. */
        for (unsigned i = 0; i < _SLIP_PAPER_MAX; i++)
                if (!reader.broken[i])
                        check_paper(&reader, (enum slip_paper) i);
        if (r < 0 || reader.faulty)
                return -EINVAL;
        *ret = TAKE_PTR(reader.style);
        return 0;
}

static void log_fault(const char *path, unsigned line, const char *reason, void *userdata) {
        complaints_add(userdata, path ?: "receipt.d", line, reason);
        if (path)
                log_error("%s:%u: %s", path, line, reason);
        else
                log_error("%s", reason);
}

static uint32_t read32(const uint8_t *p) {
        return (uint32_t) p[0] << 24 | (uint32_t) p[1] << 16 | (uint32_t) p[2] << 8 | p[3];
}

/* What till-render would not draw, as far as the beginning of the file tells; NULL for none. */
static const char *logo_fault(int fd) {
        static const uint8_t head[] = "\x89PNG\r\n\x1a\n\0\0\0\rIHDR";
        uint8_t data[24];
        struct stat st;

        if (fd < 0)
                return fd == -ELOOP ? "this is a symbolic link: name the file itself" : strerror(-fd);
        if (fstat(fd, &st) < 0 || !S_ISREG(st.st_mode))
                return "this is no file";
        if (pread(fd, data, sizeof(data), 0) != sizeof(data) || memcmp(data, head, 16) != 0)
                return "this is no PNG";
        if (st.st_size > PAGE_LOGO_FILE_MAX || read32(data + 16) > PAGE_LOGO_SIDE_MAX ||
            read32(data + 20) > PAGE_LOGO_SIDE_MAX)
                return "this is larger than 4 MiB, or 4096 pixels each way";
        return NULL;
}

/* Said once, at start: a paper without its picture is better than none, and each one would say it again. */
static bool check_logo(const struct receipt_style *style, struct complaints *complaints) {
        _cleanup_close_ int fd = receipt_style_open_logo(style);
        const char *fault = style->logo ? logo_fault(fd) : NULL;

        if (!fault)
                return true;
        log_error("logo=%s: %s. Receipts are printed without it", style->logo, fault);
        complaints_add(complaints, style->logo, 0, fault);
        return false;
}

int receipt_style_load(const char *merchant_dir, const char *packaged_dir, struct complaints *complaints,
                       struct receipt_style **ret) {
        int r;

        r = receipt_style_read((const char *const[]){ merchant_dir, packaged_dir, NULL }, log_fault, complaints, ret);
        if (r >= 0)
                return check_logo(*ret, complaints) ? 1 : 0;
        if (r == -ENOMEM)
                return log_oom();
        log_error("Receipts are printed as packaged until %s is mended: tilld --check, then systemctl restart tilld",
                  merchant_dir);
        r = receipt_style_read((const char *const[]){ packaged_dir, NULL }, log_fault, complaints, ret);
        if (r >= 0)
                return 0;
        if (r == -ENOMEM)
                return log_oom();
        log_error("%s is damaged as well: install the package anew. Receipts are printed as built in", packaged_dir);
        r = receipt_style_new(ret);
        return r < 0 ? log_oom() : 0;
}
