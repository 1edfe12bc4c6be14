"""Which of a machine's addresses connections are made by."""

from __future__ import annotations

import ifaddr

from serving.access.config import is_loopback

ANY = ("0.0.0.0", "::", "")
LOOPBACK = "127.0.0.1"


def addresses_of(host: str) -> tuple[str, ...]:
    """Those that a service on `host` listens on: it alone, or all of the machine's for any. Link-local ones of IPv6,
    which need a zone, are left out."""
    if host not in ANY:
        return ("::1" if host == "::1" else LOOPBACK,) if is_loopback(host) else (host,)
    found = [ip.ip for adapter in ifaddr.get_adapters() for ip in adapter.ips]
    named = [ip if isinstance(ip, str) else ip[0] for ip in found]
    return tuple(dict.fromkeys(ip for ip in named if not ip.startswith(("127.", "fe80:")) and ip != "::1")) or (
        LOOPBACK,
    )
