/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* What the methods of org.tilld1.Binding do, between the files that have them; each is a code_call_act_t. */

#include "bus/code-call.h"

#define BINDING_ACT(name)                                                                                             \
        int name(struct server *s, sd_bus_message *m, const char *by, sd_bus_message *reply, struct refusal *ret)

/* contacts.c */
BINDING_ACT(contacts_list);
BINDING_ACT(contacts_add);
BINDING_ACT(contacts_change);
BINDING_ACT(contacts_remove);
BINDING_ACT(contacts_set_preference);
BINDING_ACT(contacts_send_test);
BINDING_ACT(contacts_announce_replacement);
BINDING_ACT(contacts_list_notices);
