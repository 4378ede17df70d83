# SPDX-License-Identifier: LGPL-2.1-or-later
"""Asks till-render for a face, as tilld does: render.py FACE-NUMBER PAGE [LOGO]; the drawing goes to standard output.
With "hold" for a face it connects, asks for nothing and waits for the end of its input."""

import array
import fcntl
import os
import socket
import struct
import sys

F_ADD_SEALS, F_GET_SEALS, SEALS = 1033, 1034, 0xE


def sealed(data):
    fd = os.memfd_create("page", os.MFD_CLOEXEC | os.MFD_ALLOW_SEALING)
    os.write(fd, data)
    fcntl.fcntl(fd, F_ADD_SEALS, SEALS)
    return fd


def main():
    connection = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    connection.connect("/run/till-render")
    if sys.argv[1] == "hold":
        sys.stdin.read()
        return
    with open(sys.argv[2], "rb") as f:
        page = f.read()
    files = [sealed(page)] + [os.open(logo, os.O_RDONLY) for logo in sys.argv[3:]]
    connection.sendmsg(
        [struct.pack("=IIQ", 1, int(sys.argv[1]), len(page))],
        [(socket.SOL_SOCKET, socket.SCM_RIGHTS, array.array("i", files))],
    )
    answer, ancillary, _, _ = connection.recvmsg(64, socket.CMSG_SPACE(4))
    if not answer:
        sys.exit("till-render has died")
    version, error, size = struct.unpack("=IiQ", answer)
    if version != 1 or error:
        sys.exit(f"till-render: {os.strerror(-error)}")
    fd = array.array("i", ancillary[0][2])[0]
    if fcntl.fcntl(fd, F_GET_SEALS) & SEALS != SEALS:
        sys.exit("the answer is not sealed")
    data = os.pread(fd, size + 1, 0)
    if len(data) != size:
        sys.exit("the answer has another size")
    sys.stdout.buffer.write(data)


main()
