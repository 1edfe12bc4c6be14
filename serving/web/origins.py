"""Which web pages may call. Pure: what a request says of itself goes in, a verdict comes out."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from urllib.parse import urlsplit

from serving.access.config import is_loopback
from serving.errors import OriginRefusedError


@dataclass(frozen=True, slots=True, kw_only=True)
class OriginPolicy:
    allowed_origins: Sequence[str]
    # Where nobody is asked who they are, the name that the service was called by must be one of its own: else a page
    # from elsewhere, whose name leads to our address, would pass for a page of the service.
    knows_callers: bool

    def check(self, host: str, origin: str | None) -> None:
        """`host` and `origin`: the headers; None where there is none. Raises `OriginRefusedError`."""
        if not self.knows_callers and not self._is_own_name(host):
            raise OriginRefusedError(
                "the service was called by a name that is not its own; without authentication it answers to localhost "
                "alone",
                field="host",
            )
        if origin is not None and not self.is_same(host, origin) and not self.is_other_allowed(origin):
            raise OriginRefusedError(
                "pages of this origin may not call the service; its operator can let them, by allowed_origins",
                field="origin",
            )

    def is_same(self, host: str, origin: str) -> bool:
        """Whether the page is the service's own. The scheme may differ: TLS may end before the service."""
        return bool(host) and _netloc(origin).lower() == host.lower()

    def is_other_allowed(self, origin: str) -> bool:
        if origin in self.allowed_origins:
            return True
        return is_loopback(_hostname(_netloc(origin)))

    def _is_own_name(self, host: str) -> bool:
        return is_loopback(_hostname(host)) or any(_netloc(each) == host for each in self.allowed_origins)


def _netloc(origin: str) -> str:
    """Host and port. Empty for what is no origin of a web page."""
    try:
        parts = urlsplit(origin)
    except ValueError:
        return ""
    return parts.netloc if parts.scheme in ("http", "https") else ""


def _hostname(netloc: str) -> str:
    """Without the port. Empty for what is none."""
    try:
        return urlsplit(f"//{netloc}").hostname or ""
    except ValueError:
        return ""
