# SPDX-License-Identifier: LGPL-2.1-or-later
# shellcheck shell=bash
#
# For the cases in which the bound phone is changed: ". /in/cases/rebind.sh" behind lib.sh, begin_rebinding, …,
# check_end, …, check_nowhere. Phones: the one that is bound, those it is changed to, a contact's.

. /in/cases/modem.sh

old=+8613800138000 new=+8613800138001 third=+8613800138002 contact=+8613800138003 fourth=+8613800138004
phones=("$old" "$new" "$third" "$contact" "$fourth")
serial=SN-0042
state=/var/lib/tilld

tilld_is_back() { systemctl is-active --quiet tilld && get /org/tilld1 Binding Step; }

# begin_rebinding: tilld knows its serial number, a modem takes messages, what is said on the bus is kept
begin_rebinding() {
	busctl capture org.tilld1 >/run/bus.pcap 2>/dev/null &
	capture=$!
	mkdir -p /etc/tilld/tilld.conf.d
	printf '[terminal]\nserial=%s\n[binding]\nwaiting-hours=1\n' "$serial" >/etc/tilld/tilld.conf.d/case.conf
	systemctl restart tilld
	check_soon "tilld is back" 60 tilld_is_back
	check_soon "three devices are there" 60 devices_connected 3
	play_modem_manager
	modem_sends sent
}

binding() { get /org/tilld1 Binding "$1"; }
is() { # PROPERTY VALUE
	local value
	value=$(binding "$1")
	echo "$1 is $value"
	[ "$value" = "$2" ]
}

# make_disk FILE: an empty one; prints its device
make_disk() {
	truncate -s 1G "$1"
	mke2fs -q -t ext4 "$1"
	modprobe loop
	losetup --find --show "$1"
}

# wait_for_answers: one that the acquirer holds up is still in time
wait_for_answers() {
	mkdir -p /etc/tilld/tilld.conf.d
	printf '[acquirer]\nanswer-timeout=120\n' >/etc/tilld/tilld.conf.d/timeout.conf
}
# hold_up KIND: the acquirer's next answer to that, until a busy machine has seen that it is waited for
hold_up() { till-acquirer script delay 50 --kind "$1"; }

# person PROMPT=ANSWER... -- COMMAND...: at a Chinese terminal
person() {
	NO_COLOR=1 LC_ALL=C.UTF-8 LANGUAGE=zh_CN TZ=Asia/Shanghai python3 /in/cases/person.py "$_dir/transcript" "$modem_log" "$@"
}
entry() { printf '%s\n' "序列号=$serial" 终端编号=T0000001 "新手机号=$1"; }
# change WORD NEW [ANSWER...]: by root, up to its end
change() {
	local word=$1 phone=$2 answers
	shift 2
	mapfile -t answers < <(entry "$phone")
	person "${answers[@]}" "$@" -- tillctl binding "$word"
}
# start_change NEW: it goes on when whoever began it is gone
start_change() { printf '%s\n' "$serial" T0000001 "$1" | tillctl binding change; }
# wait_for_codes NEW: one that waits for its codes
wait_for_codes() {
	start_change "$1" >/dev/null 2>&1
	wait_until 120 is Step codes && wait_until 60 is Sending false
}

# lead_on PHONE NEW [ANSWER...]: the change that is under way, or has failed, with the codes of both
lead_on() { person "${@:3}" "旧手机收到=@$1" "新手机收到=@$2" -- tillctl binding take-up >"$_dir/led" 2>&1; }

refused() { # STATUS WORDS COMMAND...
	local status=$1 words=$2 got
	shift 2
	"$@" >"$_dir/refused" 2>&1
	got=$?
	cat "$_dir/refused"
	[ "$got" = "$status" ] && grep -qF -- "$words" "$_dir/refused"
}

# set_uptime ASSIGNMENTS: how long it has been up, while tilld is off
set_uptime() {
	systemctl stop tilld
	sqlite3 "$state/test.db" "UPDATE uptime SET $1"
	systemctl start tilld
	wait_until 60 tilld_is_back >/dev/null
}
# minutes_pass N: as if tilld had been off for so long
minutes_pass() { set_uptime "base_usec = base_usec + $1 * 60000000, total_usec = total_usec + $1 * 60000000"; }
hours_pass() { minutes_pass $(($1 * 60)); }

# add_contact CHANNEL: 王芳, with a phone and a mail address, told by that one first
add_contact() { printf '%s\n' 王芳 "$contact" fang@localhost "$1" zh_CN '' | tillctl binding contacts add; }
has_code() { [ -n "$(code_of "$1" 8)" ]; } # NUMBER
told() { messages "$1" | grep -F "$2"; }   # NUMBER WORDS
# What the acquirer has on record.
acquirer_phone() { till-acquirer ledger | jq -r '.changes[] | select(.bound) | .phone' | sort -u; }

# ---- how a change stands ----

mask() { echo "+86*******${1: -4}"; } # PHONE

change_state() { till-acquirer ledger | jq -r --argjson n "$(binding Change)" '.changes[] | select(.number == $n) | .state'; }
acquirer_says() { # STATE: of the change that is under way or was the last
	local said
	said=$(change_state)
	echo "the acquirer says: $said"
	[ "$said" = "$1" ]
}
# It has the new phone on record, and its answer is held up.
acquirer_is_told() { is Step confirm && acquirer_says confirmed; }
ended() { # STEP
	echo "it failed at $(binding FailedStep): $(binding Reason)"
	is Step "$1"
}
agreed() { # MASKED-PHONE
	is Phone "$1" || return
	echo "withdrawals: $(get /org/tilld1 Manager PendingWithdrawals), the acquirer's: $(acquirer_phone)"
	[ "$(get /org/tilld1 Manager PendingWithdrawals)" = 0 ] && [ "$(acquirer_phone)" = "$1" ]
}
rolled_back() { # STEP REASON MASKED-PHONE
	ended rolled-back && is FailedStep "$1" && is Reason "$2" && agreed "$3"
}
committed() { ended committed && agreed "$1"; } # MASKED-PHONE
shown() { LC_ALL=C.UTF-8 LANGUAGE=zh_CN TZ=Asia/Shanghai tillctl binding; }
# Of a change that is committed the end of the dialogue says it, and a notice.
says_what_to_do() {
	binding NextStep | grep -F 'tillctl binding' || return
	is Step committed || { shown && shown | grep -F 'tillctl binding'; }
}
# check_end WHAT COMMAND...: and what a merchant is shown then is left in /out/shown
check_end() {
	check_soon "$1: one phone is bound, the same for the acquirer" 240 "${@:2}"
	check "$1: what to do now is said" says_what_to_do
	mkdir -p /out
	{ echo "==== $1" && shown; } >>/out/shown
}
# check_one_in_force N: of N that there have been; the end of tilld
check_one_in_force() {
	systemctl stop tilld
	check_equal "one binding is in force of all that were" "$(sqlite3 "$state/test.db" \
		"SELECT sum(ended_usec = 0), count(*) FROM bindings")" "1|$1"
	check_equal "nothing is left of the others" "$(sqlite3 "$state/test.db" \
		"SELECT (SELECT count(*) FROM withdrawals), (SELECT count(*) FROM rebind_codes)")" "0|0"
}

# check_nowhere: neither a code nor a phone is in a file of tilld's, an export, a log, on the bus; the last check
check_nowhere() {
	local files
	kill "$capture"
	wait "$capture"
	tillctl journal export /run/export >/dev/null
	journalctl -b --no-pager -o export >/run/journal
	journalctl -b --no-pager -o cat >/run/log-text
	grep '^{' "$modem_log" | jq -r 'select(.call == "Create") | .text' | grep -oE '(^|[^0-9])([0-9]{6}|[0-9]{8})([^0-9]|$)' |
		grep -oE '[0-9]+' | sort -u >/run/codes
	check "there were codes" test "$(wc -l </run/codes)" -ge 8
	mapfile -t files < <(find "$state" /run/tilld -type f 2>/dev/null)
	check "the journal and what it has not yet taken in are looked at" sh -c 'printf "%s\n" "$@" | grep -q "test.db-wal$"' - "${files[@]}"
	# Numbers of their own, and no part of another.
	no_code() { ! grep -aownF -f /run/codes "$@"; }
	no_phone() { ! grep -laF "${phones[@]/#+/-e}" "$@"; }
	# In binary files six digits may be anywhere by chance, with what is around them in a message they are not.
	mapfile -t codes </run/codes
	no_message() { CANARY_SHOW=1 /in/guest/canary-scan "$@" -- "${phones[@]#+86}" "${codes[@]/#/验证码}" "${codes[@]/#/取消码}"; }
	check "no file has a phone whole" no_phone "${files[@]}" /run/export
	check "no file has a phone or a message in any form" no_message "${files[@]}" /run/export
	check "no log has one" no_phone /run/journal
	check "no export has a code" no_code /run/export
	check "no log has one" no_code /run/log-text
	check "nor the bus" no_code /run/bus.pcap
	check "the bus was listened to" grep -qa GiveCode /run/bus.pcap
}
