# SPDX-License-Identifier: LGPL-2.1-or-later
# shellcheck shell=bash
#
# Sales with cards that are not taken at once, for the cases of faults: after faults.sh.

number=0
# A sale that waits for its card is in $sale.
begin() {
	number=$((number + 1))
	check_soon "sale $number waits for a card" 60 sale_waits 12850 "CARD-$number"
}
ends() { # RESULT
	check_soon "sale $number ends" 90 has_state "$sale" "done"
	check_equal "it is $1" "$(get "$sale" Transaction Result)" "$1"
}
cancel() { busctl call org.tilld1 "$sale" org.tilld1.Transaction Cancel; }
is_asked_again() { [ -n "$(get "$sale" Transaction Message)" ]; }
# One that nobody has fetched yet would be replaced by the next; of a second one the message may be the same.
swipe() { # CARD OPTION...
	local before
	before=$(get "$sale" Transaction Message)
	till-sim swipe "$@" || return
	if [ -n "$before" ]; then sleep 1; else wait_until 30 is_asked_again >/dev/null; fi
}
bad_read() {
	till-sim misbehave msr bad-read
	swipe stripe
}
