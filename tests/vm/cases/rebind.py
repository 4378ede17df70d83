# SPDX-License-Identifier: LGPL-2.1-or-later
"""
Calls a method of org.tilld1.Binding with arguments that pass: rebind.py METHOD [LINE]. LINE goes where an fd is asked
for. Ends with 0 when the answer is AccessDenied; for CancelWithContactCode of a user whom the bus lets call also when
it is about the code.
"""
import os
import sys

import dbus

ARGUMENTS = {
    "Begin": ["SN-0042", "T0000001", "+8613800138009"],
    "BeginLost": ["SN-0042", "T0000001", "+8613800138009"],
    "GiveCode": ["old"],
    "AddContact": [dbus.Dictionary({"name": "x"}, signature="sv")],
    "ChangeContact": [dbus.Int64(1), dbus.Dictionary({"name": "x"}, signature="sv")],
    "RemoveContact": [dbus.Int64(1)],
    "SetPreference": [dbus.Int64(1), "fault", "sms"],
    "ListNotices": [dbus.UInt32(1)],
    "SendTest": [dbus.Int64(0)],
    "AnnounceReplacement": [dbus.UInt64(1), "soon"],
    "GetChecklist": ["en"],
}
WITH_FD = ("GiveCode", "CancelWithContactCode")


def pipe(line):
    out, into = os.pipe()
    os.write(into, line.encode() + b"\n")
    os.close(into)
    return dbus.types.UnixFd(out)


def main():
    method, line = sys.argv[1], (sys.argv[2:] or ["12345678"])[0]
    name = method[: -len("WithCode")] if method.endswith("WithCode") else method
    arguments = list(ARGUMENTS.get(name, []))
    if name != method or method in WITH_FD:
        arguments.append(pipe(line))
    tilld = dbus.Interface(dbus.SystemBus().get_object("org.tilld1", "/org/tilld1", introspect=False), "org.tilld1.Binding")
    try:
        print("it was done:", tilld.get_dbus_method(method)(*arguments))
    except dbus.DBusException as error:
        print(error.get_dbus_name(), error)
        allowed = ["org.freedesktop.DBus.Error.AccessDenied"]
        if method == "CancelWithContactCode" and len(sys.argv) > 2:
            allowed = [f"org.tilld1.Error.{word}" for word in ("NotFound", "NotAsked", "WrongCode", "InvalidCode")]
        sys.exit(error.get_dbus_name() not in allowed)
    sys.exit(1)


if __name__ == "__main__":
    main()
