/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * The rows of fault-code.h, by what somebody looks for: a fault-table-NOUN.c each. The last row of each is empty.
 * Within one the more exact cause comes first.
 */

#include "care/fault-code.h"

#define HARDWARE "hardware"
#define SOFTWARE "software"
#define CARD "card"
#define NETWORK "network"
#define CONFIGURATION "configuration"

#define WARNING "warning"
#define ERROR "error"
#define CRITICAL "critical"

extern const struct fault_code faults_of_reader[], faults_of_card[], faults_of_printer[], faults_of_driver[],
        faults_of_network[], faults_of_books[], faults_of_terminal[];

/* NULL behind the last one. */
extern const struct fault_code *const fault_table[];
