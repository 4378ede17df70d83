# SPDX-License-Identifier: LGPL-2.1-or-later
# shellcheck shell=bash
#
# The simulated devices as the kernel without our module sees them: for what nobody here wrote.

sim_without_till() {
	mkdir -p /run/modprobe.d /run/udev/rules.d
	echo 'install till /bin/false' >/run/modprobe.d/no-till.conf
	# Our rules keep pcscd off our readers and take the printer from usblp.
	ln -s /dev/null /run/udev/rules.d/70-till.rules
	udevadm control --reload
	systemctl stop tilld.service 2>/dev/null
	systemctl stop till-sim.service
	modprobe -r till 2>/dev/null
	check "our module is out of the way" sh -c '! grep -q "^till " /proc/modules'
	check "the devices come up without it" systemctl start till-sim.service
}
