/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * Asks an acquirer with whom something was wrong whether that is over, so that it is known before the next customer:
 * by an echo, or by a sign-on where that had failed. By itself only then, while the terminal has nothing else to tell
 * it, half a minute later at first and a quarter of an hour later at last; at once when the network is another one.
 * What waits in the outbox asks by itself.
 */

#include "base/macro.h"

struct engine;
struct acquirer_check;

int acquirer_check_new(struct engine *e, struct acquirer_check **ret);
struct acquirer_check *acquirer_check_free(struct acquirer_check *c);
DEFINE_CLEANUP(struct acquirer_check *, acquirer_check_free);

/* It stands otherwise with the acquirer: asking begins, or ends. */
void acquirer_check_kick(struct acquirer_check *c);
/* The network is another one: what was said before is of another day. */
void acquirer_check_hurry(struct acquirer_check *c);
/*
 * Asks now, whatever is known of it: told() says whether it has answered well. It follows also where it is asked once
 * more meanwhile, and not after acquirer_check_forget(). -EBUSY while there is something else to tell it.
 */
typedef void (*acquirer_asked_t)(bool well, void *userdata);
int acquirer_check_ask(struct acquirer_check *c, acquirer_asked_t told, void *userdata);
/* Who has asked does not want to know any more. */
void acquirer_check_forget(struct acquirer_check *c);
/* A transaction begins: the link is its own. */
void acquirer_check_yield(struct acquirer_check *c);
