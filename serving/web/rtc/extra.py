"""Whether what WebRTC is made with is installed."""

from __future__ import annotations

from importlib.util import find_spec

from serving.web.rtc.config import RtcConfig

NEEDED = ("aiortc", "aioice")


def check_extra(config: RtcConfig) -> None:
    """Raises ValueError where it is on and something is missing."""
    if not config.is_on:
        return
    missing = [name for name in NEEDED if find_spec(name) is None]
    if missing:
        raise ValueError(
            f"web.webrtc is on, and {' and '.join(missing)} is not installed: pip install 'nacre-server[webrtc]', or "
            "set web.webrtc.enabled to false"
        )
