/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * What the acquirer gives the terminal to work with: applications' parameters and CA keys. A download is put together
 * message by message, checked whole, written as a file of emv.d that only tilld writes, and in use from then on. The
 * administrator's files of /etc/tilld/emv.d go before it where they have the same name or a later one.
 */

#include "emv/terminal.h"
#include "host/download.h"
#include "host/profile.h"
#include "transaction/settings.h"

struct download;

/* kind: HOST_PARAMETERS or HOST_CA_KEYS. The terminal as it is now and the settings are borrowed. */
int download_new(enum host_kind kind, const struct emv_terminal *terminal, const struct settings *settings,
                 struct download **ret);
struct download *download_free(struct download *d);
DEFINE_CLEANUP(struct download *, download_free);

/* One message of it. -EBADMSG for what cannot be used, -E2BIG for more than there are positions. */
int download_add(struct download *d, const struct host_download *message);
/* Objects so far. */
unsigned download_count(const struct download *d);

/*
 * Checks what the terminal would be with it; then writes it, durably, and fills in *terminal. dirs is
 * emv_files_dirs_of(). -EINVAL, with nothing changed, when tilld could not start with it; what is wrong is logged.
 * Nothing downloaded changes nothing.
 */
int download_install(struct download *d, const char *const *dirs, struct emv_terminal *terminal);
