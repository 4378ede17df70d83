/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * A request as it stands sealed in the journal until the acquirer has answered: what a reversal or a repeat needs of
 * it. No track, CVV or PIN has a place in it.
 */

#include "host/request.h"

struct stored_request;

/* In secret memory. -ERANGE for card data that have no room, and for a kind that is never stored. */
int stored_request_new(const struct host_request *q, struct stored_request **ret, size_t *ret_size);
/* *ret borrows from data, which a load of the journal gave. -EPROTONOSUPPORT for what another version has written. */
int stored_request_read(const void *data, size_t size, struct host_request *ret);
