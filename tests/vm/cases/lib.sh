# SPDX-License-Identifier: LGPL-2.1-or-later
# shellcheck shell=bash
#
# Helpers of the cases: ". /in/cases/lib.sh" first, finish last.

_n=0
_failed=0
_dir=$(mktemp -d)
# What a case that pulls the plug has counted before.
_counted=/var/lib/till-case
[ ! -e "$_counted" ] || read -r _n _failed <"$_counted"

_result() { # STATUS WHAT
	_n=$((_n + 1))
	if [ "$1" = 0 ]; then
		printf 'ok %d - %s\n' "$_n" "$2"
	else
		[ ! -s "$_dir/log" ] || sed 's/^/# /' "$_dir/log"
		printf 'not ok %d - %s\n' "$_n" "$2"
		_failed=1
	fi
	return 0
}

# check WHAT COMMAND...: a test that passes when the command does. Its output is shown when it does not.
check() {
	local what=$1
	shift
	"$@" >"$_dir/log" 2>&1
	_result $? "$what"
}

# check_equal WHAT GOT EXPECTED
check_equal() {
	printf 'got:      %s\nexpected: %s\n' "$2" "$3" >"$_dir/log"
	[ "$2" = "$3" ]
	_result $? "$1"
}

# check_soon WHAT SECONDS COMMAND...: passes when the command does within that time, tried again and again.
check_soon() {
	local what=$1 limit=$2
	shift 2
	wait_until "$limit" "$@" >"$_dir/log" 2>&1
	_result $? "$what"
}

# wait_until SECONDS COMMAND...: the last try's output is left to see. Between two tries there is as long a pause as one
# takes, 0.1 to 1 s: half of an emulated processor is for what is waited for.
wait_until() {
	# What is waited for may wait itself.
	local _depth=$((${_depth-0} + 1))
	local deadline=$((SECONDS + $1)) log=$_dir/try$_depth began pause
	shift
	while true; do
		began=${EPOCHREALTIME/[.,]/}
		! "$@" >"$log" 2>&1 || break
		if [ "$SECONDS" -ge "$deadline" ]; then
			cat "$log"
			return 1
		fi
		# A clock that was set meanwhile makes it anything.
		pause=$((${EPOCHREALTIME/[.,]/} - began))
		_wait $((pause < 100000 ? 100000 : pause > 1000000 ? 1000000 : pause))
	done
	cat "$log"
}

# _wait MICROSECONDS: without a process of its own, for a line that never comes.
exec {_never}<> <(:)
_wait() {
	local seconds
	printf -v seconds '%d.%06d' $(($1 / 1000000)) $(($1 % 1000000))
	read -rt "$seconds" -u "$_never"
}

skip() { # WHAT WHY
	_n=$((_n + 1))
	printf 'ok %d - %s # SKIP %s\n' "$_n" "$1" "$2"
}

# tap COMMAND...: a program that prints TAP of its own is part of this case. Shown as it comes: some go on for an hour.
tap() {
	local status line
	while IFS= read -r line; do
		if [[ $line =~ ^(not\ ok|ok)\ *[0-9]*(.*)$ ]]; then
			_n=$((_n + 1))
			[ "${BASH_REMATCH[1]}" = ok ] || [[ $line = *"# TODO"* ]] || _failed=1
			printf '%s %d%s\n' "${BASH_REMATCH[1]}" "$_n" "${BASH_REMATCH[2]}"
		elif ! [[ $line =~ ^(TAP|[0-9]+\.\.) ]]; then
			printf '# %s\n' "${line#\# }"
		fi
	done < <("$@" 2>"$_dir/log"; echo $? >"$_dir/status")
	wait $!
	status=$(<"$_dir/status")
	[ "$status" = 0 ] || [ "$status" = 4 ] || { sed 's/^/# /' "$_dir/log" && _result 1 "${1##*/} ended with status $status"; }
}

_leaks=/sys/kernel/debug/kmemleak

is_debug() { [ -e "$_leaks" ]; }

# An expression for the lines that a report of the kernel's begins with. They are at the head of a line; with something
# before it ("RETBleed: WARNING: ...", "ODEBUG: selftest passed") it is no report.
complaints() {
	printf '^(\\[[ 0-9.]+\\](\\[[^]]*\\])? )?(rcu: |watchdog: |kernel )?('
	printf '%s|' 'BUG[: ]' 'WARNING: ' 'INFO: (task|rcu|trying) ' 'INFO: rcu_' 'Oops' 'UBSAN: .* in ' 'refcount_t: ' \
		'ODEBUG: (init|activate|deactivate|free|destroy|assert_init) ' 'general protection fault' 'double fault'
	printf 'list_(add|del) corruption)'
}

# no_complaint FILE: the kernel's log there has no report.
no_complaint() {
	! grep -E -A 40 -e "$(complaints)" "$1"
}

# Before a test of the module on a kernel that can see more: what was leaked before is not the test's, trace events and
# debug messages are part of it.
watch_closely() {
	is_debug || return 0
	# The emulated serial line is slow.
	dmesg -n 2
	{ echo scan && echo clear; } >"$_leaks"
	echo 1 >/sys/kernel/debug/tracing/events/till/enable
	echo module till +p >/sys/kernel/debug/dynamic_debug/control
}

# Kmemleak reports what is older than five seconds and was not found in two scans.
_no_leak() {
	echo scan >"$_leaks"
	sleep 6
	echo scan >"$_leaks"
	echo scan >"$_leaks"
	cat "$_leaks"
	[ -z "$(cat "$_leaks")" ]
}

# check_module_end: what must be true of the kernel after a test of the module, which is unloaded. Leaves the log and
# the lines that were run, where they are counted, in /out.
check_module_end() {
	! is_debug || tail -n 10000 /sys/kernel/debug/tracing/trace >/out/trace.txt
	check "the module can be unloaded" modprobe -r till
	! is_debug || check "nothing was leaked" _no_leak
	dmesg >/out/dmesg.txt
	# From its start: also the load of the module.
	check "the kernel's log has no complaint" no_complaint /out/dmesg.txt
	[ ! -d /sys/kernel/debug/gcov ] || (cd /sys/kernel/debug/gcov && find . -name '*.gcda' -exec cp --parents {} /out/ \;)
}

# finish: the plan and the status. After a failure, what the services said.
finish() {
	if [ "$_failed" != 0 ]; then
		journalctl -b --no-pager -o short-monotonic -u tilld -u till-sim -u till-acquirer -u 'till-*' -n 60 2>&1 | sed 's/^/# /'
		dmesg | tail -n 15 | sed 's/^/# /'
	fi
	printf '1..%d\n' "$_n"
	exit "$_failed"
}

# pull_plug: what is not synced is lost; the VM boots again on its disk, and the case is run once more, with BOOT=2, 3, …
pull_plug() {
	echo "$_n $_failed" >"$_counted"
	sync "$_counted" "${_counted%/*}"
	# tests/vm/run does it, when it has read all that was said before.
	echo "vm: pull the plug"
	sleep infinity
}

# Each jq compiles its whole library when it starts, 0.3 s of an emulated processor; this one does not. What it prints of
# an object is in order of its names.
jq() { gojq "$@"; }

object_path() { busctl --json=short "$@" | jq -r '.data[0]'; }

# get PATH INTERFACE PROPERTY: the bare value
get() {
	local json
	json=$(busctl --json=short get-property org.tilld1 "$1" "org.tilld1.$2" "$3") || return
	# A plain word or number needs no other process.
	if [[ $json =~ \"data\":(\"([^\"\\]*)\"|([0-9a-z.-]+))\}$ ]]; then
		printf '%s\n' "${BASH_REMATCH[2]}${BASH_REMATCH[3]}"
	else
		jq -r .data <<<"$json"
	fi
}

# start_sale AMOUNT REFERENCE: prints the transaction's path
start_sale() {
	busctl --json=short call org.tilld1 /org/tilld1 org.tilld1.Manager StartTransaction 'sxssa{sv}' \
		sale "$1" CNY "$2" 0 | jq -r '.data[0]'
}

# has_state PATH STATE
has_state() {
	local state
	state=$(get "$1" Transaction State)
	echo "State is $state"
	[ "$state" = "$2" ]
}

# sale_waits AMOUNT REFERENCE: in $sale; asked for again where it was refused, as while a device is being recovered
sale_waits() { sale=$(start_sale "$@") && [ -n "$sale" ] && has_state "$sale" waiting-card; }

# devices_connected N: that many devices of tilld's are there
devices_connected() {
	local n
	n=$(busctl --json=short call org.tilld1 /org/tilld1 org.freedesktop.DBus.ObjectManager GetManagedObjects |
		jq '[.data[0][] | ."org.tilld1.Device" // empty | select(.Connected.data)] | length')
	echo "$n devices are connected"
	[ "$n" = "$1" ]
}
