# SPDX-License-Identifier: LGPL-2.1-or-later
# shellcheck shell=bash
#
# ModemManager for cases, played on the system bus: ". /in/cases/modem.sh", play_modem_manager, modem…. What it is asked
# in this boot is in $modem_log, a line of JSON each.

modem_log=/run/modem.log

modem_mock() {
	busctl call org.freedesktop.ModemManager1 /org/freedesktop/ModemManager1 org.freedesktop.DBus.Mock "$@"
}

# As ModemManager's packages have them.
play_modem_manager() {
	cat >/etc/dbus-1/system.d/modem-manager.conf <<-'END'
		<!DOCTYPE busconfig PUBLIC "-//freedesktop//DTD D-BUS Bus Configuration 1.0//EN"
		  "http://www.freedesktop.org/standards/dbus/1.0/busconfig.dtd">
		<busconfig>
		  <policy context="default">
		    <deny send_destination="org.freedesktop.ModemManager1"/>
		    <allow send_destination="org.freedesktop.ModemManager1" send_interface="org.freedesktop.DBus.Properties"/>
		    <allow send_destination="org.freedesktop.ModemManager1" send_interface="org.freedesktop.DBus.ObjectManager"/>
		    <allow send_destination="org.freedesktop.ModemManager1" send_interface="org.freedesktop.ModemManager1.Modem.Messaging" send_member="Create"/>
		    <allow send_destination="org.freedesktop.ModemManager1" send_interface="org.freedesktop.ModemManager1.Modem.Messaging" send_member="Delete"/>
		    <allow send_destination="org.freedesktop.ModemManager1" send_interface="org.freedesktop.ModemManager1.Sms" send_member="Send"/>
		  </policy>
		  <policy user="root">
		    <allow own="org.freedesktop.ModemManager1"/>
		    <allow send_destination="org.freedesktop.ModemManager1"/>
		  </policy>
		</busconfig>
	END
	cat >/usr/share/polkit-1/actions/org.freedesktop.ModemManager1.policy <<-'END'
		<!DOCTYPE policyconfig PUBLIC "-//freedesktop//DTD PolicyKit Policy Configuration 1.0//EN"
		  "http://www.freedesktop.org/standards/PolicyKit/1/policyconfig.dtd">
		<policyconfig>
		  <action id="org.freedesktop.ModemManager1.Messaging">
		    <description>Send, save, modify, and delete text messages</description>
		    <message>System policy prevents sending or maniuplating this device's text messages.</message>
		    <defaults><allow_any>auth_admin</allow_any><allow_inactive>no</allow_inactive><allow_active>auth_self_keep</allow_active></defaults>
		  </action>
		</policyconfig>
	END
	busctl call org.freedesktop.DBus /org/freedesktop/DBus org.freedesktop.DBus ReloadConfig
	cat >/etc/systemd/system/modem-manager.service <<-END
		[Unit]
		Before=tilld.service
		[Service]
		Type=dbus
		BusName=org.freedesktop.ModemManager1
		StandardOutput=file:$modem_log
		ExecStart=python3 -m dbusmock --system --template /in/cases/modem_manager.py
		[Install]
		WantedBy=multi-user.target
	END
	systemctl start modem-manager
	check_soon "ModemManager is played on the system bus" 60 busctl status org.freedesktop.ModemManager1
}

# put_modem KEY VALUE: in place of the one before; modem_manager.py has the keys
put_modem() {
	modem_mock RemoveObject s /org/freedesktop/ModemManager1/Modem/0 >/dev/null 2>&1
	modem_mock AddModem 'sa{sv}' 0 1 "$1" s "$2" >/dev/null
}

# modem_sends HOW: "sent", or the error that a message ends with
modem_sends() { put_modem Send "$1"; }

# modem_refuses NUMBER: and sends to all others
modem_refuses() { put_modem Refuses "$1"; }

# messages NUMBER: the texts that number was sent, a line each, the oldest first
messages() {
	grep '^{' "$modem_log" | jq -r --arg number "$1" 'select(.call == "Create" and .number == $number) | .text | gsub("\n"; " ")'
}

# code_of NUMBER DIGITS: the last one that number was sent
code_of() { messages "$1" | grep -oE "(^|[^0-9])[0-9]{$2}([^0-9]|$)" | grep -oE '[0-9]+' | tail -n 1; }
