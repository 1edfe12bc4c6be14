"""Messages larger than a data channel takes at once, in pieces: a byte says whether more follow. Pure."""

from __future__ import annotations

from collections.abc import Iterator

from serving.errors import InvalidFieldError, MessageTooLargeError

# Receivers take 64 KiB at least (RFC 8841); smaller ones let what else is sent in between.
PIECE_BYTES = 16_384
LAST, MORE = b"\x00", b"\x01"


def pieces_of(message: bytes) -> Iterator[bytes]:
    if len(message) <= PIECE_BYTES:  # nearly all are
        yield LAST + message
        return
    for start in range(0, len(message), PIECE_BYTES):
        end = start + PIECE_BYTES
        yield (MORE if end < len(message) else LAST) + message[start:end]


class Joiner:
    def __init__(self, max_bytes: int) -> None:
        """`max_bytes`: of a message."""
        self._max_bytes = max_bytes
        self._begun = bytearray()

    def add(self, piece: bytes) -> bytes | None:
        """The message that is whole now. Raises `InvalidFieldError` and `MessageTooLargeError`."""
        mark = piece[:1]
        if mark not in (LAST, MORE):
            raise InvalidFieldError("a message's pieces begin with 0, or with 1 where more follow", field="message")
        if len(self._begun) + len(piece) - 1 > self._max_bytes:
            raise MessageTooLargeError(f"the message has more than {self._max_bytes} bytes")
        if mark == LAST and not self._begun:
            return piece[1:]
        self._begun += piece[1:]
        if mark == MORE:
            return None
        message = bytes(self._begun)
        self._begun.clear()
        return message
