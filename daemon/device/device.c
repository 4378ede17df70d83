// SPDX-License-Identifier: LGPL-2.1-or-later
#include <fcntl.h>

#include "device/device.h"

static const char *const kinds[_DEVICE_KIND_MAX] = {
        [DEVICE_MSR] = "msr",
        [DEVICE_EMV] = "emv",
        [DEVICE_PRINTER] = "printer",
};

const char *device_kind_to_string(enum device_kind kind) {
        return kind >= 0 && kind < _DEVICE_KIND_MAX ? kinds[kind] : NULL;
}

enum device_kind device_kind_from_string(const char *text) {
        return (enum device_kind) string_table_find(kinds, ELEMENTSOF(kinds), text);
}

/* Of the device's folder itself or its "statistics": never out of it, never along a link. */
static bool name_valid(const char *name) {
        const char *rest = startswith(name, "statistics/");

        if (rest)
                name = rest;
        return !isempty(name) && name[0] != '.' && !strchr(name, '/');
}

int device_read_attribute(const struct device *device, const char *name, char **ret_value) {
        char path[4096], value[4096];
        _cleanup_close_ int fd = -EBADF;
        char *copy;
        ssize_t n;

        if (!name_valid(name))
                return -EINVAL;
        if (!device->connected || !device->syspath)
                return -ENOTCONN;
        if ((size_t) snprintf(path, sizeof(path), "%s/%s", device->syspath, name) >= sizeof(path))
                return -ENAMETOOLONG;
        fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
        if (fd < 0)
                return -errno;
        n = read(fd, value, sizeof(value) - 1);
        if (n < 0)
                return -errno;
        while (n > 0 && value[n - 1] == '\n')
                n--;
        value[n] = '\0';
        copy = strdup(value);
        if (!copy)
                return -ENOMEM;
        *ret_value = copy;
        return 0;
}

const char *device_get_property(const struct device *device, const char *name) {
        for (char **p = device->properties; p && *p; p++) {
                const char *value = startswith(*p, name);

                if (value && *value == '=')
                        return value + 1;
        }
        return NULL;
}

/* How many bytes of the text its whole characters take that fit into so many. */
static int whole_characters(const char *text, int most) {
        int n = (int) strnlen(text, (size_t) most + 1);

        if (n > most)
                for (n = most; n > 0 && ((unsigned char) text[n] & 0xc0) == 0x80;)
                        n--;
        return n;
}

const char *device_title(const struct device *device, char text[static DEVICE_TITLE_MAX]) {
        const char *vendor = strempty(device->vendor), *product = strempty(device->product);

        /* Many products have the vendor's name in their own. */
        if (startswith(product, vendor))
                vendor = "";
        if (isempty(vendor) && isempty(product))
                product = device_kind_to_string(device->kind);
        (void) snprintf(text, DEVICE_TITLE_MAX, "%.*s%s%.*s (%.30s)", whole_characters(vendor, 60), vendor,
                        isempty(vendor) || isempty(product) ? "" : " ", whole_characters(product, 60), product,
                        device->id);
        return text;
}
