/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * The walls around card-worker: what a card can make of it stays in it. Meant for a process of one thread
 * that was just exec'd with the descriptors of emv/message.h.
 */

/*
 * Gives up, for good: files, sockets, new descriptors, standard input, output and error, children, other
 * processes, executable memory, core dumps and tracers. What is left is the EMV node and the socket to tilld:
 * a line of the log would end the process. Of the page file all memory is kept out where RLIMIT_MEMLOCK allows
 * it. What the walls lack is logged before they close. Call it before libcrypto's first use.
 */
int sandbox_enter(void);

/* The wall against files alone; part of sandbox_enter(). 0 with a line of the log where the kernel has no Landlock. */
int sandbox_close_files(void);
