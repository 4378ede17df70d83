/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * What tilld and till-verify say to each other over a SOCK_SEQPACKET socket: one question, one answer, a connection.
 * With the answer comes a sealed memfd with a JSON document: see till-verify(8).
 */

#include "base/macro.h"

#define VERIFY_SOCKET "/run/till-verify"
#define VERIFY_VERSION 1
#define VERIFY_DOCUMENT_MAX (256 * 1024)

struct verify_question {
        uint32_t version;
};

struct verify_answer {
        uint32_t version;
        int32_t error; /* 0 with a file, or a negative errno */
        uint64_t size; /* of the document, in bytes */
};
