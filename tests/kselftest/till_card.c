// SPDX-License-Identifier: GPL-2.0-only
/*
 * Puts a card into QEMU's CCID reader and plays it until it is killed.
 */
#include "till_card.h"

int main(int argc, char *argv[])
{
	card_start();
	card_insert();
	for (;;)
		pause();
}
