// SPDX-License-Identifier: LGPL-2.1-or-later
#include "host/profile.h"

static const struct host_profile *const profiles[] = {
        &host_profile_unionpay,
        &host_profile_aes,
};

static const char *const kind_names[_HOST_KIND_MAX] = {
        [HOST_SALE] = "sale",
        [HOST_VOID] = "void",
        [HOST_REFUND] = "refund",
        [HOST_PREAUTH] = "pre-authorization",
        [HOST_PREAUTH_VOID] = "pre-authorization-void",
        [HOST_COMPLETION] = "completion",
        [HOST_COMPLETION_VOID] = "completion-void",
        [HOST_BALANCE] = "balance",
        [HOST_OFFLINE_SALE] = "offline-sale",
        [HOST_TIP] = "tip",
        [HOST_REVERSAL] = "reversal",
        [HOST_SIGN_ON] = "sign-on",
        [HOST_SIGN_OFF] = "sign-off",
        [HOST_ECHO] = "echo",
        [HOST_PARAMETERS] = "parameters",
        [HOST_CA_KEYS] = "ca-keys",
        [HOST_SETTLEMENT] = "settlement",
        [HOST_BATCH_UPLOAD] = "batch-upload",
        [HOST_CHIP_UPLOAD] = "chip-upload",
        [HOST_BATCH_UPLOAD_END] = "batch-upload-end",
        [HOST_BINDING_CHECK] = "binding-check",
        [HOST_BINDING_CONFIRM] = "binding-confirm",
        [HOST_BINDING_WITHDRAW] = "binding-withdraw",
};

const char *host_kind_name(enum host_kind kind) {
        return kind >= 0 && kind < _HOST_KIND_MAX ? kind_names[kind] : NULL;
}

enum host_kind host_kind_from_name(const char *name) {
        for (enum host_kind k = 0; k < _HOST_KIND_MAX; k++)
                if (streq(kind_names[k], name))
                        return k;
        return _HOST_KIND_INVALID;
}

const struct host_profile *host_profile_find(const char *name) {
        for (size_t i = 0; i < ELEMENTSOF(profiles); i++)
                if (streq(profiles[i]->name, name))
                        return profiles[i];
        return NULL;
}
