// SPDX-License-Identifier: LGPL-2.1-or-later
#include "receipt/note.h"

#include "receipt/card-number.h"
#include "receipt/unicode.h"

#define MAGIC "tilld-text 1\n"

static const char *const mode_words[_SLIP_MODE_MAX] = { "live", "test", "training" };
static const char *const sizes[] = { "small", "normal", "large" };

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

        n = asprintf(ret, MAGIC "mode=%s\nsize=%s\n\n%s", mode_words[note->mode], sizes[note->size], note->text);
        if (n < 0)
                return -ENOMEM;
        *ret_size = (size_t) n;
        return 0;
}

/* One of words after "key=", and the end of the line; the index, or negative. */
static int read_word(const char **at, const char *key, const char *const *words, size_t n_words) {
        size_t n = strlen(key);

        if (strncmp(*at, key, n) != 0)
                return -EBADMSG;
        for (size_t i = 0; i < n_words; i++) {
                size_t m = strlen(words[i]);

                if (strncmp(*at + n, words[i], m) != 0 || (*at)[n + m] != '\n')
                        continue;
                *at += n + m + 1;
                return (int) i;
        }
        return -EBADMSG;
}

int note_from_blob(const void *data, size_t size, struct note *ret) {
        _cleanup_free_ char *copy = NULL;
        const char *at, *reason;
        int mode, large;

        if (!note_is_one(data, size) || memchr(data, '\0', size))
                return -EBADMSG;
        copy = strndup(data, size);
        if (!copy)
                return -ENOMEM;
        at = copy + strlen(MAGIC);
        mode = read_word(&at, "mode=", mode_words, ELEMENTSOF(mode_words));
        if (mode < 0)
                return mode;
        large = read_word(&at, "size=", sizes, ELEMENTSOF(sizes));
        if (large < 0)
                return large;
        if (*at++ != '\n' || note_check(at, &reason) < 0)
                return -EBADMSG;
        *ret = (struct note){ .mode = (enum slip_mode) mode, .size = (unsigned) large, .text = strdup(at) };
        return ret->text ? 0 : -ENOMEM;
}

static int add_mark(struct page *page, const char *text) {
        char *copy = strdup(text);
        struct page_line line = { .align = PAGE_CENTER, .width = 2, .height = 2, .bold = true, .text = copy };
        int r;

        if (!copy)
                return -ENOMEM;
        r = page_add(page, &line);
        free(copy);
        return r;
}

static int add_marks(struct page *page, const struct note *note) {
        static const char *const marks[_SLIP_MODE_MAX] = { NULL, "测试 TEST", "训练 TRAINING" };
        char text[48] = "重打印凭证 DUPLICATED";
        int r = 0;

        if (marks[note->mode])
                r = add_mark(page, marks[note->mode]);
        if (r < 0 || !note->duplicate)
                return r;
        if (note->reprint > 0)
                (void) snprintf(text, sizeof(text), "重打印 %u DUPLICATED %u", note->reprint, note->reprint);
        return add_mark(page, text);
}

static int add_lines(struct page *page, const struct note *note) {
        _cleanup_free_ char *copy = strdup(note->text);
        char *rest = copy, *text;
        int r = 0;

        if (!copy)
                return -ENOMEM;
        while (r >= 0 && (text = strsep(&rest, "\n"))) {
                const uint8_t scale = note->size == 2 ? 2 : 1;
                struct page_line line = { .width = scale, .height = scale, .small = note->size == 0, .text = text };

                if (!*text)
                        line = (struct page_line){ .type = PAGE_FEED, .height = 1 };
                r = page_add(page, &line);
        }
        return r;
}

int note_layout(const struct note *note, const struct printer_profile *profile, struct page **ret) {
        const struct page_line cut = { .type = PAGE_CUT };
        _cleanup_(page_freep) struct page *page = NULL;
        int r;

        r = page_new(profile->columns, profile->columns_small, &page);
        if (r >= 0)
                r = add_marks(page, note);
        if (r >= 0)
                r = add_lines(page, note);
        if (r >= 0 && note->mode != SLIP_LIVE)
                r = add_marks(page, &(struct note){ .mode = note->mode });
        if (r >= 0)
                r = page_add(page, &cut);
        if (r < 0)
                return r;
        *ret = TAKE_PTR(page);
        return 0;
}
