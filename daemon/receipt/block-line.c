// SPDX-License-Identifier: LGPL-2.1-or-later
#include "receipt/block-line.h"

#include <ctype.h>

#include "receipt/template.h"

#define WORD_MAX 64
#define TEXT_MAX 512

struct line {
        const struct block *kind;
        struct style_block block;
        uint32_t given; /* options */
};

/* The next word, or what is between quotes. */
struct token {
        char text[TEXT_MAX];
        bool quoted;
};

static int take_quoted(const char **p, struct token *token, const char **ret_reason) {
        size_t n = 0;

        for (++*p; **p != '"'; ++*p) {
                if (**p == '\\' && ((*p)[1] == '"' || (*p)[1] == '\\'))
                        ++*p;
                if (**p == '\0') {
                        *ret_reason = "the text is not closed by a \"";
                        return -EINVAL;
                }
                if (n + 1 >= sizeof(token->text)) {
                        *ret_reason = "the text is too long: 511 bytes at most";
                        return -EINVAL;
                }
                token->text[n++] = **p;
        }
        ++*p;
        token->text[n] = '\0';
        token->quoted = true;
        return 1;
}

static int take_token(const char **p, struct token *token, const char **ret_reason) {
        size_t n;

        *p += strspn(*p, " \t");
        token->quoted = false;
        if (!**p)
                return 0;
        if (**p == '"')
                return take_quoted(p, token, ret_reason);
        n = strcspn(*p, " \t\"");
        if (n >= WORD_MAX) {
                *ret_reason = "a word of it is too long; a text stands between \" and \"";
                return -EINVAL;
        }
        memcpy(token->text, *p, n);
        token->text[n] = '\0';
        *p += n;
        return 1;
}

static int parse_range(const char *text, unsigned min, unsigned max, uint8_t *ret) {
        unsigned long n;
        char *end;

        if (!isdigit((unsigned char) *text))
                return -EINVAL;
        n = strtoul(text, &end, 10);
        if (*end || n < min || n > max)
                return -EINVAL;
        *ret = (uint8_t) n;
        return 0;
}

/* --- options --- */

static int set_align(struct style_block *block, const char *value, const char **ret_reason) {
        static const char *const words[] = { [PAGE_LEFT] = "left", [PAGE_CENTER] = "center", [PAGE_RIGHT] = "right" };

        for (unsigned i = 0; i < ELEMENTSOF(words); i++)
                if (streq(words[i], value)) {
                        block->align = (enum page_align) i;
                        block->aligned = true;
                        return 0;
                }
        *ret_reason = "align= is left, center or right";
        return -EINVAL;
}

static int set_size(struct style_block *block, const char *value, const char **ret_reason) {
        static const struct {
                const char *name;
                uint8_t width, height;
        } sizes[] = { { "normal", 1, 1 }, { "tall", 1, 2 }, { "wide", 2, 1 }, { "double", 2, 2 } };

        for (size_t i = 0; i < ELEMENTSOF(sizes); i++)
                if (streq(sizes[i].name, value)) {
                        block->width = sizes[i].width;
                        block->height = sizes[i].height;
                        return 0;
                }
        *ret_reason = "size= is normal, tall, wide or double";
        return -EINVAL;
}

static int set_module(struct style_block *block, const char *value, const char **ret_reason) {
        *ret_reason = "module= is 2 to 10, in dots";
        return parse_range(value, 2, 10, &block->width);
}

static int set_height(struct style_block *block, const char *value, const char **ret_reason) {
        *ret_reason = "height= is 24 to 200, in dots";
        return parse_range(value, 24, 200, &block->height);
}

static int set_bold(struct style_block *block, const char *value, const char **ret_reason) {
        block->bold = true;
        return 0;
}

static int set_small(struct style_block *block, const char *value, const char **ret_reason) {
        block->small = true;
        return 0;
}

static int set_inverse(struct style_block *block, const char *value, const char **ret_reason) {
        block->inverse = true;
        return 0;
}

static const struct option {
        const char *name;
        uint32_t bit;
        bool valued;
        int (*set)(struct style_block *block, const char *value, const char **ret_reason);
} options[] = {
        { "align", OPTION_ALIGN, true, set_align },        { "size", OPTION_SIZE, true, set_size },
        { "module", OPTION_MODULE, true, set_module },     { "height", OPTION_HEIGHT, true, set_height },
        { "bold", OPTION_BOLD, false, set_bold },          { "small", OPTION_SMALL, false, set_small },
        { "inverse", OPTION_INVERSE, false, set_inverse },
};

static int take_option(struct line *line, char *word, const char **ret_reason) {
        char *value = strchr(word, '=');

        if (value)
                *value++ = '\0';
        for (size_t i = 0; i < ELEMENTSOF(options); i++) {
                if (!streq(options[i].name, word))
                        continue;
                if ((line->kind->options & options[i].bit) == 0) {
                        *ret_reason = "this block does not take this option; tilld-receipt(5) says what it takes";
                        return -EINVAL;
                }
                if (line->given & options[i].bit) {
                        *ret_reason = "an option is there twice";
                        return -EINVAL;
                }
                if (options[i].valued != !!value) {
                        *ret_reason =
                                options[i].valued ? "this option is written option=value" : "this option has no value";
                        return -EINVAL;
                }
                line->given |= options[i].bit;
                return options[i].set(&line->block, value, ret_reason);
        }
        *ret_reason = "there is no such option; there are align=, size=, bold, small, inverse, module= and height=";
        return -EINVAL;
}

/* --- what stands between the name and the options --- */

static int take_field(struct line *line, const char *word, const char **ret_reason) {
        enum field_name field = field_name_from_string(word);

        if (field < 0) {
                *ret_reason = template_forbidden(word) ?: "there is no such field; tilld-receipt(5) lists them";
                return -EINVAL;
        }
        line->block.field = (uint8_t) field;
        return 0;
}

static int take_text(struct line *line, const char *text, const char **ret_reason) {
        if ((line->kind->options & OPTION_TEXT) == 0) {
                *ret_reason = "this block takes no text";
                return -EINVAL;
        }
        if (line->given & OPTION_TEXT || !*text) {
                *ret_reason = *text ? "it has two texts" : "its text is empty";
                return -EINVAL;
        }
        if (template_check(text, ret_reason) < 0)
                return -EINVAL;
        line->given |= OPTION_TEXT;
        return free_and_strdup(&line->block.text, text);
}

static int take_word(struct line *line, char *word, const char **ret_reason) {
        uint32_t wants = line->kind->options & ~line->given;

        if (wants & OPTION_FIELD) {
                line->given |= OPTION_FIELD;
                return take_field(line, word, ret_reason);
        }
        if (wants & OPTION_LINES) {
                line->given |= OPTION_LINES;
                *ret_reason = "feed is of 1 to 20 lines";
                return parse_range(word, 1, 20, &line->block.height);
        }
        return take_option(line, word, ret_reason);
}

static int take_rest(struct line *line, const char *p, const char **ret_reason) {
        struct token token;
        int r;

        for (;;) {
                r = take_token(&p, &token, ret_reason);
                if (r <= 0)
                        return r;
                r = token.quoted ? take_text(line, token.text, ret_reason) : take_word(line, token.text, ret_reason);
                if (r < 0)
                        return r;
        }
}

static int check_complete(const struct line *line, const char **ret_reason) {
        if (line->kind->options & OPTION_FIELD) {
                *ret_reason = "field wants the name of a field: field voucher";
                return line->given & OPTION_FIELD ? 0 : -EINVAL;
        }
        if (line->kind->options & OPTION_TEXT) {
                *ret_reason = "this block wants a text between \" and \"";
                return line->given & OPTION_TEXT ? 0 : -EINVAL;
        }
        return 0;
}

int block_line_parse(const char *value, struct style_block *ret, const char **ret_reason) {
        struct line line = {};
        struct token token;
        enum block_type type;
        int r;

        r = take_token(&value, &token, ret_reason);
        if (r < 0)
                return r;
        type = r > 0 && !token.quoted ? block_from_string(token.text) : _BLOCK_INVALID;
        if (type < 0) {
                *ret_reason = template_forbidden(token.text) ?: "there is no such block; tilld-receipt(5) lists them";
                return -EINVAL;
        }
        line.kind = block_find(type);
        line.block.type = (uint8_t) type;
        r = take_rest(&line, value, ret_reason);
        if (r >= 0)
                r = check_complete(&line, ret_reason);
        if (r < 0) {
                free(line.block.text);
                return r;
        }
        *ret = line.block;
        return 0;
}
