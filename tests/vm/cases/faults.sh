# SPDX-License-Identifier: LGPL-2.1-or-later
# shellcheck shell=bash
#
# Faults as a program on the bus sees them: by their signals, and in the list of the open ones. After lib.sh.
#
#   faults_watch                     once, before the first cause
#   cause COMMAND...                 does what causes a fault, or what ends it
#   caused CODE SUBJECT CLASS        it has opened since, and no other one is open; SUBJECT is a pattern
#   gone CODE                        it has ended since, and none is open
#   is_open CODE CLASS               it is open, since before this began to listen, and no other one is
#   over CODE                        it has ended since
#
# Behind them may come the codes of others that are open, for causes of their own that are still there. A cause that
# sets the clock is "cause set_clock TIME": the times that are told are counted from then.

fails() { ! "$@"; }
is_back() { tillctl status; }
restart_tilld() { systemctl restart tilld.service && wait_until 60 is_back; }

_signals=$(mktemp)
_since=0
_cause_usec=0

_is_watching() { grep -q Monitoring "$_signals.log"; }

faults_watch() {
	busctl monitor --json=short --match "type='signal',interface='org.tilld1.Diagnostics'" >"$_signals" 2>"$_signals.log" &
	# What is still to be read by a reader that ends with the case is lost.
	trap 'kill %busctl 2>/dev/null' EXIT
	check_soon "the faults' signals are listened to" 60 _is_watching
	check_soon "no fault is open" 60 no_fault
}

# open_faults [OTHER...]: those that are open but for these, a line of JSON each
open_faults() {
	local json
	json=$(busctl --json=short call org.tilld1 /org/tilld1 org.tilld1.Diagnostics ListFaults 'a{sv}' 1 open b true) ||
		return
	jq -c --arg others "$*" '.data[0] | fromjson | .Faults[] | select(.Code | IN($others | split(" ")[]) | not)' <<<"$json"
}

is_open() {
	local faults
	faults=$(open_faults) || return
	echo "$faults"
	[ "$(jq -r '"\(.Code) \(.Class)"' <<<"$faults")" = "$1 $2" ]
}

# no_fault [OTHER...]: none but those
no_fault() {
	local faults
	faults=$(open_faults "$@") || return
	printf '%s' "$faults"
	[ -z "$faults" ]
}

cause() {
	_since=$(wc -l <"$_signals")
	_cause_usec=${EPOCHREALTIME/[.,]/}
	"$@"
}

set_clock() {
	date -s "$1"
	_cause_usec=${EPOCHREALTIME/[.,]/}
}

# The first signal of that kind since the cause, as "MICROSECONDS SUBJECT".
_find_signal() { # MEMBER CODE
	local line lines
	mapfile -t -s "$_since" lines <"$_signals"
	for line in "${lines[@]}"; do
		# Most looks find nothing yet, and need no other process for that.
		[[ $line = *"\"$1\""*"\"$2\""* ]] || continue
		jq -r --arg member "$1" --arg code "$2" \
			'select(.member == $member and .payload.data[1] == $code) | "\(."timestamp-realtime") \(.payload.data[2])"' \
			<<<"$line"
		return
	done
}

_is_told() { # MEMBER CODE PATTERN
	local found
	found=$(_find_signal "$1" "$2")
	# shellcheck disable=SC2053
	[ -n "$found" ] && [[ ${found#* } = $3 ]] && return
	tail -n "+$((_since + 1))" "$_signals"
	return 1
}

_say_time() { # MEMBER CODE WORD
	local found
	found=$(_find_signal "$1" "$2")
	[ -z "$found" ] || printf '# %s: %s after %s ms\n' "$2" "$3" $(((${found%% *} - _cause_usec) / 1000))
}

caused() {
	local code=$1 subject=$2 class=$3 faults
	shift 3
	check_soon "$code: it opens" 120 _is_told FaultOpened "$code" "$subject"
	_say_time FaultOpened "$code" open
	faults=$(open_faults "$@")
	check_equal "$code: it is the only one, and of its class" "$(jq -r '"\(.Code) \(.Class)"' <<<"$faults")" "$code $class"
	check "$code: it says what to do first" test -n "$(jq -r '.NextStep | select(. != "")' <<<"$faults")"
}

over() {
	check_soon "$1: it ends" 180 _is_told FaultEnded "$1" "*"
	_say_time FaultEnded "$1" ended
}

gone() {
	local code=$1
	shift
	over "$code"
	check_soon "$code: no other fault is open then" 60 no_fault "$@"
}
