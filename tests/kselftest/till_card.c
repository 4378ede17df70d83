// SPDX-License-Identifier: GPL-2.0-only
/*
 * Puts a card into QEMU's CCID reader and plays it until it is killed.
 */
#include "till_card.h"

static void setup(void)
{
	alarm(0);
}

TEST(card_is_in_the_reader)
{
	card_start();
	card_insert();
	for (;;)
		pause();
}
