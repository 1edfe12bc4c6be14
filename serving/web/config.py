"""Settings of the HTTP face.

web_port = 8080
[web]
allowed_origins = ["https://game.example"]
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlsplit

from serving.web.rtc.config import RtcConfig, read_rtc

DEFAULT_PORT = 8080
OFF = -1
MAX_PORT = 65_535


@dataclass(frozen=True, slots=True, kw_only=True)
class WebConfig:
    port: int = DEFAULT_PORT  # 0 takes any free one; OFF for none
    # Of web pages that may call beside the service's own: "https://game.example". Those of the loopback always may.
    allowed_origins: tuple[str, ...] = ()
    webrtc: RtcConfig = field(default_factory=RtcConfig)

    head_timeout_s: float = 5.0  # for a request's first line and headers
    body_timeout_s: float = 20.0
    idle_timeout_s: float = 15.0  # of a connection that asks nothing
    close_timeout_s: float = 5.0  # for a client to take the last words, after which its connection is cut

    def __post_init__(self) -> None:
        if not OFF <= self.port <= MAX_PORT:
            raise ValueError(f"web_port must be 0 to {MAX_PORT}, or off, got {self.port}")
        for origin in self.allowed_origins:
            _check_origin(origin)
        for name in ("head_timeout_s", "body_timeout_s", "idle_timeout_s", "close_timeout_s"):
            value = getattr(self, name)
            if not (math.isfinite(value) and value > 0):
                raise ValueError(f"web: {name} must be a positive number of seconds, got {value}")

    @property
    def is_on(self) -> bool:
        return self.port != OFF


def read_port(value: Any) -> int:
    """A number, also as text, or "off". Raises ValueError."""
    if value == "off":
        return OFF
    try:
        return int(value) if isinstance(value, int | str) and not isinstance(value, bool) else int("")
    except ValueError:
        raise ValueError(f'web_port must be 0 to {MAX_PORT}, or "off", got {value!r}') from None


def read_web(table: Any) -> WebConfig:
    """From the settings file, without the port, which stands at the top. Raises ValueError."""
    if not isinstance(table, Mapping) or "port" in table:
        raise ValueError("web must be a table, without a port: that is web_port, at the top")
    values = dict(table)
    origins = values.get("allowed_origins", [])
    if not isinstance(origins, list) or not all(isinstance(each, str) for each in origins):
        raise ValueError("web.allowed_origins must be a list of texts")
    if "webrtc" in values:
        values["webrtc"] = read_rtc(values["webrtc"])
    try:
        return WebConfig(**{**values, "allowed_origins": tuple(origins)})
    except TypeError as error:
        raise ValueError(f"web: {error}") from error


def _check_origin(origin: str) -> None:
    """As browsers write it: RFC 6454, section 6.2. Raises ValueError."""
    parts = urlsplit(origin)
    if parts.scheme not in ("http", "https") or origin != f"{parts.scheme}://{parts.netloc}" or not parts.netloc:
        raise ValueError(f"web.allowed_origins: {origin!r} is no origin, as https://game.example is one")
