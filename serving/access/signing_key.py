"""The installation's own key, which signs client tokens."""

from __future__ import annotations

import contextlib
import os
import secrets
import stat
from pathlib import Path

KEY_BYTES = 32  # as long as the digest of HS256, RFC 7518 section 3.2
PRIVATE_FILE = 0o600
FILE_NAME = "signing.key"


def load_signing_key(file: Path, *, is_made_here: bool) -> bytes:
    """Read it, or with `is_made_here` make it first. Raises ValueError, or OSError."""
    if is_made_here and not file.exists():
        _make(file)
    try:
        status, text = file.stat(), file.read_text().strip()
    except OSError as error:
        raise ValueError(f"the signing key {file} cannot be read: {error.strerror}") from error
    if is_made_here and stat.S_IMODE(status.st_mode) & 0o077:
        raise ValueError(f"the signing key {file} can be read by others than its owner: chmod 600 it")
    try:
        key = bytes.fromhex(text)
    except ValueError:
        raise ValueError(f"the signing key {file} must be hexadecimal digits, as of `openssl rand -hex 32`") from None
    if len(key) < KEY_BYTES:
        raise ValueError(f"the signing key {file} must be {KEY_BYTES} bytes or more, got {len(key)}")
    return key


def _make(file: Path) -> None:
    """Whole or not at all, and once: the first of several who make it at the same time wins."""
    file.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    draft = file.with_name(f".{file.name}-{secrets.token_hex(4)}")
    descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, PRIVATE_FILE)
    try:
        with os.fdopen(descriptor, "w") as stream:
            stream.write(secrets.token_hex(KEY_BYTES) + "\n")
            stream.flush()
            os.fsync(stream.fileno())
        with contextlib.suppress(FileExistsError):
            os.link(draft, file)
    finally:
        draft.unlink()
