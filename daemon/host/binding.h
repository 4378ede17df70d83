/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * What the acquirer is asked and told about the merchant's phone: DE62 of binding-check, binding-confirm and
 * binding-withdraw as TLV. No published message has it; Documentation/acquirer-profile.md has the form.
 */

#include "base/phone.h"

/* How the holder of the old phone stands to it. */
enum host_binding_kind {
        HOST_BINDING_FIRST,  /* there is none */
        HOST_BINDING_CHANGE, /* the old phone agrees */
        HOST_BINDING_LOST,   /* the old phone is lost: the acquirer has to approve */
        _HOST_BINDING_KIND_MAX,
};

struct host_binding {
        enum host_binding_kind kind;
        uint32_t number;            /* of the change at this terminal: a withdrawal bears that of what it withdraws */
        char serial[33];            /* of the terminal; DE41 and DE42 have the other numbers */
        char phone[PHONE_SIZE];     /* the new one */
        char old_phone[PHONE_SIZE]; /* the one in force here; "" for none */
};

#define HOST_BINDING_MAX 128

/* Whether it can be sent: what is there has its form, and an old phone is there but for a first one. */
bool host_binding_is_valid(const struct host_binding *b) _pure_;
/* Returns the size. */
size_t host_binding_format(const struct host_binding *b, uint8_t ret[static HOST_BINDING_MAX]);
/* -EBADMSG where a tag is missing, comes twice, or has what it cannot have; *ret is set on 0 only. */
int host_binding_parse(const void *data, size_t size, struct host_binding *ret);
