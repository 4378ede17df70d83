// SPDX-License-Identifier: LGPL-2.1-or-later
/* 备注/REFERENCE: what a dispute over a chip is settled by. */

#include "receipt/blocks.h"

static bool is_ascii(const char *text) {
        for (; *text; text++)
                if (*text < ' ' || *text > '~')
                        return false;
        return true;
}

/* Two to a line in the small font, aligned; a long one has a line of its own. */
struct notes {
        struct layout *l;
        char *row; /* the left one, waiting for another */
};

static int flush(struct notes *n) {
        _cleanup_free_ char *row = TAKE_PTR(n->row);

        return row ? layout_line(n->l, (struct page_line){ .small = true }, row) : 0;
}

static int add_note(struct notes *n, const char *text) {
        size_t half = n->l->page->columns_small / 2;
        bool fits = is_ascii(text) && strlen(text) < half;
        _cleanup_free_ char *both = NULL;
        int r;

        if (fits && !n->row)
                return free_and_strdup(&n->row, text);
        if (fits) {
                if (asprintf(&both, "%-*s%s", (int) half, n->row, text) < 0)
                        return -ENOMEM;
                (void) free_and_strdup(&n->row, NULL);
                return layout_line(n->l, (struct page_line){ .small = true }, both);
        }
        r = flush(n);
        /* The small font has nothing but ASCII. */
        return r < 0 ? r : layout_line(n->l, (struct page_line){ .small = is_ascii(text) }, text);
}

static int note_text(struct layout *l, enum field_name field, char **ret) {
        _cleanup_free_ char *shown = NULL;
        char value[FIELD_TEXT_MAX];
        int r;

        r = field_text(l->slip, field, l->languages, value);
        if (r < 0)
                return r;
        r = layout_printable(l, value, &shown);
        if (r < 0 || !*shown)
                return r;
        /* A cryptogram says itself of what kind it is. */
        if (field == FIELD_CRYPTOGRAM)
                *ret = TAKE_PTR(shown);
        else if (asprintf(ret, "%s:%s", field_label(field)->en, shown) < 0)
                return -ENOMEM;
        return 1;
}

static int add_all(struct notes *notes) {
        /* The preferred name comes last: in Chinese it is larger than the others. */
        static const enum field_name fields[] = {
                FIELD_CRYPTOGRAM,
                FIELD_TVR,
                FIELD_AID,
                FIELD_TSI,
                FIELD_CSN,
                FIELD_ATC,
                FIELD_AIP,
                FIELD_TERMINAL_CAPABILITIES,
                FIELD_LABEL,
                FIELD_IAD,
                FIELD_PREFERRED_NAME,
        };
        bool any = false;
        int r = 0;

        for (size_t i = 0; i < ELEMENTSOF(fields) && r >= 0; i++) {
                _cleanup_free_ char *text = NULL;

                r = note_text(notes->l, fields[i], &text);
                if (r <= 0)
                        continue;
                r = any ? 0 : layout_heading(notes->l, layout_normal, "备注", "REFERENCE");
                any = true;
                if (r >= 0)
                        r = add_note(notes, text);
        }
        return r < 0 ? r : flush(notes);
}

int add_notes(struct layout *l) {
        struct notes notes = { .l = l };
        int r;

        r = add_all(&notes);
        free(notes.row);
        return r;
}
