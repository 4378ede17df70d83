/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* What till-recover does for the terminal's devices, asked asynchronously. It looks at all anew: see till-recover(8).
 */

#include <systemd/sd-event.h>

#include "base/macro.h"

enum recover_verb {
        RECOVER_RESET,  /* of the device in a port */
        RECOVER_REBIND, /* of an interface */
        RECOVER_POWER,  /* of a port */
        RECOVER_PROBE,  /* of a port, or "all": answers a file */
        _RECOVER_VERB_MAX,
};

/* "reset", "rebind", "power", "probe" */
const char *recover_verb_to_string(enum recover_verb verb);

/*
 * Called once, never from inside recover_start(). error: 0, or a negative errno with a reason for a person; -ENOTSUP:
 * the hub or this kernel has none of it. file is negative where there is none, and closed after this. The call may be
 * freed here, and must be at last.
 */
typedef void (*recover_done_t)(int error, const char *reason, int file, void *userdata);

struct recover_call;

/* -EINVAL for a name of another form than the verb's; nobody is asked then. */
int recover_start(sd_event *event, enum recover_verb verb, const char *name, recover_done_t done, void *userdata,
                  struct recover_call **ret);
/* Forgets it, without a call of done; what till-recover does, it does. */
struct recover_call *recover_call_free(struct recover_call *call);
DEFINE_CLEANUP(struct recover_call *, recover_call_free);

/*
 * The text of a probe's file: valid UTF-8, NUL-terminated, the caller's. -EBADMSG for one that is not sealed, larger
 * than RECOVER_DOCUMENT_MAX, or no text.
 */
#define RECOVER_DOCUMENT_MAX (256 * 1024)
int recover_read_document(int file, char **ret);

/* Of till-recover, unless a test sets its own. */
extern const char *recover_socket;
