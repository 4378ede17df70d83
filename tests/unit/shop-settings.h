/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* The settings of a shop in test mode. */

#include "transaction/settings.h"

static inline struct settings shop_settings(void) {
        return (struct settings){
                .mode = MODE_TEST,
                .merchant_name = (char *) "test",
                .merchant_number = "000000000000001",
                .terminal_number = "T0000001",
                .operator_number = "01",
                .serial = "SN-0001",
                .waiting_hours = 24,
                /* Port 9 of this machine: nobody answers. */
                .acquirer_hosts = { (char *) "127.0.0.1:9" },
                .answer_timeout = 5,
                .profile = &host_profile_unionpay,
        };
}
