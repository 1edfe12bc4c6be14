"""The name of each call: in its answer, its errors, its log lines, its spans and the audit.

A client may choose it by the metadata key `x-request-id`; else it is made up here. What the call starts (the tasks
of a stream, a session that it created) goes on under the same id.
"""

from __future__ import annotations

import re
import secrets
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar

REQUEST_ID_KEY = "x-request-id"
REQUEST_ID_PATTERN = re.compile(r"[A-Za-z0-9_-]{1,63}", re.ASCII)

_request_id: ContextVar[str] = ContextVar("request_id", default="")


def current_request_id() -> str:
    """Of the call that is being answered; empty outside of any."""
    return _request_id.get()


@contextmanager
def answering(request_id: str) -> Iterator[None]:
    """For as long as the block runs, and in tasks that it starts."""
    token = _request_id.set(request_id)
    try:
        yield
    finally:
        _request_id.reset(token)


def request_id_of(metadata: Iterable[tuple[str, str | bytes]]) -> str:
    """What the client calls it, where that is a name that can stand in a log line, or a new one."""
    for key, value in metadata:
        if key == REQUEST_ID_KEY and isinstance(value, str) and REQUEST_ID_PATTERN.fullmatch(value):
            return value
    return secrets.token_hex(8)
