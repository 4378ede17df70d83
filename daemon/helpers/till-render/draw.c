// SPDX-License-Identifier: LGPL-2.1-or-later
#include "helpers/till-render/draw.h"

int draw(const struct drawing *d, struct fonts *fonts, enum render_face face, FILE *f) {
        switch (face) {
        case RENDER_RASTER:
                return draw_raster(d, fonts, f);
        case RENDER_PNG:
                return draw_png(d, fonts, f);
        case RENDER_PDF:
                return draw_pdf(d, fonts, f);
        case RENDER_TERMINAL:
                return draw_terminal(d, f);
        case _RENDER_FACE_MAX:
                break;
        }
        return -EINVAL;
}
