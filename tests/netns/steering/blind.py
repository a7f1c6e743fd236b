"""Releases with neither sock_diag (refused by seccomp) nor /proc/net (hidden by the caller); prints what it found."""

from __future__ import annotations

import ctypes
import errno
import platform
import struct
import sys

from nodens import network

SOCKET = {"x86_64": 41, "aarch64": 198}[platform.machine()]
LOAD, JUMP_IF_EQUAL, RETURN = 0x20, 0x15, 0x06
NUMBER_AT, FAMILY_AT, PROTOCOL_AT = 0, 16, 32
AF_NETLINK, NETLINK_SOCK_DIAG = 16, 4
ALLOW, REFUSE = 0x7FFF0000, 0x00050000 | errno.EPERM
FILTER = (
    (LOAD, 0, 0, NUMBER_AT),
    (JUMP_IF_EQUAL, 0, 5, SOCKET),
    (LOAD, 0, 0, FAMILY_AT),
    (JUMP_IF_EQUAL, 0, 3, AF_NETLINK),
    (LOAD, 0, 0, PROTOCOL_AT),
    (JUMP_IF_EQUAL, 0, 1, NETLINK_SOCK_DIAG),
    (RETURN, 0, 0, REFUSE),
    (RETURN, 0, 0, ALLOW),
)


def refuse_sock_diag() -> None:
    """Let the kernel refuse sockets of sock_diag from now on."""
    code = ctypes.create_string_buffer(b"".join(struct.pack("=HBBI", *each) for each in FILTER))
    program = ctypes.create_string_buffer(struct.pack("@HP", len(FILTER), ctypes.addressof(code)))
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.prctl(38, 1, 0, 0, 0) or libc.prctl(22, 2, program):
        raise OSError(ctypes.get_errno(), "no seccomp")


if __name__ == "__main__":
    refuse_sock_diag()
    for trace in network.release(is_forced="--force" in sys.argv).found:
        print(trace)  # noqa: T201 - the test reads it
