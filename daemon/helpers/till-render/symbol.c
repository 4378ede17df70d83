// SPDX-License-Identifier: LGPL-2.1-or-later
#include "helpers/till-render/symbol.h"

#include <qrencode.h>
#include <zint.h>

DEFINE_CLEANUP(struct zint_symbol *, ZBarcode_Delete);
DEFINE_CLEANUP(QRcode *, QRcode_free);

/* As many as the command for printers takes at correction M, and at all. */
#define QR_MAX 2331
#define BARCODE_MAX 100

int symbol_qr(const char *text, struct raster **ret) {
        _cleanup_(raster_freep) struct raster *r = NULL;
        _cleanup_(QRcode_freep) QRcode *code = NULL;
        size_t size = strlen(text);
        int k;

        if (size == 0 || size > QR_MAX)
                return -E2BIG;
        code = QRcode_encodeData((int) size, (const unsigned char *) text, 0, QR_ECLEVEL_M);
        if (!code)
                return -errno;
        k = raster_new((unsigned) code->width, (unsigned) code->width, &r);
        if (k < 0)
                return k;
        for (unsigned y = 0; y < r->height; y++)
                for (unsigned x = 0; x < r->width; x++)
                        if (code->data[y * r->width + x] & 1)
                                raster_set(r, x, y);
        *ret = TAKE_PTR(r);
        return 0;
}

int symbol_barcode(const char *text, struct raster **ret) {
        _cleanup_(ZBarcode_Deletep) struct zint_symbol *symbol = NULL;
        _cleanup_(raster_freep) struct raster *r = NULL;
        size_t size = strlen(text);
        int k;

        if (size == 0 || size > BARCODE_MAX)
                return -E2BIG;
        for (const char *p = text; *p; p++)
                if (*p < 0x20 || *p > 0x7e)
                        return -EINVAL;
        symbol = ZBarcode_Create();
        if (!symbol)
                return -ENOMEM;
        symbol->symbology = BARCODE_CODE128;
        if (ZBarcode_Encode(symbol, (const unsigned char *) text, 0) >= ZINT_ERROR || symbol->rows != 1)
                return -EINVAL;
        k = raster_new((unsigned) symbol->width, 1, &r);
        if (k < 0)
                return k;
        for (unsigned x = 0; x < r->width; x++)
                if (symbol->encoded_data[0][x / 8] >> x % 8 & 1)
                        raster_set(r, x, 0);
        *ret = TAKE_PTR(r);
        return 0;
}

int raster_scale(const struct raster *r, unsigned x, unsigned y, struct raster **ret) {
        _cleanup_(raster_freep) struct raster *scaled = NULL;
        int k;

        k = raster_new(r->width * x, r->height * y, &scaled);
        if (k < 0)
                return k;
        for (unsigned row = 0; row < scaled->height; row++)
                for (unsigned column = 0; column < scaled->width; column++)
                        if (raster_get(r, column / x, row / y))
                                raster_set(scaled, column, row);
        *ret = TAKE_PTR(scaled);
        return 0;
}
