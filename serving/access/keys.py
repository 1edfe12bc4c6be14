"""API keys as text: `nacre_<id>_<secret>`. Pure but for the random numbers.

What is kept of a secret is its plain SHA-256. A slow or keyed hash is for secrets that people think up: this one has
256 random bits, which nobody finds by trying, and a keyed one (HMAC) would want another secret on every gateway,
without which a restored catalogue would have no key that works.
"""

from __future__ import annotations

import hashlib
import hmac
import re
import secrets
from dataclasses import dataclass

KEY_PREFIX = "nacre_"
ID_ALPHABET = "abcdefghijkmnopqrstuvwxyz23456789"  # none that is read for another
ID_CHARS = 12
SECRET_BYTES = 32

_KEY = re.compile(rf"{KEY_PREFIX}([{ID_ALPHABET}]{{{ID_CHARS}}})_([A-Za-z0-9_-]{{43}})", re.ASCII)


@dataclass(frozen=True, slots=True, kw_only=True)
class KeySecret:
    """What a key's text says: which key it is, and proof of it."""

    key_id: str
    sha256: bytes

    def fits(self, secret_sha256: bytes) -> bool:
        return hmac.compare_digest(self.sha256, secret_sha256)


@dataclass(frozen=True, slots=True, kw_only=True)
class NewKey:
    text: str  # shown once
    secret: KeySecret

    @classmethod
    def make(cls) -> NewKey:
        key_id = "".join(secrets.choice(ID_ALPHABET) for _ in range(ID_CHARS))
        secret = secrets.token_urlsafe(SECRET_BYTES)
        return cls(text=f"{KEY_PREFIX}{key_id}_{secret}", secret=KeySecret(key_id=key_id, sha256=_sha256(secret)))


def read_key(text: str) -> KeySecret | None:
    """None for what is no key."""
    match = _KEY.fullmatch(text)
    return None if match is None else KeySecret(key_id=match[1], sha256=_sha256(match[2]))


def _sha256(secret: str) -> bytes:
    return hashlib.sha256(secret.encode()).digest()
