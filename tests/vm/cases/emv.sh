# SPDX-License-Identifier: LGPL-2.1-or-later
# shellcheck shell=bash
#
# Cards and terminals made for a case: after lib.sh.

_cards=/usr/share/till-sim/cards
mkdir -p /run/cards /etc/tilld/emv.d
ln -sf "$_cards/keys" /run/cards/keys

# card NAME OF LINE...: a packaged card with some lines before its own, as /run/cards/NAME.card; for [card], or
# "application KEY=VALUE"
card() {
	local name=$1 of=$2 line section
	shift 2
	cp "$_cards/$of.card" "/run/cards/$name.card"
	for line; do
		section=card
		[[ $line != "application "* ]] || section='application 1'
		sed -i "s|^\[$section\]$|&\n${line#application }|" "/run/cards/$name.card"
	done
}

# terminal LINE...: the terminal as shipped, with these lines last
terminal() {
	printf '%s\n' "$@" >/etc/tilld/emv.d/99-case.conf
	[ $# -gt 0 ] || rm /etc/tilld/emv.d/99-case.conf
	systemctl restart tilld
	check_soon "the terminal is there" 60 devices_connected 3
}
