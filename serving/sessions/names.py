"""Ids and what is kept of tokens."""

from __future__ import annotations

import hashlib
import re
import secrets

ID_BYTES = 9
REGION = re.compile(r"[a-z][a-z0-9]{0,15}", re.ASCII)
_OF_REGION = re.compile(rf"s-({REGION.pattern})-[0-9a-f]{{{2 * ID_BYTES}}}", re.ASCII)


def new_session_id(region: str = "") -> str:
    """`region`: the only one where anything of it may be kept; none when empty."""
    return f"s-{region}-{secrets.token_hex(ID_BYTES)}" if region else f"s-{secrets.token_hex(ID_BYTES)}"


def region_of(session_id: str) -> str:
    """Empty for a session that may be kept anywhere."""
    of_region = _OF_REGION.fullmatch(session_id)
    return of_region[1] if of_region else ""


def new_world_id() -> str:
    return f"w-{secrets.token_hex(ID_BYTES)}"


def token_sha256(token: str) -> bytes:
    """Enough to know a token again, not enough to use it."""
    return hashlib.sha256(token.encode()).digest()
