// SPDX-License-Identifier: LGPL-2.1-or-later
/* Characters as one-bit cells, from the fonts that fontconfig knows. */

#include <fontconfig/fontconfig.h>
#include <ft2build.h>
#include FT_FREETYPE_H

#include "paper/printer.h"

enum { FACE_LATIN, FACE_CHINESE, FACE_LAST, FACES };

#define CACHE 1024

struct cached {
        uint32_t codepoint;
        unsigned width, height;
        struct paper_cell cell;
};

struct paper_fonts {
        FT_Library library;
        struct cached cache[CACHE]; /* a character's place is its number's rest */
        FT_Face faces[FACES];       /* NULL where there is none */
};

/* What each face should be, best first; the last is what has the rest of Unicode. */
static const char *const patterns[FACES] = {
        [FACE_LATIN] = "DejaVu Sans Mono,Liberation Mono,monospace:scalable=true:spacing=100",
        [FACE_CHINESE] = "WenQuanYi Zen Hei,WenQuanYi Micro Hei,Noto Sans CJK SC,sans:scalable=true:lang=zh-cn",
        [FACE_LAST] = "Unifont,sans:scalable=true",
};

static FT_Face face_open(FT_Library library, const char *text) {
        FcPattern *pattern, *match = NULL;
        FcResult result;
        FcChar8 *file;
        FT_Face face = NULL;
        int index = 0;

        pattern = FcNameParse((const FcChar8 *) text);
        if (!pattern)
                return NULL;
        FcConfigSubstitute(NULL, pattern, FcMatchPattern);
        FcDefaultSubstitute(pattern);
        match = FcFontMatch(NULL, pattern, &result);
        FcPatternDestroy(pattern);
        if (!match)
                return NULL;
        (void) FcPatternGetInteger(match, FC_INDEX, 0, &index);
        if (FcPatternGetString(match, FC_FILE, 0, &file) != FcResultMatch ||
            FT_New_Face(library, (const char *) file, index, &face) != 0)
                face = NULL;
        FcPatternDestroy(match);
        return face;
}

int paper_fonts_new(struct paper_fonts **ret) {
        struct paper_fonts *f;

        f = calloc(1, sizeof(*f));
        if (!f)
                return -ENOMEM;
        if (FT_Init_FreeType(&f->library) != 0) {
                free(f);
                return -ENOMEM;
        }
        for (int i = 0; i < FACES; i++)
                f->faces[i] = face_open(f->library, patterns[i]);
        if (!f->faces[FACE_LATIN]) {
                paper_fonts_free(f);
                return -ENOENT;
        }
        *ret = f;
        return 0;
}

struct paper_fonts *paper_fonts_free(struct paper_fonts *f) {
        if (!f)
                return NULL;
        for (int i = 0; i < FACES; i++)
                if (f->faces[i])
                        FT_Done_Face(f->faces[i]);
        FT_Done_FreeType(f->library);
        free(f);
        return NULL;
}

/* The largest size at which the face's characters fit the cell. */
static bool face_fit(FT_Face face, FT_UInt glyph, unsigned width, unsigned height) {
        for (unsigned size = height; size >= 6; size--) {
                if (FT_Set_Pixel_Sizes(face, 0, size) != 0 || FT_Load_Glyph(face, glyph, FT_LOAD_TARGET_MONO) != 0)
                        continue;
                if ((face->glyph->advance.x + 32) / 64 <= (long) width && size <= height)
                        return true;
        }
        return false;
}

static void cell_blit(struct paper_cell *cell, const FT_GlyphSlot slot, int left, int top) {
        for (unsigned y = 0; y < slot->bitmap.rows; y++)
                for (unsigned x = 0; x < slot->bitmap.width; x++) {
                        int cx = left + (int) x, cy = top + (int) y;

                        if (cx < 0 || cy < 0 || cx >= (int) cell->width || cy >= (int) cell->height)
                                continue;
                        if (slot->bitmap.buffer[(int) y * slot->bitmap.pitch + (int) x / 8] & (0x80 >> (x % 8)))
                                cell->rows[cy] |= UINT32_C(1) << cx;
                }
}

static void cell_box(struct paper_cell *cell) {
        uint32_t full = ((UINT32_C(1) << (cell->width - 2)) - 1) << 1;

        for (unsigned y = 2; y < cell->height - 2; y++)
                cell->rows[y] = (UINT32_C(1) << 1) | (UINT32_C(1) << (cell->width - 2));
        cell->rows[2] = cell->rows[cell->height - 3] = full;
}

static void fonts_render(struct paper_fonts *f, uint32_t codepoint, unsigned width, unsigned height,
                         struct paper_cell *ret) {
        struct paper_cell cell = { .width = MIN(width, (unsigned) CELL_MAX),
                                   .height = MIN(height, (unsigned) CELL_MAX) };
        FT_Face face = NULL;
        FT_UInt glyph = 0;
        long ascent, descent, base;
        int left, top;

        /* A wide cell is the Chinese font's first, so that its full-width Latin fits the rest. */
        for (int i = 0; i < FACES && glyph == 0; i++) {
                face = f->faces[width == height && i < FACE_LAST ? !i : i];
                glyph = face ? FT_Get_Char_Index(face, codepoint) : 0;
        }
        if (glyph == 0 || !face_fit(face, glyph, cell.width, cell.height) ||
            FT_Render_Glyph(face->glyph, FT_RENDER_MODE_MONO) != 0) {
                if (codepoint > ' ')
                        cell_box(&cell);
                *ret = cell;
                return;
        }

        ascent = face->size->metrics.ascender / 64;
        descent = -face->size->metrics.descender / 64;
        base = ((long) cell.height - (ascent + descent)) / 2 + ascent;
        if (base > (long) cell.height - 2)
                base = (long) cell.height - 2;
        left = face->glyph->bitmap_left;
        top = (int) base - face->glyph->bitmap_top;
        /* Chinese is pushed into its cell where it hangs over; frames must keep their place to join. */
        if (cell.width == cell.height) {
                left = MAX(left, 0);
                top = MAX(top, 0);
        }
        cell_blit(&cell, face->glyph, left, top);
        *ret = cell;
}

void paper_fonts_draw(struct paper_fonts *f, uint32_t codepoint, unsigned width, unsigned height,
                      struct paper_cell *ret) {
        struct cached *c = f->cache + (codepoint + width * 89) % CACHE;

        if (c->codepoint != codepoint || c->width != width || c->height != height) {
                fonts_render(f, codepoint, width, height, &c->cell);
                c->codepoint = codepoint;
                c->width = width;
                c->height = height;
        }
        *ret = c->cell;
}
