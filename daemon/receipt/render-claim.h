/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* What till-render says that it has drawn, and whether that can be. Inside of this room. */

#include "receipt/page-store.h"
#include "receipt/render-message.h"

/*
 * Looks at a whole answer. For RENDER_RASTER the page's lines get theirs: all that s->rasters wants, logos perhaps
 * not; with an error none has any. -EBADMSG for what a helper of good will does not send, -ENOMEM.
 */
int render_claim_take(const struct stored_page *s, enum render_face face, const uint8_t *data, size_t size);
