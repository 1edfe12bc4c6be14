"""Tickets that open one recording for a minute: for a link that a browser follows, which can show nothing else.

A ticket is its end and a signature over it and the session, so that every gateway of an installation can read what any
of them gave, and none has to remember it. A browser may use one several times: it asks for a long film in ranges.
"""

from __future__ import annotations

import base64
import hashlib
import hmac

LIFETIME_S = 60.0
# The installation's key signs client tokens too: what is signed here could be none of those.
PURPOSE = b"nacre recording tickets"
SEPARATOR = "."
MAX_CHARS = 128


class Tickets:
    """No I/O, no clock and no state."""

    def __init__(self, signing_key: bytes) -> None:
        self._key = hmac.digest(signing_key, PURPOSE, hashlib.sha256)

    def give(self, session_id: str, now_s: float) -> tuple[str, float]:
        """The ticket, and until when it is good."""
        expires_ms = int((now_s + LIFETIME_S) * 1000)
        return f"{expires_ms}{SEPARATOR}{self._signature(session_id, expires_ms)}", expires_ms / 1000

    def is_good(self, ticket: str, session_id: str, now_s: float) -> bool:
        """Whether it opens that session's recording."""
        expires, _, signature = ticket.partition(SEPARATOR)
        if len(ticket) > MAX_CHARS or not (expires.isascii() and expires.isdecimal() and signature.isascii()):
            return False
        expires_ms = int(expires)
        is_signed = hmac.compare_digest(signature, self._signature(session_id, expires_ms))
        return is_signed and now_s * 1000 < expires_ms

    def _signature(self, session_id: str, expires_ms: int) -> str:
        digest = hmac.digest(self._key, f"{expires_ms}{SEPARATOR}{session_id}".encode(), hashlib.sha256)
        return base64.urlsafe_b64encode(digest).rstrip(b"=").decode()
