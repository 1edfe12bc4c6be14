"""Settings of WebRTC.

[web.webrtc]
enabled = true
addresses = ["10.0.0.7"]               # of this machine, to listen on; those of the service's host when left out
public_address = "203.0.113.5"         # what clients are told in their place, behind a NAT that keeps ports
ports = [50000, 50999]                 # UDP, both included; any free one when left out
ice_servers = [{ url = "stun:stun.example:3478" }, { url = "turn:turn.example", username = "u", credential = "c" }]
"""

from __future__ import annotations

import ipaddress
import math
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

MIN_PORT, MAX_PORT = 1024, 65_535
# RFC 7064 and 7065.
SERVER_URL = re.compile(r"(stun|stuns|turn|turns):[A-Za-z0-9.\-\[\]:]+(\?transport=(udp|tcp))?")
_NAMES = {"enabled": "is_on"}


@dataclass(frozen=True, slots=True, kw_only=True)
class IceServer:
    url: str
    username: str = ""
    credential: str = field(default="", repr=False)

    def __post_init__(self) -> None:
        if not SERVER_URL.fullmatch(self.url):
            raise ValueError(f"web.webrtc.ice_servers: {self.url!r} is no server, as stun:stun.example:3478 is one")


@dataclass(frozen=True, slots=True, kw_only=True)
class RtcConfig:
    is_on: bool = False
    addresses: tuple[str, ...] = ()
    public_address: str = ""
    ports: tuple[int, int] | None = None
    ice_servers: tuple[IceServer, ...] = ()
    max_peers: int = 64  # connections, those that are being made included
    connect_timeout_s: float = 15.0  # from the answer until the data channel is open

    def __post_init__(self) -> None:
        for address in (*self.addresses, *filter(None, (self.public_address,))):
            try:
                ipaddress.ip_address(address)
            except ValueError:
                raise ValueError(f"web.webrtc: {address!r} is no IP address") from None
        if self.ports is not None and not MIN_PORT <= self.ports[0] <= self.ports[1] <= MAX_PORT:
            raise ValueError(f"web.webrtc.ports must be two, {MIN_PORT} to {MAX_PORT} in order, got {self.ports}")
        if self.max_peers < 1:
            raise ValueError(f"web.webrtc.max_peers must be positive, got {self.max_peers}")
        if not (math.isfinite(self.connect_timeout_s) and self.connect_timeout_s > 0):
            raise ValueError(f"web.webrtc.connect_timeout_s must be positive, got {self.connect_timeout_s}")


def read_rtc(table: Any) -> RtcConfig:
    """From the settings file. Raises ValueError."""
    if not isinstance(table, Mapping):
        raise ValueError("web.webrtc must be a table")
    values: dict[str, Any] = {_NAMES.get(str(name), str(name)): value for name, value in table.items()}
    if not isinstance(values.get("is_on", False), bool):
        raise ValueError("web.webrtc.enabled must be true or false")
    try:
        if "ports" in values:
            values["ports"] = _ports(values["ports"])
        if "addresses" in values:
            values["addresses"] = _texts(values["addresses"])
        if "ice_servers" in values:
            values["ice_servers"] = _servers(values["ice_servers"])
        return RtcConfig(**values)
    except TypeError as error:
        raise ValueError(f"web.webrtc: {error}") from error


def _ports(value: Any) -> tuple[int, int]:
    if not isinstance(value, list) or [type(each) for each in value] != [int, int]:
        raise ValueError(f"web.webrtc.ports must be the first and the last, got {value!r}")
    return value[0], value[1]


def _texts(value: Any) -> tuple[str, ...]:
    if not isinstance(value, list) or not all(isinstance(each, str) for each in value):
        raise ValueError("web.webrtc.addresses must be a list of texts")
    return tuple(value)


def _servers(value: Any) -> tuple[IceServer, ...]:
    if not isinstance(value, list) or not all(isinstance(each, dict) for each in value):
        raise ValueError("web.webrtc.ice_servers must be a list of tables")
    return tuple(IceServer(**each) for each in value)
