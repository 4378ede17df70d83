// SPDX-License-Identifier: LGPL-2.1-or-later
#include "base/mail.h"

#define MAIL_MAX 254

bool mail_is_valid(const char *mail) {
        const char *at = strchr(mail, '@');

        if (!at || at == mail || !at[1] || strchr(at + 1, '@') || strlen(mail) > MAIL_MAX || *mail == '-')
                return false;
        for (const char *c = mail; *c; c++)
                if (*c <= ' ' || *c > '~' || strchr("<>()[],;:\\\"", *c))
                        return false;
        return true;
}

void mail_mask(const char *mail, char *ret, size_t size) {
        const char *at = strrchr(mail, '@');

        if (at)
                (void) snprintf(ret, size, "%.1s***%s", mail, at);
        else
                (void) snprintf(ret, size, "%s", *mail ? "***" : "");
}
