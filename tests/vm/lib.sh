# SPDX-License-Identifier: LGPL-2.1-or-later
# shellcheck shell=bash
#
# What image and kernel share: things that are made once and kept in $cache. $here is this folder.

export LC_ALL=C.UTF-8 PATH=$PATH:/usr/sbin:/sbin

say() { printf 'vm: %s\n' "$*" >&2; }

run_logged() { # LOG COMMAND...
	local log=$1
	shift
	"$@" >"$log" 2>&1 </dev/null && return
	tail -n 40 "$log" >&2
	say "failed: $1 (all of its output is in $log)"
	return 1
}

make_initrd() { # BUSYBOX ROOT RELEASE FILE: with the modules of that root's kernel, if they are not built in
	local tree m i=10
	tree=$(mktemp -d)
	mkdir -p "$tree"/{bin,dev,proc,sys,root,modules}
	cp "$1" "$tree/bin/busybox"
	modprobe -d "$2" -S "$3" --show-depends -a virtio_pci virtio_blk crc32c_generic ext4 |
		awk '$1 == "insmod" && !seen[$2]++ { print $2 }' |
		while read -r m; do
			cp "$m" "$tree/modules/$((i++))-$(basename "$m")"
		done
	find "$tree/modules" -name '*.xz' -exec xz -d {} +
	install -m 755 "$here/guest/init" "$tree/init"
	(cd "$tree" && find . | cpio --quiet -o -H newc -R 0:0) >"$4"
	rm -rf "$tree"
}

# The newest few are kept; the rest goes, unless a VM is using it.
prune() { # PREFIX KEEP
	local d
	ls -1dt "$cache/$1"-*/ 2>/dev/null | tail -n "+$(($2 + 1))" | while read -r d; do
		flock --nonblock --exclusive "$d" rm -rf "$d" "${d%/}.lock" || true
	done
}

build() { # PREFIX KEY FUNCTION [ARGS...]: the finished folder appears at once or not at all
	local final=$cache/$1-$2 tmp=$cache/tmp.$1-$2 function=$3 lock
	exec {lock}>"$cache/$1-$2.lock"
	flock --nonblock "$lock" || {
		say "waiting for another run that makes the same image"
		flock "$lock"
	}
	if [ ! -e "$final" ]; then
		rm -rf "$tmp"
		mkdir -p "$tmp"
		"$function" "$tmp" "${@:4}"
		mv "$tmp" "$final"
	fi
	touch "$final"
	exec {lock}>&-
}

hash() { sha256sum | cut -c 1-16; }
