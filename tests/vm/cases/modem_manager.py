# SPDX-License-Identifier: LGPL-2.1-or-later
"""ModemManager for python-dbusmock, as far as sending messages goes: python3 -m dbusmock --template THIS.

Modems are added by AddModem of org.freedesktop.DBus.Mock; "Send" says what becomes of a message there: "sent", "silent",
"late" (till-notify waits for ten seconds), "timeout" or an error's name behind "org.freedesktop.ModemManager1.Error.";
"Create" likewise; "Refuses" is a number to which nothing is sent. What is done is printed, a line of JSON each. The texts of
errors quote the number, as real ones may."""

import itertools
import json
import time

import dbus
from dbusmock import MOCK_IFACE, mockobject

BUS_NAME = "org.freedesktop.ModemManager1"
MAIN_OBJ = "/org/freedesktop/ModemManager1"
MAIN_IFACE = "org.freedesktop.ModemManager1"
IS_OBJECT_MANAGER = True
SYSTEM_BUS = True

MODEM = MAIN_IFACE + ".Modem"
MESSAGING = MODEM + ".Messaging"
SMS = MAIN_IFACE + ".Sms"

# Of all modems: one that is removed may leave messages.
numbers = itertools.count(1)


def tell(**what):
    print(json.dumps(what, ensure_ascii=False), flush=True)


def end_as(behaviour, number):
    if behaviour == "silent":
        time.sleep(1000)
    elif behaviour == "late":
        time.sleep(12)
    elif behaviour == "timeout":
        raise dbus.exceptions.DBusException("no answer", name="org.freedesktop.DBus.Error.Timeout")
    elif behaviour != "sent":
        raise dbus.exceptions.DBusException(f"refused for {number}", name=f"{MAIN_IFACE}.Error.{behaviour}")


def create(modem, properties):
    number, text = str(properties["number"]), str(properties["text"])
    tell(call="Create", modem=modem.path, number=number, text=text)
    end_as(modem.behaviour["Create"], number)
    path = f"{MAIN_OBJ}/SMS/{next(numbers)}"
    modem.AddObject(
        path,
        SMS,
        {"State": dbus.UInt32(0), "Number": number, "Text": text, "MessageReference": dbus.UInt32(0)},
        [("Send", "", "", "self.send(self)")],
    )
    modem.props[MESSAGING]["Messages"].append(dbus.ObjectPath(path))
    sms = mockobject.objects[path]
    sms.send, sms.modem = send, modem
    return dbus.ObjectPath(path)


def send(sms):
    number = str(sms.props[SMS]["Number"])
    tell(call="Send", sms=sms.path)
    end_as("Core.Failed" if number == sms.modem.refuses else sms.modem.behaviour["Send"], number)
    sms.props[SMS]["MessageReference"] = dbus.UInt32(17)


def delete(modem, path):
    tell(call="Delete", modem=modem.path, sms=str(path))
    modem.props[MESSAGING]["Messages"].remove(path)
    modem.RemoveObject(path)


@dbus.service.method(MOCK_IFACE, in_signature="sa{sv}", out_signature="")
def AddModem(self, name, what):
    path = f"{MAIN_OBJ}/Modem/{name}"
    self.AddObject(
        path,
        MODEM,
        {
            "State": dbus.Int32(what.get("State", 8)),
            "StateFailedReason": dbus.UInt32(what.get("StateFailedReason", 0)),
            "Manufacturer": "tilld's tests",
            "OwnNumbers": dbus.Array([], signature="s"),
        },
        [],
    )
    modem = mockobject.objects[path]
    modem.behaviour = {"Create": str(what.get("Create", "sent")), "Send": str(what.get("Send", "sent"))}
    modem.refuses = str(what.get("Refuses", ""))
    modem.create, modem.delete = create, delete
    if what.get("Messaging", True):
        modem.AddProperties(MESSAGING, {"Messages": dbus.Array([], signature="o")})
        modem.AddMethods(
            MESSAGING,
            [("Create", "a{sv}", "o", "ret = self.create(self, args[0])"), ("Delete", "o", "", "self.delete(self, args[0])")],
        )


def load(mock, parameters):
    tell(call="load")
