/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * The walls around card-worker: what a card can make of it stays in it. Meant for a process of one thread
 * that was just exec'd with the descriptors of emv/message.h.
 */

/*
 * Gives up, for good: files, sockets, new descriptors, standard input and output, the environment, children,
 * other processes, executable memory, core dumps and tracers. What is left is the EMV node, the socket to
 * tilld, and standard error for the log. Memory of libcrypto is wiped when it is freed from here on.
 * Call it before libcrypto's first use.
 */
int sandbox_enter(void);

/* The wall against files alone; part of sandbox_enter(). 0 also where the kernel has no Landlock. */
int sandbox_close_files(void);
