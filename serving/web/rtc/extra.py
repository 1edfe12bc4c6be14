"""Whether what WebRTC is made with is installed."""

from __future__ import annotations

from importlib.util import find_spec

NEEDED = ("aiortc", "aioice")


def check_installed() -> None:
    """Raises ValueError."""
    missing = [name for name in NEEDED if find_spec(name) is None]
    if missing:
        raise ValueError(
            f"web.webrtc is on, and {' and '.join(missing)} is not installed: pip install 'nacre-server[webrtc]', or "
            "set web.webrtc.enabled to false"
        )
