# SPDX-License-Identifier: LGPL-2.1-or-later
# shellcheck shell=bash
#
# Faults put into the daemon one by one, for check-mutants of tests/emv and of tests/crash, which source this from the
# top folder and say:
#
#   below          the folder that the files of the list are named from
#   list           the faults, one a line: a name, the file, a sed command that changes one place of it
#   work           where they are built; a fault's files begin with $work/NAME, its source is $work/NAME.tree/FILE
#   skip NAME      prints why it is left out, if it is
#   build NAME FILE   builds it into $work/NAME; FILE is the one that is changed
#   run NAME       prints what shows it, one a line
#
# A fault that nothing shows, that does not apply any more or that does not build is a failure.

n=0 failed=0

result() { # STATUS WHAT
	n=$((n + 1))
	if [ "$1" = 0 ]; then echo "ok $n - $2"; else echo "not ok $n - $2"; failed=1; fi
}

# Writes the changed source; says so where nothing of it is changed.
apply_mutant() { # NAME FILE SED
	local file=$below/$2 mutant=$work/$1.tree/$below/$2
	mkdir -p "$work/$1.tree/$below" "$(dirname "$mutant")"
	if sed "$3" "$file" >"$mutant" && ! cmp -s "$file" "$mutant"; then return; fi
	result 1 "$1: does not apply to $2 any more"
	return 1
}

check_mutant() { # NAME FILE SED
	local seen
	apply_mutant "$@" || return
	if ! build "$1" "$2" 2>"$work/errors"; then
		sed 's/^/# /' "$work/errors"
		result 1 "$1: does not build"
		return
	fi
	seen=$(run "$1")
	if [ -n "$seen" ]; then
		result 0 "$1: $(echo "$seen" | wc -l) cases, $(echo "$seen" | head -n 1) first"
	else
		tail -n 3 "$work/$1.log" | sed 's/^/# /'
		result 1 "$1: nothing sees it"
	fi
	rm -rf "$work/$1" "$work/$1"*.o "$work/$1.tree"
}

each_mutant() { # COMMAND [NAME]...: calls it with name, file and change of those of the list
	local name file change command=$1
	shift
	rm -rf "$work"
	mkdir -p "$work"
	while read -r name file change; do
		[[ -n $name && $name != \#* ]] || continue
		[ $# = 0 ] || [[ " $* " == *" $name "* ]] || continue
		"$command" "$name" "$file" "$change"
	done <"$list"
}

check_or_skip() { # NAME FILE SED
	local why
	why=$(skip "$1")
	if [ -n "$why" ]; then result 0 "$1 # SKIP $why"; else check_mutant "$@"; fi
}

check_mutants() { each_mutant check_or_skip "$@"; } # [NAME]...: of the list
