# SPDX-License-Identifier: LGPL-2.1-or-later
# shellcheck shell=bash
#
# USB devices that the kernel makes itself: gadgets on dummy_hcd, one for each of its controllers.

gadget_start() { # CONTROLLERS
	modprobe dummy_hcd num="$1" && modprobe -a libcomposite usb_f_printer usb_f_hid &&
		{ mountpoint -q /sys/kernel/config || mount -t configfs none /sys/kernel/config; }
}

# gadget NAME VENDOR:PRODUCT CONTROLLER FUNCTION [FILE VALUE]...: makes it and plugs it in
gadget() {
	local dir=/sys/kernel/config/usb_gadget/$1 id=$2 udc=dummy_udc.$3 function=$4
	mkdir -p "$dir/strings/0x409" "$dir/configs/c.1" "$dir/functions/$function"
	echo "0x${id%:*}" >"$dir/idVendor"
	echo "0x${id#*:}" >"$dir/idProduct"
	echo "GADGET-$1" >"$dir/strings/0x409/serialnumber"
	# Self-powered; it can wake up its host.
	echo 0xe0 >"$dir/configs/c.1/bmAttributes"
	shift 4
	while [ $# -gt 0 ]; do
		printf %b "$2" >"$dir/functions/$function/$1"
		shift 2
	done
	ln -s "$dir/functions/$function" "$dir/configs/c.1/"
	echo "$udc" >"$dir/UDC"
}

gadget_unplug() { echo >"/sys/kernel/config/usb_gadget/$1/UDC"; }
gadget_plug() { echo "dummy_udc.$2" >"/sys/kernel/config/usb_gadget/$1/UDC"; } # NAME CONTROLLER

# gadget_remove NAME: and its function; the kernel has four printers at most
gadget_remove() {
	local dir=/sys/kernel/config/usb_gadget/$1
	gadget_unplug "$1"
	rm "$dir"/configs/c.1/*.*
	rmdir "$dir"/configs/* "$dir"/functions/* "$dir"/strings/* "$dir"
}

# gadget_port NAME: the USB device that the host sees, "9-1"
gadget_port() {
	local serial
	serial=$(grep -lx "GADGET-$1" /sys/bus/usb/devices/*/serial) && basename "$(dirname "$serial")"
}

# MagTek's HID report of 337 bytes: three status bytes, three lengths, card encode type, three tracks of 110.
magtek_descriptor='\x06\x00\xff\x09\x01\xa1\x01\x15\x00\x26\xff\x00\x75\x08\x09\x20\x09\x21\x09\x22\x09\x28\x09\x29\x09\x2a\x09\x38\x95\x07\x81\x02\x09\x30\x95\x6e\x82\x02\x01\x09\x31\x95\x6e\x82\x02\x01\x09\x32\x95\x6e\x82\x02\x01\xc0'
