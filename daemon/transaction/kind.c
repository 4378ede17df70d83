// SPDX-License-Identifier: LGPL-2.1-or-later
#include "transaction/kind.h"

/* What a supervisor has to approve gives money back, or books what the acquirer was not asked about. */
static const struct kind kinds[_HOST_KIND_MAX] = {
        [HOST_SALE] = { .name = "sale", .card = KIND_CARD_FULL, .amount = true },
        [HOST_VOID] = { .name = "void",
                        .card = KIND_CARD_READ,
                        .amount = true,
                        .supervisor = true,
                        .originals = { "sale" } },
        [HOST_REFUND] = { .name = "refund",
                          .card = KIND_CARD_AAC,
                          .type = 0x20,
                          .amount = true,
                          .supervisor = true,
                          .originals = { "sale", "completion" } },
        [HOST_PREAUTH] = { .name = "pre-authorization", .card = KIND_CARD_ONLINE, .type = 0x03, .amount = true },
        [HOST_PREAUTH_VOID] = { .name = "pre-authorization-void",
                                .card = KIND_CARD_READ,
                                .amount = true,
                                .supervisor = true,
                                .originals = { "pre-authorization" } },
        [HOST_COMPLETION] = { .name = "completion",
                              .card = KIND_CARD_READ,
                              .amount = true,
                              .originals = { "pre-authorization" } },
        [HOST_COMPLETION_VOID] = { .name = "completion-void",
                                   .card = KIND_CARD_READ,
                                   .amount = true,
                                   .supervisor = true,
                                   .originals = { "completion" } },
        [HOST_BALANCE] = { .name = "balance", .card = KIND_CARD_ONLINE, .type = 0x31 },
        [HOST_OFFLINE_SALE] = { .name = "offline-sale",
                                .way = KIND_WAY_ADVICE,
                                .card = KIND_CARD_READ,
                                .amount = true,
                                .supervisor = true,
                                .voice = true },
        [HOST_TIP] = { .name = "tip", .way = KIND_WAY_ADVICE, .amount = true, .originals = { "sale" } },
        [HOST_SIGN_ON] = { .name = "sign-on", .way = KIND_WAY_SERVICE },
        [HOST_SIGN_OFF] = { .name = "sign-off", .way = KIND_WAY_SERVICE },
        [HOST_SETTLEMENT] = { .name = "settlement", .way = KIND_WAY_SERVICE },
        [HOST_PARAMETERS] = { .name = "parameters", .way = KIND_WAY_SERVICE },
        [HOST_CA_KEYS] = { .name = "ca-keys", .way = KIND_WAY_SERVICE },
        [HOST_ECHO] = { .name = "echo", .way = KIND_WAY_SERVICE },
        [HOST_BINDING_CHECK] = { .name = "binding-check", .way = KIND_WAY_SERVICE, .binding = true },
        [HOST_BINDING_CONFIRM] = { .name = "binding-confirm", .way = KIND_WAY_SERVICE, .binding = true },
};

const struct kind *kind_find(const char *name) {
        enum host_kind host = host_kind_from_name(name);

        return host >= 0 && kinds[host].name ? kinds + host : NULL;
}

enum host_kind kind_to_host(const struct kind *k) {
        return (enum host_kind)(k - kinds);
}

enum host_kind kind_as_told(const struct transaction_record *record) {
        enum host_kind kind = host_kind_from_name(record->kind);

        return kind == HOST_SALE && record->forwarding != FORWARDING_NONE ? HOST_OFFLINE_SALE : kind;
}
