"""A command in a network of its own, whose one line out is a tunnel that its starter holds.

    python -m bench.lossy.namespace DOOR ADDRESS COMMAND...

DOOR is the path of a `Door`: the tunnel's descriptor is handed over there, then this process becomes the command.
ADDRESS is the tunnel's in that network, such as 10.77.0.1/24. Packets are IP packets, without anything before them
(linux/if_tun.h: IFF_TUN, IFF_NO_PI). It needs Linux, root (CAP_SYS_ADMIN, CAP_NET_ADMIN), /dev/net/tun and `ip`.
"""

from __future__ import annotations

import ctypes
import fcntl
import os
import shutil
import socket
import struct
import subprocess
import sys
from pathlib import Path

TUNNELS = Path("/dev/net/tun")
NAME = "nacre-line"
# Of <linux/sched.h> and <linux/if_tun.h>; os.unshare came with Python 3.12.
CLONE_NEWNET = 0x40000000
TUNSETIFF = 0x400454CA
IFF_TUN, IFF_NO_PI = 0x0001, 0x1000
# With room for the headers of a tunnel, as mobile networks and VPNs have it.
MTU_BYTES = 1_400
# Starting Python is all that happens until then.
DOOR_TIMEOUT_S = 60.0
CANNOT = 3


def lacking() -> tuple[str, ...]:
    """What networks of one's own need and this machine does not have. In a container, root may still not be enough."""
    if sys.platform != "linux":
        return ("Linux",)
    needed = {
        "root": os.geteuid() == 0,
        str(TUNNELS): TUNNELS.exists(),
        "ip (of iproute2)": shutil.which("ip") is not None,
    }
    return tuple(name for name, is_there in needed.items() if not is_there)


def in_network(door: Path, address: str) -> tuple[str, ...]:
    """To stand before a command."""
    return (sys.executable, "-m", "bench.lossy.namespace", str(door), address)


class Door:
    """Where those in networks of their own hand over their ends of the line."""

    def __init__(self, file: Path) -> None:
        self.file = file
        self._socket = socket.socket(socket.AF_UNIX)
        self._socket.bind(str(file))
        self._socket.listen()
        self._socket.settimeout(DOOR_TIMEOUT_S)

    def take(self) -> int:
        """A tunnel's descriptor, which does not block, for the caller to close. Raises TimeoutError."""
        peer, _ = self._socket.accept()
        with peer:
            _, (tunnel, *_), *_ = socket.recv_fds(peer, 1, 1)
        os.set_blocking(tunnel, False)
        return tunnel

    def close(self) -> None:
        self._socket.close()


def become(door: str, address: str, command: list[str]) -> None:
    """Does not come back. Raises OSError or CalledProcessError."""
    with socket.socket(socket.AF_UNIX) as peer:
        peer.connect(door)
        leave_network()
        tunnel = open_tunnel(address)
        socket.send_fds(peer, [b"t"], [tunnel])
    os.execvp(command[0], command)


def leave_network() -> None:
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.unshare(CLONE_NEWNET):
        number = ctypes.get_errno()
        raise OSError(number, f"no network of its own: {os.strerror(number)}")


def open_tunnel(address: str) -> int:
    """Its descriptor, which the command will not inherit."""
    tunnel = os.open(TUNNELS, os.O_RDWR)
    fcntl.ioctl(tunnel, TUNSETIFF, struct.pack("16sH22x", NAME.encode(), IFF_TUN | IFF_NO_PI))
    for words in (
        ("link", "set", "lo", "up"),
        ("addr", "add", address, "dev", NAME),
        ("link", "set", NAME, "mtu", str(MTU_BYTES), "up"),
    ):
        subprocess.run(("ip", *words), check=True)
    return tunnel


if __name__ == "__main__":
    try:
        become(sys.argv[1], sys.argv[2], sys.argv[3:])
    except (OSError, subprocess.CalledProcessError) as error:
        print(error, file=sys.stderr)
        sys.exit(CANNOT)
