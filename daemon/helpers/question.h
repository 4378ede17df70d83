/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * The question of a helper program that systemd starts for each connection: the other end of base/helper-call.h. The
 * program has nothing else to do.
 */

#include "base/macro.h"

/*
 * Whether systemd has started the program for a connection, which is served then: the program ends well, whatever came
 * of it. Its caller has heard what went wrong, and no unit has failed.
 */
bool question_serve(int (*serve)(int fd));
/*
 * Waits 5 seconds at most. 1 with a packet of that size and as many files as came, n_files at most, -EBADF for each
 * other; they are the caller's, also with an error. 0 where whoever connected has hung up. -EBADMSG for another size,
 * or more files.
 */
int question_receive(int fd, void *packet, size_t size, int *files, size_t n_files);
/* One packet back, with a file unless that is negative, which stays the caller's. */
int question_answer(int fd, const void *packet, size_t size, int file);
/* Ends the program, well, when whoever asked hangs up, or has done so: its answer is for nobody. */
int question_end_with_peer(int fd);
