// SPDX-License-Identifier: LGPL-2.1-or-later
#include "receipt/render-claim.h"

#include "base/unicode.h"

/* Bits beside the width would be dots that nobody looked at. */
static bool has_dots_outside(const struct raster *raster) {
        unsigned used = raster->width % 8;

        for (unsigned y = 0; used > 0 && y < raster->height; y++)
                if (raster->bits[(y + 1) * raster_stride(raster) - 1] & (0xff >> used))
                        return true;
        return false;
}

/* Two cells of the largest character, and what a code or the logo may be: more would be paper without an end. */
static unsigned rows_max(const struct stored_page *s, const struct page_line *line) {
        switch (line->type) {
        case PAGE_QR:
                return MAX(s->dots, 64U);
        case PAGE_BARCODE:
                return UINT8_MAX + 64U;
        case PAGE_LOGO:
                return PAGE_LOGO_ROWS_MAX;
        default:
                return 64;
        }
}

static int take_raster(const struct stored_page *s, size_t from, const uint8_t **data, size_t *size,
                       size_t *ret_line) {
        _cleanup_(raster_freep) struct raster *raster = NULL;
        struct render_raster header;
        size_t n;
        int r;

        if (*size < sizeof(header))
                return -EBADMSG;
        memcpy(&header, *data, sizeof(header));
        *data += sizeof(header);
        *size -= sizeof(header);
        if (header.line < from || header.line >= s->page->n_lines || !s->rasters[header.line] ||
            header.width != s->dots || header.height > rows_max(s, &s->page->lines[header.line]))
                return -EBADMSG;
        r = raster_new(header.width, header.height, &raster);
        if (r < 0)
                return r == -EINVAL ? -EBADMSG : r;
        n = raster_stride(raster) * raster->height;
        if (*size < n)
                return -EBADMSG;
        memcpy(raster->bits, *data, n);
        if (has_dots_outside(raster))
                return -EBADMSG;
        *data += n;
        *size -= n;
        s->page->lines[header.line].raster = TAKE_PTR(raster);
        *ret_line = header.line;
        return 0;
}

static int take_rasters(const struct stored_page *s, const uint8_t *data, size_t size) {
        size_t line;
        int r;

        page_free_rasters(s->page);
        for (size_t from = 0; size > 0; from = line + 1) {
                r = take_raster(s, from, &data, &size, &line);
                if (r < 0)
                        return r;
        }
        for (size_t i = 0; i < s->page->n_lines; i++)
                if (s->rasters[i] && !s->page->lines[i].raster && s->page->lines[i].type != PAGE_LOGO)
                        return -EBADMSG;
        return 0;
}

static uint32_t read32(const uint8_t *p) {
        return (uint32_t) p[0] << 24 | (uint32_t) p[1] << 16 | (uint32_t) p[2] << 8 | p[3];
}

/* Its first chunk: the size, and black and white. The rest is for who looks at it. */
static bool is_png(const struct stored_page *s, const uint8_t *data, size_t size) {
        static const uint8_t head[] = "\x89PNG\r\n\x1a\n\0\0\0\rIHDR", form[] = "\1\0\0\0";

        return size >= 33 && memcmp(data, head, 16) == 0 && read32(data + 16) == s->dots + 2 * RENDER_MARGIN &&
               read32(data + 20) > 0 && read32(data + 20) <= RENDER_ROWS_MAX + 2 * RENDER_MARGIN &&
               memcmp(data + 24, form, 5) == 0;
}

static bool is_pdf(const uint8_t *data, size_t size) {
        static const char head[] = "%PDF-1.", end[] = "%%EOF\n";

        return size > strlen(head) + strlen(end) && memcmp(data, head, strlen(head)) == 0 &&
               memcmp(data + size - strlen(end), end, strlen(end)) == 0;
}

/* Colours and weights, "ESC [ 1 ; 7 m", and nothing else that a terminal would do. */
static const char *skip_style(const char *text) {
        if (*text != '\033' || text[1] != '[')
                return NULL;
        text += 2;
        text += strspn(text, "0123456789;");
        return *text == 'm' ? text + 1 : NULL;
}

static int check_terminal(const uint8_t *data, size_t size) {
        _cleanup_free_ char *copy = strndup((const char *) data, size);
        const char *text = copy;

        if (!copy)
                return -ENOMEM;
        if (strlen(copy) != size)
                return -EBADMSG;
        while (*text) {
                const char *here = text;
                uint32_t c = unicode_next(&text);

                if (c == '\033')
                        text = skip_style(here);
                else if (c != '\n' && unicode_is_control(c))
                        text = NULL;
                if (!text)
                        return -EBADMSG;
        }
        return 0;
}

int render_claim_take(const struct stored_page *s, enum render_face face, const uint8_t *data, size_t size) {
        int r;

        switch (face) {
        case RENDER_RASTER:
                r = take_rasters(s, data, size);
                if (r < 0)
                        page_free_rasters(s->page);
                return r;
        case RENDER_PNG:
                return is_png(s, data, size) ? 0 : -EBADMSG;
        case RENDER_PDF:
                return is_pdf(data, size) ? 0 : -EBADMSG;
        case RENDER_TERMINAL:
                return check_terminal(data, size);
        case _RENDER_FACE_MAX:
                break;
        }
        return -EINVAL;
}
