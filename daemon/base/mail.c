// SPDX-License-Identifier: LGPL-2.1-or-later
#include "base/mail.h"

void mail_mask(const char *mail, char *ret, size_t size) {
        const char *at = strrchr(mail, '@');

        if (at)
                (void) snprintf(ret, size, "%.1s***%s", mail, at);
        else
                (void) snprintf(ret, size, "%s", *mail ? "***" : "");
}
