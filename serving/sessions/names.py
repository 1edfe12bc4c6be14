"""Ids and what is kept of tokens."""

from __future__ import annotations

import hashlib
import secrets

ID_BYTES = 9


def new_session_id() -> str:
    return f"s-{secrets.token_hex(ID_BYTES)}"


def new_world_id() -> str:
    return f"w-{secrets.token_hex(ID_BYTES)}"


def token_sha256(token: str) -> bytes:
    """Enough to know a token again, not enough to use it."""
    return hashlib.sha256(token.encode()).digest()
