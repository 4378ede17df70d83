/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* org.tilld1.Error.*, each mapped to an errno; the message names the object and the next step. */

#include <systemd/sd-bus.h>

#include "transaction/refusal.h"

#define BUS_ERROR_UNKNOWN_KIND "org.tilld1.Error.UnknownKind"
#define BUS_ERROR_INVALID_AMOUNT "org.tilld1.Error.InvalidAmount"
#define BUS_ERROR_UNKNOWN_CURRENCY "org.tilld1.Error.UnknownCurrency"
#define BUS_ERROR_INVALID_REFERENCE "org.tilld1.Error.InvalidReference"
#define BUS_ERROR_INVALID_ORIGINAL "org.tilld1.Error.InvalidOriginal"
#define BUS_ERROR_INVALID_NOTE "org.tilld1.Error.InvalidNote"
#define BUS_ERROR_INVALID_DESCRIPTOR "org.tilld1.Error.InvalidDescriptor"
#define BUS_ERROR_UNKNOWN_OPTION "org.tilld1.Error.UnknownOption"
#define BUS_ERROR_TRAINING_MODE "org.tilld1.Error.TrainingMode"
#define BUS_ERROR_REFERENCE_REUSED "org.tilld1.Error.ReferenceReused"
#define BUS_ERROR_BUSY "org.tilld1.Error.Busy"
#define BUS_ERROR_UNAVAILABLE_DEVICE "org.tilld1.Error.UnavailableDevice"
#define BUS_ERROR_NOT_READY "org.tilld1.Error.NotReady"
#define BUS_ERROR_NOT_FOUND "org.tilld1.Error.NotFound"
#define BUS_ERROR_STALLED "org.tilld1.Error.Stalled"
#define BUS_ERROR_TOO_LATE "org.tilld1.Error.TooLate"
#define BUS_ERROR_NOT_ASKED "org.tilld1.Error.NotAsked"
#define BUS_ERROR_NOT_LOGGED_ON "org.tilld1.Error.NotLoggedOn"
#define BUS_ERROR_INVALID_OPERATOR "org.tilld1.Error.InvalidOperator"
#define BUS_ERROR_OPERATOR_EXISTS "org.tilld1.Error.OperatorExists"
#define BUS_ERROR_INVALID_CODE "org.tilld1.Error.InvalidCode"
#define BUS_ERROR_WRONG_CODE "org.tilld1.Error.WrongCode"
#define BUS_ERROR_WRONG_ROLE "org.tilld1.Error.WrongRole"
#define BUS_ERROR_LOCKED_OUT "org.tilld1.Error.LockedOut"
#define BUS_ERROR_INVALID_TERMINAL "org.tilld1.Error.InvalidTerminal"
#define BUS_ERROR_INVALID_PHONE "org.tilld1.Error.InvalidPhone"
#define BUS_ERROR_INVALID_CONTACT "org.tilld1.Error.InvalidContact"

/* Sets the D-Bus error of a refusal; returns its negative errno, for a method handler to return. */
int bus_error_set_refusal(sd_bus_error *error, const struct refusal *refusal);
