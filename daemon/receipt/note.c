// SPDX-License-Identifier: LGPL-2.1-or-later
#include "receipt/note.h"

#include "receipt/blocks.h"
#include "base/card-number.h"
#include "receipt/escpos.h"
#include "base/unicode.h"

#define MAGIC "tilld-text 1\n"

static const char *const sizes[] = { "small", "normal", "large" };

int note_size_from_string(const char *text, unsigned *ret) {
        int r = string_table_find(sizes, ELEMENTSOF(sizes), text);

        if (r < 0)
                return r;
        *ret = (unsigned) r;
        return 0;
}

void note_done(struct note *note) {
        free(note->text);
        note->text = NULL;
}

static size_t count_lines(const char *text) {
        size_t n = 1;

        for (; *text; text++)
                n += *text == '\n';
        return n;
}

int note_check(const char *text, const char **ret_reason) {
        const char *reason = NULL;

        if (!*text)
                reason = "it is empty";
        else if (strlen(text) > NOTE_TEXT_MAX || count_lines(text) > NOTE_LINES_MAX)
                reason = "it has more than 16384 bytes or 500 lines";
        else if (!unicode_is_valid(text))
                reason = "it is not UTF-8";
        else if (text_has_card_number(text))
                reason = "it has what looks like a card number, and no paper shows a whole one";
        if (!reason)
                return 0;
        *ret_reason = reason;
        return -EINVAL;
}

bool note_is_one(const void *data, size_t size) {
        return size >= strlen(MAGIC) && memcmp(data, MAGIC, strlen(MAGIC)) == 0;
}

int note_to_blob(const struct note *note, char **ret, size_t *ret_size) {
        int n;

        n = asprintf(ret, MAGIC "mode=%s\nsize=%s\n\n%s", slip_mode_to_string(note->mode), sizes[note->size],
                     note->text);
        if (n < 0)
                return -ENOMEM;
        *ret_size = (size_t) n;
        return 0;
}

/* What stands between "key=" and the end of the line, which *at is behind then; NULL for another key. */
static const char *take_value(char **at, const char *key) {
        char *end = strchr(*at, '\n');
        const char *value = startswith(*at, key);

        if (!end || !value)
                return NULL;
        *end = '\0';
        *at = end + 1;
        return value;
}

int note_from_blob(const void *data, size_t size, struct note *ret) {
        _cleanup_free_ char *copy = NULL;
        const char *mode, *size_word, *reason;
        struct note note = {};
        char *at;

        if (!note_is_one(data, size) || memchr(data, '\0', size))
                return -EBADMSG;
        copy = strndup(data, size);
        if (!copy)
                return -ENOMEM;
        at = copy + strlen(MAGIC);
        mode = take_value(&at, "mode=");
        size_word = mode ? take_value(&at, "size=") : NULL;
        if (!size_word)
                return -EBADMSG;
        note.mode = slip_mode_from_string(mode);
        if (note.mode < 0 || note_size_from_string(size_word, &note.size) < 0)
                return -EBADMSG;
        if (*at++ != '\n' || note_check(at, &reason) < 0)
                return -EBADMSG;
        note.text = strdup(at);
        if (!note.text)
                return -ENOMEM;
        *ret = note;
        return 0;
}

/* --- laying out --- */

static int add_text(struct layout *l, const struct note *note) {
        const uint8_t scale = note->size == 2 ? 2 : 1;
        const struct page_line style = { .width = scale, .height = scale, .small = note->size == 0 };
        _cleanup_free_ char *copy = strdup(note->text);
        char *rest = copy, *text;
        int r = 0;

        if (!copy)
                return -ENOMEM;
        while (r >= 0 && (text = strsep(&rest, "\n")))
                r = *text ? layout_line(l, style, text) : layout_feed(l, 1);
        return r;
}

/* A text that comes with gaps must not look as if it were whole. */
static int add_gaps(struct layout *l, const struct note *note) {
        if (printable_is_all(note->text, l->profile, !l->plain))
                return 0;
        return layout_sentence(l, layout_bold, "此文本有字符无法打印",
                               "PARTS OF THIS TEXT ARE MISSING: THE PRINTER COULD NOT PRINT THEM");
}

static int add_paper(struct layout *l, const struct note *note) {
        static const struct style_block mode = { .type = BLOCK_MODE }, duplicate = { .type = BLOCK_DUPLICATE },
                                        feed = { .type = BLOCK_FEED }, cut = { .type = BLOCK_CUT };
        int r;

        r = layout_block(l, &mode);
        if (r >= 0)
                r = layout_block(l, &duplicate);
        if (r >= 0 && note->duplicate)
                r = layout_block(l, &feed);
        if (r >= 0)
                r = add_text(l, note);
        if (r >= 0)
                r = add_gaps(l, note);
        if (r >= 0)
                r = layout_block(l, &mode);
        return r < 0 ? r : layout_block(l, &cut);
}

int note_layout(const struct note *note, const struct receipt_style *style, const struct printer_profile *profile,
                bool plain, struct page **ret) {
        const struct slip marks = { .mode = note->mode, .duplicate = note->duplicate, .reprint = note->reprint };
        _cleanup_(page_freep) struct page *page = NULL;
        struct layout l;
        int r;

        r = layout_begin(&l, &marks, style, profile, plain);
        if (r < 0)
                return r;
        page = l.page;
        r = add_paper(&l, note);
        if (r < 0)
                return r;
        *ret = TAKE_PTR(page);
        return 0;
}
