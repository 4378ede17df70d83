// SPDX-License-Identifier: LGPL-2.1-or-later
#include "base/usb-name.h"

#include <ctype.h>

/* A bus and the ports on the way. Returns what follows, or NULL. */
static const char *port_skip(const char *name) {
        const char *p = name;

        for (char separator = '-';; separator = '.') {
                if (!isdigit((unsigned char) *p))
                        return NULL;
                while (isdigit((unsigned char) *p))
                        p++;
                if (*p != separator)
                        return separator == '-' ? NULL : p;
                p++;
        }
}

bool usb_port_is_name(const char *name) {
        const char *end = strlen(name) < USB_NAME_MAX ? port_skip(name) : NULL;

        return end && *end == '\0';
}

bool usb_interface_is_name(const char *name) {
        const char *p = strlen(name) < USB_NAME_MAX ? port_skip(name) : NULL;

        if (!p || *p++ != ':' || !isdigit((unsigned char) *p))
                return false;
        while (isdigit((unsigned char) *p))
                p++;
        if (*p++ != '.' || !isdigit((unsigned char) *p))
                return false;
        while (isdigit((unsigned char) *p))
                p++;
        return *p == '\0';
}

bool usb_hid_is_name(const char *name) {
        static const char form[] = "0003:xxxx:xxxx.xxxx";

        for (size_t i = 0; i < sizeof(form); i++)
                if (form[i] == 'x' ? !isxdigit((unsigned char) name[i]) : name[i] != form[i])
                        return false;
        return true;
}
