// SPDX-License-Identifier: LGPL-2.1-or-later
/* All that is known about each fault, in both languages. What is said here in one language is said in the other. */
#include "care/fault-table.h"

const struct fault_code *const fault_table[] = {
        faults_of_reader,  faults_of_card,  faults_of_printer,  faults_of_driver,
        faults_of_network, faults_of_books, faults_of_terminal, NULL,
};
