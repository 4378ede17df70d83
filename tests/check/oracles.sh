# SPDX-License-Identifier: LGPL-2.1-or-later
# shellcheck shell=bash
#
# npm modules that nobody here wrote, to hold ours against: each version once, in the cache. Sourced; puts them into
# NODE_PATH. ORACLES names a node_modules that has them already. Without node, or without a way to them, a test finds
# none and says so.

oracle_modules=(
	@point-of-sale/receipt-printer-encoder@4.0.1
	ber-tlv@0.9.2
	node-emv@1.0.23
	receiptline@4.0.4
)

find_oracles() {
	local cache=${TILLD_CACHE:-${XDG_CACHE_HOME:-$HOME/.cache}/tilld} dir
	[ -z "${ORACLES-}" ] || { export NODE_PATH=$ORACLES && return; }
	command -v npm >/dev/null || return 0
	dir=$cache/npm-$(printf '%s\n' "${oracle_modules[@]}" | sha256sum | cut -c 1-16)
	mkdir -p "$cache"
	(
		flock 9
		[ ! -d "$dir" ] || exit 0
		rm -rf "$dir.new" && mkdir "$dir.new" &&
			timeout 120 npm install --prefix "$dir.new" --silent --no-audit --no-fund --ignore-scripts \
				--omit=optional "${oracle_modules[@]}" >"$dir.log" 2>&1 </dev/null && mv "$dir.new" "$dir"
	) 9>"$dir.lock"
	export NODE_PATH=$dir/node_modules
}

# Whether node finds the module.
have_oracle() { # MODULE
	command -v node >/dev/null && node -e "require.resolve('$1')" 2>/dev/null
}
