# SPDX-License-Identifier: LGPL-2.1-or-later
# shellcheck shell=bash
#
# Sales with cards that are not taken at once, for the cases of faults: after faults.sh.

number=0
# A sale that waits for its card is in $sale.
begin() {
	number=$((number + 1))
	sale=$(start_sale 12850 "CARD-$number")
	check_soon "sale $number waits for a card" 20 has_state "$sale" waiting-card
}
ends() { # RESULT
	check_soon "sale $number ends" 90 has_state "$sale" "done"
	check_equal "it is $1" "$(get "$sale" Transaction Result)" "$1"
}
cancel() { busctl call org.tilld1 "$sale" org.tilld1.Transaction Cancel; }
swipe() { # CARD OPTION...
	till-sim swipe "$@" && sleep 1
}
bad_read() {
	till-sim misbehave msr bad-read
	swipe stripe
}
