/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * The ways to a person, and what is known of telephone numbers. Each returns 0 with what the channel calls the
 * message, or a negative errno with the reason. folder is where the terminal is configured: /etc/tilld.
 */

#include "helpers/till-notify/reason.h"

/* By ModemManager on the system bus: the first registered modem that takes it. */
int modem_send(const struct request *request, const char *folder, char ret_reason[static REASON_SIZE]);
/* By SMTP to the mail server on this machine. */
int mail_send(const struct request *request, const char *folder, char ret_reason[static REASON_SIZE]);
/* By the merchant's own program. */
int hook_send(const struct request *request, const char *folder, char ret_reason[static REASON_SIZE]);
/* Sends nothing: the country of the number. -EINVAL: no such number, -EADDRNOTAVAIL: not a mobile one. */
int number_check(const struct request *request, const char *folder, char ret_reason[static REASON_SIZE]);
