# SPDX-License-Identifier: LGPL-2.1-or-later
"""Asks till-notify, as tilld does: notify.py CHANNEL ADDRESS [SUBJECT BODY EVENT LANGUAGE]; a backslash and an n in the
body is a newline. Prints "0 TEXT", or the error's name and the reason. With "hold" for an address it connects, asks for
nothing and waits for the end of its input."""

import array
import errno
import fcntl
import os
import socket
import struct
import sys

F_ADD_SEALS, SEALS = 1033, 0xF


def sealed(data):
    fd = os.memfd_create("notice", os.MFD_CLOEXEC | os.MFD_ALLOW_SEALING)
    os.write(fd, data)
    fcntl.fcntl(fd, F_ADD_SEALS, SEALS)
    return fd


def ask(connection, strings):
    """Returns the error's name, "0" for none, and the text."""
    data = b"".join(s.encode() + b"\0" for s in strings)
    file = sealed(data)
    connection.sendmsg(
        [struct.pack("=II", 1, len(data))], [(socket.SOL_SOCKET, socket.SCM_RIGHTS, array.array("i", [file]))]
    )
    os.close(file)
    answer = connection.recv(256)
    if not answer:
        return "DIED", ""
    version, error, text = struct.unpack("=Ii160s", answer)
    assert version == 1 and error <= 0
    return errno.errorcode[-error] if error else "0", text.split(b"\0")[0].decode()


def main():
    connection = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    connection.connect(f"/run/till-notify/{sys.argv[1]}")
    if sys.argv[2] == "hold":
        sys.stdin.read()
        return
    error, text = ask(connection, [s.replace("\\n", "\n") for s in sys.argv[2:]])
    print(error, text)


if __name__ == "__main__":
    main()
