// SPDX-License-Identifier: LGPL-2.1-or-later
#include "receipt/style.h"

#include <fcntl.h>

struct receipt_style *receipt_style_free(struct receipt_style *style) {
        if (!style)
                return NULL;
        for (size_t i = 0; i < _SLIP_PAPER_MAX; i++)
                style_paper_clear(&style->papers[i]);
        free(style->logo);
        free(style->header);
        free(style->footer);
        free(style);
        return NULL;
}

void style_paper_clear(struct style_paper *paper) {
        for (size_t i = 0; i < paper->n_blocks; i++)
                free(paper->blocks[i].text);
        free(paper->blocks);
        *paper = (struct style_paper){};
}

/* The built-in papers have no texts. */
static int copy_paper(struct style_paper *paper, const struct style_paper *from) {
        size_t size = from->n_blocks * sizeof(*from->blocks);
        struct style_block *blocks = malloc(size);

        if (!blocks)
                return -ENOMEM;
        memcpy(blocks, from->blocks, size);
        *paper = (struct style_paper){ blocks, from->n_blocks };
        return 0;
}

int receipt_style_new(struct receipt_style **ret) {
        const struct receipt_style *from = receipt_style_default();
        _cleanup_(receipt_style_freep) struct receipt_style *style = calloc(1, sizeof(*style));
        int r;

        if (!style)
                return -ENOMEM;
        style->languages = from->languages;
        style->merchant_copy = from->merchant_copy;
        style->cardholder_copy = from->cardholder_copy;
        for (size_t i = 0; i < _SLIP_PAPER_MAX; i++) {
                r = copy_paper(&style->papers[i], &from->papers[i]);
                if (r < 0)
                        return r;
        }
        *ret = TAKE_PTR(style);
        return 0;
}

int receipt_style_open_logo(const struct receipt_style *style) {
        int fd;

        if (!style->logo)
                return -EBADF;
        fd = open(style->logo, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
        return fd < 0 ? -errno : fd;
}

bool receipt_style_waives_signature(const struct receipt_style *style, const char *currency, int64_t amount) {
        for (size_t i = 0; i < style->n_no_signature; i++)
                if (streq(style->no_signature[i].currency, currency))
                        return amount <= style->no_signature[i].amount;
        return false;
}
