# SPDX-License-Identifier: LGPL-2.1-or-later
"""Asks till-render for a face, as tilld does: render.py FACE-NUMBER PAGE [LOGO]; the drawing goes to standard output.
With "hold" for a face it connects, asks for nothing and waits for the end of its input. With "leave" and a page it hangs
up while that is drawn, and says by its exit status whether till-render was told."""

import array
import fcntl
import os
import re
import signal
import socket
import struct
import subprocess
import sys
import time

F_ADD_SEALS, F_GET_SEALS, SEALS = 1033, 1034, 0xE


def sealed(data):
    fd = os.memfd_create("page", os.MFD_CLOEXEC | os.MFD_ALLOW_SEALING)
    os.write(fd, data)
    fcntl.fcntl(fd, F_ADD_SEALS, SEALS)
    return fd


def wait_until(what, holds):
    end = time.monotonic() + 30
    while not holds():
        if time.monotonic() > end:
            sys.exit(f"not in 30 s: {what}")


def has_sigio(pid, *sets):
    with open(f"/proc/{pid}/status") as f:
        masks = re.findall(rf"^(?:{'|'.join(sets)}):\t(\w+)$", f.read(), re.M)
    return any(int(mask, 16) >> signal.SIGIO - 1 & 1 for mask in masks)


def instances():
    return subprocess.run(["pidof", "till-render"], capture_output=True, text=True).stdout.split()


def leave(connection, request, files):
    wait_until("an instance", instances)
    pid = int(instances()[0])
    connection.sendmsg(request, files)
    wait_until("it listens for the end of its peer", lambda: has_sigio(pid, "SigCgt"))
    # What it is told shows while it stands still.
    os.kill(pid, signal.SIGSTOP)
    connection.close()
    wait_until("it is told", lambda: has_sigio(pid, "SigPnd", "ShdPnd"))
    os.kill(pid, signal.SIGCONT)


def main():
    connection = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    connection.connect("/run/till-render")
    if sys.argv[1] == "hold":
        sys.stdin.read()
        return
    with open(sys.argv[2], "rb") as f:
        page = f.read()
    files = [sealed(page)] + [os.open(logo, os.O_RDONLY) for logo in sys.argv[3:]]
    leaves = sys.argv[1] == "leave"
    request = [struct.pack("=IIQ", 1, 1 if leaves else int(sys.argv[1]), len(page))]
    ancillary = [(socket.SOL_SOCKET, socket.SCM_RIGHTS, array.array("i", files))]
    if leaves:
        return leave(connection, request, ancillary)
    connection.sendmsg(request, ancillary)
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
